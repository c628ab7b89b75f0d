"""
What the tables refuse, whoever writes to them.

Each row of `BROKEN` breaks one CHECK of an otherwise valid row, and the database has to refuse it by that name, on both engines.
Enums, unique keys and foreign keys are broken from the models themselves, one by one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Enum, Table, UniqueConstraint, inspect, literal_column, text, update
from sqlalchemy.exc import IntegrityError

import app.models
from app.domain.campaigns import AlarmEffect, AlarmMeasure, AlarmStatus, AnswerVia, CallOutcome, CampaignStatus, ResponseStatus
from app.domain.checklists import ChecklistStatus, Verdict
from app.domain.contracts import AmendmentStatus, ContractStage
from app.domain.controlled import EditionStatus
from app.domain.deadlines import CountFrom, TermAct, TermUnit
from app.domain.improvement import (
    ActionKind,
    ActionStatus,
    CauseCategory,
    CauseWay,
    Disposition,
    EffectMeasure,
    EffectVerdict,
    NonconformityStatus,
    TaskStatus,
)
from app.domain.indicators import Direction, Standing
from app.domain.interested import EvidenceSource
from app.domain.legalmatrix import Compliance
from app.domain.managementreview import ReviewStatus
from app.domain.questionnaires import ConditionOp, QuestionKind, VersionStatus
from app.domain.quotations import LossReason, QuotationStatus
from app.domain.reports import Every, ReportOutcome
from app.domain.states import (
    AppealKind,
    BillingKind,
    BillingStatus,
    ChangeStatus,
    DocumentType,
    FinancingStatus,
    Identity,
    InboundStatus,
    IssueStatus,
    JobStatus,
    MessageStatus,
    Move,
    NoticeMeans,
    NoticeResult,
    OrderKind,
    OrderStatus,
    Outcome,
    PqrStatus,
    ReminderTrigger,
    RunOutcome,
)
from app.domain.sui import LoadStatus
from tests.db import world

TABLES = {table.name: table for table in Model.metadata.sorted_tables if not table.name.startswith("ab_")}
BEFORE, LATER = date(2026, 7, 1), date(2026, 12, 1)
EARLIER_AT = datetime(2020, 1, 1, tzinfo=UTC)

RUNNING = {"status": PqrStatus.ROUTED, "answered_on": None, "notified_on": None}
STOPPED = {"status": PqrStatus.EVIDENCE, "answered_on": None, "notified_on": None, "due_on": None, "safe_on": None}
IN_PERSON = {"means": NoticeMeans.IN_PERSON, "token": None, "result": NoticeResult.APPEARED, "served_on": LATER, "proof": "Recibió Luz"}
OPENED = {"opened_at": world.AT, "served_on": LATER, "result": NoticeResult.DELIVERED}
POSTED = {"means": NoticeMeans.AVISO_POSTED, "token": None, "posted_on": BEFORE, "unposted_on": LATER}
UNAUTHORISED = {"status": ChangeStatus.DRAFT, "authorised_by_id": None, "authorised_on": None, "document_id": None}
SENT = {"sspd_sent_on": LATER, "sspd_proof": "Guía 1"}
SIGNED = {"stage": ContractStage.SIGNED, "signed_on": world.ON}
REJECTED = {"status": BillingStatus.REJECTED, "result_text": "Período cerrado"}
CONDITION = {"condition_op": ConditionOp.IS, "condition_value": "1"}
UNCONFIRMED = {"confirmed_at": None, "confirmed_by_id": None}
SOME_USER, SOME_ACTION, SOME_OUTPUT, SOME_DOCUMENT = (
    literal_column(f"(SELECT min(id) FROM {table})") for table in ("ab_user", "action", "nonconformity", "document")
)
PLANNED = {"status": ActionStatus.PLANNED, "cause": "Nadie lo revisa", "measure": EffectMeasure.JUDGED, "window_days": 30,
           "review_on": LATER}  # fmt: skip
EFFECTIVE = PLANNED | {"status": ActionStatus.DONE, "ended_on": LATER, "result": "Hecho", "verdict": EffectVerdict.EFFECTIVE}
TREATED = {"status": NonconformityStatus.TREATED, "disposition": Disposition.CORRECT, "treatment": "Se corrigió", "treated_on": LATER,
           "authorised_by_id": SOME_USER}  # fmt: skip
VERIFIED = TREATED | {"status": NonconformityStatus.CLOSED, "verification": "Se revisó", "verified_on": LATER, "verified_by_id": SOME_USER,
                      "no_action_reason": "No se repite"}  # fmt: skip
IN_FORCE = {"status": EditionStatus.IN_FORCE, "in_force_on": world.ON, "is_of_before": True}
MINUTES = {"status": ReviewStatus.SIGNED, "signed_at": world.AT, "signed_by_id": SOME_USER, "attendees": "Ana", "conclusion": "Conviene",
           "document_id": SOME_DOCUMENT}  # fmt: skip

#: (table, CHECK, what breaks it): every other column keeps a valid value.
BROKEN: list[tuple[str, str, dict[str, Any]]] = [
    ("municipality", "code_has_five_digits", {"code": "5001"}),
    ("organisation", "working_week_not_empty", {"working_week": ""}),
    ("organisation", "opens_before_closes", {"opens_at": literal_column("'17:00:00'"), "closes_at": literal_column("'08:00:00'")}),
    ("process", "front_desk_is_active", {"is_active": False}),
    ("process_member", "from_before_until", {"valid_from": LATER, "valid_until": BEFORE}),
    ("request_type", "internal_days_positive", {"internal_days": 0}),
    ("reminder_rule", "value_not_negative", {"value": -1, "trigger": ReminderTrigger.OVERDUE}),
    ("reminder_rule", "percentage_1_to_100", {"value": 101}),
    ("reminder_rule", "tells_somebody", {"to_owner": False, "to_substitute": False, "to_chief": False}),
    ("reminder_rule", "late_by_a_day_or_more", {"trigger": ReminderTrigger.DAYS_LATE, "value": 0}),
    ("reminder", "step_not_empty", {"step": ""}),
    ("reminder", "covered_not_negative", {"n_covered": -1}),
    ("sui_cause", "group_known", {"group_code": "Z"}),
    ("sui_cause", "from_before_until", {"valid_from": LATER, "valid_until": BEFORE}),
    ("saved_filter", "name_not_empty", {"name": ""}),
    ("number_series", "last_not_negative", {"last": -1}),
    ("legal_term", "from_before_until", {"valid_from": LATER, "valid_until": BEFORE}),
    ("legal_term", "answer_names_its_type", {"request_type": None}),
    ("party", "document_whole", {"document_number": None}),
    ("party", "document_whole", {"document_type": None}),
    ("party", "nit_with_check_digit", {"document_type": DocumentType.NIT, "document_number": "8909039"}),
    ("account", "stratum_1_to_6", {"stratum": 0}),
    ("account", "stratum_1_to_6", {"stratum": 7}),
    ("consent", "granted_before_withdrawn", {"withdrawn_at": EARLIER_AT}),
    ("consent", "of_somebody", {"party_id": None}),
    ("pqr", "party_unless_anonymous", {"party_id": None}),
    ("pqr", "party_unless_anonymous", {"identity": Identity.ANONYMOUS}),
    ("pqr", "e_notice_has_address", {"is_e_notice": True, "notice_email": None}),
    ("pqr", "priority_has_reason", {"is_priority": True, "priority_reason": ""}),
    ("pqr", "priority_has_reason", {"is_priority": True, "priority_reason": None}),
    ("pqr", "disputed_not_negative", {"disputed_cop": -1}),
    ("pqr", "effective_not_before_filed", {"effective_on": BEFORE}),
    ("pqr", "source_whole", {"source_number": None}),
    ("pqr", "foreign_due_has_source", {"source": None, "source_number": None}),
    ("import_batch", "counts_not_negative", {"n_bad": -1}),
    ("import_batch", "header_not_negative", {"header_row": -1}),
    ("invoice", "period_is_a_month", {"period": "2026-7"}),
    ("invoice", "issued_before_delivered", {"delivered_on": BEFORE}),
    ("market_claim", "claims_not_negative", {"n_claims": -1}),
    ("market_claim", "year_plausible", {"year": 1900}),
    ("past_record", "comes_from_somewhere", {"source": ""}),
    ("quality_issue", "row_number_positive", {"row_number": 0}),
    ("quality_issue", "settled_iff_not_open", {"settled_at": world.AT}),
    ("quality_issue", "ignored_says_why", {"status": IssueStatus.IGNORED, "settled_at": world.AT}),
    ("pqr", "due_not_before_effective", {"due_on": BEFORE, "safe_on": BEFORE}),
    ("pqr", "due_with_safe", {"safe_on": None}),
    ("pqr", "due_with_safe", {**STOPPED, "safe_on": LATER}),
    ("pqr", "safe_not_after_due", {"safe_on": LATER}),
    ("pqr", "no_due_while_stopped", {**STOPPED, "due_on": LATER, "safe_on": LATER}),
    ("pqr", "due_while_running", {**RUNNING, "due_on": None, "safe_on": None}),
    ("pqr", "due_while_running", {"due_on": None, "safe_on": None}),
    ("pqr", "answered_on_iff_answered", {**RUNNING, "answered_on": LATER}),
    ("pqr", "answered_on_iff_answered", {"answered_on": None}),
    ("pqr", "notified_on_iff_notified", {"notified_on": None}),
    ("pqr", "notified_on_iff_notified", {"status": PqrStatus.ANSWERED}),
    ("pqr", "closed_on_iff_final", {"status": PqrStatus.CLOSED}),
    ("pqr", "closed_on_iff_final", {"closed_on": LATER}),
    ("pqr", "answered_not_before_filed", {"answered_on": BEFORE}),
    ("pqr", "notified_not_before_answered", {"notified_on": world.ON}),
    ("pqr", "solved_has_outcome", {"outcome": None}),
    ("pqr", "solved_has_outcome", {**RUNNING, "status": PqrStatus.SOLVED, "outcome": None}),
    ("case_event", "only_filing_has_no_origin", {"from_status": PqrStatus.RECEIVED}),
    ("case_event", "only_filing_has_no_origin", {"move": Move.ROUTE}),
    ("case_event", "clock_known", {"clock": "PAUSED", "reason": "x"}),
    ("case_event", "clock_has_ground", {"clock": "STOPPED", "reason": ""}),
    ("assignment", "in_before_out", {"out_at": EARLIER_AT, "out_on": BEFORE}),
    ("assignment", "out_whole", {"out_on": LATER}),
    ("assignment", "out_whole", {"out_at": world.AT}),
    ("note", "not_empty", {"body": ""}),
    ("stored_file", "not_empty", {"n_bytes": 0}),
    ("stored_file", "sha256_whole", {"sha256": "0" * 63}),
    ("answer", "issued_iff_numbered", {"number": None}),
    ("answer", "issued_iff_numbered", {"issued_on": None}),
    ("answer", "issued_iff_numbered", {"document_id": None}),
    ("answer", "issued_iff_numbered", {"status": literal_column("'DRAFT'")}),
    ("notice", "e_link_has_token", {"token": None}),
    ("notice", "e_link_has_token", {"address": None}),
    ("notice", "e_link_served_when_opened", {"opened_at": world.AT}),
    ("notice", "e_link_served_when_opened", {**OPENED, "opened_at": None}),
    ("notice", "served_was_received", {**OPENED, "result": NoticeResult.PENDING}),
    ("notice", "returned_has_reason", {"result": NoticeResult.RETURNED}),
    ("notice", "returned_has_reason", {"result": NoticeResult.RETURNED, "returned_on": LATER, "return_reason": ""}),
    ("notice", "summons_serves_nothing", {"means": NoticeMeans.SUMMONS, "token": None}),
    ("notice", "posted_has_its_date", {"posted_on": LATER}),
    ("notice", "posted_has_its_date", {**POSTED, "posted_on": None}),
    ("notice", "posted_before_removed", {**POSTED, "posted_on": LATER, "unposted_on": BEFORE}),
    (
        "notice",
        "posted_served_after_removal",
        {**POSTED, "unposted_on": None, "served_on": LATER, "result": NoticeResult.DELIVERED},
    ),
    ("notice", "in_person_has_proof", {**IN_PERSON, "proof": ""}),
    ("notice", "in_person_has_proof", {**IN_PERSON, "served_on": None}),
    ("pqr", "extended_not_negative", {"n_extended": -1, "extension_term_id": None, "extension_told_on": None}),
    ("pqr", "extension_has_its_rule", {"n_extended": 0}),
    ("pqr", "extension_has_its_rule", {"extension_told_on": None}),
    ("answer_point", "asked_not_empty", {"asked": ""}),
    ("requirement", "what_not_empty", {"what": ""}),
    ("requirement", "issued_before_told", {"told_on": BEFORE}),
    ("requirement", "told_has_how", {"told_how": ""}),
    ("requirement", "told_has_its_end", {"until_on": None}),
    ("requirement", "extension_whole", {"extended_on": LATER}),
    ("requirement", "extended_is_later", {"extended_on": LATER, "extended_until": BEFORE}),
    ("requirement", "ending_whole", {"ended_on": LATER}),
    ("appeal", "not_against_itself", {"against_id": literal_column("pqr_id")}),
    ("appeal", "admitted_is_timely", {"is_timely": False}),
    ("appeal", "result_decides_an_appeal", {**SENT, "sspd_result": Outcome.GRANTED, "sspd_result_on": LATER}),
    ("appeal", "only_apelacion_is_sent", {**SENT, "kind": AppealKind.REPOSICION}),
    ("appeal", "sent_has_proof", {**SENT, "sspd_proof": ""}),
    ("appeal", "result_whole", {**SENT, "sspd_result": Outcome.CONFIRMED}),
    ("appeal", "sent_before_result", {"sspd_result": Outcome.CONFIRMED, "sspd_result_on": LATER}),
    ("appeal", "sent_before_result", {**SENT, "sspd_result": Outcome.CONFIRMED, "sspd_result_on": BEFORE}),
    ("silence", "recognised_by_an_act", {"document_id": None}),
    ("silence", "recognised_says_what", {"grants": ""}),
    ("silence", "arisen_before_recognised", {"recognised_on": BEFORE}),
    ("silence", "arisen_before_its_end", {"recognise_by": BEFORE}),
    ("silence", "withdrawn_has_reason", {"withdrawn_reason": "Festivo"}),
    ("silence", "not_withdrawn_once_recognised", {"withdrawn_on": LATER, "withdrawn_reason": "Festivo"}),
    ("mass_event", "since_before_until", {"until_on": BEFORE}),
    ("rating", "score_1_to_5", {"score": 0}),
    ("rating", "score_1_to_5", {"score": 6}),
    ("rating", "link_names_its_case", {"pqr_id": None}),
    ("signature", "picture_known", {"media_type": "image/svg+xml"}),
    ("leave", "somebody_else", {"substitute_id": literal_column("user_id")}),
    ("leave", "start_before_end", {"ends_on": BEFORE}),
    ("field_order", "of_a_case_or_account", {"pqr_id": None, "account_id": None, "kind": OrderKind.WORK_ORDER}),
    ("field_order", "acta_has_account", {"account_id": None}),
    ("field_order", "done_has_result", {"status": OrderStatus.DONE, "done_on": LATER}),
    ("field_order", "done_has_result", {"status": OrderStatus.DONE, "result": {}}),
    ("field_order", "undone_has_reason", {"status": OrderStatus.NOT_DONE}),
    ("field_order", "issued_before_done", {"done_on": BEFORE}),
    ("field_order", "position_whole", {"latitude": 4}),
    ("field_order", "debt_not_negative", {"debt_cop": -1}),
    ("financing", "debt_positive", {"debt_cop": 0, "down_cop": -1}),
    ("financing", "down_below_debt", {"down_cop": 100}),
    ("financing", "instalments_1_to_120", {"n_instalments": 0}),
    ("financing", "rate_is_a_fraction", {"monthly_rate": 1}),
    ("financing", "signed_has_proof", {"status": FinancingStatus.SIGNED}),
    ("financing", "signed_has_proof", {"status": FinancingStatus.SIGNED, "signed_on": LATER, "proof": ""}),
    ("financing", "voided_has_reason", {"status": FinancingStatus.VOIDED}),
    ("financing", "only_signed_is_exported", {"exported_at": world.AT}),
    ("instalment", "payment_adds_up", {"payment_cop": 90}),
    ("instalment", "not_negative", {"interest_cop": -1, "payment_cop": 89}),
    ("invoice_change", "period_is_a_month", {"period": "2026"}),
    ("invoice_change", "has_reason", {"reason": ""}),
    ("invoice_change", "authorised_whole", {"document_id": None}),
    ("invoice_change", "authorised_whole", {"authorised_on": None}),
    ("invoice_change", "two_people", {"created_by_id": literal_column("authorised_by_id")}),
    ("invoice_change", "voided_has_reason", {**UNAUTHORISED, "status": ChangeStatus.VOIDED}),
    ("invoice_change", "only_authorised_is_exported", {**UNAUTHORISED, "exported_at": world.AT}),
    ("invoice_change_line", "changes_something", {"after_cop": 100}),
    ("invoice_change_line", "concept_not_empty", {"concept": ""}),
    ("outbox_message", "sent_at_iff_sent", {"sent_at": world.AT}),
    ("outbox_message", "sent_at_iff_sent", {"status": MessageStatus.SENT}),
    ("outbox_message", "attempts_not_negative", {"n_attempts": -1}),
    ("outbox_message", "digested_names_the_digest", {"status": MessageStatus.DIGESTED, "user_id": 1}),
    ("outbox_message", "digested_names_the_digest", {"digest_id": 1}),
    ("outbox_message", "only_staff_waits_for_a_digest", {"status": MessageStatus.HELD}),
    ("outbox_message", "given_up_has_reason", {"status": MessageStatus.DISCARDED}),
    ("outbox_message", "given_up_has_reason", {"status": MessageStatus.DISCARDED, "last_error": ""}),
    ("inbound_message", "belongs_to_its_case", {"pqr_id": None}),
    ("inbound_message", "noted_has_its_note", {"note_id": None}),
    ("inbound_message", "set_aside_has_ground", {"status": InboundStatus.QUARANTINED}),
    ("inbound_message", "discarded_has_reason", {"status": InboundStatus.DISCARDED, "ground": "SPAM"}),
    ("inbound_message", "sha256_whole", {"sha256": "0"}),
    ("message_template", "says_something", {"subject": ""}),
    ("message_template", "says_something", {"body": ""}),
    ("message_template", "language_known", {"language": "fr"}),
    ("mail_language", "language_known", {"language": "fr"}),
    ("legal_term", "value_positive", {"value": 0}),
    ("billing_batch", "not_empty", {"n_items": 0}),
    ("billing_batch", "answers_fit", {"n_billed": 2, "n_rejected": 2}),
    ("billing_batch", "answers_fit", {"n_rejected": -1}),
    ("billing_item", "kind_names_its_row", {"kind": BillingKind.SOLUTION}),
    ("billing_item", "kind_names_its_row", {"change_id": None}),
    ("mechanism", "frequency_in_months", {"months": 0}),
    ("mechanism", "frequency_in_months", {"months": 61}),
    ("mechanism", "next_after_last", {"next_on": BEFORE}),
    ("mechanism", "active_has_next", {"next_on": None}),
    ("evidence", "found_names_its_record", {"source_key": None}),
    ("evidence", "found_names_its_record", {"source": EvidenceSource.ATTACHED, "note": "Acta"}),
    ("evidence", "attached_says_something", {"source": EvidenceSource.ATTACHED, "source_key": None, "file_id": None}),
    ("party_contact", "can_be_reached", {"email": None}),
    ("party_contact", "main_is_active", {"is_active": False}),
    ("action", "ended_iff_over", {"ended_on": LATER, "result": "Hecho"}),
    ("action", "ended_iff_over", {"status": ActionStatus.CANCELLED, "result": "Hecho"}),
    ("action", "ended_says_how", {"status": ActionStatus.CANCELLED, "ended_on": LATER}),
    ("action", "asked_before_ended", {"status": ActionStatus.CANCELLED, "result": "Hecho", "ended_on": BEFORE}),
    ("action", "plan_has_cause", PLANNED | {"cause": ""}),
    ("action", "plan_has_cause", PLANNED | {"cause": "", "status": ActionStatus.REVIEW}),
    ("action", "plan_says_how_it_is_measured", PLANNED | {"measure": None, "window_days": None}),
    ("action", "plan_says_how_it_is_measured", PLANNED | {"review_on": None, "status": ActionStatus.RUNNING}),
    ("action", "ended_was_effective", EFFECTIVE | {"verdict": None}),
    ("action", "ended_was_effective", EFFECTIVE | {"verdict": EffectVerdict.NOT_EFFECTIVE}),
    ("action", "measure_has_its_window", {"window_days": 30}),
    ("action", "measure_has_its_window", {"measure": EffectMeasure.JUDGED}),
    ("action", "window_sensible", {"measure": EffectMeasure.JUDGED, "window_days": 3}),
    ("action", "goal_of_a_measure", {"goal": 30}),
    ("action", "measure_has_its_goal", {"measure": EffectMeasure.CAUSE, "window_days": 30}),
    ("action", "approval_whole", {"approved_on": world.ON}),
    ("action", "round_counts", {"round": 0}),
    ("action", "asked_before_due", {"due_on": BEFORE}),
    ("action", "has_title", {"title": ""}),
    ("action_cause", "has_text", {"text": ""}),
    ("action_cause", "round_counts", {"round": 0}),
    ("action_cause", "bone_iff_ishikawa", {"category": CauseCategory.METHOD}),
    ("action_cause", "bone_iff_ishikawa", {"way": CauseWay.ISHIKAWA}),
    ("action_cause", "whys_end", {"position": 8}),
    ("action_task", "has_text", {"what": ""}),
    ("action_task", "round_counts", {"round": 0}),
    ("action_task", "ended_iff_not_open", {"ended_on": None}),
    ("action_task", "ended_iff_not_open", {"status": TaskStatus.OPEN}),
    ("action_task", "ended_says_how", {"said": ""}),
    ("action_file", "withdrawal_whole", {"withdrawn_by_id": None}),
    ("action_review", "says_why", {"reason": ""}),
    ("action_review", "windows_in_order", {"before_until": LATER}),
    ("action_review", "windows_in_order", {"after_until": BEFORE, "after_from": LATER}),
    ("action_review", "before_not_negative", {"before_of": -1}),
    ("action_review", "after_not_negative", {"after_of": -1}),
    ("action_event", "of_one_thing", {"action_id": None}),
    ("action_event", "of_one_thing", {"nonconformity_id": SOME_OUTPUT}),
    ("action_event", "has_move", {"move": ""}),
    ("nonconformity", "says_what", {"what": ""}),
    ("nonconformity", "treated_has_disposition", {"disposition": Disposition.HOLD, "treated_on": LATER}),
    ("nonconformity", "treatment_has_its_day", {"treated_on": LATER}),
    ("nonconformity", "treated_says_how", TREATED | {"treatment": ""}),
    ("nonconformity", "treated_was_authorised", TREATED | {"authorised_by_id": None}),
    ("nonconformity", "closed_iff_verified", TREATED | {"verified_on": LATER}),
    ("nonconformity", "verification_whole", VERIFIED | {"verification": ""}),
    ("nonconformity", "verification_whole", VERIFIED | {"verified_by_id": None}),
    ("nonconformity", "days_in_order", TREATED | {"treated_on": BEFORE}),
    ("nonconformity", "days_in_order", VERIFIED | {"verified_on": world.ON}),
    ("nonconformity", "action_or_reason", {"action_id": SOME_ACTION, "no_action_reason": "No se repite"}),
    ("nonconformity", "closed_says_of_action", VERIFIED | {"no_action_reason": ""}),
    ("nonconformity", "cost_not_negative", {"cost_cop": -1}),
    ("risk_probability", "level_in_scale", {"level": 0}),
    ("risk_probability", "level_in_scale", {"level": 11}),
    ("risk_probability", "has_name", {"name": ""}),
    ("risk_impact", "level_in_scale", {"level": 0}),
    ("risk_impact", "level_in_scale", {"level": 11}),
    ("risk_impact", "has_name", {"name": ""}),
    ("risk_band", "score_in_scale", {"least_score": 0}),
    ("risk_band", "score_in_scale", {"least_score": 101}),
    ("risk_band", "review_sensible", {"review_months": 0}),
    ("risk_band", "has_name", {"name": ""}),
    ("risk", "says_cause_event_consequence", {"cause": ""}),
    ("risk", "says_cause_event_consequence", {"event": ""}),
    ("risk", "says_cause_event_consequence", {"consequence": ""}),
    ("risk", "controls_only_lower", {"probability": 1, "residual_probability": 2}),
    ("risk", "controls_only_lower", {"impact": 1}),
    ("risk", "closed_says_why", {"closed_on": LATER}),
    ("risk", "closed_says_why", {"close_reason": "Ya no existe"}),
    ("risk_control", "has_text", {"text": ""}),
    ("risk_control", "effect_in_scale", {"lowers_probability": -1}),
    ("risk_control", "effect_in_scale", {"lowers_impact": 10}),
    ("risk_move", "says_why", {"reason": ""}),
    ("legal_requirement", "has_norm_and_obligation", {"norm": ""}),
    ("legal_requirement", "has_norm_and_obligation", {"obligation": ""}),
    ("legal_requirement", "frequency_sensible", {"every_months": 0}),
    ("legal_evaluation", "has_evidence", {"evidence": ""}),
    ("legal_evaluation", "action_or_reason", {"action_id": SOME_ACTION, "no_action_reason": "Ya se hizo"}),
    ("legal_evaluation", "failing_says_of_action", {"result": Compliance.FAILS}),
    ("legal_evaluation", "failing_says_of_action", {"result": Compliance.PARTLY}),
    ("legal_rest", "of_one_thing", {"legal_term_id": None}),
    ("legal_rest", "of_one_thing", {"parameter_key": "key1"}),
    ("indicator", "has_code_and_name", {"code": ""}),
    ("indicator", "has_code_and_name", {"name": ""}),
    ("indicator", "frequency_known", {"months": 5}),
    ("indicator", "decimals_sensible", {"decimals": 5}),
    ("indicator", "fair_needs_goal", {"goal": None}),
    ("indicator", "fair_on_its_side", {"fair": 99}),
    ("indicator", "fair_on_its_side", {"direction": Direction.LESS}),
    ("indicator_value", "period_in_order", {"period_until": BEFORE, "period_from": LATER}),
    ("indicator_value", "nothing_divided_by_zero", {"denominator": 0}),
    ("indicator_value", "standing_of_a_value", {"value": None}),
    ("indicator_value", "standing_of_a_value", {"standing": Standing.EMPTY}),
    ("indicator_value", "report_whole", {"reported_at": world.AT}),
    ("indicator_value", "differs_from_a_report", {"differs_since": LATER}),
    ("indicator_value", "action_or_reason", {"action_id": SOME_ACTION, "no_action_reason": "Llovió"}),
    ("indicator_note", "says_why", {"reason": ""}),
    ("controlled_document", "has_code_and_name", {"code": ""}),
    ("controlled_document", "has_code_and_name", {"name": ""}),
    ("controlled_document", "retention_sensible", {"retention_years": 101}),
    ("controlled_print", "has_key", {"key": ""}),
    ("document_edition", "has_version", {"version": ""}),
    ("document_edition", "approved_says_what_changed", IN_FORCE | {"change": ""}),
    ("document_edition", "in_force_unless_draft", {"in_force_on": world.ON}),
    ("document_edition", "in_force_unless_draft", IN_FORCE | {"in_force_on": None}),
    ("document_edition", "retired_iff_replaced", IN_FORCE | {"retired_on": LATER}),
    ("document_edition", "approval_whole", {"approved_at": world.AT}),
    ("document_edition", "in_force_was_approved", IN_FORCE | {"is_of_before": False}),
    ("document_edition", "days_in_order", IN_FORCE | {"status": EditionStatus.RETIRED, "retired_on": BEFORE}),
    ("process_activity", "has_text", {"text": ""}),
    ("management_review", "period_in_order", {"period_until": BEFORE, "period_from": LATER}),
    ("management_review", "signed_iff_over", MINUTES | {"signed_at": None, "signed_by_id": None}),
    ("management_review", "signed_has_minutes", MINUTES | {"document_id": None}),
    ("management_review", "signature_whole", MINUTES | {"signed_by_id": None}),
    ("management_review", "signed_is_whole", MINUTES | {"attendees": ""}),
    ("management_review", "signed_is_whole", MINUTES | {"conclusion": ""}),
    ("review_decision", "has_text", {"text": ""}),
    ("quotation", "version_counts_from_one", {"version": 0}),
    ("quotation", "total_not_negative", {"total_cop": -1}),
    ("quotation", "sent_has_validity", {"valid_until": None}),
    ("quotation", "sent_before_validity_ends", {"valid_until": BEFORE}),
    ("quotation", "requested_before_sent", {"requested_on": LATER}),
    ("quotation", "first_sent_first", {"first_sent_on": LATER}),
    ("quotation", "first_sent_first", {"first_sent_on": None}),
    ("quotation", "sent_has_date", {"sent_on": None, "valid_until": None}),
    ("quotation", "draft_not_sent", {"status": QuotationStatus.DRAFT}),
    ("quotation", "decided_iff_ended", {"decided_on": LATER}),
    ("quotation", "decided_iff_ended", {"status": QuotationStatus.EXPIRED}),
    ("quotation", "sent_before_decided", {"status": QuotationStatus.EXPIRED, "decided_on": BEFORE}),
    ("quotation", "rejected_has_reason", {"status": QuotationStatus.REJECTED, "decided_on": LATER}),
    ("quotation", "rejected_has_reason", {"loss_reason": LossReason.PRICE}),
    ("quotation", "withdrawn_has_reason", {"status": QuotationStatus.WITHDRAWN, "decided_on": LATER}),
    ("quotation", "days_not_negative", {"n_days_to_send": -1}),
    ("quotation_version", "counts_from_one", {"number": 0}),
    ("quotation_version", "validity_sensible", {"validity_days": 0}),
    ("quotation_version", "validity_sensible", {"validity_days": 366}),
    ("quotation_version", "total_adds_up", {"total_cop": 120}),
    ("quotation_version", "amounts_not_negative", {"subtotal_cop": -19, "total_cop": 0}),
    ("quotation_version", "sent_has_validity", {"sent_on": world.ON}),
    ("quotation_version", "sent_before_validity_ends", {"sent_on": world.ON, "valid_until": BEFORE}),
    ("quotation_line", "quantity_positive", {"quantity": 0}),
    ("quotation_line", "price_not_negative", {"unit_price_cop": -1}),
    ("quotation_line", "vat_is_a_percentage", {"vat_percent": 101}),
    ("quotation_follow_up", "says_something", {"note": ""}),
    ("quotation_follow_up", "next_after_this", {"next_on": world.ON}),
    ("contract", "number_not_empty", {"number": ""}),
    ("contract", "starts_before_it_ends", {"ends_on": BEFORE}),
    ("contract", "value_not_negative", {"value_cop": -1}),
    ("contract", "signed_iff_dated", {"stage": ContractStage.SIGNED}),
    ("contract", "signed_iff_dated", {"signed_on": world.ON}),
    ("contract", "signed_has_start", {**SIGNED, "starts_on": None}),
    ("contract", "terminated_iff_dated", {"terminated_on": LATER}),
    ("contract", "signed_before_terminated", {**SIGNED, "stage": ContractStage.TERMINATED, "terminated_on": BEFORE, "stage_reason": "x"}),
    ("contract", "ended_has_reason", {"stage": ContractStage.VOIDED}),
    ("amendment", "counts_from_one", {"number": 0}),
    ("amendment", "has_reason", {"reason": ""}),
    ("amendment", "signed_iff_dated", {"status": AmendmentStatus.SIGNED}),
    ("amendment", "signed_iff_dated", {"signed_on": world.ON}),
    ("amendment", "signed_has_effect", {"status": AmendmentStatus.SIGNED, "signed_on": world.ON, "effective_on": None}),
    ("guarantee", "starts_before_it_ends", {"ends_on": BEFORE}),
    ("guarantee", "insured_positive", {"insured_cop": 0}),
    ("guarantee", "replaced_by_another", {"replaced_by_id": literal_column("id")}),
    ("contract_requirement", "says_something", {"text": ""}),
    ("contract_requirement", "only_frozen_is_ended", {"ended_by_id": literal_column("(SELECT max(id) FROM amendment)")}),
    ("contract_requirement", "ended_by_another", {"is_frozen": True, "ended_by_id": literal_column("amendment_id")}),
    ("checklist", "period_in_order", {"period_from": world.ON}),
    ("checklist", "opened_before_due", {"opened_on": LATER}),
    ("checklist", "signature_whole", {"signed_by_id": None}),
    ("checklist", "approval_whole", {"approved_by_id": literal_column("signed_by_id")}),
    ("checklist", "signed_unless_open", {"status": ChecklistStatus.OPEN}),
    ("checklist", "approved_iff_closed", {"status": ChecklistStatus.CLOSED}),
    ("checklist", "signed_has_every_verdict", {"n_met": 0}),
    ("checklist", "not_empty", {"n_items": 0, "n_met": 0}),
    ("checklist", "counts_not_negative", {"n_met": 2, "n_partly": -1}),
    ("checklist", "compliance_is_a_percentage", {"compliance": 101}),
    ("checklist_item", "version_not_negative", {"version": -1}),
    ("checklist_item", "verdict_has_its_hour", {"verified_at": None}),
    ("checklist_item", "not_applicable_has_reason", {"verdict": Verdict.NOT_APPLICABLE}),
    ("checklist_item", "action_or_reason", {"no_action_reason": "Se corrigió"}),
    ("checklist_file", "withdrawal_whole", {"withdrawn_by_id": None}),
    ("commercial_event", "of_one_thing", {"quotation_id": None}),
    ("commercial_event", "has_move", {"move": ""}),
    ("billing_item", "kind_names_its_row", {"financing_id": 1}),
    ("billing_item", "result_has_date", {"result_on": None}),
    ("billing_item", "result_has_reply", {"reply_id": None}),
    ("billing_item", "rejected_says_why", {"status": BillingStatus.REJECTED}),
    ("billing_item", "handled_whole", {**REJECTED, "handled_at": world.AT}),
    ("billing_item", "handled_whole", {**REJECTED, "status": BillingStatus.RESENT}),
    ("billing_item", "dropped_says_why", {**REJECTED, "status": BillingStatus.DROPPED, "handled_at": world.AT}),
    ("billing_reply", "counts_not_negative", {"n_same": -1}),
    ("billing_reply", "counts_fit", {"n_bad": 1}),
    ("billing_reply", "counted_when_applied", {"applied_at": None}),
    ("job", "progress_not_negative", {"n_done": -1}),
    ("job", "progress_not_negative", {"n_total": -1}),
    ("job", "attempts_not_negative", {"n_attempts": -1}),
    ("job", "leased_iff_running", {"lease_until": None}),
    ("job", "leased_iff_running", {"status": JobStatus.QUEUED}),
    ("job", "ended_iff_over", {"ended_at": world.AT}),
    ("job", "ended_iff_over", {"status": JobStatus.DONE, "lease_until": None}),
    ("job", "failed_says_why", {"status": JobStatus.FAILED, "lease_until": None, "ended_at": world.AT}),
    ("job", "failed_says_why", {"status": JobStatus.LOST, "lease_until": None, "ended_at": world.AT}),
    ("job_run", "ended_iff_over", {"ended_at": None}),
    ("job_run", "ended_iff_over", {"outcome": RunOutcome.RUNNING}),
    ("job_run", "done_not_negative", {"n_done": -1}),
    ("billing_column", "header_not_empty", {"header": ""}),
    ("billing_column", "field_or_constant", {"constant": "01"}),
    ("billing_column", "field_or_constant", {"field": ""}),
    ("webhook", "url_not_empty", {"url": ""}),
    ("webhook", "failures_not_negative", {"n_failures": -1}),
    ("webhook", "paused_says_why", {"paused_at": world.AT}),
    ("webhook", "previous_secret_ends", {"previous_secret": "whsec_y"}),
    ("webhook", "previous_secret_ends", {"previous_until": world.AT}),
    ("webhook_delivery", "sent_at_iff_sent", {"sent_at": world.AT}),
    ("webhook_delivery", "sent_at_iff_sent", {"status": MessageStatus.SENT}),
    ("webhook_delivery", "status_of_a_delivery", {"status": MessageStatus.HELD}),
    ("webhook_delivery", "attempts_not_negative", {"n_attempts": -1}),
    ("calendar_feed", "hash_whole", {"token_hash": "short"}),
    ("questionnaire", "frequency_sensible", {"frequency_months": 0}),
    ("questionnaire", "days_open_sensible", {"days_open": 0}),
    ("questionnaire", "has_code_and_name", {"code": ""}),
    ("questionnaire_version", "counts_from_one", {"number": 0}),
    ("questionnaire_version", "published_unless_draft", {"published_at": world.AT}),
    ("questionnaire_version", "published_unless_draft", {"status": VersionStatus.PUBLISHED}),
    ("questionnaire_section", "has_title", {"title_es": ""}),
    ("question", "has_code_and_text", {"text_es": ""}),
    ("question", "condition_whole", {"condition_op": ConditionOp.IS}),
    ("question", "not_its_own_condition", {**CONDITION, "condition_id": literal_column("id")}),
    ("question", "reversed_is_scored", {"is_reversed": True, "kind": QuestionKind.NPS}),
    ("question", "bounds_in_order", {"kind": QuestionKind.NUMBER, "least": 5, "greatest": 1}),
    ("question", "bounds_of_numbers", {"least": 1}),
    ("question_option", "has_code_and_text", {"code": ""}),
    ("survey_threshold", "figure_unless_words", {"at_most": None}),
    ("survey_threshold", "words_iff_words", {"words": "fuga"}),
    ("survey_threshold", "words_iff_words", {"measure": AlarmMeasure.WORDS, "at_most": None}),
    ("survey_threshold", "csat_is_a_percentage", {"measure": AlarmMeasure.CSAT, "effect": AlarmEffect.ACTION, "at_most": 101}),
    ("survey_threshold", "nps_in_range", {"measure": AlarmMeasure.NPS, "effect": AlarmEffect.ACTION, "at_most": -101}),
    ("survey_threshold", "figure_asks_for_action", {"measure": AlarmMeasure.MEAN}),
    ("survey_threshold", "action_names_its_process", {"effect": AlarmEffect.ACTION, "process_id": None}),
    ("survey_threshold", "days_sensible", {"days": 0}),
    ("survey_threshold", "least_n_positive", {"least_n": 0}),
    ("survey_campaign", "has_name", {"name": ""}),
    ("survey_campaign", "period_in_order", {"period_from": LATER}),
    ("survey_campaign", "opens_before_closing", {"opens_on": LATER}),
    ("survey_campaign", "has_a_channel", {"by_link": False, "by_phone": False}),
    ("survey_campaign", "confirmed_iff_opened", {"status": CampaignStatus.PROPOSED}),
    ("survey_campaign", "confirmed_iff_opened", UNCONFIRMED),
    ("survey_campaign", "confirmation_whole", {"confirmed_by_id": None}),
    ("survey_campaign", "closed_iff_over", {"closed_at": world.AT}),
    ("survey_campaign", "closed_iff_over", {"status": CampaignStatus.CLOSED}),
    ("survey_campaign", "dropped_says_why", {**UNCONFIRMED, "status": CampaignStatus.DROPPED}),
    ("survey_campaign", "confidence_known", {"confidence": 50}),
    ("survey_campaign", "error_sensible", {"error_percent": 0}),
    ("survey_campaign", "reminders_sensible", {"max_reminders": 11}),
    ("survey_campaign", "reminders_sensible", {"reminder_days": 0}),
    ("survey_campaign", "population_not_negative", {"population": -1, "sample_size": None}),
    ("survey_campaign", "sample_within_population", {"sample_size": 101}),
    ("survey_quota", "target_within_population", {"target": 101}),
    ("survey_invitee", "counts_not_negative", {"n_attempts": -1}),
    ("survey_invitee", "hold_whole", {"held_until": world.AT}),
    ("survey_invitee", "reminded_has_its_day", {"n_reminders": 1}),
    ("survey_call", "call_back_has_its_hour", {"outcome": CallOutcome.CALL_BACK}),
    ("survey_call", "call_back_has_its_hour", {"call_back_at": datetime(2026, 7, 11, tzinfo=UTC)}),
    ("survey_call", "call_back_later", {"outcome": CallOutcome.CALL_BACK, "call_back_at": EARLIER_AT}),
    ("survey_opt_out", "since_before_ended", {"ended_at": EARLIER_AT}),
    ("survey_response", "screened_says_why", {"status": ResponseStatus.SCREENED}),
    ("survey_response", "screened_says_why", {"screened_reason": "Otra ciudad"}),
    ("survey_response", "complete_has_its_hour", {"status": ResponseStatus.COMPLETE}),
    ("survey_response", "named_agreed", {"is_named": True}),
    ("survey_response", "source_whole", {"source_number": None}),
    ("survey_response", "file_names_its_row", {"source": None, "source_number": None}),
    ("survey_response", "link_and_phone_know_whom", {"via": AnswerVia.LINK, "invitee_id": None}),
    ("survey_response", "stratum_1_to_6", {"stratum": 7}),
    ("survey_response", "version_not_negative", {"version": -1}),
    ("survey_answer", "fits_its_kind", {"words": "Bien"}),
    ("survey_answer", "fits_its_kind", {"is_na": True}),
    ("survey_answer", "fits_its_kind", {"score": None, "value": None}),
    ("survey_answer", "score_in_scale", {"score": 6, "value": 6}),
    ("survey_answer", "score_in_scale", {"value": 3}),
    ("survey_tag", "has_name", {"name": ""}),
    ("survey_alarm", "ended_iff_not_open", {"ended_on": world.ON}),
    ("survey_alarm", "ended_iff_not_open", {"status": AlarmStatus.SETTLED, "result": "Se llamó"}),
    ("survey_alarm", "ended_says_how", {"status": AlarmStatus.SETTLED, "ended_on": world.ON}),
    ("survey_alarm", "raised_before_due", {"due_on": BEFORE}),
    ("survey_alarm", "threshold_or_asked_for", {"threshold_id": None, "response_id": None}),
    ("survey_alarm", "threshold_or_asked_for", {"threshold_id": None, "effect": AlarmEffect.ACTION}),
    ("report_schedule", "has_name", {"name": ""}),
    ("report_schedule", "hour_of_the_day", {"hour": 24}),
    ("report_schedule", "weekday_of_the_week", {"every": Every.WEEK, "weekday": 7}),
    ("report_schedule", "day_of_the_month", {"every": Every.MONTH, "month_day": 32}),
    ("report_schedule", "week_has_its_day", {"every": Every.WEEK}),
    ("report_schedule", "week_has_its_day", {"weekday": 1}),
    ("report_schedule", "month_has_its_day", {"every": Every.QUARTER}),
    ("report_schedule", "month_has_its_day", {"month_day": 1}),
    ("report_schedule", "active_has_its_next", {"next_at": None}),
    ("report_schedule", "active_has_its_next", {"is_active": False}),
    ("report_schedule", "active_has_its_next", {"stopped_reason": "Ya no trabaja aquí"}),
    ("report_run", "ended_iff_over", {"ended_at": None}),
    ("report_run", "ended_iff_over", {"outcome": ReportOutcome.RUNNING}),
    ("report_run", "counts_not_negative", {"n_rows": -1}),
    ("report_run", "counts_not_negative", {"n_bytes": -1}),
    ("report_run", "failed_says_why", {"outcome": ReportOutcome.FAILED}),
    ("report_run", "failed_says_why", {"outcome": ReportOutcome.REFUSED}),
    ("report_run", "scheduled_has_its_hour", {"due_at": None}),
    ("sui_column", "position_sensible", {"position": 0}),
    ("sui_column", "has_heading", {"heading": ""}),
    ("sui_rule", "from_before_until", {"valid_from": LATER, "valid_until": BEFORE}),
    ("sui_map", "from_before_until", {"valid_from": LATER, "valid_until": BEFORE}),
    ("sui_map", "has_both_sides", {"code": ""}),
    ("sui_map", "has_both_sides", {"member": ""}),
    ("sui_load", "version_positive", {"version": 0, "reason": "El SUI lo pidió"}),
    ("sui_load", "another_version_says_why", {"version": 2}),
    ("sui_load", "rows_not_negative", {"n_rows": -1}),
    ("sui_load", "hash_whole", {"sha256": "0"}),
    ("sui_load", "sent_has_its_day", {"status": LoadStatus.FROZEN}),
    ("sui_load", "sent_has_its_day", {"sent_on": None, "receipt": ""}),
    ("sui_load", "sent_has_its_receipt", {"receipt": ""}),
    ("sui_load_row", "position_positive", {"position": 0}),
    ("sui_load_row", "one_thing_behind_it", {"pqr_id": None}),
    ("interruption", "starts_before_ends", {"ends_at": world.AT}),
    ("interruption", "starts_before_expected_end", {"expected_end_at": EARLIER_AT}),
    ("interruption", "subscribers_not_negative", {"n_subscribers": -1}),
    ("interruption", "says_where_and_what", {"sector": ""}),
    ("interruption", "says_where_and_what", {"what": ""}),
    ("interruption", "notice_says_how", {"notice_means": ""}),
    ("interruption", "alternative_says_which", {"has_alternative": True}),
    ("interruption", "voided_has_reason", {"voided_at": world.AT}),
    ("interruption", "voided_has_reason", {"voided_reason": "Se registró dos veces"}),
]

#: What else has to change for a reference that only another kind of row may have.
BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    ("sui_load_row", "interruption_id"): {"pqr_id": None},
    ("billing_item", "financing_id"): {"kind": BillingKind.FINANCING, "change_id": None},
    ("billing_item", "order_id"): {"kind": BillingKind.RECONNECTION, "change_id": None},
    ("contract", "party_id"): {"quotation_id": None},
    ("contract_requirement", "ended_by_id"): {"is_frozen": True},
    ("checklist", "approved_by_id"): {"status": ChecklistStatus.CLOSED, "approved_at": world.AT},
    ("commercial_event", "contract_id"): {"quotation_id": None},
    ("commercial_event", "checklist_id"): {"quotation_id": None},
    ("commercial_event", "campaign_id"): {"quotation_id": None},
    ("survey_invitee", "held_by_id"): {"held_until": world.AT},
    ("outbox_message", "digest_id"): {"status": MessageStatus.DIGESTED, "user_id": SOME_USER},
    ("action", "approved_by_id"): {"approved_on": world.ON},
    ("action_event", "nonconformity_id"): {"action_id": None},
    ("risk", "probability"): {"residual_probability": -7},
    ("risk", "impact"): {"residual_impact": -7},
    ("legal_rest", "answer_template_id"): {"legal_term_id": None},
    ("legal_rest", "parameter_key"): {"legal_term_id": None},
    ("indicator_value", "reported_by_id"): {"reported_at": world.AT},
    ("document_edition", "approved_by_id"): {"approved_at": world.AT},
    ("management_review", "signed_by_id"): {name: value for name, value in MINUTES.items() if name != "signed_by_id"},
    ("management_review", "document_id"): {name: value for name, value in MINUTES.items() if name != "document_id"},
}

#: Unique keys that the rows of the world have no value for, because a CHECK or a trigger would be first: repeated by tests of their own.
REPEATED_APART = {("legal_rest", "answer_template_id"), ("legal_rest", "parameter_key"), ("management_review", "document_id")}

#: States of the same rows that have to be accepted, so that no refusal above is an accident of its neighbours.
SOUND: list[tuple[str, dict[str, Any]]] = [
    ("pqr", {}),
    ("pqr", RUNNING),
    ("pqr", STOPPED),
    ("pqr", {"n_extended": 0, "extension_term_id": None, "extension_told_on": None}),
    ("pqr", {"status": PqrStatus.CLOSED, "closed_on": LATER}),
    ("pqr", {"identity": Identity.ANONYMOUS, "party_id": None}),
    ("pqr", {"is_priority": True, "priority_reason": "Mínimo vital"}),
    ("pqr", {"is_e_notice": True, "notice_email": "luz@example.com"}),
    ("notice", IN_PERSON),
    ("notice", OPENED),
    ("notice", POSTED),
    ("notice", {"means": NoticeMeans.SUMMONS, "token": None, "appear_by": LATER}),
    ("appeal", {**SENT, "sspd_result": Outcome.CONFIRMED, "sspd_result_on": LATER}),
    ("field_order", {"status": OrderStatus.DONE, "done_on": LATER, "result": {}}),
    ("financing", {"status": FinancingStatus.SIGNED, "signed_on": LATER, "proof": "Firmó"}),
    ("invoice_change", UNAUTHORISED),
    ("party_contact", {"is_main": False, "is_active": False}),
    ("action", {"status": ActionStatus.DONE, "result": "Hecho", "ended_on": LATER, "kind": ActionKind.CORRECTION}),
    ("action", {"status": ActionStatus.DONE, "result": "Hecho", "ended_on": LATER, "is_of_before": True}),
    ("action", PLANNED),
    ("action", PLANNED | {"status": ActionStatus.REVIEW, "measure": EffectMeasure.CAUSE, "goal": 30}),
    ("action", EFFECTIVE),
    ("action", {"status": ActionStatus.CANCELLED, "result": "Ya no hace falta", "ended_on": LATER}),
    ("action_cause", {"way": CauseWay.ISHIKAWA, "category": CauseCategory.PEOPLE, "position": 9}),
    ("action_task", {"status": TaskStatus.OPEN, "ended_on": None, "said": ""}),
    ("nonconformity", TREATED),
    ("nonconformity", VERIFIED),
    ("nonconformity", VERIFIED | {"no_action_reason": "", "action_id": SOME_ACTION}),
    ("risk", {"closed_on": LATER, "close_reason": "Ya no existe"}),
    ("legal_evaluation", {"result": Compliance.FAILS, "action_id": SOME_ACTION}),
    ("legal_evaluation", {"result": Compliance.PARTLY, "no_action_reason": "Se corrigió al evaluar"}),
    ("legal_rest", {"legal_term_id": None, "parameter_key": "key1"}),
    ("indicator", {"direction": Direction.LESS, "goal": 5, "fair": 8}),
    ("indicator", {"goal": None, "fair": None}),
    ("indicator_value", {"denominator": 0, "numerator": 0, "value": None, "standing": Standing.EMPTY}),
    ("indicator_value", {"denominator": None}),
    ("quotation", {"status": QuotationStatus.DRAFT, "sent_on": None, "valid_until": None}),
    ("quotation", {"status": QuotationStatus.REJECTED, "decided_on": LATER, "loss_reason": LossReason.PRICE}),
    ("quotation", {"status": QuotationStatus.EXPIRED, "decided_on": LATER}),
    ("quotation", {"status": QuotationStatus.WITHDRAWN, "decided_on": LATER, "decision_note": "Error"}),
    ("contract", {"starts_on": None, "ends_on": None, "value_cop": None}),
    ("contract", {"stage": ContractStage.VOIDED, "stage_reason": "Se repite"}),
    ("contract_requirement", {"is_frozen": False, "amendment_id": None}),
    ("checklist", {"status": ChecklistStatus.OPEN, "signed_by_id": None, "signed_at": None, "n_met": 0, "compliance": None}),
    ("checklist", {"status": ChecklistStatus.CLOSED, "approved_by_id": literal_column("signed_by_id"), "approved_at": world.AT}),
    ("checklist_item", {"verdict": None, "verified_at": None, "action_id": None}),
    ("checklist_item", {"verdict": Verdict.NOT_APPLICABLE, "note": "No hubo obra"}),
    ("question", {"is_reversed": True}),
    ("survey_threshold", {"measure": AlarmMeasure.WORDS, "at_most": None, "words": "fuga, daño"}),
    ("survey_threshold", {"measure": AlarmMeasure.NPS, "effect": AlarmEffect.ACTION, "at_most": -10}),
    ("survey_campaign", {**UNCONFIRMED, "status": CampaignStatus.PROPOSED}),
    ("survey_campaign", {"population": None, "sample_size": None}),
    ("survey_invitee", {"held_by_id": literal_column("(SELECT min(id) FROM ab_user)"), "held_until": world.AT}),
    ("survey_call", {"outcome": CallOutcome.CALL_BACK, "call_back_at": datetime(2026, 7, 11, tzinfo=UTC)}),
    ("survey_response", {"status": ResponseStatus.SCREENED, "screened_reason": "Otra ciudad"}),
    ("survey_response", {"status": ResponseStatus.COMPLETE, "completed_at": world.AT}),
    ("survey_response", {"via": AnswerVia.KIOSK, "invitee_id": None, "source": None, "source_number": None}),
    ("survey_answer", {"value": 4}),
    ("survey_answer", {"score": None, "value": None, "is_na": True}),
    ("survey_alarm", {"status": AlarmStatus.SETTLED, "ended_on": world.ON, "result": "Se llamó"}),
    ("survey_alarm", {"threshold_id": None}),
    ("assignment", {"out_at": world.AT, "out_on": world.ON}),
    ("party", {"document_type": None, "document_number": None}),
    ("outbox_message", {"status": MessageStatus.SENT, "sent_at": world.AT}),
    ("outbox_message", {"status": MessageStatus.DISCARDED, "last_error": "Repetido"}),
    ("inbound_message", {"status": InboundStatus.FILED, "note_id": None}),
    ("inbound_message", {"status": InboundStatus.QUARANTINED, "ground": "SPAM", "pqr_id": None, "note_id": None}),
    ("inbound_message", {"status": InboundStatus.DISCARDED, "ground": "SPAM", "reason": "Publicidad"}),
    ("job", {"status": JobStatus.QUEUED, "lease_until": None}),
    ("job", {"status": JobStatus.FAILED, "lease_until": None, "ended_at": world.AT, "error": "Se cayó"}),
    ("job_run", {"outcome": RunOutcome.RUNNING, "ended_at": None, "due_at": None}),
    ("billing_item", {"status": BillingStatus.SENT, "result_on": None, "reply_id": None}),
    ("billing_item", {**REJECTED, "status": BillingStatus.RESENT, "handled_at": world.AT}),
    ("billing_column", {"field": "", "constant": ""}),
    ("webhook", {"paused_at": world.AT, "paused_why": "Falló", "previous_secret": "whsec_y", "previous_until": world.AT}),
    ("webhook_delivery", {"status": MessageStatus.SENT, "sent_at": world.AT}),
    ("report_schedule", {"is_active": False, "next_at": None}),
    ("report_schedule", {"every": Every.WEEK, "weekday": 6}),
    ("report_schedule", {"every": Every.MONTH, "month_day": 31}),
    ("report_run", {"outcome": ReportOutcome.RUNNING, "ended_at": None}),
    ("report_run", {"outcome": ReportOutcome.REFUSED, "error": "Ya no tiene permiso"}),
    ("report_run", {"schedule_id": None, "due_at": None}),
    ("sui_load", {"status": LoadStatus.FROZEN, "sent_on": None, "receipt": ""}),
    ("sui_load", {"status": LoadStatus.REPLACED}),
    ("sui_load", {"version": 2, "reason": "El SUI autorizó reversar el cargue"}),
    ("interruption", {"notice_on": None, "notice_means": ""}),
    ("interruption", {"voided_at": world.AT, "voided_reason": "Se registró dos veces"}),
    ("interruption", {"has_alternative": True, "alternative": "Carrotanques en el parque"}),
]


#: Triggers that let no row change at all: out of the way here, so that each constraint is seen to refuse by itself (test_frozen_loads).
ABSOLUTE = {"sui_load_keeps": "sui_load", "sui_load_row_keeps": "sui_load_row"}


@pytest.fixture
def rows(session):
    built = world.build(session)
    is_postgres = session.get_bind().dialect.name == "postgresql"
    for name, table in ABSOLUTE.items():
        session.execute(text(f"DROP TRIGGER {name}" + (f" ON {table}" if is_postgres else "")))
    return built


def change(session, row: Any, values: dict[str, Any]) -> None:
    """Write *values* below the ORM, as any other program could; in a savepoint, so that a refusal spoils nothing else."""
    table = type(row).__table__
    key = dict(zip(table.primary_key.columns, inspect(row).identity, strict=True))
    named = {column: values[attribute(table, column)] for column in table.columns if attribute(table, column) in values}
    if not values:
        return
    assert len(named) == len(values), f"unknown column in {values}"
    with session.begin_nested():
        session.connection().execute(update(table).where(*(column == value for column, value in key.items())).values(named))


def attribute(table: Table, column: Any) -> str:
    """Return the name that the model gives to *column* (`on` is stored as `on_date`)."""
    return {"on_date": "on"}.get(column.name, column.name)


def of_table(kind: type) -> list[tuple[str, Any]]:
    return [(name, constraint) for name, table in TABLES.items() for constraint in table.constraints if isinstance(constraint, kind)]


def is_enum(table: Table, constraint: CheckConstraint) -> bool:
    return any(isinstance(column.type, Enum) and column.type.name == short(table.name, constraint) for column in table.columns)


def short(table: str, constraint: Any) -> str:
    return str(constraint.name).removeprefix(f"ck_{table}_")


def test_every_check_has_a_row_that_breaks_it():
    """A CHECK nobody breaks may be one that refuses nothing."""
    checks = {(name, short(name, check)) for name, check in of_table(CheckConstraint) if not is_enum(TABLES[name], check)}

    assert checks == {(table, check) for table, check, _ in BROKEN}


@pytest.mark.parametrize("table", sorted({table for table, _, _ in BROKEN}))
def test_a_check_refuses_the_row_that_breaks_it(session, rows, table):
    passed = []
    for _, check, values in (row for row in BROKEN if row[0] == table):
        try:
            change(session, rows[table][0], values)
        except IntegrityError as error:
            assert f"ck_{table}_{check}" in str(error.orig), f"{values} was refused by another constraint: {error.orig}"
        else:
            passed.append((check, values))

    assert not passed, "the database accepted these"


@pytest.mark.parametrize("table", sorted({table for table, _ in SOUND}))
def test_sound_rows_are_accepted(session, rows, table):
    for _, values in (row for row in SOUND if row[0] == table):
        before = {name: getattr(rows[table][0], name) for name in values}
        change(session, rows[table][0], values)
        change(session, rows[table][0], before)


@pytest.mark.parametrize("table", sorted(name for name, table in TABLES.items() if any(isinstance(c.type, Enum) for c in table.columns)))
def test_an_enum_refuses_a_name_it_does_not_have(session, rows, table):
    for column in TABLES[table].columns:
        if isinstance(column.type, Enum):
            with pytest.raises(IntegrityError, match=f"ck_{table}_"):  # where a state implies facts, another CHECK may be first
                change(session, rows[table][0], {attribute(TABLES[table], column): literal_column("'NONSENSE'")})


@pytest.mark.parametrize("table", sorted({name for name, _ in of_table(UniqueConstraint)}))
def test_a_unique_key_is_given_once(session, rows, table):
    first, second = rows[table]
    for name, unique in of_table(UniqueConstraint):
        names = [attribute(TABLES[table], column) for column in unique.columns] if name == table else ["id"]
        if "id" in names or (table, names[-1]) in REPEATED_APART:
            continue  # another table's, or the target of a foreign key, whose id is unique already
        values = {name: getattr(first, name) for name in names}
        assert None not in values.values(), "NULL is never repeated: the first row needs a value to repeat"
        with pytest.raises(IntegrityError, match=r"(?i)unique"):
            change(session, second, values)


@pytest.mark.parametrize("table", sorted(name for name, table in TABLES.items() if table.foreign_keys))
def test_a_reference_to_nothing_is_refused(session, rows, table):
    accepted = []
    for column in sorted({foreign.parent for foreign in TABLES[table].foreign_keys if len(foreign.constraint.columns) == 1}, key=str):
        nothing = -7 if column.type.python_type is int else "00000"
        try:
            change(session, rows[table][0], {attribute(TABLES[table], column): nothing, **BESIDE.get((table, column.name), {})})
        except IntegrityError as error:
            assert "foreign key" in str(error.orig).lower(), error.orig
        else:
            accepted.append(column.name)

    assert not accepted


# ── Facts that a reader of the law counts on ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("column", "value"),
    [("value", 10), ("unit", TermUnit.CALENDAR_MONTHS), ("count_from", CountFrom.SAME_DAY)],
    ids=["value", "unit", "from"],
)
def test_a_term_that_a_case_rests_on_keeps_its_length(session, rows, column, value):
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        change(session, rows["legal_term"][0], {column: value})


def test_a_term_nobody_used_may_be_corrected(session, rows):
    values = {"act": TermAct.APPEAL, "request_type": None, "valid_from": BEFORE}
    session.execute(update(app.models.Pqr.__table__).values(term_id=rows["legal_term"][1].id))
    change(session, rows["legal_term"][0], {"value": 10} | values)

    session.refresh(rows["legal_term"][0])
    assert rows["legal_term"][0].value == 10


def test_a_case_has_one_open_line_in_the_baton_ledger(session, rows):
    first, second = rows["assignment"]

    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        change(session, second, {"pqr_id": first.pqr_id})


def test_closed_lines_of_the_baton_ledger_are_as_many_as_there_were(session, rows):
    first, second = rows["assignment"]

    change(session, second, {"pqr_id": first.pqr_id, "out_at": world.AT, "out_on": world.ON})


def test_there_is_one_front_desk(session, rows):
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        change(session, rows["process"][1], {"is_front_desk": True})


def test_two_general_terms_for_one_act_cannot_start_on_one_day(session, rows):
    """A term without a request type (appeals, completions) has a NULL in its key, which plain UNIQUE would let repeat."""
    general = {"act": TermAct.APPEAL, "request_type": None}
    session.execute(update(app.models.Pqr.__table__).values(term_id=rows["legal_term"][1].id))
    change(session, rows["legal_term"][0], general)
    session.execute(update(app.models.Pqr.__table__).values(term_id=rows["legal_term"][0].id))

    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        change(session, rows["legal_term"][1], general)


@pytest.mark.parametrize("table", ["organisation", "process", "channel", "request_type", "legal_term", "party", "account", "ab_user"])
def test_rows_that_a_case_names_cannot_be_deleted(session, rows, table):
    row = rows[table][0]
    if table == "ab_user":
        change(session, rows["pqr"][0], {"holder_id": row.id})

    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), session.begin_nested():
        session.connection().execute(type(row).__table__.delete().where(type(row).__table__.c.id == row.id))
