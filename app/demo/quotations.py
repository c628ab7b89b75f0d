"""What the demonstration company quoted in eighteen months: fictitious customers, every state, versions, follow-ups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session
from stdnum.co import nit

from app.documents import quotations as papers
from app.domain.quotations import ContactMeans, LossReason, QuoteLine
from app.domain.states import DocumentType, PartyKind
from app.extensions import local
from app.models import Party, PartyContact, Process, Quotation
from app.operations import quotation_mail, quotations
from app.operations.parties import find_or_create_party

_SEED, N_QUOTATIONS, _DAYS = 51, 40, 540
#: Which of them, the oldest first, still wait after two or three months, and how long such an offer is valid.
SLOW, LONG_VALIDITY = {25, 27, 29}, 120
#: name, first digits of the NIT, who buys there, what that person is
CUSTOMERS = (
    ("Clínica Los Nogales (demo)", "901100101", "Sandra Mejía", "Jefe de compras"),
    ("Conjunto Residencial Altos del Río (demo)", "901100102", "Julián Vargas", "Administrador"),
    ("Lácteos La Pradera S.A.S. (demo)", "901100103", "Mónica Henao", "Coordinadora ambiental"),
    ("Colegio Nuevo Horizonte (demo)", "901100104", "Efraín Castro", "Rector"),
    ("Hotel Mirador del Valle S.A.S. (demo)", "901100105", "Paola Cárdenas", "Gerente"),
    ("Constructora Tres Cumbres S.A. (demo)", "901100106", "Andrés Quintero", "Director de obra"),
    ("Municipio de Villa Ficticia (demo)", "901100107", "Gloria Peñaloza", "Secretaria de planeación"),
    ("Textiles San Telmo S.A. (demo)", "901100108", "Ricardo Osorio", "Jefe de planta"),
    ("Asociación de Usuarios El Encanto (demo)", "901100109", "Rosa Elvira Tique", "Presidenta"),
    ("Parque Industrial Las Ceibas (demo)", "901100110", "Natalia Roldán", "Directora de operaciones"),
)
#: what is quoted: subject, and its lines: description, quantity, unit, unit price, IVA
OFFERS: tuple[tuple[str, tuple[tuple[str, str, str, int, int], ...]], ...] = (
    ("Control de la calidad del agua durante un año", (
        ("Análisis fisicoquímico, doce muestras", "12", "muestra", 385_000, 19),
        ("Análisis microbiológico, doce muestras", "12", "muestra", 296_500, 19),
        ("Toma de muestras en el sitio", "12", "visita", 148_000, 19),
    )),
    ("Lavado y desinfección de tanques", (
        ("Lavado y desinfección de tanque de almacenamiento, con certificado", "3", "unidad", 1_240_000, 19),
        ("Análisis de verificación después del lavado", "3", "muestra", 410_000, 19),
    )),
    ("Agua en carrotanque durante una obra", (
        ("Agua potable en carrotanque", "185.5", "m³", 9_850, 0),
        ("Transporte hasta la obra", "24", "viaje", 310_000, 19),
    )),
    ("Búsqueda de fugas en la red interna", (
        ("Geófono y correlador, cuadrilla de dos personas", "18", "hora", 162_500, 19),
        ("Informe con plano y recomendaciones", "1", "global", 980_000, 19),
    )),
    ("Acometida nueva y medidor", (
        ("Acometida de acueducto de 2 pulgadas, con materiales", "1", "unidad", 6_450_000, 19),
        ("Medidor volumétrico clase C, calibrado", "1", "unidad", 1_890_000, 19),
        ("Reposición de andén", "4.75", "m²", 215_400, 19),
    )),
    ("Agua en bloque", (
        ("Agua potable en bloque, promedio mensual", "4200", "m³", 2_315, 0),
        ("Macromedición y lectura", "12", "mes", 485_000, 19),
    )),
    ("Mantenimiento de la planta de tratamiento", (
        ("Visita de operación y ajuste de dosis", "24", "visita", 540_000, 19),
        ("Insumos químicos", "1", "global", 7_350_000, 5),
    )),
)  # fmt: skip
CONDITIONS = "El valor incluye elementos de protección, pólizas y disposición de residuos. Los trabajos se programan con ocho días."
TALKS = (
    "Recibió la cotización y la revisa con su jefe.", "Pide un plazo mientras se reúne la junta.",
    "Pregunta si el precio incluye transporte.", "Compara con otra oferta; decide esta semana.", "No contestó; se dejó mensaje.",
)  # fmt: skip
REASONS = (LossReason.PRICE, LossReason.COMPETITOR, LossReason.NO_BUDGET, LossReason.POSTPONED, LossReason.TERM, LossReason.SCOPE)


@dataclass(slots=True)
class Sales:
    """What a life of a quotation draws on."""

    session: Session
    rng: Random
    at: datetime
    seller: User
    buyers: list[tuple[Party, PartyContact]]
    process: Process | None

    @property
    def today(self) -> date:
        return local(self.at).date()

    def when(self, day: date) -> datetime:
        """Return the afternoon of *day*, never after now."""
        return min(datetime.combine(day, time(16, 20), UTC), self.at)

    def after(self, day: date, least: int, most: int) -> date:
        return min(day + timedelta(days=self.rng.randint(least, most)), self.today)


def quote(session: Session, at: datetime, seller: User) -> list[Quotation]:
    """
    Write `N_QUOTATIONS` quotations that end at *at*, by the operations of the product; return them, flushed.

    Every state is there. What was accepted has no contract: that is the next step, on its page.
    """
    rng = Random(_SEED)
    process = session.scalar(select(Process).where(Process.code == "COMERCIAL"))
    sales = Sales(session, rng, at, seller, _buyers(session), process)
    ages = [2 + round(_DAYS * (n / N_QUOTATIONS) ** 1.7) + rng.randint(0, 4) for n in range(N_QUOTATIONS)]
    asked = sorted(sales.today - timedelta(days=age) for age in ages)
    made = [_live(sales, n, day) for n, day in enumerate(asked)]
    made.append(_draft(sales, sales.today - timedelta(days=1), 3))
    session.flush()
    return made


def _buyers(session: Session) -> list[tuple[Party, PartyContact]]:
    found = []
    for name, digits, person, position in CUSTOMERS:
        number = digits + nit.calc_check_digit(digits)
        party = find_or_create_party(session, PartyKind.ORGANISATION, DocumentType.NIT, number, name, address="Calle de la Demostración 1")
        known = select(PartyContact).where(PartyContact.party_id == party.id, PartyContact.is_main)
        contact = session.scalar(known)
        if contact is None:
            contact = PartyContact(party=party, name=person, position=position, email=f"compras.{digits}@ejemplo.invalid", is_main=True)
            session.add(contact)
        found.append((party, contact))
    session.flush()
    return found


def _draft(sales: Sales, day: date, offer: int, validity_days: int | None = None) -> Quotation:
    party, contact = sales.buyers[sales.rng.randrange(len(sales.buyers))]
    subject, lines = OFFERS[offer % len(OFFERS)]
    offered = [QuoteLine(what, Decimal(quantity), unit, Decimal(price), Decimal(rate)) for what, quantity, unit, price, rate in lines]
    wanted = quotations.Wanted(
        party, subject, day, offered, contact, f"{contact.name} pide precio de: {subject.lower()}.", sales.process, sales.seller,
        validity_days or sales.rng.choice((15, 30, 30, 45, 90)),
        "Diez días hábiles desde la orden de compra", "Treinta días después de la factura", CONDITIONS,
    )  # fmt: skip
    return quotations.write_quotation(sales.session, wanted, at=sales.when(day), actor_id=sales.seller.id)


def _live(sales: Sales, n: int, asked: date) -> Quotation:
    """Return a quotation led through its life; what is old has come to an end."""
    quotation = _draft(sales, asked, n, LONG_VALIDITY if n in SLOW else None)
    if n % 13 == 5:
        return _withdraw(sales, quotation, asked)
    _send(sales, quotation, sales.after(asked, 0, 6))
    if n % 6 == 2:
        _revise(sales, quotation)
    talked = _talk(sales, quotation) if n % 3 else quotation.sent_on
    waits = quotation.valid_until >= sales.today
    if n in SLOW or (waits and n % 4):
        return quotation
    fate = n % 7
    if fate in (0, 3, 4):
        on = min(sales.after(talked, 1, 9), quotation.valid_until)
        note = f"Orden de compra {1200 + n}, firmada por el cliente."
        return quotations.accept_quotation(sales.session, quotation, on=on, note=note, at=sales.when(on), actor_id=sales.seller.id)
    if fate in (1, 5) or waits:
        on, reason = sales.after(talked, 1, 14), REASONS[n % len(REASONS)]
        return quotations.reject_quotation(
            sales.session, quotation, on=on, reason=reason, note="Lo dijo por teléfono.", at=sales.when(on), actor_id=sales.seller.id
        )  # fmt: skip
    return quotations.expire_quotation(sales.session, quotation, at=sales.when(quotation.valid_until + timedelta(days=1)))


def _send(sales: Sales, quotation: Quotation, on: date) -> None:
    at, how = sales.when(on), f"Correo electrónico a {quotation.contact.email}"
    paper = papers.issue_quotation(sales.session, quotation, sales.seller, sent_on=on, at=at)
    quotation_mail.record_sending(sales.session, quotation, paper, sent_on=on, how=how, at=at, actor_id=sales.seller.id)


def _revise(sales: Sales, quotation: Quotation) -> None:
    """Offer ten percent less in a second version."""
    on = min(sales.after(quotation.sent_on, 2, 6), quotation.valid_until)
    quotations.revise_quotation(
        sales.session, quotation, reason="El cliente pidió un descuento por volumen.", at=sales.when(on), actor_id=sales.seller.id
    )  # fmt: skip
    version = quotations.current(quotation)
    lines = [QuoteLine(line.description, line.quantity, line.unit, (line.price * 9 / 10).quantize(Decimal(1)), line.vat_rate)
             for line in quotations.lines_of(version)]  # fmt: skip
    wanted = quotations.Wanted(
        quotation.party, quotation.subject, quotation.requested_on, lines, quotation.contact, quotation.request, quotation.process,
        quotation.responsible, version.validity_days, version.delivery, version.payment, version.conditions,
    )  # fmt: skip
    quotations.amend_quotation(sales.session, quotation, wanted, at=sales.when(on))
    _send(sales, quotation, on)


def _talk(sales: Sales, quotation: Quotation) -> date:
    """Speak to the customer once or twice; return the last day."""
    day = quotation.sent_on
    for _n in range(sales.rng.randint(1, 2)):
        day = min(sales.after(day, 3, 7), quotation.valid_until)
        means = sales.rng.choice((ContactMeans.PHONE, ContactMeans.PHONE, ContactMeans.EMAIL, ContactMeans.VISIT))
        said = quotations.Spoken(day, means, sales.rng.choice(TALKS), day + timedelta(days=sales.rng.randint(3, 8)))
        quotations.follow_up(sales.session, quotation, said, at=sales.when(day), actor_id=sales.seller.id)
    return day


def _withdraw(sales: Sales, quotation: Quotation, asked: date) -> Quotation:
    at = sales.when(sales.after(asked, 1, 3))
    reason = "El servicio no se presta en ese municipio."
    quotations.withdraw_quotation(sales.session, quotation, reason=reason, at=at, actor_id=sales.seller.id)
    return quotation
