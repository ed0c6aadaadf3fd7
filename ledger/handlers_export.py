"""The books as a file, over HTTP: for whoever audits from outside and has no shell here."""

from __future__ import annotations

import io

from sqlalchemy import text

from ledger.exports import export
from services.apis import ledger_export as api
from services.apis.errors import Refused
from services.kit.db import Tx
from services.kit.routes import File

MOST = 50_000
"""Transfers in an answer, which is made in memory: about 25 MB. The command streams any number."""

SUFFIXES = {"hledger": "journal", "beancount": "beancount", "csv": "csv"}
_TOO_MANY = text("SELECT count(*) FROM (SELECT FROM transfers LIMIT :most + 1) counted")
_TOO_MANY_UNTIL = {
    "posted_at": text("SELECT count(*) FROM (SELECT FROM transfers WHERE posted_at <= :until LIMIT :most + 1) counted"),
    "occurred_at": text(
        "SELECT count(*) FROM (SELECT FROM transfers WHERE occurred_at <= :until LIMIT :most + 1) counted"
    ),
}


def get_export(tx: Tx, query: api.ExportQuery) -> File:
    """A snapshot of its own, not this transaction's: accounts and transfers must be those of one moment."""
    counting = _TOO_MANY if query.until is None else _TOO_MANY_UNTIL[query.by]
    if (tx.session.scalar(counting, {"most": MOST, "until": query.until}) or 0) > MOST:
        raise Refused(
            "export_too_large",
            f"More than {MOST:,} transfers are not sent in one answer. Say `until`, or use `meritcoin export`, which has no limit.",
            {"most": MOST},
            status=422,
        )
    out = io.StringIO(newline="")
    export(tx.session.connection().engine, out, query.format, until=query.until, by=query.by)
    media = "text/csv" if query.format == "csv" else "text/plain"
    return File(content=out.getvalue().encode(), media=media, name=f"books.{SUFFIXES[query.format]}")
