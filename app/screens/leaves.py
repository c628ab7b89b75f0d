"""Who is away, and who stands in for them."""

from __future__ import annotations

from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, select

from app.baseviews import Button, RuledView
from app.domain import N_
from app.domain.errors import DomainError
from app.extensions import db, today
from app.forms import NotBefore
from app.models import Leave
from app.screens.records import history_of


class LeaveView(RuledView):
    """Leaves. None is deleted: one that ended sooner gets its last day, and what the substitute did stays signed by the substitute."""

    datamodel = SQLAInterface(Leave)
    route_base = "/leave"
    class_permission_name = "Leave"
    list_title, add_title = _l("Substitutes on leave"), _l("New leave")
    empty_text = _l("Nobody is away. Write here who goes on leave and who stands in, and their cases will not wait.")
    intro = _l("During these days the substitute sees and handles the cases of the person who is away, with the rights of their own role.")
    list_columns = show_columns = ["user", "substitute", "starts_on", "ends_on", "act"]
    add_fieldsets = edit_fieldsets = [
        (_l("Who"), {"fields": ["user", "substitute"]}),
        (_l("When, and by which act"), {"fields": ["starts_on", "ends_on", "act"]}),
    ]
    filter_columns = ("user", "substitute", "starts_on", "ends_on")
    base_order = ("starts_on", "desc")
    label_columns = {
        "user": _l("Who is away"), "substitute": _l("Who stands in"), "starts_on": _l("From"), "ends_on": _l("Until"),
        "act": _l("Act that grants it"),
    }  # fmt: skip
    description_columns = {
        "user": _l("Write the name or the user name."),
        "substitute": _l("Write the name or the user name. Whoever stands in does not stand in for those whom the absent person replaces."),
        "ends_on": _l("The last day away. Write an earlier one if the person comes back sooner."),
        "act": _l("The order or memo, with its number."),
    }
    validators_columns = {"ends_on": [NotBefore("starts_on")]}

    def pre_add(self, leave: Leave) -> None:
        """
        Raises:
            DomainError: Somebody stands in for himself, the substitute cannot sign in, or another has these days already.
        """
        if leave.substitute.id == leave.user.id:
            raise DomainError(N_("Somebody else has to stand in."), field="substitute")
        if not leave.substitute.is_active:
            raise DomainError(N_("%(name)s is not active and cannot sign in."), field="substitute", name=leave.substitute.get_full_name())
        same_days = and_(Leave.user_id == leave.user.id, Leave.starts_on <= leave.ends_on, Leave.ends_on >= leave.starts_on)
        with db.session.no_autoflush:
            twin = db.session.scalar(select(Leave).where(same_days, Leave.id != (leave.id or 0)))
        if twin is not None:
            raise DomainError(
                N_("%(name)s stands in already from %(first)s to %(last)s."), field="starts_on",
                name=twin.substitute.get_full_name(), first=f"{twin.starts_on:%d/%m/%Y}", last=f"{twin.ends_on:%d/%m/%Y}",
            )  # fmt: skip

    pre_update = pre_add

    def may_edit(self, item: Leave) -> bool:
        return item.ends_on >= today()

    def buttons(self, item: Leave) -> list[Button]:
        return history_of("leave", item.id)
