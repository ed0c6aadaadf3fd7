"""One member of a consumer group on Kafka: what it reads, from the positions it is told, and nothing it was not given."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import MemberState, OffsetAndMetadata, TopicPartition

from infra.kafka_asking import away, made_anew, other_log
from infra.kafka_keys import key_of
from infra.kafka_noting import Noting
from services.kit.bus import BusAway, Record, Spot, TopicRecreated

JOINING_MS = 50
GATHERING_MS = 5  # of what was published together, the rest is so far behind the first
GATHERED_S = 0.02  # … and for all of it we wait so long


class KafkaSubscription:
    """One member of a group. What was assigned but not yet sought is not delivered: Kafka would begin at its own positions, not ours."""

    def __init__(
        self, consumer: KafkaConsumer, spots: Collection[Spot], patience_s: float, log_ids: Callable[[Collection[str]], dict[Spot, str]]
    ) -> None:  # fmt: skip
        self._consumer, self._ask_log_ids = consumer, log_ids
        self._logs: dict[Spot, str] = {}  # as they were when last asked for
        self._patience_s, self._patience_ms = patience_s, int(patience_s * 1000)
        self._new: set[Spot] = set()
        self._next: dict[Spot, int] = {}
        self._known_ends: dict[Spot, int] = {}
        self._checked = time.monotonic()
        self._any = min(spots)
        consumer.subscribe(sorted({spot.topic for spot in spots}), listener=Noting(self._new, self._next))
        try:
            self._ask_ends(spots)  # a leader who knows no partitions yet would assign none
        except BusAway:
            self.close()
            raise

    def newly_assigned(self) -> Collection[Spot]:
        new = sorted(self._new)
        if new:
            self._known_ends |= self._ask_ends(new)
        return new

    def seek(self, spot: Spot, offset: int) -> None:
        # An end only grows, so one known earlier is enough unless it is too small.
        if offset > self._known_ends.get(spot, -1):
            self._known_ends |= self._ends_beyond({spot: offset})
        end = self._known_ends[spot]
        if offset > end:
            raise made_anew(spot, end, offset)
        with suppress(ValueError):  # no longer ours: whoever has it now seeks for itself
            self._consumer.seek(_there(spot), offset)
            self._next[spot] = offset
        self._new.discard(spot)

    def log_ids(self, topics: Collection[str]) -> dict[Spot, str]:
        now = self._ask_log_ids(topics)
        self._logs |= now
        return now

    def poll(self, max_records: int, timeout_s: float) -> Sequence[Record]:
        """Raises BusAway when the brokers do not answer, TopicRecreated when a log ends before what was read of it, or is another one."""
        if time.monotonic() - self._checked > self._patience_s:
            self._check()
        with away("the brokers cannot be reached"):
            found = self._consumer.poll(timeout_ms=int(timeout_s * 1000), max_records=max_records)
        records = self._all_taken(found)
        # The client has answered with what it fetched at the last poll, and only now fetches what came since.
        gathered = time.monotonic() + GATHERED_S
        while found and (room := max_records - len(records)) > 0 and time.monotonic() < gathered and self._settled():
            try:
                found = self._consumer.poll(timeout_ms=GATHERING_MS, max_records=room)
            except KafkaError:
                break  # the next poll will say so; these records are here
            records += self._all_taken(found)
        with suppress(KafkaError) if records else away("the brokers cannot be reached"):
            self._join()
        return [record for record in records if record.spot in self._next]

    def _all_taken(self, found: Mapping[Any, Sequence[Any]]) -> list[Record]:
        return [record for at, run in found.items() for record in self._taken(Spot(at.topic, at.partition), run)]

    def _check(self) -> None:
        """Now and then, before a poll: the client waits in silence for brokers that are gone, and follows a log that was cut off or made
        anew to wherever it ends now."""
        logs = self._ask_log_ids({spot.topic for spot in self._next})
        for spot in self._next:
            if self._logs.get(spot, logs.get(spot)) != logs.get(spot):
                raise other_log(spot)
        ends = self._ends_beyond(self._next or {self._any: 0})
        for spot, offset in self._next.items():
            if ends.get(spot, offset) < offset:
                raise made_anew(spot, ends[spot], offset)

    def _settled(self) -> bool:
        return bool(self._consumer.group_metadata().state == MemberState.STABLE)

    def _join(self) -> None:
        """Finish a join that was begun. One that is answered while nobody waits for it is thrown away and begun anew, for all members of
        the group, and handling records takes a while. One that new metadata set off is even forgotten when a poll ends amid it, and the
        member is dumb for good: so it is asked for again, which finds the join in flight."""
        deadline = time.monotonic() + self._patience_s
        while not self._settled() and time.monotonic() < deadline:
            self._consumer._coordinator.request_rejoin()
            self._consumer._coordinator.poll(timeout_ms=JOINING_MS)

    def assigned(self) -> int | None:
        return len(self._consumer.assignment()) if self._settled() else None

    def commit(self, positions: Mapping[Spot, int]) -> None:
        with suppress(KafkaError):  # lag is seen a little later; nothing depends on it
            self._consumer.commit_async({_there(spot): OffsetAndMetadata(at, "", -1) for spot, at in positions.items()})

    def close(self) -> None:
        with suppress(KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=self._patience_ms)

    def _taken(self, spot: Spot, run: Sequence[Any]) -> list[Record]:
        """Records that continue where we are. After an offset out of range the client goes on elsewhere, without a word."""
        expected = self._next.get(spot)
        if expected is None:
            return []
        # Known without asking: that fetching failed while the topic was gone made the client look for it again.
        if (log := self._consumer._cluster.topic_id(spot.topic)) and str(log) != self._logs.get(spot, str(log)):
            raise other_log(spot)
        if run[0].offset != expected:
            raise TopicRecreated(
                f"{spot.topic}/{spot.partition} goes on at {run[0].offset}, but {expected} comes next: "
                "the topic was made anew, or records were removed before they were read"
            )
        self._next[spot] = run[-1].offset + 1
        self._known_ends[spot] = max(self._known_ends.get(spot, 0), run[-1].offset + 1)
        return [
            Record(spot=spot, offset=r.offset, key=key_of(r.key), value=r.value or b"", headers=tuple(r.headers))
            for r in run
        ]  # fmt: skip

    def _ends_beyond(self, positions: Mapping[Spot, int]) -> dict[Spot, int]:
        """The ends, asked for again within our patience while one lies before its position. Brokers that were all killed at once begin with
        the ends they last wrote down, some seconds old, until those with copies have met: nothing is lost then, and nothing made anew."""
        deadline = time.monotonic() + self._patience_s
        while True:
            ends = self._ask_ends(positions)
            early = [spot for spot, offset in positions.items() if ends.get(spot, offset) < offset]
            if not early or time.monotonic() > deadline:
                return ends
            time.sleep(JOINING_MS / 1000)

    def _ask_ends(self, spots: Iterable[Spot]) -> dict[Spot, int]:
        with away("the brokers cannot be reached"):
            ends = self._consumer.end_offsets([_there(spot) for spot in spots], timeout_ms=self._patience_ms)
        self._checked = time.monotonic()
        return {Spot(at.topic, at.partition): end for at, end in ends.items()}


def _there(spot: Spot) -> TopicPartition:
    return TopicPartition(spot.topic, spot.partition)
