"""What forms promise: sections and help, refusals beside their field, rows added from another form, and no page full of options."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.domain.states import PqrStatus
from app.fields import explain
from app.models import Account, AnswerTemplate, Party, Process, Service, SuiCause
from app.security import ADMIN, AUXILIAR, COMERCIAL, DUENO
from tests.test_permissions import ROWS, Row
from tests.web.test_every_page import POSTS, visit

MOST_OPTIONS = 60
#: Lists that are longer, and why they do not grow with use.
LONGER = {
    "condition": "the answers to the questions before, as many as the form that somebody writes has",
    "term": "the terms of the law, as many as the law has",
    "parameter": "the parameters of the product, as many as it has",
}
FRAGMENT = {"X-Fragment": "1"}
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def clerk(sign_in):
    return sign_in(AUXILIAR)


@pytest.fixture
def admin(sign_in):
    return sign_in(ADMIN)


class Options(HTMLParser):
    """Counts the options of each select, and finds labels and errors that lead nowhere."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.n: dict[str, int] = {}
        self.ids: list[str] = []
        self.pointed: list[str] = []
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"])
        self.pointed += [values["for"]] if tag == "label" and "for" in values else []
        self.pointed += (values.get("aria-describedby") or "").split()
        if tag == "a" and (values.get("href") or "").startswith("#"):
            self.pointed.append(values["href"][1:])
        if tag == "select":
            self._select = values.get("id") or values.get("name") or ""
        self.n[self._select] = self.n.get(self._select, 0) + (tag == "option")


# ── Every form ────────────────────────────────────────────────────────────────────────────────────────────────────────────

FORMS = list({(row.endpoint, str(row.url)): row for row in ROWS if row.method == "GET" and row.may}.values())


@pytest.mark.one_engine
@pytest.mark.parametrize("row", FORMS, ids=str)
def test_no_page_lists_a_table_that_grows_and_everything_it_points_at_is_there(stage, row: Row):
    response = visit(stage, row)
    if response.mimetype != "text/html" or response.status_code != 200:
        return
    page = Options(response.text)

    assert {name: n for name, n in page.n.items() if n > MOST_OPTIONS and name not in LONGER} == {}
    assert {each for each in page.ids if page.ids.count(each) > 1} == set()
    assert [each for each in page.pointed if each not in page.ids] == []


@pytest.mark.one_engine
@pytest.mark.parametrize("row", POSTS, ids=str)
def test_a_refused_form_says_why_above_and_beside_and_each_error_leads_to_its_field(stage, row: Row):
    response = visit(stage, row, headers=OURS)
    if response.mimetype != "text/html" or response.status_code != 422:
        return
    page = Options(response.text)

    assert "data-errors" in response.text or 'role="alert"' in response.text
    assert [each for each in page.pointed if each not in page.ids] == []
    assert {each for each in page.ids if page.ids.count(each) > 1} == set()


# ── What the database refuses ─────────────────────────────────────────────────────────────────────────────────────────────


def refusal(session, app, view, row):
    """Return what `explain` says of the constraint that *row* breaks, in the form of its screen."""
    screen = next(each for each in app.appbuilder.baseviews if type(each).__name__ == view)
    with app.test_request_context(), pytest.raises(IntegrityError) as refused:
        with session.begin_nested():
            session.add(row)
            session.flush()
    with app.test_request_context("/?_l_=en"):
        return explain(refused.value, screen.add_form(formdata=None), type(row))


def test_each_kind_of_constraint_blames_its_field_in_plain_words(seeded, app, an_account):
    account = an_account(number="900-1")
    kept = {"service_id": account.service_id, "address": "Calle 1", "municipality_code": account.municipality_code, "use": account.use}

    assert refusal(seeded, app, "AccountView", Account(number="900-1", **kept)) == (
        "number", "Another row already has the same: Account, Service."
    )  # fmt: skip
    assert refusal(seeded, app, "AccountView", Account(number="900-2", stratum=9, **kept))[0] == "stratum"
    nowhere = {**kept, "address": None}
    assert refusal(seeded, app, "AccountView", Account(number="900-3", **nowhere)) == ("address", "This may not stay empty.")
    name, text = refusal(seeded, app, "PartyView", Party(kind="PERSON", name="Ana", document_number="1"))
    assert (name, text) == ("document_type", "These values contradict each other, or a rule of the register: Document, Document number.")


# ── Rows added from another form ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_dialog_gets_only_the_form_with_names_of_its_own(clerk, seeded):
    page = clerk.get("/party/add", headers=FRAGMENT)

    assert page.status_code == 200
    assert "<html" not in page.text
    assert 'name="new-name"' in page.text
    assert "data-fragment" in page.text
    assert "data-create" not in page.text


def test_a_row_added_in_a_dialog_is_named_as_the_field_expects_it(clerk, seeded):
    data = {"new-kind": "PERSON", "new-name": "Ana Ficticia", "new-document_type": "CC", "new-document_number": "52.123.456"}
    saved = clerk.post("/party/add", data=data, headers=FRAGMENT)

    assert saved.status_code == 201
    assert saved.json == {"text": "Ana Ficticia · CC 52123456"}
    assert "Saved." not in clerk.get("/").text
    assert seeded.scalars(select(Party.name)).all() == ["Ana Ficticia"]

    service = seeded.scalars(select(Service).where(Service.is_active)).first()
    account = {"new-number": "A-9", "new-service": service.id, "new-party": saved.json["text"], "new-address": "Calle 1",
               "new-municipality": "11001", "new-use": "RESIDENTIAL"}  # fmt: skip
    assert clerk.post("/account/add", data=account, headers=FRAGMENT).json == {"text": f"A-9 · {service.code} · Calle 1"}


def test_what_a_dialog_is_refused_stands_beside_its_field(clerk, seeded):
    page = clerk.post("/party/add", data={"new-kind": "PERSON", "new-name": "Ana", "new-phone": "12"}, headers=FRAGMENT)

    assert page.status_code == 422
    assert 'id="new-phone-error"' in page.text
    assert 'href="#new-phone"' in page.text
    assert "<html" not in page.text
    assert seeded.scalar(select(func.count(Party.id))) == 0


def test_a_row_is_added_in_place_only_by_whoever_may_add_it(sign_in, seeded):
    assert 'data-create="name document_number"' in sign_in(AUXILIAR).get("/account/add").text
    assert 'data-create="address number"' in sign_in(AUXILIAR).get("/pqr/register").text
    assert sign_in(COMERCIAL).get("/account/add").status_code == 403
    assert sign_in(DUENO, "FACTURACION").get("/party/add", headers=FRAGMENT).status_code == 403


# ── Look-ups of a case ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cause_is_found_by_its_code_and_by_a_piece_of_its_name_without_accents(clerk, seeded):
    cause = seeded.scalars(select(SuiCause).where(SuiCause.name.contains("í"))).first()
    word = next(word for word in cause.name.split() if "í" in word).replace("í", "i")
    offered = [row["text"] for row in clerk.get(f"/lookup/cause?q={word}").json]

    assert f"{cause.code} · {cause.name} · {cause.service.code}" in offered
    assert clerk.get(f"/lookup/cause?q={cause.code}").json[0]["text"].startswith(f"{cause.code} · ")


def test_of_a_cause_that_was_issued_anew_the_newest_is_meant(clerk, seeded, a_case):
    old = seeded.scalars(select(SuiCause)).first()
    same = {"service_id": old.service_id, "group_code": old.group_code, "code": old.code}
    new = SuiCause(**same, name="La misma, de nuevo", valid_from=old.valid_from.replace(year=2026))
    seeded.add(new)
    pqr = a_case()
    seeded.commit()
    data = {"request_type": pqr.request_type_id, "cause": f"{old.code} · como sea · {old.service.code}", "reason": "Se entendió mejor"}
    answer = clerk.post(f"/pqr/{pqr.number}/edit", data=data)
    seeded.expire_all()

    assert answer.status_code == 302
    assert pqr.cause_id == new.id


def test_a_case_is_routed_to_a_person_who_is_member_of_a_process(clerk, seeded, a_case, a_user):
    pqr, process = a_case(), seeded.scalars(select(Process).where(Process.code == "FACTURACION")).one()
    owner, stranger = a_user(DUENO, "FACTURACION"), a_user(COMERCIAL)
    data = {"process_id": process.id, "reason": "Es de su área"}
    refused = clerk.post(f"/pqr/{pqr.number}/move/route", data={**data, "user": stranger.username})
    assert refused.status_code == 422
    assert 'id="user-error"' in refused.text
    assert f'value="{stranger.username}"' in refused.text

    clerk.post(f"/pqr/{pqr.number}/move/route", data={**data, "user": f"Quien sea · {owner.username}"})
    seeded.expire_all()
    assert (pqr.status, pqr.holder_id) == (PqrStatus.ROUTED, owner.id)


def test_the_account_that_was_chosen_from_the_list_is_taken_though_two_share_its_number(clerk, seeded, an_account, a_case):
    first = an_account(number="104")
    other = seeded.scalars(select(Service).where(Service.id != first.service_id)).first()
    second = an_account(number="104", service_id=other.id)
    pqr = a_case()
    data = {"request_type": pqr.request_type_id, "reason": "Dijo la cuenta", "account_number": f"104 · {other.code} · {second.address}"}
    clerk.post(f"/pqr/{pqr.number}/edit", data=data)
    seeded.expire_all()

    assert pqr.account_id == second.id


# ── Sections ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_field_of_a_form_is_in_one_of_its_sections(app):
    for view in app.appbuilder.baseviews:
        for which in ("add", "edit") if hasattr(view, "add_fieldsets") and view.add_fieldsets else ():
            shown = [name for _title, each in (getattr(view, f"{which}_fieldsets") or view.add_fieldsets) for name in each["fields"]]
            assert set(getattr(view, f"{which}_columns")) <= set(shown), f"{type(view).__name__}: {which}"


def test_a_template_that_names_an_unknown_field_is_refused_when_it_is_written(admin, seeded):
    data = {"name": "Con error", "is_active": "y", "body": "Señora {nombre}:"}
    refused = admin.post("/answertemplate/add", data=data)

    assert refused.status_code == 422
    assert 'id="body-error"' in refused.text
    assert "{petitioner}" in unescape(refused.text)
    assert seeded.scalar(select(AnswerTemplate).where(AnswerTemplate.name == "Con error")) is None


# ── The session that ends ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_form_sent_after_the_session_ended_is_kept_and_nothing_is_written(client, seeded, csrf):
    page = client.post("/party/add?x=1", data={"kind": "PERSON", "name": "Ana Ficticia"}, headers=OURS)

    assert page.status_code == 401
    assert 'name="name" value="Ana Ficticia"' in page.text
    assert re.search(r'href="/login/\?next=%2Fparty%2Fadd%3Fx%3D1"|href="/login/\?next=/party/add\?x%3D1"', page.text), page.text
    assert seeded.scalar(select(func.count(Party.id))) == 0


def test_so_is_one_whose_token_still_holds(client, seeded):
    """CSRF is off here, as if the anonymous session knew the token: the form meets the sign-in page, not the check of the token."""
    page = client.post("/party/add", data={"kind": "PERSON", "name": "Ana Ficticia"}, headers=OURS)

    assert page.status_code == 401
    assert 'name="name" value="Ana Ficticia"' in page.text
    assert client.post("/party/add", data={"name": "Ana"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 302


def test_who_signs_in_again_comes_back_to_the_page_of_the_form(client, seeded, a_case, csrf):
    number = a_case().number
    headers = {**OURS, "Referer": f"http://localhost/pqr/{number}"}
    page = client.post(f"/pqr/{number}/note", data={"body": "Llamar antes de ir"}, headers=headers)

    assert page.status_code == 401
    assert number in re.search(r'href="/login/\?next=([^"]+)"', page.text)[1]
    assert "note" not in re.search(r'href="/login/\?next=([^"]+)"', page.text)[1]


def test_the_key_of_the_drafts_is_of_one_user_and_the_same_tomorrow(app, sign_in, a_user, login):
    def key(client):
        return re.search(r'data-draft-key="([^"]+)"', client.get("/party/list/").text)[1]

    user = a_user(AUXILIAR)
    first, again, other = login(app.test_client(), user), login(app.test_client(), user), sign_in(AUXILIAR)
    assert key(first) == key(again)
    assert key(first) != key(other)
    assert "data-draft-key" not in app.test_client().get("/login/").text
