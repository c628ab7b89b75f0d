"""
What an archive holds, column by column: reviewed, and closed. A column that stands in no list leaves with no archive, and a test fails
until somebody has decided (docs/archive-format.md).

`kept` goes into the archive of a case and of everything; `person`, a part of it, is what a person gets of what is held about him: no
internal note, no reason that the staff gave to each other, nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Version of the format: raised when a reader that understood the one before would misread this one.
VERSION = 1

#: Why something stays here.
SECRET = "secret: opens or signs something"
TECHNICAL = "of this program: means nothing elsewhere"
REPEATED = "said elsewhere in the archive"
OWN = "how one of the staff likes to work"

_TOUCHED = " created_at changed_at created_by_id changed_by_id"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The columns of a table that leave, those that stay and why, and those that a person gets."""

    kept: str
    left_out: Mapping[str, str] = field(default_factory=dict)
    person: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.kept.split())

    @property
    def of_person(self) -> tuple[str, ...]:
        return tuple(self.person.split())


def _audited(kept: str, person: str = "", **left_out: str) -> Sheet:
    return Sheet(kept + _TOUCHED, left_out, person)


SHEETS: dict[str, Sheet] = {
    # The house
    "organisation": _audited(
        "id name nit regime municipality_code address phone email website sui_company_id logo signatory_name signatory_title working_week"
        " opens_at closes_at",
        "id name nit address phone email website",
    ),
    "municipality": Sheet("code name department", person="code name department"),
    "process": _audited("id code name is_front_desk is_active", "id code name"),
    "process_member": _audited("id process_id user_id role valid_from valid_until"),
    "leave": _audited("id user_id substitute_id starts_on ends_on act"),
    "channel": _audited("id code name is_active position", "id code name"),
    "service": _audited("id code name is_public_utility regime is_active position", "id code name"),
    "request_type": _audited(
        "id code name plain_name plain_help regime sui_procedure default_process_id internal_days is_public is_active position",
        "id code name plain_name",
    ),
    "sui_cause": _audited("id service_id group_code code name valid_from valid_until source confidence", "id group_code code name"),
    "sui_code": _audited("id kind variant code name source confidence"),
    "number_series": Sheet("organisation_id prefix year last"),
    "parameter": _audited("key value description"),
    "answer_template": _audited("id name request_type_id outcome body is_active"),
    "message_template": _audited("id event language subject body"),
    "reminder_rule": _audited("id code name source trigger value to_owner to_substitute to_chief to_management is_active position"),
    "billing_column": _audited("id kind position header field constant notation"),
    "ab_user": Sheet(
        "id first_name last_name username active email created_on changed_on created_by_fk changed_by_fk",
        {"password": SECRET, "last_login": TECHNICAL, "login_count": TECHNICAL, "fail_login_count": TECHNICAL},
    ),
    "ab_role": Sheet("id name"),
    "ab_user_role": Sheet("id user_id role_id"),
    "ab_group": Sheet("id name label description"),
    "ab_group_role": Sheet("id group_id role_id"),
    "ab_user_group": Sheet("id user_id group_id"),
    # The law
    "calendar_year": Sheet("year source loaded_at"),
    "calendar_day": _audited("id on_date year kind name norm source"),
    "calendar_change": Sheet("id at actor_id reason added removed settings moved"),
    "legal_term": _audited(
        "id regime act request_type value unit count_from norm valid_from valid_until source confidence",
        "id regime act request_type value unit norm",
    ),
    "consent_text": _audited("id kind version text valid_from", "id kind version text valid_from"),
    # Parties
    "party": _audited(
        "id kind document_type document_number name email phone address municipality_code",
        "id kind document_type document_number name email phone address municipality_code created_at changed_at",
    ),
    "account": _audited(
        "id number service_id party_id address municipality_code settlement_code zone stratum use meter is_active",
        "id number service_id address municipality_code settlement_code zone stratum use meter is_active",
    ),
    "consent": _audited("id party_id pqr_id text_id granted_at withdrawn_at", "id pqr_id text_id granted_at withdrawn_at"),
    "invoice": _audited(
        "id account_id number period issued_on delivered_on due_on amount_cop consumption",
        "id account_id number period issued_on delivered_on due_on amount_cop consumption",
    ),
    "party_contact": _audited(
        "id party_id name position email phone is_main is_active notes",
        "id name position email phone notes created_at changed_at",
    ),
    "party_group": _audited("id party_id group_id", "id group_id"),
    "interest_group": _audited("id code name description is_active position", "id code name"),
    "mechanism": _audited(
        "id group_id name description evidence_source months process_id responsible_id starts_on last_on next_on is_active"
    ),
    "need": _audited("id group_id kind quality relevance text how_met source mechanism_id process_id is_active position"),
    "evidence": _audited("id mechanism_id on_date source source_key title path note file_id"),
    "action": _audited(
        "id organisation_id number kind origin origin_key origin_path party_id title description process_id responsible_id status asked_on"
        " due_on cause measure measure_key window_days goal baseline_on carried_out_on review_on approved_by_id approved_on round verdict"
        " ended_on result is_of_before"
    ),
    "action_cause": _audited("id action_id round way category position text is_root"),
    "action_task": _audited("id action_id round position what responsible_id due_on status ended_on said"),
    "action_file": _audited("id action_id task_id file_id description withdrawn_at withdrawn_by_id"),
    "action_review": Sheet(
        "id action_id round measure measure_key goal before_from before_until before_n before_of before_value after_from after_until"
        " after_n after_of after_value facts proposed verdict reason reviewed_on reviewed_by_id"
    ),
    "action_event": Sheet("id action_id nonconformity_id at actor_id move from_status to_status reason facts"),
    "nonconformity": _audited(
        "id organisation_id number found_on process_id service_id pqr_id what requirement containment responsible_id status disposition"
        " treatment treated_on authorised_by_id cost_cop verification verified_on verified_by_id action_id no_action_reason"
    ),
    # The quality management system
    "risk_probability": _audited("id level name meaning"),
    "risk_impact": _audited("id level name meaning"),
    "risk_band": _audited("id least_score name tone what_to_do review_months needs_action"),
    "risk": _audited(
        "id organisation_id number process_id cause event consequence probability impact residual_probability residual_impact treatment"
        " treatment_note responsible_id identified_on review_on reviewed_on closed_on close_reason"
    ),
    "risk_control": _audited("id risk_id text kind lowers_probability lowers_impact is_working evidence responsible_id"),
    "risk_move": Sheet("id risk_id at actor_id move reason probability impact residual_probability residual_impact"),
    "legal_requirement": _audited(
        "id norm articles topic obligation applies_to how_met source confidence process_id responsible_id every_months next_on standing"
        " evaluated_on is_active"
    ),
    "legal_evaluation": _audited("id requirement_id on result evidence note evaluated_by_id file_id action_id no_action_reason"),
    "legal_rest": _audited("id requirement_id legal_term_id answer_template_id parameter_key"),
    "indicator": _audited(
        "id code name definition formula measure unit scale decimals direction goal fair months source norm confidence process_id"
        " responsible_id starts_on is_active position"
    ),
    "indicator_value": _audited(
        "id indicator_id period_from period_until numerator denominator value n_excluded goal fair standing analysis reported_at"
        " reported_by_id action_id no_action_reason later_numerator later_denominator later_value differs_since"
    ),
    "indicator_note": Sheet("id value_id at author_id right_value reason"),
    "controlled_document": _audited(
        "id code name kind issuer process_id issued_on place path retention_years disposal confidence is_active"
    ),
    "controlled_print": _audited("id document_id key"),
    "document_edition": _audited(
        "id document_id version status changed_on change in_force_on retired_on approved_by_id approved_at is_of_before file_id"
    ),
    "process_sheet": _audited(
        "id process_id document_id objective follow_up scope responsible resources interacts documents clauses requirements"
    ),
    "process_sheet_row": _audited("id sheet_id position phase supplier input output client"),
    "process_activity": _audited("id row_id position text path"),
    "management_review": _audited(
        "id organisation_id number held_on period_from period_until attendees facts prepared_at remarks changes resources conclusion status"
        " signed_by_id signed_at document_id"
    ),
    "review_decision": _audited("id review_id position topic text process_id responsible_id due_on action_id"),
    "past_record": _audited(
        "id kind source source_number on_date party_id title facts import_id", "id kind source source_number on_date title facts"
    ),
    "market_claim": Sheet("id source year place municipality_code procedure cause n_claims"),
    # The case
    "pqr": _audited(
        "id organisation_id number status request_type_id regime channel_id identity party_id account_id service_id cause_id subject body"
        " is_priority priority_reason is_e_notice notice_email notice_address disputed_cop invoice_number previous_id mass_event_id"
        " filed_at filed_on effective_on term_id term_value term_unit term_count_from due_on safe_on n_days_left_when_stopped source"
        " source_number source_due_on n_extended extension_term_id extension_told_on process_id holder_id solution solved_on outcome"
        " answered_on notified_on appeal_until closed_on",
        "id number status request_type_id regime channel_id identity account_id service_id cause_id subject body is_priority"
        " priority_reason is_e_notice notice_email notice_address disputed_cop invoice_number previous_id filed_at filed_on effective_on"
        " term_id term_value term_unit due_on source source_number n_extended extension_told_on process_id outcome answered_on notified_on"
        " appeal_until closed_on",
        access_key=SECRET, submission=TECHNICAL,
    ),
    "case_event": Sheet(
        "id pqr_id at on_date actor_id move from_status to_status process_id reason clock act document_id",
        person="id pqr_id at on_date move from_status to_status act",
    ),
    "assignment": Sheet("id pqr_id process_id user_id given_by_id reason in_at in_on out_at out_on"),
    "note": _audited("id pqr_id author_id body"),
    "mass_event": _audited("id name service_id since_on until_on sector what investigation action solution outcome answer_text"),
    "answer": _audited(
        "id pqr_id status body number drafted_by_id approved_by_id issued_on document_id", "id pqr_id body number issued_on document_id"
    ),
    "answer_point": _audited("id pqr_id position asked reply is_covered"),
    "requirement": _audited(
        "id pqr_id kind what document_id issued_on told_on told_how proof_file_id until_on extended_on extended_until ended_on ending",
        "id pqr_id kind what document_id issued_on told_on told_how until_on extended_on extended_until ended_on ending",
    ),
    "notice": _audited(
        "id pqr_id document_id paper_id means result address sent_at sent_on opened_at opened_from courier guide appear_by delivered_on"
        " returned_on return_reason posted_on post_until unposted_on posted_where served_on proof proof_file_id retry_of_id",
        "id pqr_id document_id paper_id means result address sent_at sent_on opened_at opened_from courier guide appear_by delivered_on"
        " returned_on return_reason posted_on post_until unposted_on posted_where served_on",
        token=SECRET,
    ),
    "silence": _audited(
        "id pqr_id ground arisen_on recognise_by recognised_on grants document_id order_id change_id withdrawn_on withdrawn_reason",
        "id pqr_id ground arisen_on recognise_by recognised_on grants document_id withdrawn_on withdrawn_reason",
    ),
    "appeal": _audited(
        "pqr_id against_id kind is_timely is_admitted act reasons invoice_on sspd_due_on sspd_sent_on sspd_proof sspd_number"
        " sspd_letter_id sspd_file_id sspd_zip_id sspd_result sspd_result_on sspd_result_number sspd_result_file_id",
        "pqr_id against_id kind is_timely is_admitted act reasons invoice_on sspd_due_on sspd_sent_on sspd_number sspd_result"
        " sspd_result_on sspd_result_number",
    ),
    "rating": Sheet("id pqr_id rated_at rated_on score comment via channel_id", person="id pqr_id rated_at score comment via"),
    "document": _audited(
        "id kind number pqr_id file_id template data issued_at issued_by_id", "id kind number pqr_id file_id issued_at"
    ),
    "stored_file": _audited(
        "id name media_type n_bytes sha256 pqr_id visibility description", "id name media_type n_bytes sha256 pqr_id description",
        storage_key=TECHNICAL,
    ),
    # Field work and money
    "field_order": _audited(
        "id organisation_id kind number status pqr_id account_id process_id assignee_id instructions invoice_number debt_cop issued_on"
        " due_on due_at done_on done_at done_by_id asked deviation result reason latitude longitude n_accuracy_m signed_by"
        " unsigned_reason signature document_id acta_id",
        "id kind number status pqr_id account_id invoice_number debt_cop issued_on due_on done_on result latitude longitude signed_by"
        " unsigned_reason signature acta_id",
        submission=TECHNICAL,
    ),
    "order_file": Sheet("file_id order_id"),
    "financing": _audited(
        "id organisation_id number status pqr_id account_id party_id concept debt_cop down_cop n_instalments monthly_rate agreed_on"
        " first_due_on signed_on proof proof_file_id authorised_by_id reason document_id exported_at",
        "id number status pqr_id account_id concept debt_cop down_cop n_instalments monthly_rate agreed_on first_due_on signed_on proof"
        " document_id",
    ),
    "instalment": Sheet(
        "financing_id n due_on principal_cop interest_cop payment_cop balance_cop",
        person="financing_id n due_on principal_cop interest_cop payment_cop balance_cop",
    ),
    "invoice_change": _audited(
        "id organisation_id number status pqr_id account_id invoice_number period invoiced_on reason authorised_by_id authorised_on"
        " void_reason document_id exported_at",
        "id number status pqr_id account_id invoice_number period invoiced_on reason authorised_on document_id",
    ),
    "invoice_change_line": Sheet(
        "change_id position concept before_cop after_cop", person="change_id position concept before_cop after_cop"
    ),
    # What is sold
    "quotation": _audited(
        "id organisation_id number status version party_id contact_id subject request requested_on process_id responsible_id total_cop"
        " first_sent_on sent_on valid_until n_days_to_send decided_on loss_reason decision_note next_follow_up_on",
        "id number status version subject request requested_on total_cop first_sent_on sent_on valid_until decided_on",
    ),
    "quotation_version": _audited(
        "id quotation_id number reason validity_days delivery payment conditions subtotal_cop vat_cop total_cop sent_on valid_until sent_to"
        " document_id",
        "id quotation_id number validity_days delivery payment conditions subtotal_cop vat_cop total_cop sent_on valid_until document_id",
    ),
    "quotation_line": _audited(
        "id version_id position description quantity unit unit_price_cop vat_percent subtotal_cop",
        "version_id position description quantity unit unit_price_cop vat_percent subtotal_cop",
    ),
    "quotation_follow_up": _audited("id quotation_id on_date means note next_on"),
    # Contracts
    "contract_kind": _audited("id code name is_active position", "id code name"),
    "contract": _audited(
        "id organisation_id number stage kind_id party_id quotation_id object process_id supervisor_id starts_on ends_on value_cop"
        " signed_on terminated_on stage_reason source",
        "id number stage kind_id quotation_id object starts_on ends_on value_cop signed_on terminated_on",
    ),
    "contract_signatory": _audited(
        "id contract_id side name position document_number signed_on", "id contract_id side name position document_number signed_on"
    ),
    "amendment": _audited(
        "id contract_id number status reason signed_on effective_on new_ends_on value_change_cop ends_on_before value_before_cop",
        "id contract_id number status signed_on effective_on new_ends_on value_change_cop ends_on_before value_before_cop",
    ),
    "amendment_ending": _audited("id amendment_id requirement_id"),
    "guarantee": _audited(
        "id contract_id kind insurer policy insured_cop starts_on ends_on approved_on replaced_by_id",
        "id contract_id kind insurer policy insured_cop starts_on ends_on approved_on",
    ),
    "contract_file": _audited(
        "id contract_id file_id kind amendment_id guarantee_id description", "id contract_id file_id kind description"
    ),
    "requirement_template": _audited("id name kind_id is_active"),
    "requirement_item": _audited("id template_id position text quality clause verification evidence process_id"),
    "contract_requirement": _audited(
        "id contract_id position text quality clause verification evidence process_id responsible_id is_frozen amendment_id ended_by_id"
        " replaces_id",
        "id contract_id position text clause evidence is_frozen amendment_id ended_by_id replaces_id",
    ),
    "checklist": _audited(
        "id organisation_id number contract_id year status period_from period_until opened_on due_on n_items n_met n_partly n_not_met"
        " n_not_applicable compliance conclusion signed_by_id signed_at approved_by_id approved_at n_reopened document_id"
    ),
    "checklist_item": _audited(
        "id checklist_id requirement_id position verdict note verified_by_id verified_at version action_id no_action_reason"
    ),
    "checklist_file": _audited("id item_id file_id description withdrawn_at withdrawn_by_id"),
    "commercial_event": Sheet(
        "id quotation_id contract_id checklist_id campaign_id at actor_id move from_status to_status reason facts"
    ),
    # Surveys
    "questionnaire": _audited(
        "id code name description audience frequency_months starts_on days_open process_id is_active position", "id code name"
    ),
    "questionnaire_version": _audited(
        "id questionnaire_id number status published_at published_by_id reason intro_es intro_en thanks_es thanks_en script",
        "id questionnaire_id number",
    ),
    "questionnaire_section": _audited("id version_id position title_es title_en help_es help_en"),
    "question": _audited(
        "id version_id section_id position code kind text_es text_en help_es help_en low_es low_en high_es high_en is_required is_reversed"
        " has_na least greatest condition_id condition_op condition_value process_id fingerprint",
        "id version_id code kind text_es low_es high_es",
    ),
    "question_option": _audited(
        "id question_id version_id position code text_es text_en service_id takes_words", "id question_id code text_es"
    ),
    "survey_threshold": _audited(
        "id questionnaire_id question_code measure at_most words least_n effect process_id days is_active"
    ),
    "survey_campaign": _audited(
        "id organisation_id number name questionnaire_id version_id status audience needs_consent period_from period_until opens_on"
        " closes_on by_link by_phone by_qr by_kiosk by_paper by_file is_sampled by_zone by_stratum by_service confidence error_percent seed"
        " population sample_size max_reminders reminder_days process_id responsible_id confirmed_by_id confirmed_at closed_at drop_reason"
        " conclusion document_id",
        "id number name questionnaire_id version_id opens_on closes_on",
        public_code=SECRET,
    ),
    "survey_quota": _audited("id campaign_id key zone stratum service_id population target"),
    "survey_invitee": _audited(
        "id campaign_id key party_id account_id contract_id contact_id quota_id position is_reserve name email phone status invited_on"
        " n_reminders reminded_on n_attempts call_at held_by_id held_until",
        "id campaign_id party_id account_id contract_id contact_id name email phone status invited_on n_reminders reminded_on n_attempts",
    ),
    "survey_call": Sheet("id invitee_id at user_id outcome call_back_at note", person="id invitee_id at outcome call_back_at"),
    "survey_opt_out": _audited("id party_id since_at via note ended_at", "id party_id since_at via ended_at"),
    "survey_response": Sheet(
        "id campaign_id invitee_id via status screened_reason language started_at completed_at answered_on interviewer_id quota_id"
        " contract_id service_id process_id zone stratum is_named consent_text_id wants_contact wants_case source source_number version",
        person="id campaign_id invitee_id via status language started_at completed_at answered_on is_named consent_text_id wants_contact"
        " wants_case",
    ),
    "survey_answer": Sheet(
        "id response_id question_id kind option_id score value number words is_na",
        person="id response_id question_id kind option_id score number words is_na",
    ),
    "survey_tag": _audited("id name is_active"),
    "survey_answer_tag": _audited("id answer_id tag_id"),
    "survey_alarm": _audited(
        "id threshold_id campaign_id response_id effect what figure process_id responsible_id status raised_on due_on ended_on result"
        " action_id pqr_id"
    ),
    # The regulator
    "sui_column": _audited("id format position heading field fixed kind rule source confidence is_active"),
    "sui_rule": _audited("id key service_id value weight is_active valid_from valid_until norm confidence"),
    "sui_map": _audited("id kind member service_id code valid_from valid_until norm confidence"),
    "sui_load": _audited(
        "id format service_id month version reason status is_draft n_rows sha256 file_id rules warnings frozen_at frozen_by_id sent_on"
        " sent_by_id receipt receipt_file_id"
    ),
    "sui_load_row": Sheet("id load_id position pqr_id interruption_id cells"),
    "interruption_cause": _audited("id code name sui_code is_active position"),
    "interruption": _audited(
        "id number kind cause_id service_id municipality_code settlement_code sector zones what starts_at starts_on expected_end_at ends_at"
        " n_subscribers is_estimated notice_on notice_means notice_file_id has_alternative alternative mass_event_id voided_at"
        " voided_reason"
    ),
    # Reports
    "report_schedule": _audited(
        "id name report format filters words language every weekday month_day hour sends_empty is_active stopped_reason owner_id next_at"
    ),
    "report_recipient": Sheet("schedule_id user_id"),
    "report_run": Sheet(
        "id report format filters words user_id schedule_id due_at started_at ended_at outcome n_rows n_bytes error file_id expires_on",
        {"job_id": TECHNICAL},
    ),
    # In and out
    "outbox_message": Sheet(
        "id key event to_address user_id language subject body pqr_id status n_attempts next_attempt_at was_interrupted last_error"
        " message_id in_reply_to reference_ids reply_to unsubscribe_url attachment_id digest_id created_at sent_at",
        {"html_body": REPEATED},
        "id event to_address language subject body pqr_id status created_at sent_at",
    ),
    "inbound_message": _audited(
        "id message_id sha256 mailbox received_at sent_at from_address from_name to_address subject body body_trimmed in_reply_to n_bytes"
        " raw_file_id status ground reason pqr_id note_id handled_by_id handled_at",
        "id received_at sent_at from_address from_name to_address subject body pqr_id",
    ),
    "reminder": Sheet("id rule_id row_key step n_covered due_on user_id told_as pqr_id told_at message_id"),
    "import_batch": _audited(
        "id kind subject source file_id file_name sheet header_row n_header_rows fingerprint reading mapping value_map options status"
        " n_rows n_new n_changed n_same n_bad n_done totals detail error_file_id",
        job_id=TECHNICAL,
    ),
    "quality_issue": _audited(
        "id import_id row_number code text fields facts source source_number status settled_by_id settled_at why pqr_id"
    ),
    "billing_batch": _audited("id organisation_id number made_at n_items n_billed n_rejected file_id", job_id=TECHNICAL),
    "billing_item": Sheet(
        "id batch_id position kind number pqr_id change_id financing_id order_id status result_on result_text reference reply_id handled_at"
        " handled_by_id handled_why"
    ),
    "billing_reply": _audited("id file_id applied_at applied_by_id n_lines n_billed n_rejected n_same n_bad"),
    "webhook": _audited(
        "id name events is_active n_failures failing_since paused_at paused_why",
        url=SECRET, secret=SECRET, previous_secret=SECRET, previous_until=TECHNICAL,
    ),
    "webhook_delivery": Sheet(
        "id webhook_id key event payload pqr_id status n_attempts next_attempt_at was_interrupted last_status last_answer last_error"
        " created_at sent_at"
    ),
    "change_log": Sheet("id at actor_id request_id table_name row_id action before after reason"),
}  # fmt: skip

#: Tables that leave with no archive, and why.
TABLES_LEFT_OUT: dict[str, str] = {
    "signature": "signatures of the staff: whoever has the picture could sign with it",
    "calendar_feed": SECRET,
    "ab_api_key": SECRET,
    "ab_register_user": SECRET,
    "ab_permission": TECHNICAL,
    "ab_view_menu": TECHNICAL,
    "ab_permission_view": TECHNICAL,
    "ab_permission_view_role": TECHNICAL,
    "rate_counter": TECHNICAL,
    "search_doc": TECHNICAL,
    "worker_beat": TECHNICAL,
    "job": TECHNICAL,
    "job_run": TECHNICAL,
    "import_mapping": TECHNICAL,
    "saved_filter": OWN,
    "list_columns": OWN,
    "notice_preference": OWN,
    "mail_language": OWN,
    "report_favourite": OWN,
    "alembic_version": TECHNICAL,
}

#: Tables of a table: they go with the row that they belong to (column, table), and their own parts, further down, with them.
PARTS: dict[str, tuple[str, str]] = {
    "quotation_version": ("quotation_id", "quotation"),
    "quotation_line": ("version_id", "quotation_version"),
    "contract_signatory": ("contract_id", "contract"),
    "amendment": ("contract_id", "contract"),
    "amendment_ending": ("amendment_id", "amendment"),
    "guarantee": ("contract_id", "contract"),
    "contract_file": ("contract_id", "contract"),
    "contract_requirement": ("contract_id", "contract"),
    "instalment": ("financing_id", "financing"),
    "invoice_change_line": ("change_id", "invoice_change"),
    "order_file": ("order_id", "field_order"),
}
#: Texts that may repeat the key of a citizen or a secret link, which are struck out.
SPOKEN: dict[str, tuple[str, ...]] = {
    "outbox_message": ("body",), "inbound_message": ("body", "body_trimmed"), "note": ("body",), "webhook_delivery": ("last_answer",),
    "change_log": ("before", "after"),
}  # fmt: skip
