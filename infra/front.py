"""The one origin's own pages: documents under /docs, and whatever pages a way of running adds."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, abort, jsonify

from infra.documents import asyncapi, openapi
from infra.screens import add_screens
from infra.town import Town
from services.impact import pages as impact_pages
from services.kit.health import figures
from services.kit.i18n import init_i18n
from services.kit.pages import init_pages


def front_app(town: Town, start: Blueprint | None = None) -> Flask:
    """An app with languages, security headers, every screen and the documents. `start` serves `/` in place of the city's own page."""
    app = Flask("infra", static_folder=None)
    app.config["DEFAULT_LANGUAGE"] = town.city.languages[0]
    init_i18n(app)
    init_pages(app)
    add_screens(app, town)
    if start:
        app.register_blueprint(start)
    else:
        app.add_url_rule("/", "impact.start", impact_pages.start)

    @app.get("/docs/asyncapi.json")
    def events() -> Response:
        return jsonify(asyncapi())

    @app.get("/docs/<service>.json")
    def service(service: str) -> Response:
        if service not in town.rooms:
            abort(404)
        return jsonify(openapi(service))

    for path in ("/health", "/ready"):
        app.add_url_rule(path, path.strip("/"), lambda: jsonify(service="front"))

    @app.get("/metrics")
    def metrics() -> Response:
        told = figures("front", None, {"ready": True})
        return Response(told.body, told.status, content_type=told.media)

    return app
