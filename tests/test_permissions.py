"""
Who may open what: every endpoint, every method, every role, really requested.

The expectations are written here and not read from `app/security.py`: they fail when somebody changes a right by accident. An
endpoint without a row fails too. Letters are roles (`tests/stage.py`): O outsider, A auxiliar, D dueño, T técnico, S subgerente,
C comercial, Q calidad, G control y gerencia, X admin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.stage import EVERYBODY, OUTSIDER

STAFF = EVERYBODY.replace(OUTSIDER, "")
NOBODY = ""

CASES = "ADSCQGX"  # who reads cases
TIMES = "ADSQGX"  # who reads response times
REPORTS = "ADSCQGX"  # who opens the catalogue, and has reports sent
PARTIES = "ADSCQGX"
CONTRACTS = "DSCQGX"  # who reads contracts and checklists
MONEY = "ADSCQGX"  # who reads financing and invoice changes
PAPERS = (("Financing", "financing"), ("InvoiceChange", "invoice"))
QUOTES, SELLS = "SCQGX", "SCX"  # who reads quotations, and who writes and sends them
LEGAL = "DSCQGX"  # who reads the legal matrix
RISKS = "DSCQGX"  # who reads risks and their scale
INDICATORS = "ADSCQGX"
INTERRUPTIONS = "ADSCQGX"  # who reads interruptions of the network
MATRIX, KEEPS = "DSCQGX", "CQX"  # who reads the matrix of interested parties, and who keeps it
SURVEYS = "ADSCQGX"  # who reads campaigns of surveys
FORMS = "DSCQGX"  # who reads what they ask
SHEETS = "ADSCQGX"  # who reads documented information
BILLING = "ASGX"  # who reads the batches for billing
VERIFIES = "DSCQGX"  # who reads how contracts are met
RESULTS, ONE_BY_ONE = "DSCQGX", "SCQGX"  # who reads results of surveys, and who sees answers one by one
INTERVIEWS = "ACX"  # who calls people of a survey, and types sheets of paper
COMPLIANCE = (
    ("ComplianceView", "list", {}), ("ComplianceView", "excel", {}), ("VerifiedRequirementView", "list", {}),
    ("VerifiedRequirementView", "export", {"kind": "csv"}), ("VerificationView", "list", {}),
    ("VerificationView", "export", {"kind": "csv"}), ("ComplianceChartView", "list", {}), ("ComplianceChartView", "excel", {}),
    ("ComplianceChartView", "csv", {}),
)  # fmt: skip
CLAIMS = {"code": "ASEO", "month": "@month-before"}  # a month of the claims file
HOUSE = "X"  # who keeps the house
HOUSES = ("Organisation", "Municipality", "Process", "ProcessMember", "Channel", "Service", "RequestType", "SuiCause", "SuiCode",
          "Parameter")  # fmt: skip


@dataclass(frozen=True)
class Row:
    """
    Who may do *method* on *endpoint*; whoever is not in `may` is refused, or finds nothing when in `misses`.

    `case` names the case of the stage that `<number>` stands for, `url` the other parts of the address.
    """

    endpoint: str
    method: str
    may: str
    case: str = "ROUTED"
    misses: str = ""
    url: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        detail = "-".join([*(self.url.values() if "name" in self.url else ()), *([self.case] if self.case != "ROUTED" else [])])
        return f"{self.method} {self.endpoint} {detail}".strip()


def get(endpoint: str, may: str, **more: Any) -> Row:
    return Row(endpoint, "GET", may, **more)


def post(endpoint: str, may: str, **more: Any) -> Row:
    return Row(endpoint, "POST", may, **more)


def both(endpoint: str, may: str, **more: Any) -> list[Row]:
    return [get(endpoint, may, **more), post(endpoint, may, **more)]


def register(view: str, reads: str) -> list[Row]:
    """A table that people only read, and take with them as a file."""
    return [get(f"{view}.list", reads), get(f"{view}.show", reads), get(f"{view}.export", reads, url={"kind": "csv"})]


def catalogue(view: str, reads: str, writes: str) -> list[Row]:
    """A table that people read, add to and edit; nothing is deleted."""
    return [*register(view, reads), *both(f"{view}.add", writes), *both(f"{view}.edit", writes)]


def form(view: str, may: str, **more: Any) -> list[Row]:
    return [get(f"{view}.this_form_get", may, **more), post(f"{view}.this_form_post", may, **more)]


def move(name: str, may: str, case: str, misses: str = "") -> list[Row]:
    return both("CaseView.move", may, case=case, misses=misses, url={"name": name})


ROWS: list[Row] = [
    # Signing in, and what belongs to everybody
    *both("DoorView.login", EVERYBODY),
    get("DoorView.logout", EVERYBODY),
    get("HomeView.index", STAFF),
    post("HomeView.first_steps", HOUSE),
    get("UserView.userinfo", STAFF),
    *form("ProfileView", STAFF),
    *form("OwnPasswordView", STAFF),
    *both("SignatureView.edit", STAFF),
    get("SignatureView.specimen", NOBODY, misses=STAFF),  # nobody keeps one on the stage
    post("SignatureView.remove", STAFF),
    get("LocaleView.index", EVERYBODY, url={"locale": "es"}),
    get("UtilView.back", EVERYBODY),
    get("static", EVERYBODY, url={"filename": "icon.svg"}),
    get("appbuilder.static", NOBODY, misses=EVERYBODY, url={"filename": "css/ab.css"}),  # nothing of ours needs it
    get("MenuApi.get_menu_data", HOUSE),  # of Flask-AppBuilder's own front end, which we do not use
    # The citizen's pages
    *both("portal.file_request", EVERYBODY),
    get("portal.filed", EVERYBODY),
    get("portal.receipt", EVERYBODY),
    *both("portal.look_up", EVERYBODY),
    get("portal.download", EVERYBODY),
    *both("portal.appeal", EVERYBODY, case="NOTIFIED"),
    *both("portal.open_answer", EVERYBODY),
    *both("portal.notice", EVERYBODY),
    get("portal.certificate", EVERYBODY),
    get("portal.certificate_file", EVERYBODY),
    get("noticeboard.board", EVERYBODY),
    *both("verify.check", EVERYBODY),
    get("verify.document", NOBODY, misses=EVERYBODY, url={"number": "RES-2026-999999", "prefix": "00000000"}),
    get("noticeboard.document", NOBODY, misses=EVERYBODY),  # that case has no aviso posted
    get("portal.compute", EVERYBODY),
    get("portal.health", EVERYBODY),
    # Cases
    get("CaseView.list", CASES),
    get("CaseView.export", CASES, url={"kind": "csv"}),
    get("CaseView.export", CASES, url={"kind": "xlsx"}),
    post("CaseView.bulk_action", "ADSX", url={"name": "route"}),
    post("CaseView.bulk_action", "AX", url={"name": "close"}),
    get("CaseView.show", CASES),
    get("CaseView.show", CASES.replace("D", ""), case="OTHER", misses="D"),
    *both("CaseView.register", "AX"),
    *both("CaseView.edit", "AX"),
    *both("CaseView.draft", "DSX"),
    *both("CaseView.draft", "SX", case="OTHER", misses="D"),
    post("CaseView.note", "ADSX"),
    post("CaseView.note", "ASX", case="OTHER", misses="D"),
    post("CaseView.attach", "ADSX"),
    post("CaseView.attach", "ASX", case="OTHER", misses="D"),
    get("CaseView.download", CASES),
    get("CaseView.download", CASES.replace("D", ""), case="OTHER", misses="D"),
    get("CaseView.receipt", "AX"),
    get("ApprovalView.list", "SX"),
    get("CaseView.preview", "DSX", case="SOLVED"),
    # The counter
    *both("CounterView.attend", "AX"),
    get("CounterView.seek", "AX"),
    get("CounterView.done", "AX"),
    # Moves: one row each, because each has its own right
    *move("ROUTE", "ASX", "RECEIVED", misses="D"),
    *move("ROUTE", "ADSX", "ROUTED"),
    *move("ROUTE", "ASX", "OTHER", misses="D"),
    *move("RETURN_TO_DESK", "ADX", "ROUTED"),
    *move("RETURN_TO_DESK", "AX", "OTHER", misses="D"),
    *move("ISSUE_REQUEST", "ADX", "ROUTED"),
    *move("REQUEST_COMPLETION", "ADX", "ROUTED"),
    *move("CLARIFY", "ADX", "ROUTED"),
    *move("EXTEND_COMPLETION", "AX", "AWAITING_USER"),
    *move("COMPLETE_PARTLY", "AX", "AWAITING_USER"),
    *move("COMPLETE", "AX", "AWAITING_USER"),
    *move("WITHDRAW", "SX", "LATE_USER"),
    *move("ARCHIVE", "SX", "LATE_USER"),
    *move("EXTEND", "SX", "ROUTED"),
    *move("ORDER_EVIDENCE", "DSX", "ROUTED"),
    *move("CLOSE_EVIDENCE", "DSX", "EVIDENCE"),
    *move("TRANSFER", "ASX", "ROUTED"),
    *move("VOID", "SX", "RECEIVED", misses="D"),
    *move("SOLVE", "DX", "ROUTED"),
    *move("SOLVE", "X", "OTHER", misses="D"),
    *move("RETURN_SOLUTION", "SX", "SOLVED"),
    *move("ISSUE_ANSWER", "SX", "SOLVED"),
    *(row for name in ("SUMMON", "SEND_AVISO", "POST_AVISO", "UNPOST_AVISO", "RECORD_DELIVERY") for row in move(name, "AX", "ANSWERED")),
    *move("NOTIFY", "AX", "ANSWERED"),
    *move("APPEAL", "AX", "NOTIFIED"),
    *move("APPEAL", "AX", "CLOSED"),
    *move("SEND_TO_SSPD", "ASX", "DECIDED"),
    *move("RECORD_RESULT", "ASX", "DECIDED"),
    post("CaseView.sspd_file", "ASX", case="DECIDED"),
    get("CaseView.show", CASES, case="DECIDED"),
    *move("CLOSE", "AX", "NOTIFIED"),
    # Orders and actas: the office, and the technician, who sees what is his alone
    get("OrderView.list", CASES),
    get("OrderView.export", CASES, url={"kind": "csv"}),
    get("OrderView.show", CASES, url={"pk": "@done"}),
    get("OrderView.show", CASES.replace("D", ""), misses="D", url={"pk": "@other"}),
    *both("OrderView.issue", "ADSX"),
    *both("OrderView.issue", "ADSX", url={"kind": "CUT"}),
    *(row for name in ("done", "not-done", "reassign") for row in both("OrderView.act", "ADSX", url={"pk": "@order", "name": name})),
    *both("OrderView.act", "DSX", url={"pk": "@undone", "name": "excuse"}),
    *both("OrderView.act", "DSX", url={"pk": "@order", "name": "void"}),
    *both("OrderView.act", "SX", misses="D", url={"pk": "@other", "name": "void"}),
    get("OrderView.paper", CASES, url={"pk": "@done", "which": "acta"}),
    get("OrderView.paper", CASES.replace("D", ""), misses="D", url={"pk": "@other", "which": "order"}),
    get("OrderView.photo", CASES, url={"pk": "@done", "file_id": "@photo"}),
    get("MyOrdersView.list", "TX"),
    get("MyOrdersView.worker", "TX"),
    *both("MyOrdersView.fill", "T", misses="X", url={"pk": "@order"}),
    *both("MyOrdersView.fill", NOBODY, misses="TX", url={"pk": "@other"}),
    get("MyOrdersView.paper", "T", misses="X", url={"pk": "@order", "which": "order"}),
    get("MyOrdersView.photo", "T", misses="X", url={"pk": "@done", "file_id": "@photo"}),
    *move("RECOGNISE", "SX", "ROUTED"),
    # Silence, mass events, ratings
    *register("SilenceView", TIMES),
    *catalogue("MassEventView", TIMES, "ASX"),
    *both("MassEventView.apply", "SX"),
    *both("MassEventView.issue", "SX"),
    post("MassEventView.link", "ASX"),
    post("MassEventView.link", "ASX", case="OTHER", misses="D"),
    post("CaseView.bulk_action", "ASX", url={"name": "link"}),
    get("LookupView.seek", TIMES, url={"kind": "event"}),
    *register("RatingView", TIMES),
    # Contracts: an owner sees those of his processes
    *register("ContractView", CONTRACTS),
    get("ContractView.show", CONTRACTS.replace("D", ""), misses="D", url={"pk": "@contract-other"}),
    *both("ContractView.add", SELLS),
    *both("ContractView.edit", SELLS, url={"pk": "@draft_contract"}),
    get("ContractView.edit", NOBODY, misses=SELLS, url={"pk": "@contract"}),
    *(row for name in ("requirements", "sign", "terminate", "void", "hand_over")
      for row in both(f"ContractView.{name}", SELLS, url={"pk": "@draft_contract"})),
    *(get(f"ContractView.{name}", SELLS, url={"pk": "@contract"}) for name in ("requirements", "sign")),
    get("LookupView.seek", CONTRACTS, url={"kind": "contract"}),
    # Beside the contracts: kinds, templates, guarantees, files, charts
    *(get(f"ContractKindView.{name}", SELLS) for name in ("list", "show")),
    get("ContractKindView.export", HOUSE, url={"kind": "csv"}),
    *both("ContractKindView.add", HOUSE),
    *both("ContractKindView.edit", HOUSE),
    *(row for name in ("RequirementTemplate", "RequirementItem") for row in catalogue(f"{name}View", SELLS, SELLS)),
    post("RequirementItemView.drop", SELLS),
    post("ContractKindView.bulk_action", HOUSE, url={"name": "deactivate"}),
    post("RequirementTemplateView.bulk_action", SELLS, url={"name": "deactivate"}),
    get("GuaranteeView.list", CONTRACTS),
    get("GuaranteeView.export", CONTRACTS, url={"kind": "csv"}),
    get("GuaranteeView.show", CONTRACTS, url={"pk": "@policy"}),
    get("GuaranteeView.show", CONTRACTS.replace("D", ""), misses="D", url={"pk": "@policy-other"}),
    *both("GuaranteeView.add", SELLS),
    *(row for name in ("edit", "approve", "replace") for row in both(f"GuaranteeView.{name}", SELLS, url={"pk": "@policy"})),
    *both("GuaranteeView.edit", NOBODY, misses=SELLS, url={"pk": "@approved-policy"}),
    post("GuaranteeView.bulk_action", SELLS, url={"name": "approve"}),
    get("ContractFileView.list", CONTRACTS),
    get("ContractFileView.export", CONTRACTS, url={"kind": "csv"}),
    get("ContractFileView.show", CONTRACTS, url={"pk": "@contract-file"}),
    get("ContractFileView.show", CONTRACTS.replace("D", ""), misses="D", url={"pk": "@contract-file-other"}),
    get("ContractFileView.download", CONTRACTS, url={"pk": "@contract-file"}),
    get("ContractFileView.download", CONTRACTS.replace("D", ""), misses="D", url={"pk": "@contract-file-other"}),
    *both("ContractFileView.add", SELLS, url={"contract": "@contract-number"}),
    get("ContractFileView.add", NOBODY, misses=SELLS, url={"contract": "nobody-has-this"}),
    get("ContractChartView.list", CONTRACTS.replace("D", "")),
    *(get(f"ContractChartView.{name}", CONTRACTS.replace("D", "")) for name in ("excel", "csv")),
    get("AmendmentView.show", CONTRACTS, url={"pk": "@amendment"}),
    get("AmendmentView.show", CONTRACTS, url={"pk": "@draft_amendment"}),
    *both("AmendmentView.draft", SELLS, url={"pk": "@contract"}),
    *(row for name in ("edit", "sign", "void") for row in both(f"AmendmentView.{name}", SELLS, url={"pk": "@draft_amendment"})),
    # Interested parties
    *(get(f"InterestedView.{name}", MATRIX) for name in ("list", "excel", "pdf")),
    *(row for view in ("NeedView", "MechanismView") for row in catalogue(view, MATRIX, KEEPS)),
    *(post(f"{view}.bulk_action", KEEPS, url={"name": "deactivate"}) for view in ("NeedView", "MechanismView", "InterestGroupView")),
    *(get(f"InterestGroupView.{name}", MATRIX) for name in ("list", "show")),
    get("InterestGroupView.export", KEEPS, url={"kind": "csv"}),
    *both("InterestGroupView.add", KEEPS),
    *both("InterestGroupView.edit", KEEPS),
    *both("MechanismView.attach", "DCQX", misses="S", url={"pk": "@mechanism"}),
    *both("MechanismView.attach", KEEPS, misses="DS", url={"pk": "@mechanism-other"}),
    post("MechanismView.look", "DCQX", misses="S", url={"pk": "@mechanism"}),
    post("MechanismView.report", "QX", misses="DSC", url={"pk": "@mechanism-other"}),
    *register("EvidenceView", MATRIX),
    *both("EvidenceView.edit", KEEPS, url={"pk": "@evidence"}),
    *both("EvidenceView.edit", NOBODY, misses=KEEPS, url={"pk": "@evidence-report"}),
    get("EvidenceView.file", MATRIX, url={"pk": "@evidence"}),
    get("EvidenceView.file", "SQGX", misses="DC", url={"pk": "@evidence-report"}),
    # Sending quotations, and what became of them
    *register("QuotationView", QUOTES),
    *(get("QuotationView.show", QUOTES, url={"pk": f"@{state}_quotation"}) for state in ("sent", "accepted")),
    *both("QuotationView.add", SELLS),
    *both("QuotationView.edit", SELLS, url={"pk": "@draft_quotation"}),
    *both("QuotationView.edit", SELLS, url={"pk": "@accepted_quotation"}),  # says why it stays
    *(row for step in ("accept", "reject", "revise", "follow_up") for row in both(f"QuotationView.{step}", SELLS,
                                                                                  url={"pk": "@sent_quotation"})),
    *both("QuotationView.withdraw", SELLS, url={"pk": "@draft_quotation"}),
    post("QuotationView.contract", SELLS, url={"pk": "@accepted_quotation"}),
    *both("QuotationView.send", SELLS, url={"pk": "@draft_quotation"}),
    *both("QuotationView.send", SELLS, url={"pk": "@sent_quotation"}),
    get("QuotationView.send", NOBODY, misses=SELLS, url={"pk": "@accepted_quotation"}),
    get("QuotationView.pdf", QUOTES, url={"pk": "@draft_quotation"}),
    get("QuotationView.pdf", QUOTES, url={"pk": "@sent_quotation"}),
    *(get(f"QuotationChartView.{method}", QUOTES) for method in ("list", "excel", "csv")),
    *(get(f"RatingChartView.{method}", TIMES) for method in ("list", "excel", "csv")),
    *both("RatingCounterView.ask", "AX"),
    *both("rating.rate", EVERYBODY, case="ANSWERED"),
    # Reports
    get("ResponseTimesView.list", TIMES),
    get("ReportView.show", TIMES, url={"key": "response_times"}),
    *(get(f"ReportView.{door}", TIMES, url={"key": "response_times"}) for door in ("excel", "csv", "pdf")),
    get("ReportView.part", TIMES, url={"key": "response_times", "part": "rows"}),
    post("ReportView.make", TIMES, url={"key": "response_times", "name": "excel"}),
    get("ReportApi.rows", TIMES, url={"key": "response_times"}),
    get("ReportCatalogueView.list", REPORTS),
    post("ReportCatalogueView.favourite", TIMES, url={"key": "response_times"}),
    *(get(f"{view}View.list", REPORTS) for view in ("ReportSchedule", "ReportRun")),
    *(get(f"{view}View.export", REPORTS, url={"kind": "csv"}) for view in ("ReportSchedule", "ReportRun")),
    get("ReportScheduleView.show", "SGX", misses="ADCQ", url={"pk": "@sending"}),  # of X, who sends it to X
    *both("ReportScheduleView.add", REPORTS),
    *both("ReportScheduleView.edit", HOUSE, misses="ADSCQG", url={"pk": "@sending"}),
    *(post(f"ReportScheduleView.{door}", HOUSE, misses="ADSCQG", url={"pk": "@sending"}) for door in ("pause", "resume")),
    post("ReportScheduleView.leave", "SGX", misses="ADCQ", url={"pk": "@sending"}),
    *both("ReportScheduleView.stop", HOUSE, misses="ADSCQG", url={"pk": "@sending"}),
    get("ReportRunView.show", "SGX", misses="ADCQ", url={"pk": "@made"}),
    get("ReportRunView.download", HOUSE, misses="ADCQ", url={"pk": "@made"}),  # S and G see the line, and not the file
    *(get(f"{view}ChartView.{method}", TIMES) for view in ("Case", "Account") for method in ("list", "excel", "csv")),
    # Money: whoever writes, for the cases of the reader; another signs and authorises
    *(get(f"{name}View.list", MONEY) for name in ("Financing", "InvoiceChange")),
    *(get(f"{name}View.export", MONEY.replace("C", ""), url={"kind": "csv"}) for name in ("Financing", "InvoiceChange")),
    *(row for name, mark in PAPERS for row in (
        get(f"{name}View.show", MONEY, url={"pk": f"@{mark}"}),
        get(f"{name}View.show", MONEY.replace("D", ""), misses="D", url={"pk": f"@{mark}-other"}),
        get(f"{name}View.show", "ASGX", misses="DCQ", url={"pk": f"@{mark}-reserved"}),
        *both(f"{name}View.add", "ADX"),
        *both(f"{name}View.edit", "ADX", url={"pk": f"@{mark}"}),
        *both(f"{name}View.edit", "AX", misses="D", url={"pk": f"@{mark}-other"}),
        *both(f"{name}View.edit", NOBODY, misses="ADX", url={"pk": f"@{mark}-final"}),  # signed and authorised: nothing changes
        *both(f"{name}View.void", "SX", url={"pk": f"@{mark}"}),
        get(f"{name}View.pdf", MONEY, url={"pk": f"@{mark}-final"}),
        get(f"{name}View.pdf", NOBODY, misses=MONEY, url={"pk": f"@{mark}"}),  # no paper yet
        get(f"{name}View.pdf", NOBODY, misses=MONEY, url={"pk": f"@{mark}-other"}),
    )),
    post("FinancingView.paper", "ADX", url={"pk": "@financing"}),
    post("FinancingView.paper", "AX", misses="D", url={"pk": "@financing-other"}),
    *both("FinancingView.sign", "SX", url={"pk": "@financing"}),
    get("FinancingView.proof", MONEY, url={"pk": "@financing-final"}),
    get("FinancingView.proof", NOBODY, misses=MONEY, url={"pk": "@financing"}),
    post("InvoiceChangeView.authorise", "SX", url={"pk": "@invoice"}),
    get("DeviationView.compute", PARTIES),
    # What billing is told, and what it answers
    *register("BillingBatchView", BILLING),
    get("BillingBatchView.download", BILLING),
    *both("BillingBatchView.open", "ASX"),
    *register("BillingItemView", BILLING),
    *both("BillingItemView.handle", "ASX", url={"pk": "@rejected", "name": "resend"}),
    *(post("BillingItemView.bulk_action", "ASX", url={"name": name}) for name in ("resend", "drop")),
    *register("BillingReplyView", BILLING),
    *both("BillingReplyView.add", "ASX"),
    post("BillingReplyView.settle", "ASX"),
    get("BillingReplyView.errors", BILLING),
    get("BillingReplyView.download", BILLING),
    get("BillingColumnView.list", BILLING),
    get("BillingColumnView.edit", BILLING, url={"kind": "FINANCING"}),
    post("BillingColumnView.edit", HOUSE, url={"kind": "FINANCING"}),
    # Files that come in, and the registers that they fill
    get("ImportBatchView.list", "SCGX"),
    get("ImportBatchView.export", "SGX", url={"kind": "csv"}),
    *both("ImportBatchView.add", "CX"),
    *(row for pk, may, misses in (("@batch", HOUSE, "C"), ("@answers-file", "CX", "")) for row in (
        *both("ImportBatchView.mapping", may, url={"pk": pk}, misses=misses),
        *(post(f"ImportBatchView.{verb}", may, url={"pk": pk}, misses=misses) for verb in ("check", "meanings", "bring")),
        get("ImportBatchView.show", "SGX" + may.replace("X", ""), url={"pk": pk}, misses=misses),
    )),
    get("ImportBatchView.errors", "SGX", url={"pk": "@batch"}, misses="C"),
    get("ImportBatchView.template", HOUSE, url={"name": "accounts"}, misses="C"),
    get("ImportBatchView.template", "CX", url={"name": "survey_answers"}),
    *both("SurveyFileView.questions", "CQX", url={"pk": "@answers-file"}),
    post("PastRecordView.answers", "CX", url={"pk": "@past-answers"}, misses="S"),
    *register("InvoiceView", PARTIES),
    *register("MarketClaimView", TIMES),
    *register("PastRecordView", "SCQGX"),
    *both("PastRecordView.take_over", SELLS, url={"pk": "@past-contract"}),
    # Old logs: rows that cannot be true, and due dates that differ
    *register("QualityIssueView", "SGX"),
    *both("QualityIssueView.correct", HOUSE),
    *both("QualityIssueView.undo", HOUSE, url={"pk": "@old-log"}),
    *both("QualityIssueView.decide", HOUSE, url={"name": "settle"}),
    *both("QualityIssueView.decide", HOUSE, url={"name": "ignore"}),
    *(post("QualityIssueView.bulk_action", HOUSE, url={"name": name}) for name in ("settle", "ignore")),
    get("DueDifferenceView.list", "SGX"),
    get("DueDifferenceView.export", "SGX", url={"kind": "csv"}),
    # Parties and accounts
    *catalogue("PartyView", PARTIES, "ACX"),
    *catalogue("AccountView", PARTIES, "AX"),
    *catalogue("ContactView", PARTIES, "ACX"),
    *both("PartyGroupView.edit", "ACX", url={"pk": "@party"}),
    get("LookupView.seek", PARTIES, url={"kind": "contact"}),
    # Compliance: an owner has the contracts of his processes
    *(get(f"{view}.{name}", VERIFIES, url=url) for view, name, url in COMPLIANCE),
    get("ComplianceView.contract", VERIFIES, url={"pk": "@verified"}),
    get("ComplianceView.contract", VERIFIES.replace("D", ""), misses="D", url={"pk": "@verified-other"}),
    get("ComplianceView.contract_excel", VERIFIES, url={"pk": "@verified"}),
    get("ComplianceView.contract_excel", VERIFIES.replace("D", ""), misses="D", url={"pk": "@verified-other"}),
    get("ComplianceView.party", VERIFIES, url={"pk": "@verified-party"}),
    get("ComplianceView.party_excel", VERIFIES, url={"pk": "@verified-party"}),
    # Actions: an owner has those of his processes; what ended no longer changes
    # The annual verification: an owner fills the rows of his process, and what he may not sign or see is not there
    get("ChecklistView.list", "DSCQGX"),
    get("ChecklistView.export", "DSCQGX", url={"kind": "csv"}),
    *(get(f"ChecklistView.{door}", "DSCQGX", url={"pk": "@filled"}) for door in ("show", "news", "acta", "excel")),
    *(get(f"ChecklistView.{door}", "SCQGX", misses="D", url={"pk": "@checklist-other"}) for door in ("show", "news", "acta", "excel")),
    get("ChecklistView.evidence", "DSCQGX", url={"pk": "@filled", "file_id": "@evidence"}),
    get("ChecklistView.evidence", NOBODY, misses="DSCQGX", url={"pk": "@checklist", "file_id": "@evidence"}),
    *both("ChecklistView.withdraw", "DSCX", url={"pk": "@filled", "file_id": "@evidence"}),
    *both("ChecklistView.withdraw", NOBODY, misses="DSCX", url={"pk": "@checklist", "file_id": "@evidence"}),
    get("ChecklistView.old_acta", NOBODY, misses="DSCQGX", url={"pk": "@checklist", "document_id": 1}),
    post("ChecklistView.save", "DSCX", url={"pk": "@filled"}),
    post("ChecklistView.save", "SCX", misses="D", url={"pk": "@checklist-other"}),
    post("ChecklistView.row", "DSCX", url={"pk": "@filled", "item_id": "@finding"}),
    post("ChecklistView.row", NOBODY, misses="DSCX", url={"pk": "@signed", "item_id": "@finding"}),
    *both("ChecklistView.ask", "DSCX", url={"pk": "@filled", "item_id": "@finding"}),
    *both("ChecklistView.sign", "DSCX", url={"pk": "@filled"}),
    *both("ChecklistView.sign", "SCX", misses="D", url={"pk": "@checklist-other"}),
    *both("ChecklistView.give_back", "SX", url={"pk": "@signed"}),
    post("ChecklistView.approve", "SX", url={"pk": "@signed"}),
    *both("ChecklistView.reopen", "SX", url={"pk": "@checklist"}),
    post("ChecklistView.open_now", "SCX", url={"contract_id": "@unopened"}),
    get("ActionView.list", "ADSCQGX"),
    get("ActionView.export", "ADSCQGX", url={"kind": "csv"}),
    get("ActionBoardView.list", "ADSCQGX"),
    post("ActionBoardView.move", "DSCQGX", misses="A", url={"pk": "@action"}),
    post("ActionBoardView.move", "SCQGX", misses="AD", url={"pk": "@action-other"}),
    get("ActionCalendarView.list", "ADSCQGX"),
    # Actions: an owner writes those of his processes; whoever has a task sees its action and ends that task, and no more
    *(get(f"ActionView.{door}", "DSCQGX", misses="A", url={"pk": "@action"}) for door in ("show", "paper")),
    *(get(f"ActionView.{door}", "SCQGX", misses="AD", url={"pk": "@action-other"}) for door in ("show", "paper")),
    *(get(f"ActionView.{door}", "ADSCQGX", url={"pk": "@action-running"}) for door in ("show", "paper")),
    *(get("ActionView.show", "DSCQGX", misses="A", url={"pk": mark}) for mark in ("@action-planned", "@action-review", "@action-done")),
    *both("ActionView.add", "DSCQX"),
    *both("ActionView.edit", "DSCQX", url={"pk": "@action"}),
    *both("ActionView.edit", "SCQX", misses="D", url={"pk": "@action-other"}),
    *both("ActionView.edit", NOBODY, misses="DSCQX", url={"pk": "@action-done"}),
    *(post(f"ActionView.{door}", "DSCQX", url={"pk": "@action"}) for door in ("plan", "root")),
    *(post(f"ActionView.{door}", "SCQX", misses="D", url={"pk": "@action-other"}) for door in ("plan", "root", "carry_out")),
    post("ActionView.carry_out", "DSCQX", url={"pk": "@action-running"}),
    post("ActionView.approve", "SQX", url={"pk": "@action-planned"}),
    *both("ActionView.send_back", "SQX", url={"pk": "@action-planned"}),
    *both("ActionView.finish", "DSCQX", url={"pk": "@action-correction"}),
    *(row for door in ("analysis", "task_add") for row in both(f"ActionView.{door}", "DSCQX", url={"pk": "@action"})),
    *(row for door in ("analysis", "task_add") for row in both(f"ActionView.{door}", "SCQX", misses="D", url={"pk": "@action-other"})),
    *(row for door in ("task_edit", "task_drop")
      for row in both(f"ActionView.{door}", "DSCQX", url={"pk": "@action", "task_id": "@task-draft"})),
    *both("ActionView.task_end", "ADSCQX", url={"pk": "@action-running", "task_id": "@task"}),
    *both("ActionView.task_end", NOBODY, misses="ADSCQX", url={"pk": "@action", "task_id": "@task"}),
    *both("ActionView.task_postpone", "SQX", url={"pk": "@action-running", "task_id": "@task"}),
    *both("ActionView.attach", "ADSCQX", url={"pk": "@action-running"}),
    *both("ActionView.attach", "DSCQX", misses="A", url={"pk": "@action"}),
    get("ActionView.file", "DSCQGX", misses="A", url={"pk": "@action", "file_id": "@action-file"}),
    get("ActionView.file", NOBODY, misses="ADSCQGX", url={"pk": "@action-running", "file_id": "@action-file"}),
    *both("ActionView.withdraw", "DSCQX", misses="A", url={"pk": "@action", "file_id": "@action-file"}),
    *(row for door in ("cancel", "postpone") for row in both(f"ActionView.{door}", "SQX", url={"pk": "@action"})),
    *both("ActionView.cancel", "SQX", url={"pk": "@action-other"}),
    # The effect of an action: whoever plans says how it is measured, whoever reads sees it, who directs judges it
    *both("ActionView.measure", "DSCQX", url={"pk": "@action"}),
    *both("ActionView.measure", "SCQX", misses="D", url={"pk": "@action-other"}),
    *both("ActionView.measure", NOBODY, misses="DSCQX", url={"pk": "@action-review"}),
    *(get("ActionView.effect", "DSCQGX", misses="A", url={"pk": mark}) for mark in ("@action", "@action-review", "@action-done")),
    get("ActionView.effect", "SCQGX", misses="AD", url={"pk": "@action-other"}),
    *both("ActionView.judge", "SQX", url={"pk": "@action-review"}),
    *both("ActionView.judge", NOBODY, misses="SQX", url={"pk": "@action"}),
    # Non-conforming outputs: everybody tells; an owner treats those of his process; who directs verifies
    get("NonconformityView.list", "ADSCQGX"),
    get("NonconformityView.export", "ADSCQGX", url={"kind": "csv"}),
    *(get("NonconformityView.show", "DSQGX", misses="AC", url={"pk": f"@snc{name}"}) for name in ("", "-treated", "-closed")),
    get("NonconformityView.show", "SQGX", misses="ACD", url={"pk": "@snc-other"}),
    *both("NonconformityView.add", "ADSCQX"),
    *both("NonconformityView.edit", "DSQX", url={"pk": "@snc"}),
    *both("NonconformityView.edit", "SQX", misses="D", url={"pk": "@snc-other"}),
    *both("NonconformityView.edit", NOBODY, misses="DSQX", url={"pk": "@snc-treated"}),
    *(row for door in ("treat", "ask", "no_action") for row in both(f"NonconformityView.{door}", "DSQX", url={"pk": "@snc"})),
    *(row for door in ("treat", "ask", "no_action")
      for row in both(f"NonconformityView.{door}", "SQX", misses="D", url={"pk": "@snc-other"})),
    *(row for door in ("verify", "send_back") for row in both(f"NonconformityView.{door}", "SQX", url={"pk": "@snc-treated"})),
    # The legal matrix: an owner evaluates what is of his processes; quality keeps it
    *register("LegalRequirementView", LEGAL),
    *(get(f"LegalRequirementView.{door}", LEGAL) for door in ("excel", "pdf")),
    *both("LegalRequirementView.add", "QX"),
    *both("LegalRequirementView.edit", "QX", url={"pk": "@legal"}),
    *both("LegalRequirementView.rest", "QX", url={"pk": "@legal"}),
    post("LegalRequirementView.bulk_action", "QX", url={"name": "deactivate"}),
    *both("LegalRequirementView.evaluate", "DSQX", url={"pk": "@legal"}),
    *both("LegalRequirementView.evaluate", "SQX", misses="D", url={"pk": "@legal-other"}),
    get("LegalRequirementView.file", LEGAL, url={"pk": "@legal", "evaluation_id": "@evaluation"}),
    get("LegalRequirementView.file", NOBODY, misses=LEGAL, url={"pk": "@legal-other", "evaluation_id": "@evaluation"}),
    # Interruptions of the network: who attends and who owns a process tell them; who directs may void one
    get("InterruptionView.list", INTERRUPTIONS),
    get("InterruptionView.export", INTERRUPTIONS, url={"kind": "csv"}),
    *(get("InterruptionView.show", INTERRUPTIONS, url={"pk": mark}) for mark in ("@interruption", "@interruption-voided")),
    get("InterruptionView.proof", INTERRUPTIONS, url={"pk": "@interruption"}),
    get("InterruptionView.proof", NOBODY, misses=INTERRUPTIONS, url={"pk": "@interruption-voided"}),
    *both("InterruptionView.add", "ADSX"),
    *both("InterruptionView.edit", "ADSX", url={"pk": "@interruption"}),
    *both("InterruptionView.edit", NOBODY, misses="ADSX", url={"pk": "@interruption-voided"}),
    *(row for door, may in (("notice", "ADSX"), ("event", "ASX"), ("link", "ADSX"), ("restore", "DSX"), ("void", "SX"))
      for row in both(f"InterruptionView.{door}", may, url={"pk": "@interruption"})),
    post("InterruptionView.recount", "ADSX", url={"pk": "@interruption"}),
    *catalogue("InterruptionCauseView", "SQGX", HOUSE),
    get("InterruptionFileView.list", "ASQGX"),
    get("InterruptionFileView.month", "ASQGX", url={"service_id": "@aqueduct", "month": "@month-before"}),
    post("InterruptionFileView.freeze", "SX", url={"service_id": "@aqueduct", "month": "@month-before"}),
    get("InterruptionFileView.download", "SQGX", url={"load_id": "@interruptions-load"}),
    *both("InterruptionFileView.receipt", "SX", url={"load_id": "@interruptions-load"}),
    # The claims file: a month is looked at, taken as a draft, frozen and told as reported
    get("SuiView.board", "ASQGX"),
    get("SuiView.show", "ASQGX", url=CLAIMS),
    get("SuiView.draft", "SQGX", url=CLAIMS),
    post("SuiView.freeze", "SX", url=CLAIMS),
    *(get(f"SuiLoadView.{door}", "ASQGX", url={"pk": "@claims-load"}) for door in ("show", "differences")),
    *(get(f"SuiLoadView.{door}", "SQGX", url={"pk": "@claims-load"}) for door in ("file", "receipt_file")),
    post("SuiLoadView.receipt", "SX", url={"pk": "@claims-load"}),
    *(row for view in ("SuiRuleView", "SuiMapView", "SuiColumnView") for row in (
        *catalogue(view, "SQGX", HOUSE), post(f"{view}.drop", HOUSE))),
    # Risks: an owner keeps those of his processes; who directs looks at them; quality keeps the scale; commerce sees only its own
    *(get(f"Risk{view}.{door}", RISKS, url=url) for view, door, url in (
        ("MapView", "list", {}), ("MapView", "excel", {}), ("MapView", "pdf", {}), ("View", "list", {}),
        ("View", "export", {"kind": "csv"}),
        ("ScaleView", "list", {}))),
    *(get("RiskView.show", "DSQGX", misses="C", url={"pk": mark}) for mark in ("@risk", "@risk-closed")),
    get("RiskView.show", "SQGX", misses="CD", url={"pk": "@risk-other"}),
    *both("RiskView.add", "DQX"),
    *both("RiskView.edit", "DQX", url={"pk": "@risk"}),
    *both("RiskView.edit", "QX", misses="D", url={"pk": "@risk-other"}),
    *both("RiskView.edit", NOBODY, misses="DQX", url={"pk": "@risk-closed"}),
    *both("RiskView.ask", "DSQX", misses="C", url={"pk": "@risk"}),
    *both("RiskView.ask", "SQX", misses="CD", url={"pk": "@risk-other"}),
    *(row for door, may in (("review", "DSQX"), ("control", "DQX"), ("close", "DQX"))
      for row in both(f"RiskView.{door}", may, url={"pk": "@risk"})),
    *(row for door, may in (("review", "SQX"), ("control", "QX"), ("close", "QX"))
      for row in both(f"RiskView.{door}", may, misses="D", url={"pk": "@risk-other"})),
    *both("RiskView.reopen", "DQX", url={"pk": "@risk-closed"}),
    *both("RiskView.control_change", "DQX", url={"pk": "@risk", "control_id": "@control"}),
    *both("RiskView.control_change", NOBODY, misses="DQX", url={"pk": "@risk-other", "control_id": "@control"}),
    *(row for part in ("Probability", "Impact", "Band") for row in catalogue(f"Risk{part}View", RISKS, "QX")),
    # Indicators: everybody of the house reads them; who reports them may answer for their misses
    *catalogue("IndicatorView", INDICATORS, "QX"),
    post("IndicatorView.bulk_action", "QX", url={"name": "deactivate"}),
    get("IndicatorView.show", INDICATORS, url={"pk": "@indicator-typed"}),
    get("IndicatorBoardView.board", INDICATORS),
    get("IndicatorBoardView.workbook", INDICATORS),
    *(get("IndicatorRowsView.rows", INDICATORS, url={"pk": "@indicator", "since": "2026-06-01", "part": part})
      for part in ("all", "hit", "miss", "excluded")),
    get("IndicatorRowsView.rows", NOBODY, misses=INDICATORS, url={"pk": "@indicator", "since": "2026-06-02", "part": "all"}),
    get("IndicatorRowsView.rows", NOBODY, misses=INDICATORS, url={"pk": "@indicator-typed", "since": "2026-06-01", "part": "all"}),
    post("IndicatorView.reckon", "SQX", url={"pk": "@indicator"}),
    *both("IndicatorView.type_in", "QX", url={"pk": "@indicator-typed"}),
    *both("IndicatorView.type_in", NOBODY, misses="QX", url={"pk": "@indicator"}),
    *both("IndicatorView.analyse", "DSQX", url={"pk": "@value"}),
    *both("IndicatorView.note", "DSQX", url={"pk": "@value-reported"}),
    *(row for door in ("report", "ask", "decline") for row in both(f"IndicatorView.{door}", "SQX", url={"pk": "@value"})),
    *(post(f"Risk{part}View.drop", "QX") for part in ("Probability", "Impact", "Band")),
    # The audit pack and the management reviews: quality prepares, who directs signs, control reads
    # Dashboards
    get("CaseBoardView.show", "ADSCQGX"),
    get("CommercialBoardView.show", "SCQGX"),
    get("SatisfactionBoardView.show", "SCQGX"),
    get("QualityBoardView.show", "DSQGX"),
    get("AuditPackView.list", "SQGX"),
    post("AuditPackView.make", "SQGX"),
    get("ManagementReviewView.list", "SQGX"),
    get("ManagementReviewView.export", "SQGX", url={"kind": "csv"}),
    *(get(f"ManagementReviewView.{door}", "SQGX", url={"pk": mark}) for door in ("show", "minutes")
      for mark in ("@review", "@review-signed")),
    *both("ManagementReviewView.add", "SQX"),
    *both("ManagementReviewView.edit", "SQX", url={"pk": "@review"}),
    *both("ManagementReviewView.edit", NOBODY, misses="SQX", url={"pk": "@review-signed"}),
    *(post(f"ManagementReviewView.{door}", "SQX", url={"pk": "@review"}) for door in ("prepare", "write")),
    *both("ManagementReviewView.decide", "SQX", url={"pk": "@review"}),
    *both("ManagementReviewView.change", "SQX", url={"pk": "@review", "key": "@decision"}),
    *both("ManagementReviewView.change", NOBODY, misses="SQX", url={"pk": "@review", "key": "@decision-signed"}),
    post("ManagementReviewView.drop", "SQX", url={"pk": "@review", "key": "@decision"}),
    *both("ManagementReviewView.sign", "SX", url={"pk": "@review"}),
    # Forms of surveys: the commercial side and quality write and publish them; a published version is only looked at
    get("QuestionnaireView.list", FORMS),
    get("QuestionnaireView.show", FORMS, url={"pk": "@form"}),
    get("QuestionnaireView.export", FORMS, url={"kind": "csv"}),
    # Documented information and characterisations: read by everybody in the offices, kept by quality
    get("ControlledDocumentView.list", SHEETS),
    get("ControlledDocumentView.show", SHEETS, url={"pk": "@document"}),
    get("ControlledDocumentView.export", SHEETS, url={"kind": "csv"}),
    get("ControlledDocumentView.master", SHEETS),
    *both("ControlledDocumentView.add", "QX"),
    *(row for door in ("edit", "amend", "prints") for row in both(f"ControlledDocumentView.{door}", "QX", url={"pk": "@document"})),
    *both("ControlledDocumentView.amend", NOBODY, misses="QX", url={"pk": "@document-current"}),
    *both("ControlledDocumentView.draft", "QX", url={"pk": "@document-current"}),
    *both("ControlledDocumentView.approve", "SQX", url={"pk": "@document"}),
    *both("ControlledDocumentView.approve", NOBODY, misses="SQX", url={"pk": "@document-current"}),
    get("ControlledDocumentView.file", SHEETS, url={"pk": "@edition"}),
    get("ControlledDocumentView.file", "SQX", misses="ADCG", url={"pk": "@edition-draft"}),
    post("ControlledDocumentView.bulk_action", "QX", url={"name": "deactivate"}),
    get("ProcessSheetView.list", SHEETS),
    get("ProcessSheetView.show", SHEETS, url={"pk": "@sheet"}),
    get("ProcessSheetView.export", SHEETS, url={"kind": "csv"}),
    get("ProcessSheetView.pdf", SHEETS, url={"pk": "@sheet"}),
    *both("ProcessSheetView.add", "QX"),
    *(row for door in ("edit", "add_row") for row in both(f"ProcessSheetView.{door}", "QX", url={"pk": "@sheet"})),
    *both("ProcessSheetView.row", "QX", url={"pk": "@sheet", "row_id": "@sheet-row"}),
    post("ProcessSheetView.move", "QX", url={"pk": "@sheet", "row_id": "@sheet-row", "way": "up"}),
    post("ProcessSheetView.drop", "QX", url={"pk": "@sheet", "row_id": "@sheet-row"}),
    *both("QuestionnaireView.add", "CQX"),
    *both("QuestionnaireView.edit", "CQX", url={"pk": "@form"}),
    post("QuestionnaireView.bulk_action", "CQX", url={"name": "deactivate"}),
    *(get(f"BuilderView.{door}", FORMS, url={"pk": mark}) for door in ("version", "preview", "paper", "compare")
      for mark in ("@form-version", "@draft-version")),
    *both("BuilderView.publish", "CQX", url={"pk": "@draft-version"}),
    *(row for door, mark in (("texts", "version"), ("section", "section"), ("question", "question"))
      for row in both(f"BuilderView.{door}", "CQX", url={"pk": f"@draft-{mark}"})),
    *both("BuilderView.add_section", "CQX", url={"version_id": "@draft-version"}),
    *(row for door in ("add_question", "several") for row in both(f"BuilderView.{door}", "CQX", url={"section_id": "@draft-section"})),
    post("BuilderView.start", "CQX", url={"questionnaire_id": "@form"}),
    post("BuilderView.discard", "CQX", url={"pk": "@draft-version"}),
    post("BuilderView.arrange", NOBODY, misses="CQX", url={"version_id": "@draft-version"}),  # no button was pressed
    # Campaigns of surveys: the commercial side writes them, its chief confirms too
    *(get(f"SurveyCampaignView.{door}", SURVEYS) for door in ("list", "calculator")),
    *(get("SurveyCampaignView.show", SURVEYS, url={"pk": mark}) for mark in ("@campaign", "@campaign-proposed", "@campaign-over")),
    get("SurveyCampaignView.export", SURVEYS.replace("A", ""), url={"kind": "csv"}),
    *both("SurveyCampaignView.add", "CX"),
    *both("SurveyCampaignView.edit", "CX", url={"pk": "@campaign-proposed"}),
    post("SurveyCampaignView.confirm", "SCX", url={"pk": "@campaign-proposed"}),
    *both("SurveyCampaignView.close", "SCX", url={"pk": "@campaign"}),
    *both("SurveyCampaignView.until", "SCX", url={"pk": "@campaign-over"}),
    *both("SurveyCampaignView.drop", "SCX", url={"pk": "@campaign-proposed"}),
    # What surveys ask for: an owner sees that of his processes; what ended no longer changes
    get("SurveyAlarmView.list", SURVEYS),
    get("SurveyAlarmView.export", SURVEYS, url={"kind": "csv"}),
    *(get("SurveyAlarmView.show", "DSCQGX", misses="A", url={"pk": mark}) for mark in ("@alarm", "@alarm-ended")),
    get("SurveyAlarmView.show", "SCQGX", misses="AD", url={"pk": "@alarm-other"}),
    *(row for door in ("settle", "dismiss", "hand_on")
      for row in both(f"SurveyAlarmView.{door}", "DSCQX", misses="A", url={"pk": "@alarm"})),
    *(row for door in ("settle", "dismiss", "hand_on")
      for row in both(f"SurveyAlarmView.{door}", "SCQX", misses="AD", url={"pk": "@alarm-other"})),
    *both("SurveyAlarmView.ask", "DSCQX", misses="A", url={"pk": "@alarm"}),
    *catalogue("SurveyThresholdView", "SCQGX", "CQX"),
    post("SurveyThresholdView.bulk_action", "CQX", url={"name": "deactivate"}),
    *(get("SurveyReportView.show", "DSCQGX", url={"pk": mark}) for mark in ("@campaign", "@campaign-over")),
    *(get("SurveyReportView.report", "SCQGX", url={"pk": mark}) for mark in ("@campaign", "@campaign-over")),
    *(post(f"SurveyReportView.{door}", "SCQX", url={"pk": "@campaign-over"}) for door in ("conclude", "issue")),
    # Results of surveys: an owner reads figures and no single answer; quality and the commercial side tag what people wrote
    get("SurveyResultView.list", RESULTS),
    *(get("SurveyResultView.show", RESULTS, url={"pk": mark}) for mark in ("@campaign", "@campaign-over")),
    get("SurveyResultView.show", NOBODY, misses=RESULTS, url={"pk": "@campaign-proposed"}),
    get("SurveyResultView.workbook", ONE_BY_ONE, url={"pk": "@campaign"}),
    get("SurveyResponseView.list", ONE_BY_ONE),
    get("SurveyResponseView.show", ONE_BY_ONE, url={"pk": "@response"}),
    get("SurveyResponseView.export", ONE_BY_ONE, url={"kind": "csv"}),
    get("SurveyWordsView.list", ONE_BY_ONE),
    get("SurveyWordsView.export", ONE_BY_ONE, url={"kind": "csv"}),
    post("SurveyWordsView.label", "CQX"),
    *catalogue("SurveyTagView", ONE_BY_ONE, "CQX"),
    post("SurveyTagView.bulk_action", "CQX", url={"name": "deactivate"}),
    # Interviews by telephone and sheets of paper; nobody calls for a campaign that is still to be confirmed
    get("InterviewView.index", INTERVIEWS),
    get("InterviewView.queue", INTERVIEWS, url={"campaign_id": "@campaign"}),
    get("InterviewView.queue", INTERVIEWS, url={"campaign_id": "@campaign-over"}),
    get("InterviewView.queue", NOBODY, misses=INTERVIEWS, url={"campaign_id": "@campaign-proposed"}),
    *(post(f"InterviewView.{door}", INTERVIEWS, url={"campaign_id": "@campaign"}) for door in ("next", "rest")),
    *both("InterviewView.call", INTERVIEWS, url={"pk": "@invitee"}),
    *(post(f"InterviewView.{door}", INTERVIEWS, url={"pk": "@invitee"}) for door in ("take", "record")),
    *both("SheetView.sheet", INTERVIEWS, url={"campaign_id": "@campaign"}),
    *both("SheetView.sheet", NOBODY, misses=INTERVIEWS, url={"campaign_id": "@campaign-proposed"}),
    # Whoever answers has a link, a code or the tablet of the office
    *both("portal.survey", EVERYBODY, url={"token": "@survey-link"}),
    *both("portal.survey_stop", EVERYBODY, url={"token": "@survey-link"}),
    *(row for door in ("code", "kiosk") for row in both(f"portal.survey_{door}", EVERYBODY, url={"code": "@survey-code"})),
    *both("portal.survey_go_on", EVERYBODY, url={"token": "@survey-sitting"}),
    get("SurveyDoorView.invitations", "CX", url={"pk": "@campaign"}),
    post("SurveyDoorView.send", "CX", url={"pk": "@campaign"}),
    get("SurveyDoorView.poster", "CX", url={"pk": "@campaign"}),
    get("SurveyDoorView.kiosk", "CX", url={"pk": "@campaign"}),
    *register("SurveyOptOutView", SURVEYS.replace("D", "")),
    *both("SurveyOptOutView.add", INTERVIEWS),
    post("SurveyOptOutView.end", INTERVIEWS, url={"pk": "@optout"}),
    get("SurveyInviteeView.list", SURVEYS),
    get("SurveyInviteeView.export", SURVEYS.replace("A", ""), url={"kind": "csv"}),
    get("FinderView.search", PARTIES),
    get("LookupView.seek", PARTIES, url={"kind": "party"}),
    get("LookupView.seek", PARTIES, url={"kind": "account"}),
    get("LookupView.seek", CASES, url={"kind": "user"}),
    get("LookupView.seek", STAFF, url={"kind": "municipality"}),
    # Many rows at once, in the catalogues that are switched on and off
    *(post(f"{name}View.bulk_action", HOUSE, url={"name": "deactivate"}) for name in ("Process", "Channel", "Service", "RequestType")),
    post("AnswerTemplateView.bulk_action", "SX", url={"name": "activate"}),
    *(post("OutboxMessageView.bulk_action", HOUSE, url={"name": name}) for name in ("resend", "redirect", "give_up")),
    # How each likes a list: whoever may list it
    *both("ListsView.columns", PARTIES, url={"name": "Party"}),
    *both("ListsView.columns", "GX", url={"name": "ChangeLog"}),
    *both("ListsView.filters", CASES, url={"name": "Pqr"}),
    *both("ListsView.filters", "GX", url={"name": "ChangeLog"}),
    post("ListsView.arrange", NOBODY, misses=CASES, url={"name": "Pqr", "pk": "1"}),  # somebody else's is not there
    # The clock
    *catalogue("LegalTermView", "GX", HOUSE),
    get("CalendarView.list", "GX"),
    get("CalendarView.preview", HOUSE),
    post("CalendarView.apply", HOUSE),
    get("CalendarView.change", "GX", url={"pk": "@change"}),
    # The house
    *catalogue("AnswerTemplateView", "SX", "SX"),
    *catalogue("LeaveView", "SX", "SX"),
    *(row for name in HOUSES for row in catalogue(f"{name}View", HOUSE, HOUSE)),
    *catalogue("ReminderRuleView", "SGX", HOUSE),
    post("ReminderRuleView.bulk_action", HOUSE, url={"name": "activate"}),
    *register("ConsentTextView", HOUSE),
    *both("ConsentTextView.add", HOUSE),  # a version is never edited
    # What is remembered, and who may enter
    *register("ChangeLogView", "GX"),
    get("ReminderView.list", STAFF),
    get("ReminderView.export", STAFF, url={"kind": "csv"}),
    get("ReminderView.show", STAFF.replace("T", ""), misses="T"),  # of a case that the technician does not see
    *register("OutboxMessageView", HOUSE),
    # Mail that arrives
    *register("InboundMessageView", "AGX"),
    get("InboundMessageView.original", "AGX"),
    post("InboundMessageView.make_case", "AX"),
    *both("InboundMessageView.decide", "AX", url={"name": "note"}),
    *both("InboundMessageView.decide", "AX", url={"name": "discard"}),
    *(post("InboundMessageView.bulk_action", "AX", url={"name": name}) for name in ("make_case", "discard")),
    post("InboundMessageView.test", NOBODY, misses="AX"),  # no mailbox is set on the stage
    # Work in the background: everybody's own tray; the register of all
    get("WorkView.list", STAFF),
    get("WorkView.show", "DGX", misses="ATSCQ", url={"pk": "@job"}),
    post("WorkView.stop", "DX", misses="ATSCQG", url={"pk": "@job"}),
    get("WorkView.show", "DGX", misses="ATSCQ", url={"pk": "@job-done"}),
    get("WorkView.result", "DX", misses="ATSCQG", url={"pk": "@job-done"}),
    get("WorkView.result", NOBODY, misses=STAFF, url={"pk": "@job"}),  # nothing came out yet
    *register("JobView", "GX"),
    *register("JobRunView", "GX"),
    get("PeriodicView.list", "GX"),
    post("PeriodicView.run", HOUSE, url={"name": "sweep"}),
    post("OutboxMessageView.resend", HOUSE),
    # Other programs, calendars, and what is taken away
    *catalogue("WebhookView", HOUSE, HOUSE),
    *(post(f"WebhookView.{name}", HOUSE) for name in ("rotate", "test", "resume")),
    *register("WebhookDeliveryView", HOUSE),
    post("WebhookDeliveryView.resend", HOUSE),
    *(post("WebhookDeliveryView.bulk_action", HOUSE, url={"name": name}) for name in ("resend", "drop")),
    *both("FeedView.edit", STAFF),
    post("FeedView.remove", STAFF),
    get("feed.read", EVERYBODY, url={"token": "@feed"}),
    get("feed.read", NOBODY, misses=EVERYBODY, url={"token": "nobody-has-this"}),
    get("ArchiveView.list", "SGX"),
    *both("ArchiveView.person", "SGX"),
    post("ArchiveView.everything", HOUSE),
    post("CaseArchiveView.archive", "SGX"),
    post("CaseArchiveView.archive", "SGX", case="RESERVED"),
    *both("OutboxMessageView.decide", HOUSE, url={"name": "redirect"}),
    *both("OutboxMessageView.decide", HOUSE, url={"name": "give_up"}),
    *register("MessageTemplateView", HOUSE),
    *both("MessageTemplateView.edit", HOUSE),
    get("MessageTemplateView.preview", HOUSE),
    get("MessageTemplateView.mail", HOUSE),
    post("MessageTemplateView.restore", HOUSE),
    *both("PreferenceView.edit", STAFF),
    *(row for name in ("User", "Group") for row in catalogue(f"{name}View", HOUSE, HOUSE)),
    *register("RoleView", HOUSE),
    *both("RoleView.add", HOUSE),
    *both("RoleView.edit", HOUSE, url={"pk": "@role"}),
    *both("RoleView.edit", NOBODY, misses=HOUSE),  # the roles of the product are edited in `app/security.py`
    *form("PasswordView", HOUSE, url={"pk": "@T"}),
]  # fmt: skip


# ── Asking ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def outcome(response: Any) -> str:
    """Return what the answer means: allowed (also when it refuses what was typed), forbidden, or missing."""
    if response.status_code == 302 and "/login" in response.headers["Location"]:
        return "forbidden"
    if response.status_code in {401, 403}:
        return "forbidden"
    if response.status_code == 404:
        return "missing"
    is_own_form = response.request.path.startswith(("/pqr/nueva", "/pqr/recurso/"))  # say 400 when a text was not filed
    assert is_own_form or response.status_code not in {400, 405}, "the request itself was wrong, which says nothing about rights"
    return "allowed"


@pytest.mark.one_engine
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_page_opens_for_whom_it_is_meant(stage, row):
    url = stage.address(row.endpoint, row.case, **row.url)
    expected = {letter: "allowed" if letter in row.may else "missing" if letter in row.misses else "forbidden" for letter in EVERYBODY}
    found = {letter: outcome(stage.request(letter, row.method, url)) for letter in EVERYBODY}

    assert found == expected


@pytest.mark.one_engine
def test_every_endpoint_has_a_row(stage):
    """A new page says here whom it is for, before anybody can open it."""
    assert {(row.endpoint, row.method) for row in ROWS} == stage.doors()


@pytest.mark.one_engine
def test_the_stage_shows_every_state(stage):
    from app.domain.states import ARROWS, PqrStatus

    by_people = {move.name for move, arrow in ARROWS.items() if arrow.right}  # the rest is made by jobs and has no page
    assert set(stage.cases) >= {status.name for status in PqrStatus} - {"WITHDRAWN"}
    assert {row.url["name"] for row in ROWS if row.endpoint == "CaseView.move"} == by_people
