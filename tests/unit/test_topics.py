"""What is done about topics, and what never is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.topics import Found, Step, Wanted, plan, topic_names
from services.events import CONTRACTS

WANTED = Wanted(partitions=12, replication=3, min_in_sync=2)


def found(**changes: object) -> Found:
    as_wanted = {"partitions": 12, "replication": 3, "configuration": WANTED.configuration, "empty": False}
    return Found(**{**as_wanted, **changes})  # type: ignore[arg-type]


def test_every_event_has_a_topic_and_every_topic_an_event() -> None:
    assert topic_names() == sorted({contract.topic for contract in CONTRACTS.values()})


def test_a_missing_topic_is_made_and_one_as_wanted_is_left_alone() -> None:
    assert plan(["a", "b"], WANTED, {"b": found()}) == ([Step(topic="a", create=True)], [])


def test_a_topic_that_forgets_is_told_to_keep_everything() -> None:
    weak = found(configuration={**WANTED.configuration, "retention.ms": "604800000", "min.insync.replicas": "1"})
    steps, refused = plan(["a"], WANTED, {"a": weak})
    assert refused == []
    assert steps == [Step(topic="a", configuration={"retention.ms": "-1", "min.insync.replicas": "2"})]


def test_partitions_are_added_only_while_no_key_can_be_overtaken() -> None:
    steps, refused = plan(["a"], WANTED, {"a": found(partitions=4, empty=True)})
    assert (steps, refused) == ([Step(topic="a", partitions=12)], [])
    _, refused = plan(["a"], WANTED, {"a": found(partitions=4)})
    assert len(refused) == 1
    assert "could overtake what came before" in refused[0]


def test_what_would_be_less_safe_is_refused() -> None:
    stronger = found(partitions=24, replication=5, configuration={**WANTED.configuration, "min.insync.replicas": "3"})
    _, refused = plan(["a"], WANTED, {"a": stronger})
    assert [sentence.split(";")[0] for sentence in refused] == [
        "a: it has 24 partitions",
        "a: 5 brokers keep it",
        "a: 3 brokers acknowledge each event",
    ]


@given(
    partitions=st.integers(1, 24), replication=st.integers(1, 5), in_sync=st.integers(1, 5), empty=st.booleans(),
    retention=st.sampled_from(["-1", "1000"]),
)  # fmt: skip
def test_a_plan_that_is_not_refused_leaves_nothing_to_do(
    partitions: int, replication: int, in_sync: int, empty: bool, retention: str
) -> None:
    there = found(
        partitions=partitions, replication=replication, empty=empty,
        configuration={**WANTED.configuration, "min.insync.replicas": str(in_sync), "retention.ms": retention},
    )  # fmt: skip
    steps, refused = plan(["a"], WANTED, {"a": there})
    if refused:
        return
    after = found(
        partitions=next((s.partitions for s in steps if s.partitions), partitions), replication=replication, empty=empty,
        configuration={**there.configuration, **{k: v for s in steps for k, v in s.configuration.items()}},
    )  # fmt: skip
    assert plan(["a"], WANTED, {"a": after}) == ([], [])
