"""The calendar's pages: what they show, the preview that comes before every change, and who may make one."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from app import queries
from app.models import CalendarChange, CalendarDay, CalendarYear, ChangeLog
from app.operations import calendar
from app.operations.calendar import CalendarEdit
from app.security import ADMIN, AUXILIAR, CONTROL

CHIQUINQUIRA = date(2026, 7, 13)
REASON = "Ley 2578 de 2026, concepto jurídico 14"


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


@pytest.fixture
def admin(client, a_user, login):
    return login(client, a_user(ADMIN))


@pytest.fixture
def auditor(app, a_user, login):
    """A client that may see the calendar and not change it."""
    return login(app.test_client(), a_user(CONTROL))


def hidden(page: str, name: str) -> str:
    from html import unescape

    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    assert found, f"the page has no {name}"
    return unescape(found[1])


def form_of(response, reason: str = REASON) -> dict[str, str]:
    """Return what the form of the preview would send."""
    return {"edit": hidden(response.text, "edit"), "digest": hidden(response.text, "digest"), "reason": reason}


REMOVE = {"what": "remove", "on": "2026-07-13"}
ADD = {"what": "day", "on": "2026-07-15", "kind": "CLOSURE", "name": "Inventario", "norm": "Resolución 12 de 2026", "source": "Memorando"}


# ── The year ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_year_shows_twelve_months_and_its_days_off_with_their_law(seeded, admin):
    page = admin.get("/calendar/?year=2026").text

    assert page.count('<table class="month">') == 12
    assert "Virgen" in page or "Chiquinquirá" in page
    assert "Ley 2578 de 2026" in page
    assert page.count('datetime="2026-07-13"') >= 1
    assert re.search(r'<td class="holiday"[^>]*><time datetime="2026-07-13">', page)
    assert re.search(r'<td class=" today"', page), "10 July 2026, the day of the tests"


def test_without_a_year_it_shows_the_present_one(seeded, admin):
    assert 'datetime="2026-01-01"' in admin.get("/calendar/").text


def test_a_year_that_nobody_loaded_offers_to_load_it(seeded, admin, auditor):
    assert "/calendar/preview?what=year&amp;load=2040" in admin.get("/calendar/?year=2040").text
    assert "/calendar/preview" not in auditor.get("/calendar/?year=2040").text


def test_who_may_only_see_finds_no_form(seeded, auditor):
    page = auditor.get("/calendar/").text

    assert "<table" in page
    assert "/calendar/preview" not in page


def test_the_pages_ask_the_same_few_statements_however_much_there_is(seeded, admin, a_case, count_statements):
    admin.get("/calendar/")
    with count_statements() as few:
        admin.get("/calendar/")
    for day in ("2026-07-13", "2026-07-20"):
        edit = CalendarEdit(remove=(date.fromisoformat(day),))
        a_case(at=instant("2026-07-10"))
        digest = calendar.preview(seeded, edit, date(2026, 7, 10)).digest
        calendar.apply_edit(seeded, edit, REASON, digest=digest, at=instant("2026-07-10", 12), actor_id=None)
    with count_statements() as many:
        admin.get("/calendar/")

    assert len(few) == len(many) <= 8, "\n".join(many)


def test_the_preview_asks_as_many_statements_for_one_case_as_for_many(seeded, admin, a_case, count_statements):
    a_case(at=instant("2026-07-10"))
    with count_statements() as one:
        admin.get("/calendar/preview", query_string=REMOVE)
    for _turn in range(5):
        a_case(at=instant("2026-07-10"))
    with count_statements() as many:
        page = admin.get("/calendar/preview", query_string=REMOVE).text

    assert page.count("/pqr/PQR-2026-") == 6
    assert len(one) == len(many) <= 10, "\n".join(many)


# ── Before a change ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_preview_shows_each_case_before_and_after_and_changes_nothing(seeded, admin, a_case):
    pqr = a_case(at=instant("2026-07-10"))

    response = admin.get("/calendar/preview", query_string=REMOVE)

    assert response.status_code == 200
    assert f"/pqr/{pqr.number}" in response.text
    assert response.text.index('datetime="2026-08-04"') < response.text.index('datetime="2026-08-03"')
    seeded.expire_all()
    assert pqr.due_on == date(2026, 8, 4)


def test_a_closure_of_several_days_leaves_the_days_off_in_between_alone(seeded, admin):
    response = admin.get("/calendar/preview", query_string=ADD | {"until": "2026-07-21"})

    edit = json.loads(hidden(response.text, "edit"))
    assert [day["on"] for day in edit["add"]] == ["2026-07-15", "2026-07-16", "2026-07-17", "2026-07-21"]
    assert edit["add"][0] == {
        "on": "2026-07-15", "kind": "CLOSURE", "name": "Inventario", "norm": "Resolución 12 de 2026", "source": "Memorando",
    }  # fmt: skip


def test_a_day_off_is_corrected_in_one_change(seeded, admin):
    form = admin.get("/calendar/?year=2026&correct=2026-07-13").text
    assert 'value="2026-07-13"' in form

    response = admin.get("/calendar/preview", query_string=ADD | {"on": "2026-07-14", "replaces": "2026-07-13"})

    edit = json.loads(hidden(response.text, "edit"))
    assert (edit["remove"], [day["on"] for day in edit["add"]]) == (["2026-07-13"], ["2026-07-14"])


@pytest.mark.parametrize(
    ("fields", "typed"),
    [
        ({"on": ""}, "Inventario"),
        ({"on": "30/02/2026"}, "30/02/2026"),
        ({"name": ""}, "Resolución 12 de 2026"),
        ({"norm": " "}, "Inventario"),
        ({"name": "x" * 121}, "x" * 121),
        ({"on": "2026-07-20"}, "Inventario"),
        ({"on": "2041-07-15"}, "Inventario"),
        ({"until": "2026-07-01"}, "Inventario"),
        ({"until": "2027-07-01"}, "Inventario"),
        ({"kind": "FIESTA"}, "Inventario"),
    ],
    ids=str,
)
def test_a_form_that_does_not_fit_comes_back_with_what_was_typed(seeded, admin, fields, typed):
    response = admin.get("/calendar/preview", query_string=ADD | fields)

    assert response.status_code == 422
    assert 'role="alert"' in response.text
    assert f'value="{typed}"' in response.text


def test_a_day_that_is_not_in_the_calendar_cannot_be_removed(seeded, admin):
    response = admin.get("/calendar/preview", query_string=REMOVE | {"on": "2026-07-14"})

    assert response.status_code == 422
    assert "14/07/2026" in response.text


@pytest.mark.parametrize("hours", [{}, {"working_week": "9"}, {"working_week": "1", "opens_at": "17:00", "closes_at": "08:00"}], ids=str)
def test_hours_that_make_no_sense_come_back(seeded, admin, hours):
    assert admin.get("/calendar/preview", query_string={"what": "hours", **hours}).status_code == 422


@pytest.mark.parametrize("load", ["", "x", "2026", "1900"])
def test_a_year_that_cannot_be_loaded_comes_back(seeded, admin, load):
    assert admin.get("/calendar/preview", query_string={"what": "year", "load": load}).status_code == 422


def test_a_past_day_under_answered_cases_asks_to_confirm_that_they_stay(seeded, admin, a_case, at):
    from app.domain.states import Outcome
    from app.models import Process
    from app.operations import pqr as operations

    done = a_case(at=instant("2026-07-10", 8))
    process = seeded.scalars(select(Process).where(~Process.is_front_desk)).first()
    operations.route(seeded, done, process, "Revisar", at=instant("2026-07-10", 9), actor_id=None)
    operations.solve(seeded, done, "Se revisó", Outcome.GRANTED, at=instant("2026-07-15"), actor_id=None)
    operations.mark_answered(seeded, done, at=instant("2026-07-15"), actor_id=None)
    seeded.commit()
    at("2026-07-16T10:00-05:00")

    refused = admin.get("/calendar/preview", query_string=REMOVE)
    assert refused.status_code == 409
    assert "13/07/2026" in refused.text
    assert "keeps_answered=1" in refused.text

    confirmed = admin.get("/calendar/preview", query_string=REMOVE | {"keeps_answered": "1"})
    assert confirmed.status_code == 200
    assert admin.post("/calendar/apply", data=form_of(confirmed)).status_code == 302
    seeded.expire_all()
    assert done.due_on == date(2026, 8, 4)
    assert admin.get(f"/pqr/{done.number}").status_code == 200


# ── A change ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_previewed_is_applied_recorded_and_told(seeded, admin, a_case):
    pqr = a_case(at=instant("2026-07-10"))
    preview = admin.get("/calendar/preview", query_string=REMOVE)

    response = admin.post("/calendar/apply", data=form_of(preview))

    seeded.expire_all()
    made = seeded.scalars(select(CalendarChange)).one()
    assert (response.status_code, response.headers["Location"]) == (302, f"/calendar/changes/{made.id}")
    assert pqr.due_on == date(2026, 8, 3)
    assert (made.reason, made.actor.roles[0].name) == (REASON, ADMIN)
    lines = seeded.scalars(select(ChangeLog).where(ChangeLog.reason == REASON)).all()
    assert {(line.table_name, line.actor_id, bool(line.request_id)) for line in lines} == {
        ("calendar_day", made.actor_id, True),
        ("pqr", made.actor_id, True),
    }
    page = admin.get(f"/calendar/changes/{made.id}").text
    assert REASON in page
    assert f"/pqr/{pqr.number}" in page
    assert f"/calendar/changes/{made.id}" in admin.get("/calendar/").text


def test_the_working_week_changes_through_the_preview_only(seeded, admin, a_case):
    pqr = a_case(at=instant("2026-07-10"))
    preview = admin.get("/calendar/preview?what=hours&working_week=1&working_week=2&working_week=3&working_week=4&closes_at=17:00")

    admin.post("/calendar/apply", data=form_of(preview))

    seeded.expire_all()
    organisation = queries.organisation(seeded)
    assert (organisation.working_week, f"{organisation.closes_at:%H:%M}") == ("1234", "17:00")
    assert pqr.due_on == date(2026, 8, 11)


def test_the_form_of_the_organisation_leaves_the_hours_alone(seeded, admin):
    organisation = queries.organisation(seeded)
    page = admin.get(f"/organisation/edit/{organisation.id}").text
    assert "working_week" not in page and "closes_at" not in page
    fields = dict(re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', page))

    admin.post(f"/organisation/edit/{organisation.id}", data=fields | {"working_week": "7", "closes_at": "09:00", "opens_at": "08:00"})

    seeded.expire_all()
    assert (organisation.working_week, organisation.opens_at, organisation.closes_at) == ("12345", None, None)


def test_a_year_is_loaded_through_the_preview(seeded, admin):
    preview = admin.get("/calendar/preview?what=year&load=2036")
    assert preview.status_code == 200

    admin.post("/calendar/apply", data=form_of(preview))

    assert seeded.get(CalendarYear, 2036) is not None
    assert seeded.scalar(select(func.count()).select_from(CalendarDay).where(CalendarDay.year == 2036)) >= 18


def test_a_change_without_a_real_reason_is_asked_for_it_and_keeps_the_preview(seeded, admin, a_case):
    pqr = a_case(at=instant("2026-07-10"))
    preview = admin.get("/calendar/preview", query_string=REMOVE)

    response = admin.post("/calendar/apply", data=form_of(preview, "corta"))

    assert response.status_code == 422
    assert ">corta</textarea>" in response.text
    assert pqr.number in response.text
    assert seeded.scalar(select(func.count()).select_from(CalendarChange)) == 0


def test_a_stale_preview_shows_what_would_move_now_and_keeps_the_reason(seeded, admin, a_case):
    preview = admin.get("/calendar/preview", query_string=REMOVE)
    pqr = a_case(at=instant("2026-07-10"))
    seeded.commit()

    response = admin.post("/calendar/apply", data=form_of(preview))

    assert response.status_code == 409
    assert pqr.number in response.text
    assert f">{REASON}</textarea>" in response.text
    seeded.expire_all()
    assert pqr.due_on == date(2026, 8, 4)
    assert admin.post("/calendar/apply", data=form_of(response)).status_code == 302
    seeded.expire_all()
    assert pqr.due_on == date(2026, 8, 3)


@pytest.mark.parametrize("edit", ["", "null", "{}", "[1]", "no json", '{"add": 1}'])
def test_a_change_that_nobody_previewed_is_refused_in_words(seeded, admin, edit):
    response = admin.post("/calendar/apply", data={"edit": edit, "digest": "", "reason": REASON})

    assert response.status_code == 409
    assert "Traceback" not in response.text
    assert seeded.scalar(select(func.count()).select_from(CalendarChange)) == 0


def test_a_form_without_its_token_is_refused(seeded, admin, csrf):
    preview = admin.get("/calendar/preview", query_string=REMOVE)

    assert admin.post("/calendar/apply", data=form_of(preview)).status_code == 400


def test_only_the_administrator_may_preview_or_apply(seeded, app, a_user, login, auditor):
    clerk = login(app.test_client(), a_user(AUXILIAR))
    for client in (clerk, auditor):
        assert client.get("/calendar/preview", query_string=REMOVE).status_code == 403
        assert client.post("/calendar/apply", data={"edit": "{}", "reason": REASON}).status_code == 403
    assert clerk.get("/calendar/").status_code == 403


def test_names_are_escaped_wherever_they_are_shown(seeded, admin):
    evil = "<script>alert(1)</script>%(n)s"
    preview = admin.get("/calendar/preview", query_string=ADD | {"name": evil, "norm": evil})
    made = admin.post("/calendar/apply", data=form_of(preview, evil), follow_redirects=True)

    for page in (preview.text, made.text, admin.get("/calendar/?year=2026").text, admin.get("/calendar/?correct=2026-07-15").text):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_every_case_of_a_long_change_can_be_paged_to(seeded, admin, a_case):
    a_case(at=instant("2026-07-10"))
    digest = calendar.preview(seeded, CalendarEdit(remove=(CHIQUINQUIRA,)), date(2026, 7, 10)).digest
    made = calendar.apply_edit(seeded, CalendarEdit(remove=(CHIQUINQUIRA,)), REASON, digest=digest, at=instant("2026-07-10"), actor_id=None)
    case = made.moved[0]
    many = CalendarChange(
        at=instant("2026-07-11"), reason=REASON, added=[], removed=[], moved=[case | {"number": f"PQR-2026-{n:06}"} for n in range(450)]
    )
    seeded.add(many)
    seeded.commit()

    first, last = admin.get(f"/calendar/changes/{many.id}").text, admin.get(f"/calendar/changes/{many.id}?start=400").text

    assert "start=200" in first and "PQR-2026-000199" in first and "PQR-2026-000200" not in first
    assert "PQR-2026-000449" in last and "start=600" not in last
