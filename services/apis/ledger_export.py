"""What an auditor takes away from the ledger, for programs of their own."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from services.apis.endpoint import Endpoint
from services.apis.ledger import By, Instant


class ExportQuery(Struct, frozen=True, kw_only=True):
    """The books up to an instant (None: all), in the order of one of the two clocks."""

    format: Literal["hledger", "beancount", "csv"]
    until: Instant | None = None
    by: By = "posted_at"


GET_EXPORT = Endpoint(
    method="GET", path="/export", summary="The books for hledger, beancount or a spreadsheet", allow=("auditor",), query=ExportQuery,
    answer=bytes, media="text/plain", errors=("export_too_large",), per_minute=10,
)  # fmt: skip
