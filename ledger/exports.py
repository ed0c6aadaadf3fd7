"""The books for other programs: hledger, beancount, CSV. An independent program then adds up the same balances.

In hledger and beancount a debit is above zero, as accountants there expect: the money at the bank is positive, what is owed negative. So a
balance there is the ledger's with the sign turned. Accounts carry the same names in both.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Literal, NamedTuple, TextIO

from sqlalchemy import Engine, TextClause, text

By = Literal["posted_at", "occurred_at"]
ROOTS = {
    "bank": "Assets:Bank", "stripe": "Assets:Stripe", "receivable": "Assets:Receivable", "overpaid": "Assets:Overpaid",
    "fund": "Equity:Fund",
    "coins": "Liabilities:Coins", "shop": "Liabilities:Shop", "paying": "Liabilities:Paying", "fees": "Liabilities:Fees",
}  # fmt: skip
ROWS_AT_A_TIME = 5000
EVERY = 50_000
COLUMNS = (
    "id", "journal", "kind", "debit", "credit", "amount_cents", "fund", "cause", "occurred_at", "posted_at", "reversal_of", "leaf",
)  # fmt: skip

_LONG = text("SET LOCAL statement_timeout = 0")
_INSTANT = """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""
_ACCOUNTS = """
    SELECT DISTINCT {a.code} AS code, (SELECT min(least(occurred_at, posted_at)) FROM transfers) AS since FROM accounts a ORDER BY code"""
_TRANSFERS = """
    SELECT t.id::text, journal::text, kind, {d.code}, {c.code}, amount_cents, t.fund::text, cause::text,
        to_char(occurred_at AT TIME ZONE 'UTC', {instant}), to_char(posted_at AT TIME ZONE 'UTC', {instant}), reversal_of::text,
        encode(leaf, 'hex'), to_char({by} AT TIME ZONE 'UTC', 'YYYY-MM-DD')
    FROM transfers t JOIN accounts d ON d.id = debit_account JOIN accounts c ON c.id = credit_account
    WHERE CAST(:until AS timestamptz) IS NULL OR {by} <= :until ORDER BY {by}, seq"""


# Whose wallet is which is nobody's business but its owner's and the auditor's: for others a fund's coins are one account.
_LOTS_AS_ONE = "CASE WHEN {0}.expires_on IS NULL THEN {0}.code ELSE 'coins/' || {0}.fund END"


class Entry(NamedTuple):
    """One transfer as text; `day`: the UTC day by the clock asked for."""

    id: str
    journal: str
    kind: str
    debit: str
    credit: str
    amount_cents: int
    fund: str
    cause: str
    occurred_at: str
    posted_at: str
    reversal_of: str | None
    leaf: str
    day: str


def name_of(code: str) -> str:
    """The account as both programs write it: `fund/0197…` → `Equity:Fund:F-0197…`. Raises KeyError for a class there is none of."""
    word, *ids = code.split("/")
    # beancount wants each part to begin with a capital or a digit, and only letters, digits and hyphens in it.
    prefixes = {1: ("F-",), 2: ("B-" if word == "paying" else "S-", "F-"), 3: ("L-", "F-", "")}[len(ids)]
    return ":".join([ROOTS[word], *(prefix + id_ for prefix, id_ in zip(prefixes, ids, strict=True))])


def euros(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02}"


def write_hledger(out: TextIO, accounts: Iterable[tuple[str, datetime | None]], entries: Iterable[Entry]) -> None:
    out.write("; Merit coins: one transaction per transfer, its id in brackets.\ncommodity 1000.00 EUR\n\n")
    out.writelines(f"account {name_of(code)}\n" for code, _ in accounts)
    for e in entries:
        reverses = f", reverses:{e.reversal_of}" if e.reversal_of else ""
        out.write(
            f"\n{e.day} * ({e.id}) {e.kind}\n"
            f"    ; journal:{e.journal}, cause:{e.cause}, occurred:{e.occurred_at}, posted:{e.posted_at}{reverses}\n"
            f"    {name_of(e.debit)}  {euros(e.amount_cents)} EUR\n    {name_of(e.credit)}  {euros(-e.amount_cents)} EUR\n"
        )


def write_beancount(out: TextIO, accounts: Iterable[tuple[str, datetime | None]], entries: Iterable[Entry]) -> None:
    out.write(
        '; Merit coins: one transaction per transfer, linked to its journal.\noption "operating_currency" "EUR"\n\n'
    )
    for code, since in accounts:
        if since is not None:
            out.write(f"{since:%Y-%m-%d} open {name_of(code)} EUR\n")
    for e in entries:
        out.write(
            f'\n{e.day} * "{e.kind}" ^{e.journal}\n  id: "{e.id}"\n  cause: "{e.cause}"\n  occurred: "{e.occurred_at}"\n'
            f'  posted: "{e.posted_at}"\n'
        )
        if e.reversal_of:
            out.write(f'  reverses: "{e.reversal_of}"\n')
        out.write(
            f"  {name_of(e.debit)}  {euros(e.amount_cents)} EUR\n  {name_of(e.credit)}  {euros(-e.amount_cents)} EUR\n"
        )


def write_csv(out: TextIO, accounts: Iterable[tuple[str, datetime | None]], entries: Iterable[Entry]) -> None:
    """RFC 4180. Ids, words, instants and cents alone: nothing a spreadsheet would take for a formula. Open `out` with newline=""."""
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(entry[: len(COLUMNS)] for entry in entries)


Writer = Callable[[TextIO, Iterable[tuple[str, "datetime | None"]], Iterable[Entry]], None]
WRITERS: dict[str, Writer] = {"hledger": write_hledger, "beancount": write_beancount, "csv": write_csv}


def export(
    engine: Engine,
    out: TextIO,
    what: str,
    *,
    until: datetime | None = None,
    by: By = "posted_at",
    lots: bool = True,
    tell: Callable[[int], None] = lambda rows: None,
) -> int:
    """Write the transfers up to an instant (None: all) by one of the two clocks, in its order; answers how many.
    Without `lots`, the coins of a fund are one account, `coins/FUND`.

    Streamed from one snapshot: memory does not grow with the books.
    """
    count = 0
    query = _text(_TRANSFERS.replace("{by}", by).replace("{instant}", _INSTANT.replace(":", r"\:")), lots)
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    streamed = {"yield_per": ROWS_AT_A_TIME}
    with engine.connect().execution_options(**options) as conn, conn.begin():
        conn.execute(_LONG)

        def entries() -> Iterator[Entry]:
            nonlocal count
            with conn.execute(query, {"until": until}, execution_options=streamed) as rows:
                for row in rows:
                    count += 1
                    if count % EVERY == 0:
                        tell(count)
                    yield Entry(*row)

        with conn.execute(_text(_ACCOUNTS, lots), execution_options=streamed) as accounts:
            WRITERS[what](out, ((row.code, row.since) for row in accounts), entries())
    return count


def _text(query: str, lots: bool) -> TextClause:
    """The query, with the codes of accounts a, c and d as they are, or as those see them for whom lots are one account."""
    for account in "acd":
        code = f"{account}.code" if lots else _LOTS_AS_ONE.format(account)
        query = query.replace(f"{{{account}.code}}", code)
    return text(query)
