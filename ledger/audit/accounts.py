"""The accounts: what their code says they are, and that their counters are what the transfers and holds add up to."""

from __future__ import annotations

from calendar import monthrange
from typing import Any
from uuid import UUID, uuid5

from ledger.audit.report import Findings
from ledger.audit.source import Snapshot

FLOORED = {
    "fund": 1,
    "coins": 1,
    "shop": 1,
    "paying": 1,
    "fees": 1,
    "bank": 0,
    "stripe": 0,
    "receivable": 0,
    "overpaid": 0,
}
"""The classes of accounts there are; 1: may not go below zero."""
WORDS = {"coins": 4, "shop": 3, "paying": 3, "overpaid": 3}

_ACCOUNTS = """
    SELECT id, code, fund::text, person::text, floored, closed, expires_on::text, debits_posted, credits_posted, debits_held, credits_held
    FROM accounts"""
_OPEN_HOLDS = """
    SELECT debit_account, credit_account, amount_cents FROM holds h
    WHERE NOT EXISTS (SELECT FROM hold_ends e WHERE e.hold_id = h.hold_id)"""
_CLOSINGS = "SELECT request_id::text FROM outcomes WHERE kind = 'fund_closed' AND state = 'posted'"


class Account:
    """An account as its row says (`row`: debits, credits, debits held, credits held), and as it is derived."""

    __slots__ = (
        "closed", "code", "credits", "debits", "expires_on", "floored", "fund", "held_in", "held_out", "person", "row", "unfit", "used",
    )  # fmt: skip

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.code, self.fund, self.person, self.floored, self.closed, self.expires_on = row[1:7]
        self.row = row[7:]
        self.debits = self.credits = self.held_out = self.held_in = 0
        self.used = self.unfit = 0  # transfers seen, and how many of them have another hash

    @property
    def kind(self) -> str:
        """The class: the first word of the code."""
        word: str = self.code.partition("/")[0]
        return word


Accounts = dict[int, Account]


def read_accounts(books: Snapshot) -> Accounts:
    return {row[0]: Account(row) for row in books.rows(_ACCOUNTS)}


def judge_accounts(books: Snapshot, accounts: Accounts, findings: Findings) -> None:
    """After all transfers were added up."""
    for debit, credit, cents in books.rows(_OPEN_HOLDS):
        if debit in accounts and credit in accounts:
            accounts[debit].held_out += cents
            accounts[credit].held_in += cents
    closings = {row[0] for row in books.rows(_CLOSINGS)}
    for id_, account in accounts.items():
        key = f"id={id_}"
        derived = (account.debits, account.credits, account.held_out, account.held_in)
        for column, found, expected in zip(_COUNTERS, account.row, derived, strict=True):
            findings.same("accounts", key, column, found, expected)
        available = account.credits - account.debits - account.held_out
        findings.unless(
            available >= 0 or not FLOORED.get(account.kind, 1), "accounts", key, "floor", available, "zero or more"
        )
        if account.used and account.used == account.unfit:
            findings.add(
                "accounts", key, "code", account.code, f"the code its {account.used} transfers were hashed with"
            )
        _judge_terms(account, key, closings, findings)


_COUNTERS = ("debits_posted", "credits_posted", "debits_held", "credits_held")


def _judge_terms(account: Account, key: str, closings: set[str], findings: Findings) -> None:
    """What the code says of fund, floor and last day; whose it is; whether it was closed."""
    words = account.code.split("/")
    kind = words[0]
    if kind not in FLOORED or len(words) != WORDS.get(kind, 2):
        findings.add("accounts", key, "code", account.code, "a code of the scheme")
        return
    lot = kind == "coins"
    findings.same("accounts", key, "fund", account.fund, words[2 if lot else -1])
    findings.same("accounts", key, "floored", account.floored, bool(FLOORED[kind]))
    findings.same("accounts", key, "expires_on", account.expires_on, last_day(words[3]) if lot else None)
    balance = account.credits - account.debits
    if lot:
        owned = account.person is not None or balance == 0
        findings.unless(owned, "accounts", key, "person", None, f"whose {balance} cents these are")
    else:
        findings.same("accounts", key, "person", account.person, None)
    closing = str(uuid5(UUID(account.fund), "closed")) if kind == "fund" else ""
    findings.same("accounts", key, "closed", account.closed, closing in closings)
    if account.closed and closing not in closings:
        findings.add(
            "outcomes", f"request_id={closing}", "request_id", None, f"the closing of {account.code}, if it was closed"
        )


def last_day(month: str) -> str | None:
    """The last day of a month written YYYY-MM; None for no month."""
    try:
        year, number = int(month[:4]), int(month[5:])
        return f"{month}-{monthrange(year, number)[1]:02}"
    except ValueError:
        return None
