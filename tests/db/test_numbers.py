"""Numbers under fire: sixteen processes file at once, a tenth rolls back, two are killed; no gap, no repetition, nothing lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.db.writers import KILLED, N_FILINGS, N_WRITERS, SUICIDAL

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_sixteen_writers_lose_repeat_and_skip_no_number(own_databases, seeded_template, engine, tmp_path, record_property):
    """Every acknowledged number is stored; stored numbers are 1, 2, 3 … without holes, each with its own key and whole history."""
    url = own_databases.copy(seeded_template)
    environment = {
        **os.environ,
        "ATIENDE_DATABASE_URL": url,
        "ATIENDE_INSTANCE": str(tmp_path),
        "ATIENDE_SECRET_KEY": "only for the writers",
        "ATIENDE_NOW": "2026-07-10T10:00-05:00",
        "ATIENDE_LOCK_PATIENCE": "240",  # SQLite does not queue fairly: on a busy computer somebody waits long, and must not fail for it
    }
    run = subprocess.run(
        [sys.executable, "-m", "tests.db.writers", str(tmp_path)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500
    )
    errors = "\n".join(path.read_text() for path in sorted(tmp_path.glob("error.*")))
    assert run.returncode == 0, run.stderr[-4000:]
    result = json.loads((tmp_path / "result.json").read_text())
    record_property("writers", f"{engine}: {result['seconds']} s")

    assert not result["failed"], errors[:6000]
    assert result["killed"] == [KILLED, SUICIDAL]

    acknowledged = [line.split() for line in (tmp_path / "acknowledged").read_text().splitlines()]
    stored = everything(url)
    own_databases.drop(url)
    numbers = sorted(stored["numbers"])
    expected = [f"PQR-2026-{n:06}" for n in range(1, len(numbers) + 1)]
    print(f"{engine}: {N_WRITERS} processes, {len(acknowledged)} acknowledged, {len(numbers)} stored, {result['seconds']} s")

    assert numbers == expected, "consecutive from 1, unique"
    assert len(acknowledged) == len({number for number, _ in acknowledged}), "no number was told twice"
    assert {(number, key) for number, key in acknowledged} <= stored["pairs"], "nothing acknowledged is missing"
    assert len(numbers) - len(acknowledged) <= 1, "only the killed writer may have committed without telling"
    assert len({key for _, key in stored["pairs"]}) == len(numbers), "access keys are unique"
    assert stored["last"] == len(numbers)
    assert stored["whole"] == len(numbers), "each case has its event of filing and one open line of the baton ledger"
    assert N_WRITERS * N_FILINGS * 0.7 < len(numbers) < N_WRITERS * N_FILINGS * 0.95, "the rolled back and the killed are missing"


def everything(url: str) -> dict:
    """Return what the database holds, read by plain SQL."""
    engine = create_engine(url)
    with engine.connect() as connection:
        pairs = {tuple(row) for row in connection.execute(text("SELECT number, access_key FROM pqr"))}
        whole = connection.execute(
            text(
                "SELECT count(*) FROM pqr WHERE (SELECT count(*) FROM case_event e WHERE e.pqr_id = pqr.id AND e.move = 'FILE') = 1 "
                "AND (SELECT count(*) FROM assignment a WHERE a.pqr_id = pqr.id AND a.out_at IS NULL) = 1"
            )
        ).scalar()
        last = connection.execute(text("SELECT last FROM number_series WHERE prefix = 'PQR' AND year = 2026")).scalar()
        numbers = list(connection.execute(text("SELECT number FROM pqr")).scalars())
    engine.dispose()
    return {"pairs": pairs, "numbers": numbers, "whole": whole, "last": last}
