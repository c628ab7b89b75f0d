"""What other rooms hang on the page of a contract: tables under its facts, buttons in its head. They name themselves when imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, select

from app.baseviews import Button, Related
from app.extensions import today
from app.models import Contract
from app.security import may, scope_contracts

RELATED: list[Callable[[Contract], Related | None]] = []
BUTTONS: list[Callable[[Contract], list[Button]]] = []


def related(table_of: Callable[[Contract], Related | None]) -> Callable[[Contract], Related | None]:
    """Decorator: *table_of* gives a table of the page of a contract, or None when the reader may not see it."""
    RELATED.append(table_of)
    return table_of


def buttons(buttons_of: Callable[[Contract], list[Button]]) -> Callable[[Contract], list[Button]]:
    """Decorator: *buttons_of* gives what else the reader may do on the page of a contract."""
    BUTTONS.append(buttons_of)
    return buttons_of


def scope_part(statement: Select[Any], model: Any) -> Select[Any]:
    """Return *statement* limited to the rows of *model* whose contract the reader may see."""
    if may("can_see_all", "Contract"):
        return statement
    return statement.where(model.contract_id.in_(scope_contracts(select(Contract.id), today())))
