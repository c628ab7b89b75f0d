"""Batches for the billing system: what enters, once; the file; what comes back."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from app.domain.billing import FIELD, FIELDS, MapColumn
from app.domain.errors import DomainError, MoveRefused
from app.domain.states import BillingKind, BillingStatus, Identity, OrderKind, OrderStatus, Outcome
from app.models import BillingBatch, BillingItem, ChangeLog, NumberSeries, Parameter
from app.operations import billing, files
from app.reports import billing as reports
from tests.billing import ON, Ripe

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
TODAY, LATER = date(2026, 7, 10), datetime(2026, 7, 20, 15, 0, tzinfo=UTC)
ALL = tuple(BillingKind)


@pytest.fixture
def ripe(seeded, make) -> Ripe:
    return Ripe(seeded, make)


def issue(session: Any, kinds: Any = ALL, media: str = "csv", **more: Any) -> BillingBatch:
    return reports.issue_batch(session, kinds, media, at=AT, actor_id=None, **more)


def content(batch: BillingBatch) -> bytes:
    with files.open_file(batch.file) as file:
        return file.read()


def sheets(batch: BillingBatch) -> dict[str, list[dict[str, str]]]:
    """Return the rows of each CSV of a batch, by its name without the number."""
    with zipfile.ZipFile(io.BytesIO(content(batch))) as archive:
        return {
            name.removeprefix(f"{batch.number}-").removesuffix(".csv"): list(
                csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig")), delimiter=";")
            )
            for name in archive.namelist()
        }


# ── What enters ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_everything_ripe_enters_one_batch_with_its_number_and_its_file(seeded, ripe):
    pqr = ripe.solution()
    told = [pqr, ripe.change(pqr), ripe.financing(), ripe.order()]
    batch = issue(seeded)

    assert batch.number == "FAC-2026-000001"
    assert batch.n_items == 4
    items = seeded.scalars(select(BillingItem).order_by(BillingItem.position)).all()
    assert [item.number for item in items] == [row.number for row in told]
    assert [item.position for item in items] == [1, 2, 3, 4]
    assert {item.status for item in items} == {BillingStatus.SENT}
    assert [item.pqr_id for item in items] == [pqr.id, pqr.id, None, None]
    assert list(sheets(batch)) == ["soluciones", "cambios-factura", "financiacion", "reconexiones"]
    assert all(n == 0 for n, _first in billing.waiting(seeded).values())


@pytest.mark.parametrize(
    ("outcome", "fields", "enters"),
    [
        (Outcome.GRANTED, {}, True),
        (Outcome.PARTLY, {}, True),
        (Outcome.DENIED, {}, False),
        (Outcome.DENIED, {"invoice_number": "F-1"}, True),
        (Outcome.DENIED, {"disputed_cop": 5_000}, True),
        (Outcome.DENIED, {"disputed_cop": 0}, False),
        (Outcome.GRANTED, {"account": None}, False),
        (Outcome.GRANTED, {"account": None, "invoice_number": "F-1"}, True),
    ],
)
def test_a_solution_enters_when_billing_has_to_do_something(seeded, ripe, outcome, fields, enters):
    ripe.solution(outcome, **fields)

    assert billing.waiting(seeded)[BillingKind.SOLUTION] == ((1, ON) if enters else (0, None))


def test_a_case_without_an_issued_answer_and_one_of_another_register_stay_out(seeded, ripe, make):
    make.case(account=ripe.account, invoice_number="F-1")
    old = ripe.solution()
    old.source, old.source_number = "Libro 2019", "7"
    seeded.flush()

    assert billing.waiting(seeded)[BillingKind.SOLUTION][0] == 0


def test_only_actas_that_give_the_service_back_and_are_done_enter(seeded, ripe):
    ripe.order(OrderKind.SUSPENSION)
    ripe.order(status=OrderStatus.ISSUED, done_on=None, result=None)
    ripe.order(OrderKind.REINSTALLATION)

    assert billing.waiting(seeded)[BillingKind.RECONNECTION][0] == 1


def test_what_was_exported_by_days_before_and_what_is_older_than_the_start_stay_out(seeded, ripe):
    ripe.change(exported_at=AT)
    ripe.change(authorised_on=date(2026, 7, 1))
    seeded.get_one(Parameter, billing.SINCE).value = "2026-07-02"
    assert billing.waiting(seeded)[BillingKind.INVOICE_CHANGE][0] == 0

    seeded.get_one(Parameter, billing.SINCE).value = "julio"
    with pytest.raises(DomainError, match=r"billing\.since has to be a date"):
        billing.waiting(seeded)


def test_a_thing_is_told_once(seeded, ripe):
    first, change = ripe.change(), None
    batch = issue(seeded)
    change = ripe.change()
    second = issue(seeded)

    assert (batch.number, second.number) == ("FAC-2026-000001", "FAC-2026-000002")
    assert seeded.scalars(select(BillingItem.number).where(BillingItem.batch_id == second.id)).all() == [change.number]
    assert first.exported_at == AT
    changed = select(ChangeLog).where(ChangeLog.table_name == "invoice_change", ChangeLog.row_id == str(first.id)).order_by(ChangeLog.id)
    assert seeded.scalars(changed).all()[-1].after == {"exported_at": AT.isoformat()}


def test_an_empty_batch_is_not_made_and_takes_no_number(seeded, ripe):
    ripe.change()
    with pytest.raises(MoveRefused, match="nothing to send"):
        issue(seeded, [BillingKind.FINANCING])

    assert seeded.scalar(select(NumberSeries).where(NumberSeries.prefix == billing.PREFIX)) is None
    assert issue(seeded, [BillingKind.INVOICE_CHANGE, BillingKind.FINANCING]).number == "FAC-2026-000001"


# ── The file ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_file_says_what_its_map_says(seeded, ripe):
    change, order = ripe.change(), ripe.financing()
    found = sheets(issue(seeded))

    rows = found["cambios-factura"]
    assert [(row["concepto"], row["antes"], row["despues"], row["diferencia"]) for row in rows] == [
        ("Consumo", "120000", "80000", "-40000"), ("Subsidio", "-12000", "-8000", "4000")]  # fmt: skip
    assert {row["motivo"] for row in rows} == {"Una razón en dos renglones"}
    assert {(row["cambio"], row["lote"], row["cuenta"]) for row in rows} == {(change.number, "FAC-2026-000001", "77001")}
    schedule = found["financiacion"]
    assert [(row["cuota"], row["vence_el"], row["valor_cuota"], row["saldo"]) for row in schedule] == [
        ("1", "2026-08-28", "50750", "50000"), ("2", "2026-09-28", "50750", "0")]  # fmt: skip
    assert schedule[0] | {"orden": order.number, "tasa_mensual_pct": "1,5000", "firmada_el": "2026-07-08"} == schedule[0]


def test_a_solution_and_a_reconnection_say_what_billing_needs(seeded, ripe):
    ripe.order(OrderKind.SUSPENSION, done_on=date(2026, 7, 1), issued_on=date(2026, 7, 1), debt_cop=50_000)
    ripe.order()  # lifts it
    cut = ripe.order(OrderKind.CUT, done_on=date(2026, 7, 5), issued_on=date(2026, 7, 5), debt_cop=70_000)
    ripe.order(OrderKind.REINSTALLATION)
    ripe.solution(invoice_number="F-9", disputed_cop="40000.50")
    found = sheets(issue(seeded))
    solution, (_first, last) = found["soluciones"][0], found["reconexiones"]

    assert solution | {"factura": "F-9", "valor_en_disputa": "40001", "respondida_el": "2026-07-08", "cuenta": "77001"} == solution
    assert solution["solucion"] == "Se promedia. Dos renglones."
    assert last | {"levanta": cut.number, "suspendido_el": "2026-07-05", "deuda": "70000", "hora": "14:05", "lectura": "88,50"} == last
    assert last | {"sello_retirado": "S-77", "pago_o_decision_el": "2026-07-07", "restablecido_el": "2026-07-08"} == last


def test_a_reconnection_does_not_lift_what_another_lifted(seeded, ripe):
    taken = ripe.order(OrderKind.SUSPENSION)
    ripe.order()
    ripe.order()

    assert [row["levanta"] for row in sheets(issue(seeded))["reconexiones"]] == [taken.number, ""]


def test_the_text_of_a_reserved_case_stays_here(seeded, ripe):
    ripe.solution(identity=Identity.RESERVED)

    assert sheets(issue(seeded))["soluciones"][0]["solucion"] == ""


def test_a_workbook_has_a_sheet_a_kind_with_real_dates_and_numbers(seeded, ripe):
    ripe.change()
    ripe.financing(concept="=1+1")
    book = CalamineWorkbook.from_filelike(io.BytesIO(content(issue(seeded, media="xlsx"))))

    assert book.sheet_names == ["cambios-factura", "financiacion"]
    header, first, *_rest = book.get_sheet_by_name("financiacion").to_python()
    row = dict(zip(header, first, strict=True))
    assert (row["firmada_el"], row["deuda"], row["tasa_mensual_pct"], row["concepto"]) == (ON, 120_000.0, 1.5, "=1+1")


def test_every_field_of_the_catalogue_can_be_written(seeded, ripe):
    ripe.change(), ripe.financing(), ripe.order(), ripe.solution(invoice_number="F-1")
    for kind, fields in FIELDS.items():
        billing.save_map(seeded, kind, [MapColumn(each.name, each.name) for each in fields], billing.map_of(seeded, kind))
    found = sheets(issue(seeded))

    assert {name: set(rows[0]) for name, rows in found.items()} == {
        reports.FILE_NAMES[kind]: set(FIELD[kind]) for kind in BillingKind}  # fmt: skip
    for kind, fields in FIELDS.items():
        assert reports.source_fields(kind) | {"batch", "sent_on"} == {each.name for each in fields}
    assert found["soluciones"][0]["outcome_code"] == "GRANTED"


def test_a_batch_stays_as_it_left_and_the_next_follows_the_new_map(seeded, ripe):
    ripe.change()
    first = issue(seeded)
    before = content(first)
    columns = [MapColumn("Batch", "key"), MapColumn("=dia", "authorised_on", None, "DMY"), MapColumn("empresa", constant="01")]
    billing.save_map(seeded, BillingKind.INVOICE_CHANGE, columns, billing.map_of(seeded, BillingKind.INVOICE_CHANGE))
    change = ripe.change()
    rows = sheets(issue(seeded))["cambios-factura"]

    assert content(first) == before
    assert rows[0] == {"Batch": change.number, "'=dia": "08/07/2026", "empresa": "01"}


def test_a_map_that_somebody_else_changed_meanwhile_is_not_overwritten(seeded):
    kind = BillingKind.FINANCING
    seen = billing.map_of(seeded, kind)
    billing.save_map(seeded, kind, [MapColumn("orden", "key")], seen)

    with pytest.raises(MoveRefused, match="Somebody else changed these columns"):
        billing.save_map(seeded, kind, seen, seen)
    with pytest.raises(DomainError, match="number of what is told"):
        billing.save_map(seeded, kind, [MapColumn("cuenta", "account")], billing.map_of(seeded, kind))
    assert [column.header for column in billing.map_of(seeded, kind)] == ["orden"]


def test_a_preview_shows_what_waits_else_what_was_sent_last(seeded, ripe):
    columns = [MapColumn("lote", "batch"), MapColumn("cambio", "key"), MapColumn("linea", "line")]
    assert reports.preview(seeded, BillingKind.INVOICE_CHANGE, columns, TODAY) == []

    first = ripe.change()
    assert reports.preview(seeded, BillingKind.INVOICE_CHANGE, columns, TODAY) == [
        ("FAC-…", first.number, "1"), ("FAC-…", first.number, "2")]  # fmt: skip
    issue(seeded)
    assert reports.preview(seeded, BillingKind.INVOICE_CHANGE, columns, TODAY)[0] == ("FAC-…", first.number, "1")
