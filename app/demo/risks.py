"""A risk map of the fictional company: a year of looks and controls, a gap, one that nobody looked at, and one that is a risk no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.improvement import ActionKind
from app.domain.risks import ControlKind, Spot, Treatment
from app.extensions import local
from app.models import Process, Risk
from app.operations import risks
from app.operations.improvement import Asked
from app.operations.risks import Controlled

_BEFORE, _AFTER = ControlKind.PREVENTIVE, ControlKind.CORRECTIVE


@dataclass(frozen=True, slots=True)
class _Told:
    """A risk of the story: `months` ago, its place, what was done about it, and what somebody saw when he looked; each in its order."""

    process: str
    person: str
    months: int
    spot: Spot
    cause: str
    event: str
    consequence: str
    treatment: Treatment = Treatment.REDUCE
    note: str = ""
    controls: tuple[tuple[int, Controlled], ...] = ()  # (months ago, the control)
    looks: tuple[tuple[int, Spot, str], ...] = ()  # (months ago, where it stood, why)
    action: tuple[str, str] | None = None
    stops: tuple[int, int, str] | None = None  # (months ago, which control, why it is no longer applied)
    ends: tuple[int, str] | None = None


STORY = (
    _Told(
        "ATENCION", "subgerente", 14, Spot(4, 4),
        "Casos que se radican por varios canales y pasan por varios procesos antes de tener respuesta.",
        "Una PQR se responde después de los quince días hábiles, o no se responde.",
        "Silencio administrativo positivo: hay que reconocer lo pedido y puede haber sanción (Ley 142 de 1994, art. 158).",
        controls=(
            (13, Controlled("El sistema avisa a la mitad y a las tres cuartas partes del término, y después cada día.", _BEFORE, 1, 0,
                            evidence="Registro de recordatorios dados.")),
            (8, Controlled("La Subgerencia mira cada mañana los casos en rojo y los reparte.", ControlKind.DETECTIVE, 1, 0,
                           evidence="Tablero Mi día.")),
            (5, Controlled("El silencio se reconoce dentro de las 72 horas, sin que el usuario lo pida.", _AFTER, 0, 1,
                           evidence="Lista de silencios reconocidos.")),
        ),
        looks=((2, Spot(4, 4), "En el trimestre vencieron menos casos; la probabilidad sin controles sigue igual."),),
    ),
    _Told(
        "ATENCION", "subgerente", 12, Spot(4, 3),
        "La citación para la notificación personal se envía tarde o a una dirección vieja.",
        "La respuesta se notifica fuera de los términos de los artículos 67 a 69 de la Ley 1437 de 2011.",
        "La respuesta no produce efectos y se puede configurar el silencio aunque se haya respondido a tiempo.",
        controls=((11, Controlled("El sistema lleva el plazo de la citación y el del aviso; sin la constancia no deja cerrar.",
                                  _BEFORE, 2, 0, evidence="Constancia de cada notificación.")),),
        looks=((4, Spot(3, 3), "Desde que se pide el correo al radicar, la mayoría se notifica por correo electrónico."),),
    ),
    _Told(
        "FACTURACION", "dueno.facturacion", 11, Spot(4, 4),
        "Lecturas estimadas y críticas de lectura que no se hacen antes de cerrar la facturación.",
        "Se cobra un consumo con desviación significativa sin haberla investigado.",
        "Reclamos, facturas que se corrigen y pérdida de lo cobrado (Ley 142 de 1994, arts. 149 y 150).",
        controls=(
            (10, Controlled("La crítica separa los consumos que se apartan de los seis meses anteriores y ordena la visita.", _BEFORE, 1, 0,
                            evidence="Lista de desviaciones con su orden de revisión.")),
            (7, Controlled("Segunda lectura de una muestra de cada ruta.", ControlKind.DETECTIVE, 1, 0,
                           evidence="Planilla de la segunda lectura.")),
        ),
        stops=(2, 1, "Se dejó de hacer por falta de personal."),
        looks=((1, Spot(4, 4), "Sin la segunda lectura volvieron a salir facturas con desviación: hay que retomarla."),),
        action=("Volver a hacer la segunda lectura de una muestra de cada ruta",
                "Definir la muestra y quién la lee; presentar el primer mes."),
    ),
    _Told(
        "ATENCION", "calidad", 9, Spot(4, 5),
        "Adjuntos con cédulas, teléfonos y direcciones que se envían por correo o se imprimen.",
        "Una persona sin permiso conoce datos personales de un usuario o de un denunciante con reserva de identidad.",
        "Daño a la persona y sanción de la Superintendencia de Industria y Comercio (Ley 1581 de 2012).",
        controls=((8, Controlled("Permisos por proceso e identidad reservada oculta; cada consulta de datos personales queda registrada.",
                                 _BEFORE, 1, 0, evidence="Registro de consultas.")),),
        looks=((2, Spot(4, 5), "Dos correos salieron con cédulas a la vista: sigue en la zona extrema y falta decidir qué se hace."),),
    ),
    _Told(
        "SUBGERENCIA", "subgerente", 12, Spot(3, 4),
        "Códigos de causal o fechas que no corresponden, y cargue en el último día.",
        "El archivo de reclamaciones se carga al SUI con errores o fuera de plazo.",
        "Requerimiento de la Superservicios y posible sanción.",
        controls=((11, Controlled("El archivo se revisa contra el formato y los totales antes de cargarlo.", ControlKind.DETECTIVE, 1, 0,
                                  evidence="Informe de la revisión, con las filas corregidas.")),),
        note="Se acepta lo que queda mientras el cargue se haga cinco días antes del límite.",
        treatment=Treatment.ACCEPT,
    ),
    _Told(
        "CALIDAD", "calidad", 10, Spot(2, 5),
        "Daño de un disco, borrado por error o secuestro de la información.",
        "Se pierden expedientes de PQR, contratos o encuestas.",
        "No se puede responder ni probar lo que se respondió; hay que reconstruir los expedientes.",
        controls=(
            (10, Controlled("Copia diaria fuera de la sede.", _AFTER, 0, 2, evidence="Registro de copias.")),
            (6, Controlled("Dos veces al año se restaura una copia en otro equipo.", _AFTER, 0, 1, evidence="Acta de la restauración.")),
        ),
        looks=((6, Spot(2, 5), "Se restauró la copia en otro equipo y abrió completa."),),
    ),
    _Told(
        "COMERCIAL", "dueno.comercial", 16, Spot(3, 3),
        "Los contratos se verifican una vez al año y los requisitos cambian con los otrosíes.",
        "Un requisito de un contrato se incumple y nadie lo nota hasta que el cliente reclama.",
        "Multas, pólizas que se hacen efectivas y pérdida del cliente.",
        controls=((15, Controlled("Lista de verificación anual de cada contrato, con evidencia y aprobación.", ControlKind.DETECTIVE, 1, 0,
                                  evidence="Actas de verificación.")),),
        looks=((4, Spot(3, 3), "Ningún cliente reclamó en el año; las listas encontraron tres incumplimientos antes que él."),),
    ),
    _Told(
        "CARTERA", "dueno.facturacion", 13, Spot(3, 3),
        "La orden de suspensión se imprimía el día anterior y no se volvía a mirar.",
        "Se suspende el servicio a un usuario que ya pagó o que tiene un reclamo en trámite.",
        "Hay que reconectar sin cobro e indemnizar; queja ante la Superservicios (Ley 142 de 1994, art. 155).",
        controls=((12, Controlled("La orden se consulta contra los pagos y los reclamos el mismo día.", _BEFORE, 2, 0,
                                  evidence="Actas de suspensión con la hora de la consulta.")),),
        ends=(2, "Desde la integración con facturación la orden no sale si hay pago o reclamo: no ha vuelto a ocurrir en un año."),
    ),
)  # fmt: skip


def map_risks(session: Session, at: datetime, users: Mapping[str, User]) -> None:
    """Write the story of the map until *at*. *users* by their names; nobody is named whom the company lacks."""
    processes = {process.code: process for process in session.scalars(select(Process))}
    for told in STORY:
        if told.process in processes:
            _live(session, told, processes[told.process], users.get(told.person), at)


def _live(session: Session, told: _Told, process: Process, person: User | None, at: datetime) -> Risk:
    """Write one risk and what happened to it since: its controls, then what stopped, then the looks at it."""
    user_id = person.id if person is not None else None
    risk = Risk(
        process_id=process.id, cause=told.cause, event=told.event, consequence=told.consequence, probability=told.spot.probability,
        impact=told.spot.impact, treatment=told.treatment, treatment_note=told.note, responsible=person,
    )  # fmt: skip
    risks.enter_risk(session, risk, at=_ago(at, told.months), user_id=user_id)
    rows = [risks.add_control(session, risk, control, at=_ago(at, months), user_id=user_id) for months, control in told.controls]
    if told.stops is not None:
        months, which, why = told.stops
        control = replace(told.controls[which][1], is_working=False)
        risks.change_control(session, rows[which], control, why, at=_ago(at, months), user_id=user_id)
    for months, spot, why in told.looks:
        risks.review_risk(session, risk, spot, why, at=_ago(at, months), user_id=user_id)
    if told.action is not None:
        title, what = told.action
        asked = Asked(title, what, ActionKind.PREVENTIVE, process.id, local(at).date() + timedelta(days=40), user_id)
        risks.ask_for_action(session, risk, asked, at=_ago(at, 1), user_id=user_id)
    if told.ends is not None:
        risks.close_risk(session, risk, told.ends[1], at=_ago(at, told.ends[0]), user_id=user_id)
    return risk


def _ago(at: datetime, months: int) -> datetime:
    return at - timedelta(days=30 * months)
