"""Who to speak to at a party, and the groups of interested parties to which it belongs."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import or_, select
from werkzeug.wrappers import Response

from app.baseviews import Button, RuledView
from app.domain import N_
from app.domain.errors import DomainError
from app.extensions import db
from app.forms import CheckboxesField, Checked, check_email, check_phone
from app.intake import blame
from app.listviews import Ready
from app.lookups import BIGGEST_ID
from app.models import InterestGroup, Party, PartyContact, PartyGroup
from app.operations import contacts
from app.screens.partyfile import link_to
from app.screens.records import history_of
from app.words import say_phone


class ContactView(RuledView):
    datamodel = SQLAInterface(PartyContact)
    route_base = "/contact"
    class_permission_name = "Contact"
    list_title, add_title = _l("Contacts"), _l("New contact")
    intro = _l("The people to speak to at each customer, supplier or body. A quotation is sent to one of them.")
    empty_text = _l("There are no contacts yet. Add the people you speak to from the page of their company, or here.")
    list_columns = ["name", "party", "position", "phone", "email", "is_main", "is_active"]
    show_fieldsets = [
        (_l("Who it is"), {"fields": ["name", "party", "position", "is_main", "is_active"]}),
        (_l("How to reach this person"), {"fields": ["phone", "email", "notes"]}),
    ]
    add_fieldsets = edit_fieldsets = [
        (_l("Who it is"), {"fields": ["party", "name", "position", "is_main", "is_active"]}),
        (_l("How to reach this person"), {"fields": ["phone", "email", "notes"]}),
    ]
    filter_columns = ("party", "is_main", "is_active")
    ready_filters = (Ready(N_("First to call"), "is_main=1"), Ready(N_("No longer there"), "is_active=0"))
    base_order = ("name", "asc")
    label_columns = {
        "name": _l("Name"), "party": _l("Of which party"), "position": _l("Job title"), "phone": _l("Phone"), "email": _l("E-mail"),
        "is_main": _l("First to call"), "is_active": _l("Still there"), "notes": _l("Notes"),
    }  # fmt: skip
    description_columns = {
        "party": _l("Write the name or the document."),
        "phone": _l("A mobile (300 123 4567) or a landline with its area code (601 555 1234)."),
        "is_main": _l("Marking this person takes the mark away from the present one."),
        "is_active": _l("Untick it when the person leaves; what was sent to them stays."),
        "notes": _l("When to call, what to remember. The person may ask to read it (Law 1581 of 2012)."),
    }
    validators_columns = {"phone": [Checked(check_phone)], "email": [Checked(check_email)]}
    formatters_columns = {"phone": say_phone}

    def pre_add(self, contact: PartyContact) -> None:
        contacts.keep_contact(db.session(), contact)

    pre_update = pre_add

    def shown(self, item: PartyContact, name: str) -> Any:
        return link_to("PartyView", item.party) if name == "party" else super().shown(item, name)

    def buttons(self, item: PartyContact) -> list[Button]:
        return history_of("party_contact", item.id)


class GroupsForm(FlaskForm):
    groups = CheckboxesField(_l("Groups of interested parties"), coerce=int)


class PartyGroupView(BaseView):
    """`/party/<id>/groups`: of which groups a party is."""

    route_base = "/party"
    default_view = "edit"
    class_permission_name = "PartyGroup"

    @expose("/groups/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def edit(self, pk: str) -> str | Response | tuple[str, int]:
        """Tick the groups; whoever follows a group sees its parties."""
        party = (db.session.get(Party, int(pk)) if pk.isdecimal() and int(pk) <= BIGGEST_ID else None) or abort(404)
        held = select(PartyGroup.group_id).where(PartyGroup.party_id == party.id)
        offered = select(InterestGroup).where(or_(InterestGroup.is_active, InterestGroup.id.in_(held)))
        groups = db.session.scalars(offered.order_by(InterestGroup.position, InterestGroup.name)).all()
        form = GroupsForm(groups=[] if request.method == "POST" else db.session.scalars(held).all())
        form.groups.choices = [(group.id, group.name) for group in groups]
        if form.validate_on_submit():
            try:
                contacts.put_in_groups(db.session(), party, form.groups.data)
                db.session.commit()
            except DomainError as error:
                db.session.rollback()
                blame(form, error)
            else:
                flash(_("Saved."), "success")
                return redirect(url_for("PartyView.show", pk=pk))
        page = self.render_template("party/groups.html", form=form, party=party, groups=groups)
        return (page, 422) if form.is_submitted() else page
