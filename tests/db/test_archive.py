"""An archive holds what its scope says, all of it and nothing else, and can be read back without this program."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask_appbuilder import Model
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.documents.receipts import receipt_of
from app.domain.campaigns import AnswerVia
from app.domain.errors import DomainError
from app.domain.questionnaires import Audience
from app.domain.states import ConsentKind, Identity, InboundStatus, Visibility
from app.models import (
    Consent,
    ConsentText,
    InboundMessage,
    Note,
    Notice,
    OutboxMessage,
    Party,
    PartyContact,
    Pqr,
    SurveyInvitee,
    SurveyResponse,
)
from app.operations import archive, messages, pqr, survey_answers
from app.operations.files import store_file
from app.operations.openformat import PARTS, SHEETS, SPOKEN, TABLES_LEFT_OUT
from tests.db import world
from tests.factories import Factory

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
TABLES = {table.name: table for table in Model.metadata.sorted_tables}


class Read:
    """An archive as somebody without this program reads it: every entry checked against the control sums."""

    def __init__(self, content: bytes) -> None:
        self.zip = zipfile.ZipFile(io.BytesIO(content))
        assert self.zip.testzip() is None
        self.names = self.zip.namelist()
        assert len(set(self.names)) == len(self.names)
        self.manifest = json.loads(self.zip.read("manifest.json"))
        self.sums = dict(reversed(line.split("  ", 1)) for line in self.zip.read("SHA256SUMS").decode().splitlines())
        assert set(self.sums) == set(self.names) - {"manifest.json", "SHA256SUMS"}
        for name, digest in self.sums.items():
            assert hashlib.sha256(self.zip.read(name)).hexdigest() == digest
        for name, told in self.manifest["tables"].items():
            assert told["sha256"] == self.sums[f"data/{name}.jsonl"]
            assert told["rows"] == len(self.rows(name))

    def rows(self, name: str) -> list[dict[str, Any]]:
        entry = f"data/{name}.jsonl"
        return [json.loads(line) for line in self.zip.read(entry).decode().splitlines()] if entry in self.names else []

    def everything_said(self) -> str:
        return "\n".join(self.zip.read(name).decode() for name in self.names if not name.startswith("files/"))


def written(session: Session, scope: archive.Scope, **more: Any) -> tuple[Read, archive.Summary]:
    out = io.BytesIO()
    summary = archive.write(session, out, scope, AT, **more)
    return Read(out.getvalue()), summary


# ── The columns ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("table", [name for name in TABLES if name not in TABLES_LEFT_OUT])
def test_every_column_leaves_or_stays_and_somebody_decided(table: str) -> None:
    """A new column is in no list: decide whether it goes into the archive, and whether a person gets it (app/operations/openformat.py)."""
    sheet = SHEETS[table]
    kept, left_out = list(sheet.columns), list(sheet.left_out)

    assert sorted(kept + left_out) == sorted(column.name for column in TABLES[table].columns)
    assert set(sheet.of_person) <= set(kept)


def test_every_table_leaves_or_stays() -> None:
    assert set(SHEETS) | (set(TABLES_LEFT_OUT) - {"alembic_version"}) == set(TABLES)
    assert not set(SHEETS) & set(TABLES_LEFT_OUT)
    assert {whole for _, whole in PARTS.values()} <= set(SHEETS)
    assert set(SPOKEN) <= set(SHEETS)


def test_nothing_that_opens_or_signs_leaves() -> None:
    from app.audit import SECRET

    kept = {column for sheet in SHEETS.values() for column in sheet.columns}
    assert not kept & (SECRET | {"key_hash", "lookup_hash", "registration_hash", "storage_key", "submission"})


def test_no_column_of_a_person_names_one_of_the_staff() -> None:
    staff = {
        f"{table.name}.{element.parent.name}"
        for table in TABLES.values()
        for constraint in table.foreign_key_constraints
        for element in constraint.elements
        if element.column.table.name == "ab_user"
    }
    given = {f"{name}.{column}" for name, sheet in SHEETS.items() for column in sheet.of_person}

    assert not given & staff
    assert not [name for name in ("note", "assignment", "change_log", "ab_user", "answer_point", "reminder") if SHEETS[name].person]


# ── Everything ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_reads_back_as_the_database_has_it(session: Session) -> None:
    """A row of each table: the same number of rows, the same primary keys, the same values."""
    world.build(session)
    session.flush()
    read, summary = written(session, archive.of_everything())

    for name, sheet in SHEETS.items():
        table = TABLES[name]
        stored = session.execute(select(*(table.c[column] for column in sheet.columns)).order_by(*table.primary_key.columns)).all()
        rows = read.rows(name)
        assert len(rows) == len(stored) == summary.rows[name]
        for row, kept in zip(rows, stored, strict=True):
            plain = {column: archive._plain(value) for column, value in kept._mapping.items()}
            plain |= {column: archive.without_secrets(plain[column]) for column in SPOKEN.get(name, ()) if name != "change_log"}
            told = set(sheet.columns) - ({"before", "after"} if name == "change_log" else set())
            assert {column: row[column] for column in told} == {column: plain[column] for column in told}
    assert set(read.manifest["tables"]) == set(SHEETS)
    assert read.manifest["left_out"]["tables"] == TABLES_LEFT_OUT


def test_control_sums_of_the_money_are_equal(session: Session) -> None:
    world.build(session)
    session.flush()
    read, _ = written(session, archive.of_everything())
    pqr_table = TABLES["pqr"]
    asked = session.scalar(select(func.sum(pqr_table.c.disputed_cop)))

    assert sum(Decimal(row["disputed_cop"]) for row in read.rows("pqr")) == asked
    owed = session.scalar(select(func.sum(TABLES["instalment"].c.principal_cop)))
    assert sum(row["principal_cop"] for row in read.rows("instalment")) == owed


def test_the_same_state_is_the_same_bytes(seeded: Session, make: Factory) -> None:
    case = make.case()
    store_file(seeded, b"hola", "hola.txt", "text/plain", case)
    first, second = io.BytesIO(), io.BytesIO()
    archive.write(seeded, first, archive.of_everything(), AT)
    archive.write(seeded, second, archive.of_everything(), AT)

    assert first.getvalue() == second.getvalue()


def test_a_file_goes_in_once_and_under_its_sha256(seeded: Session, make: Factory) -> None:
    case = make.case()
    for name in ("uno.txt", "../../otro.txt"):
        store_file(seeded, b"el mismo texto", name, "text/plain", case)
    read, summary = written(seeded, archive.of_everything())

    digest = hashlib.sha256(b"el mismo texto").hexdigest()
    paths = {row["path"] for row in read.rows("stored_file") if row["pqr_id"] == case.id}
    assert paths == {f"files/{digest[:2]}/{digest}.txt"}
    assert read.zip.read(paths.pop()) == b"el mismo texto"
    assert summary.n_files == len([name for name in read.names if name.startswith("files/")])
    assert summary.missing == []


def test_what_the_store_lost_or_changed_is_said_and_stops_nothing(seeded: Session, make: Factory) -> None:
    case = make.case()
    lost = store_file(seeded, b"perdido", "perdido.txt", "text/plain", case)
    changed = store_file(seeded, b"cambiado", "cambiado.txt", "text/plain", case)
    good = store_file(seeded, b"entero", "entero.txt", "text/plain", case)
    lost.storage_key, changed.sha256 = "no/hay", "0" * 64
    seeded.flush()
    read, summary = written(seeded, archive.of_cases(case.number, [case.id]))

    assert [(each["name"], each["why"]) for each in summary.missing] == [
        ("perdido.txt", "not in the store"), ("cambiado.txt", "not what was stored"),
    ]  # fmt: skip
    assert read.manifest["missing"] == summary.missing
    assert archive.path_of(good.sha256, good.media_type) in read.names


# ── Secrets ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_key_token_or_password_is_anywhere(seeded: Session, make: Factory, a_user: Callable[..., Any]) -> None:
    user = a_user("Admin")
    user.password = "pbkdf2:never-to-be-read"
    case = make.case(is_e_notice=True, notice_email="luz@example.com", at=AT)
    messages.tell_filed(seeded, case, AT)
    receipt = receipt_of(seeded, case, AT)
    notice = Notice(pqr_id=case.id, means="E_LINK", address="luz@example.com", token="t0ken-that-opens-the-notice", sent_at=AT)
    seeded.add(notice)
    seeded.add(Note(pqr_id=case.id, body=f"Escribió: mi clave es {case.access_key} y http://localhost/n/t0ken-that-opens-the-notice"))
    seeded.flush()
    assert case.access_key in seeded.scalars(select(OutboxMessage.body).where(OutboxMessage.pqr_id == case.id)).one()

    for scope in (archive.of_everything(), archive.of_cases(case.number, [case.id]), archive.of_person([case.party_id])):
        read, _ = written(seeded, scope)
        said = read.everything_said()
        assert case.number in said
        for secret in (case.access_key, "t0ken-that-opens", "never-to-be-read", receipt.file.storage_key):
            assert secret not in said
        assert not [name for name in read.names if receipt.file.sha256 in name], "the printed receipt carries the key"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Clave 7QK2-M9XD-04TV-HB8N.", "Clave •••."),
        ("http://localhost/n/abcdefghij-klmnop?x=1", "http://localhost/n/•••?x=1"),
        ("https://example.com/calificar/eyJwIjoxfQ.aXcD_f.x-y~z1234 gracias", "https://example.com/calificar/••• gracias"),
        ("http://localhost/pqr/consulta?n=PQR-2026-000123", "http://localhost/pqr/consulta?n=PQR-2026-000123"),
        ("http://localhost/pqr/PQR-2026-000123", "http://localhost/pqr/PQR-2026-000123"),
        ("1234-5678", "1234-5678"),
    ],
)
def test_keys_and_links_are_struck_out_of_texts(said: str, kept: str) -> None:
    assert archive.without_secrets(said) == kept


# ── One case ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_case_brings_what_hangs_on_it_and_what_it_refers_to_and_nobody_else(seeded: Session, make: Factory) -> None:
    other = make.case(subject="De otra persona", party=make.party(name="Otra Persona", document_number="99887766"))
    store_file(seeded, b"ajeno", "ajeno.txt", "text/plain", other)
    case = make.case(subject="Fuga", account=make.account())
    mine = store_file(seeded, b"mio", "mio.txt", "text/plain", case)
    seeded.add(Note(pqr_id=case.id, body="Llamar mañana"))
    pqr.route(seeded, case, make.process("TECNICA"), "Es de su área", at=case.filed_at, actor_id=make.user("Auxiliar PQR").id)
    seeded.flush()
    read, summary = written(seeded, archive.of_cases(case.number, [case.id]))

    assert [row["number"] for row in read.rows("pqr")] == [case.number]
    assert [row["name"] for row in read.rows("party")] == [case.party.name]
    assert [row["number"] for row in read.rows("account")] == [case.account.number]
    assert len(read.rows("case_event")) == len(case.events)
    assert [row["body"] for row in read.rows("note")] == ["Llamar mañana"]
    assert {row["code"] for row in read.rows("process")} == {"TECNICA", make.process().code} | {case.events[0].process.code}
    assert {row["table_name"] for row in read.rows("change_log")} >= {"pqr", "note"}
    assert [name for name in read.names if name.startswith("files/")] == [archive.path_of(mine.sha256, "text/plain")]
    assert "Otra Persona" not in read.everything_said()
    assert "De otra persona" not in read.everything_said()
    assert summary.n_rows == sum(each["rows"] for each in read.manifest["tables"].values())
    for name in read.manifest["tables"]:
        _check_references(read, name)


def _check_references(read: Read, name: str) -> None:
    """What a row refers to is in the archive too, unless its table stays or the row refers to one of its own kind."""
    for constraint in TABLES[name].foreign_key_constraints:
        for element in constraint.elements:
            target, column = element.column.table.name, element.parent.name
            if target in (name, *TABLES_LEFT_OUT) or not element.column.primary_key or column not in SHEETS[name].columns:
                continue
            there = {row[element.column.name] for row in read.rows(target)}
            assert {row[column] for row in read.rows(name)} - {None} <= there, f"{name}.{column}"


# ── One person ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def luz(seeded: Session, make: Factory) -> Party:
    """A party with an account, a consent and two cases, one of them reserved."""
    party = make.party(name="Luz Marina", document_number="52111222", email="luz@example.com")
    account = make.account(party=party)
    make.account(number="777", party=make.party(name="Vecino Ajeno", document_number="10101010"))
    first = make.case(party=party, account=account, subject="Cobro")
    make.case(party=party, identity=Identity.RESERVED, subject="Denuncia")
    make.case(party=make.party(name="Vecino Ajeno Dos", document_number="20202020"), account=account, subject="Queja del vecino")
    text_id = seeded.scalars(select(ConsentText.id)).first()
    seeded.add(Consent(party_id=party.id, text_id=text_id, granted_at=AT))
    store_file(seeded, b"foto", "foto.txt", "text/plain", first, Visibility.CITIZEN)
    store_file(seeded, b"borrador interno", "interno.txt", "text/plain", first, Visibility.STAFF)
    seeded.add(Note(pqr_id=first.id, body="NOTA INTERNA"))
    pqr.route(seeded, first, make.process("TECNICA"), "RAZON INTERNA", at=first.filed_at, actor_id=make.user("Auxiliar PQR").id)
    messages.tell_filed(seeded, first, AT)
    seeded.flush()
    return party


def test_a_person_gets_what_is_held_about_him(seeded: Session, luz: Party) -> None:
    read, _ = written(seeded, archive.of_person([luz.id]))

    assert [row["document_number"] for row in read.rows("party")] == ["52111222"]
    assert {row["subject"] for row in read.rows("pqr")} == {"Cobro", "Denuncia"}
    assert len(read.rows("account")) == 1
    assert len(read.rows("consent")) == len(seeded.scalars(select(Consent).where(Consent.party_id == luz.id)).all())
    assert [row["to_address"] for row in read.rows("outbox_message")] == ["luz@example.com"]
    assert {row["name"] for row in read.rows("stored_file")} == {"foto.txt"}
    assert read.rows("request_type")
    assert read.rows("process")


def test_a_person_gets_nothing_internal_and_nobody_else(seeded: Session, luz: Party) -> None:
    read, _ = written(seeded, archive.of_person([luz.id]))
    said = read.everything_said()

    for hidden in ("NOTA INTERNA", "RAZON INTERNA", "Vecino", "10101010", "Queja del vecino", "interno.txt", "created_by_id", "actor_id"):
        assert hidden not in said
    assert read.rows("note") == read.rows("ab_user") == read.rows("change_log") == []
    contents = [read.zip.read(name) for name in read.names if name.startswith("files/")]
    assert contents == [b"foto"]


def test_a_person_gets_the_letters_he_wrote_and_not_those_of_others_about_him(seeded: Session, luz: Party) -> None:
    case = seeded.scalars(select(Pqr).where(Pqr.party_id == luz.id, Pqr.identity == Identity.NAMED)).one()
    facts = {"sha256": "0" * 64, "received_at": AT, "pqr_id": case.id, "ground": "STRANGER", "status": InboundStatus.QUARANTINED}
    seeded.add(InboundMessage(message_id="<1@x>", from_address="vecino@example.com", body="CUENTO DEL VECINO", **facts))
    seeded.add(InboundMessage(message_id="<2@x>", from_address="luz@example.com", body="Lo que escribí", **facts | {"pqr_id": None}))
    seeded.flush()

    read, _ = written(seeded, archive.of_person([luz.id]))

    assert [row["body"] for row in read.rows("inbound_message")] == ["Lo que escribí"]
    assert "CUENTO DEL VECINO" not in read.everything_said()


def test_a_person_gets_what_was_offered_and_signed_and_himself_as_a_contact_but_no_draft(
    seeded: Session, luz: Party, make: Factory
) -> None:
    company = make.party(name="Empresa Ajena", email="empresa@example.com")
    seeded.add_all([
        PartyContact(party=company, name="Luz en la empresa", email="Luz@example.com"),
        PartyContact(party=company, name="Colega Ajeno", email="colega@example.com"),
        PartyContact(party=luz, name="Sobrino Ajeno", phone="+573001234567"),
    ])  # fmt: skip
    sent, _draft = make.quotation(party=luz, subject="Acometida"), make.quotation("DRAFT", party=luz, subject="BORRADOR INTERNO")
    signed, _written = make.contract(party=luz, object="Suministro"), make.contract(party=luz, stage="DRAFT", object="CONTRATO EN BORRADOR")
    make.contract(party=company, object="DE LA EMPRESA")
    seeded.flush()

    read, _ = written(seeded, archive.of_person([luz.id]))

    assert [row["number"] for row in read.rows("quotation")] == [sent.number]
    assert [row["number"] for row in read.rows("quotation_version")] == [1]
    assert [row["description"] for row in read.rows("quotation_line")] == ["Análisis de agua"]
    assert [row["number"] for row in read.rows("contract")] == [signed.number]
    assert len(read.rows("contract_requirement")) == 3
    assert [row["name"] for row in read.rows("party_contact")] == ["Luz en la empresa"]
    for hidden in ("BORRADOR", "Ajeno", "DE LA EMPRESA", "Empresa Ajena"):
        assert hidden not in read.everything_said()


def test_a_person_is_found_by_document(seeded: Session, luz: Party, make: Factory) -> None:
    assert archive.parties_named(seeded, " 52.111.222 ") == [luz]
    assert archive.parties_named(seeded, "CC 52111222") == [luz]
    with pytest.raises(DomainError, match="Nobody"):
        archive.parties_named(seeded, "CE 52111222")
    from app.domain.states import DocumentType

    make.party(name="Otro", document_type=DocumentType.CE, document_number="52111222")
    with pytest.raises(DomainError, match="CC, CE"):
        archive.parties_named(seeded, "52111222")
    assert archive.parties_named(seeded, "CC-52111222") == [luz]


def test_reading_an_archive_writes_nothing(seeded: Session, luz: Party, count_statements: Callable[..., Any]) -> None:
    seeded.flush()
    with count_statements() as statements:
        written(seeded, archive.of_person([luz.id]))
        written(seeded, archive.of_everything())

    assert statements
    assert [statement for statement in statements if not statement.lstrip().startswith("SELECT")] == []


def test_a_person_gets_the_surveys_asked_of_him_and_only_the_answers_that_bear_his_name(seeded: Session, make: Factory) -> None:
    mine, other = (make.party(name=name, phone=f"+57300555112{n}") for n, name in enumerate(("Ana", "Luz")))
    for party in (mine, other):
        make.account(party=party)
    version = make.questionnaire("R10-ARCHIVO", at=AT, audience=Audience.USERS)
    campaign = make.campaign(version, at=AT)
    for invitee in seeded.scalars(select(SurveyInvitee)).all():
        response = survey_answers.begin(seeded, campaign, via=AnswerVia.LINK, at=AT, invitee=invitee)
        survey_answers.save(seeded, response, {"P1": "2", "P3": "7"}, at=AT)
    survey_answers.opt_out(seeded, other.id, via=AnswerVia.PHONE, at=AT)

    unnamed, _ = written(seeded, archive.of_person([mine.id]))
    assert [row["name"] for row in unnamed.rows("survey_invitee")] == ["Ana"]
    assert not unnamed.rows("survey_answer") and not unnamed.rows("survey_response") and not unnamed.rows("survey_opt_out")

    text = ConsentText(kind=ConsentKind.SURVEY_NAME, version=99, text="Mi nombre al lado", valid_from=AT.date())
    seeded.add(text)
    for response in seeded.scalars(select(SurveyResponse)).all():
        response.is_named, response.consent_text = True, text
    seeded.flush()
    named, _ = written(seeded, archive.of_person([mine.id]))
    assert [row["score"] for row in named.rows("survey_answer")] == [2, 7]
    assert len(named.rows("survey_response")) == 1
