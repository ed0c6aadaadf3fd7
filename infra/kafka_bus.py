"""The bus of a city: Apache Kafka, keyed topics, acknowledged by every replica in sync before `publish` returns.

Positions are the services' own (in their databases): what is committed to Kafka only lets lag tools see how far we are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError
from kafka.structs import MemberState, OffsetAndMetadata, TopicPartition

from infra.kafka_asking import away, ends_of, log_ids_of, made_anew, other_log
from infra.kafka_keys import ByKey, key_of
from infra.kafka_noting import Noting
from services.kit.bus import BusAway, Message, Record, Spot, TopicRecreated, refuse_oversized
from services.kit.settings import Settings

PATIENCE_S = 10.0  # connecting, finding topics and delivering may take this long each; a relay's transaction lasts three of them at most
FETCH_BYTES = 8 * 1024 * 1024
BATCH_BYTES = 256 * 1024  # of one partition, in one write: a topic takes a megabyte at once at most
SESSION_S = 15.0  # a member that says nothing for this long has died: others take its partitions
JOINING_MS = 50
LINGER_MS = 500  # a message waits for the rest of its publish, whose end does not wait
T = TypeVar("T")


def connection_of(settings: Settings) -> dict[str, Any]:
    """How every client of ours finds the brokers and is let in."""
    connection: dict[str, Any] = {
        "bootstrap_servers": list(settings.kafka_bootstrap),
        "security_protocol": settings.kafka_security,
        "ssl_cafile": str(settings.kafka_ca) if settings.kafka_ca else None,
        "metadata_max_age_ms": 10_000,  # new partitions, and topics made anew, are seen this late at most; the default is five minutes
        "reconnect_backoff_max_ms": 2000,  # the default of 30 s would keep us away long after a broker is back
    }
    if settings.kafka_security.startswith("SASL"):
        connection |= {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": settings.kafka_password,
        }
    return connection


class KafkaBus:
    """Bus on Kafka. Any thread may publish; a subscription belongs to one thread."""

    def __init__(self, connection: Mapping[str, Any], *, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._connection = {**connection, "bootstrap_timeout_ms": int(patience_s * 1000)}
        self._lock = threading.Lock()
        self._topics: set[str] = set()  # seen to be there
        self._producer: KafkaProducer | None = None
        self._admin: KafkaAdminClient | None = None

    def publish(self, messages: Sequence[Message]) -> None:
        """Raises MessageTooLarge before anything is written, BusAway when not every message is known to be durable."""
        refuse_oversized(messages)
        if not messages:
            return
        # All topics before the first message, so that an unknown one does not leave half of them written.
        if new := {m.topic for m in messages} - self._topics:
            self.ends(new)
            self._topics |= new
        producer = self._producing()
        try:
            futures = [
                producer.send(m.topic, key=m.key.encode(), value=m.value, headers=list(m.headers)) for m in messages
            ]
            deadline = time.monotonic() + self._patience_s
            producer.flush(timeout=self._patience_s)  # all are handed over: the sender need not wait for more
            for future in futures:
                future.get(timeout=max(0.0, deadline - time.monotonic()))
        except KafkaError as error:
            self._abandon(producer)
            raise BusAway(f"not everything was acknowledged: {error}") from error

    def subscribe(self, group: str, topics: Collection[str]) -> KafkaSubscription:
        """Raises BusAway also for a topic that is not there: nobody would miss what is never read."""
        spots = self.ends(topics)
        with away("the brokers cannot be reached"):
            consumer = KafkaConsumer(
                **self._connection,
                group_id=group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                max_partition_fetch_bytes=FETCH_BYTES,
                partition_assignment_strategy=[CooperativeStickyAssignor],
                session_timeout_ms=int(SESSION_S * 1000),
                request_timeout_ms=int(self._patience_s * 1000),
                metrics_enabled=False,
            )
        return KafkaSubscription(consumer, spots, self._patience_s, self.log_ids)

    def ends(self, topics: Collection[str]) -> dict[Spot, int]:
        return self.ask(lambda admin: ends_of(admin, topics))

    def log_ids(self, topics: Collection[str]) -> dict[Spot, str]:
        return self.ask(lambda admin: log_ids_of(admin, topics))

    def ask(self, question: Callable[[KafkaAdminClient], T]) -> T:
        """Ask the brokers something. Raises BusAway."""
        with self._lock, away("the brokers cannot be reached"):
            if self._admin is None:
                self._admin = KafkaAdminClient(**self._connection, request_timeout_ms=int(self._patience_s * 1000))
            try:
                return question(self._admin)
            except KafkaError:
                admin, self._admin = self._admin, None
                admin.close()
                raise

    def close(self) -> None:
        with self._lock:
            if self._admin is not None:
                self._admin.close()
                self._admin = None
            if self._producer is not None:
                self._producer.close(timeout=self._patience_s)
                self._producer = None

    def _producing(self) -> KafkaProducer:
        with self._lock, away("the brokers cannot be reached"):
            if self._producer is None:
                self._producer = KafkaProducer(
                    **self._connection,
                    acks="all",
                    enable_idempotence=True,
                    partitioner=ByKey(),
                    allow_auto_create_topics=False,
                    max_block_ms=int(self._patience_s * 1000),
                    # With small batches, or sent as soon as there is one message, the sender is woken for every message and takes the
                    # interpreter from whoever gives it more. So it sleeps until all of a publish is there; `flush` ends that.
                    linger_ms=LINGER_MS,
                    batch_size=BATCH_BYTES,
                    # A batch that expires by itself would let the next one of its key overtake it. So none does: when our patience ends,
                    # the whole producer is given up, with all it still holds.
                    delivery_timeout_ms=3_600_000,
                    metrics_enabled=False,
                )
            return self._producer

    def _abandon(self, producer: KafkaProducer) -> None:
        """Give a producer up at once: what it has not sent must never follow what is published after it.

        Its own `close` first waits for what it holds, and with a timeout fails before it forces: so its sender is told directly.
        """
        with self._lock:
            if self._producer is producer:
                self._producer = None
        producer._sender.force_close()
        producer._sender.join(self._patience_s)
        with suppress(KafkaError):
            producer.close(timeout=1)


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
            deadline = time.monotonic() + self._patience_s
            while not found and self._joining() and time.monotonic() < deadline:
                found = self._consumer.poll(timeout_ms=JOINING_MS, max_records=max_records)
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

    def _joining(self) -> bool:
        """A join that is answered while nobody polls is thrown away and begun anew, for all members of the group: so polls stay until it is
        done. One that new metadata set off is even forgotten when a poll ends amid it, and the member is dumb for good: so it is asked for
        again, which finds the join in flight."""
        if self._consumer.group_metadata().state == MemberState.STABLE:
            return False
        self._consumer._coordinator.request_rejoin()
        return True

    def assigned(self) -> int | None:
        settled = self._consumer.group_metadata().state == MemberState.STABLE
        return len(self._consumer.assignment()) if settled else None

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
