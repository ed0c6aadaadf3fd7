"""Calling another service: the same code in one process (WSGI transport) and across machines (a URL)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import msgspec

from services.apis.endpoint import Endpoint, Nothing, Problem
from services.apis.errors import Refused
from services.kit.tracing import HERE, traceparent

TIMEOUT = httpx.Timeout(5.0, connect=2.0)
_PARAM = re.compile(r"{(\w+)(?::\w+)?}")


class Client:
    """Asks one service. `token` gives the caller's signed token for each call (None: the public)."""

    def __init__(self, service: str, http: httpx.Client, token: Callable[[], str | None]) -> None:
        self.service = service
        self._http = http
        self._token = token

    def as_(self, token: str | None) -> Client:
        """The same service, asked by somebody else."""
        return Client(self.service, self._http, lambda: token)

    def call(
        self,
        endpoint: Endpoint,
        body: Any = None,
        *,
        query: Any = None,
        key: str | UUID | None = None,
        correlation_id: UUID | None = None,
        content: bytes | None = None,
        **path: Any,
    ) -> Any:
        """Ask and return the decoded answer (bytes for a file).

        `body` is the request struct, `content` a raw upload, `key` the idempotency key a POST needs. Raises Refused with the service's
        own code, or `service_away` (503) when it gives no answer: then nobody knows what happened, ask again with the same key.
        """
        headers = {"Accept": "application/json"}
        token = self._token()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if key is not None:
            headers["Idempotency-Key"] = str(key)
        headers |= _for_whom(correlation_id)
        if content is None and endpoint.request is not Nothing:
            content = msgspec.json.encode(body)
        if content is not None:
            headers["Content-Type"] = endpoint.upload or "application/json"
        params = {} if query is None else {k: v for k, v in msgspec.to_builtins(query).items() if v is not None}
        url = _PARAM.sub(lambda m: str(path[m.group(1)]), endpoint.path)
        try:
            answer = self._http.request(
                endpoint.method, url, content=content, headers=headers, params=params, timeout=TIMEOUT
            )
        except httpx.TransportError as error:
            raise Refused(
                "service_away", "A part of the platform gives no answer. Try again in a moment.",
                {"service": self.service}, status=503,
            ) from error  # fmt: skip
        if answer.is_success:
            if endpoint.answer is bytes:
                return answer.content
            return msgspec.json.decode(answer.content, type=endpoint.answer)
        raise _refusal(self.service, answer)


def _for_whom(correlation_id: UUID | None) -> dict[str, str]:
    """The headers that keep what is asked in one trace with what asks it; `correlation_id`: unless it is that of the work at hand."""
    here = HERE.get()
    if here and correlation_id in (None, here.correlation_id):
        parent = traceparent(here)
        return {"X-Correlation-ID": str(here.correlation_id)} | ({"traceparent": parent} if parent else {})
    return {"X-Correlation-ID": str(correlation_id)} if correlation_id else {}


def _refusal(service: str, answer: httpx.Response) -> Refused:
    try:
        problem = msgspec.json.decode(answer.content, type=Problem)
    except msgspec.DecodeError:
        return Refused(
            "service_away", "A part of the platform answered unreadably. Try again in a moment.",
            {"service": service, "status": answer.status_code}, status=503,
        )  # fmt: skip
    return Refused(problem.code, problem.title, problem.facts, status=problem.status)
