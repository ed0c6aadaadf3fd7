"""What goes wrong, drawn from the seed: processes die and connections break around every commit, the bus tears, repeats and delays.

All of it is put around the real code from outside. A process that dies is a `Crash`: no `Exception`, so no handler mends it on the way.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import Engine

from services.kit.bus import Bus, BusAway, Message, Record, Spot, Subscription


class Crash(BaseException):
    """The process dies at this point."""


class Faults:
    """Decides at each point whether something goes wrong there, and counts what did. Nothing does while `on` is False."""

    def __init__(self, seed: int, *, rate: float) -> None:
        self.draw, self.rate, self.on = random.Random(f"faults {seed}"), rate, False  # noqa: S311 - must replay exactly
        self.count: Counter[str] = Counter()
        self.stuck: set[tuple[str, Spot]] = set()  # the consumers, and what of the bus does not reach them

    def at(self, point: str, *kinds: str, times: int = 1) -> str | None:
        """What goes wrong at this point, so many `times` as often as elsewhere; None mostly."""
        if not self.on or self.draw.random() >= self.rate * times:
            return None
        kind = self.draw.choice(kinds)
        self.count[f"{kind} {point}"] += 1
        return kind


class SimulatedClock:
    """A clock that is moved forward, and that a fault may set a little wrong either way. In UTC, as the machine's."""

    def __init__(self, start: datetime) -> None:
        self._now, self.wrong_by = start, timedelta()

    def now(self) -> datetime:
        return self._now + self.wrong_by

    def move_to(self, instant: datetime) -> None:
        self._now = max(self._now, instant.astimezone(UTC))


def watch_commits(engine: Engine, name: str, faults: Faults) -> None:
    """Let the process die, or its connection break, just before or just after each commit of this engine."""
    commit = engine.dialect.do_commit

    def do_commit(connection: Any) -> None:
        kinds = ["connection lost before", "connection lost after"]
        if threading.current_thread() is threading.main_thread():
            kinds += [
                "crash before",
                "crash after",
            ]  # the thread that writes sales dies with its process, not by itself
        fault = faults.at(f"commit of {name}", *kinds)
        if fault == "crash before":
            raise Crash
        if fault == "connection lost before":
            connection.driver_connection.close()
        commit(connection)
        if fault == "crash after":
            raise Crash
        if fault == "connection lost after":
            connection.driver_connection.close()
            raise psycopg.OperationalError("the connection was lost while the answer was on its way")

    engine.dialect.do_commit = do_commit  # type: ignore[assignment, method-assign]


class FaultyBus:
    """A bus that keeps its promises and no more."""

    def __init__(self, bus: Bus, faults: Faults) -> None:
        self._bus, self._faults = bus, faults

    def publish(self, messages: Sequence[Message]) -> None:
        kinds = ("bus away before", "bus away after", "bus away amid", "crash before", "crash after", "twice")
        fault = self._faults.at("publish", *kinds, times=4)  # there are many fewer of them than commits
        if fault == "bus away before":
            raise BusAway("a simulated fault")
        if fault == "crash before":
            raise Crash
        if fault == "bus away amid":
            self._bus.publish(messages[: self._faults.draw.randint(0, len(messages))])
            raise BusAway("a simulated fault")
        self._bus.publish(messages)
        if fault == "twice":
            self._bus.publish(messages)
        if fault == "crash after":
            raise Crash
        if fault == "bus away after":
            raise BusAway("a simulated fault")

    def subscribe(self, group: str, topics: Collection[str]) -> Subscription:
        return FaultySubscription(self._bus.subscribe(group, topics), self._faults, group)

    def ends(self, topics: Collection[str]) -> Mapping[Spot, int]:
        return self._bus.ends(topics)

    def log_ids(self, topics: Collection[str]) -> Mapping[Spot, str]:
        return self._bus.log_ids(topics)

    def close(self) -> None:
        self._bus.close()


class FaultySubscription:
    """Delivers late (a partition at a time may fall behind the others, so keys overtake each other), in small batches, and again."""

    def __init__(self, inner: Subscription, faults: Faults, group: str) -> None:
        self._inner, self._faults, self._group = inner, faults, group

    def newly_assigned(self) -> Collection[Spot]:
        return self._inner.newly_assigned()

    def seek(self, spot: Spot, offset: int) -> None:
        self._inner.seek(spot, offset)

    def log_ids(self, topics: Collection[str]) -> Mapping[Spot, str]:
        return self._inner.log_ids(topics)

    def poll(self, max_records: int, timeout_s: float) -> Sequence[Record]:
        draw = self._faults.draw
        if self._faults.on and draw.random() < 0.2:
            max_records = draw.randint(1, 3)
        records = self._inner.poll(max_records, timeout_s)
        for spot in sorted({record.spot for record in records}):
            mine = [record.offset for record in records if record.spot == spot]
            late_or_again = draw.random() if self._faults.on else 1.0
            if late_or_again < 0.15 or (self._faults.on and (self._group, spot) in self._faults.stuck):
                self._inner.seek(spot, mine[0])
                records = [record for record in records if record.spot != spot]
            elif late_or_again < 0.25:
                self._inner.seek(spot, max(0, mine[0] - draw.randint(1, 5)))
        return records

    def assigned(self) -> int | None:
        return self._inner.assigned()

    def commit(self, positions: Mapping[Spot, int]) -> None:
        if self._faults.at(f"telling the bus how far {self._group} is", "crash"):
            raise Crash
        self._inner.commit(positions)

    def close(self) -> None:
        self._inner.close()
