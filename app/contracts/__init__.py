"""The pages of contracts: the register, what each requires, its signatures and its amendments."""

from __future__ import annotations

from app.contracts.amendments import AmendmentView
from app.contracts.register import ContractView

__all__ = ["AmendmentView", "ContractView"]
