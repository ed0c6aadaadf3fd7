"""The books as a whole, over HTTP: for whoever audits from outside and has no shell here. (The audit is no answer of the audited.)"""

from __future__ import annotations

import io

from sqlalchemy import text

from ledger.checks import CHECKS
from ledger.exports import export
from services.apis import ledger_export as api
from services.apis.errors import Refused
from services.kit.db import Tx
from services.kit.routes import File

MOST = 50_000
"""Transfers in an answer, which is made in memory: about 25 MB. The command streams any number."""

MOST_CHECKED = 300_000
"""Transfers an answer looks through: some seconds. The command looks through any number."""

SUFFIXES = {"hledger": "journal", "beancount": "beancount", "csv": "csv"}
_TOO_MANY = text("SELECT count(*) FROM (SELECT FROM transfers LIMIT :most + 1) counted")
_TOO_MANY_UNTIL = {
    "posted_at": text("SELECT count(*) FROM (SELECT FROM transfers WHERE posted_at <= :until LIMIT :most + 1) counted"),
    "occurred_at": text(
        "SELECT count(*) FROM (SELECT FROM transfers WHERE occurred_at <= :until LIMIT :most + 1) counted"
    ),
}


def get_checks(tx: Tx) -> api.Checked:
    """Each invariant, as the books are when its turn comes."""
    if (tx.session.scalar(_TOO_MANY, {"most": MOST_CHECKED}) or 0) > MOST_CHECKED:
        raise Refused(
            "books_too_large",
            f"More than {MOST_CHECKED:,} transfers are not checked while somebody waits. Use `meritcoin check`.",
            {"most": MOST_CHECKED},
            status=422,
        )
    invariants = tuple(
        api.Invariant(sentence=sentence, broken=tuple(dict(row) for row in tx.session.execute(text(query)).mappings().fetchmany(5)))
        for sentence, query in CHECKS.items()
    )  # fmt: skip
    return api.Checked(right=not any(one.broken for one in invariants), invariants=invariants)


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
