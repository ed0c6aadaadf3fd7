"""The bus of the embedded default: an append-only table in PostgreSQL that keeps Kafka's promises.

Offsets are drawn under a row lock per partition, so they are gapless and become visible in order: a reader that has seen offset n has
seen all below it.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

import msgspec
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from services.kit.bus import BusAway, Message, Record, Spot, TopicRecreated, refuse_oversized

PARTITIONS = 4

SCHEMA = """
CREATE TABLE IF NOT EXISTS heads (
    topic TEXT, partition INT, next_offset BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (topic, partition));
CREATE TABLE IF NOT EXISTS log (
    topic TEXT, partition INT, "offset" BIGINT, key TEXT NOT NULL, value BYTEA NOT NULL, headers BYTEA NOT NULL,
    PRIMARY KEY (topic, partition, "offset"));
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'heads'::regclass AND attname = 'log_id') THEN
        ALTER TABLE heads ADD COLUMN log_id UUID NOT NULL DEFAULT gen_random_uuid();
    END IF;
END $$;
"""
_HEADS = text(
    "SELECT topic, partition, next_offset, log_id FROM heads WHERE topic = ANY(:topics) ORDER BY topic, partition"
)
_HEAD_FOR_UPDATE = text("SELECT next_offset FROM heads WHERE topic = :topic AND partition = :partition FOR UPDATE")
_APPEND = text(
    'INSERT INTO log (topic, partition, "offset", key, value, headers) VALUES (:topic, :partition, :offset, :key, :value, :headers)'
)
_ADVANCE = text("UPDATE heads SET next_offset = :next WHERE topic = :topic AND partition = :partition")
_READ = text(
    'SELECT "offset", key, value, headers FROM log WHERE topic = :topic AND partition = :partition'
    ' AND "offset" >= :start ORDER BY "offset" LIMIT :most'
)
_pack_headers = msgspec.msgpack.encode
_read_headers = msgspec.msgpack.Decoder(tuple[tuple[str, bytes], ...]).decode


def spot_of(topic: str, key: str) -> Spot:
    """The partition a key belongs to; stable for good."""
    return Spot(topic, zlib.crc32(key.encode()) % PARTITIONS)


class LocalBus:
    """Bus on one PostgreSQL database."""

    def __init__(self, engine: Engine, topics: Collection[str]) -> None:
        self._engine = engine
        with engine.begin() as conn:
            conn.exec_driver_sql(SCHEMA)
            rows = [{"t": t, "p": p} for t in sorted(topics) for p in range(PARTITIONS)]
            conn.execute(text("INSERT INTO heads (topic, partition) VALUES (:t, :p) ON CONFLICT DO NOTHING"), rows)

    def publish(self, messages: Sequence[Message]) -> None:
        """Append all, or none. Raises BusAway when the database cannot take them."""
        refuse_oversized(messages)
        placed = sorted(((spot_of(m.topic, m.key), m) for m in messages), key=lambda pair: pair[0])
        try:
            with self._engine.begin() as conn:
                # Spots in sorted order, so that two publishers never wait for each other in a circle.
                for spot, run in groupby(placed, key=lambda pair: pair[0]):
                    where = {"topic": spot.topic, "partition": spot.partition}
                    start = conn.scalar(_HEAD_FOR_UPDATE, where)
                    if start is None:
                        raise BusAway(f"there is no topic {spot.topic}")
                    rows = [
                        {
                            **where,
                            "offset": start + n,
                            "key": m.key,
                            "value": m.value,
                            "headers": _pack_headers(m.headers),
                        }
                        for n, (_, m) in enumerate(run)
                    ]
                    conn.execute(_APPEND, rows)
                    conn.execute(_ADVANCE, {**where, "next": start + len(rows)})
        except DBAPIError as error:
            raise BusAway(str(error.orig)) from error

    def subscribe(self, group: str, topics: Collection[str]) -> LocalSubscription:
        self.ends(topics)
        return LocalSubscription(self._engine, topics)

    def ends(self, topics: Collection[str]) -> dict[Spot, int]:
        found = _ends(self._engine, topics)
        if missing := sorted(set(topics) - {spot.topic for spot in found}):
            raise BusAway(f"there is no topic {', '.join(missing)}")
        return found

    def log_ids(self, topics: Collection[str]) -> dict[Spot, str]:
        return _log_ids(self._engine, topics)

    def close(self) -> None:
        self._engine.dispose()


def _log_ids(engine: Engine, topics: Collection[str]) -> dict[Spot, str]:
    with engine.connect() as conn:
        found = {Spot(r.topic, r.partition): str(r.log_id) for r in conn.execute(_HEADS, {"topics": list(topics)})}
    if missing := sorted(set(topics) - {spot.topic for spot in found}):
        raise BusAway(f"there is no topic {', '.join(missing)}")
    return found


def _ends(engine: Engine, topics: Collection[str]) -> dict[Spot, int]:
    with engine.connect() as conn:
        return {Spot(r.topic, r.partition): r.next_offset for r in conn.execute(_HEADS, {"topics": list(topics)})}


class LocalSubscription:
    """Reads every partition of its topics. Two members of a group would both read all: the stored positions keep effects single."""

    def __init__(self, engine: Engine, topics: Collection[str]) -> None:
        self._engine = engine
        self._topics = sorted(topics)
        self._next: dict[Spot, int] = {}
        self._new = {Spot(t, p) for t in self._topics for p in range(PARTITIONS)}

    def newly_assigned(self) -> Collection[Spot]:
        return sorted(self._new)

    def seek(self, spot: Spot, offset: int) -> None:
        ends = _ends(self._engine, self._topics)
        if offset > ends.get(spot, 0):
            raise TopicRecreated(
                f"{spot.topic}/{spot.partition} ends at {ends.get(spot, 0)}, but {offset} were handled already: the topic was made anew"
            )
        self._next[spot] = offset
        self._new.discard(spot)

    def log_ids(self, topics: Collection[str]) -> dict[Spot, str]:
        return _log_ids(self._engine, topics)

    def poll(self, max_records: int, timeout_s: float) -> Sequence[Record]:
        deadline = time.monotonic() + timeout_s
        while True:
            records = self._read(max_records)
            if records or time.monotonic() >= deadline:
                return records
            time.sleep(min(0.05, timeout_s))

    def _read(self, most: int) -> list[Record]:
        """Offsets become visible in order, so what a head promises is there: without a transaction, an idle poll is one round trip."""
        records: list[Record] = []
        reached: dict[Spot, int] = {}
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            heads = {Spot(r.topic, r.partition): r.next_offset for r in conn.execute(_HEADS, {"topics": self._topics})}
            for spot, end in heads.items():
                start = self._next.get(spot, 0)
                if end <= start or len(records) >= most:
                    continue
                where = {"topic": spot.topic, "partition": spot.partition, "start": start, "most": most - len(records)}
                for row in conn.execute(_READ, where):
                    records.append(
                        Record(
                            spot=spot, offset=row.offset, key=row.key, value=bytes(row.value),
                            headers=_read_headers(bytes(row.headers)),
                        )
                    )  # fmt: skip
                    reached[spot] = row.offset + 1
        self._next |= reached  # not before all was read: what a broken connection took with it is read again
        return records

    def assigned(self) -> int:
        return len(self._topics) * PARTITIONS

    def commit(self, positions: Mapping[Spot, int]) -> None:
        """Nothing to tell: lag is read from the stored positions."""

    def close(self) -> None:
        """Nothing is held between polls."""
