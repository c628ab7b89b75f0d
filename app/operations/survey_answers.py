"""
The one door by which answers to a survey are written: personal link, printed code, kiosk, telephone, paper and file.

A response is begun, saved as often as needed, and completed or screened out; only while its campaign takes answers. What is kept of it
is always right: what cannot be read is refused beside its question, and answers to questions that no longer show are taken away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from app import queries
from app.domain import N_
from app.domain.campaigns import AnswerVia, CampaignStatus, InviteeStatus, ResponseStatus
from app.domain.errors import DomainError
from app.domain.questionnaires import NA, Asked, Form, QuestionKind, Value, missing, oriented, read_all
from app.extensions import local
from app.models import ConsentText, Party, SurveyAnswer, SurveyCampaign, SurveyInvitee, SurveyOptOut, SurveyResponse
from app.operations import survey_alarms
from app.operations.questionnaires import form_of

#: Channels whose answers nobody comes back to: whoever has gone has gone.
PASSING = (AnswerVia.QR, AnswerVia.KIOSK)
MAX_REASON = 160
_CHANNELS = {
    AnswerVia.LINK: "by_link", AnswerVia.QR: "by_qr", AnswerVia.KIOSK: "by_kiosk", AnswerVia.PHONE: "by_phone", AnswerVia.PAPER: "by_paper",
    AnswerVia.IMPORT: "by_file",
}  # fmt: skip
ANSWERED_ALREADY = N_("This survey was answered already, on %(day)s. There is one answer for each person.")


class StaleAnswers(DomainError):
    """Somebody saved the same answers since they were read: another tab, or the interviewer."""

    msgid = N_(
        "These answers were saved elsewhere while this page was open. What you chose here is still on the page: check it and save again."
    )


class Unanswered(DomainError):
    """Questions that need an answer have none; `names` says under which name each is sent, in the order they are asked."""

    msgid = N_("Questions without an answer: %(n)s.")

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(n=len(names), field=names[0])
        self.names = names


def refusal(campaign: SurveyCampaign, via: AnswerVia, on: date) -> DomainError | None:
    """Return why *campaign* takes no answers by *via* on a day, or None when it does. What comes from a file may be old."""
    if campaign.status is CampaignStatus.CLOSED:
        return DomainError(N_("The survey %(number)s is over: it takes no more answers."), number=campaign.number)
    if campaign.status is CampaignStatus.DROPPED:
        return DomainError(N_("The survey %(number)s was called off."), number=campaign.number)
    if campaign.status is CampaignStatus.PROPOSED:
        return DomainError(N_("The survey %(number)s is not open yet."), number=campaign.number)
    if not getattr(campaign, _CHANNELS[via]):
        return DomainError(N_("The survey %(number)s takes no answers by this way: %(via)s."), number=campaign.number, via=via.value)
    if via is AnswerVia.IMPORT:
        return None
    if on < campaign.opens_on:
        return DomainError(N_("The survey %(number)s opens on %(day)s."), number=campaign.number, day=campaign.opens_on)
    if on > campaign.closes_on:
        return DomainError(N_("The survey %(number)s took answers until %(day)s."), number=campaign.number, day=campaign.closes_on)
    return None


def _hold(session: Session, campaign: SurveyCampaign, via: AnswerVia, at: datetime) -> None:
    """Keep *campaign* as it is until the transaction ends; who answers does not wait for each other. Raises DomainError: see `refusal`."""
    session.refresh(campaign, ["status", "opens_on", "closes_on"], with_for_update={"read": True, "of": SurveyCampaign})
    if error := refusal(campaign, via, local(at).date()):
        raise error


# ── Beginning ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def begin(
    session: Session,
    campaign: SurveyCampaign,
    *,
    via: AnswerVia,
    at: datetime,
    invitee: SurveyInvitee | None = None,
    language: str = "es",
    interviewer_id: int | None = None,
    source: str | None = None,
    source_number: str | None = None,
) -> SurveyResponse:
    """
    Return the response of *invitee*, begun or resumed, or a new one when nobody in particular answers; flushed.

    The segments (quota, contract, service, zone, stratum, process) are copied from the invitee. A complete one is returned only to
    its own personal link, which may change it until the campaign closes.

    Raises:
        DomainError: The campaign takes no answers (see `refusal`), or this person answered or asked for no more surveys.
    """
    _hold(session, campaign, via, at)
    if invitee is not None:
        queries.lock(session, invitee)
        if known := response_of(session, invitee):
            return _resumed(session, known, invitee, via, language, interviewer_id, at)
        if invitee.status is InviteeStatus.OPTED_OUT:
            raise DomainError(N_("%(name)s asked for no more surveys."), name=invitee.name)
    response = SurveyResponse(
        campaign=campaign, invitee=invitee, via=via, language=language, started_at=at, answered_on=local(at).date(),
        interviewer_id=interviewer_id, source=source, source_number=source_number, status=ResponseStatus.PARTIAL, version=0,
        is_named=False, wants_contact=False, wants_case=False, **_segments(campaign, invitee),
    )  # fmt: skip
    session.add(response)
    if invitee is not None:
        invitee.status = InviteeStatus.STARTED
    session.flush()
    return response


def response_of(session: Session, invitee: SurveyInvitee) -> SurveyResponse | None:
    """Return what *invitee* answered so far."""
    return session.scalar(select(SurveyResponse).where(SurveyResponse.invitee_id == invitee.id))


def _segments(campaign: SurveyCampaign, invitee: SurveyInvitee | None) -> dict[str, Any]:
    """Return where whoever is asked belongs today; the zone of an account is its municipality when nobody wrote one."""
    found: dict[str, Any] = {"process_id": campaign.process_id, "zone": ""}
    if invitee is None:
        return found
    quota, account, contract = invitee.quota, invitee.account, invitee.contract
    found |= {"quota": quota, "contract": contract}
    if account is not None:
        found |= {"zone": account.zone or account.municipality.name, "stratum": account.stratum, "service_id": account.service_id}
    if quota is not None:
        found |= {name: value for name in ("zone", "stratum", "service_id") if (value := getattr(quota, name))}
    if contract is not None and contract.process_id is not None:
        found["process_id"] = contract.process_id
    return found


def _resumed(
    session: Session, response: SurveyResponse, invitee: SurveyInvitee, via: AnswerVia, language: str, interviewer_id: int | None,
    at: datetime,
) -> SurveyResponse:  # fmt: skip
    """Return *response* to go on with it. Raises DomainError: it is complete and not to be changed this way, or left out of the count."""
    queries.lock(session, response)
    if response.status is ResponseStatus.SCREENED:
        raise DomainError(N_("This response was left out of the count: %(reason)s"), reason=response.screened_reason)
    if response.status is ResponseStatus.COMPLETE and not (via is response.via is AnswerVia.LINK):
        raise DomainError(ANSWERED_ALREADY, day=response.answered_on)
    if response.status is ResponseStatus.PARTIAL:
        response.via, response.interviewer_id, response.language = via, interviewer_id, language
        invitee.status = InviteeStatus.STARTED
        session.flush()
    return response


# ── Saving ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def save(
    session: Session,
    response: SurveyResponse,
    raw: Mapping[str, Any],
    *,
    at: datetime,
    version: int | None = None,
    form: Form | None = None,
) -> dict[str, DomainError]:
    """
    Store what is right of *raw* and return the refusal of each field that is not, by its name in *raw*; flushed.

    Questions that *raw* does not name stay as they are. After it, what no longer shows is taken away; a complete response that
    lacks an answer now is half-filled again.

    Args:
        raw: As `domain.questionnaires.read_all` takes it.
        version: `response.version` when it was read. With another one now nothing is stored, unless it says what is stored already.
        form: That of its campaign, when it is at hand.

    Raises:
        StaleAnswers: It was saved meanwhile.
        DomainError: The campaign takes no answers any more, or the response does not.
    """
    _hold_response(session, response, at)
    if response.status is ResponseStatus.COMPLETE and response.via in PASSING:
        raise DomainError(ANSWERED_ALREADY, day=response.answered_on)
    form = form or form_of(session, response.campaign.version_id)
    rows = _stored(session, response)
    before = values_of(form, rows)
    values, refused = read_all(form, raw, before)
    if values == before:
        return refused
    if version is not None and version != response.version:
        raise StaleAnswers
    _write(session, response, form, rows, values)
    response.version += 1
    response.answered_on = local(at).date()
    if response.status is ResponseStatus.COMPLETE and missing(form, values):
        response.status, response.completed_at = ResponseStatus.PARTIAL, None
        _mark_invitee(response, InviteeStatus.STARTED)
    session.flush()
    return refused


def _hold_response(session: Session, response: SurveyResponse, at: datetime) -> None:
    """Take *response* until the transaction ends. Raises DomainError: its campaign takes no answers, or it was left out of the count."""
    _hold(session, response.campaign, response.via, at)
    queries.lock(session, response)
    if response.status is ResponseStatus.SCREENED:
        raise DomainError(N_("This response was left out of the count: %(reason)s"), reason=response.screened_reason)


def _stored(session: Session, response: SurveyResponse) -> list[SurveyAnswer]:
    return list(session.scalars(select(SurveyAnswer).where(SurveyAnswer.response_id == response.id).order_by(SurveyAnswer.id)))


def _rows(asked: Asked, value: Value) -> Iterator[dict[str, Any]]:
    """Yield what each row of the answer *value* says, besides its question."""
    if asked.kind is QuestionKind.MATRIX:
        for option in asked.options:
            if option.code in value.rows:
                yield {"option_id": option.id, **_scored(asked, value.rows[option.code])}
    elif value.is_na or value.score is not None:
        yield _scored(asked, value.score)
    elif value.chosen:
        for option in asked.options:
            if option.code in value.chosen:
                yield {"option_id": option.id, "words": (value.other or None) if option.takes_words else None}
    elif value.number is not None:
        yield {"number": value.number}
    else:
        yield {"words": value.words}


def _scored(asked: Asked, score: int | None) -> dict[str, Any]:
    return {"is_na": True} if score is None else {"score": score, "value": oriented(asked, score)}


def _write(session: Session, response: SurveyResponse, form: Form, rows: list[SurveyAnswer], values: Mapping[str, Value]) -> None:
    """Make the stored rows say *values*. A row that says so already stays, and with it what others noted of it."""
    wanted = said_in(form, values)
    for row in rows:
        if wanted.pop(_key(row), None) is None:
            session.delete(row)
    session.flush()  # what goes makes room for what comes
    session.add_all(SurveyAnswer(response_id=response.id, **_columns(key, kind)) for key, kind in wanted.items())


_SAID: dict[str, Any] = {"option_id": None, "score": None, "value": None, "number": None, "words": None, "is_na": False}


def said_in(form: Form, values: Mapping[str, Value]) -> dict[tuple[Any, ...], QuestionKind]:
    """Return what the stored rows of *values* say, each with the kind of its question: equal answers are equal keys."""
    return {
        (asked.id, *(_SAID | said).values()): asked.kind
        for asked in form.questions
        if asked.code in values
        for said in _rows(asked, values[asked.code])
    }


def _key(row: Any) -> tuple[Any, ...]:
    return (row.question_id, *(getattr(row, name) for name in _SAID))


def _columns(key: tuple[Any, ...], kind: QuestionKind) -> dict[str, Any]:
    return {"question_id": key[0], "kind": kind, **dict(zip(_SAID, key[1:], strict=True))}


def _mark_invitee(response: SurveyResponse, status: InviteeStatus) -> None:
    if response.invitee is not None:
        response.invitee.status = status


# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def answers_of(session: Session, response: SurveyResponse, form: Form) -> dict[str, Value]:
    """Return what *response* answers, by code of question, in one statement."""
    return values_of(form, _stored(session, response))


def values_of(form: Form, rows: list[SurveyAnswer]) -> dict[str, Value]:
    """Return what *rows* (of one response) answer, by code of question."""
    by_question: dict[int, list[SurveyAnswer]] = defaultdict(list)
    for row in rows:
        by_question[row.question_id].append(row)
    return {asked.code: _value(asked, by_question[asked.id]) for asked in form.questions if asked.id in by_question}


def _value(asked: Asked, rows: list[SurveyAnswer]) -> Value:
    first, by_option = rows[0], {row.option_id: row for row in rows}
    given = [(option.code, by_option[option.id]) for option in asked.options if option.id in by_option]
    if asked.kind is QuestionKind.MATRIX:
        return Value(rows={code: row.score for code, row in given})
    if given:
        return Value(chosen=tuple(code for code, _row in given), other=next((row.words for _code, row in given if row.words), ""))
    return Value(score=first.score, number=first.number, words=first.words or "", is_na=first.is_na)


def raw_of(values: Mapping[str, Value]) -> dict[str, str | list[str]]:
    """Return *values* as `save` takes them, for a page that shows what was answered."""
    raw: dict[str, str | list[str]] = {}
    for code, value in values.items():
        if value.rows:
            raw |= {f"{code}.{row}": NA if score is None else str(score) for row, score in value.rows.items()}
        elif value.chosen:
            raw |= {code: list(value.chosen), f"{code}.words": value.other}
        else:
            raw[code] = NA if value.is_na else _plain(value)
    return raw


def _plain(value: Value) -> str:
    if value.score is not None:
        return str(value.score)
    return _figure(value.number) if value.number is not None else value.words


def _figure(number: Decimal) -> str:
    return f"{number:f}".rstrip("0").rstrip(".") if number % 1 else f"{number:.0f}"


# ── Ending ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def complete(session: Session, response: SurveyResponse, *, at: datetime, form: Form | None = None) -> SurveyResponse:
    """
    Count the response as filled in, and let its alarms go off; return it, flushed. Done before, it only looks at the alarms again.

    Raises:
        Unanswered: A question that needs an answer has none.
        DomainError: The campaign takes no answers any more, or the response was left out of the count.
    """
    _hold_response(session, response, at)
    form = form or form_of(session, response.campaign.version_id)
    if names := missing(form, answers_of(session, response, form)):
        raise Unanswered(names)
    if response.status is not ResponseStatus.COMPLETE:
        response.status, response.completed_at = ResponseStatus.COMPLETE, at
        _mark_invitee(response, InviteeStatus.ANSWERED)
        session.flush()
    survey_alarms.on_response(session, response, at=at)
    return response


def screen(session: Session, response: SurveyResponse, reason: str, *, at: datetime) -> SurveyResponse:
    """
    Leave the response out of the count; return it, flushed.

    Raises:
        DomainError: No reason, or one that is too long; or the campaign takes no answers any more.
    """
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON:
        raise DomainError(N_("Write why it is left out of the count, in up to %(most)s characters."), field="reason", most=MAX_REASON)
    _hold(session, response.campaign, response.via, at)
    queries.lock(session, response)
    response.status, response.screened_reason, response.completed_at = ResponseStatus.SCREENED, reason, None
    _mark_invitee(response, InviteeStatus.ANSWERED)
    session.flush()
    return response


# ── What whoever answers agrees to ────────────────────────────────────────────────────────────────────────────────────────


def set_wishes(
    session: Session,
    response: SurveyResponse,
    *,
    is_named: bool,
    wants_contact: bool,
    wants_case: bool,
    consent_text: ConsentText | None,
    at: datetime,
) -> None:
    """
    Keep what whoever answers agrees to: their name beside the answers (words *consent_text*), to be contacted, to open a case.

    Raises:
        DomainError: The name is agreed to without the words agreed to, or nobody knows who answers.
    """
    _hold_response(session, response, at)
    if (is_named or wants_contact or wants_case) and response.invitee_id is None:
        raise DomainError(N_("Nobody knows who gave this answer, so there is no name to show and nobody to get in touch with."))
    if is_named and consent_text is None:
        msgid = N_("The words that agree to the name are missing. An administrator has to add them in Consent texts.")
        raise DomainError(msgid, field="is_named")
    response.is_named, response.consent_text = is_named, consent_text if is_named else None
    response.wants_contact, response.wants_case = wants_contact, wants_case
    session.flush()


def withdraw_name(session: Session, response: SurveyResponse) -> None:
    """Take the name away from the answers, also once the campaign is over."""
    queries.lock(session, response)
    response.is_named = False
    session.flush()


def opt_out(session: Session, party_id: int, *, via: AnswerVia, at: datetime, note: str = "") -> SurveyOptOut:
    """Keep that a party wants no more surveys, and ask them nothing more in open campaigns; return the row, flushed. Twice is once."""
    queries.lock(session, session.get_one(Party, party_id))
    row = opt_out_of(session, party_id)
    if row is None:
        row = SurveyOptOut(party_id=party_id, via=via, since_at=at, note=note.strip())
        session.add(row)
    leave_alone(session, party_id)
    return row


def leave_alone(session: Session, party_id: int) -> None:
    """Ask a party nothing more in open campaigns; what they answered is kept."""
    for invitee in _open_invitees(session, party_id):
        if invitee.status in (InviteeStatus.WAITING, InviteeStatus.STARTED, InviteeStatus.LOST):
            invitee.status, invitee.call_at, invitee.held_by_id, invitee.held_until = InviteeStatus.OPTED_OUT, None, None, None
    session.flush()


def opt_out_of(session: Session, party_id: int) -> SurveyOptOut | None:
    """Return that a party wants no more surveys; None when they may be asked."""
    return session.scalar(select(SurveyOptOut).where(SurveyOptOut.party_id == party_id, SurveyOptOut.ended_at.is_(None)))


def opt_in(session: Session, party_id: int, *, at: datetime) -> None:
    """End the opt-out of a party, who may be asked again; open campaigns that had given them up ask them anew. Without one, nothing."""
    queries.lock(session, session.get_one(Party, party_id))
    if (row := opt_out_of(session, party_id)) is None:
        return
    row.ended_at = at
    for invitee in _open_invitees(session, party_id):
        if invitee.status is InviteeStatus.OPTED_OUT:
            invitee.status = InviteeStatus.STARTED if response_of(session, invitee) else InviteeStatus.WAITING
    session.flush()


def _open_invitees(session: Session, party_id: int) -> list[SurveyInvitee]:
    statement = (
        select(SurveyInvitee)
        .join(SurveyCampaign, SurveyCampaign.id == SurveyInvitee.campaign_id)
        .where(SurveyInvitee.party_id == party_id, SurveyCampaign.status == CampaignStatus.OPEN)
        .order_by(SurveyInvitee.id)
    )
    return list(session.scalars(statement.with_for_update(of=SurveyInvitee)))


# ── By the hundred, from a file ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Filled:
    """
    A response as a row of a file brings it, read and right.

    Args:
        number: Its number in the file.
        values: What `read_all` made of its answers.
        reason: Why it is left out of the count; empty for one that is not.
        segments: Columns of the response that say where whoever answered belongs, besides those of *invitee*.
    """

    number: str
    values: Mapping[str, Value]
    started_at: datetime
    ended_at: datetime
    reason: str = ""
    segments: Mapping[str, Any] = field(default_factory=dict)
    invitee: SurveyInvitee | None = None


@dataclass(slots=True)
class Stored:
    """What is there of a row that came before: the columns that a file may change, and the key of each answer with its id."""

    id: int
    facts: dict[str, Any]
    answers: dict[tuple[Any, ...], int]


_TOLD = ("invitee_id", "status", "screened_reason", "started_at", "completed_at", "answered_on", "quota_id", "contract_id", "service_id",
         "process_id", "zone", "stratum")  # fmt: skip


def facts_of(campaign: SurveyCampaign, form: Form, filled: Filled) -> dict[str, Any]:
    """Return the columns of the response that *filled* becomes: left out of the count, filled in, or half-filled."""
    status = ResponseStatus.PARTIAL if missing(form, filled.values) else ResponseStatus.COMPLETE
    status = ResponseStatus.SCREENED if filled.reason else status
    whose = _segments(campaign, filled.invitee) | {name: value for name, value in filled.segments.items() if value not in (None, "")}
    linked = {f"{name}_id": row.id for name in ("quota", "contract") if (row := whose.pop(name, None)) is not None}
    told = {
        "invitee_id": filled.invitee and filled.invitee.id, "status": status, "screened_reason": filled.reason,
        "started_at": filled.started_at, "answered_on": local(filled.ended_at).date(), **linked, **whose,
        "completed_at": filled.ended_at if status is ResponseStatus.COMPLETE else None,
    }  # fmt: skip
    return {name: told.get(name) for name in _TOLD}


def stored_of(session: Session, campaign: SurveyCampaign, source: str, numbers: Sequence[str]) -> dict[str, Stored]:
    """Return what is there of the rows *numbers* of *source*, in two statements."""
    columns = [getattr(SurveyResponse, name) for name in ("id", "source_number", *_TOLD)]
    mine = SurveyResponse.campaign_id == campaign.id, SurveyResponse.source == source, SurveyResponse.source_number.in_(numbers)
    rows = session.execute(select(*columns).where(*mine)).all()
    found = {row.id: Stored(row.id, {name: getattr(row, name) for name in _TOLD}, {}) for row in rows}
    its = [SurveyAnswer.id, SurveyAnswer.response_id, SurveyAnswer.question_id, *(getattr(SurveyAnswer, name) for name in _SAID)]
    for row in session.execute(select(*its).where(SurveyAnswer.response_id.in_(found))) if found else ():
        found[row.response_id].answers[_key(row)] = row.id
    return {row.source_number: found[row.id] for row in rows}


def bring_in(
    session: Session, campaign: SurveyCampaign, form: Form, source: str, lines: Sequence[tuple[Filled, Stored | None]], *, at: datetime,
    actor_id: int | None,
) -> None:  # fmt: skip
    """
    Write responses of a file, new or over what is there of them, in a fixed number of statements; alarms of new ones go off.

    Answers that stay as they were keep their row, and with it what others noted of it.

    Raises:
        DomainError: The campaign takes no answers from a file (see `refusal`).
    """
    _hold(session, campaign, AnswerVia.IMPORT, at)
    fresh = {
        "campaign_id": campaign.id, "via": AnswerVia.IMPORT, "language": "es", "interviewer_id": actor_id, "is_named": False,
        "wants_contact": False, "wants_case": False, "source": source, "version": 0,
    }  # fmt: skip
    facts = {filled.number: facts_of(campaign, form, filled) for filled, _stored in lines}
    if new := [fresh | {"source_number": filled.number} | facts[filled.number] for filled, stored in lines if stored is None]:
        session.execute(insert(SurveyResponse.__table__), new)
    if known := [{"key": stored.id} | facts[filled.number] for filled, stored in lines if stored is not None]:
        table = SurveyResponse.__table__
        changed = {name: bindparam(name) for name in _TOLD} | {"version": table.c.version + 1}
        session.connection().execute(update(table).where(table.c.id == bindparam("key")).values(changed), known)
    mine = SurveyResponse.campaign_id == campaign.id, SurveyResponse.source == source
    numbers = SurveyResponse.source_number.in_([filled.number for filled, _stored in lines])
    named = session.execute(select(SurveyResponse.source_number, SurveyResponse.id).where(*mine, numbers))
    ids = {row.source_number: row.id for row in named}
    _write_answers(session, form, [(ids[filled.number], filled, stored) for filled, stored in lines])
    for filled, _stored in lines:
        if filled.invitee is not None:
            is_half = facts[filled.number]["status"] is ResponseStatus.PARTIAL
            filled.invitee.status = InviteeStatus.STARTED if is_half else InviteeStatus.ANSWERED
    session.flush()
    complete_ids = [ids[line["source_number"]] for line in new if line["status"] is ResponseStatus.COMPLETE]
    if survey_alarms.listens(session, campaign):
        for response_id in complete_ids:
            survey_alarms.on_response(session, session.get_one(SurveyResponse, response_id), at=at)


def _write_answers(session: Session, form: Form, lines: Sequence[tuple[int, Filled, Stored | None]]) -> None:
    """Make the answers of responses say what their rows of the file do."""
    gone: list[dict[str, int]] = []
    come: list[dict[str, Any]] = []
    for response_id, filled, stored in lines:
        wanted, there = said_in(form, filled.values), stored.answers if stored else {}
        gone += [{"key": answer_id} for key, answer_id in there.items() if key not in wanted]
        come += [{"response_id": response_id, **_columns(key, kind)} for key, kind in wanted.items() if key not in there]
    table = SurveyAnswer.__table__
    if gone:
        session.connection().execute(delete(table).where(table.c.id == bindparam("key")), gone)
    if come:
        session.execute(insert(table), come)
