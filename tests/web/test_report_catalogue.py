"""The catalogue of reports: whose reports it shows, how it is searched, what is kept at hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.reports import ReportFormat, ReportOutcome
from app.models import ReportFavourite
from app.operations import reporting
from app.reports.registry import CATALOGUE
from app.security import AUXILIAR, COMERCIAL, SUBGERENTE, TECNICO

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)


@pytest.fixture
def boss(make: Any, client: Any, login: Callable[..., Any]) -> Any:
    """The client, signed in as the Subgerente; `client.user_id` is theirs."""
    user = make.user(SUBGERENTE)
    client.user_id = user.id
    return login(client, user)


def page_of(client: Any, url: str = "/reports/") -> str:
    response = client.get(url)
    assert response.status_code == 200
    return unescape(response.get_data(as_text=True))


def listed(page: str) -> list[str]:
    return re.findall(r'id="r-([\w-]+)"', page)


def test_the_catalogue_shows_every_report_that_the_reader_may_open_by_chapter(boss: Any) -> None:
    page = page_of(boss)

    assert set(listed(page)) == set(CATALOGUE)
    assert "/reports/response-times/" in page


def test_a_report_that_the_reader_may_not_open_is_not_there(make: Any, client: Any, login: Callable[..., Any]) -> None:
    login(client, make.user(COMERCIAL))

    assert "response_times" not in listed(page_of(client))


def test_who_has_no_reports_has_no_catalogue(make: Any, client: Any, login: Callable[..., Any]) -> None:
    login(client, make.user(TECNICO))

    assert client.get("/reports/").status_code in (302, 403)


def test_the_search_forgives_accents_and_case(boss: Any) -> None:
    boss.get("/lang/en")
    assert "response_times" in listed(page_of(boss, "/reports/?q=RÉSPONSE+times"))
    assert listed(page_of(boss, "/reports/?q=zzzz")) == []
    assert "zzzz" in page_of(boss, "/reports/?q=zzzz")


def test_what_is_kept_at_hand_stands_first_and_leaves_again(boss: Any, session: Any) -> None:
    star = "/reports/favourite/response_times"
    answer = boss.post(star, data={"on": "1"})
    assert answer.headers["Location"].endswith("/reports/#r-response_times")
    assert session.scalars(select(ReportFavourite.report).where(ReportFavourite.user_id == boss.user_id)).all() == ["response_times"]
    page = page_of(boss)
    assert page.index('id="at-hand"') < page.index('id="r-')
    assert 'aria-pressed="true"' in page

    boss.post(star, data={"on": "0"})

    assert 'id="at-hand"' not in page_of(boss)


def test_only_what_exists_and_may_be_opened_is_kept_at_hand(make: Any, client: Any, login: Callable[..., Any]) -> None:
    login(client, make.user(COMERCIAL))

    assert client.post("/reports/favourite/nothing", data={"on": "1"}).status_code == 404
    assert client.post("/reports/favourite/response_times", data={"on": "1"}).status_code == 403


def test_the_catalogue_says_when_the_reader_last_made_a_report(boss: Any, make: Any, session: Any) -> None:
    other = make.user(AUXILIAR)
    for user_id, day in ((boss.user_id, 2), (boss.user_id, 6), (other.id, 9)):
        run = reporting.begin_run(session, "response_times", ReportFormat.XLSX, {}, "", user_id, at=AT.replace(day=day))
        reporting.end_run(session, run, ReportOutcome.DONE, at=AT.replace(day=day), n_rows=3)
    session.commit()

    page = page_of(boss)

    assert 'datetime="2026-07-06T15:00:00+00:00"' in page
    assert "2026-07-09T15:00" not in page


def test_the_catalogue_costs_the_same_however_much_was_made(boss: Any, session: Any, count_statements: Callable[..., Any]) -> None:
    page_of(boss)
    with count_statements() as before:
        page_of(boss)
    for _n in range(30):
        run = reporting.begin_run(session, "response_times", ReportFormat.XLSX, {}, "", boss.user_id, at=AT)
        reporting.end_run(session, run, ReportOutcome.DONE, at=AT)
    session.commit()
    with count_statements() as after:
        page_of(boss)

    assert len(after) == len(before) <= 8
