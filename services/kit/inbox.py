"""The consumer: a poll's records are one batch, one transaction – positions, fresh ids, effects, outbox, commit.

Progress and effect are in the same database, so each event takes effect exactly once however often it is delivered.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from services.events import Envelope, Unreadable, contract_of, decode
from services.kit.bulk import rows_of
from services.kit.bus import Record, Spot, Subscription, TopicRecreated
from services.kit.context import Context
from services.kit.db import PARKED, POSITIONS, Tx
from services.kit.handle import handle
from services.kit.telemetry import log

ATTEMPTS = 3
MOST_PARKED_IN_A_ROW = 20
LOOK_BACK_EVERY = (
    10  # polls that found nothing: a count and no clock, so that a simulated town lives the same life each time
)


class TooManyParked(Exception):
    """So many records in a row could not be handled that the fault is ours, not theirs: stop, a person must look."""


class Gap(Exception):
    """What was read begins beyond the stored position: the database is an earlier one than that we began with (restored, or switched)."""


def database_away(error: BaseException) -> bool:
    """Whether the error says the database is unreachable rather than the work impossible."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, (OperationalError, InterfaceError))


def topics_of(ctx: Context) -> frozenset[str]:
    """The topics a service must read: those of the events it handles."""
    return frozenset(contract_of(struct).topic for struct in ctx.room.handlers)


class Consumer:
    """One member of a service's consumer group."""

    def __init__(self, ctx: Context, subscription: Subscription, *, look_back_every: int = LOOK_BACK_EVERY) -> None:
        self._ctx = ctx
        self._subscription = subscription
        self._parked_in_a_row = 0
        self._reached: dict[Spot, int] = {}  # handled, as far as we know
        self._unsure: set[Spot] = set()  # read, but not known to be handled: to be read again from the stored positions
        self._look_back_every, self._empty_polls = look_back_every, 0

    def poll_once(self, *, most: int = 1000, timeout_s: float = 0.0) -> int:
        """Read and handle one batch; answers how many records were read.

        Raises OperationalError when the database is away (call again: nothing was skipped), TooManyParked, TopicRecreated.
        """
        self._seek({*self._subscription.newly_assigned(), *self._unsure})
        records = self._subscription.poll(most, timeout_s)
        if not records:
            self._look_back()
            return 0
        ends = _ends(records)
        self._unsure |= set(ends)
        try:
            self._handle(records)
        except Gap as gap:
            log("database is behind what was read", level=logging.WARNING, service=self._ctx.room.name, error=str(gap))
            return len(records)
        self._unsure -= set(ends)
        self._reached |= ends
        self._subscription.commit(ends)
        return len(records)

    def assigned(self) -> int | None:
        """How many partitions it reads; None while its group has not settled that."""
        return self._subscription.assigned()

    def close(self) -> None:
        self._subscription.close()

    def _handle(self, records: Sequence[Record]) -> None:
        try:
            self._apply(records)
        except Exception as error:
            if database_away(error) or isinstance(error, Gap):
                raise
            # One bad record must not hold the rest: find it by going one at a time.
            for record in records:
                self._apply_or_park(record)
        else:
            self._parked_in_a_row = 0

    def _seek(self, spots: Collection[Spot]) -> None:
        """Read these from their stored positions on, if those count in the logs that are there. Raises TopicRecreated."""
        if not spots:
            return
        logs = self._subscription.log_ids({spot.topic for spot in spots})
        stored = self._stored(spots)
        for spot in sorted(spots):
            counted_in, log_id = stored[spot].log_id if spot in stored else None, logs.get(spot)
            if counted_in and log_id and counted_in != log_id:
                raise TopicRecreated(
                    f"{spot.topic}/{spot.partition} is another log than the one of which {stored[spot].next_offset} were handled: "
                    f"the topic was made anew. `meritcoin positions {self._ctx.room.name}` shows what can be done"
                )
        with self._ctx.engine.begin() as conn:
            conn.execute(_NAME_LOG, [
                {"topic": spot.topic, "partition": spot.partition, "next_offset": 0, "log_id": logs.get(spot)} for spot in sorted(spots)
            ])  # fmt: skip
        for spot in sorted(spots):
            position = stored[spot].next_offset if spot in stored else 0
            self._subscription.seek(spot, position)
            self._reached[spot] = position
            self._unsure.discard(spot)

    def _look_back(self) -> None:
        """While nothing comes, no batch would show that the database is an earlier one than we knew: so we look now and then."""
        self._empty_polls += 1
        if self._empty_polls % self._look_back_every:
            return
        stored = self._stored(self._reached)
        self._unsure |= {
            spot for spot, reached in self._reached.items() if spot not in stored or stored[spot].next_offset < reached
        }

    def _stored(self, spots: Collection[Spot]) -> dict[Spot, Any]:
        topics = {spot.topic for spot in spots}
        with self._ctx.engine.connect() as conn:
            rows = conn.execute(select(POSITIONS).where(POSITIONS.c.topic.in_(topics))).all()
        return {Spot(row.topic, row.partition): row for row in rows}

    def _apply_or_park(self, record: Record) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._apply([record])
            except Exception as error:
                if database_away(error) or isinstance(error, Gap):
                    raise
                log("event failed", level=logging.ERROR, exc=error, service=self._ctx.room.name,
                    topic=record.spot.topic, offset=record.offset, attempt=attempt)  # fmt: skip
                reason = f"{type(error).__name__}: {error}"
            else:
                self._parked_in_a_row = 0
                return
        self._apply([record], park_reason=reason)
        self._parked_in_a_row += 1
        if self._parked_in_a_row > MOST_PARKED_IN_A_ROW:
            raise TooManyParked(
                f"{self._ctx.room.name}: {self._parked_in_a_row} records parked in a row; last: {reason}"
            )

    def _apply(self, records: Sequence[Record], *, park_reason: str | None = None) -> None:
        began = time.perf_counter()
        with self._ctx.transaction() as tx:
            fresh = _take_positions(tx, records)
            held = _parked_keys(tx, fresh)
            good: list[Envelope[Any]] = []
            for record in fresh:
                reason = park_reason or ("an earlier event of this key is parked" if _slot(record) in held else None)
                if reason is None:
                    try:
                        good.append(decode(record.value))
                        continue
                    except Unreadable as error:
                        reason = f"unreadable: {error}"
                        log("event unreadable", level=logging.ERROR, service=tx.service,
                            topic=record.spot.topic, offset=record.offset)  # fmt: skip
                held.add(_slot(record))
                _park(tx, record, reason)
            done = handle(self._ctx, tx, good)
        self._ctx.metrics.handled(done, self._ctx.clock.now(), began)
        log("batch", service=self._ctx.room.name, records=len(records), handled=len(good))


_NAME_LOG = insert(POSITIONS)
_NAME_LOG = _NAME_LOG.on_conflict_do_update(
    index_elements=["topic", "partition"],
    set_={"log_id": _NAME_LOG.excluded.log_id},
    where=POSITIONS.c.log_id.is_(None),
)  # a position without one is from before positions named their logs

_ADVANCE = """
    UPDATE positions SET next_offset = reached.next_offset
    FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(ends)s::bigint[]) AS reached (topic, partition, next_offset)
    WHERE (positions.topic, positions.partition) = (reached.topic, reached.partition)"""


def _take_positions(tx: Tx, records: Sequence[Record]) -> list[Record]:
    """Lock and advance the positions of the records' spots; answers the records not seen before. Raises Gap: offsets leave none out, so
    what lies between would never be handled."""
    ends = _ends(records)
    start = [{"topic": s.topic, "partition": s.partition, "next_offset": 0} for s in sorted(ends)]
    tx.session.execute(insert(POSITIONS).on_conflict_do_nothing(), start)
    key = tuple_(POSITIONS.c.topic, POSITIONS.c.partition)
    rows = tx.session.execute(
        select(POSITIONS)
        .where(key.in_([(s.topic, s.partition) for s in ends]))
        .order_by(POSITIONS.c.topic, POSITIONS.c.partition)
        .with_for_update()
    )
    stored = {Spot(row.topic, row.partition): row.next_offset for row in rows}
    for spot, first in _starts(records).items():
        if first > stored[spot]:
            raise Gap(f"{spot.topic}/{spot.partition}: {stored[spot]} comes next, {first} was read")
    further = [(spot, end) for spot, end in ends.items() if end > stored[spot]]
    if further:
        rows_of(
            tx.session, _ADVANCE, topics=[spot.topic for spot, _ in further],
            partitions=[spot.partition for spot, _ in further], ends=[end for _, end in further],
        )  # fmt: skip
    return [r for r in records if r.offset >= stored[r.spot]]


def _ends(records: Iterable[Record]) -> dict[Spot, int]:
    ends: dict[Spot, int] = {}
    for record in records:
        ends[record.spot] = max(ends.get(record.spot, 0), record.offset + 1)
    return ends


def _starts(records: Iterable[Record]) -> dict[Spot, int]:
    starts: dict[Spot, int] = {}
    for record in records:
        starts.setdefault(record.spot, record.offset)  # in order per spot
    return starts


def _slot(record: Record) -> tuple[str, str]:
    return record.spot.topic, record.key


def _parked_keys(tx: Tx, records: Sequence[Record]) -> set[tuple[str, str]]:
    """Keys of these records that have something parked: what follows must wait behind it, or order is lost.

    The last one parked of each such key is locked until we commit. Otherwise a replay could end it at this moment, believe that nothing
    waits any more, and leave what we park behind it – and with it the key – waiting for nobody. Only we park of this spot, whose
    position we hold; but the last one may be ended before we have it, and then we look again.
    """
    slots = {_slot(record) for record in records}
    last = select(PARKED.c.topic, PARKED.c.key, func.max(PARKED.c.seq).label("seq")).group_by(
        PARKED.c.topic, PARKED.c.key
    )
    last = last.where(PARKED.c.ended_at.is_(None), PARKED.c.topic.in_({topic for topic, _ in slots}))
    while held := {row.seq: (row.topic, row.key) for row in tx.session.execute(last) if (row.topic, row.key) in slots}:
        still = select(PARKED.c.seq).where(PARKED.c.seq.in_(held), PARKED.c.ended_at.is_(None)).order_by(PARKED.c.seq)
        if len(tx.session.scalars(still.with_for_update(read=True)).all()) == len(held):
            break
    return set(held.values())


def _park(tx: Tx, record: Record, reason: str) -> None:
    tx.session.execute(
        PARKED.insert().values(
            topic=record.spot.topic,
            partition=record.spot.partition,
            offset=record.offset,
            key=record.key,
            value=record.value,
            reason=reason[:2000].replace(
                "\0", "\\x00"
            ),  # it may quote what was sent, and text in PostgreSQL has no NUL
            parked_at=tx.now,
        )
    )
