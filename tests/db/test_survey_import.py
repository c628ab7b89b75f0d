"""Answers of a survey that come from a file: what comes in, what is kept apart, what is refused and why, and that it may be repeated."""

from __future__ import annotations

import csv
import os
import statistics
from collections import Counter
from datetime import UTC, date, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.domain.campaigns import InviteeStatus, ResponseStatus
from app.domain.errors import DomainError
from app.domain.questionnaires import Audience, QuestionKind
from app.domain.states import ImportStatus, PastKind
from app.importing import forms, past, runs
from app.importing.kinds import KINDS
from app.models import (
    ImportBatch,
    PastRecord,
    Questionnaire,
    QuestionnaireVersion,
    SurveyAnswer,
    SurveyAnswerTag,
    SurveyCampaign,
    SurveyInvitee,
    SurveyQuota,
    SurveyResponse,
    SurveyTag,
)
from app.operations import campaigns, files, questionnaires, survey_answers
from app.operations.questionnaires import form_of

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)
REAL = os.environ.get("ATIENDE_REAL_DATA")
FROM_FILE = {"by_link": False, "by_phone": False, "by_qr": False, "by_kiosk": False, "by_file": True}

#: The quirks of such files: a code over each question, NA, an end that came early, scores as numbers and in words.
HEAD = (
    ("V1", "V8", "V9", "term", "P1", "P2.agua", "P2.aseo", "P3", "P4", "P5", "P5.words", "P6", "P7", "P8", "P9"),
    ("ResponseID", "StartDate", "EndDate", "term", "¿Qué tan satisfecho está?", "Califique cada servicio [Agua]", "", "¿Nos recomendaría?",
     "¿Presentó una PQR?", "¿Por dónde?", "¿Cuál?", "¿Por qué medios se informa?", "¿Cuántas personas viven ahí?", "¿Por qué no?",
     "El trámite es complicado"),
)  # fmt: skip
WHOLE = ("R1", "2026-07-01 09:52:14", "2026-07-01 10:01:00", "NA", "4", "5", "3", "9", "1", "Oficina", "", "oficina;otro", "4", "", "2")
ROWS = (
    WHOLE,
    ("R2", "2026-07-02 09:00:00", "2026-07-02 09:03:00", "otherCity", "NA", "NA", "NA", "NA", "0", "NA", "", "", "NA", "", "NA"),
    ("R3", "2026-07-02 09:00:00", "", "NA", "3", "NA", "NA", "NA", "NA", "NA", "NA", "NA", "NA", "NA", "NA"),
    ("R4", "2026-07-03 09:00:00", "", "NA", "6", "5", "5", "9", "1", "", "", "", "4", "", "2"),
    ("R5", "2026-07-03 09:00:00", "", "NA", "5", "5", "5", "11", "1", "Por radio", "", "oficina;fax", "99", "", "8"),
    ("R6", "2026-07-03 09:00:00", "", "", "No aplica", "5", "no aplica", "0", "no", "Otro", "Un vecino", "", "3,0", "Nadie responde", "7"),
)  # fmt: skip


def table(*rows: tuple[Any, ...]) -> bytes:
    out = StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def receive(session, campaign: SurveyCampaign | None, content: bytes, source: str = "Firma encuestadora") -> ImportBatch:
    checked = files.hold_upload("respuestas.csv", BytesIO(content), "text/csv", most=60_000_000)
    batch = runs.receive(session, KINDS["survey_answers"], source, checked, AT, campaign.number if campaign else "")
    session.flush()
    return batch


def confirm(session, batch: ImportBatch, values: Any = None) -> ImportBatch:
    runs.save_mapping(session, batch, {int(column): name for column, name in batch.mapping.items()}, values or batch.value_map, {}, AT)
    return batch


def check(session, batch: ImportBatch) -> ImportBatch:
    runs.keep_check(session, batch, runs.look_through(session, batch, AT, None))
    return batch


def bring(session, batch: ImportBatch) -> ImportBatch:
    check(session, confirm(session, batch))
    runs.begin_import(session, batch, job_id=None)
    session.commit()
    runs.bring_in(session, batch, AT, None)
    session.expire_all()
    return batch


def counts(batch: ImportBatch) -> tuple[int, int, int, int, int]:
    return batch.n_rows, batch.n_new, batch.n_changed, batch.n_same, batch.n_bad


def response(session, number: str) -> SurveyResponse:
    return session.scalars(select(SurveyResponse).where(SurveyResponse.source_number == number)).one()


def said(session, number: str) -> dict[str, Any]:
    """Return what the response *number* answered, as a page would show it."""
    row = response(session, number)
    form = form_of(session, row.campaign.version_id)
    return survey_answers.raw_of(survey_answers.answers_of(session, row, form))


@pytest.fixture
def campaign(seeded, make) -> SurveyCampaign:
    return make.campaign(make.questionnaire(at=AT), at=AT, **FROM_FILE)


def test_answers_come_in_whole_half_and_kept_apart_and_bad_rows_say_why(seeded, campaign):
    batch = receive(seeded, campaign, table(*HEAD, *ROWS))
    assert (batch.header_row, batch.n_header_rows) == (0, 2)
    assert set(batch.mapping.values()) == {"number", "started", "ended", "reason", *(f"answer.{name}" for name in HEAD[0][4:])}
    check(seeded, confirm(seeded, batch))

    assert counts(batch) == (6, 4, 0, 0, 2)
    assert batch.totals == {"Answers": "4", "Filled in": "2", "Left out of the count": "1", "Half-filled": "1"}
    assert seeded.scalar(select(func.count(SurveyResponse.id))) == 0, "a check writes nothing"
    bad = dict(batch.reading["bad"])
    assert set(bad) == {6, 7}
    assert "P1" in bad[6] and "6" in bad[6]
    assert all(part in bad[7] for part in ("P3", "11", "P5", "Por radio", "P6", "fax", "P7", "30", "P9", "8"))

    bring(seeded, batch)
    assert (batch.status, counts(batch)) == (ImportStatus.DONE, (6, 4, 0, 0, 2))
    assert said(seeded, "R1") == {"P1": "4", "P2.agua": "5", "P2.aseo": "3", "P3": "9", "P4": "1", "P5": ["oficina"], "P5.words": "",
                                  "P6": ["oficina", "otro"], "P6.words": "", "P7": "4", "P9": "2"}  # fmt: skip
    assert said(seeded, "R6") == {"P1": "NA", "P2.agua": "5", "P2.aseo": "NA", "P3": "0", "P4": "0", "P5": ["otro"],
                                  "P5.words": "Un vecino", "P7": "3", "P8": "Nadie responde", "P9": "7"}  # fmt: skip
    states = {row.source_number: row.status for row in seeded.scalars(select(SurveyResponse))}
    assert states == {"R1": ResponseStatus.COMPLETE, "R2": ResponseStatus.SCREENED, "R3": ResponseStatus.PARTIAL,
                      "R6": ResponseStatus.COMPLETE}  # fmt: skip
    assert response(seeded, "R2").screened_reason == "otherCity"
    assert said(seeded, "R2") == {"P4": "0"}, "what was answered before the end is kept"


def test_the_same_file_again_changes_nothing_and_a_corrected_one_only_what_differs(seeded, campaign):
    bring(seeded, receive(seeded, campaign, table(*HEAD, *ROWS)))
    kept = seeded.scalars(select(SurveyAnswer.id).join(SurveyResponse).where(SurveyResponse.source_number == "R6")).all()
    words = seeded.scalars(select(SurveyAnswer).where(SurveyAnswer.words == "Nadie responde")).one()
    tag = SurveyTag(name="Atención")
    seeded.add_all([tag, SurveyAnswerTag(answer=words, tag=tag)])
    seeded.flush()
    again = bring(seeded, receive(seeded, campaign, table(*HEAD, *ROWS)))
    assert counts(again) == (6, 0, 0, 4, 2)

    moved = tuple(row if row[0] != "R6" else (*row[:7], "3", *row[8:]) for row in ROWS)
    corrected = bring(seeded, receive(seeded, campaign, table(*HEAD, *moved)))
    assert counts(corrected) == (6, 0, 1, 3, 2)
    assert said(seeded, "R6")["P3"] == "3"
    assert response(seeded, "R6").version == 1
    now = seeded.scalars(select(SurveyAnswer.id).join(SurveyResponse).where(SurveyResponse.source_number == "R6")).all()
    assert len(set(kept) & set(now)) == len(kept) - 1, "only the answer that changed is another row"
    assert seeded.scalar(select(func.count(SurveyAnswerTag.id))) == 1


def test_the_same_numbers_of_another_source_are_other_people(seeded, campaign):
    bring(seeded, receive(seeded, campaign, table(*HEAD, WHOLE)))
    other = bring(seeded, receive(seeded, campaign, table(*HEAD, WHOLE), "Otra firma"))

    assert counts(other) == (1, 1, 0, 0, 0)


def test_a_reversed_question_is_turned_round_once(seeded, campaign):
    bring(seeded, receive(seeded, campaign, table(*HEAD, *ROWS)))
    rows = seeded.execute(
        select(SurveyResponse.source_number, SurveyAnswer.score, SurveyAnswer.value)
        .join(SurveyAnswer)
        .where(SurveyAnswer.kind == QuestionKind.SCALE7)
    ).all()

    assert sorted(map(tuple, rows)) == [("R1", 2, 6), ("R6", 7, 1)]


def test_words_that_no_list_has_are_asked_about_and_remembered(seeded, campaign):
    rows = (("R1", "2026-07-01", "", "", "Muy bueno", "5", "5", "9", "1", "Radio", "", "", "", "", ""),)
    batch = check(seeded, confirm(seeded, receive(seeded, campaign, table(*HEAD, *rows))))
    assert batch.n_bad == 1
    assert batch.reading["unknown"]["answer.P1"] == {"Muy bueno": 1}
    check(seeded, confirm(seeded, batch, {"answer.P1": {"muy bueno": "5"}, "answer.P5": {"radio": "otro"}}))

    assert counts(batch) == (1, 1, 0, 0, 0)
    again = receive(seeded, campaign, table(*HEAD, *rows))
    assert again.value_map == {"answer.P1": {"muy bueno": "5"}, "answer.P5": {"radio": "otro"}}


def test_a_survey_that_takes_no_files_or_is_over_takes_nothing(seeded, make, campaign):
    batch = confirm(seeded, receive(seeded, campaign, table(*HEAD, WHOLE)))
    campaigns.close(seeded, campaign, at=AT, actor_id=None, reason="Ya está")
    with pytest.raises(DomainError):
        check(seeded, batch)
    deaf = make.campaign(make.questionnaire("R10-SORDA", at=AT), at=AT)
    with pytest.raises(DomainError):
        check(seeded, confirm(seeded, receive(seeded, deaf, table(*HEAD, WHOLE))))
    with pytest.raises(DomainError):
        confirm(seeded, receive(seeded, None, table(*HEAD, WHOLE)))

    assert seeded.scalar(select(func.count(SurveyResponse.id))) == 0


def test_what_another_survey_with_this_header_was_told_is_not_remembered(seeded, make, campaign):
    confirm(seeded, receive(seeded, campaign, table(*HEAD, WHOLE)))
    version = questionnaires.start_version(seeded, make._add(Questionnaire(code="OTRO", name="Otra", audience=Audience.ANYBODY)))
    questionnaires.write_texts(seeded, version, intro_es="Hola", thanks_es="Gracias", script="Hola")
    page = questionnaires.add_section(seeded, version, "Una")
    questionnaires.add_question(seeded, page, questionnaires.Wanted(QuestionKind.SCALE5, "¿Qué tan satisfecho está?"))
    questionnaires.publish(seeded, version, "", at=AT, actor_id=None)
    other = make.campaign(version, at=AT, **FROM_FILE)

    assert set(receive(seeded, other, table(*HEAD, WHOLE)).mapping.values()) == {"number", "started", "ended", "reason", "answer.P1"}


# ── Who answered ──────────────────────────────────────────────────────────────────────────────────────────────────────────

OF_ACCOUNT = (("id", "Cuenta", "Estrato", "P1", "P2.agua", "P2.aseo", "P3", "P4"),)


@pytest.fixture
def asked(seeded, make) -> SurveyCampaign:
    """A survey by zones among the holders of three accounts; two of them are its whole north."""
    for n, zone in enumerate(("Norte", "Norte", "Sur"), 1):
        make.account(number=f"10{n}", party=make.party(name=f"Persona {n}", phone=f"+57300555110{n}"), zone=zone, stratum=n)
    version = make.questionnaire("R10-ZONAS", at=AT, audience=Audience.USERS)
    return make.campaign(version, at=AT, is_sampled=True, by_zone=True, by_file=True)


def test_an_account_says_who_answered_and_where_they_belong(seeded, asked):
    rows = (
        ("R1", "101", "", "5", "5", "5", "9", "1"),
        ("R2", "103", "4", "", "", "", "", ""),
        ("R3", "101", "", "4", "4", "4", "8", "0"),
        ("R4", "999", "", "4", "4", "4", "8", "0"),
    )
    batch = bring(seeded, receive(seeded, asked, table(*OF_ACCOUNT, *rows)))

    assert counts(batch) == (4, 3, 0, 0, 1)
    assert [number for number, _words in batch.reading["bad"]] == [4], "nobody answers twice"
    assert [number for number, _words in batch.reading["doubts"]] == [5], "the account is not known"
    first = response(seeded, "R1")
    assert (first.invitee.name, first.zone, first.stratum, first.quota.zone, first.is_named) == ("Persona 1", "Norte", 1, "Norte", False)
    assert response(seeded, "R2").stratum == 4, "what the row says counts before what the account does"
    states = {row.name: row.status for row in seeded.scalars(select(SurveyInvitee))}
    assert states["Persona 1"] is InviteeStatus.ANSWERED
    assert states["Persona 3"] is InviteeStatus.STARTED
    assert response(seeded, "R4").quota_id is None
    assert counts(bring(seeded, receive(seeded, asked, table(*OF_ACCOUNT, *rows)))) == (4, 0, 0, 3, 1)


def test_whoever_answered_otherwise_or_wants_no_surveys_is_refused(seeded, asked):
    one, two = seeded.scalars(select(SurveyInvitee).where(SurveyInvitee.name.in_(("Persona 1", "Persona 2"))).order_by(SurveyInvitee.name))
    from app.domain.campaigns import AnswerVia

    survey_answers.begin(seeded, asked, via=AnswerVia.LINK, at=AT, invitee=one)
    survey_answers.opt_out(seeded, two.party_id, via=AnswerVia.PHONE, at=AT)
    rows = (("R1", "101", "", "5", "5", "5", "9", "1"), ("R2", "102", "", "5", "5", "5", "9", "1"))
    batch = check(seeded, confirm(seeded, receive(seeded, asked, table(*OF_ACCOUNT, *rows))))

    assert counts(batch) == (2, 0, 0, 0, 2)
    assert "Persona 1" in batch.reading["bad"][0][1] and "Persona 2" in batch.reading["bad"][1][1]


def test_a_zone_in_the_file_counts_in_its_quota(seeded, asked):
    head = (("id", "Zona", "P1", "P2.agua", "P2.aseo", "P3", "P4"),)
    bring(seeded, receive(seeded, asked, table(*head, ("R1", "Sur", "5", "5", "5", "9", "1"))))
    south = seeded.scalars(select(SurveyQuota).where(SurveyQuota.zone == "Sur")).one()

    assert (response(seeded, "R1").quota_id, response(seeded, "R1").invitee_id) == (south.id, None)


# ── A form from a file ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"1": 4, "5": 9, "3": 2}, QuestionKind.SCALE5),
        ({"1": 4, "7": 9, "3.0": 2}, QuestionKind.SCALE7),
        ({str(n): 1 for n in range(11)}, QuestionKind.NPS),
        ({"1": 4, "0": 9}, QuestionKind.YES_NO),
        ({"Sí": 4, "No": 9}, QuestionKind.YES_NO),
        ({"0": 4, "1": 9, "2": 2, "3": 8}, QuestionKind.ONE),
        ({"Norte": 4, "Sur": 9}, QuestionKind.ONE),
        ({"Radio": 4, "Radio;Carta": 9, "Carta": 1, "Carta;Web": 3}, QuestionKind.MANY),
        ({str(n): 1 for n in range(40, 90)}, QuestionKind.NUMBER),
        ({"14,5": 1, "2": 1}, QuestionKind.NUMBER),
        ({"No llega el agua": 1, "Todo bien": 1, "La presión": 1}, QuestionKind.TEXT),
        ({}, QuestionKind.TEXT),
    ],
)
def test_answers_show_what_kind_of_question_they_are_to(answers, kind):
    assert forms.kind_of(answers) is kind


QUIRKS = (
    ("V1", "V8", "project", "term", "suburb", "p01", "p03", "why"),
    ("ResponseID", "StartDate", "project", "term", "In which suburb do you live?", "PII-Important", "PII-Meaningless:Meaningful", "Why?"),
    *((f"R{n}", "2015-03-18 09:52:14", "Q", "NA", str(n % 3), str(1 + n % 7), str(7 - n % 7), f"Porque {n}") for n in range(20)),
    ("R20", "2015-03-18 09:53:14", "Q", "otherCity", "0", "NA", "NA", "NA"),
    ("R21", "2015-03-18 09:54:14", "Q", "NA", "1", "8", "1", "NA"),
    ("R22", "2015-03-18 09:55:14", "Q", "NA", "1", "4", "NA", "NA"),
)


def make_form(session, batch: ImportBatch, reversed_codes: tuple[str, ...], only: Any = None) -> QuestionnaireVersion:
    """Make and publish the form that the file suggests."""
    wanted = [
        forms.wanted_of(each, code=each.code, kind=each.kind, is_reversed=each.code in reversed_codes, is_required=each.is_required)
        for each in forms.guesses(batch)
        if (each.code in only if only else each.is_asked)
    ]
    version = forms.make(session, Questionnaire(code="SERVAQUA", name="Encuesta de otra empresa", audience=Audience.ANYBODY), wanted)
    return questionnaires.publish(session, version, "", at=AT, actor_id=None)


def test_a_file_becomes_a_form_and_then_its_answers(seeded, make):
    batch = receive(seeded, None, table(*QUIRKS))
    asked = {each.code: (each.text, each.kind) for each in forms.guesses(batch) if each.is_asked}
    assert asked == {
        "suburb": ("In which suburb do you live?", QuestionKind.ONE), "p01": ("PII-Important", QuestionKind.NPS),
        "p03": ("PII-Meaningless:Meaningful", QuestionKind.SCALE7), "why": ("Why?", QuestionKind.TEXT),
    }, "an 8 makes one of them no scale of 7: somebody has to say so"  # fmt: skip
    wanted = [
        forms.wanted_of(each, code=each.code, kind=QuestionKind.SCALE7 if each.code == "p01" else each.kind,
                        is_reversed=each.code == "p03", is_required=each.is_required)
        for each in forms.guesses(batch) if each.is_asked
    ]  # fmt: skip
    version = forms.make(seeded, Questionnaire(code="SERVAQUA", name="Otra", audience=Audience.ANYBODY), wanted)
    questionnaires.publish(seeded, version, "", at=AT, actor_id=None)
    campaign = make.campaign(version, at=AT, **FROM_FILE)
    runs.look_again(seeded, batch, batch.sheet, subject=campaign.number)
    bring(seeded, batch)

    assert counts(batch) == (23, 22, 0, 0, 1)
    assert batch.totals == {"Answers": "22", "Filled in": "20", "Half-filled": "1", "Left out of the count": "1"}
    assert [number for number, _words in batch.reading["bad"]] == [24]
    assert response(seeded, "R0").answered_on == date(2015, 3, 18)


def test_a_form_needs_questions_and_a_code_of_its_own(seeded, make):
    make.questionnaire("R10-TEST", at=AT)
    with pytest.raises(DomainError):
        forms.make(seeded, Questionnaire(code="X", name="Vacía", audience=Audience.ANYBODY), [])
    with pytest.raises(DomainError) as refused:
        forms.make(seeded, Questionnaire(code="R10-TEST", name="Otra", audience=Audience.ANYBODY), [
            questionnaires.Wanted(QuestionKind.TEXT, "¿Por qué?")])  # fmt: skip
    assert refused.value.field == "code"


def test_an_old_register_of_answers_becomes_answers_of_a_survey(seeded, make):
    checked = files.hold_upload("vieja.csv", BytesIO(table(*QUIRKS)), "text/csv", most=60_000_000)
    old = runs.receive(seeded, KINDS["past_surveys"], "ServAqua 2015", checked, AT)
    bring(seeded, old)
    assert seeded.scalar(select(func.count(PastRecord.id)).where(PastRecord.kind == PastKind.SURVEY)) == 23

    batch = runs.receive(seeded, KINDS["survey_answers"], "ServAqua 2015", past.file_of(seeded, "ServAqua 2015"), AT)
    version = make_form(seeded, batch, ("p03",), ("suburb", "p03", "why"))
    campaign = make.campaign(version, at=AT, **FROM_FILE)
    runs.look_again(seeded, batch, batch.sheet, subject=campaign.number)
    bring(seeded, batch)

    assert counts(batch) == (23, 23, 0, 0, 0)
    assert said(seeded, "R1") == {"suburb": ["1"], "suburb.words": "", "p03": "6", "why": "Porque 1"}
    assert response(seeded, "R20").screened_reason == "otherCity"
    assert response(seeded, "R20").status is ResponseStatus.SCREENED
    assert seeded.scalar(select(func.count(PastRecord.id))) == 23, "the register stays"


def test_the_demonstration_has_rows_of_every_fate(seeded, make):
    from app.demo.answers_file import bring_answers

    user_id = make.user("Comercial").id
    batch = bring_answers(seeded, AT, user_id)

    assert (batch.status, batch.n_rows, batch.n_new, batch.n_bad) == (ImportStatus.DONE, 120, 118, 2)
    assert batch.totals["Left out of the count"] == "7"
    assert batch.error_file is not None
    assert bring_answers(seeded, AT, user_id) is None


# ── The real file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


if REAL:  # nothing to collect, rather than a test to skip, where nobody has it

    SCALED = [f"{letter}{n:02}" for letter, most in (("p", 10), ("t", 5), ("f", 13)) for n in range(1, most + 1)] + ["hardship", "contact"]
    BACKWARDS = ("p03", "p04", "p05", "p06")

    def read_real() -> list[dict[str, str]]:
        """Return the rows of the real file by the codes of its columns, read by nothing of ours."""
        with (Path(REAL) / "servaqua_encuesta_agua_2015.csv").open(encoding="utf-8-sig", newline="") as file:
            codes, _texts, *rows = csv.reader(file)
        return [dict(zip(codes, row, strict=True)) for row in rows]

    @pytest.fixture
    def real(seeded, make) -> tuple[SurveyCampaign, ImportBatch]:
        """The campaign of the form that the real file suggests, with its 690 rows brought in."""
        batch = receive(seeded, None, (Path(REAL) / "servaqua_encuesta_agua_2015.csv").read_bytes(), "ServAqua 2015")
        codes = ("suburb", "tap", "trap", *SCALED)
        version = make_form(seeded, batch, BACKWARDS, codes)
        span = {"period_from": date(2015, 3, 1), "period_until": date(2015, 3, 31)}
        span |= {"opens_on": date(2015, 3, 18), "closes_on": date(2015, 4, 30)}
        campaign = make.campaign(version, at=AT, **span, **FROM_FILE)
        runs.look_again(seeded, batch, batch.sheet, subject=campaign.number)
        return campaign, bring(seeded, batch)

    def test_the_real_answers_come_in_and_are_tabulated_as_they_are_computed_apart(seeded, real):
        from scipy import stats

        from app.operations.tabulation import tabulate

        campaign, batch = real
        rows = read_real()
        whole = [row for row in rows if row["term"] == "NA" and all(row[code] != "NA" for code in ("suburb", "tap", "trap", *SCALED))]
        sent_away = Counter(row["term"] for row in rows if row["term"] != "NA")
        assert (len(rows), len(whole), sent_away.total()) == (690, 432, 199)
        assert counts(batch) == (690, 690, 0, 0, 0)
        assert batch.totals == {"Answers": "690", "Filled in": "432", "Half-filled": "59", "Left out of the count": "199"}

        found = tabulate(seeded, campaign, sees_small=True)
        assert (found.n, found.people.n_complete, found.people.n_partial, found.people.n_screened) == (432, 432, 59, 199)
        assert dict(found.people.screened) == sent_away
        assert found.margin == pytest.approx(100 * stats.norm.ppf(0.975) * (0.25 / 432) ** 0.5, abs=1e-9)
        for code in SCALED:
            figure = found.question(code).figure
            values = [8 - int(row[code]) if code in BACKWARDS else int(row[code]) for row in whole]
            mean, error = statistics.fmean(values), statistics.stdev(values) / len(values) ** 0.5
            low, high = stats.t.interval(0.95, len(values) - 1, mean, error)
            assert (figure.n, figure.n_na, figure.n_blank) == (432, 0, 0)
            assert [bar.n for bar in figure.bars] == [values.count(step) for step in range(1, 8)]
            assert figure.mean.value == pytest.approx(mean, abs=1e-9)
            assert (figure.mean.low, figure.mean.high) == pytest.approx((low, high), abs=1e-6)
            assert figure.deviation == pytest.approx(statistics.stdev(values), abs=1e-9)
            assert figure.csat.value == pytest.approx(100 * sum(value >= 6 for value in values) / 432, abs=1e-9)
        suburbs = Counter(row["suburb"] for row in whole)
        bars = found.question("suburb").figure.bars
        assert {bar.text_es: bar.n for bar in bars if bar.n} == dict(suburbs)

    def test_the_real_answers_are_the_same_the_second_time(seeded, real):
        _campaign, batch = real

        assert counts(bring(seeded, batch)) == (690, 0, 0, 690, 0)
