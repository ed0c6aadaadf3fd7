"""The bus of a city: Apache Kafka, keyed topics, acknowledged by every replica in sync before `publish` returns.

Positions are the services' own (in their databases): what is committed to Kafka only lets lag tools see how far we are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError

from infra.kafka_asking import away, ends_of, log_ids_of
from infra.kafka_keys import ByKey
from infra.kafka_subscription import KafkaSubscription
from services.kit.bus import BusAway, Message, Spot, refuse_oversized
from services.kit.settings import Settings

PATIENCE_S = 10.0  # connecting, finding topics and delivering may take this long each; a relay's transaction lasts three of them at most
FETCH_BYTES = 8 * 1024 * 1024
BATCH_BYTES = 256 * 1024  # of one partition, in one write: a topic takes a megabyte at once at most
SESSION_S = 15.0  # a member that says nothing for this long has died: others take its partitions
REBALANCE_S = 60.0  # a member that lives but does not share anew holds up its group this long at most: the default is five minutes
FRESH_MS = 10_000  # new partitions, and topics made anew, are seen this late at most: the default is five minutes
LINGER_MS = 500  # a message waits for the rest of its publish, whose end does not wait
T = TypeVar("T")


def connection_of(settings: Settings) -> dict[str, Any]:
    """How every client of ours finds the brokers and is let in."""
    connection: dict[str, Any] = {
        "bootstrap_servers": list(settings.kafka_bootstrap),
        "security_protocol": settings.kafka_security,
        "ssl_cafile": str(settings.kafka_ca) if settings.kafka_ca else None,
        "metadata_max_age_ms": FRESH_MS,
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
                max_poll_interval_ms=int(REBALANCE_S * 1000),
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
