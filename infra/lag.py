"""How far a service is behind: what its topics hold beyond the positions stored in its own database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import select

from services.kit.bus import Bus, Spot
from services.kit.context import Context
from services.kit.db import POSITIONS
from services.kit.inbox import topics_of


def ends_for(bus: Bus, contexts: Iterable[Context]) -> Mapping[Spot, int]:
    """The ends of every topic these services hear, asked once. Raises BusAway."""
    return bus.ends(frozenset().union(*(topics_of(ctx) for ctx in contexts)))


def behind(ctx: Context, ends: Mapping[Spot, int], *, every: bool = False) -> dict[Spot, int]:
    """Spot -> events not handled yet, for each spot that has some, or for `every` one."""
    with ctx.engine.connect() as conn:
        stored = {Spot(row.topic, row.partition): row.next_offset for row in conn.execute(select(POSITIONS))}
    heard = topics_of(ctx)
    missing = {spot: end - stored.get(spot, 0) for spot, end in ends.items() if spot.topic in heard}
    return {spot: count for spot, count in sorted(missing.items()) if count or every}
