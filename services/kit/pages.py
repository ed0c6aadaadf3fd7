"""Pages: our static files under fingerprinted addresses, security headers on every response, and errors a person can read.

What is text is sent compressed to whoever takes it so: many a volunteer pays for each megabyte.
"""

from __future__ import annotations

import gzip
import mimetypes
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, g, render_template, request, send_file, send_from_directory, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound
from werkzeug.security import safe_join

STATIC = Path(__file__).parent / "static"
YEAR_SECONDS = 365 * 24 * 3600
COMPRESSIBLE = (
    "text/",
    "image/svg+xml",
    "application/json",
    "application/manifest+json",
    "application/javascript",
    "application/wasm",
)
WORTH_COMPRESSING = 1000  # bytes: less fits into the packet that is sent anyway

# No inline script or style anywhere. Pico's arrows and ticks are data: images. A page that needs more sets its own header.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), screen-wake-lock=(self), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "private, no-cache",
}


def init_pages(app: Flask, otherwise: Callable[[HTTPException], ResponseReturnValue] = lambda error: error) -> None:
    """Give `app` the shared templates, `asset()` in them, security headers, and error pages for 404 and 500.

    `otherwise` answers those two errors to a client that does not ask for HTML.
    """
    kit = Blueprint("kit", __name__, template_folder="templates")
    kit.add_url_rule("/assets/<edition>/<path:name>", "asset", _serve)
    app.register_blueprint(kit)
    app.add_template_global(cache(asset), "asset")  # a page has an icon in every row, all from one file
    app.after_request(_secure)
    app.after_request(_compress)

    def answer(error: HTTPException) -> ResponseReturnValue:
        return error_page(error.code or 500) if wants_html() else otherwise(error)

    app.register_error_handler(NotFound, answer)
    app.register_error_handler(InternalServerError, answer)


def asset(name: str) -> str:
    """The address of a file in static/, which changes whenever any of them does. Raises FileNotFoundError for an unknown name."""
    if not (STATIC / name).is_file():
        raise FileNotFoundError(name)
    return url_for("kit.asset", edition=fingerprint(), name=name)


@cache
def fingerprint() -> str:
    """One hash over all of static/: a stylesheet or module that imports another by a relative path always gets its own edition."""
    digest = sha256()
    for file in sorted(STATIC.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(STATIC).as_posix()}\0".encode())
            digest.update(sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def from_elsewhere() -> bool:
    """Whether a browser sends this from another site's page (cross-site request forgery): it says so itself, or names where it was."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


def wants_html() -> bool:
    """Whether the client is a browser opening a page, and not a program."""
    kinds = ["application/problem+json", "application/json", "text/html"]
    return request.accept_mimetypes.best_match(kinds) == "text/html"


def error_page(status: int) -> tuple[str, int]:
    """A page for this status in the person's language: what happened, what they can do, and the code for the helper."""
    return render_template("kit/error.html", status=status, reference=g.get("correlation_id")), status


def _serve(edition: str, name: str) -> Response:
    current = edition == fingerprint()
    age, kind, path = YEAR_SECONDS if current else 0, mimetypes.guess_type(name)[0], safe_join(str(STATIC), name)
    if path and Path(path).is_file() and _takes_gzip(kind):
        edition_of_it = f"{fingerprint()}-{sha256(path.encode()).hexdigest()[:12]}-gzip"
        response = send_file(BytesIO(_compressed(path)), kind, max_age=age, etag=edition_of_it)
        response.content_encoding = "gzip"
    else:
        response = send_from_directory(STATIC, name, max_age=age)
    response.cache_control.immutable = current
    response.vary.add("Accept-Encoding")
    return response


@cache
def _compressed(path: str) -> bytes:
    """A file of static/, as small as gzip makes it."""
    return gzip.compress(Path(path).read_bytes(), 9, mtime=0)


def _takes_gzip(kind: str | None) -> bool:
    return (kind or "").startswith(COMPRESSIBLE) and request.accept_encodings["gzip"] > 0


def _compress(response: Response) -> Response:
    """A page, as it is sent. Files and streams go out as they are."""
    if response.direct_passthrough or response.is_streamed or not (response.mimetype or "").startswith(COMPRESSIBLE):
        return response
    response.vary.add("Accept-Encoding")
    if response.content_encoding or not _takes_gzip(response.mimetype) or len(response.data) < WORTH_COMPRESSING:
        return response
    response.data = gzip.compress(response.data, 6, mtime=0)
    response.content_encoding = "gzip"
    return response


def _secure(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
