"""Refusals as they come over the wire: any request by anybody, and the one shape (RFC 9457) every "no" has."""

from __future__ import annotations

import re
from typing import Any

import httpx
import msgspec

from infra.wiring import Town
from services.apis import identity
from services.apis.endpoint import Endpoint
from services.kit.ids import new_id
from tests.builders_identity import SignedIn


def send(town: Town, who: Any, service: str, endpoint: Endpoint, body: Any = None, **more: Any) -> httpx.Response:
    """A request as it comes over the wire. `who`: somebody signed in, a till, a token, or None; `body`: a struct or bytes.

    `more`: what the path names, extra `headers`, a `query`.
    """
    if isinstance(who, SignedIn):
        who.ask("identity", identity.GET_ME)  # renews a token that has ended
    token = who if isinstance(who, str) or who is None else who.token
    headers = {"Idempotency-Key": str(new_id()), "Content-Type": endpoint.upload or "application/json"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    headers |= more.pop("headers", {})
    path = re.sub(r"{(\w+)(:\w+)?}", lambda found: str(more[found[1]]), endpoint.path)
    content = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
    return town.http(service).request(endpoint.method, path, content=content, headers=headers, params=more.get("query"))


def assert_problem(answer: httpx.Response, code: str) -> dict[str, Any]:
    """The answer is this refusal, for a person and for a program; answers its facts."""
    said = answer.json()
    assert (said["code"], answer.headers["content-type"]) == (code, "application/problem+json"), answer.text
    assert set(said) == {"type", "title", "status", "code", "facts", "correlation_id"}
    assert said["type"] == f"urn:meritcoin:problem:{code}"
    assert said["status"] == answer.status_code
    assert 400 <= answer.status_code < 500, code
    assert len(said["title"]) > 20, code
    assert said["title"][0].isupper() or said["title"][0].isdigit(), code
    assert said["title"].endswith((".", "!", "?")), code
    assert said["correlation_id"], code
    assert said["correlation_id"] == answer.headers["x-correlation-id"]
    return said["facts"]


def assert_refused(town: Town, service: str, *table: tuple[str, Any, Endpoint, Any, dict[str, Any]]) -> None:
    """Each row – the code, who asks, for what, with which body, where – is refused as its endpoint announces."""
    for code, who, endpoint, body, path in table:
        assert code in (*endpoint.errors, "not_allowed")
        assert_problem(send(town, who, service, endpoint, body, **path), code)
