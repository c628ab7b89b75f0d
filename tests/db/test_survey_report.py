"""The report of a campaign: previewed at any time, issued once when it is over and concluded, naming nobody."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask_appbuilder.security.sqla.models import User
from pypdf import PdfReader
from sqlalchemy import select

from app.documents import base, surveys
from app.domain.campaigns import AlarmEffect, AlarmMeasure
from app.domain.errors import DomainError, MoveRefused
from app.domain.questionnaires import Audience
from app.domain.states import DocumentKind
from app.models import CommercialEvent, ConsentText, SurveyInvitee, SurveyThreshold
from app.operations import campaigns, survey_answers, survey_rounds

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)


@pytest.fixture
def form(make):
    return make.questionnaire("R10-INFORME", audience=Audience.USERS).questionnaire


@pytest.fixture
def people(make):
    return [make.account(party=make.party(name=f"Nadie Debe Leerme {n}"), zone=("Norte", "Sur")[n % 2]) for n in range(14)]


@pytest.fixture
def round_of(seeded, make, form, people):
    """round_of(month, score) → a closed campaign of that month, which all answered alike but one."""

    def build(month: int, score: str) -> Any:
        period = {"period_from": date(2026, month, 1), "period_until": date(2026, month, 28)}
        campaign = make.campaign(form.versions[0], at=AT, **period)
        text = seeded.scalars(select(ConsentText)).first()
        invitees = seeded.scalars(select(SurveyInvitee).where(SurveyInvitee.campaign_id == campaign.id).order_by(SurveyInvitee.id)).all()
        for n, invitee in enumerate(invitees[:-1]):
            said = {"P1": score if n else "3", "P4": "0", "P8": "El agua llega turbia", "P9": "7"}
            response = make.response(campaign, said, via="LINK", at=AT, invitee=invitee)
            survey_answers.set_wishes(seeded, response, is_named=True, wants_contact=False, wants_case=False, consent_text=text, at=AT)
        return campaigns.close(seeded, campaign, at=AT, actor_id=make.user("Comercial").id, reason="Ya respondieron")

    return build


@pytest.fixture
def issuer(seeded, make) -> User:
    return make.user("Subgerente administrativo y comercial")


def text_of(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


def test_a_preview_is_marked_as_a_draft_and_keeps_nothing(seeded, round_of, issuer):
    campaign = round_of(3, "4")
    said = text_of(surveys.preview(seeded, campaign, issuer, AT))

    assert "BORRADOR" in said
    assert "R10-INFORME" in said
    assert "Es la primera ronda" in said
    assert campaign.document_id is None


def test_the_report_is_issued_once_and_says_the_same_ever_after(seeded, round_of, issuer):
    campaign = round_of(3, "4")
    survey_rounds.conclude(seeded, campaign, " Mejoró la atención. ")
    document = surveys.issue_report(seeded, campaign, issuer, AT)
    said = text_of(base.document_bytes(document))

    assert (document.kind, document.number, document.issued_by_id) == (DocumentKind.SURVEY_REPORT, f"INF-{campaign.number}", issuer.id)
    assert "Mejoró la atención." in said
    assert document.data["sha256"][:20] in said.replace(" ", "")
    assert seeded.scalars(select(CommercialEvent.move).where(CommercialEvent.campaign_id == campaign.id)).all()[-1] == "REPORT"
    for refused in (lambda: surveys.issue_report(seeded, campaign, issuer, AT), lambda: survey_rounds.conclude(seeded, campaign, "Otra")):
        with pytest.raises(MoveRefused):
            refused()


def test_a_campaign_that_takes_answers_or_concludes_nothing_has_no_report(seeded, make, form, people, round_of, issuer):
    with pytest.raises(DomainError) as refusal:
        surveys.issue_report(seeded, round_of(3, "4"), issuer, AT)
    assert refusal.value.field == "conclusion"
    with pytest.raises(MoveRefused):
        surveys.issue_report(seeded, make.campaign(form.versions[0], at=AT, conclusion="Bien"), issuer, AT)


def test_the_report_names_nobody_even_where_they_gave_their_name(seeded, round_of, issuer):
    assert "Nadie Debe Leerme" not in text_of(surveys.preview(seeded, round_of(3, "4"), issuer, AT))


def test_the_report_tells_of_groups_rounds_open_answers_and_what_was_done(seeded, make, form, round_of, issuer):
    seeded.add(SurveyThreshold(questionnaire_id=form.id, question_code="P1", measure=AlarmMeasure.MEAN, at_most=Decimal(3), least_n=5,
                               effect=AlarmEffect.ACTION, process=make.process("TECNICA")))  # fmt: skip
    first, second = round_of(3, "2"), round_of(5, "5")
    data = surveys._data(seeded, second, second.number, issuer, AT, is_draft=True)
    changed = {row["text"]: row for row in data["comparison"]["rows"]}
    [action] = data["aftermath"]["actions"]

    assert [cross["title"] for cross in data["crosses"]] == ["Por zona"]
    assert {group["name"] for group in data["crosses"][0]["groups"]} == {"Norte", "Sur"}
    assert (changed["Qué tan satisfecho está"]["before"], changed["Qué tan satisfecho está"]["now"]) == ("2,08", "4,85")
    assert changed["Qué tan satisfecho está"]["tone"] == "ok"
    assert data["words"]["tags"][0]["n"] == "13 respuestas"
    assert first.number in data["aftermath"]["sentences"][0]
    assert action["number"] == "AC-2026-0001"
    assert data["cards"][1]["figure"] == "92,9 %"  # 13 of the 14 who were asked
    assert surveys.preview(seeded, second, issuer, AT)[:5] == b"%PDF-"


def test_fewer_than_five_answers_are_not_printed(seeded, make, form, people, issuer):
    campaign = make.campaign(form.versions[0], at=AT)
    invitee = seeded.scalars(select(SurveyInvitee).where(SurveyInvitee.campaign_id == campaign.id)).first()
    make.response(campaign, {"P1": "1"}, via="LINK", at=AT, invitee=invitee)
    said = text_of(surveys.preview(seeded, campaign, issuer, AT))

    assert "Menos de cinco respuestas" in said
    assert "Pocas respuestas." in said
