"""Answers that a firm collected for the company before: a file of which some rows are refused, others kept apart, and their survey."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.questionnaires import Asked, Audience, Form, QuestionKind
from app.extensions import local
from app.importing import runs, sheets
from app.importing.registry import kind_named
from app.models import ImportBatch, Questionnaire, SurveyCampaign
from app.operations import campaigns
from app.operations.files import MEGABYTE, hold_upload
from app.operations.questionnaires import form_of, published_of

SOURCE, _NAME = "Encuestadora del Valle", "evaluacion-oficina-encuestadora.csv"
_N_ROWS, _SEED = 120, 1203
_TOLD = ("Muy buena atención.", "La fila se demora mucho.", "Faltan sillas.", "Todo bien.", "")


def bring_answers(session: Session, at: datetime, user_id: int) -> ImportBatch | None:
    """
    Carry out the form for whoever comes by a year ago, from a file: whole rows, half-filled ones, some that ended early, two refused.

    Commits, as an import does. Does nothing when it was brought in already, or nothing is published for whoever comes by.
    """
    anybody = select(Questionnaire).where(Questionnaire.audience == Audience.ANYBODY, Questionnaire.is_active)
    form = session.scalars(anybody.order_by(Questionnaire.position)).first()
    version = published_of(session, form.id) if form else None
    if form is None or version is None or session.scalar(select(ImportBatch.id).where(ImportBatch.source == SOURCE)):
        return None
    first = local(at).date() - timedelta(days=400)
    campaign = SurveyCampaign(
        questionnaire_id=form.id, name=f"{form.name}: encuestadora", period_from=first, period_until=first + timedelta(days=30),
        opens_on=first, closes_on=first + timedelta(days=30), needs_consent=False, by_link=False, by_phone=False, by_file=True,
    )  # fmt: skip
    campaigns.write(session, campaign, at=at, actor_id=user_id)
    campaigns.confirm(session, campaign, at=at, actor_id=user_id)
    held = hold_upload(_NAME, io.BytesIO(_table(form_of(session, version.id), first).encode("cp1252")), "text/csv", most=MEGABYTE)
    batch = runs.receive(session, kind_named("survey_answers"), SOURCE, held, at, campaign.number)
    runs.save_mapping(session, batch, {int(column): name for column, name in batch.mapping.items()}, {}, {}, at)
    checked = runs.look_through(session, batch, at, user_id)
    runs.keep_check(session, batch, checked)
    batch.error_file = sheets.error_sheet(session, batch, checked.tally, at, "Administración (demo)")
    runs.begin_import(session, batch, None)
    runs.bring_in(session, batch, at, user_id)
    campaigns.close(session, campaign, at=at, actor_id=user_id)
    session.commit()
    return batch


def _table(form: Form, first: date) -> str:
    """Return the file: two lines of header, and what each person said."""
    rng, out = Random(_SEED), io.StringIO()
    writer = csv.writer(out, delimiter=";")
    asked = [each for each in form.questions if each.kind is not QuestionKind.MATRIX]
    writer.writerow(["V1", "V2", "term", *(each.code for each in asked)])
    writer.writerow(["Id respuesta", "Fecha", "term", *(each.text.es for each in asked)])
    for n in range(1, _N_ROWS + 1):
        ending = "no terminó" if n % 17 == 0 else "NA"
        said = ["NA" if ending != "NA" and place > 2 else _said(rng, each) for place, each in enumerate(asked)]
        if n in (31, 77):
            said[0] = "9"  # on no scale, in no list
        writer.writerow([f"E{n:04}", f"{first + timedelta(days=n % 28):%d/%m/%Y}", ending, *said])
    return out.getvalue()


def _said(rng: Random, asked: Asked) -> str:
    match asked.kind:
        case QuestionKind.TEXT:
            return rng.choice(_TOLD)
        case QuestionKind.ONE | QuestionKind.MANY:
            return rng.choice(asked.options).code
        case QuestionKind.NUMBER:
            return str(max(int(asked.least or 0), min(int(asked.greatest or 9), rng.randint(1, 9))))
    return str(rng.choices(asked.scores, [1 + 2 * place for place in range(len(asked.scores))])[0])
