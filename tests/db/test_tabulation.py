"""A campaign tabulated on both engines: every figure against the answers themselves, counted again in plain Python and by scipy."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from statistics import fmean, median
from typing import Any

import pytest
from scipy import stats
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.domain.campaigns import AnswerVia, CampaignStatus, InviteeStatus, ResponseStatus
from app.domain.questionnaires import QuestionKind
from app.domain.surveys import Measure, Verdict
from app.domain.tabulation import Dimension, Figure, Tabulation
from app.models import (
    Process,
    Question,
    QuestionnaireSection,
    QuestionOption,
    Service,
    SurveyAnswer,
    SurveyCampaign,
    SurveyInvitee,
    SurveyQuota,
    SurveyResponse,
)
from app.operations.tabulation import is_counted, tabulate

NOON = datetime(2026, 7, 8, 17, tzinfo=UTC)
KIND = QuestionKind


def close(expected: float) -> Any:
    return pytest.approx(expected, rel=1e-9, abs=1e-9)


@dataclass
class Survey:
    """A form with a question of each kind, its campaigns, and answers stored row by row."""

    session: Session
    make: Any
    version: Any
    asked: dict[str, Question] = field(default_factory=dict)
    options: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.asked = {question.code: question for question in self.session.scalars(
            select(Question).join(QuestionnaireSection, QuestionnaireSection.id == Question.section_id)
            .where(Question.version_id == self.version.id)
        )}  # fmt: skip
        codes = {question.id: code for code, question in self.asked.items()}
        rows = self.session.scalars(select(QuestionOption).where(QuestionOption.version_id == self.version.id))
        self.options = {(codes[option.question_id], option.code): option.id for option in rows}

    def campaign(self, first: date = date(2026, 7, 1), **columns: Any) -> SurveyCampaign:
        """Return a campaign that is open to whoever comes by; *columns* are written once it is."""
        days = {"period_from": first, "period_until": first.replace(day=28), "opens_on": first, "closes_on": first.replace(day=28)}
        campaign = self.make.campaign(self.version, at=NOON.replace(month=first.month), name=f"Ronda {first}", **days)
        for name, value in columns.items():
            setattr(campaign, name, value)
        self.session.flush()
        return campaign

    def close(self, campaign: SurveyCampaign) -> SurveyCampaign:
        campaign.status, campaign.closed_at = CampaignStatus.CLOSED, NOON
        self.session.flush()
        return campaign

    def quota(self, campaign: SurveyCampaign, key: str, population: int) -> SurveyQuota:
        quota = SurveyQuota(campaign_id=campaign.id, key=key, zone=key, population=population, target=min(population, 10))
        self.session.add(quota)
        self.session.flush()
        return quota

    def answer(self, campaign: SurveyCampaign, answers: dict[str, Any], *, status: ResponseStatus = ResponseStatus.COMPLETE,
               via: AnswerVia = AnswerVia.QR, **columns: Any) -> SurveyResponse:  # fmt: skip
        """
        Store a response. Answers by the code of the question: a score or number; "NA"; codes of options in a tuple; of a matrix, scores by
        row; of open text, the words.
        """
        ended = {ResponseStatus.COMPLETE: NOON}.get(status)
        reason = "Otra ciudad" if status is ResponseStatus.SCREENED else ""
        values = {"started_at": NOON, "completed_at": ended, "answered_on": date(2026, 7, 8), "screened_reason": reason}
        response = SurveyResponse(campaign_id=campaign.id, status=status, via=via, **(values | columns))
        self.session.add(response)
        self.session.flush()
        for code, raw in answers.items():
            self.session.add_all(SurveyAnswer(response_id=response.id, **row) for row in self._rows(self.asked[code], raw))
        self.session.flush()
        return response

    def _rows(self, question: Question, raw: Any) -> Iterable[dict[str, Any]]:
        base = {"question_id": question.id, "kind": question.kind}
        turned = {KIND.SCALE5: 6, KIND.SCALE7: 8, KIND.YES_NO: 1, KIND.MATRIX: 6}
        for option, one in raw.items() if isinstance(raw, dict) else [(None, each) for each in (raw if isinstance(raw, tuple) else (raw,))]:
            row = base | ({"option_id": self.options[question.code, option]} if option else {})
            if one == "NA":
                yield row | {"is_na": True}
            elif question.kind in (KIND.ONE, KIND.MANY):
                yield row | {"option_id": self.options[question.code, one]}
            elif question.kind is KIND.NUMBER:
                yield row | {"number": Decimal(one)}
            elif question.kind is KIND.TEXT:
                yield row | {"words": one}
            else:
                yield row | {"score": one, "value": turned[question.kind] - one if question.is_reversed else one}

    def tabulate(self, campaign: SurveyCampaign, **wishes: Any) -> Tabulation:
        return tabulate(self.session, campaign, **({"sees_small": True} | wishes))


@pytest.fixture
def survey(session: Session, make: Any) -> Survey:
    return Survey(session, make, make.questionnaire(at=NOON))


def figure(found: Tabulation, code: str) -> Figure:
    question = found.question(code)
    assert question is not None
    return question.figure


def bars(found: Figure) -> dict[Any, int]:
    return {bar.value if bar.value is not None else bar.text_en: bar.n for bar in found.bars}


# ── Every figure of a round ───────────────────────────────────────────────────────────────────────────────────────────────


def test_every_kind_of_question_is_counted_from_its_answers(survey):
    pick = random.Random(7)
    campaign = survey.campaign()
    given: list[dict[str, Any]] = []
    for _ in range(60):
        many = tuple(code for code in ("oficina", "otro") if pick.random() < 0.6)
        answers = {
            "P1": pick.choice([1, 2, 3, 4, 5, 5, "NA"]), "P2": {"agua": pick.choice([3, 4, 5]), "aseo": pick.choice([1, 2, 5, "NA"])},
            "P3": pick.randint(0, 10), "P4": pick.randint(0, 1), "P5": pick.choice(["oficina", "otro"]), "P7": pick.randint(1, 9),
            "P9": pick.randint(1, 7),
        } | ({"P6": many} if many else {}) | ({"P8": "Se demoran"} if pick.random() < 0.3 else {})  # fmt: skip
        given.append(answers)
        survey.answer(campaign, answers)
    survey.answer(campaign, {"P1": 1, "P3": 0}, status=ResponseStatus.PARTIAL)
    survey.answer(campaign, {"P1": 1, "P3": 0}, status=ResponseStatus.SCREENED)

    found = survey.tabulate(campaign)

    def told(code: str) -> list[Any]:
        return [answers[code] for answers in given if answers.get(code, "NA") != "NA"]

    assert found.n == 60
    scores = told("P1")
    assert bars(figure(found, "P1")) == {value: scores.count(value) for value in range(1, 6)}
    assert (figure(found, "P1").n, figure(found, "P1").n_na, figure(found, "P1").n_blank) == (len(scores), 60 - len(scores), 0)
    assert figure(found, "P1").mean.value == close(fmean(scores))
    interval = stats.binomtest(sum(v >= 4 for v in scores), len(scores)).proportion_ci(method="wilson")
    assert (figure(found, "P1").csat.low, figure(found, "P1").csat.high) == (close(100 * interval.low), close(100 * interval.high))
    nps = told("P3")
    assert figure(found, "P3").nps.score.value == close(100 * (sum(v >= 9 for v in nps) - sum(v <= 6 for v in nps)) / 60)
    assert found.nps is figure(found, "P3")
    assert figure(found, "P4").csat.value == close(100 * fmean(told("P4")))
    assert bars(figure(found, "P5")) == {"Office": told("P5").count("oficina"), "Other": told("P5").count("otro")}
    names = {"oficina": "Office", "otro": "Other"}
    assert bars(figure(found, "P6")) == {name: sum(code in ticks for ticks in told("P6")) for code, name in names.items()}
    assert figure(found, "P6").n == len(told("P6"))
    assert figure(found, "P6").bars[0].percent == close(100 * figure(found, "P6").bars[0].n / len(told("P6")))
    assert (figure(found, "P7").numbers.median, figure(found, "P7").mean.value) == (median(told("P7")), close(fmean(told("P7"))))
    assert (figure(found, "P8").n, figure(found, "P8").n_blank) == (len(told("P8")), 60 - len(told("P8")))
    assert figure(found, "P9").mean.value == close(fmean(8 - value for value in told("P9")))


def test_a_matrix_has_a_figure_for_each_row_and_one_for_all(survey):
    campaign = survey.campaign()
    for agua, aseo in ((5, 1), (4, "NA"), (5, 3), (2, 5)):
        survey.answer(campaign, {"P2": {"agua": agua, "aseo": aseo}})

    matrix = survey.tabulate(campaign).question("P2")

    assert [(row.text_en, row.n, row.n_na, row.mean.value, row.csat.value) for row in matrix.rows] == [
        ("Water", 4, 0, 4, 75), ("Waste", 3, 1, 3, close(100 / 3)),
    ]  # fmt: skip
    assert (matrix.figure.n, matrix.figure.n_na, matrix.figure.mean.value, matrix.figure.mean.low) == (7, 1, close(25 / 7), None)


def test_many_different_numbers_come_in_ranges_that_hold_them_all(survey):
    campaign = survey.campaign()
    for number in range(1, 31):
        survey.answer(campaign, {"P7": number})

    found = figure(survey.tabulate(campaign), "P7")

    assert sum(bar.n for bar in found.bars) == 30
    assert len(found.bars) <= 8 and all(bar.value < bar.until for bar in found.bars)
    assert (found.numbers.least, found.numbers.greatest) == (1, 30)


def test_satisfaction_of_the_whole_counts_scales_alone_and_people_once(survey):
    campaign = survey.campaign()
    for p1, agua, p9 in ((5, 4, 7), (1, 2, 1), (4, 5, 2), (2, 1, 6)):
        survey.answer(campaign, {"P1": p1, "P2": {"agua": agua}, "P4": 1, "P3": 10, "P9": p9})  # P9 is turned round: 7 becomes 1

    csat = survey.tabulate(campaign).csat

    assert csat.value == close(100 * 6 / 12)
    assert csat.n == 4
    hits = [2, 1, 3, 0]
    variance = sum((h - 3 * 0.5) ** 2 for h in hits) / 12**2 * 4 / 3
    n = min(12, 0.25 / variance)
    assert csat.n_effective == close(n)


def test_a_campaign_without_answers_has_no_figures_and_no_mistakes(survey):
    found = survey.tabulate(survey.campaign(), by=Dimension.SERVICE, sees_small=False)

    assert (found.n, found.csat, found.margin, found.is_hidden, found.cross.groups) == (0, None, None, False, ())
    assert all(asked.figure.mean is None and not asked.figure.n for asked in found.questions)


# ── Who answered ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def invite(survey: Survey, campaign: SurveyCampaign, n: int, **columns: Any) -> list[SurveyInvitee]:
    first = survey.session.scalar(select(func.count()).select_from(SurveyInvitee))
    made = [SurveyInvitee(campaign_id=campaign.id, key=f"party:{first + i}", name=f"Vecina {i}", **columns) for i in range(n)]
    survey.session.add_all(made)
    survey.session.flush()
    return made


def test_the_response_rate_is_of_those_who_were_asked(survey):
    campaign = survey.campaign()
    linked = invite(survey, campaign, 6, invited_on=date(2026, 7, 2))
    called = invite(survey, campaign, 4, n_attempts=1, status=InviteeStatus.LOST)
    invite(survey, campaign, 20, is_reserve=True)
    for invitee in linked[:3]:
        invitee.status = InviteeStatus.ANSWERED
        survey.answer(campaign, {"P1": 5}, via=AnswerVia.LINK, invitee_id=invitee.id)
    survey.answer(campaign, {"P1": 5}, via=AnswerVia.PHONE, invitee_id=called[0].id)
    survey.answer(campaign, {"P1": 5}, via=AnswerVia.PAPER)
    survey.answer(campaign, {}, via=AnswerVia.PHONE, invitee_id=called[1].id, status=ResponseStatus.PARTIAL)
    survey.answer(campaign, {}, via=AnswerVia.PHONE, invitee_id=called[2].id, status=ResponseStatus.SCREENED)

    people = survey.tabulate(campaign).people

    assert (people.n_asked, people.n_answered, people.rate) == (10, 4, 40)
    assert (people.n_complete, people.n_partial, people.n_screened, people.screened) == (5, 1, 1, (("Otra ciudad", 1),))
    assert people.by_status[InviteeStatus.ANSWERED] == 3
    assert {one.via: (one.n_asked, one.n_complete, one.rate) for one in people.channels} == {
        AnswerVia.LINK: (6, 3, 50), AnswerVia.PHONE: (4, 1, 25), AnswerVia.PAPER: (None, 1, None),
    }  # fmt: skip


# ── Weights ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_sample_weighs_as_its_strata_do(survey):
    campaign = survey.campaign(is_sampled=True)
    north, south = survey.quota(campaign, "Norte", 900), survey.quota(campaign, "Sur", 100)
    survey.quota(campaign, "Centro", 50)
    for quota, score in ((north, 5), (north, 4), (south, 1), (south, 2), (south, 1), (south, 1)):
        survey.answer(campaign, {"P1": score}, quota_id=quota.id)

    found = survey.tabulate(campaign)

    assert (found.is_weighted, found.empty_strata, found.n_outside) == (True, 1, 0)
    assert figure(found, "P1").mean.value == close(0.9 * 4.5 + 0.1 * 1.25)
    assert figure(found, "P1").csat.value == close(90)
    assert found.csat.value == close(90)
    assert figure(found, "P1").bars[4].n == 1 and figure(found, "P1").bars[4].percent == close(45)
    weights = [0.9 / (2 / 6)] * 2 + [0.1 / (4 / 6)] * 4
    assert found.design_effect == close(6 * sum(w * w for w in weights) / sum(weights) ** 2)
    assert figure(found, "P1").csat.n_effective == close(6 / found.design_effect)
    plain = survey.tabulate(campaign, is_weighted=False)
    assert (plain.is_weighted, figure(plain, "P1").mean.value) == (False, close(14 / 6))


def test_what_is_of_no_stratum_weighs_one_and_is_told(survey):
    campaign = survey.campaign(is_sampled=True)
    for key, n in (("Norte", 3), ("Sur", 1)):
        quota = survey.quota(campaign, key, 50)
        for _ in range(n):
            survey.answer(campaign, {"P1": 5}, quota_id=quota.id)
    survey.answer(campaign, {"P1": 1})

    found = survey.tabulate(campaign)

    assert found.n_outside == 1
    assert figure(found, "P1").mean.value == close((4 * 5 + 1) / 5)


def test_the_margin_is_that_of_a_finite_population_and_of_a_part_that_of_an_endless_one(survey):
    campaign = survey.campaign()
    campaign.population = 40
    for zone in ["Norte"] * 10 + ["Sur"] * 10:
        survey.answer(campaign, {"P1": 4}, zone=zone)

    z = stats.norm.ppf(0.975)
    assert survey.tabulate(campaign).margin == close(100 * z * (0.25 / 20 * 20 / 39) ** 0.5)
    assert survey.tabulate(campaign, where=[SurveyResponse.zone == "Norte"]).margin == close(100 * z * (0.25 / 10) ** 0.5)


# ── Narrowed, and set apart ───────────────────────────────────────────────────────────────────────────────────────────────


def test_narrowing_counts_those_answers_alone(survey):
    campaign = survey.campaign()
    for zone, score, day in (("Norte", 5, 2), ("Norte", 3, 9), ("Sur", 1, 9)):
        survey.answer(campaign, {"P1": score, "P6": ("oficina",)}, zone=zone, answered_on=date(2026, 7, day))

    north = survey.tabulate(campaign, where=[SurveyResponse.zone == "Norte"])
    late = survey.tabulate(campaign, of_round=[SurveyResponse.answered_on >= date(2026, 7, 9)])

    assert (north.n, figure(north, "P1").mean.value, figure(north, "P6").n, north.people.n_complete) == (2, 4, 2, 3)
    assert (late.n, figure(late, "P1").mean.value) == (2, 2)


def test_groups_are_those_of_their_answers_with_the_largest_first(survey):
    campaign = survey.campaign()
    water, waste = survey.session.scalars(select(Service).order_by(Service.id).limit(2)).all()
    for service, score in ((water, 5), (water, 4), (water, 2), (waste, 1), (None, 3)):
        survey.answer(campaign, {"P1": score, "P2": {"agua": score}, "P3": score}, service_id=service.id if service else None)

    cross = survey.tabulate(campaign, by=Dimension.SERVICE).cross
    p1, agua = survey.asked["P1"].id, survey.options["P2", "agua"]

    assert (cross.groups[0].key, cross.groups[0].label, cross.groups[0].n) == (water.id, water.name, 3)
    assert {group.label: group.cells[p1, None].mean.value for group in cross.groups} == {water.name: close(11 / 3), waste.name: 1, "": 3}
    assert cross.groups[0].cells[survey.asked["P2"].id, agua].csat.value == close(200 / 3)
    assert cross.groups[0].cells[survey.asked["P3"].id, None].nps.value == -100


@pytest.mark.parametrize(
    ("dimension", "columns", "keys"),
    [
        (Dimension.ZONE, [{"zone": "Norte"}, {"zone": "Norte"}, {"zone": ""}], ["Norte", ""]),
        (Dimension.STRATUM, [{"stratum": 3}, {"stratum": 3}, {"stratum": None}], [3, None]),
        (Dimension.VIA, [{"via": AnswerVia.KIOSK}, {"via": AnswerVia.KIOSK}, {}], [AnswerVia.KIOSK, AnswerVia.QR]),
    ],
)  # fmt: skip
def test_answers_are_set_apart_by_what_is_asked(survey, dimension, columns, keys):
    campaign = survey.campaign()
    for each in columns:
        survey.answer(campaign, {"P1": 4}, **each)
    assert [group.key for group in survey.tabulate(campaign, by=dimension).cross.groups] == keys


def test_groups_that_differ_are_told_by_chi_square(survey):
    campaign = survey.campaign()
    owner = survey.session.scalars(select(Process).order_by(Process.id).limit(1)).one()
    for process, hits, misses in ((owner, 16, 4), (None, 6, 14)):
        for score in [5] * hits + [2] * misses:
            survey.answer(campaign, {"P1": score}, process_id=process.id if process else None)

    cross = survey.tabulate(campaign, by=Dimension.PROCESS).cross

    assert cross.p_values[survey.asked["P1"].id, None] == close(stats.chi2_contingency([[16, 4], [6, 14]], correction=False).pvalue)


# ── Against the round before ──────────────────────────────────────────────────────────────────────────────────────────────


def rounds(survey: Survey, before: list[int], now: list[int], code: str = "P1") -> tuple[SurveyCampaign, SurveyCampaign]:
    one, other = survey.campaign(date(2026, 1, 1)), survey.campaign()
    for campaign, values in ((one, before), (other, now)):
        for value in values:
            survey.answer(campaign, {code: value})
    return survey.close(one), other


def test_a_change_is_measured_against_the_round_before(survey):
    before, now = [2, 3, 3, 2, 3, 2, 4, 3], [5, 4, 4, 5, 4, 5, 5, 3]
    earlier, campaign = rounds(survey, before, now)

    found = survey.tabulate(campaign)
    mean, csat = figure(found, "P1").changes

    assert [round_.number for round_ in found.rounds] == [earlier.number]
    assert (mean.measure, mean.before.value, mean.difference) == (Measure.MEAN, close(fmean(before)), close(fmean(now) - fmean(before)))
    assert (mean.p_value, mean.verdict) == (close(stats.ttest_ind(now, before, equal_var=False).pvalue), Verdict.BETTER)
    assert csat.p_value == close(stats.fisher_exact([[7, 1], [1, 7]]).pvalue)
    assert (csat.measure, csat.verdict, csat.difference) == (Measure.CSAT, Verdict.BETTER, close(75))
    assert [change.verdict for change in found.csat_changes] == [Verdict.BETTER]
    assert found.rounds[0].csat.value == close(12.5)


def test_a_small_change_is_called_none(survey):
    _earlier, campaign = rounds(survey, [3, 4, 5, 2, 4, 3], [4, 4, 5, 2, 4, 3])
    assert {change.verdict for change in figure(survey.tabulate(campaign), "P1").changes} == {Verdict.NO_CHANGE}


def test_recommendation_and_lists_are_compared_too(survey):
    _earlier, campaign = rounds(survey, [0, 3, 6, 5, 9, 7] * 3, [10, 9, 8, 9, 10, 6] * 3, "P3")
    (change,) = figure(survey.tabulate(campaign), "P3").changes
    assert (change.measure, change.verdict) == (Measure.NPS, Verdict.BETTER)
    turned = [[100 * ((v >= 9) - (v <= 6)) for v in values] for values in ([0, 3, 6, 5, 9, 7] * 3, [10, 9, 8, 9, 10, 6] * 3)]
    assert change.p_value == close(stats.ttest_ind(*turned, equal_var=False).pvalue)


def test_how_a_list_is_spread_is_compared_by_chi_square(survey):
    _earlier, campaign = rounds(survey, ["oficina"] * 20 + ["otro"] * 10, ["oficina"] * 8 + ["otro"] * 24, "P5")
    (change,) = figure(survey.tabulate(campaign), "P5").changes
    assert (change.measure, change.verdict, change.difference) == (Measure.SHARES, Verdict.DIFFERS, None)
    assert change.p_value == close(stats.chi2_contingency([[20, 10], [8, 24]], correction=False).pvalue)


def test_a_weighted_list_is_compared_on_as_many_answers_as_its_own_are_worth(survey):
    earlier = survey.campaign(date(2026, 1, 1))
    for code, n in (("oficina", 20), ("otro", 20)):
        for _ in range(n):
            survey.answer(earlier, {"P5": code})
    survey.close(earlier)
    campaign = survey.campaign(is_sampled=True)
    for key, population, codes in (("Norte", 900, ["oficina"] * 15 + ["otro"] * 5), ("Sur", 100, ["otro"] * 20)):
        quota = survey.quota(campaign, key, population)
        for code in codes:
            survey.answer(campaign, {"P5": code}, quota_id=quota.id)

    found = figure(survey.tabulate(campaign), "P5")

    n = 40**2 / (20 * 1.8**2 + 20 * 0.2**2)
    table = [[0.675 * n, 0.325 * n], [20, 20]]
    assert [bar.percent for bar in found.bars] == [close(67.5), close(32.5)]
    assert found.n_effective == close(n)
    assert found.changes[0].p_value == close(stats.chi2_contingency(table, correction=False).pvalue)


def test_what_is_not_the_same_question_any_more_is_not_compared(survey):
    from app.operations.questionnaires import publish, start_version

    earlier = survey.campaign(date(2026, 1, 1))
    for value in (1, 2, 1, 2, 1):
        survey.answer(earlier, {"P1": value, "P9": 7})
    survey.close(earlier)
    draft = start_version(survey.session, survey.version.questionnaire)
    changed = next(question for section in draft.sections for question in section.questions if question.code == "P1")
    changed.text_es = "¿Qué tan satisfecha está con la empresa?"
    publish(survey.session, draft, "Se pregunta por la empresa", at=NOON, actor_id=None)
    after = Survey(survey.session, survey.make, draft)
    campaign = after.campaign()
    for value in (5, 4, 5, 4, 5):
        after.answer(campaign, {"P1": value, "P9": 1})

    found = after.tabulate(campaign)

    assert figure(found, "P1").changes == ()
    assert [change.measure for change in figure(found, "P9").changes] == [Measure.MEAN, Measure.CSAT]
    assert figure(found, "P9").changes[1].verdict is Verdict.BETTER
    assert found.csat_changes == ()


def test_several_rounds_come_newest_first_and_keep_what_narrows_them(survey):
    for month, score in ((1, 2), (3, 3), (5, 4)):
        campaign = survey.campaign(date(2026, month, 1))
        for zone in ("Norte", "Norte", "Sur"):
            survey.answer(campaign, {"P1": score if zone == "Norte" else 1}, zone=zone)
        survey.close(campaign)
    survey.campaign(date(2026, 6, 1))  # still open
    now = survey.campaign()
    survey.answer(now, {"P1": 5}, zone="Norte")

    found = survey.tabulate(now, where=[SurveyResponse.zone == "Norte"], n_rounds=2)

    assert [round_.period_from.month for round_ in found.rounds] == [5, 3]
    assert [change.before.value for change in figure(found, "P1").changes if change.measure is Measure.MEAN] == [4, 3]


# ── Small groups ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_fewer_than_five_answers_are_not_shown_to_everybody(survey):
    campaign = survey.campaign()
    for _ in range(4):
        survey.answer(campaign, {"P1": 5})

    hidden, seen = survey.tabulate(campaign, sees_small=False), survey.tabulate(campaign)

    assert (hidden.is_hidden, hidden.n, hidden.csat, hidden.margin) == (True, 0, None, None)
    assert all(asked.figure.is_hidden and asked.figure.mean is None and asked.figure.bars == () for asked in hidden.questions)
    assert all(row.is_hidden for row in hidden.question("P2").rows)
    assert hidden.people.n_complete == 4
    assert (seen.is_hidden, figure(seen, "P1").n) == (False, 4)


def test_a_question_that_few_answered_is_hidden_by_itself(survey):
    campaign = survey.campaign()
    for i in range(8):
        survey.answer(campaign, {"P1": 5, "P2": {"agua": 4} | ({"aseo": 1} if i < 3 else {})} | ({"P7": 4} if i < 4 else {}))

    found = survey.tabulate(campaign, sees_small=False)

    assert (figure(found, "P1").is_hidden, figure(found, "P7").is_hidden, figure(found, "P7").n) == (False, True, 0)
    assert [row.is_hidden for row in found.question("P2").rows] == [False, True]
    assert figure(found, "P2").is_hidden  # or the row would follow from it


def test_what_is_left_out_is_not_given_away_by_what_is_shown(survey):
    campaign = survey.campaign()
    for zone, n in (("Norte", 20), ("Sur", 9), ("Centro", 3)):
        for _ in range(n):
            survey.answer(campaign, {"P1": 4}, zone=zone)

    found = survey.tabulate(campaign, by=Dimension.ZONE, sees_small=False)
    groups = {group.key: group for group in found.cross.groups}

    shown = {key: (group.is_hidden, group.n) for key, group in groups.items()}
    assert shown == {"Norte": (False, 20), "Sur": (True, 0), "Centro": (True, 0)}
    assert groups["Sur"].cells[survey.asked["P1"].id, None].mean is None
    assert survey.tabulate(campaign, where=[SurveyResponse.zone != "Centro"], sees_small=False).is_hidden
    assert not survey.tabulate(campaign, where=[SurveyResponse.zone == "Norte"], sees_small=False).is_hidden


def test_an_earlier_round_of_few_is_not_compared_with(survey):
    _earlier, campaign = rounds(survey, [1, 2, 1], [5, 4, 5, 4, 5, 5])
    found = survey.tabulate(campaign, sees_small=False)
    assert figure(found, "P1").changes == ()
    assert (found.rounds[0].n, found.rounds[0].csat) == (0, None)


# ── What it costs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_takes_five_statements_and_one_more_for_groups_whatever_there_is(survey, count_statements: Callable[[], Any]):
    _earlier, campaign = rounds(survey, [1, 2, 3, 4, 5] * 4, [5, 4, 3, 2, 1] * 4)
    for by, n in ((None, 5), (Dimension.SERVICE, 6), (Dimension.ZONE, 6)):
        with count_statements() as statements:
            survey.tabulate(campaign, by=by, n_rounds=5)
        assert len(statements) == n, "\n".join(statements)


def test_the_responses_behind_a_figure_are_those_that_count(survey):
    campaign = survey.campaign()
    kept = survey.answer(campaign, {"P1": 4})
    survey.answer(campaign, {"P1": 4}, status=ResponseStatus.PARTIAL)
    survey.answer(survey.campaign(date(2026, 1, 1)), {"P1": 4})
    assert survey.session.scalars(select(SurveyResponse.id).where(is_counted(campaign.id))).all() == [kept.id]
