"""What became of the quotations: sent by month, how long they wait, what is won and lost, and how fast the company quotes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_appbuilder.models.group import aggregate_avg, aggregate_count, aggregate_sum
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, case, literal

from app.charts import RuledChartView
from app.domain.quotations import AGEING, QuotationStatus
from app.extensions import today
from app.models import Quotation
from app.quotations.pages import BUCKETS, TONES, QuotationView

_COUNT = [(aggregate_count, "id")]
_VALUE = [(aggregate_sum, "total_cop")]
_TONES = {status.name: tone for status, tone in TONES.items()}
_ENDED = {"status": "ACCEPTED,REJECTED,EXPIRED"}
_SENT = {"n_days_to_send": "0.."}


def _age() -> ColumnElement[int]:
    """Return the place in AGEING of what waits for its answer; NULL for the rest."""
    waits = Quotation.status == QuotationStatus.SENT
    found = [
        (waits & (Quotation.sent_on >= today() - timedelta(days=last)) if last is not None else waits, literal(n))
        for n, (_first, last) in enumerate(AGEING)
    ]
    return case(*found)


def _won() -> ColumnElement[int]:
    """Return 100 for what was accepted and 0 for what ended without: its average is the win rate in percent."""
    lost = Quotation.status.in_((QuotationStatus.REJECTED, QuotationStatus.EXPIRED))
    return case((Quotation.status == QuotationStatus.ACCEPTED, literal(100)), (lost, literal(0)))


def _say_age(bucket: Any) -> str:
    return _(dict(BUCKETS)[str(bucket)])


class QuotationChartView(RuledChartView):
    """By state and month, ageing, value in play, win rate, working days to quote, reasons of loss."""

    route_base = "/charts/quotations"
    class_permission_name = "QuotationChart"
    list_view, chart_title, counted = QuotationView, _l("Charts of quotations"), _l("Quotations")
    made_labels = {"won": _l("Win rate (%)")}
    definitions = [
        {"group": "sent_on", "name": "by-month", "label": _l("Sent by month and state"), "period": "month", "split": "status",
         "series": _COUNT, "tones": _TONES},
        {"group": "status", "label": _l("By state"), "series": _COUNT, "chart_type": "BarChart"},
        {"group": "ageing", "label": _l("Days without an answer"), "series": _COUNT, "formatter": _say_age,
         "only": {"ageing": ",".join(name for name, _words in BUCKETS)},
         "help": _l("Those that wait for an answer, by the calendar days since the current version was sent.")},
        {"group": "valid_until", "name": "value", "label": _l("Value in play"), "series": _VALUE, "period": "month",
         "only": {"status": "SENT"}, "help": _l("What the offers that wait for an answer add up to, by the month in which they expire.")},
        {"group": "responsible", "name": "value-by-person", "label": _l("Value in play, by who answers for it"), "series": _VALUE,
         "only": {"status": "SENT"}, "chart_type": "BarChart", "formatter": lambda user: user.get_full_name()},
        {"group": "decided_on", "name": "win-rate", "label": _l("Win rate"), "series": [(aggregate_avg, "won")], "period": "month",
         "only": _ENDED, "chart_type": "LineChart",
         "help": _l("Of the quotations that ended in each month (accepted, rejected or expired), the percentage that was accepted.")},
        {"group": "decided_on", "name": "outcomes", "label": _l("How they ended"), "series": _COUNT, "period": "month", "split": "status",
         "only": _ENDED, "tones": _TONES},
        {"group": "first_sent_on", "name": "time", "label": _l("Working days to quote, by month"), "period": "month",
         "series": [(aggregate_avg, "n_days_to_send")], "only": _SENT, "chart_type": "LineChart",
         "help": _l("Average of the working days from the request of the customer to the first sending.")},
        {"group": "n_days_to_send", "name": "days", "label": _l("Working days to quote"), "series": _COUNT, "only": _SENT, "top": 20},
        {"group": "loss_reason", "name": "losses", "label": _l("Why they are lost"), "series": _COUNT, "only": {"status": "REJECTED"},
         "chart_type": "BarChart"},
        {"group": "loss_reason", "name": "value-lost", "label": _l("Value lost, by reason"), "series": _VALUE,
         "only": {"status": "REJECTED"}, "chart_type": "BarChart"},
    ]  # fmt: skip

    def expressions(self) -> dict[str, ColumnElement[Any]]:
        return {"ageing": _age(), "won": _won()}
