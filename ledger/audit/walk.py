"""All transfers in the order they were written: the hash of each, both its sides, and every balance after it."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from msgspec import json

from ledger.audit.accounts import FLOORED, Account, Accounts
from ledger.audit.report import Findings, Progress
from ledger.audit.source import Snapshot
from ledger.audit.state import State

EVERY = 50_000
MOST_MISSING = 1_000_000  # more numbers than transactions that fail ever leave out in a row

# Late: numbers that were missing in the last audit, because their transaction had not committed.
_TRANSFERS = """
    SELECT seq, id::text, journal::text, kind, debit_account, credit_account, amount_cents, fund::text, cause::text,
        to_char(occurred_at, {instant}), to_char(posted_at, {instant}), reversal_of::text, leaf
    FROM transfers WHERE seq > %(after)s OR seq = ANY(%(late)s) ORDER BY seq"""


# An id beyond those of all that are at work now: they may be younger than the latest that has ended (the snapshot's xmax). Each holds a
# lock on its own id, of which the lower half is shown.
_BEYOND = """
    SELECT greatest(xmax, (xmax >> 32 << 32) + coalesce((SELECT max(transactionid::text::bigint) + 1 FROM pg_locks), 0))
    FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xmax) s"""


class Walk:
    """Adds up transfers. Of the accounts a transaction touches no other transfer can have been written while it ran (it held their
    locks), so that a transfer that commits late is still in order on its own accounts."""

    def __init__(self, accounts: Accounts, state: State, findings: Findings) -> None:
        self.accounts, self.state, self.findings = accounts, state, findings
        self.count = self.cents = 0

    def all(self, books: Snapshot, tell: Progress) -> None:
        state, late = self.state, set(self.state.missing)
        said = {"after": state.upto_seq, "late": list(late)}
        horizon = int(books.one("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")[0])
        new: list[int] = []
        last = state.upto_seq
        for row in self._each(books.rows(_TRANSFERS, said)):
            seq = row[0]
            if seq in late:
                del state.missing[seq]
                continue
            if seq - last > MOST_MISSING:
                self.findings.add("transfers", f"id={row[1]}", "seq", seq, f"a number near {last}, the one before")
            elif seq != last + 1:
                new += range(last + 1, seq)
            last = seq
            if self.count % EVERY == 0:
                tell("transfers", self.count)
        # Whoever could have drawn a number that was missing the last time has ended by now: it will never come.
        state.missing = {seq: before for seq, before in state.missing.items() if before > horizon}
        state.missing.update(dict.fromkeys(new, books.one(_BEYOND)[0]))
        state.upto_seq, state.transfers, state.cents = last, state.transfers + self.count, state.cents + self.cents
        for id_, account in self.accounts.items():
            if account.used:
                state.counters[id_] = (account.debits, account.credits)

    def _each(self, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        accounts, findings = self.accounts, self.findings
        for row in rows:
            _, id_, _, _, debit, credit, cents, fund, *_ = row
            self.count += 1
            self.cents += cents
            sides = accounts.get(debit), accounts.get(credit)
            findings.unless(cents > 0 and debit != credit, "transfers", f"id={id_}", "amount_cents", cents, "a move")
            for account, number in zip(sides, (debit, credit), strict=True):
                if account is None:
                    findings.add("accounts", f"id={number}", "id", None, f"the account of transfer {id_}")
                    findings.add("transfers", f"id={id_}", "account", number, "an account there is")
                elif account.fund != fund:
                    findings.add(
                        "transfers", f"id={id_}", "fund", fund, f"{account.fund}, the fund of account {number}"
                    )
            giver, taker = sides
            if giver and taker:
                self._add(row, giver, taker, cents)
            yield row

    def _add(self, row: tuple[Any, ...], giver: Account, taker: Account, cents: int) -> None:
        giver.debits += cents
        taker.credits += cents
        giver.used += 1
        taker.used += 1
        if giver.debits > giver.credits and FLOORED.get(giver.kind, 1):
            left = giver.credits - giver.debits
            self.findings.add(
                "transfers", f"id={row[1]}", "amount_cents", cents, f"{cents + left} at most, what {giver.code} had"
            )
        if _leaf(row, giver.code, taker.code) != bytes(row[12]):
            giver.unfit += 1
            taker.unfit += 1
            self.findings.add("transfers", f"id={row[1]}", "leaf", row[12].hex(), "the hash of the row as it is now")


def _leaf(row: tuple[Any, ...], giver: str, taker: str) -> bytes:
    """The SHA-256 of the row as a JSON array without blanks."""
    _, id_, journal, kind, _, _, cents, fund, cause, occurred_at, posted_at, reversal_of, _ = row
    return sha256(
        _json((id_, journal, kind, giver, taker, cents, fund, cause, occurred_at, posted_at, reversal_of))
    ).digest()


_json = json.Encoder().encode
