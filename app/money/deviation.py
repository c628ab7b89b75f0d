"""The calculator of significant deviations, behind a *revisión previa* and for whoever asks."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_appbuilder import BaseView, expose, has_access

from app.domain import N_
from app.domain.deviation import BillingCycle, Deviation, consumption_between, deviation_of
from app.domain.errors import DomainError
from app.extensions import db
from app.intake import blame
from app.money.forms import DeviationForm
from app.operations import money as operations


class DeviationView(BaseView):
    """`/desviacion`: whether a consumption deviates significantly, and why; nothing is stored."""

    route_base = "/desviacion"
    default_view = "compute"
    class_permission_name = "Deviation"

    @expose("/")
    @has_access
    def compute(self) -> str | tuple[str, int]:
        """The form, and with readings in the address, the verdict."""
        is_asked = any(request.args.get(name) for name in ("previous", "current", "consumption"))
        form = DeviationForm(request.args if request.args else None)
        if "cycle" not in request.args:
            form.cycle.data = BillingCycle.MONTHLY.name
        rule, averages = operations.deviation_rule(db.session)
        found, account = None, form.account.data
        if not form.stratum_average.typed and account is not None and account.stratum in averages:
            form.stratum_average.data = averages[account.stratum]
        if is_asked and form.validate():
            try:
                found = self._found(form, rule)
            except DomainError as error:
                blame(form, error)
        facts = {"form": form, "found": found, "said": operations.say_deviation(found) if found else "", "account": account, "rule": rule}
        return self.render_template("money/deviation.html", **facts), 422 if form.errors else 200

    @staticmethod
    def _found(form: DeviationForm, rule: Any) -> Deviation:
        consumption = form.consumption.data
        if consumption is None:
            for field in (form.previous, form.current):
                if field.data is None:
                    raise DomainError(N_("Write both readings, or the consumption itself."), field=field.name)
            consumption = consumption_between(form.previous.data, form.current.data)
        return deviation_of(
            consumption, form.numbers, BillingCycle[form.cycle.data], rule, same_month=form.same_month.data,
            stratum_average=form.stratum_average.data,
        )  # fmt: skip
