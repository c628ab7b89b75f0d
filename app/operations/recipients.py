"""Who answers for something today: owners, substitutes and chiefs of its process, the person who has it, whoever stands in on leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from flask import current_app
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    User,
    ViewMenu,
    assoc_group_role,
    assoc_permissionview_role,
    assoc_user_group,
    assoc_user_role,
)
from sqlalchemy import and_, or_, select, tuple_, union_all
from sqlalchemy.orm import Session, aliased

from app.domain.states import MemberRole, ReminderTrigger, ToldAs
from app.models import Leave, Process, ProcessMember, ReminderRule


class Who(Enum):
    """Whose a thing is."""

    HANDLERS = "the person who has it, or the owners of its process"
    SIGNERS = "whoever signs answers"
    APPROVERS = "whoever approves the plans of actions"
    JUDGES = "whoever reviews the effect of actions, but the person who answers for them"


#: By which right somebody is one of these. Who signs answers is also the chief of a process that has none, and who reviews the effect
#: of actions is the management to which late things go up.
HOLDERS = {Who.SIGNERS: ("can_issue_answer", "Pqr"), Who.APPROVERS: ("can_approve", "Action"), Who.JUDGES: ("can_judge", "Action")}


@dataclass(frozen=True, slots=True)
class People:
    """
    The staff as it is on one day, read in three statements.

    `members` by process and place, `away` from each active user to those who stand in today (none: at work), `holders` of the rights
    that things wait for, and the process that is the front desk.
    """

    members: dict[tuple[int, MemberRole], list[int]]
    away: dict[int, list[int]]
    holders: dict[Who, list[int]]
    desk_id: int | None
    _known: dict[tuple[object, ...], dict[int, ToldAs]] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session, today: date) -> People:
        """Return the staff of *today*. Users who are not active are nobody."""
        away: dict[int, list[int]] = {}
        deputy = aliased(User)
        is_away = and_(Leave.user_id == User.id, Leave.starts_on <= today, Leave.ends_on >= today)
        may_stand_in = and_(deputy.id == Leave.substitute_id, deputy.active)
        staff = select(User.id, deputy.id).outerjoin(Leave, is_away).outerjoin(deputy, may_stand_in).where(User.active)
        for user_id, substitute_id in session.execute(staff.order_by(User.id, Leave.id)):
            away.setdefault(user_id, []).extend([substitute_id] if substitute_id else [])
        seats = select(Process.id, Process.is_front_desk, ProcessMember.role, ProcessMember.user_id).outerjoin(
            ProcessMember,
            and_(
                ProcessMember.process_id == Process.id,
                or_(ProcessMember.valid_from.is_(None), ProcessMember.valid_from <= today),
                or_(ProcessMember.valid_until.is_(None), ProcessMember.valid_until >= today),
            ),
        )
        members: dict[tuple[int, MemberRole], list[int]] = {}
        desk_id = None
        for process_id, is_front_desk, role, user_id in session.execute(seats.order_by(ProcessMember.id)):
            desk_id = process_id if is_front_desk else desk_id
            if user_id in away:
                members.setdefault((process_id, role), []).append(user_id)
        holders = {who: [user_id for user_id in found if user_id in away] for who, found in _holders(session).items()}
        return cls(members, away, holders, desk_id)

    def told_of(self, who: Who, rule: ReminderRule, process_id: int | None, user_id: int | None) -> dict[int, ToldAs]:
        """
        Return whom *rule* tells of a thing, and as what; who would be told twice is told once, as the first of owner, substitute, chief.

        Who is on leave is not told: whoever stands in is. A thing whose people are all gone is told to the chief, so that it is somebody's.

        Args:
            process_id: The process that has it; None: the front desk.
            user_id: The person who has it; None, or not active any more: the owners of the process.
        """
        key = (who, rule.trigger, rule.to_owner, rule.to_substitute, rule.to_chief, rule.to_management, process_id, user_id)
        if key not in self._known:
            self._known[key] = self._told_of(who, rule, process_id or self.desk_id, user_id)
        return self._known[key]

    def _told_of(self, who: Who, rule: ReminderRule, process_id: int | None, user_id: int | None) -> dict[int, ToldAs]:
        in_person = who is Who.HANDLERS and user_id in self.away
        owners = [user_id] if in_person else self._owners(who, process_id, user_id)
        deputies = [] if in_person or who in HOLDERS else self._seated(process_id, MemberRole.SUBSTITUTE)
        if in_person and rule.trigger is ReminderTrigger.DAYS_LATE:  # it goes up, so it is told beside the person too
            owners, deputies = [*owners, *self._owners(who, process_id, None)], self._seated(process_id, MemberRole.SUBSTITUTE)
        told: dict[int, ToldAs] = {}
        if rule.to_owner:
            told |= {owner: ToldAs.OWNER for owner in owners if not self.away[owner]}
        if rule.to_owner or rule.to_substitute:
            self._add(told, [owner for owner in owners if self.away[owner]], ToldAs.SUBSTITUTE)
        if rule.to_substitute:
            self._add(told, deputies, ToldAs.SUBSTITUTE)
        if rule.to_chief or not (owners or deputies):
            self._add(told, self._seated(process_id, MemberRole.CHIEF) or self.holders[Who.SIGNERS], ToldAs.CHIEF)
        if rule.to_management:
            self._add(told, self.holders[Who.JUDGES], ToldAs.MANAGEMENT)
        return told

    def _owners(self, who: Who, process_id: int | None, user_id: int | None) -> list[int]:
        """Return whose it is where nobody has it in person; what somebody may not judge himself is his only where nobody else may."""
        if who is Who.HANDLERS:
            return self._seated(process_id, MemberRole.OWNER)
        others = [each for each in self.holders[who] if who is not Who.JUDGES or each != user_id]
        return others or self.holders[who]

    def _seated(self, process_id: int | None, role: MemberRole) -> list[int]:
        return self.members.get((process_id, role), []) if process_id else []

    def _add(self, told: dict[int, ToldAs], users: list[int], told_as: ToldAs) -> None:
        for user in users:
            for present in self.away[user] or [user]:
                told.setdefault(present, told_as)


def _holders(session: Session) -> dict[Who, list[int]]:
    """Return who has each right of `HOLDERS`, by their own roles or those of their groups: administrators only where nobody else has."""
    lent = select(assoc_user_group.c.user_id, assoc_group_role.c.role_id).join(
        assoc_group_role, assoc_group_role.c.group_id == assoc_user_group.c.group_id
    )
    has = union_all(select(assoc_user_role.c.user_id, assoc_user_role.c.role_id), lent).subquery()
    statement = (
        select(has.c.user_id, Role.name, Permission.name, ViewMenu.name)
        .join(Role, Role.id == has.c.role_id)
        .join(assoc_permissionview_role, assoc_permissionview_role.c.role_id == Role.id)
        .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
        .where(tuple_(Permission.name, ViewMenu.name).in_(HOLDERS.values()))
        .order_by(has.c.user_id)
    )
    rows, admin = session.execute(statement).all(), current_app.config["AUTH_ROLE_ADMIN"]
    found: dict[Who, list[int]] = {}
    for who, right in HOLDERS.items():
        roles = [(user_id, role) for user_id, role, permission, view in rows if (permission, view) == right]
        found[who] = list(dict.fromkeys([user_id for user_id, role in roles if role != admin] or [user_id for user_id, _role in roles]))
    return found
