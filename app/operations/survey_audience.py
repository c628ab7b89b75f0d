"""
Whom a campaign of surveys can ask, and the drawing of its sample.

Customers are asked once for each contract in force; users once each, whatever accounts they have. The account that stands for a user
(and so the zone, stratum and service that they are counted in) is taken by lot among theirs, by the seed of the campaign: what is looked
at before confirming is what is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, exists, false, func, insert, literal, null, or_, select
from sqlalchemy.orm import Session

from app.domain import N_
from app.domain.campaigns import RESERVES, SPLITS, Fate, InviteeStatus, allocate, draw, quota_key
from app.domain.errors import DomainError
from app.domain.questionnaires import Audience
from app.domain.states import ConsentKind
from app.domain.surveys import sample_size
from app.models import (
    Account,
    Consent,
    ConsentText,
    Contract,
    Municipality,
    Party,
    PartyContact,
    Service,
    SurveyCampaign,
    SurveyInvitee,
    SurveyOptOut,
    SurveyQuota,
)
from app.operations.contracts import in_force_clause

#: Rows of one INSERT.
BATCH = 1_000
# The lot among the accounts of a user: any step prime to the modulus will do; this one scatters neighbours.
_STEP, _MODULUS = 618_033, 1_000_003


@dataclass(frozen=True, slots=True)
class Group:
    """A stratum of the audience: how many there are by fate, and how many answers are wanted of it."""

    parts: Mapping[str, Any]
    name: str
    fates: Mapping[Fate, int]
    target: int

    @property
    def n_asked(self) -> int:
        return self.fates.get(Fate.ASKED, 0)

    @property
    def n(self) -> int:
        return sum(self.fates.values())


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a campaign would do if it were confirmed now: whom it finds, by stratum, and how many answers it wants."""

    groups: Mapping[str, Group]
    population: int
    size: int

    def n(self, fate: Fate) -> int:
        """Return how many of the audience have that *fate*."""
        return sum(group.fates.get(fate, 0) for group in self.groups.values())

    @property
    def total(self) -> int:
        return sum(group.n for group in self.groups.values())


def splits_of(campaign: SurveyCampaign) -> tuple[str, ...]:
    """Return what the sample of *campaign* is split by, in order."""
    flags = {"zone": campaign.by_zone, "stratum": campaign.by_stratum, "service_id": campaign.by_service}
    return tuple(name for name in SPLITS if flags[name]) if campaign.audience is Audience.USERS else ()


def asks_people(campaign: SurveyCampaign) -> bool:
    """Say whether *campaign* asks people one by one; what only a printed code, the kiosk or a file answers does not."""
    return campaign.audience is not Audience.ANYBODY and any((campaign.by_link, campaign.by_phone, campaign.by_paper))


# ── Who there is ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _fate(campaign: SurveyCampaign, email: Any, phone: Any) -> ColumnElement[str]:
    """Return the name of the `Fate` of a party whom *email* and *phone* reach."""
    wants_none = exists().where(SurveyOptOut.party_id == Party.id, SurveyOptOut.ended_at.is_(None))
    agreed = exists().where(
        Consent.party_id == Party.id, Consent.withdrawn_at.is_(None), Consent.text_id == ConsentText.id,
        ConsentText.kind == ConsentKind.SURVEY,
    )  # fmt: skip
    ways = [way.is_not(None) for way, is_used in ((email, campaign.by_link), (phone, campaign.by_phone)) if is_used]
    is_reached = or_(false(), *ways)
    rules = [(wants_none, Fate.OPTED_OUT)]
    if asks_people(campaign):
        rules += [(~agreed, Fate.NO_CONSENT)] if campaign.needs_consent else []
        rules += [] if campaign.by_paper else [(~is_reached, Fate.UNREACHABLE)]
    return case(*((condition, literal(fate.name)) for condition, fate in rules), else_=literal(Fate.ASKED.name))


def _contracts(campaign: SurveyCampaign, on: date) -> Select[Any]:
    """The customers with a contract in force: each contract by its first person to call, else by the party itself."""
    email, phone = func.coalesce(PartyContact.email, Party.email), func.coalesce(PartyContact.phone, Party.phone)
    columns = {
        "id": Contract.id, "party_id": Party.id, "account_id": null(), "contract_id": Contract.id, "contact_id": PartyContact.id,
        "zone": literal(""), "stratum": null(), "service_id": null(), "name": func.coalesce(PartyContact.name, Party.name),
        "email": email, "phone": phone, "fate": _fate(campaign, email, phone),
    }  # fmt: skip
    joined = select(*(column.label(name) for name, column in columns.items())).join_from(Contract, Party, Party.id == Contract.party_id)
    first = and_(PartyContact.party_id == Party.id, PartyContact.is_main, PartyContact.is_active)
    return joined.outerjoin(PartyContact, first).where(in_force_clause(on, on))


def _users(campaign: SurveyCampaign) -> Select[Any]:
    """The parties with an active account, each by the account that the lot gave."""
    by_lot = (cast(Account.id, BigInteger) * _STEP + (campaign.seed or 0)) % _MODULUS
    place = func.row_number().over(partition_by=Account.party_id, order_by=(by_lot, Account.id)).label("place")
    zone = case((Account.zone != "", Account.zone), else_=func.substr(Municipality.name, 1, 80)).label("zone")
    accounts = (
        select(Account.id, Account.party_id, zone, Account.stratum, Account.service_id, place)
        .join(Municipality, Municipality.code == Account.municipality_code)
        .where(Account.is_active, Account.party_id.is_not(None))
        .subquery()
    )
    columns = {
        "id": Party.id, "party_id": Party.id, "account_id": accounts.c.id, "contract_id": null(), "contact_id": null(),
        "zone": accounts.c.zone, "stratum": accounts.c.stratum, "service_id": accounts.c.service_id, "name": Party.name,
        "email": Party.email, "phone": Party.phone, "fate": _fate(campaign, Party.email, Party.phone),
    }  # fmt: skip
    joined = select(*(column.label(name) for name, column in columns.items())).join_from(accounts, Party, Party.id == accounts.c.party_id)
    return joined.where(accounts.c.place == 1)


def people(campaign: SurveyCampaign, on: date) -> Select[Any] | None:
    """Return the SELECT of the audience of *campaign* on the day *on*, a row each with its `fate`; None: whoever comes by."""
    match campaign.audience:
        case Audience.CONTRACTS:
            return _contracts(campaign, on)
        case Audience.USERS:
            return _users(campaign)
    return None


def outlook(session: Session, campaign: SurveyCampaign, on: date) -> Outlook:
    """Return whom *campaign*, stored or not, would ask if it were confirmed on the day *on*: two statements at most."""
    audience, by = people(campaign, on), splits_of(campaign)
    if audience is None:
        return Outlook({}, 0, 0)
    rows = audience.subquery()
    columns = [rows.c[name] for name in by]
    counted = session.execute(select(*columns, rows.c.fate, func.count().label("n")).group_by(*columns, rows.c.fate)).all()
    found: dict[str, tuple[dict[str, Any], dict[Fate, int]]] = {}
    for row in counted:
        parts = {name: getattr(row, name) for name in by}
        found.setdefault(quota_key(parts, by), (parts, {}))[1][Fate[row.fate]] = row.n
    sizes = {key: fates.get(Fate.ASKED, 0) for key, (_parts, fates) in found.items()}
    population = sum(sizes.values())
    size = _size(campaign, population)
    targets = allocate(sizes, size)
    names = _service_names(session) if "service_id" in by else {}
    order = sorted(found, key=lambda key: [(value is None, str(value)) for value in found[key][0].values()])
    groups = {key: Group(found[key][0], name_of(found[key][0], names), found[key][1], targets[key]) for key in order}
    return Outlook(groups, population, sum(targets.values()))


def _size(campaign: SurveyCampaign, population: int) -> int:
    """Return how many answers *campaign* wants: those of its sample, or everybody's."""
    if not campaign.is_sampled:
        return population
    return sample_size(population, confidence=campaign.confidence, error_percent=campaign.error_percent)


def _service_names(session: Session) -> dict[int, str]:
    return {row.id: row.name for row in session.execute(select(Service.id, Service.name))}


def name_of(parts: Mapping[str, Any], services: Mapping[int, str]) -> str:
    """Return a stratum as people read it, «Norte · estrato 3 · Acueducto»; empty for the whole audience."""
    stratum, service = parts.get("stratum"), services.get(parts.get("service_id") or 0)
    words = {
        "zone": parts.get("zone") or _("without zone"), "service_id": service or _("without service"),
        "stratum": _("without stratum") if stratum is None else _("stratum %(n)s", n=stratum),
    }  # fmt: skip
    return " · ".join(words[name] for name in SPLITS if name in parts)


def name_of_quota(quota: SurveyQuota, by: Iterable[str]) -> str:
    """Return the stored stratum *quota* of a sample split *by* these as people read it."""
    services = {quota.service_id: quota.service.name} if quota.service_id and quota.service else {}
    return name_of({name: getattr(quota, name) for name in by}, services)


# ── Drawing ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def draw_people(session: Session, campaign: SurveyCampaign, *, at: datetime, on: date, actor_id: int | None) -> Outlook:
    """
    Write the quotas of *campaign* and draw whom it asks, reserves after them; return what was found. Its seed gives the same people again.

    Raises:
        DomainError: It asks people one by one, and nobody can be asked.
    """
    found = outlook(session, campaign, on)
    if asks_people(campaign) and not found.population:
        raise DomainError(N_("Nobody of this audience can be asked: look at who is left out and why, or choose other channels."))
    quotas = _write_quotas(session, campaign, found)
    if asks_people(campaign):
        rows = list(_drawn(session, campaign, found, quotas, on))
        stamp = {"created_at": at, "changed_at": at, "created_by_id": actor_id, "changed_by_id": actor_id}
        for start in range(0, len(rows), BATCH):
            session.execute(insert(SurveyInvitee.__table__), [row | stamp for row in rows[start : start + BATCH]])
    return found


def _write_quotas(session: Session, campaign: SurveyCampaign, found: Outlook) -> dict[str, int]:
    """Store the strata, and return their ids by key; without a sample and without strata there are none."""
    if not (campaign.is_sampled or splits_of(campaign)):
        return {}
    quotas = [
        SurveyQuota(campaign_id=campaign.id, key=key, population=group.n_asked, target=group.target,
                    **{name: value for name, value in group.parts.items() if value is not None})
        for key, group in found.groups.items()
        if group.n_asked
    ]  # fmt: skip
    session.add_all(quotas)
    session.flush()
    return {quota.key: quota.id for quota in quotas}


def _drawn(
    session: Session, campaign: SurveyCampaign, found: Outlook, quotas: Mapping[str, int], on: date
) -> Iterable[dict[str, Any]]:
    """Yield the people drawn, as rows of `survey_invitee`: the sample in the order of its lots, then the reserves of each stratum."""
    audience = people(campaign, on)
    if audience is None:
        return
    kind, by, rows = "contract" if campaign.audience is Audience.CONTRACTS else "party", splits_of(campaign), audience.subquery()
    members: dict[str, dict[str, Any]] = {}
    for row in session.execute(select(rows).where(rows.c.fate == Fate.ASKED.name)):
        members.setdefault(quota_key(row._mapping, by), {})[f"{kind}:{row.id}"] = row
    for key, candidates in members.items():
        target = found.groups[key].target
        most = target * (1 + RESERVES) if campaign.is_sampled else None
        for place, who in enumerate(draw(candidates, campaign.seed or 0, most), 1):
            row = candidates[who]
            yield {
                "campaign_id": campaign.id, "key": who, "party_id": row.party_id, "account_id": row.account_id,
                "contract_id": row.contract_id, "contact_id": row.contact_id, "quota_id": quotas.get(key), "position": place,
                "is_reserve": place > target, "name": row.name, "email": row.email, "phone": row.phone,
                "status": InviteeStatus.WAITING, "n_reminders": 0, "n_attempts": 0,
            }  # fmt: skip
