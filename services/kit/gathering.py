"""An app without a database: each of its answers is put together from several services, asked at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from flask import Flask, Response, g, request

from services.kit.auth import Principal, Tokens
from services.kit.clock import Clock
from services.kit.http import Client
from services.kit.ids import new_id
from services.kit.parallel import Parts, ask_all
from services.kit.problems import install_problems
from services.kit.tracing import HERE, Place, caller
from services.kit.web import check_allowed, identify, leave

Questions = Callable[[Mapping[str, Client], Principal], Mapping[str, Callable[[], object]]]


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """`parts`: each question's answer by its name; `away`: the questions whose service gives none just now."""

    parts: dict[str, object]
    away: tuple[str, ...]


def gathering_app(
    name: str, clients: Mapping[str, Client], tokens: Tokens, clock: Clock, allow: str, answers: Mapping[str, Questions]
) -> Flask:
    """A WSGI app that answers GET on each path of `answers` for callers with the role `allow`."""
    app = Flask(name, static_folder=None)
    install_problems(app, name)

    @app.before_request
    def begin() -> None:
        g.place = caller(request.headers) or Place(new_id())
        g.correlation_id, g.before = g.place.correlation_id, HERE.set(g.place)

    app.teardown_request(leave)

    for path, questions in answers.items():

        def view(questions: Questions = questions) -> Response:
            who = identify(tokens, clock.now(), request)
            check_allowed(who, (allow,))
            header = request.headers.get("Authorization", "")
            token = header.removeprefix("Bearer ") or request.cookies.get("session", "")
            parts = gather(questions, {service: client.as_(token) for service, client in clients.items()}, who)
            body = Gathered(parts=dict(parts), away=tuple(sorted(parts.away)))
            return Response(
                msgspec.json.encode(body), mimetype="application/json", headers={"Cache-Control": "no-store"}
            )

        app.add_url_rule(path, path.strip("/") or "root", view)
    return app


def gather(questions: Questions, clients: Mapping[str, Client], who: Principal) -> Parts:
    """Ask what `questions` asks for somebody, through clients that speak in their name."""
    return ask_all(questions(clients, who))
