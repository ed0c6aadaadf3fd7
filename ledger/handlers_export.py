"""The books as a whole, over HTTP: for whoever audits from outside and has no shell here. (The audit is no answer of the audited.)"""

from __future__ import annotations

import io
from datetime import timedelta

import msgspec
from sqlalchemy import text

from ledger.checks import CHECKS
from ledger.exports import export
from ledger.models import LastCheck
from services.apis import ledger_export as api
from services.apis.errors import Refused
from services.kit.db import Tx
from services.kit.routes import File

MOST = 50_000
"""Transfers in an answer, which is made in memory: about 25 MB. The command streams any number."""

MOST_CHECKED_NOW = 3_000
"""Transfers an answer looks through: less than a tenth of a second. Of more, it says what the job found."""

MOST_CHECKED = 300_000
"""Transfers the job looks through: some seconds. The command looks through any number."""

CHECK_EVERY = timedelta(hours=1)

SUFFIXES = {"hledger": "journal", "beancount": "beancount", "csv": "csv"}
_TOO_MANY = text("SELECT count(*) FROM (SELECT FROM transfers LIMIT :most + 1) counted")
_TOO_MANY_UNTIL = {
    "posted_at": text("SELECT count(*) FROM (SELECT FROM transfers WHERE posted_at <= :until LIMIT :most + 1) counted"),
    "occurred_at": text(
        "SELECT count(*) FROM (SELECT FROM transfers WHERE occurred_at <= :until LIMIT :most + 1) counted"
    ),
}


def get_checks(tx: Tx) -> api.Checked:
    """Each invariant as the books are now; of large books, as they were when the job looked at them."""
    if not _more_than(tx, MOST_CHECKED_NOW):
        return _checked(tx)
    if _more_than(tx, MOST_CHECKED):
        raise Refused(
            "books_too_large",
            f"More than {MOST_CHECKED:,} transfers are not checked while somebody waits. Use `meritcoin check`.",
            {"most": MOST_CHECKED},
            status=422,
        )
    kept = tx.session.get(LastCheck, True)
    if kept is None:
        raise Refused("not_checked_yet", "The books are being checked for the first time. Ask again in a minute.")
    return msgspec.convert(kept.answer, api.Checked)


def check_books(tx: Tx) -> int:
    """Job: look through large books once an hour, and keep what was found."""
    kept = tx.session.get(LastCheck, True)
    fresh = kept is not None and kept.at > tx.now - CHECK_EVERY
    if fresh or not _more_than(tx, MOST_CHECKED_NOW) or _more_than(tx, MOST_CHECKED):
        return 0
    tx.session.merge(LastCheck(one=True, at=tx.now, answer=msgspec.to_builtins(_checked(tx))))
    return 1


def _more_than(tx: Tx, most: int) -> bool:
    return (tx.session.scalar(_TOO_MANY, {"most": most}) or 0) > most


def _checked(tx: Tx) -> api.Checked:
    """Each invariant, as the books are when its turn comes."""
    invariants = tuple(
        api.Invariant(sentence=sentence, broken=tuple(dict(row) for row in tx.session.execute(text(query)).mappings().fetchmany(5)))
        for sentence, query in CHECKS.items()
    )  # fmt: skip
    return api.Checked(right=not any(one.broken for one in invariants), at=tx.now, invariants=invariants)


def get_export(tx: Tx, query: api.ExportQuery) -> File:
    """A snapshot of its own, not this transaction's: accounts and transfers must be those of one moment. Wallets are open to the auditor
    alone: a finance officer gets a fund's coins as one account."""
    counting = _TOO_MANY if query.until is None else _TOO_MANY_UNTIL[query.by]
    if (tx.session.scalar(counting, {"most": MOST, "until": query.until}) or 0) > MOST:
        raise Refused(
            "export_too_large",
            f"More than {MOST:,} transfers are not sent in one answer. Say `until`, or use `meritcoin export`, which has no limit.",
            {"most": MOST},
            status=422,
        )
    out = io.StringIO(newline="")
    export(
        tx.session.connection().engine, out, query.format, until=query.until, by=query.by, lots=tx.who.has("auditor")
    )
    media = "text/csv" if query.format == "csv" else "text/plain"
    return File(content=out.getvalue().encode(), media=media, name=f"books.{SUFFIXES[query.format]}")
