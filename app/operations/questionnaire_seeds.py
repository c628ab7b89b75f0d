"""The survey forms that ship with the product, published; one that the house has, by its code or its name, is never touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.questionnaires import Audience, Condition, ConditionOp, QuestionKind
from app.extensions import local
from app.models import Process, Questionnaire, Service
from app.operations.questionnaires import (
    TEXTS,
    Wanted,
    WantedOption,
    add_question,
    add_section,
    publish,
    start_version,
    write_texts,
)

#: Rows of the seed file of that name.
Reader = Callable[[str], list[dict[str, str]]]


def load_questionnaires(session: Session, read: Reader, at: datetime) -> tuple[int, int]:
    """
    Store and publish the shipped forms that the house lacks; return how many are new, and how many were there.

    The first period of those that are asked every so many months begins on 1 January of the year in which they are loaded.
    """
    rows = read("questionnaire")
    there = {text for pair in session.execute(select(Questionnaire.code, Questionnaire.name)) for text in pair}
    new = [row for row in rows if row["code"] not in there and row["name"] not in there]
    if new:
        makers = _Makers(session, read)
        for row in new:
            makers.make(row, at)
    return len(new), len(rows) - len(new)


class _Makers:
    """The rows of the seed files, sorted by what they belong to, and the codes that they refer to."""

    def __init__(self, session: Session, read: Reader) -> None:
        self.session = session
        self.processes = {row.code: row.id for row in session.execute(select(Process.code, Process.id))}
        self.services = {row.code: row.id for row in session.execute(select(Service.code, Service.id))}
        self.sections, self.questions, self.options = (defaultdict(list) for _ in range(3))
        for row in read("questionnaire_section"):
            self.sections[row["questionnaire"]].append(row)
        for row in read("questionnaire_question"):
            self.questions[row["questionnaire"], row["section"]].append(row)
        for row in read("questionnaire_option"):
            self.options[row["questionnaire"], row["question"]].append(row)

    def make(self, row: dict[str, str], at: datetime) -> None:
        """Store a form with its first version, and publish that."""
        months = int(row["frequency_months"]) if row["frequency_months"] else None
        questionnaire = Questionnaire(
            code=row["code"], name=row["name"], description=row["description"], audience=Audience[row["audience"]], frequency_months=months,
            starts_on=date(local(at).year, 1, 1) if months else None, days_open=int(row["days_open"]), position=int(row["position"]),
            process_id=self.processes.get(row["process"]), created_at=at, changed_at=at,
        )  # fmt: skip
        self.session.add(questionnaire)
        self.session.flush()
        version = start_version(self.session, questionnaire)
        write_texts(self.session, version, **{name: row[name] for name in TEXTS})
        for each in self.sections[row["code"]]:
            texts = {name: each[name] for name in ("title_en", "help_es", "help_en")}
            section = add_section(self.session, version, each["title_es"], **texts)
            for asked in self.questions[row["code"], each["position"]]:
                add_question(self.session, section, self._wanted(asked))
        publish(self.session, version, "", at=at, actor_id=None)

    def _wanted(self, row: dict[str, str]) -> Wanted:
        code, op, value = row["condition"].split() if row["condition"] else ("", "", "")
        options = [
            WantedOption(each["text_es"], each["text_en"], each["code"], self.services.get(each["service"]), each["takes_words"] == "1")
            for each in self.options[row["questionnaire"], row["code"]]
        ]
        texts = {name: row[name] for name in row if name.endswith(("_es", "_en"))}
        flags = {name: row[name] == "1" for name in ("is_required", "is_reversed", "has_na")}
        return Wanted(
            QuestionKind[row["kind"]], condition=Condition(code, ConditionOp[op], value) if code else None, code=row["code"],
            process_id=self.processes.get(row["process"]), options=options, **texts, **flags,
        )  # fmt: skip
