"""What the contracts add up to: when they end, of which kind and state they are, and what they are worth."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.models.group import aggregate_count, aggregate_sum
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Enum, case, literal, type_coerce

from app.charts import RuledChartView
from app.contracts.register import TONES, ContractView
from app.domain.contracts import ContractState
from app.extensions import today
from app.operations.contracts import state_clause

_COUNT = [(aggregate_count, "id")]
_VALUE = [(aggregate_sum, "value_cop")]
_TONES = {state.name: tone for state, tone in TONES.items()}
_RUNNING = {"state": "UPCOMING,ACTIVE,ENDING"}
_SIGNED = {"state": "UPCOMING,ACTIVE,ENDING,ENDED,TERMINATED"}


def _state() -> ColumnElement[Any]:
    """Return the state of a contract today, as the list filters it."""
    on = today()
    named = case(*((state_clause(state, on), literal(state.name)) for state in ContractState))
    return type_coerce(named, Enum(ContractState, native_enum=False))


class ContractChartView(RuledChartView):
    """By end, kind and state, process and value."""

    route_base = "/charts/contracts"
    class_permission_name = "ContractChart"
    list_view, chart_title, counted = ContractView, _l("Charts of contracts"), _l("Contracts")
    definitions = [
        {"group": "ends_on", "name": "by-end", "label": _l("When they end"), "period": "month", "split": "state", "series": _COUNT,
         "only": _RUNNING, "tones": _TONES, "help": _l("Signed contracts that have not ended, by the month of their last day.")},
        {"group": "kind", "label": _l("By kind and state"), "split": "state", "series": _COUNT, "tones": _TONES, "chart_type": "BarChart"},
        {"group": "state", "label": _l("By state"), "series": _COUNT, "chart_type": "BarChart"},
        {"group": "process", "label": _l("In force, by the process that answers"), "series": _COUNT, "only": _RUNNING,
         "chart_type": "BarChart"},
        {"group": "kind", "name": "value-by-kind", "label": _l("Value in force, by kind"), "series": _VALUE, "only": _RUNNING,
         "chart_type": "BarChart", "help": _l("The value of signed contracts that have not ended, with their amendments.")},
        {"group": "ends_on", "name": "value-by-end", "label": _l("Value that ends"), "period": "year", "series": _VALUE, "only": _RUNNING,
         "help": _l("What the contracts that end in each year are worth: what has to be renewed or found elsewhere.")},
        {"group": "signed_on", "name": "signed", "label": _l("Signed, by year"), "period": "year", "series": _COUNT, "only": _SIGNED},
        {"group": "signed_on", "name": "value-signed", "label": _l("Value signed, by year"), "period": "year", "series": _VALUE,
         "only": _SIGNED},
        {"group": "party", "name": "value-by-party", "label": _l("Value in force, by party"), "series": _VALUE, "only": _RUNNING,
         "chart_type": "BarChart"},
    ]  # fmt: skip

    def expressions(self) -> dict[str, ColumnElement[Any]]:
        return {"state": _state()}
