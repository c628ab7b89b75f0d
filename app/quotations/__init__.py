"""The pages of quotations: the register with its ageing, the form with its lines, sending, the answer of the customer, what is followed."""

from app.quotations.pages import QuotationView

__all__ = ["QuotationView"]
