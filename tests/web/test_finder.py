"""The search of the top bar: what names one thing opens it, the rest is a page; nobody finds what his lists do not show."""

from __future__ import annotations

import re

import pytest

from app.domain.states import DocumentType, Identity
from app.security import AUXILIAR, CALIDAD, COMERCIAL, DUENO, TECNICO
from tests.stage import HIDDEN


@pytest.fixture
def clerk(client, a_user, login):
    return login(client, a_user(AUXILIAR))


def headings(page: str) -> dict[str, str]:
    """Return the groups of the page, each with the number beside it."""
    found = re.findall(r'<h2 id="found-(\w+)">.*?</h2>\s*<span class="quiet">(.*?)</span>', page, re.S)
    return dict(found)


def test_a_whole_number_opens_the_case_however_it_is_written(clerk, a_case, session):
    number = a_case().number
    a_case()
    session.commit()

    for typed in (number, number.lower(), f"  {number} ", number.replace("-", " ")):
        assert clerk.get("/search", query_string={"q": typed}).location == f"/pqr/{number}"


def test_a_bare_number_opens_the_case_of_this_year_or_the_last(clerk, a_case, session):
    old = a_case(at="2025-11-04T10:00-05:00").number
    older = a_case(at="2025-11-05T10:00-05:00").number
    new = a_case().number
    session.commit()
    bare = [number.rpartition("-")[2] for number in (old, older, new)]

    assert bare == ["000001", "000002", "000001"]
    assert clerk.get("/search?q=2").location == f"/pqr/{older}"
    assert clerk.get("/search?q=000002").location == f"/pqr/{older}"
    page = clerk.get("/search?q=000001")
    assert page.status_code == 200
    assert old in page.text
    assert new in page.text


def test_an_account_number_or_a_document_opens_its_page_with_its_cases(clerk, a_case, a_party, an_account, session):
    party = a_party(name="Elvia Ficticia", document_type=DocumentType.CC, document_number="52345678")
    account = an_account(number="900123-4", party=party)
    number = a_case(party=party, account=account).number
    a_case(party=party, account=account)
    session.commit()

    account_page, party_page = f"/account/show/{account.id}", f"/party/show/{party.id}"
    assert clerk.get("/search?q=900123-4").location == account_page
    for typed in ("52345678", "52.345.678", "cc 52345678", "52 345 678"):
        assert clerk.get("/search", query_string={"q": typed}).location == party_page
    assert clerk.get("/search?q=CE 52345678").status_code == 200
    assert number in clerk.get(account_page).text
    assert number in clerk.get(party_page).text


def test_a_company_is_found_by_its_nit_with_or_without_the_check_digit(clerk, a_party, session):
    party = a_party(name="Conjunto Ficticio", document_type=DocumentType.NIT, document_number="8909039388")
    session.commit()

    for typed in ("890903938", "890.903.938", "890.903.938-8", "NIT 890903938-8", "8909039388"):
        assert clerk.get("/search", query_string={"q": typed}).location == f"/party/show/{party.id}"


def test_a_number_of_several_things_shows_them_all(clerk, a_case, a_party, session):
    number = a_case().number
    party = a_party(name="Otra Ficticia", document_type=DocumentType.CC, document_number="000001")
    session.commit()

    page = clerk.get("/search?q=000001").text
    assert headings(page) == {"cases": "1", "parties": "1"}
    assert f'href="/pqr/{number}"' in page
    assert f'href="/party/show/{party.id}"' in page


def test_the_only_case_that_matches_opens_unless_somebody_else_matches_too(clerk, a_case, a_party, session):
    number = a_case(party=a_party(name="Elvia Única"), subject="Fuga en la esquina").number
    a_case(subject="Otra cosa")
    session.commit()

    assert clerk.get("/search?q=fuga").location == f"/pqr/{number}"
    assert clerk.get("/search?q=elvía unica").location == f"/pqr/{number}"
    a_party(name="Elvia Segunda")
    session.commit()
    assert headings(clerk.get("/search?q=elvia").text) == {"cases": "1", "parties": "2"}


def test_a_page_shows_eight_of_each_kind_and_the_way_to_all(clerk, a_case, a_party, an_account, session, count_statements):
    for i in range(10):
        party = a_party(name=f"Rosalba Ficticia {i}")
        a_case(party=party, account=an_account(party=party), subject="Medidor detenido")
    session.commit()

    with count_statements() as statements:
        page = clerk.get("/search?q=rosalba").text
    assert headings(page) == {"cases": "10", "parties": "10", "accounts": "10"}
    assert len(re.findall(r'<a class="num" href="/pqr/PQR', page)) == 8
    assert len(re.findall(r'href="/party/show/', page)) == 8
    assert len(re.findall(r'href="/account/show/', page)) == 8
    assert re.findall(r'href="(/\w+/(?:list/)?\?q=rosalba)"', page) == [
        "/pqr/?q=rosalba",
        "/party/list/?q=rosalba",
        "/account/list/?q=rosalba",
    ]
    assert "pill light ok" in page
    assert len(statements) <= 8, statements


def test_a_count_stops_at_its_bound(clerk, a_case, session, monkeypatch):
    monkeypatch.setattr("app.finder.BOUND", 2)
    for _ in range(4):
        a_case(subject="Muy frecuente")
    session.commit()

    assert re.fullmatch(r"\D+ 2", headings(clerk.get("/search?q=frecuente").text)["cases"])  # more than 2


@pytest.mark.parametrize(
    "typed", ["", "  ", "zzzz", "nadie se llama asi", "*", "'", "\x00", "999999999", "PQR-2026-999999", "x" * 5000, "%", "🙂"]
)
def test_what_finds_nothing_says_what_to_do(clerk, a_case, session, typed):
    a_case()
    session.commit()
    response = clerk.get("/search", query_string={"q": typed})

    assert response.status_code == 200
    assert 'class="card empty"' in response.text
    assert headings(response.text) == {}


def test_the_lists_that_the_page_leads_to_find_the_same(clerk, a_case, a_party, an_account, session):
    party = a_party(name="María Ñáñez")
    numbers = {a_case(party=party, account=an_account(party=party)).number for _ in range(2)}
    session.commit()

    assert numbers <= set(re.findall(r"PQR-\d{4}-\d{6}", clerk.get("/pqr/?q=maria nanez").text))
    assert "María Ñáñez" in clerk.get("/party/list/?q=nanez").text
    assert "María Ñáñez" in clerk.get("/account/list/?q=NANEZ").text


# ── Who finds what ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_owner_finds_only_what_his_processes_have_or_had(app, a_user, login, a_case, session):
    number = a_case(subject="Ajeno por completo").number
    session.commit()
    owner = login(app.test_client(), a_user(DUENO, "FACTURACION"))

    for typed in (number, number.rpartition("-")[2], "ajeno completo"):
        response = owner.get("/search", query_string={"q": typed})
        assert response.status_code == 200
        assert f"/pqr/{number}" not in response.text


def test_who_reads_neither_cases_nor_parties_has_no_box_and_no_page(app, a_user, login, session):
    technician = login(app.test_client(), a_user(TECNICO))

    assert technician.get("/search?q=ana").status_code == 403
    assert 'action="/search"' not in technician.get("/").text


def test_the_box_of_every_page_leads_here(clerk):
    assert 'action="/search"' in clerk.get("/pqr/").text
    assert 'value="lo escrito"' in clerk.get("/search?q=lo escrito").text


@pytest.mark.parametrize("role", [COMERCIAL, CALIDAD, AUXILIAR])
@pytest.mark.parametrize("typed", ["nombre que nadie", "98765432", "CC 98765432", "+573009876543", "oculta@example.com"])
def test_a_reserved_case_is_never_found_by_who_filed_it(app, a_user, login, a_case, a_party, session, role, typed):
    number = a_case(identity=Identity.RESERVED, party=a_party(document_type=DocumentType.CC, **HIDDEN), subject="Maltrato").number
    session.commit()
    response = login(app.test_client(), a_user(role)).get("/search", query_string={"q": typed})

    assert number not in response.text
    assert number not in (response.location or "")


def test_opening_the_only_case_does_not_tell_who_filed_it_in_reserve(app, a_user, login, a_case, a_party, session):
    """A word of the subject that is also a name: the page looks the same whether that person filed the case or somebody else did."""
    party = a_party(name="Soledad Discreta")
    number = a_case(identity=Identity.RESERVED, party=party, subject="Maltrato de Soledad").number
    session.commit()

    seen = login(app.test_client(), a_user(CALIDAD)).get("/search?q=soledad")
    assert headings(seen.text) == {"cases": "1", "parties": "1"}
    assert "Identidad reservada" in seen.text
    assert login(app.test_client(), a_user(AUXILIAR)).get("/search?q=soledad").location == f"/pqr/{number}"


# ── The commercial side ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def asked(seeded, make):
    """asked(title, process="TECNICA", **more) → an action that was asked for."""
    from datetime import UTC, date, datetime

    from app.domain.improvement import ActionKind, ActionOrigin
    from app.operations.improvement import ask_action

    def ask(title: str, process: str = "TECNICA", **more):
        return ask_action(
            seeded, kind=ActionKind.CORRECTIVE, origin=ActionOrigin.OTHER, origin_key="", title=title, description="",
            process_id=make.process(process).id, responsible_id=None, due_on=date(2026, 8, 10), user_id=None,
            at=datetime(2026, 7, 10, 15, tzinfo=UTC), **more,
        )  # fmt: skip

    return ask


def test_the_number_of_an_action_opens_it_for_whoever_sees_it(client, a_user, login, asked, sign_in, session):
    mine, other = asked("Calibrar el medidor"), asked("Cambiar la valla", "FACTURACION")
    session.commit()
    reader = sign_in(COMERCIAL)

    for typed in (mine.number, mine.number.lower(), "AC 2026 1"):
        assert reader.get("/search", query_string={"q": typed}).location == f"/action/show/{mine.id}"
    owner = sign_in(DUENO, "TECNICA")
    assert owner.get(f"/search?q={mine.number}").location == f"/action/show/{mine.id}"
    page = owner.get(f"/search?q={other.number}")
    assert page.status_code == 200
    assert headings(page.text) == {}


def test_contacts_and_actions_are_found_by_words_of_their_own_and_of_their_party(sign_in, a_party, asked, session, count_statements):
    from app.models import PartyContact

    party = a_party(name="Conjunto Los Cerezos")
    session.add(PartyContact(party=party, name="Nidia Ficticia", position="Administradora", phone="+573001234567"))
    asked("Calibrar el medidor", party_id=party.id)
    session.commit()
    reader = sign_in(COMERCIAL)
    with count_statements() as statements:
        page = reader.get("/search?q=cerezos").text

    assert headings(page) == {"parties": "1", "contacts": "1", "actions": "1"}
    assert len(statements) <= 8, statements
    assert headings(reader.get("/search?q=nidia adminis").text) == {"contacts": "1"}
    assert headings(reader.get("/search?q=300 123 4567").text) == {"contacts": "1"}
    assert headings(sign_in(AUXILIAR).get("/search?q=cerezos").text) == {"parties": "1", "contacts": "1"}


def test_the_only_case_that_matches_opens_only_if_no_action_matches_too(sign_in, a_case, asked, session):
    number = a_case(subject="Fuga en la esquina").number
    asked("Revisar la fuga")
    session.commit()

    assert sign_in(AUXILIAR).get("/search?q=fuga").location == f"/pqr/{number}"
    assert headings(sign_in(CALIDAD).get("/search?q=fuga").text) == {"cases": "1", "actions": "1"}
