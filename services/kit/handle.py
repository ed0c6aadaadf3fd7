"""Events to a service's handlers: each fresh id once, many at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from services.events import Envelope
from services.kit.bulk import array, copy_rows, rows_of
from services.kit.context import Context
from services.kit.db import Tx
from services.kit.tracing import handling

_KNOWN = "SELECT event_id FROM inbox WHERE event_id = ANY(%(ids)s::uuid[])"
_TAKEN = {"event_id": "uuid", "taken_at": "timestamptz"}


def handle(ctx: Context, tx: Tx, envelopes: Sequence[Envelope[Any]]) -> Sequence[Envelope[Any]]:
    """Run the service's handlers over events, each fresh id once, in runs of one type. Answers those that were."""
    handlers = ctx.room.handlers
    wanted = [e for e in envelopes if type(e.data) in handlers]
    if not wanted:
        return []
    firsts = {e.id: e for e in reversed(wanted)}  # of an event that came twice, the first
    known = {row[0] for row in rows_of(tx.session, _KNOWN, ids=array(firsts))}
    fresh = wanted
    if known or len(firsts) < len(wanted):
        fresh = [e for e in wanted if firsts[e.id] is e and e.id not in known]
    # Should another consumer take one of them at this moment, its key refuses the second, and the batch is tried again.
    copy_rows(tx.session, "inbox", _TAKEN, ((e.id, tx.now) for e in fresh))
    for batch in runs(fresh):
        tx.correlation_id, tx.causation_id = batch[0].correlation_id, batch[0].id
        with handling(tx.trail, tx.service, batch):
            handlers[type(batch[0].data)](tx, batch)
    return fresh


def runs(events: Iterable[Envelope[Any]]) -> list[list[Envelope[Any]]]:
    """Events of one type together, as few runs as keep the order of each key. Between keys a bus promises none, and a run costs the same
    dozens of round trips to the database for one event as for a thousand."""
    made: list[list[Envelope[Any]]] = []
    of_type: defaultdict[type, list[int]] = defaultdict(list)  # where its runs are
    reached: dict[str, int] = {}  # key -> the run its last event is in
    for event in events:
        mine = of_type[type(event.data)]
        which = bisect_left(mine, reached.get(event.key, 0))
        if which == len(mine):
            mine.append(len(made))
            made.append([])
        reached[event.key] = mine[which]
        made[mine[which]].append(event)
    return made
