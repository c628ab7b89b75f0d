"""
The pages of billing: batches that leave, what became of each thing in them, the answers that come back, and the map of columns.

Who makes a batch with more things than a page should wait for gets it as long work.
"""

from app.billing.batches import BillingBatchView
from app.billing.columns import BillingColumnView
from app.billing.items import BillingItemView
from app.billing.replies import BillingReplyView

__all__ = ["BillingBatchView", "BillingColumnView", "BillingItemView", "BillingReplyView"]
