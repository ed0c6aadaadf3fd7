"""Parked events: see them, replay them in order once the fault is mended, or drop one for a stated reason."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from services.apis.errors import Refused, not_found
from services.events import decode
from services.kit.context import Context
from services.kit.db import PARKED
from services.kit.inbox import handle


def parked(ctx: Context, *, most: int = 200) -> list[Any]:
    """The open parked events of a service, oldest first (rows of `parked`)."""
    with ctx.engine.connect() as conn:
        return list(conn.execute(select(PARKED).where(PARKED.c.ended_at.is_(None)).order_by(PARKED.c.seq).limit(most)))


def parked_count(ctx: Context) -> int:
    with ctx.engine.connect() as conn:
        return conn.scalar(select(func.count()).where(PARKED.c.ended_at.is_(None))) or 0


def replay(ctx: Context, *, most: int = 200) -> int:
    """Handle parked events again, oldest first, each in its own transaction; stops at the first that still fails. Answers how many."""
    done = 0
    for row in parked(ctx, most=most):
        with ctx.transaction() as tx:
            handle(ctx, tx, [decode(bytes(row.value))])
            _end(tx.session, row.seq, tx.now, "replayed")
        done += 1
    return done


def drop(ctx: Context, seq: int, reason: str) -> None:
    """Give one parked event up, with the reason on record. Raises Refused for an unknown one or an empty reason."""
    if not reason.strip():
        raise Refused("reason_missing", "Say why this event is given up; the reason is kept.")
    with ctx.transaction() as tx:
        if not _end(tx.session, seq, tx.now, f"dropped: {reason}"):
            raise not_found("parked event", seq)


def _end(session: Any, seq: int, at: Any, how: str) -> bool:
    ended = PARKED.update().where(PARKED.c.seq == seq, PARKED.c.ended_at.is_(None)).returning(PARKED.c.seq)
    return session.scalar(ended.values(ended_at=at, ended_how=how[:2000])) is not None
