"""Parties and accounts, as the billing system exports them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum.co import nit

from app import search
from app.domain import N_
from app.domain.errors import DomainError
from app.domain.states import AccountUse, DocumentType, PartyKind
from app.forms import check_document
from app.importing.groups import GROUP, group_options, join_groups, members_of
from app.importing.kinds import Fate, Field, Kind, Option, Row, Run, Type, register
from app.importing.places import municipality_options
from app.importing.upserts import compare, existing, upsert
from app.models import Account, Organisation, Party, Service
from app.operations.parties import is_same_name

_PAPERS = {
    DocumentType.CC: ("cédula", "cédula de ciudadanía", "C.C.", "ciudadanía", "1", "13"),
    DocumentType.NIT: ("N.I.T.", "31", "RUT", "jurídica"),
    DocumentType.CE: ("cédula de extranjería", "C.E.", "extranjería", "22"),
    DocumentType.TI: ("tarjeta de identidad", "T.I.", "12"),
    DocumentType.PPT: ("permiso por protección temporal", "permiso temporal", "P.P.T."),
    DocumentType.PASSPORT: ("pasaporte", "PA", "41"),
}
_USES = {
    AccountUse.RESIDENTIAL: ("residencial", "res", "r", "1", "domiciliario", "hogar"),
    AccountUse.COMMERCIAL: ("comercial", "com", "c", "2"),
    AccountUse.INDUSTRIAL: ("industrial", "ind", "i", "3"),
    AccountUse.OFFICIAL: ("oficial", "ofi", "o", "4"),
    AccountUse.SPECIAL: ("especial", "esp", "e", "5", "provisional", "multiusuario"),
}
_NAME = ("nombre", "nombres y apellidos", "suscriptor", "nombre del suscriptor", "titular", "usuario", "cliente", "razón social",
         "nombre o razón social", "propietario", "nombre suscriptor")  # fmt: skip
_DOCUMENT = ("cédula", "c.c.", "cc", "nit", "identificación", "no. identificación", "documento de identidad", "número de documento",
             "cédula o nit", "cc/nit", "C.C. o NIT", "CC o NIT", "num doc", "documento")  # fmt: skip
_DOCUMENT_TYPE = ("tipo de documento", "tipo doc", "tipo identificación", "tipo id", "tipo de identificación")
_PLACE = ("municipio", "código dane", "dane", "ciudad", "divipola", "código municipio", "cod municipio")
_ADDRESS = ("dirección", "dirección predio", "dirección del predio", "dirección del inmueble", "dir", "direccion suscriptor")
#: Names of organisations: no person is called so.
_ORGANISATION = re.compile(
    r"(?i)\b(?:s\.?\s?a\.?\s?s?\.?$|ltda|e\.?s\.?p\.?$|e\.?u\.?$|s\.? en c|conjunto|edificio|municipio de|alcald[ií]a|instituci[oó]n|"
    r"fundaci[oó]n|asociaci[oó]n|cooperativa|junta de|iglesia|hospital|colegio|universidad|banco|condominio|corporaci[oó]n)"
)
CONTACT = ("email", "phone", "address", "municipality_code")


def paper_options() -> list[Option]:
    """Return the types of documents as values of a field."""
    return [Option(each.name, each.value, names) for each, names in _PAPERS.items()]


def paper_of(kind: str | None, number: str, check_digit: str | None = None) -> tuple[DocumentType, str]:
    """
    Return type and number of a document as they are stored. Without a type, a number that carries the check digit of a NIT is one.

    Raises:
        DomainError: It has not the shape of its type, or another check digit.
    """
    text = re.sub(r"[\s.,']", "", number).upper()
    found = DocumentType[kind] if kind else None
    if found is None:
        is_nit = bool(check_digit) or bool(re.fullmatch(r"\d{8,10}-\d", text)) or (text[:1] in "89" and len(text) in (9, 10))
        found = DocumentType.NIT if is_nit and text.replace("-", "").isdigit() else DocumentType.CC
    if found is DocumentType.NIT:
        if check_digit and "-" not in text:
            text = f"{text}{check_digit}"
        elif "-" not in text and text.isdigit() and len(text) == 9 and text[0] in "89":
            text = f"{text}{nit.calc_check_digit(text)}"
    checked = check_document(found, text)
    assert checked is not None
    return found, checked


def kind_of_party(paper: DocumentType, name: str) -> PartyKind:
    """Return whether it is a person; a NIT alone does not tell, for traders have one."""
    if paper is not DocumentType.NIT:
        return PartyKind.PERSON
    return PartyKind.ORGANISATION if _ORGANISATION.search(name) or not re.search(r"\w+ \w+ \w+", name) else PartyKind.PERSON


def known_parties(run: Run, papers: Sequence[tuple[DocumentType, str]]) -> dict[tuple[Any, ...], Any]:
    """Return the parties that have these documents."""
    return existing(run, Party, ("document_type", "document_number"), papers, ("id", "name", "kind", *CONTACT))


def doubt_name(row: Row, known: Any) -> None:
    """Doubt a row whose name can hardly be of the person who has that document here."""
    if known is not None and row["name"] and known.name != row["name"] and not is_same_name(known.name, row["name"]):
        text = N_("This document is registered with another name: %(known)s. Which of the two is wrong?")
        row.doubt("NAME_DIFFERS", text, "name", known=known.name)


def write_parties(rows: Sequence[dict[str, Any]], run: Run) -> list[int]:
    """Write parties by their document; return their ids, and make them found by their words."""
    if not rows:
        return []
    key = ("document_type", "document_number")
    unique = {(line["document_type"], line["document_number"]): line for line in rows}
    upsert(run.session, Party, key, list(unique.values()), run)
    ids = [row.id for row in known_parties(run, list(unique)).values()]
    search.index_rows(run.session, Party, ids)
    return ids


def settle_words(run: Run) -> None:
    """Give PostgreSQL the statistics of the words that came; SQLite keeps its index as it goes, and to rebuild it takes minutes."""
    if run.session.get_bind().dialect.name == "postgresql":
        search.settle(run.session)


@register
class Parties(Kind):
    """People and organisations by their document; what the file does not say of one that is known stays as it is."""

    name, title = "parties", N_("Parties")
    intro = N_("People and organisations, known by their document. What differs becomes what the file says; an empty cell erases nothing.")
    fields = (
        Field("document", N_("Document number"), is_required=True, most=30, example="52.345.678", synonyms=_DOCUMENT),
        Field("document_type", N_("Document"), Type.CHOICE, example="CC", synonyms=_DOCUMENT_TYPE),
        Field("check_digit", N_("Check digit"), Type.CODE, digits=1, synonyms=("dv", "dígito de verificación", "digito verificacion")),
        Field("name", N_("Name"), is_required=True, most=160, example="Luz Marina Rojas", synonyms=_NAME),
        Field("email", N_("E-mail"), Type.EMAIL, is_lenient=True, example="luz@example.com",
              synonyms=("correo", "correo electrónico", "email", "e mail")),
        Field("phone", N_("Phone"), Type.PHONE, is_lenient=True, example="300 123 4567",
              synonyms=("teléfono", "celular", "tel", "móvil", "contacto", "telefono 1")),
        Field("address", N_("Address"), most=200, example="Calle 5 # 6-7", synonyms=_ADDRESS),
        Field("municipality_code", N_("Municipality"), Type.CHOICE, example="11001", synonyms=_PLACE),
        GROUP,
    )  # fmt: skip

    def options(self, session: Session) -> dict[str, list[Option]]:
        return {
            "document_type": paper_options(), "municipality_code": municipality_options(session), "group": group_options(session),
        }  # fmt: skip

    def check(self, rows: Sequence[Row], run: Run) -> None:
        first_of: dict[tuple[DocumentType, str], int] = run.facts.setdefault("papers", {})
        for row in rows:
            try:
                paper = paper_of(row["document_type"], row["document"], row["check_digit"])
            except DomainError as error:
                row.refuse(error.msgid, "document", **error.fields)
                continue
            first = first_of.setdefault(paper, row.number)
            if first != row.number:
                row.refuse(N_("The same document as row %(row)s."), "document", row=first)
            row.found = paper

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        there = known_parties(run, [row.found for row in rows])
        for row in rows:
            paper = row.found
            values = {"document_type": paper[0], "document_number": paper[1], "name": row["name"]}
            values |= {name: row[name] for name in CONTACT}
            known = there.get(paper)
            doubt_name(row, known)
            values["kind"] = known.kind if known else kind_of_party(paper[0], row["name"])
            compare(row, known, values)
        self._settle_groups([row for row in rows if row["group"] and row.fate is Fate.SAME], there, run)

    @staticmethod
    def _settle_groups(rows: Sequence[Row], there: Mapping[tuple[Any, ...], Any], run: Run) -> None:
        """Give the rows that only put a party into a group their fate."""
        id_of = {row.number: there[row.found["document_type"], row.found["document_number"]].id for row in rows}
        members = members_of(run.session, id_of.values()) if rows else set()
        for row in rows:
            if (id_of[row.number], row["group"]) not in members:
                row.fate = Fate.CHANGED

    def write(self, rows: Sequence[Row], run: Run) -> None:
        write_parties([row.found for row in rows], run)
        joining = {(row.found["document_type"], row.found["document_number"]): row["group"] for row in rows if row["group"]}
        if joining:
            join_groups(run, [(party.id, joining[paper]) for paper, party in known_parties(run, list(joining)).items()])

    def finish(self, run: Run) -> None:
        settle_words(run)


@register
class Accounts(Kind):
    """Connections of the billing system, each with its holder; an account that is not in the file stays as it is."""

    name, title = "accounts", N_("Accounts")
    intro = N_("Connections as the billing system numbers them, with the holder of each. What is not in the file stays as it is.")
    fields = (
        Field("number", N_("Account"), Type.CODE, is_required=True, most=30, example="00104233",
              synonyms=("cuenta", "no. cuenta", "número de cuenta", "NUIS", "NIU", "matrícula", "contrato", "código", "código suscriptor",
                        "código de usuario", "código interno", "póliza", "suscripción", "no. suscriptor")),
        Field("service", N_("Service"), Type.CHOICE, example="Acueducto", synonyms=("servicio", "tipo de servicio")),
        Field("document", N_("Document of the holder"), most=30, example="52.345.678", synonyms=_DOCUMENT),
        Field("document_type", N_("Document"), Type.CHOICE, example="CC", synonyms=_DOCUMENT_TYPE),
        Field("name", N_("Holder"), most=160, example="Luz Marina Rojas", synonyms=_NAME),
        Field("phone", N_("Phone"), Type.PHONE, is_lenient=True, example="300 123 4567", synonyms=("teléfono", "celular", "tel")),
        Field("email", N_("E-mail"), Type.EMAIL, is_lenient=True, synonyms=("correo", "correo electrónico", "email")),
        Field("address", N_("Address"), is_required=True, most=200, example="Calle 5 # 6-7", synonyms=_ADDRESS),
        Field("municipality", N_("Municipality"), Type.CHOICE, example="11001", synonyms=_PLACE,
              help=N_("Where the file does not say, that of the company.")),
        Field("settlement_code", N_("DANE code of the settlement"), Type.CODE, digits=3, most=3, example="001",
              synonyms=("centro poblado", "código centro poblado", "dane centro poblado", "cod centro poblado", "asentamiento"),
              help=N_("Where the file does not say, the municipal seat.")),
        Field("zone", N_("Zone"), most=80, example="Sector norte",
              synonyms=("zona", "sector hidráulico", "barrio", "vereda", "ruta", "ciclo y ruta", "sector de servicio", "localidad")),
        Field("stratum", N_("Stratum"), Type.INTEGER, least=0, highest=6, example=3, synonyms=("estrato", "estrato socioeconómico", "est")),
        Field("use", N_("Use"), Type.CHOICE, example="Residencial", synonyms=("uso", "clase de uso", "categoría", "tipo de uso", "sector")),
        Field("meter", N_("Meter"), most=40, example="A-20331", synonyms=("medidor", "no. medidor", "serie medidor", "contador", "serial")),
        Field("is_active", N_("Active"), Type.YESNO, example="Sí", synonyms=("activo", "estado", "estado cuenta", "vigente", "activa")),
    )  # fmt: skip
    key = ("number", "service")

    def options(self, session: Session) -> dict[str, list[Option]]:
        return {
            "service": [Option(row.id, row.name, (row.code,)) for row in session.scalars(select(Service).order_by(Service.position))],
            "document_type": paper_options(),
            "municipality": municipality_options(session),
            "use": [Option(each.name, each.value, names) for each, names in _USES.items()],
        }

    def begin(self, run: Run) -> None:
        run.facts["place"] = run.session.scalar(select(Organisation.municipality_code).limit(1))
        services = run.session.scalars(select(Service.id).where(Service.is_active)).all()
        run.facts["service"] = services[0] if len(services) == 1 else None

    def check(self, rows: Sequence[Row], run: Run) -> None:
        for row in rows:
            values = row.values
            values["service"] = values["service"] or run.facts.get("service")
            if values["service"] is None:
                row.refuse(N_("The service of the account is missing, and there are several."), "service")
            values["stratum"] = values["stratum"] or None
            if not values["document"]:
                if values["name"]:
                    row.doubt("NO_DOCUMENT", N_("The holder has no document: the account is brought in without holder."), "document")
                continue
            try:
                row.found = paper_of(values["document_type"], values["document"])
            except DomainError as error:
                row.doubt("DOCUMENT", error.msgid, "document", **error.fields)

    def settle(self, rows: Sequence[Row], run: Run) -> None:
        parties = known_parties(run, [row.found for row in rows if row.found])
        columns = ("id", "party_id", "address", "municipality_code", "settlement_code", "zone", "stratum", "use", "meter", "is_active")
        there = existing(run, Account, ("number", "service_id"), ((row["number"], row["service"]) for row in rows), columns)
        for row in rows:
            party, holder = _holder(row, parties)
            known = there.get((row["number"], row["service"]))
            compare(row, known, self._values(row, run, known, party))
            if holder is not None and row.fate is Fate.SAME:
                row.fate = Fate.CHANGED
            row.found = (row.found, holder)

    @staticmethod
    def _values(row: Row, run: Run, known: Any, party_id: int | None) -> dict[str, Any]:
        """Return the columns of the account; where a new one is silent, the default of the house."""
        return {
            "number": row["number"], "service_id": row["service"], "party_id": party_id, "address": row["address"],
            "municipality_code": row["municipality"] or (known.municipality_code if known else run.facts["place"]),
            "settlement_code": row["settlement_code"] or (known.settlement_code if known else None),
            "zone": row["zone"] or (known.zone if known else ""), "stratum": row["stratum"],
            "use": AccountUse[row["use"]] if row["use"] else (known.use if known else AccountUse.RESIDENTIAL),
            "meter": row["meter"], "is_active": row["is_active"] if row["is_active"] is not None else (known.is_active if known else True),
        }  # fmt: skip

    def write(self, rows: Sequence[Row], run: Run) -> None:
        write_parties([holder for _account, holder in (row.found for row in rows) if holder], run)
        holders = [(holder["document_type"], holder["document_number"]) for _account, holder in (row.found for row in rows) if holder]
        ids = {paper: row.id for paper, row in known_parties(run, holders).items()}
        lines = []
        for row in rows:
            account, holder = row.found
            if holder:
                account = account | {"party_id": ids[holder["document_type"], holder["document_number"]]}
            lines.append(account)
        upsert(run.session, Account, ("number", "service_id"), lines, run)
        marks = [(line["number"], line["service_id"]) for line in lines]
        found = existing(run, Account, ("number", "service_id"), marks, ("id",))
        search.index_rows(run.session, Account, [each.id for each in found.values()])

    def finish(self, run: Run) -> None:
        settle_words(run)


def _holder(row: Row, parties: Mapping[tuple[Any, ...], Any]) -> tuple[int | None, dict[str, Any] | None]:
    """Return the id of the holder if he is known, and the columns of him to be written if he is new or has less than the file says."""
    paper = row.found
    if not paper:
        return None, None
    known = parties.get(paper)
    doubt_name(row, known)
    told = {"email": row["email"], "phone": row["phone"]}
    if known is not None:
        lacks = {name: value for name, value in told.items() if value and not getattr(known, name)}
        if not lacks:
            return known.id, None
        kept = {name: getattr(known, name) for name in ("name", "kind", *CONTACT)}
        return known.id, {"document_type": paper[0], "document_number": paper[1], **kept, **lacks}
    name = row["name"] or paper[1]
    new = {"name": name, "kind": kind_of_party(paper[0], name), "address": row["address"], "municipality_code": row["municipality"]}
    return None, {"document_type": paper[0], "document_number": paper[1], **new, **told}
