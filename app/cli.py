"""`flask atiende …`"""

from __future__ import annotations

import click


@click.group()
def atiende() -> None:
    """Commands of Atiende."""
