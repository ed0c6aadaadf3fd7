"""How far a service has handled each partition it hears, and what an operator decides when a topic was made anew."""

from __future__ import annotations

import logging
from collections.abc import Collection

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.apis.errors import Refused
from services.kit.bus import Bus, Spot
from services.kit.context import Context
from services.kit.db import POSITIONS
from services.kit.telemetry import log


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """`handled`: events of the log it counts in; `end`: where the log ends that is there now. `made_anew`: these are two."""

    spot: Spot
    handled: int
    end: int
    made_anew: bool

    @property
    def waiting(self) -> int:
        return self.end if self.made_anew else self.end - self.handled


def positions(ctx: Context, bus: Bus, topics: Collection[str]) -> list[Position]:
    """One for each partition. Raises BusAway."""
    ends, logs = bus.ends(topics), bus.log_ids(topics)
    with ctx.engine.connect() as conn:
        stored = {Spot(row.topic, row.partition): row for row in conn.execute(select(POSITIONS))}
    found = []
    for spot, end in sorted(ends.items()):
        handled, log_id = (stored[spot].next_offset, stored[spot].log_id) if spot in stored else (0, None)
        other = bool(log_id and log_id != logs.get(spot)) or handled > end
        found.append(Position(spot=spot, handled=handled, end=end, made_anew=other))
    return found


def restart(ctx: Context, bus: Bus, topic: str, reason: str) -> None:
    """Hear the topic as it is now from its beginning. Events taken before are known by their ids and change nothing when they come again;
    those that were dropped once are parked again. Raises Refused without a reason, BusAway."""
    if not reason.strip():
        raise Refused("reason_missing", "Say with --reason why this topic is heard from its beginning; it is logged.")
    rows = [
        {"topic": spot.topic, "partition": spot.partition, "next_offset": 0, "log_id": log_id}
        for spot, log_id in sorted(bus.log_ids([topic]).items())
    ]
    with ctx.engine.begin() as conn:
        begun = insert(POSITIONS)
        new = {"next_offset": 0, "log_id": begun.excluded.log_id}
        conn.execute(begun.on_conflict_do_update(index_elements=["topic", "partition"], set_=new), rows)
    log("topic heard from its beginning", level=logging.WARNING, service=ctx.room.name, topic=topic, reason=reason)
