"""Mass events: one text, many cases, each answered by itself; what is refused leaves nothing behind."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from app.domain.errors import DomainError, MoveRefused
from app.domain.states import DocumentKind, Move, Outcome, PqrStatus
from app.models import Document, MassEvent, Pqr, Process
from app.operations import answers, mass
from app.operations import pqr as operations
from app.verbs import VERBS
from app.verbs.handling import fingerprint

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)


def an_event(session, **columns) -> MassEvent:
    told = {
        "name": "Corte del 9 de julio en La Floresta", "since_on": date(2026, 7, 9), "sector": "La Floresta", "what": "Se rompió el tubo",
        "investigation": "Rotura de la red", "action": "Se reparó", "solution": "Se reparó la red y se descuentan las horas.",
        "outcome": Outcome.GRANTED, "answer_text": "{petitioner}: sobre {event}, {action} en {sector}. {solution} Radicado {number}.",
    }  # fmt: skip
    event = MassEvent(**{**told, **columns})
    session.add(event)
    session.flush()
    return event


def routed(session, a_case, event: MassEvent | None, **fields) -> Pqr:
    pqr = a_case(at=AT, **fields)
    other = session.scalars(select(Process).where(~Process.is_front_desk).order_by(Process.id)).first()
    operations.route(session, pqr, other, "Revisar", at=AT, actor_id=None)
    if event:
        mass.link(session, pqr, event)
    return pqr


def solve_all(session, event: MassEvent, pqrs: list[Pqr]) -> list[mass.Result]:
    return mass.one_by_one(session, pqrs, lambda pqr: mass.solve(session, event, pqr, at=AT, actor_id=None))


def issue(session, event: MassEvent, user):
    def act(pqr: Pqr) -> None:
        mass.check_letter(event, pqr)
        VERBS[Move.ISSUE_ANSWER].run(session, pqr, {"seen": fingerprint(session, pqr)}, {"at": AT, "actor_id": user.id})

    return act


def test_each_case_gets_its_own_solution_and_its_own_letter(seeded, a_case, a_party):
    event = an_event(seeded)
    pqrs = [routed(seeded, a_case, event, party=a_party(name=name)) for name in ("Luz Marina Gómez", "Jairo Peña")]

    results = solve_all(seeded, event, pqrs)

    assert [each.error for each in results] == [None, None]
    assert [pqr.status for pqr in pqrs] == [PqrStatus.SOLVED] * 2
    assert pqrs[0].answer.body == (
        "Luz Marina Gómez: sobre Corte del 9 de julio en La Floresta, Se reparó en La Floresta. "
        f"Se reparó la red y se descuentan las horas. Radicado {pqrs[0].number}."
    )
    assert pqrs[1].answer.body.startswith("Jairo Peña")


def test_every_letter_has_its_number_its_clock_and_its_paper(seeded, a_case, a_user):
    event, user = an_event(seeded), a_user("Subgerente administrativo y comercial")
    pqrs = [routed(seeded, a_case, event) for _n in range(3)]
    solve_all(seeded, event, pqrs)

    results = mass.one_by_one(seeded, pqrs, issue(seeded, event, user))

    assert all(each.error is None for each in results)
    assert [pqr.answer.number for pqr in pqrs] == [f"RES-2026-00000{n}" for n in (1, 2, 3)]
    assert [pqr.answered_on for pqr in pqrs] == [date(2026, 7, 10)] * 3
    letters = seeded.scalars(select(Document).where(Document.kind == DocumentKind.ANSWER)).all()
    assert len({each.file.sha256 for each in letters}) == 3


def test_what_is_refused_says_why_and_leaves_nothing_behind(seeded, a_case):
    event = an_event(seeded)
    waiting = a_case(at=AT)
    mass.link(seeded, waiting, event)
    doing = routed(seeded, a_case, event)

    results = solve_all(seeded, event, [waiting, doing])

    assert [each.error is None for each in results] == [False, True]
    assert "cannot do" in str(results[0].error)
    assert (waiting.status, waiting.solution, waiting.answer) == (PqrStatus.RECEIVED, None, None)
    assert doing.status is PqrStatus.SOLVED


def test_numbers_have_no_gap_where_a_letter_was_refused(seeded, a_case, a_user):
    event, user = an_event(seeded), a_user("Subgerente administrativo y comercial")
    pqrs = [routed(seeded, a_case, event) for _n in range(3)]
    solve_all(seeded, event, pqrs)
    answers.save_draft(seeded, pqrs[1], "Otra cosa, escrita a mano.", None)

    results = mass.one_by_one(seeded, pqrs, issue(seeded, event, user))

    assert "not the one of the event" in str(results[1].error)
    assert [pqr.answer.number for pqr in pqrs] == ["RES-2026-000001", None, "RES-2026-000002"]


def test_a_text_that_was_mended_is_applied_again(seeded, a_case):
    event = an_event(seeded)
    pqr = routed(seeded, a_case, event)
    solve_all(seeded, event, [pqr])
    event.answer_text = "Texto corregido para {petitioner}."

    assert solve_all(seeded, event, [pqr])[0].error is None
    assert pqr.answer.body.startswith("Texto corregido")


def test_a_case_that_was_solved_otherwise_is_left_alone(seeded, a_case):
    event = an_event(seeded)
    pqr = routed(seeded, a_case, event)
    operations.solve(seeded, pqr, "El medidor estaba dañado", Outcome.DENIED, at=AT, actor_id=None)

    assert "solved otherwise" in str(solve_all(seeded, event, [pqr])[0].error)
    assert pqr.answer is None


@pytest.mark.parametrize("missing", [{"solution": " "}, {"outcome": None}, {"answer_text": ""}])
def test_an_event_that_does_not_say_what_was_found_answers_nothing(seeded, a_case, missing):
    event = an_event(seeded, **missing)
    pqr = routed(seeded, a_case, event)

    with pytest.raises(DomainError, match="Write in the event") as refused:
        mass.check_ready(event)
    assert refused.value.field == next(iter(missing))
    assert "Write in the event" in str(solve_all(seeded, event, [pqr])[0].error)
    assert pqr.status is PqrStatus.ROUTED


def test_the_name_of_a_reserved_petitioner_is_in_no_letter(seeded, a_case, a_party):
    from app.domain.states import Identity

    event = an_event(seeded)
    pqr = routed(seeded, a_case, event, identity=Identity.RESERVED, party=a_party(name="Nombre Reservado"))
    solve_all(seeded, event, [pqr])

    assert "Nombre Reservado" not in pqr.answer.body


def test_a_case_that_is_over_is_about_nothing_any_more(seeded, a_case):
    pqr = a_case(at=AT)
    operations.void(seeded, pqr, "Se radicó dos veces", at=AT, actor_id=None)

    with pytest.raises(MoveRefused, match="nothing left"):
        mass.link(seeded, pqr, an_event(seeded))


def test_leaving_the_event_changes_nothing_else(seeded, a_case):
    event = an_event(seeded)
    pqr = routed(seeded, a_case, event)
    due_on = pqr.due_on

    mass.link(seeded, pqr, None)

    assert (pqr.mass_event, pqr.due_on, pqr.status) == (None, due_on, PqrStatus.ROUTED)
    assert seeded.scalar(select(func.count()).select_from(mass.linked(event, *PqrStatus).subquery())) == 0


def test_what_a_case_costs_does_not_grow_with_the_others(seeded, a_case, count_statements):
    event = an_event(seeded)
    few, many = ([routed(seeded, a_case, event) for _n in range(n)] for n in (2, 12))
    solve_all(seeded, event, [routed(seeded, a_case, event)])
    costs = []
    for pqrs in (few, many):
        with count_statements() as statements:
            solve_all(seeded, event, pqrs)
        costs.append(len(statements) / len(pqrs))

    assert costs[1] <= costs[0] + 1
    assert costs[1] <= 25
