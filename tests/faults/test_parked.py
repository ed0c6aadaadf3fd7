"""What cannot be handled, in a city of many processes: parked, looked at, mended, replayed or given up with the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import UUID

import pytest
from kafka import KafkaProducer
from sqlalchemy import text

from infra.kafka_bus import KafkaBus, connection_of
from infra.lag import behind, ends_for
from infra.one_service import context_of
from services.kit.bus import Message
from services.kit.context import Context
from services.kit.ids import new_id
from services.kit.parked import parked
from tests.builders_bus import until
from tests.builders_impact import issued, tell_bus, withdrawn
from tests.faults.test_workers import ENDED_S, City

pytestmark = [pytest.mark.kafka, pytest.mark.proof]
TOO_MUCH = 200_000
FAULT = f"ALTER TABLE issued ADD CONSTRAINT a_planted_fault CHECK (amount_cents < {TOO_MUCH})"
MENDED = "ALTER TABLE issued DROP CONSTRAINT IF EXISTS a_planted_fault"


@pytest.fixture
def bus(apart: City) -> Iterator[KafkaBus]:
    bus = KafkaBus(connection_of(apart.settings))
    yield bus
    bus.close()


@pytest.fixture
def impact(apart: City) -> Iterator[Context]:
    ctx = context_of(apart.settings, "impact")
    with ctx.engine.begin() as conn:
        conn.exec_driver_sql(FAULT)
    yield ctx
    with ctx.engine.begin() as conn:
        conn.exec_driver_sql("TRUNCATE issued, parked")
        conn.exec_driver_sql(MENDED)
    ctx.engine.dispose()


def all_heard(bus: KafkaBus, impact: Context) -> None:
    until(lambda: not behind(impact, ends_for(bus, [impact])), lambda: None)


def ended(city: City, *command: str) -> tuple[int, str]:
    """Exit status, and what was said, on standard error if it did not go well."""
    with city.start(*command) as process:
        said, wrong = process.communicate(timeout=ENDED_S)
    return process.returncode, said if process.returncode == 0 else wrong.strip()


def of_each_award(ctx: Context) -> dict[UUID, tuple[int, int]]:
    """Award -> cents issued, and cents withdrawn again."""
    with ctx.engine.connect() as conn:
        rows = conn.execute(text("SELECT award_id, amount_cents, withdrawn_cents FROM issued"))
        return {row.award_id: (row.amount_cents, row.withdrawn_cents) for row in rows}


def test_a_record_no_handler_can_take_holds_its_key_until_the_fault_is_mended(
    apart: City, bus: KafkaBus, impact: Context
) -> None:
    """A withdrawal that overtook the issue it belongs to would change nothing, for good."""
    large, others = issued(new_id(), TOO_MUCH), [issued(new_id(), 500) for _ in range(10)]
    with apart.working("consume", "impact"):
        tell_bus(bus, large, *others, withdrawn(large, 200), issued(large.person_id, 300))
        all_heard(bus, impact)
        assert of_each_award(impact) == {other.award_id: (500, 0) for other in others}
        first, *behind_it = [row.seq for row in parked(impact)]
        assert len(behind_it) == 2

        said = apart.run("parked", "list")
        assert said.startswith(f"impact {first}: coins.issued.v1 of ledger, key {large.person_id}, ")
        assert ", 2 behind it: IntegrityError:" in said
        assert said.count("\nimpact") == 0
        status, said = ended(apart, "parked", "replay", "impact")
        assert status == 1
        assert f"impact {first} still cannot be handled: IntegrityError:" in said

        with impact.engine.begin() as conn:
            conn.exec_driver_sql(MENDED)
        assert ended(apart, "parked", "replay", "impact", str(behind_it[0]))[0] == 2
        assert apart.run("parked", "replay", "impact") == "3 replayed.\n"
        assert apart.run("parked", "list", "impact") == ""
        assert of_each_award(impact)[large.award_id] == (TOO_MUCH, 200)
        assert len(of_each_award(impact)) == 12
        assert "replayed" in apart.run("parked", "show", "impact", str(first))


def test_an_unreadable_record_is_shown_and_given_up_for_a_reason_and_what_waits_behind_it_goes_on(
    apart: City, bus: KafkaBus, impact: Context
) -> None:
    person = new_id()
    one = issued(person, 700)
    with apart.working("consume", "impact"):
        bus.publish([Message(topic="ledger", key=str(person), value=b"\xff\xfe no event")])
        tell_bus(bus, one, withdrawn(one, 100))
        all_heard(bus, impact)
        assert of_each_award(impact) == {}
        poison, waiting, last = (str(row.seq) for row in parked(impact))

        shown = apart.run("parked", "show", "impact", poison)
        assert f"impact {poison}: unreadable, key {person}, ledger/" in shown
        assert f"2 of its key wait behind it: {waiting}, {last}" in shown
        assert r"11 bytes that are no JSON: b'\xff\xfe no event'" in shown
        shown = apart.run("parked", "show", "impact", waiting)
        assert "an earlier event of this key is parked" in shown
        assert json.loads(shown[shown.index("{") :])["data"]["amount_cents"] == 700

        assert ended(apart, "parked", "replay", "impact")[0] == 1
        for wrong, why in (
            (
                ("drop", "impact", poison),
                "reason_missing: Say with --reason why this event is given up; the reason is kept.",
            ),
            (("drop", "impact", "999999", "--reason", "none"), "`meritcoin parked list impact` shows what does."),
            (("show", "impact", "999999"), "`meritcoin parked list impact` shows what does."),
            (("drop", "impact"), "meritcoin parked drop impact SEQ."),
        ):
            status, said = ended(apart, "parked", *wrong)
            assert (status, said.endswith(why)) == (2, True), said
        apart.run("parked", "drop", "impact", poison, "--reason", "sent by hand in a rehearsal")
        assert ended(apart, "parked", "drop", "impact", poison, "--reason", "again")[0] == 2
        assert apart.run("parked", "replay", "impact") == "2 replayed.\n"
        assert of_each_award(impact) == {one.award_id: (700, 100)}
        assert "dropped: sent by hand in a rehearsal" in apart.run("parked", "show", "impact", poison)


STRANGE_KEYS = (b"\xff\xfe", b"a\0b", b"k" * 100_000, None)


def test_whatever_bytes_a_stranger_sends_the_consumer_parks_them_and_goes_on(
    apart: City, bus: KafkaBus, impact: Context
) -> None:
    """A key that is no text, or too long for an index; a type that no column of text can hold."""
    strange_type = b'{"type":"a\\u0000b","id":1}'
    with apart.working("consume", "impact"):
        with KafkaProducer(**connection_of(apart.settings), acks="all") as stranger:
            for key in STRANGE_KEYS:
                stranger.send("ledger", key=key, value=strange_type).get(timeout=ENDED_S)
        one = issued(new_id(), 700)
        tell_bus(bus, one)
        all_heard(bus, impact)
        assert of_each_award(impact) == {one.award_id: (700, 0)}
    rows = parked(impact)
    assert [bytes(row.value) for row in rows] == [strange_type] * len(STRANGE_KEYS)
    assert len({row.key for row in rows}) == len(STRANGE_KEYS)
    assert all(r"unknown event type a\x00b" in row.reason for row in rows)
