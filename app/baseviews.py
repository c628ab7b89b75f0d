"""
What every declared screen shares: `RuledView`, fields that Flask-AppBuilder lacks, and look-ups that never list a whole table.

`RuledView` reads the same declarations as FAB's ModelView (columns, labels, validators, extra fields) and answers list, show, add
and edit itself: rows in scope only, one statement for a page of rows, what somebody typed kept on every refusal, and no delete.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from flask import abort, flash, jsonify, redirect, request, url_for
from flask_appbuilder import BaseView, ModelView, expose, has_access
from flask_appbuilder.fields import QuerySelectField, QuerySelectMultipleField
from flask_appbuilder.forms import GeneralModelConverter
from flask_appbuilder.security.sqla.models import User
from flask_appbuilder.validators import Unique as FabUnique
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import Boolean, Select, String, inspect, or_, select
from sqlalchemy import Enum as EnumType
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload
from werkzeug.wrappers import Response
from wtforms import BooleanField, Form, SelectField, StringField
from wtforms.fields.core import UnboundField
from wtforms.validators import DataRequired, InputRequired, ValidationError
from wtforms.validators import Optional as Empty
from wtforms.widgets import CheckboxInput, ListWidget, TextInput

from app.domain.errors import DomainError
from app.domain.states import DocumentType
from app.extensions import db
from app.forms import NotTaken, tidy
from app.models import Account, Municipality, Party, Service
from app.queries import count_up_to
from app.security import may
from app.words import say, say_value

READ_ONLY = frozenset({"list", "show"})
ADD_ONLY = READ_ONLY | {"add"}
READ_WRITE = ADD_ONLY | {"edit"}
BIGGEST_ID = 2**31 - 1


# ── Fields ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class EnumSelect(SelectField):
    """A select of an enum: its data is the member, the browser sends the member's name, people read its translated value."""

    def __init__(self, label: Any, enum: type[Enum], *, blank: str | None = None, **options: Any) -> None:
        def member(name: Any) -> Enum | None:
            if isinstance(name, enum) or not name:
                return name or None
            return enum.__members__[name] if name in enum.__members__ else _refuse(name)

        def choices() -> list[tuple[str, str]]:
            empty = [] if blank is None else [("", blank)]
            return empty + [(each.name, _(each.value)) for each in enum]

        super().__init__(label, coerce=member, choices=choices, **options)

    def iter_choices(self):  # type: ignore[no-untyped-def]
        for name, label, _selected, attributes in super().iter_choices():
            yield name, label, (self.data.name if self.data else "") == name, attributes

    def pre_validate(self, form: Form) -> None:
        if self.data is None and "" not in dict(self.choices):
            raise ValidationError(_("Choose one of the list."))


def _refuse(name: str) -> Any:
    raise ValueError(_("Choose one of the list."))


def enum_select(label: Any, enum: type[Enum], *, optional: bool = False, **options: Any) -> EnumSelect:
    """Return a field for an enum column; *optional* offers an empty choice that stores NULL."""
    options.setdefault("validators", [Empty()] if optional else [InputRequired()])
    return EnumSelect(label, enum, blank="—" if optional else None, **options)


@dataclass(frozen=True, slots=True)
class Lookup:
    """
    How to name a row of a big table in one line of text, and how to find it again.

    `text(row)` is what a form shows and sends; `find(text)` understands it, and what people write by hand (a document, a number);
    `seek(session, text)` offers rows while somebody types.
    """

    model: type
    right: tuple[str, str] | None
    text: Callable[[Any], str]
    find: Callable[[str], Select[Any]]
    seek: Callable[[Session, str], Iterable[Any]]


N_OFFERED = 12


def folded(text: str) -> str:
    """Return *text* in lower case without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))


def _tail(text: str) -> str:
    return text.rpartition("·")[2].strip()


def _party_text(party: Party) -> str:
    key = f"{party.document_type.name} {party.document_number}" if party.document_type else f"#{party.id}"
    return f"{party.name} · {key}"


def _find_party(text: str) -> Select[Any]:
    tail = _tail(text)
    if tail.startswith("#") and tail[1:].isdigit():
        return select(Party).where(Party.id == min(int(tail[1:]), BIGGEST_ID))
    kind, _space, number = tail.partition(" ")
    if kind in DocumentType.__members__ and number:
        return select(Party).where(Party.document_type == DocumentType[kind], Party.document_number == number)
    digits = "".join(c for c in tail if c.isalnum())
    return select(Party).where(or_(Party.document_number == digits, Party.name == text.strip()))


def _seek_parties(session: Session, text: str) -> Iterable[Party]:
    digits = "".join(c for c in text if c.isalnum())
    words = or_(Party.name.istartswith(text, autoescape=True), Party.name.icontains(f" {text}", autoescape=True))
    matches = or_(words, Party.document_number.startswith(digits, autoescape=True)) if digits.isdigit() else words
    return session.scalars(select(Party).where(matches).order_by(Party.name).limit(N_OFFERED))


def _find_account(text: str) -> Select[Any]:
    number, *rest = (part.strip() for part in text.split("·"))
    statement = select(Account).join(Account.service).options(joinedload(Account.service)).where(Account.number == number)
    return statement.where(Service.code == rest[0]) if rest else statement


def _seek_accounts(session: Session, text: str) -> Iterable[Account]:
    matches = or_(Account.number.startswith(text, autoescape=True), Account.address.icontains(text, autoescape=True))
    return session.scalars(select(Account).options(joinedload(Account.service)).where(matches).order_by(Account.number).limit(N_OFFERED))


def _seek_users(session: Session, text: str) -> Iterable[User]:
    names = (User.first_name, User.last_name, User.username)
    matches = or_(*(name.istartswith(text, autoescape=True) for name in names))
    return session.scalars(select(User).where(User.active, matches).order_by(User.first_name, User.last_name).limit(N_OFFERED))


def _seek_municipalities(session: Session, text: str) -> Iterable[Municipality]:
    """Accents are forgiven here in Python: the table has 1,122 rows, and neither engine folds them without an extension."""
    wanted = folded(text)
    rows = session.scalars(select(Municipality).order_by(Municipality.name))
    found = [row for row in rows if row.code.startswith(wanted) or any(w.startswith(wanted) for w in _starts(folded(row.name)))]
    return sorted(found, key=lambda row: not folded(row.name).startswith(wanted))[:N_OFFERED]


def _starts(name: str) -> Iterable[str]:
    """Yield *name* from each of its words on."""
    yield name
    for i, letter in enumerate(name):
        if letter in " -":
            yield name[i + 1 :]


LOOKUPS: dict[str, Lookup] = {
    "party": Lookup(Party, ("can_list", "Party"), _party_text, _find_party, _seek_parties),
    "account": Lookup(
        Account, ("can_list", "Account"), lambda row: f"{row.number} · {row.service.code} · {row.address}", _find_account, _seek_accounts
    ),
    "user": Lookup(
        User,
        ("can_list", "ProcessMember"),
        lambda row: f"{row.first_name} {row.last_name} · {row.username}",
        lambda text: select(User).where(User.username == _tail(text)),
        _seek_users,
    ),
    "municipality": Lookup(
        Municipality,
        None,
        lambda row: f"{row.name} ({row.department}) · {row.code}",
        lambda text: select(Municipality).where(or_(Municipality.code == _tail(text), Municipality.name == text.strip())),
        _seek_municipalities,
    ),
}


class LookupView(BaseView):
    """GET /lookup/party?q=… offers up to twelve rows as JSON, to whoever may list them."""

    route_base = "/lookup"
    class_permission_name = "Lookup"

    @expose("/<kind>")
    def seek(self, kind: str) -> Response:
        lookup = LOOKUPS.get(kind) or abort(404)
        if not current_user.is_authenticated:
            abort(401)
        if lookup.right and not may(*lookup.right):
            abort(403)
        text = tidy(request.args.get("q", ""))[:80]
        rows = lookup.seek(db.session, text) if len(text) >= 2 else ()
        return jsonify([{"text": lookup.text(row)} for row in rows])


class LookupInput(TextInput):
    """A text box that knows where to ask for suggestions; without script it is a text box."""

    def __call__(self, field: LookupField, **attributes: Any) -> Markup:
        attributes.setdefault("data-lookup", url_for("LookupView.seek", kind=field.kind))
        attributes.setdefault("data-nothing", _("Nothing found"))
        attributes.setdefault("autocomplete", "off")
        return super().__call__(field, **attributes)


class LookupField(StringField):
    """A relation to a row of a big table, written as text (`LOOKUPS[kind]`); its data is the row."""

    widget = LookupInput()

    def __init__(self, label: Any, kind: str, **options: Any) -> None:
        self.kind = kind
        self.typed: str | None = None
        super().__init__(label, **options)

    def _value(self) -> str:
        if self.typed is not None:
            return self.typed
        return LOOKUPS[self.kind].text(self.data) if self.data is not None else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        self.typed, self.data = tidy(valuelist[0]), None
        if self.typed:
            found = db.session.scalars(LOOKUPS[self.kind].find(self.typed).limit(2)).all()
            if len(found) > 1:
                raise ValueError(_("Several match. Choose one of the list, or write its whole number."))
            if not found:
                raise ValueError(_("Nothing matches. Choose one of the list, or write its whole number."))
            self.data = found[0]


def lookup(label: Any, kind: str, *, optional: bool = False, **options: Any) -> LookupField:
    """Return a field for a relation to a party, account, user or municipality."""
    options.setdefault("validators", [Empty()] if optional else [InputRequired()])
    return LookupField(label, kind, **options)


# ── Forms that FAB generates, made ours ───────────────────────────────────────────────────────────────────────────────────


def _or_nothing(value: str | None) -> str | None:
    return tidy(value) or None


def native(form: type[Form], model: type, declared: Collection[str] = ()) -> type[Form]:
    """
    Return *form*, which FAB generated for *model*, with our fields and the controls of the browser instead of Bootstrap's.

    Fields in *declared* stay as their screen declares them.

    An enum gets `EnumSelect`, a relation to a big table `LookupField`, many rows get boxes. Spaces around text go, an empty
    optional text is NULL, a text with a default may stay empty, an unticked box is no error, "taken" is said in plain words.
    """
    columns, relations = inspect(model).columns, inspect(model).relationships
    for name in dir(form):
        field = getattr(form, name)
        if isinstance(field, UnboundField) and name not in declared:
            ours = _native_field(field, name, model, columns.get(name), relations.get(name))
            ours.creation_counter = field.creation_counter  # forms keep the order of their declaration
            setattr(form, name, ours)
    return form


def _native_field(field: UnboundField, name: str, model: Any, column: Any, relation: Any) -> UnboundField:
    kind, options = field.field_class, {key: value for key, value in field.kwargs.items() if key != "widget"}
    if column is not None and isinstance(column.type, EnumType):
        return enum_select(options["label"], column.type.enum_class, optional=column.nullable, description=options.get("description", ""))
    big = next((key for key, each in LOOKUPS.items() if relation is not None and each.model is relation.mapper.class_), None)
    if big and not relation.uselist:
        is_optional = all(local.nullable for local in relation.local_columns)
        return lookup(field.args[0], big, optional=is_optional, description=options.get("description", ""))
    validators = [NotTaken(model, name) if isinstance(each, FabUnique) else each for each in options.get("validators") or ()]
    if issubclass(kind, BooleanField):
        validators = []
    elif issubclass(kind, QuerySelectMultipleField):
        options |= {"widget": ListWidget(prefix_label=False), "option_widget": CheckboxInput()}
    elif issubclass(kind, QuerySelectField):
        options |= {"blank_text": "—", "allow_blank": True}  # nothing is chosen before somebody chooses
    elif column is not None and isinstance(column.type, String):
        validators = [each for each in validators if not isinstance(each, InputRequired)]
        validators.append(Empty() if column.nullable or column.default is not None else DataRequired())  # spaces are nothing
        options["filters"] = [_or_nothing if column.nullable else tidy]
    return UnboundField(kind, *field.args, **{**options, "validators": validators})


def explain(error: IntegrityError) -> str:
    """Return what the database refused, in plain words; forms should have said it before, so this is the last wall."""
    text = str(error.orig).lower()
    if "unique" in text or "duplicate" in text:
        return _("Another row already has these values. Look for it in the list before you add it again.")
    if "foreign key" in text:
        return _("This row is in use, or refers to one that no longer exists. Nothing was saved.")
    return _("The values contradict a rule of the register. Nothing was saved; check dates, numbers and required fields.")


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


@dataclass(frozen=True, slots=True)
class Filter:
    """One control over a list."""

    name: str
    label: Any
    value: str
    choices: list[tuple[str, str]]


class RuledView(ModelView):
    """
    The one base of all declared screens.

    Declare as in FAB: `datamodel`, `class_permission_name`, `list_title`, `add_title`, `list_columns`, `show_columns` or
    `show_fieldsets`, `add_columns`, `edit_columns`, `label_columns`, `description_columns`, `validators_columns`,
    `add_form_extra_fields` / `edit_form_extra_fields`, `base_order`, `formatters_columns` (Python value → text or Markup).
    Ours: `include_route_methods` (READ_ONLY, ADD_ONLY, READ_WRITE, plus names of own endpoints), `search_words` (text columns of
    the search box), `filter_columns` (enums, booleans, small relations; other columns filter by URL), `clipped` (long columns of the
    list), and the hooks below.
    """

    include_route_methods = set(READ_WRITE)
    page_size = 25
    search_words: tuple[str, ...] = ()
    filter_columns: tuple[str, ...] = ()
    intro: Any = ""
    empty_text: Any = _l("There is nothing here yet.")
    clipped: tuple[str, ...] = ()
    form_intro: Any = ""
    form_class_name = "form wide"

    # Hooks

    def scope(self, statement: Select[Any]) -> Select[Any]:
        """Return *statement* limited to the rows the reader may see, at every door of this screen."""
        return statement

    def title_of(self, item: Any) -> str:
        """Return how *item* is called on its page."""
        return str(item)

    def buttons(self, item: Any) -> list[Button]:
        """Return what else the reader may do on the page of *item*."""
        return []

    def related(self, item: Any) -> list[Related]:
        """Return the small tables under the facts of *item*."""
        return []

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
        self.edit_columns = self.edit_columns or self.add_columns
        self.edit_form_extra_fields = self.edit_form_extra_fields or self.add_form_extra_fields
        super()._init_properties()

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

    # List

    def _filters_shown(self) -> list[Filter]:
        shown = []
        mapper = inspect(self.model)
        for name in self.filter_columns:
            value = request.args.get(name, "")
            choices: list[tuple[str, str]] = []
            if name in mapper.relationships:
                target = mapper.relationships[name].mapper.class_
                rows = db.session.scalars(select(target).limit(200))
                choices = sorted(((str(inspect(row).identity[0]), str(row)) for row in rows), key=lambda pair: pair[1])
            elif isinstance(mapper.columns[name].type, EnumType):
                choices = [(member.name, _(member.value)) for member in mapper.columns[name].type.enum_class]
            elif isinstance(mapper.columns[name].type, Boolean):
                choices = [("1", _("Yes")), ("0", _("No"))]
            shown.append(Filter(name, self.label_columns.get(name, name), value, choices))
        return shown

    def _condition(self, name: str, value: str) -> Any:
        """Return the condition that *name* = *value* in the URL means, or None when it means nothing."""
        mapper = inspect(self.model)
        relation = mapper.relationships.get(name)
        column = mapper.columns[name] if relation is None else next(iter(relation.local_columns))
        if isinstance(column.type, EnumType):
            member = column.type.enum_class.__members__.get(value)
            return None if member is None else column == member
        if isinstance(column.type, Boolean):
            return column.is_(value == "1") if value in ("0", "1") else None
        try:
            wanted = column.type.python_type(value)
        except ValueError:
            return None
        return column == wanted if not isinstance(wanted, int) or 0 <= wanted <= BIGGEST_ID else None

    def _narrowed(self) -> Select[Any]:
        statement = self.scope(select(self.model))
        for name in self.filter_columns:
            value = tidy(request.args.get(name, ""))
            condition = self._condition(name, value) if value else None
            if condition is not None:
                statement = statement.where(condition)
        for word in tidy(request.args.get("q", ""))[:100].split()[:6] if self.search_words else ():
            texts = (getattr(self.model, name) for name in self.search_words)
            statement = statement.where(or_(*(text.icontains(word, autoescape=True) for text in texts)))
        return statement

    def _order(self) -> tuple[str, str]:
        name, direction = request.args.get("order", ""), request.args.get("dir", "asc")
        if name in self.sortable:
            return name, "desc" if direction == "desc" else "asc"
        return self.base_order or (inspect(self.model).get_property_by_column(self._key).key, "asc")

    @property
    def sortable(self) -> tuple[str, ...]:
        columns = inspect(self.model).columns
        return tuple(name for name in self.list_columns if name in columns)

    @expose("/list/")
    @has_access
    def list(self) -> str:
        """Answer a page of rows: searched, filtered, sorted; one statement for the rows, one for the count."""
        narrowed = self._narrowed()
        n = count_up_to(db.session, narrowed.with_only_columns(self._key))
        name, direction = self._order()
        page = min(max(request.args.get("page", 1, type=int), 1), max(1, -(-n // self.page_size)))
        column = getattr(self.model, name)
        statement = (
            narrowed.options(*self._loading(self.list_columns))
            .order_by(column.desc() if direction == "desc" else column.asc(), self._key.desc() if direction == "desc" else self._key)
            .limit(self.page_size)
            .offset((page - 1) * self.page_size)
        )
        return self.render_template(
            self.list_template,
            title=self.list_title,
            view=self,
            rows=db.session.scalars(statement).unique().all(),
            n=n,
            page=page,
            n_pages=max(1, -(-n // self.page_size)),
            order=(name, direction),
            filters=self._filters_shown(),
            is_narrowed=any(value for key, value in request.args.items() if key in {"q", *self.filter_columns}),
        )

    # Show

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    def show(self, pk: str) -> str:
        item = self.item(pk, self.show_columns)
        fieldsets = self.show_fieldsets or [("", {"fields": self.show_columns})]
        facts = {"title": self.title_of(item), "item": item, "fieldsets": fieldsets}
        facts |= {"related": self.related(item), "buttons": self.buttons(item)}
        return self.render_template(self.show_template, view=self, **facts)

    # Add and edit

    def _blame(self, form: Any, error: DomainError) -> None:
        """Say *error* beside the field that it blames, else above the form."""
        if error.field and error.field in form:
            form[error.field].errors = [*form[error.field].errors, say(error)]
        else:
            form.form_errors = [*form.form_errors, say(error)]

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
            self._blame(form, error)
        except IntegrityError as error:
            db.session.rollback()
            form.form_errors = [*form.form_errors, explain(error)]
        else:
            return True
        return False

    def _form_page(self, form: Any, title: Any, template: str, item: Any = None) -> Any:
        status = 422 if form.errors else 200
        shown = self.add_fieldsets if item is None else self.edit_fieldsets
        fieldsets = shown or [("", {"fields": self.add_columns if item is None else self.edit_columns})]
        seen = self._seen(item)
        return self.render_template(template, title=title, view=self, form=form, item=item, fieldsets=fieldsets, seen=seen), status

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
        form = self.add_form()
        if request.method == "GET":
            self.prefill(form)
        elif form.validate():
            item = self.model()
            if self._store(form, item, is_new=True):
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
