"""The pages of risks: the map and what its cells lead to, the page of one, its steps, the scale, and what a reader does not see."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from app.domain.improvement import ActionOrigin
from app.models import Action, Risk, RiskBand, RiskControl, RiskImpact, RiskMove, RiskProbability
from app.security import AUXILIAR, CALIDAD, CONTROL, DUENO, SUBGERENTE

AT = datetime(2026, 7, 1, 15, tzinfo=UTC)


@pytest.fixture
def risk(seeded, make) -> Risk:
    """4 × 5 without controls; one lowers the probability by one: 3 × 5, extreme."""
    made = make.risk(4, 5, controls=[(1, 0)], at=AT, event="Se responde una PQR fuera de plazo")
    seeded.commit()
    return made


def only(session: Any, model: Any) -> Any:
    session.expire_all()
    return session.scalars(select(model)).one()


def said(risk_: Any = None, **fields: Any) -> dict[str, Any]:
    return {
        "cause": "Falta una persona", "event": "Se pierde un expediente", "consequence": "No se puede responder", "probability": "3",
        "impact": "4", "treatment": "REDUCE", "treatment_note": "", "responsible": "", "identified_on": "2026-07-01", **fields,
    }  # fmt: skip


def cell_of(page: str, url: str) -> str | None:
    """Return the number that the cell which leads to *url* shows."""
    found = re.search(rf'<a class="count num" href="{re.escape(url)}"[^>]*>(\d+)</a>', page.replace("&amp;", "&"))
    return found[1] if found else None


# ── The map ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_cell_of_the_map_leads_to_its_risks_before_and_after_their_controls(seeded, sign_in, make, risk):
    make.risk(1, 1, at=AT)
    seeded.commit()
    reader = sign_in(CALIDAD)
    after, before = reader.get("/risk-map/").text, reader.get("/risk-map/?which=inherent").text
    url = "/risk/list/?residual_probability=3&residual_impact=5&state=OPEN"

    assert cell_of(after, url) == "1"
    assert cell_of(before, "/risk/list/?probability=4&impact=5&state=OPEN") == "1"
    listed = reader.get(url).text
    assert risk.number in listed and "RG-2026-0002" not in listed
    assert "Se responde una PQR fuera de plazo" in after  # the same as a table
    assert "Without an action" in after


def test_the_map_of_a_process_shows_its_own_risks(seeded, sign_in, make, risk):
    other = make.risk(2, 2, at=AT, process=make.process("CARTERA"), event="Se pierde un pago")
    seeded.commit()
    page = sign_in(CALIDAD).get(f"/risk-map/?process={other.process_id}").text

    assert "Se pierde un pago" in page
    assert "fuera de plazo" not in page
    assert cell_of(page, f"/risk/list/?residual_probability=2&residual_impact=2&state=OPEN&process={other.process_id}") == "1"


def test_an_owner_sees_the_risks_of_his_processes_and_no_others_at_any_door(seeded, sign_in, make, risk):
    make.risk(5, 5, at=AT, process=make.process("CARTERA"), event="Riesgo ajeno de cartera")
    seeded.commit()
    foreign = seeded.scalars(select(Risk).where(Risk.event.like("Riesgo ajeno%"))).one()
    owner = sign_in(DUENO, "FACTURACION")

    for url in ("/risk-map/", "/risk-map/?which=inherent", "/risk/list/"):
        page = owner.get(url).text
        assert "fuera de plazo" in page, url
        assert "ajeno" not in page and "CARTERA" not in page, url
    for url in (f"/risk/show/{foreign.id}", f"/risk/edit/{foreign.id}", f"/risk/review/{foreign.id}", f"/risk/control/{foreign.id}",
                f"/risk/ask/{foreign.id}", f"/risk/close/{foreign.id}"):  # fmt: skip
        assert owner.get(url).status_code == 404, url
    file = owner.get("/risk-map/excel")
    rows = CalamineWorkbook.from_filelike(BytesIO(file.data)).get_sheet_by_index(1).to_python()
    assert [row[0] for row in rows if str(row[0]).startswith("RG-")] == [risk.number]


def test_my_day_counts_what_the_map_asks_for(seeded, sign_in, make, risk):
    late = make.risk(1, 1, at=AT)
    late.review_on = date(2026, 7, 2)
    seeded.commit()
    page = sign_in(CALIDAD).get("/").text

    for url in ("/risk/list/?late=1", "/risk/list/?gap=1"):
        assert f'href="{url}"' in page
    assert "/risk/list/?gap=1" not in sign_in(DUENO, "TECNICA").get("/").text


@pytest.mark.parametrize("query", ["which=nonsense", "process=x"])
def test_a_mangled_address_of_the_map_finds_nothing(sign_in, query):
    assert sign_in(CALIDAD).get(f"/risk-map/?{query}").status_code == 404


def test_the_workbook_of_the_map_tells_controls_and_actions(seeded, sign_in, risk):
    reader = sign_in(CALIDAD)
    reader.post(f"/risk/ask/{risk.id}", data=asked(risk))
    rows = CalamineWorkbook.from_filelike(BytesIO(reader.get("/risk-map/excel").data)).get_sheet_by_index(1).to_python()
    line = next(row for row in rows if row[0] == risk.number)

    assert line[5:9] == [4, 5, 20, "Extremo"]
    assert "Lista de chequeo antes de cerrar" in line[9]
    assert line[10:14] == [3, 5, 15, "Extremo"]
    assert only(seeded, Action).number in line[16]


# ── A risk ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_risk_is_written_down_controlled_and_its_page_draws_its_way(seeded, sign_in, make):
    owner = sign_in(DUENO, "FACTURACION")
    answer = owner.post("/risk/add", data=said(process_id=make.process("FACTURACION").id))
    assert answer.status_code == 302, answer.text
    one = only(seeded, Risk)
    control = {"text": "Copia diaria", "kind": "CORRECTIVE", "lowers_probability": "0", "lowers_impact": "2", "is_working": "y",
               "evidence": "Registro de copias", "responsible": ""}  # fmt: skip
    assert owner.post(f"/risk/control/{one.id}", data=control).status_code == 302
    seeded.expire_all()
    page = owner.get(f"/risk/show/{one.id}").text

    assert (one.residual_probability, one.residual_impact, one.created_by_id) == (3, 2, owner.user_id)
    assert "Copia diaria" in page and "3 × 4 = 12" in page and "3 × 2 = 6" in page
    assert 'class="way" points=' in page
    assert "Without controls: 3 × 4. With controls, in the order of its history: 3 × 4 → 3 × 2." in page
    assert [move.actor_id for move in seeded.scalars(select(RiskMove))] == [owner.user_id] * 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"event": " "}, "required"), ({"probability": "9"}, "Not a valid choice"), ({"identified_on": "2099-01-01"}, "has not come yet"),
     ({"identified_on": "mañana"}, "mañana")],
)  # fmt: skip
def test_a_risk_that_says_too_little_is_refused_beside_the_field_and_stays_typed(seeded, sign_in, make, fields, words):
    answer = sign_in(CALIDAD).post("/risk/add", data=said(process_id=make.process("FACTURACION").id, **fields))

    assert answer.status_code == 422
    assert words in answer.text
    assert "No se puede responder" in answer.text
    assert seeded.scalars(select(Risk)).all() == []


def test_an_owner_gives_no_risk_to_another_process(seeded, sign_in, make):
    answer = sign_in(DUENO, "FACTURACION").post("/risk/add", data=said(process_id=make.process("CARTERA").id))

    assert answer.status_code == 422
    assert "your own processes" in answer.text
    assert seeded.scalars(select(Risk)).all() == []


def test_a_look_keeps_the_reason_and_moves_the_risk(seeded, sign_in, risk):
    boss = sign_in(SUBGERENTE)
    empty = boss.post(f"/risk/review/{risk.id}", data={"probability": "2", "impact": "3", "reason": "", "review_on": ""})
    late = boss.post(f"/risk/review/{risk.id}", data={"probability": "4", "impact": "5", "reason": "Igual", "review_on": "2099-01-01"})
    done = boss.post(f"/risk/review/{risk.id}", data={"probability": "2", "impact": "3", "reason": "Hay programa", "review_on": ""})

    assert (empty.status_code, late.status_code, done.status_code) == (422, 422, 302)
    assert "at the latest" in late.text
    one = only(seeded, Risk)
    assert (one.probability, one.impact, one.residual_probability) == (2, 3, 1)
    assert "Hay programa" in boss.get(f"/risk/show/{risk.id}").text


def test_a_control_that_is_no_longer_applied_gives_the_risk_back(seeded, sign_in, risk):
    keeper = sign_in(CALIDAD)
    control = only(seeded, RiskControl)
    page = keeper.get(f"/risk/control/{risk.id}/{control.id}").text
    data = {"text": control.text, "kind": "PREVENTIVE", "lowers_probability": "1", "lowers_impact": "0", "evidence": "", "responsible": "",
            "reason": "Nadie la llena"}  # fmt: skip
    assert control.text in page
    assert keeper.post(f"/risk/control/{risk.id}/{control.id}", data=data | {"reason": ""}).status_code == 422
    assert keeper.post(f"/risk/control/{risk.id}/{control.id}", data=data).status_code == 302
    assert keeper.get(f"/risk/control/{risk.id}/{control.id + 1}").status_code == 404

    assert only(seeded, Risk).residual_probability == 4


def asked(risk: Risk, **fields: Any) -> dict[str, Any]:
    return {"kind": "PREVENTIVE", "title": "Contratar una persona", "description": "", "process_id": risk.process_id, "responsible": "",
            "due_on": "2026-12-01", **fields}  # fmt: skip


def test_an_action_is_asked_from_the_page_and_shows_there_and_closing_waits_for_it(seeded, sign_in, risk):
    keeper = sign_in(CALIDAD)
    assert "none is under way" in keeper.get(f"/risk/show/{risk.id}").text
    assert keeper.post(f"/risk/ask/{risk.id}", data=asked(risk)).status_code == 302
    action = only(seeded, Action)
    page = keeper.get(f"/risk/show/{risk.id}").text
    refused = keeper.post(f"/risk/close/{risk.id}", data={"reason": "Ya no existe"})

    assert (action.origin, action.origin_key) == (ActionOrigin.RISK, risk.number)
    assert f"/action/show/{action.id}" in page and "none is under way" not in page
    assert refused.status_code == 422
    assert action.number in refused.text
    assert only(seeded, Risk).closed_on is None


def test_a_closed_risk_offers_only_to_be_taken_up_again(seeded, sign_in, make):
    risk = make.risk(1, 1, at=AT)
    seeded.commit()
    keeper = sign_in(CALIDAD)
    assert keeper.post(f"/risk/close/{risk.id}", data={"reason": "Ya no existe"}).status_code == 302
    page = keeper.get(f"/risk/show/{risk.id}").text
    late = keeper.post(f"/risk/review/{risk.id}", data={"probability": "1", "impact": "1", "reason": "x", "review_on": ""})

    assert "Ya no existe" in page and f"/risk/reopen/{risk.id}" in page
    assert f"/risk/review/{risk.id}" not in page
    assert keeper.get(f"/risk/edit/{risk.id}").status_code == 404
    assert late.status_code == 422
    assert keeper.post(f"/risk/reopen/{risk.id}", data={"reason": "Volvió"}).status_code == 302
    assert only(seeded, Risk).closed_on is None


def test_the_texts_change_and_the_place_on_the_map_does_not(seeded, sign_in, risk):
    keeper = sign_in(CALIDAD)
    seen = re.search(r'name="seen" value="([^"]*)"', keeper.get(f"/risk/edit/{risk.id}").text)
    data = said(process_id=risk.process_id, event="Se responde tarde", probability="1", impact="1", seen=seen[1] if seen else "")
    assert keeper.post(f"/risk/edit/{risk.id}", data=data).status_code == 302

    one = only(seeded, Risk)
    assert (one.event, one.probability, one.impact) == ("Se responde tarde", 4, 5)


def test_who_only_reads_is_offered_nothing(seeded, sign_in, risk):
    page = sign_in(CONTROL).get(f"/risk/show/{risk.id}").text

    for step in ("review", "control", "close", "ask", "edit"):
        assert f"/risk/{step}/{risk.id}" not in page
    assert sign_in(AUXILIAR).get(f"/risk/show/{risk.id}").status_code in (302, 403, 404)


def test_the_list_filters_by_band_gap_and_late_look(seeded, sign_in, make, risk):
    calm = make.risk(1, 1, at=AT)
    calm.review_on = date(2026, 7, 2)
    seeded.commit()
    extreme = seeded.scalars(select(RiskBand).filter_by(least_score=15)).one()
    keeper = sign_in(CALIDAD)

    def numbers(query: str) -> set[str]:
        return set(re.findall(r"RG-2026-\d{4}", keeper.get(f"/risk/list/?{query}").text))

    assert numbers(f"band={extreme.id}") == {risk.number}
    assert numbers("gap=1") == {risk.number}
    assert numbers("late=1") == {calm.number}
    assert numbers("late=0&gap=0") == set()
    assert numbers("uses_probability=3") == {risk.number}
    assert numbers("state=CLOSED") == set()
    text = keeper.get("/risk/list/").text
    assert text.index(risk.number) < text.index(calm.number)  # the worst first
    text = keeper.get("/risk/list/?order=residual").text
    assert text.index(calm.number) < text.index(risk.number)


# ── The scale ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_level_in_use_is_not_deleted_and_the_refusal_leads_to_who_uses_it(seeded, sign_in, risk):
    keeper = sign_in(CALIDAD)
    level = seeded.scalars(select(RiskProbability).filter_by(level=3)).one()
    answer = keeper.post(f"/risk-probability/drop/{level.id}", follow_redirects=True)

    assert "(1)" in answer.text and "/risk/list/?uses_probability=3" in answer.text
    assert seeded.scalars(select(RiskProbability).filter_by(level=3)).one_or_none() is not None
    assert risk.number in keeper.get("/risk/list/?uses_probability=3").text


def test_the_lists_of_the_scale_say_how_many_risks_use_each(seeded, sign_in, make, risk):
    make.risk(4, 1, at=AT)
    seeded.commit()
    keeper = sign_in(CALIDAD)
    levels = keeper.get("/risk-probability/list/").text
    extreme = seeded.scalars(select(RiskBand).filter_by(least_score=15)).one()
    bands = keeper.get("/risk-band/list/?cols=name,n_risks").text

    assert 'href="/risk/list/?uses_probability=4">2</a>' in levels
    assert 'href="/risk/list/?uses_probability=3">1</a>' in levels
    assert 'href="/risk/list/?uses_probability=5">0</a>' in levels
    for page in (bands, keeper.get(f"/risk-band/show/{extreme.id}").text):
        assert f'href="/risk/list/?band={extreme.id}&amp;state=OPEN">1</a>' in page


def test_a_level_that_nobody_uses_goes_and_another_comes(seeded, sign_in, risk):
    keeper = sign_in(CALIDAD)
    level = seeded.scalars(select(RiskImpact).filter_by(level=1)).one()
    assert keeper.post(f"/risk-impact/drop/{level.id}").headers["Location"].endswith("/risk-scale/")
    added = keeper.post("/risk-impact/add", data={"level": "6", "name": "Ruinoso", "meaning": "La empresa no sigue"})
    again = keeper.post("/risk-impact/add", data={"level": "6", "name": "Otro", "meaning": ""})
    off = keeper.post("/risk-impact/add", data={"level": "11", "name": "Otro", "meaning": ""})

    assert (added.status_code, again.status_code, off.status_code) == (302, 422, 422)
    seeded.expire_all()
    assert seeded.scalars(select(RiskImpact.level).order_by(RiskImpact.level)).all() == [2, 3, 4, 5, 6]
    page = keeper.get("/risk-scale/").text
    assert "Ruinoso" in page


def test_the_number_of_a_level_does_not_change(seeded, sign_in):
    keeper = sign_in(CALIDAD)
    level = seeded.scalars(select(RiskImpact).filter_by(level=2)).one()
    page = keeper.get(f"/risk-impact/edit/{level.id}").text

    assert 'name="name"' in page
    assert 'name="level"' not in page


def test_the_bands_keep_covering_the_map_and_the_page_warns_of_one_beyond_it(seeded, sign_in, risk):
    keeper = sign_in(CALIDAD)
    first = seeded.scalars(select(RiskBand).filter_by(least_score=1)).one()
    gone = keeper.post(f"/risk-band/drop/{first.id}", follow_redirects=True)
    data = {"least_score": "40", "name": "Imposible", "tone": "EXTREME", "what_to_do": "", "review_months": "1", "needs_action": "y"}
    added = keeper.post("/risk-band/add", data=data)
    page = keeper.get("/risk-scale/").text

    assert "has to begin at 1" in gone.text
    assert added.status_code == 302
    assert "begins at 40, and the map ends at 25" in page


def test_who_only_reads_the_scale_changes_nothing(seeded, sign_in):
    reader = sign_in(CONTROL)
    level = seeded.scalars(select(RiskImpact).filter_by(level=2)).one()

    assert reader.get("/risk-scale/").status_code == 200
    assert reader.post(f"/risk-impact/drop/{level.id}").status_code in (302, 403)
    assert reader.get("/risk-impact/add").status_code in (302, 403)
    seeded.expire_all()
    assert seeded.scalars(select(RiskImpact).filter_by(level=2)).one_or_none() is not None


def test_the_pages_cost_the_same_however_many_risks_there_are(seeded, sign_in, make, count_statements):
    keeper = sign_in(CALIDAD)
    one = make.risk(4, 4, at=AT, controls=[(1, 1)])
    seeded.commit()
    urls = ("/risk-map/", "/risk/list/", "/risk-scale/", f"/risk/show/{one.id}")

    def cost(url: str) -> int:
        keeper.get(url)
        with count_statements() as found:
            assert keeper.get(url).status_code == 200
        return len(found)

    few = [cost(url) for url in urls]
    for n in range(12):
        make.risk(1 + n % 5, 1 + n % 4, at=AT, controls=[(1, 0), (0, 1)], process=make.process("CARTERA" if n % 2 else "TECNICA"))
    seeded.commit()

    assert [cost(url) for url in urls] == few
    assert few[1] <= 8 and max(few) <= 12




def test_the_map_on_paper_names_each_risk_in_its_cell_with_its_controls(seeded, sign_in, make, risk):
    make.risk(2, 2, at=AT, process=make.process("CARTERA"), event="Se pierde un pago")
    seeded.commit()
    reader = sign_in(CALIDAD)
    both = words_of(reader.get("/risk-map/pdf"))
    one = words_of(reader.get(f"/risk-map/pdf?process={risk.process_id}&which=inherent"))

    assert both.count(risk.number) == both.count("RG-2026-0002") == 2  # on the map and below
    assert "4 × 5 = 20" in both and "3 × 5 = 15" in both and "Lista de chequeo antes de cerrar" in both
    assert "RG-2026-0002" not in one
    assert words_of(sign_in(DUENO, "TECNICA").get("/risk-map/pdf")).count("RG-") == 0


def words_of(answer: Any) -> str:
    """Return the text of a PDF in one line."""
    assert answer.status_code == 200, answer.text
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(answer.get_data())).pages).split())
