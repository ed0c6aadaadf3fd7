"""Balances of the past: sums that a job keeps of every account but lots, so that a million entries need not be added for each question.

The posting path does nothing for them. What the job has not summed yet is added from the transfers themselves, by exact numbers: a transfer
counts as summed when its `seq` is at most `upto` and is not `missing`, whenever it was committed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text

from ledger.models import Summed
from ledger.models import Transfer as Moved
from ledger.queries import by_index
from services.kit.db import Tx

STEP = 10_000
"""Transfers summed at once. So many are added one by one for a balance, while they wait for the job."""
PART = 500
"""Entries of one sum at most. So many are looked at one by one for each sum the instant falls into."""

_START = text(
    "INSERT INTO summed (one, upto, missing, missing_since) VALUES (true, 0, '{}', '{}') ON CONFLICT DO NOTHING"
)
# SKIP LOCKED: another process is at it.
_MINE = text("SELECT upto FROM summed FOR UPDATE SKIP LOCKED")
_NEWEST = text("SELECT coalesce(max(seq), 0) FROM transfers")

# One statement, so that what is summed and what is noted as missing are seen by the same snapshot. A missing number is given up when every
# transaction that might have drawn it has ended: then it was rolled back. Ours is younger than any of those, since we took our id (with the
# row's lock) after we had seen the newest number; the snapshot's xmax would not do, for one at work may lie beyond it.
_STEP = text("""
    WITH before AS MATERIALIZED (SELECT upto, missing, missing_since FROM summed),
    fresh AS MATERIALIZED (
        SELECT seq, debit_account, credit_account, amount_cents, posted_at, occurred_at FROM transfers
        WHERE seq > :after AND seq <= :upto
        UNION ALL
        SELECT seq, debit_account, credit_account, amount_cents, posted_at, occurred_at FROM transfers
        WHERE seq = ANY((SELECT missing FROM before)::bigint[])),
    entries AS (
        SELECT account, clock, at, cents, (row_number() OVER (PARTITION BY account, clock ORDER BY at) - 1) / :most AS part
        FROM fresh, LATERAL (VALUES (debit_account, -amount_cents), (credit_account, amount_cents)) s (account, cents)
        JOIN accounts ON id = account AND expires_on IS NULL,
        LATERAL (VALUES ('posted_at', posted_at), ('occurred_at', occurred_at)) c (clock, at)),
    kept AS (
        INSERT INTO account_sums (account, clock, upto, part, first, last, debits, credits, instants, amounts)
        SELECT account, clock, :upto, part, min(at), max(at), -coalesce(sum(cents) FILTER (WHERE cents < 0), 0),
            coalesce(sum(cents) FILTER (WHERE cents > 0), 0), array_agg(at ORDER BY at), array_agg(cents ORDER BY at)
        FROM entries GROUP BY account, clock, part),
    absent AS (
        SELECT seq, since FROM (
            SELECT * FROM before, unnest(missing, missing_since) m (seq, since)
            UNION ALL
            SELECT b.*, n, pg_current_xact_id()::text::bigint FROM before b, generate_series(:after + 1, :upto) n) a
        WHERE seq NOT IN (SELECT seq FROM fresh) AND since > pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
    UPDATE summed SET upto = :upto, missing = coalesce((SELECT array_agg(seq ORDER BY seq) FROM absent), '{}'),
        missing_since = coalesce((SELECT array_agg(since ORDER BY seq) FROM absent), '{}')
    WHERE one""")

# Whole sums, then the sums the instant falls into, entry by entry, then what is not summed: two questions, each by the index of `seq`.
# Asked as one with OR, half a second went by at ten million transfers.
_BALANCE = text("""
    SELECT coalesce(sum(debits), 0)::bigint AS debits, coalesce(sum(credits), 0)::bigint AS credits FROM (
        SELECT debits, credits FROM account_sums WHERE account = :account AND clock = :clock AND upto <= :upto AND last <= :at
        UNION ALL
        SELECT greatest(-cents, 0), greatest(cents, 0) FROM account_sums, unnest(instants, amounts) e (instant, cents)
        WHERE account = :account AND clock = :clock AND upto <= :upto AND first <= :at AND last > :at AND instant <= :at
        UNION ALL
        SELECT CASE debit_account WHEN :account THEN amount_cents ELSE 0 END, CASE credit_account WHEN :account THEN amount_cents ELSE 0 END
        FROM (SELECT * FROM transfers WHERE seq > :upto AND seq <= (SELECT max(seq) FROM transfers)
              UNION ALL SELECT * FROM transfers WHERE seq = ANY(CAST(:missing AS bigint[]))) rest
        WHERE :account IN (debit_account, credit_account) AND CASE :clock WHEN 'posted_at' THEN posted_at ELSE occurred_at END <= :at
    ) parts""")


def sum_accounts(tx: Tx, step: int = STEP, most: int = PART) -> int:
    """Job: sum the next transfers, when there are enough of them. Answers how many numbers it went on."""
    newest = tx.session.scalar(_NEWEST)
    if newest - (tx.session.scalar(select(Summed.upto)) or 0) < step:
        return 0
    tx.session.execute(_START)
    upto = tx.session.scalar(_MINE)
    if upto is None or newest - upto < step:
        return 0
    tx.session.execute(_STEP, {"after": upto, "upto": upto + step, "most": most})
    return step


def totals_at(tx: Tx, account: Any, by: str, at: datetime) -> tuple[int, int]:
    """Debits and credits of an account (its `id` and `expires_on`) up to an instant, that instant included, by one of the two clocks."""
    summed = tx.session.execute(select(Summed.upto, Summed.missing)).one_or_none()
    if summed is None or account.expires_on is not None:
        return _added(tx, account.id, Moved.posted_at if by == "posted_at" else Moved.occurred_at, at)
    by_index(tx)
    # `upto` names which sums count; so it does no harm when the job makes more of them between these two statements.
    said = {"account": account.id, "clock": by, "at": at, "upto": summed.upto, "missing": summed.missing}
    debits, credits_ = tx.session.execute(_BALANCE, said).one()
    return debits, credits_


def _added(tx: Tx, account_id: int, clock: Any, at: datetime) -> tuple[int, int]:
    total = func.coalesce(func.sum(Moved.amount_cents), 0)
    sides = (Moved.debit_account, Moved.credit_account)
    debits, credits_ = (tx.session.scalar(select(total).where(side == account_id, clock <= at)) for side in sides)
    return int(debits or 0), int(credits_ or 0)
