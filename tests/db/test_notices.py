"""From the answer to its notice: the chain with its letters, what comes back, what is refused, and the night that serves."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from app import documents, queries
from app.documents import notices as letters
from app.domain.errors import IllegalMove, MoveRefused
from app.domain.notices import NoticeStep
from app.domain.states import DocumentKind, Identity, Move, NoticeMeans, NoticeResult, Outcome, PqrStatus
from app.models import Document, LegalTerm, Notice, Parameter, Process, RequestType
from app.operations import answers, messages, notices
from app.operations import pqr as moves
from app.operations.notices import Proof, Sending

HOME = "Calle 5 # 4-3"


def instant(day: str, hour: int = 10) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00-05:00").astimezone(UTC)


def d(day: str) -> date:
    return date.fromisoformat(day)


@pytest.fixture
def clerk(a_user):
    return a_user("Auxiliar PQR")


@pytest.fixture
def boss(a_user):
    return a_user("Subgerente administrativo y comercial")


@pytest.fixture
def answered(seeded, a_case, boss):
    """answered(day="2026-07-10", **fields) → a case filed and answered on one day: every term of its notice counts from there."""

    def answer(day="2026-07-10", **fields):
        pqr = a_case(at=instant(day, 8), **{"notice_address": HOME, **fields})
        desk = seeded.scalars(select(Process).where(Process.is_front_desk.is_(False)).order_by(Process.id)).first()
        moves.route(seeded, pqr, desk, "Revisar", at=instant(day, 9), actor_id=None)
        moves.solve(seeded, pqr, "Se revisó el medidor.", Outcome.DENIED, at=instant(day, 10), actor_id=None)
        answers.save_draft(seeded, pqr, "Revisamos el medidor y no accedemos.", None)
        documents.issue_answer(seeded, pqr, boss, instant(day, 11))
        return pqr

    return answer


@pytest.fixture
def act(seeded, clerk):
    """What staff does to a case, each on its day: act.summon(pqr, "2026-07-14"), act.send(…), act.post(…), act.deliver(…)…"""

    class Acts:
        def summon(self, pqr, day, address=HOME, **way):
            return letters.issue_summons(seeded, pqr, Sending(d(day), address, **way), issuer=clerk, at=instant(day))

        def send(self, pqr, day, address=HOME, at=None):
            sending = Sending(d(day), address, "4-72", "RA123")
            return letters.issue_aviso(seeded, pqr, sending, issuer=clerk, at=instant(at or day))

        def post(self, pqr, day):
            return letters.issue_aviso(seeded, pqr, Sending(d(day), posted_where="Cartelera del centro"), issuer=clerk, at=instant(day))

        def deliver(self, notice, day, at=None, proof="Recibió el portero, CC 9"):
            how = {"on": d(day), "at": instant(at or day), "actor_id": clerk.id}
            return notices.record_delivery(seeded, notice, Proof(proof), **how)

        def bring_back(self, notice, day, reason="No existe la dirección"):
            return notices.record_return(seeded, notice, reason, on=d(day), at=instant(day), actor_id=clerk.id)

        def take_down(self, notice, day):
            return notices.unpost_aviso(seeded, notice, on=d(day), at=instant(day, 16), actor_id=clerk.id)

        def come(self, pqr, day, proof="Recibió Luz, CC 52", **more):
            return notices.record_notice(seeded, pqr, served_on=d(day), proof=proof, at=instant(day), actor_id=clerk.id, **more)

    return Acts()


def step(session, pqr, day) -> NoticeStep:
    """Return what comes next, through what the page of the case reads."""
    session.expire(pqr, ["notices"])
    return notices.chain_of(session, pqr, d(day), queries.case_acts(session, pqr)).next.step


def text_of(document: Document) -> str:
    """Return all words of a letter, lines joined."""
    pages = PdfReader(io.BytesIO(documents.document_bytes(document))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def request_type(session, code: str) -> RequestType:
    return session.scalars(select(RequestType).where(RequestType.code == code)).one()


def state(pqr) -> tuple[object, ...]:
    return pqr.status, pqr.notified_on, pqr.appeal_until


def test_what_is_published_is_neither_delivered_nor_does_it_come_back(seeded, answered, act):
    pqr = answered()
    act.bring_back(act.summon(pqr, "2026-07-10"), "2026-07-13")
    mailed, posted = act.send(pqr, "2026-07-22"), act.post(pqr, "2026-07-22")

    for wrongly in (act.deliver, act.bring_back):
        with pytest.raises(MoveRefused, match="Nobody carries this one"):
            wrongly(posted, "2026-07-23")
    assert (posted.result, mailed.result) == (NoticeResult.PENDING, NoticeResult.PENDING)
    act.deliver(mailed, "2026-07-23")
    assert mailed.result is NoticeResult.DELIVERED


# ── The whole chain ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_from_the_summons_to_the_aviso_across_the_holidays_of_july(seeded, answered, act):
    pqr = answered("2026-07-10")
    assert step(seeded, pqr, "2026-07-10") is NoticeStep.SUMMON

    summons = act.summon(pqr, "2026-07-14")
    assert (summons.appear_by, summons.paper.kind) == (d("2026-07-22"), DocumentKind.SUMMONS)
    assert step(seeded, pqr, "2026-07-22") is NoticeStep.AWAIT_APPEARANCE

    with pytest.raises(MoveRefused, match="may still come"):
        act.send(pqr, "2026-07-22")
    aviso = act.send(pqr, "2026-07-23")
    assert summons.result is NoticeResult.NOT_APPEARED
    assert step(seeded, pqr, "2026-07-23") is NoticeStep.AWAIT_CARRIER

    act.deliver(aviso, "2026-07-25", at="2026-07-25")  # a Saturday
    assert (aviso.served_on, *state(pqr)) == (d("2026-07-27"), PqrStatus.ANSWERED, None, None)
    assert step(seeded, pqr, "2026-07-26") is NoticeStep.AWAIT_SERVED

    assert notices.serve_due(seeded, instant("2026-07-26", 23)) == 0
    assert notices.serve_due(seeded, instant("2026-07-27", 1)) == 1
    assert state(pqr) == (PqrStatus.NOTIFIED, d("2026-07-27"), d("2026-08-03"))
    assert notices.serve_due(seeded, instant("2026-07-28", 1)) == 0
    assert pqr.answered_on == d("2026-07-10")


def test_a_delivery_told_late_notifies_at_once_with_the_day_that_counts(seeded, answered, act):
    pqr = answered("2026-07-10")
    act.summon(pqr, "2026-07-14")
    aviso = act.send(pqr, "2026-07-23")
    act.deliver(aviso, "2026-07-24", at="2026-08-10")

    assert state(pqr) == (PqrStatus.NOTIFIED, d("2026-07-27"), d("2026-08-03"))
    assert [event.move for event in pqr.events][-2:] == [Move.RECORD_DELIVERY, Move.NOTIFY]
    assert pqr.events[-1].on == d("2026-07-27")


def test_across_the_year_end_a_published_aviso_is_served_after_epiphany(seeded, answered, act, a_party):
    pqr = answered("2026-12-18", notice_address=None, party=a_party(email=None, phone=None, address=None))
    assert not notices.where_to(pqr)
    assert step(seeded, pqr, "2026-12-18") is NoticeStep.POST_SUMMONS

    act.summon(pqr, "2026-12-22", address="", posted_where="Cartelera del centro")
    aviso = act.post(pqr, "2026-12-31")
    assert (aviso.posted_on, aviso.post_until) == (d("2026-12-31"), d("2027-01-08"))
    with pytest.raises(MoveRefused, match="stays posted until 08/01/2027"):
        act.take_down(aviso, "2027-01-07")
    act.take_down(aviso, "2027-01-08")

    assert (aviso.served_on, pqr.status) == (d("2027-01-12"), PqrStatus.ANSWERED)
    assert notices.serve_due(seeded, instant("2027-01-12", 0)) == 1
    assert pqr.notified_on == d("2027-01-12")


def test_returned_mail_is_tried_again_and_then_published(seeded, answered, act):
    pqr = answered("2026-03-25")
    first = act.summon(pqr, "2026-03-30")
    act.bring_back(first, "2026-04-01")
    assert step(seeded, pqr, "2026-04-01") is NoticeStep.RETRY_SUMMONS

    again = act.summon(pqr, "2026-04-06", address="Carrera 9 # 1-2")
    assert (again.retry_of, again.appear_by) == (first, d("2026-04-13"))
    aviso = act.send(pqr, "2026-04-14", address="Carrera 9 # 1-2")
    act.bring_back(aviso, "2026-04-17", "Se trasladó")
    assert step(seeded, pqr, "2026-04-17") is NoticeStep.POST_AVISO
    posted = act.post(pqr, "2026-04-20")
    assert (posted.retry_of, posted.post_until) == (aviso, d("2026-04-27"))


def test_the_citizen_who_comes_is_notified_that_day_also_after_the_term(seeded, answered, act):
    pqr = answered("2026-07-10")
    summons = act.summon(pqr, "2026-07-14")
    act.come(pqr, "2026-07-24")

    assert state(pqr) == (PqrStatus.NOTIFIED, d("2026-07-24"), d("2026-07-31"))
    assert summons.result is NoticeResult.APPEARED


def test_whoever_shows_to_know_the_answer_is_notified_on_that_day(seeded, answered, act):
    pqr = answered("2026-07-10")
    act.come(pqr, "2026-07-15", proof="Presentó el recurso RAD-9 y cita la respuesta", means=NoticeMeans.CONDUCT)

    assert state(pqr)[:2] == (PqrStatus.NOTIFIED, d("2026-07-15"))


def test_an_anonymous_answer_is_published_without_a_name(seeded, answered, act):
    pqr = answered("2026-07-10", identity=Identity.ANONYMOUS, party=None, notice_address=None)
    with pytest.raises(MoveRefused, match="nobody to summon"):
        act.summon(pqr, "2026-07-14")
    aviso = act.post(pqr, "2026-07-14")
    act.take_down(aviso, "2026-07-22")

    assert aviso.served_on == d("2026-07-23")


# ── Links ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def by_link(answered):
    return answered("2026-07-10", is_e_notice=True, notice_email="luz@example.com")


def test_a_link_that_stays_unopened_or_bounces_leads_to_the_summons(seeded, answered):
    pqr = by_link(answered)
    link = notices.start_e_notice(seeded, pqr, at=instant("2026-07-10", 12))
    assert step(seeded, pqr, "2026-07-16") is NoticeStep.AWAIT_ACCESS
    assert step(seeded, pqr, "2026-07-17") is NoticeStep.SUMMON

    notices.record_bounce(seeded, link, "550 no such user", at=instant("2026-07-14"))
    assert (link.result, link.returned_on, link.return_reason) == (NoticeResult.RETURNED, d("2026-07-14"), "550 no such user")
    assert step(seeded, pqr, "2026-07-14") is NoticeStep.SUMMON


def test_mail_that_the_server_refuses_for_good_comes_back(seeded, answered):
    pqr = by_link(answered)
    link = notices.start_e_notice(seeded, pqr, at=instant("2026-07-10", 12))
    sent = messages.tell_answer(seeded, pqr, link, "https://example.com/n/x", instant("2026-07-10", 12))
    other = messages.tell_filed(seeded, pqr, instant("2026-07-10", 12))

    assert notices.record_refusal(seeded, other, "550 no such user", at=instant("2026-07-10", 13)) is None
    assert link.result is NoticeResult.PENDING
    assert notices.record_refusal(seeded, sent, "550 no such user", at=instant("2026-07-10", 13)) is link
    assert (link.result, link.return_reason) == (NoticeResult.RETURNED, "550 no such user")


def test_one_case_that_cannot_be_served_stops_no_other(seeded, answered, act):
    stuck, fine = answered("2026-07-10"), answered("2026-07-10", request_type=request_type(seeded, "INFORMACION"))
    for pqr in (stuck, fine):
        act.summon(pqr, "2026-07-14")
        act.deliver(act.send(pqr, "2026-07-23"), "2026-07-24")
    for term in seeded.scalars(select(LegalTerm).where(LegalTerm.act == "APPEAL")):
        seeded.delete(term)
    seeded.flush()
    queries.forget_calendar(seeded)

    assert notices.serve_due(seeded, instant("2026-07-27", 1)) == 1
    assert (stuck.status, fine.status) == (PqrStatus.ANSWERED, PqrStatus.NOTIFIED)


def test_the_days_of_a_link_are_a_parameter(seeded, answered):
    pqr = by_link(answered)
    notices.start_e_notice(seeded, pqr, at=instant("2026-07-10", 12))
    seeded.scalars(select(Parameter).where(Parameter.key == "notice.link_days")).one().value = "1"
    seeded.flush()

    assert step(seeded, pqr, "2026-07-15") is NoticeStep.SUMMON


def test_a_link_opened_before_the_aviso_is_served_counts_on_its_own_day(seeded, answered, act):
    pqr = by_link(answered)
    link = notices.start_e_notice(seeded, pqr, at=instant("2026-07-10", 12))
    act.summon(pqr, "2026-07-14")
    act.deliver(act.send(pqr, "2026-07-23"), "2026-07-24")
    notices.serve_e_notice(seeded, link, at=instant("2026-07-25"), address="203.0.113.9")

    assert state(pqr)[:2] == (PqrStatus.NOTIFIED, d("2026-07-25"))
    assert notices.serve_due(seeded, instant("2026-07-27", 1)) == 0


def test_a_link_opened_after_another_notice_stays_a_proof_and_moves_nothing(seeded, answered, act):
    pqr = by_link(answered)
    link = notices.start_e_notice(seeded, pqr, at=instant("2026-07-10", 12))
    act.come(pqr, "2026-07-14")
    notices.serve_e_notice(seeded, link, at=instant("2026-07-15"), address="203.0.113.9")

    assert (pqr.notified_on, link.opened_from) == (d("2026-07-14"), "203.0.113.9")


def test_the_certificate_of_an_access_is_made_once_and_says_what_happened(seeded, answered):
    pqr = by_link(answered)
    link = notices.start_e_notice(seeded, pqr, at=instant("2026-07-10", 12))
    with pytest.raises(MoveRefused, match="Nobody has opened"):
        letters.certificate_of(seeded, link, instant("2026-07-11"))
    notices.serve_e_notice(seeded, link, at=instant("2026-07-14", 20), address="203.0.113.9")
    paper = letters.certificate_of(seeded, link, instant("2026-07-15"))

    assert letters.certificate_of(seeded, link, instant("2026-08-15")) is paper is link.paper
    said = text_of(paper)
    assert paper.kind is DocumentKind.NOTICE_CERTIFICATE
    assert all(words in said for words in (pqr.answer.number, "14 de julio de 2026, 20:00:00", "203.0.113.9", "luz@example.com"))


# ── The letters ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_aviso_carries_its_lawful_content_and_a_full_copy_of_the_answer(seeded, answered, act):
    pqr = answered("2026-07-10")
    summons = act.summon(pqr, "2026-07-14")
    aviso = act.send(pqr, "2026-07-23")
    said = text_of(aviso.paper)

    assert pqr.answer.number in said
    assert summons.paper.number in said
    assert "Superintendencia de Servicios Públicos Domiciliarios" in said, "the recursos, and before whom"
    assert "al finalizar el día siguiente al de la entrega" in said
    assert "Revisamos el medidor y no accedemos." in said, "the copy"
    copied = PdfReader(io.BytesIO(documents.document_bytes(pqr.answer.document))).pages
    whole = PdfReader(io.BytesIO(documents.document_bytes(aviso.paper))).pages
    assert [page.extract_text() for page in whole[-len(copied) :]] == [page.extract_text() for page in copied]


def test_what_is_published_says_no_address_of_the_citizen_nor_of_the_account(seeded, answered, act, an_account):
    account = an_account(address="Carrera Privada 77")
    pqr = answered("2026-07-10", account=account)
    act.bring_back(act.summon(pqr, "2026-07-14"), "2026-07-15")
    said = text_of(act.post(pqr, "2026-07-23").paper)
    own = said[: said.index("Revisamos el medidor")]

    assert "Cartelera del centro" in own
    assert HOME not in own.partition(pqr.answer.number)[0]
    assert "Carrera Privada 77" not in own.partition("copia íntegra")[0]


def test_the_letters_of_a_reserved_identity_do_not_say_where_they_go(seeded, answered, act):
    pqr = answered("2026-07-10", identity=Identity.RESERVED)
    summons = act.summon(pqr, "2026-07-14")

    assert HOME not in text_of(summons.paper)
    assert pqr.party.name not in text_of(summons.paper)


def test_the_record_of_who_came_has_a_line_to_sign(seeded, answered, clerk):
    pqr = answered("2026-07-10")
    came = letters.Appeared("Luz Dary Soto", "CC 52.123.456", "apoderada de la usuaria")
    paper = letters.issue_personal_notice(seeded, pqr, came, d("2026-07-14"), issuer=clerk, at=instant("2026-07-14"))
    said = text_of(paper)

    assert all(words in said for words in ("Luz Dary Soto", "CC 52.123.456", "apoderada de la usuaria", "Persona notificada"))
    with pytest.raises(MoveRefused, match="who came"):
        letters.issue_personal_notice(seeded, pqr, letters.Appeared("", ""), d("2026-07-14"), issuer=clerk, at=instant("2026-07-14"))


def test_numbers_of_letters_have_no_gap_after_a_refusal(seeded, answered, act):
    pqr = answered("2026-07-10")
    first = act.summon(pqr, "2026-07-14")
    with seeded.begin_nested() as savepoint:
        with pytest.raises(MoveRefused):
            act.send(pqr, "2026-07-15")
        savepoint.rollback()
    act.bring_back(first, "2026-07-16")
    second = act.summon(pqr, "2026-07-17", address="Otra 1")

    assert [first.paper.number, second.paper.number] == ["CIT-2026-000001", "CIT-2026-000002"]
    assert seeded.scalars(select(Document).where(Document.kind == DocumentKind.AVISO)).all() == []


# ── Refused ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_notified_before_the_answer(seeded, a_case, act):
    pqr = a_case(at=instant("2026-07-10"), notice_address=HOME)
    for attempt in (lambda: act.summon(pqr, "2026-07-10"), lambda: act.come(pqr, "2026-07-10"), lambda: act.post(pqr, "2026-07-10")):
        with pytest.raises((IllegalMove, MoveRefused)):
            attempt()
    assert seeded.scalars(select(Notice)).all() == []


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (lambda act, pqr: act.send(pqr, "2026-07-14"), "no summons yet"),
        (lambda act, pqr: act.post(pqr, "2026-07-14"), "no summons yet"),
        (lambda act, pqr: act.summon(pqr, "2026-07-09"), "cannot be notified earlier"),
        (lambda act, pqr: act.summon(pqr, "2026-07-14", address=""), "where the summons is sent"),
        (lambda act, pqr: act.summon(pqr, "2026-07-14", address="", posted_where="Cartelera"), "address in the file"),
        (lambda act, pqr: act.come(pqr, "2026-07-14", proof="  "), "without proof is no notice"),
        (lambda act, pqr: act.come(pqr, "2026-07-14", means=NoticeMeans.DELIVERY), "a delivery alone is no notice"),
    ],
)
def test_a_step_out_of_turn_is_refused_with_the_rule(seeded, answered, act, attempt, said):
    pqr = answered("2026-07-10")

    with pytest.raises(MoveRefused, match=said):
        attempt(act, pqr)
    assert state(pqr) == (PqrStatus.ANSWERED, None, None)
    assert seeded.scalars(select(Notice)).all() == []


def test_an_aviso_is_not_published_while_there_is_an_address(seeded, answered, act):
    pqr = answered("2026-07-10")
    act.summon(pqr, "2026-07-14")

    with pytest.raises(MoveRefused, match="only when there is none, or the mail came back"):
        act.post(pqr, "2026-07-23")


def test_an_answer_is_served_once(seeded, answered, act):
    pqr = answered("2026-07-10")
    act.summon(pqr, "2026-07-14")
    aviso = act.send(pqr, "2026-07-23")
    act.deliver(aviso, "2026-07-24")  # served at the end of the 27th

    for second in (lambda: act.come(pqr, "2026-07-25"), lambda: act.send(pqr, "2026-07-25"), lambda: act.deliver(aviso, "2026-07-25")):
        with pytest.raises(MoveRefused, match="served on 27/07/2026"):
            second()
    notices.serve_due(seeded, instant("2026-07-27"))
    with pytest.raises(IllegalMove):
        act.come(pqr, "2026-07-28")


def test_a_delivery_needs_proof_and_cannot_precede_its_sending(seeded, answered, act):
    pqr = answered("2026-07-10")
    act.summon(pqr, "2026-07-14")
    aviso = act.send(pqr, "2026-07-23")

    with pytest.raises(MoveRefused, match="without proof"):
        act.deliver(aviso, "2026-07-24", proof=" ")
    with pytest.raises(MoveRefused, match="left on 23/07/2026"):
        act.deliver(aviso, "2026-07-22", at="2026-07-24")
    with pytest.raises(MoveRefused, match="why it came back"):
        act.bring_back(aviso, "2026-07-24", " ")
    act.bring_back(aviso, "2026-07-24")
    with pytest.raises(MoveRefused, match="written already"):
        act.deliver(aviso, "2026-07-25")


def test_a_regime_without_the_chain_delivers_with_proof_and_knows_no_aviso(seeded, answered, act):
    pqr = answered("2026-07-10", request_type=request_type(seeded, "HABEAS_DATA_CONSULTA"))
    assert step(seeded, pqr, "2026-07-10") is NoticeStep.DELIVER

    with pytest.raises(MoveRefused, match="neither summons nor aviso"):
        act.summon(pqr, "2026-07-14")
    act.come(pqr, "2026-07-14", means=NoticeMeans.DELIVERY)
    assert state(pqr) == (PqrStatus.NOTIFIED, d("2026-07-14"), None)


def test_an_answer_that_admits_no_recurso_has_no_term_to_appeal(seeded, answered, act):
    pqr = answered("2026-07-10", request_type=request_type(seeded, "INFORMACION"))
    act.come(pqr, "2026-07-14")

    assert state(pqr) == (PqrStatus.NOTIFIED, d("2026-07-14"), None)
