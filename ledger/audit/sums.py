"""The sums kept for speed: each is the sum of its entries, and an account's entries are those of its transfers, by both clocks."""

from __future__ import annotations

from ledger.audit.report import Findings
from ledger.audit.source import Snapshot

_BROKEN = """
    SELECT account, clock, upto, part FROM account_sums s, LATERAL (
        SELECT -coalesce(sum(cents) FILTER (WHERE cents < 0), 0) AS debits, coalesce(sum(cents) FILTER (WHERE cents > 0), 0) AS credits,
            min(at) AS first, max(at) AS last FROM unnest(instants, amounts) e (at, cents)) e
    WHERE (s.debits, s.credits, s.first, s.last) IS DISTINCT FROM (e.debits, e.credits, e.first, e.last)"""
# Two sets of entries are taken as equal when their numbers and the sums of their hashes are.
_OTHER = """
    SELECT account, clock, coalesce(kept.entries, 0), coalesce(there.entries, 0) FROM (
        SELECT account, clock, count(*) AS entries, sum(hashtextextended(concat(extract(epoch FROM at), cents), 7)::numeric) AS hash
        FROM account_sums, unnest(instants, amounts) e (at, cents) GROUP BY 1, 2) kept
    FULL JOIN (
        SELECT account, clock, count(*) AS entries, sum(hashtextextended(concat(extract(epoch FROM at), cents), 7)::numeric) AS hash
        FROM summed, transfers,
            LATERAL (VALUES (debit_account, -amount_cents), (credit_account, amount_cents)) s (account, cents),
            LATERAL (VALUES ('posted_at', posted_at), ('occurred_at', occurred_at)) c (clock, at)
        WHERE seq <= upto AND seq <> ALL(missing) AND EXISTS (SELECT FROM accounts a WHERE a.id = account AND expires_on IS NULL)
        GROUP BY 1, 2) there USING (account, clock)
    WHERE (kept.entries, kept.hash) IS DISTINCT FROM (there.entries, there.hash)"""


def judge_sums(books: Snapshot, findings: Findings) -> None:
    for account, clock, upto, part in books.rows(_BROKEN):
        key = f"account={account} clock={clock} upto={upto} part={part}"
        findings.add("account_sums", key, "debits, credits", "other sums", "the sums of its entries")
    for account, clock, kept, there in books.rows(_OTHER):
        key = f"account={account} clock={clock}"
        findings.add("account_sums", key, "amounts", f"{kept} entries", f"those of its {there} transfers")
