"""What ten million transfers change: the same figures again, bytes a transfer, balances now and then. `GROWTH=200000` makes it short."""

from __future__ import annotations

import os
import statistics
from datetime import timedelta

from ledger.handlers_books import get_account
from services.apis.ledger import AccountQuery, By
from services.kit.auth import Grant, Principal
from tests.benchmarks.ledger import PEOPLE, batches, fill, median_ms, sales
from tests.benchmarks.row import Row
from tests.benchmarks.scene import Awards, a_scratch_town, sql

TRANSFERS = int(os.environ.get("GROWTH", "10000000"))
BYTES = """
SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND relname IN ('transfers', 'outcomes', 'accounts', 'outbox', 'log', 'subtrees', 'account_sums')"""
AUDITOR = Principal(kind="person", id="00000000-0000-7000-8000-000000000000", grants=(Grant("auditor"),))


def growth() -> list[Row]:
    """Fill with the real posting, one fund, 100,000 wallets, and measure before and after."""
    with a_scratch_town() as town:
        awards = Awards(town, PEOPLE)
        fill(awards, PEOPLE // 1000)
        before, sold_before = _per_second(awards), sales(awards)[0]
        while (count := sql(awards.ctx, "SELECT count(*) FROM transfers")[0][0]) < TRANSFERS:  # type: ignore[operator]
            fill(awards, max(1, min(500, (TRANSFERS - int(str(count))) // 1000)))
        sql(awards.ctx, "VACUUM ANALYZE")
        after, sold_after = _per_second(awards), sales(awards)[0]
        town.tick()
        size = int(str(sql(awards.ctx, BYTES)[0][0])) / TRANSFERS
        now, then = _balance_ms(awards, None), max(_balance_ms(awards, "posted_at"), _balance_ms(awards, "occurred_at"))
    return [
        Row("ledger.growth_10m", after, "/s", "ledger.batch_1000 when small", after / before),
        Row("ledger.growth_10m_sales_32", sold_after, "/s", "ledger.sales_32 when small", sold_after / sold_before),
        Row("ledger.bytes_per_transfer", size, "B"),
        Row("ledger.balance_now_ms", now, "ms"),
        Row("ledger.balance_then_ms", then, "ms"),
    ]


def _per_second(awards: Awards) -> float:
    return statistics.median(batches(awards, 20) for _ in range(3))


def _balance_ms(awards: Awards, by: By | None) -> float:
    """The fund's balance, which every transfer touched, as the handler answers it: now, or a moment ago."""
    at = awards.town.clock.now() - timedelta(seconds=30)
    query = AccountQuery(code=f"fund/{awards.fund_id}", at=at if by else None, by=by or "posted_at")

    def ask() -> None:
        with awards.ctx.transaction(AUDITOR) as tx:
            get_account(tx, query)

    return median_ms(ask)
