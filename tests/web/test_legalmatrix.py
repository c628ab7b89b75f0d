"""The pages of the legal matrix: the list with its marks, the page of a row, its evaluation, what rests on it, and the files."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from app.domain.legalmatrix import Compliance
from app.extensions import today
from app.models import Action, LegalEvaluation, LegalRequirement, LegalRest, LegalTerm
from app.security import AUXILIAR, CALIDAD, CONTROL, DUENO


@pytest.fixture
def answering(seeded) -> LegalRequirement:
    """The row of Ley 142 on answering petitions, which ships with what rests on it."""
    found = select(LegalRequirement).where(LegalRequirement.norm == "Ley 142 de 1994", LegalRequirement.articles == "152-159")
    return seeded.scalars(found).one()


def page(item: LegalRequirement, door: str = "show") -> str:
    return f"/legalrequirement/{door}/{item.id}"


def evaluation(**fields: Any) -> dict[str, Any]:
    return {"result": "COMPLIES", "on": today().isoformat(), "evidence": "Informe de junio", **fields}


def test_the_list_shows_how_sure_each_row_is_and_what_the_marks_mean(seeded, sign_in):
    told = sign_in(CALIDAD).get("/legalrequirement/list/").text

    assert "Ley 142 de 1994" in told
    assert told.count("To be confirmed") >= 2  # a row, and what the mark means
    assert "Nobody has checked it. Do not rely on it before you read the norm." in told


@pytest.mark.parametrize(
    ("query", "is_there"),
    [("state=NEVER", True), ("state=OVERDUE", False), ("state=CURRENT", False), ("sure=CONFIRMED", True), ("sure=UNSURE", False),
     ("standing=FAILS", False), ("q=positivo", False), ("q=152-159", True)],
)  # fmt: skip
def test_the_list_is_filtered_by_state_and_words(seeded, sign_in, answering, query, is_there):
    told = sign_in(CALIDAD).get(f"/legalrequirement/list/?{query}").text

    assert (f'href="{page(answering)}"' in told) is is_there


def test_its_page_tells_what_rests_on_it_and_the_page_of_the_term_tells_it_too(seeded, sign_in, answering):
    client = sign_in(CALIDAD)
    told = client.get(page(answering)).text
    term = seeded.scalars(select(LegalTerm).join(LegalRest).where(LegalRest.requirement_id == answering.id)).first()

    assert "Recurso: decisión" in told
    assert "text.act.recognition" in told
    assert page(answering) in sign_in(CONTROL).get(f"/term/show/{term.id}").text


def test_an_evaluation_is_noted_with_its_file_and_shown(seeded, sign_in, answering):
    client = sign_in(CALIDAD)
    sent = evaluation(file=(BytesIO(b"todo en orden"), "informe.txt"))
    answer = client.post(page(answering, "evaluate"), data=sent, content_type="multipart/form-data")
    seeded.expire_all()
    row = seeded.scalars(select(LegalEvaluation)).one()

    assert answer.status_code == 302
    assert (row.result, row.evaluated_by_id, answering.evaluated_on) == (Compliance.COMPLIES, client.user_id, today())
    told = client.get(page(answering)).text
    assert "informe.txt" in told
    assert client.get(f"/legalrequirement/file/{answering.id}/{row.id}").data == b"todo en orden"


def test_what_is_not_met_asks_for_an_action_or_a_reason_beside_the_field(seeded, sign_in, answering):
    client = sign_in(CALIDAD)
    refused = client.post(page(answering, "evaluate"), data=evaluation(result="FAILS", note="Se venció un caso"))

    assert refused.status_code == 422
    assert "What is not met asks for an action." in refused.text
    assert "Se venció un caso" in refused.text
    process_id = str(answering.process_id)
    asked = {"asks": "y", "title": "Responder a tiempo", "process_id": process_id, "due_on": date(2099, 1, 1).isoformat()}
    assert client.post(page(answering, "evaluate"), data=evaluation(result="FAILS", **asked)).status_code == 302
    action = seeded.scalars(select(Action)).one()
    assert (action.origin_key, action.title) == (f"ML-{answering.id}", "Responder a tiempo")
    assert action.number in client.get(page(answering)).text


def test_an_owner_evaluates_what_is_of_his_process_only(seeded, sign_in, make):
    mine, other = (make.legal_requirement(process=make.process(code)) for code in ("TECNICA", "CARTERA"))
    seeded.commit()
    client = sign_in(DUENO, "TECNICA")

    assert client.get(page(mine, "evaluate")).status_code == 200
    assert client.get(page(other)).status_code == 200
    assert client.get(page(other, "evaluate")).status_code == 404
    assert client.get(page(mine, "edit")).status_code == 403
    assert sign_in(AUXILIAR).get(page(mine)).status_code == 403


def test_what_rests_on_it_is_ticked(seeded, sign_in, answering):
    client = sign_in(CALIDAD)
    told = client.get(page(answering, "rest")).text
    assert told.count("checked") == len(seeded.scalars(select(LegalRest).where(LegalRest.requirement_id == answering.id)).all())

    answer = client.post(page(answering, "rest"), data={"linked": ["parameter:text.appeal"], "parameter": "parameter:light.amber"})
    seeded.expire_all()
    rests = seeded.scalars(select(LegalRest).where(LegalRest.requirement_id == answering.id)).all()
    assert answer.status_code == 302
    assert {row.parameter_key for row in rests} == {"text.appeal", "light.amber"}


def test_the_same_articles_of_a_norm_are_refused_beside_their_field(seeded, sign_in, answering):
    sent = {"norm": "Ley 142 de 1994", "articles": "152-159", "obligation": "Otra", "every_months": "12", "is_active": "y"}
    refused = sign_in(CALIDAD).post("/legalrequirement/add", data=sent)

    assert refused.status_code == 422
    assert f"in ML-{answering.id}." in refused.text


def test_the_matrix_leaves_as_companies_keep_it(seeded, sign_in, answering):
    client = sign_in(CONTROL)
    book = CalamineWorkbook.from_filelike(BytesIO(client.get("/legalrequirement/excel").data))
    cells = {str(cell) for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python() for cell in row}
    pdf = PdfReader(BytesIO(client.get("/legalrequirement/pdf").data))
    paper = " ".join(" ".join(each.extract_text() for each in pdf.pages).split())

    assert {"Ley 142 de 1994", answering.obligation, "confirmado", f"ML-{answering.id}"} <= cells
    assert answering.obligation[:60] in paper
    assert "Por confirmar" in paper or "To be confirmed" in paper
