"""The scale of the risk map: levels of probability and impact, and bands. A level in use is not deleted; the page says who uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import flash, redirect, url_for
from flask_appbuilder import BaseView, expose, has_access, permission_name
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response
from wtforms import IntegerField
from wtforms.validators import InputRequired, NumberRange

from app.baseviews import READ_WRITE, Button, RuledView
from app.domain.errors import DomainError
from app.domain.risks import MOST_LEVELS, TONES, warnings_of
from app.extensions import db, now
from app.models import Risk, RiskBand, RiskImpact, RiskProbability
from app.operations import risks as operations
from app.qms.riskmap import grid, scale_now
from app.screens.records import history_of
from app.security import may
from app.words import say


class RiskScaleView(BaseView):
    """`/risk-scale/`: the whole scale on a page, the map that it makes, and what is amiss with it."""

    route_base = "/risk-scale"
    default_view = "list"
    class_permission_name = "RiskScale"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """The levels, the bands and the empty map."""
        scale = scale_now()
        models = (RiskProbability, RiskImpact)
        ids = {model: {row.level: row.id for row in db.session.execute(select(model.level, model.id))} for model in models}
        return self.render_template(
            "qms/risk_scale.html", scale=scale, rows=grid(scale), tones=TONES, may=may,
            sides=((_("Probability"), "RiskProbabilityView", scale.probabilities, ids[RiskProbability]),
                   (_("Impact"), "RiskImpactView", scale.impacts, ids[RiskImpact])),
            warnings=[_(msgid, **fields) for msgid, fields in warnings_of(scale)],
        )  # fmt: skip


class _PartOfScale(RuledView):
    """What levels and bands share: they may be deleted while no risk needs them."""

    class_permission_name = "RiskScale"
    include_route_methods = READ_WRITE | {"drop"}
    method_permission_name = {"list": "list", "show": "show", "export": "export", "add": "add", "edit": "edit", "drop": "delete"}
    remove: Callable[[Any, Any], None]

    @property
    def list_name(self) -> str:
        return self.model.__name__

    def uses(self) -> Any:
        """Return the condition of the risks that use a row of the scale, over both tables."""
        raise NotImplementedError

    def risks_url(self, item: Any) -> str:
        """Return the address of the risks that use *item*."""
        raise NotImplementedError

    def _counted(self) -> Any:
        return select(func.count(Risk.id)).where(self.uses()).correlate(self.model).scalar_subquery()

    def lines(self, statement: Select[Any], columns: Iterable[str]) -> Select[Any]:
        return super().lines(statement, columns).add_columns(self._counted().label("n_risks"))

    def line_of(self, row: Any) -> Any:
        """Return the row of the scale, which knows how many risks use it."""
        row[0].n_risks = row[1]
        return row[0]

    def shown(self, item: Any, name: str) -> Any:
        if name != "n_risks":
            return super().shown(item, name)
        one = select(self._counted()).select_from(self.model).where(self.model.id == item.id)
        n = item.n_risks if hasattr(item, "n_risks") else db.session.scalar(one)
        return Markup('<a class="num" href="{}">{}</a>').format(self.risks_url(item), n)

    def exported(self, name: str, column: Any) -> tuple[Any, Callable[[Any], Any]]:
        kind, value = super().exported(name, column)
        return kind, (lambda line: str(line.n_risks)) if name == "n_risks" else value

    def buttons(self, item: Any) -> list[Button]:
        found = [Button(_("The whole scale"), url_for("RiskScaleView.list"))]
        if self.may_do("drop"):
            ask = _("Delete it from the scale? Risks that need it keep it from being deleted.")
            found.append(Button(_("Delete"), url_for(f"{self.endpoint}.drop", pk=item.id), True, ask))
        return found + history_of(self.model.__tablename__, item.id)

    @expose("/drop/<pk>", methods=["POST"])
    @has_access
    @permission_name("delete")
    def drop(self, pk: str) -> Response:
        """Delete it, or say which risks need it, with the way to them."""
        item = self.item(pk)
        url = self.risks_url(item)
        try:
            self.remove(item)
            db.session.commit()
        except DomainError as error:
            db.session.rollback()
            flash(Markup('{} <a href="{}">{}</a>').format(say(error), url, _("See which")), "warning")
        except IntegrityError:  # somebody put a risk there meanwhile
            db.session.rollback()
            flash(Markup('{} <a href="{}">{}</a>').format(_("A risk uses it, so it stays."), url, _("See which")), "warning")
        else:
            flash(_("It is no longer part of the scale."), "success")
            return redirect(url_for("RiskScaleView.list"))
        return redirect(url_for(f"{self.endpoint}.show", pk=pk))


class _LevelView(_PartOfScale):
    """A level: its number stays as it was given, for risks refer to it."""

    list_columns = show_columns = ["level", "name", "meaning", "n_risks"]
    more_columns = ("n_risks",)
    add_columns = ["level", "name", "meaning"]
    edit_columns = ["name", "meaning"]
    base_order = ("level", "asc")
    clipped = ("meaning",)
    form_intro = _l("What is left of every risk is derived again when a level comes or goes, and its history says so.")
    empty_text = _l("There are no levels yet. Add the least one first: 1.")
    label_columns = {
        "level": _l("Level"), "name": _l("Name"), "meaning": _l("What it means"), "n_risks": _l("Risks that use it"),
    }  # fmt: skip
    description_columns = {
        "level": _l("A number from 1 on; the greater, the worse. It does not change afterwards."),
        "meaning": _l("How one knows: how often it happens, or how much harm it does."),
    }
    add_form_extra_fields = {
        "level": IntegerField(
            _l("Level"), validators=[InputRequired(), NumberRange(1, MOST_LEVELS)], description=description_columns["level"]
        )
    }  # fmt: skip

    def title_of(self, item: Any) -> str:
        return f"{item.level}. {item.name}"

    def risks_url(self, item: Any) -> str:
        name = "uses_probability" if isinstance(item, RiskProbability) else "uses_impact"
        return url_for("RiskView.list", **{name: item.level})

    def uses(self) -> Any:
        return operations.uses_level(self.model, self.model.level)

    def pre_add(self, item: Any) -> None:
        """Raises DomainError: see `risks.enter_level`."""
        operations.enter_level(db.session(), item, at=now(), user_id=current_user.id)

    def remove(self, item: Any) -> None:
        operations.remove_level(db.session(), item, at=now(), user_id=current_user.id)


class RiskProbabilityView(_LevelView):
    datamodel = SQLAInterface(RiskProbability)
    route_base = "/risk-probability"
    list_title, add_title = _l("Levels of probability"), _l("New level of probability")


class RiskImpactView(_LevelView):
    datamodel = SQLAInterface(RiskImpact)
    route_base = "/risk-impact"
    list_title, add_title = _l("Levels of impact"), _l("New level of impact")


class RiskBandView(_PartOfScale):
    datamodel = SQLAInterface(RiskBand)
    route_base = "/risk-band"
    list_title, add_title = _l("Bands of the risk map"), _l("New band")
    intro = _l("A band goes from its score (probability by impact) up to the next band.")
    empty_text = _l("There are no bands yet. Add the first one, from 1 on.")
    list_columns = ["least_score", "name", "tone", "review_months", "needs_action"]
    show_columns = ["least_score", "name", "tone", "what_to_do", "review_months", "needs_action", "n_risks"]
    more_columns = ("n_risks",)
    add_columns = ["least_score", "name", "tone", "what_to_do", "review_months", "needs_action"]
    base_order = ("least_score", "asc")
    label_columns = {
        "least_score": _l("From the score"), "name": _l("Name"), "tone": _l("How loud"), "what_to_do": _l("What it asks for"),
        "review_months": _l("Months between one look and the next"), "needs_action": _l("Asks for an action"),
        "n_risks": _l("Open risks in it"),
    }  # fmt: skip
    description_columns = {
        "least_score": _l("Probability by impact. One band has to begin at 1."),
        "tone": _l("The colour on the map."),
        "needs_action": _l("A risk that stays here without an action under way is shown as a gap."),
    }

    def title_of(self, item: RiskBand) -> str:
        return item.name

    def risks_url(self, item: RiskBand) -> str:
        return url_for("RiskView.list", band=item.id, state="OPEN")

    def uses(self) -> Any:
        return operations.in_band(RiskBand.id) & Risk.closed_on.is_(None)

    def shown(self, item: RiskBand, name: str) -> Any:
        if name == "tone":
            return Markup('<span class="pill {}">{}</span>').format(TONES[item.tone], _(item.tone.value))
        return super().shown(item, name)

    def pre_add(self, item: RiskBand) -> None:
        """Raises DomainError: see `risks.check_band`."""
        operations.check_band(db.session(), item)

    pre_update = pre_add

    def remove(self, item: RiskBand) -> None:
        operations.remove_band(db.session(), item)
