"""The declared screens: what RuledView promises of every one, and the rules that single ones keep."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from io import BytesIO

import pytest
from flask_appbuilder import ModelView
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import func, select

from app.baseviews import READ_ONLY, RuledView
from app.domain.deadlines import Regime, TermAct
from app.domain.states import ConsentKind, DocumentType, Identity, MemberRole, MessageStatus
from app.models import (
    Account,
    CalendarYear,
    ChangeLog,
    ConsentText,
    LegalTerm,
    Municipality,
    Organisation,
    OutboxMessage,
    Parameter,
    Party,
    Process,
    ProcessMember,
    Service,
    SuiCause,
)
from app.security import ADMIN, AUXILIAR, CONTROL, DUENO, SUBGERENTE, TECNICO
from app.views import MENU
from tests.conftest import make_app

SCREENS = [view for view, *_rest in MENU if issubclass(view, RuledView)]
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
NIT, WRONG = "900123456-8", "900123456-1"


@pytest.fixture
def admin(sign_in):
    return sign_in(ADMIN)


@pytest.fixture
def clerk(sign_in):
    return sign_in(AUXILIAR)


def text_of(response) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", response.text))


def first(session, model):
    return session.scalars(select(model)).first()


def account_form(service, **fields):
    return {"number": "A-1", "service": service.id, "address": "Calle 1", "municipality": "11001", "use": "RESIDENTIAL", **fields}


def party_form(**fields):
    return {"kind": "PERSON", "document_type": "CC", "document_number": "52.123.456", "name": "Ana Ficticia", **fields}


# ── Of every screen ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_model_screen_is_ruled_and_none_deletes(app):
    views = [view for view in app.appbuilder.baseviews if isinstance(view, ModelView)]
    rules = {rule.endpoint for rule in app.url_map.iter_rules()}

    assert [view for view in views if not isinstance(view, RuledView)] == []
    shut = {f"{view.endpoint}.{method}" for view in views for method in ("delete", "action", "action_post", "download")}
    # files, behind doors of ours
    ours = {"CaseView", "BillingBatchView", "BillingReplyView", "ContractFileView", "ReportRunView"}
    assert shut & rules <= {f"{view}.download" for view in ours}


@pytest.mark.parametrize("view", SCREENS, ids=lambda view: view.__name__)
def test_no_screen_speaks_bootstrap(admin, view):
    page = admin.get(f"{view.route_base}/list/").text

    assert page.count("<h1>") == 1
    assert re.findall(r"bootstrap|jquery|select2|fontawesome|\bfa-|data-toggle|appbuilder/js", page, re.I) == []


def test_a_page_of_many_rows_costs_as_much_as_one_of_few(clerk, a_party, count_statements):
    municipality = {"municipality_code": "11001"}
    a_party(**municipality)
    with count_statements() as few:
        clerk.get("/party/list/")
    for _n in range(30):
        a_party(**municipality)
    with count_statements() as many:
        page = clerk.get("/party/list/").text

    assert page.count('<tr role="row">') == 26
    assert len(many) == len(few) <= 8


def test_a_list_is_searched_sorted_paged_and_filtered_by_its_address(clerk, a_party):
    for n in range(30):
        a_party(name=f"Zoila-{n:02}")
    a_party(name="Única", kind="ORGANISATION", document_type=DocumentType.NIT, document_number="9001234568")

    assert set(re.findall(r"Zoila-\d\d", clerk.get("/party/list/?q=zoila-07").text)) == {"Zoila-07"}
    assert "Zoila-29" in clerk.get("/party/list/?q=zoila&order=-name").text
    assert "Zoila-29" not in clerk.get("/party/list/?q=zoila&order=name").text
    assert "Zoila-29" in clerk.get("/party/list/?q=zoila&order=name&end=1").text
    assert "Única" in clerk.get("/party/list/?document_type=NIT").text
    assert "Zoila" not in clerk.get("/party/list/?document_type=NIT").text


@pytest.mark.parametrize(
    "query", ["from=x", "from=-4", "from=99999999999999999999", "order=password", "kind=NOPE", "kind=%00", "q=%25%27%3B--", "q=%00a"]
)
def test_nonsense_in_the_address_of_a_list_is_no_error(clerk, query):
    assert clerk.get(f"/party/list/?{query}").status_code == 200


@pytest.mark.parametrize("pk", ["abc", "-1", "0", "99999999999", "9" * 40])
def test_a_row_that_does_not_exist_is_a_404(clerk, seeded, pk):
    assert clerk.get(f"/party/show/{pk}").status_code == 404
    assert clerk.get(f"/party/edit/{pk}").status_code == 404


def test_an_empty_list_says_what_to_do(clerk, seeded):
    page = text_of(clerk.get("/party/list/"))

    assert "Nobody is known yet." in page
    assert "New party" in page


def test_what_a_role_may_not_do_is_not_offered(sign_in, a_party):
    party = a_party()
    reader, writer = sign_in(DUENO), sign_in(AUXILIAR)

    assert "/party/edit/" not in reader.get("/party/list/").text + reader.get(f"/party/show/{party.id}").text
    assert "/party/edit/" in writer.get("/party/list/").text
    assert reader.get(f"/party/edit/{party.id}").status_code == 403


def test_the_form_of_a_relation_to_a_big_table_lists_no_row_of_it(clerk, a_party):
    for _n in range(40):
        a_party(name="Persona que no debe estar en la página")

    page = clerk.get("/account/add").text

    assert "Persona que no debe estar" not in page
    assert 'data-lookup="/lookup/party"' in page


def test_what_somebody_else_changed_meanwhile_is_not_overwritten_in_silence(clerk, seeded, a_party):
    party = a_party(name="Antes")
    stale = party_form(name="Mía", seen="2020-01-01T00:00:00+00:00")

    refused = clerk.post(f"/party/edit/{party.id}", data=stale)
    seeded.expire_all()

    assert refused.status_code == 422
    assert "Somebody else changed this" in refused.text
    assert 'value="Mía"' in refused.text
    assert party.name == "Antes"

    fresh = re.search(r'name="seen" value="([^"]+)"', refused.text)[1]
    assert clerk.post(f"/party/edit/{party.id}", data=stale | {"seen": unescape(fresh)}).status_code == 302


def test_what_only_the_database_knows_is_refused_in_plain_words(admin, seeded):
    n = seeded.scalar(select(func.count(Municipality.code)))
    refused = admin.post("/municipality/add", data={"code": "11001", "name": "Otra Bogotá", "department": "Bogotá"})

    assert refused.status_code == 422
    assert "Another row already has the same: DANE code." in text_of(refused)
    assert 'id="code-error"' in refused.text
    assert 'value="Otra Bogotá"' in refused.text
    assert seeded.scalar(select(func.count(Municipality.code))) == n


# ── Look-ups ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lookup_offers_what_the_form_understands(clerk, seeded, a_party):
    party = a_party(name="Rosalba Ficticia", document_number="31415926")
    offered = clerk.get("/lookup/party?q=rosal").json

    assert offered == [{"text": "Rosalba Ficticia · CC 31415926"}]
    assert clerk.get("/lookup/party?q=314159").json == offered
    assert clerk.get("/lookup/party?q=r").json == []

    service, city = first(seeded, Service), first(seeded, Municipality)
    form = account_form(service, party=offered[0]["text"], municipality=city.code)
    assert clerk.post("/account/add", data=form).status_code == 302
    assert seeded.scalars(select(Account).where(Account.number == "A-1")).one().party_id == party.id


@pytest.mark.parametrize("written", ["31415926", "CC 31415926", "31.415.926", "Rosalba Ficticia", "Otra cosa · CC 31415926"])
def test_without_script_a_document_or_a_name_is_enough(clerk, seeded, a_party, written):
    party = a_party(name="Rosalba Ficticia", document_number="31415926")

    clerk.post("/account/add", data=account_form(first(seeded, Service), party=written))

    assert seeded.scalars(select(Account).where(Account.number == "A-1")).one().party_id == party.id


def test_a_name_that_two_share_asks_which(clerk, seeded, a_party):
    a_party(name="José Pérez")
    a_party(name="José Pérez")

    refused = clerk.post("/account/add", data={"party": "José Pérez", "number": "A-1"})

    assert refused.status_code == 422
    assert "Several match." in refused.text
    assert 'value="José Pérez"' in refused.text


def test_a_municipality_is_found_without_its_accents(clerk, seeded):
    assert [each["text"] for each in clerk.get("/lookup/municipality?q=bogota").json] == ["Bogotá, D.C. (Bogotá, D.C.) · 11001"]


def test_an_unknown_municipality_is_refused_beside_its_field(clerk, seeded):
    refused = clerk.post("/party/add", data=party_form(municipality="99999"))

    assert 'aria-describedby="municipality-help municipality-error"' in refused.text
    assert seeded.scalar(select(func.count(Party.id))) == 0


def test_a_lookup_opens_only_for_whoever_may_list_its_rows(client, sign_in, seeded):
    assert client.get("/lookup/party?q=ana").status_code == 401
    assert sign_in(TECNICO).get("/lookup/party?q=ana").status_code == 403
    assert sign_in(TECNICO).get("/lookup/user?q=ana").status_code == 403
    assert sign_in(AUXILIAR).get("/lookup/nothing?q=ana").status_code == 404


# ── Parties and accounts ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_check_digit_says_which_one_was_expected_and_keeps_what_was_typed(clerk, seeded):
    form = party_form(kind="ORGANISATION", document_type="NIT", document_number=WRONG, name="Ferretería <Ñ> 😀")
    refused = clerk.post("/party/add", data=form)

    assert refused.status_code == 422
    assert "1 was written and 900123456 needs 8" in text_of(refused)
    assert f'value="{WRONG}"' in refused.text
    assert 'value="Ferretería &lt;Ñ&gt; 😀"' in refused.text
    assert seeded.scalar(select(func.count(Party.id))) == 0


def test_a_party_is_stored_in_one_spelling(clerk, seeded):
    form = party_form(document_type="NIT", document_number=NIT, name="  Ferretería  ", phone="300 123 45 67", email="  ")
    clerk.post("/party/add", data=form)
    party = first(seeded, Party)

    assert (party.document_number, party.name, party.phone, party.email) == ("9001234568", "Ferretería", "+573001234567", None)


def test_a_document_that_is_known_leads_to_its_party(clerk, a_party):
    twin = a_party(document_number="52123456", name="Ana & Cía")
    refused = clerk.post("/party/add", data=party_form())

    assert f'<a href="/party/show/{twin.id}">Ana &amp; Cía</a>' in refused.text
    assert clerk.post(f"/party/edit/{twin.id}", data=party_form(seen=twin.changed_at.isoformat())).status_code == 302


@pytest.mark.parametrize(
    ("fields", "blamed"),
    [
        ({"document_type": ""}, "document_number"),
        ({"document_number": ""}, "document_number"),
        ({"document_number": "12ab"}, "document_number"),
        ({"document_number": "1" * 400}, "document_number"),
        ({"name": " "}, "name"),
        ({"name": "\x00"}, "name"),
        ({"name": "x" * 161}, "name"),
        ({"phone": "12345"}, "phone"),
        ({"phone": "no tengo"}, "phone"),
        ({"email": "ana@"}, "email"),
        ({"kind": "ALIEN"}, "kind"),
        ({"document_type": "DNI"}, "document_type"),
    ],
    ids=str,
)
def test_bad_input_is_told_beside_its_field(clerk, seeded, fields, blamed):
    refused = clerk.post("/party/add", data=party_form(**fields))

    assert refused.status_code == 422
    assert f'id="{blamed}-error"' in refused.text
    assert f'<a href="#{blamed}">' in refused.text
    assert seeded.scalar(select(func.count(Party.id))) == 0


def test_a_party_may_have_no_document(clerk, seeded):
    assert clerk.post("/party/add", data=party_form(document_type="", document_number="")).status_code == 302
    assert first(seeded, Party).document_number is None


def test_an_account_number_is_unique_within_its_service(clerk, seeded, an_account):
    account = an_account(number="104-1")
    other = seeded.scalars(select(Service).where(Service.id != account.service_id)).first() or Service(code="X", name="Otro")
    seeded.add(other)
    seeded.flush()
    form = account_form(account.service, number="104-1")

    refused = clerk.post("/account/add", data=form)

    assert refused.status_code == 422
    assert "Another row already has the same: Account, Service." in text_of(refused)
    assert clerk.post("/account/add", data=form | {"service": other.id}).status_code == 302


@pytest.mark.parametrize("stratum", ["0", "7", "dos"])
def test_a_stratum_outside_one_to_six_is_refused(clerk, seeded, stratum):
    assert 'id="stratum-error"' in clerk.post("/account/add", data=account_form(first(seeded, Service), stratum=stratum)).text


def test_the_page_of_a_party_names_no_reserved_case_to_whoever_may_not_know(sign_in, a_party, a_case):
    party = a_party()
    open_case, reserved = a_case(party=party), a_case(party=party, identity=Identity.RESERVED)
    page, whole = sign_in("Calidad").get(f"/party/show/{party.id}").text, sign_in(SUBGERENTE).get(f"/party/show/{party.id}").text

    assert open_case.number in page and reserved.number not in page
    assert open_case.number in whole and reserved.number in whole


# ── The terms ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def term_form(term: LegalTerm, **fields):
    plain = {name: getattr(term, name).name for name in ("regime", "act", "unit", "count_from")}
    return {
        **plain, "request_type": term.request_type or "", "value": term.value, "norm": term.norm, "source": term.source,
        "valid_from": term.valid_from.isoformat(), "valid_until": term.valid_until.isoformat() if term.valid_until else "",
        "confidence": term.confidence, "seen": term.changed_at.isoformat(), **fields,
    }  # fmt: skip


def test_a_term_that_rules_cases_keeps_its_length_and_can_only_end(admin, seeded, a_case):
    term = a_case().term
    value = term.value

    refused = admin.post(f"/term/edit/{term.id}", data=term_form(term, value=99))
    seeded.expire_all()

    assert refused.status_code == 422
    assert "1 cases rest on this term, so it cannot change." in text_of(refused)
    assert 'value="99"' in refused.text
    assert term.value == value
    assert admin.post(f"/term/edit/{term.id}", data=term_form(term, valid_until="2030-12-31")).status_code == 302


def test_two_terms_never_answer_for_the_same_day(admin, seeded):
    term = seeded.scalars(select(LegalTerm).filter_by(regime=Regime.LEY142, act=TermAct.ANSWER, request_type="RECLAMO")).one()
    refused = admin.post("/term/add", data=term_form(term, valid_from="2027-01-01"))

    assert "there is already a term of 15" in text_of(refused)
    assert admin.post(f"/term/edit/{term.id}", data=term_form(term, valid_until="2026-12-31")).status_code == 302
    assert admin.post("/term/add", data=term_form(term, valid_from="2027-01-01", value=10)).status_code == 302


def test_a_term_to_answer_names_its_type_and_ends_after_it_begins(admin, seeded):
    term = first(seeded, LegalTerm)
    form = term_form(term, act="ANSWER", request_type="", valid_from="2027-02-01", valid_until="2027-01-01")
    refused = admin.post("/term/add", data=form)

    assert "A term to answer names its request type." in text_of(refused)
    assert "This is before “In force from”." in text_of(refused)


# ── The house ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def organisation_form(organisation: Organisation, **fields):
    names = ("name", "nit", "address", "email", "signatory_name", "signatory_title")
    return {**{name: getattr(organisation, name) for name in names}, "regime": "LEY142", "municipality": "11001",
            "seen": organisation.changed_at.isoformat(), **fields}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"MZ" + b"\x00" * 400, "has to be a PNG or JPEG"), (PNG + b"\x00" * 307_200, "larger than 300 KB"), (b"", None), (PNG, None)],
    ids=["exe", "large", "none", "png"],
)
def test_a_logo_is_a_small_picture(admin, seeded, content, said):
    organisation = first(seeded, Organisation)
    organisation.logo = b"\xff\xd8\xff the old one"
    organisation.email = "pqr@example.com"
    seeded.flush()

    name = "logo.png" if content else ""
    answer = admin.post(f"/organisation/edit/{organisation.id}", data=organisation_form(organisation, logo=(BytesIO(content), name)))
    seeded.expire_all()

    assert answer.status_code == (422 if said else 302)
    assert said is None or said in text_of(answer)
    assert organisation.logo == (PNG if content == PNG else b"\xff\xd8\xff the old one")


def test_there_is_one_organisation(admin, seeded):
    assert "/organisation/add" not in admin.get("/organisation/list/").text
    form = organisation_form(first(seeded, Organisation), name="Otra", nit="800197268-4", email="a@example.com")
    refused = admin.post("/organisation/add", data=form)

    assert "already set up" in text_of(refused)
    assert seeded.scalar(select(func.count(Organisation.id))) == 1


def test_the_front_desk_moves_from_one_process_to_another(admin, seeded):
    old = seeded.scalars(select(Process).where(Process.is_front_desk)).one()
    new = seeded.scalars(select(Process).where(~Process.is_front_desk)).first()

    def save(process, **boxes):
        return admin.post(f"/process/edit/{process.id}", data={"name": process.name, "seen": process.changed_at.isoformat(), **boxes})

    assert "Every case starts at the front desk." in text_of(save(old, is_active="y"))
    assert "has to be an active process" in text_of(save(new, is_front_desk="y"))
    assert save(new, is_front_desk="y", is_active="y").status_code == 302
    seeded.expire_all()
    assert (old.is_front_desk, new.is_front_desk) == (False, True)


def test_the_code_of_a_catalogue_row_is_no_field_of_its_edit(admin, seeded):
    service = first(seeded, Service)
    form = {"code": "HACKED", "name": "Nuevo nombre", "position": "3", "is_active": "y", "seen": service.changed_at.isoformat()}

    admin.post(f"/service/edit/{service.id}", data=form)
    seeded.expire_all()

    assert (service.name, service.position, service.is_public_utility) == ("Nuevo nombre", 3, False)
    assert service.code != "HACKED"


def test_a_value_that_is_taken_is_told_in_the_form(admin, seeded):
    refused = admin.post("/service/add", data={"code": first(seeded, Service).code, "name": "Otro servicio", "position": "1"})

    assert refused.status_code == 422
    assert "Another row already has this value." in text_of(refused)


def test_a_member_is_chosen_by_name_and_only_once(admin, seeded, a_user):
    user, process = a_user(DUENO), first(seeded, Process)
    form = {"process_id": process.id, "user": f"Quien sea · {user.username}", "role": MemberRole.OWNER.name}

    assert admin.post("/processmember/add", data=form).status_code == 302
    assert seeded.scalars(select(ProcessMember).where(ProcessMember.user_id == user.id)).one().process_id == process.id
    assert "Another row already has the same" in text_of(admin.post("/processmember/add", data=form))


def test_a_member_cannot_end_before_beginning(admin, seeded, a_user):
    form = {"process_id": first(seeded, Process).id, "user": a_user(DUENO).username, "role": "OWNER"}
    form |= {"valid_from": "2026-08-01", "valid_until": "2026-07-01"}

    assert "This is before “From”." in text_of(admin.post("/processmember/add", data=form))


def test_a_consent_text_is_only_ever_followed_by_a_new_version(admin, seeded):
    def versions():
        return seeded.scalars(select(ConsentText.version).filter_by(kind=ConsentKind.DATA).order_by(ConsentText.version)).all()

    before = versions()
    admin.post("/consenttext/add", data={"kind": "DATA", "valid_from": "2026-08-01", "text": "Autorizo…"})
    seeded.expire_all()

    assert versions() == [*before, (before[-1] if before else 0) + 1]
    assert admin.get(f"/consenttext/edit/{first(seeded, ConsentText).id}").status_code == 404


def test_a_cause_belongs_to_a_known_group(admin, seeded):
    form = {"service": first(seeded, Service).id, "group_code": "Z", "code": "9999", "name": "Otra", "valid_from": "2026-01-01"}

    assert 'id="group_code-error"' in admin.post("/suicause/add", data=form).text
    assert admin.post("/suicause/add", data=form | {"group_code": "F"}).status_code == 302
    assert seeded.scalars(select(SuiCause).where(SuiCause.code == "9999")).one().group_code == "F"


@pytest.mark.parametrize("code", ["5001", "0500A", "050010", ""])
def test_a_dane_code_has_five_digits(admin, seeded, code):
    refused = admin.post("/municipality/add", data={"code": code, "name": "Villa", "department": "Ejemplo"})

    assert refused.status_code == 422
    assert 'id="code-error"' in refused.text


def test_the_marks_of_the_system_among_the_parameters_cannot_be_edited(admin, seeded):
    seeded.merge(Parameter(key="seeds.digest", value="abc"))
    seeded.flush()

    assert admin.get("/parameter/show/seeds.digest").status_code == 200
    assert admin.get("/parameter/edit/seeds.digest").status_code == 404


# ── What is remembered ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_change_log_shows_before_and_after_and_leads_to_the_row(admin, seeded, a_party):
    party = a_party(name="Nombre viejo")
    admin.post(f"/party/edit/{party.id}", data=party_form(name="Nombre nuevo", seen=party.changed_at.isoformat()))
    line = seeded.scalars(select(ChangeLog).filter_by(table_name="party", action="update")).one()

    page = admin.get(f"/changelog/show/{line.id}")

    assert "<del>Nombre viejo</del>" in page.text and "<ins>Nombre nuevo</ins>" in page.text
    assert f'href="/party/show/{party.id}"' in page.text
    assert f"/changelog/list/?table_name=party&amp;row_id={party.id}" in admin.get(f"/party/show/{party.id}").text
    assert text_of(admin.get(f"/changelog/list/?table_name=party&row_id={party.id}")).count("Changed") == 1


def test_registers_are_read_only(app):
    for name in ("ChangeLogView", "OutboxMessageView"):
        view = next(view for view in app.appbuilder.baseviews if view.endpoint == name)
        assert view.include_route_methods - {"resend", "decide", "bulk_action"} == READ_ONLY
        assert {bulk.name for bulk in view.bulk} <= {"resend", "redirect", "give_up"}


def a_message(session, **columns):
    at = datetime(2026, 7, 10, 15, tzinfo=UTC)
    values = {
        "key": "k1", "event": "filed", "to_address": "ana@example.com", "subject": "Su radicado", "body": "Su clave es ABCD-EFGH",
        "status": MessageStatus.FAILED, "n_attempts": 7, "next_attempt_at": at, "message_id": "<1@example.com>", "created_at": at,
    }  # fmt: skip
    message = OutboxMessage(**(values | columns))
    session.add(message)
    session.flush()
    return message


def test_a_failed_message_is_sent_again_and_its_text_is_not_shown(admin, seeded):
    message = a_message(seeded)
    page = admin.get(f"/outbox/show/{message.id}").text

    assert "ABCD-EFGH" not in page
    assert f'action="/outbox/resend/{message.id}"' in page
    assert admin.post(f"/outbox/resend/{message.id}").status_code == 302
    seeded.expire_all()
    assert (message.status, message.n_attempts) == (MessageStatus.QUEUED, 0)


def test_a_message_that_left_is_not_sent_again(admin, seeded):
    message = a_message(seeded, status=MessageStatus.SENT, sent_at=datetime(2026, 7, 10, 15, tzinfo=UTC))

    answer = admin.post(f"/outbox/resend/{message.id}", follow_redirects=True)
    seeded.expire_all()

    assert "already left" in text_of(answer)
    assert message.status is MessageStatus.SENT


# ── Security ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_password_keeps_the_name_and_does_not_say_whether_it_exists(client, a_user):
    known = a_user(AUXILIAR).username
    answers = [client.post("/login/?_l_=en", data={"username": name, "password": "mala"}) for name in (known, "nadie")]

    assert {answer.status_code for answer in answers} == {422}
    assert [re.search(r'name="username"[^>]*value="([^"]+)"', answer.text)[1] for answer in answers] == [known, "nadie"]
    assert len({re.sub(rf"{known}|nadie|nonce-\S+", "", answer.text) for answer in answers}) == 1
    assert "mala" not in answers[0].text


def test_the_door_opens_and_leads_where_somebody_was_going(client, a_user, make):
    from tests.factories import PASSWORD

    user = a_user(AUXILIAR)
    sent_away = client.get("/party/list/")
    opened = client.post(sent_away.location, data={"username": user.username, "password": PASSWORD})

    assert (sent_away.status_code, opened.status_code) == (302, 302)
    assert opened.location.endswith("/party/list/")
    assert client.post("/login/?next=https://evil.example/", data={}).status_code == 302


def test_a_user_is_added_with_a_role_and_a_good_password_and_then_made_inactive(admin, seeded):
    role = seeded.scalars(select(Role).where(Role.name == AUXILIAR)).one()
    form = {"first_name": "Nora", "last_name": "Nueva", "email": "nora@example.com", "username": "nora", "active": "y", "roles": [role.id],
            "password": "corta", "conf_password": "corta"}  # fmt: skip
    assert 'id="password-error"' in admin.post("/users/add", data=form).text

    form |= {"password": "Larga-Y-Buena-26", "conf_password": "Larga-Y-Buena-26"}
    added = admin.post("/users/add", data=form)
    from flask_appbuilder.security.sqla.models import User

    user = seeded.scalars(select(User).where(User.username == "nora")).one()
    assert added.status_code == 302
    assert user.password != "Larga-Y-Buena-26" and [each.name for each in user.roles] == [AUXILIAR]

    del form["active"]
    admin.post(f"/users/edit/{user.id}", data=form)
    seeded.expire_all()
    assert user.active is False


def test_the_roles_that_ship_cannot_be_edited_and_a_house_may_add_its_own(admin, seeded):
    shipped = seeded.scalars(select(Role).where(Role.name == CONTROL)).one()
    right = shipped.permissions[0]

    assert admin.get(f"/roles/edit/{shipped.id}").status_code == 404
    assert admin.post("/roles/add", data={"name": "Propio", "permissions": [right.id]}).status_code == 302
    assert seeded.scalars(select(Role).where(Role.name == "Propio")).one().permissions == [right]


def test_switching_the_language_stays_on_the_page(admin, seeded):
    assert admin.get("/lang/es", headers={"Referer": "http://localhost/party/list/?q=ana"}).location == "/party/list/?q=ana"
    assert '<html lang="es"' in admin.get("/party/list/").text
    assert admin.get("/lang/en", headers={"Referer": "https://evil.example/party"}).location == "/"
    assert admin.get("/lang/xx").status_code == 404


# ── Home and errors ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_my_day_counts_what_the_list_behind_each_number_shows(sign_in, a_case, count_statements):
    for days in (0, 3, 12, 15, 16, 40):
        a_case(at=datetime(2026, 7, 10, 15, tzinfo=UTC) - timedelta(days=days))
    clerk = sign_in(AUXILIAR)
    with count_statements() as statements:
        page = clerk.get("/").text
    counts = dict(re.findall(r'href="/pqr/\?light=(\w+)"><strong>(\d+)</strong>', page))

    assert list(counts) == ["silence", "late", "now", "soon", "ok", "stopped"]
    assert sum(map(int, counts.values())) == 6
    assert int(counts["silence"]) >= 1 and int(counts["ok"]) >= 1
    assert {light: len(set(re.findall(r"/pqr/(PQR-\d+-\d+)", clerk.get(f"/pqr/?light={light}").text))) for light in counts} == {
        light: int(n) for light, n in counts.items()
    }
    assert len(statements) <= 8


def test_my_day_shows_an_owner_what_waits_in_his_processes_and_nothing_else(sign_in, seeded, a_case):
    from app.operations.pqr import route

    at = datetime(2026, 7, 10, 15, tzinfo=UTC)
    mine, other = a_case(), a_case()
    route(seeded, mine, seeded.scalars(select(Process).filter_by(code="FACTURACION")).one(), "Revisar", at=at, actor_id=None)
    page = sign_in(DUENO, "FACTURACION").get("/").text

    assert mine.number in page
    assert other.number not in page


def test_my_day_says_what_is_missing_instead_of_breaking(admin, at, seeded):
    at("2050-01-03T10:00-05:00")
    page = admin.get("/")

    assert page.status_code == 200
    assert "The holidays of 2050 are not loaded." in text_of(page)
    assert seeded.get(CalendarYear, 2050) is None


def test_somebody_without_cases_finds_a_start_page_too(sign_in):
    page = sign_in(TECNICO).get("/")

    assert page.status_code == 200
    assert page.text.count("<h1>") == 1
    assert "/pqr/" not in page.text  # no number leads where the reader may not go


def test_whoever_did_not_sign_in_is_led_to_the_door(client):
    assert client.get("/").location == "/login/"


def test_the_error_page_stands_when_the_database_does_not(tmp_path):
    app = make_app("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=1", tmp_path)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = "1", True

    for address in ("/", "/party/list/", "/pqr/nueva"):
        page = client.get(address)
        assert page.status_code == 503
        assert page.text.count("<h1>") == 1
        assert "Traceback" not in page.text


def test_dates_are_said_as_the_reader_writes_them(app):
    from app.words import say_day, say_instant, say_long_day, say_nit, say_number, say_pesos, say_phone, say_value

    day, moment = date(2026, 7, 24), datetime(2026, 7, 24, 3, 5, tzinfo=UTC)
    with app.test_request_context("/?_l_=es"):
        assert (say_day(day), say_long_day(day), say_instant(moment)) == ("24/07/2026", "viernes 24 de julio de 2026", "23/07/2026 22:05")
        assert (say_pesos(1234567), say_number(1234), say_nit("9001234568")) == ("$ 1.234.567", "1.234", "900.123.456-8")
        assert (say_phone("+573001234567"), say_phone("+12025550143"), say_phone(None)) == ("300\u00a01234567", "+1\u00a0202-555-0143", "—")
    with app.test_request_context("/?_l_=en"):
        assert (say_day(day), say_long_day(day), say_number(1234)) == ("24 Jul 2026", "Friday, 24 July 2026", "1,234")
        assert (say_value(None), say_value(True), say_value([]), say_value(Identity.ANONYMOUS)) == ("—", "Yes", "—", "Anonymous")
