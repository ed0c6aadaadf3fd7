"""Rows written with binary COPY are the rows that were given, and what goes wrong with them is not lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, Uuid, column, select, table, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from infra.embedded import ensure_databases
from services.kit.bulk import Sending, copy_rows, is_one_of, rows_of, sending
from services.kit.db import engine_for, session_of

Steps = list[Callable[[Sending], object]]
COLUMNS = {
    "n": "int8",
    "id": "uuid",
    "at": "timestamptz",
    "said": "text",
    "raw": "bytea",
    "facts": "jsonb",
    "yes": "bool",
    "day": "date",
    "few": "int4",
}
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
FACTS = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers(-(10**15), 10**15) | TEXT, max_size=3)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-7, minutes=-3))])
INSTANTS = st.datetimes(datetime(1, 2, 1), datetime(9999, 11, 1), timezones=ZONES)  # noqa: DTZ001 - they get their zone
ROW = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.uuids(),
    st.none() | INSTANTS,
    st.none() | TEXT,
    st.none() | st.binary(),
    st.none() | FACTS,
    st.none() | st.booleans(),
    st.none() | st.dates(),
    st.none() | st.integers(-(2**31), 2**31 - 1),
)  # fmt: skip


@pytest.fixture(scope="module")
def engine(postgres_url: str) -> Iterator[Engine]:
    ensure_databases(postgres_url, ["bulk"])
    engine = engine_for(postgres_url.replace("{service}", "bulk"))
    with session_of(engine) as session:
        rows_of(session, "DROP TABLE IF EXISTS things")
        rows_of(session, f"CREATE TABLE things ({', '.join(f'{name} {type_}' for name, type_ in COLUMNS.items())})")
        rows_of(session, "CREATE UNIQUE INDEX ON things (id)")
    yield engine
    engine.dispose()


def put(session: Session, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    rows_of(session, "DELETE FROM things")
    copy_rows(session, "things", COLUMNS, rows)
    return sorted(rows_of(session, "SELECT * FROM things"), key=repr)


def thing(id_: UUID, n: int = 1) -> tuple[Any, ...]:
    return n, id_, *(None,) * 7


@settings(max_examples=50)
@given(rows=st.lists(ROW, max_size=5, unique_by=lambda row: row[1] or uuid4()))
def test_every_kind_of_value_comes_back_as_it_was(engine: Engine, rows: list[tuple[Any, ...]]) -> None:
    with session_of(engine) as session:
        told = [(n, id_, at and at.astimezone(UTC), *rest) for n, id_, at, *rest in rows]
        assert put(session, rows) == sorted(told, key=repr)


def test_more_rows_than_postgres_keeps_before_it_writes(engine: Engine) -> None:
    rows = [(n, uuid4(), datetime.now(UTC), "x" * 300, b"", {"n": n}, True, None, n) for n in range(2500)]
    with session_of(engine) as session:
        assert put(session, rows) == sorted(rows, key=repr)


def test_what_is_sent_takes_effect_in_order(engine: Engine) -> None:
    ids = [uuid4(), uuid4()]
    with session_of(engine) as session:
        put(session, [])
        with sending(session) as out:
            out.copy("things", COLUMNS, [thing(ids[0])])
            out.run("UPDATE things SET n = n + %(more)s", more=1)
            out.copy("things", COLUMNS, [thing(ids[1])])
            out.copy("things", COLUMNS, [])
            out.run("UPDATE things SET n = n * %(times)s", times=10)
        assert sorted(rows_of(session, "SELECT n FROM things")) == [(10,), (20,)]


ONE = thing(uuid4())
TWICE: Steps = [lambda out: out.copy("things", COLUMNS, [ONE, ONE])]
BY_ZERO: Steps = [lambda out: out.run("UPDATE things SET n = n / %(zero)s", zero=0)]
COUNT: Steps = [lambda out: out.run("UPDATE things SET n = 7")]
BREAK: Steps = [lambda _: {}["a fault of our own"]]


def send(engine: Engine, steps: Steps) -> None:
    with session_of(engine) as session, sending(session) as out:
        for step in steps:
            step(out)


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        (TWICE, IntegrityError),
        (TWICE + COUNT, IntegrityError),
        (BY_ZERO, DataError),
        (BY_ZERO + TWICE, DataError),
        (COUNT + BREAK, KeyError),
        ([lambda out: out.copy("things", COLUMNS, [thing(uuid4())]), *BREAK], KeyError),
        (TWICE + BREAK, KeyError),
    ],
)
def test_what_goes_wrong_with_what_was_sent_is_raised_and_the_connection_goes_on(
    engine: Engine, steps: Steps, fault: type[Exception]
) -> None:
    with session_of(engine) as session:
        there = put(session, [thing(uuid4())])
    with pytest.raises(fault):
        send(engine, steps)
    with session_of(engine) as session:
        assert rows_of(session, "SELECT * FROM things") == there


def test_many_ids_are_found_and_their_text_is_read_once(engine: Engine) -> None:
    """As the condition of each row, it took nine seconds to find a thousand in a table of which PostgreSQL had no statistics yet."""
    ids = [uuid4() for _ in range(300)]
    things = table("things", column("id", Uuid))
    wanted = select(things.c.id).where(is_one_of(things.c.id, ids[:200]))
    asked = wanted.compile(engine, compile_kwargs={"literal_binds": True})
    with session_of(engine) as session:
        rows_of(session, "DELETE FROM things")
        copy_rows(session, "things", {"id": "uuid"}, [(id_,) for id_ in ids])
        assert sorted(session.scalars(wanted)) == sorted(ids[:200])
        plan = [row[0] for row in session.execute(text(f"EXPLAIN {asked}"))]
    assert any("ProjectSet" in line for line in plan)
    assert not any("Filter" in line for line in plan)
