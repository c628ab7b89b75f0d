"""
Acts: every numbered letter, order and acta of a case that is neither its receipt nor its answer.

What an act says is data: the parameter `text.act.<kind>`, with {fields}. What it is called and how its numbers begin stands in ACTS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from string import Formatter
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session

from app import queries
from app.documents import base
from app.documents.base import picture_of
from app.domain import N_
from app.domain.controlled import PRINTS
from app.domain.errors import DomainError
from app.domain.states import DocumentKind, Visibility
from app.extensions import local
from app.models import Document, Organisation, Pqr
from app.operations.answers import petitioner_of
from app.operations.numbers import next_number


@dataclass(frozen=True, slots=True)
class Act:
    """
    A kind of act: the prefix of its own gap-free series, its title, the {fields} its text may name, the template that sets it.

    The signatory of the organisation signs it, but an acta, which only those sign who were there.
    """

    prefix: str
    title: str
    fields: tuple[str, ...] = ()
    template: str = "act"
    is_acta: bool = False


#: The {fields} of every text, filled here; those of the case say nothing when the act has none.
COMMON_FIELDS = ("act_number", "day", "organisation", "office", "number", "filed_on", "subject", "petitioner", "account")
K = DocumentKind
ACTS: dict[DocumentKind, Act] = {
    K.COMPLETION_REQUEST: Act("REQ", "Requerimiento para completar la solicitud", ("term", "longer", "norm")),
    K.CLARIFICATION_REQUEST: Act("ACL", "Devolución para aclarar la solicitud", ("term", "norm")),
    K.EVIDENCE_ORDER: Act("PRU", "Auto que ordena la práctica de pruebas", ("reason", "until", "norm")),
    K.EXTENSION: Act("PRO", "Ampliación del plazo de respuesta", ("reason", "old_due", "due", "norm")),
    K.TRANSFER: Act("TRA", "Traslado por competencia", ("body", "reason", "norm")),
    K.WITHDRAWAL: Act("DES", "Decisión que declara el desistimiento tácito", ("reason", "request_number", "told_on", "until", "norm")),
    K.ARCHIVE: Act("ARC", "Decisión que archiva la solicitud", ("reason", "request_number", "told_on", "until", "norm")),
    K.SUMMONS: Act("CIT", "Citación para notificación personal", ("document_number", "document_day", "appear_by", "hours")),
    K.PERSONAL_NOTICE: Act(
        "NOT", "Constancia de notificación personal",
        ("document_number", "document_day", "appeared", "identification", "capacity", "hour", "recursos"),
        is_acta=True,
    ),
    K.AVISO: Act(
        "AVI", "Notificación por aviso",
        ("document_number", "document_day", "authority", "summons_number", "summons_day", "recursos", "delivery", "posted_on",
         "unposted_on", "posted_where"),
    ),
    K.NOTICE_CERTIFICATE: Act(
        "CER", "Certificación de notificación", ("document_number", "document_day", "means", "served_on", "opened_at")
    ),
    K.RECOGNITION: Act("SAP", "Reconocimiento del silencio administrativo positivo", ("due", "ground", "grants")),
    K.SSPD_LETTER: Act(
        "REM", "Remisión del expediente para resolver el recurso de apelación",
        ("appeal_number", "appeal_day", "decision_number", "decision_day", "decision_notified", "n_folios"),
    ),
    K.WORK_ORDER: Act("OT", "Orden de trabajo", ("instructions",)),
    K.PRIOR_REVIEW: Act("ORP", "Orden de revisión previa", ("instructions",)),
    K.SUSPENSION: Act("AS", "Acta de suspensión del servicio", ("cause",), is_acta=True),
    K.CUT: Act("AC", "Acta de corte del servicio", ("cause",), is_acta=True),
    K.REINSTALLATION: Act("ARI", "Acta de reinstalación del servicio", ("cause",), is_acta=True),
    K.RECONNECTION: Act("ARX", "Acta de reconexión del servicio", ("cause",), is_acta=True),
    K.FINANCING: Act("FIN", "Orden de financiación", ("debt", "down_payment", "financed", "n_instalments", "rate", "first_on")),
    K.INVOICE_CHANGE: Act("CF", "Cambios en la factura", ("invoice", "reason", "authorised_by")),
}  # fmt: skip
del K

#: A paragraph of its own that says where items and tables go; without it they follow the text.
_HERE = re.compile(r"^[ \t]*\{items\}[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of an act, all cells already in words; *right* are the columns of figures, by position."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    totals: Sequence[str] = ()
    right: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Signer:
    """A block of its own to sign in: what stands under the line, and above it the picture (PNG, JPEG, SVG) drawn on a screen."""

    label: str
    name: str = ""
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture that belongs to the act (PNG, JPEG), with what it shows: also what is read aloud in its place."""

    caption: str
    content: bytes


def issue_act(
    session: Session,
    pqr: Pqr | None,
    kind: DocumentKind,
    *,
    issuer: User | None,
    at: datetime,
    on: date | None = None,
    addressee: Sequence[str] | None = None,
    fields: Mapping[str, str | None] | None = None,
    facts: Sequence[tuple[str, str | None]] = (),
    items: Sequence[str] = (),
    tables: Sequence[Table] = (),
    photos: Sequence[Photo] = (),
    signers: Sequence[Signer] = (),
    copies_to: Sequence[str] = (),
    visibility: Visibility = Visibility.CITIZEN,
    number: str | None = None,
    annexes: Sequence[Document] = (),
    is_published: bool = False,
) -> Document:
    """
    Issue an act: numbered, set, hashed, stored; return it, flushed. The caller holds the case and commits.

    Args:
        pqr: The case, if it has one; an order or a financing may have none.
        addressee: Lines of the address; None means whoever filed the case (masked as they asked), nothing means nobody.
        fields: What the {fields} of the text become, all that ACTS declares. None leaves out the paragraph that names the field.
        facts: Rows of name and value above the text, after those of the case; a value of None leaves no row.
        items: A numbered list, where the text says {items}, else after it; tables and photos follow it.
        number: A number that the act has already; else the next of its series, in the year of *on*.
        annexes: Documents whose pages follow, as they were issued.
        is_published: Anybody may read it, so it says no address of the petitioner nor of the account.

    Raises:
        DomainError: The text of the act is not loaded, or names a field that nobody fills.
    """
    act, on = ACTS[kind], on or local(at).date()
    organisation = pqr.organisation if pqr else queries.organisation(session)
    number = number or next_number(session, organisation.id, act.prefix, on.year)
    body, closing = filled_text(session, kind, organisation, pqr, number, on, fields or {})
    key = print_key_of(kind)
    data = {
        **(base.of_case(pqr, key) if pqr else {"organisation": base.head(organisation, key), "number": None}),
        **_page(organisation, pqr, number, on, act, addressee),
        "signatory": None if act.is_acta else base.signatory(session, organisation, issuer),
        "facts": [[label, value] for label, value in facts],
        "body": body,
        "items": list(items),
        "tables": [_table(table) for table in tables],
        "photos": [{"caption": photo.caption} | picture_of(photo.content) for photo in photos],
        "closing": closing,
        "signers": [{"label": signer.label, "name": signer.name} | picture_of(signer.picture) for signer in signers],
        "copies_to": list(copies_to),
        "issued_by": issuer.get_full_name() if issuer else None,
    }
    if is_published:
        data |= {"addressee": data["addressee"][:1], "account": pqr.account.number if pqr and data["account"] and pqr.account else None}
    what = base.Issue(kind, act.template, at, issuer.id if issuer else None, pqr, visibility)
    return base.issue(session, what, number, base.seal(data), annexes)


def print_key_of(kind: DocumentKind) -> str:
    """Return by which key an act of *kind* carries the code of a controlled document; empty for a letter, which carries none."""
    key = kind.name.lower()
    return key if key in PRINTS else ""


def _page(
    organisation: Organisation, pqr: Pqr | None, number: str, on: date, act: Act, addressee: Sequence[str] | None
) -> dict[str, Any]:
    """Return what stands around the text of the act."""
    to_petitioner = addressee is None and pqr is not None
    return {
        "document_number": number,
        "title": act.title,
        "issued_on": on.isoformat(),
        "place": organisation.municipality.name,
        "day": base.day(on),
        "filed": base.day(pqr.filed_on) if pqr else None,
        "to_petitioner": to_petitioner,
        "is_company": base.is_company(pqr) if pqr else False,
        "addressee": base.addressee(pqr) if pqr and to_petitioner else list(addressee or ()),
    }


def _table(table: Table) -> dict[str, Any]:
    rows = [list(row) for row in (*table.rows, *((table.totals,) if table.totals else ()))]
    if any(len(row) != len(table.columns) for row in rows):
        raise ValueError(f"a row of table {table.title!r} has not {len(table.columns)} cells")
    return {
        "title": table.title,
        "columns": list(table.columns),
        "rows": [list(row) for row in table.rows],
        "totals": list(table.totals),
        "right": list(table.right),
    }


# ── The text ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def text_key(kind: DocumentKind) -> str:
    """Return the parameter that holds the text of *kind*."""
    return f"text.act.{kind.name.lower()}"


def text_of(session: Session, kind: DocumentKind) -> str:
    """Return what acts of *kind* say. Raises DomainError when nobody loaded it: an act without its content is void."""
    text = queries.parameter(session, text_key(kind))
    if not text.strip():
        msgid = N_("The text of this act is missing. An administrator has to write it in Parameters, under %(key)s.")
        raise DomainError(msgid, key=text_key(kind))
    return text


def filled_text(
    session: Session,
    kind: DocumentKind,
    organisation: Organisation,
    pqr: Pqr | None,
    number: str,
    on: date,
    fields: Mapping[str, str | None],
) -> tuple[list[list[str]], list[list[str]]]:
    """Return the paragraphs of the text of *kind* before and after {items}, filled. Raises DomainError as `issue_act`."""
    return _parts(text_of(session, kind), kind, {**_common(organisation, pqr, number, on), **fields})


def _common(organisation: Organisation, pqr: Pqr | None, number: str, on: date) -> dict[str, str | None]:
    return {
        "act_number": number,
        "day": base.day(on),
        "organisation": organisation.name,
        "office": f"{organisation.address}, {organisation.municipality.name}",
        "number": pqr.number if pqr else None,
        "filed_on": base.day(pqr.filed_on) if pqr else None,
        "subject": pqr.subject if pqr else None,
        "petitioner": petitioner_of(pqr) if pqr else None,
        "account": base.account(pqr) if pqr else None,
    }


def _parts(text: str, kind: DocumentKind, known: Mapping[str, str | None]) -> tuple[list[list[str]], list[list[str]]]:
    """Return the paragraphs before and after {items}."""
    before, *after = _HERE.split(text.replace("\r\n", "\n"), maxsplit=1)
    return _filled(before, kind, known), _filled(after[0] if after else "", kind, known)


def _filled(text: str, kind: DocumentKind, known: Mapping[str, str | None]) -> list[list[str]]:
    """Return the paragraphs of *text* with their {fields} filled, without those that name a field left out."""
    found: list[list[str]] = []
    for part in re.split(r"\n\s*\n", text):
        pieces = _pieces(part, kind, known)
        if all(name is None or known[name] is not None for _text, name in pieces):
            found += base.paragraphs("".join(text + (known[name] or "" if name else "") for text, name in pieces))
    return found


def _pieces(text: str, kind: DocumentKind, known: Mapping[str, str | None]) -> list[tuple[str, str | None]]:
    """Return *text* as pieces of text, each with the field that follows it. Raises DomainError: unknown field, brace without its pair."""
    try:
        pieces = list(Formatter().parse(text))
    except ValueError:
        msgid = N_("The text %(key)s has a brace without its pair. Write {{ or }} where a brace itself is meant.")
        raise DomainError(msgid, key=text_key(kind)) from None
    for _text, name, form, conversion in pieces:
        if name is not None and (name not in known or form or conversion):
            msgid = N_("The text %(key)s names a field that this act does not know: {%(name)s}. These exist: %(fields)s.")
            raise DomainError(msgid, key=text_key(kind), name=name, fields=", ".join(f"{{{field}}}" for field in known))
    return [(text, name) for text, name, _form, _conversion in pieces]
