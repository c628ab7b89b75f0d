"""
Take the pictures of the manual from a running demo: `make demo` in one terminal, `make screenshots` in another (URL, if not 8080).

Needs the system's Chromium. Pictures are in Spanish, light, 1280 pixels wide or 360 for a phone.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

URL = os.environ.get("URL", "http://127.0.0.1:8080")
PASSWORD = os.environ.get("ATIENDE_DEMO_PASSWORD", "AtiendeDemo-2026")
FOLDER = Path(__file__).parent / "manual" / "img"
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 360, "height": 740}


def sign_in(browser: Browser, username: str) -> Any:
    page = browser.new_context(base_url=URL, viewport=DESKTOP, locale="es-CO", timezone_id="America/Bogota").new_page()
    page.goto("/login/")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def shoot(page: Any, path: str, name: str, *, whole: bool = False) -> None:
    page.goto(path)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=whole)
    print(name, page.url)


def shoot_counter(page: Any) -> None:
    """Attend somebody at the counter by the keyboard, and register what they say."""
    page.goto("/counter/")
    page.keyboard.type("maría")
    page.wait_for_selector("#who-options [role=option]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#registration")
    page.fill("#body", "La factura de junio cobra 62 metros y siempre gasta entre 14 y 18. Pide revisar el medidor.")
    page.locator("#request_type label").first.click()
    page.screenshot(path=FOLDER / "mostrador.png")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".counter-number")
    page.screenshot(path=FOLDER / "mostrador-radicado.png")
    print("mostrador", page.url)


def shoot_forms(page: Any) -> None:
    """Add a customer from within an account, leave it half written, and find the draft again."""
    page.goto("/account/add")
    page.fill("#number", "104220199")
    page.fill("#address", "Carrera 7 # 12-40")
    page.fill("#party", "Rosalba Ficticia")
    page.click("a[data-create]")
    page.wait_for_selector("dialog.sheet[open]")
    page.screenshot(path=FOLDER / "crear-sin-salir.png")
    page.keyboard.press("Escape")
    page.wait_for_selector("form[data-kept]")
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.wait_for_selector("form .draft")
    page.screenshot(path=FOLDER / "borrador.png")
    page.click("a[data-cancel]")
    print("borrador", page.url)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        clerk = sign_in(browser, "auxiliar")
        shoot(clerk, "/", "mi-dia")
        shoot(clerk, "/pqr/", "lista")
        shoot(clerk, "/search?q=consumo", "buscar")
        shoot(clerk, "/pqr/register", "registrar", whole=True)
        shoot_counter(clerk)
        shoot_forms(clerk)
        owner = sign_in(browser, "dueno.facturacion")
        owner.goto("/pqr/?status=SOLVED")
        link = owner.locator("a[href^='/pqr/PQR-']").first.get_attribute("href")
        shoot(owner, link, "caso", whole=True)
        manager = sign_in(browser, "subgerente")
        shoot(manager, f"{link}/move/issue_answer", "aprobar", whole=True)
        shoot(manager, "/", "mi-dia-subgerente")
        shoot(sign_in(browser, "control"), "/reports/response-times/", "control-de-tiempos")
        shoot(sign_in(browser, "control"), "/charts/cases/?chart=in-time", "graficos")
        admin = sign_in(browser, "admin")
        shoot(admin, "/", "primeros-pasos")
        shoot(admin, "/calendar/", "calendario", whole=True)
        owner.set_viewport_size(PHONE)
        shoot(owner, "/", "mi-dia-celular")
        phone = browser.new_context(base_url=URL, viewport=PHONE, locale="es-CO").new_page()
        shoot(phone, "/pqr/nueva", "radicar-celular")
        shoot(phone, "/calculadora?regime=ley142&type=RECLAMO&filed=2026-07-10", "calculadora-celular", whole=True)
        browser.close()


if __name__ == "__main__":
    main()
