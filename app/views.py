"""The screens, declared; grouped by room in the order of a clerk's day; the menu table at the end."""

from __future__ import annotations

from flask_appbuilder import AppBuilder, IndexView

# ── Home ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class HomeView(IndexView):
    """The first page after signing in."""

    class_permission_name = "Home"


# ── Parties and accounts ──────────────────────────────────────────────────────────────────────────────────────────────────


# ── The case ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


# ── Reports ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


# ── The calendar and the terms ────────────────────────────────────────────────────────────────────────────────────────────


# ── The house: organisation, processes, catalogues ───────────────────────────────────────────────────────────────────────


# ── What is remembered ────────────────────────────────────────────────────────────────────────────────────────────────────


# ── Menu ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

#: (view, menu name, icon, category): the whole menu, in order.
MENU: list[tuple[type, str, str, str]] = []
NO_MENU: list[type] = []


def register(builder: AppBuilder) -> None:
    """Register every screen and build the menu."""
    for view in NO_MENU:
        builder.add_view_no_menu(view)
    for view, name, icon, category in MENU:
        builder.add_view(view, name, icon=icon, category=category)
