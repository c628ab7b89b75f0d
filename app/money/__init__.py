"""
The pages of money: orders of financing (R10-01-05), changes of invoices (R10-01-06), what the billing system takes of both, and the
calculator of significant deviations.

Lists, files and pages come from `RuledView`; whoever writes sees the schedule or the totals before anything is saved.
"""

from app.money.changes import InvoiceChangeView
from app.money.deviation import DeviationView
from app.money.financing import FinancingView

__all__ = ["DeviationView", "FinancingView", "InvoiceChangeView"]
