"""The shipped catalogues: whole, loaded once, and never in the way of what an administrator changed."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select
from stdnum.co import nit

from app import queries
from app.domain.deadlines import Regime, TermAct, rule_for
from app.domain.questionnaire_versions import faults, minutes
from app.domain.questionnaires import VersionStatus, missing, read_all
from app.domain.states import DayException
from app.extensions import now
from app.models import (
    AnswerTemplate,
    CalendarDay,
    CalendarYear,
    ChangeLog,
    Channel,
    ConsentText,
    LegalTerm,
    Municipality,
    Organisation,
    Parameter,
    Process,
    Questionnaire,
    RequestType,
    Service,
    SuiCause,
    SuiCode,
)
from app.operations import seeds
from app.operations.questionnaires import form_of, published_of
from app.operations.seeds import are_seeds_loaded, load_seeds, seeds_digest

HOLIDAYS = Path(__file__).parents[1] / "data" / "holidays_co.csv"
CATALOGUES = (
    Municipality, Organisation, Process, Channel, Service, RequestType, SuiCause, SuiCode, LegalTerm, ConsentText, AnswerTemplate,
    Parameter, CalendarYear, CalendarDay, Questionnaire,
)  # fmt: skip
#: Ley 1480 sends the consumer who disagrees to the SIC: a private company decides no recurso.
HAS_NO_RECURSO = {(Regime.LEY1480, "RECURSO"), (Regime.LEY1480, "RECURSO_APELACION")}


@pytest.fixture
def loaded(session):
    load_seeds(session, now())
    return session


def n_rows(session):
    return {model.__tablename__: session.scalar(select(func.count()).select_from(model)) for model in CATALOGUES}


# ── Loading ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_database_gets_every_catalogue(loaded):
    counts = n_rows(loaded)

    assert min(counts.values()) > 0
    assert counts["organisation"] == 1
    assert counts["sui_cause"] == 37
    assert are_seeds_loaded(loaded)


def test_loading_again_changes_nothing(loaded):
    before = n_rows(loaded)

    again = load_seeds(loaded, now())

    assert sum(result.n_new for result in again.values()) == 0
    assert again["legal_term"].n_kept == before["legal_term"]
    assert n_rows(loaded) == before


def test_what_an_administrator_edited_stays(loaded):
    channel = loaded.scalars(select(Channel).where(Channel.code == "WEB")).one()
    channel.name, channel.is_active = "Portal", False
    loaded.get(Parameter, "light.amber").value = "7"
    queries.organisation(loaded).name = "Aguas de Prueba E.S.P."
    loaded.flush()

    load_seeds(loaded, now())

    assert (channel.name, channel.is_active) == ("Portal", False)
    assert queries.parameter(loaded, "light.amber") == "7"
    assert loaded.scalars(select(Organisation.name)).all() == ["Aguas de Prueba E.S.P."]


def test_a_row_whose_code_was_changed_is_known_by_its_name(loaded):
    service = loaded.scalars(select(Service).where(Service.code == "ASEO")).one()
    service.code = "AS"
    loaded.flush()

    result = load_seeds(loaded, now())

    assert result["service"].n_new == 0


def test_a_front_desk_of_the_house_stays_the_only_one(loaded):
    desk = queries.front_desk(loaded)
    desk.code, desk.name = "PQR", "Oficina de PQR"
    loaded.flush()

    load_seeds(loaded, now())

    assert queries.front_desk(loaded).code == "PQR"


def test_a_term_with_other_dates_gets_no_rival(loaded):
    """Two rules in force for one question would stop every filing."""
    term = loaded.scalars(select(LegalTerm).where(LegalTerm.request_type == "RECLAMO", LegalTerm.act == TermAct.ANSWER)).first()
    term.valid_from = date(2000, 1, 1)
    loaded.flush()

    assert load_seeds(loaded, now())["legal_term"].n_new == 0


def test_a_loaded_year_is_frozen(loaded, monkeypatch):
    """Neither an edit of the calendar nor another version of the library is undone or repeated."""
    day = loaded.scalars(select(CalendarDay).where(CalendarDay.on == date(2026, 7, 13))).one()
    loaded.delete(day)
    loaded.flush()
    monkeypatch.setattr(seeds, "shipped_holidays", lambda years: pytest.fail("asked the library again"))

    load_seeds(loaded, now())

    assert not queries.calendar_of(loaded, queries.organisation(loaded)).name_of(date(2026, 7, 13))


def test_a_missing_row_comes_back(loaded):
    loaded.delete(loaded.get(Parameter, "financing.norm"))
    loaded.flush()

    assert load_seeds(loaded, now())["parameter"].n_new == 1


def test_other_seed_files_are_not_loaded_yet(loaded, monkeypatch, tmp_path):
    (tmp_path / "channel.csv").write_text("code,name\n")
    monkeypatch.setattr(seeds, "FOLDER", tmp_path)

    assert len(seeds_digest()) == 64
    assert not are_seeds_loaded(loaded)


def test_seeds_leave_no_line_in_the_change_log(loaded):
    tables = [model.__tablename__ for model in CATALOGUES]

    assert loaded.scalars(select(ChangeLog).where(ChangeLog.table_name.in_(tables))).all() == []


# ── What they say ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_request_type_has_a_term_under_every_regime_it_can_have(loaded):
    rules = queries.term_rules(loaded)
    asked = 0
    for kind in loaded.scalars(select(RequestType)):
        for regime in [kind.regime] if kind.regime else [Regime.LEY142, Regime.LEY1755, Regime.LEY1480]:
            if (regime, kind.code) not in HAS_NO_RECURSO:
                assert rule_for(rules, regime, TermAct.ANSWER, kind.code, date(2026, 7, 10)).norm
                asked += 1
    assert asked > 25


def test_ley_142_gives_fifteen_business_days_to_everything(loaded):
    terms = loaded.scalars(select(LegalTerm).where(LegalTerm.regime == Regime.LEY142, LegalTerm.act == TermAct.ANSWER)).all()

    assert {(term.value, term.unit.name, term.count_from.name) for term in terms} == {(15, "BUSINESS_DAYS", "NEXT_DAY")}
    assert all("158" in term.norm for term in terms)


def test_ley_142_has_no_extension(loaded):
    """No generic extension exists there; a row would let somebody lengthen a term unlawfully."""
    statement = select(LegalTerm).where(LegalTerm.regime == Regime.LEY142, LegalTerm.act == TermAct.EXTENSION)

    assert loaded.scalars(statement).all() == []


def test_internal_targets_are_shorter_than_the_law(loaded):
    for kind in loaded.scalars(select(RequestType)):
        terms = loaded.scalars(select(LegalTerm).where(LegalTerm.request_type == kind.code, LegalTerm.act == TermAct.ANSWER))
        main = next(term for term in terms if term.regime is (kind.regime or Regime.LEY142))

        assert kind.internal_days < main.value


def test_information_has_an_internal_target_of_ten_days(loaded):
    assert loaded.scalars(select(RequestType.internal_days).where(RequestType.code == "INFORMACION")).one() == 10


def test_citizens_choose_among_few_plain_things(loaded):
    public = loaded.scalars(select(RequestType).where(RequestType.is_public)).all()

    assert 4 <= len(public) <= 6
    assert all(kind.plain_name and kind.plain_help for kind in public)
    assert "RECURSO" not in {kind.code for kind in public}


def test_every_term_says_its_norm_and_how_sure_we_are(loaded):
    assert all(term.norm and term.confidence for term in loaded.scalars(select(LegalTerm)))


def test_every_cause_says_where_it_was_read(loaded):
    causes = loaded.scalars(select(SuiCause)).all()

    assert {cause.service.code for cause in causes} == {"ACUEDUCTO"}
    assert all(cause.source and "verificar" in cause.confidence for cause in causes)
    assert {cause.group_code for cause in causes} == {"F", "P"}


def test_the_placeholder_organisation_has_a_valid_tax_number_and_asks_to_be_edited(loaded):
    organisation = queries.organisation(loaded)

    assert nit.is_valid(organisation.nit)
    assert "EDITE" in organisation.address


def test_there_is_one_front_desk(loaded):
    assert queries.front_desk(loaded).code == "ATENCION"


def test_the_capitals_have_five_digit_codes(loaded):
    codes = loaded.scalars(select(Municipality.code)).all()

    assert len(codes) == 32
    assert all(code.endswith("001") for code in codes)
    assert {"05001", "08001", "11001"} <= set(codes)


def test_texts_name_the_company_by_its_field(loaded):
    assert all("{organisation}" in text for text in loaded.scalars(select(ConsentText.text)))


def test_answer_templates_use_only_documented_fields(loaded):
    known = {"petitioner", "number", "filed_on", "subject", "account", "address", "solution", "outcome", "organisation",
             "earlier_answer"}  # fmt: skip
    body = "x".join(loaded.scalars(select(AnswerTemplate.body)))

    assert {part.split("}")[0] for part in body.split("{")[1:]} <= known


# ── Holidays ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_holidays_equal_the_reference_list(loaded):
    with HOLIDAYS.open(encoding="utf-8") as file:
        reference = {row["date"]: row["name"] for row in csv.DictReader(file)}
    stored = loaded.scalars(select(CalendarDay).where(CalendarDay.year.between(2024, 2031)))

    assert {day.on.isoformat(): day.name for day in stored} == reference


def test_every_holiday_has_a_law_and_a_source(loaded):
    days = loaded.scalars(select(CalendarDay)).all()

    assert all(day.norm.startswith("Ley") and "holidays" in day.source and day.kind is DayException.HOLIDAY for day in days)


def test_the_holiday_of_2026_names_its_own_law(loaded):
    day = loaded.scalars(select(CalendarDay).where(CalendarDay.on == date(2026, 7, 13))).one()

    assert "Ley 2578 de 2026" in day.norm


def test_two_holidays_on_one_day_are_one_row_with_both_names(loaded):
    day = loaded.scalars(select(CalendarDay).where(CalendarDay.on == date(2025, 6, 30))).one()

    assert day.name == "Sagrado Corazón; San Pedro y San Pablo"
    assert day.norm.count("Ley 51") == 1


def test_the_years_2020_to_2035_are_loaded(loaded):
    assert sorted(loaded.scalars(select(CalendarYear.year))) == list(range(2020, 2036))


# ── The survey forms ──────────────────────────────────────────────────────────────────────────────────────────────────────

FORMS = {"R10-01-02": (18, 12), "R10-01-03": (14, 6), "OFICINA": (4, None)}


@pytest.mark.parametrize("code", FORMS)
def test_the_shipped_forms_are_published_whole_in_both_languages(loaded, code):
    questionnaire = loaded.scalars(select(Questionnaire).where(Questionnaire.code == code)).one()
    version = published_of(loaded, questionnaire.id)
    form = form_of(loaded, version.id)
    n_questions, months = FORMS[code]

    assert version.status is VersionStatus.PUBLISHED and version.published_at
    assert faults(form) == [] and form.languages == ("es", "en")
    assert (len(form.questions), questionnaire.frequency_months) == (n_questions, months)
    assert (questionnaire.starts_on == date(now().year, 1, 1)) is (months is not None)
    assert minutes(form) <= 4


def test_whoever_receives_one_service_is_asked_only_about_that_one(loaded):
    questionnaire = loaded.scalars(select(Questionnaire).where(Questionnaire.code == "R10-01-02")).one()
    form = form_of(loaded, published_of(loaded, questionnaire.id).id)
    values, refused = read_all(form, {"P1": ["aseo"], "P2.acueducto": "NA", "P2.alcantarillado": "NA", "P2.aseo": "4", "P13": "no"})

    assert refused == {}
    assert missing(form, values) == ("P8", "P9", "P10", "P11", "P12", "P16")


def test_a_form_of_the_house_with_a_shipped_code_or_name_stays_alone(session):
    for code, name in (("R10-01-02", "La nuestra"), ("NUESTRA", "Evaluación del servicio en la oficina")):
        session.add(Questionnaire(code=code, name=name, audience="USERS"))
    session.flush()

    loaded = load_seeds(session, now())

    assert (loaded["questionnaire"].n_new, loaded["questionnaire"].n_kept) == (1, 2)
    assert set(session.scalars(select(Questionnaire.code))) == {"R10-01-02", "NUESTRA", "R10-01-03"}
