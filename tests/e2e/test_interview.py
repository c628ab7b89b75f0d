"""An interview by telephone with keys alone: dialled, answered, called back, cut off, finished; and the same without script."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.campaigns import CallOutcome, InviteeStatus
from app.domain.questionnaires import Audience, Condition, ConditionOp, QuestionKind
from app.models import Questionnaire, SurveyCall, SurveyCampaign, SurveyInvitee, SurveyResponse
from app.operations import questionnaires, survey_answers
from app.operations.questionnaires import Wanted, WantedOption, form_of
from app.security import AUXILIAR
from tests.e2e.conftest import LiveServer, becomes, divert, press, sign_in
from tests.factories import Factory

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
N = 12
PHASE = "document.querySelector('[data-call]').dataset.phase"
SHOWN = "document.querySelector('.ask.now')?.dataset.ask || 'end'"


def twelve(make: Factory, session: Any) -> Any:
    """Return the published version of a form of twelve questions, of every kind; one of them shows only to whoever is unhappy."""
    kind = QuestionKind
    form = Questionnaire(code="R10-DOCE", name="Doce preguntas", audience=Audience.CONTRACTS)
    session.add(form)
    session.flush()
    version = questionnaires.start_version(session, form)
    words = {"intro_es": "Queremos oírle.", "intro_en": "", "thanks_es": "Muchas gracias por su tiempo.", "thanks_en": ""}
    questionnaires.write_texts(session, version, **words, script="Buenos días, {name}: le llamo de {organisation}.")
    services = [WantedOption(name, "", name.lower()) for name in ("Acueducto", "Alcantarillado", "Aseo")]
    ways = [*(WantedOption(name, "", name.lower()) for name in ("Oficina", "Celular")), WantedOption("Otro", "", "otro", takes_words=True)]
    unhappy = Condition("P1", ConditionOp.AT_MOST, "2")
    first, last = (questionnaires.add_section(session, version, title) for title in ("El servicio", "La atención"))
    for section, wanted in [
        (first, Wanted(kind.SCALE5, "¿Qué tan satisfecho está con el servicio?", "")),
        (first, Wanted(kind.TEXT, "¿Qué fue lo que más le disgustó?", "", is_required=False, condition=unhappy)),
        (first, Wanted(kind.MATRIX, "Califique cada servicio", "", options=services, has_na=True)),
        (first, Wanted(kind.SCALE7, "La factura es fácil de entender", "")),
        (first, Wanted(kind.YES_NO, "¿Tuvo cortes el último mes?", "")),
        (first, Wanted(kind.NUMBER, "¿Cuántas personas viven ahí?", "", is_required=False, least=1, greatest=30)),
        (last, Wanted(kind.ONE, "¿Por dónde prefiere que le atiendan?", "", options=ways)),
        (last, Wanted(kind.MANY, "¿Por qué medios se informa?", "", options=ways, is_required=False)),
        (last, Wanted(kind.SCALE5, "El trato de quien le atendió", "", has_na=True)),
        (last, Wanted(kind.SCALE5, "El tiempo de respuesta", "", is_required=False)),
        (last, Wanted(kind.TEXT, "¿Qué deberíamos mejorar?", "", is_required=False)),
        (last, Wanted(kind.NPS, "¿Qué tan probable es que nos recomiende?", "")),
    ]:
        questionnaires.add_question(session, section, wanted)
    return questionnaires.publish(session, version, "", at=AT, actor_id=None)


@pytest.fixture
def house(live_server: LiveServer) -> dict[str, Any]:
    """A campaign that calls three customers, and an interviewer."""
    live_server.at("2026-07-10T10:00-05:00")
    with live_server.session() as session:
        make = Factory(session)
        clerk = make.user(AUXILIAR, first_name="Ana")
        for name, phone in (("Lechería El Prado", "+573001110001"), ("Hotel La Ceiba", "+573001110002"), ("Vidrios Sur", "+573001110003")):
            party = make.party(name=name, phone=phone, document_number=f"90{phone[-7:]}")
            make.contract(party=party, starts_on=date(2024, 7, 10), ends_on=None)
        campaign = make.campaign(twelve(make, session), at=AT, by_link=False, by_phone=True)
        session.commit()
        people = session.scalars(select(SurveyInvitee).where(SurveyInvitee.campaign_id == campaign.id).order_by(SurveyInvitee.position))
        return {"user": clerk.username, "user_id": clerk.id, "campaign": campaign.id, "people": [each.id for each in people],
                "version": campaign.version_id}  # fmt: skip


def settles(look: Callable[[], Any], wanted: Any) -> None:
    """Assert that *look* gives *wanted*, now or within seconds."""
    until = time.monotonic() + 30
    while (found := look()) != wanted:
        assert time.monotonic() < until, f"{found!r} is not {wanted!r}"
        time.sleep(0.05)


def stored(live_server: LiveServer, house: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    """Return how far *name* has come, and what they answered, as it was sent."""
    with live_server.session() as session:
        session.expire_all()
        invitee = session.scalars(select(SurveyInvitee).where(SurveyInvitee.name == name)).one()
        response = session.scalars(select(SurveyResponse).where(SurveyResponse.invitee_id == invitee.id)).first()
        form = form_of(session, house["version"])
        values = survey_answers.raw_of(survey_answers.answers_of(session, response, form)) if response else {}
        return invitee.status.name, values


def outcomes(live_server: LiveServer) -> list[CallOutcome]:
    with live_server.session() as session:
        return list(session.scalars(select(SurveyCall.outcome).order_by(SurveyCall.id)))


def dial(page: Any, house: dict[str, Any]) -> str:
    """Open the queue and take the first one; return their name."""
    sign_in(page, house["user"])
    page.goto(f"/interview/{house['campaign']}")
    press(page, ".page-head .btn-go")
    becomes(page, PHASE, "dial")
    return page.locator("h1").inner_text()


def answered(page: Any, key: str, then: str) -> None:
    """Press *key* and see that the question *then* follows."""
    page.keyboard.press(key)
    becomes(page, SHOWN, then)


def test_twelve_questions_are_asked_by_keys_alone(
    page: Any, live_server: LiveServer, house: dict[str, Any], assert_accessible: Callable[[Any], None]
) -> None:
    name = dial(page, house)
    assert f"Buenos días, {name}: le llamo de" in page.locator(".script").inner_text()
    assert_accessible(page)

    answered(page, "Enter", "P1")
    assert_accessible(page)
    answered(page, "2", "P2")
    page.keyboard.type("El agua llega turbia")
    answered(page, "Enter", "P3")
    page.keyboard.press("4")
    page.keyboard.press("x")
    answered(page, "5", "P4")
    answered(page, "6", "P5")
    answered(page, "s", "P6")
    page.keyboard.type("4")
    answered(page, "Enter", "P7")
    page.keyboard.press("c")
    page.keyboard.type("La radio")
    answered(page, "Enter", "P8")
    page.keyboard.press("a")
    page.keyboard.press("b")
    answered(page, "Enter", "P9")
    answered(page, "x", "P10")
    answered(page, "x", "P11")
    page.keyboard.type("Avisar los cortes")
    answered(page, "Enter", "P12")
    answered(page, "d", "w-named")
    answered(page, "s", "w-contact")
    answered(page, "s", "w-case")
    answered(page, "n", "end")
    assert_accessible(page)
    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert stored(live_server, house, name) == ("ANSWERED", {
        "P1": "2", "P2": "El agua llega turbia", "P3.acueducto": "4", "P3.alcantarillado": "NA", "P3.aseo": "5", "P4": "6", "P5": "1",
        "P6": "4", "P7": ["otro"], "P7.words": "La radio", "P8": ["oficina", "celular"], "P8.words": "", "P9": "NA",
        "P11": "Avisar los cortes", "P12": "10",
    })  # fmt: skip
    with live_server.session() as session:
        response = session.scalars(select(SurveyResponse)).one()
        assert (response.is_named, response.wants_contact, response.wants_case) == (True, True, False)
        assert response.interviewer_id == house["user_id"] and response.consent_text is not None
    assert outcomes(live_server) == [CallOutcome.ANSWERED]
    becomes(page, PHASE, "dial")
    assert page.locator("h1").inner_text() != name, "the next one comes by itself"


def test_forty_calls_nobody_answers_are_two_keys_each(
    page: Any, live_server: LiveServer, house: dict[str, Any], assert_accessible: Callable[[Any], None]
) -> None:
    names = [dial(page, house)]
    for key in ("1", "2"):
        page.keyboard.press(key)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        becomes(page, PHASE, "dial")
        names.append(page.locator("h1").inner_text())
    page.keyboard.press("3")
    page.keyboard.press("b")
    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert outcomes(live_server) == [CallOutcome.NO_ANSWER, CallOutcome.BUSY, CallOutcome.CALL_BACK] and len(set(names)) == 3
    assert page.url.endswith(f"/interview/{house['campaign']}"), "nobody is left to be called now"
    assert_accessible(page)
    page.goto("/interview/")
    assert_accessible(page)
    page.go_back()
    live_server.at("2026-07-10T15:05-05:00")
    page.reload()
    press(page, ".page-head .btn-go")
    assert page.locator("h1").inner_text() == names[2], "the agreed hour has come: it goes first"


def test_keys_go_back_and_an_interview_cut_off_goes_on_where_it_was_left(page: Any, live_server: LiveServer, house: dict[str, Any]) -> None:
    name = dial(page, house)
    answered(page, "Enter", "P1")
    answered(page, "2", "P2")
    answered(page, "Backspace", "P1")
    answered(page, "5", "P3")  # who is satisfied is not asked what they disliked
    for key in ("1", "2"):
        page.keyboard.press(key)
    answered(page, "3", "P4")
    page.keyboard.press("Escape")
    becomes(page, PHASE, "end")
    page.keyboard.press("7")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")

    assert stored(live_server, house, name) == ("STARTED", {"P1": "5", "P3.acueducto": "1", "P3.alcantarillado": "2", "P3.aseo": "3"})
    assert outcomes(live_server) == [CallOutcome.PARTIAL]
    live_server.at("2026-07-10T11:00-05:00")
    page.goto(f"/interview/{house['campaign']}")
    page.locator(".phone-person", has_text=name).locator("button").click()
    becomes(page, PHASE, "dial")
    answered(page, "Enter", "P4")


def test_a_needed_answer_is_not_skipped_and_a_wrong_one_comes_back(page: Any, live_server: LiveServer, house: dict[str, Any]) -> None:
    dial(page, house)
    answered(page, "Enter", "P1")
    answered(page, "x", "P1")
    assert page.locator("[data-told]").inner_text()
    answered(page, "4", "P3")
    for key in ("4", "4"):
        page.keyboard.press(key)
    answered(page, "4", "P4")
    answered(page, "4", "P5")
    answered(page, "n", "P6")
    page.keyboard.type("99")
    page.keyboard.press("Enter")
    page.wait_for_selector("#ask-P6 .error:visible")
    becomes(page, SHOWN, "P6")
    assert page.locator("#q-P6").input_value() == "99"


def test_a_network_that_goes_away_stops_no_interview(page: Any, live_server: LiveServer, house: dict[str, Any]) -> None:
    name = dial(page, house)
    answered(page, "Enter", "P1")
    divert(page, "**/interview/call/**", lambda route: route.abort(), "/interview/call/0")
    answered(page, "4", "P3")
    page.wait_for_selector("[data-told][data-tone=bad]")
    for key in ("4", "4"):
        page.keyboard.press(key)
    answered(page, "4", "P4")

    page.unroute("**/interview/call/**")

    settles(lambda: stored(live_server, house, name)[1].get("P3.aseo"), "4")
    assert stored(live_server, house, name)[1]["P1"] == "4"


def test_keys_of_one_letter_can_be_switched_off(page: Any, live_server: LiveServer, house: dict[str, Any]) -> None:
    dial(page, house)
    page.evaluate("document.documentElement.dataset.keys = 'off'")
    page.keyboard.press("1")
    assert page.locator("[name=outcome]:checked").count() == 0
    page.locator("[data-start]").click()
    becomes(page, SHOWN, "P1")
    page.keyboard.press("5")
    assert page.locator("#ask-P1 :checked").count() == 0


def test_without_script_the_page_has_every_question(new_page: Any, live_server: LiveServer, house: dict[str, Any]) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, house["user"])
    page.goto(f"/interview/{house['campaign']}")
    page.locator(".page-head .btn-go").click()
    name = page.locator("h1").inner_text()
    assert page.locator(".ask").count() == N + 3
    page.locator("#ask-P1 [value='4']").check()
    page.locator("[data-unscripted]").click()
    assert stored(live_server, house, name) == ("STARTED", {"P1": "4"})
    page.locator("[data-finish]").click()
    assert page.locator("[data-errors] li").count() >= 4, "what is still to be asked is named"

    page.locator("[value=CALL_BACK]").check()
    page.locator("[name=hour]").first.check()
    page.locator("[data-record]").click()

    assert outcomes(live_server) == [CallOutcome.CALL_BACK]
    assert stored(live_server, house, name)[0] == InviteeStatus.STARTED.name


def test_on_a_telephone_every_key_has_its_button(new_page: Any, live_server: LiveServer, house: dict[str, Any]) -> None:
    page = new_page(viewport={"width": 360, "height": 740}, has_touch=True)
    dial(page, house)
    page.locator("[data-start]").tap()
    page.locator("#ask-P1 .press", has_text="4").tap()
    becomes(page, SHOWN, "P3")
    page.locator("[data-do=back]").tap()
    becomes(page, SHOWN, "P1")
    page.locator("[data-do=end]").tap()
    becomes(page, PHASE, "end")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_sheet_of_paper_is_typed_by_keyboard(
    page: Any, live_server: LiveServer, house: dict[str, Any], assert_accessible: Callable[[Any], None]
) -> None:
    with live_server.session() as session:
        session.get_one(SurveyCampaign, house["campaign"]).by_paper = True
        session.commit()
    sign_in(page, house["user"])
    page.goto(f"/sheet/{house['campaign']}")
    assert_accessible(page)
    keys = page.keyboard

    becomes(page, "document.activeElement.id", "number")
    keys.press("Enter")
    keys.press("4")
    keys.press("Enter")
    for key in ("4", "x", "5", "6", "s"):
        keys.press(key)
    keys.type("4")
    keys.press("Enter")
    keys.press("c")
    keys.type("La radio")
    keys.press("Enter")
    keys.press("a")
    keys.press("b")
    keys.press("Enter")
    for key in ("x", "x", "Enter", "d"):
        keys.press(key)
    becomes(page, "document.activeElement.textContent", page.locator(".form-actions .btn-go").inner_text())
    with page.expect_navigation():
        keys.press("Enter")

    with live_server.session() as session:
        response = session.scalars(select(SurveyResponse)).one()
        values = survey_answers.raw_of(survey_answers.answers_of(session, response, form_of(session, house["version"])))
    assert values == {
        "P1": "4", "P3.acueducto": "4", "P3.alcantarillado": "NA", "P3.aseo": "5", "P4": "6", "P5": "1", "P6": "4", "P7": ["otro"],
        "P7.words": "La radio", "P8": ["oficina", "celular"], "P8.words": "", "P9": "NA", "P12": "10",
    }  # fmt: skip
    assert page.locator("#number").input_value() == "2", "the next sheet"
