"""How long the audit takes, beside PostgreSQL handing out the same rows and doing nothing with them."""

from __future__ import annotations

import os
import time

import psycopg

from ledger.audit import audit
from services.kit.context import Context
from tests.benchmarks.ledger import fill
from tests.benchmarks.reference import url_of
from tests.benchmarks.row import Row
from tests.benchmarks.scene import Awards, a_scratch_town

TRANSFERS = int(os.environ.get("AUDIT_TRANSFERS", "60000"))
PEOPLE = 20_000
READ = ("transfers", "outcomes", "accounts", "outbox", "waiting_awards", "holds", "hold_ends", "log")
"""What an audit looks at."""


def audited() -> list[Row]:
    """`ledger.audit_per_million_s`: a whole audit of AUDIT_TRANSFERS posted awards, scaled to a million transfers."""
    with a_scratch_town() as town:
        awards = Awards(town, PEOPLE)
        fill(awards, TRANSFERS // 1000)
        copied = min(_copied_s(awards.ctx) for _ in range(3))
        began = time.perf_counter()
        report, _ = audit(awards.ctx.engine)
        took = time.perf_counter() - began
    if not report.is_right:
        raise RuntimeError(f"the audit found {report.findings[0]}")
    per_million = 1_000_000 / report.transfers
    reference = "reference.copy_out_per_million_s"
    return [
        Row("ledger.audit_per_million_s", took * per_million, "s", reference, took / copied),
        Row(reference, copied * per_million, "s"),
    ]


def _copied_s(ctx: Context) -> float:
    """Seconds to COPY all these rows out, one table after the other."""
    with psycopg.connect(url_of(ctx)) as conn:
        began = time.perf_counter()
        for table in READ:
            with conn.cursor().copy(f"COPY {table} TO STDOUT (FORMAT BINARY)") as copy:  # type: ignore[call-overload]
                for _ in copy:
                    pass
        return time.perf_counter() - began
