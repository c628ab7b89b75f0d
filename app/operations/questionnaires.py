"""Questionnaires of surveys: loading a version whole, and writing, publishing and replacing it."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from app import queries
from app.domain import N_
from app.domain.errors import DomainError, MoveRefused
from app.domain.questionnaire_versions import ENDED, REVERSIBLE, earlier, faults, fingerprint, wrong_condition
from app.domain.questionnaires import LISTED, Asked, Choice, Condition, Form, QuestionKind, VersionStatus, Words
from app.domain.questionnaires import Section as Page
from app.domain.text import plain
from app.models import Question, Questionnaire, QuestionnaireSection, QuestionnaireVersion, QuestionOption, SurveyCampaign

# ── Reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def form_of(session: Session, version_id: int) -> Form:
    """Return the version *version_id* whole, in three statements. Raises NoResultFound: there is none."""
    version = session.scalars(
        select(QuestionnaireVersion).where(QuestionnaireVersion.id == version_id).options(joinedload(QuestionnaireVersion.questionnaire))
    ).one()
    rows = session.execute(
        select(QuestionnaireSection, Question)
        .outerjoin(Question, Question.section_id == QuestionnaireSection.id)
        .where(QuestionnaireSection.version_id == version_id)
        .order_by(QuestionnaireSection.position, Question.position)
    ).all()
    options: dict[int, list[Choice]] = defaultdict(list)
    for option in session.scalars(
        select(QuestionOption).where(QuestionOption.version_id == version_id).order_by(QuestionOption.question_id, QuestionOption.position)
    ):
        text = Words(option.text_es, option.text_en)
        options[option.question_id].append(Choice(option.id, option.code, text, option.takes_words, option.service_id))
    codes = {question.id: question.code for _section, question in rows if question is not None}
    pages: dict[int, tuple[QuestionnaireSection, list[Asked]]] = {}
    n = 0
    for section, question in rows:
        _, asked = pages.setdefault(section.id, (section, []))
        if question is not None:
            n += 1
            asked.append(_asked(question, n, codes, tuple(options[question.id])))
    questionnaire = version.questionnaire
    return Form(
        version.id, questionnaire.id, questionnaire.code, questionnaire.name, version.number, version.status,
        Words(version.intro_es, version.intro_en), Words(version.thanks_es, version.thanks_en), version.script,
        tuple(
            Page(section.id, Words(section.title_es, section.title_en), Words(section.help_es, section.help_en), tuple(asked))
            for section, asked in pages.values()
        ),
    )  # fmt: skip


def _asked(question: Question, number: int, codes: dict[int, str], options: tuple[Choice, ...]) -> Asked:
    condition = None
    if question.condition_id is not None and question.condition_op is not None:
        condition = Condition(codes[question.condition_id], question.condition_op, question.condition_value or "")
    return Asked(
        question.id, number, question.code, question.kind, Words(question.text_es, question.text_en),
        Words(question.help_es, question.help_en), Words(question.low_es, question.low_en), Words(question.high_es, question.high_en),
        question.is_required, question.is_reversed, question.has_na, question.least, question.greatest, condition, options,
        question.process_id,
    )  # fmt: skip


# ── Drafts ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: Of question codes and option codes: no dots, which join them.
CODE = re.compile(r"[A-Za-z0-9_-]{1,20}")


@dataclass(slots=True)
class WantedOption:
    """An option, or a row of a matrix, as somebody wants it. Without `code` it gets one from its words; `id`: the one it corrects."""

    text_es: str
    text_en: str = ""
    code: str = ""
    service_id: int | None = None
    takes_words: bool = False
    id: int | None = None


@dataclass(slots=True)
class Wanted:
    """A question as somebody wants it; `condition` names another by its code. Without `code` it gets the next of its questionnaire."""

    kind: QuestionKind
    text_es: str
    text_en: str = ""
    help_es: str = ""
    help_en: str = ""
    low_es: str = ""
    low_en: str = ""
    high_es: str = ""
    high_en: str = ""
    is_required: bool = True
    is_reversed: bool = False
    has_na: bool = False
    least: Decimal | None = None
    greatest: Decimal | None = None
    condition: Condition | None = None
    process_id: int | None = None
    code: str = ""
    options: list[WantedOption] = field(default_factory=list)


def want_draft(session: Session, version: QuestionnaireVersion) -> None:
    """Take *version* for writing. Raises MoveRefused: it is published, and what it asks no longer changes."""
    queries.lock(session, version)
    if version.status is not VersionStatus.DRAFT:
        msgid = N_("Version %(n)s is published: what it asks does not change any more. Start a new version to change it.")
        raise MoveRefused(msgid, n=version.number)


def start_version(session: Session, questionnaire: Questionnaire, *, copy_of: QuestionnaireVersion | None = None) -> QuestionnaireVersion:
    """
    Start the next version as a draft, a copy of *copy_of*, else of the one before, else empty; return it, flushed.

    Raises:
        MoveRefused: One is being written already.
    """
    queries.lock(session, questionnaire)
    before = versions_of(session, questionnaire.id)
    if any(version.status is VersionStatus.DRAFT for version in before):
        raise MoveRefused(N_("A version is being written already: finish that one, or give it up."))
    version = QuestionnaireVersion(questionnaire_id=questionnaire.id, number=1 + max((each.number for each in before), default=0))
    source = copy_of or next(iter(before), None)
    if source is not None:
        for name in TEXTS:
            setattr(version, name, getattr(source, name))
    session.add(version)
    session.flush()
    if source is not None:
        _copy_questions(session, form_of(session, source.id), version)
    session.expire(questionnaire, ["versions"])
    return version


TEXTS = ("intro_es", "intro_en", "thanks_es", "thanks_en", "script")


def _copy_questions(session: Session, form: Form, version: QuestionnaireVersion) -> None:
    for page in form.sections:
        texts = {"title_en": page.title.en, "help_es": page.help.es, "help_en": page.help.en}
        section = add_section(session, version, page.title.es, **texts)
        for asked in page.questions:
            add_question(session, section, wanted_of(asked))


def wanted_of(asked: Asked) -> Wanted:
    """Return *asked* as it would be wanted again, its code included."""
    return Wanted(
        asked.kind, asked.text.es, asked.text.en, asked.help.es, asked.help.en, asked.low.es, asked.low.en, asked.high.es, asked.high.en,
        asked.is_required, asked.is_reversed, asked.has_na, asked.least, asked.greatest, asked.condition, asked.process_id, asked.code,
        [WantedOption(each.text.es, each.text.en, each.code, each.service_id, each.takes_words) for each in asked.options],
    )  # fmt: skip


def drop_draft(session: Session, version: QuestionnaireVersion) -> None:
    """Give a draft up, with all that it asks. Raises MoveRefused: it is published, or a campaign uses it."""
    want_draft(session, version)
    if session.scalar(select(SurveyCampaign.number).where(SurveyCampaign.version_id == version.id).limit(1)):
        raise MoveRefused(N_("A campaign uses this version."))
    sections = _sections_of(session, version.id)
    _drop_questions(session, [question for section in sections for question in _questions_of(session, section.id)])
    for section in sections:
        session.expire(section, ["questions"])
    session.expire(version, ["sections"])
    session.delete(version)
    session.flush()


def write_texts(session: Session, version: QuestionnaireVersion, **texts: str) -> QuestionnaireVersion:
    """Store the texts around the questions (`TEXTS`); return the version, flushed. Raises MoveRefused, as `want_draft`."""
    want_draft(session, version)
    for name, text in texts.items():
        setattr(version, name, text.strip())
    session.flush()
    return version


# ── Sections ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def add_section(session: Session, version: QuestionnaireVersion, title_es: str, **texts: str) -> QuestionnaireSection:
    """Add a page at the end; return it, flushed. Raises DomainError, as `write_section`."""
    section = QuestionnaireSection(version_id=version.id, position=1 + len(_sections_of(session, version.id)))
    return write_section(session, section, title_es, **texts)


def write_section(
    session: Session, section: QuestionnaireSection, title_es: str, *, title_en: str = "", help_es: str = "", help_en: str = ""
) -> QuestionnaireSection:
    """
    Store a page, new or not; return it, flushed.

    Raises:
        MoveRefused: As `want_draft`.
        DomainError: It has no title.
    """
    want_draft(session, session.get_one(QuestionnaireVersion, section.version_id))
    if not title_es.strip():
        raise DomainError(N_("Write the title of the section."), field="title_es")
    section.title_es, section.title_en = title_es.strip(), title_en.strip()
    section.help_es, section.help_en = help_es.strip(), help_en.strip()
    session.add(section)
    session.flush()
    return section


def drop_section(session: Session, section: QuestionnaireSection) -> None:
    """
    Take a page out with its questions.

    Raises:
        MoveRefused: As `want_draft`; or questions of other pages show by the answer to one of these.
    """
    want_draft(session, session.get_one(QuestionnaireVersion, section.version_id))
    _drop_questions(session, _questions_of(session, section.id))
    version_id = section.version_id
    session.expire(section, ["questions"])
    session.delete(section)
    session.flush()
    _arrange(session, _sections_of(session, version_id))


def move_section(session: Session, section: QuestionnaireSection, step: int) -> None:
    """Move a page up (-1) or down (1); at the end it stays. Raises MoveRefused, as `want_draft`."""
    want_draft(session, session.get_one(QuestionnaireVersion, section.version_id))
    _swap(session, _sections_of(session, section.version_id), section, step)


# ── Questions ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def add_question(session: Session, section: QuestionnaireSection, wanted: Wanted) -> Question:
    """Add a question at the end of *section*; return it, flushed. Raises DomainError, as `write_question`."""
    question = Question(version_id=section.version_id, section_id=section.id, position=1 + len(_questions_of(session, section.id)))
    return write_question(session, question, wanted)


def write_question(session: Session, question: Question, wanted: Wanted, section: QuestionnaireSection | None = None) -> Question:
    """
    Store what a question asks, and in *section* when it moves there, at its end; return it, flushed.

    What its kind does not take (options of an open text, bounds of a scale) is left out.

    Raises:
        MoveRefused: As `want_draft`.
        DomainError: It has no text, or a code that is taken or badly written; its bounds are in disorder; an option has no text; or its
            condition is on a question that does not come before it, or on an answer that cannot be given.
    """
    want_draft(session, session.get_one(QuestionnaireVersion, question.version_id))
    form = form_of(session, question.version_id)
    _check(form, question, wanted)
    for name in ("kind", "is_required", "process_id", "code", *_WORDS):
        value = getattr(wanted, name)
        setattr(question, name, value.strip() if isinstance(value, str) else value)
    question.code = question.code or next_code(session, form.questionnaire_id)
    takes_na = wanted.kind is not QuestionKind.TEXT
    question.is_reversed, question.has_na = wanted.is_reversed and wanted.kind in REVERSIBLE, wanted.has_na and takes_na
    is_number, is_ended = wanted.kind is QuestionKind.NUMBER, wanted.kind in ENDED
    question.least, question.greatest = (wanted.least, wanted.greatest) if is_number else (None, None)
    if not is_ended:
        question.low_es = question.low_en = question.high_es = question.high_en = ""
    _set_condition(question, wanted.condition, form)
    if section is not None and section.id != question.section_id:
        question.section_id, question.position = section.id, 1 + len(_questions_of(session, section.id))
    session.add(question)
    session.flush()
    for each in _sections_of(session, question.version_id):
        _arrange(session, _questions_of(session, each.id))
    _write_options(session, question, wanted.options if wanted.kind in LISTED else [])
    return question


_WORDS = ("text_es", "text_en", "help_es", "help_en", "low_es", "low_en", "high_es", "high_en")


def _check(form: Form, question: Question, wanted: Wanted) -> None:
    if not wanted.text_es.strip():
        raise DomainError(N_("Write the question."), field="text_es")
    check_code(wanted.code)
    if any(asked.code == wanted.code.strip() and asked.id != question.id for asked in form.questions):
        raise DomainError(N_("Another question has the code %(code)s."), field="code", code=wanted.code)
    if wanted.least is not None and wanted.greatest is not None and wanted.least > wanted.greatest:
        raise DomainError(N_("The least value is greater than the greatest."), field="least")
    if wanted.condition is not None:
        own = next((asked.code for asked in form.questions if asked.id == question.id), "")
        before = earlier(form, own) if own else [asked for page in form.sections if _comes_first(form, page.id, question.section_id)
                                                 for asked in page.questions]  # fmt: skip
        if msgid := wrong_condition(wanted.condition, before):
            raise DomainError(msgid, field="condition", code=wanted.condition.code)


def _comes_first(form: Form, page_id: int, section_id: int) -> bool:
    """Return whether the page *page_id* is *section_id* or comes before it."""
    pages = [page.id for page in form.sections]
    return pages.index(page_id) <= pages.index(section_id)


def check_code(code: str) -> None:
    """Raise DomainError when *code* of a question or an option has what a code may not have."""
    if code.strip() and not CODE.fullmatch(code.strip()):
        raise DomainError(N_("A code has up to 20 letters, figures, hyphens or underscores."), field="code")


def next_code(session: Session, questionnaire_id: int) -> str:
    """Return the next free code, P1, P2…: one that a question of no version of the questionnaire ever had."""
    mine = select(Question.code).join(QuestionnaireVersion, QuestionnaireVersion.id == Question.version_id)
    codes = session.scalars(mine.where(QuestionnaireVersion.questionnaire_id == questionnaire_id))
    return f"P{1 + max((int(code[1:]) for code in codes if re.fullmatch(r'P[0-9]{1,6}', code)), default=0)}"


def _set_condition(question: Question, condition: Condition | None, form: Form) -> None:
    asked = form.question(condition.code) if condition else None
    question.condition_id = asked.id if asked else None
    question.condition_op, question.condition_value = (condition.op, condition.value) if condition and asked else (None, None)


def _write_options(session: Session, question: Question, wanted: Sequence[WantedOption]) -> None:
    stored = {option.id: option for option in _options_of(session, question.id)}
    wanted = [each for each in wanted if each.text_es.strip() or each.text_en.strip() or each.code.strip()]
    for each in wanted:
        if not each.text_es.strip():
            raise DomainError(N_("Every option needs its words in Spanish."), field="options")
        check_code(each.code)
    kept = {each.id for each in wanted if each.id in stored}
    for key, option in stored.items():
        if key not in kept:
            session.delete(option)
    session.flush()
    codes, rows = {stored[key].code for key in kept}, []
    for each in wanted:
        option = stored.get(each.id) if each.id else None
        if option is None:
            option = QuestionOption(question_id=question.id, version_id=question.version_id, position=1000 + len(rows))
            option.code = each.code.strip() if each.code.strip() not in codes else ""
            option.code = option.code or _option_code(each.text_es, codes)
        codes.add(option.code)
        option.text_es, option.text_en, option.takes_words = each.text_es.strip(), each.text_en.strip(), each.takes_words
        option.service_id = each.service_id
        session.add(option)
        rows.append(option)
    session.flush()
    _arrange(session, rows)
    session.expire(question, ["options"])


def _option_code(text: str, taken: Collection[str]) -> str:
    """Return a code for an option from its words, one that is not *taken*."""
    stem = re.sub(r"[^a-z0-9]+", "-", plain(text)).strip("-")[:16].rstrip("-") or "o"
    tries = itertools.chain([stem], (f"{stem}-{n}" for n in itertools.count(2)))
    return next(code for code in tries if code not in taken)


def copy_question(session: Session, question: Question) -> Question:
    """Add the same question again right after it, with a code of its own; return the copy, flushed. Raises MoveRefused, as `want_draft`."""
    asked = next(each for each in form_of(session, question.version_id).questions if each.id == question.id)
    wanted = wanted_of(asked)
    wanted.code = ""
    copy = add_question(session, session.get_one(QuestionnaireSection, question.section_id), wanted)
    rows = [row for row in _questions_of(session, question.section_id) if row.id != copy.id]
    rows.insert(rows.index(question) + 1, copy)
    _arrange(session, rows)
    return copy


def drop_question(session: Session, question: Question) -> None:
    """
    Take a question out of a draft.

    Raises:
        MoveRefused: As `want_draft`; or others show by its answer.
    """
    want_draft(session, session.get_one(QuestionnaireVersion, question.version_id))
    section_id = question.section_id
    _drop_questions(session, [question])
    _arrange(session, _questions_of(session, section_id))


def _drop_questions(session: Session, rows: Sequence[Question]) -> None:
    """Delete *rows*, of one version, unless others show by their answers."""
    keys = {row.id for row in rows}
    held = session.scalars(select(Question).where(Question.condition_id.in_(keys), Question.id.not_in(keys)).order_by(Question.id)).all()
    if held:
        msgid = N_("%(codes)s show by this answer: change when they show first.")
        raise MoveRefused(msgid, codes=", ".join(question.code for question in held))
    for row in rows:
        row.condition_id = row.condition_op = row.condition_value = None
    session.flush()
    for row in rows:
        session.delete(row)
    session.flush()


def move_question(session: Session, question: Question, step: int) -> None:
    """Move a question up (-1) or down (1), over the edge of its page into the next. Raises MoveRefused, as `want_draft`."""
    want_draft(session, session.get_one(QuestionnaireVersion, question.version_id))
    if _swap(session, _questions_of(session, question.section_id), question, step):
        return
    sections = _sections_of(session, question.version_id)
    at = next(i for i, section in enumerate(sections) if section.id == question.section_id) + step
    if not 0 <= at < len(sections):
        return
    left, others = question.section_id, _questions_of(session, sections[at].id)
    question.section_id, question.position = sections[at].id, 1 + max((row.position for row in others), default=0)
    session.flush()
    _arrange(session, [question, *others] if step > 0 else [*others, question])
    _arrange(session, _questions_of(session, left))


# ── Order ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _swap(session: Session, rows: list[Any], row: Any, step: int) -> bool:
    """Move *row* one place among *rows*; return whether there was a place."""
    at = rows.index(row)
    if not 0 <= at + step < len(rows):
        return False
    rows[at], rows[at + step] = rows[at + step], rows[at]
    _arrange(session, rows)
    return True


def _arrange(session: Session, rows: Sequence[Any]) -> None:
    """Number *rows* from one in this order. Their places are unique, so those that change first step aside."""
    moved = [(place, row) for place, row in enumerate(rows, 1) if row.position != place]
    if not moved:
        return
    model = type(moved[0][1])
    aside = update(model).where(model.id.in_([row.id for _place, row in moved])).values(position=-model.position)
    session.execute(aside.execution_options(synchronize_session=False))
    for place, row in moved:
        row.position = place
    session.flush()


def _sections_of(session: Session, version_id: int) -> list[QuestionnaireSection]:
    rows = select(QuestionnaireSection).where(QuestionnaireSection.version_id == version_id)
    return list(session.scalars(rows.order_by(QuestionnaireSection.position)))


def _questions_of(session: Session, section_id: int) -> list[Question]:
    return list(session.scalars(select(Question).where(Question.section_id == section_id).order_by(Question.position)))


def _options_of(session: Session, question_id: int) -> list[QuestionOption]:
    rows = select(QuestionOption).where(QuestionOption.question_id == question_id)
    return list(session.scalars(rows.order_by(QuestionOption.position)))


# ── Publishing ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def publish(session: Session, version: QuestionnaireVersion, reason: str, *, at: datetime, actor_id: int | None) -> QuestionnaireVersion:
    """
    Freeze a draft and offer it to new campaigns; the one published before is retired. Return it, flushed.

    Raises:
        MoveRefused: As `want_draft`; something stops it (`questionnaire_versions.faults`); or it does not say what changes.
    """
    queries.lock(session, session.get_one(Questionnaire, version.questionnaire_id))
    want_draft(session, version)
    form = form_of(session, version.id)
    fatal = [fault for fault in faults(form) if not fault.is_hint]
    if fatal:
        raise MoveRefused(fatal[0].msgid, **fatal[0].facts)
    if version.number > 1 and not reason.strip():
        raise MoveRefused(N_("Write what changes from the version before."), field="reason")
    rows = {row.id: row for row in session.scalars(select(Question).where(Question.version_id == version.id))}
    for asked in form.questions:
        rows[asked.id].fingerprint = fingerprint(asked)
    session.flush()
    for each in versions_of(session, version.questionnaire_id):
        if each.status is VersionStatus.PUBLISHED:
            each.status = VersionStatus.RETIRED
    session.flush()
    version.reason = reason.strip()
    version.status, version.published_at, version.published_by_id = VersionStatus.PUBLISHED, at, actor_id
    session.flush()
    return version


def versions_of(session: Session, questionnaire_id: int) -> list[QuestionnaireVersion]:
    """Return its versions, the newest first."""
    rows = select(QuestionnaireVersion).where(QuestionnaireVersion.questionnaire_id == questionnaire_id)
    return list(session.scalars(rows.order_by(QuestionnaireVersion.number.desc()).options(joinedload(QuestionnaireVersion.published_by))))


def published_of(session: Session, questionnaire_id: int) -> QuestionnaireVersion | None:
    """Return the version that new campaigns ask, or None while none is published."""
    of_it = QuestionnaireVersion.questionnaire_id == questionnaire_id, QuestionnaireVersion.status == VersionStatus.PUBLISHED
    return session.scalar(select(QuestionnaireVersion).where(*of_it))
