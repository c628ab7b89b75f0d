"""What is remembered: the change log."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.baseviews import READ_ONLY, Button, Related, RuledView
from app.domain import N_
from app.models import ChangeLog
from app.security import may
from app.words import say_value


def history_of(table: str, key: Any) -> list[Button]:
    """Return the button that leads to the changes of a row, for whoever may read them."""
    if not may("can_list", "ChangeLog"):
        return []
    return [Button(_("Changes"), url_for("ChangeLogView.list", table_name=table, row_id=key))]


def readable(value: Any) -> str:
    """Return a value of a JSON column as people read it."""
    match value:
        case dict():
            return " · ".join(f"{key}: {readable(each)}" for key, each in value.items())
        case list():
            return ", ".join(readable(each) for each in value) or "—"
    return str(say_value(value))


#: Tables of the change log that have no screen of this kind.
TABLES = {
    "pqr": N_("Case"), "note": N_("Internal note"), "answer": N_("Answer"), "notice": N_("Notice"), "stored_file": N_("Stored file"),
    "document": N_("Document"), "consent": N_("Consent"), "calendar_day": N_("Non-working day"),
}  # fmt: skip


def view_of(table: str) -> type[RuledView] | None:
    """Return the screen that declares *table*, if one does."""
    screens = (type(view) for view in current_app.appbuilder.baseviews if isinstance(view, RuledView))
    return next((view for view in screens if view.datamodel.obj.__tablename__ == table), None)


def register_name(table: str) -> str:
    """Return how people call *table*."""
    view = view_of(table)
    return str(view.list_title) if view else _(TABLES[table]) if table in TABLES else table.replace("_", " ")


class ChangeLogView(RuledView):
    datamodel = SQLAInterface(ChangeLog)
    route_base = "/changelog"
    class_permission_name = "ChangeLog"
    include_route_methods = set(READ_ONLY)
    list_title = _l("Change log")
    empty_text = _l("Nothing has changed yet. Whatever somebody adds or edits from now on is remembered here.")
    intro = _l("Who changed what, when and from what to what. Nobody can edit it.")
    list_columns = ["at", "table_name", "row_id", "action", "actor", "reason"]
    show_columns = ["at", "table_name", "row_id", "action", "actor", "reason", "request_id"]
    filter_columns = ("table_name", "row_id", "action", "request_id")
    base_order = ("at", "desc")
    clipped = ("reason",)
    ACTIONS = {"insert": N_("Added"), "update": N_("Changed"), "delete": N_("Deleted"), "read": N_("Read"), "import": N_("Imported")}
    label_columns = {
        "at": _l("When"), "table_name": _l("Register"), "row_id": _l("Row"), "action": _l("What happened"), "actor": _l("Who"),
        "reason": _l("Reason"), "request_id": _l("Request"),
    }  # fmt: skip
    formatters_columns = {
        "action": lambda name: _(ChangeLogView.ACTIONS.get(name, name)),
        "table_name": lambda name: register_name(name),
        "actor": lambda user: user.get_full_name(),
    }

    def title_of(self, item: ChangeLog) -> str:
        return f"{self.shown(item, 'table_name')} · {item.row_id}"

    def related(self, item: ChangeLog) -> list[Related]:
        view = view_of(item.table_name)
        labels = view.label_columns if view else {}
        names = [*item.before, *(name for name in item.after if name not in item.before)]

        def label(name: str) -> Any:
            return labels.get(name) or labels.get(name.removesuffix("_id").removesuffix("_code")) or name.replace("_", " ")

        rows = [
            (label(name), Markup("<del>{}</del>").format(readable(item.before.get(name))), Markup("<ins>{}</ins>").format(new))
            for name, new in ((name, readable(item.after.get(name))) for name in names)
        ]
        return [Related(_("Before and after"), (_("Column"), _("Before"), _("After")), rows)]

    def buttons(self, item: ChangeLog) -> list[Button]:
        view = view_of(item.table_name)
        if view is None or item.action == "delete" or not may("can_show", view.class_permission_name):
            return []
        return [Button(_("Open the row"), url_for(f"{view.__name__}.show", pk=item.row_id))]
