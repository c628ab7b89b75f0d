"""
The list of a screen: search, filters, columns, order, pages, files of it, and bulk actions. `RuledView` inherits it.

Everything that a request asks for is in its `Listing`; what a view declares is read once, when the product starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any, ClassVar

import structlog
from flask import abort, flash, g, redirect, render_template, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup, escape
from sqlalchemy import Boolean, Date, DateTime, Integer, Numeric, Select, String, false, inspect, select
from sqlalchemy import Enum as EnumType
from sqlalchemy.exc import IntegrityError
from wtforms import Form

from app import queries, search
from app.domain.errors import DomainError
from app.downloads import send_made
from app.extensions import db, local, now, today
from app.fields import explain
from app.listing import BOUND, Bad, Dates, Facet, Listing, Moment, Numbers, Order, Page, Rows, Text, enum_facet, flag_facet
from app.lookups import LOOKUPS
from app.models import ContractRequirement, Document, Quotation, StoredFile, UtcDateTime
from app.reader import reader
from app.reports.base import Cover, format_of
from app.reports.delimited import MEDIA_TYPE as CSV_TYPE
from app.reports.delimited import write_csv
from app.reports.lists import Field, ListReport, kind_of
from app.reports.xlsx import MEDIA_TYPE as XLSX_TYPE
from app.reports.xlsx import write_xlsx
from app.security import may
from app.words import say

log = structlog.get_logger("atiende")
BATCH = 1000
#: Tables that no list offers to filter by: their rows are read where they belong, by whoever may.
UNOFFERED = (StoredFile, Document, Quotation, ContractRequirement)


@dataclass(frozen=True, slots=True)
class Ready:
    """A saved filter that ships with the product; shown to whoever has `right` over the view, when one is named."""

    name: Any
    query: str
    right: str = ""


@dataclass(frozen=True)
class Bulk:
    """
    Something to do with many rows at once: previewed, then done in one transaction.

    Args:
        name: In the address; whoever may do it has `can_<right>` over the view.
        refusal: (view, row) → why not, in words; empty when it may be done. Asked again, row by row, when it is done.
        act: (view, row, form) does it; it may raise DomainError, which undoes all of them.
        form: What it asks for besides the rows, or None.
    """

    name: str
    label: Any
    right: str
    refusal: Callable[[Any, Any], str]
    act: Callable[[Any, Any, Any], None]
    form: type[Form] | None = None
    MOST: ClassVar[int] = 200


def calendar_now() -> Any:
    """Return the calendar of the house, read once a request. Raises DomainError while there is no organisation."""
    if "calendar" not in g:
        g.calendar = queries.calendar_of(db.session, queries.organisation(db.session))
    return g.calendar


@dataclass(frozen=True, slots=True)
class Head:
    """The heading of a column, as the list draws it."""

    name: str
    label: Markup
    url: str
    way: str
    is_clipped: bool
    is_linked: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row, as the list draws it: `cells` are its finished cells."""

    key: Any
    line: Any
    cells: Markup


#: Longer texts may be cut by the width of their column: the whole text is their title.
LONG = 15


class Lists:
    """The list of a `RuledView`, from its declarations. Hooks: `scope`, `shown`, `lines`, `line_of`, `exported`, `facet_of`."""

    list_template = "list/list.html"
    page_size = 25
    print_key = ""  # of `domain.controlled.PRINTS`: its workbook carries the code of the document that is tied to it
    search_words: tuple[str, ...] = ()
    filter_columns: tuple[str, ...] = ()
    more_columns: tuple[str, ...] = ()
    own_facets: tuple[Facet, ...] = ()
    ready_filters: tuple[Ready, ...] = ()
    bulk: tuple[Bulk, ...] = ()
    hidden_args: tuple[str, ...] = ()
    clipped: tuple[str, ...] = ()
    intro: Any = ""
    alarm: Any = ""  # what the reader has to know before the rows: a property that asks
    search_hint: Any = ""
    empty_text: Any = _l("There is nothing here yet.")

    # What the view declares, read once

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.bulk:
            cls.include_route_methods = {*cls.include_route_methods, "bulk_action"}

    def _init_list(self) -> None:
        """Read the declarations; they are the same for every request ever after."""
        mapper = inspect(self.model)
        listed = list(dict.fromkeys([*self.list_columns, *self.more_columns, *self._show_names()]))
        self.choosable = tuple(name for name in listed if self._fits_a_cell(mapper, name))
        own = {facet.name for facet in self.own_facets}
        names = [name for name in dict.fromkeys([*self.filter_columns, *self.choosable]) if name not in own]
        made = (self.facet_of(mapper, name) for name in names)
        self.facets: tuple[Facet, ...] = (*self.own_facets, *(facet for facet in made if facet is not None))

    def _show_names(self) -> Iterable[str]:
        for _title, fieldset in self.show_fieldsets or ():
            yield from fieldset["fields"]
        yield from self.show_columns

    def _fits_a_cell(self, mapper: Any, name: str) -> bool:
        if name in self.list_columns or name in self.more_columns:
            return True
        if name in mapper.relationships:
            return not mapper.relationships[name].uselist
        column = mapper.columns.get(name)
        is_short = column is not None and (not isinstance(column.type, String) or (column.type.length or 9999) <= 254)
        return is_short and not str(column.type).startswith(("BLOB", "JSON"))

    def facet_of(self, mapper: Any, name: str) -> Facet | None:
        """Return how column *name* filters, or None when it does not."""
        label = self.label_columns.get(name, name)
        attribute = getattr(self.model, name, None)
        if name in mapper.relationships:
            return self._relation_facet(mapper.relationships[name], name, label)
        column = mapper.columns.get(name)
        if column is None or column.primary_key:
            return None
        kind = column.type
        if isinstance(kind, EnumType):
            return enum_facet(name, label, attribute, kind.enum_class)
        if isinstance(kind, Boolean):
            return flag_facet(name, label, attribute)
        if isinstance(kind, Date | DateTime | UtcDateTime):
            return Dates(name, label, attribute)
        if isinstance(kind, Integer | Numeric) and name not in self.filter_columns:
            return Numbers(name, label, attribute)
        return Text(name, label, attribute) if name in self.filter_columns else None

    def _relation_facet(self, relation: Any, name: str, label: Any) -> Facet | None:
        target = relation.mapper.class_
        if relation.uselist or target in UNOFFERED:
            return None
        local_column = next(iter(relation.local_columns))
        column = getattr(self.model, inspect(self.model).get_property_by_column(local_column).key)
        key = getattr(target, relation.mapper.get_property_by_column(relation.mapper.primary_key[0]).key)
        kind = next((kind for kind, lookup in LOOKUPS.items() if lookup.model is target), None)
        return Rows(name, label, column, target, key, kind, bool(local_column.nullable))

    # What one request asks

    @property
    def list_name(self) -> str:
        return self.class_permission_name

    def list_url(self) -> str:
        return url_for(f"{self.endpoint}.list")

    def listing(self) -> Listing:
        """Return what this request asks of the list; the same object for the whole request."""
        known: dict[str, Listing] = g.setdefault("listings", {})
        if self.endpoint not in known:
            known[self.endpoint] = Listing(self.list_url(), request.args, self.facets, self.hidden_args)
        return known[self.endpoint]

    def moment(self) -> Moment:
        return Moment(today(), current_user.id, calendar_now)

    def narrowed(self) -> Select[Any]:
        """Return the SELECT of the rows that the reader may see and the address asks for; without order. Raises CalendarGap."""
        listing = self.listing()
        statement = self.scope(select(self.model)).where(*listing.conditions(self.moment()))
        found = self.matching(listing.q) if listing.q else None
        return statement if found is None else statement.where(found)

    def matching(self, text: str) -> Any:
        """Return the condition of the search box; None when *text* has no word to look for."""
        if self._is_indexed:
            return search.matching(self.model, text)
        words = [getattr(self.model, name) for name in self.search_words]
        return search.folded_contains(words, text) if words else None

    @property
    def _is_indexed(self) -> bool:
        return self.model in search.SEARCHED

    @property
    def is_searchable(self) -> bool:
        return bool(self.search_words) or self._is_indexed

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns to show: those of the address, else those that the reader chose, else the declared ones."""
        chosen = tuple(self.listing().cols_text.split(",")) if self.listing().cols_text else reader().columns_of(self.list_name)
        known = tuple(name for name in dict.fromkeys(chosen) if name in self.choosable)
        return known or tuple(self.list_columns)

    def heading(self, name: str) -> Any:
        return self.label_columns.get(name, name)

    # Order

    def order_column(self, name: str) -> Any:
        """Return the column that *name* sorts by, or None: its own, or the name of the row it refers to (`joined` joins it)."""
        mapper = inspect(self.model)
        if name in mapper.columns and not isinstance(mapper.columns[name].type, EnumType):
            return getattr(self.model, name)
        if name in mapper.relationships and not mapper.relationships[name].uselist:
            return getattr(mapper.relationships[name].mapper.class_, "name", None)
        return None

    def sortable(self, name: str) -> bool:
        return self.order_column(name) is not None

    def order(self) -> Order:
        """Return the order that the address names, else the declared one."""
        text = self.listing().order_text
        name, is_descending = text.removeprefix("-"), text.startswith("-")
        if name not in self.choosable or not self.sortable(name):
            name, way = self.base_order or (self._key_name, "asc")
            is_descending = way == "desc"
        column = self.order_column(name)
        mapper = inspect(self.model)
        own = mapper.columns.get(name)
        is_nullable = own.nullable if own is not None else any(c.nullable for c in mapper.relationships[name].local_columns)
        return Order(name, column, self._key_attribute, is_descending, bool(is_nullable))

    @property
    def _key_name(self) -> str:
        return inspect(self.model).get_property_by_column(self._key).key

    @property
    def _key_attribute(self) -> Any:
        return getattr(self.model, self._key_name)

    # Rows

    def lines(self, statement: Select[Any], columns: Iterable[str]) -> Select[Any]:
        """Return *statement* with what `shown` needs of *columns*: the entity, and the relations that are shown, in one statement."""
        return statement.options(*self._loading(columns))

    def line_of(self, row: Any) -> Any:
        """Return what `shown`, `title_of` and the rest take, out of a row that `lines` selected."""
        return row[0]

    def _joined(self, statement: Select[Any], order: Order) -> Select[Any]:
        """Join the table whose name sorts the rows."""
        relations = inspect(self.model).relationships
        return statement.outerjoin(getattr(self.model, order.name)) if order.name in relations else statement

    def _page_of(self, narrowed: Select[Any], columns: Iterable[str]) -> Page:
        order = self.order()
        n = queries.count_up_to(db.session, narrowed.with_only_columns(self._key_attribute), BOUND)
        statement = self._joined(self.lines(narrowed, columns), order)
        return self.listing().page(db.session, statement, order, n, self.page_size)

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """Answer a page of rows; `facet=` opens the panel of a filter, `set=` takes what a panel sent into the address."""
        listing = self.listing()
        problem = ""
        if request.args.get("set") in listing.facets:
            try:
                return redirect(self._taken())
            except Bad as error:
                problem = str(error)
        if request.headers.get("X-Fragment") == "panel":
            return render_template("list/_panel.html", **self._panel(problem))
        try:
            narrowed = self.narrowed()
        except DomainError as error:
            flash(say(error), "warning")
            narrowed = self.scope(select(self.model)).where(false())  # rows that were not asked for would be worse than none
        columns = self.columns()
        return self.render_template(self.list_template, **(self.list_facts(narrowed, columns) | self._panel(problem)))

    def list_facts(self, narrowed: Select[Any], columns: tuple[str, ...]) -> dict[str, Any]:
        """Return what the template of a list draws."""
        page = self._page_of(narrowed, columns)
        listing, order = self.listing(), self.order()
        shows = self.may_do("show")
        heads = [self._head(name, order, shows and index == 0) for index, name in enumerate(columns)]
        return {
            "title": self.list_title,
            "view": self,
            "listing": listing,
            "page": page,
            "rows": [self._drawn(self.line_of(row), heads) for row in page.rows],
            "heads": heads,
            "chips": listing.chips(db.session),
            "saved": self.saved(),
            "bulks": [each for each in self.bulk if may(f"can_{each.right}", self.class_permission_name)],
        }

    def _head(self, name: str, order: Order, is_linked: bool) -> Head:
        """Return the heading of a column: the address that sorts by it, and which way it sorts now."""
        is_now = order.name == name
        url = self.listing().to(order=("" if order.is_descending else "-") + name if is_now else name) if self.sortable(name) else ""
        way = ("descending" if order.is_descending else "ascending") if is_now else ""
        return Head(name, escape(str(self.heading(name))), url, way, name in self.clipped, is_linked)

    def _drawn(self, line: Any, heads: Iterable[Head]) -> Drawn:
        """Return a row as the list draws it. Made here and not in the template, where two hundred cells a page cost most of it."""
        cells = []
        for head in heads:
            value = self.shown(line, head.name)
            text = escape(value)  # what is marked as safe stays; nothing else reaches the page unescaped
            if value == "—":
                look = ' class="none"'
            elif head.is_clipped:
                look = f' class="clip" title="{escape(text.striptags()) if isinstance(value, Markup) else text}"'
            elif len(text) > LONG and not isinstance(value, Markup):
                look = f' title="{text}"'
            else:
                look = ""
            shown = f'<a href="{escape(self.row_url(line))}">{text}</a>' if head.is_linked else text
            cells.append(f'<td role="cell" data-label="{head.label}"{look}>{shown}</td>\n')
        return Drawn(self.pk(line), line, Markup("".join(cells)))

    def saved(self) -> list[dict[str, Any]]:
        """Return the saved filters of this list that the reader sees: the ready ones, then his own and his roles'."""
        state = self.listing().state()
        ready = [
            {"name": _(each.name), "query": each.query, "row": None}
            for each in self.ready_filters
            if not each.right or may(f"can_{each.right}", self.class_permission_name)
        ]
        own = [{"name": row.name, "query": row.query, "row": row} for row in reader().filters_of(self.list_name)]
        return [{**each, "url": f"{self.list_url()}?{each['query']}", "is_on": each["query"] == state} for each in ready + own]

    # The panel of a filter

    def _panel(self, problem: str) -> dict[str, Any]:
        """Return what the open panel shows: which facet, what may be ticked, what is ticked."""
        name = request.args.get("facet") or request.args.get("set") or ""
        facet = self.listing().facets.get(name)
        facts = {"facet": facet, "problem": problem, "view": self, "listing": self.listing()}
        if facet is None:
            return facts
        value = self.listing().values.get(name, "")
        given = request.args.getlist("v") if problem else [part for part in value.split(",") if part]
        kept = facet.named(db.session, value) if isinstance(facet, Rows) and facet.kind else []
        options = facet.options(db.session)
        ends = value.split("..") if ".." in value else [value, value] if value and value not in dict(options) else ["", ""]
        if problem:
            ends = [request.args.get("since", ""), request.args.get("until", "")]
        more = [pair for pair in kept if pair[0] not in dict(options)]
        typed = request.args.get("text", "") if problem else value if facet.form == "text" else ""
        return facts | {"options": more + options, "ticked": given, "since": ends[0], "until": ends[-1], "text": typed}

    def _taken(self) -> str:
        """Return the address of the list with what the panel sent. Raises Bad."""
        name = request.args["set"]
        given = {key: request.args.getlist(key) for key in ("v", "text", "since", "until")}
        return self.listing().to(**{name: self.listing().facets[name].read(db.session, given)})

    # Files

    @expose("/export/<kind>")
    @has_access
    @permission_name("export")
    def export(self, kind: str) -> Any:
        """Answer exactly the filtered rows, in order, with the visible columns (`all=1`: all that may be chosen), as Excel or CSV."""
        if kind not in ("xlsx", "csv"):
            abort(404)
        names = self.choosable if request.args.get("all") == "1" else self.columns()
        report = ListReport(str(self.list_title), self._fields(names), lambda: self._rows(names), self._words())
        file = TemporaryFile()  # noqa: SIM115  the response closes it; nothing leaves before all of it is written
        at = local(now()).replace(tzinfo=None)
        if kind == "xlsx":
            organisation = queries.organisation(db.session)
            format = format_of(db.session(), self.print_key, str(self.list_title))
            cover = Cover(organisation.name, format, current_user.get_full_name(), at)
            n_rows = write_xlsx(report, cover, file)
        else:
            n_rows = write_csv(report, file)
        log.info("export", report=self.list_name, extension=kind, n_rows=n_rows, user_id=current_user.id, request_id=g.request_id)
        stem = search.fold(str(self.list_title)).replace(" ", "-")
        return send_made(file, f"{stem}-{at:%Y-%m-%d}.{kind}", XLSX_TYPE if kind == "xlsx" else CSV_TYPE)

    def _fields(self, names: Iterable[str]) -> list[Field]:
        columns = inspect(self.model).columns
        fields = []
        for name in names:
            kind, value = self.exported(name, columns.get(name))
            fields.append(Field(str(self.heading(name)), kind, value))
        return fields

    def exported(self, name: str, column: Any) -> tuple[Any, Callable[[Any], Any]]:
        """Return what a file holds of column *name*: its kind, and how a line gives it."""
        if name in self.formatters_columns or column is None:
            return kind_of(None, name), lambda line: self.shown(line, name)
        return kind_of(column, name), lambda line: getattr(line, name)

    def _rows(self, names: Iterable[str]) -> Iterator[Any]:
        """Yield every line of the list in its order, a batch at a time."""
        order = self.order()
        by = (order.column.desc(), order.key.desc()) if order.is_descending else (order.column.asc(), order.key.asc())
        statement = self._joined(self.lines(self.narrowed(), names), order).order_by(*by)
        for row in db.session.execute(statement.execution_options(yield_per=BATCH)):
            yield self.line_of(row)

    def _words(self) -> list[str]:
        listing = self.listing()
        asked = [_("Search: %(text)s", text=listing.q)] if listing.q else []
        return [*asked, *(f"{chip.label}: {chip.words}" for chip in listing.chips(db.session))] or [_("All rows")]

    # Many rows at once

    @expose("/bulk/<name>", methods=["POST"])
    @has_access
    @permission_name("list")
    def bulk_action(self, name: str) -> Any:
        """Show what would be done with the chosen rows and what not; with `sure`, do it: all of it or nothing."""
        bulk = next((each for each in self.bulk if each.name == name), None) or abort(404)
        if not may(f"can_{bulk.right}", self.class_permission_name):
            abort(403)
        keys = self._chosen(bulk)
        if not keys:
            flash(_("Choose at least one row."), "warning")
            return redirect(self.listing().to())
        rows = self._bulk_rows(keys)
        plan = [(row, bulk.refusal(self, row)) for row in rows]
        form = bulk.form() if bulk.form else None
        seal = self._seal(plan)
        if request.form.get("sure") == seal and any(not why for _row, why in plan) and (form is None or form.validate()):
            try:
                return self._do(bulk, [row for row, why in plan if not why], form)
            except (DomainError, IntegrityError) as error:
                db.session.rollback()
                flash(_("Nothing was done: %(why)s", why=say(error) if isinstance(error, DomainError) else explain(error)), "warning")
                plan = [(row, bulk.refusal(self, row)) for row in self._bulk_rows(keys)]
        elif "sure" in request.form and request.form["sure"] != seal:
            flash(_("Something changed in the meantime, so nothing was done. Look at the list again."), "warning")
        facts = {"bulk": bulk, "view": self, "form": form, "listing": self.listing(), "n_gone": len(keys) - len(plan)}
        done, left = [row for row, why in plan if not why], [(row, why) for row, why in plan if why]
        status = 422 if form is not None and form.errors else 200
        return self.render_template("list/bulk.html", doing=done, leaving=left, keys=keys, seal=self._seal(plan), **facts), status

    def _chosen(self, bulk: Bulk) -> list[Any]:
        """Return the keys of the rows that were ticked, or of all that the list holds (`every`), up to `MOST`."""
        if request.form.get("every") == "1":
            keys_of_all = self.narrowed().with_only_columns(self._key_attribute).order_by(self._key_attribute)
            return [*db.session.scalars(keys_of_all.limit(bulk.MOST))]
        kind, keys = self._key.type.python_type, []
        for text in request.form.getlist("row")[: bulk.MOST]:
            try:
                keys.append(kind(text))
            except ValueError:
                continue
        return keys

    def _bulk_rows(self, keys: Iterable[Any]) -> list[Any]:
        """Return the rows of *keys* in the reader's scope, as they are now."""
        statement = self.scope(select(self.model).where(self._key_attribute.in_(list(keys)))).order_by(self._key_attribute)
        statement = statement.options(*self._loading(self.list_columns))
        return [*db.session.scalars(statement.execution_options(populate_existing=True))]

    def _seal(self, plan: Iterable[tuple[Any, str]]) -> str:
        """Return what tells one plan from another: which rows would be done."""
        text = ",".join(str(self.pk(row)) for row, why in plan if not why)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    def _do(self, bulk: Bulk, rows: Iterable[Any], form: Any) -> Any:
        n = 0
        for n, row in enumerate(rows, 1):  # noqa: B007  the last number is how many
            bulk.act(self, row, form)
        db.session.commit()
        log.info("bulk", action=bulk.name, view=self.list_name, n_rows=n, user_id=current_user.id, request_id=g.request_id)
        flash(_("%(action)s: done with %(n)s rows.", action=_(bulk.label), n=n), "success")
        return redirect(self.listing().to())


def _switch(is_on: bool) -> Callable[[Any, Any, Any], None]:
    def act(_view: Any, row: Any, _form: Any) -> None:
        row.is_active = is_on

    return act


def _already(is_on: bool, words: Any) -> Callable[[Any, Any], str]:
    return lambda view, row: str(words) if row.is_active is is_on else "" if view.may_edit(row) else _("It may not be edited.")


#: For catalogues whose rows are switched on and off; nothing is deleted.
SWITCHES = (
    Bulk("activate", _l("Activate"), "edit", _already(True, _l("It is active already.")), _switch(True)),
    Bulk("deactivate", _l("Deactivate"), "edit", _already(False, _l("It is inactive already.")), _switch(False)),
)
