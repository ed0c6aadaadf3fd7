"""What a service answers to whoever watches it, in one process with all the others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, text

from infra.wiring import Town
from services.apis import redemption as api
from services.apis.errors import Refused
from services.events.identity import PersonJoined
from services.kit.metrics import Metrics
from tests.builders_redemption import a_customer, a_paired_till, a_payment_code

PUBLIC_WORDS = re.compile(r"[a-z0-9_.:+/-]*|\+Inf|unknown", re.IGNORECASE)


def read(town: Town, service: str) -> dict[tuple[str, ...], float]:
    """Every sample of a service: its name and the values of its labels but the service's own -> its value."""
    answer = town.apps[service].test_client().get("/metrics")
    assert answer.status_code == 200
    found = {}
    for family in text_string_to_metric_families(answer.get_data(as_text=True)):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("service", service) == service
            found[(sample.name, *(labels[name] for name in sorted(labels)))] = sample.value
    return found


def ready(town: Town, service: str) -> tuple[int, str]:
    answer = town.apps[service].test_client().get("/ready")
    return answer.status_code, answer.json["why"]


@contextmanager
def version_of(town: Town, service: str, version: str) -> Iterator[None]:
    """The service's database says it is at this version."""
    engine = create_engine(town.url.replace("{service}", service).replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as conn:
        before = conn.scalar(text("SELECT version_num FROM alembic_version"))
        conn.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    try:
        yield
    finally:
        with engine.begin() as conn:
            conn.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": before})
        engine.dispose()


def test_every_service_is_alive_and_ready(town: Town) -> None:
    for service, app in town.apps.items():
        assert app.test_client().get("/health").json == {"alive": True}
        assert ready(town, service) == (200, "")
        assert read(town, service)["meritcoin_ready",] == 1


def test_a_database_at_an_older_version_is_not_ready_and_says_which(town: Town) -> None:
    needed = town.rooms["shifts"].room.version
    with version_of(town, "shifts", "0000"):
        assert ready(town, "shifts") == (503, f"The database is at version 0000, this code needs {needed}.")
        assert read(town, "shifts")["meritcoin_ready",] == 0
    assert ready(town, "shifts") == (200, "")


def test_a_database_that_a_newer_version_has_migrated_serves_this_one_too(town: Town) -> None:
    with version_of(town, "shifts", "9999"):
        assert ready(town, "shifts") == (200, "")
        assert read(town, "shifts")["meritcoin_ready",] == 1


def test_a_database_that_is_away_is_told_in_a_sentence_and_who_is_alive_stays_so(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = create_engine("postgresql+psycopg://postgres@/nowhere?host=/nowhere")
    monkeypatch.setattr(town.rooms["shifts"], "engine", nowhere)
    assert ready(town, "shifts") == (503, "The database gives no answer.")
    figures = read(town, "shifts")
    assert figures["meritcoin_ready",] == 0
    assert ("meritcoin_outbox_waiting_events",) not in figures
    assert town.apps["shifts"].test_client().get("/health").status_code == 200


def test_a_sale_and_a_refusal_are_counted_where_they_were_answered(town: Town) -> None:
    till, customer = a_paired_till(town), a_customer(town, 500)
    before = read(town, "redemption")
    till.sell(a_payment_code(town, customer), 200)
    with pytest.raises(Refused, match="not_enough_coins"):
        till.sell(a_payment_code(town, customer), 400)
    after = read(town, "redemption")

    def more(*sample: str) -> float:
        return after[sample] - before.get(sample, 0.0)

    sale = api.POST_SALE.name
    assert more("meritcoin_requests_total", sale, "POST", "2xx") == 1
    assert more("meritcoin_requests_total", sale, "POST", "4xx") == 1
    assert more("meritcoin_refusals_total", "not_enough_coins", sale) == 1
    assert more("meritcoin_request_seconds_count", sale) == 2
    assert more("meritcoin_together_batch_requests_count", sale) == 2
    assert after["meritcoin_together_waiting_requests", sale] == 0


def test_events_are_counted_where_they_are_published_and_where_they_take_effect(town: Town) -> None:
    published, heard = read(town, "identity"), read(town, "attendance")
    with town.rooms["identity"].transaction() as tx:
        for n in range(3):
            tx.put(PersonJoined(person_id=UUID(int=n + 1), role="volunteer"))
    town.clock.move_to(town.clock.now() + timedelta(minutes=2))  # type: ignore[attr-defined]
    waiting = read(town, "identity")
    assert waiting["meritcoin_outbox_waiting_events",] == 3
    assert waiting["meritcoin_outbox_oldest_seconds",] == 120
    town.settle()
    done, taken = read(town, "identity"), read(town, "attendance")
    assert done["meritcoin_outbox_waiting_events",] == done["meritcoin_outbox_oldest_seconds",] == 0
    name = ("meritcoin_events_published_total",)
    assert done[name] - published.get(name, 0) == 3
    for sample, count in {
        ("meritcoin_events_handled_total", "person.joined.v1"): 3,
        ("meritcoin_event_age_seconds_bucket", "60.0"): 0,
        ("meritcoin_event_age_seconds_bucket", "300.0"): 3,
        ("meritcoin_event_age_seconds_sum",): 360,
    }.items():
        assert taken[sample] - heard.get(sample, 0) == count, sample


def test_rooms_own_figures_and_what_runs_are_told(town: Town) -> None:
    figures = read(town, "ledger")
    assert figures["meritcoin_ledger_oldest_waiting_award_seconds",] == 0
    assert [key[2] for key in figures if key[0] == "meritcoin_build_info"] == [town.rooms["ledger"].room.version]


def test_an_address_or_method_somebody_made_up_never_becomes_a_label(town: Town) -> None:
    client = town.apps["shifts"].test_client()
    client.get("/people/Maria-Rossi")
    client.open("/shifts", method="MARIA")
    told = [key for key in read(town, "shifts") if key[0] == "meritcoin_requests_total"]
    assert ("meritcoin_requests_total", "unknown", "unknown", "4xx") in told
    assert not any("maria" in word.lower() for key in told for word in key)


def test_labels_are_words_of_the_code_and_never_an_id(town: Town) -> None:
    a_paired_till(town).sell(a_payment_code(town, a_customer(town, 500)), 200)
    town.settle()
    for service in town.apps:
        for name, *labels in read(town, service):
            for label in labels:
                assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", label), (name, label)
                assert PUBLIC_WORDS.fullmatch(label), (name, label)


def test_counting_an_answer_costs_little() -> None:
    """A sale takes a millisecond and a half of work; of that, counting it may take a fiftieth. The fastest of many tries is looked at."""
    import time

    metrics = Metrics("redemption")
    took = []
    for _ in range(200):
        began = time.perf_counter()
        for _ in range(10):
            metrics.request("post_sales", "POST", 201, 0.01, None)
        took.append((time.perf_counter() - began) / 10)
    assert min(took) < 30e-6
