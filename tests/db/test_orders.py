"""Field work: numbers, results, what holds an answer up, what holds a suspension up, and the paper."""

from __future__ import annotations

import base64
import io
import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.documents import document_bytes
from app.documents.orders import finish_order, issue_order
from app.domain.errors import DomainError, MoveRefused
from app.domain.fieldwork import SuspensionBlocked
from app.domain.states import AppealKind, Identity, Move, OrderKind, OrderStatus, Outcome, PqrStatus
from app.models import Account, Appeal, FieldOrder, OrderFile, Party, StoredFile
from app.operations import answers, files, orders
from app.operations import pqr as operations
from app.operations.orders import NewOrder, Visit

TECHNICIAN, BOSS = "Técnico", "Subgerente administrativo y comercial"
#: One black dot.
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
REVIEW = {
    "meter_number": "A-1203", "is_meter_of_account": "YES", "reading": "1250,5", "seals": "INTACT", "meter_condition": "GOOD",
    "leak_inside": "YES", "leak_outside": "NO", "leaks": "El sanitario pasa agua.", "n_people": "4", "use": "RESIDENTIAL",
    "is_tested": "NO", "conclusion": "LEAK_INSIDE", "explanation": "La fuga explica el consumo.", "attended": "OCCUPANT",
    "attended_by": "Rosa Díaz", "attended_document": "CC 52",
}  # fmt: skip
TAKEN = {"paid": "NO", "reading": "88", "place": "METER", "seal": "S-77", "notice_left": "YES", "attended": "NOBODY"}
ARREARS, AGREED = {"ground": "ARREARS"}, {"ground": "AGREED"}
PAID = {"cause": "PAID", "cause_on": "2026-07-10", "cause_at": "08:00"}
UNDONE = {"why": "NOBODY", "details": "Dos visitas, nadie abrió."}


def instant(day: str, hour: int = 10) -> datetime:
    """Return *hour* o'clock in Bogotá (UTC-5) on *day*."""
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


FRIDAY, MONDAY = instant("2026-07-10"), instant("2026-07-14")


@pytest.fixture
def order(seeded, make):
    """order(kind, **fields of NewOrder) → an issued order, assigned to a technician."""
    worker, boss = make.user(TECHNICIAN), make.user(BOSS)

    def build(kind=OrderKind.PRIOR_REVIEW, at=FRIDAY, **fields):
        new = NewOrder(kind, **{"assignee": worker, "account": make.account(), "instructions": "Revisar el medidor", **fields})
        return issue_order(seeded, new, boss, at)

    build.worker, build.boss = worker, boss
    return build


def finish(session, one, raw, *, by, at=MONDAY, is_done=True, on=date(2026, 7, 14), **visit):
    signed = {"unsigned_reason": "CANNOT"} if is_done and "signature" not in visit else {}
    return finish_order(session, one, Visit(done_on=on, raw=raw, **{**signed, **visit}), is_done=is_done, by=by, at=at)


def photo(name="foto.png", content=PNG):
    return files.check_upload(name, io.BytesIO(content))


# ── Issue ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_kind_has_numbers_of_its_own_without_gaps(order):
    first, second = order(), order()
    work = order(OrderKind.WORK_ORDER)

    assert (first.number, second.number, work.number) == ("ORP-2026-000001", "ORP-2026-000002", "OT-2026-000001")
    assert first.status is OrderStatus.ISSUED
    assert first.document.number == first.number


def test_a_refused_order_gives_its_number_back(seeded, order):
    with pytest.raises(DomainError) as refused, seeded.begin_nested():
        order(OrderKind.CUT, asked={})
    assert refused.value.field == "ground"

    assert order(OrderKind.CUT, asked=AGREED).number == "AC-2026-000001"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"assignee": None}, "assignee"),
        ({"account": None}, "account"),
        ({"instructions": " "}, "instructions"),
        ({"instructions": "a" * 4001}, "instructions"),
        ({"due_on": date(2026, 7, 9)}, "due_on"),
        ({"kind": OrderKind.SUSPENSION, "account": None, "asked": AGREED}, "account"),
        ({"kind": OrderKind.RECONNECTION, "asked": PAID | {"cause_at": "23:00"}}, "cause_at"),
    ],
)
def test_an_order_that_nobody_could_carry_out_is_refused(order, fields, field):
    with pytest.raises(DomainError) as refused:
        order(**fields)
    assert refused.value.field == field


def test_the_paper_is_issued_once_and_comes_out_the_same(seeded, order):
    one = order()
    before = document_bytes(one.document)
    one.assignee = order.boss
    seeded.flush()

    assert before.startswith(b"%PDF")
    assert document_bytes(one.document) == before
    assert one.document.data["rows"][0]["value"] is None, "blank: to be filled by hand"


def test_a_reserved_case_is_not_named_beside_its_address(order, a_case):
    pqr = a_case(identity=Identity.RESERVED)
    one = order(pqr=pqr)

    assert pqr.number not in str(one.document.data["facts"])
    assert one.account.address in str(one.document.data["facts"])


def test_a_voided_case_orders_nothing(seeded, order, a_case):
    pqr = a_case(at=FRIDAY)
    operations.void(seeded, pqr, "Se radicó dos veces", at=FRIDAY, actor_id=None)

    with pytest.raises(DomainError, match="nothing is ordered"):
        order(pqr=pqr)


# ── Done, not done ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_review_keeps_its_result_pictures_place_and_signature_and_becomes_an_acta(seeded, order):
    one = finish(seeded, order(), REVIEW, by=order.worker, photos=[photo(), photo("2.png")], signature=PNG, unsigned_reason="",
                 latitude=Decimal("4.609700"), longitude=Decimal("-74.081700"), n_accuracy_m=12)  # fmt: skip

    assert (one.status, one.done_on, one.done_by_id, one.signed_by) == (OrderStatus.DONE, date(2026, 7, 14), order.worker.id, "Rosa Díaz")
    assert one.result["reading"] == "1250.5"
    assert [item.file.media_type for item in one.photos] == ["image/png", "image/png"]
    acta = one.acta
    assert acta.number == f"{one.number}-R"
    assert document_bytes(acta).startswith(b"%PDF")
    assert "4,609700; -74,081700 (± 12 m)" in str(acta.data)
    assert [len(item["picture_sha256"]) for item in acta.data["photos"]] == [64, 64]
    assert acta.data["signers"][1]["picture_sha256"] is not None


def test_the_same_form_sent_twice_is_the_same_act(seeded, order):
    one = order()
    for _time in range(2):
        finish(seeded, one, REVIEW, by=order.worker, photos=[photo()], submission="token-of-the-phone")

    assert len(seeded.scalars(select(OrderFile)).all()) == 1
    with pytest.raises(MoveRefused):
        finish(seeded, one, REVIEW, by=order.worker, submission="another")


def test_the_token_of_one_order_is_no_door_to_another(seeded, order):
    finish(seeded, order(), REVIEW, by=order.worker, submission="token")

    with pytest.raises(IntegrityError), seeded.begin_nested():
        finish(seeded, order(), REVIEW, by=order.worker, submission="token")


@pytest.mark.parametrize(
    ("raw", "visit", "field"),
    [
        ({}, {}, "meter_number"),
        (REVIEW, {"on": date(2026, 7, 9)}, "done_on"),
        (REVIEW, {"on": date(2026, 7, 15)}, "done_on"),
        (REVIEW, {"on": None}, "done_on"),
        (REVIEW, {"unsigned_reason": ""}, "unsigned_reason"),
        (REVIEW, {"signature": b"no picture", "unsigned_reason": ""}, "signature"),
    ],
)
def test_an_order_is_not_closed_without_its_result(seeded, order, raw, visit, field):
    one = order()
    with pytest.raises(DomainError) as refused, seeded.begin_nested():
        finish(seeded, one, raw, by=order.worker, **visit)

    assert refused.value.field == field
    seeded.expire_all()
    assert (one.status, one.result) == (OrderStatus.ISSUED, None)


def test_the_database_keeps_no_order_done_without_result(seeded, order):
    one = order()
    one.status, one.done_on = OrderStatus.DONE, date(2026, 7, 14)

    with pytest.raises(IntegrityError, match="done_has_result"):
        seeded.flush()


def test_a_picture_that_cannot_be_drawn_does_not_stop_the_acta(seeded, order):
    broken = photo("rota.jpg", b"\xff\xd8\xff\xe0" + b"\x00" * 100)
    one = finish(seeded, order(), REVIEW, by=order.worker, photos=[broken])

    assert one.acta.data["photos"] == []
    assert len(one.photos) == 1


def test_a_service_comes_back_within_the_hours_or_says_why(seeded, order):
    one = order(OrderKind.RECONNECTION, asked=PAID)
    assert one.due_at == instant("2026-07-11", 8)
    back = {"done_at": "09:00", "reading": "88", "seal_removed": "S-77", "works": "YES", "attended": "NOBODY"}

    with pytest.raises(DomainError) as refused, seeded.begin_nested():
        finish(seeded, one, back, by=order.worker, on=date(2026, 7, 11))
    assert refused.value.field == "late_reason"
    seeded.expire_all()
    finish(seeded, one, back | {"late_reason": "Vía cerrada"}, by=order.worker, on=date(2026, 7, 11))
    assert one.status is OrderStatus.DONE


# ── What holds the answer up ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def routed(seeded, a_case, make):
    def build(**fields):
        pqr = a_case(at=FRIDAY, **fields)
        operations.route(seeded, pqr, make.process(), "Revisar", at=FRIDAY, actor_id=None)
        return pqr

    return build


def solve(session, pqr, at=MONDAY):
    operations.solve(session, pqr, "Se revisó.", Outcome.DENIED, at=at, actor_id=None)


def test_the_answer_waits_for_an_order_and_says_which(seeded, order, routed):
    pqr = routed()
    one = order(pqr=pqr)

    with pytest.raises(MoveRefused) as refused:
        solve(seeded, pqr)
    assert refused.value.fields["number"] == one.number

    finish(seeded, one, REVIEW, by=order.worker)
    solve(seeded, pqr)
    assert pqr.status is PqrStatus.SOLVED


def test_an_order_that_was_not_done_waits_for_an_excuse(seeded, order, routed):
    pqr = routed()
    one = finish(seeded, order(pqr=pqr), UNDONE, by=order.worker, is_done=False)
    assert (one.status, one.reason, one.acta) == (OrderStatus.NOT_DONE, UNDONE["details"], None)

    with pytest.raises(MoveRefused):
        solve(seeded, pqr)
    with pytest.raises(MoveRefused) as refused:
        orders.excuse(seeded, one, " ")
    assert refused.value.field == "reason"
    orders.excuse(seeded, one, "Se resuelve con el historial de lecturas")
    solve(seeded, pqr)
    assert one.status is OrderStatus.EXCUSED


def test_an_order_after_the_solution_stops_the_letter(seeded, order, routed):
    from app.documents import issue_answer

    pqr = routed()
    solve(seeded, pqr)
    answers.save_draft(seeded, pqr, "No se accede.", None)
    one = order(pqr=pqr, at=MONDAY)

    with pytest.raises(MoveRefused, match=one.number), seeded.begin_nested():
        issue_answer(seeded, pqr, order.boss, MONDAY)
    seeded.expire_all()
    orders.void(seeded, one, "Se ordenó por error")
    issue_answer(seeded, pqr, order.boss, MONDAY)
    assert pqr.status is PqrStatus.ANSWERED
    assert [event.move for event in pqr.events][-1] is Move.ISSUE_ANSWER


def test_only_what_is_to_be_done_may_be_voided_or_given_to_another(seeded, order):
    one = finish(seeded, order(), REVIEW, by=order.worker)

    for act in (
        lambda: orders.void(seeded, one, "x"),
        lambda: orders.excuse(seeded, one, "x"),
        lambda: orders.reassign(seeded, one, order.boss, None, at=MONDAY),
    ):
        with pytest.raises(MoveRefused, match=one.number):
            act()


def test_what_the_orders_found_becomes_text_for_the_draft(seeded, order, routed):
    pqr = routed()
    one = finish(seeded, order(pqr=pqr), REVIEW, by=order.worker)
    other = finish(seeded, order(OrderKind.WORK_ORDER, pqr=pqr), UNDONE, by=order.worker, is_done=False)
    order(pqr=pqr)

    first, second = orders.results_text(seeded, pqr).split("\n\n")
    assert one.number in first
    assert "La fuga explica el consumo." in first
    assert "1250,5 m³" in first
    assert "Rosa" not in first
    assert other.number in second
    assert UNDONE["details"] in second


# ── What holds a suspension up ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_claim_on_the_debt_stops_the_suspension_and_says_which(seeded, order, make, a_case):
    account = make.account()
    claim = a_case(at=FRIDAY, account=account)

    for kind in (OrderKind.SUSPENSION, OrderKind.CUT):
        with pytest.raises(SuspensionBlocked) as refused:
            order(kind, account=account, asked=ARREARS)
        assert refused.value.fields["number"] == claim.number
    assert seeded.scalars(select(FieldOrder)).all() == []
    assert order(OrderKind.SUSPENSION, account=account, asked=AGREED).number == "AS-2026-000001"
    assert order(OrderKind.SUSPENSION, asked=ARREARS), "of another account"


def test_a_claim_filed_in_between_stops_what_was_ordered(seeded, order, make, a_case):
    account = make.account()
    one = order(OrderKind.CUT, account=account, asked=ARREARS)
    claim = a_case(at=MONDAY, account=account)

    with pytest.raises(SuspensionBlocked) as refused, seeded.begin_nested():
        finish(seeded, one, TAKEN | {"place": "LINE"}, by=order.worker)
    assert refused.value.fields["number"] == claim.number
    seeded.expire_all()
    assert one.status is OrderStatus.ISSUED
    finish(seeded, one, UNDONE, by=order.worker, is_done=False)
    assert one.status is OrderStatus.NOT_DONE


def test_a_claim_filed_after_the_visit_does_not_undo_what_was_done(seeded, order, make, a_case):
    """A phone without network tells it later: on the day of the cut nothing forbade it."""
    account = make.account()
    one = order(OrderKind.CUT, account=account, asked=ARREARS)
    a_case(at=MONDAY, account=account)

    finish(seeded, one, TAKEN | {"place": "LINE"}, by=order.worker, on=date(2026, 7, 11))
    assert one.status is OrderStatus.DONE


@pytest.mark.parametrize(
    ("fields", "is_blocked"),
    [
        ({"request_type": "RECLAMO"}, True),
        ({"request_type": "RECLAMO_SERVICIO"}, False),
        ({"request_type": "RECLAMO_SERVICIO", "disputed_cop": Decimal(1000)}, True),
        ({"request_type": "QUEJA", "invoice_number": "F-1"}, True),
        ({"request_type": "INFORMACION", "invoice_number": "F-1"}, False),
        ({"request_type": "RECURSO"}, True),
        ({"request_type": "SUGERENCIA"}, False),
    ],
)
def test_which_cases_hold_a_suspension_up(order, make, a_case, fields, is_blocked):
    account = make.account()
    a_case(at=FRIDAY, account=account, **fields)

    if is_blocked:
        with pytest.raises(SuspensionBlocked):
            order(OrderKind.SUSPENSION, account=account, asked=ARREARS)
    else:
        assert order(OrderKind.SUSPENSION, account=account, asked=ARREARS)


def test_payment_at_the_door_is_no_suspension(seeded, order):
    one = order(OrderKind.SUSPENSION, asked=ARREARS)

    with pytest.raises(DomainError) as refused:
        finish(seeded, one, TAKEN | {"paid": "YES"}, by=order.worker)
    assert refused.value.field == "paid"


@pytest.mark.slow
def test_nobody_files_a_claim_while_somebody_suspends(fresh_app):
    """One transaction suspends and lingers; a claim for that account waits for it, and is filed after: never in between."""
    from app.extensions import db
    from tests.factories import Factory

    told: list[str] = []
    is_checked, may_commit = threading.Event(), threading.Event()
    with fresh_app.app_context():
        make = Factory(db.session)
        account, boss, worker = make.account(), make.user(BOSS), make.user(TECHNICIAN)
        party = make.party()
        db.session.commit()
        account_id, boss_id, worker_id, party_id = account.id, boss.id, worker.id, party.id

    def suspend():
        with fresh_app.app_context():
            new = NewOrder(OrderKind.SUSPENSION, account=db.session.get(Account, account_id), assignee=db.session.get(User, worker_id),
                           asked=ARREARS)  # fmt: skip
            issue_order(db.session, new, db.session.get(User, boss_id), FRIDAY)
            is_checked.set()
            may_commit.wait(10)
            told.append("suspended")
            db.session.commit()

    def claim():
        with fresh_app.app_context():
            is_checked.wait(10)
            filing = {"account": db.session.get(Account, account_id), "party": db.session.get(Party, party_id)}
            threading.Timer(0.5, may_commit.set).start()
            Factory(db.session).case(at=FRIDAY, **filing)
            told.append("claimed")
            db.session.commit()

    threads = [threading.Thread(target=suspend), threading.Thread(target=claim)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert told == ["suspended", "claimed"]
    with fresh_app.app_context(), pytest.raises(SuspensionBlocked):
        account = db.session.get(Account, account_id)
        orders.check_suspension(db.session, OrderKind.SUSPENSION, ARREARS, account, date(2026, 7, 10))


def test_pictures_are_kept_apart_from_the_files_of_the_case(seeded, order, routed):
    pqr = routed()
    finish(seeded, order(pqr=pqr), REVIEW, by=order.worker, photos=[photo()])

    kept = seeded.scalars(select(StoredFile).where(StoredFile.media_type == "image/png")).all()
    assert [item.pqr_id for item in kept] == [None]


@pytest.mark.parametrize(("is_timely", "is_blocked"), [(True, True), (False, False)])
def test_an_appeal_against_the_answer_holds_up_the_suspension_of_its_account(seeded, order, make, a_case, is_timely, is_blocked):
    """The recurso names no account of its own: what counts is the case that it appeals. One that was late holds up nothing."""
    account = make.account()
    claim = a_case(at=FRIDAY, account=account, request_type="RECLAMO_SERVICIO")
    child = a_case(at=FRIDAY, request_type="RECURSO", party=claim.party)
    seeded.add(Appeal(pqr_id=child.id, against_id=claim.id, kind=AppealKind.REPOSICION, is_timely=is_timely, is_admitted=is_timely))
    seeded.flush()

    if is_blocked:
        with pytest.raises(SuspensionBlocked) as refused:
            order(OrderKind.SUSPENSION, account=account, asked=ARREARS)
        assert refused.value.fields["number"] == child.number
    else:
        assert order(OrderKind.SUSPENSION, account=account, asked=ARREARS)
