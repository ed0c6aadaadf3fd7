"""A service's JSON API: each endpoint of `services/apis` bound to one handler, in one transaction, with one shape of error."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from flask import Flask, Request, Response, g, request

from services.apis.endpoint import Endpoint, Nothing
from services.apis.errors import Refused
from services.kit.answers import Kept, answer_once, content_hash, key_of, said
from services.kit.auth import NOBODY, Principal, Tokens
from services.kit.context import Context
from services.kit.db import Tx
from services.kit.health import WATCHING, tell
from services.kit.pages import from_elsewhere
from services.kit.problems import install_problems, problem_response
from services.kit.routes import File, Together
from services.kit.telemetry import log
from services.kit.tracing import HERE, Place, Span, caller, new_span_id
from services.kit.writer import Asked, Writer

SESSION_COOKIE = "session"
_PARAM = re.compile(r"{(\w+)(?::(\w+))?}")


def service_app(ctx: Context) -> Flask:
    """The WSGI application of one service."""
    app = Flask(f"services.{ctx.room.name}", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max([65_536, *(e.max_bytes for e, _ in ctx.room.routes.served)])
    install_problems(app, ctx.room.name)
    for endpoint, handler in ctx.room.routes.served:
        rule = _PARAM.sub(lambda m: f"<{m.group(2) or 'string'}:{m.group(1)}>", endpoint.path)
        app.add_url_rule(rule, endpoint.name, _view(ctx, endpoint, handler), methods=[endpoint.method])
    for question in WATCHING:
        app.add_url_rule(f"/{question}", question, partial(_told, question, ctx), methods=["GET"])
    app.before_request(lambda: _begin(ctx))
    app.after_request(lambda response: _end(ctx, response))
    app.teardown_request(leave)
    return app


def leave(error: BaseException | None) -> None:
    """However a request ended, what comes next is not done for it."""
    if before := g.pop("before", None):
        HERE.reset(before)


def _begin(ctx: Context) -> None:
    g.started = time.perf_counter()
    g.began_ns, g.caller = time.time_ns(), caller(request.headers)
    g.correlation_id = g.caller.correlation_id if g.caller else ctx.ids()
    g.place = Place(g.correlation_id, new_span_id(), ctx.record is not None)
    g.before = HERE.set(g.place)


def _end(ctx: Context, response: Response) -> Response:
    response.headers["X-Correlation-ID"] = str(g.correlation_id)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.endpoint in WATCHING:
        return response
    seconds = time.perf_counter() - g.started
    ctx.metrics.request(request.endpoint, request.method, response.status_code, seconds, g.get("problem_code"))
    if ctx.record:
        ctx.record(_span(response))
    log("request", service=ctx.room.name, method=request.method, endpoint=request.endpoint, status=response.status_code,
        ms=round(seconds * 1000, 1), correlation_id=g.correlation_id,
        code=g.get("problem_code"))  # fmt: skip
    return response


def _span(response: Response) -> Span:
    """This request, for its trace: the endpoint and how it ended, nothing of what was asked."""
    route = str(request.url_rule) if request.url_rule else "unknown"
    facts: dict[str, str | int] = {
        "http.request.method": request.method,
        "http.route": route,
        "http.response.status_code": response.status_code,
    }
    if code := g.get("problem_code"):
        facts["meritcoin.refusal"] = code
    return Span(
        name=f"{request.method} {route}", kind="server", correlation_id=g.correlation_id, id=g.place.span_id,
        parent=g.caller.span_id if g.caller else None, began_ns=g.began_ns, ended_ns=time.time_ns(), facts=facts,
        failed=response.status_code >= 500,
    )  # fmt: skip


def _told(question: str, ctx: Context) -> Response:
    told = tell(question, ctx)
    return Response(told.body, told.status, content_type=told.media)


def _view(ctx: Context, endpoint: Endpoint, handler: Callable[..., Any] | Together) -> Callable[..., Response]:
    if isinstance(handler, Together):
        writer = ctx.writers[endpoint.name] = Writer(ctx, handler, endpoint.status, endpoint.name)

        def work(who: Principal, arguments: list[Any], path: dict[str, Any]) -> Response:
            asked = Asked(arguments[0], g.correlation_id, who)
            if not endpoint.keyless:
                asked.key, asked.content_hash = key_of(who), content_hash(endpoint, path)
            answer = writer.ask(asked)
            return said(answer) if isinstance(answer, Kept) else _answer(endpoint, answer)
    else:
        serve = handler

        def work(who: Principal, arguments: list[Any], path: dict[str, Any]) -> Response:
            with ctx.transaction(who, correlation_id=g.correlation_id) as tx:
                tx.address = request.remote_addr
                if endpoint.method == "POST" and not endpoint.keyless:
                    return answer_once(tx, endpoint, path, lambda: _answer(endpoint, serve(tx, *arguments, **path)))
                return _run(tx, lambda: _answer(endpoint, serve(tx, *arguments, **path)))

    def view(**path: Any) -> Response:
        who = identify(ctx.tokens, ctx.clock.now(), request)
        check_allowed(who, endpoint.allow)
        ctx.pace.check(endpoint.name, f"{who.kind}:{who.id or request.remote_addr}", endpoint.per_minute)
        return work(who, _arguments(endpoint), path)

    return view


def _run(tx: Tx, work: Callable[[], Response]) -> Response:
    try:
        return work()
    except Refused as refusal:
        if not refusal.keep:
            raise
        # What the handler wrote stays (a failed sign-in is counted), so the transaction must end well.
        return problem_response(refusal)


def identify(tokens: Tokens, now: datetime, incoming: Request) -> Principal:
    """Who is asking: a bearer token, else the session cookie, else the public. Raises Refused (401) for a bad or ended token."""
    header = incoming.headers.get("Authorization", "")
    bearer = header[7:] if header.startswith("Bearer ") else None
    token = bearer or incoming.cookies.get(SESSION_COOKIE)
    if not token:
        return NOBODY
    if not bearer and incoming.method != "GET" and from_elsewhere():
        raise Refused(
            "from_elsewhere", "This was sent from another site. Open the page here, and send it again.", status=403
        )
    return tokens.read(token, now=now)


def check_allowed(who: Principal, allow: tuple[str, ...]) -> None:
    """Refuse a caller who is none of `allow`: 401 for the public, 403 for somebody known."""
    if not who.words.isdisjoint(allow):
        return
    if who.kind == "public":
        raise Refused("sign_in_first", "Sign in first, then try again.", {"who_may": list(allow)}, status=401)
    raise Refused(
        "not_allowed", "Your role does not include this. Ask somebody who may, or the scheme's administrator.",
        {"who_may": list(allow)}, status=403,
    )  # fmt: skip


def _arguments(endpoint: Endpoint) -> list[Any]:
    if request.content_length is not None and request.content_length > endpoint.max_bytes:
        raise Refused("too_large", "This is larger than we take. Send less at a time.",
                      {"max_bytes": endpoint.max_bytes}, status=413)  # fmt: skip
    arguments: list[Any] = []
    if endpoint.upload:
        arguments.append(request.get_data())
    elif endpoint.request is not Nothing:
        if request.mimetype != "application/json":
            raise Refused("not_json", "Send the request as application/json.", status=415)
        arguments.append(msgspec.json.decode(request.get_data(), type=endpoint.request))
    if endpoint.query is not Nothing:
        arguments.append(msgspec.convert(request.args.to_dict(), type=endpoint.query, strict=False))
    return arguments


def _answer(endpoint: Endpoint, result: Any) -> Response:
    if isinstance(result, File):
        return Response(
            result.content,
            status=endpoint.status,
            mimetype=result.media,
            headers={"Content-Disposition": f'attachment; filename="{result.name}"'},
        )
    return _json(result, endpoint.status)


def _json(result: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(result), status=status, mimetype="application/json")
