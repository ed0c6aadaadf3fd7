"""Every failure in one shape (RFC 9457), mapped in this one place."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec
from flask import Flask, Response, g
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from services.apis.endpoint import Problem
from services.apis.errors import Refused
from services.kit.telemetry import log

LOCK_WAIT = (
    "55P03",
    "57014",
    "40P01",
    "40001",
)  # lock timeout, statement timeout, deadlock, serialization: all harmless to repeat


def problem_body(refusal: Refused, correlation_id: object = "") -> bytes:
    """A refusal as the JSON of `application/problem+json`."""
    return msgspec.json.encode(
        Problem(
            type=f"urn:meritcoin:problem:{refusal.code}",
            title=refusal.message,
            status=refusal.status,
            code=refusal.code,
            facts=refusal.facts,
            correlation_id=str(correlation_id or ""),
        )
    )


def problem_response(refusal: Refused) -> Response:
    """A refusal as this request's response."""
    g.problem_code = refusal.code
    body = problem_body(refusal, g.get("correlation_id"))
    response = Response(body, status=refusal.status, mimetype="application/problem+json")
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if refusal.status == 405:
        response.headers["Allow"] = ", ".join(refusal.facts["allow"])
    if refusal.status in (429, 503):
        response.headers["Retry-After"] = "60" if refusal.status == 429 else "2"
    return response


def problem_again(body: bytes) -> Response:
    """A stored refusal, said again to this request: its correlation id is the one of this request's line in the log."""
    said = msgspec.json.decode(body, type=Problem)
    return problem_response(Refused(said.code, said.title, said.facts, status=said.status))


SENDERS_MISTAKES: dict[type[Exception], str] = {
    DataError: "The request holds a character or number that cannot be stored. Leave out control characters, and try again.",
    OverflowError: "A date or number lies beyond what can be reckoned with. Choose one nearer to today.",
    UnicodeDecodeError: "The request is no UTF-8 text. Send it as UTF-8.",
}


def _mistake(sentence: str) -> Callable[[Exception], Response]:
    return lambda error: problem_response(Refused("invalid_request", sentence, status=422))


def install_problems(app: Flask, service: str) -> None:
    """Make every exception of the app an answer of that shape."""
    app.register_error_handler(Refused, problem_response)
    for kind, sentence in SENDERS_MISTAKES.items():
        app.register_error_handler(kind, _mistake(sentence))

    @app.errorhandler(msgspec.DecodeError)
    def unreadable(error: msgspec.DecodeError) -> Response:
        return problem_response(
            Refused("invalid_request", f"The request does not have the form asked for: {error}.", status=422)
        )

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        return problem_response(_of_http(error))

    @app.errorhandler(PoolTimeout)
    def busy(error: PoolTimeout) -> Response:
        return problem_response(_away(service, error))

    @app.errorhandler(DBAPIError)
    def database(error: DBAPIError) -> Response:
        state = getattr(error.orig, "sqlstate", None)
        if state in LOCK_WAIT:
            log("lock wait", level=logging.WARNING, service=service, sqlstate=state)
            return problem_response(
                Refused("busy", "Others are changing the same thing. Try again with the same key.", status=503)
            )
        if unreachable(error):
            return problem_response(_away(service, error))
        return unexpected(error)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log("unexpected", level=logging.ERROR, exc=error, service=service, correlation_id=g.get("correlation_id"))
        return problem_response(
            Refused(
                "unexpected",
                "Something went wrong on our side; it is noted. Try again, or tell the helper the code below.",
                status=500,
            )
        )


def unreachable(error: Exception) -> bool:
    """Whether the database gives no answer to anybody just now, rather than none to this one statement."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is None:  # the driver itself says so
        return error.connection_invalidated or isinstance(error, (InterfaceError, OperationalError))
    return state not in LOCK_WAIT and (error.connection_invalidated or state[:2] in ("08", "57", "53"))


def _of_http(error: HTTPException) -> Refused:
    if isinstance(error, NotFound):
        return Refused(
            "unknown_address", "There is nothing at this address. Look it up in the documentation.", status=404
        )
    if isinstance(error, MethodNotAllowed):
        known = sorted(error.valid_methods or ())
        return Refused("wrong_method", f"Use {' or '.join(known)} at this address.", {"allow": known}, status=405)
    if isinstance(error, RequestEntityTooLarge):
        return Refused("too_large", "This is larger than we take. Send less at a time.", status=413)
    return Refused("bad_request", error.description or "The request cannot be read.", status=error.code or 400)


def _away(service: str, error: Exception) -> Refused:
    log("database away", level=logging.ERROR, service=service, error=type(error).__name__)
    return Refused(
        "database_away", "We cannot reach our books right now. Nothing was lost; try again in a moment.", status=503
    )
