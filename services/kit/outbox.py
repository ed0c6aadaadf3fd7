"""The relay: carries a service's outbox to the bus, at least once, in order.

A handler writes its rows and its events in one transaction (`Tx.put`). The relay publishes what is not yet marked and marks it after
every acknowledgement. A crash in between publishes again; consumers drop the repeats by event id.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import text, update

from services.apis.errors import Refused
from services.kit.bulk import array, rows_of
from services.kit.bus import Bus, Message
from services.kit.db import OUTBOX, session_of
from services.kit.telemetry import log
from services.kit.tracing import message_headers

if TYPE_CHECKING:
    from uuid import UUID

    from services.kit.context import Context

RELAY_LOCK = 0x6D65726974  # "merit": one active relay per service database

# Never `seq > last`: sequence numbers are drawn before commit, and transactions commit out of order. A number seen missing may
# still arrive; only "not yet published" finds every row.
_UNPUBLISHED = """
    SELECT seq, topic, key, event_id, type, value FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT %(most)s"""
_ANY = text("SELECT EXISTS (SELECT FROM outbox WHERE published_at IS NULL)")
_BACKLOG = text("""
    SELECT count(*), min(put_at)
    FROM (SELECT put_at FROM outbox WHERE published_at IS NULL ORDER BY seq LIMIT 10000) AS waiting""")
_ALONE = "SELECT pg_try_advisory_xact_lock(%(lock)s)"
_MARK = "UPDATE outbox SET published_at = %(at)s WHERE seq = ANY(%(seqs)s::bigint[])"


def relay_once(ctx: Context, bus: Bus, *, most: int = 2000) -> int:
    """Publish up to `most` waiting events; answers how many. 0 also when another relay of this service is at work."""
    if not _any_waiting(ctx):
        return 0
    with ctx.metrics.relaying() as published, session_of(ctx.engine) as session:
        if rows_of(session, _ALONE, lock=RELAY_LOCK) != [(True,)]:
            return 0
        rows = rows_of(session, _UNPUBLISHED, most=most)
        if not rows:
            return 0
        traced = ctx.record is not None
        bus.publish([_message(*row, traced=traced) for row in rows])
        rows_of(session, _MARK, seqs=array(row[0] for row in rows), at=ctx.clock.now())
        published.extend(rows)
        return len(rows)


def _message(seq: int, topic: str, key: str, event_id: UUID, type_: str, value: bytes, *, traced: bool) -> Message:
    told = ("id", str(event_id).encode()), ("type", type_.encode())
    return Message(topic=topic, key=key, value=value, headers=(*told, *message_headers(event_id, value, traced=traced)))


def republish(ctx: Context, bus: Bus, reason: str) -> int:
    """Have every event of the service published again, oldest first: into its topic, made anew and still empty. Whoever took them before
    knows them by their ids. Answers how many. Raises Refused without a reason or where the topic holds something, BusAway."""
    if not reason.strip():
        raise Refused("reason_missing", "Say with --reason why everything is published again; it is logged.")
    with ctx.engine.begin() as conn:
        conn.execute(text("SET LOCAL statement_timeout = 0"))
        conn.execute(
            text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": RELAY_LOCK}
        )  # nothing new may come before the old
        if held := sum(bus.ends([ctx.room.name]).values()):
            raise Refused(
                "topic_not_empty",
                f"The topic {ctx.room.name} holds {held} events: those before would come after them, and the order of keys be lost. "
                "Stop its relays, delete the topic, make it anew, and say this again before they start.",
            )
        count = conn.execute(update(OUTBOX).values(published_at=None)).rowcount
    log("everything is published again", level=logging.WARNING, service=ctx.room.name, events=count, reason=reason)
    return count


def _any_waiting(ctx: Context) -> bool:
    """One round trip, without a transaction: most of the time nothing waits."""
    with ctx.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        return bool(conn.scalar(_ANY))


def oldest_unpublished_s(ctx: Context) -> float:
    """Age in seconds of the oldest event not yet published; 0 when there is none."""
    return backlog(ctx)[1]


def backlog(ctx: Context) -> tuple[int, float]:
    """How many events wait to be published, counted to 10,000, and the age of the oldest of these in seconds."""
    with ctx.engine.connect() as conn:
        count, oldest = conn.execute(_BACKLOG).one()
    return count, max(0.0, (ctx.clock.now() - oldest).total_seconds()) if oldest else 0.0
