"""The list of interruptions of a company comes in from Excel: known by service, start and sector, refused row by row, never twice."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from flask_babel import gettext
from sqlalchemy import select

from app import queries
from app.domain.interruptions import InterruptionKind
from app.models import Interruption, Service
from tests.db.test_import_contracts import changed, come_in, said
from tests.db.test_imports import n_of

LIST = (
    ("Servicio", "Tipo", "Causa", "Descripción", "Sector o barrio afectado", "Zonas", "Fecha y hora de inicio",
     "Fecha y hora de restablecimiento", "Suscriptores afectados", "Fecha de aviso", "Medio de aviso"),
    ("Acueducto", "No programada", "Daño en la red", "Se rompió la red", "La Floresta", "floresta, Narnia", "10/05/2026 08:00",
     "10/05/2026 12:30", "", "", ""),
    ("Acueducto", "Programada", "LAVADO", "", "Centro", "", "02/05/2026 06:00", "02/05/2026 11:00", "420", "28/04/2026", "Radio"),
)  # fmt: skip


@pytest.fixture
def floresta(seeded, make):
    """Two accounts of the aqueduct in the zone Floresta."""
    service = seeded.scalars(select(Service).where(Service.name == "Acueducto")).one()
    for _n in range(2):
        make.account(service=service, municipality_code=queries.organisation(seeded).municipality_code, zone="Floresta")


def test_the_list_comes_in_by_its_starts_and_only_once(seeded, floresta):
    batch = come_in(seeded, "interruptions", LIST)
    washing, damage = seeded.scalars(select(Interruption).order_by(Interruption.id)).all()

    assert (batch.n_new, batch.n_bad) == (2, 0)
    assert [washing.number, damage.number] == ["INT-2026-0001", "INT-2026-0002"]
    assert (washing.kind, washing.what, washing.n_subscribers, washing.is_estimated) == (InterruptionKind.PLANNED, "Centro", 420, False)
    assert (washing.notice_on, washing.starts_on) == (date(2026, 4, 28), date(2026, 5, 2))
    assert (damage.starts_at, damage.ends_at) == (datetime(2026, 5, 10, 13, tzinfo=UTC), datetime(2026, 5, 10, 17, 30, tzinfo=UTC))
    assert (damage.zones, damage.n_subscribers, damage.is_estimated) == (["Floresta"], 2, True)
    again = come_in(seeded, "interruptions", LIST)
    assert (again.n_same, n_of(seeded, Interruption)) == (2, 2)


@pytest.mark.parametrize(
    ("column", "cell", "blamed"),
    [
        (6, "10/05/2027 08:00", "Start"), (7, "09/05/2026 08:00", "Restored at"), (9, "01/05/2026", "By which means"),
        (2, "Marcianos", "Cause"), (4, "", "Sector"),
    ],
    ids=["to come", "back before", "no means", "no cause", "nowhere"],
)  # fmt: skip
def test_an_interruption_that_cannot_be_is_refused(seeded, floresta, column, cell, blamed):
    batch = come_in(seeded, "interruptions", changed(LIST, 1, column, cell))

    assert (batch.n_bad, n_of(seeded, Interruption)) == (1, 0)
    assert gettext(blamed) in said(batch)
