"""The pages of billing: a batch, its file again, the map of columns, an answer looked at and taken, what was rejected."""

from __future__ import annotations

import io
import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select
from xlsxwriter import Workbook

from app.domain.states import BillingKind, BillingStatus, JobStatus
from app.models import BillingBatch, BillingColumn, BillingItem, BillingReply, Job
from app.operations import billing
from app.security import AUXILIAR, CONTROL, DUENO, SUBGERENTE
from tests.billing import Ripe

OPEN = {"kinds": [kind.name for kind in BillingKind], "media": "csv"}
HEADER = "lote;clave;estado;fecha;motivo;referencia\n"


@pytest.fixture
def ripe(seeded, make) -> Ripe:
    return Ripe(seeded, make)


@pytest.fixture
def clerk(sign_in) -> Any:
    return sign_in(AUXILIAR)


def only(session: Any, model: Any) -> Any:
    session.expire_all()
    return session.scalars(select(model)).one()


def bring(client: Any, content: bytes, name: str = "respuesta.csv") -> Any:
    return client.post("/billing/reply/add", data={"file": (io.BytesIO(content), name)}, follow_redirects=True)


# ── Batches ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_clerk_sees_what_waits_makes_a_batch_and_takes_its_file_twice(seeded, ripe, clerk, sign_in):
    change = ripe.change(ripe.solution())
    page = clerk.get("/billing/open").text
    assert "1 waits, the oldest of 8 Jul 2026" in page and "Financing order: nothing waits" in page

    made = clerk.post("/billing/open", data=OPEN, follow_redirects=True)
    batch = only(seeded, BillingBatch)
    assert "FAC-2026-000001" in made.text and batch.created_by_id == clerk.user_id
    first = clerk.get(f"/billing/download/{batch.id}")
    again = sign_in(CONTROL).get(f"/billing/download/{batch.id}")
    assert first.data == again.data and first.data.startswith(b"PK")
    assert "FAC-2026-000001.zip" in first.headers["Content-Disposition"]
    links = re.findall(r'href="(/billing/item/list/[^"]*kind=INVOICE_CHANGE[^"]*)"', made.text)
    assert change.number in clerk.get(unescape(links[0])).text


def test_an_empty_batch_is_refused_in_words(seeded, ripe, clerk):
    assert "Nothing waits" in clerk.get("/billing/open").text
    answer = clerk.post("/billing/open", data=OPEN)
    assert answer.status_code == 422 and "An empty batch is not made" in answer.text

    ripe.change()
    answer = clerk.post("/billing/open", data={"media": "csv"})
    assert answer.status_code == 422 and "Choose at least one kind" in answer.text
    assert seeded.scalar(select(BillingBatch)) is None


def test_the_address_ticks_the_kind_it_names(seeded, clerk):
    boxes = re.findall(r"<input[^>]*name=\"kinds\"[^>]*>", clerk.get("/billing/open?kind=FINANCING").text)

    assert [box for box in boxes if " checked" in box] == [box for box in boxes if "FINANCING" in box] != []


def test_many_things_are_made_in_the_background(seeded, ripe, clerk, monkeypatch):
    monkeypatch.setattr("app.billing.batches.MOST_AT_ONCE", 1)
    ripe.change(), ripe.change()
    answer = clerk.post("/billing/open", data=OPEN, follow_redirects=True)

    job = only(seeded, Job)
    assert "in the background" in answer.text
    assert (job.kind, job.status, job.asked_by_id) == ("billing", JobStatus.QUEUED, clerk.user_id)
    assert seeded.scalar(select(BillingBatch)) is None


def test_the_list_finds_what_is_not_answered(seeded, ripe, clerk, at):
    ripe.change()
    clerk.post("/billing/open", data=OPEN)

    assert "FAC-2026-000001" in clerk.get("/billing/list/?waits=yes").text
    assert "FAC-2026-000001" not in clerk.get("/billing/list/?waits=week").text
    assert "FAC-2026-000001" not in clerk.get("/billing/list/?waits=no").text
    at("2026-07-19T10:00-05:00")
    assert "FAC-2026-000001" in clerk.get("/billing/list/?waits=week").text


# ── Answers ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sent(seeded, ripe, clerk) -> list[Any]:
    pqr = ripe.solution()
    things = [ripe.change(pqr), ripe.change(pqr)]
    clerk.post("/billing/open", data={**OPEN, "kinds": ["INVOICE_CHANGE"]})
    return things


def answer_for(*lines: str) -> bytes:
    return (HEADER + "\n".join(f"FAC-2026-000001;{line}" for line in lines)).encode("cp1252")


def test_an_answer_is_looked_at_then_taken_and_shows_on_the_case(seeded, sent, clerk, at):
    at("2026-07-20T10:00-05:00")
    lines = (f"{sent[0].number};Facturado;15/07/2026;;NC-9", f"{sent[1].number};Rechazado;15/07/2026;Período cerrado;", "X;y;z;;")
    content = answer_for(*lines)
    page = bring(clerk, content).text
    assert "Take the 2 results" in page and "is no known state" in page
    assert {item.status for item in seeded.scalars(select(BillingItem))} == {BillingStatus.SENT}

    reply = only(seeded, BillingReply)
    errors = clerk.get(f"/billing/reply/errors/{reply.id}")
    assert errors.mimetype == "text/csv" and "respuesta-rechazos.csv" in errors.headers["Content-Disposition"]
    assert "FAC-2026-000001" in errors.data.decode("utf-8-sig").splitlines()[1]
    done = clerk.post(f"/billing/reply/settle/{reply.id}", follow_redirects=True).text
    assert "1 billed, 1 rejected" in done
    seeded.expire_all()
    case = clerk.get(f"/pqr/{sent[0].pqr.number}").text
    assert case.count("NC-9") >= 3 and "Período cerrado" in case and "Answer of billing" in case
    assert "taken already" in clerk.post(f"/billing/reply/settle/{reply.id}", follow_redirects=True).text


def test_a_long_answer_is_taken_in_the_background_once(seeded, sent, clerk, at, monkeypatch):
    from app.billing import replies
    from app.extensions import db

    at("2026-07-20T10:00-05:00")
    monkeypatch.setattr(replies, "MOST_AT_ONCE", 10)
    bring(clerk, answer_for(f"{sent[0].number};Facturado;15/07/2026;;NC-9"))
    assert "in the background" in clerk.post(f"/billing/reply/settle/{only(seeded, BillingReply).id}", follow_redirects=True).text
    assert only(seeded, BillingReply).applied_at is None

    job = only(seeded, Job)
    for _again in range(2):
        replies.settle_answer(db.session(), job, lambda *_args: None)
        assert "1 " in job.result and only(seeded, BillingReply).n_billed == 1


def test_an_answer_may_be_a_workbook(seeded, sent, clerk, at):
    at("2026-07-20T10:00-05:00")
    content = io.BytesIO()
    book = Workbook(content)
    sheet = book.add_worksheet()
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    sheet.write_row(0, 0, ["Lote", "Clave", "Estado", "Fecha", "Referencia"])
    sheet.write_row(1, 0, ["FAC-2026-000001", sent[0].number, "facturado"])
    sheet.write_number(1, 3, 46218, day)
    sheet.write_number(1, 4, 4512)
    book.close()
    bring(clerk, content.getvalue(), "respuesta.xlsx")
    clerk.post(f"/billing/reply/settle/{only(seeded, BillingReply).id}")

    item = seeded.scalars(select(BillingItem).where(BillingItem.number == sent[0].number)).one()
    seeded.refresh(item)
    assert (item.status, item.reference, f"{item.result_on}") == (BillingStatus.BILLED, "4512", "2026-07-15")


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "empty"), (b"%PDF-1.4 ...", "no table"), (b"\xd0\xcf\x11\xe0" + b"x" * 50, "old Excel")]
)
def test_a_file_that_is_no_table_is_not_received(seeded, clerk, content, words):
    answer = bring(clerk, content)

    assert answer.status_code == 422 and words in answer.text
    assert seeded.scalar(select(BillingReply)) is None


def test_a_table_that_is_no_answer_says_what_it_lacks(seeded, clerk):
    page = bring(clerk, b"clave;motivo\nCF-1;x\n").text

    assert "lacks these columns" in page and "Take the" not in page
    reply = only(seeded, BillingReply)
    assert "lacks these columns" in clerk.post(f"/billing/reply/settle/{reply.id}", follow_redirects=True).text
    assert clerk.get(f"/billing/reply/errors/{reply.id}").status_code == 404


def test_a_rejected_thing_is_sent_again_or_given_up_from_its_page_and_from_the_list(seeded, sent, clerk, sign_in, at):
    at("2026-07-20T10:00-05:00")
    bring(clerk, answer_for(*(f"{thing.number};rechazado;15/07/2026;No;" for thing in sent)))
    clerk.post(f"/billing/reply/settle/{only(seeded, BillingReply).id}")
    first, second = seeded.scalars(select(BillingItem).order_by(BillingItem.id)).all()
    manager = sign_in(SUBGERENTE)

    tile = re.search(r'href="/billing/item/list/\?status=REJECTED"><strong>2</strong>', clerk.get("/").text)
    assert tile and "Rejected by billing" not in sign_in(DUENO).get("/").text
    assert manager.post(f"/billing/item/handle/{first.id}/drop", data={"why": ""}).status_code == 422
    dropped = manager.post(f"/billing/item/handle/{first.id}/drop", data={"why": "Otra"}, follow_redirects=True)
    assert "Done: Leave it as it is" in dropped.text
    plan = clerk.post("/billing/item/bulk/resend", data={"row": [first.id, second.id]}).text
    seal = re.search(r'name="sure" value="(\w+)"', plan)[1]
    clerk.post("/billing/item/bulk/resend", data={"row": [first.id, second.id], "sure": seal, "why": "Se corrigió"})
    seeded.expire_all()
    assert (first.status, second.status, second.handled_why) == (BillingStatus.DROPPED, BillingStatus.RESENT, "Se corrigió")
    assert "1 waits" in clerk.get("/billing/open").text


def test_who_decides_cases_sees_what_billing_said_and_none_of_its_pages(seeded, sent, clerk, sign_in, at):
    owner = sign_in(DUENO, process=sent[0].pqr.process.code)
    page = owner.get(f"/pqr/{sent[0].pqr.number}").text

    assert "FAC-2026-000001" in page and "/billing/item/show" not in page
    assert owner.get("/billing/list/").status_code in {302, 403}


# ── Columns ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def written(page: str) -> dict[str, str]:
    """Return what the form of a page holds, as a browser would send it."""
    page = page.partition('<form class="card stack"')[2].partition("</form>")[0]
    fields = {name: unescape(value) for name, value in re.findall(r'<input[^>]*name="([^"]+)"[^>]*?value="([^"]*)"', page)}
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        fields[name] = unescape((re.search(r'<option selected value="([^"]*)"', options) or re.search(r'value="([^"]*)"', options))[1])
    return fields


def test_an_administrator_arranges_the_columns_and_sees_the_file(seeded, ripe, sign_in):
    change = ripe.change()
    admin = sign_in("Admin")
    form = written(admin.get("/billing/columns/INVOICE_CHANGE").text)
    assert form["line-0-header"] == "cambio" and form["line-0-field"] == "key"

    form |= {"line-6-place": "0", "line-6-notation": "DMY", "line-1-header": "", "line-14-header": "empresa", "line-14-field": "=",
             "line-14-constant": "01"}  # fmt: skip
    seen = admin.post("/billing/columns/INVOICE_CHANGE", data={**form, "do": "preview"}).text
    assert "<td>08/07/2026</td><td>" + change.number in re.sub(r"\s+", " ", seen)
    assert seeded.scalar(select(BillingColumn.header).where(BillingColumn.header == "empresa")) is None

    answer = admin.post("/billing/columns/INVOICE_CHANGE", data={**form, "do": "save"})
    assert answer.status_code == 302
    headers = [column.header for column in billing.map_of(seeded, BillingKind.INVOICE_CHANGE)]
    assert headers[:2] == ["autorizado_el", "cambio"] and headers[-1] == "empresa" and "pqr" not in headers


def test_a_map_without_the_number_is_refused_and_what_was_typed_stays(seeded, sign_in):
    admin = sign_in("Admin")
    form = written(admin.get("/billing/columns/FINANCING").text) | {"line-0-header": ""}
    answer = admin.post("/billing/columns/FINANCING", data={**form, "line-1-header": "caso", "do": "save"})

    assert answer.status_code == 422
    assert "the number of what is told" in answer.text and 'value="caso"' in answer.text
    assert billing.map_of(seeded, BillingKind.FINANCING)[0].header == "orden"


def test_more_lines_are_given_and_control_reads_without_a_form(seeded, sign_in):
    admin, control = sign_in("Admin"), sign_in(CONTROL)
    page = admin.get("/billing/columns/FINANCING").text
    more = admin.post("/billing/columns/FINANCING", data={**written(page), "do": "more"}).text

    assert more.count("-header\"") > page.count("-header\"")
    reading = control.get("/billing/columns/FINANCING").text
    assert "tasa_mensual_pct" in reading and 'name="seen"' not in reading
    assert control.post("/billing/columns/FINANCING", data={"do": "save"}).status_code == 403
    assert control.get("/billing/columns/NONSENSE").status_code == 404
