"""`meritcoin forgotten SERVICE`: what the town was told in a service's name and its own database does not know. Reads, changes nothing.

After a database was restored to an earlier moment than its last event, others have heard of what it no longer remembers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from infra.cli_asking import show
from infra.parked import contexts
from infra.rooms import ROOMS
from services.events import CONTRACTS
from services.kit.bus import Bus, Record
from services.kit.context import Context
from services.kit.db import OUTBOX
from services.kit.ids import new_id
from services.kit.settings import Settings

Add = Callable[[str, Callable[[Settings, argparse.Namespace], int], str], argparse.ArgumentParser]
BATCH = 2000
POLL_S = 0.5


class Told(msgspec.Struct, frozen=True):
    """An event as it travelled, whatever its type."""

    id: UUID
    type: str
    key: str
    occurred_at: datetime
    data: dict[str, Any]

    def what(self) -> tuple[str, str, bytes]:
        """The same for an event that was made again, later and with an id of its own, when what caused it was heard again."""
        said = {name: value for name, value in self.data.items() if not name.endswith("_at")}
        return self.type, self.key, msgspec.json.encode(said, order="sorted")


def forgotten(settings: Settings, args: argparse.Namespace) -> int:
    """Print the events of its topic that are not in its outbox, oldest first per partition; exit 1 if there are any."""
    from infra.buses import bus_of
    from infra.embedded import start_postgres

    with contexts(settings, args.service) as (ctx,):
        bus = bus_of(settings, settings.database_url or start_postgres(settings.var))
        try:
            found = [told for records in _all(bus, args.service) for told in unknown(ctx, records)]
        finally:
            bus.close()
    lines = [f"{told.occurred_at:%Y-%m-%d %H:%M:%S} {told.type} key {told.key} ({told.id})" for told in found]
    show(
        args,
        found,
        lambda: [*lines, f"{len(found)} events were told in the name of {args.service} that it does not know."],
    )
    return 1 if found else 0


def unknown(ctx: Context, records: Sequence[Record]) -> list[Told]:
    """Those of a service's own events that are not in its outbox, neither themselves nor made again."""
    told = [read for record in records if (read := _read(record))]
    with ctx.engine.connect() as conn:
        known = set(conn.scalars(select(OUTBOX.c.event_id).where(OUTBOX.c.event_id.in_([t.id for t in told]))))
        missing = [t for t in told if t.id not in known]
        if not missing:
            return []
        again = select(OUTBOX.c.value).where(OUTBOX.c.key.in_({t.key for t in missing}))
        made = {_decode(bytes(value)).what() for value in conn.scalars(again)}
    return [t for t in missing if t.what() not in made]


def _all(bus: Bus, topic: str) -> Iterator[Sequence[Record]]:
    """Every record of a topic up to where it ends now, in batches."""
    left = {spot: end for spot, end in bus.ends([topic]).items() if end}
    subscription = bus.subscribe(f"forgotten-{new_id()}", [topic])
    try:
        while left:
            for spot in subscription.newly_assigned():
                subscription.seek(spot, 0)
            records = subscription.poll(BATCH, POLL_S)
            for record in records:
                if record.offset + 1 >= left.get(record.spot, 0):
                    left.pop(record.spot, None)
            yield records
    finally:
        subscription.close()


_decode = msgspec.json.Decoder(Told).decode


def _read(record: Record) -> Told | None:
    """None for what nobody can read: it is parked wherever it is heard."""
    try:
        return _decode(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def add_commands(add: Add) -> None:
    """Register the command with the command line."""
    publishers: dict[str, Any] = {"choices": [name for name in ROOMS if name in {c.topic for c in CONTRACTS.values()}]}
    command = add(
        "forgotten", forgotten, "after a restore: events told in a service's name that its database does not know"
    )
    command.add_argument("service", metavar="SERVICE", **publishers)
    command.add_argument("--json", action="store_true", help="print JSON")
