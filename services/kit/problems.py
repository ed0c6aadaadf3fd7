"""Every failure in one shape (RFC 9457), mapped in this one place."""

from __future__ import annotations

import logging

import msgspec
from flask import Flask, Response, g
from sqlalchemy.exc import DataError, DBAPIError
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


def problem_response(refusal: Refused) -> Response:
    """A refusal as `application/problem+json`."""
    g.problem_code = refusal.code
    problem = Problem(
        type=f"urn:meritcoin:problem:{refusal.code}",
        title=refusal.message,
        status=refusal.status,
        code=refusal.code,
        facts=refusal.facts,
        correlation_id=str(g.get("correlation_id") or ""),
    )
    response = Response(msgspec.json.encode(problem), status=refusal.status, mimetype="application/problem+json")
    if refusal.status in (429, 503):
        response.headers["Retry-After"] = "60" if refusal.status == 429 else "2"
    return response


def install_problems(app: Flask, service: str) -> None:
    """Make every exception of the app an answer of that shape."""
    app.register_error_handler(Refused, problem_response)

    @app.errorhandler(UnicodeDecodeError)
    def no_text(error: UnicodeDecodeError) -> Response:
        return problem_response(
            Refused("invalid_request", "The request is no UTF-8 text. Send it as UTF-8.", status=422)
        )

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

    @app.errorhandler(DataError)
    def unstorable(error: DataError) -> Response:
        message = "The request holds a character or number that cannot be stored. Leave out control characters, and try again."
        return problem_response(Refused("invalid_request", message, status=422))

    @app.errorhandler(DBAPIError)
    def database(error: DBAPIError) -> Response:
        state = getattr(error.orig, "sqlstate", None)
        if state in LOCK_WAIT:
            log("lock wait", level=logging.WARNING, service=service, sqlstate=state)
            return problem_response(
                Refused("busy", "Others are changing the same thing. Try again with the same key.", status=503)
            )
        if error.connection_invalidated or state is None or state[:2] in ("08", "57", "53"):
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


def _of_http(error: HTTPException) -> Refused:
    if isinstance(error, NotFound):
        return Refused(
            "unknown_address", "There is nothing at this address. Look it up in the documentation.", status=404
        )
    if isinstance(error, MethodNotAllowed):
        return Refused(
            "wrong_method",
            "This address answers another method.",
            {"allow": sorted(error.valid_methods or ())},
            status=405,
        )
    if isinstance(error, RequestEntityTooLarge):
        return Refused("too_large", "This is larger than we take. Send less at a time.", status=413)
    return Refused("bad_request", error.description or "The request cannot be read.", status=error.code or 400)


def _away(service: str, error: Exception) -> Refused:
    log("database away", level=logging.ERROR, service=service, error=type(error).__name__)
    return Refused(
        "database_away", "We cannot reach our books right now. Nothing was lost; try again in a moment.", status=503
    )
