"""Which topics there must be and what they must guarantee; what is to be done about those that are there. Decides, does nothing."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from services.events import CONTRACTS
from services.kit.settings import Settings

KEPT_FOR_GOOD = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "unclean.leader.election.enable": "false",
}
MIN_IN_SYNC = "min.insync.replicas"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What every topic must guarantee. Nothing is ever deleted by age or size: events are the record."""

    partitions: int
    replication: int
    min_in_sync: int

    @property
    def configuration(self) -> dict[str, str]:
        return {**KEPT_FOR_GOOD, MIN_IN_SYNC: str(self.min_in_sync)}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A topic as it is. `replication`: of its partition with the fewest copies."""

    partitions: int
    replication: int
    configuration: dict[str, str]
    empty: bool


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do: make the topic, give it this many partitions, or set these configuration values."""

    topic: str
    create: bool = False
    partitions: int | None = None
    configuration: dict[str, str] = {}

    def __str__(self) -> str:
        if self.create:
            return f"{self.topic}: make it"
        if self.partitions:
            return f"{self.topic}: add partitions, {self.partitions} in all"
        return f"{self.topic}: set {', '.join(f'{k}={v}' for k, v in sorted(self.configuration.items()))}"


def wanted_of(settings: Settings) -> Wanted:
    return Wanted(
        partitions=settings.kafka_partitions,
        replication=settings.kafka_replication,
        min_in_sync=settings.kafka_min_in_sync,
    )


def topic_names() -> list[str]:
    """One topic per publishing service."""
    return sorted({contract.topic for contract in CONTRACTS.values()})


def plan(names: list[str], wanted: Wanted, found: Mapping[str, Found]) -> tuple[list[Step], list[str]]:
    """What is to be done, and what is refused (sentences). Where anything is refused, nothing should be done."""
    steps: list[Step] = []
    refused: list[str] = []
    for name in names:
        there = found.get(name)
        if there is None:
            steps.append(Step(topic=name, create=True))
            continue
        refused += [f"{name}: {sentence}" for sentence in _refusals(wanted, there)]
        if wanted.partitions > there.partitions:
            steps.append(Step(topic=name, partitions=wanted.partitions))
        if changed := {k: v for k, v in wanted.configuration.items() if there.configuration.get(k) != v}:
            steps.append(Step(topic=name, configuration=changed))
    return steps, refused


def _refusals(wanted: Wanted, there: Found) -> list[str]:
    refused = []
    if wanted.partitions < there.partitions:
        refused.append(f"it has {there.partitions} partitions; they cannot be reduced to {wanted.partitions}")
    if wanted.partitions > there.partitions and not there.empty:
        refused.append(
            f"it has {there.partitions} partitions and holds events; with {wanted.partitions} a key would move to another partition, "
            "and what follows could overtake what came before"
        )
    if wanted.replication < there.replication:
        refused.append(f"{there.replication} brokers keep it; {wanted.replication} would be less safe")
    if wanted.replication > there.replication:
        refused.append(
            f"{there.replication} brokers keep it, {wanted.replication} should; move its replicas with Kafka's own tools"
        )
    in_sync = int(there.configuration.get(MIN_IN_SYNC, "1"))
    if wanted.min_in_sync < in_sync:
        refused.append(f"{in_sync} brokers acknowledge each event; {wanted.min_in_sync} would be less safe")
    return refused
