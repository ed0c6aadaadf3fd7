"""Processes of a city send what they recorded to the collector of traces, at the latest when they are told to stop."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from infra.one_service import context_of
from services.apis.identity import GET_ME
from services.events.identity import PersonJoined
from services.kit.ids import new_id
from services.kit.settings import read_settings
from services.kit.tracing import Place, at
from tests.builders_bus import until
from tests.faults.test_watch import ENDED_S, environment, figures, watched, web_of_identity
from tests.otlp_receiver import Collector, a_collector

__all__ = ["environment"]  # a fixture


@pytest.fixture
def collector() -> Iterator[Collector]:
    with a_collector() as collector:
        yield collector


def test_a_web_process_told_to_stop_sends_first_what_it_recorded(
    environment: dict[str, str], collector: Collector
) -> None:
    place = Place(new_id(), 77, traced=True)
    with web_of_identity(environment, TRACES_URL=collector.url) as (web, url):
        headers = {"traceparent": f"00-{place.correlation_id.hex}-{place.span_id:016x}-01"}
        answer = httpx.get(url + GET_ME.path, headers=headers)
        assert answer.headers["X-Correlation-ID"] == str(place.correlation_id)
        web.terminate()
        assert web.wait(ENDED_S) == 0
    [span] = collector.trace(place.correlation_id)
    assert (span.service, span.name, span.parent) == ("identity", "GET /me", 77)
    assert span.facts["meritcoin.refusal"] == "sign_in_first"


def test_an_event_is_followed_through_processes(environment: dict[str, str], collector: Collector) -> None:
    identity = context_of(read_settings({**environment, "TRACES_URL": collector.url}), "identity")
    correlation_id = new_id()
    with (
        watched(environment, "relay", "identity", TRACES_URL=collector.url),
        watched(environment, "consume", "attendance", TRACES_URL=collector.url) as consumer,
    ):
        with at(Place(correlation_id, 77, traced=True)), identity.transaction(correlation_id=correlation_id) as tx:
            tx.put(PersonJoined(person_id=new_id(), role="volunteer"))
        until(lambda: sum(figures(consumer).get("meritcoin_events_handled_total", [])) == 1, lambda: None)
    until(lambda: len(collector.trace(correlation_id)) == 2, lambda: None)
    put, handled = sorted(collector.trace(correlation_id), key=lambda span: span.kind)
    assert (put.service, put.name, put.parent) == ("identity", "put person.joined.v1", 77)
    assert (handled.service, handled.name, handled.parent) == ("attendance", "handle person.joined.v1", put.id)
    identity.engine.dispose()
