"""
What every declared screen shares: `RuledView`.

`RuledView` reads the same declarations as FAB's ModelView (columns, labels, validators, extra fields) and answers list, show, add
and edit itself: rows in scope only, one statement for a page of rows, what somebody typed kept on every refusal, and no delete.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import abort, flash, jsonify, redirect, request, url_for
from flask_appbuilder import ModelView, expose, has_access
from flask_appbuilder.forms import GeneralModelConverter
from flask_babel import gettext as _
from sqlalchemy import Select, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload
from wtforms import Form

from app.domain.errors import DomainError
from app.extensions import db
from app.fields import explain, native
from app.listing import SCOPES
from app.listviews import Lists
from app.lookups import BIGGEST_ID, LOOKUPS, LookupField, is_fragment, lookup_text
from app.security import may
from app.words import say, say_value

READ_ONLY = frozenset({"list", "show", "export"})
ADD_ONLY = READ_ONLY | {"add"}
READ_WRITE = ADD_ONLY | {"edit"}


# ── The base of all screens ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Button:
    """Something to do on the page of a row: a link, or with `is_post` a form that asks `confirm` first."""

    label: str
    url: str
    is_post: bool = False
    confirm: str = ""


@dataclass(frozen=True, slots=True)
class Related:
    """A small table under the facts of a row: `rows` are tuples as wide as `columns`; `url` leads to all of them."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    url: str = ""


class RuledView(Lists, ModelView):
    """
    The one base of all declared screens.

    Declare as in FAB: `datamodel`, `class_permission_name`, `list_title`, `add_title`, `list_columns`, `show_columns` or
    `show_fieldsets`, `add_columns`, `edit_columns`, `label_columns`, `description_columns`, `validators_columns`,
    `add_form_extra_fields` / `edit_form_extra_fields`, `base_order`, `formatters_columns` (Python value → text or Markup).
    Ours: `include_route_methods` (READ_ONLY, ADD_ONLY, READ_WRITE, plus names of own endpoints), `search_words` (text columns of
    the search box), `filter_columns` (what may be filtered besides the enums, flags, dates, numbers and relations that the list and
    the page show), `more_columns` (what the list may show besides what its page shows), `clipped` (long columns of the list),
    `ready_filters`, `bulk`, and the hooks below. What a request asks for lives in its `Listing`, never on the view.
    """

    include_route_methods = set(READ_WRITE)
    form_intro: Any = ""
    form_class_name = "form wide"

    # Hooks

    def scope(self, statement: Select[Any]) -> Select[Any]:
        """Return *statement* limited to the rows the reader may see, at every door of this screen."""
        return statement

    def title_of(self, item: Any) -> str:
        """Return how *item* is called on its page."""
        return str(item)

    def row_url(self, item: Any) -> str:
        """Return the address of the page of *item*, a row or a line of the list."""
        return url_for(f"{self.endpoint}.show", pk=self.pk(item))

    def edit_url(self, item: Any) -> str:
        return url_for(f"{self.endpoint}.edit", pk=self.pk(item))

    def buttons(self, item: Any) -> list[Button]:
        """Return what else the reader may do on the page of *item*."""
        return []

    def related(self, item: Any) -> list[Related]:
        """Return the small tables under the facts of *item*."""
        return []

    def fieldsets_of(self, item: Any) -> list[tuple[Any, dict[str, Any]]]:
        """Return the sections of facts on the page of *item*."""
        return self.show_fieldsets or [("", {"fields": self.show_columns})]

    def may_edit(self, item: Any) -> bool:
        """Return whether *item* may still change; a row that may not has no edit page (404)."""
        return True

    def shown(self, item: Any, name: str) -> Any:
        """Return the value of column *name* as people read it."""
        value = getattr(item, name)
        formatter = self.formatters_columns.get(name)
        return formatter(value) if formatter and value is not None else say_value(value)

    # How FAB builds forms

    def _init_forms(self) -> None:
        self.search_form = Form  # FAB's would load every row of every relation
        converter = GeneralModelConverter(self.datamodel)
        for which in ("add", "edit"):
            validators = {name: list(each) for name, each in self.validators_columns.items()}  # the converter appends to them
            extra = getattr(self, f"{which}_form_extra_fields")
            form = getattr(self, f"{which}_form") or converter.create_form(
                self.label_columns,
                getattr(self, f"{which}_columns"),
                self.description_columns,
                validators,
                extra,
                getattr(self, f"{which}_form_query_rel_fields"),
            )
            setattr(self, f"{which}_form", native(form, self.model, extra))

    def _init_properties(self) -> None:
        self.search_columns = [self.datamodel.get_pk_name()]
        self.add_columns = self.add_columns or [name for _name, each in self.add_fieldsets or () for name in each["fields"]]
        self.edit_columns = self.edit_columns or self.add_columns
        self.edit_form_extra_fields = self.edit_form_extra_fields or self.add_form_extra_fields
        super()._init_properties()
        self._init_list()
        if type(self).scope is not RuledView.scope and (self.model not in SCOPES or self.class_permission_name == self.model.__name__):
            SCOPES[self.model] = self.scope

    @property
    def model(self) -> Any:
        return self.datamodel.obj

    @property
    def _key(self) -> Any:
        return inspect(self.model).primary_key[0]

    def pk(self, item: Any) -> Any:
        return getattr(item, inspect(self.model).get_property_by_column(self._key).key)

    def _loading(self, columns: Iterable[str]) -> list[Any]:
        """Return the options that load the relations among *columns* with the rows, and not row by row."""
        relations = inspect(self.model).relationships
        return [
            (selectinload if relations[name].uselist else joinedload)(getattr(self.model, name)) for name in columns if name in relations
        ]

    def may_do(self, method: str) -> bool:
        return method in self.include_route_methods and may(f"can_{self.get_method_permission(method)}", self.class_permission_name)

    def item(self, pk: str, columns: Iterable[str] = ()) -> Any:
        """Return the row in the reader's scope, or answer 404."""
        try:
            key = self._key.type.python_type(pk)
        except ValueError:
            abort(404)
        if isinstance(key, int) and not 0 <= key <= BIGGEST_ID:
            abort(404)
        statement = self.scope(select(self.model).where(self._key == key)).options(*self._loading(columns))
        return db.session.scalars(statement).unique().first() or abort(404)

    # Show

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: str) -> str:
        item = self.item(pk, self.show_columns)
        facts = {"title": self.title_of(item), "item": item, "fieldsets": self.fieldsets_of(item)}
        facts |= {"related": self.related(item), "buttons": self.buttons(item)}
        return self.render_template(self.show_template, view=self, **facts)

    # Add and edit

    def _blame(self, form: Any, name: str | None, refusal: str) -> None:
        """Say *refusal* beside the field that it blames, else above the form."""
        if name and name in form:
            form[name].errors = [*form[name].errors, refusal]
        else:
            form.form_errors = [*form.form_errors, refusal]

    def _store(self, form: Any, item: Any, is_new: bool) -> bool:
        """Fill *item* and commit, or say in *form* why not; what was typed stays in the form."""
        try:
            with db.session.no_autoflush:
                form.populate_obj(item)
                (self.pre_add if is_new else self.pre_update)(item)
            db.session.add(item)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            self._blame(form, error.field, say(error))
        except IntegrityError as error:
            db.session.rollback()
            self._blame(form, *explain(error, form, self.model))
        else:
            return True
        return False

    def _form_page(self, form: Any, title: Any, template: str, item: Any = None) -> Any:
        status = 422 if form.errors else 200
        columns = self.add_columns if item is None else self.edit_columns
        shown = (item is not None and self.edit_fieldsets) or self.add_fieldsets or [("", {"fields": columns})]
        sections = [(name, {**each, "fields": [column for column in each["fields"] if column in columns]}) for name, each in shown]
        fieldsets = [(name, each) for name, each in sections if each["fields"]]
        facts = {"form": form, "item": item, "fieldsets": fieldsets, "seen": self._seen(item), "is_fragment": is_fragment()}
        return self.render_template(template, title=title, view=self, **facts), status

    @staticmethod
    def _seen(item: Any) -> str:
        changed_at = getattr(item, "changed_at", None)
        return changed_at.isoformat() if changed_at else ""

    def prefill(self, form: Any) -> None:
        """Fill an empty add form from the URL; by default each field named there."""
        for name, value in request.args.items():
            if name in form and isinstance(form[name], LookupField):
                form[name].data = db.session.scalars(LOOKUPS[form[name].kind].find(value).limit(1)).first()

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> Any:
        """Answer the form of a new row and store it; to the dialog of another form answer only the form, then how the row is named."""
        form = self.add_form(prefix="new-" if is_fragment() else "")
        if request.method == "GET":
            self.prefill(form)
        elif form.validate():
            item = self.model()
            if self._store(form, item, is_new=True):
                if is_fragment():
                    return jsonify(text=lookup_text(item)), 201
                flash(_("Saved."), "success")
                return redirect(url_for(f"{self.endpoint}.show", pk=self.pk(item)))
        return self._form_page(form, self.add_title, self.add_template)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> Any:
        item = self.item(pk, self.edit_columns)
        if not self.may_edit(item):
            abort(404)
        form = self.edit_form(obj=item)
        form._id = self.pk(item)
        if request.method == "POST" and form.validate():
            if request.form.get("seen", "") != self._seen(item):
                form.form_errors = [
                    *form.form_errors,
                    _("Somebody else changed this while you were writing. Check the page of the row; save again to keep what you wrote."),
                ]
            elif self._store(form, item, is_new=False):
                flash(_("Saved."), "success")
                return redirect(url_for(f"{self.endpoint}.show", pk=self.pk(item)))
        return self._form_page(form, self.title_of(item), self.edit_template, item)

    def update_redirect(self) -> None:
        """Keep no history of pages in the cookie: every page of ours knows where it leads."""
