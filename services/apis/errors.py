"""The one way to say no, in every service: a public code, a sentence that says what would work, and facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """A request that cannot be granted. Becomes `application/problem+json` (RFC 9457) at the edge.

    `code`: public, stable, snake_case. `message`: one sentence a person can act on. `facts`: JSON values that make it concrete.
    `status`: the HTTP status. `keep`: what the handler wrote before refusing stays written (e.g. a count of failed sign-ins).
    """

    def __init__(
        self,
        code: str,
        message: str,
        facts: Mapping[str, Any] | None = None,
        *,
        status: int = 409,
        keep: bool = False,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.facts = dict(facts or {})
        self.status = status
        self.keep = keep


def not_found(what: str, id_: object) -> Refused:
    """The refusal for an id nobody knows, or that the caller may not know of."""
    return Refused(
        f"unknown_{what.replace(' ', '_').replace('-', '')}",
        f"There is no {what} with this id. Check the address, or look it up in the list.",
        {"id": str(id_)},
        status=404,
    )


def forbidden(message: str, **facts: Any) -> Refused:
    """The refusal for a caller who is known but may not do this."""
    return Refused("not_allowed", message, facts, status=403)
