"""A service's timed work: forgotten check-outs, expiry, statements …"""

from __future__ import annotations

from services.kit.context import Context


def run_jobs(ctx: Context) -> int:
    """Do what is due now, each piece in its own transaction. Answers how much was done."""
    done = 0
    for job in ctx.room.jobs:
        while True:
            with ctx.transaction() as tx:
                did = job(tx)
            done += did
            if did == 0:
                break
    return done
