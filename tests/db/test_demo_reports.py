"""The reports of the demonstration: three sendings, and weeks of what was made of one of them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from openpyxl import load_workbook
from sqlalchemy import select

from app.demo.reports import send_reports
from app.models import ReportRun, ReportSchedule
from app.operations import files
from app.security import CALIDAD, DUENO, SUBGERENTE

AT = datetime(2026, 7, 10, 15, 0, tzinfo=UTC)


def test_the_demonstration_sends_reports_and_remembers_those_of_these_weeks(make: Any, session: Any) -> None:
    people = {"subgerente": make.user(SUBGERENTE), "calidad": make.user(CALIDAD), "dueno.facturacion": make.user(DUENO, "FACTURACION")}
    make.case()

    send_reports(session, AT, people)

    schedules = {each.report: each for each in session.scalars(select(ReportSchedule))}
    assert {each: schedules[each].is_active for each in schedules} == {"response_times": True, "behaviour": True, "pqr_report": False}
    assert schedules["response_times"].next_at > AT
    runs = session.scalars(select(ReportRun)).all()
    assert Counter(run.outcome.name for run in runs) == {"DONE": 7, "REFUSED": 1}
    kept = [run for run in runs if run.file is not None]
    assert [run.user_id for run in kept] == [people["subgerente"].id, people["dueno.facturacion"].id]
    with files.open_file(kept[0].file) as content:
        assert load_workbook(BytesIO(content.read())).sheetnames
