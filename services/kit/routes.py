"""What a service serves: endpoint values bound to handlers."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import msgspec

from services.apis.endpoint import Endpoint


class File(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is a file."""

    content: bytes
    media: str
    name: str


class Together(msgspec.Struct, frozen=True):
    """A handler that answers all requests waiting at that moment in one transaction: `handler(tx, asked)`, see `writer.py`.

    `apart(body)`: requests for which it is the same are answered one after the other. `before(tx, asked)` works in a transaction of its
    own: what it writes stays, however the handler fares.
    """

    handler: Callable[..., Any]
    apart: Callable[[Any], Hashable] | None = None
    before: Callable[..., None] | None = None


class Routes:
    """What a service serves: endpoint values, each with the handler that answers it.

    A handler is called `handler(tx, *[body], *[query], **path)`: the body where the endpoint has a request (raw bytes for an upload), the
    query where it has one, and each path parameter by name (`{x:uuid}` as UUID, `{x}` as text).
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self.served: list[tuple[Endpoint, Callable[..., Any] | Together]] = []

    def serve(self, endpoint: Endpoint, handler: Callable[..., Any]) -> None:
        self.served.append((endpoint, handler))

    def serve_together(
        self, endpoint: Endpoint, handler: Callable[..., Any], apart: Callable[[Any], Hashable] | None = None,
        before: Callable[..., None] | None = None,
    ) -> None:  # fmt: skip
        """Serve a POST without path parameters to all who wait at the same moment."""
        self.served.append((endpoint, Together(handler, apart, before)))
