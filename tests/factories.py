"""Rows for tests, made as the product makes them wherever an operation exists."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

#: Hash of "Clave-de-prueba-2026", cheap on purpose: these users protect nothing.
PASSWORD = "Clave-de-prueba-2026"
_HASH = "pbkdf2:sha256:1$prueba$"

_serial = itertools.count(1)


def _hash() -> str:
    global _HASH
    if _HASH.endswith("$"):
        from werkzeug.security import generate_password_hash

        _HASH = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")
    return _HASH


# ── Templates ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def build_bare(app: Flask) -> None:
    """Migrate the empty database of *app* to head and write the roles."""
    from flask_migrate import upgrade

    from app.extensions import db
    from app.security import sync_roles

    with app.app_context():
        upgrade()
        sync_roles(db.session)
        db.session.commit()
        _let_go()


def build_seeded(app: Flask) -> None:
    """Load the catalogues, and what they leave to the company: its name and processes."""
    from app.extensions import db, now

    with app.app_context():
        try:
            from app.operations.seeds import load_seeds
        except ImportError:
            pass
        else:
            load_seeds(db.session, now())
            db.session.flush()
        complete_catalogues(db.session)
        db.session.commit()
        _let_go()


def _let_go() -> None:
    """Close every connection, so that the database may be copied; SQLite folds its WAL into the file as the last one leaves."""
    from app.extensions import db

    db.session.remove()
    for engine in db.engines.values():
        engine.dispose()


def complete_catalogues(session: Session) -> None:
    """Add what tests count on and no seed brought: an organisation, processes, and one row of each catalogue."""
    from datetime import date

    from app.domain.deadlines import Regime, TermAct, TermUnit
    from app.models import Channel, LegalTerm, Municipality, Organisation, Process, RequestType, Service

    def ensure(model: Any, key: str, value: Any, **columns: Any) -> Any:
        row = session.scalars(select(model).where(getattr(model, key) == value)).first()
        if row is None:
            row = model(**{key: value}, **columns)
            session.add(row)
            session.flush()
        return row

    bogota = ensure(Municipality, "code", "11001", name="Bogotá, D.C.", department="Bogotá, D.C.")
    if not session.scalars(select(Organisation)).first():
        session.add(
            Organisation(
                name="Aguas de Prueba E.S.P.", nit="8909039388", municipality=bogota, address="Calle 1 # 2-3", email="pqr@example.com",
                signatory_name="Ana Prueba", signatory_title="Subgerente",
            )
        )  # fmt: skip
    if not session.scalars(select(Process).where(Process.is_front_desk)).first():
        ensure(Process, "code", "PQR", name="Atención al usuario", is_front_desk=True)
    others = session.scalars(select(Process).where(~Process.is_front_desk)).all()
    for code, name in (("TEC", "Operación técnica"), ("FAC", "Facturación"))[len(others) :]:
        ensure(Process, "code", code, name=name)
    if not session.scalars(select(Channel)).first():
        session.add(Channel(code="WEB", name="Web"))
    if not session.scalars(select(Service)).first():
        session.add(Service(code="ACUEDUCTO", name="Acueducto"))
    ensure(RequestType, "code", "RECLAMO", name="Reclamo", plain_name="Reclamar")
    session.flush()
    if not session.scalars(select(LegalTerm)).first():
        session.add(
            LegalTerm(
                regime=Regime.LEY142, act=TermAct.ANSWER, request_type="RECLAMO", value=15, unit=TermUnit.BUSINESS_DAYS,
                norm="Ley 142 de 1994, art. 158", valid_from=date(1994, 7, 11),
            )
        )  # fmt: skip
    session.flush()


def stop(session: Session, pqr: Any, reason: str, act: str, *, at: datetime, actor_id: int | None = None) -> Any:
    """Stop the clock of a routed case for evidence, as its history tells it, without a letter: where only the clock matters."""
    from app.domain.deadlines import ClockEventKind
    from app.domain.states import Move
    from app.operations.pqr import make_move

    stopped = ClockEventKind.STOPPED
    return make_move(session, pqr, Move.ORDER_EVIDENCE, at=at, actor_id=actor_id, reason=reason, act=act, clock=stopped)


# ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Factory:
    """Makes rows in one session. Every call makes a new, valid row; keywords change its columns."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def _add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def process(self, code: str | None = None) -> Any:
        """Return the process called *code*; without it, the first that is not the front desk."""
        from app.models import Process

        statement = (
            select(Process).where(Process.code == code) if code else select(Process).where(~Process.is_front_desk).order_by(Process.id)
        )
        return self.session.scalars(statement).first() or self._add(Process(code=code, name=f"Proceso {code}"))

    def mechanism(self, **columns: Any) -> Any:
        """Return a follow-up of a group of its own, for a year from 2026-01-01 on and without evidence."""
        from datetime import date

        from app.domain.interested import next_due_on
        from app.models import InterestGroup, Mechanism

        n = next(_serial)
        group = columns.pop("group", None) or self._add(InterestGroup(code=f"GRUPO{n}", name=f"Grupo {n}"))
        told = {"name": f"Seguimiento {n}", "months": 12, "starts_on": date(2026, 1, 1), **columns}
        return self._add(Mechanism(group=group, next_on=next_due_on(None, told["starts_on"], told["months"]), **told))

    def user(self, role: str, process: Any = None, **columns: Any) -> Any:
        from flask_appbuilder.security.sqla.models import Role, User

        from app.models import ProcessMember

        n = next(_serial)
        values = {
            "username": f"user{n}", "first_name": "Persona", "last_name": f"Ficticia {n}", "email": f"user{n}@example.com",
            "active": True, "password": _hash(), **columns,
        }  # fmt: skip
        user = User(**values)
        user.roles = [self.session.scalars(select(Role).where(Role.name == role)).one()]
        self._add(user)
        if process is not None:
            row = self.process(process) if isinstance(process, str) else process
            self._add(ProcessMember(process_id=row.id, user_id=user.id))
        return user

    def party(self, **columns: Any) -> Any:
        from app.domain.states import DocumentType
        from app.models import Party

        n = next(_serial)
        values = {"name": f"Usuaria Ficticia {n}", "document_type": DocumentType.CC, "document_number": str(10_000_000 + n),
                  "email": f"usuaria{n}@example.com"}  # fmt: skip
        return self._add(Party(**(values | columns)))

    def account(self, **columns: Any) -> Any:
        from app.models import Account, Municipality, Service

        n = next(_serial)
        values = {"number": f"C{n:06}", "address": f"Carrera {n} # 1-2", "stratum": 3}
        if "service_id" not in columns and "service" not in columns:
            values["service"] = self.session.scalars(select(Service).order_by(Service.position, Service.id)).first()
        if "municipality_code" not in columns:
            values["municipality_code"] = self.session.scalars(select(Municipality.code).order_by(Municipality.code)).first()
        return self._add(Account(**(values | columns)))

    def filing(self, **fields: Any) -> Any:
        """Return a Filing that `file_pqr` accepts; codes stand for rows."""
        from app import queries
        from app.domain.states import Identity
        from app.models import Channel, RequestType, Service
        from app.operations.pqr import Filing

        def of(model: Any, value: Any) -> Any:
            if not isinstance(value, str):
                return value
            return self.session.scalars(select(model).where(model.code == value)).one()

        values: dict[str, Any] = {
            "organisation": queries.organisation(self.session),
            "request_type": "RECLAMO",
            "channel": self.session.scalars(select(Channel).order_by(Channel.position, Channel.id)).first(),
            "subject": "Cobro que no reconozco",
            "body": "La factura de junio cobra un consumo que no hicimos.",
            **fields,
        }
        for name, model in (("request_type", RequestType), ("channel", Channel), ("service", Service)):
            if name in values:
                values[name] = of(model, values[name])
        if "party" not in values and values.get("identity") is not Identity.ANONYMOUS:
            values["party"] = self.party()
        return Filing(**values)

    def contract(self, requirements: int = 3, stage: str = "SIGNED", at: datetime | None = None, **columns: Any) -> Any:
        """Return a contract from February 2025 to January 2027, signed in January 2025 unless *stage* is DRAFT; the rest in *columns*."""
        from datetime import UTC, date

        from app.domain.contracts import Side
        from app.models import Contract, ContractKind, ContractSignatory
        from app.operations import contracts

        instant = at or datetime(2025, 1, 20, 15, tzinfo=UTC)
        kind = self.session.scalars(select(ContractKind).order_by(ContractKind.position, ContractKind.id)).first()
        values = {"number": "", "object": "Suministro de agua en bloque", "starts_on": date(2025, 2, 1), "ends_on": date(2027, 1, 31)}
        if not columns.keys() & {"party", "party_id"}:
            values["party"] = self.party()
        if not columns.keys() & {"kind", "kind_id"}:
            values["kind"] = kind or self._add(ContractKind(code="SUMINISTRO", name="Suministro"))
        with self.session.no_autoflush:
            contract = contracts.write_contract(self.session, Contract(**(values | columns)), at=instant, actor_id=None)
        said = [contracts.Wanted(f"Requisito {n} del contrato", evidence=f"Acta {n}") for n in range(1, requirements + 1)]
        contracts.write_requirements(self.session, contract, said)
        people = [self._add(ContractSignatory(contract=contract, side=side, name=f"Firmante {side.name}")) for side in Side]
        if stage == "SIGNED":
            signed = {person.id: instant.date() for person in people}
            contracts.sign_contract(self.session, contract, signed, at=instant, actor_id=None)
        return contract

    def quotation(self, status: str = "SENT", *, at: datetime | None = None, **said: Any) -> Any:
        """Return a quotation asked for on 1 July 2026 and sent two days later, led to *status*; *said* is for `Wanted`."""
        from datetime import UTC, date
        from decimal import Decimal

        from app.domain.quotations import LossReason, QuoteLine
        from app.operations import quotations

        when = {"at": at or datetime(2026, 7, 10, 15, tzinfo=UTC), "actor_id": None}
        offered = [QuoteLine("Análisis de agua", Decimal(12), "mes", Decimal(850_000), Decimal(19))]
        sent_on = said.pop("sent_on", date(2026, 7, 3))
        values = {"subject": "Análisis de agua de un año", "requested_on": date(2026, 7, 1), "lines": offered} | said
        if status == "EXPIRED":
            values.setdefault("validity_days", 5)
        party = values.pop("party", None) or self.party(name="Clínica Ficticia")
        quotation = quotations.write_quotation(self.session, quotations.Wanted(party, **values), **when)
        if status not in {"DRAFT", "WITHDRAWN"}:
            quotations.mark_sent(self.session, quotation, sent_on=sent_on, document=None, to="compras@example.com", **when)
        if status == "ACCEPTED":
            quotations.accept_quotation(self.session, quotation, on=sent_on, note="Orden de compra 17", **when)
        elif status == "REJECTED":
            quotations.reject_quotation(self.session, quotation, on=sent_on, reason=LossReason.PRICE, note="", **when)
        elif status == "EXPIRED":
            quotations.expire_quotation(self.session, quotation, **when)
        elif status == "WITHDRAWN":
            quotations.withdraw_quotation(self.session, quotation, reason="La pidieron dos veces", **when)
        return quotation

    def checklist(self, contract: Any = None, at: datetime | None = None, requirements: int = 3, **columns: Any) -> Any:
        """Return the open verification of *contract*; without it, of one that began two years ago."""
        from datetime import timedelta

        from app.extensions import local, now
        from app.operations.checklists import open_checklist

        instant = at or now()
        if contract is None:
            columns = {"starts_on": local(instant).date() - timedelta(days=731), "ends_on": None, **columns}
            contract = self.contract(requirements=requirements, **columns)
        return open_checklist(self.session, contract, at=instant, actor_id=None)

    def planned_action(self, status: str = "PLANNED", at: datetime | None = None, n_tasks: int = 1, **columns: Any) -> Any:
        """
        Return an action that came to *status* by the operations, with a cause and *n_tasks* tasks; its effect is what a person judges.

        It was asked 40 days before *at* and is due 60 days after it; RUNNING leaves its tasks open, REVIEW was carried out on the day of
        *at*, unless `carried_out_at` says another instant. Columns: those of the action; nobody by default approves and judges.
        """
        from datetime import timedelta

        from app.domain.improvement import ActionKind, ActionOrigin, EffectMeasure
        from app.extensions import local, now
        from app.operations import action_plans, actions, effectiveness, improvement

        session, instant = self.session, at or now()
        asked, done = columns.pop("asked_at", instant - timedelta(days=40)), columns.pop("carried_out_at", instant)
        owner, boss = columns.pop("responsible_id", None) or self.user("Dueño de proceso").id, columns.pop("boss_id", None)
        said = {
            "kind": ActionKind.CORRECTIVE, "origin": ActionOrigin.OTHER, "origin_key": "", "title": "Calibrar los medidores",
            "description": "", "due_on": local(instant).date() + timedelta(days=60), "responsible_id": owner, **columns,
        }  # fmt: skip
        if "process_id" not in said:
            said["process_id"] = self.process().id
        action = improvement.ask_action(session, at=asked, user_id=owner, **said)
        if status == "OPEN":
            return action
        action_plans.choose_cause(session, action, "No hay rutina de calibración", None, at=asked, user_id=owner)
        due_on = local(done).date()
        names = (f"Tarea {n}" for n in range(1, n_tasks + 1))
        tasks = [action_plans.add_task(session, action, what, due_on, owner, at=asked, user_id=owner) for what in names]
        plan = effectiveness.EffectPlan(EffectMeasure.JUDGED, "", 7, None, local(asked).date())
        effectiveness.plan_effect(session, action, plan, at=asked, user_id=owner)
        actions.plan(session, action, at=asked, user_id=owner)
        if status != "PLANNED":
            actions.approve(session, action, at=asked, user_id=boss or self.user("Calidad").id)
        if status in ("REVIEW", "DONE"):
            for task in tasks:
                action_plans.end_task(session, task, "Acta firmada", ended_on=due_on, at=done, user_id=owner)
            actions.carry_out(session, action, at=done, user_id=owner)
        if status == "DONE":
            self.judge(action, "EFFECTIVE", boss_id=boss)
        return action

    def judge(self, action: Any, verdict: str, boss_id: int | None = None) -> Any:
        """Review the effect of *action* on its day."""
        from datetime import time, timedelta

        from app.domain.improvement import EffectVerdict
        from app.extensions import LOCAL_ZONE
        from app.operations import effectiveness

        at = datetime.combine(action.review_on + timedelta(days=1), time(10), LOCAL_ZONE)
        return effectiveness.judge_effect(self.session, action, EffectVerdict[verdict], "Se miró", at=at, user_id=boss_id)

    def questionnaire(self, code: str = "R10-TEST", *, at: datetime | None = None, publish: bool = True, **columns: Any) -> Any:
        """
        Return the published version of a form with a question of each kind: P1 1-5, P2 matrix (agua, aseo), P3 NPS, P4 yes or no,
        P5 one of a list (the last asks which), P6 several, P7 number, P8 open text that shows when P4 is no, P9 1-7 turned round.
        """
        from app.domain.questionnaires import Audience, Condition, ConditionOp, QuestionKind
        from app.extensions import now
        from app.models import Questionnaire
        from app.operations.questionnaires import Wanted, WantedOption, add_question, add_section, start_version, write_texts
        from app.operations.questionnaires import publish as publish_version

        instant = at or now()
        form = self._add(Questionnaire(code=code, name=f"Encuesta {code}", **({"audience": Audience.ANYBODY} | columns)))
        version = start_version(self.session, form)
        write_texts(self.session, version, intro_es="Queremos oírle.", intro_en="We want to listen.", thanks_es="Gracias.",
                    thanks_en="Thank you.", script="Buenos días, {name}: le llamo de {organisation}.")  # fmt: skip
        one, two = (add_section(self.session, version, title) for title in ("Servicio", "Cierre"))
        kind, na = QuestionKind, {"has_na": True}
        rows = [WantedOption("Agua", "Water", "agua"), WantedOption("Aseo", "Waste", "aseo")]
        listed = [WantedOption("Oficina", "Office", "oficina"), WantedOption("Otro", "Other", "otro", takes_words=True)]
        asked = [
            (one, Wanted(kind.SCALE5, "¿Qué tan satisfecho está?", "How satisfied are you?", **na)),
            (one, Wanted(kind.MATRIX, "Califique cada servicio", "Rate each service", options=rows, **na)),
            (one, Wanted(kind.NPS, "¿Nos recomendaría?", "Would you recommend us?")),
            (two, Wanted(kind.YES_NO, "¿Presentó una PQR?", "Did you complain?")),
            (two, Wanted(kind.ONE, "¿Por dónde?", "Through which channel?", is_required=False, options=listed)),
            (two, Wanted(kind.MANY, "¿Por qué medios se informa?", "How do you hear of us?", is_required=False, options=listed)),
            (two, Wanted(kind.NUMBER, "¿Cuántas personas viven ahí?", "How many live there?", is_required=False, least=1, greatest=30)),
            (two, Wanted(kind.TEXT, "¿Por qué no?", "Why not?", is_required=False, condition=Condition("P4", ConditionOp.IS, "0"))),
            (two, Wanted(kind.SCALE7, "El trámite es complicado", "It is complicated", is_required=False, is_reversed=True)),
        ]
        for section, wanted in asked:
            add_question(self.session, section, wanted)
        return publish_version(self.session, version, "", at=instant, actor_id=None) if publish else version

    def campaign(self, version: Any = None, *, at: datetime | None = None, confirmed: bool = True, **columns: Any) -> Any:
        """
        Return the campaign of this month that asks *version* (without it, a form for whoever comes by), open unless *confirmed* is false.

        Whom it asks is whoever the database has: make their accounts, or contracts, first.
        """
        from datetime import timedelta

        from app.domain.questionnaires import Audience
        from app.extensions import local, now
        from app.models import SurveyCampaign
        from app.operations import campaigns

        form = (version or self.questionnaire(f"R10-{next(_serial)}")).questionnaire
        instant = at or now()
        first = local(instant).date().replace(day=1)
        last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        by_name = form.audience is not Audience.ANYBODY
        values = {"questionnaire_id": form.id, "name": f"Campaña de {form.code}", "period_from": first, "period_until": last,
                  "opens_on": first, "closes_on": last, "needs_consent": False, "by_link": by_name, "by_phone": by_name,
                  "by_qr": not by_name, "by_kiosk": not by_name}  # fmt: skip
        campaign = campaigns.write(self.session, SurveyCampaign(**(values | columns)), at=instant, actor_id=None)
        return campaigns.confirm(self.session, campaign, at=instant, actor_id=self.user("Comercial").id) if confirmed else campaign

    def response(
        self, campaign: Any, raw: dict[str, Any] | None = None, *, via: str = "QR", at: datetime | None = None, **with_: Any
    ) -> Any:
        """
        Return an answer to *campaign*, complete: 4 of 5, 9 of 10, no complaint, or as *raw* says. *with_*: as `survey_answers.begin`.
        """
        from app.domain.campaigns import AnswerVia
        from app.extensions import now
        from app.operations import survey_answers

        instant = at or now()
        said = {"P1": "4", "P2.agua": "4", "P2.aseo": "5", "P3": "9", "P4": "1"} | (raw or {})
        response = survey_answers.begin(self.session, campaign, via=AnswerVia[via], at=instant, **with_)
        refused = survey_answers.save(self.session, response, said, at=instant)
        assert refused == {}, refused
        return survey_answers.complete(self.session, response, at=instant)

    def legal_requirement(self, **columns: Any) -> Any:
        """Return a row of the legal matrix of its own norm, of billing, evaluated every year and never until now."""
        from app.models import LegalRequirement

        n = next(_serial)
        process = columns.pop("process", None) or self.process("FACTURACION")
        told = {"norm": f"Ley {n} de 2020", "articles": "1-9", "obligation": f"Obligación {n}", "confidence": "confirmado", **columns}
        return self._add(LegalRequirement(process=process, every_months=12, **told))

    def risk(self, probability: int = 4, impact: int = 4, *, controls: Any = (), at: datetime | None = None, **columns: Any) -> Any:
        """Return a risk of billing at that place of the shipped scale. *controls*: pairs of the levels that each lowers."""
        from app.extensions import now
        from app.models import Risk
        from app.operations import risks

        process = columns.pop("process", None) or self.process("FACTURACION")
        values = {"cause": "Se factura sin lectura", "event": f"Se cobra de más {next(_serial)}", "consequence": "Hay que devolver dinero"}
        risk = Risk(process_id=process.id, probability=probability, impact=impact, **(values | columns))
        told = [risks.Controlled("Lista de chequeo antes de cerrar", lowers_probability=p, lowers_impact=i) for p, i in controls]
        return risks.enter_risk(self.session, risk, told, at=at or now(), user_id=None)

    def indicator(self, measure: str = "oportunidad", **columns: Any) -> Any:
        """Return an indicator of *measure* (empty: typed in), monthly since January 2026: 95 or more is good, from 90 on near."""
        from datetime import date
        from decimal import Decimal

        from app.domain.indicators import Direction, Scale
        from app.models import Indicator
        from app.operations.indicator_measures import MEASURES

        n = next(_serial)
        values = {
            "code": f"PRUEBA-{n}", "name": f"Indicador de prueba {n}", "formula": "a ÷ b", "measure": measure, "unit": "%",
            "scale": MEASURES[measure].scale if measure else Scale.PERCENT, "direction": Direction.MORE, "goal": Decimal(95),
            "fair": Decimal(90), "starts_on": date(2026, 1, 1), "process_id": self.process("CALIDAD").id,
        }  # fmt: skip
        return self._add(Indicator(**(values | columns)))

    def report_schedule(self, owner_id: int, recipients: Any = (), at: datetime | None = None, **columns: Any) -> Any:
        """Return a report that leaves by mail every working day at six, to its owner unless others are named."""
        from app.domain.reports import Every, ReportFormat, Rhythm
        from app.extensions import now
        from app.operations.reporting import Wanted, add_schedule

        told = {"name": f"Envío {next(_serial)}", "report": "response_times", "format": ReportFormat.XLSX, "filters": {}, "words": "Todo",
                "rhythm": Rhythm(Every.DAY, 6), "recipients": list(recipients) or [owner_id], **columns}  # fmt: skip
        return add_schedule(self.session, Wanted(**told), owner_id, "es", at=at or now())

    def interruption_cause(self, sui_code: str = "1", **columns: Any) -> Any:
        """Return a cause of interruptions that the file of the SUI has a code for."""
        from app.models import InterruptionCause

        n = next(_serial)
        return self._add(InterruptionCause(**({"code": f"CAUSA-{n}", "name": f"Causa {n}", "sui_code": sui_code} | columns)))

    def interruption(
        self, starts_at: datetime | None = None, kind: str = "UNPLANNED", *, at: datetime | None = None, **columns: Any
    ) -> Any:
        """Return an interruption of the aqueduct in the municipality of the house, which began at *starts_at* and goes on."""
        from app import queries
        from app.domain.interruptions import InterruptionKind
        from app.extensions import now
        from app.models import Interruption, Service
        from app.operations import interruptions

        instant = at or now()
        values = {
            "cause": columns.pop("cause", None) or self.interruption_cause(), "sector": "La Floresta", "what": "Se rompió la red",
            "service": self.session.scalars(select(Service).order_by(Service.position, Service.id)).first(),
            "municipality": queries.organisation(self.session).municipality, "zones": [],
        }  # fmt: skip
        row = Interruption(kind=InterruptionKind[kind], starts_at=starts_at or instant, **(values | columns))
        return interruptions.tell(self.session, row, at=instant)

    def frozen_month(self, service: str, month: Any, *, at: datetime, user_id: int | None = None, reason: str = "") -> Any:
        """Return the claims file of *month* of the service with that code, as it was frozen at *at*."""
        from app.models import Service
        from app.operations import sui

        row = self.session.scalars(select(Service).where(Service.code == service)).one()
        return sui.freeze_month(self.session, row, month, at=at, user_id=user_id, reason=reason)

    def case(self, at: datetime | str | None = None, actor_id: int | None = None, **fields: Any) -> Any:
        from app.extensions import now
        from app.operations.pqr import file_pqr

        instant = datetime.fromisoformat(at) if isinstance(at, str) else at or now()
        return file_pqr(self.session, self.filing(**fields), at=instant, actor_id=actor_id)
