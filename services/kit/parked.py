"""Parked events: see them, replay them in order once the fault is mended, or drop one for a stated reason."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import aliased

from services.apis.errors import Refused
from services.events import decode
from services.kit.context import Context
from services.kit.db import PARKED
from services.kit.handle import handle
from services.kit.inbox import database_away

_OPEN = PARKED.c.ended_at.is_(None)


class Replayed(msgspec.Struct, frozen=True):
    """`failed`: number of each event that still cannot be handled -> why. What waits behind it was left alone."""

    done: int
    failed: dict[int, str]


def parked(ctx: Context, *, most: int = 200) -> list[Any]:
    """The open parked events of a service, oldest first (rows of `parked`)."""
    with ctx.engine.connect() as conn:
        return list(conn.execute(select(PARKED).where(_OPEN).order_by(PARKED.c.seq).limit(most)))


def parked_count(ctx: Context) -> int:
    with ctx.engine.connect() as conn:
        return conn.scalar(select(func.count()).where(_OPEN)) or 0


def first_of_each_key(ctx: Context, *, most: int = 200) -> list[Any]:
    """Of each key with open parked events the first (rows of `parked`, and `behind`: how many wait behind it), oldest first."""
    with ctx.engine.connect() as conn:
        return list(conn.execute(_firsts().limit(most)))


def one(ctx: Context, seq: int) -> tuple[Any, list[int]]:
    """A parked event, open or ended, and the numbers of those that wait behind it. Raises Refused for an unknown one."""
    with ctx.engine.connect() as conn:
        row = conn.execute(select(PARKED).where(PARKED.c.seq == seq)).one_or_none()
        if row is None:
            raise _unknown(ctx, seq)
        behind = select(PARKED.c.seq).where(
            _OPEN, PARKED.c.topic == row.topic, PARKED.c.key == row.key, PARKED.c.seq > seq
        )
        return row, list(conn.scalars(behind.order_by(PARKED.c.seq)))


def replay(ctx: Context, seq: int | None = None) -> Replayed:
    """Handle parked events again, oldest first, each in its own transaction; one that still fails holds only its own key.

    `seq`: only this one and what waits behind it. Also what consumers park meanwhile is handled. Raises Refused for an unknown `seq`, or
    one that waits behind another; OperationalError when the database is away.
    """
    only = None if seq is None else _slot_of_first(ctx, seq)
    done, failed = 0, dict[int, str]()
    while (next_ := _next(ctx, only, failed)) is not None:
        try:
            done += _replay_one(ctx, next_)
        except Exception as error:
            if database_away(error):
                raise
            failed[next_] = f"{type(error).__name__}: {error}"
    return Replayed(done, failed)


def drop(ctx: Context, seq: int, reason: str) -> None:
    """Give one parked event up, with the reason on record; what waits behind it can then be replayed. Raises Refused for an unknown or
    ended one, and for an empty reason."""
    if not reason.strip():
        raise Refused("reason_missing", "Say with --reason why this event is given up; the reason is kept.")
    with ctx.transaction() as tx:
        if not _end(tx.session, seq, tx.now, f"dropped: {reason}"):
            raise _unknown(ctx, seq)


def _firsts() -> Select[Any]:
    earlier, later = aliased(PARKED), aliased(PARKED)

    def of_this_key(other: Any) -> Any:
        return (other.c.topic == PARKED.c.topic) & (other.c.key == PARKED.c.key) & other.c.ended_at.is_(None)

    behind = select(func.count()).where(of_this_key(later), later.c.seq > PARKED.c.seq).scalar_subquery()
    ahead = select(earlier.c.seq).where(of_this_key(earlier), earlier.c.seq < PARKED.c.seq).exists()
    return select(PARKED, behind.label("behind")).where(_OPEN, ~ahead).order_by(PARKED.c.seq)


def _next(ctx: Context, only: tuple[str, str] | None, failed: dict[int, str]) -> int | None:
    query = _firsts().where(PARKED.c.seq.not_in(failed)).limit(1)
    if only:
        query = query.where(tuple_(PARKED.c.topic, PARKED.c.key) == only)
    with ctx.engine.connect() as conn:
        return conn.scalar(query.with_only_columns(PARKED.c.seq))


def _replay_one(ctx: Context, seq: int) -> int:
    """Answers 0 when another ended it meanwhile. Whoever parks behind it holds its row (see `inbox`), so what they park is seen next."""
    with ctx.transaction() as tx:
        row = tx.session.execute(select(PARKED).where(PARKED.c.seq == seq, _OPEN).with_for_update()).one_or_none()
        if row is None:
            return 0
        handle(ctx, tx, [decode(bytes(row.value))])
        _end(tx.session, seq, tx.now, "replayed")
    return 1


def _slot_of_first(ctx: Context, seq: int) -> tuple[str, str]:
    row, _ = one(ctx, seq)
    if row.ended_at is not None:
        raise _unknown(ctx, seq)
    ahead = select(func.min(PARKED.c.seq)).where(_OPEN, PARKED.c.topic == row.topic, PARKED.c.key == row.key)
    with ctx.engine.connect() as conn:
        first = conn.scalar(ahead)
    if first is not None and first < seq:
        raise Refused(
            "waits_behind", f"Event {seq} waits behind {first} of the same key: replay or drop that one first."
        )
    return row.topic, row.key


def _unknown(ctx: Context, seq: int) -> Refused:
    return Refused(
        "unknown_parked_event",
        f"Nothing waits as number {seq}: `meritcoin parked list {ctx.room.name}` shows what does.",
        {"seq": seq},
        status=404,
    )


def _end(session: Any, seq: int, at: Any, how: str) -> bool:
    ended = PARKED.update().where(PARKED.c.seq == seq, _OPEN).returning(PARKED.c.seq)
    return session.scalar(ended.values(ended_at=at, ended_how=how[:2000])) is not None
