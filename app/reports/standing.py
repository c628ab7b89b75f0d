"""
Reports that have a page of their own and tell how things stand: contracts, surveys, indicators, risks, law, interested parties.

Here they are made for the catalogue, from the same sheets as their pages, so that they can be scheduled and taken away as any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, joinedload
from werkzeug.datastructures import MultiDict
from wtforms import SelectField
from wtforms.validators import Optional as Empty

from app.domain import N_
from app.domain.campaigns import CampaignStatus, ResponseStatus
from app.domain.compliance import DEFINITION
from app.domain.reports import ReportGroup
from app.domain.surveys import LEAST_SHOWN
from app.domain.tabulation import Dimension
from app.models import Contract, QuestionnaireVersion, Risk, SurveyCampaign, SurveyResponse
from app.operations import matrix, risks
from app.operations.tabulation import tabulate
from app.reports import compliance, indicators, surveys
from app.reports.base import Asked, Cells, Column, Figure, FilterForm, Kind, Offer, Part, PartedReport, Reader, Report
from app.reports.interested import InterestedMatrix, MatrixForm
from app.reports.legalmatrix import LegalMatrix
from app.reports.risks import RiskRegister
from app.words import say_day, say_percent


def part_of(sheet: Report, key: str) -> Part:
    """Return a sheet of a workbook as a part of a report."""
    return Part(key, _(sheet.name), sheet.header, sheet.rows)


# ── Contracts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

FIRST_YEAR, N_YEARS = 1900, 6
YEARS = (
    Column(N_("Year"), Kind.INT, 8), Column(N_("Contracts in force"), Kind.INT, 12), Column(N_("To verify"), Kind.INT, 12),
    Column(N_("Verified"), Kind.INT, 12), Column(N_("Missing"), Kind.INT, 12), Column(N_("Due without requirements"), Kind.INT, 14),
    Column(N_("Verified, percent"), Kind.DECIMAL, 12),
)  # fmt: skip


class ComplianceForm(FilterForm):
    by = SelectField(_l("By"), default="contract", validators=[Empty()])

    def __init__(self, args: Mapping[str, Any]) -> None:
        super().__init__(formdata=MultiDict(args) if args else None)
        self.by.choices = [(key, _(grouping.label)) for key, grouping in compliance.GROUPINGS.items()]

    @property
    def chosen(self) -> str:
        return self.by.data or "contract"

    def in_words(self, _today: Any) -> list[str]:
        return [_("By: %(what)s", what=_(compliance.GROUPINGS[self.chosen].label)), _(DEFINITION)]

    def args(self) -> dict[str, str]:
        return {"by": self.chosen}


class ComplianceReport(PartedReport):
    """How far contracts are met, by what the form says and year, and how many were verified. The page is `/compliance/`."""

    identifier = "compliance"
    name = N_("Compliance of contracts")
    description = N_("How far what contracts require is met, by contract, process, party, kind or quality and year; contracts verified.")
    form = ComplianceForm

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def _scope(self, statement: Any) -> Any:
        return self._asked.reader.scope("contract", statement).where(Contract.signed_on.is_not(None))

    @cached_property
    def _found(self) -> compliance.Overview:
        contracts = self._scope(select(Contract.id))
        return compliance.overview(self._asked.session, self._asked.form.chosen, contracts, FIRST_YEAR, self._asked.today.year)

    @cached_property
    def _years(self) -> list[compliance.YearLine]:
        last = self._asked.today.year
        return compliance.indicator(self._asked.session, self._scope, range(last - N_YEARS + 1, last + 1))

    def headline(self) -> list[Figure]:
        found = [
            Figure(_("Compliance of %(year)s", year=year), say_percent(standing.sum.percent), f"/verified/list/?year={year}")
            for year, standing in self._found.totals.items() if standing.sum.percent is not None
        ][-N_YEARS:]  # fmt: skip
        line = self._years[-1] if self._years else None
        if line is not None:
            path = f"/verifications/list/?missing={line.year}"
            label, tone = _("Contracts not verified in %(year)s", year=line.year), "bad" if line.missing else ""
            found.append(Figure(label, line.missing, path, tone=tone))
        return found

    def filters_in_words(self) -> list[str]:
        return self._asked.form.in_words(self._asked.today)

    def parts(self) -> Sequence[Part]:
        return (
            Part("years", _("Contracts verified by year"), YEARS, self._verified, _(compliance.INDICATOR)),
            part_of(compliance.OverviewSheet(self._found), "rows"),
        )

    def _verified(self) -> Iterator[Cells]:
        for line in self._years:
            yield line.year, line.active, line.to_verify, line.verified, line.missing, line.unasked, line.percent


# ── Surveys ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: Campaigns that may be chosen, the newest first; the others are on their own pages.
MOST_CAMPAIGNS = 50
#: Earlier rounds that the summary compares with.
N_ROUNDS = 6


def _tenth(value: float) -> Decimal:
    return Decimal(f"{value:.1f}")


class SurveyForm(FilterForm):
    campaign = SelectField(_l("Campaign"), default="", validators=[Empty()])

    def __init__(self, args: Mapping[str, Any]) -> None:
        super().__init__(formdata=MultiDict(args) if args else None)

    def load(self, session: Session, reader: Reader) -> None:
        one, n = SurveyCampaign, func.count(SurveyResponse.id)
        rows = select(one.id, one.number, one.name, n).outerjoin(
            SurveyResponse, (SurveyResponse.campaign_id == one.id) & (SurveyResponse.status == ResponseStatus.COMPLETE)
        ).where(one.status.in_((CampaignStatus.OPEN, CampaignStatus.CLOSED))).group_by(one.id, one.number, one.name, one.opens_on)
        enough = case((n >= LEAST_SHOWN, 1), else_=0)
        found = session.execute(rows.order_by(enough.desc(), one.opens_on.desc(), one.id.desc()).limit(MOST_CAMPAIGNS)).all()
        newest = _("The newest with results")
        self.campaign.choices = [("", newest), *((str(row.id), f"{row.number} · {row.name}") for row in found)]
        self._newest = found[0].id if found else None

    @property
    def campaign_id(self) -> int | None:
        return int(self.campaign.data) if self.campaign.data else self._newest

    def in_words(self, _today: Any) -> list[str]:
        named = dict(self.campaign.choices)
        return [named[str(self.campaign_id)]] if self.campaign_id else [_("There is no campaign with results yet.")]

    def args(self) -> dict[str, str]:
        return {"campaign": self.campaign.data} if self.campaign.data else {}


class SurveyReport(PartedReport):
    """The figures of a campaign; who answered what stays on its own page. Groups of few people are left out, as there."""

    identifier = "survey_report"
    name = N_("Report of a survey")
    description = N_("Satisfaction, recommendation and every question of a campaign, with margins of error and earlier rounds; by group.")
    form = SurveyForm

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    @cached_property
    def _campaign(self) -> SurveyCampaign | None:
        version = joinedload(SurveyCampaign.version).joinedload(QuestionnaireVersion.questionnaire)
        wanted = select(SurveyCampaign).where(SurveyCampaign.id == (self._asked.form.campaign_id or 0)).options(version)
        return self._asked.session.scalars(wanted).first()

    @property
    def _sees_small(self) -> bool:
        return self._asked.reader.may("can_see_small", "SurveyResult")

    @cached_property
    def _found(self) -> Any:
        """The figures, and what sets groups apart: what the sample was split by, else services."""
        campaign = self._campaign
        by = Dimension.ZONE if campaign.by_zone else Dimension.STRATUM if campaign.by_stratum else Dimension.SERVICE
        return tabulate(self._asked.session, campaign, by=by, n_rounds=N_ROUNDS, sees_small=self._sees_small)

    def headline(self) -> list[Figure]:
        if self._campaign is None:
            return []
        found, path = self._found, f"/survey-results/{self._campaign.id}"
        told = [Figure(_("Answers counted"), found.n, path)]
        if found.csat is not None:
            told.append(Figure(_("Satisfied (CSAT)"), _tenth(found.csat.value), path, unit="%"))
        if found.nps is not None and found.nps.nps is not None:
            told.append(Figure(_("Recommendation (NPS)"), _tenth(found.nps.nps.score.value), path))
        return told

    def filters_in_words(self) -> list[str]:
        words, campaign = self._asked.form.in_words(self._asked.today), self._campaign
        if campaign is not None:
            words.append(_("From %(since)s to %(until)s", since=say_day(campaign.period_from), until=say_day(campaign.period_until)))
            if not self._sees_small:
                words.append(_("Groups of fewer than %(n)s people are not in this file.", n=LEAST_SHOWN))
        return words

    def parts(self) -> Sequence[Part]:
        if self._campaign is None:
            return (Part("questions", _("Questions"), surveys.QuestionSheet.header, lambda: (row for row in ())),)
        found = self._found
        crosses = [found.cross] if found.cross is not None else []
        return (
            part_of(surveys.QuestionSheet(found), "questions"), part_of(surveys.DistributionSheet(found), "distributions"),
            part_of(surveys.GroupSheet(found, crosses), "groups"),
        )  # fmt: skip


# ── The management system ─────────────────────────────────────────────────────────────────────────────────────────────────


class IndicatorReport(PartedReport):
    """The sheets, values and notes of the indicators, as they were reported. The page is `/indicators/`."""

    identifier = "indicators"
    name = N_("Board of indicators")
    description = N_("The sheet of each indicator, its values as they were reported, and what was written beside them afterwards.")
    form = FilterForm

    def __init__(self, asked: Asked) -> None:
        self._session = asked.session

    def filters_in_words(self) -> list[str]:
        return [_("All indicators and all their values")]

    def parts(self) -> Sequence[Part]:
        session = self._session
        return (
            part_of(indicators.DefinitionSheet(session), "sheets"), part_of(indicators.ValueSheet(session), "values"),
            part_of(indicators.NoteSheet(session), "notes"),
        )  # fmt: skip


def risk_register(asked: Asked) -> RiskRegister:
    """Return the register of the open risks of the reader, the worst first."""
    worst = (Risk.residual_probability * Risk.residual_impact).desc()
    found = asked.reader.scope("risk", select(Risk).where(Risk.closed_on.is_(None)))
    found = found.options(joinedload(Risk.process), joinedload(Risk.responsible)).order_by(worst, Risk.number)
    return RiskRegister(asked.session, asked.session.scalars(found).all(), risks.scale_of(asked.session))


def legal_matrix(asked: Asked) -> LegalMatrix:
    return LegalMatrix(asked.session, asked.today)


def _matrix_form(_offer: Offer, args: Mapping[str, Any], session: Session, _reader: Reader, _today: Any) -> MatrixForm:
    return MatrixForm(MultiDict(args), matrix.groups_in_use(session))


def interested_matrix(asked: Asked) -> InterestedMatrix:
    return InterestedMatrix(matrix.matrix(asked.session, asked.form.wanted(), asked.today), asked.form.in_words(asked.today))


OFFERS = (
    Offer(
        ComplianceReport, ReportGroup.COMMERCIAL, ("can_list", "Compliance"), ComplianceReport,
        N_("For whoever supervises contracts and for the management: what is met, what is not, and which contracts nobody verified."),
        "Procedimiento comercial 5.1", address="/compliance/", words=(N_("contract"), N_("verification"), N_("checklist")),
    ),
    Offer(
        InterestedMatrix, ReportGroup.COMMERCIAL, ("can_list", "Interested"), interested_matrix,
        N_("For quality and the commercial side: who the interested parties are, what they need, and how it is followed."),
        "ISO 9001:2015, 4.2", address="/interested/", words=(N_("needs"), N_("expectations")), read=_matrix_form,
    ),
    Offer(
        SurveyReport, ReportGroup.SATISFACTION, ("can_list", "SurveyResult"), SurveyReport,
        N_("For quality and the management: how satisfied customers are, question by question, and what changed since the last round."),
        "ISO 9001:2015, 9.1.2", address="/survey-results/", words=(N_("survey"), N_("satisfaction"), "CSAT", "NPS"),
    ),
    Offer(
        IndicatorReport, ReportGroup.QUALITY, ("can_list", "Indicator"), IndicatorReport,
        N_("For quality and the auditor: each indicator with its goal, its values and what was analysed."),
        "ISO 9001:2015, 9.1.1 y 9.1.3", address="/indicators/", words=(N_("goal"), N_("measurement")),
    ),
    Offer(
        RiskRegister, ReportGroup.QUALITY, ("can_map", "Risk"), risk_register,
        N_("For the owners of processes and quality: open risks, their controls, and what is left of them."),
        "ISO 9001:2015, 6.1", address="/risk-map/", words=(N_("risk"), N_("controls")),
    ),
    Offer(
        LegalMatrix, ReportGroup.QUALITY, ("can_list", "LegalRequirement"), legal_matrix,
        N_("For quality and the auditor: what norms oblige the company to, and how its compliance was evaluated."),
        "ISO 9001:2015, 4.2", address="/legalrequirement/list/", words=(N_("norm"), N_("law"), N_("compliance")),
    ),
)  # fmt: skip
