"""The counter: who is found and shown, what is registered, what is refused beside its field, and what nobody else reads."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import func, select

from app.domain.states import ConsentKind, DocumentType, Identity, PqrStatus
from app.models import Channel, Consent, Party, Pqr, Process, RequestType, Service
from app.operations import pqr as operations
from app.security import AUXILIAR

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
#: Statements of what a clerk does all day, with a margin of none: whoever adds one says why.
MOST_TO_STORE = 21  # one of them asks which programs are told


@pytest.fixture
def clerk(client, a_user, login):
    return login(client, a_user(AUXILIAR))


@pytest.fixture
def rosalba(seeded, a_party, an_account):
    """Somebody with two accounts."""
    party = a_party(name="Rosalba Ñáñez Ficticia", document_number="52345678", email=None)
    an_account(number="104-22-0187", party_id=party.id, address="Calle 8 # 12-5")
    an_account(number="104-22-0188", party_id=party.id, address="Carrera 9 # 1-1")
    return party


@pytest.fixture
def somebody_with(app, seeded, a_user, login):
    """somebody_with("can_attend Counter", …) → a client of a user whose house role has exactly these rights."""

    def build(*rights: str) -> Any:
        role = Role(name="De la casa")
        seeded.add(role)
        for right in rights:
            permission, view = right.split()
            same = select(PermissionView).join(Permission).join(ViewMenu).where(Permission.name == permission, ViewMenu.name == view)
            role.permissions.append(seeded.scalars(same).one())
        seeded.flush()
        return login(app.test_client(), a_user("De la casa"))

    return build


def typed(session, **fields) -> dict[str, object]:
    """What the least of a form sends."""
    return {
        "submission": "token-of-this-form",
        "request_type": session.scalars(select(RequestType.id).where(RequestType.code == "RECLAMO")).one(),
        "channel": session.scalars(select(Channel.id).order_by(Channel.position)).first(),
        "identity": "NAMED",
        "subject": "Consumo muy alto",
        "body": "La factura cobra 62 m³ 😀 <b>y</b> =1+1",
        **fields,
    }


def new_person(session, **fields) -> dict[str, object]:
    return typed(session, **{"document_type": "CC", "document_number": "52.123.456", "name": "Ana Ficticia", **fields})


def the_case(session) -> Pqr:
    session.expire_all()
    return session.scalars(select(Pqr).order_by(Pqr.id.desc())).first()


def n_cases(session) -> int:
    return session.scalar(select(func.count()).select_from(Pqr))


def sought(client, text: str) -> list[dict[str, str]]:
    return client.get("/counter/seek", query_string={"q": text}).json


# ── Who ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", ["52345678", "52.345.678", "rosalba nanez", "ÑÁÑEZ ROS", "523456"])
def test_a_person_is_found_by_document_and_by_name_however_written(clerk, rosalba, text):
    found = sought(clerk, text)

    assert [(each["name"], each["document"], each["url"]) for each in found] == [
        ("Rosalba Ñáñez Ficticia", "CC 52345678", f"/counter/?party={rosalba.id}")
    ]
    assert "104-22-0187" in found[0]["account"]
    assert "+1" in found[0]["account"]


@pytest.mark.parametrize("text", ["104-22-0188", " 104-22-0188 ", "carrera 9 # 1-1"])
def test_an_account_is_found_by_number_and_by_address_and_names_its_holder(clerk, rosalba, text):
    found = sought(clerk, text)

    assert [each["name"] for each in found] == ["Rosalba Ñáñez Ficticia"]
    assert "104-22-0188" in found[0]["account"]


def test_whoever_is_named_exactly_comes_first_and_few_are_offered(clerk, a_party):
    for n in range(30):
        a_party(name=f"Aaron Ficticio {n:02}", document_number=f"5234567800{n:02}")
    exact = a_party(name="Zoila Ficticia", document_number="52345678")

    found = sought(clerk, "52345678")

    assert found[0]["url"] == f"/counter/?party={exact.id}"
    assert len(found) < 12


@pytest.mark.parametrize("text", ["", "a", "'\"%_*:&|!()", "\x00\x01", "no hay nadie así", "😀" * 300])
def test_nonsense_finds_nobody_and_breaks_nothing(clerk, rosalba, text):
    assert sought(clerk, text) == []
    assert clerk.get("/counter/", query_string={"q": text}).status_code == 200


def test_without_script_the_box_leads_to_links_and_to_a_new_person(clerk, rosalba):
    assert f'href="/counter/?party={rosalba.id}"' in clerk.get("/counter/?q=rosalba").text
    assert 'href="/counter/?new=Nadie"' in clerk.get("/counter/?q=Nadie").text


@pytest.mark.parametrize("address", ["party=999999", "account=999999", "party=x", "account=-1", "party=99999999999999999999", "party=²"])
def test_an_address_of_nobody_is_not_found(clerk, address):
    assert clerk.get(f"/counter/?{address}").status_code == 404


# ── What they have ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_shows_accounts_open_cases_with_their_date_and_the_last_ones(seeded, clerk, rosalba, a_case, make):
    account = rosalba.accounts[0]
    mine, of_account = a_case(party=rosalba, subject="El mío"), a_case(account=account, subject="De un inquilino")
    closed = a_case(party=rosalba, subject="El anulado")
    operations.void(seeded, closed, "Se radicó dos veces", at=closed.filed_at, actor_id=None)
    other = a_case(subject="De otra persona")

    for address in (f"party={rosalba.id}", f"account={account.id}"):
        page = clerk.get(f"/counter/?{address}").text
        opened, _mark, past = page.partition('id="past-cases"')

        assert "Rosalba Ñáñez Ficticia" in page
        assert page.count('name="account"') == 3  # two, and none of them
        assert mine.number in opened
        assert of_account.number in opened
        assert of_account.party.name in opened
        assert f'datetime="{mine.due_on.isoformat()}"' in opened
        assert 'class="pill light' in opened
        assert closed.number in past
        assert other.number not in page


def test_the_account_that_was_asked_for_is_chosen_and_so_is_the_only_one(clerk, rosalba, an_account, a_party):
    second = max(rosalba.accounts, key=lambda account: account.number)
    lonely = a_party()
    only = an_account(party_id=lonely.id)

    def chosen(address: str) -> list[str]:
        boxes = re.findall(r'<input [^>]*name="account"[^>]*>', clerk.get(f"/counter/?{address}").text)
        return [re.search(r'value="(\d*)"', box)[1] for box in boxes if "checked" in box]

    assert chosen(f"account={second.id}") == [str(second.id)]
    assert chosen(f"party={lonely.id}") == [str(only.id)]
    assert chosen(f"party={rosalba.id}") in ([], [""])  # two: somebody has to say which


def test_a_reserved_case_is_shown_only_to_whoever_may_know_and_says_so(clerk, somebody_with, rosalba, a_case):
    reserved = a_case(party=rosalba, identity=Identity.RESERVED, account=rosalba.accounts[0])
    plain = a_case(party=rosalba)
    other = somebody_with("can_attend Counter", "can_see_all Pqr", "can_list Party", "can_list Account")

    for address in (f"party={rosalba.id}", f"account={rosalba.accounts[0].id}"):
        assert reserved.number in clerk.get(f"/counter/?{address}").text
        page = other.get(f"/counter/?{address}").text
        assert reserved.number not in page
        assert plain.number in page


def test_whoever_does_not_see_all_cases_sees_none_of_other_processes(somebody_with, rosalba, a_case):
    case = a_case(party=rosalba)
    other = somebody_with("can_attend Counter", "can_list Party", "can_list Account")

    page = other.get(f"/counter/?party={rosalba.id}").text

    assert rosalba.name in page
    assert case.number not in page


def test_whoever_may_not_list_people_finds_none_and_still_registers(seeded, somebody_with, rosalba):
    other = somebody_with("can_attend Counter")

    assert sought(other, "52345678") == []
    assert other.get(f"/counter/?party={rosalba.id}").status_code == 403
    assert other.get(f"/counter/?account={rosalba.accounts[0].id}").status_code == 403
    assert other.post("/counter/?new=", data=new_person(seeded)).status_code == 303


# ── Registering ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_known_person_needs_a_type_and_a_text(seeded, clerk, rosalba):
    account = rosalba.accounts[0]
    answer = clerk.post(f"/counter/?party={rosalba.id}", data=typed(seeded, account=account.id, subject=""))
    pqr = the_case(seeded)

    assert answer.status_code == 303
    assert answer.location == f"/counter/done/{pqr.number}"
    assert (pqr.party_id, pqr.account_id, pqr.service_id) == (rosalba.id, account.id, account.service_id)
    assert pqr.subject == pqr.body == "La factura cobra 62 m³ 😀 <b>y</b> =1+1"
    assert pqr.status is PqrStatus.RECEIVED


def test_the_channel_is_the_first_of_the_house_and_then_the_last_one_used(seeded, clerk, rosalba):
    names = [channel.code for channel in seeded.scalars(select(Channel).order_by(Channel.position))]
    phone = seeded.scalars(select(Channel).where(Channel.code == "TELEFONO")).one()

    def chosen() -> str:
        page = clerk.get(f"/counter/?party={rosalba.id}").text
        return re.search(r"<option selected[^>]*>([^<]*)", page.partition('id="channel"')[2])[1]

    assert names[0] == "VENTANILLA"
    assert chosen() == "Ventanilla"
    clerk.post(f"/counter/?party={rosalba.id}", data=typed(seeded, channel=phone.id))
    assert chosen() == phone.name


def test_what_a_known_person_lacks_is_written_down_and_what_is_there_stays(seeded, clerk, rosalba, a_party):
    data = typed(seeded, phone="300 123 4567", email="rosalba@example.com")
    clerk.post(f"/counter/?party={rosalba.id}", data=data)
    seeded.expire_all()
    assert (rosalba.phone, rosalba.email) == ("+573001234567", "rosalba@example.com")

    clerk.post(f"/counter/?party={rosalba.id}", data=data | {"submission": "another", "phone": "300 999 9999"})
    seeded.expire_all()
    assert rosalba.phone == "+573001234567"


def test_a_new_person_is_written_down_with_the_case(seeded, clerk):
    page = clerk.get("/counter/?new=52.123.456").text
    assert 'value="52.123.456"' in page

    clerk.post("/counter/?new=52.123.456", data=new_person(seeded, phone="3001234567", accepts_data="y"))
    pqr = the_case(seeded)

    assert (pqr.party.document_type, pqr.party.document_number, pqr.party.name) == (DocumentType.CC, "52123456", "Ana Ficticia")
    assert [consent.text.kind for consent in seeded.scalars(select(Consent))] == [ConsentKind.DATA]


def test_somebody_new_may_speak_for_the_account_that_was_found(seeded, clerk, rosalba):
    account = rosalba.accounts[0]
    clerk.post(f"/counter/?new=&account={account.id}", data=new_person(seeded, account=account.id))
    pqr = the_case(seeded)

    assert (pqr.account_id, pqr.party.name) == (account.id, "Ana Ficticia")


def test_an_anonymous_request_keeps_no_name_and_no_consent(seeded, clerk):
    page = clerk.get("/counter/?anonymous=1").text
    assert 'name="name"' not in page
    assert re.search(r'<option selected[^>]* value="ANONYMOUS"|value="ANONYMOUS"[^>]* selected', page)

    clerk.post("/counter/?anonymous=1", data=typed(seeded, identity="ANONYMOUS", accepts_data="y"))
    pqr = the_case(seeded)

    assert (pqr.party_id, pqr.identity) == (None, Identity.ANONYMOUS)
    assert seeded.scalar(select(func.count()).select_from(Consent)) == 0


def test_another_account_is_typed_and_wins_over_the_chosen_one(seeded, clerk, rosalba, an_account):
    other = an_account(number="900-77")
    clerk.post(f"/counter/?party={rosalba.id}", data=typed(seeded, account=rosalba.accounts[0].id, account_number=" 900-77 "))

    assert the_case(seeded).account_id == other.id


def test_files_are_kept_with_the_case(seeded, clerk, rosalba):
    data = typed(seeded, files=(BytesIO(PNG), "medidor.png"))
    clerk.post(f"/counter/?party={rosalba.id}", data=data, content_type="multipart/form-data")

    assert [file.name for file in the_case(seeded).files] == ["medidor.png"]


def test_a_double_press_registers_once(seeded, clerk, rosalba):
    address = f"/counter/?party={rosalba.id}"
    first, second = clerk.post(address, data=typed(seeded)), clerk.post(address, data=typed(seeded))

    assert first.location == second.location
    assert n_cases(seeded) == 1


@pytest.mark.parametrize(
    ("fields", "beside"),
    [
        ({"request_type": ""}, "request_type"),
        ({"request_type": "999999"}, "request_type"),
        ({"request_type": "x"}, "request_type"),
        ({"body": ""}, "body"),
        ({"body": "   "}, "body"),
        ({"body": "x" * 20_001}, "body"),
        ({"subject": "x" * 201}, "subject"),
        ({"account_number": "999-no"}, "account_number"),
        ({"name": "", "document_type": "", "document_number": ""}, "name"),
        ({"document_number": "12"}, "document_number"),
        ({"document_type": "NIT", "document_number": "900123456-1"}, "document_number"),
        ({"document_type": ""}, "document_type"),
        ({"phone": "123"}, "phone"),
        ({"email": "ana@"}, "email"),
        ({"is_e_notice": "y"}, "email"),
        ({"is_priority": "y"}, "priority_reason"),
        ({"previous_number": "PQR-1999-000001"}, "previous_number"),
        ({"channel": "999999"}, "channel"),
        ({"identity": "NOBODY"}, "identity"),
    ],
)
def test_a_refusal_stands_beside_its_field_keeps_what_was_typed_and_stores_nothing(seeded, clerk, fields, beside):
    answer = clerk.post("/counter/?new=52123456", data=new_person(seeded, **fields))

    assert answer.status_code == 422
    assert f'id="{beside}-error"' in answer.text
    assert (fields.get("subject") or "Consumo muy alto") in answer.text
    assert fields.get("body", "62 m³") in answer.text
    assert 'value="token-of-this-form"' in answer.text
    assert n_cases(seeded) == 0
    assert seeded.scalar(select(func.count()).select_from(Party)) == 0


def test_an_account_of_somebody_else_cannot_be_sent_in_the_place_of_theirs(seeded, clerk, rosalba, an_account):
    stranger = an_account()
    answer = clerk.post(f"/counter/?party={rosalba.id}", data=typed(seeded, account=stranger.id))

    assert answer.status_code == 422
    assert n_cases(seeded) == 0


def test_a_document_that_is_registered_to_another_name_is_told(seeded, clerk, rosalba):
    answer = clerk.post("/counter/?new=52345678", data=new_person(seeded, document_number="52345678", name="Luis Pardo"))

    assert answer.status_code == 422
    assert "Rosalba Ñáñez Ficticia" in answer.text.partition('id="name-error"')[2].partition("</span>")[0]
    assert n_cases(seeded) == 0


def test_the_same_person_written_again_is_not_made_twice(seeded, clerk, rosalba):
    clerk.post("/counter/?new=52345678", data=new_person(seeded, document_number="52345678", name="ROSALBA NANEZ"))

    assert the_case(seeded).party_id == rosalba.id


def test_a_program_with_another_name_is_refused(seeded, clerk, rosalba):
    data = typed(seeded, files=(BytesIO(b"MZ\x90\x00" + b"\0" * 200), "factura.pdf"))
    answer = clerk.post(f"/counter/?party={rosalba.id}", data=data, content_type="multipart/form-data")

    assert answer.status_code == 422
    assert 'id="files-error"' in answer.text
    assert re.search(r'<details[^>]* id="more" open', answer.text), "the fold with the error is open"
    assert n_cases(seeded) == 0


# ── The result ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_result_says_number_date_and_key_and_leads_on(seeded, clerk, rosalba):
    clerk.post(f"/counter/?party={rosalba.id}", data=typed(seeded))
    pqr = the_case(seeded)
    page = clerk.get(f"/counter/done/{pqr.number}").text

    assert pqr.number in page
    assert pqr.access_key in page
    assert "4 de agosto de 2026" in page or "August 4, 2026" in page
    assert f'href="/pqr/{pqr.number}/receipt"' in page
    assert 'href="/counter/"' in page


def test_the_key_is_shown_to_the_clerk_who_filed_and_only_while_the_citizen_is_there(app, seeded, clerk, rosalba, a_user, login, at):
    clerk.post(f"/counter/?party={rosalba.id}", data=typed(seeded))
    number = the_case(seeded).number
    colleague = login(app.test_client(), a_user(AUXILIAR))

    assert colleague.get(f"/counter/done/{number}").location == f"/pqr/{number}"
    at("2026-07-10T11:59-05:00")
    assert clerk.get(f"/counter/done/{number}").status_code == 200
    at("2026-07-10T12:01-05:00")
    assert clerk.get(f"/counter/done/{number}").location == f"/pqr/{number}"


# ── What it costs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_counter_asks_the_database_little(seeded, clerk, rosalba, a_case, an_account, count_statements):
    for n in range(12):
        a_case(party=rosalba, account=rosalba.accounts[n % 2])
        an_account(party_id=rosalba.id)
    seeded.expire_all()
    address, data = f"/counter/?party={rosalba.id}", typed(seeded, account=rosalba.accounts[0].id)

    def cost(send: Any) -> list[str]:
        with count_statements() as statements:
            assert send().status_code in (200, 303)
        return statements

    spent = {
        "box": (cost(lambda: clerk.get("/counter/")), 8),
        "seek": (cost(lambda: clerk.get("/counter/seek?q=rosalba")), 8),
        "account": (cost(lambda: clerk.get(f"/counter/?account={rosalba.accounts[0].id}")), 12),
        "party": (cost(lambda: clerk.get(address)), 12),
        "store": (cost(lambda: clerk.post(address, data=data)), MOST_TO_STORE),
        "done": (cost(lambda: clerk.get(f"/counter/done/{the_case(seeded).number}")), 8),
    }

    assert {name: len(statements) for name, (statements, most) in spent.items() if len(statements) > most} == {}


def test_the_page_is_as_cheap_with_a_hundred_accounts(seeded, clerk, rosalba, an_account, count_statements):
    service = seeded.scalars(select(Service).order_by(Service.position.desc())).first()
    for _n in range(100):
        an_account(party_id=rosalba.id, service=service)

    with count_statements() as statements:
        page = clerk.get(f"/counter/?party={rosalba.id}").text

    assert len(statements) <= 12
    assert page.count('name="account"') == 31  # thirty, and none of them; the rest by its number


def test_every_case_starts_at_the_front_desk(seeded, clerk, rosalba):
    clerk.post(f"/counter/?party={rosalba.id}", data=typed(seeded))
    pqr = the_case(seeded)

    assert seeded.get(Process, pqr.process_id).is_front_desk
    assert pqr.events[0].actor_id is not None
