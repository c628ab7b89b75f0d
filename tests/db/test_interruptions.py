"""The register of interruptions and the month of its file, on both engines."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from app import queries
from app.demo.interruptions import tell_interruptions
from app.domain.errors import DomainError, MoveRefused
from app.domain.states import AccountUse
from app.domain.sui import LoadStatus, SuiFormat
from app.models import Account, MassEvent, Service, SuiColumn, SuiLoadRow
from app.operations import interruptions, sui_loads
from app.operations.files import open_file

AT = datetime(2026, 8, 5, 15, tzinfo=UTC)
JULY = datetime(2026, 7, 10, 13, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def zones(seeded, make):
    """Accounts of the aqueduct: three active and one closed in La Floresta, two in El Centro; one of another service."""
    services = seeded.scalars(select(Service).order_by(Service.position, Service.id)).all()
    place = make.interruption(JULY, at=AT).municipality.code
    told = [("La Floresta", True, 0)] * 3 + [("La Floresta", False, 0)] + [("El Centro", True, 0)] * 2 + [("La Floresta", True, 1)]
    rows = [
        Account(number=f"Z{n}", service_id=services[which].id, address="Calle 1", municipality_code=place, zone=zone, is_active=is_active,
                use=AccountUse.RESIDENTIAL)
        for n, (zone, is_active, which) in enumerate(told)
    ]  # fmt: skip
    seeded.add_all(rows)
    seeded.flush()
    return rows


def test_numbers_follow_each_other_by_the_year_of_the_start(seeded, make):
    first, second, older = (make.interruption(day, at=AT) for day in (JULY, JULY, datetime(2025, 12, 31, 13, tzinfo=UTC)))

    assert [row.number for row in (first, second, older)] == ["INT-2026-0001", "INT-2026-0002", "INT-2025-0001"]
    assert first.starts_on == date(2026, 7, 10)


def test_subscribers_are_counted_from_the_active_accounts_of_its_zones(seeded, make, zones):
    row = make.interruption(JULY, at=AT, zones=["la floresta", "EL CENTRO"])

    assert row.zones == ["La Floresta", "El Centro"]
    assert (row.n_subscribers, row.is_estimated) == (5, True)
    row.zones = ["El Centro"]
    interruptions.amend(seeded, row, at=AT)
    assert (row.n_subscribers, row.is_estimated) == (2, True)
    row.n_subscribers = 40
    interruptions.amend(seeded, row, at=AT)
    row.sector = "Centro"
    interruptions.amend(seeded, row, at=AT)
    assert (row.n_subscribers, row.is_estimated) == (40, False)
    assert interruptions.recount(seeded, row) == 2
    assert row.is_estimated


def test_without_zones_nobody_guesses_how_many(seeded, make):
    row = make.interruption(JULY, at=AT)

    assert (row.n_subscribers, row.is_estimated) == (None, False)
    with pytest.raises(MoveRefused):
        interruptions.recount(seeded, row)


def test_a_zone_that_no_account_has_is_refused_and_names_those_there_are(seeded, make, zones):
    with pytest.raises(DomainError) as refused:
        make.interruption(JULY, at=AT, zones=["La Flotesta"])

    assert refused.value.field == "zones"
    assert refused.value.fields["known"] == "El Centro, La Floresta"


def test_it_is_restored_once_and_voided_once(seeded, make):
    row = make.interruption(JULY, at=AT)
    interruptions.restore(seeded, row, JULY + HOUR, at=AT)
    with pytest.raises(MoveRefused):
        interruptions.restore(seeded, row, JULY + 2 * HOUR, at=AT)
    with pytest.raises(MoveRefused):
        interruptions.void(seeded, row, "  ", at=AT)
    interruptions.void(seeded, row, "Se registró dos veces", at=AT)

    for verb in (
        lambda: interruptions.void(seeded, row, "Otra vez", at=AT), lambda: interruptions.link(seeded, row, None),
        lambda: interruptions.give_notice(seeded, row, date(2026, 7, 1), "Radio", None, at=AT),
        lambda: interruptions.amend(seeded, row, at=AT),
    ):  # fmt: skip
        with pytest.raises(MoveRefused):
            verb()


def test_a_mass_event_is_opened_once_with_what_is_known(seeded, make):
    row = make.interruption(JULY, at=AT, ends_at=JULY + HOUR)
    event = interruptions.open_event(seeded, row, "Daño de La Floresta")

    assert (event.service_id, event.since_on, event.until_on, event.sector) == (
        row.service_id, date(2026, 7, 10), date(2026, 7, 10), "La Floresta",
    )  # fmt: skip
    assert row.mass_event_id == event.id
    with pytest.raises(MoveRefused):
        interruptions.open_event(seeded, row, "Otro")
    other = make.interruption(JULY, at=AT)
    with pytest.raises(DomainError) as refused:
        interruptions.open_event(seeded, other, "Daño de La Floresta")
    assert refused.value.field == "name"
    interruptions.link(seeded, other, seeded.get(MassEvent, event.id))
    assert other.mass_event_id == event.id


def test_the_counter_hears_of_what_runs_where_the_account_is(seeded, make, zones):
    floresta, centro = zones[0], zones[4]
    here = make.interruption(AT - HOUR, at=AT, zones=["La Floresta"])
    everywhere = make.interruption(AT + 20 * HOUR, "PLANNED", at=AT)
    make.interruption(AT - HOUR, at=AT, zones=["La Floresta"], ends_at=AT - HOUR / 2)
    make.interruption(AT + 90 * HOUR, "PLANNED", at=AT)
    interruptions.void(seeded, make.interruption(AT - HOUR, at=AT), "Repetida", at=AT)
    make.interruption(JULY, at=AT, ends_at=JULY + HOUR)
    for row in seeded.scalars(select(type(here)).where(type(here).starts_on == date(2026, 7, 10), type(here).ends_at.is_(None))):
        interruptions.restore(seeded, row, JULY + HOUR, at=AT)

    assert interruptions.reaching(seeded, [floresta], at=AT) == [here, everywhere]
    assert interruptions.reaching(seeded, [centro], at=AT) == [everywhere]
    assert interruptions.reaching(seeded, [zones[6]], at=AT) == []
    assert interruptions.reaching(seeded, [], at=AT) == []
    assert interruptions.public_notices(seeded, at=AT) == [here, everywhere]


def test_cases_of_its_zones_while_it_lasted_are_counted_by_zone(seeded, make, zones):
    row = make.interruption(JULY, at=AT, zones=["La Floresta"], ends_at=JULY + HOUR)
    for filed, account in (("2026-07-10T16:00+00:00", zones[0]), ("2026-07-10T17:00+00:00", zones[1]), ("2026-07-11T16:00+00:00", zones[2]),
                           ("2026-07-10T16:00+00:00", zones[4])):  # fmt: skip
        make.case(filed, account=account)
    linked = make.case("2026-07-10T18:00+00:00", account=zones[0])
    linked.mass_event = interruptions.open_event(seeded, row, "Daño")
    seeded.flush()

    assert [tuple(each) for each in seeded.execute(interruptions.cases_by_zone(row, AT))] == [("La Floresta", 2)]


def test_the_demo_tells_six_and_freezes_the_month_before(seeded, an_account):
    service = seeded.scalars(select(Service).where(Service.is_public_utility).order_by(Service.position, Service.id)).first()
    place = queries.organisation(seeded).municipality_code
    for zone in ("Centro", "La Floresta", "El Puente"):
        an_account(service=service, municipality_code=place, zone=zone)
    load = tell_interruptions(seeded, at=AT, user_id=None)

    assert (load.n_rows, load.month) == (4, date(2026, 7, 1))
    assert len(load.warnings) == 3
    assert [row.number for row in interruptions.public_notices(seeded, at=AT)] == ["INT-2026-0005", "INT-2026-0006"]


# ── The month of the file ─────────────────────────────────────────────────────────────────────────────────────────────────


def july(make):
    """Two interruptions that began in July and are whole; one of June and a voided one stay out."""
    cause = make.interruption_cause("7")
    planned = make.interruption(
        JULY, "PLANNED", at=AT, cause=cause, ends_at=JULY + 4 * HOUR, n_subscribers=310, sector="La Floresta, parte alta",
        notice_on=date(2026, 7, 8), notice_means="Radio", alternative="Carrotanques",
    )  # fmt: skip
    sudden = make.interruption(JULY + 30 * HOUR, at=AT, cause=cause, ends_at=JULY + 31 * HOUR, n_subscribers=12, settlement_code="002")
    make.interruption(JULY - timedelta(days=20), at=AT, cause=cause, ends_at=JULY, n_subscribers=1)
    voided = make.interruption(JULY, at=AT, cause=cause)
    interruptions.void(make.session, voided, "Repetida", at=AT)
    return planned, sudden


def test_the_file_of_a_month_is_written_by_the_map_of_columns(seeded, make):
    planned, sudden = july(make)
    load = interruptions.freeze_month(seeded, planned.service, date(2026, 7, 1), at=AT, user_id=None)
    with open_file(load.file) as file:
        lines = file.read().decode().splitlines()
    code = planned.municipality_code

    assert lines[0].startswith("Código DANE departamento,Código DANE municipio,")
    assert lines[1:] == [
        f"{code[:2]},{code[2:]},000,INT-2026-0001,1,7,La Floresta parte alta,10-07-2026 08:00,10-07-2026 12:00,310,Radio 08-07-2026,S",
        f"{code[:2]},{code[2:]},002,INT-2026-0002,2,7,La Floresta,11-07-2026 14:00,11-07-2026 15:00,12,,N",
    ]
    assert load.is_draft
    assert "BORRADOR" in load.file.name
    assert (load.n_rows, load.version, load.sha256) == (2, 1, load.file.sha256)
    kept = seeded.scalars(select(SuiLoadRow).where(SuiLoadRow.load_id == load.id).order_by(SuiLoadRow.position)).all()
    assert [row.interruption_id for row in kept] == [planned.id, sudden.id]


def test_what_changes_later_is_a_difference_and_rewrites_nothing(seeded, make):
    planned, sudden = july(make)
    load = interruptions.freeze_month(seeded, planned.service, date(2026, 7, 1), at=AT, user_id=None)
    month = lambda: interruptions.month_of(seeded, planned.service_id, date(2026, 7, 1)).lines  # noqa: E731
    assert list(sui_loads.differences(seeded, load, month())) == []
    planned.n_subscribers = 400
    interruptions.amend(seeded, planned, at=AT)
    interruptions.void(seeded, sudden, "No fue de la red", at=AT)
    found = {each.change.name: each for each in sui_loads.differences(seeded, load, month())}

    assert set(found) == {"CHANGED", "GONE"}
    assert [(found["CHANGED"].before[i], found["CHANGED"].after[i]) for i in found["CHANGED"].changed] == [("310", "400")]
    assert found["GONE"].line.key == sudden.id
    with pytest.raises(MoveRefused):
        interruptions.freeze_month(seeded, planned.service, date(2026, 7, 1), at=AT, user_id=None)
    again = interruptions.freeze_month(seeded, planned.service, date(2026, 7, 1), at=AT, user_id=None, reason="Lo autorizó el SUI")
    assert (again.version, again.n_rows, load.status) == (2, 1, LoadStatus.REPLACED)


def test_a_month_with_a_bad_row_is_not_frozen(seeded, make):
    planned, _sudden = july(make)
    planned.cause.sui_code = ""
    seeded.flush()
    month = interruptions.month_of(seeded, planned.service_id, date(2026, 7, 1))

    assert [[fault.mends for fault in row.faults] for row in month.bad] == [["cause"], ["cause"]]
    with pytest.raises(MoveRefused, match="2 of 2"):
        interruptions.freeze_month(seeded, planned.service, date(2026, 7, 1), at=AT, user_id=None)


def test_a_month_that_runs_or_has_nothing_is_not_frozen(seeded, make):
    planned, _sudden = july(make)
    for month in (date(2026, 8, 1), date(2026, 5, 1)):
        with pytest.raises(MoveRefused):
            interruptions.freeze_month(seeded, planned.service, month, at=AT, user_id=None)


def test_a_column_that_asks_for_nothing_known_refuses_the_month(seeded, make):
    planned, _sudden = july(make)
    column = seeded.scalars(select(SuiColumn).where(SuiColumn.format == SuiFormat.INTERRUPTIONS).order_by(SuiColumn.position)).first()
    column.field = "weather"
    seeded.flush()

    with pytest.raises(DomainError):
        interruptions.month_of(seeded, planned.service_id, date(2026, 7, 1))
