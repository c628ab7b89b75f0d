"""
The counter, by the keyboard alone: a practised clerk registers a case in less than a minute, and nothing that was typed is lost.

The minute is counted, not felt: presses times the seconds of one press, and the real time in which the page made the clerk wait.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select

from app.domain.states import Identity
from app.models import Party, Pqr
from app.security import AUXILIAR
from tests.e2e.conftest import becomes, divert, press, sign_in
from tests.factories import PASSWORD, Factory

#: A slow typist: 214 presses a minute, some 43 words of five letters; a clerk who types all day is at twice that.
SECONDS_A_PRESS = 0.28
MOST_SECONDS = 60
MOST_LOADS = 2
#: What needs a second key on a Spanish keyboard: the dead accent, and Shift.
TWO_PRESSES = set('áéíóúüÁÉÍÓÚÜ¿?!:;"()=/') | set("ABCDEFGHIJKLMNÑOPQRSTUVWXYZ")
BODY = "La factura de junio cobra 62 metros y siempre gasta entre 14 y 18. Pide revisar el medidor y corregir el cobro."
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
FOCUS = "document.activeElement && (document.activeElement.name || document.activeElement.dataset.key)"


@pytest.fixture
def clerk_name(live_server: Any) -> str:
    """The user name of a clerk; there is a known account, and a person with two."""
    with live_server.session() as session:
        make = Factory(session)
        name = make.user(AUXILIAR, first_name="Marcela", last_name="Ficticia").username
        rosalba = make.party(name="Rosalba Ñáñez Ficticia", document_number="52345678")
        account = make.account(number="104220187", party_id=rosalba.id)
        twice = make.party(name="Ignacio Dosveces Ficticio", document_number="79111222")
        make.account(number="200100", party_id=twice.id)
        make.account(number="200200", party_id=twice.id)
        make.case(party=rosalba, account=account, subject="Fuga en la calle")
        session.commit()
        return name


def open_counter(page: Any) -> None:
    """Go to the counter and wait for the caret: a browser gives an autofocus its focus only with the first frame."""
    page.goto("/counter/")
    page.wait_for_selector("#who:focus")


class Clerk:
    """Somebody at the keyboard: counts presses, page loads, and the time that the page took."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.n_presses, self.waited, self.loads = 0, 0.0, []
        page.on("request", lambda request: self._note(request))

    def _note(self, request: Any) -> None:
        if request.is_navigation_request() and request.frame == self.page.main_frame:
            self.loads.append(request.url)

    def type(self, text: str) -> None:
        self.n_presses += sum(2 if letter in TWO_PRESSES else 1 for letter in text)
        self.page.keyboard.type(text)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.n_presses += len(key.split("+"))
            self.page.keyboard.press(key)

    def wait(self, selector: str) -> None:
        started = time.perf_counter()
        self.page.wait_for_selector(selector, state="attached")
        self.waited += time.perf_counter() - started

    def is_at(self, name: str) -> None:
        becomes(self.page, FOCUS, name)

    @property
    def seconds(self) -> float:
        return self.n_presses * SECONDS_A_PRESS + self.waited

    def told(self) -> str:
        return f"{self.seconds:.1f} s ({self.n_presses} presses, {self.waited:.2f} s of waiting, {len(self.loads)} page loads)"


def known_account(clerk: Clerk) -> None:
    clerk.type("104220187")
    clerk.press("Enter")
    clerk.wait("#request_type input:focus")  # the only account is chosen already
    clerk.press("1")
    clerk.type("Consumo muy alto")
    clerk.press("Enter")
    clerk.type(BODY)


def new_person(clerk: Clerk) -> None:
    clerk.type("52999111")
    clerk.press("Enter")
    clerk.wait("#name:focus")
    clerk.type("Luz Marina Ficticia Gómez")
    clerk.press("Enter")
    clerk.type("3001234567")
    clerk.press("Enter", "Space", "Enter", "Enter")  # authorises the use of the data; no account
    clerk.wait("#request_type input:focus")
    clerk.press("5", "Enter")  # the first words will be the subject
    clerk.type(BODY)


def anonymous(clerk: Clerk) -> None:
    clerk.press("Alt+x")
    clerk.wait("#request_type input:focus")
    clerk.press("2", "Enter")
    clerk.type(BODY)


SCRIPTS = {"known account": known_account, "new person": new_person, "anonymous": anonymous}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_practised_clerk_registers_in_less_than_a_minute(live_server, new_page, clerk_name, capsys, name):
    page = sign_in(new_page(), clerk_name)
    clerk = Clerk(page)
    clerk.press("m")  # from Mi día
    clerk.wait("#who:focus")
    SCRIPTS[name](clerk)
    clerk.press("Control+Enter")
    clerk.wait(".counter-number")
    with page.context.expect_page() as opened, page.context.expect_event("response", is_receipt) as receipt:
        clerk.press("Enter")  # the focus is on the receipt
    number = page.inner_text(".counter-number")
    assert (receipt.value.status, receipt.value.headers["content-type"]) == (200, "application/pdf")
    opened.value.close()
    clerk.press("Alt+o")
    clerk.wait(".counter-wait")

    with capsys.disabled():
        print(f"\n{name}: {clerk.told()}")
    assert clerk.seconds < MOST_SECONDS
    assert len(clerk.loads) <= MOST_LOADS
    clerk.is_at("q")
    assert_is_registered(live_server, page, name, number)


def is_receipt(response: Any) -> bool:
    return response.url.endswith("/receipt")


def assert_is_registered(live_server: Any, page: Any, name: str, number: str) -> None:
    with live_server.session() as session:
        pqr = session.scalars(select(Pqr).where(Pqr.number == number)).one()
        assert pqr.body == BODY
        assert pqr.channel.code == "VENTANILLA"
        if name == "known account":
            assert (pqr.party.document_number, pqr.account.number, pqr.subject) == ("52345678", "104220187", "Consumo muy alto")
        elif name == "new person":
            assert (pqr.party.name, pqr.party.document_number, pqr.party.phone) == (
                "Luz Marina Ficticia Gómez",
                "52999111",
                "+573001234567",
            )
            assert pqr.request_type.code == "QUEJA"
        else:
            assert (pqr.party, pqr.identity) == (None, Identity.ANONYMOUS)
        key = pqr.access_key
    pdf = page.request.get(f"/pqr/{number}/receipt").body()
    said = "".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().replace("\u200b", "").split())
    assert number in said
    assert key in said
    assert f"/pqr/consulta?n={number}" in said  # what its QR says too


# ── Where the clerk is ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_focus_is_where_the_next_answer_goes_and_what_happened_is_said(new_page, clerk_name):
    page = sign_in(new_page(), clerk_name)
    clerk = Clerk(page)
    open_counter(page)

    clerk.type("dosveces")
    clerk.wait("#who-options [role=option]")
    assert page.get_attribute("#who", "aria-activedescendant") == "who-option-0"
    clerk.press("Enter")
    clerk.wait("#account input:focus")  # two accounts: somebody has to say which
    page.wait_for_selector("#counter-said:has-text('Dosveces')", state="attached")
    clerk.press("2")
    clerk.is_at("request_type")
    clerk.press("3")
    clerk.is_at("subject")
    clerk.press("Alt+1")
    assert page.eval_on_selector_all("#account input:checked", "boxes => boxes.map(box => box.dataset.pick)") == ["1"]
    clerk.press("Alt+c")
    clerk.is_at("channel")
    clerk.press("Escape")
    clerk.is_at("q")
    clerk.press("Control+Enter")  # nothing was said yet
    clerk.wait("#body-error")
    clerk.is_at("body")
    assert page.locator("#more").get_attribute("open") is not None
    clerk.type(BODY)
    clerk.press("Control+Enter")
    clerk.wait(".counter-number")
    clerk.is_at("KeyP")
    page.wait_for_selector(f"#counter-said:has-text('{page.inner_text('.counter-number')}')", state="attached")
    assert page.url.endswith(f"/counter/done/{page.inner_text('.counter-number')}")


def test_the_arrows_choose_another_one_and_the_address_is_theirs(new_page, clerk_name):
    page = sign_in(new_page(), clerk_name)
    open_counter(page)
    page.keyboard.type("2002")
    page.wait_for_selector("#who-options [role=option]")
    page.keyboard.press("Escape")
    assert not page.locator("#who-options").is_visible()
    page.keyboard.press("Backspace")
    page.wait_for_selector("#who-options [role=option]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_selector("#registration")
    address = page.url
    page.fill("#body", BODY)

    page.go_back()
    page.wait_for_selector(".counter-wait")
    page.go_forward()
    page.wait_for_selector("#registration")
    assert page.url == address
    assert page.input_value("#body") == BODY
    page.fill("#body", "")
    page.reload()
    assert page.inner_text("#who-is") == "Ignacio Dosveces Ficticio"


def test_the_keys_are_listed_by_a_question_mark(new_page, clerk_name):
    page = sign_in(new_page(), clerk_name)
    page.goto("/counter/?anonymous=1")
    page.locator("[data-submit]").focus()
    page.keyboard.press("?")

    assert page.locator("#counter-keys dl").is_visible()
    assert "Ctrl+Enter" in page.inner_text("#counter-keys")


# ── Nothing typed is lost ─────────────────────────────────────────────────────────────────────────────────────────────────


def write(page: Any) -> None:
    """Attend the known account and type a case, up to the last key."""
    clerk = Clerk(page)
    open_counter(page)
    known_account(clerk)


def n_cases(live_server: Any) -> int:
    with live_server.session() as session:
        return session.scalar(select(func.count()).select_from(Pqr)) or 0


def test_another_person_is_chosen_and_the_text_comes_along(live_server, new_page, clerk_name):
    page = sign_in(new_page(), clerk_name)
    write(page)
    page.keyboard.press("Escape")
    page.keyboard.type("79111222")
    page.keyboard.press("Enter")
    page.wait_for_selector("#who-is:has-text('Dosveces')")

    assert (page.input_value("#subject"), page.input_value("#body")) == ("Consumo muy alto", BODY)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".counter-number")
    with live_server.session() as session:
        assert session.scalars(select(Pqr).order_by(Pqr.id.desc())).first().party.document_number == "79111222"


def test_the_next_person_asks_before_it_forgets(new_page, clerk_name):
    page = sign_in(new_page(), clerk_name)
    write(page)
    page.keyboard.press("Alt+o")
    page.wait_for_selector("#confirm[open]")
    page.keyboard.press("Escape")
    assert page.input_value("#body") == BODY

    page.keyboard.press("Alt+o")
    page.wait_for_selector("#confirm[open]")
    page.locator("#confirm button[value=yes]").press("Enter")
    page.wait_for_selector(".counter-wait")


def test_a_question_asked_again_at_once_is_still_answered(new_page, clerk_name):
    """A dialog tells that it closed a little later; whoever is quick has asked again by then."""
    page = sign_in(new_page(), clerk_name)
    write(page)
    page.keyboard.press("Alt+o")
    page.wait_for_selector("#confirm[open]")
    page.evaluate("() => { document.getElementById('confirm').close('no'); document.querySelector('#counter [data-key=KeyO]').click(); }")
    page.wait_for_selector("#confirm[open]")
    page.locator("#confirm button[value=yes]").press("Enter")
    page.wait_for_selector(".counter-wait")


def test_a_server_that_does_not_answer_keeps_the_text_and_is_asked_again(live_server, new_page, clerk_name):
    page = sign_in(new_page(), clerk_name)
    write(page)
    before = n_cases(live_server)
    divert(page, "**/counter/**", lambda route: route.abort(), "/counter/x")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#counter-trouble[role=alert]")
    assert page.input_value("#body") == BODY

    page.unroute("**/counter/**")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".counter-number")
    assert n_cases(live_server) == before + 1


def test_an_answer_that_was_lost_on_the_way_is_not_registered_twice(live_server, new_page, clerk_name):
    page = sign_in(new_page(), clerk_name)
    write(page)
    before = n_cases(live_server)

    def lose(route: Any) -> None:
        if route.request.method == "POST":
            route.fetch(max_redirects=0)  # the server stores it, and nobody hears that
            route.abort()
        else:
            route.continue_()

    divert(page, "**/counter/**", lose, "/counter/x")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#counter-trouble")
    page.unroute("**/counter/**")
    assert n_cases(live_server) == before + 1

    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".counter-number")
    assert n_cases(live_server) == before + 1


def test_a_session_that_ended_keeps_the_text_until_somebody_signs_in_again(live_server, new_page, clerk_name):
    page = sign_in(new_page(), clerk_name)
    write(page)
    before = n_cases(live_server)
    page.context.clear_cookies()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#counter-trouble a[target=_blank]")
    assert page.input_value("#body") == BODY
    assert n_cases(live_server) == before

    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")  # the focus is on the way in
    door = opened.value
    door.fill("#username", clerk_name)
    door.fill("#password", PASSWORD)
    door.press("#password", "Enter")
    door.wait_for_url(lambda url: "/login" not in url)
    door.close()
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".counter-number")
    assert n_cases(live_server) == before + 1


def test_two_presses_at_once_register_once_and_a_refusal_keeps_files_and_fold(live_server, new_page, clerk_name):
    page = sign_in(new_page(), clerk_name)
    write(page)
    before = n_cases(live_server)
    page.keyboard.press("Alt+c")
    page.set_input_files("#files", {"name": "factura.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%%EOF\n"})
    page.fill("#previous_number", "PQR-1999-000001")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#previous_number-error")
    assert page.eval_on_selector("#files", "input => input.files[0].name") == "factura.pdf"
    assert page.evaluate(FOCUS) == "previous_number"

    page.fill("#previous_number", "")
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".counter-number")
    with live_server.session() as session:
        pqr = session.scalars(select(Pqr).order_by(Pqr.id.desc())).first()
        assert [file.name for file in pqr.files] == ["factura.pdf"]
    assert n_cases(live_server) == before + 1


# ── For everybody ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_script_each_step_is_a_page(live_server, new_page, clerk_name):
    page = sign_in(new_page(java_script_enabled=False), clerk_name)
    page.goto("/counter/")
    page.fill("#who", "rosalba")
    page.press("#who", "Enter")
    page.locator(".found a").click()
    assert page.inner_text("#who-is") == "Rosalba Ñáñez Ficticia"
    page.locator("#request_type label").first.click()
    press(page, "[data-submit]")
    assert page.locator("#body-error").is_visible()
    page.fill("#body", BODY)
    page.locator("[data-submit]").click()
    number = page.inner_text(".counter-number")

    with live_server.session() as session:
        assert session.scalars(select(Pqr).where(Pqr.number == number)).one().account.number == "104220187"


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280), ("light", 3840)])
def test_every_step_is_clean(
    live_server: Any, new_page: Callable[..., Any], assert_accessible: Callable[[Any], None], clerk_name: str, scheme: str, width: int
) -> None:
    page = sign_in(new_page(color_scheme=scheme, viewport={"width": width, "height": 800}, reduced_motion="reduce"), clerk_name)

    def look(what: str) -> None:
        assert_accessible(page)
        assert not page.evaluate(TOO_WIDE), f"{what} scrolls sideways at {width}"

    page.goto("/counter/")
    page.locator("#counter-keys summary").click()
    look("the box")
    page.fill("#who", "ficti")
    page.wait_for_selector("#who-options [role=option]")
    look("who was found")
    page.press("#who", "Enter")
    page.wait_for_selector("#registration")
    page.keyboard.press("Alt+c")
    look("somebody known")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#body-error")
    look("what is wrong")
    page.keyboard.press("Alt+n")
    page.wait_for_selector("#document_number:focus")
    look("a new person")
    page.goto("/counter/?q=nadie")
    look("nobody")
    page.goto("/counter/?q=ficti")
    look("who was found, without script")
    write(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".counter-number")
    look("the number")
    with live_server.session() as session:
        assert session.scalars(select(Party).where(Party.name == "Rosalba Ñáñez Ficticia")).one()
