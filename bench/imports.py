"""
Old logs a second: 100,000 dirty rows (two lines of merged headings over a title, four spellings of days, repeated numbers, rows that
cannot be true) read and judged without a database, and the same file checked and brought in by the whole product; and accounts.

Run from the root of the project: `python -m bench.imports [rows]`; with `BENCH_DB=postgresql://user@host/postgres` on PostgreSQL too.
Each figure comes from a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import csv
import os
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import xlsxwriter

HEADINGS = (
    ("RADICACIÓN", ("No. Radicado", "Fecha de radicación", "Tipo de PQR", "Medio")),
    ("USUARIO", ("Nombre del usuario", "Cédula o NIT", "Cuenta", "Servicio")),
    ("TRÁMITE", ("Área", "Fecha de traslado", "Fecha de solución", "Descripción")),
    ("RESPUESTA", ("Fecha de respuesta", "Sentido", "Fecha de notificación", "Fecha límite", "Estado")),
)
ACCOUNT_COLUMNS = ("Cuenta", "Servicio", "Documento", "Tipo de documento", "Nombre", "Teléfono", "Dirección", "Municipio", "Estrato", "Uso",
                   "Medidor", "Activa")  # fmt: skip
TYPES = ("Reclamo por la factura", "RECLAMO", "Queja", "Petición", "Solicitud de información", "Reclamo técnico")
MEDIA = ("Presencial", "Telefónico", "Correo electrónico", "Escrito", "página web", "")
AREAS = ("Facturación", "facturacion", "Cartera", "Comercial", "Calidad", "")
SENSES = ("Accede", "No accede", "Accede parcialmente", "FAVORABLE")
FIRST, LAST = date(2021, 1, 4), date(2026, 5, 29)
TODAY = datetime(2026, 7, 10, 15, tzinfo=UTC)


def rows(n: int) -> Iterator[list[Any]]:
    """Yield the rows of the log, days as dates where a sheet keeps them so."""
    pick = random.Random(158)
    for i in range(n):
        filed = FIRST + timedelta(days=i * (LAST - FIRST).days // n)
        routed, solved = filed + timedelta(days=pick.randrange(3)), filed + timedelta(days=3 + pick.randrange(9))
        answered = solved + timedelta(days=pick.randrange(4))
        notified = answered + timedelta(days=pick.randrange(6))
        if i % 100 == 7:
            answered = filed - timedelta(days=20)  # the typist took the wrong month
        if i % 211 == 0:
            answered = solved = notified = None
        number = f"{filed.year}-{i:06}" if i % 300 else f"{filed.year}-{max(0, i - 1):06}"
        person = pick.randrange(max(1, n // 4))
        yield [
            number, filed, pick.choice(TYPES), pick.choice(MEDIA), f"Usuario {person} de Prueba", 1_000_000_000 + person,
            f"{100000 + person}", "Acueducto", pick.choice(AREAS), routed, solved, f"Caso {i}: consumo alto en la vivienda", answered,
            pick.choice(SENSES), notified, filed + timedelta(days=21), "Cerrado" if answered else "Abierto",
        ]  # fmt: skip


def spelled(cell: Any, i: int) -> Any:
    """Return a day as somebody typed it."""
    if not isinstance(cell, date):
        return cell
    return (f"{cell:%d/%m/%Y}", f"{cell:%d-%m-%Y}", f"{cell:%Y-%m-%d}", f"{cell:%d/%m/%y}")[i % 4]


def write_xlsx(path: Path, n: int) -> None:
    book = xlsxwriter.Workbook(path, {"constant_memory": True, "default_date_format": "dd/mm/yyyy"})
    sheet = book.add_worksheet("PQR")
    sheet.write(0, 0, "EMPRESA DE PRUEBA E.S.P. · CONTROL DE PQR")
    column = 0
    for group, names in HEADINGS:
        sheet.write(2, column, group)  # a merged cell has its text in its first one
        column += len(names)
    sheet.write_row(3, 0, [name for _group, names in HEADINGS for name in names])
    for i, row in enumerate(rows(n)):
        for j, cell in enumerate(row):
            if isinstance(cell, date) and i % 3:
                sheet.write_datetime(4 + i, j, datetime(cell.year, cell.month, cell.day))
            else:
                sheet.write(4 + i, j, spelled(cell, i + j))
    book.close()


def write_csv(path: Path, n: int) -> None:
    with path.open("w", encoding="cp1252", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow([name for _group, names in HEADINGS for name in names])
        writer.writerows([spelled(cell, i + j) for j, cell in enumerate(row)] for i, row in enumerate(rows(n)))


def write_accounts(path: Path, n: int) -> None:
    """Write what a billing system exports of its accounts, with a stratum that cannot be now and then."""
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet("Suscriptores")
    sheet.write_row(0, 0, ACCOUNT_COLUMNS)
    for i in range(n):
        sheet.write_row(1 + i, 0, (
            f"{i:08}", "Acueducto", 1_000_000_000 + i, "CC", f"Usuario {i} de Prueba", f"300 {i % 1000:03} {i % 10_000:04}",
            f"Calle {i % 90} # {i % 60}-{i % 40}", "11001", 9 if i % 100 == 7 else 1 + i % 6, "Residencial", f"M-{i:06}", "Sí",
        ))  # fmt: skip
    book.close()


# ── One figure, in a process of its own ───────────────────────────────────────────────────────────────────────────────────


def read_and_judge(path: Path, kind_name: str = "cases") -> dict[str, float]:
    """Read and judge the file; the catalogues and the calendar are read before the clock starts, and no row reaches a database."""
    from app.extensions import db
    from app.importing import engine
    from app.importing.kinds import Run
    from app.importing.registry import kind_named

    kind = kind_named(kind_name)
    run = Run(db.session, "Libro de prueba", TODAY, is_dry=True)
    kind.begin(run)
    options = kind.options(db.session)
    db.session.rollback()
    started, cpu, n, n_bad = perf_counter(), process_time(), 0, 0
    with path.open("rb") as stream:
        for block in engine.parse_all(stream, kind, run, options):
            n += len(block)
            n_bad += sum(bool(row.problems) for row in block)
    return {"n": n, "n_bad": n_bad, "took": perf_counter() - started, "cpu": process_time() - cpu}


def bring(path: Path) -> dict[str, float]:
    """Receive, check and bring in the file with the whole product; the time is that of the import alone."""
    from app.extensions import db
    from app.importing import runs
    from app.importing.registry import kind_named
    from app.operations import files

    with path.open("rb") as stream:
        held = files.hold_upload(path.name, stream, "application/octet-stream", most=10**9)
        batch = runs.receive(db.session, kind_named("cases"), "Libro de prueba", held, TODAY)
        runs.keep_check(db.session, batch, runs.look_through(db.session, batch, TODAY, None))
        db.session.commit()
    runs.begin_import(db.session, batch, None)  # type: ignore[arg-type]
    db.session.commit()
    started, cpu = perf_counter(), process_time()
    tally = runs.bring_in(db.session, batch, TODAY, None)
    return {"n": tally.n_rows, "n_bad": tally.n_bad, "took": perf_counter() - started, "cpu": process_time() - cpu}


def measure(what: str, path: str, url: str) -> None:
    """Prepare an installation at *url* and print one figure of it."""
    from flask_babel import force_locale

    from app import create_app
    from app.serve import prepare

    app = create_app({"SECRET_KEY": "bench", "HUEY_URL": "none", "SQLALCHEMY_DATABASE_URI": url})
    prepare(app)
    with app.app_context(), force_locale("es"):
        found = {"read": read_and_judge, "bring": bring, "accounts": lambda path: read_and_judge(path, "accounts")}[what](Path(path))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {found['n']:,.0f} | {found['n_bad']:,.0f} | {found['took']:.1f} s | {found['n'] / found['took']:,.0f} | "
          f"{found['n'] / found['cpu']:,.0f} | {peak:.0f} MiB |", flush=True)  # fmt: skip


def run_apart(folder: Path, what: str, path: Path, url: str) -> str:
    """Return the figure that a process of its own prints."""
    settings = {**os.environ, "ATIENDE_INSTANCE": str(folder), "ATIENDE_ADMIN_PASSWORD": "Clave-del-banco-2026"}
    command = [sys.executable, "-m", "bench.imports", "measure", what, str(path), url]
    told = subprocess.run(command, check=True, env=settings, capture_output=True, text=True).stdout
    return told.strip().splitlines()[-1]


def databases(folder: Path, name: str) -> Iterator[tuple[str, str]]:
    """Yield (engine, URL) of new databases."""
    yield "SQLite", f"sqlite:///{folder / name}.db"
    if server := os.environ.get("BENCH_DB"):
        from sqlalchemy import make_url

        from bench.fill import administer, driven, named

        database = f"bench_import_{name}"
        administer(make_url(server), f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        administer(make_url(server), f'CREATE DATABASE "{database}"')
        yield "PostgreSQL", driven(named(make_url(server), database))


def main() -> None:
    if sys.argv[1:2] == ["measure"]:
        measure(*sys.argv[2:])
        return
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {"xlsx": folder / "libro.xlsx", "csv": folder / "libro.csv"}
        write_xlsx(files["xlsx"], n)
        write_csv(files["csv"], n)
        print("| What | Rows | Refused | Time | Rows a second | by CPU time | Peak memory |\n|---|---|---|---|---|---|---|", flush=True)
        write_accounts(folder / "cuentas.xlsx", n)
        told = run_apart(folder, "accounts", folder / "cuentas.xlsx", f"sqlite:///{folder}/read.db")
        print(f"| xlsx of accounts, read and checked {told}", flush=True)
        for kind, path in files.items():
            print(f"| {kind}, read and judged {run_apart(folder, 'read', path, f'sqlite:///{folder}/read.db')}", flush=True)
        for engine, url in databases(folder, "bring"):
            print(f"| xlsx, brought in ({engine}) {run_apart(folder, 'bring', files['xlsx'], url)}", flush=True)


if __name__ == "__main__":
    main()
