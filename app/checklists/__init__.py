"""
The pages of the annual verification of contracts: the list, the one page on which it is filled by keyboard and saved as it goes, and the
steps that sign, return, approve and reopen it.

Every row carries the version that its page read. Script only saves the way to the button: without it one press saves every row.
"""

from app.checklists import hung  # noqa: F401  hangs itself on the page of a contract
from app.checklists.view import ChecklistView

__all__ = ["ChecklistView"]
