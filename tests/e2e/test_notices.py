"""A notice in a real browser: the citizen signs on the screen of the counter, and reads the public page of avisos on a telephone."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from app.domain.states import Outcome
from app.models import Notice, Pqr
from app.security import AUXILIAR, DUENO, SUBGERENTE
from tests.db.test_notices import instant
from tests.e2e.conftest import press, sign_in
from tests.factories import Factory

TELEPHONE = {"width": 360, "height": 740}
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
def answered(live_server) -> tuple[str, str]:
    """The clerk's user name, and the number of a case answered on 10 July 2026 whose summons was posted on the 14th."""
    from app import documents
    from app.documents import notices as letters
    from app.operations import answers, pqr
    from app.operations.notices import Sending

    with live_server.session() as session:
        make = Factory(session)
        clerk, owner, boss = make.user(AUXILIAR), make.user(DUENO, "TECNICA"), make.user(SUBGERENTE)
        party = make.party(name="Rosa Elena Díaz", email=None, phone=None, address=None)
        case = make.case(at=instant("2026-07-10", 8), party=party, notice_address=None)
        pqr.route(session, case, make.process("TECNICA"), "Revisar", at=instant("2026-07-10", 9), actor_id=clerk.id)
        pqr.solve(session, case, "El medidor está bien.", Outcome.DENIED, at=instant("2026-07-10", 10), actor_id=owner.id)
        answers.save_draft(session, case, "Revisamos el medidor y no accedemos.", owner.id)
        documents.issue_answer(session, case, boss, instant("2026-07-10", 11))
        posted = Sending(date(2026, 7, 14), posted_where="Cartelera del centro")
        letters.issue_summons(session, case, posted, issuer=clerk, at=instant("2026-07-14"))
        session.commit()
        return clerk.username, case.number


def test_the_citizen_signs_on_the_screen(live_server, new_page: Any, answered: tuple[str, str], assert_accessible: Any) -> None:
    live_server.at("2026-07-15T09:00-05:00")
    clerk, number = answered
    page = sign_in(new_page(), clerk)
    page.goto(f"/pqr/{number}")
    assert_accessible(page)
    press(page, f'#notices ~ p a[href="/pqr/{number}/move/notify"]')
    assert page.input_value("#appeared") == "Rosa Elena Díaz"
    page.fill("#identification", "CC 41.555.666")
    box = page.locator("[data-pad] canvas")
    box.scroll_into_view_if_needed()
    assert_accessible(page)
    at = box.bounding_box()
    page.mouse.move(at["x"] + 40, at["y"] + 60)
    page.mouse.down()
    page.mouse.move(at["x"] + 160, at["y"] + 90, steps=6)
    page.mouse.up()
    press(page, "main form.fieldwork button.btn-go")

    assert page.url.endswith(f"/pqr/{number}")
    with live_server.session() as session:
        from app.documents import document_bytes

        assert session.scalars(select(Pqr.notified_on)).one() == date(2026, 7, 15)
        notice = session.scalars(select(Notice).order_by(Notice.id.desc())).first()
        record = PdfReader(io.BytesIO(document_bytes(notice.paper)))
        assert "Rosa Elena Díaz" in record.pages[0].extract_text()
        assert any(image.image.width == 600 for page_of in record.pages for image in page_of.images), "the signature is in the record"


def test_the_page_of_avisos_fits_a_telephone(live_server, new_page: Any, answered: tuple[str, str], assert_accessible: Any) -> None:
    live_server.at("2026-07-15T09:00-05:00")
    page = new_page(viewport=TELEPHONE, java_script_enabled=True)
    page.goto("/avisos")

    assert "Rosa Elena Díaz" in page.inner_text("main")
    assert_accessible(page)
    assert not page.evaluate(TOO_WIDE)
    with page.expect_download() as started:
        page.click("main .card a.btn")
    assert started.value.suggested_filename == "CIT-2026-000001.pdf"
