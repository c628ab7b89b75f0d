"""The citizen disagrees with the answer, and Superservicios decides (Ley 142 arts. 154, 159; see docs/rules/pqr-appeals.md)."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import flash
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.appeals import NORM_OF, AppealedAct
from app.domain.deadlines import Regime
from app.domain.errors import DomainError
from app.domain.states import APPEAL_OUTCOMES, AppealKind, Inadmissibility, Move, Outcome, Visibility
from app.models import Channel, Pqr
from app.operations import appeals, files, messages
from app.operations.decisions import may_go_to_sspd
from app.verbs.base import Said, Who, on_today, required, stored_proof, verb

NO_DATE = N_("Write the date.")


# ── The recurso ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_first(pqr: Pqr) -> bool:
    return pqr.appeal is None and pqr.regime is Regime.LEY142


def _need(form: Any, *names: str) -> None:
    for name in names:
        form[name].flags.required = True


def _name_fields(_session: Session, _pqr: Pqr, form: Any) -> None:
    form.on.label.text = _("Date on which it arrived")
    _need(form, "on", "channel", "recurso", "appealed_act", "recurso_text")


def _start_appeal(_session: Session, pqr: Pqr, form: Any, today: date) -> None:
    form.on.data = today
    form.recurso.data = AppealKind.REPOSICION_APELACION.name
    form.appealed_act.data = AppealedAct.INVOICING.name
    form.channel.data = pqr.channel_id


@verb(
    Move.APPEAL, "on", "channel", "recurso", "appealed_act", "recurso_text", "invoice_on", "is_undisputed_paid", "brief_files",
    help=N_(
        "The appeal is filed as a case of its own, with its number and its term. In time and with nothing against it, this case is under "
        "appeal from then on; otherwise it stays as it is and the decision rejects the appeal."
    ),
    arrange=_name_fields, prefill=_start_appeal, fits=_is_first, partial="appeal",
)  # fmt: skip
def appeal(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    checked = files.check_uploads(said["brief_files"])
    kind = AppealKind[required(said["recurso"] in AppealKind.__members__ and said["recurso"], N_("Choose which appeal it is."), "recurso")]
    text = required(said["recurso_text"].strip(), N_("Write what the petitioner says."), "recurso_text")
    brief = appeals.Brief(
        kind,
        AppealedAct[required(said["appealed_act"], N_("Choose what the answer decided on."), "appealed_act")],
        required(said["on"], NO_DATE, "on"),
        said["invoice_on"],
        said["is_undisputed_paid"],
    )
    channel = session.get(Channel, said["channel"]) if said["channel"] else None
    channel = required(channel, N_("Choose the channel."), "channel")
    child = appeals.file_appeal(session, appeals.filing_against(session, pqr, kind, channel, text), brief, **who)
    for item in checked:
        files.store_file(session, item, pqr=child, visibility=Visibility.CITIZEN)
    messages.tell_filed(session, child, who["at"])
    _tell(child)


def _tell(child: Pqr) -> None:
    """Say the number of the appeal, and what was found against it."""
    flash(_("The appeal is the case %(number)s. Give the petitioner its receipt: it carries the key.", number=child.number), "success")
    reasons = child.appeal.reasons if child.appeal else []
    if reasons:
        found = "; ".join(f"{_(Inadmissibility[name].value)} ({NORM_OF[Inadmissibility[name]]})" for name in reasons)
        flash(_("Found against it: %(reasons)s. It is filed all the same, and its decision says so.", reasons=found), "warning")


# ── Superservicios ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_made(pqr: Pqr) -> bool:
    return pqr.appeal is not None and pqr.appeal.sspd_file_id is not None and pqr.appeal.sspd_sent_on is None and may_go_to_sspd(pqr)


def _name_transfer(_session: Session, _pqr: Pqr, form: Any) -> None:
    form.on.label.text = _("Date on which it was sent")
    form.number.label.text = _("Number that Superservicios gave it")
    form.proof.label.text = _("How it was sent, and how that is proved")
    _need(form, "on", "proof")


@verb(
    Move.SEND_TO_SSPD, "on", "number", "proof", "proof_file",
    help=N_("Write when the file left for Superservicios, with the proof. From then on the file does not change."),
    arrange=_name_transfer, prefill=on_today, fits=_is_made,
)  # fmt: skip
def send_to_sspd(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    stored_proof(session, pqr, said["proof_file"], _("Proof of the transfer to Superservicios"))
    on = required(said["on"], NO_DATE, "on")
    appeals.record_transfer(session, pqr, on=on, proof=said["proof"], number=said["number"], **who)


def _is_sent(pqr: Pqr) -> bool:
    return pqr.appeal is not None and pqr.appeal.sspd_sent_on is not None and pqr.appeal.sspd_result is None


def _name_result(_session: Session, _pqr: Pqr, form: Any) -> None:
    form.on.label.text = _("Date on which the company was told")
    form.result.label.text = _("What Superservicios decided")
    form.result.choices = [("", "—"), *((outcome.name, _(outcome.value)) for outcome in APPEAL_OUTCOMES)]
    form.number.label.text = _("Number of the resolution")
    form.proof_file.label.text = _("The resolution (file)")
    _need(form, "on", "result", "number")


@verb(
    Move.RECORD_RESULT, "on", "result", "number", "proof_file",
    help=N_(
        "It is written beside the decision of the company, and neither that nor the first answer changes. "
        "Both become final on the next day."
    ),
    arrange=_name_result, prefill=on_today, fits=_is_sent,
)  # fmt: skip
def record_result(session: Session, pqr: Pqr, said: Said, who: Who) -> None:
    result = required(said["result"], N_("Choose what Superservicios decided."), "result")
    if result not in Outcome.__members__:
        raise DomainError(N_("Choose what Superservicios decided."), field="result")
    on = required(said["on"], NO_DATE, "on")
    file = stored_proof(session, pqr, said["proof_file"], _("Resolution of Superservicios"))
    appeals.record_result(session, pqr, Outcome[result], on=on, number=said["number"], file=file, **who)
