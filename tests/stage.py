"""
A house with somebody in every role and a case in every state, for tests that walk through all pages.

The stage is set once; every request happens in a savepoint and is undone, so that what one page does no other page sees.
"""

from __future__ import annotations

import base64
import contextvars
import io
import traceback
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from flask import Flask
from flask_appbuilder.security.sqla.models import Group, Role
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.databases import SharedConnection
from tests.factories import Factory

#: One letter a role; O is whoever has not signed in.
ROLES = {
    "A": "Auxiliar PQR",
    "D": "Dueño de proceso",
    "T": "Técnico",
    "S": "Subgerente administrativo y comercial",
    "C": "Comercial",
    "Q": "Calidad",
    "G": "Control interno / Gerencia",
    "X": "Admin",
}
OUTSIDER = "O"
EVERYBODY = OUTSIDER + "".join(ROLES)

MINE, OTHER = "TECNICA", "FACTURACION"
#: A contract that is in force whenever the tests run.
SPAN = {"starts_on": date(2025, 2, 1), "ends_on": date(2030, 1, 31)}
#: What the signed links of the citizen's pages say, by endpoint.
LINKS: dict[str, tuple[str, dict[str, Any]]] = {
    "portal.filed": ("filed", {"r": False, "c": False}),
    "portal.receipt": ("receipt", {}),
    "portal.download": ("file", {}),
    "portal.appeal": ("appeal", {}),
    "rating.rate": ("rating", {}),
}
#: Who filed the reserved case; nothing of it may reach whoever lacks that right.
HIDDEN = {"name": "Nombre Que Nadie Debe Leer", "document_number": "98765432", "email": "oculta@example.com", "phone": "+573009876543",
          "address": "Calle Oculta 8"}  # fmt: skip

#: One black dot.
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
_RAW_TOKEN = "f" * 40


class Stage:
    """`users` by letter, `cases` by state (all of the process of D but `other`), and `request()`."""

    def __init__(self, app: Flask, connection: SharedConnection, session: Session) -> None:
        self.app = app
        self.connection = connection
        self.users: dict[str, int] = {}
        self.cases: dict[str, str] = {}
        self.case_ids: dict[str, int] = {}
        self.file_ids: dict[str, int] = {}
        self.notice_token = ""
        self.keys: dict[str, str] = {}
        #: Rows that an address may name: "@T" is the user with that letter, "@role" a role of the house.
        self.marks: dict[str, Any] = {}
        self._set(session, Factory(session))
        self._crash = ""
        handlers = app.error_handler_spec[None][None]
        page_of = handlers[Exception]
        handlers[Exception] = lambda error: (self._note_crash(), page_of(error))[1]

    def _note_crash(self) -> None:
        self._crash = traceback.format_exc()

    # ── what stands on it ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _set(self, session: Session, make: Factory) -> None:
        for letter, role in ROLES.items():
            self.users[letter] = make.user(role, process=MINE if letter == "D" else None, username=username(letter)).id
            self.marks[f"@{letter}"] = self.users[letter]
        make.account()
        role, group = Role(name="Archivo"), Group(name="Turno de la tarde", label="Tarde", description="")
        session.add_all([role, group])
        session.flush()
        self.marks["@role"] = role.id
        steps = Steps(session, make, self.users)
        for name, build in steps.states().items():
            pqr = build()
            self.cases[name], self.case_ids[name], self.keys[name] = pqr.number, pqr.id, pqr.access_key
            if name in {"ROUTED", "OTHER", "RESERVED"}:
                self.file_ids[name] = steps.file(pqr).id
            if name == "RESERVED":
                self.marks["@reserved"] = pqr.party_id
            if name == "ANSWERED":
                self.notice_token = steps.notice(pqr)
        self.marks["@change"] = steps.remember()
        steps.attend(self.case_ids["ROUTED"])
        self.marks |= steps.background()
        self.marks |= steps.orders()
        self.marks |= steps.money(self.case_ids)
        self.marks |= steps.billing()
        self.marks |= steps.outward()
        self.marks |= steps.actions()
        self.marks |= steps.outputs(self.case_ids["ROUTED"])
        self.marks |= steps.risks()
        self.marks |= steps.interruptions()
        self.marks |= steps.claims()
        self.marks |= steps.legal()
        self.marks |= steps.indicators()
        self.marks |= steps.reviews()
        self.marks |= steps.documents()
        self.marks |= steps.verified()
        self.marks |= steps.verification()
        self.marks |= steps.interested()
        self.marks |= steps.quotations()
        self.marks |= steps.contracts()
        self.marks |= steps.beside_contracts(self.marks)
        self.marks |= steps.campaigns()
        self.marks |= steps.alarms(self.marks)
        self.marks |= steps.results(self.marks["@campaign"])
        steps.arrive()
        self.marks |= steps.old_log()
        self.marks |= steps.imported()
        self.marks |= steps.answers_file(self.marks["@campaign"])
        self.marks |= steps.sent_by_mail()
        session.commit()

    # ── finding the way ───────────────────────────────────────────────────────────────────────────────────────────────────

    def doors(self) -> set[tuple[str, str]]:
        """Return every (endpoint, method) that the product answers to."""
        return {(rule.endpoint, method) for rule in self.app.url_map.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}}

    def address(self, endpoint: str, case: str = "ROUTED", **parts: Any) -> str:
        """Return an address of *endpoint*: *parts* as given, the rest from *case* and from the first row of a screen's table."""
        rule = next(self.app.url_map.iter_rules(endpoint))
        values = {name: self._part(endpoint, case, name) for name in rule.arguments - set(parts)}
        values |= {name: self.marks.get(value, value) for name, value in parts.items()}
        return self.app.url_map.bind("localhost").build(endpoint, values)

    def _part(self, endpoint: str, case: str, name: str) -> Any:
        match name:
            case "number":
                return self.cases[case]
            case "file_id":
                return self.file_ids[case]
            case "pk":
                return self._first_key(endpoint.partition(".")[0])
            case "token":
                return self._signed(endpoint, case) if endpoint in LINKS else self.notice_token
        raise LookupError(f"{endpoint}: say what <{name}> is")

    def _first_key(self, view_name: str) -> Any:
        view = next(view for view in self.app.appbuilder.baseviews if type(view).__name__ == view_name)  # type: ignore[attr-defined]
        key = inspect(view.datamodel.obj).primary_key[0]
        return self.connection.execute(select(key).order_by(key).limit(1)).scalar_one()

    def _signed(self, endpoint: str, case: str) -> str:
        purpose, facts = LINKS[endpoint]
        facts = {"p": self.case_ids[case], **facts, **({"f": self.file_ids[case]} if purpose == "file" else {})}
        return str(URLSafeTimedSerializer(self.app.secret_key, salt=f"portal.{purpose}").dumps(facts))

    # ── walking over it ───────────────────────────────────────────────────────────────────────────────────────────────────

    def cookie(self, letter: str) -> str:
        """Return the cookie of somebody signed in, with a session in which the CSRF token is known."""
        content: dict[str, Any] = {"csrf_token": _RAW_TOKEN, "locale": "es"}
        if letter != OUTSIDER:
            content |= {"_user_id": str(self.users[letter]), "_fresh": True}
        serializer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        return f"{self.app.config['SESSION_COOKIE_NAME']}={serializer.dumps(content)}"

    def token(self) -> str:
        """Return the CSRF token that forms of these sessions carry."""
        return URLSafeTimedSerializer(self.app.secret_key, salt="wtf-csrf-token").dumps(_RAW_TOKEN)

    def request(
        self,
        letter: str,
        method: str,
        url: str,
        data: dict[str, Any] | None = None,
        *,
        with_token: bool = True,
        then: Callable[[], Any] | None = None,
        **options: Any,
    ) -> TestResponse:
        """Send one request as *letter*; call *then* before all that it wrote is undone."""
        headers = {"Cookie": self.cookie(letter), **options.pop("headers", {})}
        if method not in {"GET", "HEAD"} and with_token:
            headers["X-CSRFToken"] = self.token()
            if "json" not in options:
                data = {"csrf_token": self.token(), **(data or {})}
        savepoint = self.connection.begin_nested()
        try:
            client = self.app.test_client(use_cookies=False)
            response = contextvars.Context().run(client.open, url, method=method, data=data, headers=headers, **options)
            response.get_data()
            assert response.status_code < 500, f"{letter} {method} {url}: {response.status_code}\n{self._crash[-3000:]}"
            if then is not None:
                then()
            return response
        finally:
            if savepoint.is_active:
                savepoint.rollback()


def username(letter: str) -> str:
    return f"papel-{letter.lower()}"


class Steps:
    """Builds a case in each state with the operations of the product."""

    def __init__(self, session: Session, make: Factory, users: dict[str, int]) -> None:
        from app.extensions import now

        self.session, self.make, self.users = session, make, users
        self.at = now()
        self.desk = {"at": self.at, "actor_id": users["A"]}
        self.owner = {"at": self.at, "actor_id": users["D"]}
        self.boss = {"at": self.at, "actor_id": users["S"]}

    def states(self) -> dict[str, Callable[[], Any]]:
        return {
            "RECEIVED": self.received,
            "ROUTED": self.routed,
            "OTHER": lambda: self.routed(OTHER),
            "RESERVED": self.reserved,
            "AWAITING_USER": self.awaiting,
            "LATE_USER": lambda: self.awaiting(filed="2026-05-04T09:00-05:00"),
            "EVIDENCE": self.evidence,
            "SOLVED": self.solved,
            "ANSWERED": self.answered,
            "NOTIFIED": self.notified,
            "APPEALED": self.appealed,
            "DECIDED": self.decided,
            "CLOSED": self.closed,
            "TRANSFERRED": self.transferred,
            "VOIDED": self.voided,
            "ARCHIVED": self.archived,
        }

    def sent_by_mail(self) -> dict[str, Any]:
        """A report that the administrator has sent to himself, and one that was made for him."""
        from app.domain.reports import ReportFormat, ReportOutcome
        from app.operations import reporting
        from app.operations.files import store_file

        sending = self.make.report_schedule(self.users["X"])
        run = reporting.begin_run(self.session, "response_times", ReportFormat.CSV, {}, "Todo", self.users["X"], at=self.at)
        stored = store_file(self.session, b"numero", "tiempos.csv", "text/csv")
        until = reporting.last_day_of_files(self.session, self.at.date())
        reporting.end_run(self.session, run, ReportOutcome.DONE, at=self.at, n_rows=1, n_bytes=6, file=stored, expires_on=until)
        return {"@sending": sending.id, "@made": run.id}

    def received(self, **fields: Any) -> Any:
        return self.make.case(**fields)

    def routed(self, process: str = MINE, **fields: Any) -> Any:
        from app.operations.pqr import route

        pqr = self.received(**fields)
        at = max(self.at if not fields.get("at") else pqr.filed_at, pqr.filed_at)
        route(self.session, pqr, self.make.process(process), "Es de su área", at=at, actor_id=self.users["A"])
        return pqr

    def reserved(self) -> Any:
        from app.domain.states import Identity

        return self.routed(identity=Identity.RESERVED, party=self.make.party(**HIDDEN), notice_address="Carrera Oculta 9")

    def awaiting(self, filed: str | None = None) -> Any:
        from app.domain.states import RequirementKind

        pqr = self.routed(at=filed)
        at = pqr.filed_at + timedelta(hours=1) if filed else self.at
        return self.told(pqr, RequirementKind.COMPLETION, "Copia de la factura", at)

    def evidence(self) -> Any:
        from app.domain.states import RequirementKind

        until = (self.at + timedelta(days=14)).date()
        return self.told(self.routed(), RequirementKind.EVIDENCE, "Revisar el medidor", self.at, reason="Hay que leerlo", until=until)

    def told(self, pqr: Any, kind: Any, what: str, at: Any, **more: Any) -> Any:
        """Return the case, stopped: the citizen was told what is asked."""
        from flask_appbuilder.security.sqla.models import User

        from app.documents import stops

        issuer = self.session.get_one(User, self.users["A"])
        stops.issue_and_tell(self.session, pqr, kind, what, "En ventanilla", issuer=issuer, at=at, **more)
        return pqr

    def solved(self, **fields: Any) -> Any:
        from app.domain.states import Outcome
        from app.operations.answers import save_draft
        from app.operations.pqr import solve

        pqr = self.routed(**fields)
        solve(self.session, pqr, "El medidor leía de más; se corrige.", Outcome.GRANTED, **self.owner)
        save_draft(self.session, pqr, "Se accede a lo pedido.", self.users["D"])
        return pqr

    def answered(self) -> Any:
        from flask_appbuilder.security.sqla.models import User

        from app.documents import issue_answer

        pqr = self.solved(is_e_notice=True, notice_email="luz@example.com")
        issue_answer(self.session, pqr, self.session.get(User, self.users["S"]), self.at)
        return pqr

    def notified(self) -> Any:
        from app.operations.notices import record_notice

        pqr = self.answered()
        record_notice(self.session, pqr, served_on=pqr.answered_on, proof="Recibió Luz, CC 52", **self.desk)
        return pqr

    def appealed(self) -> Any:
        first = self.notified()
        self.appeal(first)
        return first

    def appeal(self, first: Any) -> Any:
        """Return the recurso against the answer of *first*, a case of its own."""
        from app.domain.states import AppealKind
        from app.operations.appeals import Brief, file_appeal, filing_against

        filing = filing_against(self.session, first, AppealKind.REPOSICION_APELACION, first.channel, "No estoy de acuerdo.")
        return file_appeal(self.session, filing, Brief(AppealKind.REPOSICION_APELACION), **self.desk)

    def decided(self) -> Any:
        """Return a recurso whose decision confirms: its file has to go to Superservicios."""
        from flask_appbuilder.security.sqla.models import User

        from app.documents import issue_answer
        from app.domain.states import Outcome
        from app.operations.answers import save_draft
        from app.operations.notices import record_notice
        from app.operations.pqr import route, solve

        child = self.appeal(self.notified())
        route(self.session, child, self.make.process(MINE), "Es de su área", at=self.at, actor_id=self.users["A"])
        solve(self.session, child, "El medidor leyó bien.", Outcome.CONFIRMED, **self.owner)
        save_draft(self.session, child, "Se confirma la respuesta.", self.users["D"])
        issue_answer(self.session, child, self.session.get(User, self.users["S"]), self.at)
        record_notice(self.session, child, served_on=child.answered_on, proof="Recibió Luz, CC 52", **self.desk)
        return child

    def closed(self) -> Any:
        from app.operations.pqr import close

        pqr = self.notified()
        close(self.session, pqr, waiver="Renunció por escrito", **self.desk)
        return pqr

    def transferred(self) -> Any:
        from flask_appbuilder.security.sqla.models import User

        from app.documents import stops

        pqr, issuer = self.routed(), self.session.get_one(User, self.users["A"])
        stops.transfer(self.session, pqr, "Alcaldía", "Calle 1", "Es de la alcaldía", issuer=issuer, at=self.at)
        return pqr

    def archived(self) -> Any:
        from flask_appbuilder.security.sqla.models import User

        from app.documents import stops
        from app.domain.states import RequirementKind

        pqr = self.routed(at="2026-05-04T09:00-05:00")
        pqr = self.told(pqr, RequirementKind.CLARIFICATION, "¿De qué predio?", pqr.filed_at + timedelta(hours=1))
        stops.archive(self.session, pqr, "No aclaró", issuer=self.session.get_one(User, self.users["S"]), at=self.at)
        return pqr

    def voided(self) -> Any:
        from app.operations.pqr import void

        pqr = self.received()
        void(self.session, pqr, "Se radicó dos veces", **self.boss)
        return pqr

    def file(self, pqr: Any) -> Any:
        import io

        from app.domain.states import Visibility
        from app.operations.files import check_upload, store_file

        content = check_upload("factura.pdf", io.BytesIO(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"))
        return store_file(self.session, content, pqr=pqr, visibility=Visibility.CITIZEN)

    def notice(self, pqr: Any) -> str:
        from app.operations.notices import start_e_notice

        return start_e_notice(self.session, pqr, at=self.at).token

    def orders(self) -> dict[str, int]:
        """Order field work: one to be done and one done by T, one that was not, and one of a case that D and T do not see."""
        import io

        from flask_appbuilder.security.sqla.models import User

        from app.documents.orders import finish_order, issue_order
        from app.domain.states import OrderKind
        from app.models import Pqr
        from app.operations.files import check_upload
        from app.operations.orders import NewOrder, Visit

        people = {letter: self.session.get(User, pk) for letter, pk in self.users.items()}
        other = self.session.scalars(select(Pqr).where(Pqr.process.has(code=OTHER))).first()
        case = self.routed()

        def ordered(pqr: Any = case, who: str = "T") -> Any:
            new = NewOrder(OrderKind.WORK_ORDER, pqr=pqr, account=self.make.account(), assignee=people[who], instructions="Cambiar el tubo")
            return issue_order(self.session, new, people["S"], self.at)

        def finished(raw: dict[str, str], is_done: bool, **visit: Any) -> Any:
            told = Visit(done_on=case.filed_on, raw=raw, **visit)
            return finish_order(self.session, ordered(), told, is_done=is_done, by=people["T"], at=self.at)

        todo, photo = ordered(), check_upload("foto.png", io.BytesIO(PNG))
        work = {"cause_found": "Tubo roto", "work_done": "Se cambió", "is_solved": "YES", "attended": "NOBODY"}
        done = finished(work, True, photos=[photo])
        undone = finished({"why": "NOBODY", "details": "Nadie abrió"}, False)
        return {"@order": todo.id, "@done": done.id, "@photo": done.photos[0].file_id, "@undone": undone.id,
                "@other": ordered(other, "D").id}  # fmt: skip

    def money(self, cases: dict[str, int]) -> dict[str, int]:
        """Write financing and invoice changes of a case of D, of another's, of the reserved one; and signed and authorised ones."""
        from decimal import Decimal

        from flask_appbuilder.security.sqla.models import User

        from app.documents import money as papers
        from app.domain.financing import Terms
        from app.domain.invoices import ChangeLine
        from app.extensions import local
        from app.models import Pqr
        from app.operations import money

        account, party, on = self.make.account(), self.make.party(), local(self.at).date()
        boss = self.session.get(User, self.users["S"])
        terms = Terms(Decimal(300_000), Decimal(0), 3, Decimal(1), on, on)
        lines = [ChangeLine("Consumo", Decimal(50_000), Decimal(30_000))]
        marks: dict[str, int] = {}
        for name, case in (("", "ROUTED"), ("-other", "OTHER"), ("-reserved", "RESERVED"), ("-final", "ROUTED")):
            pqr = self.session.get(Pqr, cases[case])
            said = money.Agreement(account, party, "Consumos", terms, pqr)
            financing = money.propose_financing(self.session, said, **self.desk)
            correction = money.Correction(account, "F-1", f"{on:%Y-%m}", "Fuga", lines, None, pqr)
            change = money.draft_change(self.session, correction, **self.desk)
            marks |= {f"@financing{name}": financing.id, f"@invoice{name}": change.id}
            if name == "-final":
                papers.issue_financing(self.session, financing, boss, self.at)
                money.sign_financing(self.session, financing, proof="Firmó", file=self.file(pqr), at=self.at, actor_id=boss.id)
                papers.authorise_change(self.session, change, boss, self.at)
        return marks

    def billing(self) -> dict[str, int]:
        """Make a batch of what is ripe, with an answer that rejects one thing, and one line that nobody can take."""
        from app.domain.states import BillingKind, BillingStatus
        from app.models import BillingItem
        from app.operations import billing_replies
        from app.operations.files import store_file
        from app.reports.billing import issue_batch

        batch = issue_batch(self.session, list(BillingKind), "csv", at=self.at, actor_id=self.users["A"])
        items = self.session.scalars(select(BillingItem).where(BillingItem.batch_id == batch.id).order_by(BillingItem.position)).all()
        on = f"{self.at:%Y-%m-%d}"
        rows = [["lote", "clave", "estado", "fecha", "motivo"], [batch.number, items[0].number, "rechazado", on, "Cuenta cerrada"],
                [batch.number, "CF-1999-000001", "facturado", on, ""]]  # fmt: skip
        content = "\n".join(";".join(row) for row in rows).encode()
        reply = billing_replies.receive(self.session, store_file(self.session, content, "respuesta.csv", "text/csv"))
        billing_replies.settle(self.session, reply, rows, **self.desk)
        assert items[0].status is BillingStatus.REJECTED
        return {"@rejected": items[0].id}

    def verification(self) -> dict[str, int]:
        """Leave two checklists of the process of D: one being filled, with a finding and evidence, and one signed by C."""
        from io import BytesIO

        from app.domain.checklists import Said, Verdict
        from app.operations import checklists
        from app.operations.files import check_upload

        mine = {"process": self.make.process(MINE), "ends_on": None}
        filled, signed = (self.make.checklist(at=self.at, **mine) for _n in range(2))
        item = checklists.items_of(self.session, filled)[0]
        checklists.save_row(self.session, item, Said(Verdict.NOT_MET, "Sin póliza"), version=0, at=self.at, actor_id=self.users["D"])
        evidence = checklists.attach_evidence(self.session, item, check_upload("a.png", BytesIO(PNG)), actor_id=self.users["D"])
        for each in checklists.items_of(self.session, signed):
            checklists.save_row(self.session, each, Said(Verdict.MET), version=0, at=self.at, actor_id=self.users["C"])
        checklists.submit(self.session, signed, "", at=self.at, actor_id=self.users["C"])
        unopened = self.make.contract(process=self.make.process(MINE), starts_on=self.at.date() - timedelta(days=740), ends_on=None)
        return {"@filled": filled.id, "@finding": item.id, "@evidence": evidence.id, "@signed": signed.id, "@unopened": unopened.id}

    def verified(self) -> dict[str, int]:
        """Write a contract of the process of D with an approved checklist, and one of another process with an open one."""
        from flask_appbuilder.security.sqla.models import User

        from app.documents import checklists as papers
        from app.domain.checklists import Said, Verdict
        from app.operations import checklists

        contract, other = (self.make.contract(process=self.make.process(code)) for code in (MINE, OTHER))
        checklist = checklists.open_checklist(self.session, contract, at=self.at, actor_id=None)
        open_one = checklists.open_checklist(self.session, other, at=self.at, actor_id=None)
        for item, verdict in zip(checklists.items_of(self.session, checklist), Verdict, strict=False):
            said = Said(verdict, "Se revisó el informe", "Se corrigió" if verdict.is_finding else "")
            checklists.save_row(self.session, item, said, version=0, at=self.at, actor_id=self.users["C"])
        checklists.submit(self.session, checklist, "Se cumple.", at=self.at, actor_id=self.users["C"])
        checklists.approve(self.session, checklist, at=self.at, actor_id=self.users["S"])
        papers.issue_acta(self.session, checklist, self.session.get_one(User, self.users["S"]), self.at)
        return {"@verified": contract.id, "@verified-other": other.id, "@verified-party": contract.party_id, "@checklist": checklist.id,
                "@checklist-other": open_one.id}  # fmt: skip

    def actions(self) -> dict[str, int]:
        """A party with somebody to speak to, in a group; actions of D in every state, and one of another process."""
        from io import BytesIO

        from app.domain.improvement import ActionKind, ActionOrigin
        from app.extensions import local
        from app.models import Action, InterestGroup, PartyContact, PartyGroup
        from app.operations import action_plans, actions, improvement
        from app.operations.files import check_upload

        party = self.make.party(name="Conjunto Los Cerezos")
        group = self.session.scalars(select(InterestGroup)).first() or InterestGroup(code="CLIENTES", name="Clientes")
        self.session.add_all([PartyContact(party=party, name="Nidia Ficticia", email="nidia@example.com", is_main=True),
                              PartyGroup(party=party, group=group)])  # fmt: skip
        on = local(self.at).date()
        marks = {"@party": party.id}
        for name, process, kind in (("", MINE, "CORRECTIVE"), ("-other", OTHER, "CORRECTIVE"), ("-done", MINE, "CORRECTION"),
                                    ("-correction", MINE, "CORRECTION")):  # fmt: skip
            action = improvement.ask_action(
                self.session, kind=ActionKind[kind], origin=ActionOrigin.OTHER, origin_key="", title="Calibrar el medidor",
                description="", process_id=self.make.process(process).id, responsible_id=None, due_on=on, at=self.at,
                user_id=self.users["Q"], party_id=party.id,
            )  # fmt: skip
            marks[f"@action{name}"] = action.id
            if name == "-done":
                actions.finish(self.session, action, "Se calibró", ended_on=on, at=self.at, user_id=None)
        days = {"PLANNED": 0, "RUNNING": 0, "REVIEW": 9}
        for status, ago in days.items():
            action = self.make.planned_action(
                status, self.at, process_id=self.make.process(MINE).id, party_id=party.id, responsible_id=self.users["D"],
                carried_out_at=self.at - timedelta(days=ago), boss_id=self.users["Q"],
            )  # fmt: skip
            marks[f"@action-{status.lower()}"] = action.id
        task = action_plans.add_task(self.session, self.session.get_one(Action, marks["@action-running"]), "Medir otra vez", on,
                                     self.users["A"], at=self.at, user_id=self.users["Q"])  # fmt: skip
        marks["@task"] = task.id
        draft = action_plans.add_task(self.session, self.session.get_one(Action, marks["@action"]), "Buscar el patrón", on, None,
                                      at=self.at, user_id=self.users["Q"])  # fmt: skip
        marks["@task-draft"] = draft.id
        content = check_upload("soporte.txt", BytesIO(b"se midio"))
        kept = action_plans.attach(self.session, self.session.get_one(Action, marks["@action"]), content, user_id=self.users["Q"])
        return marks | {"@action-file": kept.id}

    def outputs(self, case_id: int) -> dict[str, int]:
        """Non-conforming outputs of D in every state, the first of them in a case, and one of another process."""
        from app.domain.improvement import Disposition
        from app.extensions import local
        from app.models import Nonconformity
        from app.operations import nonconformities

        on, q = local(self.at).date(), {"at": self.at, "user_id": self.users["Q"]}
        rows = {}
        for name, process in (("", MINE), ("-other", OTHER), ("-treated", MINE), ("-closed", MINE)):
            row = Nonconformity(what="Facturas con la tarifa errada", found_on=on, process_id=self.make.process(process).id)
            row.pqr_id = None if name else case_id
            rows[name] = nonconformities.tell(self.session, row, **q)
        done = nonconformities.Treated(Disposition.CORRECT, "Se volvieron a liquidar", on, self.users["S"])
        for name in ("-treated", "-closed"):
            nonconformities.treat(self.session, rows[name], done, **q)
        nonconformities.verify(self.session, rows["-closed"], "Se revisaron", verified_on=on, no_action_reason="Pasó una vez", **q)
        return {f"@snc{name}": row.id for name, row in rows.items()}

    def legal(self) -> dict[str, int]:
        """An obligation of D's process, evaluated with a file, and one of another process."""
        from io import BytesIO

        from app.domain.legalmatrix import Compliance
        from app.extensions import local
        from app.operations import legalmatrix
        from app.operations.files import check_upload

        mine, other = (self.make.legal_requirement(process=self.make.process(process)) for process in (MINE, OTHER))
        report = check_upload("informe.txt", BytesIO(b"todo en orden"))
        said = legalmatrix.Evaluated(local(self.at).date(), Compliance.COMPLIES, "Informe", file=report)
        row = legalmatrix.evaluate(self.session, mine, said, at=self.at, user_id=self.users["Q"])
        return {"@legal": mine.id, "@legal-other": other.id, "@evaluation": row.id}

    def interruptions(self) -> dict[str, Any]:
        """An interruption that goes on, with the proof of its notice, one that was voided, and the month before, whose file is frozen."""
        from datetime import UTC, datetime, time
        from io import BytesIO

        from app.extensions import local
        from app.operations import interruptions
        from app.operations.files import check_upload, store_file

        running, voided = self.make.interruption(self.at, at=self.at), self.make.interruption(self.at, at=self.at)
        proof = store_file(self.session, check_upload("aviso.txt", BytesIO(b"Se avisa")))
        interruptions.give_notice(self.session, running, local(self.at).date(), "Radio", proof, at=self.at)
        interruptions.void(self.session, voided, "Se registró dos veces", at=self.at)
        before = (local(self.at).date().replace(day=1) - timedelta(days=1)).replace(day=1)
        ended = datetime.combine(before, time(15), UTC)
        past = self.make.interruption(ended, at=self.at, ends_at=ended + timedelta(hours=3), n_subscribers=120)
        load = interruptions.freeze_month(self.session, past.service, before, at=self.at, user_id=self.users["S"])
        where = {"@aqueduct": past.service_id, "@month-before": f"{before:%Y-%m}", "@interruptions-load": load.id}
        return {"@interruption": running.id, "@interruption-voided": voided.id, **where}

    def claims(self) -> dict[str, int]:
        """A month of the claims file that was frozen and reported, with its certificate."""
        from datetime import date
        from io import BytesIO

        from app.extensions import local
        from app.operations import sui_loads
        from app.operations.files import check_upload, store_file

        load = self.make.frozen_month("ASEO", date(2026, 5, 1), at=self.at, user_id=self.users["S"])
        proof = store_file(self.session, check_upload("certificado.txt", BytesIO(b"Cargado")))
        told = {"on": local(self.at).date(), "at": self.at, "user_id": self.users["S"], "file": proof}
        sui_loads.record_receipt(self.session, load, "SUI-2026-1", **told)
        return {"@claims-load": load.id}

    def risks(self) -> dict[str, int]:
        """A risk of D with a control, one that was closed, and one of another process; both open ones are of the worst band."""
        from app.models import RiskControl
        from app.operations import risks

        mine = self.make.risk(5, 5, controls=[(1, 0)], at=self.at, process=self.make.process(MINE))
        closed = self.make.risk(1, 1, at=self.at, process=self.make.process(MINE))
        risks.close_risk(self.session, closed, "Ya no existe", at=self.at, user_id=self.users["Q"])
        other = self.make.risk(5, 5, at=self.at, process=self.make.process(OTHER))
        control = self.session.scalars(select(RiskControl).where(RiskControl.risk_id == mine.id)).one()
        return {"@risk": mine.id, "@risk-closed": closed.id, "@risk-other": other.id, "@control": control.id}

    def indicators(self) -> dict[str, Any]:
        """Leave an indicator that the system reckons, and one that misses its goal twice: May is reported and corrected, June a draft."""
        from decimal import Decimal

        from app.operations import indicators as operations

        reckoned, typed = self.make.indicator(), self.make.indicator("", name="Indicador digitado")
        operations.reckon(self.session, reckoned, at=self.at)
        may = operations.type_in(self.session, typed, date(2026, 5, 1), date(2026, 5, 31), Decimal(8), Decimal(10), at=self.at)
        operations.report(self.session, may, "Hubo menos personal", at=self.at, user_id=self.users["Q"])
        operations.note(self.session, may, "Eran nueve", Decimal(90), at=self.at, user_id=self.users["Q"])
        june = operations.type_in(self.session, typed, date(2026, 6, 1), date(2026, 6, 30), Decimal(7), Decimal(10), at=self.at)
        return {"@indicator": reckoned.id, "@indicator-typed": typed.id, "@value-reported": may.id, "@value": june.id}

    def reviews(self) -> dict[str, int]:
        """A management review with a decision that is being prepared, and one that S signed."""
        from flask_appbuilder.security.sqla.models import User

        from app.documents import managementreview as papers
        from app.domain.managementreview import INPUTS
        from app.extensions import local
        from app.models import ManagementReview
        from app.operations import managementreview as operations

        on, marks = local(self.at).date(), {}
        for name in ("", "-signed"):
            review = ManagementReview(held_on=on, period_from=on.replace(month=1, day=1), period_until=on)
            operations.enter_review(self.session, review, at=self.at)
            decided = operations.Decided("Comprar otro medidor patrón", "resources", self.make.process(MINE).id, None, on)
            marks |= {f"@review{name}": review.id, f"@decision{name}": operations.decide(self.session, review, decided).id}
        said = operations.Said({each.key: "Sin novedad" for each in INPUTS}, "Ana Ficticia, Gerente", "Conviene y funciona")
        operations.write(self.session, review, said)
        papers.sign(self.session, review, self.session.get_one(User, self.users["S"]), at=self.at)
        return marks

    def arrive(self) -> None:
        """Receive a message that waits in quarantine."""
        from app.operations import inbox
        from tests.letterbox import letter

        inbox.take_in(self.session, inbox.Arrival(letter(X_Spam_Flag="YES"), self.at), at=self.at)

    def old_log(self) -> dict[str, int]:
        """Bring in an old log whose only row cannot be true."""
        from io import BytesIO

        from app.domain.states import ImportStatus
        from app.importing import runs
        from app.importing.registry import kind_named
        from app.operations.files import hold_upload

        text = "Radicado;Fecha;Tipo;Fecha de respuesta;Sentido\n18;02/07/2026;Queja;01/07/2026;Accede\n"
        kind, held = kind_named("cases"), hold_upload("libro.csv", BytesIO(text.encode()), "text/csv", most=1000)
        batch = runs.receive(self.session, kind, "Libro 2026", held, self.at)
        batch.status = ImportStatus.RUNNING
        runs.bring_in(self.session, batch, self.at, self.users["X"])
        return {"@old-log": batch.id}

    def imported(self) -> dict[str, int]:
        """Check a file of parties with a bad row and a value that nobody knows, and leave a row of each register that came in."""
        from io import BytesIO

        from app.domain.states import PastKind
        from app.importing import runs, sheets
        from app.importing.registry import kind_named
        from app.models import Account, Invoice, MarketClaim, PastRecord
        from app.operations.files import hold_upload

        text = "Cédula;Tipo doc;Nombre\n52000111;CC;Ana Gil\n52000112;Cedulita;Luz Gil\n"
        held = hold_upload("clientes.csv", BytesIO(text.encode()), "text/csv", most=1000)
        batch = runs.receive(self.session, kind_named("parties"), "HASSQL", held, self.at)
        checked = runs.look_through(self.session, batch, self.at, self.users["X"])
        runs.keep_check(self.session, batch, checked)
        batch.error_file = sheets.error_sheet(self.session, batch, checked.tally, self.at, "Ana")
        account = self.session.scalars(select(Account).order_by(Account.id)).first()
        on = self.at.date()
        old = PastRecord(kind=PastKind.SURVEY, source="Encuesta 2015", source_number="R1", on=on, title="Agua", facts={"p01": "7"})
        self.session.add_all([
            Invoice(account_id=account.id, number="F-1", period="2026-06", issued_on=on, amount_cop=87_450),
            MarketClaim(source="SUI", year=2025, place="BARANOA", procedure="QUEJA", cause="Promedio", n_claims=7), old,
        ])  # fmt: skip
        self.session.flush()
        return {"@batch": batch.id, "@past-answers": old.id}

    def answers_file(self, campaign_id: int) -> dict[str, int]:
        """Check a file with answers to a campaign, of which one is no score."""
        from io import BytesIO

        from app.importing import runs
        from app.importing.registry import kind_named
        from app.models import SurveyCampaign
        from app.operations.files import hold_upload

        held = hold_upload("respuestas.csv", BytesIO(b"id;P1;P3;P4\nR1;5;9;1\nR2;6;9;0\n"), "text/csv", most=1000)
        number = self.session.get(SurveyCampaign, campaign_id).number
        batch = runs.receive(self.session, kind_named("survey_answers"), "Firma", held, self.at, number)
        runs.keep_check(self.session, batch, runs.look_through(self.session, batch, self.at, self.users["C"]))
        self.session.flush()
        return {"@answers-file": batch.id}

    def interested(self) -> dict[str, int]:
        """Leave a follow-up of the process of D with a file as evidence, and one of another process with a report of cases."""
        from io import BytesIO

        from app.domain.interested import EvidenceSource
        from app.extensions import local
        from app.models import Mechanism
        from app.operations import interested
        from app.operations.files import check_upload, store_file

        on, marks = local(self.at).date(), {}
        for name, process, source in (("", MINE, EvidenceSource.VISIT), ("-other", OTHER, EvidenceSource.PQR_REPORT)):
            row = self.make.mechanism(process=self.make.process(process), evidence_source=source, months=1, starts_on=on)
            marks[f"@mechanism{name}"] = row.id
        mine, other = (self.session.get_one(Mechanism, key) for key in marks.values())
        said = interested.Attached("Acta de la reunión", on, "Se acordó avisar", check_upload("acta.txt", BytesIO(b"Acta")))
        attached = interested.attach_evidence(self.session, mine, said, at=self.at)
        stored = store_file(self.session, b"x", "R10-01-01.xlsx", "application/octet-stream")
        report = interested.keep_report(self.session, other, "R10-01-01 2026-06..2026-06", "R10-01-01", stored, at=self.at)
        return marks | {"@evidence": attached.id, "@evidence-report": report.id}

    def contracts(self) -> dict[str, int]:
        """Leave contracts of the process of D: signed with two amendments, ended early, a draft; and a signed one of another process."""
        from app.extensions import local
        from app.operations import contracts

        on = local(self.at).date()
        mine, told = self.make.process(MINE), {"at": self.at, "actor_id": self.users["C"]}
        signed, ended = (self.make.contract(process=mine, at=self.at - timedelta(days=300), **SPAN) for _n in range(2))
        draft = self.make.contract(stage="DRAFT", process=mine, at=self.at)
        other = self.make.contract(process=self.make.process(OTHER), at=self.at - timedelta(days=300), **SPAN)
        replaced = contracts.active_requirements(self.session, signed.id, date(2030, 1, 1))[0]
        said = contracts.AmendmentPlan("Se prorroga.", on, date(2031, 1, 31), None, (),
                                       [contracts.Wanted("En lugar del primero", replaces_id=replaced.id)])  # fmt: skip
        amendment = contracts.draft_amendment(self.session, signed, said)
        contracts.sign_amendment(self.session, amendment, signed_on=on, **told)
        open_one = contracts.draft_amendment(
            self.session, signed, contracts.AmendmentPlan("Se agrega.", on, added=[contracts.Wanted("Otro más")])
        )
        contracts.terminate_contract(self.session, ended, on=on, reason="Mutuo acuerdo", **told)
        return {"@contract": signed.id, "@draft_contract": draft.id, "@ended_contract": ended.id, "@contract-other": other.id,
                "@amendment": amendment.id, "@draft_amendment": open_one.id}  # fmt: skip

    def campaigns(self) -> dict[str, Any]:
        """Leave a form for users, and of it a campaign that takes answers in every way, one to confirm and one that is over."""
        from app.domain.questionnaires import Audience
        from app.models import Question, SurveyInvitee
        from app.operations import campaigns

        version = self.make.questionnaire("R10-ESCENA", audience=Audience.USERS)
        draft = self.make.questionnaire("R10-BORRADOR", publish=False)
        question = self.session.scalars(select(Question).filter_by(version_id=draft.id, code="P8")).one()
        for n in range(3):
            self.make.account(party=self.make.party(phone=f"+5730055511{n:02}"), zone="Norte")
        ways = {"by_link": True, "by_phone": True, "by_qr": True, "by_kiosk": True, "by_paper": True, "by_file": True}
        asked = self.make.campaign(version, at=self.at, is_sampled=True, by_zone=True, **ways)
        year_of = {"period_until": date(2025, 12, 31), "at": self.at, **ways}
        proposed = self.make.campaign(version, period_from=date(2025, 1, 1), confirmed=False, is_sampled=True, by_zone=True, **year_of)
        over = self.make.campaign(version, period_from=date(2025, 7, 1), **year_of)
        campaigns.close(self.session, over, at=self.at, actor_id=self.users["C"], reason="Ya respondieron todos")
        invitee = self.session.scalars(select(SurveyInvitee).filter_by(campaign_id=asked.id).order_by(SurveyInvitee.id)).first()
        marks = self.answering(asked, invitee)
        return marks | {"@draft-version": draft.id, "@draft-section": question.section_id, "@draft-question": question.id,
                "@form": version.questionnaire_id, "@form-version": version.id, "@campaign": asked.id, "@campaign-proposed": proposed.id,
                "@campaign-over": over.id, "@invitee": invitee.id}  # fmt: skip

    def answering(self, campaign: Any, invitee: Any) -> dict[str, Any]:
        """Leave somebody half-way at the kiosk, and somebody who wants no more surveys."""
        from app.domain.campaigns import AnswerVia
        from app.operations import survey_answers, survey_links

        sitting = survey_answers.begin(self.session, campaign, via=AnswerVia.KIOSK, at=self.at)
        left_alone = survey_answers.opt_out(self.session, self.make.party().id, via=AnswerVia.PHONE, at=self.at)
        return {"@survey-link": survey_links.token_of(invitee), "@survey-code": campaign.public_code,
                "@survey-sitting": survey_links.passing_token(sitting), "@optout": left_alone.id}  # fmt: skip

    def documents(self) -> dict[str, int]:
        """Leave a version of P10-01 in a draft with its file, one of R10-01-06 in force with its own, and a row of C10-01."""
        from flask_appbuilder.security.sqla.models import User

        from app.models import ControlledDocument, ProcessSheet, ProcessSheetRow
        from app.operations import controlled
        from app.operations.files import check_upload

        def edition(code: str) -> Any:
            document = self.session.scalars(select(ControlledDocument).filter_by(code=code)).one()
            file = check_upload("documento.txt", io.BytesIO(b"Paso a paso"))
            return controlled.draft_edition(self.session, document, "2", "Se aclaró un paso", self.at.date(), file)

        draft, current = edition("P10-01"), edition("R10-01-06")
        someone = self.session.scalars(select(User.id).order_by(User.id)).first()
        controlled.approve_edition(self.session, current, at=self.at, user_id=someone)
        sheet = self.session.scalars(select(ProcessSheet)).one()
        row = self.session.scalars(select(ProcessSheetRow).filter_by(sheet_id=sheet.id, position=2)).one()
        return {"@document": draft.document_id, "@document-current": current.document_id, "@edition-draft": draft.id,
                "@edition": current.id, "@sheet": sheet.id, "@sheet-row": row.id}  # fmt: skip

    def alarms(self, marks: dict[str, Any]) -> dict[str, int]:
        """Leave a threshold, the contact that an answer with a name asks the process of D for, one of another process, and one made."""
        from app.domain.campaigns import AlarmEffect, AlarmMeasure
        from app.models import ConsentText, SurveyAlarm, SurveyCampaign, SurveyInvitee, SurveyThreshold
        from app.operations import survey_alarms, survey_answers

        mine = self.make.process(MINE)
        of_form = {"questionnaire_id": marks["@form"], "question_code": "P1", "process": mine}
        threshold = SurveyThreshold(measure=AlarmMeasure.ANSWER, at_most=2, effect=AlarmEffect.CONTACT, **of_form)
        figure, share = (
            SurveyThreshold(measure=AlarmMeasure[name], at_most=3, effect=AlarmEffect.ACTION, **of_form) for name in ("MEAN", "CSAT")
        )
        self.session.add_all([threshold, figure, share])
        campaign = self.session.get_one(SurveyCampaign, marks["@campaign"])
        people = self.session.scalars(select(SurveyInvitee).filter_by(campaign_id=campaign.id).order_by(SurveyInvitee.id.desc()))
        response = self.make.response(campaign, {"P1": "1"}, via="LINK", at=self.at, invitee=people.first())
        agreed = self.session.scalars(select(ConsentText)).first()
        wishes = {"is_named": True, "wants_contact": True, "wants_case": False, "consent_text": agreed}
        survey_answers.set_wishes(self.session, response, **wishes, at=self.at)
        [contact] = survey_alarms.on_response(self.session, response, at=self.at)
        on = self.at.date()
        said = {"campaign": campaign, "effect": AlarmEffect.ACTION, "what": "Satisfechos: 40 %", "raised_on": on, "due_on": on}
        other = SurveyAlarm(threshold=figure, process=self.make.process(OTHER), **said)
        ended = SurveyAlarm(threshold=share, process=mine, **said)
        self.session.add_all([other, ended])
        self.session.flush()
        survey_alarms.settle(self.session, ended, "Se llamó y se programó una visita.", ended_on=on, at=self.at)
        return {"@threshold": threshold.id, "@alarm": contact.id, "@alarm-other": other.id, "@alarm-ended": ended.id}

    def results(self, campaign_id: int) -> dict[str, int]:
        """Let six people more answer, of whom one writes something that is tagged."""
        from app.models import SurveyAnswer, SurveyCampaign
        from app.operations import survey_tags

        campaign = self.session.get_one(SurveyCampaign, campaign_id)
        said = [{"P4": "0", "P8": "Nadie avisa de los cortes"}, *({"P1": str(n)} for n in (5, 4, 4, 3, 2))]
        responses = [self.make.response(campaign, raw, at=self.at) for raw in said]
        words = self.session.scalars(select(SurveyAnswer).where(SurveyAnswer.words.is_not(None))).first()
        tag = survey_tags.tag_called(self.session, "Cortes")
        survey_tags.put(self.session, tag, [words])
        return {"@response": responses[0].id, "@tag": tag.id}

    def beside_contracts(self, marks: dict[str, Any]) -> dict[str, Any]:
        """Leave policies and a file of the signed contract and of that of another process, and a contract of an old register."""
        from io import BytesIO

        from app.domain.contracts import ContractFileKind
        from app.domain.states import PastKind
        from app.models import Contract, Guarantee, PastRecord
        from app.operations import guarantees
        from app.operations.files import check_upload

        mine, other = (self.session.get_one(Contract, marks[name]) for name in ("@contract", "@contract-other"))
        told = {"at": self.at, "actor_id": self.users["C"]}
        said = {"insurer": "Seguros del Valle", "insured_cop": 5_000_000, "starts_on": date(2026, 2, 1), "ends_on": date(2031, 1, 31)}
        policy, approved, theirs = (
            guarantees.record_guarantee(self.session, Guarantee(contract=contract, policy=f"{n}-2026", **said), **told)
            for n, contract in enumerate((mine, mine, other), 1)
        )
        guarantees.approve_guarantee(self.session, approved, self.at.date(), **told)
        files = [
            guarantees.attach_files(
                self.session, contract, [check_upload("contrato.txt", BytesIO(b"Firmado"))], ContractFileKind.CONTRACT, **told
            )[0]
            for contract in (mine, other)
        ]
        past = PastRecord(
            kind=PastKind.CONTRACT, source="Libro 2019", source_number="2019-014", on=date(2019, 3, 1), title="Agua en bloque",
            facts={"Valor": "$ 18.500.000", "Fecha fin": "17/03/2027"},
        )  # fmt: skip
        self.session.add(past)
        self.session.flush()
        return {"@policy": policy.id, "@approved-policy": approved.id, "@policy-other": theirs.id, "@contract-file": files[0].id,
                "@contract-file-other": files[1].id, "@contract-number": mine.number, "@contract-number-other": other.number,
                "@past-contract": past.id}  # fmt: skip

    def quotations(self) -> dict[str, int]:
        """Leave a quotation in every state; the one that waits for its answer was sent by mail, with its paper."""
        from flask_appbuilder.security.sqla.models import User

        from app.documents import quotations as papers
        from app.operations import quotation_mail

        found = {name: self.make.quotation(name) for name in ("DRAFT", "ACCEPTED", "REJECTED", "EXPIRED", "WITHDRAWN")}
        sent, issuer = self.make.quotation("DRAFT"), self.session.get_one(User, self.users["C"])
        paper = papers.issue_quotation(self.session, sent, issuer, sent_on=self.at.date(), at=self.at)
        told = {"to": "compras@example.com", "message": "", "at": self.at, "actor_id": issuer.id}
        quotation_mail.send_by_mail(self.session, sent, paper, **told)
        return {f"@{name.lower()}_quotation": row.id for name, row in (found | {"SENT": sent}).items()}

    def outward(self) -> dict[str, Any]:
        """Tell another program, which took nothing yet; and give D a calendar that was read just now."""
        from app.models import Webhook
        from app.operations import feeds, webhooks

        hook = Webhook(name="Tablero", url="https://tablero.example.com/", secret=webhooks.new_secret(), events="case.filed", paused_why="")
        self.session.add(hook)
        self.session.flush()
        webhooks.send_test(self.session, hook, self.at)
        token = feeds.open_feed(self.session, self.users["D"], self.at)
        feeds.note_read(self.session, self.users["D"], self.at)
        return {"@feed": token}

    def attend(self, pqr_id: int) -> None:
        """Write a silence to recognise, a mass event and a rating, all of one case."""
        from app.domain.states import RatingVia, SilenceGround
        from app.extensions import local
        from app.models import MassEvent, Pqr, Rating, Silence

        on, pqr = local(self.at).date(), self.session.get_one(Pqr, pqr_id)
        told = {"what": "Se rompió un tubo", "solution": "Se reparó", "answer_text": "Se reparó."}
        event = MassEvent(name="Corte en La Floresta", since_on=on, **told)
        self.session.add_all([
            Silence(pqr_id=pqr_id, ground=SilenceGround.TERM, arisen_on=on, recognise_by=on + timedelta(days=2)), event,
            Rating(pqr=pqr, rated_at=self.at, rated_on=on, score=5, via=RatingVia.COUNTER, channel=pqr.channel),
        ])  # fmt: skip
        self.session.flush()

    def background(self) -> dict[str, int]:
        """Write works of D: one waits, one runs, one is done; and a run of the timetable."""
        from app.domain.states import JobStatus
        from app.models import JobRun
        from app.operations import files, runs, work

        waiting, running, done = (work.start(self.session, "test", "Un archivo grande", {}, self.users["D"], self.at) for _n in range(3))
        running.status, running.started_at, running.n_attempts = JobStatus.RUNNING, self.at, 1
        running.lease_until, running.n_done, running.n_total = self.at, 120, 300
        done.status, done.ended_at = JobStatus.DONE, self.at
        done.result_file = files.store_file(self.session, b"a;b\n", "filas.csv", "text/csv")
        run = runs.begin(self.session, "sweep", None, "w", self.at)
        assert isinstance(run, JobRun)
        runs.end(self.session, run, {"old results and runs": 3}, "", self.at)
        return {"@job": waiting.id, "@job-done": done.id}

    def remember(self) -> int:
        """Write rows of the registers that nothing above writes; return the change of the calendar."""
        from app.models import CalendarChange, Leave, Note, OutboxMessage, Pqr

        pqr = self.session.scalars(select(Pqr).limit(1)).one()
        self.session.add(Note(pqr_id=pqr.id, author_id=self.users["A"], body="Nota interna que el ciudadano nunca lee"))
        change = CalendarChange(at=self.at, actor_id=self.users["X"], reason="Día cívico", added=[], removed=[], moved=[])
        self.session.add(change)
        days = {"starts_on": date(2026, 12, 21), "ends_on": date(2027, 1, 8)}
        self.session.add(Leave(user_id=self.users["G"], substitute_id=self.users["C"], act="Resolución 12", **days))
        if not self.session.scalars(select(OutboxMessage).limit(1)).first():
            self.session.add(
                OutboxMessage(key="x", event="receipt", to_address="luz@example.com", subject="Radicado", body="Texto",
                              next_attempt_at=self.at, message_id="<x@example.com>", created_at=self.at)
            )  # fmt: skip
        self._tell(pqr)
        self.session.flush()
        return change.id

    def _tell(self, pqr: Any) -> None:
        """Tell the owner of a process something of a case of it, on the screen alone."""
        from app.domain.states import ReminderTrigger, ToldAs
        from app.models import Reminder, ReminderRule

        rule = self.session.scalars(select(ReminderRule).limit(1)).first() or ReminderRule(
            code="R1", name="Caso nuevo", source="CASE", trigger=ReminderTrigger.AT_START
        )
        told = {"row_key": pqr.number, "pqr_id": pqr.id, "user_id": self.users["D"], "told_as": ToldAs.OWNER}
        self.session.add(Reminder(rule=rule, step="2026-07-10", due_on=date(2026, 8, 4), told_at=self.at, **told))
