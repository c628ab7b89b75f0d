"""
What the tabulation of a campaign costs beside the bare SQL: the same counts, written by hand and fetched by the driver, without any figure
made of them. Twenty questions (a matrix, NPS, lists, numbers among them), a sample of nine strata, weighted, and a round before of the
same size that every figure is compared with. Rounds of both alternate in one process; the median tells.

Run from the root of the project: `python -m bench.surveys [answers …]`; with `BENCH_DB=postgresql://user@host/postgres` on PostgreSQL too.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from bench.imports import databases

NOON = datetime(2026, 7, 8, 17, tzinfo=UTC)
ROUNDS = {"before": date(2026, 1, 1), "now": date(2026, 7, 1)}
N_STRATA, N_TIMES = 9, 15  # fewer times of more than 50,000 answers

#: What there is to count, by hand. {ids}: both rounds.
BARE = (
    "SELECT campaign_id, status, via, screened_reason, quota_id, count(*), count(invitee_id) FROM survey_response "
    "WHERE campaign_id IN {ids} GROUP BY 1, 2, 3, 4, 5",
    "SELECT r.campaign_id, a.question_id, a.option_id, a.value, a.number, a.is_na, r.quota_id, count(*) FROM survey_response r "
    "JOIN survey_answer a ON a.response_id = r.id WHERE r.campaign_id IN {ids} AND r.status = 'COMPLETE' GROUP BY 1, 2, 3, 4, 5, 6, 7",
    "SELECT r.campaign_id, a.question_id, r.quota_id, count(DISTINCT a.response_id) FROM survey_response r "
    "JOIN survey_answer a ON a.response_id = r.id WHERE r.campaign_id IN {ids} AND r.status = 'COMPLETE' AND a.kind = 'MANY' "
    "AND NOT a.is_na GROUP BY 1, 2, 3",
    "SELECT campaign_id, quota_id, count(*), sum(hits), sum(n), sum(hits * hits), sum(hits * n), sum(n * n) FROM ("
    "SELECT r.campaign_id, r.quota_id, count(*) n, sum(CASE WHEN a.kind IN ('SCALE5', 'MATRIX') AND a.value >= 4 "
    "OR a.kind = 'SCALE7' AND a.value >= 6 THEN 1 ELSE 0 END) hits FROM survey_response r JOIN survey_answer a ON a.response_id = r.id "
    "WHERE r.campaign_id IN {ids} AND r.status = 'COMPLETE' AND a.kind IN ('SCALE5', 'SCALE7', 'MATRIX') AND NOT a.is_na "
    "GROUP BY r.campaign_id, r.quota_id, r.id) p GROUP BY 1, 2",
)
#: One more, where groups are asked for.
BARE_GROUPS = (
    "SELECT r.zone, a.question_id, a.option_id, a.value, r.quota_id, count(*) FROM survey_response r "
    "JOIN survey_answer a ON a.response_id = r.id WHERE r.campaign_id = {now} AND r.status = 'COMPLETE' AND a.value IS NOT NULL "
    "GROUP BY 1, 2, 3, 4, 5",
    "SELECT zone, count(*) FROM survey_response WHERE campaign_id = {now} AND status = 'COMPLETE' GROUP BY 1",
)


def publish(session: Any) -> Any:
    """Return a published version of twenty questions."""
    from app.domain.questionnaires import Audience, QuestionKind
    from app.models import Questionnaire
    from app.operations import questionnaires as forms

    form = Questionnaire(code="BANCO", name="Encuesta del banco", audience=Audience.USERS)
    session.add(form)
    session.flush()
    version = forms.start_version(session, form)
    forms.write_texts(session, version, intro_es="Hola", thanks_es="Gracias", script="Buenos días, {name}.")
    section = forms.add_section(session, version, "Servicio")
    rows = [forms.WantedOption(name) for name in ("Acueducto", "Alcantarillado", "Aseo")]
    kind = QuestionKind
    others = (kind.MATRIX, kind.NPS, kind.YES_NO, kind.ONE, kind.ONE, kind.MANY, kind.NUMBER, kind.TEXT)
    for i, each in enumerate([kind.SCALE5] * 10 + [kind.SCALE7] * 2 + list(others)):
        options = rows if each in (kind.MATRIX, kind.ONE, kind.MANY) else []
        forms.add_question(session, section, forms.Wanted(each, f"Pregunta {i}", options=[forms.WantedOption(o.text_es) for o in options]))
    return forms.publish(session, version, "", at=NOON, actor_id=None)


def answers_of(response_id: int, asked: list[tuple[Any, list[int]]], pick: random.Random) -> Iterator[dict[str, Any]]:
    """Yield the rows of one response."""
    from app.domain.questionnaires import SCALES, QuestionKind

    empty = dict.fromkeys(("option_id", "score", "value", "number", "words"))
    for question, options in asked:
        base = {"response_id": response_id, "question_id": question.id, "kind": question.kind, "is_na": False, **empty}
        if question.kind in SCALES:
            for option in options or [None]:
                score = pick.randint(*SCALES[question.kind])
                yield base | {"option_id": option, "score": score, "value": score}
        elif question.kind is QuestionKind.NUMBER:
            yield base | {"number": pick.randint(1, 12)}
        elif question.kind is QuestionKind.TEXT:
            if pick.random() < 0.2:
                yield base | {"words": "Que llegue el agua con más presión por la tarde"}
        else:
            for option in options if question.kind is QuestionKind.MANY else options[:1]:
                if question.kind is QuestionKind.ONE or pick.random() < 0.5:
                    yield base | {"option_id": pick.choice(options) if question.kind is QuestionKind.ONE else option}


def fill(n_answers: int) -> dict[str, int]:
    """Store two closed rounds of *n_answers* each; return their ids."""
    from flask_appbuilder.security.sqla.models import User
    from sqlalchemy import select

    from app import queries
    from app.domain.campaigns import CampaignStatus
    from app.domain.questionnaires import Audience
    from app.extensions import db
    from app.models import QuestionOption, SurveyCampaign, SurveyQuota

    session = db.session
    version, owner = publish(session), session.scalars(select(User.id)).first()
    pick, ids = random.Random(7), {}
    for name, first in ROUNDS.items():
        last = first.replace(day=28)
        campaign = SurveyCampaign(
            organisation_id=queries.organisation(session).id, number=f"ENC-BANCO-{name}", name=name, version_id=version.id,
            questionnaire_id=version.questionnaire_id, status=CampaignStatus.OPEN, audience=Audience.USERS, period_from=first,
            period_until=last, opens_on=first, closes_on=last, is_sampled=True, by_zone=True, population=90_000, confirmed_at=NOON,
            confirmed_by_id=owner,
        )  # fmt: skip
        session.add(campaign)
        session.flush()
        quotas = [SurveyQuota(campaign_id=campaign.id, key=f"Zona {i}", zone=f"Zona {i}", population=2_000 * (i + 1), target=500)
                  for i in range(N_STRATA)]  # fmt: skip
        session.add_all(quotas)
        session.flush()
        asked = [(question, list(session.scalars(select(QuestionOption.id).where(QuestionOption.question_id == question.id))))
                 for section in version.sections for question in section.questions]  # fmt: skip
        pour_answers(session, campaign.id, [quota.id for quota in quotas], asked, n_answers, pick)
        campaign.status, campaign.closed_at = CampaignStatus.CLOSED, NOON
        ids[name] = campaign.id
        session.commit()
    return ids


def pour_answers(session: Any, campaign_id: int, quotas: list[int], asked: list[Any], n_answers: int, pick: random.Random) -> None:
    """Store responses until they hold *n_answers*."""
    from sqlalchemy import func, select

    from app.domain.campaigns import AnswerVia, ResponseStatus
    from app.models import SurveyAnswer, SurveyResponse
    from app.pour import pour

    facts = {"campaign_id": campaign_id, "via": AnswerVia.PAPER, "status": ResponseStatus.COMPLETE, "screened_reason": "", "language": "es",
             "started_at": NOON, "completed_at": NOON, "answered_on": NOON.date(), "is_named": False, "wants_contact": False,
             "wants_case": False, "version": 1}  # fmt: skip
    first = 1 + (session.scalar(select(func.max(SurveyResponse.id))) or 0)
    responses: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    while len(answers) < n_answers:
        i = pick.randrange(len(quotas))
        responses.append(facts | {"id": first + len(responses), "quota_id": quotas[i], "zone": f"Zona {i}", "stratum": 1 + i % 6})
        answers += answers_of(responses[-1]["id"], asked, pick)
    pour(session, SurveyResponse.__table__, responses)
    pour(session, SurveyAnswer.__table__, answers[:n_answers])


def alternating(n_times: int, **what: Callable[[], Any]) -> dict[str, float]:
    """Return the median time of each in milliseconds, one after the other, after a round that nobody counts."""
    times: dict[str, list[float]] = {name: [] for name in what}
    for i in range(n_times + 1):
        for name, call in what.items():
            started = perf_counter()
            call()
            if i:
                times[name].append(1000 * (perf_counter() - started))
    return {name: median(each) for name, each in times.items()}


def measure(engine: str, url: str, n_answers: int) -> None:
    """Print the figures of one engine."""
    from sqlalchemy import text

    from app import create_app
    from app.domain.tabulation import Dimension
    from app.extensions import db
    from app.models import SurveyCampaign
    from app.operations.tabulation import tabulate
    from app.serve import prepare

    app = create_app({"SECRET_KEY": "bench", "HUEY_URL": "none", "SQLALCHEMY_DATABASE_URI": url})
    prepare(app)
    with app.app_context():
        ids = fill(n_answers)
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE" if engine == "PostgreSQL" else "ANALYZE"))
        session = db.session
        campaign = session.get_one(SurveyCampaign, ids["now"])

        def bare(statements: tuple[str, ...]) -> list[Any]:
            cursor = session.connection().connection.cursor()
            found = []
            for statement in statements:
                cursor.execute(statement.format(ids=tuple(ids.values()), now=ids["now"]))
                found.append(cursor.fetchall())
            cursor.close()
            return found

        found = tabulate(session, campaign, by=Dimension.ZONE)
        counted = sum(row[-1] for row in bare(BARE)[1] if row[0] == campaign.id)
        assert counted == n_answers and found.is_weighted and found.rounds and len(found.cross.groups) == N_STRATA
        for what, statements, wishes in (("figures", BARE, {}), ("with groups", BARE + BARE_GROUPS, {"by": Dimension.ZONE})):
            took = alternating(
                max(3, N_TIMES * 50_000 // n_answers), bare=lambda statements=statements: bare(statements),
                ours=lambda wishes=wishes: tabulate(session, campaign, **wishes),
            )  # fmt: skip
            times = f"{took['bare']:.0f} ms | {took['ours']:.0f} ms | {took['ours'] / took['bare']:.2f}"
            print(f"| {engine} | {n_answers:,} | {found.n:,} | {what} | {times} |", flush=True)
        session.remove()


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [50_000, 250_000]
    with tempfile.TemporaryDirectory() as name:
        os.environ |= {"ATIENDE_INSTANCE": name, "ATIENDE_ADMIN_PASSWORD": "Clave-del-banco-2026"}
        print("| Engine | Answers | Responses | What | Bare SQL | Tabulated | × |\n|---|---|---|---|---|---|---|", flush=True)
        for n in sizes:
            for engine, url in databases(Path(name), f"surveys_{n}"):
                measure(engine, url, n)


if __name__ == "__main__":
    main()
