"""Files brought in: what a check says, what an import writes, what a second time does, what a failure leaves."""

from __future__ import annotations

import csv
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.domain.states import AccountUse, DocumentType, ImportStatus, PartyKind
from app.importing import market, runs
from app.importing.kinds import KINDS
from app.importing.reading import FileRefused
from app.models import (
    Account,
    ChangeLog,
    ImportBatch,
    ImportMapping,
    Invoice,
    MarketClaim,
    Municipality,
    OutboxMessage,
    Party,
    PastRecord,
    SearchDoc,
)
from app.operations import files

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
REAL = os.environ.get("ATIENDE_REAL_DATA")


def table(*rows: tuple[Any, ...], delimiter: str = ";", encoding: str = "utf-8") -> bytes:
    out = StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


def receive(session, kind: str, content: bytes, source: str = "HASSQL", name: str = "export.csv") -> ImportBatch:
    checked = files.hold_upload(name, BytesIO(content), "text/csv", most=60_000_000)
    batch = runs.receive(session, KINDS[kind], source, checked, AT)
    session.flush()
    return batch


def confirm(session, batch: ImportBatch, **options: str) -> None:
    """Accept the mapping that the file suggests."""
    mapping = {int(column): name for column, name in batch.mapping.items()}
    runs.save_mapping(session, batch, mapping, batch.value_map, options, AT)


def check(session, batch: ImportBatch) -> None:
    runs.keep_check(session, batch, runs.look_through(session, batch, AT, None))


def bring(session, batch: ImportBatch, **more: Any) -> ImportBatch:
    """Check and import, as the two jobs do."""
    check(session, batch)
    runs.begin_import(session, batch, job_id=None)
    session.commit()
    runs.bring_in(session, batch, AT, None, **more)
    session.expire_all()
    return batch


def counts(batch: ImportBatch) -> tuple[int, int, int, int, int]:
    return batch.n_rows, batch.n_new, batch.n_changed, batch.n_same, batch.n_bad


def n_of(session, model: Any) -> int:
    return session.scalar(select(func.count()).select_from(model))


ACCOUNTS = (
    ("LISTADO DE SUSCRIPTORES", "", "", "", "", "", "", ""),
    ("No. Cuenta", "Servicio", "C.C. o NIT", "Nombre del suscriptor", "Dirección predio", "Estrato", "Uso", "Estado"),
    ("00104233", "Acueducto", "52.345.678", "LUZ MARINA ROJAS", "CL 5 # 6-7", "3", "Residencial", "Activo"),
    ("00104234", "Acueducto", "900123456", "PANADERÍA LA ESPIGA SAS", "KR 1 # 2-3", "", "Comercial", "Activo"),
    ("00104235", "Alcantarilado", "", "", "KR 9 # 9-9", "2", "Residencial", "Retirado"),
    ("00104233", "Acueducto", "52.345.678", "LUZ MARINA ROJAS", "CL 5 # 6-7", "3", "Residencial", "Activo"),
    ("Total", "", "", "", "", "", "", "4"),
)


def test_an_export_of_accounts_becomes_accounts_with_their_holders(seeded):
    batch = receive(seeded, "accounts", table(*ACCOUNTS, encoding="cp1252"))
    confirm(seeded, batch)
    check(seeded, batch)

    assert batch.reading["notes"] == {"encoding": "cp1252", "delimiter": "semicolon"}
    assert (batch.header_row, batch.n_header_rows) == (1, 1)
    assert counts(batch) == (4, 2, 0, 0, 2)
    assert batch.reading["unknown"] == {"service": {"Alcantarilado": 1}, "use": {}}
    assert [number for number, _words in batch.reading["bad"]] == [5, 6]
    assert n_of(seeded, Account) == n_of(seeded, Party) == 0, "a check writes nothing"

    options = KINDS["accounts"].options(seeded)["service"]
    sewer = next(option for option in options if option.label == "Alcantarillado")
    runs.save_mapping(seeded, batch, {int(c): n for c, n in batch.mapping.items()}, {"service": {"alcantarilado": str(sewer.key)}}, {}, AT)
    bring(seeded, batch)

    assert batch.status is ImportStatus.DONE
    assert counts(batch) == (4, 3, 0, 0, 1)
    luz = seeded.scalars(select(Account).where(Account.number == "00104233")).one()
    assert (luz.party.name, luz.party.document_number, luz.stratum, luz.use, luz.is_active) == (
        "LUZ MARINA ROJAS", "52345678", 3, AccountUse.RESIDENTIAL, True)  # fmt: skip
    bakery = seeded.scalars(select(Account).where(Account.number == "00104234")).one()
    assert (bakery.party.document_type, bakery.party.document_number, bakery.party.kind) == (
        DocumentType.NIT, "9001234568", PartyKind.ORGANISATION)  # fmt: skip
    gone = seeded.scalars(select(Account).where(Account.number == "00104235")).one()
    assert (gone.service.name, gone.party_id, gone.is_active) == ("Alcantarillado", None, False)


def test_what_came_in_is_found_by_its_words_and_nobody_is_told(seeded):
    batch = receive(seeded, "accounts", table(*ACCOUNTS[1:4]))
    confirm(seeded, batch)
    bring(seeded, batch)

    assert seeded.scalar(select(func.count()).where(SearchDoc.kind == "account")) == 2
    assert seeded.scalar(select(func.count()).where(SearchDoc.kind == "party")) == 2
    assert n_of(seeded, OutboxMessage) == 0
    lines = seeded.scalars(select(ChangeLog).where(ChangeLog.table_name == "import_batch", ChangeLog.action == "import")).all()
    assert [line.after["n_new"] for line in lines] == [2]
    assert seeded.scalar(select(func.count()).where(ChangeLog.table_name.in_(("account", "party")))) == 0


def test_the_same_file_again_doubles_nothing_and_tells_what_changed(seeded):
    first = receive(seeded, "accounts", table(*ACCOUNTS[1:4]))
    confirm(seeded, first)
    bring(seeded, first)
    again = receive(seeded, "accounts", table(*ACCOUNTS[1:4]))
    bring(seeded, again)
    moved = (*ACCOUNTS[1:3], (*ACCOUNTS[3][:4], "KR 1 # 2-33", *ACCOUNTS[3][5:]))
    third = receive(seeded, "accounts", table(*moved))
    bring(seeded, third)

    assert counts(again) == (2, 0, 0, 2, 0)
    assert counts(third) == (2, 0, 1, 1, 0)
    assert n_of(seeded, Account) == n_of(seeded, Party) == 2
    bring(seeded, third)
    assert counts(third) == (2, 0, 0, 2, 0), "a batch may be run again"


def test_an_account_keeps_its_zone_unless_the_file_says_another(seeded):
    head = ("No. Cuenta", "Servicio", "Dirección", "Zona")
    for written, kept in (("Sector norte", "Sector norte"), ("", "Sector norte"), ("Sector sur", "Sector sur")):
        batch = receive(seeded, "accounts", table(head, ("104", "Acueducto", "CL 5 # 6-7", written)))
        confirm(seeded, batch)
        bring(seeded, batch)

        assert seeded.scalars(select(Account.zone).where(Account.number == "104")).all() == [kept]


def test_an_account_keeps_its_settlement_and_gets_back_the_zeros_a_sheet_lost(seeded):
    head = ("No. Cuenta", "Servicio", "Dirección", "Centro poblado")
    for written, kept in ((None, None), (7, "007"), ("", "007"), ("012", "012")):
        batch = receive(seeded, "accounts", table(head, ("104", "Acueducto", "CL 5 # 6-7", written)))
        confirm(seeded, batch)
        bring(seeded, batch)

        assert seeded.scalars(select(Account.settlement_code).where(Account.number == "104")).all() == [kept]


def test_an_empty_cell_erases_nothing(seeded, make):
    luz = make.party(document_number="52345678", name="Luz Rojas", phone="+573001234567", email="luz@example.com")
    batch = receive(seeded, "parties", table(("Cédula", "Nombre", "Correo", "Teléfono"), ("52345678", "Luz Rojas", "", "310 555 1234")))
    confirm(seeded, batch)
    bring(seeded, batch)
    seeded.expire_all()

    assert counts(batch) == (1, 0, 1, 0, 0)
    assert (luz.phone, luz.email) == ("+573105551234", "luz@example.com")


def test_a_document_with_another_name_is_something_to_look_at(seeded, make):
    make.party(document_number="52345678", name="Luz Marina Rojas")
    same = ("No. Cuenta", "Servicio", "C.C. o NIT", "Titular", "Dirección")
    rows = (same, ("1", "Acueducto", "52345678", "ROJAS LUZ MARINA", "CL 1"), ("2", "Acueducto", "52345678", "PEDRO PÁEZ", "CL 2"))
    batch = receive(seeded, "accounts", table(*rows))
    confirm(seeded, batch)
    bring(seeded, batch)

    assert counts(batch) == (2, 2, 0, 0, 0)
    assert [number for number, _words in batch.reading["doubts"]] == [3]
    assert seeded.scalars(select(Party.name)).all() == ["Luz Marina Rojas"], "an account renames nobody"


def test_parties_are_checked_by_the_rules_of_the_counter(seeded):
    rows = (
        ("Tipo doc", "Documento", "DV", "Razón social", "E-mail", "Celular"),
        ("NIT", "890903938", "8", "Bancolombia S.A.", "hola@example.com", "3001234567"),
        ("NIT", "890903938", "7", "Otro dígito", "", ""),
        ("CC", "12", "", "Muy corta", "", ""),
        ("CC", "1020304050", "", "Ana Gil", "no es correo", "12"),
        ("CC", "1.020.304.050", "", "Ana Gil otra vez", "", ""),
    )
    batch = receive(seeded, "parties", table(*rows))
    confirm(seeded, batch)
    bring(seeded, batch)

    assert counts(batch) == (5, 2, 0, 0, 3)
    assert [number for number, _words in batch.reading["bad"]] == [3, 4, 6]
    assert [number for number, _words in batch.reading["doubts"]] == [5]
    ana = seeded.scalars(select(Party).where(Party.document_number == "1020304050")).one()
    assert (ana.name, ana.email, ana.phone) == ("Ana Gil", None, None)


def test_a_header_is_remembered_with_its_mapping_and_values(seeded):
    rows = (("Campo 1", "Campo 2", "Campo 3"), ("52345678", "Luz Rojas", "Cedulita"))
    batch = receive(seeded, "parties", table(*rows))
    assert batch.mapping == {}
    runs.save_mapping(seeded, batch, {0: "document", 1: "name", 2: "document_type"}, {"document_type": {"cedulita": "CC"}}, {}, AT)
    again = receive(seeded, "parties", table(*rows))

    assert again.mapping == {"0": "document", "1": "name", "2": "document_type"}
    assert again.value_map == {"document_type": {"cedulita": "CC"}}
    assert again.reading["remembered"] is True
    assert n_of(seeded, ImportMapping) == 1
    bring(seeded, again)
    assert counts(again) == (1, 1, 0, 0, 0)


def test_invoices_find_their_account(seeded, make):
    account = make.account(number="104233")
    rows = (
        ("Cuenta", "Factura", "Periodo", "Fecha expedición", "Fecha entrega", "Pague hasta", "Valor", "Consumo m3"),
        ("104233", "F-1", "jul-26", "10/07/2026", "14/07/2026", "28/07/2026", "$ 1.087.450,50", "14,5"),
        ("104233", "F-2", "", "10/06/2026", "09/06/2026", "", "5.000", "1"),
        ("999999", "F-3", "", "10/06/2026", "", "", "5.000", "1"),
        ("104233", "F-1", "jul-26", "10/07/2026", "", "", "1", "1"),
        ("104233", "F-4", "202606", "2026-06-10", "", "", "-12.000", ""),
    )
    batch = receive(seeded, "invoices", table(*rows))
    confirm(seeded, batch)
    bring(seeded, batch)

    assert counts(batch) == (5, 2, 0, 0, 3)
    invoice = seeded.scalars(select(Invoice).where(Invoice.number == "F-1")).one()
    assert (invoice.account_id, invoice.period, invoice.delivered_on) == (account.id, "2026-07", date(2026, 7, 14))
    assert (invoice.amount_cop, invoice.consumption) == (Decimal("1087450.50"), Decimal("14.5"))
    assert batch.totals == {"Sum of the amounts": "1075450.50", "Sum of the consumption": "14.5"}
    again = receive(seeded, "invoices", table(*rows))
    bring(seeded, again)
    assert counts(again) == (5, 0, 0, 2, 3)


PIVOT = (
    ("", "", "", "TIEMPO", "", ""),
    ("UBICACION_GEOGRAFICA", "TIPO DE TRÁMITE", "CAUSAL", "Año", "", ""),
    ("MUNICIPIO", "TIPO DE TRÁMITE", "DETALLE", "2021", "2022", "2023"),
    ("BARANOA", "QUEJA", "COBROS POR CONEXION, RECONEXION", "28", "1,436", "7,072"),
    ("BARANOA", "RECLAMACION", "COBROS POR PROMEDIO", "4,112", "0", "16"),
    ("Total general", "", "", "4,140", "1,436", "7,088"),
)


def test_years_that_come_as_columns_are_rows_of_the_statistics(seeded):
    batch = receive(seeded, "market_claims", table(*PIVOT, delimiter=",", encoding="cp1252"), source="SUI energía")
    confirm(seeded, batch)
    bring(seeded, batch)

    assert counts(batch) == (6, 6, 0, 0, 0)
    assert batch.totals == {"2021": "4140", "2022": "1436", "2023": "7088"}
    claim = seeded.scalars(select(MarketClaim).where(MarketClaim.year == 2022, MarketClaim.n_claims > 0)).one()
    assert (claim.source, claim.place, claim.procedure) == ("SUI energía", "BARANOA", "QUEJA")
    assert claim.cause == "COBROS POR CONEXION, RECONEXION"
    assert batch.reading["n_skipped"] == 1


def test_codes_of_municipalities_get_their_zero_back(seeded):
    n = n_of(seeded, Municipality)
    rows = (
        ("Código DEP", "Departamento", "Código MUN. ", "Municipio"),
        ("5", "ANTIOQUIA", "5001", "MEDELLÍN"),
        ("5", "ANTIOQUIA", "5042", "SANTA FE DE ANTIOQUIA"),
        ("8", "ATLÁNTICO", "8078", "BARANOA"),
        ("8", "ATLÁNTICO", "ninguno", "NADA"),
    )
    batch = receive(seeded, "municipalities", table(*rows))
    confirm(seeded, batch)
    bring(seeded, batch)

    assert counts(batch) == (4, 2, 0, 1, 1), "Medellín is there, and capitals change nothing"
    assert n_of(seeded, Municipality) == n + 2
    assert seeded.get(Municipality, "05042").name == "Santa Fe de Antioquia"


def test_a_register_of_another_program_is_kept_whole(seeded):
    rows = (
        ("V1", "V8", "term", "p03"),
        ("ResponseID", "StartDate", "term", "PII-Meaningless:Meaningful"),
        ("R0001", "2015-03-18 09:52:14", "NA", "7"),
        ("R0002", "2015-03-18 09:52:14", "attention", "NA"),
        ("R0003", "2015-03-18 09:52:14", "NA", "NA"),
    )
    batch = receive(seeded, "past_surveys", table(*rows, delimiter=","), source="ServAqua 2015")
    confirm(seeded, batch)
    bring(seeded, batch)

    assert (batch.header_row, batch.n_header_rows) == (0, 2)
    assert batch.totals == {"Answers": "3", "Complete answers": "1"}
    answer = seeded.scalars(select(PastRecord).where(PastRecord.source_number == "R0001")).one()
    assert (answer.source, answer.on) == ("ServAqua 2015", date(2015, 3, 18))
    assert answer.facts["p03 / PII-Meaningless:Meaningful"] == "7"
    bring(seeded, batch)
    assert counts(batch) == (3, 0, 0, 3, 0)


# ── Failing and stopping ──────────────────────────────────────────────────────────────────────────────────────────────────


class Broken(Exception):
    pass


def fail_on(monkeypatch, calls: int) -> None:
    """Make the writing of market claims fail at its n-th block, after it wrote."""
    honest, n = market.MarketClaims.write, [0]

    def write(self, rows, run):
        n[0] += 1
        honest(self, rows, run)
        if n[0] == calls:
            raise Broken

    monkeypatch.setattr(market.MarketClaims, "write", write)


def claims(n: int) -> bytes:
    return table(("Municipio", "Trámite", "Causal", "2021", "2022"), *(("BARANOA", "QUEJA", f"Causal {i}", i, 1) for i in range(n)))


def test_a_short_import_that_fails_leaves_the_database_as_it_was(seeded, monkeypatch):
    batch = receive(seeded, "market_claims", claims(1500), "SUI")
    confirm(seeded, batch)
    fail_on(monkeypatch, 2)
    with pytest.raises(Broken):
        bring(seeded, batch)
    seeded.expire_all()

    assert n_of(seeded, MarketClaim) == 0
    assert (batch.status, batch.n_done, counts(batch)) == (ImportStatus.FAILED, 0, (0, 0, 0, 0, 0))
    assert batch.detail == "Falló. No se escribió nada: la base de datos está como antes."


def test_a_long_import_that_fails_says_what_is_in_and_goes_on(seeded, monkeypatch):
    monkeypatch.setattr(runs, "WHOLE", 500)
    batch = receive(seeded, "market_claims", claims(2500), "SUI")
    confirm(seeded, batch)
    with monkeypatch.context() as patch:
        fail_on(patch, 3)
        with pytest.raises(Broken):
            bring(seeded, batch)
    seeded.expire_all()

    assert n_of(seeded, MarketClaim) == 4000, "two blocks of a thousand lines with two years each"
    assert (batch.status, batch.n_done, batch.n_new) == (ImportStatus.FAILED, 2001, 4000)
    assert "2001" in batch.detail
    bring(seeded, batch)
    assert (batch.status, counts(batch)) == (ImportStatus.DONE, (5000, 1000, 0, 4000, 0))
    assert n_of(seeded, MarketClaim) == 5000


class Stop(BaseException):
    pass


def test_whoever_stops_an_import_reads_what_was_done(seeded, monkeypatch):
    monkeypatch.setattr(runs, "WHOLE", 500)
    batch = receive(seeded, "market_claims", claims(2500), "SUI")
    confirm(seeded, batch)
    with pytest.raises(Stop):
        bring(seeded, batch, progress=stop_after(1000), stops=(Stop,))
    seeded.expire_all()

    assert (batch.status, batch.n_done) == (ImportStatus.CANCELLED, 1001)
    assert n_of(seeded, MarketClaim) == 2000


def stop_after(n: int):
    def progress(n_done, _n_total=None, _phase=None):
        if n_done >= n:
            raise Stop

    return progress


def test_a_worker_that_takes_over_goes_on_behind_the_last_safe_line(seeded, monkeypatch):
    """A kill leaves the batch RUNNING: the next worker calls the same function with the same batch."""
    monkeypatch.setattr(runs, "WHOLE", 500)
    batch = receive(seeded, "market_claims", claims(2500), "SUI")
    confirm(seeded, batch)
    with pytest.raises(Stop):
        bring(seeded, batch, progress=stop_after(2000))  # no stop that it knows: as killed, after a commit
    seeded.expire_all()
    assert (batch.status, batch.n_done) == (ImportStatus.RUNNING, 2001)

    runs.bring_in(seeded, batch, AT, None)
    seeded.expire_all()

    assert (batch.status, counts(batch)) == (ImportStatus.DONE, (5000, 5000, 0, 0, 0))
    assert batch.totals == {"2021": str(sum(range(2500))), "2022": "2500"}


def test_a_file_that_is_no_table_is_refused(seeded):
    for content in (b"%PDF-1.4 ...", b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0 old", b"\x00\x01\x02binary\x03", b" \n \n"):
        with pytest.raises(FileRefused):
            receive(seeded, "parties", content)
    assert n_of(seeded, ImportBatch) == 0


# ── The real files ────────────────────────────────────────────────────────────────────────────────────────────────────────


if REAL:  # nothing to collect, rather than a test to skip, where nobody has them

    def test_the_real_files_come_in_with_their_sums(seeded):
        folder = Path(REAL)
        known = n_of(seeded, Municipality)
        places = receive(seeded, "municipalities", (folder / "divipola_municipios.csv").read_bytes(), "DANE")
        confirm(seeded, places)
        bring(seeded, places)
        sui = receive(seeded, "market_claims", (folder / "sui_reclamos_atlantico_energia_raw.csv").read_bytes(), "SUI energía Atlántico")
        confirm(seeded, sui)
        bring(seeded, sui)
        survey = receive(seeded, "past_surveys", (folder / "servaqua_encuesta_agua_2015.csv").read_bytes(), "ServAqua 2015")
        confirm(seeded, survey)
        bring(seeded, survey)

        assert (places.n_rows, places.n_bad) == (1121, 0)
        assert n_of(seeded, Municipality) == known + places.n_new
        assert seeded.scalar(select(func.count()).where(func.length(Municipality.code) != 5)) == 0
        assert (sui.n_rows, sui.n_new, sui.n_bad) == (6540, 6540, 0)
        sums = dict(seeded.execute(select(MarketClaim.year, func.sum(MarketClaim.n_claims)).group_by(MarketClaim.year)).all())
        assert sums == {2021: 1400438, 2022: 1679709, 2023: 2515530, 2024: 2189670, 2025: 773681}
        assert sui.totals == {str(year): str(n) for year, n in sums.items()}
        assert seeded.scalar(select(func.count()).where(MarketClaim.municipality_code.is_not(None))) > 0
        assert survey.totals == {"Answers": "690", "Complete answers": "432"}
        first = seeded.scalars(select(PastRecord).where(PastRecord.source_number == "R0001")).one()
        assert [value for name, value in first.facts.items() if name.startswith(("p03 ", "p04 ", "p05 ", "p06 "))] == ["7", "7", "7", "7"]
        for batch in (places, sui, survey):
            bring(seeded, batch)
            assert (batch.n_new, batch.n_changed, batch.n_same) == (0, 0, batch.n_rows)
