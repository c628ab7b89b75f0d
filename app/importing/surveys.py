"""
Answers to a survey of ours that others collected: a row for each person, a column for each question of the form of its campaign.

What is written goes through `operations.survey_answers`, so a score out of its scale or an option that the form lacks is refused with its
row. Reversed questions are in the file as they were asked, and turned round once, when they are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from app.domain import N_
from app.domain.campaigns import SPLITS, AnswerVia, CampaignStatus, InviteeStatus
from app.domain.errors import DomainError
from app.domain.questionnaires import NA, Asked, Choice, Form, QuestionKind, read_all
from app.extensions import LOCAL_ZONE, local
from app.importing.cells import is_blank
from app.importing.kinds import Fate, Field, Kind, Option, Row, Run, Type, register
from app.importing.past import ANSWERS
from app.models import Account, Contract, Service, SurveyCampaign, SurveyInvitee, SurveyQuota, SurveyResponse
from app.operations import survey_answers
from app.operations.questionnaires import form_of
from app.operations.survey_answers import Filled

#: Before the code of a question in the name of its field: a code may be that of a field of the head.
OF_ANSWER = "answer."
#: What a cell says where nothing was answered, and where somebody said that it does not apply.
BLANK = Option("BLANK", N_("Not answered"), ("NA", "N/A", "n.a.", "s/d", "sin dato", "sin datos", "sin respuesta", "no contestó"))
NOT_APPLICABLE = Option(NA, N_("Does not know, or it does not apply"), (
    "no aplica", "no sabe", "no sabe no responde", "ns", "ns/nr", "nr", "no responde", "does not apply", "not applicable", "don't know",
))  # fmt: skip
YES, NO = Option("1", N_("Yes"), ("sí", "s", "y", "true", "verdadero")), Option("0", N_("No"), ("n", "false", "falso"))
HEAD = (
    Field("number", N_("Number there"), Type.CODE, is_required=True, most=60, example="R0001",
          synonyms=("ResponseID", "response id", "id respuesta", "respuesta", "id", "no. encuesta", "encuesta", "consecutivo")),
    Field("started", N_("Began"), Type.MOMENT, is_lenient=True, example="18/03/2026",
          synonyms=("StartDate", "fecha", "fecha de la encuesta", "fecha respuesta", "hora de inicio", "marca temporal", "timestamp")),
    Field("ended", N_("Ended"), Type.MOMENT, is_lenient=True,
          synonyms=("EndDate", "hora de finalización", "fecha de finalización", "fecha final", "fin")),
    Field("reason", N_("Why it ended early"), most=survey_answers.MAX_REASON, synonyms=("term", "motivo de descarte", "descarte"),
          help=N_("Empty or NA: it did not end early. Otherwise the answers are kept, apart and out of the count.")),
    Field("account", N_("Account"), Type.CODE, most=30, synonyms=("cuenta", "número de cuenta", "matrícula", "código suscriptor"),
          help=N_("Says who of those asked answered, and of which zone, stratum and service they are.")),
    Field("contract", N_("Contract"), Type.CODE, most=30, synonyms=("contrato", "número de contrato", "no. contrato")),
    Field("service", N_("Service"), Type.CHOICE, synonyms=("servicio",)),
    Field("zone", N_("Zone"), most=80, synonyms=("zona", "sector hidráulico", "barrio")),
    Field("stratum", N_("Stratum"), Type.INTEGER, least=1, highest=6, synonyms=("estrato", "estrato socioeconómico")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """Where the answer of a field goes: `name` as `read_all` takes it; or one of several of a list, ticked in a column of its own."""

    field: Field
    name: str
    options: tuple[Option, ...] = ()
    ticks: str = ""

    def text_of(self, value: Any) -> str:
        """Return what the cell answers, as `read_all` takes it; "" for nothing."""
        if not isinstance(value, str):
            return "" if value is None else f"{value:f}"
        is_nothing = value == BLANK.key if self.options else is_blank(value)
        return "" if is_nothing else value


def _cells_of(asked: Asked) -> Iterator[Cell]:
    """Yield the fields that a question may be answered by in a file."""
    if asked.kind is QuestionKind.MATRIX:
        for option in asked.options:
            yield _cell(asked, f"{asked.code}.{option.code}", Type.CHOICE, _scores_of(asked), option)
        return
    match asked.kind:
        case QuestionKind.TEXT | QuestionKind.MANY:
            yield _cell(asked, asked.code, Type.TEXT)
        case QuestionKind.NUMBER:
            yield _cell(asked, asked.code, Type.DECIMAL)
        case QuestionKind.ONE:
            chosen = (Option(option.code, option.text.es, tuple(filter(None, (option.text.en,)))) for option in asked.options)
            yield _cell(asked, asked.code, Type.CHOICE, (*chosen, BLANK, *_na_of(asked)))
        case _:
            yield _cell(asked, asked.code, Type.CHOICE, _scores_of(asked))
    if asked.kind is QuestionKind.MANY:
        for option in asked.options:
            yield Cell(_cell(asked, f"{asked.code}.{option.code}", Type.YESNO, of=option).field, asked.code, ticks=option.code)
    if any(option.takes_words for option in asked.options):
        yield _cell(asked, f"{asked.code}.words", Type.TEXT)


def _cell(asked: Asked, name: str, type: Type, options: tuple[Option, ...] = (), of: Choice | None = None) -> Cell:
    """Return the field of a question, or of an option or row *of* it; it is known by its code and by its words in either language."""
    spoken = [(asked.text.es, of.text.es if of else ""), (asked.text.en, of.text.en if of else "")]
    words = dict.fromkeys((*(" / ".join(filter(None, parts)) for parts in spoken), *(part for _text, part in spoken)))
    label = f"{name} {' · '.join(filter(None, spoken[0]))}"
    return Cell(Field(OF_ANSWER + name, label, type, is_open=bool(options), synonyms=(name, *filter(None, words))), name, options)


def _scores_of(asked: Asked) -> tuple[Option, ...]:
    """Return the scores that a question takes, the ends also by what they are called."""
    if asked.kind is QuestionKind.YES_NO:
        return (YES, NO, BLANK, *_na_of(asked))
    ends = {asked.scores[0]: asked.low, asked.scores[-1]: asked.high}
    scores = []
    for score in asked.scores:
        words = ends.get(score)
        scores.append(Option(str(score), str(score), tuple(filter(None, (words.es, words.en))) if words else ()))
    return (*scores, BLANK, *_na_of(asked))


def _na_of(asked: Asked) -> tuple[Option, ...]:
    return (NOT_APPLICABLE,) if asked.has_na else ()


@register
class SurveyAnswers(Kind):
    """The answers of a campaign, a row for each person; those that were sent away are kept apart with the reason."""

    name, title = "survey_answers", N_("Answers to a survey")
    intro = N_(
        "Answers that others collected, one row for each person, for a survey that takes them from a file. What is not on the scale or in"
        " the list of a question is refused with its row; half-filled rows come in as such, and those that ended early are kept apart."
    )
    subject = N_("Survey that was answered")
    right = ("can_edit", "SurveyCampaign")
    key = ("number",)
    asks_source = True
    fields = HEAD
    cells: tuple[Cell, ...] = ()
    number = ""

    def subjects(self, session: Session) -> list[Option]:
        is_open = SurveyCampaign.status == CampaignStatus.OPEN, SurveyCampaign.by_file
        rows = session.execute(select(SurveyCampaign.number, SurveyCampaign.name).where(*is_open).order_by(SurveyCampaign.id.desc()))
        return [Option(row.number, f"{row.number} {row.name}") for row in rows]

    def about(self, session: Session, subject: str) -> Kind:
        version_id = session.scalar(select(SurveyCampaign.version_id).where(SurveyCampaign.number == subject))
        if version_id is None:
            return self
        kind = copy(self)
        kind.number = subject
        kind.cells = tuple(cell for asked in form_of(session, version_id).questions for cell in _cells_of(asked))
        kind.fields = (*HEAD, *(cell.field for cell in kind.cells))
        return kind

    def path_of(self, session: Session, subject: str) -> str:
        campaign_id = session.scalar(select(SurveyCampaign.id).where(SurveyCampaign.number == subject))
        return f"/surveycampaign/show/{campaign_id}" if campaign_id else ""

    def options(self, session: Session) -> dict[str, list[Option]]:
        services = session.scalars(select(Service).order_by(Service.position))
        return {"service": [Option(row.id, row.name, (row.code,)) for row in services]} | {
            cell.field.name: list(cell.options) for cell in self.cells if cell.options
        }

    def begin(self, run: Run) -> None:
        campaign = run.session.scalar(select(SurveyCampaign).where(SurveyCampaign.number == self.number))
        if campaign is None:
            raise DomainError(N_("Say first what the file is about: its columns depend on it."))
        if error := survey_answers.refusal(campaign, AnswerVia.IMPORT, local(run.at).date()):
            raise error
        quotas = run.session.scalars(select(SurveyQuota).where(SurveyQuota.campaign_id == campaign.id)).all()
        run.facts |= {"campaign": campaign, "form": form_of(run.session, campaign.version_id), "answered": {}, "quotas": quotas}

    # A row read

    def check(self, rows: Sequence[Row], run: Run) -> None:
        form: Form = run.facts["form"]
        for row in rows:
            values, refused = read_all(form, self._raw(row))
            for name, error in refused.items():
                row.refuse(error.msgid, OF_ANSWER + name, **error.fields)
            reason = "" if is_blank(row["reason"]) else row["reason"]
            started, ended = _moments(row, run)
            row.found = Filled(row["number"], values, started, ended, reason)

    def _raw(self, row: Row) -> dict[str, Any]:
        raw: dict[str, Any] = {}
        for cell in self.cells:
            value = row[cell.field.name]
            if not cell.ticks:
                raw[cell.name] = cell.text_of(value)
            elif value:
                raw[cell.name] = ";".join(filter(None, (raw[cell.name], cell.ticks)))
        return raw

    # What is there

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        campaign, form = run.facts["campaign"], run.facts["form"]
        self._place(rows, run)
        there = survey_answers.stored_of(run.session, campaign, run.source, [row["number"] for row in rows])
        for row in rows:
            filled, stored = row.found, there.get(row["number"])
            if row.problems:
                continue
            told = survey_answers.facts_of(campaign, form, filled)
            is_same = stored and stored.facts == told and set(stored.answers) == set(survey_answers.said_in(form, filled.values))
            row.fate = Fate.NEW if stored is None else Fate.SAME if is_same else Fate.CHANGED
            row.found = (filled, stored)
            for name in (ANSWERS, told["status"].value):
                run.totals[name] = run.totals.get(name, 0) + 1

    def _place(self, rows: Sequence[Row], run: Run) -> None:
        """Say of each row who of those asked it is, and where whoever answered belongs; refuse a second answer of the same person."""
        accounts = _accounts(run.session, {row["account"] for row in rows if row["account"]})
        contracts = _contracts(run.session, {row["contract"] for row in rows if row["contract"]})
        invited = _invited(run.session, run.facts["campaign"], [*accounts.values()], [*contracts.values()])
        answered = _answered(run.session, [each.id for each in set(invited.values())])
        for row in rows:
            account, contract = _account_of(row, accounts), contracts.get(row["contract"])
            for name, found in (("account", account), ("contract", contract)):
                if row[name] and found is None:
                    row.doubt("UNKNOWN", N_("“%(number)s” is not known here."), name, number=row[name])
            row.found.segments = _segments(row, account, contract)
            invitee = invited.get(("contract", contract.id)) if contract else None
            if invitee is None and account is not None:
                invitee = invited.get(("account", account.id)) or invited.get(("party", account.party_id))
            if invitee is not None:
                self._take(row, invitee, answered, run)
            else:
                row.found.segments["quota_id"] = _quota_of(row.found.segments, run)

    @staticmethod
    def _take(row: Row, invitee: SurveyInvitee, answered: Mapping[int, tuple[str | None, str | None]], run: Run) -> None:
        mark = (run.source, row["number"])
        other = answered.get(invitee.id) or run.facts["answered"].setdefault(invitee.id, mark)
        if other != mark:
            row.refuse(N_("%(who)s answered this survey already, and each person answers once."), who=invitee.name)
        elif invitee.status is InviteeStatus.OPTED_OUT:
            row.refuse(N_("%(who)s asked for no more surveys."), who=invitee.name)
        else:
            row.found.invitee = invitee

    def write(self, rows: Sequence[Row], run: Run) -> None:
        lines = [row.found for row in rows]
        survey_answers.bring_in(
            run.session, run.facts["campaign"], run.facts["form"], run.source, lines, at=run.at, actor_id=run.user_id
        )


def _moments(row: Row, run: Run) -> tuple[datetime, datetime]:
    """Return when it began and ended; the moment of the import where the file does not say."""
    said = [row[name].replace(tzinfo=LOCAL_ZONE) for name in ("started", "ended") if row[name]] or [run.at]
    return min(said), max(said)


def _accounts(session: Session, numbers: set[str]) -> dict[str, list[Account]]:
    """Return the accounts with these numbers: number → one for each service."""
    found: dict[str, list[Account]] = {}
    rows = select(Account).where(Account.number.in_(numbers)).options(joinedload(Account.municipality)).order_by(Account.id)
    for account in session.scalars(rows) if numbers else ():
        found.setdefault(account.number, []).append(account)
    return found


def _contracts(session: Session, numbers: set[str]) -> dict[str | None, Contract]:
    rows = session.scalars(select(Contract).where(Contract.number.in_(numbers))) if numbers else ()
    return {contract.number: contract for contract in rows}


def _account_of(row: Row, accounts: Mapping[str, list[Account]]) -> Account | None:
    """Return the account that the row names: of its service, where several services number theirs alike."""
    found = accounts.get(row["account"], [])
    fits = [account for account in found if row["service"] in (None, account.service_id)]
    return fits[0] if fits else None


def _invited(
    session: Session, campaign: SurveyCampaign, accounts: Sequence[list[Account]], contracts: Sequence[Contract]
) -> dict[tuple[str, int | None], SurveyInvitee]:
    """Return those asked who have one of these accounts or contracts, by what they are known by."""
    known = [account for each in accounts for account in each]
    if not known and not contracts:
        return {}
    whose = or_(
        SurveyInvitee.contract_id.in_([contract.id for contract in contracts]),
        SurveyInvitee.account_id.in_([account.id for account in known]),
        SurveyInvitee.party_id.in_([account.party_id for account in known if account.party_id]),
    )
    found: dict[tuple[str, int | None], SurveyInvitee] = {}
    for row in session.scalars(select(SurveyInvitee).where(SurveyInvitee.campaign_id == campaign.id, whose).order_by(SurveyInvitee.id)):
        for name in ("contract", "account", "party"):
            if (key := getattr(row, f"{name}_id")) is not None:
                found.setdefault((name, key), row)
    return found


def _answered(session: Session, invitee_ids: Sequence[int]) -> dict[int, tuple[str | None, str | None]]:
    """Return who of those asked answered: where from, and the number there."""
    mine = SurveyResponse.invitee_id.in_(invitee_ids)
    columns = select(SurveyResponse.invitee_id, SurveyResponse.source, SurveyResponse.source_number).where(mine)
    return {row.invitee_id: (row.source, row.source_number) for row in session.execute(columns)} if invitee_ids else {}


def _quota_of(segments: Mapping[str, Any], run: Run) -> int | None:
    """Return the stratum of the sample in which somebody counts who was not asked by name."""
    campaign = run.facts["campaign"]
    split = [name for name, is_split in zip(SPLITS, (campaign.by_zone, campaign.by_stratum, campaign.by_service), strict=True) if is_split]
    fits = [quota.id for quota in run.facts["quotas"] if all(getattr(quota, name) == segments[name] for name in split)]
    return fits[0] if len(fits) == 1 else None


def _segments(row: Row, account: Account | None, contract: Contract | None) -> dict[str, Any]:
    """Return where whoever answered belongs: what the row says, else what its account or contract does."""
    found: dict[str, Any] = {"service_id": row["service"], "zone": row["zone"], "stratum": row["stratum"]}
    if account is not None:
        of_account = {"service_id": account.service_id, "zone": account.zone or account.municipality.name, "stratum": account.stratum}
        found = {name: value or of_account[name] for name, value in found.items()}
    if contract is not None:
        found |= {"contract_id": contract.id, "process_id": contract.process_id}
    return found
