"""Atiende: attend customers under ISO 9001. `create_app()` wires the rooms together and decides nothing."""

from __future__ import annotations

from typing import Any

from flask import Flask


def create_app(overrides: dict[str, Any] | None = None) -> Flask:
    """
    Return the web application.

    Args:
        overrides: Settings that win over the environment; for tests and tools.

    Raises:
        config.SettingError: A setting is missing or makes no sense.
    """
    from flask_appbuilder import AppBuilder

    import config
    from app import audit, catalogues, feeds, jobs, logs, noticeboard, portal, ratelimit, rating, reader, search, verify, web
    from app.extensions import csrf, db, init_engines, migrate

    logs.configure()
    catalogues.refresh()
    app = Flask(__name__)
    app.config.from_mapping(config.load(overrides))
    web.init_app(app)
    reader.init_app(app)
    db.init_app(app)
    migrate.init_app(app, db)
    csrf.init_app(app)
    ratelimit.init_app(app)
    jobs.init_app(app)
    with app.app_context():
        from app import views
        from app.home import HomeView
        from app.screens.people import HouseRights

        init_engines(app)
        audit.install()
        search.install()
        builder = AppBuilder(app, db.session, security_manager_class=HouseRights, indexview=HomeView)
        views.register(builder)
        from app import answering, portal_appeals  # noqa: F401  they add their pages to the portal

        portal.init_app(app)
        rating.init_app(app)
        noticeboard.init_app(app)
        verify.init_app(app)
        feeds.init_app(app)
        web.finish(app)
    from app import cli, serve  # noqa: F401  serve adds its commands

    app.cli.add_command(cli.atiende)
    return app
