"""What an admin client can tell of topics: where their logs end, and which logs they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from services.kit.bus import BusAway, Spot, TopicRecreated


@contextmanager
def away(what: str) -> Iterator[None]:
    """What goes wrong with the brokers is told as BusAway."""
    try:
        yield
    except KafkaError as error:
        raise BusAway(f"{what}: {error}") from error


def ends_of(admin: KafkaAdminClient, topics: Collection[str]) -> dict[Spot, int]:
    if not topics:
        return {}
    found = _described(admin, topics)
    partitions = [TopicPartition(name, p["partition_index"]) for name, t in found.items() for p in t["partitions"]]
    offsets = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    return {Spot(at.topic, at.partition): found.offset for at, found in sorted(offsets.items())}


def _described(admin: KafkaAdminClient, topics: Collection[str]) -> dict[str, Any]:
    found = {t["name"]: t for t in admin.describe_topics(sorted(topics)) if not t["error_code"]}
    if missing := sorted(set(topics) - found.keys()):
        raise BusAway(f"there is no topic {', '.join(missing)}")
    return found


def log_ids_of(admin: KafkaAdminClient, topics: Collection[str]) -> dict[Spot, str]:
    if not topics:
        return {}
    found = _described(admin, topics)
    return {Spot(name, p["partition_index"]): str(t["topic_id"]) for name, t in found.items() for p in t["partitions"]}


def made_anew(spot: Spot, end: int, offset: int) -> TopicRecreated:
    return TopicRecreated(
        f"{spot.topic}/{spot.partition} ends at {end}, but {offset} were handled already: the topic was made anew"
    )


def other_log(spot: Spot) -> TopicRecreated:
    return TopicRecreated(
        f"{spot.topic}/{spot.partition} is another log than the one that was read: the topic was made anew"
    )
