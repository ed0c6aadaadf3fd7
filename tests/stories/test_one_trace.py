"""One attendance, followed from the coordinator's tap to the balance, as a collector of traces sees it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import text

from infra.wiring import Town, build_town
from services.events.identity import PersonJoined
from services.kit.clock import SetClock
from services.kit.ids import new_id
from services.kit.settings import read_settings
from services.kit.tracing import MOST_ALONE
from tests.conftest import NOON
from tests.otlp_receiver import Collector, Seen, a_collector
from tests.stories.town_life import Cast, a_city_fund, a_shift, a_shop_joins, come, confirm_all

NICKNAME = "Zubaydah"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with a_collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def traced(collector: Collector, postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town whose traces are collected."""
    settings = read_settings({"VAR": str(tmp_path_factory.mktemp("var")), "TRACES_URL": collector.url})
    town = build_town(settings, clock=SetClock(NOON), url=postgres_url.replace("{service}", "traced_{service}"))
    yield town
    town.close()


@pytest.fixture(scope="module")
def lived(traced: Town, collector: Collector) -> Collector:
    """Zubaydah came, was confirmed, got coins, and bought bread."""
    cast = Cast(traced)
    zubaydah = cast.volunteer(NICKNAME)
    a_city_fund(cast, 10_000)
    shift = a_shift(cast)
    come(cast, shift, zubaydah)
    confirm_all(cast, shift)
    assert zubaydah.coins == 500
    zubaydah.buys(a_shop_joins(cast).till, 450)
    sent(traced)
    return collector


def sent(town: Town) -> None:
    assert town.traces
    town.traces.send()


def way_of(trace: list[Seen], last: Seen) -> list[tuple[str, str]]:
    """(service, name) of the spans from the first of the trace to this one."""
    by_id = {span.id: span for span in trace}
    way = [last]
    while way[0].parent:
        way.insert(0, by_id[way[0].parent])
    return [(span.service, span.name) for span in way]


def test_one_confirmed_attendance_is_one_trace_through_every_service_that_hears_of_it(lived: Collector) -> None:
    [confirmed] = lived.named("put attendance.confirmed.v1")
    trace = lived.trace(confirmed.trace)
    assert len({span.id for span in trace}) == len(trace)
    assert [span.service for span in trace if not span.parent] == ["attendance"]
    [heard] = [span for span in trace if (span.service, span.name) == ("awards", "handle coins.issued.v1")]
    first = ("attendance", "POST /shifts/<uuid:shift_id>/confirm-all")
    assert way_of(trace, heard) == [
        first,
        ("attendance", "put attendance.confirmed.v1"),
        ("awards", "handle attendance.confirmed.v1"),
        ("awards", "put coins.awarded.v1"),
        ("ledger", "handle coins.awarded.v1"),
        ("ledger", "put coins.issued.v1"),
        ("awards", "handle coins.issued.v1"),
    ]
    heard_it = {span.service for span in trace if span.name == "handle attendance.confirmed.v1"}
    assert heard_it >= {"awards", "impact", "redemption"}
    assert {way_of(trace, span)[0] for span in trace} == {first}
    assert all(span.took_ns >= 0 for span in trace)


def test_a_sale_at_the_counter_is_one_trace_with_what_it_asks_of_the_ledger(lived: Collector) -> None:
    [sold] = lived.named("put sale.accepted.v1")
    trace = lived.trace(sold.trace)
    [asked] = [span for span in trace if (span.service, span.name) == ("ledger", "POST /sales")]
    assert way_of(trace, asked) == [("redemption", "POST /sales"), ("ledger", "POST /sales")]
    [spent] = [span for span in trace if span.name == "put coins.spent.v1"]
    assert way_of(trace, spent)[:2] == way_of(trace, asked)
    assert ("redemption", "handle coins.spent.v1") in [(span.service, span.name) for span in trace]


def test_every_parent_and_link_of_every_trace_was_recorded(lived: Collector) -> None:
    known = {(span.trace, span.id) for span in lived.spans}
    assert [span for span in lived.spans if span.parent and (span.trace, span.parent) not in known] == []
    assert [span for span in lived.spans if not known.issuperset(span.links)] == []


def test_no_span_holds_anything_but_routes_types_ids_and_numbers(lived: Collector) -> None:
    allowed = {
        "http.request.method", "http.route", "http.response.status_code", "meritcoin.refusal", "event.type", "event.id", "events",
    }  # fmt: skip
    assert {name for span in lived.spans for name in span.facts} <= allowed
    said = " ".join(f"{span.name} {span.facts}" for span in lived.spans)
    for private in (NICKNAME, "Panificio", "Mani in Comune", "mc-", "IT60"):
        assert private not in said
    put = {span.id: span for span in lived.spans if span.kind == 4}
    assert all(UUID(span.facts["event.id"]).int & (1 << 64) - 1 == id_ for id_, span in put.items())


def test_a_message_on_the_bus_carries_the_trace_it_belongs_to(traced: Town, lived: Collector) -> None:
    [confirmed] = lived.named("put attendance.confirmed.v1")
    subscription = traced.bus.subscribe("reads along", ["attendance"])
    for spot in subscription.newly_assigned():
        subscription.seek(spot, 0)
    headers = [dict(record.headers) for record in subscription.poll(1000, 0)]
    [found] = [h for h in headers if h["type"] == b"attendance.confirmed.v1"]
    assert found["traceparent"] == f"00-{confirmed.trace.hex}-{confirmed.id:016x}-01".encode()


def test_a_long_run_of_events_is_one_span_linked_to_each(traced: Town, lived: Collector) -> None:
    before = len(lived.spans)
    for _ in range(MOST_ALONE + 1):
        with traced.rooms["identity"].transaction() as tx:
            tx.put(PersonJoined(person_id=new_id(), role="volunteer"))
    traced.settle()
    sent(traced)
    new = lived.spans[before:]
    [run] = [span for span in new if span.service == "attendance"]
    assert (run.name, run.facts["events"]) == ("handle person.joined.v1", str(MOST_ALONE + 1))
    put = {(span.trace, span.id) for span in new if span.name == "put person.joined.v1"}
    assert set(run.links) == put
    assert len(put) == MOST_ALONE + 1


def test_what_is_rolled_back_leaves_no_trace(traced: Town, lived: Collector) -> None:
    before = len(lived.spans)

    def fails() -> None:
        with traced.rooms["identity"].transaction() as tx:
            tx.put(PersonJoined(person_id=new_id(), role="volunteer"))
            tx.session.execute(text("SELECT 1/0"))

    with pytest.raises(Exception, match="division by zero"):
        fails()
    sent(traced)
    assert lived.spans[before:] == []
