"""The acta of a verification checklist: each requirement with its verdict, evidence and finding, and who signed and approved it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.documents import base
from app.domain import N_
from app.domain.checklists import ChecklistMove, ChecklistStatus, Verdict
from app.domain.compliance import DEFINITION, TONES, sum_of
from app.domain.errors import MoveRefused
from app.domain.states import DocumentKind, DocumentType, Visibility
from app.extensions import LANGUAGE, local
from app.models import Checklist, ChecklistFile, ChecklistItem, CommercialEvent, Document, Organisation, Party, Signature
from app.operations import checklists
from app.words import say_day, say_instant, say_nit, say_number, say_percent

TEMPLATE = "checklist"
#: A longer remark stands below its row, as wide as the page.
LONG = 360


def issue_acta(session: Session, checklist: Checklist, issuer: User, at: datetime) -> Document:
    """
    Set and keep the acta of *checklist*, which was just approved; return it, flushed. The caller commits.

    One that was reopened and approved again gets another acta; the earlier one stays as it was.

    Raises:
        MoveRefused: It is not approved.
    """
    if checklist.status is not ChecklistStatus.CLOSED:
        raise MoveRefused(N_("%(number)s has no acta before it is approved."), number=checklist.number)
    number = f"{checklist.number}-{checklist.n_reopened + 1}" if checklist.n_reopened else checklist.number
    with force_locale(LANGUAGE):
        data = _data(session, checklist, number, at, is_draft=False)
    what = base.Issue(DocumentKind.CHECKLIST, TEMPLATE, at, issuer.id, None, Visibility.STAFF)
    checklist.document = base.issue(session, what, number, base.seal(data))
    session.flush()
    return checklist.document


def preview(session: Session, checklist: Checklist, at: datetime) -> bytes:
    """Return the acta as it would be on *at*, marked as a draft: without number, seal or effects. Nothing is kept."""
    with force_locale(LANGUAGE):
        data = _data(session, checklist, checklist.number, at, is_draft=True)
    return base.rendered(TEMPLATE, data | {"qr": None, "sha256": "", "verify_url": None})


# ── What it says ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _data(session: Session, checklist: Checklist, number: str, at: datetime, *, is_draft: bool) -> dict[str, Any]:
    items = checklists.items_of(session, checklist)
    before, files = checklists.previous_rows(session, checklist, items), checklists.evidence_of(session, items)
    organisation, on = checklist.organisation, local(at).date()
    facts = [*_of_contract(checklist), *_of_checklist(checklist)]
    return {
        "organisation": base.head(organisation, TEMPLATE),
        "document_number": number,
        "title": "Acta de verificación del contrato",
        "issued_on": on.isoformat(),
        "place": organisation.municipality.name,
        "day": base.day(on),
        "is_draft": is_draft,
        "facts": [list(pair) for pair in facts],
        "n_left": len(_of_contract(checklist)),
        **_result(items),
        "rows": [_row(item, before.get(item.id), files.get(item.id, ())) for item in items],
        "findings": [_finding(item) for item in items if item.verdict is not None and item.verdict.is_finding],
        "evidence": [_file(item, file) for item in items for file in files.get(item.id, ())],
        "conclusion": base.paragraphs(checklist.conclusion),
        "history": [_event(event) for event in _history(session, checklist)],
        "signers": _signers(session, organisation, checklist),
    }


def _of_contract(checklist: Checklist) -> list[tuple[str, str | None]]:
    contract = checklist.contract
    until = checklists.last_day(contract)
    return [
        ("Contrato", contract.number),
        ("Objeto", " ".join(contract.object.split())),
        ("Parte", _named(contract.party)),
        ("Vigencia", f"del {say_day(contract.starts_on)} al {say_day(until)}" if until else f"desde el {say_day(contract.starts_on)}"),
    ]


def _of_checklist(checklist: Checklist) -> list[tuple[str, str | None]]:
    contract = checklist.contract
    return [
        ("Año", str(checklist.year)),
        ("Período que se verifica", f"del {say_day(checklist.period_from)} al {say_day(checklist.period_until)}"),
        ("Proceso responsable", contract.process.name if contract.process else None),
        ("Supervisa", contract.supervisor.get_full_name() if contract.supervisor else None),
        ("Abierta", say_day(checklist.opened_on)),
    ]


def _named(party: Party) -> str:
    if party.document_type is None:
        return party.name
    number = say_nit(party.document_number) if party.document_type is DocumentType.NIT else party.document_number
    return f"{party.name}, {party.document_type.name} {number}"


def _result(items: Sequence[ChecklistItem]) -> dict[str, Any]:
    """Return the share that is met, and how many rows have each verdict."""
    found = sum_of(item.verdict for item in items)
    counts = (found.n_met, found.n_partly, found.n_not_met, found.n_not_applicable)
    figures = [{"tone": TONES[verdict], "word": _(verdict.value), "n": say_number(n)} for verdict, n in zip(Verdict, counts, strict=True)]
    pending = [{"tone": "stop", "word": "Sin verificar", "n": say_number(found.n_pending)}] if found.n_pending else []
    percent = say_percent(found.percent) if found.percent is not None else None
    return {"percent": percent, "figures": figures + pending, "definition": _(DEFINITION)}


def _row(item: ChecklistItem, before: ChecklistItem | None, files: Sequence[ChecklistFile]) -> dict[str, Any]:
    requirement, action = item.requirement, _asked(item)
    about = (
        " · ".join(filter(None, (requirement.clause, _(requirement.quality.value)))),
        f"Se verifica con: {requirement.verification}" if requirement.verification else "",
        f"Evidencia esperada: {requirement.evidence}" if requirement.evidence else "",
        f"Proceso: {requirement.process.name}" if requirement.process else "",
    )
    return {
        "n": str(item.position),
        "requirement": base.paragraphs(requirement.text),
        "about": [line for line in about if line],
        "before": _(before.verdict.value) if before is not None and before.verdict else "—",
        "tone": TONES[item.verdict] if item.verdict else "stop",
        "verdict": _(item.verdict.value) if item.verdict else "Sin verificar",
        "evidence": [file.description or file.file.name for file in files],
        "note": base.paragraphs(item.note),
        "action": action,
        "is_long": len(item.note) + len(action or "") > LONG,
        "by": f"{item.verified_by.get_full_name()}, {say_instant(item.verified_at)}" if item.verified_by else "",
    }


def _asked(item: ChecklistItem) -> str | None:
    """Return what the finding asked for, or why it asked for nothing."""
    if item.action is not None:
        return f"Acción {item.action.number}: {item.action.title}"
    return f"Sin acción: {item.no_action_reason}" if item.no_action_reason else None


def _finding(item: ChecklistItem) -> dict[str, Any]:
    verdict, action = item.verdict, item.action
    assert verdict is not None
    due = f", antes del {say_day(action.due_on)}" if action else ""
    return {
        "n": str(item.position),
        "requirement": _cut(item.requirement.text),
        "tone": TONES[verdict],
        "verdict": _(verdict.value),
        "action": f"{_asked(item)}{due}" if _asked(item) else "Por decidir",
    }


def _cut(text: str, most: int = 220) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _file(item: ChecklistItem, evidence: ChecklistFile) -> dict[str, str]:
    file = evidence.file
    name = f"{evidence.description} ({file.name})" if evidence.description else file.name
    size = f"{say_number(max(1, round(file.n_bytes / 1024)))} KB"
    return {"n": str(item.position), "name": name, "size": size, "added": say_instant(evidence.created_at), "digest": file.sha256}


# ── Who did what ──────────────────────────────────────────────────────────────────────────────────────────────────────────

#: What the acta calls the moves of its history.
MOVES: Mapping[str, str] = {
    ChecklistMove.OPEN.name: "Se abrió",
    ChecklistMove.SUBMIT.name: "La firmó el responsable",
    ChecklistMove.RETURN.name: "Se devolvió",
    ChecklistMove.APPROVE.name: "Se aprobó",
    ChecklistMove.REOPEN.name: "Se reabrió",
}


def _history(session: Session, checklist: Checklist) -> list[CommercialEvent]:
    events = select(CommercialEvent).where(CommercialEvent.checklist_id == checklist.id).options(joinedload(CommercialEvent.actor))
    return list(session.scalars(events.order_by(CommercialEvent.id)))


def _event(event: CommercialEvent) -> dict[str, str]:
    who = event.actor.get_full_name() if event.actor else ""
    return {"when": say_instant(event.at), "what": MOVES.get(event.move, event.move), "who": who, "note": event.reason}


def _signers(session: Session, organisation: Organisation, checklist: Checklist) -> list[dict[str, Any]]:
    """Return the places to sign: with name, hour and signature of whoever did, empty before."""
    who = [
        (checklist.signed_by, checklist.signed_at, "Responsable de la verificación"),
        (checklist.approved_by, checklist.approved_at, "Aprobó"),
    ]
    ids = [user.id for user, _at, _label in who if user]
    kept = {each.user_id: each for each in session.scalars(select(Signature).where(Signature.user_id.in_(ids)))} if ids else {}
    return [_signer(user, at, label, kept.get(user.id) if user else None) for user, at, label in who]


def _signer(user: User | None, at: datetime | None, label: str, signature: Signature | None) -> dict[str, Any]:
    title = f"{label}, {signature.title}" if signature and signature.title else label
    picture = base.picture_of(signature.image if signature else None)
    return {"name": user.get_full_name() if user else "", "label": title, "when": say_instant(at) if at else ""} | picture
