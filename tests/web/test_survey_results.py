"""Results of surveys: what they say and to whom, that every figure leads to exactly its answers, open answers and tags, the workbook."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from app.models import ConsentText, Service, SurveyAnswer, SurveyAnswerTag, SurveyCampaign, SurveyInvitee, SurveyResponse, SurveyTag
from tests.databases import statements_of
from tests.web.test_compliance import links_in, rows_of, words

COMERCIAL, CALIDAD, DUENO = "Comercial", "Calidad", "Dueño de proceso"
AT = datetime(2026, 10, 5, 15, tzinfo=UTC)
#: P1, P3 and zone of nine people: seven in the north, two in the south.
SAID = [("5", "10", "Norte"), ("4", "9", "Norte"), ("4", "8", "Norte"), ("3", "7", "Norte"), ("2", "6", "Norte"), ("1", "3", "Norte"),
        ("5", "9", "Norte"), ("1", "0", "Aguablanca"), ("2", "5", "Aguablanca")]  # fmt: skip


@pytest.fixture
def campaign(seeded: Any, make: Any) -> SurveyCampaign:
    """A campaign with nine answers; the last two wrote why, of whom one agreed to be named."""
    found = make.campaign(at=AT, by_paper=True)
    for n, (score, recommends, zone) in enumerate(SAID):
        said = {"P1": score, "P3": recommends} | ({"P4": "0", "P8": f"La presión bajó {n} veces"} if n > 6 else {})
        response = make.response(found, said, at=AT, via="QR")
        response.zone, response.stratum = zone, 2
    seeded.flush()
    return found


def name_of_last(session: Any, campaign: SurveyCampaign) -> SurveyResponse:
    """Give the last answer an invitee who agreed to be named, and the one before another who did not."""
    last, before = session.scalars(select(SurveyResponse).order_by(SurveyResponse.id.desc()).limit(2))
    for response, name in ((last, "Nombrada Con Permiso"), (before, "Callado Sin Permiso")):
        invitee = SurveyInvitee(campaign_id=campaign.id, key=f"x:{name}", name=name, email="alguien@example.com", phone="+573001112233")
        session.add(invitee)
        response.invitee = invitee
    last.is_named, last.consent_text = True, session.scalars(select(ConsentText)).first()
    session.flush()
    return last


def results(campaign: SurveyCampaign, query: str = "") -> str:
    return f"/survey-results/{campaign.id}{query}"


def figure(page: str, code: str) -> str:
    """Return the row of the question *code*."""
    return re.search(rf'<tr id="q-\d+"[^>]*>\s*<th scope="row"><span class="code">{code}</span>.*?</tr>', page, re.S)[0]


# ── The figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_head_says_how_satisfied_and_how_sure(reader, campaign):
    page = reader(CALIDAD).get(results(campaign)).text

    scores = [words(each) for each in re.findall(r'<div class="score[^"]*">.*?</div>', page, re.S)]
    assert any("81 %" in score for score in scores)  # P1: 4 of 9; each row of P2: 9 of 9
    assert any("−11" in score for score in scores)  # 3 promoters, 4 detractors of 9
    row = words(figure(page, "P1"))
    assert "1: 2" in row and "2: 2" in row and "5: 2" in row
    assert "3,00" in row and "44 %" in row


@pytest.mark.parametrize(("code", "part", "n"), [("P1", "1: 2", 2), ("P1", "3: 1", 1), ("P4", "No: 2", 2), ("P4", "Sí: 7", 7)])
def test_every_part_of_a_distribution_leads_to_exactly_its_answers(reader, campaign, code, part, n):
    quality = reader(CALIDAD)

    row = figure(quality.get(results(campaign)).text, code)
    counts = re.search(r'<p class="counts">.*?</p>', row, re.S)[0]
    labels = [words(each).split(" (")[0] for each in re.findall(r'<span class="nowrap">.*?</a>', counts, re.S)]
    urls = [unescape(url) for url in re.findall(r'href="([^"]+)"', counts)]

    assert len(rows_of(quality.get(dict(zip(labels, urls, strict=True))[part]))) == n


def test_filters_stay_in_the_links_behind_the_figures(reader, campaign):
    quality = reader(CALIDAD)

    row = figure(quality.get(results(campaign, "?zone=Norte")).text, "P1")
    behind = unescape(re.search(r'<td class="right" data-label="[^"]*"><a href="([^"]+)"', row)[1])

    assert "zone=Norte" in behind
    assert len(rows_of(quality.get(behind))) == 7


def test_a_filter_is_taken_into_the_address(reader, campaign):
    quality = reader(CALIDAD)

    answer = quality.get(results(campaign, "?set=via&v=QR&by=zone"))

    assert answer.status_code == 302
    assert "via=QR" in answer.headers["Location"] and "by=zone" in answer.headers["Location"]
    assert "panel-title" in quality.get(results(campaign, "?facet=zone"), headers={"X-Fragment": "panel"}).text
    assert "panel-title" not in quality.get(results(campaign, "?facet=status")).text  # results are always of what is filled in


def test_the_newest_campaign_with_answers_opens_by_itself(reader, campaign):
    assert reader(CALIDAD).get("/survey-results/").headers["Location"].endswith(results(campaign))


def test_whoever_sees_no_small_groups_gets_the_newest_campaign_with_figures(reader, campaign, make):
    later = make.campaign(at=AT + timedelta(days=40))
    make.response(later, at=AT + timedelta(days=41))

    assert reader(CALIDAD).get("/survey-results/").headers["Location"].endswith(results(later))
    assert reader(COMERCIAL).get("/survey-results/").headers["Location"].endswith(results(campaign))


def test_without_answers_the_page_says_what_to_do(reader, make):
    found = make.campaign(at=AT)
    quality = reader(CALIDAD)

    assert quality.get("/survey-results/").status_code == 200
    assert quality.get(results(found)).status_code == 200
    assert quality.get("/survey-results/999999").status_code == quality.get("/survey-results/x").status_code == 404


def test_whoever_only_reads_figures_gets_no_link_to_an_answer(reader, campaign):
    page = reader(DUENO).get(results(campaign)).text

    assert "44 %" in words(figure(page, "P1"))
    assert "/survey-answers/" not in page
    assert "/survey-words/" not in page
    assert "/excel" not in page


# ── Small groups and names ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_small_group_is_hidden_from_whoever_may_not_see_it(reader, campaign, login, a_user):
    commercial = reader(COMERCIAL)

    for query in ("?zone=Aguablanca", "?zone=Norte"):  # what the north leaves out would tell the south
        page = commercial.get(results(campaign, query)).text
        assert 'id="q-' not in page, query
        assert not rows_of(commercial.get(f"/survey-answers/list/{query}")), query
    assert not rows_of(commercial.get(f"/survey-answers/list/?campaign={campaign.id}&zone=Aguablanca"))
    assert "bajó" not in commercial.get(f"/survey-words/list/?campaign={campaign.id}&zone=Aguablanca").text


def test_quality_sees_small_groups(reader, campaign):
    quality = reader(CALIDAD)

    assert 'id="q-' in quality.get(results(campaign, "?zone=Aguablanca")).text
    assert len(rows_of(quality.get(f"/survey-answers/list/?campaign={campaign.id}&zone=Aguablanca"))) == 2


def test_nobody_reads_in_a_list_which_group_somebody_is_of_without_the_right(reader, campaign):
    commercial = reader(COMERCIAL)

    for address in ("/survey-answers/list/?cols=id,zone,stratum", "/survey-answers/export/csv?all=1", "/survey-words/list/",
                    "/survey-words/export/csv?all=1", "/survey-answers/list/?order=zone"):  # fmt: skip
        page = commercial.get(address)
        assert page.status_code == 200, address
        assert "Aguablanca" not in page.text, address


def test_a_name_stands_beside_the_answers_only_where_it_was_agreed_to(reader, seeded, campaign):
    last = name_of_last(seeded, campaign)
    quality = reader(CALIDAD)

    for address in ("/survey-answers/list/", "/survey-answers/export/csv?all=1", "/survey-words/list/", "/survey-words/export/csv?all=1"):
        page = quality.get(address).text
        assert "Nombrada Con Permiso" in page, address
        assert "Callado Sin Permiso" not in page, address
    assert "Nombrada Con Permiso" in quality.get(f"/survey-answers/show/{last.id}").text
    other = quality.get(f"/survey-answers/show/{last.id - 1}").text
    assert "Callado Sin Permiso" not in other
    assert "alguien@example.com" not in other


def test_answers_are_not_found_by_who_gave_them(reader, seeded, campaign):
    last = name_of_last(seeded, campaign)
    quality = reader(CALIDAD)

    n_all = len(rows_of(quality.get("/survey-answers/list/")))
    for name in ("invitee", "contract", "quota", "consent_text"):
        assert len(rows_of(quality.get(f"/survey-answers/list/?{name}={last.invitee_id}"))) == n_all, name


@pytest.mark.parametrize("value", ["x", "1/2/3", "9" * 30, "1:a..b", "1/:na", ":", "1:5..1", "١"])
def test_a_mangled_address_is_no_error(reader, campaign, value):
    quality = reader(CALIDAD)

    assert quality.get("/survey-answers/list/", query_string={"answer": value, "zone": value, "stratum": value}).status_code == 200
    assert quality.get("/survey-words/list/", query_string={"tag": value, "question": value, "campaign": value}).status_code == 200
    assert quality.get(results(campaign), query_string={"zone": value, "by": value, "service": value}).status_code == 200


# ── One by one, and in their own words ────────────────────────────────────────────────────────────────────────────────────


def test_the_page_of_an_answer_says_every_question(reader, seeded, campaign):
    last = seeded.scalars(select(SurveyResponse).order_by(SurveyResponse.id.desc())).first()

    page = words(reader(CALIDAD).get(f"/survey-answers/show/{last.id}").text)

    for text in ("2 of 5", "5 of 10", "La presión bajó 8 veces", "Agua", "Aseo", "4 of 5", "Aguablanca"):
        assert text in page or text.replace(" of ", " de ") in page, text


@pytest.mark.parametrize(("typed", "n"), [("PRESION", 2), ("presión 8", 1), ("fuga", 0)])
def test_open_answers_are_found_with_accents_forgiven(reader, campaign, typed, n):
    page = reader(COMERCIAL).get("/survey-words/list/", query_string={"q": typed}).text

    assert page.count('<li class="quote">') == n


def test_many_answers_are_tagged_at_once_and_counted(reader, seeded, campaign):
    commercial = reader(COMERCIAL)
    ids = seeded.scalars(select(SurveyAnswer.id).where(SurveyAnswer.words.is_not(None))).all()

    commercial.post("/survey-words/label", data={"row": [str(key) for key in ids], "name": "Presión"})
    commercial.post("/survey-words/label", data={"row": [str(ids[0])], "name": "presion "})  # the same, however it is written
    commercial.post("/survey-words/label?q=8", data={"every": "1", "name": "Cortes"})
    seeded.expire_all()
    tags = {tag.name: tag.id for tag in seeded.scalars(select(SurveyTag))}
    page = commercial.get("/survey-words/list/").text

    assert set(tags) == {"Presión", "Cortes"}
    assert "Presión 2" in words(page) and "Cortes 1" in words(page)
    assert commercial.get(f"/survey-words/list/?tag={tags['Cortes']}").text.count('<li class="quote">') == 1
    assert commercial.get("/survey-words/list/?tag=empty").text.count('<li class="quote">') == 0


def test_the_results_count_what_open_answers_speak_of(reader, make, seeded, campaign):
    for n in range(5):
        make.response(campaign, {"P4": "0", "P8": f"Sin agua {n}"}, at=AT, via="QR")
    commercial = reader(COMERCIAL)
    commercial.post("/survey-words/label?q=agua", data={"every": "1", "name": "Cortes"})

    chip = links_in(figure(commercial.get(results(campaign)).text, "P8"))["Cortes 5"]

    assert commercial.get(chip).text.count('<li class="quote">') == 5


def test_a_tag_is_taken_off_one_answer(reader, seeded, campaign):
    commercial = reader(COMERCIAL)
    ids = [str(key) for key in seeded.scalars(select(SurveyAnswer.id).where(SurveyAnswer.words.is_not(None)))]
    commercial.post("/survey-words/label", data={"row": ids, "name": "Presión"})
    tag = seeded.scalars(select(SurveyTag)).one()

    commercial.post("/survey-words/label", data={"off": f"{ids[0]}-{tag.id}"})
    commercial.post("/survey-words/label", data={"off": "x-y"})

    seeded.expire_all()
    assert [str(row.answer_id) for row in seeded.scalars(select(SurveyAnswerTag))] == ids[1:]


@pytest.mark.parametrize(("data", "why"), [({"name": "Algo"}, "at least one answer"), ({"name": " ", "every": "1"}, "1 to 60 letters"),
                                           ({"name": "x" * 61, "every": "1"}, "1 to 60 letters")])  # fmt: skip
def test_tagging_nothing_or_with_nothing_is_refused_with_the_reason(sign_in, seeded, campaign, data, why):
    seeded.commit()
    commercial = sign_in(COMERCIAL)

    page = commercial.post("/survey-words/label", data=data, follow_redirects=True)

    assert why in unescape(page.text)
    assert not seeded.scalars(select(SurveyAnswerTag)).all()


def test_a_score_is_no_open_answer(seeded, campaign):
    from app.domain.errors import DomainError
    from app.operations import survey_tags

    tag = survey_tags.tag_called(seeded, "Algo")
    score = seeded.scalars(select(SurveyAnswer).where(SurveyAnswer.words.is_(None))).first()

    with pytest.raises(DomainError, match="open answers"):
        survey_tags.put(seeded, tag, [score])


# ── The workbook ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def sheets_of(answer: Any) -> list[list[tuple[Any, ...]]]:
    return [list(sheet.iter_rows(values_only=True)) for sheet in load_workbook(io.BytesIO(answer.data))]


def test_the_workbook_says_what_the_page_says(reader, seeded, campaign):
    name_of_last(seeded, campaign)
    page = sheets_of(reader(CALIDAD).get(results(campaign, "/excel")))

    _summary, questions, spread, groups, wrote, answers = page
    row = next(row for row in questions if row[1] == "P1")
    assert row[6] == 9 and row[9] == 3
    assert [line[5] for line in spread if line[1] == "P1"] == [2, 2, 1, 2, 2]
    assert {line[1] for line in groups[1:]} >= {"Norte", "Aguablanca"}
    assert len(wrote) == 3 and len(answers) == 10
    assert [line[answers[0].index(next(title for title in answers[0] if str(title).startswith("P1 ")))] for line in answers[1:]] == [
        int(score) for score, *_rest in SAID
    ]
    names = {cell for line in answers + wrote for cell in line if isinstance(cell, str) and "Permiso" in cell}
    assert names == {"Nombrada Con Permiso"}


def test_the_workbook_of_whoever_may_not_see_small_groups_has_none(reader, campaign):
    pages = sheets_of(reader(COMERCIAL).get(results(campaign, "/excel")))

    cells = {cell for page in pages for line in page for cell in line}
    assert "Aguablanca" not in cells
    assert len(pages[5]) == 10  # the answers are there, without the group of anybody


def test_the_page_costs_the_same_statements_however_many_answers(reader, make, campaign):
    quality = reader(CALIDAD)
    quality.get(results(campaign))  # what is read once
    with statements_of(make.session.get_bind()) as few:
        quality.get(results(campaign, "?by=service"))
    for _n in range(10):
        make.response(campaign, at=AT, via="QR")
    make.session.commit()
    quality.get(results(campaign))
    with statements_of(make.session.get_bind()) as many:
        quality.get(results(campaign, "?by=service"))

    assert len(few) == len(many) <= 12


def test_services_have_names_in_the_table_of_groups(reader, seeded, campaign):
    service = seeded.scalars(select(Service)).first()
    for response in seeded.scalars(select(SurveyResponse).limit(6)):
        response.service = service
    page = reader(CALIDAD).get(results(campaign, "?by=service")).text

    table = re.search(r'<table class="matrix crossed">.*?</table>', page, re.S)[0]
    assert service.name in links_in(table)
