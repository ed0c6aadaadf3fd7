"""What an auditor asks of the books as a whole: what does not hold, and all of it for programs of their own."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from services.apis.endpoint import Endpoint
from services.apis.ledger import By, Instant


class ExportQuery(Struct, frozen=True, kw_only=True):
    """The books up to an instant (None: all), in the order of one of the two clocks. For finance, the coins of a fund are one account."""

    format: Literal["hledger", "beancount", "csv"]
    until: Instant | None = None
    by: By = "posted_at"


class Invariant(Struct, frozen=True, kw_only=True):
    """What must always be true, in a sentence, and the first rows for which it is not."""

    sentence: str
    broken: tuple[dict[str, Any], ...]


class Checked(Struct, frozen=True, kw_only=True):
    """`at`: when they were looked at; of large books, up to an hour ago."""

    right: bool
    at: Instant
    invariants: tuple[Invariant, ...]


GET_CHECKS = Endpoint(
    method="GET", path="/checks", summary="Every invariant of the books; of large books, as last checked",
    allow=("auditor",), answer=Checked,
    errors=("books_too_large", "not_checked_yet"), per_minute=10,
)  # fmt: skip
GET_EXPORT = Endpoint(
    method="GET", path="/export", summary="The books for hledger, beancount or a spreadsheet", allow=("auditor", "finance"),
    query=ExportQuery, answer=bytes, media="text/plain", errors=("export_too_large",), per_minute=10,
)  # fmt: skip
