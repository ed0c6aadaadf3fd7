"""Publishing and reading in tests of a bus. Nothing waits longer than `PATIENCE_S`, and nothing waits without asking."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from services.kit.bus import Bus, Message, Record, Spot, Subscription
from services.kit.ids import new_id

PATIENCE_S = 60.0
MakeBus = Callable[..., Bus]  # given the topics that must exist


def fresh_topic() -> str:
    return f"topic-{new_id()}"


def fresh_group() -> str:
    return f"readers-{new_id()}"


def message(topic: str, key: str, value: bytes) -> Message:
    return Message(topic=topic, key=key, value=value, headers=(("id", b"1"),))


@contextmanager
def reading(bus: Bus, topic: str, group: str | None = None) -> Iterator[Subscription]:
    subscription = bus.subscribe(group or fresh_group(), [topic])
    try:
        yield subscription
    finally:
        subscription.close()


def read(subscription: Subscription, most: int = 500, positions: dict[Spot, int] | None = None) -> list[Record]:
    """One poll, from `positions` (else the start) in what is newly assigned."""
    for spot in subscription.newly_assigned():
        subscription.seek(spot, (positions or {}).get(spot, 0))
    return list(subscription.poll(most, 0.1))


def read_all(bus: Bus, topic: str, group: str | None = None, most: int = 500) -> list[Record]:
    """Every record up to where the log ends now."""
    wanted = sum(bus.ends([topic]).values())
    found: list[Record] = []
    with reading(bus, topic, group) as subscription:
        until(lambda: len(found) >= wanted, lambda: found.extend(read(subscription, most)))
    return found


def until(done: Callable[[], bool], step: Callable[[], object], *, within_s: float = PATIENCE_S) -> None:
    """Repeat `step`, which waits for something itself, until done."""
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline, f"not done after {within_s:.0f} s"
        step()


def assigned(subscription: Subscription) -> list[Spot]:
    """What a lone member of a group is given: waits for the first assignment. Nothing is sought."""
    spots: list[Spot] = []

    def step() -> None:
        subscription.poll(1, 0.1)
        spots.extend(subscription.newly_assigned())

    spots.extend(subscription.newly_assigned())
    until(lambda: bool(spots), step)
    return sorted(spots)


class Group:
    """Members of one group, each in a thread of its own, with positions kept as services keep them: together with the effect."""

    def __init__(self, bus: Bus, topic: str) -> None:
        self._bus, self.topic, self.name = bus, topic, fresh_group()
        self.changed = threading.Condition()
        self.positions: dict[Spot, int] = {}
        self.handled: list[Record] = []
        self.deliveries: list[tuple[str, Spot]] = []  # (member, spot) of every record, however often
        self.faults: list[BaseException] = []

    def count(self) -> int:
        return len(self.handled)

    def wait_until(self, done: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: bool(self.faults) or done(), PATIENCE_S), (
                f"not after {PATIENCE_S:.0f} s"
            )
        if self.faults:
            raise self.faults[0]

    @contextmanager
    def member(self, name: str) -> Iterator[None]:
        leaving = threading.Event()
        thread = threading.Thread(target=self._live, args=(name, leaving), name=name)
        thread.start()
        try:
            yield
        finally:
            leaving.set()
            thread.join()

    def _live(self, name: str, leaving: threading.Event) -> None:
        try:
            with reading(self._bus, self.topic, self.name) as subscription:
                while not leaving.is_set():
                    self._take(name, read(subscription, 20, self.positions))
        except BaseException as fault:
            with self.changed:
                self.faults.append(fault)
                self.changed.notify_all()

    def _take(self, name: str, records: list[Record]) -> None:
        """Below its position a record was handled already; beyond it, one was passed over."""
        with self.changed:
            for record in records:
                self.deliveries.append((name, record.spot))
                position = self.positions.get(record.spot, 0)
                assert record.offset <= position, f"{record.spot} jumped from {position} to {record.offset}"
                if record.offset == position:
                    self.positions[record.spot] = position + 1
                    self.handled.append(record)
            self.changed.notify_all()
