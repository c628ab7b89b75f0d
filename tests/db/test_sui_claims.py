"""The claims file of the SUI, byte by byte: a table of cases for each rule, procedure and answer, and the months that each appears in."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from app.domain.errors import DomainError, MoveRefused
from app.domain.states import AppealKind, NoticeMeans, Outcome, PqrStatus
from app.domain.sui import LoadStatus, SuiFormat, SuiMapKind, SuiRuleKey, SuiWeight
from app.models import Service, SuiCause, SuiLoad, SuiLoadRow, SuiMap, SuiRule
from app.operations import files, reminders, sui, sui_loads
from tests.claims import Claims, instant, void

FOLDER = Path(__file__).parents[1] / "data"
MAY, JUNE, JULY, AUGUST = (date(2026, month, 1) for month in range(5, 9))
REPOSICION, APELACION = AppealKind


@pytest.fixture
def claims(seeded, make) -> Claims:
    return Claims(seeded, make)


def freeze(session, month: date, at: str, service=None, **more) -> SuiLoad:
    service = service or session.scalars(select(Service).where(Service.code == "ACUEDUCTO")).one()
    return sui.freeze_month(session, service, month, at=instant(at), user_id=None, **more)


def body(load: SuiLoad) -> bytes:
    with files.open_file(load.file) as content:
        return content.read()


def rows(load: SuiLoad) -> list[list[str]]:
    return [line.split(",") for line in body(load).decode().splitlines()[1:]]


def judged(session, month: date, code: str = "ACUEDUCTO"):
    service = session.scalars(select(Service).where(Service.code == code)).one()
    return sui.judge(sui.rows_of(session, [service.id], month, sui.rule_book(session)))


def by_number(session, month: date, code: str = "ACUEDUCTO") -> dict[str, sui.Row]:
    service = session.scalars(select(Service).where(Service.code == code)).one()
    return {row.number: row for row in sui.rows_of(session, [service.id], month, sui.rule_book(session))}


def the_table(claims: Claims) -> None:
    """Every procedure (1 to 6), answer (1 to 11) and way of notice, the appeals, and what no file has. Their dates lie around July 2026."""
    home = claims.account("10020-7", "08001", settlement_code="001")
    shop = claims.account("A 55,1")
    billed = {"account": home, "invoice": "900123"}
    # procedure 1, answer 1, in person: its account is in a settlement of Barranquilla
    first = claims.case("2026-07-02", **billed, answered="2026-07-10", outcome=Outcome.GRANTED, number="RES-2026-000101",
                        served="2026-07-14")  # fmt: skip
    # procedure 2, answer 2, by e-mail link; nobody's account
    claims.case("2026-07-03", "QUEJA", "315", answered="2026-07-15", outcome=Outcome.PARTLY, number="RES-2026-000102", served="2026-07-16",
                means=NoticeMeans.E_LINK)  # fmt: skip
    # procedure 3, answer 3, by aviso; the commas and the blanks of its account go
    claims.case("2026-07-06", "DENUNCIA", "303", account=shop, answered="2026-07-17", number="RES-2026-000103", served="2026-07-31",
                means=NoticeMeans.AVISO)  # fmt: skip
    # procedure 6, answer 1, by conduct
    claims.case("2026-07-07", "INFORMACION", "401", account=shop, answered="2026-07-09", outcome=Outcome.GRANTED, number="RES-2026-000104",
                served="2026-07-10", means=NoticeMeans.CONDUCT)  # fmt: skip
    # procedure 4, answer 4: a recurso is a row of its own
    claims.case("2026-07-08", "RECURSO", "102", **billed, answered="2026-07-16", outcome=Outcome.CONFIRMED, number="RES-2026-000105",
                served="2026-07-21", appeal=(REPOSICION, first, None))  # fmt: skip
    # procedure 5, answer 5: its file went to Superservicios
    claims.case("2026-07-09", "RECURSO_APELACION", "102", **billed, answered="2026-07-17", outcome=Outcome.MODIFIED,
                number="RES-2026-000106", served="2026-07-22", appeal=(APELACION, first, "2026-07-24"))  # fmt: skip
    # procedure 5, answer 6: all was granted, so nothing goes there
    claims.case("2026-07-09", "RECURSO_APELACION", "102", **billed, answered="2026-07-21", outcome=Outcome.REVOKED,
                number="RES-2026-000107", served="2026-07-23", appeal=(APELACION, first, None))  # fmt: skip
    # procedure 4, answer 7: inadmissible
    claims.case("2026-07-10", "RECURSO", "309", account=home, answered="2026-07-14", outcome=Outcome.REJECTED, number="RES-2026-000108",
                served="2026-07-15", means=NoticeMeans.AVISO_POSTED, appeal=(REPOSICION, first, None))  # fmt: skip
    # answers 8 and 11, twice
    claims.case("2026-07-13", "RECLAMO_SERVICIO", "316", ended=(PqrStatus.TRANSFERRED, "2026-07-16", "TRA-2026-000009"))
    claims.case("2026-05-20", "RECLAMO_SERVICIO", "304", account=shop, ended=(PqrStatus.WITHDRAWN, "2026-07-15", "DES-2026-000004"))
    claims.case("2026-07-01", "QUEJA", "315", ended=(PqrStatus.ARCHIVED, "2026-07-31", "ARC-2026-000002"))
    # answer 9: the term runs at the end of the month; 10: it ended on its last day
    claims.case("2026-07-28", **billed)
    claims.case("2026-07-09", **billed, due="2026-07-31", answered="2026-08-05", number="RES-2026-000119", served="2026-08-06")
    # answered and not notified by the end of the month: in time it is pending, late it is without answer
    claims.case("2026-07-14", **billed, answered="2026-07-29", number="RES-2026-000110", served="2026-08-04")
    claims.case("2026-06-12", **billed, due="2026-07-07", answered="2026-07-30", number="RES-2026-000111", served="2026-08-10")
    # open three months: without answer in May and June, answered in July
    claims.case("2026-05-25", **billed, due="2026-06-17", answered="2026-07-08", number="RES-2026-000112", served="2026-07-13")
    # of the register of before, under the number that the citizen has
    claims.case("2026-07-15", **billed, source="RAD, 2026/77", answered="2026-07-22", number="RES-2026-000113", served="2026-07-24",
                means=NoticeMeans.DELIVERY)  # fmt: skip


def left_out(claims: Claims) -> None:
    """What July does not have: another kind, another month, another service, a voided number."""
    claims.case("2026-07-08", "SUGERENCIA", None)
    claims.case("2026-06-02", invoice="1", answered="2026-06-10", number="RES-2026-000050", served="2026-06-12")
    claims.case("2026-08-01", invoice="1")
    claims.case("2026-07-08", invoice="1", service=claims.session.scalars(select(Service).where(Service.code == "ASEO")).one())
    void(claims.case("2026-07-08", invoice="1"), "2026-08-02")
    claims.session.flush()


# ── The golden file ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_file_of_july_is_the_golden_one(seeded, claims):
    the_table(claims)
    left_out(claims)

    load = freeze(seeded, JULY, "2026-08-11")

    assert body(load) == (FOLDER / "sui_claims_2026-07.csv").read_bytes()
    assert load.n_rows == 17
    procedures, answers = {row[5] for row in rows(load)}, {row[10] for row in rows(load)}
    assert procedures == set("123456")
    assert answers == {str(code) for code in range(1, 12)}


def test_a_case_open_three_months_is_in_three_files(seeded, claims):
    the_table(claims)
    number = next(n for n, row in by_number(seeded, JULY).items() if row.claim and row.claim.values["answer_number"] == "RES-2026-000112")

    told = {month: by_number(seeded, month)[number].claim.values for month in (MAY, JUNE, JULY)}

    assert [told[month]["answer"] for month in (MAY, JUNE, JULY)] == ["9", "10", "3"]
    assert [told[month]["answered_on"] for month in (MAY, JUNE, JULY)] == ["", "", "08-07-2026"]
    assert number not in by_number(seeded, AUGUST)


def test_what_was_notified_in_august_is_answered_in_august(seeded, claims):
    the_table(claims)
    of_july = {row.claim.facts.answer_number: row.claim.values for row in by_number(seeded, JULY).values() if row.claim}
    of_august = {row.claim.values["answer_number"]: row.claim.values for row in by_number(seeded, AUGUST).values() if row.claim}

    assert [of_july[number]["answer"] for number in ("RES-2026-000110", "RES-2026-000111")] == ["9", "10"]
    assert [of_august[number]["answer"] for number in ("RES-2026-000110", "RES-2026-000111")] == ["3", "3"]
    assert of_august["RES-2026-000110"]["notified_on"] == "04-08-2026"
    assert "RES-2026-000101" not in of_august


def energy(session, make) -> Service:
    """An energy service with the rules of the validator of an energy company: 1 to 5, notice 5 and N in column 16."""
    service = Service(code="ENERGIA", name="Energía", position=9)
    session.add(service)
    session.flush()
    since = date(2022, 1, 1)
    for group, code in (("F", "104"), ("P", "305")):
        session.add(SuiCause(service=service, group_code=group, code=code, name=f"Causa {code}", valid_from=since))
    own = {
        SuiRuleKey.PROCEDURES: ("1,2,3,4,5", SuiWeight.WARNS), SuiRuleKey.NOTICES: ("1,2", SuiWeight.REFUSES),
        SuiRuleKey.NO_NOTICE: ("5", SuiWeight.REFUSES), SuiRuleKey.NO_TRANSFER: ("N", SuiWeight.REFUSES),
        SuiRuleKey.NO_ACCOUNT: ("0", SuiWeight.REFUSES), SuiRuleKey.ENCODING: ("latin-1", SuiWeight.REFUSES),
    }  # fmt: skip
    for key, (value, weight) in own.items():
        session.add(SuiRule(key=key, value=value, weight=weight, service=service, valid_from=since))
    session.add(SuiMap(kind=SuiMapKind.NOTICE_OF_MEANS, member="AVISO", code="2", service=service, valid_from=since))
    session.flush()
    return service


def test_a_service_with_rules_of_its_own_has_its_own_file(seeded, make):
    service = energy(seeded, make)
    claims = Claims(seeded, make, "ENERGIA")
    home = claims.account("NIU 778")
    first = claims.case("2026-07-02", cause="104", account=home, invoice="4411", answered="2026-07-10", number="RES-2026-000201",
                        served="2026-07-14", means=NoticeMeans.AVISO)  # fmt: skip
    claims.case("2026-07-06", "QUEJA", "305")
    claims.case("2026-07-08", "RECURSO_APELACION", "104", account=home, invoice="4411", answered="2026-07-16", outcome=Outcome.CONFIRMED,
                number="RES-2026-000202", served="2026-07-17", appeal=(APELACION, first, "2026-07-22"))  # fmt: skip
    claims.case("2026-07-09", "INFORMACION", "305")  # kind 6: energy does not report it

    load = freeze(seeded, JULY, "2026-08-03", service)

    assert body(load) == (FOLDER / "sui_claims_energy_2026-07.csv").read_bytes()
    assert body(load).startswith("Código DANE".encode("latin-1"))
    assert judged(seeded, JULY, "ENERGIA").unreported == {"Solicitud de información o documentos": 1}


# ── What a month leaves out, and what refuses it ──────────────────────────────────────────────────────────────────────────


def test_what_is_not_reported_is_counted(seeded, claims):
    left_out(claims)

    assert judged(seeded, JULY).n_rows == 0
    assert judged(seeded, JULY).unreported == {"Sugerencia": 1}


def test_cases_without_service_are_in_no_file_and_are_told(seeded, claims):
    from app.models import Pqr

    lost = claims.case("2026-07-08", service=None, cause=None)
    claims.case("2026-07-08", "SUGERENCIA", service=None, cause=None)

    assert seeded.scalars(select(Pqr).where(sui.without_service(JULY))).all() == [lost]


BAD = {
    SuiRuleKey.CAUSE_OF_SERVICE: {"cause": None},
    SuiRuleKey.INVOICE_OF_GROUP: {"invoice": "FE-77"},
    SuiRuleKey.ANSWER_WHOLE: {"invoice": "1", "answered": "2026-07-10", "served": "2026-07-13"},
    SuiRuleKey.RADICADO: {"invoice": "1", "source": "SIN NÚMERO"},
    SuiRuleKey.TRANSFER_OF_APPEAL: {"invoice": "1", "strays": True},
}  # fmt: skip


@pytest.mark.parametrize("key", BAD, ids=lambda key: key.name)
def test_a_bad_row_lets_nothing_leave_and_says_which_rule(seeded, claims, key):
    said = dict(BAD[key])
    if said.pop("strays", False):
        said |= {"type": "RECURSO", "appeal": (APELACION, claims.case("2026-06-01", invoice="1", answered="2026-06-05", number="R-1",
                                                                      served="2026-06-08"), "2026-07-20")}  # fmt: skip
        claims.session.add(SuiMap(kind=SuiMapKind.PROCEDURE_OF_APPEAL, member=APELACION.name, code="4", service=claims.service,
                                  valid_from=date(2026, 1, 1)))  # fmt: skip
    claims.case("2026-07-08", **said)

    found = judged(seeded, JULY)

    assert found.n_bad == 1
    assert {(rule, weight) for rule, weight, _msgid in found.faults if weight == "REFUSES"} == {(key.name, "REFUSES")}
    with pytest.raises(MoveRefused) as refused:
        freeze(seeded, JULY, "2026-08-03")
    assert refused.value.fields == {"n": 1}
    assert seeded.scalar(select(SuiLoad.id)) is None


def test_a_cause_of_another_service_or_out_of_force_is_refused(seeded, claims):
    seeded.add(SuiCause(service=claims.service, group_code="I", code="201", name="Instalación", valid_from=date(2016, 7, 1),
                        valid_until=date(2018, 12, 31)))  # fmt: skip
    seeded.flush()
    claims.case("2026-07-08", cause="201")
    other = Claims(seeded, claims.make, "ASEO")
    other.case("2026-07-08", cause=None, cause_id=claims.cause("303").id)

    assert {rule for rule, _weight, _msgid in judged(seeded, JULY).faults} == {"GROUPS", "CAUSE_OF_SERVICE"}
    assert {rule for rule, _weight, _msgid in judged(seeded, JULY, "ASEO").faults} == {"CAUSE_OF_SERVICE"}


def test_a_rule_that_only_points_out_refuses_nothing(seeded, claims):
    rule = seeded.scalars(select(SuiRule).where(SuiRule.key == SuiRuleKey.INVOICE_OF_GROUP)).one()
    rule.weight = SuiWeight.WARNS
    claims.case("2026-07-08", invoice="FE-77")

    load = freeze(seeded, JULY, "2026-08-03")

    assert [(each["rule"], each["n"], len(each["numbers"])) for each in load.warnings] == [("INVOICE_OF_GROUP", 1, 1)]


def test_a_rule_of_the_service_beats_that_of_all_and_validity_is_by_month(seeded, claims):
    seeded.add(SuiRule(key=SuiRuleKey.NO_ACCOUNT, value="777", weight=SuiWeight.REFUSES, service=claims.service,
                       valid_from=date(2026, 7, 31)))  # fmt: skip
    seeded.flush()
    claims.case("2026-06-29", invoice="1")

    june, july = (next(iter(by_number(seeded, month).values())).claim.values["account"] for month in (JUNE, JULY))

    assert (june, july) == ("0000", "777")


def test_an_answer_without_notice_leaves_as_answered_where_the_rule_says_so(seeded, claims):
    rule = seeded.scalars(select(SuiRule).where(SuiRule.key == SuiRuleKey.UNNOTIFIED)).one()
    rule.value = ""
    claims.case("2026-07-08", invoice="1", answered="2026-07-29", number="R-1", served="2026-08-04")
    claims.case("2026-06-08", invoice="1", answered="2026-06-29", number="R-2", served="2026-07-04")

    found = by_number(seeded, JULY)

    assert [row.claim.values["answer_number"] for row in found.values()] == ["R-1"]
    assert [fault.column for row in found.values() for fault in row.claim.faults] == ["notified_on", "notice"]


def test_the_result_of_superservicios_changes_no_row(seeded, claims):
    first = claims.case("2026-06-02", invoice="1", answered="2026-06-10", number="R-1", served="2026-06-12")
    child = claims.case("2026-07-02", "RECURSO_APELACION", invoice="1", answered="2026-07-10", outcome=Outcome.CONFIRMED, number="R-2",
                        served="2026-07-13", appeal=(APELACION, first, "2026-07-15"))  # fmt: skip
    load = freeze(seeded, JULY, "2026-08-03")
    child.appeal.sspd_result, child.appeal.sspd_result_on, child.appeal.sspd_result_number = Outcome.REVOKED, date(2026, 9, 1), "SSPD-1"
    seeded.flush()

    assert list(sui_loads.differences(seeded, load, sui.lines_of(seeded, claims.service, JULY))) == []


# ── Frozen ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_frozen_month_keeps_its_rows_hash_rules_and_cases(seeded, claims):
    import hashlib

    case = claims.case("2026-07-28", invoice="1")

    load = freeze(seeded, JULY, "2026-08-03")

    kept = seeded.scalars(select(SuiLoadRow).where(SuiLoadRow.load_id == load.id)).all()
    assert [(row.position, row.pqr_id, row.cells[10]) for row in kept] == [(1, case.id, "9")]
    assert hashlib.sha256(body(load)).hexdigest() == load.sha256 == load.file.sha256
    assert load.rules["rules"]["PENDING_ANSWERS"] == "9,10 · REFUSES"
    assert load.rules["headings"][15] == "Fecha de traslado a la SSPD"
    assert (load.status, load.version, load.is_draft) == (LoadStatus.FROZEN, 1, False)
    assert [(pqr.number, other.id) for pqr, other in seeded.execute(sui.loads_with(case.number.lower()))] == [(case.number, load.id)]


def test_a_month_under_way_is_not_frozen(seeded, claims):
    claims.case("2026-07-28", invoice="1")

    with pytest.raises(MoveRefused) as refused:
        freeze(seeded, JULY, "2026-07-31")

    assert refused.value.fields == {"last": "31/07/2026"}


def test_a_month_is_frozen_once_and_again_only_with_the_reason(seeded, claims):
    claims.case("2026-07-28", invoice="1")
    first = freeze(seeded, JULY, "2026-08-03")
    with pytest.raises(MoveRefused) as refused:
        freeze(seeded, JULY, "2026-08-04")
    assert refused.value.field == "reason"
    assert refused.value.fields["on"] == "03/08/2026 10:00"

    second = freeze(seeded, JULY, "2026-08-04", reason="El SUI autorizó reversar, radicado 2026-1")

    assert (first.status, second.version, second.status) == (LoadStatus.REPLACED, 2, LoadStatus.FROZEN)
    assert sui_loads.current(seeded, SuiFormat.CLAIMS, claims.service.id, JULY) is second


def test_a_first_version_replaces_nothing(seeded, claims):
    with pytest.raises(MoveRefused):
        freeze(seeded, JULY, "2026-08-03", reason="Otra vez")


def test_an_empty_month_has_only_its_headings(seeded, claims):
    load = freeze(seeded, JULY, "2026-08-03")

    assert load.n_rows == 0
    assert body(load).count(b"\r\n") == 1


def test_the_receipt_is_told_once_and_in_order(seeded, claims):
    load = freeze(seeded, JULY, "2026-08-03")
    told = {"at": instant("2026-08-05"), "user_id": None}
    for receipt, on in (("", date(2026, 8, 5)), ("SUI-1", date(2026, 8, 6)), ("SUI-1", date(2026, 8, 2))):
        with pytest.raises(MoveRefused):
            sui_loads.record_receipt(seeded, load, receipt, on=on, **told)

    sui_loads.record_receipt(seeded, load, "SUI-1", on=date(2026, 8, 4), **told)

    assert (load.status, load.sent_on, load.receipt) == (LoadStatus.SENT, date(2026, 8, 4), "SUI-1")
    with pytest.raises(MoveRefused):
        sui_loads.record_receipt(seeded, load, "SUI-2", on=date(2026, 8, 5), **told)


def test_later_corrections_are_differences_row_by_row_and_cell_by_cell(seeded, claims):
    changed = claims.case("2026-07-08", invoice="1")
    gone = claims.case("2026-07-09", invoice="2")
    same = claims.case("2026-07-10", invoice="3")
    load = freeze(seeded, JULY, "2026-08-03")
    before = body(load)
    changed.invoice_number = "55"
    void(gone, "2026-08-04")
    added = claims.case("2026-07-30", invoice="4")
    claims.answer(same, "2026-08-05", Outcome.DENIED, "R-9", "2026-08-06")  # after the month: no difference

    found = list(sui_loads.differences(seeded, load, sui.lines_of(seeded, claims.service, JULY)))

    assert [(each.change.name, each.line.pqr_id, each.changed) for each in found] == [
        ("CHANGED", changed.id, (9,)), ("ADDED", added.id, ()), ("GONE", gone.id, ()),
    ]  # fmt: skip
    assert (found[0].before[9], found[0].after[9]) == ("1", "55")
    assert body(load) == before


def test_who_signs_is_told_of_a_month_until_the_sui_acknowledged_it(seeded, claims, make):
    make.user("Subgerente administrativo y comercial")

    def told(at: str) -> set[tuple[str, date]]:
        source = reminders.SOURCES["SUI_CLAIMS"]
        return {(each.row.key, each.term.due_on) for each in reminders.due(seeded, instant(at)) if each.source is source}

    assert told("2026-08-18") == set()  # a house that reports nothing here
    make.frozen_month("ACUEDUCTO", JUNE, at=instant("2026-07-03"))
    assert told("2026-08-18") == {("ACUEDUCTO 2026-07", date(2026, 8, 15))}
    load = freeze(seeded, JULY, "2026-08-18")
    assert told("2026-08-18") == {("ACUEDUCTO 2026-07", date(2026, 8, 15))}

    sui_loads.record_receipt(seeded, load, "SUI-1", on=date(2026, 8, 18), at=instant("2026-08-18"), user_id=None)

    assert told("2026-08-18") == set()


def test_a_letter_that_the_encoding_has_not_is_refused(seeded, claims):
    rule = seeded.scalars(select(SuiRule).where(SuiRule.key == SuiRuleKey.ENCODING)).one()
    rule.value = "latin-1"
    claims.case("2026-07-08", invoice="1", account=claims.account("Ω-1"))
    with pytest.raises(MoveRefused) as refused:
        freeze(seeded, JULY, "2026-08-03")
    assert refused.value.fields["letter"] == "Ω"

    rule.value = "ebcdic"
    with pytest.raises(DomainError):
        freeze(seeded, JULY, "2026-08-03")


def test_a_month_costs_the_same_statements_with_one_case_or_forty(seeded, claims, count_statements):
    book = sui.rule_book(seeded)

    def cost() -> int:
        with count_statements() as statements:
            sui.judged_by_service(seeded, [claims.service.id], JULY, book, 1000)
        return len(statements)

    claims.case("2026-07-08", invoice="1")
    one = cost()
    for _n in range(40):
        claims.case("2026-07-08", invoice="1", answered="2026-07-10", number=f"R-{_n}", served="2026-07-13")

    assert (one, cost()) == (1, 1)
    assert sui.judged_by_service(seeded, [claims.service.id], JULY, book, 40) == {}
