"""What happened in a simulated town, counted in its databases."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from infra.town import Town

_HAPPENED = {
    "hold": ("ledger", "SELECT count(DISTINCT hold_id) FROM holds"),
    "hold paid": ("ledger", "SELECT count(*) FROM ({held}) h WHERE how = 'post' AND paid_cents = held_cents"),
    "hold paid in part": ("ledger", "SELECT count(*) FROM ({held}) h WHERE how = 'post' AND paid_cents < held_cents"),
    "hold let go": ("ledger", "SELECT count(*) FROM hold_ends WHERE how = 'void'"),
    "hold over": ("ledger", "SELECT count(*) FROM hold_ends WHERE how = 'expire'"),
    "coins expired": ("ledger", "SELECT count(*) FROM transfers WHERE kind = 'expiry'"),
    "gift by card or debit": ("ledger", "SELECT count(DISTINCT journal) FROM transfers t JOIN accounts a ON a.id = debit_account"
                                        " WHERE kind = 'topup' AND code LIKE 'stripe/%'"),
    "gift bounced": ("funding", "SELECT count(*) FROM topups WHERE state = 'failed'"),
    "gift taken back": ("ledger", "SELECT count(DISTINCT journal) FROM transfers WHERE kind = 'topup_reversal'"),
    "month sealed": ("ledger", "SELECT count(*) FROM period_seals"),
    "link cut": ("ledger", "SELECT count(*) FROM accounts WHERE code LIKE 'coins/%' AND person IS NULL"),
    "award waited": ("ledger", "SELECT count(*) FROM outbox WHERE type = 'award.waiting.v1'"),
    "award withdrawn": ("ledger", "SELECT count(DISTINCT journal) FROM transfers WHERE kind = 'withdrawal'"),
    "sale": ("ledger", "SELECT count(DISTINCT journal) FROM transfers WHERE kind = 'sale'"),
    "void": ("ledger", "SELECT count(DISTINCT journal) FROM transfers WHERE kind = 'void'"),
    "payment released": ("ledger", "SELECT count(DISTINCT journal) FROM transfers WHERE kind = 'payment_released'"),
    "payment settled": ("ledger", "SELECT count(DISTINCT journal) FROM transfers WHERE kind = 'payment_settled'"),
    "payment returned": ("ledger", "SELECT count(DISTINCT journal) FROM transfers WHERE kind = 'payment_returned'"),
}  # fmt: skip
_HELD = """
    SELECT how, held_cents, coalesce(sum(t.amount_cents), 0) AS paid_cents
    FROM (SELECT hold_id, sum(amount_cents) AS held_cents FROM holds GROUP BY hold_id) h JOIN hold_ends e USING (hold_id)
    LEFT JOIN transfers t ON t.journal = e.request_id GROUP BY h.hold_id, how, held_cents"""
_POSTED_AFTER_THE_CLOSE = """
    SELECT DISTINCT cause, ends_at FROM transfers JOIN closed_periods ON posted_at >= closed_at WHERE kind IN ('award', 'withdrawal')"""
_SAID = "SELECT event_id, (convert_from(value, 'UTF8')::jsonb ->> 'occurred_at')::timestamptz AS at FROM outbox"
KINDS = (*_HAPPENED, "heard after its month was closed")


def happened(town: Town) -> dict[str, int]:
    """How often each kind of thing happened. Every kind is there, if only with 0."""
    counted = {kind: _count(town.rooms[name].engine, query) for kind, (name, query) in _HAPPENED.items()}
    said = {row.event_id: row.at for row in _rows(town.rooms["awards"].engine, _SAID)}
    posted = _rows(town.rooms["ledger"].engine, _POSTED_AFTER_THE_CLOSE)
    late = sum(row.cause in said and said[row.cause] < row.ends_at for row in posted)
    return {**counted, "heard after its month was closed": late}


def _count(engine: Engine, query: str) -> int:
    return int(_rows(engine, query.replace("{held}", _HELD))[0][0])


def _rows(engine: Engine, query: str) -> list[Any]:
    with engine.connect() as conn:
        return list(conn.exec_driver_sql(query.replace("%", "%%")).all())
