"""Two valid rows of every table that has a constraint to break: the ground on which `test_constraints.py` breaks them one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session

from app import models as m
from app.domain.campaigns import AlarmEffect, AlarmMeasure, AnswerVia, CallOutcome, CampaignStatus
from app.domain.checklists import ChecklistStatus, Verdict
from app.domain.contracts import Side
from app.domain.controlled import ControlledKind, Phase
from app.domain.deadlines import Regime, TermAct, TermUnit
from app.domain.improvement import CauseWay, EffectMeasure, EffectVerdict, TaskStatus
from app.domain.indicators import Standing
from app.domain.interested import EvidenceSource
from app.domain.interruptions import InterruptionKind
from app.domain.legalmatrix import Compliance
from app.domain.questionnaires import Audience, QuestionKind
from app.domain.quotations import QuotationStatus
from app.domain.reports import Every, ReportFormat, ReportOutcome
from app.domain.risks import BandTone
from app.domain.states import (
    AnswerStatus,
    AppealKind,
    BillingKind,
    BillingStatus,
    ChangeStatus,
    ConsentKind,
    Delivery,
    DocumentKind,
    DocumentType,
    InboundStatus,
    JobStatus,
    MessageStatus,
    Move,
    NoticeMeans,
    OrderKind,
    Outcome,
    PastKind,
    PqrStatus,
    RatingVia,
    ReminderTrigger,
    RequirementKind,
    RunOutcome,
    SilenceGround,
    SuiCodeKind,
    ToldAs,
    Visibility,
)
from app.domain.sui import LoadStatus, SuiFormat, SuiMapKind, SuiRuleKey

AT = datetime(2026, 7, 10, 15, tzinfo=UTC)
ON = date(2026, 7, 10)


def build(session: Session) -> dict[str, list[Any]]:
    """Return two stored rows by table, each valid as it stands; the second never holds what must be unique in the first."""
    rows: dict[str, list[Any]] = {}

    def add(row: Any, *, is_kept: bool = True) -> Any:
        session.add(row)
        session.flush()
        if is_kept:
            rows.setdefault(row.__tablename__, []).append(row)
        return row

    for n in (1, 2):
        _house(add, n)
        _terms(add, n, rows)
        _people(add, n, rows)
        _case(add, n, rows)
        _papers(add, n, rows)
    for n in (1, 2):
        _acts(add, n, rows)
        _field_and_money(add, n, rows)
        _relations(add, n, rows)
        _interested(add, n, rows)
        _quotations(add, n, rows)
        _contracts(add, n, rows)
        _verification(add, n, rows)
        _attention(add, n, rows)
        _outward(add, n, rows)
        _background(add, n, rows)
        _billing(add, n, rows)
        _old_logs(add, n, rows)
        _imports(add, n, rows)
        _campaigns(add, n, rows)
        _answers(add, n, rows)
        _improvement(add, n, rows)
        _system(add, n, rows)
        _risks(add, n, rows)
        _minutes(add, n, rows)
        _reports(add, n, rows)
        _regulator(add, n, rows)
    return rows


def _house(add: Any, n: int) -> None:
    add(m.Municipality(code=f"1100{n}", name="Prueba", department="Prueba"))
    add(m.Organisation(name=f"Empresa {n}", nit=f"89090393{n}", municipality_code="11001", address="Calle 1", email="a@example.com",
                       signatory_name="Ana", signatory_title="Gerente"))  # fmt: skip
    add(m.Process(code=f"P{n}", name=f"Proceso {n}", is_front_desk=n == 1))
    add(m.Channel(code=f"C{n}", name=f"Canal {n}"))
    add(m.Service(code=f"S{n}", name=f"Servicio {n}"))
    add(m.RequestType(code=f"T{n}", name=f"Tipo {n}", plain_name="Pedir"))
    user = User(username=f"u{n}", first_name="U", last_name=str(n), email=f"u{n}@example.com", active=True, password="x")
    add(user)


def _terms(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    add(m.CalendarYear(year=2000 + n, source="prueba", loaded_at=AT))
    add(m.CalendarDay(on=date(2000 + n, 1, 1), year=2000 + n, name="Año nuevo"))
    add(m.LegalTerm(regime=Regime.LEY142, act=TermAct.ANSWER, request_type=f"T{n}", value=15, unit=TermUnit.BUSINESS_DAYS,
                    norm="Ley 142 de 1994, art. 158", valid_from=date(1994, 7, 11)))  # fmt: skip
    service_id = rows["service"][n - 1].id
    add(m.SuiCause(service_id=service_id, group_code="F", code="101", name="Causa", valid_from=date(2019, 1, 1)))
    add(m.SuiCode(kind=SuiCodeKind.PROCEDURE, variant="2019", code=str(n), name="Trámite"))
    add(m.Parameter(key=f"key{n}", value="1"))
    add(m.CalendarChange(at=AT, reason="Día cívico", added=[], removed=[], moved=[]))
    add(m.ChangeLog(at=AT, table_name="pqr", row_id=str(n), action="update", before={}, after={}))
    add(m.SearchDoc(kind="nothing", row_id=n, words="palabra"))
    add(m.NumberSeries(organisation_id=rows["organisation"][n - 1].id, prefix="PQR", year=2026, last=n))
    add(m.RiskProbability(level=n, name=f"Nivel {n}"))
    add(m.RiskImpact(level=n, name=f"Nivel {n}"))
    add(m.RiskBand(least_score=n, name=f"Banda {n}", tone=BandTone.LOW))


def _people(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    user_id = rows["ab_user"][n - 1].id
    add(m.ProcessMember(process_id=rows["process"][n - 1].id, user_id=user_id))
    add(m.SavedFilter(list_name="Pqr", name=f"Mías {n}", query="q=x", owner_id=user_id))
    add(m.ListColumns(list_name="Pqr", user_id=user_id, names="number"))
    party = add(m.Party(name="Luz", document_type=DocumentType.CC, document_number=f"5200{n}"))
    add(m.Account(number=f"A{n}", service_id=rows["service"][n - 1].id, party_id=party.id, address="Calle 2", municipality_code="11001"))
    add(m.ConsentText(kind=ConsentKind.DATA, version=n, text="Acepto", valid_from=ON))


def _case(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A case in the last state but one: notified, with everything that a case can have."""
    term = rows["legal_term"][n - 1]
    process_id = rows["process"][n - 1].id
    pqr = add(
        m.Pqr(
            organisation_id=rows["organisation"][0].id, number=f"PQR-2026-00000{n}", access_key="K", submission=f"s{n}",
            status=PqrStatus.NOTIFIED, request_type_id=rows["request_type"][n - 1].id, regime=Regime.LEY142,
            channel_id=rows["channel"][n - 1].id, party_id=rows["party"][n - 1].id, account_id=rows["account"][n - 1].id,
            service_id=rows["service"][n - 1].id, cause_id=rows["sui_cause"][n - 1].id, subject="Cobro", body="Texto",
            disputed_cop=Decimal(1000), filed_at=AT, filed_on=ON, effective_on=ON, term_id=term.id, term_value=term.value,
            term_unit=term.unit, term_count_from=term.count_from, due_on=date(2026, 8, 3), safe_on=date(2026, 7, 31),
            n_extended=5, extension_term_id=term.id, extension_told_on=ON, source=f"Libro {n}", source_number="17",
            source_due_on=date(2026, 8, 4),
            process_id=process_id, outcome=Outcome.GRANTED, answered_on=date(2026, 7, 20), notified_on=date(2026, 7, 21),
        )
    )  # fmt: skip
    add(m.CaseEvent(pqr_id=pqr.id, at=AT, on=ON, move=Move.FILE, to_status=PqrStatus.RECEIVED, process_id=process_id))
    add(m.Assignment(pqr_id=pqr.id, process_id=process_id, in_at=AT, in_on=ON))
    add(m.Note(pqr_id=pqr.id, body="Nota"))
    add(m.Consent(party_id=pqr.party_id, text_id=rows["consent_text"][n - 1].id, granted_at=AT))


def _papers(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    pqr = rows["pqr"][n - 1]
    file = add(m.StoredFile(storage_key=f"k{n}", name="a.pdf", media_type="application/pdf", n_bytes=10, sha256="0" * 64, pqr_id=pqr.id,
                            visibility=Visibility.STAFF))  # fmt: skip
    document = add(m.Document(kind=DocumentKind.ANSWER, number=f"RES-2026-00000{n}", pqr_id=pqr.id, file_id=file.id, template="answer@1",
                              data={}, issued_at=AT))  # fmt: skip
    add(m.AnswerTemplate(name=f"Plantilla {n}", body="Señora {name}"))
    add(
        m.Answer(pqr_id=pqr.id, status=AnswerStatus.ISSUED, body="Se accede", number=document.number, issued_on=ON, document_id=document.id)
    )
    add(m.Notice(pqr_id=pqr.id, means=NoticeMeans.E_LINK, address="a@example.com", token=f"t{n}", sent_at=AT))
    add(m.OutboxMessage(key=f"receipt:{n}", event="receipt", to_address="a@example.com", subject="Radicado", body="Texto", pqr_id=pqr.id,
                        status=MessageStatus.QUEUED, next_attempt_at=AT, message_id=f"<{n}@example.com>", created_at=AT))  # fmt: skip
    add(m.InboundMessage(message_id=f"<in{n}@example.com>", sha256="0" * 64, received_at=AT, from_address="a@example.com", pqr_id=pqr.id,
                         note_id=rows["note"][n - 1].id, raw_file_id=file.id, status=InboundStatus.NOTED, handled_at=AT,
                         handled_by_id=rows["ab_user"][n - 1].id))  # fmt: skip
    add(m.MessageTemplate(event=f"receipt{n}", language="es", subject="Radicado", body="{number}"))
    add(m.NoticePreference(user_id=rows["ab_user"][n - 1].id, event="routed", delivery=Delivery.DIGEST))
    add(m.MailLanguage(user_id=rows["ab_user"][n - 1].id, language="en"))


def _document(add: Any, n: int, kind: DocumentKind) -> int:
    """Return the id of one more document; each act has its own."""
    file = add(m.StoredFile(storage_key=f"{kind.name}{n}", name="a.pdf", media_type="application/pdf", n_bytes=10, sha256="0" * 64),
               is_kept=False)  # fmt: skip
    return add(m.Document(kind=kind, number=f"{kind.name}-{n}", file_id=file.id, template="act@1", data={}, issued_at=AT), is_kept=False).id


def _acts(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    pqr, other = rows["pqr"][n - 1], rows["pqr"][2 - n]
    rows["notice"][n - 1].paper_id = _document(add, n, DocumentKind.SUMMONS)
    add(m.AnswerPoint(pqr_id=pqr.id, position=n, asked="¿Por qué subió?"))
    add(m.Requirement(pqr_id=pqr.id, kind=RequirementKind.COMPLETION, what="Cédula", issued_on=ON, told_on=ON, told_how="Por teléfono",
                      until_on=date(2026, 8, 10), document_id=_document(add, n, DocumentKind.COMPLETION_REQUEST)))  # fmt: skip
    add(m.Appeal(pqr_id=pqr.id, against_id=other.id, kind=AppealKind.REPOSICION_APELACION, is_timely=True, is_admitted=True, reasons=[]))
    add(m.Silence(pqr_id=pqr.id, ground=SilenceGround.TERM, arisen_on=ON, recognise_by=date(2026, 7, 13), recognised_on=ON, grants="Todo",
                  document_id=_document(add, n, DocumentKind.RECOGNITION)))  # fmt: skip


def _field_and_money(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    of = {"organisation_id": rows["organisation"][0].id, "account_id": rows["account"][n - 1].id, "pqr_id": rows["pqr"][n - 1].id}
    order = add(m.FieldOrder(**of, kind=OrderKind.SUSPENSION, number=f"AS-2026-00000{n}", issued_on=ON, submission=f"o{n}",
                             document_id=_document(add, n, DocumentKind.SUSPENSION),
                             acta_id=_document(add, n, DocumentKind.CUT)))  # fmt: skip
    add(m.OrderFile(order_id=order.id, file_id=rows["stored_file"][n - 1].id))
    financing = add(m.Financing(**of, number=f"FIN-2026-00000{n}", party_id=rows["party"][n - 1].id, debt_cop=100, down_cop=10,
                                n_instalments=1, agreed_on=ON, first_due_on=ON,
                                document_id=_document(add, n, DocumentKind.FINANCING)))  # fmt: skip
    add(m.Instalment(financing_id=financing.id, n=1, due_on=ON, principal_cop=90, interest_cop=1, payment_cop=91, balance_cop=0))
    line = m.InvoiceChangeLine(position=1, concept="Consumo", before_cop=100, after_cop=50)  # an authorised one gets no more
    add(m.InvoiceChange(**of, number=f"CF-2026-00000{n}", invoice_number="F1", period="2026-06", reason="Lectura",
                        status=ChangeStatus.AUTHORISED, authorised_by_id=rows["ab_user"][n - 1].id, authorised_on=ON, lines=[line],
                        document_id=_document(add, n, DocumentKind.INVOICE_CHANGE)))  # fmt: skip
    add(line)


def _relations(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """Somebody to speak to at a party, a group that it belongs to, and an action about it."""
    party_id = rows["party"][n - 1].id
    groups = rows.get("interest_group", [])
    group = groups[n - 1] if len(groups) >= n else add(m.InterestGroup(code=f"G{n}", name=f"Grupo {n}"))
    add(m.PartyContact(party_id=party_id, name="Nidia", email="nidia@example.com", is_main=True))
    add(m.PartyGroup(party_id=party_id, group_id=group.id))
    add(m.Action(organisation_id=rows["organisation"][0].id, number=f"AC-2026-000{n}", party_id=party_id, title="Calibrar", asked_on=ON,
                 process_id=rows["process"][n - 1].id, due_on=date(2026, 8, 10)))  # fmt: skip


def _quotations(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A quotation that waits for its answer. Its version is not marked as sent: then no trigger is in front of the constraints."""
    quotation = add(m.Quotation(organisation_id=rows["organisation"][0].id, number=f"COT-2026-000{n}", status=QuotationStatus.SENT,
                                party_id=rows["party"][n - 1].id, subject="Agua", requested_on=date(2026, 7, 1), first_sent_on=ON,
                                sent_on=ON, valid_until=date(2026, 8, 9), total_cop=Decimal(119)))  # fmt: skip
    version = add(m.QuotationVersion(quotation_id=quotation.id, number=1, subtotal_cop=Decimal(100), vat_cop=Decimal(19),
                                     total_cop=Decimal(119), document_id=_document(add, n, DocumentKind.QUOTATION)))  # fmt: skip
    add(m.QuotationLine(version_id=version.id, position=1, description="Agua", quantity=Decimal(1), unit="m³",
                        unit_price_cop=Decimal(100), subtotal_cop=Decimal(100)))  # fmt: skip
    add(m.QuotationFollowUp(quotation_id=quotation.id, on=ON, note="Llamó", next_on=date(2026, 7, 17)))
    add(m.CommercialEvent(quotation_id=quotation.id, at=AT, move="SEND", facts={}))


def _contracts(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A contract being prepared, so that no trigger is in front of the constraints, with a part of every kind; the first was quoted."""
    kind = add(m.ContractKind(code=f"K{n}", name=f"Clase {n}"))
    template = add(m.RequirementTemplate(name=f"Plantilla {n}", kind_id=kind.id))
    add(m.RequirementItem(template_id=template.id, position=1, text="Póliza vigente"))
    contract = add(m.Contract(organisation_id=rows["organisation"][0].id, number=f"CTO-2026-000{n}", kind_id=kind.id, object="Agua",
                              party_id=rows["party"][0].id, quotation_id=rows["quotation"][0].id if n == 1 else None, starts_on=ON,
                              ends_on=date(2027, 7, 9), value_cop=Decimal(119)))  # fmt: skip
    add(m.ContractSignatory(contract_id=contract.id, side=Side.THEIRS, name="Nidia"))
    amendment = add(m.Amendment(contract_id=contract.id, number=1, reason="Se prorroga", effective_on=ON))
    required = add(m.ContractRequirement(contract_id=contract.id, position=1, text="Póliza vigente", amendment_id=amendment.id))
    add(m.AmendmentEnding(amendment_id=amendment.id, requirement_id=required.id))
    span = {"contract_id": contract.id, "insurer": "Aseguradora", "insured_cop": Decimal(10), "starts_on": ON, "ends_on": ON}
    later = add(m.Guarantee(policy=f"P-2{n}", **span), is_kept=False)
    add(m.Guarantee(policy=f"P-1{n}", replaced_by_id=later.id, **span))
    stored = add(m.StoredFile(storage_key=f"contrato{n}", name="a.pdf", media_type="application/pdf", n_bytes=1, sha256="0" * 64),
                 is_kept=False)  # fmt: skip
    add(m.ContractFile(contract_id=contract.id, file_id=stored.id))


def _verification(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A checklist that somebody signed and nobody approved, so that no trigger is in front of the constraints, with evidence."""
    user_id = rows["ab_user"][n - 1].id
    checklist = add(m.Checklist(organisation_id=rows["organisation"][0].id, number=f"LVC-2026-000{n}", year=2026, due_on=date(2026, 8, 9),
                                contract_id=rows["contract"][n - 1].id, status=ChecklistStatus.SUBMITTED, period_from=date(2025, 7, 10),
                                period_until=date(2026, 7, 9), opened_on=ON, n_items=1, n_met=1, compliance=Decimal(100),
                                signed_by_id=user_id, signed_at=AT, document_id=_document(add, n, DocumentKind.CHECKLIST)))  # fmt: skip
    item = add(m.ChecklistItem(checklist_id=checklist.id, requirement_id=rows["contract_requirement"][n - 1].id, position=1,
                               verdict=Verdict.MET, verified_at=AT, action_id=rows["action"][n - 1].id))  # fmt: skip
    stored = add(m.StoredFile(storage_key=f"prueba{n}", name="a.pdf", media_type="application/pdf", n_bytes=1, sha256="0" * 64),
                 is_kept=False)  # fmt: skip
    add(m.ChecklistFile(item_id=item.id, file_id=stored.id, withdrawn_at=AT, withdrawn_by_id=user_id))


def _interested(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A need of a group, its follow-up, and a record that shows it."""
    group_id = rows["party_group"][n - 1].group_id
    stored = add(m.StoredFile(storage_key=f"acta{n}", name="a.pdf", media_type="application/pdf", n_bytes=1, sha256="0" * 64),
                 is_kept=False)  # fmt: skip
    mechanism = add(m.Mechanism(group_id=group_id, name="Encuesta", months=6, starts_on=ON, last_on=ON, next_on=date(2027, 1, 10)))
    add(m.Need(group_id=group_id, text="Agua apta", mechanism_id=mechanism.id))
    add(m.Evidence(mechanism_id=mechanism.id, on=ON, source=EvidenceSource.SURVEY, source_key="2026-07", title="Una encuesta",
                   file_id=stored.id))  # fmt: skip


def _attention(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    first, second = (user.id for user in rows["ab_user"])
    add(m.MassEvent(name=f"Daño {n}", since_on=ON, what="Se rompió un tubo"))
    add(m.Rating(pqr_id=rows["pqr"][n - 1].id, rated_at=AT, rated_on=ON, score=4, via=RatingVia.LINK))
    add(m.Signature(user_id=rows["ab_user"][n - 1].id, image=b"x", media_type="image/png"))
    add(m.Leave(user_id=first, substitute_id=second, starts_on=ON, ends_on=ON))
    rule = add(m.ReminderRule(code=f"R{n}", name=f"Regla {n}", source="CASE", trigger=ReminderTrigger.AT_PERCENT, value=50))
    add(m.Reminder(rule_id=rule.id, row_key=f"PQR-{n}", step="2026-07-10", user_id=first, told_as=ToldAs.OWNER, told_at=AT))


def _background(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A work that runs, with the file of an earlier one; a run of a task that is over; a worker."""
    stored = add(m.StoredFile(storage_key=f"obra{n}", name="a.csv", media_type="text/csv", n_bytes=1, sha256="0" * 64), is_kept=False)
    user_id = rows["ab_user"][n - 1].id
    add(m.Job(kind="test", title="Obra", status=JobStatus.RUNNING, lease_until=AT, started_at=AT, n_attempts=1, created_at=AT,
              asked_by_id=user_id, result_file_id=stored.id))  # fmt: skip
    add(m.JobRun(task="sweep", due_at=datetime(2026, 7, 10, n, tzinfo=UTC), started_at=AT, ended_at=AT, outcome=RunOutcome.DONE,
                 asked_by_id=user_id))  # fmt: skip
    add(m.WorkerBeat(worker=f"w{n}", host="h", started_at=AT, seen_at=AT))


def _outward(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """Another program that is told of the case, and the calendar of a person."""
    hook = add(m.Webhook(name=f"Tablero {n}", url="https://tablero.example.com/", secret="whsec_x", events="case.filed"))
    add(m.WebhookDelivery(webhook_id=hook.id, key=f"PQR-{n}", event="case.filed", payload="{}", pqr_id=rows["pqr"][n - 1].id,
                          next_attempt_at=AT, created_at=AT))  # fmt: skip
    add(m.CalendarFeed(user_id=rows["ab_user"][n - 1].id, token_hash=str(n) * 64, created_at=AT))


def _billing(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A batch with an invoice change that was billed, the answer that said so, and a column."""
    job = add(m.Job(kind="billing", title="Lote", created_at=AT), is_kept=False)
    of = {"name": "a.zip", "media_type": "application/zip", "n_bytes": 10, "sha256": "0" * 64}
    files = [add(m.StoredFile(storage_key=f"lote{n}{which}", **of), is_kept=False) for which in "ab"]
    batch = add(m.BillingBatch(organisation_id=rows["organisation"][0].id, number=f"FAC-2026-00000{n}", made_at=AT, n_items=3,
                               file_id=files[0].id, job_id=job.id))  # fmt: skip
    reply = add(m.BillingReply(file_id=files[1].id, applied_at=AT, n_lines=1, n_billed=1))
    change = rows["invoice_change"][n - 1]
    add(m.BillingItem(batch_id=batch.id, position=n, kind=BillingKind.INVOICE_CHANGE, number=change.number, pqr_id=change.pqr_id,
                      change_id=change.id, status=BillingStatus.BILLED, result_on=ON, reply_id=reply.id))  # fmt: skip
    add(m.BillingColumn(kind=BillingKind.FINANCING, position=n, header=f"orden {n}", field="key"))


def _old_logs(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A row of an old log that cannot be true, and waits."""
    file = add(m.StoredFile(storage_key=f"libro{n}", name="a.csv", media_type="text/csv", n_bytes=1, sha256="0" * 64), is_kept=False)
    batch = add(m.ImportBatch(kind="cases", source=f"Libro {n}", file_id=file.id, file_name="a.csv"), is_kept=False)
    add(m.QualityIssue(import_id=batch.id, row_number=2, code="REPEATED", text="Otra vez", source=f"Libro {n}", source_number="17",
                       pqr_id=rows["pqr"][n - 1].id))  # fmt: skip


def _imports(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A file that came in with its errors, what its header meant, and a row of each register that such files fill."""
    of = {"media_type": "text/csv", "n_bytes": 1, "sha256": "0" * 64}
    files = [add(m.StoredFile(storage_key=f"entra{n}{which}", name="a.csv", **of), is_kept=False) for which in "ab"]
    job = add(m.Job(kind="import", title="Importación", created_at=AT), is_kept=False)
    batch = add(m.ImportBatch(kind="accounts", source="HASSQL", file_id=files[0].id, file_name="a.csv", job_id=job.id,
                              error_file_id=files[1].id))  # fmt: skip
    add(m.ImportMapping(kind="accounts", fingerprint=str(n) * 40, columns={"0": "number"}, used_at=AT))
    account_id, party_id = rows["account"][n - 1].id, rows["party"][n - 1].id
    add(m.Invoice(account_id=account_id, number="F-1", period="2026-07", issued_on=ON, delivered_on=ON, due_on=ON,
                  amount_cop=Decimal(87450), consumption=Decimal("14.5")))  # fmt: skip
    add(m.MarketClaim(source="SUI", year=2020 + n, place="BARANOA", municipality_code=rows["municipality"][n - 1].code, procedure="QUEJA",
                      cause="Promedio", n_claims=7))  # fmt: skip
    add(m.PastRecord(kind=PastKind.SURVEY, source="Encuesta", source_number=f"R{n}", on=ON, party_id=party_id,
                     import_id=batch.id))  # fmt: skip


def _campaigns(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A form being written and a campaign that takes answers, so that no trigger is in front of the constraints; somebody is asked."""
    form = add(m.Questionnaire(code=f"R{n}", name=f"Encuesta {n}", audience=Audience.USERS))
    version = add(m.QuestionnaireVersion(questionnaire_id=form.id, number=1))
    section = add(m.QuestionnaireSection(version_id=version.id, position=1, title_es="El servicio"))
    of = {"version_id": version.id, "section_id": section.id}
    add(m.Question(**of, position=1, code="p01", kind=QuestionKind.SCALE5, text_es="¿Cómo es la presión?"))
    listed = add(m.Question(**of, position=2, code="p02", kind=QuestionKind.ONE, text_es="¿Por qué?"), is_kept=False)
    add(m.QuestionOption(question_id=listed.id, version_id=version.id, position=1, code="a", text_es="Por la hora"))
    add(m.SurveyThreshold(questionnaire_id=form.id, question_code="p01", measure=AlarmMeasure.ANSWER, at_most=Decimal(2),
                          effect=AlarmEffect.CONTACT, process_id=rows["process"][n - 1].id))  # fmt: skip
    user_id, party_id = rows["ab_user"][n - 1].id, rows["party"][n - 1].id
    campaign = add(m.SurveyCampaign(organisation_id=rows["organisation"][0].id, number=f"ENC-2026-000{n}", name="Encuesta anual",
                                    questionnaire_id=form.id, version_id=version.id, status=CampaignStatus.OPEN, audience=Audience.USERS,
                                    period_from=date(2026, 1, 1), period_until=date(2026, 6, 30), opens_on=ON, closes_on=date(2026, 8, 9),
                                    population=100, sample_size=80, public_code=f"codigo{n}", confirmed_at=AT, confirmed_by_id=user_id,
                                    document_id=_document(add, n, DocumentKind.SURVEY_REPORT)))  # fmt: skip
    quota = add(m.SurveyQuota(campaign_id=campaign.id, key="Norte||", zone="Norte", population=100, target=80))
    invitee = add(m.SurveyInvitee(campaign_id=campaign.id, key=f"party:{party_id}", party_id=party_id, quota_id=quota.id, name="Luz",
                                  account_id=rows["account"][n - 1].id, email="luz@example.com", phone="+573001234567"))  # fmt: skip
    add(m.SurveyCall(invitee_id=invitee.id, at=AT, user_id=user_id, outcome=CallOutcome.NO_ANSWER))
    add(m.SurveyOptOut(party_id=party_id, since_at=AT, via=AnswerVia.PHONE))


def _answers(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A half-filled response that came from a file, with an answer, what it speaks of, and the alarm that it set off."""
    campaign = rows["survey_campaign"][n - 1]
    response = add(m.SurveyResponse(campaign_id=campaign.id, invitee_id=rows["survey_invitee"][n - 1].id, via=AnswerVia.IMPORT,
                                    started_at=AT, answered_on=ON, source="Excel", source_number=f"R{n}"))  # fmt: skip
    answer = add(m.SurveyAnswer(response_id=response.id, question_id=rows["question"][n - 1].id, kind=QuestionKind.SCALE5, score=2,
                                value=2))  # fmt: skip
    tag = add(m.SurveyTag(name=f"Presión {n}"))
    add(m.SurveyAnswerTag(answer_id=answer.id, tag_id=tag.id))
    add(m.SurveyAlarm(threshold_id=rows["survey_threshold"][n - 1].id, campaign_id=campaign.id, response_id=response.id,
                      effect=AlarmEffect.CONTACT, what="Calificó con 2 la presión", raised_on=ON, due_on=date(2026, 7, 25)))  # fmt: skip


def _file(add: Any, key: str) -> int:
    """Return the id of one more stored file."""
    of = {"name": "a.pdf", "media_type": "application/pdf", "n_bytes": 1, "sha256": "0" * 64}
    return add(m.StoredFile(storage_key=key, **of), is_kept=False).id


def _improvement(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """An action that is open though its only task ended, so that no trigger is in front of the constraints; an output, its review."""
    action_id = rows["action"][n - 1].id
    add(m.ActionCause(action_id=action_id, way=CauseWay.WHY, position=1, text="Nadie lo revisa"))
    task = add(m.ActionTask(action_id=action_id, position=1, what="Revisar", due_on=ON, status=TaskStatus.DONE, ended_on=ON, said="Acta 1"))
    add(m.ActionFile(action_id=action_id, task_id=task.id, file_id=_file(add, f"soporte{n}"), withdrawn_at=AT,
                     withdrawn_by_id=rows["ab_user"][n - 1].id))  # fmt: skip
    add(m.ActionReview(action_id=action_id, round=1, measure=EffectMeasure.CAUSE, measure_key="101", goal=Decimal(30),
                       before_from=date(2026, 1, 1), before_until=date(2026, 3, 31), before_n=Decimal(24), before_of=Decimal(1000),
                       after_from=date(2026, 4, 1), after_until=date(2026, 6, 30), after_n=Decimal(6), after_of=Decimal(1000),
                       verdict=EffectVerdict.EFFECTIVE, reason="Bajaron", reviewed_on=ON))  # fmt: skip
    add(m.ActionEvent(action_id=action_id, at=AT, move="PLAN"))
    add(m.Nonconformity(organisation_id=rows["organisation"][0].id, number=f"SNC-2026-000{n}", found_on=ON, what="Factura errada",
                        process_id=rows["process"][n - 1].id))  # fmt: skip


def _risks(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A risk that its control lowers, and how it moved."""
    risk = add(m.Risk(organisation_id=rows["organisation"][0].id, number=f"RG-2026-000{n}", process_id=rows["process"][n - 1].id,
                      cause="Pocas manos", event="Silencio", consequence="Sanción", probability=2, impact=2, residual_probability=1,
                      residual_impact=2, identified_on=ON, review_on=date(2026, 12, 1)))  # fmt: skip
    add(m.RiskControl(risk_id=risk.id, text="Alarmas", lowers_probability=1))
    add(m.RiskMove(risk_id=risk.id, at=AT, move="ADD", reason="Se identificó", probability=2, impact=2, residual_probability=1,
                   residual_impact=2))  # fmt: skip


def _system(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A row of the legal matrix, an indicator with a value that nobody reported, a document being written, the sheet of a process."""
    process_id = rows["process"][n - 1].id
    asked = add(m.LegalRequirement(norm=f"Ley {n} de 1994", articles="158", obligation="Responder", process_id=process_id))
    add(m.LegalEvaluation(requirement_id=asked.id, on=ON, result=Compliance.COMPLIES, evidence="Informe", file_id=_file(add, f"eval{n}")))
    add(m.LegalRest(requirement_id=asked.id, legal_term_id=rows["legal_term"][n - 1].id))
    indicator = add(m.Indicator(code=f"IND-{n}", name=f"Indicador {n}", formula="a / b", unit="%", goal=Decimal(95), fair=Decimal(90),
                                starts_on=date(2026, 1, 1)))  # fmt: skip
    value = add(m.IndicatorValue(indicator_id=indicator.id, period_from=date(2026, 6, 1), period_until=date(2026, 6, 30),
                                 numerator=Decimal(9), denominator=Decimal(10), value=Decimal(90), standing=Standing.FAIR))  # fmt: skip
    add(m.IndicatorNote(value_id=value.id, at=AT, reason="Se revisó"))
    document = add(m.ControlledDocument(code=f"C10-0{n}", name="Caracterización", kind=ControlledKind.CHARACTERISATION))
    add(m.ControlledPrint(document_id=document.id, key=f"hoja{n}"))
    add(m.DocumentEdition(document_id=document.id, version="1", changed_on=ON, change="Primera", file_id=_file(add, f"edicion{n}")))
    sheet = add(m.ProcessSheet(process_id=process_id, document_id=document.id))
    row = add(m.ProcessSheetRow(sheet_id=sheet.id, position=1, phase=Phase.PLAN))
    add(m.ProcessActivity(row_id=row.id, position=1, text="Planear"))


def _minutes(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A management review that nobody signed, with a decision."""
    review = add(m.ManagementReview(organisation_id=rows["organisation"][0].id, number=f"RD-2026-000{n}", held_on=ON,
                                    period_from=date(2026, 1, 1), period_until=date(2026, 6, 30)))  # fmt: skip
    add(m.ReviewDecision(review_id=review.id, position=1, text="Contratar", process_id=rows["process"][n - 1].id,
                         due_on=date(2026, 12, 1)))  # fmt: skip


def _reports(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """A report that leaves every working day, whom it goes to, and one making of it that ended with a file."""
    user_id = rows["ab_user"][n - 1].id
    add(m.ReportFavourite(user_id=user_id, report="response_times"))
    schedule = add(m.ReportSchedule(name=f"Diario {n}", report="response_times", format=ReportFormat.XLSX, every=Every.DAY,
                                    owner_id=user_id, next_at=AT))  # fmt: skip
    add(m.ReportRecipient(schedule_id=schedule.id, user_id=user_id))
    add(m.ReportRun(report="response_times", format=ReportFormat.XLSX, user_id=user_id, schedule_id=schedule.id, due_at=AT,
                    job_id=rows["job"][n - 1].id, started_at=AT, ended_at=AT, outcome=ReportOutcome.DONE, n_rows=3, n_bytes=1,
                    file_id=_file(add, f"informe{n}")))  # fmt: skip


def _regulator(add: Any, n: int, rows: dict[str, list[Any]]) -> None:
    """How the regulator's files are written, an interruption with its notice, a month that was frozen and told."""
    service_id = rows["service"][n - 1].id
    add(m.SuiColumn(format=SuiFormat.CLAIMS, position=n, heading="Radicado", field="number"))
    add(m.SuiRule(key=SuiRuleKey.PROCEDURES, service_id=service_id, value="1,2", valid_from=ON))
    add(m.SuiMap(kind=SuiMapKind.ANSWER_OF_OUTCOME, member="GRANTED", service_id=service_id, code="1", valid_from=ON))
    cause = add(m.InterruptionCause(code=f"CAUSA{n}", name=f"Causa {n}"))
    add(m.Interruption(number=f"INT-2026-000{n}", kind=InterruptionKind.PLANNED, cause_id=cause.id, service_id=service_id,
                       municipality_code="11001", sector="Centro", zones=["Centro"], what="Lavado de tanques", starts_at=AT, starts_on=ON,
                       notice_on=date(2026, 7, 8), notice_means="Radio", notice_file_id=_file(add, f"aviso{n}"),
                       mass_event_id=rows["mass_event"][n - 1].id))  # fmt: skip
    load = add(m.SuiLoad(format=SuiFormat.CLAIMS, service_id=service_id, month=date(2026, 6, 1), status=LoadStatus.SENT, n_rows=1,
                         sha256="0" * 64, file_id=_file(add, f"sui{n}"), frozen_at=AT, sent_on=ON, receipt=f"R-{n}",
                         receipt_file_id=_file(add, f"recibo{n}")))  # fmt: skip
    add(m.SuiLoadRow(load_id=load.id, position=1, pqr_id=rows["pqr"][n - 1].id, cells=["1"]))
