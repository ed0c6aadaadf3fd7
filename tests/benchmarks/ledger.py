"""How fast the ledger posts, beside what PostgreSQL's own tools do on the same server in the same run.

A batch is what the consumer does with 1,000 awards once they are read and known to be new: the line held, lots found, decided, written
with hashes, outcomes and outbox, committed. A sale is what a till waits for, inside the ledger's process.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from uuid import UUID

from ledger.handlers import on_coins_awarded
from ledger.handlers_sale import post_sales
from services.apis.ledger import PostSale, PostSales
from services.kit.ids import new_id
from services.kit.routes import Together
from services.kit.writer import Asked, Writer
from tests.benchmarks import reference
from tests.benchmarks.row import Row
from tests.benchmarks.scene import Awards, a_scratch_town

PEOPLE = 100_000
BATCHES = 60
TILLS = 32
SALES_S = 8.0


def posting() -> list[Row]:
    """Batches of awards and single sales, each with its references."""
    with a_scratch_town() as town:
        awards = Awards(town, PEOPLE)
        fill(awards, PEOPLE // 1000)
        per_second = statistics.median(batches(awards, BATCHES // 3) for _ in range(3))
        copied = statistics.median(reference.copied_rows_per_second(awards.ctx, 20_000) for _ in range(3))
        sold, p50, p99 = sales(awards)
        rows = [
            Row("ledger.batch_1000_of_copy", per_second, "/s", "reference.copy_award", per_second / copied),
            Row("reference.copy_award", copied, "/s"),
            Row("ledger.sales_32_p50_ms", p50, "ms"),
            Row("ledger.sales_32_p99_ms", p99, "ms"),
        ]
        # Last, for its transactions leave the books wrong.
        by_one = max(pgbench(awards, reference.AWARD, clients) for clients in (1, 8, 32))
        one_sale = pgbench(awards, reference.SALE, TILLS)
        return [
            Row("ledger.batch_1000", per_second, "/s", "reference.pgbench_award", per_second / by_one),
            Row("reference.pgbench_award", by_one, "/s"),
            Row("ledger.sales_32", sold, "/s", "reference.pgbench_sale_32", sold / one_sale),
            Row("reference.pgbench_sale_32", one_sale, "/s"),
            *rows,
        ]


def fill(awards: Awards, count: int) -> None:
    """Post so many batches; every wallet of the first `count` thousand people gets its lot."""
    for _ in range(count):
        batches(awards, 1)


def batches(awards: Awards, count: int) -> float:
    """Awards per second over so many batches of 1,000."""
    made = [awards.envelopes(1000) for _ in range(count)]
    began = time.perf_counter()
    for batch in made:
        with awards.ctx.transaction() as tx:
            on_coins_awarded(tx, batch)
    return 1000 * count / (time.perf_counter() - began)


def sales(awards: Awards) -> tuple[float, float, float]:
    """Sales per second of 32 tills at one shop, each waiting for its answer; median and 99th percentile in ms."""
    writer, shop, took = Writer(awards.ctx, Together(post_sales)), new_id(), [list[float]() for _ in range(TILLS)]
    until = time.perf_counter() + SALES_S

    def till(n: int) -> None:
        turn, till_id = n, new_id()
        while time.perf_counter() < until:
            turn += TILLS
            sale = a_sale(awards.people[turn % len(awards.people)], shop, till_id)
            began = time.perf_counter()
            writer.ask(Asked(PostSales(sales=(sale,)), sale.sale_id))
            took[n].append((time.perf_counter() - began) * 1000)

    threads = [threading.Thread(target=till, args=(n,)) for n in range(TILLS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    all_took = sorted(ms for mine in took for ms in mine)
    return len(all_took) / SALES_S, all_took[len(all_took) // 2], all_took[int(len(all_took) * 0.99)]


def a_sale(person_id: UUID, shop_id: UUID, till_id: UUID) -> PostSale:
    return PostSale(
        sale_id=new_id(), person_id=person_id, shop_id=shop_id, till_id=till_id, payment_code_id=new_id(),
        neighbourhood_id="le-querce", amount_cents=1, correlation_id=new_id(),
    )  # fmt: skip


def pgbench(awards: Awards, script: str, clients: int) -> float:
    per_second, _ = reference.pgbench(reference.url_of(awards.ctx), script, clients=clients, seconds=6)
    return per_second


def median_ms(ask: Callable[[], object], times: int = 20) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)
