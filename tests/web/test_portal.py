"""The citizen's pages: filing, following, being notified, computing; and everything that goes wrong there."""

from __future__ import annotations

import io
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import create_engine, event, func, make_url, select, text
from sqlalchemy.orm import Session

from app.domain.states import ConsentKind, DocumentType, Identity, NoticeMeans, PqrStatus, Visibility
from app.extensions import db
from app.models import Consent, ConsentText, Document, LegalTerm, Note, Notice, OutboxMessage, Party, Pqr, RateCounter, StoredFile
from app.operations.files import open_file, store_file
from tests.stage import Steps

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer <<>>\n%%EOF\n"
EXE = b"MZ\x90\x00\x03\x00\x00\x00" + b"\x00" * 200
TYPED = {
    "request_type": "RECLAMO",
    "body": "La factura de junio cobra 62 m³ y en mi casa siempre gastamos entre 14 y 18.",
    "identity": "NAMED",
    "name": "Ana Milena Torres",
    "document_type": "CC",
    "document_number": "52.123.456",
    "email": "ana@example.com",
}
FORM = "/pqr/nueva?_l_=en"
LOOKUP = "/pqr/consulta?_l_=en"


class Citizen:
    """Somebody at the public form, with a browser that sends back what the page hid in it."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.hidden: dict[str, str] = {}

    def open(self) -> Any:
        page = self.client.get(FORM)
        self._remember(page)
        return page

    def _remember(self, page: Any) -> None:
        tags = re.findall(r'<input[^>]*type="hidden"[^>]*>', page.text)
        self.hidden = {re.search(r'name="(\w+)"', tag)[1]: unescape(re.search(r'value="([^"]*)"', tag)[1]) for tag in tags}

    def send(self, files: list[tuple[str, bytes]] = (), without: tuple[str, ...] = (), **typed: str) -> Any:
        """Press “File” on the page that is open."""
        said = {name: value for name, value in {**self.hidden, **TYPED, **typed}.items() if name not in without}
        if files:
            said["files"] = [(io.BytesIO(content), name) for name, content in files]
        page = self.client.post(FORM, data=said, content_type="multipart/form-data")
        if page.status_code != 303:
            self._remember(page)
        return page

    def file(self, **typed: Any) -> Any:
        """Open the form, send it, and return the confirmation."""
        self.open()
        sent = self.send(**typed)
        assert sent.status_code == 303, unescape(re.sub(r"<[^>]+>", " ", sent.text))[:2000]
        return self.client.get(sent.location + "?_l_=en")


@pytest.fixture
def citizen(app: Flask, seeded: Session) -> Citizen:
    app.config["PORTAL_MIN_SECONDS"] = 0
    return Citizen(app)


def the_case(session: Session) -> Pqr:
    session.expire_all()
    return session.scalars(select(Pqr)).one()


def number_of(model: Any, session: Session) -> int:
    session.expire_all()
    return session.scalar(select(func.count()).select_from(model))


def words_of(page: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def assert_kept(page: Any, **typed: str) -> None:
    """What was typed stands in the form that came back."""
    for name, value in typed.items():
        if name == "body":
            assert value in unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", page.text, re.S)[1])
        elif name in ("request_type", "identity"):
            assert re.search(rf'name="{name}" value="{value}"[^>]* checked', page.text), name
        elif name == "document_type":
            assert re.search(rf'<option selected value="{value}"', page.text), name
        else:
            assert f'value="{value}"' in unescape(page.text), name


# ── The form ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_form_needs_no_sign_in_and_says_the_legal_date_of_today(citizen):
    page = citizen.open()

    assert page.status_code == 200
    assert "Tuesday, 4 August 2026" in page.text
    assert "Up to 5 files of up to 10 MB each" in words_of(page)
    assert words_of(page).index("10 MB each") < words_of(page).index("How do you want to appear?")


def test_a_browser_may_keep_the_form_so_that_going_back_finds_what_was_typed(citizen):
    assert "no-store" not in citizen.open().headers["Cache-Control"]
    assert "no-store" in citizen.file().headers["Cache-Control"]


def test_the_form_offers_only_public_types_in_plain_words(citizen, seeded):
    from app.models import RequestType

    private = seeded.scalars(select(RequestType).where(RequestType.code == "QUEJA")).one()
    private.is_public = False
    seeded.commit()

    page = citizen.open()

    assert 'value="RECLAMO"' in page.text
    assert 'value="QUEJA"' not in page.text


def test_a_calendar_that_does_not_reach_is_told_and_the_page_still_opens(citizen, at):
    at("2035-12-20T10:00-05:00")

    page = citizen.open()

    assert page.status_code == 200
    assert "The holidays of 2036 are not loaded" in words_of(page)
    sent = citizen.send()
    assert sent.status_code == 422
    assert "The holidays of 2036 are not loaded" in words_of(sent)
    assert_kept(sent, **TYPED | {"document_number": "52123456"})


def test_a_term_that_nobody_loaded_is_told_and_nothing_is_guessed(citizen, seeded):
    for term in seeded.scalars(select(LegalTerm).where(LegalTerm.request_type == "RECLAMO")):
        seeded.delete(term)
    seeded.commit()

    page = citizen.open()
    sent = citizen.send()

    assert page.status_code == 200 and "There is no term for" in words_of(page)
    assert sent.status_code == 422 and "There is no term for" in words_of(sent)
    assert number_of(Pqr, seeded) == 0


# ── Filing ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_filing_gives_number_key_and_legal_date_and_stores_all_of_it(citizen, seeded):
    page = citizen.file(files=[("factura junio.pdf", PDF)], is_e_notice="y", accepts_data="y", phone="300 123 4567")

    pqr = the_case(seeded)
    assert pqr.number in page.text and pqr.access_key in page.text
    assert "Tuesday, 4 August 2026" in page.text
    assert (pqr.status, pqr.channel.code, pqr.identity) == (PqrStatus.RECEIVED, "WEB", Identity.NAMED)
    assert (pqr.body, pqr.subject) == (TYPED["body"], TYPED["body"])
    assert (pqr.party.name, pqr.party.document_type, pqr.party.document_number) == ("Ana Milena Torres", DocumentType.CC, "52123456")
    assert (pqr.party.phone, pqr.notice_email, pqr.is_e_notice) == ("+573001234567", "ana@example.com", True)
    stored = pqr.files[0]
    assert (stored.name, stored.media_type, stored.visibility) == ("factura junio.pdf", "application/pdf", Visibility.CITIZEN)
    assert open_file(stored).read() == PDF


def test_each_consent_is_asked_apart_and_stored_with_its_version(citizen, seeded):
    newer = ConsentText(kind=ConsentKind.DATA, version=9, text="Nuevo texto de {organisation}", valid_from=datetime(2026, 1, 1).date())
    future = ConsentText(kind=ConsentKind.DATA, version=10, text="Todavía no rige", valid_from=datetime(2027, 1, 1).date())
    seeded.add_all([newer, future])
    seeded.commit()

    page = citizen.open()
    citizen.send(accepts_data="y", is_e_notice="y")

    assert "Nuevo texto de" in page.text and "{organisation}" not in page.text and "Todavía no rige" not in page.text
    granted = {consent.text.kind: consent.text.version for consent in seeded.scalars(select(Consent))}
    assert granted == {ConsentKind.DATA: 9, ConsentKind.E_NOTICE: 1}


def test_without_any_consent_the_request_is_filed_all_the_same(citizen, seeded):
    citizen.file()

    assert number_of(Consent, seeded) == 0
    assert the_case(seeded).is_e_notice is False


def test_an_anonymous_request_keeps_nothing_of_who_files(citizen, seeded):
    citizen.file(identity="ANONYMOUS", phone="3001234567", address="Calle 1", accepts_data="y", accepts_survey="y")

    pqr = the_case(seeded)
    assert (pqr.party, pqr.notice_email, pqr.notice_address) == (None, None, None)
    assert number_of(Party, seeded) == number_of(Consent, seeded) == number_of(OutboxMessage, seeded) == 0


def test_an_anonymous_request_needs_nothing_but_what_it_is_about(citizen, seeded):
    citizen.open()
    sent = citizen.client.post(
        FORM, data={"ticket": citizen.hidden["ticket"], "request_type": "RECLAMO", "body": "Hay una fuga.", "identity": "ANONYMOUS"}
    )

    assert sent.status_code == 303


def test_an_anonymous_request_cannot_be_notified_by_mail_and_is_told_so(citizen, seeded):
    citizen.open()
    sent = citizen.send(identity="ANONYMOUS", is_e_notice="y")

    assert sent.status_code == 422
    assert "An anonymous request cannot be notified by e-mail" in sent.text
    assert_kept(sent, body=TYPED["body"], identity="ANONYMOUS", name=TYPED["name"])


def test_a_reserved_identity_is_stored_and_marked(citizen, seeded):
    citizen.file(identity="RESERVED")

    assert the_case(seeded).identity is Identity.RESERVED
    assert the_case(seeded).party.name == "Ana Milena Torres"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"request_type": ""}, "Choose what your request is about."),
        ({"request_type": "NO_EXISTE"}, "Choose what your request is about."),
        ({"body": "   "}, "Tell us what happened or what you need."),
        ({"name": ""}, "Write your name."),
        ({"document_type": ""}, "Choose the type of your document."),
        ({"document_number": ""}, "Write the number of your document."),
        ({"document_type": "NIT", "document_number": "900123456-1"}, "The check digit of this NIT does not fit"),
        ({"document_number": "ABC"}, "A citizenship card has 3 to 10 digits"),
        ({"email": "ana"}, "This is no e-mail address."),
        ({"phone": "12"}, "This is no phone number."),
        ({"email": "", "address": ""}, "Write an e-mail or an address"),
        ({"email": "", "address": "Calle 1", "is_e_notice": "y"}, "To be notified by e-mail, write the e-mail address."),
        ({"account_number": "NO-EXISTE"}, "We do not find the account NO-EXISTE."),
        ({"identity": "GHOST"}, "Choose how you want to appear."),
    ],
)
def test_what_is_missing_or_wrong_is_told_beside_its_field_and_the_rest_is_kept(citizen, seeded, typed, told):
    citizen.open()
    sent = citizen.send(**typed)

    assert sent.status_code == 422
    assert told in words_of(sent)
    kept = {name: value for name, value in (TYPED | typed).items() if value.strip() and name not in {"document_number", "is_e_notice"}}
    kept = {name: value for name, value in kept.items() if value not in {"NO_EXISTE", "GHOST"}}
    assert_kept(sent, **kept)
    assert number_of(Pqr, seeded) == number_of(Party, seeded) == 0


def test_a_known_account_is_linked_and_lends_its_service(citizen, seeded, an_account):
    account = an_account(number="104-22-0187")
    seeded.commit()

    citizen.file(account_number=" 104-22-0187 ")

    assert the_case(seeded).account_id == account.id
    assert the_case(seeded).service_id == account.service_id


def test_html_and_formulas_are_text_and_nothing_else(citizen, seeded):
    body = '<script>alert(1)</script> =cmd()|"/C calc"!A1 <img src=x onerror=alert(2)> {{ 7*7 }}'
    filed = citizen.file(body=body, name="<b>Ana</b>")
    page = look_up(citizen, the_case(seeded))

    assert the_case(seeded).body == body
    for shown in (filed, page):
        assert "<script>alert" not in shown.text and "<img src=x" not in shown.text and "<b>Ana" not in shown.text
    assert body in unescape(page.text)


def test_twenty_thousand_characters_with_emoji_fit(citizen, seeded):
    body = "🚰ñ" * 10_000

    citizen.file(body=body)

    assert the_case(seeded).body == body


def test_one_character_more_is_refused_with_the_count_and_kept_whole(citizen, seeded):
    body = "ñ" * 20_001
    citizen.open()
    sent = citizen.send(body=body)

    assert sent.status_code == 422
    assert "The text has 20001 characters and up to 20000 fit: 1 too many." in words_of(sent)
    assert_kept(sent, body=body)
    assert "maxlength" not in re.search(r"<textarea[^>]*>", sent.text)[0], "a browser would cut pasted text in silence"


def test_line_ends_count_once_and_control_characters_vanish(citizen, seeded):
    citizen.file(body="uno\r\ndos\x00\x08\r\n" + "ñ" * 19_000)

    assert the_case(seeded).body.startswith("uno\ndos\nñ")


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([("factura.pdf", EXE)], "The content of “factura.pdf” is not what its name says."),
        ([("virus.exe", EXE)], "“virus.exe” is of a kind that is not received."),
        ([("vacio.pdf", b"")], "“vacio.pdf” is empty."),
        ([(f"foto{n}.pdf", PDF) for n in range(6)], "You chose 6 files and at most 5 are received."),
        ([("bien.pdf", PDF), ("mal.pdf", EXE), ("peor.exe", EXE)], "“peor.exe” is of a kind that is not received."),
    ],
)
def test_files_that_cannot_be_received_are_told_one_by_one_and_nothing_is_half_saved(citizen, seeded, files, told):
    citizen.open()
    sent = citizen.send(files=files)

    assert sent.status_code == 422
    assert told in words_of(sent)
    assert "Choose your files again" in sent.text
    assert_kept(sent, body=TYPED["body"], name=TYPED["name"])
    assert number_of(Pqr, seeded) == number_of(StoredFile, seeded) == 0


def test_a_file_of_40_mb_is_refused_with_everything_kept(citizen, seeded):
    citizen.open()
    sent = citizen.send(files=[("video.mp4", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * (40 * 1024 * 1024))])

    assert sent.status_code == 422
    assert "“video.mp4” weighs more than 10 MB." in words_of(sent)
    assert_kept(sent, body=TYPED["body"])


def test_more_than_the_server_reads_gets_the_limits_in_words(citizen, app, seeded):
    app.config["MAX_CONTENT_LENGTH"] = 100_000
    citizen.open()
    sent = citizen.send(files=[("video.mp4", b"\x00" * 200_000)])

    assert sent.status_code == 413
    assert "Up to 5 files of up to 10 MB each and a text of up to 20,000 characters are received." in words_of(sent)
    assert number_of(Pqr, seeded) == 0


def test_the_citizen_downloads_what_was_attached_as_a_download(citizen, seeded):
    citizen.file(files=[("señal «junio».pdf", PDF)])
    page = look_up(citizen, the_case(seeded))
    answer = citizen.client.get(link_to(page, "señal «junio».pdf"))

    assert answer.data == PDF
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert "filename*=UTF-8''se%C3%B1al" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


# ── The same form twice, and forms of robots ──────────────────────────────────────────────────────────────────────────────


def test_a_form_sent_twice_is_one_case_and_shows_the_same_confirmation(citizen, seeded):
    citizen.open()
    first = citizen.send(files=[("factura.pdf", PDF)])
    again = citizen.send(files=[("factura.pdf", PDF)])

    shown = [citizen.client.get(sent.location + "?_l_=en") for sent in (first, again)]
    assert number_of(Pqr, seeded) == number_of(StoredFile, seeded) == number_of(OutboxMessage, seeded) == 1
    assert all(the_case(seeded).access_key in page.text for page in shown)
    assert "we did not file it twice" in words_of(shown[1])
    assert "What you changed" not in words_of(shown[1])


def test_a_form_changed_and_sent_again_says_that_the_change_was_not_added(citizen, seeded):
    citizen.open()
    citizen.send()
    again = citizen.send(body="Otra cosa.")

    assert "What you changed in the text afterwards was not added." in words_of(citizen.client.get(again.location + "?_l_=en"))
    assert the_case(seeded).body == TYPED["body"]


def test_a_double_click_at_the_same_moment_is_one_case(make_fresh_app):
    app = make_fresh_app(PORTAL_MIN_SECONDS=0)
    citizen = Citizen(app)
    citizen.open()
    twins = [Citizen(app), Citizen(app)]
    gate, sent = threading.Barrier(2), []
    for twin in twins:
        twin.hidden = citizen.hidden

    def press(twin: Citizen) -> None:
        gate.wait()
        sent.append(twin.send(files=[("factura.pdf", PDF)]))

    threads = [threading.Thread(target=press, args=(twin,)) for twin in twins]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [page.status_code for page in sent] == [303, 303]
    with app.app_context():
        for model in (Pqr, Party, StoredFile, OutboxMessage):
            assert number_of(model, db.session) == 1, model


def test_the_trap_for_robots_refuses_and_a_person_gets_through(citizen, seeded):
    citizen.open()
    sent = citizen.send(website="http://spam.example")

    assert sent.status_code == 422
    assert "Are you a person?" in sent.text
    assert_kept(sent, body=TYPED["body"])
    assert 'value="http://spam.example"' not in sent.text
    assert citizen.send().status_code == 303


def test_a_form_sent_too_fast_asks_to_press_again_and_then_passes(citizen, app, seeded):
    app.config["PORTAL_MIN_SECONDS"] = 3
    with time_machine.travel(datetime(2026, 7, 10, 15, 0, tzinfo=UTC), tick=False) as clock:
        citizen.open()
        clock.shift(1)
        fast = citizen.send()
        clock.shift(3)
        slow = citizen.send()

    assert fast.status_code == 422 and "That was very fast" in fast.text
    assert_kept(fast, body=TYPED["body"])
    assert slow.status_code == 303


def test_a_form_left_open_for_a_day_is_renewed_with_its_text(citizen, seeded):
    with time_machine.travel(datetime(2026, 7, 10, 15, 0, tzinfo=UTC), tick=False) as clock:
        citizen.open()
        clock.shift(timedelta(hours=24))
        old = citizen.send()
        renewed = citizen.send()

    assert old.status_code == 400 and "The page was open for too long" in old.text
    assert_kept(old, body=TYPED["body"], name=TYPED["name"], request_type="RECLAMO")
    assert renewed.status_code == 303


def test_a_form_without_a_ticket_of_ours_is_renewed_too(citizen, seeded):
    citizen.open()
    citizen.hidden["ticket"] = "forged"
    sent = citizen.send()

    assert sent.status_code == 400
    assert_kept(sent, body=TYPED["body"])
    assert citizen.send().status_code == 303


def test_a_form_already_filed_long_ago_does_not_show_its_key_again(citizen, seeded):
    with time_machine.travel(datetime(2026, 7, 10, 15, 0, tzinfo=UTC), tick=False) as clock:
        citizen.open()
        citizen.send()
        clock.shift(timedelta(hours=24))
        again = citizen.send()

    pqr = the_case(seeded)
    assert again.status_code == 409
    assert pqr.number in again.text and pqr.access_key not in again.text


def test_an_expired_csrf_token_costs_nobody_a_text(citizen, csrf, seeded):
    citizen.open()
    token = citizen.hidden["csrf_token"]
    citizen.hidden["csrf_token"] = "expired"
    sent = citizen.send()

    assert token
    assert sent.status_code == 400
    assert "We renewed the page and kept what you wrote" in words_of(sent)
    assert_kept(sent, **TYPED | {"document_number": "52123456"})
    assert citizen.send().status_code == 303
    assert number_of(Pqr, seeded) == 1


@pytest.mark.parametrize("page", [FORM, LOOKUP])
def test_no_form_is_taken_without_its_csrf_token(app, csrf, seeded, page):
    app.config["PORTAL_MIN_SECONDS"] = 0
    sent = app.test_client().post(page, data={**TYPED, "number": "PQR-2026-000001", "key": "A"})

    assert sent.status_code == 400
    assert number_of(Pqr, seeded) == 0


def test_filings_from_one_address_are_limited_and_only_those_that_succeed_count(limited_app):
    limited_app.config.update(PORTAL_FILE_RATE="2 per hour", PORTAL_MIN_SECONDS=0)
    citizen = Citizen(limited_app)
    for _refused in range(3):
        citizen.open()
        assert citizen.send(body="").status_code == 422
    for _filed in range(2):
        citizen.file()
    citizen.open()
    third = citizen.send()

    assert third.status_code == 429
    assert "Nothing was lost: wait" in words_of(third)
    assert_kept(third, body=TYPED["body"], name=TYPED["name"])
    with limited_app.app_context():
        assert number_of(Pqr, db.session) == 2


# ── Who files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_known_document_under_the_same_name_is_the_same_party_and_keeps_its_data(citizen, seeded, a_party):
    known = a_party(name="Torres Gómez, Ana Milena", document_number="52123456", email="registrado@example.com")
    seeded.commit()

    citizen.file(name="ana torres", email="otro@example.com")

    pqr = the_case(seeded)
    assert pqr.party_id == known.id
    assert (pqr.party.email, pqr.notice_email) == ("registrado@example.com", "otro@example.com")
    assert number_of(Note, seeded) == 0


def test_whoever_types_the_document_of_another_learns_nothing_of_that_person(citizen, seeded, a_party):
    known = a_party(name="Persona Que Nadie Debe Conocer", document_number="52123456", email="secreta@example.com")
    seeded.commit()

    page = citizen.file(name="Alguien Curioso", email="", address="Calle 9")

    pqr = the_case(seeded)
    assert pqr.party_id != known.id
    assert (pqr.party.name, pqr.party.document_number) == ("Alguien Curioso", None)
    assert "52123456" in seeded.scalars(select(Note)).one().body, "the staff is asked to verify"
    assert seeded.scalars(select(OutboxMessage)).all() == []
    receipt = citizen.client.get(link_to(page, "Download the receipt (PDF)"))
    assert b"%PDF" in receipt.data[:8]
    document = seeded.scalars(select(Document)).one()
    assert "Nadie Debe Conocer" not in str(document.data) and "secreta" not in str(document.data)


# ── The database fails ────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def held_up(app: Flask) -> Iterator[None]:
    """SQLite: another connection holds the write lock. PostgreSQL: the server takes no connections to this database."""
    url = make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    with app.app_context():
        engine = db.engines[None]
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA busy_timeout=100"))
        engine.dispose()
        holder = sqlite3.connect(url.database, isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("ROLLBACK")
        holder.close()
        return
    admin = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false'))
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": url.database})
        yield
        connection.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true'))
    admin.dispose()


def test_a_database_that_is_locked_or_down_gives_the_form_back_and_saves_nothing_half(make_fresh_app):
    app = make_fresh_app(PORTAL_MIN_SECONDS=0)
    citizen = Citizen(app)
    citizen.open()

    with held_up(app):
        sent = citizen.send(files=[("factura.pdf", PDF)])

    assert sent.status_code == 503
    assert "The database does not answer right now" in words_of(sent)
    assert "Your request is NOT filed yet." in words_of(sent)
    assert "Traceback" not in sent.text
    assert_kept(sent, **TYPED | {"document_number": sent_number(sent)})
    assert 'value="RECLAMO"' in sent.text and 'value="QUEJA"' in sent.text, "the choices are still there"
    with app.app_context():
        assert number_of(Pqr, db.session) == number_of(StoredFile, db.session) == number_of(Party, db.session) == 0
        db.session.rollback()
    assert citizen.send(files=[("factura.pdf", PDF)]).status_code == 303
    with app.app_context():
        assert number_of(Pqr, db.session) == 1


def sent_number(page: Any) -> str:
    return "52123456" if 'value="52123456"' in page.text else "52.123.456"


def test_a_form_is_given_back_even_by_a_process_that_never_saw_the_database(make_fresh_app):
    app = make_fresh_app(PORTAL_MIN_SECONDS=0)
    citizen = Citizen(app)
    citizen.open()
    app.extensions.pop("atiende.house")

    with held_up(app):
        sent = citizen.send()

    assert sent.status_code == 503
    assert_kept(sent, body=TYPED["body"], name=TYPED["name"], request_type="RECLAMO")


def test_a_crash_while_filing_gives_the_form_back_without_a_stack_trace(citizen, seeded, monkeypatch):
    from app.operations import pqr as operations

    def crash(*_arguments: Any, **_more: Any) -> None:
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(operations, "file_pqr", crash)
    citizen.open()
    sent = citizen.send()

    assert sent.status_code == 500
    assert "Something broke on our side" in sent.text and "disk on fire" not in sent.text
    assert_kept(sent, body=TYPED["body"])
    assert number_of(Party, seeded) == 0


def test_health_tells_whether_the_database_answers(make_fresh_app):
    app = make_fresh_app()
    client = app.test_client()
    well = client.get("/healthz")

    assert (well.status_code, well.json["database"]) == (200, "ok")
    assert "Set-Cookie" not in well.headers
    if not app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        with held_up(app):
            ill = client.get("/healthz")
        assert (ill.status_code, ill.json["database"]) == (503, "down")


# ── The confirmation and the receipt ──────────────────────────────────────────────────────────────────────────────────────


def link_to(page: Any, label: str) -> str:
    return unescape(re.search(rf'<a[^>]*href="([^"]*)"[^>]*>{re.escape(label)}</a>', unescape(page.text))[1])


def test_the_confirmation_cannot_be_guessed_and_ends_after_two_hours(citizen, seeded):
    with time_machine.travel(datetime(2026, 7, 10, 15, 0, tzinfo=UTC), tick=False) as clock:
        citizen.open()
        address = citizen.send().location
        fresh = citizen.client.get(address)
        clock.shift(timedelta(hours=3))
        old = citizen.client.get(address + "?_l_=en")

    assert fresh.status_code == 200
    assert old.status_code == 410 and "This link ended" in old.text
    assert the_case(seeded).access_key not in old.text
    facts, signed, _signature = address.rsplit("/", 1)[1].split(".")
    for forged in ("1", f"{facts}.{signed}.{'A' * 27}", f"{facts}.{signed}", "eyJwIjoxfQ.x.y"):
        assert citizen.client.get(f"/pqr/radicada/{forged}").status_code == 404


def test_a_link_for_one_thing_opens_no_other(citizen, seeded):
    page = citizen.file()
    receipt = link_to(page, "Download the receipt (PDF)").rsplit("/", 1)[1]

    assert citizen.client.get(f"/pqr/radicada/{receipt}").status_code == 404
    assert citizen.client.get(f"/pqr/archivo/{receipt}").status_code == 404


def test_the_receipt_is_a_pdf_issued_once(citizen, seeded):
    page = citizen.file()
    address = link_to(page, "Download the receipt (PDF)")
    first, second = citizen.client.get(address), citizen.client.get(address)

    assert first.data.startswith(b"%PDF") and first.data == second.data
    assert first.headers["Content-Disposition"].startswith("attachment;")
    assert number_of(Document, seeded) == 1


def test_filed_after_hours_the_confirmation_says_from_when_it_counts(citizen, at, seeded):
    at("2026-07-11T09:00-05:00")

    assert "count as if filed on Tuesday, 14 July 2026" in words_of(citizen.file())


def test_filing_queues_one_message_with_number_and_key_and_waits_for_the_commit(citizen, seeded):
    citizen.file()

    message = seeded.scalars(select(OutboxMessage)).one()
    assert message.to_address == "ana@example.com"
    assert the_case(seeded).number in message.body and the_case(seeded).access_key in message.body


# ── Following a request ───────────────────────────────────────────────────────────────────────────────────────────────────


def look_up(citizen: Citizen, pqr: Pqr, key: str | None = None) -> Any:
    number, key = pqr.number, key if key is not None else pqr.access_key
    return citizen.client.post(LOOKUP, data={"number": number, "key": key})


@pytest.fixture
def steps(seeded: Session, make: Any) -> Steps:
    """Cases in any state, made by the product's own operations."""
    users = {letter: make.user(role).id for letter, role in (("A", "Auxiliar PQR"), ("S", "Subgerente administrativo y comercial"))}
    users["D"] = make.user("Dueño de proceso", "TECNICA", first_name="Dueña", last_name="Innombrable").id
    return Steps(seeded, make, users)


def test_number_and_key_open_the_case_however_they_are_typed(citizen, a_case, seeded):
    pqr = a_case()
    seeded.commit()
    typed = pqr.access_key.lower().replace("-", " ").replace("0", "o").replace("1", "l")

    page = citizen.client.post(LOOKUP, data={"number": f" {pqr.number.lower()} ", "key": typed})

    assert page.status_code == 200
    assert pqr.number in page.text and "Tuesday, 4 August 2026" in page.text


def test_the_qr_brings_the_number_and_never_the_key(citizen, seeded):
    page = citizen.client.get("/pqr/consulta?n=PQR-2026-000007")

    assert 'value="PQR-2026-000007"' in page.text


def test_a_wrong_key_and_an_unknown_number_look_exactly_the_same(citizen, a_case, seeded):
    pqr = a_case()
    seeded.commit()
    unknown = pqr.number[:-1] + str((int(pqr.number[-1]) + 1) % 10)

    pages = [citizen.client.post(LOOKUP, data={"number": number, "key": "AAAA-BBBB-CCCC-DDDD"}) for number in (pqr.number, unknown)]

    assert [page.status_code for page in pages] == [404, 404]
    assert pages[0].data.replace(pqr.number.encode(), b"#") == pages[1].data.replace(unknown.encode(), b"#")
    assert "We do not find a request with that number and that key" in pages[0].text
    ignored = {"X-Request-Id", "Content-Security-Policy", "Date"}
    assert [{k: v for k, v in page.headers if k not in ignored} for page in pages[:1]] == [
        {k: v for k, v in page.headers if k not in ignored} for page in pages[1:]
    ]


def test_a_wrong_key_and_an_unknown_number_do_the_same_work(citizen, a_case, seeded, count_statements):
    pqr = a_case()
    seeded.commit()
    work = []
    for number in (pqr.number, "PQR-2026-999999"):
        with count_statements() as statements:
            citizen.client.post(LOOKUP, data={"number": number, "key": "AAAA-BBBB-CCCC-DDDD"})
        work.append(list(statements))

    assert work[0] == work[1]


def test_look_ups_from_one_address_are_limited(limited_app):
    limited_app.config.update(PORTAL_LOOKUP_RATE="3 per 15 minute", WTF_CSRF_ENABLED=False)
    client = limited_app.test_client()
    answers = [client.post(LOOKUP, data={"number": f"PQR-2026-00000{n}", "key": "A"}) for n in range(4)]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert "wait" in words_of(answers[3]).lower()


def test_guesses_at_one_number_are_limited_from_everywhere_but_lock_its_owner_out_nowhere(limited_app):
    limited_app.config.update(PORTAL_LOOKUP_RATE="3 per 15 minute", WTF_CSRF_ENABLED=False, PORTAL_MIN_SECONDS=0)
    citizen = Citizen(limited_app)
    citizen.file()
    with limited_app.app_context():
        pqr = the_case(db.session)
        number, key = pqr.number, pqr.access_key

    def guess(n: int, typed: str) -> int:
        place = {"REMOTE_ADDR": f"10.0.0.{n}"}
        return citizen.client.post(LOOKUP, data={"number": number, "key": typed}, environ_overrides=place).status_code

    assert [guess(n, "AAAA-BBBB-CCCC-DDDD") for n in range(5)] == [404, 404, 404, 429, 429]
    assert guess(9, key) == 200
    with limited_app.app_context():
        assert not [row.key for row in db.session.scalars(select(RateCounter)) if key in row.key]


STATES = {
    "received": "We have your request.",
    "routed": "An area of the company is studying your request.",
    "awaiting": "Something is missing in your request",
    "evidence": "We are taking evidence",
    "solved": "The area finished its study.",
    "answered": "The answer is signed.",
    "notified": "You were notified of the answer.",
    "appealed": "You appealed against the answer.",
    "closed": "The case is closed.",
    "transferred": "The request is not ours to decide",
    "voided": "This number was annulled.",
}


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_told_in_plain_words_and_shows_nothing_internal(citizen, steps, seeded, state):
    pqr = getattr(steps, state)()
    seeded.add(Note(pqr=pqr, body="NOTA-INTERNA-SECRETA"))
    store_file(seeded, PDF, "SOLO-PERSONAL.pdf", "application/pdf", pqr, Visibility.STAFF)
    seeded.commit()

    page = look_up(citizen, pqr)

    assert page.status_code == 200
    assert STATES[state] in words_of(page)
    hidden = ["NOTA-INTERNA-SECRETA", "SOLO-PERSONAL", "Innombrable", "Es de su área", "Recibió Luz", "El medidor leía de más"]
    assert not [word for word in hidden if word in unescape(page.text)]
    assert pqr.access_key not in page.text


def test_the_case_page_of_the_citizen_asks_few_questions(citizen, steps, seeded, count_statements):
    pqr = steps.notified()
    seeded.commit()
    with count_statements() as statements:
        look_up(citizen, pqr)

    assert len(statements) <= 12, statements


@pytest.mark.parametrize("address", [FORM, LOOKUP, "/calculadora", "/calculadora?type=RECLAMO&filed=2026-07-10"])
def test_public_pages_ask_few_questions(citizen, seeded, count_statements, address):
    with count_statements() as statements:
        assert citizen.client.get(address).status_code == 200

    assert len(statements) <= 8, statements


def test_after_the_legal_date_the_citizen_is_told_what_the_law_gives(citizen, steps, seeded, at):
    pqr = steps.routed()
    seeded.commit()
    at("2026-08-05T10:00-05:00")

    assert "The law calls that positive silence" in words_of(look_up(citizen, pqr))


# ── The answer and its notice ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_named_citizen_without_consent_does_not_read_the_answer_before_the_notice(citizen, steps, seeded):
    pqr = steps.answered()
    pqr.is_e_notice = False
    seeded.commit()

    page = look_up(citizen, pqr)

    assert "Se accede a lo pedido" not in page.text
    assert "is notified in person" in words_of(page)
    assert "Download the answer" not in page.text


def test_an_anonymous_citizen_reads_the_answer_and_that_moves_nothing(citizen, steps, seeded):
    pqr = steps.answered()
    pqr.identity, pqr.party, pqr.is_e_notice = Identity.ANONYMOUS, None, False
    seeded.commit()

    page = look_up(citizen, pqr)

    assert "Se accede a lo pedido" in page.text
    assert citizen.client.get(link_to(page, "Download the answer (PDF)")).data.startswith(b"%PDF")
    assert the_case(seeded).status is PqrStatus.ANSWERED
    assert number_of(Notice, seeded) == 0


def test_with_consent_pressing_on_the_case_page_is_the_notice(citizen, steps, seeded):
    pqr = steps.answered()
    seeded.commit()
    page = look_up(citizen, pqr)
    assert "Se accede a lo pedido" not in page.text
    ticket = re.search(r'name="ticket"[^>]*value="([^"]*)"', page.text)[1]

    opened = citizen.client.post("/pqr/respuesta?_l_=en", data={"ticket": ticket})

    assert "Se accede a lo pedido" in opened.text
    notice = seeded.scalars(select(Notice)).one()
    assert (notice.means, notice.served_on.isoformat(), notice.opened_from) == (NoticeMeans.E_LINK, "2026-07-10", "127.0.0.1")
    pqr = the_case(seeded)
    assert pqr.status is PqrStatus.NOTIFIED
    assert pqr.appeal_until.isoformat() == "2026-07-21", "five working days; 13 and 20 July are holidays"
    assert "Until Tuesday, 21 July 2026 you may ask the company to review its decision" in words_of(opened)


def test_pressing_uses_the_link_that_was_sent_and_makes_no_second_notice(citizen, steps, seeded):
    pqr = steps.answered()
    steps.notice(pqr)
    seeded.commit()
    ticket = re.search(r'name="ticket"[^>]*value="([^"]*)"', look_up(citizen, pqr).text)[1]

    for _press in range(2):
        citizen.client.post("/pqr/respuesta", data={"ticket": ticket})

    assert number_of(Notice, seeded) == 1
    assert the_case(seeded).status is PqrStatus.NOTIFIED


@pytest.fixture
def e_notice(steps, seeded) -> str:
    """The token of a link that was sent and not opened yet."""
    token = steps.notice(steps.answered())
    seeded.commit()
    return token


def test_a_mail_scanner_that_opens_the_link_notifies_nobody(citizen, e_notice, seeded):
    for _visit in range(2):
        page = citizen.client.get(f"/n/{e_notice}?_l_=en")
    citizen.client.head(f"/n/{e_notice}")

    assert page.status_code == 200 and "See the answer" in page.text
    assert "Se accede a lo pedido" not in page.text
    assert seeded.scalars(select(Notice)).one().opened_at is None
    assert the_case(seeded).status is PqrStatus.ANSWERED


def test_pressing_the_button_records_access_and_shows_answer_and_certificate(citizen, e_notice, seeded):
    page = citizen.client.post(f"/n/{e_notice}?_l_=en", environ_overrides={"REMOTE_ADDR": "190.1.2.3"})

    pqr, notice = the_case(seeded), seeded.scalars(select(Notice)).one()
    assert "Se accede a lo pedido" in page.text
    assert (pqr.status, notice.opened_from) == (PqrStatus.NOTIFIED, "190.1.2.3")
    assert citizen.client.get(link_to(page, "Download the answer (PDF)")).data.startswith(b"%PDF")
    paper = words_of(citizen.client.get(link_to(page, "Certificate of the notice") + "?_l_=en"))
    for said in (pqr.number, pqr.answer.number, "luz@example.com", "190.1.2.3", "10 Jul 2026 10:00", pqr.answer.document.file.sha256):
        assert said in paper, said


def test_the_first_access_counts_and_later_ones_change_nothing(citizen, e_notice, seeded, at):
    citizen.client.post(f"/n/{e_notice}")
    at("2026-07-14T09:00-05:00")
    again = citizen.client.post(f"/n/{e_notice}?_l_=en", environ_overrides={"REMOTE_ADDR": "10.9.9.9"})

    seeded.expire_all()
    notice = seeded.scalars(select(Notice)).one()
    assert again.status_code == 200 and "Se accede a lo pedido" in again.text
    assert (notice.served_on.isoformat(), notice.opened_from) == ("2026-07-10", "127.0.0.1")


def test_the_button_of_a_notice_needs_its_csrf_token_and_keeps_the_page(citizen, csrf, e_notice, seeded):
    sent = citizen.client.post(f"/n/{e_notice}?_l_=en")

    assert sent.status_code == 400 and "We renewed it" in words_of(sent)
    assert the_case(seeded).status is PqrStatus.ANSWERED


def test_an_unknown_link_of_a_notice_is_not_found_and_its_certificate_waits_for_the_access(citizen, e_notice):
    assert citizen.client.get("/n/nothing").status_code == 404
    assert citizen.client.get("/n/nothing/constancia").status_code == 404
    assert citizen.client.get(f"/n/{e_notice}/constancia").status_code == 302


def test_the_answer_is_no_attachment_that_opens_before_its_notice(citizen, steps, seeded, app):
    pqr = steps.answered()
    seeded.commit()
    page = look_up(citizen, pqr)

    assert ".pdf</a>" not in page.text
    with app.app_context():
        from itsdangerous import URLSafeTimedSerializer

        token = URLSafeTimedSerializer(app.secret_key, salt="portal.file").dumps({"p": pqr.id, "f": pqr.answer.document.file_id})
    assert citizen.client.get(f"/pqr/archivo/{token}").status_code == 404


# ── The calculator ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_calculator_computes_as_the_cases_do_and_tells_why(citizen, seeded):
    page = citizen.client.get("/calculadora?_l_=en&regime=LEY142&type=RECLAMO&filed=2026-07-10")
    said = words_of(page)

    assert page.status_code == 200
    assert "The answer is due at the latest on Tuesday, 4 August 2026" in said
    assert "Safe date Monday, 3 August 2026" in said
    assert "Monday, 13 July 2026: Holiday" in said and "Ley 2578 de 2026" in said
    assert page.text.count("<th scope=") == 8 + 5, "a table: seven weekdays and a corner, and five weeks"
    assert "Set-Cookie" not in page.headers


def test_the_hour_counts_after_closing_time(citizen, seeded):
    from app import queries

    queries.organisation(seeded).closes_at = datetime(2026, 1, 1, 17, 0).time()
    seeded.commit()

    page = citizen.client.get("/calculadora?_l_=en&type=reclamo&filed=10/07/2026&time=17:30")

    assert "Counts as filed on Tuesday, 14 July 2026" in words_of(page)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("type=RECLAMO&filed=2026-02-30", "“2026-02-30” is no date that exists."),
        ("type=RECLAMO&filed=ayer", "“ayer” is no date that exists."),
        ("type=RECLAMO&filed=", "Write the date on which it was filed."),
        ("type=RECLAMO&filed=2026-07-10&time=25:00", "“25:00” is no hour."),
        ("type=RECLAMO&filed=2050-07-10", "The holidays of 2050 are not loaded."),
        ("type=RECLAMO&filed=2035-12-20", "The holidays of 2036 are not loaded."),
        ("type=RECLAMO&filed=1990-01-10", "There is no term for"),
        ("type=RECLAMO&regime=LEY1581&filed=2026-07-10", "There is no term for"),
    ],
)
def test_impossible_questions_get_kind_answers_in_the_form(citizen, seeded, asked, told):
    page = citizen.client.get(f"/calculadora?_l_=en&{asked}")

    assert page.status_code == 422
    assert told in words_of(page)
    assert "Traceback" not in page.text


# ── All of them ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_citizen_pages_are_light_and_need_no_script(citizen, steps, seeded, app):
    pqr = steps.notified()
    seeded.commit()
    style = sum(len(app.test_client().get(f"/static/css/{name}.css").data) for name in ("base", "citizen"))
    addresses = [FORM, LOOKUP, "/calculadora", "/calculadora?type=RECLAMO&filed=2026-07-10"]
    pages = [citizen.client.get(address) for address in addresses]
    pages += [look_up(citizen, pqr), citizen.file()]
    citizen.open()
    pages.append(citizen.send(body="", name="", document_number=""))

    for page in pages:
        assert len(page.data) + style <= 60 * 1024, page.request.path
        assert "<script" not in page.text
        assert re.findall(r"stylesheet\" href=\"/static/css/(\w+)\.css", page.text) == ["base", "citizen"]
        assert 'lang="' in page.text


@pytest.mark.parametrize("address", ["/calculadora", "/healthz", "/calculadora?type=RECLAMO&filed=2026-07-10"])
def test_pages_without_a_form_set_no_cookie(client, seeded, address):
    assert "Set-Cookie" not in client.get(address).headers


def test_a_page_with_a_form_sets_the_one_cookie_of_its_token(app, csrf, seeded):
    page = app.test_client().get(FORM)

    assert len(page.headers.getlist("Set-Cookie")) == 1
    assert "HttpOnly" in page.headers["Set-Cookie"]


def test_the_language_is_chosen_in_the_address(client, seeded):
    assert '<html lang="en"' in client.get("/pqr/consulta?_l_=en").text
    assert '<html lang="es"' in client.get("/pqr/consulta").text
    assert '<html lang="es"' in client.get("/pqr/consulta?_l_=xx").text
