"""The screens of outgoing mail: what became of it, in which words it is written, and how each of the staff hears of things."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from app.domain.notices import NoticeResult
from app.domain.states import Delivery, MessageStatus, NoticeMeans
from app.extensions import db
from app.models import MailLanguage, MessageTemplate, Notice, NoticePreference, OutboxMessage
from app.operations import messages, outbox

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)


@pytest.fixture
def admin(client, a_user, login):
    return login(client, a_user("Admin"))


def a_message(session, n=1, **columns):
    values = {
        "key": f"k{n}", "event": "filed", "to_address": "ana@exmaple.com", "subject": f"Asunto {n}", "body": "Su clave es ABCD-EFGH",
        "status": MessageStatus.FAILED, "n_attempts": 7, "next_attempt_at": AT, "message_id": f"<{n}@example.com>", "created_at": AT,
    }  # fmt: skip
    message = OutboxMessage(**(values | columns))
    session.add(message)
    session.flush()
    return message


# ── What leaves ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_ready_filters_find_what_failed_what_is_in_doubt_and_what_waits(admin, seeded, a_user):
    a_message(seeded, 1)
    a_message(seeded, 2, status=MessageStatus.SENT, sent_at=AT, was_interrupted=True)
    a_message(seeded, 3, status=MessageStatus.HELD, user_id=a_user("Técnico").id)

    found = {}
    for query in ("status=FAILED", "was_interrupted=1", "status=HELD"):
        page = admin.get(f"/outbox/list/?{query}").text
        found[query] = [n for n in (1, 2, 3) if f"Asunto {n}<" in page]

    assert found == {"status=FAILED": [1], "was_interrupted=1": [2], "status=HELD": [3]}


def test_a_message_leaves_again_to_a_corrected_address(admin, seeded):
    message = a_message(seeded)
    assert f'href="/outbox/{message.id}/redirect"' in admin.get(f"/outbox/show/{message.id}").text

    wrong = admin.post(f"/outbox/{message.id}/redirect", data={"to": "ana@"})
    assert wrong.status_code == 422
    assert 'value="ana@"' in wrong.text
    assert admin.post(f"/outbox/{message.id}/redirect", data={"to": "Ana@Example.com"}).status_code == 302

    seeded.expire_all()
    assert (message.to_address, message.status, message.n_attempts) == ("Ana@example.com", MessageStatus.QUEUED, 0)


def test_a_legal_notice_goes_only_where_the_citizen_accepted(admin, seeded):
    message = a_message(seeded, event="answer")

    answer = admin.post(f"/outbox/{message.id}/redirect", data={"to": "otra@example.com"})

    seeded.expire_all()
    assert answer.status_code == 302
    assert message.to_address == "ana@exmaple.com"
    assert "/redirect" not in admin.get(f"/outbox/show/{message.id}").text


def test_giving_up_needs_a_reason_and_the_case_of_a_notice_learns_of_it(admin, seeded, a_case):
    case = a_case()
    notice = Notice(pqr=case, means=NoticeMeans.E_LINK, address="ana@exmaple.com", token="t", sent_at=AT)
    seeded.add(notice)
    seeded.flush()
    message = a_message(seeded, event="answer", key=f"answer:{case.number}:{notice.id}", pqr=case)

    assert admin.post(f"/outbox/{message.id}/give_up", data={"reason": " "}).status_code == 422
    assert admin.post(f"/outbox/{message.id}/give_up", data={"reason": "La dirección no existe"}).status_code == 302

    seeded.expire_all()
    assert (message.status, message.last_error) == (MessageStatus.DISCARDED, "La dirección no existe")
    assert (notice.result, notice.return_reason) == (NoticeResult.RETURNED, "La dirección no existe")
    admin.post(f"/outbox/resend/{message.id}")
    seeded.expire_all()
    assert message.status is MessageStatus.DISCARDED, "its case goes on by itself"


def test_many_are_given_up_or_redirected_at_once_and_what_left_is_left_alone(admin, seeded):
    first, second = a_message(seeded, 1), a_message(seeded, 2)
    left = a_message(seeded, 3, status=MessageStatus.SENT, sent_at=AT)
    rows = [first.id, second.id, left.id]
    plan = admin.post("/outbox/bulk/redirect", data={"row": rows})
    seal = plan.text.partition('name="sure" value="')[2].partition('"')[0]

    admin.post("/outbox/bulk/redirect", data={"row": rows, "sure": seal, "to": "ana@example.com"})

    seeded.expire_all()
    assert [row.to_address for row in (first, second, left)] == ["ana@example.com", "ana@example.com", "ana@exmaple.com"]


def test_what_a_worker_took_meanwhile_is_not_decided_any_more(admin, seeded):
    message = a_message(seeded, status=MessageStatus.SENDING)

    for path in (f"/outbox/{message.id}/redirect", f"/outbox/{message.id}/give_up"):
        assert admin.post(path, data={"to": "b@example.com", "reason": "x"}).status_code == 302

    seeded.expire_all()
    assert (message.status, message.to_address) == (MessageStatus.SENDING, "ana@exmaple.com")


def test_a_decision_about_a_row_that_moved_is_refused(seeded):
    message = a_message(seeded, status=MessageStatus.QUEUED)
    seeded.commit()
    message.status  # noqa: B018  read now, as the page did
    with seeded.no_autoflush:
        seeded.connection().exec_driver_sql(f"UPDATE outbox_message SET status = 'SENDING', n_attempts = 8 WHERE id = {message.id}")

    with pytest.raises(Exception, match="already left"):
        outbox.give_up(seeded, message, "no")


# ── In which words ────────────────────────────────────────────────────────────────────────────────────────────────────────


def template(session, event="filed", language="es"):
    return session.scalars(select(MessageTemplate).filter_by(event=event, language=language)).one()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("Hola {nobody} {number} {key}", "nobody"),
        ("Hola {number} {key} {", "{{"),
        ("Hola {number}", "{key}"),
    ],
)
def test_words_that_could_not_be_sent_are_refused_beside_the_text_and_kept(admin, seeded, body, why):
    row = template(seeded)
    data = {"subject": "Recibida {number}", "body": body, "seen": row.changed_at.isoformat()}

    answer = admin.post(f"/messagetemplate/edit/{row.id}", data=data)

    seeded.expire_all()
    assert answer.status_code == 422
    assert why in answer.text.partition('id="body-error"')[2].partition("</span>")[0].replace("&#123;", "{")
    assert row.body != body


def test_the_house_writes_its_words_and_takes_the_shipped_ones_back(admin, seeded):
    row = template(seeded)
    body = "{greeting}\r\n\r\nSu clave es {key}; su número, {number}."
    data = {"subject": "Radicado {number}", "body": body, "seen": row.changed_at.isoformat()}
    assert admin.post(f"/messagetemplate/edit/{row.id}", data=data).status_code == 302
    seeded.expire_all()
    assert row.body == "{greeting}\n\nSu clave es {key}; su número, {number}."
    assert f'action="/messagetemplate/restore/{row.id}"' in admin.get(f"/messagetemplate/show/{row.id}").text

    admin.post(f"/messagetemplate/restore/{row.id}")
    seeded.expire_all()
    assert (row.subject, row.body) == messages.shipped()["filed", "es"]


def test_a_preview_says_the_facts_of_a_case_and_neither_its_key_nor_its_name(admin, seeded, a_case):
    case, row = a_case(), template(seeded)

    page = admin.get(f"/messagetemplate/preview/{row.id}?n={case.number.lower()}").text
    mail = admin.get(f"/messagetemplate/mail/{row.id}?n={case.number}")

    for text in (page, mail.text):
        assert case.number in text
        assert case.access_key not in text
        assert case.party.name not in text
    assert f'src="/messagetemplate/mail/{row.id}?n={case.number}"' in page
    assert "sandbox" in mail.headers["Content-Security-Policy"]
    assert mail.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_every_template_can_be_previewed(admin, seeded):
    for row in seeded.scalars(select(MessageTemplate)).all():
        assert admin.get(f"/messagetemplate/preview/{row.id}").status_code == 200, row
        assert "{" not in admin.get(f"/messagetemplate/mail/{row.id}").text, row


def test_an_unknown_case_is_said_and_examples_stand_in(admin, seeded):
    page = admin.get(f"/messagetemplate/preview/{template(seeded).id}?n=PQR-1999-000001").text

    assert 'id="n-error"' in page
    assert "PQR-2026-000123" in page


# ── How each hears ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def person(a_user):
    return a_user("Dueño de proceso", "FACTURACION")


@pytest.fixture
def theirs(client, person, login):
    return login(client, person)


def wanted(**more):
    arranged = {name: event.delivery.name for name, event in messages.EVENTS.items() if len(event.deliveries) > 1}
    return {"language": "es", **arranged, **more}


def test_each_chooses_and_only_what_differs_is_kept(theirs, person, seeded):
    assert theirs.post("/mail/preferences/", data=wanted(routed="DIGEST", job_done="NEVER", language="en")).status_code == 302

    rows = seeded.scalars(select(NoticePreference).filter_by(user_id=person.id)).all()
    assert {row.event: row.delivery for row in rows} == {"routed": Delivery.DIGEST, "job_done": Delivery.NEVER}
    assert seeded.get_one(MailLanguage, person.id).language == "en"
    assert '<option selected value="DIGEST">' in theirs.get("/mail/preferences/").text

    theirs.post("/mail/preferences/", data=wanted())
    seeded.expire_all()
    assert seeded.scalars(select(NoticePreference).filter_by(user_id=person.id)).all() == []


def test_what_nobody_may_refuse_is_not_offered_and_not_taken(theirs, person, seeded):
    page = theirs.get("/mail/preferences/").text
    assert 'name="reminder_silence"' not in page
    firm = [name for name, event in messages.EVENTS.items() if event.may_digest and not event.may_refuse]
    assert firm, "something may wait and not be refused"

    answer = theirs.post("/mail/preferences/", data=wanted(**{firm[0]: "NEVER"}))

    assert answer.status_code == 422
    assert seeded.scalars(select(NoticePreference)).all() == []
    with pytest.raises(Exception, match="cannot be refused"):
        messages.choose(db.session(), person, "es", {firm[0]: Delivery.NEVER})
