"""One town per test process, emptied before every test that asks for it."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.embedded import start_postgres, stop_postgres
from infra.lag import ends_for
from infra.town import Town
from infra.wiring import OneProcess, build_town
from services.kit.clock import SetClock, SharedClock
from services.kit.db import POSITIONS
from services.kit.inbox import topics_of
from services.kit.pace import Pace
from services.kit.settings import read_settings

if TYPE_CHECKING:
    from infra.kafka.cluster import (
        Cluster,  # loading a Kafka client takes half a second that most test runs need not spend
    )

NOON = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)  # a Monday, twelve o'clock in Valdarco
FAST = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


# Deleting few rows is many times faster than TRUNCATE, which makes new files. The role keeps the append-only triggers quiet.
EMPTY = """
SET LOCAL ROLE NONE;
SET LOCAL session_replication_role = replica;
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables
        WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'heads')
    LOOP EXECUTE 'DELETE FROM ' || name; END LOOP;
    IF to_regclass('transfers') IS NOT NULL THEN PERFORM setval('transfers_seq_seq', 1, false); END IF;
    IF to_regclass('heads') IS NOT NULL THEN UPDATE heads SET next_offset = 0; END IF;
END $$;
"""


@contextmanager
def a_folder() -> Iterator[Path]:
    """A folder PostgreSQL's own user can reach too: pytest's temporary folders are shut to others by whichever run starts next."""
    with tempfile.TemporaryDirectory(prefix="meritcoin-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """An embedded server of this test process; `{service}` stays literal."""
    with a_folder() as var:
        yield start_postgres(var, extra_configuration=FAST)
        stop_postgres(var)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """kafka-python does not close sockets that failed to connect."""
    for item in items:
        if item.get_closest_marker("kafka"):
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <s:ResourceWarning"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Such sockets are collected once the test's log, which holds on to them, is gone: not in whichever test comes next."""
    done = yield
    if item.get_closest_marker("kafka"):
        gc.collect()
    return done


@pytest.fixture(scope="session")
def kafka() -> Iterator[Cluster]:
    """A Kafka broker of this test process; tests stop and start it, so whoever does leaves it running."""
    from tests.kafka_broker import a_cluster

    with a_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def one_town(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    var: Path = tmp_path_factory.mktemp("town")
    town = build_town(read_settings({"VAR": str(var)}), clock=SetClock(NOON), url=postgres_url)
    yield town
    town.close()


@pytest.fixture
def town(one_town: Town) -> Town:
    """An empty town on a Monday at noon; move its time with `town.clock.move_to(…)`."""
    return empty(one_town)


def empty(town: Town) -> Town:
    """Nothing has happened, and it is noon again."""
    if isinstance(town.clock, SharedClock):
        town.clock.start_at(NOON)
    else:
        town.clock.__init__(NOON)  # type: ignore[misc]
    on_kafka = bool(town.settings.kafka_bootstrap)
    engines = [ctx.engine for ctx in town.rooms.values()]
    for ctx in town.rooms.values():
        ctx.pace = Pace()  # a minute of fast tests is more than a minute of people
    for engine in engines if on_kafka else [*engines, town.bus._engine]:  # type: ignore[attr-defined]
        with engine.begin() as conn:
            conn.exec_driver_sql(EMPTY)
    if on_kafka:
        forget_events(town)
    if isinstance(town, OneProcess):
        town.start_consumers()
    return town


def forget_events(town: Town) -> None:
    """What other tests left on Kafka stays there: every service goes on behind it, as if it had been handled."""
    ends = ends_for(town.bus, town.rooms.values())
    for ctx in town.rooms.values():
        heard = topics_of(ctx)
        rows = [
            {"topic": at.topic, "partition": at.partition, "next_offset": end}
            for at, end in ends.items()
            if at.topic in heard
        ]
        with ctx.engine.begin() as conn:
            if rows:
                conn.execute(POSITIONS.insert(), rows)
