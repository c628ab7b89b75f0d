"""The bar of a long work moves while somebody looks, without loading the page; at its end the result is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from app.domain.states import JobStatus
from app.models import Job
from app.operations import files, work
from app.security import AUXILIAR
from tests.e2e.conftest import LiveServer, becomes, sign_in
from tests.factories import Factory

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)


@pytest.fixture
def running(live_server: LiveServer) -> tuple[str, int]:
    """The user name of an auxiliar, and the job of theirs that runs."""
    with live_server.session() as session:
        user = Factory(session).user(AUXILIAR)
        job = work.start(session, "test", "Informe de julio", {}, user.id, AT)
        job.status, job.lease_until, job.started_at, job.n_done, job.n_total = JobStatus.RUNNING, AT, AT, 10, 200
        session.commit()
        return user.username, job.id


def change(live_server: LiveServer, job_id: int, **values: Any) -> None:
    with live_server.session() as session:
        session.execute(update(Job).where(Job.id == job_id).values(**values))
        session.commit()


@pytest.mark.parametrize("address", ["/work/", "/work/{}"])
def test_the_bar_moves_and_the_result_appears_by_themselves(
    page: Any, live_server: LiveServer, running: tuple[str, int], address: str
) -> None:
    username, job_id = running
    sign_in(page, username)
    page.goto(address.format(job_id))
    page.evaluate("window.isTheSame = true")
    bar = page.locator("main progress")
    assert bar.get_attribute("value") == "10"

    change(live_server, job_id, n_done=150)
    page.wait_for_selector("main progress[value='150']")
    with live_server.session() as session:
        stored = files.store_file(session, b"a;b\n", "julio.csv", "text/csv")
        session.commit()
        file_id = stored.id
    change(live_server, job_id, status=JobStatus.DONE, lease_until=None, ended_at=AT, result_file_id=file_id, result="Doscientas filas.")
    page.wait_for_selector(f"a[href='/work/{job_id}/result']")

    assert "Doscientas filas." in page.locator("main").inner_text()
    assert page.locator("main progress").count() == 0
    assert page.evaluate("window.isTheSame"), "the page was never loaded again"
    with page.expect_download() as download:
        page.click(f"a[href='/work/{job_id}/result']")
    assert download.value.suggested_filename == "julio.csv"


def test_stopping_asks_first_and_the_focus_is_not_lost(page: Any, live_server: LiveServer, running: tuple[str, int]) -> None:
    username, job_id = running
    sign_in(page, username)
    page.goto("/work/")
    stop = page.locator("form[action$='/stop'] button")
    stop.focus()

    change(live_server, job_id, is_cancel_asked=True)
    stop.wait_for(state="detached")

    becomes(page, "document.querySelector('[data-jobs]').contains(document.activeElement)")


def test_without_script_the_page_loads_itself_again(
    new_page: Callable[..., Any], live_server: LiveServer, running: tuple[str, int]
) -> None:
    username, job_id = running
    page = new_page(java_script_enabled=False)
    sign_in(page, username)
    page.goto("/work/")
    change(live_server, job_id, n_done=60)

    page.wait_for_selector("main progress[value='60']")


def test_the_tray_is_clean_light_dark_and_on_a_telephone(
    new_page: Callable[..., Any], running: tuple[str, int], violations: Callable[..., list[Any]]
) -> None:
    page = new_page(viewport={"width": 360, "height": 740})
    sign_in(page, running[0])
    for address in ("/work/", f"/work/{running[1]}"):
        page.goto(address)
        assert violations(page) == []
        page.emulate_media(color_scheme="dark")
        assert violations(page, ["color-contrast"]) == []
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
