"""An appeal from its filing to the day on which nothing is left to file: child case, decision, Superservicios, en firme."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app import documents
from app.days import file_is_due
from app.domain.appeals import AppealedAct
from app.domain.errors import IllegalMove, MoveRefused
from app.domain.states import AppealKind, DocumentKind, Inadmissibility, Move, Outcome, PqrStatus, Visibility
from app.models import Appeal, CaseEvent, Channel, Document, Pqr, Process, StoredFile
from app.operations import answers, appeals, notices
from app.operations import pqr as operations
from app.operations.files import store_file

REPOSICION, APELACION = AppealKind


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


class Life:
    """Lives through a case day by day with the operations of the product."""

    def __init__(self, session: Any, make: Any) -> None:
        self.session, self.make = session, make
        self.boss = make.user("Subgerente administrativo y comercial")

    def answered(self, pqr: Pqr, on: str, outcome: Outcome = Outcome.DENIED) -> Pqr:
        who = {"at": instant(on), "actor_id": self.boss.id}
        process = self.session.scalars(select(Process).where(~Process.is_front_desk).order_by(Process.id)).first()
        operations.route(self.session, pqr, process, "Es de su área", **who)
        operations.solve(self.session, pqr, "El medidor leyó bien", outcome, **who)
        answers.save_draft(self.session, pqr, "No se accede a lo pedido.", self.boss.id)
        documents.issue_answer(self.session, pqr, self.boss, instant(on))
        return pqr

    def served(self, pqr: Pqr, on: str) -> Pqr:
        notices.record_notice(
            self.session, pqr, served_on=date.fromisoformat(on), proof="Recibió Luz, CC 52", at=instant(on, 11), actor_id=self.boss.id
        )
        return pqr

    def first(self, filed="2026-03-03", answered="2026-03-20", served="2026-03-27", **fields: Any) -> Pqr:
        """A claim answered and served; by default the Friday before Holy Week, so that the last day to appeal is 7 April."""
        pqr = self.make.case(at=instant(filed), **fields)
        return self.served(self.answered(pqr, answered), served)

    def appeal(self, first: Pqr, on: str, kind: AppealKind = APELACION, *, recorded: str | None = None, **facts: Any) -> Pqr:
        channel = self.session.scalars(select(Channel).limit(1)).one()
        filing = appeals.filing_against(self.session, first, kind, channel, "No estoy de acuerdo: el medidor está dañado.")
        brief = appeals.Brief(kind, received_on=date.fromisoformat(on), **facts)
        return appeals.file_appeal(self.session, filing, brief, at=instant(recorded or on, 15), actor_id=self.boss.id)

    def decided(self, first: Pqr, outcome: Outcome, kind: AppealKind = APELACION, served: str = "2026-04-22") -> Pqr:
        child = self.appeal(first, "2026-04-06", kind)
        return self.served(self.answered(child, "2026-04-20", outcome), served)

    def made(self, child: Pqr) -> appeals.Made:
        papers = [self.paper(child, kind, self.file(child, kind.name)) for kind in (DocumentKind.SSPD_FILE, DocumentKind.SSPD_LETTER)]
        return appeals.Made(papers[0], self.file(child, "zip"), papers[1])

    def paper(self, pqr: Pqr, kind: DocumentKind, file: StoredFile) -> Document:
        document = Document(kind=kind, number=f"X-{file.id}", pqr=pqr, file=file, template="t@1", data={}, issued_at=instant("2026-04-23"))
        self.session.add(document)
        return document

    def file(self, pqr: Pqr, name: str) -> StoredFile:
        return store_file(self.session, b"%PDF-1.4 ", f"{name}.pdf", "application/pdf", pqr, Visibility.STAFF)

    def sent(self, child: Pqr, on: str = "2026-04-24") -> Pqr:
        appeals.keep_file(self.session, child, self.made(child))
        appeals.record_transfer(
            self.session, child, on=date.fromisoformat(on), proof="Guía 123", number="2026529001", at=instant(on), actor_id=self.boss.id
        )
        return child

    def close_final(self, on: str) -> int:
        n = appeals.close_final(self.session, instant(on, 0))
        self.session.flush()
        return n


@pytest.fixture
def life(seeded, make) -> Life:
    return Life(seeded, make)


# ── Filing ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_appeal_in_time_is_a_case_of_its_own_and_the_first_one_is_under_appeal(life):
    first = life.first(is_e_notice=True, notice_email="luz@example.com")
    assert first.appeal_until == date(2026, 4, 7)

    child = life.appeal(first, "2026-04-07")

    assert first.status is PqrStatus.APPEALED
    assert child.number != first.number
    assert (child.status, child.request_type.code, child.previous) == (PqrStatus.RECEIVED, "RECURSO_APELACION", first)
    assert (child.party, child.account, child.regime, child.is_e_notice) == (first.party, first.account, first.regime, True)
    assert (child.filed_on, child.due_on) == (date(2026, 4, 7), date(2026, 4, 28))
    appeal = child.appeal
    assert (appeal.against, appeal.kind, appeal.is_timely, appeal.is_admitted, appeal.reasons) == (first, APELACION, True, True, [])
    assert first.events[-1].move is Move.APPEAL
    assert child.number in first.events[-1].reason


def test_a_late_appeal_is_filed_with_its_reasons_and_the_first_case_stays_as_it_is(life):
    first = life.first()

    child = life.appeal(first, "2026-04-08", is_undisputed_paid=False)

    assert first.status is PqrStatus.NOTIFIED
    assert (child.appeal.is_timely, child.appeal.is_admitted) == (False, False)
    assert child.appeal.reasons == [Inadmissibility.LATE.name, Inadmissibility.UNPAID_UNDISPUTED.name]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"act": AppealedAct.OTHER}, Inadmissibility.NOT_APPEALABLE),
        ({"invoice_on": date(2025, 9, 1)}, Inadmissibility.OLD_INVOICE),
        ({"is_undisputed_paid": False}, Inadmissibility.UNPAID_UNDISPUTED),
    ],
)
def test_an_appeal_in_time_with_something_against_it_is_filed_too(life, facts, reason):
    first = life.first()

    child = life.appeal(first, "2026-03-30", **facts)

    assert first.status is PqrStatus.NOTIFIED
    assert (child.appeal.is_timely, child.appeal.is_admitted, child.appeal.reasons) == (True, False, [reason.name])


def test_what_arrived_in_time_and_was_recorded_after_the_case_closed_by_itself_opens_it_again(life):
    first = life.first()
    assert life.close_final("2026-04-08") == 1
    assert (first.status, first.closed_on) == (PqrStatus.CLOSED, date(2026, 4, 8))

    child = life.appeal(first, "2026-04-07", recorded="2026-04-09")

    assert (first.status, first.closed_on) == (PqrStatus.APPEALED, None)
    assert [line.out_at is None for line in first.assignments].count(True) == 1
    assert (child.filed_on, child.appeal.is_admitted) == (date(2026, 4, 7), True)


def test_a_late_appeal_against_a_closed_case_is_filed_and_it_stays_closed(life):
    first = life.first()
    life.close_final("2026-04-08")

    child = life.appeal(first, "2026-05-04")

    assert (first.status, child.appeal.reasons) == (PqrStatus.CLOSED, ["LATE"])


def test_an_appeal_against_an_answer_that_is_not_served_is_refused_with_what_to_do(life):
    pqr = life.answered(life.make.case(at=instant("2026-03-03")), "2026-03-20")

    with pytest.raises(MoveRefused, match=r"not served yet.*art\. 72"):
        life.appeal(pqr, "2026-03-24")

    assert life.session.scalar(select(func.count()).select_from(Pqr)) == 1


def test_there_is_one_appeal_against_an_answer(life):
    first = life.first()
    child = life.appeal(first, "2026-03-30")

    with pytest.raises(MoveRefused, match=child.number):
        life.appeal(first, "2026-03-31")
    with pytest.raises(IntegrityError), life.session.begin_nested():
        life.session.add(Appeal(pqr=life.make.case(), against=first, kind=APELACION, is_timely=True, is_admitted=True, reasons=[]))
        life.session.flush()


def test_an_appeal_whose_number_was_voided_leaves_room_for_another(life):
    first = life.first()
    wrong = life.appeal(first, "2026-03-30")
    operations.void(life.session, wrong, "Se digitó dos veces", at=instant("2026-03-31"), actor_id=None)

    child = life.appeal(first, "2026-03-31")

    assert (wrong.appeal.is_admitted, child.appeal.is_admitted, first.status) == (False, True, PqrStatus.APPEALED)


def test_a_decision_admits_no_other_appeal(life):
    child = life.decided(life.first(), Outcome.CONFIRMED)

    with pytest.raises(MoveRefused, match="queja"):
        life.appeal(child, "2026-04-23")


@pytest.mark.parametrize(("on", "said"), [("2026-03-19", "cannot have arrived"), ("2026-03-31", "future")])
def test_dates_out_of_order_are_refused(life, on, said):
    first = life.first()

    with pytest.raises(MoveRefused, match=said) as refused:
        life.appeal(first, on, recorded="2026-03-30")

    assert refused.value.field == "on"
    assert first.status is PqrStatus.NOTIFIED


def test_the_same_form_sent_twice_is_the_same_appeal(life):
    first = life.first()
    channel = life.session.scalars(select(Channel).limit(1)).one()
    made = [
        appeals.file_appeal(
            life.session,
            appeals.filing_against(life.session, first, APELACION, channel, "No estoy de acuerdo", submission="one"),
            appeals.Brief(APELACION),
            at=instant("2026-03-30"),
        )
        for _twice in range(2)
    ]

    assert made[0] is made[1]


# ── The decision ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("outcome", [Outcome.GRANTED, Outcome.PARTLY, Outcome.DENIED])
def test_an_appeal_is_not_granted_or_denied_but_confirms_modifies_revokes_or_rejects(life, outcome):
    child = life.appeal(life.first(), "2026-03-30")

    with pytest.raises(MoveRefused, match="confirms, modifies"):
        life.answered(child, "2026-04-10", outcome)


@pytest.mark.parametrize("outcome", [Outcome.CONFIRMED, Outcome.MODIFIED, Outcome.REVOKED, Outcome.REJECTED])
def test_a_first_answer_is_no_decision_on_an_appeal(life, outcome):
    pqr = life.make.case(at=instant("2026-03-03"))

    with pytest.raises(MoveRefused, match="Only the decision on an appeal"):
        life.answered(pqr, "2026-03-20", outcome)


def test_a_late_appeal_is_rejected_and_nothing_else(life):
    child = life.appeal(life.first(), "2026-04-08")

    with pytest.raises(MoveRefused, match="filed after its term"):
        life.answered(child, "2026-04-10", Outcome.CONFIRMED)
    life.session.expire_all()
    operations.solve(life.session, child, "Llegó tarde", Outcome.REJECTED, at=instant("2026-04-10"), actor_id=None)

    assert child.outcome is Outcome.REJECTED


@pytest.mark.parametrize(
    ("kind", "outcome", "due_on", "queja_until"),
    [
        (APELACION, Outcome.CONFIRMED, date(2026, 4, 27), None),
        (APELACION, Outcome.MODIFIED, date(2026, 4, 27), None),
        (APELACION, Outcome.REVOKED, None, None),
        (APELACION, Outcome.REJECTED, None, date(2026, 4, 29)),
        (REPOSICION, Outcome.CONFIRMED, None, None),
        (REPOSICION, Outcome.REJECTED, None, None),
    ],
)
def test_a_served_decision_goes_to_superservicios_or_opens_the_queja_or_neither(life, kind, outcome, due_on, queja_until):
    child = life.decided(life.first(), outcome, kind)

    assert (child.appeal.sspd_due_on, child.appeal_until) == (due_on, queja_until)


# ── Superservicios ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_file_is_made_sent_and_decided_and_nothing_before_is_rewritten(life):
    first = life.first()
    child = life.decided(first, Outcome.CONFIRMED)
    said = (first.outcome, first.answered_on, first.answer.body, child.outcome, child.answered_on, child.notified_on)
    due = select(Pqr.number).join(Appeal, Appeal.pqr_id == Pqr.id).where(file_is_due())
    assert life.session.scalars(due).all() == [child.number]

    life.sent(child)
    assert life.session.scalars(due).all() == []
    file = life.file(child, "resolucion")
    appeals.record_result(
        life.session, child, Outcome.REVOKED, on=date(2026, 6, 30), number="SSPD 20268140123", file=file, at=instant("2026-07-01"),
        actor_id=None,
    )  # fmt: skip

    appeal = child.appeal
    assert (appeal.sspd_sent_on, appeal.sspd_number) == (date(2026, 4, 24), "2026529001")
    assert (appeal.sspd_result, appeal.sspd_result_on, appeal.sspd_result_file) == (Outcome.REVOKED, date(2026, 6, 30), file)
    assert [event.move for event in child.events[-2:]] == [Move.SEND_TO_SSPD, Move.RECORD_RESULT]
    assert (first.outcome, first.answered_on, first.answer.body, child.outcome, child.answered_on, child.notified_on) == said
    assert (child.status, first.status) == (PqrStatus.NOTIFIED, PqrStatus.APPEALED)


def result(life, child, on="2026-06-30", number="SSPD 1", sense=Outcome.CONFIRMED, recorded="2026-07-01"):
    return appeals.record_result(
        life.session, child, sense, on=date.fromisoformat(on), number=number, at=instant(recorded), actor_id=None
    )


def test_there_is_no_result_before_the_transfer(life):
    child = life.decided(life.first(), Outcome.CONFIRMED)

    with pytest.raises(MoveRefused, match="before the file is sent"):
        result(life, child)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"on": "2026-04-23"}, "cannot be earlier"),
        ({"on": "2026-07-02"}, "future"),
        ({"number": " "}, "number of the resolution"),
        ({"sense": Outcome.GRANTED}, "confirms, modifies"),
    ],
)
def test_a_result_out_of_order_or_without_its_number_is_refused(life, how, said):
    child = life.sent(life.decided(life.first(), Outcome.CONFIRMED))

    with pytest.raises(MoveRefused, match=said):
        result(life, child, **how)

    assert child.appeal.sspd_result is None


def test_a_result_is_recorded_once(life):
    child = life.sent(life.decided(life.first(), Outcome.CONFIRMED))
    result(life, child)

    with pytest.raises(MoveRefused, match="not rewritten"):
        result(life, child, number="SSPD 2")


@pytest.mark.parametrize(
    ("on", "proof", "said"),
    [
        (date(2026, 4, 21), "Guía 1", "cannot leave earlier"),
        (date(2026, 4, 24), " ", "how that is proved"),
        (date(2026, 4, 30), "Guía 1", "future"),
    ],
)
def test_a_transfer_needs_its_proof_and_its_day(life, on, proof, said):
    child = life.decided(life.first(), Outcome.CONFIRMED)
    appeals.keep_file(life.session, child, life.made(child))

    with pytest.raises(MoveRefused, match=said):
        appeals.record_transfer(life.session, child, on=on, proof=proof, at=instant("2026-04-24"), actor_id=None)


def test_what_was_not_made_is_not_sent_and_what_was_sent_is_not_made_again(life):
    child = life.decided(life.first(), Outcome.CONFIRMED)

    with pytest.raises(MoveRefused, match="Make the file first"):
        appeals.record_transfer(life.session, child, on=date(2026, 4, 24), proof="Guía", at=instant("2026-04-24"), actor_id=None)
    life.sent(child)
    with pytest.raises(MoveRefused, match="does not change"):
        appeals.keep_file(life.session, child, life.made(child))


@pytest.mark.parametrize(("kind", "outcome"), [(REPOSICION, Outcome.CONFIRMED), (APELACION, Outcome.REVOKED)])
def test_only_an_apelacion_that_was_not_granted_whole_goes_there(life, kind, outcome):
    child = life.decided(life.first(), outcome, kind)

    with pytest.raises(MoveRefused, match="Law 142"):
        appeals.keep_file(life.session, child, life.made(child))


# ── En firme ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_that_nobody_appealed_is_final_the_day_after_the_term_and_only_once(life):
    first = life.first()

    assert life.close_final("2026-04-07") == 0
    assert life.close_final("2026-04-10") == 1
    assert life.close_final("2026-04-10") == 0

    assert (first.status, first.closed_on) == (PqrStatus.CLOSED, date(2026, 4, 8))
    event = first.events[-1]
    assert (event.move, event.actor_id, event.on) == (Move.CLOSE, None, date(2026, 4, 8))
    assert "en firme" in event.reason.lower()
    assert "art. 87" in event.reason


@pytest.mark.parametrize(
    ("kind", "outcome", "final"),
    [
        (REPOSICION, Outcome.CONFIRMED, "2026-04-23"),
        (APELACION, Outcome.REVOKED, "2026-04-23"),
        (APELACION, Outcome.REJECTED, "2026-04-30"),  # the queja has five days
    ],
)
def test_a_decision_and_the_answer_it_is_about_are_final_on_the_same_day(life, kind, outcome, final):
    first = life.first()
    child = life.decided(first, outcome, kind)

    assert life.close_final("2026-04-22") == 0
    assert life.close_final(final) == 2

    on = date.fromisoformat(final)
    assert (child.status, child.closed_on, first.status, first.closed_on) == (PqrStatus.CLOSED, on, PqrStatus.CLOSED, on)
    assert child.number in first.events[-1].reason


def test_an_apelacion_waits_for_superservicios_however_long(life):
    first = life.first()
    child = life.decided(first, Outcome.CONFIRMED)

    assert life.close_final("2026-12-31") == 0
    life.sent(child)
    assert life.close_final("2026-12-31") == 0
    result(life, child)
    assert life.close_final("2026-12-31") == 2

    assert (child.closed_on, first.closed_on) == (date(2026, 7, 1), date(2026, 7, 1))


def test_a_late_appeal_does_not_hold_the_answer_open(life):
    first = life.first()
    life.appeal(first, "2026-04-08")

    assert life.close_final("2026-04-09") == 1
    assert first.closed_on == date(2026, 4, 8)


def test_an_inadmissible_appeal_in_time_holds_it_open_until_it_is_rejected(life):
    first = life.first()
    child = life.appeal(first, "2026-04-06", REPOSICION, is_undisputed_paid=False)

    assert life.close_final("2026-04-08") == 0
    life.served(life.answered(child, "2026-04-20", Outcome.REJECTED), "2026-04-22")
    assert life.close_final("2026-04-23") == 2
    assert first.closed_on == date(2026, 4, 23)


def test_one_case_that_cannot_close_stops_no_other(life, monkeypatch):
    cases = [life.first() for _two in range(2)]
    make_move = appeals.make_move

    def broken(session, pqr, *args, **how):
        if pqr is cases[0]:
            raise MoveRefused("broken")
        return make_move(session, pqr, *args, **how)

    monkeypatch.setattr(appeals, "make_move", broken)

    assert life.close_final("2026-04-08") == 1
    assert [pqr.status for pqr in cases] == [PqrStatus.NOTIFIED, PqrStatus.CLOSED]


def test_by_hand_nothing_closes_that_an_appeal_holds_open(life):
    first = life.first()
    child = life.decided(first, Outcome.CONFIRMED)

    with pytest.raises(MoveRefused, match=child.number):
        operations.close(life.session, first, waiver="Decidido", at=instant("2026-05-04"), actor_id=None)
    with pytest.raises(MoveRefused, match="waits for the result"):
        operations.close(life.session, child, at=instant("2026-05-04"), actor_id=None)

    operations.close(life.session, child, waiver="Desistió de la apelación por escrito", at=instant("2026-05-04"), actor_id=None)
    operations.close(life.session, first, waiver="La decisión quedó en firme", at=instant("2026-05-04"), actor_id=None)
    assert (child.status, first.status) == (PqrStatus.CLOSED, PqrStatus.CLOSED)


def test_with_a_waiver_it_closes_before_the_term_ends_and_a_later_appeal_opens_nothing(life):
    first = life.first()
    operations.close(life.session, first, waiver="Renunció por escrito", at=instant("2026-03-30"), actor_id=None)

    child = life.appeal(first, "2026-03-31")

    assert (first.status, first.closed_on) == (PqrStatus.CLOSED, date(2026, 3, 30))
    assert not child.appeal.is_admitted


def test_a_case_in_another_state_is_no_step_of_superservicios(life):
    child = life.appeal(life.first(), "2026-03-30")

    with pytest.raises(IllegalMove):
        operations.make_move(life.session, child, Move.SEND_TO_SSPD, at=instant("2026-03-31"), actor_id=None)
    assert not life.session.scalars(select(CaseEvent).where(CaseEvent.move == Move.SEND_TO_SSPD)).all()
