"""Lawful stops and ends: each by its act, with its clock and its proof; and what each refuses, with the rule."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from app.documents import base, document_bytes, issue_answer, stops
from app.domain.deadlines import Regime, TermAct, deadline_of
from app.domain.errors import DomainError, IllegalMove, MoveRefused, TermMissing
from app.domain.states import DocumentKind, Identity, Move, Outcome, PqrStatus, RequirementEnd, RequirementKind
from app.models import CaseEvent, Document, LegalTerm, Note, Notice, Process, Requirement
from app.operations import answers, calendar, notices, requirements
from app.operations import pqr as operations
from tests.unit.test_chains import NONE, PAGE, REGIMES

K = RequirementKind
COMPLETION, CLARIFICATION, EVIDENCE = K.COMPLETION, K.CLARIFICATION, K.EVIDENCE
HOW = "En ventanilla; firmó el recibido con su cédula"


def instant(day: str, hour: int = 10) -> datetime:
    """Return *hour* o'clock in Bogotá (UTC-5) on *day*."""
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


@pytest.fixture
def clerk(a_user):
    return a_user("Subgerente administrativo y comercial", first_name="Ana", last_name="Ñáñez")


@pytest.fixture
def routed(seeded, a_case):
    """routed(on=…, **fields) → a case with a process; by default of Friday 10 July 2026, due on 4 August."""

    def build(on="2026-07-10", **fields):
        pqr = a_case(at=instant(on), **fields)
        process = seeded.scalars(select(Process).where(~Process.is_front_desk).order_by(Process.id)).first()
        operations.route(seeded, pqr, process, "Revisar el consumo", at=instant(on, 11), actor_id=None)
        return pqr

    return build


@pytest.fixture
def ask(seeded, clerk):
    """ask(pqr, kind, on, what=…) → the requirement, issued and not told."""

    def issue(pqr, kind=COMPLETION, on="2026-07-14", what="Copia de la factura\nFoto del medidor", **more):
        if kind is EVIDENCE:
            more = {"reason": "Hay que leer el medidor", "until": date(2026, 8, 14)} | more
        return stops.issue(seeded, pqr, kind, what, issuer=clerk, at=instant(on), **more)

    return issue


@pytest.fixture
def tell(seeded, clerk):
    """tell(requirement, on, recorded=…) → the stop, recorded that day or later."""

    def record(requirement, on, recorded=None, how=HOW):
        day = date.fromisoformat(on)
        return requirements.tell(seeded, requirement, on=day, how=how, at=instant(recorded or on, 15), actor_id=clerk.id)

    return record


def derived(session, pqr):
    """Return the due date as the domain derives it from history and rule."""
    calendar = operations.queries.calendar_of(session, pqr.organisation)
    rule = operations.queries.rule_of_case(pqr)
    return deadline_of(pqr.filed_at, rule, calendar, operations.clock_events(pqr)).due_on


def words(document):
    pages = PdfReader(io.BytesIO(document_bytes(document))).pages
    return " ".join("\n".join(page.extract_text() for page in pages).replace("-\n", "").split())


# ── Issued is not told ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_is_a_numbered_letter_with_what_is_missing_and_the_clock_goes_on(seeded, routed, ask):
    pqr = routed()
    requirement = ask(pqr, what="- Copia de la factura\n\n• Foto del medidor")

    letter = words(requirement.document)
    assert requirement.document.number == "REQ-2026-000001"
    assert "1. Copia de la factura" in letter and "2. Foto del medidor" in letter
    assert "un (1) mes" in letter and "Ley 1755 de 2015, art. 17" in letter
    assert (pqr.status, pqr.due_on, requirement.until_on) == (PqrStatus.ROUTED, date(2026, 8, 4), None)
    assert [(event.move, event.clock, event.document) for event in pqr.events][-1] == (Move.ISSUE_REQUEST, None, requirement.document)


def test_the_clock_stops_on_the_day_of_being_told_and_goes_on_with_what_was_left(seeded, routed, ask, tell):
    pqr = routed()
    stop = tell(ask(pqr), "2026-07-16", recorded="2026-07-21")  # the carrier's proof came days later

    assert (stop.on, stop.clock, stop.act, stop.document.number) == (date(2026, 7, 16), "STOPPED", "REQ-2026-000001", "REQ-2026-000001")
    assert (pqr.status, pqr.due_on, pqr.n_days_left_when_stopped) == (PqrStatus.AWAITING_USER, None, 12)
    assert "REQ-2026-000001" in {step.note for step in operations.steps_for(seeded, pqr)}

    requirements.complete(seeded, pqr, "Trajo todo", at=instant("2026-07-27"), actor_id=None)

    requirement = requirements.open_of(seeded, pqr)
    assert requirement is None
    assert pqr.due_on == date(2026, 8, 13) == derived(seeded, pqr)  # 12 days after 27 July; 7 August is a holiday
    assert pqr.events[-1].document.number == "REQ-2026-000001"


def test_the_month_of_the_citizen_runs_from_the_notice_and_ends_on_a_working_day(seeded, routed, ask, tell):
    requirement = ask(routed())
    tell(requirement, "2026-07-16")

    assert requirement.until_on == date(2026, 8, 18)  # 16 August is a Sunday and 17 August a holiday


@pytest.mark.parametrize(
    ("on", "recorded", "how", "said"),
    [
        ("2026-07-13", "2026-07-21", HOW, "cannot have been told earlier"),
        ("2026-07-22", "2026-07-21", HOW, "in the future"),
        ("2026-08-05", "2026-08-06", HOW, "term ended on 04/08/2026"),
        ("2026-07-16", "2026-07-21", "  ", "without proof is not told"),
    ],
)
def test_an_unlawful_notice_stops_nothing(seeded, routed, ask, tell, on, recorded, how, said):
    pqr = routed()
    requirement = ask(pqr)

    with pytest.raises(MoveRefused, match=said):
        tell(requirement, on, recorded, how)
    assert (pqr.status, pqr.due_on, requirement.told_on) == (PqrStatus.ROUTED, date(2026, 8, 4), None)


def test_it_is_told_once(seeded, routed, ask, tell):
    pqr = routed()
    requirement = ask(pqr)
    tell(requirement, "2026-07-16")

    with pytest.raises((MoveRefused, IllegalMove)):
        tell(requirement, "2026-07-17")
    assert len(operations.clock_events(pqr)) == 1


def test_a_request_is_told_even_if_the_case_changed_hands_while_the_letter_travelled(seeded, routed, ask, tell):
    pqr = routed()
    requirement = ask(pqr)
    operations.return_to_desk(seeded, pqr, "No es de este proceso", at=instant("2026-07-17"), actor_id=None)

    assert tell(requirement, "2026-07-16", recorded="2026-07-21").on == date(2026, 7, 16)
    assert pqr.n_days_left_when_stopped == 12


@pytest.mark.parametrize(("on", "is_late"), [("2026-07-28", False), ("2026-07-29", True)])
def test_the_term_to_ask_counts_working_days_from_the_filing(seeded, routed, ask, on, is_late):
    pqr = routed()
    if is_late:
        with pytest.raises(MoveRefused, match=r"possible to ask until 28/07/2026 \(Ley 1755"):
            ask(pqr, on=on)
        assert seeded.scalars(select(Document)).all() == []
    else:
        assert ask(pqr, on=on).issued_on == date(2026, 7, 28)


def test_a_request_issued_in_time_may_be_told_until_the_term_ends(seeded, routed, ask, tell):
    pqr = routed()
    requirement = ask(pqr, on="2026-07-28")

    assert tell(requirement, "2026-08-04").on == date(2026, 8, 4)
    assert pqr.n_days_left_when_stopped == 0


def test_no_second_request_follows_the_first(seeded, routed, ask, tell):
    pqr = routed()
    requirement = ask(pqr)
    with pytest.raises(MoveRefused, match="waits to be told"):
        ask(pqr)
    with pytest.raises(MoveRefused, match="waits to be told"):
        ask(pqr, CLARIFICATION)
    tell(requirement, "2026-07-15")
    requirements.complete(seeded, pqr, "Trajo todo", at=instant("2026-07-16"), actor_id=None)

    with pytest.raises(MoveRefused, match="no second request"):
        ask(pqr, on="2026-07-17")


@pytest.mark.parametrize("what", ["", " \n - \n"])
def test_a_request_that_asks_nothing_is_refused(seeded, routed, ask, what):
    with pytest.raises(MoveRefused, match="one thing a line"):
        ask(routed(), what=what)


def test_nobody_can_be_asked_in_an_anonymous_case(seeded, routed, ask):
    with pytest.raises(MoveRefused, match="anonymous"):
        ask(routed(identity=Identity.ANONYMOUS, party=None))


def test_asked_and_told_at_once_is_one_press(seeded, routed, clerk):
    pqr = routed()
    stop = stops.issue_and_tell(seeded, pqr, COMPLETION, "Copia de la factura", HOW, issuer=clerk, at=instant("2026-07-16"))

    assert (stop.on, stop.document.kind, pqr.status) == (date(2026, 7, 16), DocumentKind.COMPLETION_REQUEST, PqrStatus.AWAITING_USER)
    assert seeded.scalars(select(Requirement.told_how)).one() == HOW


# ── By link ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def opened(session, pqr, requirement, on):
    notice = notices.start_e_notice(session, pqr, at=instant("2026-07-14"), document=requirement.document)
    return notices.serve_e_notice(session, notice, at=instant(on, 22), address="192.0.2.7")


def test_opening_the_link_is_being_told(seeded, routed, ask):
    pqr = routed(is_e_notice=True, notice_email="luz@example.com")
    requirement = ask(pqr)
    opened(seeded, pqr, requirement, "2026-07-16")

    assert (requirement.told_on, pqr.status) == (date(2026, 7, 16), PqrStatus.AWAITING_USER)
    assert "22:00" in requirement.told_how and "192.0.2.7" in requirement.told_how
    assert pqr.events[-1].actor_id is None


def test_a_link_opened_when_the_case_has_gone_on_proves_access_and_stops_nothing(seeded, routed, ask):
    pqr = routed(is_e_notice=True, notice_email="luz@example.com")
    requirement = ask(pqr)
    operations.solve(seeded, pqr, "Se corrige", Outcome.GRANTED, at=instant("2026-07-15"), actor_id=None)
    notice = opened(seeded, pqr, requirement, "2026-07-16")

    assert notice.opened_at is not None
    assert (requirement.told_on, pqr.status, pqr.due_on) == (None, PqrStatus.SOLVED, date(2026, 8, 4))


# ── The citizen completes, asks for time, or does not ─────────────────────────────────────────────────────────────────────


@pytest.fixture
def waiting(seeded, routed, ask, tell):
    """A case told on 16 July what to complete; the citizen has time until 18 August."""
    pqr = routed()
    tell(ask(pqr), "2026-07-16")
    return pqr


def test_a_part_of_it_is_kept_and_does_not_resume(seeded, waiting):
    requirements.complete_partly(seeded, waiting, "Trajo la factura; falta la foto", at=instant("2026-07-20"), actor_id=None)

    assert (waiting.status, waiting.due_on, waiting.n_days_left_when_stopped) == (PqrStatus.AWAITING_USER, None, 12)
    assert waiting.events[-1].reason == "Trajo la factura; falta la foto"
    assert requirements.open_of(seeded, waiting) is not None


def test_more_time_is_as_much_again_and_once(seeded, waiting):
    requirements.extend_completion(seeded, waiting, "Está de viaje", on=date(2026, 8, 18), at=instant("2026-08-19"), actor_id=None)

    requirement = requirements.open_of(seeded, waiting)
    assert (requirement.extended_on, requirement.extended_until) == (date(2026, 8, 18), date(2026, 9, 16))
    with pytest.raises(MoveRefused, match="extended once"):
        requirements.extend_completion(seeded, waiting, "Otra vez", at=instant("2026-08-20"), actor_id=None)


def test_a_change_of_the_calendar_moves_the_last_day_of_the_citizen(seeded, waiting):
    edit = calendar.CalendarEdit(remove=(date(2026, 8, 17),))
    digest = calendar.preview(seeded, edit, date(2026, 7, 20)).digest
    calendar.apply_edit(seeded, edit, "Una ley derogó ese festivo", digest=digest, at=instant("2026-07-20"), actor_id=None)

    assert requirements.open_of(seeded, waiting).until_on == date(2026, 8, 17)


def test_more_time_is_asked_before_the_first_ends(seeded, waiting):
    with pytest.raises(MoveRefused, match="until 18/08/2026"):
        requirements.extend_completion(seeded, waiting, "Está de viaje", at=instant("2026-08-19"), actor_id=None)


def test_withdrawal_is_a_reasoned_letter_once_the_month_is_over(seeded, waiting, clerk):
    with pytest.raises(MoveRefused, match="may complete until 18/08/2026"):
        stops.withdraw(seeded, waiting, "No completó", issuer=clerk, at=instant("2026-08-18"))
    with pytest.raises(MoveRefused, match="reason"):
        stops.withdraw(seeded, waiting, "  ", issuer=clerk, at=instant("2026-08-19"))
    document = stops.withdraw(seeded, waiting, "No completó lo pedido.", issuer=clerk, at=instant("2026-08-19"))

    requirement = seeded.scalars(select(Requirement)).one()
    letter = words(document)
    assert (waiting.status, waiting.closed_on, waiting.due_on) == (PqrStatus.WITHDRAWN, date(2026, 8, 19), None)
    assert (requirement.ending, requirement.ended_on) == (RequirementEnd.LAPSED, date(2026, 8, 19))
    assert (document.number, waiting.events[-1].act) == ("DES-2026-000001", "DES-2026-000001")
    assert "REQ-2026-000001" in letter and "16 de julio de 2026" in letter and "18 de agosto de 2026" in letter


def test_the_extension_puts_the_withdrawal_off(seeded, waiting, clerk):
    requirements.extend_completion(seeded, waiting, "Está de viaje", at=instant("2026-08-03"), actor_id=None)

    with pytest.raises(MoveRefused, match="until 16/09/2026"):
        stops.withdraw(seeded, waiting, "No completó", issuer=clerk, at=instant("2026-09-16"))
    stops.withdraw(seeded, waiting, "No completó", issuer=clerk, at=instant("2026-09-17"))
    assert waiting.status is PqrStatus.WITHDRAWN


def test_nobody_is_withdrawn_by_the_calendar_alone_and_completing_late_still_counts(seeded, waiting):
    requirements.end_overdue_evidence(seeded, instant("2026-09-30"))
    assert waiting.status is PqrStatus.AWAITING_USER

    requirements.complete(seeded, waiting, "Trajo todo", at=instant("2026-08-25"), actor_id=None)
    assert waiting.due_on == derived(seeded, waiting) == date(2026, 9, 10)


def test_habeas_data_has_five_days_to_ask_and_two_months_to_complete(seeded, a_case, clerk, tell):
    pqr = a_case(at=instant("2026-07-10"), request_type="HABEAS_DATA_RECLAMO")
    assert pqr.regime is Regime.LEY1581
    with pytest.raises(MoveRefused, match=r"until 21/07/2026 \(Ley 1581 de 2012, art. 15\)"):
        requirements.check_issue(seeded, pqr, COMPLETION, "Cédula", date(2026, 7, 22))
    requirement = stops.issue(seeded, pqr, COMPLETION, "Copia de la cédula", issuer=clerk, at=instant("2026-07-17"))
    tell(requirement, "2026-07-17")

    assert requirement.until_on == date(2026, 9, 17)
    assert "dos (2) meses" in words(requirement.document) and "Ley 1581 de 2012, art. 15" in words(requirement.document)


def test_a_regime_without_that_term_has_no_such_stop(seeded, routed, ask):
    with pytest.raises(TermMissing, match="1480"):
        ask(routed(regime=Regime.LEY1480))


# ── Unclear ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def unclear(seeded, routed, ask, tell):
    """A case returned on 16 July to be clarified; ten working days, until 31 July."""
    pqr = routed()
    tell(ask(pqr, CLARIFICATION, what="Qué factura discute"), "2026-07-16")
    return pqr


def test_an_unclear_petition_stops_and_goes_on_when_it_is_clarified(seeded, unclear):
    requirement = requirements.open_of(seeded, unclear)
    assert (requirement.document.number, requirement.until_on) == ("ACL-2026-000001", date(2026, 7, 31))
    assert unclear.events[-1].move is Move.CLARIFY

    requirements.complete(seeded, unclear, "Es la de junio", at=instant("2026-07-27"), actor_id=None)
    assert (requirement.ending, unclear.due_on) == (RequirementEnd.MET, date(2026, 8, 13))


def test_what_is_not_clarified_is_archived_by_an_act_and_not_before(seeded, unclear, clerk):
    with pytest.raises(MoveRefused, match=r"until 31/07/2026 \(Ley 1755 de 2015, art. 19\)"):
        stops.archive(seeded, unclear, "No aclaró", issuer=clerk, at=instant("2026-07-31"))
    document = stops.archive(seeded, unclear, "No aclaró lo que pide.", issuer=clerk, at=instant("2026-08-03"))

    assert (document.kind, document.number, unclear.status) == (DocumentKind.ARCHIVE, "ARC-2026-000001", PqrStatus.ARCHIVED)
    assert (unclear.closed_on, unclear.due_on) == (date(2026, 8, 3), None)
    assert "ACL-2026-000001" in words(document)


def test_withdrawing_and_archiving_are_not_exchanged(seeded, unclear, waiting, clerk):
    with pytest.raises(MoveRefused, match="waits for a clarification"):
        stops.withdraw(seeded, unclear, "No aclaró", issuer=clerk, at=instant("2026-09-30"))
    with pytest.raises(MoveRefused, match="waits for a completion"):
        stops.archive(seeded, waiting, "No completó", issuer=clerk, at=instant("2026-09-30"))


def test_a_petition_is_returned_for_clarification_once(seeded, unclear, ask):
    requirements.complete(seeded, unclear, "Es la de junio", at=instant("2026-07-17"), actor_id=None)

    with pytest.raises(MoveRefused, match="no second request"):
        ask(unclear, CLARIFICATION, on="2026-07-21")


# ── Evidence ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_order_says_which_evidence_why_and_until_when(seeded, routed, ask, tell):
    pqr = routed()
    requirement = ask(pqr, EVIDENCE, what="Visita al predio\nPrueba del medidor")
    letter = words(requirement.document)

    assert requirement.document.number == "PRU-2026-000001"
    assert "1. Visita al predio" in letter and "Hay que leer el medidor" in letter and "14 de agosto de 2026" in letter
    tell(requirement, "2026-07-16")
    assert (pqr.status, pqr.due_on, requirement.until_on) == (PqrStatus.EVIDENCE, None, date(2026, 8, 14))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"until": None}, "evidence stage ends"),
        ({"until": date(2026, 7, 14)}, "after the day of its order"),
        ({"until": date(2026, 9, 30)}, r"30 days in all: until 28/08/2026 \(Ley 142"),
        ({"reason": " "}, "why the evidence is needed"),
    ],
)
def test_an_order_without_reason_or_bound_is_refused(seeded, routed, ask, more, said):
    pqr = routed()

    with pytest.raises(MoveRefused, match=said):
        ask(pqr, EVIDENCE, **more)
    assert seeded.scalars(select(Requirement)).all() == []


def test_evidence_cannot_be_ordered_after_the_term(seeded, routed, ask):
    with pytest.raises(MoveRefused, match="term ended on 04/08/2026"):
        ask(routed(), EVIDENCE, on="2026-08-05", until=date(2026, 8, 10))


def test_all_stages_of_a_case_share_the_thirty_days(seeded, routed, ask, tell):
    pqr = routed()
    tell(ask(pqr, EVIDENCE, until=date(2026, 8, 5)), "2026-07-14")
    requirements.close_evidence(seeded, pqr, "Llegó el informe", at=instant("2026-08-05"), actor_id=None)  # 15 working days spent

    with pytest.raises(MoveRefused, match="until 31/08/2026"):
        ask(pqr, EVIDENCE, on="2026-08-06", until=date(2026, 9, 1))
    requirement = ask(pqr, EVIDENCE, on="2026-08-06", until=date(2026, 8, 31))
    tell(requirement, "2026-08-06")
    requirements.close_evidence(seeded, pqr, "Llegó", at=instant("2026-08-31"), actor_id=None)
    with pytest.raises(MoveRefused, match="spent"):
        ask(pqr, EVIDENCE, on="2026-09-01", until=date(2026, 9, 2))
    assert pqr.due_on == derived(seeded, pqr)


def test_the_nightly_job_goes_on_from_the_last_day_of_the_stage(seeded, routed, ask, tell):
    pqr = routed()
    requirement = ask(pqr, EVIDENCE)
    tell(requirement, "2026-07-16")

    assert requirements.end_overdue_evidence(seeded, instant("2026-08-14", 23)) == 0
    assert requirements.end_overdue_evidence(seeded, instant("2026-08-18", 3)) == 1
    assert requirements.end_overdue_evidence(seeded, instant("2026-08-19", 3)) == 0
    resumed = pqr.events[-1]
    assert (resumed.on, resumed.clock, resumed.actor_id, resumed.act) == (date(2026, 8, 14), "RESUMED", None, "PRU-2026-000001")
    assert (pqr.status, requirement.ending) == (PqrStatus.ROUTED, RequirementEnd.CLOSED)
    assert pqr.due_on == date(2026, 9, 2) == derived(seeded, pqr)  # 12 days after 14 August, 17 August being a holiday


def test_by_hand_it_ends_earlier_and_never_later(seeded, routed, ask, tell):
    pqr = routed()
    tell(ask(pqr, EVIDENCE), "2026-07-16")

    with pytest.raises(MoveRefused, match="ended on 14/08/2026"):
        requirements.close_evidence(seeded, pqr, "Llegó", at=instant("2026-08-20"), actor_id=None)
    requirements.close_evidence(seeded, pqr, "Llegó", at=instant("2026-07-30"), actor_id=None)
    assert pqr.events[-1].on == date(2026, 7, 30)


# ── More time to answer ───────────────────────────────────────────────────────────────────────────────────────────────────


def extend(session, pqr, clerk, extra, on, reason="El laboratorio tarda", how=HOW):
    return stops.extend(session, pqr, extra, reason, how, issuer=clerk, at=instant(on))


def test_an_extension_is_told_before_the_term_ends_and_moves_the_date_with_its_norm(seeded, routed, clerk):
    pqr = routed(request_type="PETICION", regime=Regime.LEY1755)
    assert pqr.due_on == date(2026, 8, 4)
    document = extend(seeded, pqr, clerk, 15, "2026-08-04")

    assert (document.number, pqr.n_extended, pqr.extension_told_on) == ("PRO-2026-000001", 15, date(2026, 8, 4))
    assert pqr.due_on == date(2026, 8, 27) == derived(seeded, pqr)
    assert "27 de agosto de 2026" in words(document) and "4 de agosto de 2026" in words(document)
    due = next(step for step in operations.steps_for(seeded, pqr) if step.is_due)
    assert due.on == date(2026, 8, 27) and "art. 14 parágrafo" in due.norm
    assert pqr.status is PqrStatus.ROUTED and pqr.events[-1].move is Move.EXTEND


@pytest.mark.parametrize(
    ("extra", "on", "how", "said"),
    [
        (16, "2026-08-03", HOW, "from 1 to 15"),
        (0, "2026-08-03", HOW, "from 1 to 15"),
        (5, "2026-08-05", HOW, "before the term ends"),
        (5, "2026-08-03", " ", "without proof"),
    ],
)
def test_an_unlawful_extension_changes_nothing(seeded, routed, clerk, extra, on, how, said):
    pqr = routed(request_type="PETICION", regime=Regime.LEY1755)

    with pytest.raises(DomainError, match=said):
        extend(seeded, pqr, clerk, extra, on, how=how)
    assert (pqr.n_extended, pqr.due_on) == (0, date(2026, 8, 4))


def test_it_is_extended_once(seeded, routed, clerk):
    pqr = routed(request_type="PETICION", regime=Regime.LEY1755)
    extend(seeded, pqr, clerk, 5, "2026-08-03")

    with pytest.raises(MoveRefused, match="extended once"):
        extend(seeded, pqr, clerk, 5, "2026-08-04")


def test_law_142_has_no_extension(seeded, routed, clerk):
    with pytest.raises(MoveRefused, match="does not allow an extension"):
        extend(seeded, routed(), clerk, 5, "2026-08-03")


def test_habeas_data_is_extended_by_eight_days(seeded, routed, clerk):
    pqr = routed(request_type="HABEAS_DATA_RECLAMO")
    with pytest.raises(DomainError, match="from 1 to 8"):
        extend(seeded, pqr, clerk, 9, "2026-08-03")
    extend(seeded, pqr, clerk, 8, "2026-08-03")
    assert pqr.due_on == date(2026, 8, 18) == derived(seeded, pqr)


def test_an_extended_term_stops_and_resumes_with_its_own_days(seeded, routed, clerk, ask, tell):
    pqr = routed(request_type="PETICION", regime=Regime.LEY1755)
    extend(seeded, pqr, clerk, 15, "2026-07-15")
    tell(ask(pqr, on="2026-07-16"), "2026-07-16")
    assert pqr.n_days_left_when_stopped == 27
    requirements.complete(seeded, pqr, "Trajo todo", at=instant("2026-07-17"), actor_id=None)
    assert pqr.due_on == derived(seeded, pqr) == date(2026, 8, 28)


# ── Elsewhere ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def transfer(session, pqr, clerk, on, body="Alcaldía de Prueba", address="Calle 3 # 4-5\nBogotá", reason="Es de alumbrado público"):
    return stops.transfer(session, pqr, body, address, reason, issuer=clerk, at=instant(on))


def test_a_transfer_is_a_letter_to_the_competent_body_with_a_copy_to_the_citizen(seeded, routed, clerk):
    pqr = routed()
    document = transfer(seeded, pqr, clerk, "2026-07-17")
    letter = words(document)

    assert (pqr.status, pqr.closed_on, pqr.events[-1].act) == (PqrStatus.TRANSFERRED, date(2026, 7, 17), "TRA-2026-000001")
    assert "Alcaldía de Prueba" in letter and "Calle 3 # 4-5" in letter and f"Con copia a: {pqr.party.name}" in letter
    assert seeded.scalars(select(Note)).all() == []


def test_a_late_transfer_goes_and_is_flagged(seeded, routed, clerk):
    pqr = routed()
    transfer(seeded, pqr, clerk, "2026-07-21")  # the fifth working day
    other = routed()
    transfer(seeded, other, clerk, "2026-07-22")

    flagged = seeded.scalars(select(Note)).one()
    assert (flagged.pqr_id, "21/07/2026" in flagged.body, "art. 21" in flagged.body) == (other.id, True, True)


@pytest.mark.parametrize(("more", "field"), [({"body": " "}, "body"), ({"address": ""}, "body_address"), ({"reason": ""}, "reason")])
def test_a_transfer_says_to_whom_where_and_why(seeded, routed, clerk, more, field):
    pqr = routed()

    with pytest.raises(MoveRefused) as refused:
        transfer(seeded, pqr, clerk, "2026-07-17", **more)
    assert (refused.value.field, pqr.status) == (field, PqrStatus.ROUTED)
    assert seeded.scalars(select(Document)).all() == []


# ── A request that is repeated ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def answered(seeded, routed, clerk):
    """answered(**fields) → a case of 10 July that was answered on the 14th."""

    def build(**fields):
        pqr = routed(**fields)
        operations.solve(seeded, pqr, "El consumo es correcto", Outcome.DENIED, at=instant("2026-07-14"), actor_id=None)
        answers.save_draft(seeded, pqr, "No se accede a lo pedido.", None)
        issue_answer(seeded, pqr, clerk, instant("2026-07-14"))
        return pqr

    return build


def refer(session, pqr, on="2026-07-21"):
    return operations.solve(session, pqr, "Ya se respondió", Outcome.REFERRED, at=instant(on), actor_id=None)


def test_a_repeated_request_is_referred_to_the_answer_of_the_earlier_one(seeded, routed, answered):
    earlier = answered()
    pqr = routed(on="2026-07-21", party=earlier.party, previous=earlier)
    refer(seeded, pqr)

    assert (pqr.status, pqr.outcome, pqr.previous) == (PqrStatus.SOLVED, Outcome.REFERRED, earlier)
    told = answers.fields_of(pqr)["earlier_answer"]
    assert told.startswith(earlier.answer.number) and told.endswith("14 de julio de 2026")


def test_there_is_nothing_to_refer_to_without_an_answer_of_the_same_person(seeded, routed, answered, a_party):
    unanswered, other = routed(), answered(party=a_party())
    for previous, said in ((None, "number of the earlier case"), (unanswered, "no answer yet"), (other, "somebody else")):
        party = unanswered.party
        pqr = routed(on="2026-07-21", party=party, previous=previous)

        with pytest.raises(MoveRefused, match=said):
            refer(seeded, pqr)
        assert pqr.status is PqrStatus.ROUTED


# ── What stands on the case ───────────────────────────────────────────────────────────────────────────────────────────────


def test_every_stop_and_every_resumption_names_its_document(seeded, waiting, unclear, routed, ask, tell):
    evidence = routed()
    tell(ask(evidence, EVIDENCE), "2026-07-16")
    for pqr in (waiting, unclear):
        requirements.complete(seeded, pqr, "Cumplió", at=instant("2026-07-21"), actor_id=None)
    requirements.close_evidence(seeded, evidence, "Llegó", at=instant("2026-07-21"), actor_id=None)

    clocked = seeded.scalars(select(CaseEvent).where(CaseEvent.clock.is_not(None))).all()
    assert len(clocked) == 6 and all(event.document is not None and event.act == event.document.number for event in clocked)


def test_the_month_comes_from_the_rules_and_not_from_the_code(seeded, routed, ask, tell):
    for term in seeded.scalars(select(LegalTerm).where(LegalTerm.act == TermAct.COMPLETE, LegalTerm.regime == Regime.LEY142)):
        term.value = 3
    seeded.flush()
    operations.queries.forget_calendar(seeded)
    requirement = ask(routed())
    tell(requirement, "2026-07-16")

    assert requirement.until_on == date(2026, 10, 16)
    assert "tres (3) meses" in words(requirement.document)
    assert seeded.scalars(select(Notice)).all() == []


# ── The worked chains of docs/rules/pqr-chains.md, lived by real cases ────────────────────────────────────────────────────


@pytest.fixture
def plain(monkeypatch):
    """Letters are not set: dates are what these cases are about."""
    monkeypatch.setattr(base, "rendered", lambda *_: b"%PDF-1.7")


def chain(section):
    return pytest.mark.parametrize("row", [row for name, rows in PAGE if name == section for row in rows])


def given(row, name):
    return None if row[name] == NONE else row[name]


def filed(a_case, row):
    return a_case(at=instant(row["Filed"]), request_type=row["Request"], regime=REGIMES[row["Law"]])


@chain("Incomplete petition")
def test_an_incomplete_petition_lives_the_dates_of_the_page(seeded, a_case, clerk, plain, row):
    pqr = filed(a_case, row)
    stops.issue_and_tell(seeded, pqr, COMPLETION, "Lo que falta", HOW, issuer=clerk, at=instant(row["Told"]))
    requirement, made = requirements.open_of(seeded, pqr), {"actor_id": None}
    assert (pqr.n_days_left_when_stopped, str(requirement.until_on)) == (int(row["Days left"]), row["Complete until"])
    if part := given(row, "In part"):
        requirements.complete_partly(seeded, pqr, "Una parte", at=instant(part), **made)
    if asked := given(row, "Extension asked"):
        requirements.extend_completion(seeded, pqr, "Lo pidió", at=instant(asked), **made)
        assert str(requirement.extended_until) == row["Extended until"]
    if done := given(row, "Completed"):
        requirements.complete(seeded, pqr, "Todo", at=instant(done), **made)
        assert str(pqr.due_on) == row["Answer due"]
    else:
        last = requirement.extended_until or requirement.until_on
        with pytest.raises(MoveRefused, match="may complete until"):
            stops.withdraw(seeded, pqr, "No completó", issuer=clerk, at=instant(str(last)))
        stops.withdraw(seeded, pqr, "No completó", issuer=clerk, at=instant(row["Withdrawal from"]))


@chain("Unclear petition")
def test_an_unclear_petition_lives_the_dates_of_the_page(seeded, a_case, clerk, plain, row):
    pqr = filed(a_case, row)
    stops.issue_and_tell(seeded, pqr, CLARIFICATION, "Qué pide", HOW, issuer=clerk, at=instant(row["Returned"]))
    assert (pqr.n_days_left_when_stopped, str(requirements.open_of(seeded, pqr).until_on)) == (int(row["Days left"]), row["Clarify until"])
    if clear := given(row, "Clarified"):
        requirements.complete(seeded, pqr, "Aclaró", at=instant(clear), actor_id=None)
        assert str(pqr.due_on) == row["Answer due"]
    else:
        with pytest.raises(MoveRefused, match="may complete until"):
            stops.archive(seeded, pqr, "No aclaró", issuer=clerk, at=instant(row["Clarify until"]))
        stops.archive(seeded, pqr, "No aclaró", issuer=clerk, at=instant(row["Archive from"]))


@chain("Evidence")
def test_an_evidence_stage_lives_the_dates_of_the_page(seeded, a_case, clerk, plain, row):
    pqr = filed(a_case, row)
    process = seeded.scalars(select(Process).where(~Process.is_front_desk)).first()
    operations.route(seeded, pqr, process, "Revisar", at=instant(row["Filed"], 11), actor_id=None)
    told, last = row["Ordered and told"], date.fromisoformat(row["Close until"])
    order = {"issuer": clerk, "at": instant(told), "reason": "Hace falta"}
    with pytest.raises(MoveRefused, match="30 days in all"):
        stops.issue_and_tell(seeded, pqr, EVIDENCE, "Visita", HOW, until=last + timedelta(1), **order)
    stops.issue_and_tell(seeded, pqr, EVIDENCE, "Visita", HOW, until=last, **order)
    assert pqr.n_days_left_when_stopped == int(row["Days left"])
    requirements.close_evidence(seeded, pqr, "Llegó", at=instant(row["Closed"]), actor_id=None)
    assert str(pqr.due_on) == row["Answer due"]
