"""The people to speak to at each party."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.errors import DomainError
from app.importing.customers import known_parties, paper_of, paper_options
from app.importing.groups import GROUP, group_options, join_groups, members_of
from app.importing.headers import canon
from app.importing.kinds import Fate, Field, Kind, Option, Row, Run, Type, register
from app.importing.upserts import stamp_of
from app.models import PartyContact

_COLUMNS = ("id", "party_id", "name", "position", "email", "phone", "is_main")


@register
class Contacts(Kind):
    """Contacts by the document of their party and their name; the party has to be known."""

    name, title = "contacts", N_("Contacts of parties")
    intro = N_("Who to speak to at each party: bring in the parties first. A person is known by name; an empty cell erases nothing.")
    fields = (
        Field("document", N_("Document number"), is_required=True, most=30, example="900.123.456-8",
              synonyms=("nit", "cédula", "cédula o nit", "documento", "identificación", "nit empresa", "documento de la empresa",
                        "número de documento")),
        Field("document_type", N_("Document"), Type.CHOICE, example="NIT", synonyms=("tipo de documento", "tipo doc")),
        Field("name", N_("Name of the contact"), is_required=True, most=160, example="Marta Lucía Peña",
              synonyms=("contacto", "nombre", "nombre del contacto", "persona de contacto", "encargado", "representante")),
        Field("position", N_("Job title"), most=120, example="Jefe de compras", synonyms=("cargo", "puesto", "rol", "área")),
        Field("email", N_("E-mail"), Type.EMAIL, is_lenient=True, example="marta@example.com",
              synonyms=("correo", "correo electrónico", "email", "e mail")),
        Field("phone", N_("Phone"), Type.PHONE, is_lenient=True, example="300 123 4567", synonyms=("teléfono", "celular", "tel", "móvil")),
        Field("is_main", N_("First to call"), Type.YESNO, example="Sí", synonyms=("principal", "contacto principal", "es principal")),
        GROUP,
    )  # fmt: skip

    def options(self, session: Session) -> dict[str, list[Option]]:
        return {"document_type": paper_options(), "group": group_options(session)}

    def check(self, rows: Sequence[Row], run: Run) -> None:
        first_of: dict[Any, int] = run.facts.setdefault("people", {})
        main_of: dict[Any, int] = run.facts.setdefault("main", {})
        for row in rows:
            try:
                row.found = paper = paper_of(row["document_type"], row["document"])
            except DomainError as error:
                row.refuse(error.msgid, "document", **error.fields)
                continue
            if (first := first_of.setdefault((paper, canon(row["name"])), row.number)) != row.number:
                row.refuse(N_("The same person as row %(row)s."), "name", row=first)
            elif row["is_main"] and (first := main_of.setdefault(paper, row.number)) != row.number:
                row.refuse(N_("Row %(row)s is the first to call of this party already."), "is_main", row=first)

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        parties = known_parties(run, [row.found for row in rows])
        ids = {party.id for party in parties.values()}
        people = run.session.execute(select(*(getattr(PartyContact, name) for name in _COLUMNS)).where(PartyContact.party_id.in_(ids)))
        there = {(each.party_id, canon(each.name)): each for each in people}
        members = members_of(run.session, ids)
        for row in rows:
            party = parties.get(row.found)
            if party is None:
                row.refuse(N_("Nobody has the document %(number)s: bring in the parties first."), "document", number=row["document"])
                continue
            known = there.get((party.id, canon(row["name"])))
            told = {name: row[name] for name in ("position", "email", "phone", "is_main")}
            merged = {name: getattr(known, name, None) if value is None else value for name, value in told.items()}
            if not (merged["email"] or merged["phone"]):
                row.refuse(N_("Write an e-mail or a telephone: a contact can be reached."), "email")
                continue
            joins = (party.id, row["group"]) if row["group"] and (party.id, row["group"]) not in members else None
            is_same = known is not None and all(getattr(known, name) == value for name, value in merged.items()) and joins is None
            row.fate = Fate.NEW if known is None else Fate.SAME if is_same else Fate.CHANGED
            row.found = (party.id, known and known.id, merged, joins)

    def write(self, rows: Sequence[Row], run: Run) -> None:
        table, stamp = PartyContact.__table__, stamp_of(run)
        touched = {name: stamp[name] for name in ("changed_at", "changed_by_id")}
        led = [party_id for party_id, _known, merged, _joins in (row.found for row in rows) if merged["is_main"]]
        if led:
            run.session.execute(update(table).where(table.c.party_id.in_(led), table.c.is_main).values(is_main=False, **touched))
        new = []
        for row in rows:
            party_id, known, merged, _joins = row.found
            if known is None:
                said = merged | {"position": merged["position"] or "", "is_main": bool(merged["is_main"])}
                new.append({"party_id": party_id, "name": row["name"], "is_active": True, "notes": "", **said, **stamp})
            else:
                active = {"is_active": True} if merged["is_main"] else {}
                run.session.execute(update(table).where(table.c.id == known).values(**merged, **active, **touched))
        if new:
            run.session.execute(insert(table), new)
        join_groups(run, [joins for _party, _known, _merged, joins in (row.found for row in rows) if joins])
