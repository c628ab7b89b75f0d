"""Which pages of the system a link of the register or of a process sheet may lead to, for this reader."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from app.security import may


def may_open(path: str) -> bool:
    """Return whether *path* is a page of the system that the reader may open; what he finds on it is in his scope there."""
    try:
        endpoint, _arguments = current_app.url_map.bind("").match(urlsplit(path).path, method="GET")
    except HTTPException:
        return False
    name, _dot, method = endpoint.rpartition(".")
    view = next((each for each in current_app.appbuilder.baseviews if each.endpoint == name), None)
    right = getattr(getattr(view, method, None), "_permission_name", None)
    if view is None or right is None:
        return view is not None or name.startswith("portal")
    return may(f"can_{(view.method_permission_name or {}).get(method, right)}", view.class_permission_name)


def linked(text: str, path: str) -> Markup | str:
    """Return *text*, linked to the page *path* where the reader may open it."""
    return Markup('<a href="{}">{}</a>').format(path, text) if path and may_open(path) else text
