"""
The commercial story in real browsers: a quotation is sent and accepted, becomes a contract with its requirements, is signed, and a year
later two people verify it at once; somebody else approves it, and the acta is there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from app.domain.checklists import ChecklistStatus, Verdict
from app.models import Checklist, ChecklistItem, Contract, Quotation
from app.security import COMERCIAL, DUENO, SUBGERENTE
from tests.e2e.conftest import becomes, press, sign_in
from tests.factories import Factory

TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
MET, PARTLY, NOT_MET, NOT_APPLICABLE = Verdict
REQUIREMENTS = (
    "Entregar cada mes el informe de calidad del agua.", "Atender los daños en menos de 12 horas.", "Conservar vigentes las pólizas.",
    "Facturar en los cinco primeros días del mes.",
)  # fmt: skip
REPORT = {"name": "informe.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%%EOF\n"}
MINE, OTHERS = "Faltan dos de los doce informes de daños.", "Cuatro daños pasaron de 12 horas, según el registro."


@pytest.fixture
def people(live_server: Any) -> dict[str, Any]:
    """User names of who sells, who answers for the process and who approves; the customer."""
    with live_server.session() as session:
        make = Factory(session)
        party = make.party(name="Alcaldía Ficticia", email="alcaldia@example.com")
        found = {
            "seller": make.user(COMERCIAL, first_name="Marcela", last_name="Ñáñez").username,
            "owner": make.user(DUENO, "TECNICA", first_name="Diana", last_name="Ficticia").username,
            "manager": make.user(SUBGERENTE, first_name="Jorge", last_name="Ficticio").username,
            "party": party.id, "process": str(make.process("TECNICA").id),
        }  # fmt: skip
        session.commit()
    return found


def text_of(pdf: bytes) -> str:
    words = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return " ".join(words.replace("\u200b", "").split())


def paper(page: Any, link: Any) -> str:
    """Return the words of the PDF that *link* leads to."""
    answer = page.request.get(link.get_attribute("href"))
    assert answer.ok
    assert answer.headers["content-type"] == "application/pdf"
    return text_of(answer.body())


def key_in(url: str) -> int:
    return int(url.partition("#")[0].rstrip("/").rpartition("/")[2])


def save(page: Any, control: str) -> None:
    """Press what saves a form, wait for the page that follows, and see that nothing was refused."""
    press(page, control)
    assert page.locator("[data-errors]").all_inner_texts() == []


def confirm(page: Any, control: Any) -> None:
    """Press *control*, say yes to the question, and wait for the page that follows."""
    control.click()
    save(page, "dialog#confirm[open] button[value=yes]")


# ── From the quotation to the signed contract ─────────────────────────────────────────────────────────────────────────────


def quote(page: Any, people: dict[str, Any]) -> int:
    """Write a quotation with two lines and two rates of IVA; return its key."""
    page.goto(f"/quotation/add?party=%23{people['party']}")
    page.fill("#subject", "Suministro de agua en bloque")
    page.select_option("#process_id", people["process"])
    for n, (description, quantity, price, rate) in enumerate(
        (("Agua en bloque", "1200,5", "2.350", "0"), ("Lectura de macromedidores", "3", "185.005", "19"))
    ):
        page.fill(f"#line-{n}-description", description)
        page.fill(f"#line-{n}-quantity", quantity)
        page.fill(f"#line-{n}-unit", "m³" if n == 0 else "visita")
        page.fill(f"#line-{n}-price", price)
        page.select_option(f"#line-{n}-vat_rate", label=f"{rate}\u00a0%")
    save(page, "main form button[value=save]")
    return key_in(page.url)


def send(page: Any, quotation: int) -> None:
    """Send it by mail to the customer."""
    page.goto(f"/quotation/send/{quotation}")
    assert page.input_value("#mail-to") == "alcaldia@example.com"
    save(page, "button[name=do][value=mail]")
    assert key_in(page.url) == quotation


def accept(page: Any, quotation: int) -> None:
    """Record that the customer accepted."""
    page.goto(f"/quotation/accept/{quotation}")
    page.fill("#note", "Oficio 118 de la Secretaría de Planeación")
    save(page, "main form button.btn-go")


def make_contract(page: Any, quotation: int) -> int:
    """Make the contract with one press and give it its dates; return its key."""
    page.goto(f"/quotation/show/{quotation}")
    press(page, f'form[action="/quotation/contract/{quotation}"] button')
    contract = key_in(page.url)
    page.goto(f"/contract/edit/{contract}")
    page.fill("#starts_on", "2026-02-02")
    page.fill("#ends_on", "2029-02-01")
    save(page, "main form button.btn-go")
    return contract


def require(page: Any, contract: int) -> None:
    """Write what it requires, a row at a time."""
    page.goto(f"/contract/requirements/{contract}")
    for n, text in enumerate(REQUIREMENTS):
        if not page.locator(f"#row-{n}-text").count():
            press(page, "button[name=do][value=more]")
        page.fill(f"#row-{n}-text", text)
        page.fill(f"#row-{n}-clause", f"Cláusula {n + 1}")
    save(page, "button.btn-go[name=do][value=save]")
    assert all(text in page.inner_text("main") for text in REQUIREMENTS)


def sign(page: Any, contract: int) -> None:
    """Write who signs for each side, and record that both did."""
    page.goto(f"/contract/sign/{contract}")
    for n, name in enumerate(("Ana Prueba", "Luis Alcalde Ficticio")):
        page.fill(f"#row-{n}-name", name)
        page.fill(f"#row-{n}-signed_on", "2026-01-20")
    confirm(page, page.locator("button[name=do][value=sign]"))


def sell(live_server: Any, new_page: Callable[..., Any], people: dict[str, Any]) -> int:
    """Go from a quotation to the signed contract, of which every part is that of the quotation; return its key."""
    live_server.at("2026-01-13T09:00-05:00")
    seller = sign_in(new_page(), people["seller"])
    quotation = quote(seller, people)
    send(seller, quotation)
    told = paper(seller, seller.locator(f'a[href^="/quotation/pdf/{quotation}"]').first)
    assert "COT-2026-0001" in told
    assert "3.481.643" in told  # 1.200,5 × 2.350 = 2.821.175; 3 × 185.005 = 555.015; IVA 19 % 105.453

    live_server.at("2026-01-16T09:00-05:00")
    seller.goto(f"/quotation/edit/{quotation}")
    assert "/quotation/show/" in seller.url  # what was sent is no longer written
    accept(seller, quotation)
    contract = make_contract(seller, quotation)
    require(seller, contract)
    live_server.at("2026-01-20T09:00-05:00")
    sign(seller, contract)
    seller.goto(f"/contract/requirements/{contract}")
    assert "/contract/show/" in seller.url  # nor what was signed

    with live_server.session() as session:
        signed, offered = session.get_one(Contract, contract), session.get_one(Quotation, quotation)
        assert signed.quotation_id == quotation
        assert signed.party_id == offered.party_id == people["party"]
        assert signed.value_cop == offered.total_cop == 3_481_643
        assert signed.signed_on.isoformat() == "2026-01-20"
        assert offered.sent_on.isoformat() == "2026-01-13"
    return contract


# ── Two reviewers at once ─────────────────────────────────────────────────────────────────────────────────────────────────


def opened(live_server: Any, contract: int) -> tuple[int, Sequence[int]]:
    """Let the night of the anniversary open the checklist of *contract*; return its key, and those of its rows in order."""
    from app.operations import checklists

    live_server.at("2027-02-02T08:00-05:00")
    with live_server.session() as session:
        assert checklists.open_due(session, datetime.fromisoformat("2027-02-02T01:00-05:00")) == 1
        found = session.scalars(select(Checklist).where(Checklist.contract_id == contract)).one()
        rows = select(ChecklistItem.id).where(ChecklistItem.checklist_id == found.id).order_by(ChecklistItem.position)
        keys = session.scalars(rows).all()
        session.commit()
        return found.id, keys


@contextmanager
def saving(page: Any, row: int, status: int = 200) -> Any:
    """Wait until the server answered that *row* is saved, or refused."""
    with page.expect_response(lambda answer: answer.url.endswith(f"/{row}") and answer.request.method == "POST") as answered:
        yield
    assert answered.value.status == status


def judge(page: Any, row: int, verdict: Verdict, status: int = 200) -> None:
    with saving(page, row, status):
        page.check(f'[name="v-{row}"][value={verdict.name}]')


def write(page: Any, name: str, row: int, text: str) -> None:
    """Type into a field of a row, and leave it saved."""
    field = page.locator(f'[name="{name}-{row}"]')
    with saving(page, row):
        field.fill(text)
        field.blur()


def deaf(page: Any) -> None:
    """Let *page* hear nothing of what others save, from before it opens: so it writes over what it has not seen."""
    page.route("**/checklist/news/**", lambda route: route.fulfill(status=204))


def see(page: Any, row: int, verdict: Verdict) -> None:
    """Wait until the page shows *verdict* in *row*."""
    becomes(page, "(name) => document.querySelector(name)?.checked === true", arg=f'[name="v-{row}"][value={verdict.name}]')


def test_what_was_quoted_is_signed_and_a_year_later_verified_by_two_at_once(
    live_server: Any, new_page: Callable[..., Any], people: dict[str, Any], violations: Callable[..., list[Any]]
) -> None:
    contract = sell(live_server, new_page, people)
    key, (first, second, third, fourth) = opened(live_server, contract)
    seller, owner = sign_in(new_page(), people["seller"]), sign_in(new_page(), people["owner"])
    deaf(owner)
    seller.goto(f"/checklist/show/{key}")
    owner.goto(f"/checklist/show/{key}")

    # The seller attaches what shows the first verdict, and finds something in the second row
    seller.locator(f"#row-{first} .attach summary").click()
    with saving(seller, first):
        seller.set_input_files(f'[name="f-{first}"]', REPORT)
    seller.wait_for_selector(f'#row-{first} a[href*="/evidence/"]')
    judge(seller, first, MET)
    judge(seller, second, PARTLY)
    write(seller, "n", second, MINE)

    # The owner, who has not seen it, writes the same row: both texts are shown, and both are kept
    with owner.expect_response(lambda answer: answer.url.endswith(f"/{second}") and answer.status == 409):
        owner.fill(f'[name="n-{second}"]', OTHERS)  # saved after a pause, so it may be refused before the verdict is given
        owner.check(f'[name="v-{second}"][value=NOT_MET]')
    clash = owner.wait_for_selector(f"#row-{second} .clash")
    assert MINE in clash.inner_text()
    assert owner.input_value(f'[name="n-{second}"]') == OTHERS
    assert violations(owner) == []
    with saving(owner, second):
        owner.check(f'[name="c-{second}"][value=both]')
    owner.wait_for_selector(f"#row-{second} .clash", state="detached")

    # From now on the owner hears too: what the seller saved appears by itself, and the other way round
    owner.unroute("**/checklist/news/**")
    see(owner, first, MET)
    see(seller, second, NOT_MET)
    becomes(seller, "(name) => document.querySelector(name).value.includes('Cuatro daños')", arg=f'[name="n-{second}"]')
    by_keyboard(owner, third)
    see(seller, third, MET)
    write(seller, "n", fourth, "El contrato no incluye facturación.")
    judge(seller, fourth, NOT_APPLICABLE)

    ask_for_action(owner, key, second, people["process"])
    seller.goto(f"/checklist/show/{key}")
    assert violations(seller) == []
    with live_server.session() as session:
        rows = session.scalars(select(ChecklistItem).where(ChecklistItem.checklist_id == key).order_by(ChecklistItem.position)).all()
        assert [row.verdict for row in rows] == [MET, NOT_MET, MET, NOT_APPLICABLE]
        assert MINE in rows[1].note
        assert OTHERS in rows[1].note
        assert rows[1].action.number == "AC-2027-0001"
    sign_off(live_server, new_page, people, key, contract, violations)


def by_keyboard(page: Any, row: int) -> None:
    """Judge *row* with a key, from the row itself."""
    page.locator(f"#row-{row}").focus()
    becomes(page, "(id) => document.activeElement.id === id", arg=f"row-{row}")
    with saving(page, row):
        page.keyboard.press("1")
    becomes(page, "(id) => document.activeElement.id !== id", arg=f"row-{row}")  # and goes on to the next


def ask_for_action(page: Any, key: int, row: int, process: str) -> None:
    page.goto(f"/checklist/ask/{key}/{row}")
    page.fill("#title", "Reforzar la cuadrilla de daños")
    page.select_option("#process_id", process)
    page.fill("#due_on", "2027-03-31")
    save(page, "main form button.btn-go")
    page.wait_for_selector(f"#row-{row} [data-action]")


def sign_off(
    live_server: Any, new_page: Callable[..., Any], people: dict[str, Any], key: int, contract: int, violations: Callable[..., list[Any]]
) -> None:
    """Sign as who answers for it, approve as another, and read the acta and the matrix."""
    live_server.at("2027-02-10T09:00-05:00")
    owner = sign_in(new_page(), people["owner"])
    owner.goto(f"/checklist/sign/{key}")
    owner.fill("#conclusion", "El contrato se cumple en lo esencial.")
    press(owner, "main form button.btn-go")
    assert owner.locator("textarea").count() == 0  # signed: nothing to write any more

    manager = sign_in(new_page(), people["manager"])
    manager.goto(f"/checklist/show/{key}")
    confirm(manager, manager.locator('form[action^="/checklist/approve/"] button'))
    told = paper(manager, manager.locator('a[href^="/checklist/acta/"]'))
    for expected in ("LVC-2027-0001", "66,7 %", "informe.pdf", "AC-2027-0001", "Reforzar la cuadrilla", "Diana Ficticia", "Jorge Ficticio"):
        assert expected in told, expected
    assert MINE in told.replace("- ", "")
    with live_server.session() as session:
        found = session.get_one(Checklist, key)
        assert found.status is ChecklistStatus.CLOSED
        assert (found.n_met, found.n_partly, found.n_not_met, found.n_not_applicable) == (2, 0, 1, 1)
        assert found.document.number == "LVC-2027-0001"

    manager.goto(f"/compliance/contract/{contract}")
    assert manager.locator("table.matrix tbody a.grade").count() == 4
    look_at_compliance(manager, contract, violations)


def look_at_compliance(page: Any, contract: int, violations: Callable[..., list[Any]]) -> None:
    """Walk over the pages of compliance as axe and a telephone see them, light and dark."""
    found = {}
    pages = ("/compliance/", "/compliance/?by=process", f"/compliance/contract/{contract}", "/verified/list/", "/verifications/list/")
    for address in (*pages, "/charts/compliance/"):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        assert page.goto(address).ok
        found[address] = violations(page)
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        found[f"{address} dark"] = violations(page, ["color-contrast"])
        page.set_viewport_size({"width": 360, "height": 740})
        found[f"{address} telephone"] = violations(page) + (["scrolls sideways"] if page.evaluate(TOO_WIDE) else [])
    assert {name: each for name, each in found.items() if each} == {}
