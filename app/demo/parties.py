"""The customers of the fictional company: their groups, a second person to speak to, a survey of before, and actions of every fate."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.demo.actions import lead
from app.demo.quotations import CUSTOMERS
from app.domain.improvement import ActionKind, ActionOrigin
from app.domain.states import PastKind
from app.extensions import local
from app.models import Action, InterestGroup, Party, PartyContact, PastRecord, Process
from app.operations import actions, contacts, improvement

#: Groups of a customer besides the clients, by its place in CUSTOMERS.
ALSO = {1: ("USUARIOS",), 5: ("PROVEEDORES",), 6: ("MUNICIPIO",), 8: ("USUARIOS", "COMUNIDAD")}
SECOND = (("Marta Lucía Acevedo", "Cartera"), ("Iván Darío Pulido", "Mantenimiento"), ("Clara Inés Bonilla", "Asistente"))
#: What was asked: customer, title, kind, process, how many days ago, until how many days from now, what was done (empty: still open).
ASKED = (
    (0, "Instalar medición de presión en la entrada de la clínica", ActionKind.PREVENTIVE, "TECNICA", 40, -6, ""),
    (2, "Entregar el informe de calidad del agua antes del día 10", ActionKind.CORRECTIVE, "TECNICA", 25, 12, ""),
    (1, "Explicar a la copropiedad cómo leer la factura conjunta", ActionKind.IMPROVEMENT, "FACTURACION", 70, -20,
     "Se hizo la charla el sábado en el salón comunal, con 43 asistentes. La planilla está en la carpeta del contrato."),
    (5, "Cambiar la valla de la obra de la etapa 1", ActionKind.CORRECTION, "TECNICA", 55, -30,
     "cancel: La obra terminó y la valla se retiró."),
)  # fmt: skip

#: How the action that ended was analysed, and its plan.
WHYS = (
    "La copropiedad cree que se le cobra dos veces",
    "La factura conjunta trae los dos servicios en una hoja, sin decir cuál es cuál",
    "Nadie ha explicado la factura conjunta desde que cambió el formato",
)
TASKS = ("Preparar una hoja que explique la factura conjunta", "Dar la charla en el salón comunal")


def relate(session: Session, at: datetime, asks: User) -> None:
    """Relate the customers of the demonstration by the operations of the product; after the quotations, which make them. *asks* asks."""
    today = local(at).date()
    groups = {group.code: group.id for group in session.scalars(select(InterestGroup))}
    parties = {party.name: party for party in session.scalars(select(Party).where(Party.name.in_([each[0] for each in CUSTOMERS])))}
    for place, (name, digits, *_person) in enumerate(CUSTOMERS):
        party = parties[name]
        contacts.put_in_groups(session, party, {groups[code] for code in ("CLIENTES", *ALSO.get(place, ())) if code in groups})
        second, position = SECOND[place % len(SECOND)]
        address = f"{position.lower()}.{digits}@ejemplo.invalid"
        contacts.keep_contact(session, PartyContact(party=party, name=second, position=position, email=address))
        facts = {"Satisfacción general": f"{4 + place % 2},{place}", "Recomendaría el servicio": "Sí"}
        session.add(PastRecord(
            kind=PastKind.SURVEY, source="Encuesta a clientes 2024", source_number=f"E24-{place + 1:02}", on=date(2024, 11, 20),
            party_id=party.id, title="Encuesta de satisfacción, segundo semestre", facts=facts,
        ))  # fmt: skip
    _ask(session, at, today, parties, asks)
    session.flush()


def _ask(session: Session, at: datetime, today: date, parties: dict[str, Party], asks: User) -> list[Action]:
    """Ask for the actions of `ASKED`, and end those that have an ending."""
    processes = {process.code: process.id for process in session.scalars(select(Process))}
    made = []
    for customer, title, kind, process, asked, due, ending in ASKED:
        action = improvement.ask_action(
            session, kind=kind, origin=ActionOrigin.OTHER, origin_key="", title=title, description="", process_id=processes[process],
            responsible_id=None, due_on=today + timedelta(days=due), at=at - timedelta(days=asked), user_id=asks.id,
            party_id=parties[CUSTOMERS[customer][0]].id,
        )  # fmt: skip
        reason = ending.removeprefix("cancel: ")
        if ending and reason == ending:
            lead(session, action, WHYS, TASKS, ending, doer=asks, carried_out_on=action.due_on, at=at, window_days=14)
        elif ending:
            actions.cancel(session, action, reason, at=at, user_id=asks.id)
        made.append(action)
    return made
