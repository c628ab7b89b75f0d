"""
Contracts of another register, and what they require. Repeatable by number: what is the same stays, a draft takes what differs, and what
was signed is never overwritten, for only an amendment changes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import insert, or_, select, union, update
from sqlalchemy.orm import Session

from app import queries, search
from app.domain import N_
from app.domain.contracts import ContractMove, ContractStage, check_dates
from app.domain.errors import DomainError
from app.domain.interested import QualityKind
from app.extensions import local
from app.importing import engine
from app.importing.cells import BadCell, Notation
from app.importing.customers import CONTACT, kind_of_party, known_parties, paper_of, paper_options, settle_words, write_parties
from app.importing.headers import Header, canon
from app.importing.kinds import KINDS, Ask, Fate, Field, Kind, Option, Row, Run, Type, register
from app.importing.upserts import compare, existing, stamp_of, upsert
from app.models import Amendment, Checklist, CommercialEvent, Contract, ContractKind, ContractRequirement, Process

VALUE = N_("Sum of the values")
#: The kind of a contract whose register says none.
OTHER = "OTRO"
AS_DRAFT, AT_START = "DRAFT", "START"
_NUMBER = ("contrato", "no. contrato", "número de contrato", "contrato no", "número", "consecutivo", "num contrato")
_DOCUMENT = ("nit", "cédula", "cédula o nit", "documento", "identificación", "nit contratista", "nit cliente", "documento del contratista",
             "número de documento")  # fmt: skip
_QUALITIES = {
    QualityKind.REQUIRED: ("requerida", "requerido", "obligatorio", "exigida"),
    QualityKind.EXPECTED: ("esperada", "esperado", "expectativa"),
    QualityKind.POTENTIAL: ("potencial", "deseable", "valor agregado"),
}
#: What a signature fixes, and what people call it.
FIXED = {
    "kind_id": N_("Kind"), "party_id": N_("Party"), "object": N_("Object"), "starts_on": N_("Starts on"), "ends_on": N_("Ends on"),
    "value_cop": N_("Value"), "signed_on": N_("Day of the signature"), "terminated_on": N_("Ended early on"),
}  # fmt: skip
_COLUMNS = ("id", "stage", "source", "process_id", "supervisor_id", "stage_reason", *FIXED)


def process_options(session: Session) -> list[Option]:
    """Return the processes as values of a field."""
    return [Option(row.id, row.name, (row.code,)) for row in session.scalars(select(Process).order_by(Process.name))]


def user_options(session: Session) -> list[Option]:
    """Return the people who may answer for something, known by name, user name and e-mail."""
    active = session.scalars(select(User).where(User.active).order_by(User.first_name, User.last_name))
    return [Option(user.id, user.get_full_name(), (user.username, user.email)) for user in active]


def kind_options(session: Session) -> list[Option]:
    """Return the kinds of contracts as values of a field."""
    return [Option(row.id, row.name, (row.code,)) for row in session.scalars(select(ContractKind).order_by(ContractKind.position))]


def _event(contract_id: int, run: Run, stages: tuple[ContractStage | None, ContractStage], **facts: Any) -> dict[str, Any]:
    before, after = stages
    return {
        "contract_id": contract_id, "at": run.at, "actor_id": run.user_id, "move": ContractMove.IMPORT.name,
        "from_status": before.name if before else "", "to_status": after.name, "reason": "",
        "facts": {"source": run.source, "import_id": run.batch_id, **facts},
    }  # fmt: skip


@register
class Contracts(Kind):
    """Contracts by their number; a party that is not known is made when the row names it."""

    name, title = "contracts", N_("Contracts")
    intro = N_("Contracts of another register, known by their number. What was signed is never overwritten: only an amendment changes it.")
    fields = (
        Field("number", N_("Contract"), Type.CODE, is_required=True, most=40, example="2019-014", synonyms=_NUMBER),
        Field("object", N_("Object"), is_required=True, most=4000, example="Suministro de agua a la planta de la cooperativa",
              synonyms=("objeto", "objeto del contrato", "descripción", "asunto")),
        Field("kind", N_("Kind"), Type.CHOICE, example="Servicio público con condiciones especiales",
              synonyms=("clase", "tipo", "clase de contrato", "tipo de contrato", "modalidad"),
              help=N_("Empty: another kind of contract.")),
        Field("document", N_("Document number"), is_required=True, most=30, example="900.123.456-8", synonyms=_DOCUMENT),
        Field("document_type", N_("Document"), Type.CHOICE, example="NIT",
              synonyms=("tipo de documento", "tipo doc", "tipo identificación")),
        Field("name", N_("Name of the party"), most=160, example="Cooperativa El Progreso",
              synonyms=("contratista", "cliente", "contratante", "nombre", "razón social", "proveedor", "nombre del contratista",
                        "nombre del cliente"), help=N_("Only for a party that is not known yet.")),
        Field("signed_on", N_("Day of the signature"), Type.DATE, example=date(2019, 3, 1),
              synonyms=("fecha de firma", "firma", "fecha de suscripción", "suscripción", "fecha del contrato", "perfeccionamiento")),
        Field("starts_on", N_("Starts on"), Type.DATE, example=date(2019, 3, 18),
              synonyms=("inicio", "fecha de inicio", "fecha inicio", "acta de inicio", "vigente desde", "desde")),
        Field("ends_on", N_("Ends on"), Type.DATE, example=date(2027, 3, 17), help=N_("Empty: without end."),
              synonyms=("fin", "terminación", "fecha de terminación", "fecha fin", "vencimiento", "fecha de vencimiento", "vigente hasta",
                        "hasta")),
        Field("terminated_on", N_("Ended early on"), Type.DATE,
              synonyms=("terminación anticipada", "fecha de terminación anticipada", "terminado el")),
        Field("stage_reason", N_("Why it ended early"), most=1000, synonyms=("motivo de terminación", "causa de terminación")),
        Field("value_cop", N_("Value"), Type.MONEY, least=0, highest=10**13, example=18_500_000,
              synonyms=("valor", "valor del contrato", "cuantía", "valor total", "monto")),
        Field("process", N_("Process that answers for it"), Type.CHOICE, example="Comercial",
              synonyms=("proceso", "área", "dependencia", "proceso responsable", "área responsable")),
        Field("supervisor", N_("Supervisor"), Type.CHOICE,
              synonyms=("supervisor", "interventor", "responsable", "supervisor del contrato")),
    )  # fmt: skip
    key = ("number",)
    asks_source = True
    asks = (
        Ask("unsigned", N_("Contracts without a date of signature"), (
            (AS_DRAFT, N_("They come in as drafts, to be signed here")),
            (AT_START, N_("They were signed on the day on which they start")),
        ), help=N_("A contract that is signed counts as in force between its dates, and is verified every year.")),
    )  # fmt: skip

    def options(self, session: Session) -> dict[str, list[Option]]:
        return {
            "kind": kind_options(session), "document_type": paper_options(), "process": process_options(session),
            "supervisor": user_options(session),
        }  # fmt: skip

    def begin(self, run: Run) -> None:
        run.facts["organisation"] = queries.organisation(run.session).id
        run.facts["kind"] = run.session.scalar(select(ContractKind.id).where(ContractKind.code == OTHER))

    def check(self, rows: Sequence[Row], run: Run) -> None:
        for row in rows:
            values = row.values
            try:
                row.found = paper_of(values["document_type"], values["document"])
            except DomainError as error:
                row.refuse(error.msgid, "document", **error.fields)
            values["kind"] = values["kind"] or run.facts["kind"]
            if values["kind"] is None:
                row.refuse(N_("Say of which kind the contract is."), "kind")
            if values["signed_on"] is None and run.options.get("unsigned") == AT_START:
                values["signed_on"] = values["starts_on"]
            _whole_pesos(row)
            _check_days(row, run)

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        parties = known_parties(run, [row.found for row in rows])
        marks = [(run.facts["organisation"], row["number"]) for row in rows]
        there = existing(run, Contract, ("organisation_id", "number"), marks, _COLUMNS)
        for row, mark in zip(rows, marks, strict=True):
            paper, party = row.found, parties.get(row.found)
            if party is None and not row["name"]:
                row.refuse(N_("Nobody has this document yet, and the row does not name them."), "document")
                continue
            told = self._told(row, run, party and party.id)
            known = there.get(mark)
            if known is None:
                told["stage"], told["source"] = _stage_of(row), run.source
            else:
                _settle_known(row, known, told)
            if not row.problems:
                compare(row, known, {"organisation_id": mark[0], "number": mark[1], **told})
                row.found = (row.found, None if party else (paper, row["name"]), known)
                run.totals[VALUE] = run.totals.get(VALUE, Decimal()) + (row["value_cop"] or 0)

    @staticmethod
    def _told(row: Row, run: Run, party_id: int | None) -> dict[str, Any]:
        """Return the columns that the file fills; None leaves what is there."""
        copied = {name: row[name] for name in ("object", "signed_on", "starts_on", "ends_on", "terminated_on", "value_cop")}
        return {
            **copied, "kind_id": row["kind"], "party_id": party_id, "process_id": row["process"], "supervisor_id": row["supervisor"],
            "stage_reason": row["stage_reason"] or "", "stage": None, "source": None,
        }  # fmt: skip

    def write(self, rows: Sequence[Row], run: Run) -> None:
        strangers = {stranger[0]: stranger[1] for _columns, stranger, _known in (row.found for row in rows) if stranger}
        write_parties([_party_line(paper, name) for paper, name in strangers.items()], run)
        ids = {paper: party.id for paper, party in known_parties(run, list(strangers)).items()}
        lines = [
            columns | ({"party_id": ids[stranger[0]]} if stranger else {}) for columns, stranger, _known in (row.found for row in rows)
        ]
        key = ("organisation_id", "number")
        upsert(run.session, Contract, key, lines, run)
        found = existing(run, Contract, key, [(line["organisation_id"], line["number"]) for line in lines], ("id", "stage"))
        events, signed = [], []
        for row, line in zip(rows, lines, strict=True):
            known, contract = row.found[2], found[line["organisation_id"], line["number"]]
            events.append(_event(contract.id, run, (known.stage if known else None, contract.stage), row=row.number))
            if known is not None and known.stage is ContractStage.DRAFT and contract.stage is not ContractStage.DRAFT:
                signed.append(contract.id)
        freeze = update(ContractRequirement.__table__).where(ContractRequirement.contract_id.in_(signed)).values(is_frozen=True)
        if signed:
            run.session.execute(freeze)
        run.session.execute(insert(CommercialEvent.__table__), events)
        if Contract in search.SEARCHED:
            search.index_rows(run.session, Contract, [contract.id for contract in found.values()])

    def finish(self, run: Run) -> None:
        settle_words(run)


def read_kept(session: Session, cells: Mapping[str, str]) -> dict[str, Any]:
    """Return what a row says that was kept with all its columns, by field of `Contracts`; what cannot be read is left out."""
    kind, names = KINDS[Contracts.name], tuple(cells)
    fields, known = {each.name: each for each in kind.fields}, engine.known_values(kind, kind.options(session), {})
    found = {}
    for column, name in engine.suggested(Header(0, 1, names), kind).items():
        try:
            found[name] = engine.reader_of(fields[name], Notation(), known.get(name, {}))(cells[names[column]])
        except BadCell:
            continue
    return found


def _party_line(paper: tuple[Any, str], name: str) -> dict[str, Any]:
    return {
        "document_type": paper[0], "document_number": paper[1], "name": name, "kind": kind_of_party(paper[0], name),
        **dict.fromkeys(CONTACT),
    }  # fmt: skip


def _whole_pesos(row: Row) -> None:
    value = row["value_cop"]
    if value is not None and value % 1:
        row.values["value_cop"] = value.quantize(Decimal(1), ROUND_HALF_UP)
        row.doubt("ROUNDED", N_("The value has centavos: it comes in rounded to the peso."), "value_cop")


def _check_days(row: Row, run: Run) -> None:
    """Refuse days that contradict each other, or the register's own word that it is signed."""
    today, signed_on, starts_on = local(run.at).date(), row["signed_on"], row["starts_on"]
    if signed_on is not None and signed_on > today:
        row.refuse(N_("The signature cannot be dated after today."), "signed_on")
    if starts_on is not None:
        try:
            check_dates(starts_on, row["ends_on"])
        except DomainError as error:
            row.refuse(error.msgid, error.field, **error.fields)
    elif signed_on is not None:
        row.refuse(N_("A signed contract says on which day it starts."), "starts_on")
    if row["terminated_on"] is not None:
        _check_early_end(row, today)


def _check_early_end(row: Row, today: date) -> None:
    ended_on, signed_on, ends_on = row["terminated_on"], row["signed_on"], row["ends_on"]
    if signed_on is None:
        row.refuse(N_("It ended early, so it was signed: write when."), "signed_on")
    elif not signed_on <= ended_on <= today:
        row.refuse(N_("It ended early between its signature and today."), "terminated_on")
    elif ends_on is not None and ended_on >= ends_on:
        row.refuse(N_("It ended by itself before that: leave the early end empty."), "terminated_on")
    if not row["stage_reason"]:
        row.refuse(N_("Say why it ended early."), "stage_reason")


def _stage_of(row: Row) -> ContractStage:
    if row["terminated_on"] is not None:
        return ContractStage.TERMINATED
    return ContractStage.DRAFT if row["signed_on"] is None else ContractStage.SIGNED


def _settle_known(row: Row, known: Any, told: dict[str, Any]) -> None:
    """Say what a row may change of a contract that is here: of a draft all, of a signed one only who answers for it."""
    number = row["number"]
    if known.stage is ContractStage.VOIDED:
        row.refuse(N_("%(number)s was given up here before it was signed; give this contract another number."), "number", number=number)
    elif known.stage is ContractStage.DRAFT:
        _settle_draft(row, known, told)
    else:
        told["stage_reason"] = None
        differ = tuple(label for name, label in FIXED.items() if told[name] is not None and told[name] != getattr(known, name))
        if told["party_id"] is None:
            differ += (FIXED["party_id"],)
        if differ:
            text = N_("%(number)s was signed on %(day)s, and a file does not overwrite it. It differs in: %(what)s. "
                      "What was signed changes only by an amendment.")  # fmt: skip
            row.refuse(text, "number", number=number, day=known.signed_on, what=differ)


def _settle_draft(row: Row, known: Any, told: dict[str, Any]) -> None:
    starts_on, ends_on = row["starts_on"] or known.starts_on, row["ends_on"] or known.ends_on
    if ends_on is not None and starts_on is not None and ends_on < starts_on:
        row.refuse(N_("With what is known here, it would end before it starts."), "ends_on")
    if row["signed_on"] is None:
        return
    if known.source is None:
        text = N_("%(number)s is being prepared here: record its signature on its page, where who signs and what it requires are checked.")
        row.refuse(text, "signed_on", number=row["number"])
    told["stage"] = _stage_of(row)


# ── What they require ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Content:
    """What a contract requires, as the file finds it: the rows that are there, and those that this run adds."""

    rows: list[Mapping[str, Any]] = field(default_factory=list)

    def find(self, position: int | None, text: str) -> Mapping[str, Any] | None:
        """Return the requirement with that number; without one, the one with those words."""
        same = canon(text)
        fits = (each for each in self.rows if (each["position"] == position if position else canon(each["text"]) == same))
        return next(fits, None)

    @property
    def next_position(self) -> int:
        return max((each["position"] for each in self.rows), default=0) + 1


_SAID = ("text", "quality", "clause", "verification", "evidence", "process_id")


@register
class ContractRequirements(Kind):
    """Requirements by contract and number; where the file does not number them, by their words."""

    name, title = "contract_requirements", N_("Requirements of contracts")
    intro = N_(
        "What each contract requires: bring in the contracts first. A draft takes what the file says. Of a contract that came in signed, "
        "they are written once, until its first verification or amendment; what is written is never overwritten."
    )
    fields = (
        Field("contract", N_("Contract"), Type.CODE, is_required=True, most=40, example="2019-014", synonyms=_NUMBER),
        Field("position", N_("No."), Type.INTEGER, least=1, highest=9999, example=1,
              synonyms=("no", "ítem", "item", "orden", "posición", "#"), help=N_("Empty: in the order of the file.")),
        Field("text", N_("Requirement"), is_required=True, most=4000, example="El agua entregada cumple la Resolución 2115 de 2007",
              synonyms=("requisito", "requerimiento", "obligación", "compromiso", "descripción", "texto")),
        Field("quality", N_("Kind of quality"), Type.CHOICE, example="Requerida",
              synonyms=("calidad", "tipo de calidad", "clase de calidad"), help=N_("Empty: required quality.")),
        Field("clause", N_("Clause or norm"), most=120, example="Cláusula 4; Decreto 1575 de 2007",
              synonyms=("cláusula", "norma", "fuente", "cláusula o norma", "numeral")),
        Field("verification", N_("How it is verified"), most=240, example="Revisar los resultados de laboratorio del año",
              synonyms=("verificación", "cómo se verifica", "forma de verificación", "método", "criterio de verificación")),
        Field("evidence", N_("Evidence that is expected"), most=240, example="Informes de laboratorio",
              synonyms=("evidencia", "evidencia esperada", "soporte", "registro")),
        Field("process", N_("Process that answers for it"), Type.CHOICE, example="Subgerencia técnica operativa",
              synonyms=("proceso", "responsable", "área", "dependencia")),
    )  # fmt: skip

    def options(self, session: Session) -> dict[str, list[Option]]:
        qualities = [Option(each.name, each.value, names) for each, names in _QUALITIES.items()]
        return {"quality": qualities, "process": process_options(session)}

    def begin(self, run: Run) -> None:
        run.facts |= {"organisation": queries.organisation(run.session).id, "content": {}, "verified": set()}

    def check(self, rows: Sequence[Row], run: Run) -> None:
        first_of: dict[Any, int] = run.facts.setdefault("first", {})
        for row in rows:
            mark = (row["contract"], row["position"] or canon(row["text"]))
            if (first := first_of.setdefault(mark, row.number)) != row.number:
                row.refuse(N_("The same requirement as row %(row)s."), "position" if row["position"] else "text", row=first)

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        marks = {(run.facts["organisation"], row["contract"]) for row in rows}
        columns = ("id", "stage", "source", "signed_on")
        contracts = existing(run, Contract, ("organisation_id", "number"), marks, columns)
        self._load({contract.id for contract in contracts.values()}, run)
        for row in rows:
            contract = contracts.get((run.facts["organisation"], row["contract"]))
            if contract is None:
                row.refuse(N_("There is no contract %(number)s: bring in the contracts first."), "contract", number=row["contract"])
            elif contract.stage is ContractStage.VOIDED:
                row.refuse(N_("%(number)s was given up before it was signed."), "contract", number=row["contract"])
            else:
                self._settle_one(row, contract, run)

    @staticmethod
    def _load(contract_ids: Iterable[int], run: Run) -> None:
        """Read what these contracts require, and whether somebody verified or amended them, once a run."""
        content: dict[int, _Content] = run.facts["content"]
        new = [contract_id for contract_id in contract_ids if contract_id not in content]
        content |= {contract_id: _Content() for contract_id in new}
        table = ContractRequirement.__table__
        columns = [table.c[name] for name in ("id", "contract_id", "position", "is_frozen", *_SAID)]
        is_of_contract = or_(table.c.amendment_id.is_(None), table.c.is_frozen)  # what a draft of an amendment would add is not here yet
        running = select(*columns).where(table.c.contract_id.in_(new), table.c.ended_by_id.is_(None), is_of_contract)
        for found in run.session.execute(running):
            content[found.contract_id].rows.append(dict(found._mapping))
        touched = union(*(select(each.contract_id).where(each.contract_id.in_(new)) for each in (Checklist, Amendment)))
        run.facts["verified"].update(run.session.scalars(touched))

    @staticmethod
    def _settle_one(row: Row, contract: Any, run: Run) -> None:
        content: _Content = run.facts["content"][contract.id]
        known = content.find(row["position"], row["text"])
        told = {name: row[name] for name in ("text", "clause", "verification", "evidence")}
        told |= {"quality": QualityKind[row["quality"]] if row["quality"] else None, "process_id": row["process"]}
        if known is not None:
            merged = {name: known[name] if value is None else value for name, value in told.items()}
            is_same = all(known[name] == value for name, value in merged.items())
            row.fate = Fate.SAME if is_same else Fate.CHANGED
            if not is_same and known["is_frozen"]:
                text = N_("%(number)s was signed on %(day)s: its requirement %(position)s says something else and is not overwritten. "
                          "It changes only by an amendment.")  # fmt: skip
                row.refuse(text, "text", number=row["contract"], day=contract.signed_on, position=known["position"])
            row.found = (contract, known["id"], merged)
            return
        if contract.stage is not ContractStage.DRAFT and (contract.source is None or contract.id in run.facts["verified"]):
            text = N_("What %(number)s requires was fixed by its signature: a requirement is added only by an amendment.")
            row.refuse(text, "contract", number=row["contract"])
            return
        new = {name: value or "" for name, value in told.items() if name not in ("quality", "process_id")}
        new |= {"quality": told["quality"] or QualityKind.REQUIRED, "process_id": told["process_id"]}
        new |= {"position": row["position"] or content.next_position, "is_frozen": contract.stage is not ContractStage.DRAFT}
        content.rows.append(new | {"id": None})
        row.fate, row.found = Fate.NEW, (contract, None, new)

    def write(self, rows: Sequence[Row], run: Run) -> None:
        table, stamp = ContractRequirement.__table__, stamp_of(run)
        new = [{"contract_id": contract.id, **said, **stamp} for contract, known, said in (row.found for row in rows) if known is None]
        if new:
            run.session.execute(insert(table), new)
        touched = {name: stamp[name] for name in ("changed_at", "changed_by_id")}
        stages: dict[int, ContractStage] = {}
        n_of: dict[int, int] = {}
        for contract, known, said in (row.found for row in rows):
            if known is not None:
                run.session.execute(update(table).where(table.c.id == known).values(**said, **touched))
            stages[contract.id] = contract.stage
            n_of[contract.id] = n_of.get(contract.id, 0) + 1
        events = [_event(contract_id, run, (stages[contract_id],) * 2, n_requirements=n) for contract_id, n in n_of.items()]
        run.session.execute(insert(CommercialEvent.__table__), events)
