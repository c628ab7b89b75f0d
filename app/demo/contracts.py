"""What the demonstration company signed in four years: fictitious customers, every state, what each requires, amendments, guarantees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum.co import nit

from app import queries
from app.demo.quotations import CUSTOMERS
from app.domain.contracts import GuaranteeKind, Side
from app.domain.quotations import QuotationStatus
from app.domain.states import DocumentType, PartyKind
from app.extensions import local
from app.models import Contract, ContractKind, Guarantee, Process, Quotation, RequirementTemplate
from app.operations import contracts, guarantees
from app.operations.contracts import AmendmentPlan, Person, Wanted
from app.operations.parties import find_or_create_party

LARGE_USER, SPECIAL = "Servicio público a un gran usuario", "Servicios complementarios y especiales"


@dataclass(frozen=True, slots=True)
class Deal:
    """A contract: how many days ago it began, how many days it lasts (None: without end), what became of it."""

    object: str
    kind: str
    customer: int
    template: str
    process: str
    value: int | None
    began: int
    lasts: int | None
    end: str = ""


DEALS = (
    Deal("Servicio de acueducto y alcantarillado a la clínica, con continuidad garantizada", "SERVICIO_PUBLICO", 0, LARGE_USER, "TECNICA",
         486_000_000, 1150, 1825),
    Deal("Agua potable en bloque para la planta de lácteos", "AGUA_EN_BLOQUE", 2, LARGE_USER, "TECNICA", 912_500_000, 790, 1460),
    Deal("Control de la calidad del agua en la red interna del hotel", "COMPLEMENTARIO", 4, SPECIAL, "TECNICA", 14_280_000, 425, 730),
    Deal("Lavado y desinfección semestral de los tanques del conjunto", "COMPLEMENTARIO", 1, SPECIAL, "TECNICA", 9_860_000, 330, 365),
    Deal("Facturación y recaudo conjunto con el servicio de aseo", "FACTURACION_CONJUNTA", 6, SPECIAL, "FACTURACION", None, 980, None),
    Deal("Acueducto y alcantarillado al parque industrial", "SERVICIO_PUBLICO", 9, LARGE_USER, "TECNICA", 640_000_000, 60, 1095),
    Deal("Acometidas y redes de la urbanización Tres Cumbres, etapa 2", "OBRA", 5, SPECIAL, "TECNICA", 358_700_000, -18, 240),
    Deal("Agua en carrotanque durante la obra de la etapa 1", "COMPLEMENTARIO", 5, SPECIAL, "TECNICA", 21_400_000, 610, 180),
    Deal("Mantenimiento de la planta de tratamiento de la asociación", "OPERACION", 8, SPECIAL, "TECNICA", 46_900_000, 820, 365),
    Deal("Búsqueda de fugas en la red interna de la planta textil", "COMPLEMENTARIO", 7, SPECIAL, "TECNICA", 18_250_000, 270, 540, "ENDED"),
    Deal("Acueducto al colegio, con tanque de reserva", "SERVICIO_PUBLICO", 3, LARGE_USER, "COMERCIAL", 74_000_000, -30, 730, "DRAFT"),
    Deal("Suministro de agua al campamento de obra", "AGUA_EN_BLOQUE", 5, "", "COMERCIAL", 12_000_000, 40, 120, "VOIDED"),
)  # fmt: skip


@dataclass(slots=True)
class Office:
    """Who writes and who signs, and now."""

    session: Session
    at: datetime
    writer: User
    boss: User

    @property
    def today(self) -> date:
        return local(self.at).date()

    def told(self, day: date) -> dict[str, object]:
        """Return when and by whom something was done on *day*, never after now."""
        return {"at": min(datetime.combine(day, time(15, 30), UTC), self.at), "actor_id": self.writer.id}


def contract(session: Session, at: datetime, writer: User, boss: User) -> list[Contract]:
    """
    Write the contracts of `DEALS` by the operations of the product, with amendments and guarantees, and the draft that an accepted
    quotation becomes; return them, flushed. One guarantee is about to end, and one was replaced.
    """
    office = Office(session, at, writer, boss)
    made = [_deal(office, deal) for deal in DEALS]
    _amend(office, made[0], made[4])
    _back(office, made)
    accepted = select(Quotation).where(Quotation.status == QuotationStatus.ACCEPTED).order_by(Quotation.decided_on.desc(), Quotation.id)
    quotation = session.scalars(accepted.limit(1)).first()
    if quotation is not None:
        made.append(contracts.contract_of_quotation(session, quotation, **office.told(office.today)))
    session.flush()
    return made


def _deal(office: Office, deal: Deal) -> Contract:
    session, today = office.session, office.today
    starts_on = today - timedelta(days=deal.began)
    signed_on = min(starts_on - timedelta(days=12), today - timedelta(days=3))
    ends_on = starts_on + timedelta(days=deal.lasts - 1) if deal.lasts else None
    name, digits, person, position = CUSTOMERS[deal.customer]
    party = find_or_create_party(session, PartyKind.ORGANISATION, DocumentType.NIT, digits + nit.calc_check_digit(digits), name)
    kind = session.scalars(select(ContractKind).where(ContractKind.code == deal.kind)).one()
    process = session.scalars(select(Process).where(Process.code == deal.process)).one()
    said = {"number": "", "object": deal.object, "kind": kind, "party": party, "process": process, "supervisor": office.writer}
    span = {"starts_on": starts_on, "ends_on": ends_on, "value_cop": None if deal.value is None else Decimal(deal.value)}
    written = office.told(signed_on - timedelta(days=9))
    with session.no_autoflush:
        row = contracts.write_contract(session, Contract(**said, **span), **written)
    if deal.template:
        template = session.scalars(select(RequirementTemplate).where(RequirementTemplate.name == deal.template)).one()
        contracts.fill_from_template(session, row, template)
    if deal.end == "VOIDED":
        return contracts.void_contract(session, row, "El cliente aplazó la obra y no firmará este año.", **written)
    if deal.end != "DRAFT":
        _sign(office, row, signed_on, person, position)
    if deal.end == "ENDED":
        early = today - timedelta(days=45)
        reason = "Por mutuo acuerdo: la planta textil trasladó su operación a otro municipio."
        contracts.terminate_contract(session, row, on=early, reason=reason, **office.told(early))
    return row


def _sign(office: Office, row: Contract, signed_on: date, person: str, position: str) -> None:
    house, told = queries.organisation(office.session), office.told(signed_on)
    people = [
        Person(Side.OURS, house.signatory_name, house.signatory_title, signed_on=signed_on - timedelta(days=1)),
        Person(Side.THEIRS, person, position, signed_on=signed_on),
    ]
    contracts.write_signatories(office.session, row, people, at=told["at"])
    contracts.sign_contract(office.session, row, at=told["at"], actor_id=office.boss.id)


def _amend(office: Office, longer: Contract, open_one: Contract) -> None:
    """Prolong one contract and replace what it requires of pressure; leave the amendment of another as a draft."""
    session, day = office.session, office.today - timedelta(days=200)
    rows = contracts.active_requirements(session, longer.id, day)
    better = Wanted(
        "La presión en el punto de entrega no baja de 25 metros de columna de agua en ninguna hora del día.", clause="Otrosí 1, cláusula 2",
        verification="Leer el registrador de presión instalado en la acometida.", evidence="Registro continuo de presión del año",
        process_id=longer.process_id, replaces_id=rows[2].id,
    )  # fmt: skip
    plan = AmendmentPlan("Se prorroga un año, se ajusta el valor y se mejora la presión garantizada.", day,
                         longer.ends_on + timedelta(days=365), Decimal(120_000_000), (), [better])  # fmt: skip
    amendment = contracts.draft_amendment(session, longer, plan)
    contracts.sign_amendment(session, amendment, signed_on=day, **office.told(day))
    weekly = Wanted("El archivo de recaudo se entrega cada lunes antes de las 10:00.", clause="Otrosí 1", process_id=open_one.process_id)
    contracts.draft_amendment(session, open_one, AmendmentPlan("Se fija el día de entrega del recaudo.", office.today, added=[weekly]))


def _back(office: Office, made: list[Contract]) -> None:
    """Leave guarantees: in force, about to end, replaced by the next, and one that nobody approved yet."""
    told, today = office.told(office.today), office.today
    insurer = "Seguros Ficticios S.A."

    def policy(n: int, number: str, kind: GuaranteeKind, insured: int, since: int, until: int) -> Guarantee:
        span = {"starts_on": today - timedelta(days=since), "ends_on": today + timedelta(days=until)}
        return Guarantee(contract=made[n], kind=kind, insurer=insurer, policy=number, insured_cop=Decimal(insured), **span)

    ending = guarantees.record_guarantee(office.session, policy(3, "NB-100233", GuaranteeKind.PERFORMANCE, 986_000, 330, 21), **told)
    guarantees.approve_guarantee(office.session, ending, ending.starts_on, **told)
    old = guarantees.record_guarantee(office.session, policy(1, "NB-100101", GuaranteeKind.PERFORMANCE, 91_250_000, 790, 10), **told)
    guarantees.approve_guarantee(office.session, old, old.starts_on, **told)
    guarantees.replace_guarantee(
        office.session, old, policy(1, "NB-100412", GuaranteeKind.PERFORMANCE, 91_250_000, 0, 760), **told
    )  # fmt: skip
    guarantees.record_guarantee(office.session, policy(6, "NB-100480", GuaranteeKind.STABILITY, 35_870_000, 10, 1900), **told)
