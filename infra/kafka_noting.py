"""What a group of Kafka's gives a member and takes from it, noted until the member's own thread sees to it."""

from __future__ import annotations

from collections.abc import Iterable

from kafka import ConsumerRebalanceListener
from kafka.structs import TopicPartition

from services.kit.bus import Spot


class Noting(ConsumerRebalanceListener):  # type: ignore[misc]
    """Called on the client's own loop, where heartbeats wait: only notes what came and went."""

    def __init__(self, new: set[Spot], positions: dict[Spot, int]) -> None:
        self._new, self._positions = new, positions

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        for at in assigned:
            self._positions.pop(Spot(at.topic, at.partition), None)
            self._new.add(Spot(at.topic, at.partition))

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        for at in revoked:
            self._positions.pop(Spot(at.topic, at.partition), None)
            self._new.discard(Spot(at.topic, at.partition))

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self.on_partitions_revoked(lost)
