"""The public page of avisos: what is posted today, what it never says, and what is gone; and links to any document."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.domain.states import DocumentKind, Identity, NoticeResult
from app.models import Document, Notice
from app.operations import notices
from tests.db.test_notices import act, answered, boss, by_link, clerk, instant  # noqa: F401  a case answered on a day, and what staff does to it

HIDDEN = {"name": "Nombre Que Nadie Debe Leer", "document_number": "98765432", "email": None, "phone": None, "address": None}
NOWHERE = {"email": None, "phone": None, "address": None}


@pytest.fixture
def posted(seeded, answered, act, a_party):  # noqa: F811
    """posted(**fields) → the aviso of a case answered on 10 July and published on the 23rd."""

    def post(**fields):
        party = a_party(**{"name": "Rosa Elena Díaz", "document_number": "41555666", **NOWHERE, **fields.pop("who", {})})
        pqr = answered("2026-07-10", notice_address=None, party=party, **fields)
        act.summon(pqr, "2026-07-14", address="", posted_where="Cartelera del centro")
        aviso = act.post(pqr, "2026-07-23")
        seeded.commit()
        return aviso

    return post


def test_nothing_posted_is_said_so(seeded, client):
    page = client.get("/avisos?_l_=en")

    assert page.status_code == 200
    assert "Today there is none." in page.text


def test_the_page_says_number_dates_and_the_name_of_a_named_petitioner(posted, client, at):
    aviso = posted()
    at("2026-07-24T09:00-05:00")
    page = client.get("/avisos?_l_=en")

    assert aviso.paper.number in page.text
    assert "Rosa Elena Díaz" in page.text
    assert "Cartelera del centro" in page.text
    assert all(day in page.text for day in ("23 July", "30 July"))
    assert "41555666" not in page.text
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert "<script" not in page.text
    assert len(page.data) < 60_000


def test_a_summons_without_address_is_posted_until_its_days_are_over(posted, client, at):
    posted()
    summons = "CIT-2026-000001"
    at("2026-07-22T09:00-05:00")
    assert summons in client.get("/avisos").text
    at("2026-07-23T09:00-05:00")
    assert summons not in client.get("/avisos").text
    assert client.get(f"/avisos/{summons}.pdf").status_code == 410


def test_a_reserved_identity_is_never_read_there(posted, client, at):
    aviso = posted(identity=Identity.RESERVED, who=HIDDEN)
    at("2026-07-24T09:00-05:00")
    page = client.get("/avisos")

    assert aviso.paper.number in page.text
    assert "Nombre Que Nadie" not in page.text
    assert "98765432" not in page.text


def test_the_letter_opens_while_it_is_posted_and_is_gone_afterwards(seeded, posted, act, client, at):  # noqa: F811
    aviso = posted()
    at("2026-07-30T09:00-05:00")
    letter = client.get(f"/avisos/{aviso.paper.number}.pdf")
    assert letter.data.startswith(b"%PDF")
    assert letter.headers["X-Robots-Tag"].startswith("noindex")

    act.take_down(aviso, "2026-07-30")
    seeded.commit()
    gone = client.get(f"/avisos/{aviso.paper.number.lower()}.pdf?_l_=en")
    assert (gone.status_code, "is no longer published" in gone.text) == (410, True)
    assert aviso.paper.number not in client.get("/avisos").text


def test_no_other_document_opens_there(seeded, posted, client):
    posted()
    for kind in (DocumentKind.ANSWER,):
        number = seeded.scalars(select(Document.number).where(Document.kind == kind)).first()
        assert client.get(f"/avisos/{number}.pdf").status_code == 404
    assert client.get("/avisos/AVI-2026-999999.pdf").status_code == 404
    assert client.get("/avisos/" + "A" * 500 + ".pdf").status_code == 404


def test_the_certificate_downloads_as_the_same_file_each_time(seeded, answered, client):  # noqa: F811
    pqr = by_link(answered)
    link = notices.start_e_notice(seeded, pqr, at=instant("2026-07-10", 12))
    seeded.commit()
    assert client.get(f"/n/{link.token}/constancia.pdf").status_code == 302, "nothing to certify yet"
    client.post(f"/n/{link.token}")
    first = client.get(f"/n/{link.token}/constancia.pdf").data
    seeded.expire_all()
    link = seeded.scalars(select(Notice)).one()

    assert first.startswith(b"%PDF") and first == client.get(f"/n/{link.token}/constancia.pdf").data
    assert (link.paper.kind, link.result) == (DocumentKind.NOTICE_CERTIFICATE, NoticeResult.DELIVERED)


def test_a_link_may_carry_any_document_of_the_case_and_its_opening_is_recorded(seeded, answered, clerk, client):  # noqa: F811
    from app.documents import issue_act

    pqr = by_link(answered)
    fields = {"reason": "Faltan pruebas", "old_due": "4 de agosto", "due": "10 de agosto", "norm": "Ley 1755"}
    document = issue_act(seeded, pqr, DocumentKind.EXTENSION, issuer=clerk, at=instant("2026-07-10", 12), fields=fields)
    link = notices.start_e_notice(seeded, pqr, at=instant("2026-07-10", 12), document=document)
    seeded.commit()
    before = client.get(f"/n/{link.token}?_l_=en")
    assert document.number in before.text and "See the document" in before.text
    page = client.post(f"/n/{link.token}?_l_=en")
    seeded.expire_all()

    assert "Download the document (PDF)" in page.text
    file = client.get(page.text.split('href="/pqr/archivo/')[1].split('"')[0].join(("/pqr/archivo/", "")))
    assert file.data.startswith(b"%PDF")
    opened = seeded.scalars(select(Notice)).one()
    assert (opened.opened_from, opened.pqr.notified_on) == ("127.0.0.1", None), "the answer is another document"


def test_the_citizen_who_was_summoned_reads_until_when_to_come(seeded, answered, act, client):  # noqa: F811
    pqr = answered("2026-07-10")
    act.summon(pqr, "2026-07-14")
    seeded.commit()
    page = client.post("/pqr/consulta?_l_=en", data={"number": pqr.number, "key": pqr.access_key})

    assert "come until Wednesday, 22 July 2026" in page.text
    assert "CIT-2026-000001" in page.text
    way = page.text.split("CIT-2026-000001")[0].rpartition('href="')[2].partition('"')[0]
    assert client.get(way).data.startswith(b"%PDF")


def test_the_aviso_with_its_copy_of_the_answer_opens_with_the_answer(seeded, answered, act, client):  # noqa: F811
    pqr = answered("2026-07-10")
    act.summon(pqr, "2026-07-14")
    aviso = act.send(pqr, "2026-07-23")
    seeded.commit()
    key = {"number": pqr.number, "key": pqr.access_key}
    assert "AVI-2026-000001" not in client.post("/pqr/consulta", data=key).text

    act.deliver(aviso, "2026-07-24", at="2026-07-28")
    seeded.commit()
    assert "AVI-2026-000001" in client.post("/pqr/consulta", data=key).text


def test_an_act_that_waits_for_its_e_notice_is_reached_by_its_link_only(seeded, answered, clerk, client):  # noqa: F811
    from app.documents import issue_act

    pqr = by_link(answered)
    fields = {"reason": "Faltan pruebas", "old_due": "4 de agosto", "due": "10 de agosto", "norm": "Ley 1755"}
    document = issue_act(seeded, pqr, DocumentKind.EXTENSION, issuer=clerk, at=instant("2026-07-10", 12), fields=fields)
    link = notices.start_e_notice(seeded, pqr, at=instant("2026-07-10", 12), document=document)
    seeded.commit()
    key = {"number": pqr.number, "key": pqr.access_key}

    assert f'href="/n/{link.token}"' in client.post("/pqr/consulta", data=key).text
    client.post(f"/n/{link.token}")
    assert f'href="/n/{link.token}"' not in client.post("/pqr/consulta", data=key).text
