"""The bus as the services see it: an ordered log per topic and partition. `infra/local_bus.py` and `infra/kafka_bus.py` are it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

MAX_MESSAGE_BYTES = 900_000
MAX_EVENT_BYTES = 800_000  # of an event itself: its key and headers travel too


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Something to publish. Messages of one topic and key stay in order."""

    topic: str
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class Spot(msgspec.Struct, frozen=True, order=True):
    """One partition of one topic."""

    topic: str
    partition: int


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A message as read: `offset` counts from 0 within its spot."""

    spot: Spot
    offset: int
    key: str
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class MessageTooLarge(ValueError):
    """A message no bus takes, however often it is tried; nothing of what came with it was written."""


class BusAway(Exception):
    """The bus cannot be reached, or did not take everything. Nothing is lost: try again."""


class TopicRecreated(Exception):
    """A stored position counts in another log than the one that is there: the topic was deleted and made anew. A person must decide."""


def refuse_oversized(messages: Sequence[Message]) -> None:
    """Raises MessageTooLarge if one of them has more than MAX_MESSAGE_BYTES, so that no broker has to refuse it halfway."""
    for m in messages:
        size = len(m.key.encode()) + len(m.value)
        for name, value in m.headers:
            size += len(name) + len(value)
        if size > MAX_MESSAGE_BYTES:
            raise MessageTooLarge(
                f"a message of key {m.key} for {m.topic} has {size} bytes; at most {MAX_MESSAGE_BYTES} can be sent"
            )


class Subscription(Protocol):
    """One member of a consumer group."""

    def newly_assigned(self) -> Collection[Spot]:
        """Spots given to this member and not sought yet; the caller seeks each before polling on."""

    def seek(self, spot: Spot, offset: int) -> None:
        """Read `spot` from `offset`. Raises TopicRecreated if the log ends before it."""

    def log_ids(self, topics: Collection[str]) -> Mapping[Spot, str]:
        """What tells a log from one made anew under the same name, which has another id. Raises BusAway."""

    def poll(self, max_records: int, timeout_s: float) -> Sequence[Record]:
        """The next records, in order per spot; empty when there is nothing within `timeout_s` seconds."""

    def assigned(self) -> int | None:
        """How many partitions this member reads; None while the group has not settled that. Asked by the thread that polls."""

    def commit(self, positions: Mapping[Spot, int]) -> None:
        """Tell the bus how far we are. Only so that lag can be watched: the true positions are in the service's database."""

    def close(self) -> None: ...


class Bus(Protocol):
    def publish(self, messages: Sequence[Message]) -> None:
        """Return only when all messages are durable. Raises BusAway; then any part of them may have been written."""

    def subscribe(self, group: str, topics: Collection[str]) -> Subscription: ...

    def ends(self, topics: Collection[str]) -> Mapping[Spot, int]:
        """Where each partition's log ends (the offset of the next message). Raises BusAway, also for an unknown topic."""

    def log_ids(self, topics: Collection[str]) -> Mapping[Spot, str]:
        """As of a subscription. Raises BusAway, also for an unknown topic."""

    def close(self) -> None: ...
