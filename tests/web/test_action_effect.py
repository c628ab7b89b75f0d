"""The pages of the effect of an action: chosen with the figure in sight, shown with its cases, and judged."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import select

from app.domain.improvement import ActionOrigin, ActionStatus, EffectMeasure, EffectVerdict
from app.models import ActionReview
from tests.db.test_effectiveness import AFTER, BEFORE, KEY, asked, carried_out, cause, file

LATER = "2026-08-28T10:00-05:00"


@pytest.fixture
def quality(make, client, login, at):
    """Somebody of Calidad, signed in on the day of the review."""
    at(LATER)
    user = make.user("Calidad")
    make.session.commit()
    login(client, user)
    return client


def text_of(response):
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


def test_the_page_suggests_the_cause_of_the_case_and_shows_the_figure_before(make, quality):
    file(make, 24, BEFORE, cause=cause(make.session))
    case = make.case(at="2026-05-04T09:00-05:00", cause=cause(make.session))
    action = asked(make, origin=ActionOrigin.PQR, key=case.number)
    make.session.commit()

    page = text_of(quality.get(f"/action/measure/{action.id}"))

    assert f'<option selected value="{KEY}">' in page
    assert 'class="figure">24 ' in page
    assert f"filed_on={BEFORE.first}..{BEFORE.last}" in page


def test_a_preview_stores_nothing_and_the_plan_does(make, quality):
    file(make, 10, BEFORE, cause=cause(make.session))
    action = asked(make)
    make.session.commit()
    said = {"measure_key": KEY, "window_days": "90", "goal": "50", "baseline_on": "2026-05-04"}

    shown = quality.post(f"/action/measure/{action.id}?measure=CAUSE", data=said | {"preview": "1"})
    before = action.measure
    stored = quality.post(f"/action/measure/{action.id}?measure=CAUSE", data=said)

    assert (shown.status_code, before) == (200, None)
    assert 'class="figure">10 ' in text_of(shown)
    assert stored.status_code == 302
    make.session.refresh(action)
    assert (action.measure, action.measure_key, action.window_days, action.goal) == (EffectMeasure.CAUSE, KEY, 90, 50)
    assert action.review_on == date(2026, 8, 28)


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"goal": ""}, "goal"), ({"goal": "200"}, "goal"), ({"measure_key": "NADA:1"}, "measure_key"), ({"window_days": "3"}, "window_days"),
     ({"baseline_on": "2027-01-01"}, "baseline_on"), ({"baseline_on": ""}, "baseline_on")],
)  # fmt: skip
def test_what_cannot_be_measured_is_said_beside_its_field_and_kept(make, quality, changed, field):
    action = asked(make)
    make.session.commit()
    said = {"measure_key": KEY, "window_days": "90", "goal": "30", "baseline_on": "2026-05-04"} | changed

    refused = quality.post(f"/action/measure/{action.id}?measure=CAUSE", data=said)

    assert refused.status_code == 422
    assert f'id="{field}-error"' in text_of(refused)
    make.session.refresh(action)
    assert action.measure is None


@pytest.mark.parametrize("name", [each.name for each in EffectMeasure])
def test_every_measure_has_its_form(make, quality, name):
    action = asked(make)
    make.session.commit()

    page = quality.get(f"/action/measure/{action.id}?measure={name}")

    assert page.status_code == 200
    assert ('name="measure_key"' in text_of(page)) == (name != "JUDGED")
    assert quality.get(f"/action/measure/{action.id}?measure=NADA").status_code == 404


@pytest.mark.parametrize(
    ("by", "key"),
    [("CAUSE", KEY), ("REQUEST_TYPE", "QUEJA"), ("PROCESS", "FACTURACION"), ("AREA", "08001:Norte"), ("LATE", "FACTURACION")],
)
def test_the_list_behind_a_figure_has_as_many_cases_as_the_figure(make, quality, by, key):
    from app.operations import effectiveness, pqr
    from tests.db.test_effectiveness import instant, plan_of

    session, account = make.session, make.account(municipality_code="08001", zone="Norte")
    for n, case in enumerate(file(make, 7, BEFORE, cause=cause(session), request_type="QUEJA", account=account)):
        if n < 6:
            pqr.route(session, case, make.process("FACTURACION"), "Revisar", at=instant(BEFORE.last, 12), actor_id=None)
    file(make, 3, BEFORE)
    action = asked(make)
    effectiveness.plan_effect(session, action, plan_of(EffectMeasure[by], key), at=instant(date(2026, 5, 4)), user_id=None)
    session.commit()
    seen = effectiveness.compare(session, action, today=date(2026, 8, 28))

    page = quality.get(f"/action/effect/{action.id}").get_data(as_text=True)
    links = re.findall(r'<td class="right"><a href="([^"]+)">', page)
    rows = quality.get(links[0].replace("&amp;", "&")).get_data(as_text=True)

    assert seen.figure_before.n == len(set(re.findall(r"/pqr/(PQR-2026-\d+)", rows))) > 0


def test_the_review_is_signed_with_its_figures(make, quality):
    file(make, 24, BEFORE, cause=cause(make.session))
    action = carried_out(make)
    file(make, 6, AFTER, cause=cause(make.session))
    make.session.commit()

    page = text_of(quality.get(f"/action/judge/{action.id}"))
    unsaid = quality.post(f"/action/judge/{action.id}", data={"verdict": "EFFECTIVE", "reason": ""})
    signed = quality.post(f"/action/judge/{action.id}", data={"verdict": "EFFECTIVE", "reason": "Bajaron y se ve en terreno."})

    assert "75 %" in page.replace("\xa0", " ")
    assert unsaid.status_code == 422
    assert signed.headers["Location"].endswith(f"/action/effect/{action.id}")
    review = make.session.scalars(select(ActionReview)).one()
    assert (review.before_n, review.after_n, review.verdict) == (24, 6, EffectVerdict.EFFECTIVE)
    make.session.refresh(action)
    assert action.status is ActionStatus.DONE
    assert "Bajaron y se ve en terreno." in text_of(quality.get(f"/action/effect/{action.id}"))


def test_before_its_day_the_page_offers_no_decision_and_a_posted_one_is_refused(make, quality, at):
    action = carried_out(make)
    make.session.commit()
    at("2026-08-27T10:00-05:00")

    page = text_of(quality.get(f"/action/judge/{action.id}"))
    refused = quality.post(f"/action/judge/{action.id}", data={"verdict": "EFFECTIVE", "reason": "Ya se ve."})

    assert 'name="verdict"' not in page
    assert refused.status_code == 422
    assert make.session.scalars(select(ActionReview)).all() == []


@pytest.mark.parametrize("path", ["/action/effect/{id}", "/action/judge/{id}"])
def test_the_pages_of_an_effect_ask_for_as_many_statements_whatever_there_is(make, quality, count_statements, path):
    action = carried_out(make)
    make.session.commit()
    counts = []
    for _n in range(2):
        with count_statements() as statements:
            assert quality.get(path.format(id=action.id)).status_code == 200
        counts.append(len(statements))
        file(make, 5, AFTER, cause=cause(make.session))
        make.session.commit()

    assert counts[0] == counts[1] <= 12
