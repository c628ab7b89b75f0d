"""The citizen's pages in a browser: without script, on a small telephone, and for those who do not see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from app.models import Pqr
from tests.e2e.conftest import press

PDF = {"name": "factura.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\n%%EOF\n"}
CALCULATION = "/calculadora?regime=LEY142&type=RECLAMO&filed=2026-07-11"


@pytest.fixture(autouse=True)
def without_waiting(live_server: Any) -> None:
    live_server.app.config["PORTAL_MIN_SECONDS"] = 0


def fill(page: Any) -> None:
    page.goto("/pqr/nueva")
    page.check("input[name=request_type][value=RECLAMO]")
    page.fill("#body", "La factura cobra de más. 😀 <b>no es negrita</b>")
    page.fill("#name", "Ana Milena Torres")
    page.select_option("#document_type", "CC")
    page.fill("#document_number", "52123456")
    page.fill("#email", "ana@example.com")
    page.set_input_files("#files", PDF)


def file(page: Any) -> tuple[str, str]:
    """File and return number and key."""
    fill(page)
    page.click("main button.btn-go")
    page.wait_for_url("**/pqr/radicada/**")
    return page.locator(".big.num").inner_text(), page.locator(".key").inner_text()


def follow(page: Any, number: str, key: str) -> None:
    page.goto(f"/pqr/consulta?n={number}")
    page.fill("#key", key.lower())
    press(page, "main button.btn-go")


def test_everything_works_without_script(new_page: Callable[..., Any], live_server: Any) -> None:
    page = new_page(java_script_enabled=False)
    number, key = file(page)
    with page.expect_download() as receipt:
        page.click("a[href*='/pqr/recibo/']")
    follow(page, number, key)

    assert receipt.value.suggested_filename.endswith(".pdf")
    assert page.locator("h1").inner_text().endswith(number)
    assert "<b>no es negrita</b>" in page.locator(".prose").inner_text()
    with page.expect_download() as attachment:
        page.click("a[href*='/pqr/archivo/']")
    assert attachment.value.suggested_filename == "factura.pdf"


def test_the_back_button_and_a_second_press_make_no_second_case(page: Any, live_server: Any) -> None:
    number, _key = file(page)
    page.go_back()
    page.click("main button.btn-go")
    page.wait_for_url("**/pqr/radicada/**")

    assert page.locator(".big.num").inner_text() == number
    with live_server.session() as session:
        assert session.scalar(select(func.count()).select_from(Pqr)) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_small_telephone_and_can_be_used_by_everybody(
    new_page: Callable[..., Any], assert_accessible: Callable[[Any], None], scheme: str
) -> None:
    page = new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    number, key = file(page)

    def check() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url
        assert_accessible(page)

    check()
    page.goto("/pqr/nueva")
    check()
    press(page, "main button.btn-go")
    check()
    follow(page, number, "AAAA")
    check()
    follow(page, number, key)
    check()
    page.goto(CALCULATION)
    check()


def test_after_a_refusal_the_summary_leads_to_each_field(page: Any) -> None:
    page.goto("/pqr/nueva")
    press(page, "main button.btn-go")
    links = page.locator("[role=alert] a")

    assert links.count() >= 5
    for n in range(links.count()):
        target = links.nth(n).get_attribute("href")
        assert page.locator(target).count() == 1, target


def test_the_language_changes_and_stays(page: Any) -> None:
    page.goto("/pqr/nueva")
    press(page, "footer a[lang=en]")

    assert page.locator("html").get_attribute("lang") == "en"
    page.goto("/calculadora")
    assert page.locator("html").get_attribute("lang") == "en"
