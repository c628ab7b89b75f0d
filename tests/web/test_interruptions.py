"""The pages of interruptions: told, announced, restored, linked; heard at the counter and on the citizen's page; frozen month by month."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
from sqlalchemy import select

from app import queries
from app.domain.interruptions import InterruptionKind
from app.models import Interruption, InterruptionCause, MassEvent, Service, SuiLoad
from app.operations import interruptions

NOW = datetime(2026, 7, 10, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)


def text_of(response):
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


@pytest.fixture
def manager(make, client, login):
    user = make.user("Subgerente administrativo y comercial")
    make.session.commit()
    return login(client, user)


def typed(make, **changed):
    session = make.session
    return {
        "kind": "UNPLANNED", "cause": str(session.scalars(select(InterruptionCause.id).where(InterruptionCause.code == "DANO")).one()),
        "service": str(session.scalars(select(Service.id).order_by(Service.position, Service.id)).first()),
        "what": "Se rompió la red", "municipality": queries.organisation(session).municipality_code, "settlement_code": "",
        "sector": "La Floresta", "zones": "", "n_subscribers": "", "starts_at": "2026-07-10T08:30", "expected_end_at": "2026-07-10 14:00",
        "ends_at": "", "notice_on": "", "notice_means": "", "alternative": "",
    } | changed  # fmt: skip


def test_it_is_told_and_its_page_says_what_is_known(make, manager):
    assert 'value="2026-07-10T10:00"' in text_of(manager.get("/interruption/add"))
    stored = manager.post("/interruption/add", data=typed(make, alternative="Carrotanques"))
    row = make.session.scalars(select(Interruption)).one()
    page = text_of(manager.get(stored.headers["Location"]))

    assert (row.number, row.kind, row.has_alternative) == ("INT-2026-0001", InterruptionKind.UNPLANNED, True)
    assert (row.starts_at, row.expected_end_at) == (datetime(2026, 7, 10, 13, 30, tzinfo=UTC), datetime(2026, 7, 10, 19, tzinfo=UTC))
    assert "Carrotanques" in page
    assert f"/interruption/restore/{row.id}" in page
    assert "INT-2026-0001" in text_of(manager.get("/interruption/list/?state=RUNNING"))
    assert "INT-2026-0001" not in text_of(manager.get("/interruption/list/?state=RESTORED,ANNOUNCED,VOIDED"))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"starts_at": "ayer"}, "starts_at"), ({"starts_at": "2026-07-11T08:00"}, "starts_at"), ({"sector": " "}, "sector"),
        ({"zones": "Narnia"}, "zones"), ({"ends_at": "2026-07-10T08:00"}, "ends_at"), ({"notice_means": "Radio"}, "notice_on"),
        ({"notice_on": "2026-07-09"}, "notice_means"), ({"n_subscribers": "-1"}, "n_subscribers"),
        ({"settlement_code": "AB"}, "settlement_code"), ({"expected_end_at": "2026-07-10T08:00"}, "expected_end_at"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_said_beside_its_field_and_kept(make, manager, changed, field):
    refused = manager.post("/interruption/add", data=typed(make, **changed))

    assert refused.status_code == 422
    assert f'id="{field}-error"' in text_of(refused)
    assert "Se rompió la red" in text_of(refused)
    assert make.session.scalars(select(Interruption)).all() == []


def test_planned_works_without_notice_say_what_the_law_asks(make, manager):
    row = make.interruption(NOW + 48 * HOUR, "PLANNED", at=NOW)
    make.session.commit()

    assert "139.1" in text_of(manager.get(f"/interruption/show/{row.id}"))
    assert row.number in text_of(manager.get("/interruption/list/?notice=NONE"))
    told = {"notice_on": "2026-07-10", "notice_means": "Radio", "proof": (BytesIO(b"%PDF-1.4 aviso"), "aviso.pdf")}
    assert manager.post(f"/interruption/notice/{row.id}", data=told).status_code == 302
    page = text_of(manager.get(f"/interruption/show/{row.id}"))
    assert "139.1" not in page
    assert "aviso.pdf" in page
    assert manager.get(f"/interruption/proof/{row.id}").data == b"%PDF-1.4 aviso"
    assert row.number in text_of(manager.get("/interruption/list/?notice=IN_TIME"))


def test_it_is_restored_voided_and_changes_no_more(make, manager):
    row = make.interruption(NOW - 3 * HOUR, at=NOW)
    make.session.commit()

    early = manager.post(f"/interruption/restore/{row.id}", data={"ends_at": "2026-07-10T06:00"})
    assert early.status_code == 422
    assert 'id="ends_at-error"' in text_of(early)
    assert manager.post(f"/interruption/restore/{row.id}", data={"ends_at": "10/07/2026 09:30"}).status_code == 302
    make.session.refresh(row)
    assert row.ends_at == datetime(2026, 7, 10, 14, 30, tzinfo=UTC)
    assert manager.post(f"/interruption/void/{row.id}", data={"reason": "Fue un ensayo"}).status_code == 302
    assert manager.get(f"/interruption/edit/{row.id}").status_code == 404
    assert "Fue un ensayo" in text_of(manager.get(f"/interruption/show/{row.id}"))


def test_a_mass_event_gathers_the_cases_it_causes(make, manager, an_account):
    row = make.interruption(NOW - 3 * HOUR, at=NOW)
    account = an_account(service=row.service, municipality_code=row.municipality.code, zone="La Floresta")
    row.zones = ["La Floresta"]
    interruptions.amend(make.session, row, at=NOW)
    case = make.case(NOW, account=account)
    make.session.commit()

    page = text_of(manager.get(f"/interruption/show/{row.id}"))
    link = re.search(r'href="(/pqr/[^"]*zone=La[^"]*)"', page)
    assert link is not None
    assert case.number in text_of(manager.get(link[1].replace("&amp;", "&")))
    assert manager.post(f"/interruption/event/{row.id}", data={"name": "Daño de La Floresta"}).status_code == 302
    event = make.session.scalars(select(MassEvent)).one()
    manager.post(f"/massevent/link/{case.number}", data={"event": "Daño de La Floresta"})
    page = text_of(manager.get(f"/interruption/show/{row.id}"))
    assert f"/pqr/?mass_event={event.id}" in page
    assert case.number in page
    assert manager.post(f"/interruption/link/{row.id}", data={"event": ""}).status_code == 302
    make.session.refresh(row)
    assert row.mass_event_id is None


def test_the_counter_is_told_what_runs_where_the_account_is(make, client, login, an_account):
    row = make.interruption(NOW - HOUR, at=NOW, sector="Barrio El Puente")
    near = an_account(service=row.service, municipality_code=row.municipality.code)
    elsewhere = an_account(service=make.session.scalars(select(Service).order_by(Service.position.desc())).first())
    user = make.user("Auxiliar PQR")
    make.session.commit()
    login(client, user)

    assert row.number in text_of(client.get(f"/counter/?account={near.id}"))
    assert row.number not in text_of(client.get(f"/counter/?account={elsewhere.id}"))


def test_the_citizen_reads_what_runs_now_and_nothing_of_who(make, app):
    make.interruption(NOW - HOUR, at=NOW, sector="Barrio El Puente", alternative="Carrotanque en el parque")
    make.interruption(NOW - 9 * HOUR, at=NOW, sector="Barrio Viejo", ends_at=NOW - HOUR)
    make.session.commit()
    page = text_of(app.test_client().get("/pqr/nueva"))

    assert "Barrio El Puente" in page
    assert "Carrotanque en el parque" in page
    assert "Barrio Viejo" not in page


# ── The file of a month ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def june(make):
    """An interruption of June that is whole."""
    start = datetime(2026, 6, 10, 13, tzinfo=UTC)
    row = make.interruption(start, at=NOW, cause=make.interruption_cause("7"), ends_at=start + HOUR, n_subscribers=9)
    make.session.commit()
    return row


def test_a_month_is_frozen_taken_and_acknowledged(make, manager, june):
    address = f"/suiinterruptions/{june.service_id}/2026-06"
    assert june.number in text_of(manager.get(address))
    assert manager.post(f"{address}/freeze").status_code == 302
    load = make.session.scalars(select(SuiLoad)).one()
    taken = manager.get(f"/suiinterruptions/download/{load.id}")

    assert "BORRADOR" in taken.headers["Content-Disposition"]
    assert june.number in taken.get_data(as_text=True)
    again = manager.post(f"{address}/freeze", data={"reason": ""})
    assert again.status_code == 422
    assert 'id="reason-error"' in text_of(again)
    early = manager.post(f"/suiinterruptions/receipt/{load.id}", data={"receipt": "R-1", "on": "2026-07-01"})
    assert early.status_code == 422
    assert manager.post(f"/suiinterruptions/receipt/{load.id}", data={"receipt": "R-1", "on": "2026-07-10"}).status_code == 302
    make.session.refresh(load)
    assert (load.receipt, load.sent_on, load.is_draft) == ("R-1", date(2026, 7, 10), True)
    june.n_subscribers = 10
    interruptions.amend(make.session, june, at=NOW)
    make.session.commit()
    assert "<del>9</del> → <ins>10</ins>" in text_of(manager.get(address))
    assert f"v{load.version}" in load.file.name
    assert "2026-06" in text_of(manager.get(f"/interruption/show/{june.id}"))


def test_a_cause_without_a_code_is_named_and_nothing_is_frozen(make, manager, june):
    june.cause.sui_code = ""
    make.session.commit()
    address = f"/suiinterruptions/{june.service_id}/2026-06"
    page = text_of(manager.get(address))

    assert june.cause.name in page
    assert "/interruptioncause/list/" in page
    assert manager.post(f"{address}/freeze").status_code == 422
    assert make.session.scalars(select(SuiLoad)).all() == []


@pytest.mark.parametrize("month", ["2026-13", "junio", "2026-06-10"])
def test_a_month_that_is_none_is_not_found(manager, june, month):
    assert manager.get(f"/suiinterruptions/{june.service_id}/{month}").status_code == 404
