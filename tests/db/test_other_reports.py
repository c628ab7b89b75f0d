"""Reports of actions, notices, orders, money and transparency: tables of rows by hand, and every figure of them written here."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask_babel import gettext as _
from sqlalchemy import false, select

from app import queries
from app.domain.checklists import Verdict
from app.domain.improvement import ActionKind, ActionOrigin, ActionStatus, EffectMeasure, EffectVerdict
from app.domain.states import (
    BillingKind,
    BillingStatus,
    ChangeStatus,
    DocumentKind,
    FinancingStatus,
    Identity,
    NoticeMeans,
    NoticeResult,
    OrderKind,
    OrderStatus,
    Outcome,
    PqrStatus,
)
from app.models import (
    Action,
    ActionEvent,
    ActionReview,
    BillingBatch,
    BillingItem,
    BillingReply,
    ChecklistItem,
    Document,
    FieldOrder,
    Financing,
    InvoiceChange,
    InvoiceChangeLine,
    Notice,
    Pqr,
    Risk,
    StoredFile,
    SuiCause,
)
from app.operations.indicators import measure
from app.reports import actions_report, money_report, notices_report, orders_report, standing, transparency
from tests.reporting import figures_of, links_of, made, n_behind, part_of, rows_of, shown

JUNE = {"period": "OTHER", "since": "2026-06-01", "until": "2026-06-30"}
BOSS = "Subgerente administrativo y comercial"
OFFERS = {each.OFFER.key: each.OFFER for each in (actions_report, notices_report, orders_report, money_report, transparency)}
OFFERS |= {offer.key: offer for offer in standing.OFFERS}


def d(day: int, month: int = 6) -> date:
    return date(2026, month, day)


def add(session: Any, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


# ── Actions ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def act(session: Any, process: Any, status: str, **columns: Any) -> Action:
    n = len(session.scalars(select(Action.id)).all()) + 1
    told = {
        "organisation": queries.organisation(session), "number": f"AC-2026-{n:04}", "kind": ActionKind.CORRECTIVE, "process": process,
        "origin": ActionOrigin.PQR, "title": f"Acción {n}", "status": ActionStatus[status], "asked_on": d(5), "due_on": d(25),
    }  # fmt: skip
    if status not in ("OPEN", "CANCELLED"):
        told |= {"cause": "No hay rutina", "measure": EffectMeasure.JUDGED, "window_days": 7, "review_on": d(30, 7)}
    if status in ("DONE", "CANCELLED"):
        told |= {"ended_on": d(20), "result": "Se hizo"}
    return add(session, Action(**(told | columns)))


@pytest.fixture
def actions(seeded, make) -> dict[str, Action]:
    """Seven asked in June: two finished (one late), one carried out late, one past its day, one within it, one called off; one of May."""
    technical, billing = make.process("TECNICA"), make.process("FACTURACION")
    effective = {"verdict": EffectVerdict.EFFECTIVE}
    rows = {
        "done": act(seeded, technical, "DONE", carried_out_on=d(20), **effective),
        "late": act(seeded, technical, "DONE", carried_out_on=d(26), ended_on=d(5, 7), origin=ActionOrigin.SURVEY, **effective),
        "waits": act(seeded, technical, "REVIEW", carried_out_on=d(29), kind=ActionKind.PREVENTIVE),
        "past": act(seeded, billing, "OPEN", round=2, verdict=EffectVerdict.NOT_EFFECTIVE),
        "runs": act(seeded, billing, "RUNNING", due_on=d(30, 7), origin=ActionOrigin.RISK),
        "mended": act(seeded, billing, "DONE", kind=ActionKind.CORRECTION, ended_on=d(25)),
        "off": act(seeded, billing, "CANCELLED"),
        "may": act(seeded, billing, "OPEN", asked_on=d(31, 5)),
    }
    now = datetime(2026, 6, 20, tzinfo=UTC)
    taken = {"done": "PLAN RETURN PLAN APPROVE CARRY_OUT JUDGE", "past": "PLAN REOPEN", "may": "PLAN"}
    for name, moves in taken.items():
        for move in moves.split():
            add(seeded, ActionEvent(action=rows[name], at=now, move=move))
    for name, verdict, on in (("done", "EFFECTIVE", d(20)), ("past", "NOT_EFFECTIVE", d(22)), ("late", "EFFECTIVE", d(5, 7))):
        add(seeded, ActionReview(
            action=rows[name], round=1, measure=EffectMeasure.CAUSE, measure_key="1", goal=Decimal(30), before_from=d(1, 5),
            before_until=d(31, 5), before_n=Decimal(20), before_value=Decimal(20), after_from=d(1), after_until=d(19), after_n=Decimal(8),
            after_value=Decimal(8), verdict=EffectVerdict[verdict], reason="Se contó", reviewed_on=on,
        ))  # fmt: skip
    return rows


def test_actions_asked_in_the_period_are_told_by_what_became_of_them(seeded, actions):
    report = made(seeded, actions_report.OFFER, **JUNE)

    assert [figure.value for figure in report.headline()] == [7, 3, 1, 1, 2, 1, Decimal("40.0"), Decimal("50.0")]
    heads = [column.title for column in part_of(report, "kinds").header]
    assert heads[:5] == ["Kind", "Actions asked for", "Under way", "Finished", "Called off"]
    kinds = {row[0]: row[1:] for row in rows_of(report, "kinds")}
    #                                     asked, under way, finished, off | in time, late, past, running, untimed, undone | percent
    assert kinds[_("Correction")] == (1, 0, 1, 0, 1, 0, 0, 0, 0, 0, Decimal("100.0"))
    assert kinds[_("Corrective action")] == (5, 2, 2, 1, 1, 1, 1, 1, 0, 1, Decimal("33.3"))
    assert kinds[_("Preventive action")] == (1, 1, 0, 0, 0, 1, 0, 0, 0, 0, Decimal("0.0"))
    assert sum(row[1] for row in rows_of(report, "origins")) == sum(row[1] for row in rows_of(report, "processes")) == 7
    assert {row[0]: row[1] for row in rows_of(report, "origins")} == {_("Case"): 5, _("Survey"): 1, _("Risk"): 1}


def test_steps_are_counted_once_an_action_and_each_time(seeded, actions):
    steps = {row[0]: row[1:] for row in rows_of(made(seeded, actions_report.OFFER, **JUNE), "steps")}

    assert steps == {
        _("Send the plan to be approved"): (2, 3), _("Return the plan"): (1, 1), _("Approve the plan"): (1, 1),
        _("The plan is carried out"): (1, 1), _("It was effective: end it"): (1, 1),
        _("It was not effective: take it up again"): (1, 1),
    }  # fmt: skip


def test_reviews_are_those_decided_in_the_period_with_the_figures_of_before_and_after(seeded, actions):
    report = made(seeded, actions_report.OFFER, **JUNE)

    assert rows_of(report, "effects") == [(_("Cases of the same cause"), 2, 1, 1, Decimal("50.0"))]
    reviews = shown(report, "reviews")
    assert [row["Action"] for row in reviews] == [actions["done"].number, actions["past"].number]
    assert (reviews[0]["Before"], reviews[0]["After"], reviews[0]["Fell by, percent"]) == (20, 8, Decimal("60.0"))


def test_an_action_one_by_one_says_on_which_day_it_was_done(seeded, actions):
    rows = {row["Number"]: row for row in shown(made(seeded, actions_report.OFFER, **JUNE), "rows")}

    assert len(rows) == 7 == part_of(made(seeded, actions_report.OFFER, **JUNE), "rows").n_rows()
    asked = {name: rows[actions[name].number] for name in actions if name != "may"}
    assert {name: (row["Done on"], row["What became of its day"]) for name, row in asked.items()} == {
        "done": (d(20), _("Done in time")), "late": (d(26), _("Done late")), "waits": (d(29), _("Done late")),
        "past": (None, _("To be done, past its day")), "runs": (None, _("To be done, in time so far")),
        "mended": (d(25), _("Done in time")), "off": (None, _("Ended without being done")),
    }  # fmt: skip


# ── Notices ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def answered(session: Any, make: Any, on: date, notified_on: date | None = None, **columns: Any) -> Pqr:
    pqr = make.case(at=f"{on - timedelta(days=3)}T08:00-05:00", **columns.pop("fields", {}))
    pqr.status, pqr.answered_on, pqr.solved_on, pqr.outcome = PqrStatus.ANSWERED, on, on, Outcome.DENIED
    if notified_on:
        pqr.status, pqr.notified_on = PqrStatus.NOTIFIED, notified_on
    for name, value in columns.items():
        setattr(pqr, name, value)
    session.flush()
    return pqr


def told(session: Any, pqr: Pqr, means: str, sent_on: date | None, result: str = "PENDING", **columns: Any) -> Notice:
    sent_at = datetime.combine(sent_on or d(1), datetime.min.time(), UTC) + timedelta(hours=15)
    kind = {"means": NoticeMeans[means], "result": NoticeResult[result], "sent_at": sent_at, "sent_on": sent_on}
    if means == "SUMMONS":
        kind["appear_by"] = d(30)
    if means == "AVISO_POSTED":
        kind["posted_on"] = sent_on
    return add(session, Notice(pqr=pqr, **(kind | columns)))


@pytest.fixture
def notices(seeded, make) -> dict[str, Pqr]:
    """
    Answered on Monday 1 June (15 and 22 June are no holidays; 8 June, Corpus Christi, and 15 June, Sagrado Corazón, are: the calendar
    says): the summons has five working days, until Tuesday 9 June.
    """
    rows = {
        "whole": answered(seeded, make, d(1), d(16)),
        "late": answered(seeded, make, d(1), d(30)),
        "missing": answered(seeded, make, d(2)),
        "link": answered(seeded, make, d(3), d(4), is_e_notice=True, notice_email="a@example.com"),
        "shut": answered(seeded, make, d(3), is_e_notice=True, notice_email="b@example.com"),
        "hand": answered(seeded, make, d(3), d(5)),
        "nobody": answered(seeded, make, d(3), fields={"identity": Identity.ANONYMOUS, "party": None}),
        "data": answered(seeded, make, d(4), fields={"request_type": "HABEAS_DATA_CONSULTA"}),
        "may": answered(seeded, make, d(29, 5)),
    }
    told(seeded, rows["whole"], "SUMMONS", d(3), "NOT_APPEARED")
    told(seeded, rows["whole"], "AVISO", d(12), "DELIVERED", delivered_on=d(12), served_on=d(16))
    told(seeded, rows["late"], "SUMMONS", d(11), "RETURNED", returned_on=d(12), return_reason="No existe")
    told(seeded, rows["late"], "AVISO_POSTED", d(19), "DELIVERED", unposted_on=d(26), served_on=d(30))
    opened = {"token": "t" * 40, "address": "a@example.com", "opened_at": datetime(2026, 6, 4, tzinfo=UTC), "served_on": d(4)}
    told(seeded, rows["link"], "E_LINK", d(3), "DELIVERED", **opened)
    told(seeded, rows["shut"], "E_LINK", d(3), token="s" * 40, address="b@example.com")
    told(seeded, rows["hand"], "IN_PERSON", d(5), "APPEARED", served_on=d(5), proof="CC 52")
    told(seeded, rows["may"], "SUMMONS", d(2), "RETURNED", returned_on=d(3), return_reason="Cambió")
    return rows


def test_notices_are_told_by_what_became_of_the_answers_of_the_period(seeded, notices):
    report = made(seeded, notices_report.OFFER, **JUNE)
    between = queries.calendar_of(seeded, queries.organisation(seeded)).between
    days = sorted(between(*pair) for pair in ((d(1), d(16)), (d(1), d(30)), (d(3), d(4)), (d(3), d(5))))

    found = figures_of(report)
    assert list(found.values())[:5] == [8, 4, 4, 3, 1]
    assert found[_("Summons in time")] == Decimal("25.0")
    assert found[_("Mean business days from answer to notice")] == (Decimal(sum(days)) / 4).quantize(Decimal("0.1"))
    assert found[_("Half of them within, business days")] == Decimal(days[1] + days[2]) / 2
    assert found[_("Nine in ten within, business days")] == days[-1]


def test_each_answer_says_whether_its_summons_left_in_time(seeded, notices):
    rows = {row["Number"]: row for row in shown(made(seeded, notices_report.OFFER, **JUNE), "answers")}

    assert {name: rows[notices[name].number]["Summons"] for name in notices if name != "may"} == {
        "whole": _("Sent in time"), "late": _("Sent late"), "missing": _("Not sent, and its days are over"), "link": _("Not needed"),
        "shut": _("Not sent, and its days are over"), "hand": _("Not needed"), "nobody": _("Not needed"),
        "data": _("Its law asks for none"),
    }  # fmt: skip
    whole, late = rows[notices["whole"].number], rows[notices["late"].number]
    assert (whole["Summons sent"], whole["Attempts"], whole["Came back"], whole["Served by"]) == (d(3), 2, 0, _("Aviso delivered"))
    assert (late["Summons sent"], late["Came back"], late["Served by"]) == (d(11), 1, _("Aviso published"))


def test_attempts_are_counted_by_means_result_and_reason(seeded, notices):
    report = made(seeded, notices_report.OFFER, **JUNE)

    heads = [column.title for column in part_of(report, "means").header]
    means = {row[0]: dict(zip(heads, row, strict=True)) for row in rows_of(report, "means")}
    assert {name: row["Attempts"] for name, row in means.items()} == {
        _("E-mail with a link"): 2, _("Summons"): 2, _("In person"): 1, _("Aviso delivered"): 1, _("Aviso published"): 1,
    }  # fmt: skip
    assert (means[_("Summons")]["Returned"], means[_("Summons")]["The citizen did not come"]) == (1, 1)
    assert rows_of(report, "returned") == [("No existe", 1)]
    assert sum(row["Attempts"] for row in means.values()) == part_of(report, "attempts").n_rows() == len(rows_of(report, "attempts")) == 7
    assert {row[0]: row[1] for row in rows_of(report, "served")} == {
        _("Aviso delivered"): 1, _("Aviso published"): 1, _("E-mail with a link"): 1, _("In person"): 1,
    }  # fmt: skip


def test_a_sending_whose_day_nobody_told_counts_by_its_instant_in_colombia(seeded, make):
    pqr = answered(seeded, make, d(1))
    told(seeded, pqr, "SUMMONS", None, sent_at=datetime(2026, 6, 4, 3, tzinfo=UTC))  # the evening of the third in Bogotá

    row, = shown(made(seeded, notices_report.OFFER, **JUNE), "answers")
    assert row["Summons sent"] == d(3)


# ── Orders ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def order(session: Any, make: Any, kind: str, status: str, **columns: Any) -> FieldOrder:
    n = len(session.scalars(select(FieldOrder.id)).all()) + 1
    values = {
        "organisation": queries.organisation(session), "number": f"X-2026-{n:06}", "kind": OrderKind[kind], "status": OrderStatus[status],
        "account": make.account(), "issued_on": d(2), "due_on": d(10), "asked": {},
    }  # fmt: skip
    if status == "DONE":
        values |= {"done_on": d(4), "result": {"attended": "NOBODY", "late_reason": ""}}
    if status in ("NOT_DONE", "EXCUSED", "VOIDED"):
        values |= {"reason": "Nadie abrió"}
    return add(session, FieldOrder(**(values | columns)))


@pytest.fixture
def orders(seeded, make) -> dict[str, FieldOrder]:
    worker, process = make.user("Técnico", first_name="Luis", last_name="Campo"), make.process("TECNICA")
    his = {"assignee": worker, "process": process}
    return {
        "done": order(seeded, make, "PRIOR_REVIEW", "DONE", **his),
        "late": order(seeded, make, "PRIOR_REVIEW", "DONE", done_on=d(12), **his),
        "free": order(seeded, make, "WORK_ORDER", "DONE", due_on=None, done_on=d(2)),
        "slow": order(seeded, make, "RECONNECTION", "DONE", due_on=None, result={"late_reason": "Llovía"}),
        "past": order(seeded, make, "WORK_ORDER", "ISSUED", **his),
        "runs": order(seeded, make, "WORK_ORDER", "ISSUED", due_on=d(20, 7)),
        "not": order(seeded, make, "SUSPENSION", "NOT_DONE", done_on=d(5)),
        "excused": order(seeded, make, "WORK_ORDER", "EXCUSED"),
        "void": order(seeded, make, "CUT", "VOIDED"),
        "may": order(seeded, make, "WORK_ORDER", "ISSUED", issued_on=d(29, 5), due_on=d(10)),
    }


def test_orders_of_the_period_are_told_by_kind_state_and_day(seeded, orders):
    report = made(seeded, orders_report.OFFER, **JUNE)
    between = queries.calendar_of(seeded, queries.organisation(seeded)).between
    days = sorted([between(d(2), d(4)), between(d(2), d(12)), between(d(2), d(2)), between(d(2), d(4))])

    #                                   ordered, to do, done, not done, excused, voided, past | in time % | days
    assert list(figures_of(report).values()) == [
        9, 2, 4, 1, 1, 1, 1, Decimal("25.0"), (Decimal(sum(days)) / 4).quantize(Decimal("0.1")), Decimal(days[1] + days[2]) / 2, days[-1],
    ]  # fmt: skip
    kinds = {row[0]: row[1:7] for row in rows_of(report, "kinds")}
    assert kinds == {
        _("Work order"): (4, 2, 1, 0, 1, 0), _("Prior review order"): (2, 0, 2, 0, 0, 0), _("Suspension acta"): (1, 0, 0, 1, 0, 0),
        _("Cut acta"): (1, 0, 0, 0, 0, 1), _("Reconnection acta"): (1, 0, 1, 0, 0, 0),
    }  # fmt: skip
    technicians = {row[0]: row[1] for row in rows_of(report, "technicians")}
    assert technicians == {_("Nobody"): 6, "Luis Campo": 3}
    became = {row["Number"]: row["What became of its day"] for row in shown(report, "rows")}
    assert {name: became[orders[name].number] for name in orders if name != "may"} == {
        "done": _("Done in time"), "late": _("Done late"), "free": _("Done, no day was set"), "slow": _("Done late"),
        "past": _("To be done, past its day"), "runs": _("To be done, in time so far"), "not": _("Ended without being done"),
        "excused": _("Ended without being done"), "void": _("Ended without being done"),
    }  # fmt: skip


# ── Money ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def paper(session: Any, pqr: Any = None) -> Document:
    n = len(session.scalars(select(Document.id)).all()) + 1
    file = add(session, StoredFile(name=f"p{n}.pdf", media_type="application/pdf", n_bytes=1, sha256=f"{n:064}", storage_key=f"k{n}"))
    return add(session, Document(kind=DocumentKind.INVOICE_CHANGE, number=f"D-{n}", pqr=pqr, file=file, template="x@1", data={},
                                 issued_at=datetime(2026, 6, 1, tzinfo=UTC)))  # fmt: skip


@pytest.fixture
def money(seeded, make) -> dict[str, Any]:
    """Three orders of financing agreed in June (one signed, one proposed, one voided), three changes authorised in it and a draft."""
    account, party = make.account(), make.party()
    boss, writer = make.user(BOSS, first_name="Ana", last_name="Ñáñez"), make.user("Auxiliar PQR")
    cause = seeded.scalars(select(SuiCause).where(SuiCause.code == "101")).first() or seeded.scalars(select(SuiCause)).first()
    case = make.case(at="2026-06-01T08:00-05:00", account=account)
    case.cause = cause
    base = {"organisation": queries.organisation(seeded), "account": account}
    rows: dict[str, Any] = {"cause": cause, "case": case, "boss": boss}
    for n, (name, status, debt, down, more) in enumerate((
        ("signed", "SIGNED", 600_000, 100_000, {"signed_on": d(3), "proof": "Firmó", "authorised_by": boss, "pqr": case}),
        ("proposed", "PROPOSED", 300_000, 0, {}), ("voided", "VOIDED", 50_000, 0, {"reason": "Se arrepintió"}),
        ("may", "SIGNED", 1_000, 0, {"signed_on": d(3), "proof": "Firmó", "agreed_on": d(30, 5)}),
    )):  # fmt: skip
        told = {"number": f"FIN-2026-{n:06}", "status": FinancingStatus[status], "party": party, "concept": "Consumos",
                "debt_cop": debt, "down_cop": down,
                "n_instalments": 6, "monthly_rate": Decimal("0.015"), "agreed_on": d(2), "first_due_on": d(30)}  # fmt: skip
        rows[name] = add(seeded, Financing(**(base | told | more)))
    for n, (name, on, pqr, lines) in enumerate((
        ("less", d(4), case, ((120_000, 80_000), (-12_000, -8_000))), ("again", d(5), case, ((50_000, 0),)),
        ("more", d(6), None, ((10_000, 25_000),)), ("draft", None, None, ((10, 5),)),
    )):  # fmt: skip
        status = ChangeStatus.AUTHORISED if on else ChangeStatus.DRAFT
        done = {"authorised_by": boss, "authorised_on": on, "document": paper(seeded)} if on else {}
        change = InvoiceChange(number=f"CF-2026-{n:06}", status=status, pqr=pqr, invoice_number=f"F-{n}", period="2026-05", reason="Fuga",
                               created_by_id=writer.id, **base, **done)  # fmt: skip
        change.lines = [InvoiceChangeLine(position=i, concept="Consumo", before_cop=a, after_cop=b) for i, (a, b) in enumerate(lines, 1)]
        rows[name] = add(seeded, change)
    return rows


def test_financing_and_changes_of_the_period_add_up_to_the_peso(seeded, money):
    report = made(seeded, money_report.OFFER, **JUNE)

    assert [figure.value for figure in report.headline()] == [3, 1, "$ 600.000", 3, "$ 86.000", 0, 1, 1]
    assert {row[0]: row[1:] for row in rows_of(report, "states")} == {
        _("Proposed"): (1, 300_000, 0, 300_000), _("Signed"): (1, 600_000, 100_000, 500_000), _("Voided"): (1, 50_000, 0, 50_000),
    }  # fmt: skip
    causes = {row[0]: row[1:] for row in rows_of(report, "causes")}
    assert causes == {str(money["cause"]): (2, 158_000, 72_000, -86_000), _("Without a cause"): (1, 10_000, 25_000, 15_000)}
    assert rows_of(report, "authorised") == [("Ana Ñáñez", 3, 168_000, 97_000, -71_000)]
    assert [row["Difference: negative favours the user"] for row in shown(report, "changes")] == [-36_000, -50_000, 15_000]
    assert rows_of(report, "billing") == [(_("Not sent to billing"), 3, 3)]


def test_what_billing_returned_is_told_beside_what_it_says(seeded, money):
    at = datetime(2026, 6, 10, tzinfo=UTC)
    batch = add(seeded, BillingBatch(organisation=queries.organisation(seeded), number="FAC-2026-000001", made_at=at, n_items=2))
    reply = add(seeded, BillingReply(file=paper(seeded).file, applied_at=at, n_lines=2))
    told = {"batch": batch, "result_on": d(11), "reply": reply}
    add(seeded, BillingItem(kind=BillingKind.INVOICE_CHANGE, number="a", position=1, change=money["less"], status=BillingStatus.REJECTED,
                            result_text="Factura cerrada", **told))  # fmt: skip
    billed = {"financing": money["signed"], "status": BillingStatus.BILLED}
    add(seeded, BillingItem(kind=BillingKind.FINANCING, number="b", position=2, **billed, **told))
    report = made(seeded, money_report.OFFER, **JUNE)

    assert figures_of(report)[_("Returned by billing")] == 1
    assert rows_of(report, "billing") == [(_("Not sent to billing"), 2, 2), (_("Invoiced"), 1, 0), (_("Rejected"), 0, 1)]
    narrowed = made(seeded, money_report.OFFER, **JUNE, billing="RETURNED")
    assert [row["What billing says"] for row in shown(narrowed, "changes")] == ["Factura cerrada"]
    assert rows_of(narrowed, "rows") == []


def test_whoever_may_not_know_a_reserved_case_does_not_read_of_its_money(seeded, money):
    money["case"].identity = Identity.RESERVED
    seeded.flush()
    report = made(seeded, money_report.OFFER, may=lambda right, _view: right != "can_see_reserved", **JUNE)

    assert [row["Number"] for row in shown(report, "rows")] == [money["proposed"].number, money["voided"].number]
    assert figures_of(report)[_("Invoices changed")] == 1


# ── Transparency ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def requests(seeded, make) -> dict[str, Pqr]:
    def request(day: str, **columns: Any) -> Pqr:
        kind, party = columns.pop("type", "INFORMACION"), make.party(name="Nombre Privado")
        pqr = make.case(at=f"2026-{day}T08:00-05:00", request_type=kind, party=party)
        for name, value in columns.items():
            setattr(pqr, name, value)
        seeded.flush()
        return pqr

    def answer(on: date, outcome: Outcome) -> dict[str, Any]:
        return {"status": PqrStatus.ANSWERED, "answered_on": on, "solved_on": on, "outcome": outcome}

    held = make.case(at="2026-06-01T08:00-05:00", request_type="INFORMACION")
    return {
        "given": request("06-01", **answer(d(5), Outcome.GRANTED)),
        "denied": request("05-29", **answer(d(4), Outcome.DENIED)),
        "partly": request("04-01", **answer(d(2, 7), Outcome.PARTLY)),
        "moved": request("06-02", status=PqrStatus.TRANSFERRED, closed_on=d(3)),
        "open": request("06-30"),
        "voided": request("06-03", status=PqrStatus.VOIDED, closed_on=d(3)),
        "claim": request("06-03", type="RECLAMO", **answer(d(5), Outcome.DENIED)),
        "held": held,
    }


def test_the_four_figures_of_the_law_are_those_of_the_indicators(seeded, requests):
    report = made(seeded, transparency.OFFER, **JUNE)
    found = figures_of(report)
    calendar = queries.calendar_of(seeded, queries.organisation(seeded))
    days = calendar.between(d(1), d(5)), calendar.between(date(2026, 5, 29), d(4))

    assert list(found.values()) == [4, 1, 2, 1, (Decimal(sum(days)) / 2).quantize(Decimal("0.1"))]
    keys = ("ley1712_recibidas", "ley1712_trasladadas", "ley1712_negadas")
    assert [int(measure(seeded, key, d(1), d(30)).value) for key in keys] == [4, 1, 1]
    assert rows_of(report, "periods") == [("2026-06", 4, 1, 2, list(found.values())[-1], 1, 0, 1)]


def test_by_quarter_the_months_of_a_quarter_are_one_row(seeded, requests):
    args = {"period": "OTHER", "since": "2026-04-01", "until": "2026-07-31"}
    months = rows_of(made(seeded, transparency.OFFER, **args), "periods")
    quarters = rows_of(made(seeded, transparency.OFFER, **args, every="QUARTER"), "periods")

    assert [row[:4] for row in months] == [("2026-04", 1, 0, 0), ("2026-05", 1, 0, 0), ("2026-06", 4, 1, 2), ("2026-07", 0, 0, 1)]
    assert [row[:4] for row in quarters] == [("2026-04 – 2026-06", 6, 1, 2), ("2026-07", 0, 0, 1)]


def test_each_request_has_its_response_time_and_nobody_is_named(seeded, requests):
    report = made(seeded, transparency.OFFER, **JUNE)
    rows = {row["Number"]: row for row in shown(report, "requests")}

    assert set(rows) == {requests[name].number for name in ("given", "denied", "moved", "open", "held")}
    assert rows[requests["moved"].number]["What became of the request"] == _("Transferred to whoever is competent")
    assert rows[requests["open"].number]["What became of the request"] == _("Waits for its answer")
    assert rows[requests["denied"].number]["What became of the request"] == _("Access denied")
    assert rows[requests["given"].number]["Response time, business days"] == 4
    assert "Nombre Privado" not in repr([list(part.rows()) for part in report.tables])


# ── What had a page of its own ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_survey_report_is_of_the_newest_campaign_with_results_and_hides_few_answers(seeded, make):
    campaign = make.campaign()
    offer, modest = OFFERS["survey_report"], lambda right, _view: right != "can_see_small"
    for _n in range(4):
        make.response(campaign)

    few = made(seeded, offer, may=modest)
    assert {row["Number of answers"] for row in shown(few, "questions")} <= {0, None}
    for _n in range(2):
        make.response(campaign)
    report = made(seeded, offer, may=modest)

    assert figures_of(report)[_("Answers counted")] == 6
    first = next(row for row in shown(report, "questions") if row["Code"] == "P1")
    assert (first["Number of answers"], first["Mean"], first["Satisfied, %"]) == (6, 4, 100)
    assert campaign.number in report.filters_in_words()[0]


def test_compliance_has_the_verdicts_by_what_is_asked_and_the_contracts_nobody_verified(seeded, make):
    checklist = make.checklist()
    items = seeded.scalars(select(ChecklistItem).where(ChecklistItem.checklist_id == checklist.id)).all()
    for item, verdict in zip(items, Verdict, strict=False):
        item.verdict, item.note, item.verified_at = verdict, "Se miró", datetime(2026, 7, 1, tzinfo=UTC)
    seeded.flush()

    report = made(seeded, OFFERS["compliance"], by="quality")

    row, = shown(report, "rows")
    assert (row["Meets"], row["Meets in part"], row["Does not meet"], row["Compliance, percent"]) == (1, 1, 1, 50)
    assert report.filters_in_words()[0] == _("By: %(what)s", what=_("Kind of quality"))
    assert rows_of(made(seeded, OFFERS["compliance"], scope=lambda statement: statement.where(false())), "rows") == []


def test_the_risk_register_has_the_open_risks_of_the_reader_the_worst_first(seeded, make):
    small, large = make.risk(1, 1), make.risk(5, 5)
    every, his = made(seeded, OFFERS["risk_map"]), made(seeded, OFFERS["risk_map"], scope=lambda found: found.where(Risk.id == small.id))

    assert [row[0] for row in rows_of(every, "rows")] == [large.number, small.number]
    assert [row[0] for row in rows_of(his, "rows")] == [small.number]


# ── All of them ───────────────────────────────────────────────────────────────────────────────────────────────────────────

ROOMS = ("actions", "notices", "orders", "money", "requests")
KEYS = ("actions", "notices", "orders", "money", "transparency")


@pytest.mark.parametrize(("room", "key"), list(zip(ROOMS, KEYS, strict=True)))
def test_every_count_leads_to_exactly_its_rows(seeded, make, client, login, request, room, key):
    """Whatever leads somewhere is followed: a list, or the report narrowed."""
    request.getfixturevalue(room)
    boss = make.user(BOSS)
    seeded.commit()
    login(client, boss)
    offer = OFFERS[key]

    links = list(links_of(made(seeded, offer, **JUNE)))

    assert len(links) > 5
    for what, n, path in links:
        assert n_behind(path, seeded, offer, client) == n, (what, path)


@pytest.mark.parametrize("key", KEYS)
def test_a_part_counts_the_rows_that_it_has_and_its_first_ones_are_the_first(seeded, request, key):
    request.getfixturevalue(ROOMS[KEYS.index(key)])
    report = made(seeded, OFFERS[key], **JUNE)

    for part in report.tables:
        rows = list(part.rows())
        assert all(len(row) == len(part.header) for row in rows), part.key
        if part.n_rows is not None:
            assert part.n_rows() == len(rows)
            assert part.first(2) == rows[:2]


@pytest.mark.parametrize("key", KEYS)
def test_whoever_sees_nothing_gets_no_rows(seeded, request, key):
    request.getfixturevalue(ROOMS[KEYS.index(key)])
    report = made(seeded, OFFERS[key], scope=lambda statement: statement.where(false()), user_id=999_999,
                  may=lambda right, _view: right not in ("can_see_all", "can_see_reserved"), **JUNE)  # fmt: skip

    records = [part for part in report.tables if part.n_rows is not None]
    assert sum(len(list(part.rows())) for part in records) == 0


@pytest.mark.parametrize("key", list(OFFERS))
def test_an_empty_house_has_reports_without_rows(seeded, key):
    report = made(seeded, OFFERS[key])

    for part in report.tables:
        assert all(len(row) == len(part.header) for row in part.rows()), part.key
    assert report.filters_in_words()
    assert report.headline() is not None


@pytest.mark.parametrize("key", KEYS)
def test_statements_do_not_grow_with_the_rows(seeded, request, count_statements, key):
    def n_statements() -> int:
        with count_statements() as statements:
            report = made(seeded, OFFERS[key], **JUNE)
            report.headline()
            for part in report.tables:
                part.first(25) if part.first else list(part.rows())
        return len(statements)

    before = n_statements()
    request.getfixturevalue(ROOMS[KEYS.index(key)])
    seeded.flush()
    assert n_statements() <= max(before, 9)
