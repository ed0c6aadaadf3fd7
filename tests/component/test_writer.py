"""Whoever waits at the same moment is answered together; nobody is held up by another's mistake, and too many are told so."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from infra.wiring import Town
from services.apis.errors import Refused
from services.kit import writer as kit
from services.kit.db import Tx
from services.kit.ids import new_id
from services.kit.routes import Together
from services.kit.writer import Asked, Writer
from tests.builders_ledger import a_fund, give_coins, sell


def ask_all(writer: Writer, bodies: Sequence[Any]) -> list[Any]:
    """Each body asked by a thread of its own; answers, or what was raised, in the same order."""
    said: list[Any] = [None] * len(bodies)

    def ask(n: int) -> None:
        try:
            said[n] = writer.ask(Asked(bodies[n], new_id()))
        except Exception as error:
            said[n] = error

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


class Counter:
    """A handler that doubles numbers; holds its first batch until `go`, so that the others gather behind it."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.entered, self.go = threading.Event(), threading.Event()

    def handle(self, tx: Tx, asked: Sequence[Asked]) -> list[Any]:
        self.entered.set()
        self.go.wait(5)
        if any(one.body == "bad" for one in asked):
            raise ValueError("bad")
        self.sizes.append(len(asked))
        return [Refused("odd", "Odd.") if one.body % 2 else one.body * 2 for one in asked]


def test_what_waits_while_a_batch_runs_is_the_next_batch(town: Town) -> None:
    counter = Counter()
    writer = Writer(town.rooms["ledger"], Together(counter.handle))
    first = threading.Thread(target=writer.ask, args=(Asked(0, new_id()),))
    first.start()
    assert counter.entered.wait(5)
    rest = threading.Thread(target=lambda: answers.extend(ask_all(writer, [2, 4, 6, 8])))
    answers: list[Any] = []
    rest.start()
    while writer.figures()["waiting"] < 4:
        pass
    counter.go.set()
    first.join()
    rest.join()
    assert (answers, counter.sizes) == ([4, 8, 12, 16], [1, 4])
    assert writer.figures()["batch_size"] == 2.5


def test_a_request_that_breaks_its_batch_is_found_and_the_others_are_answered(town: Town) -> None:
    counter = Counter()
    counter.go.set()
    answers = ask_all(Writer(town.rooms["ledger"], Together(counter.handle)), [2, "bad", 3, 4])
    assert [answers[0], answers[3]] == [4, 8]
    assert isinstance(answers[1], ValueError)
    assert isinstance(answers[2], Refused)


def test_when_too_many_wait_the_next_is_told_to_come_back(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit, "LONGEST_QUEUE", 1)
    counter = Counter()
    writer = Writer(town.rooms["ledger"], Together(counter.handle))
    waiting = [threading.Thread(target=ask_all, args=(writer, [0])) for _ in range(2)]
    waiting[0].start()
    assert counter.entered.wait(5)
    waiting[1].start()
    while writer.figures()["waiting"] < 1:
        pass
    with pytest.raises(Refused, match="busy") as refusal:
        writer.ask(Asked(0, new_id()))
    assert refusal.value.status == 503
    counter.go.set()
    for thread in waiting:
        thread.join()


def test_the_ledgers_status_tells_how_sales_are_answered(town: Town) -> None:
    person = new_id()
    give_coins(town, person, 3_00, a_fund(town, 3_00))
    sell(town, person, 1_00)
    status = town.apps["ledger"].test_client().get("/status").json
    assert status is not None
    assert status["post_sales"]["batch_size"] >= 1
    assert status["post_sales"]["p99_ms"] > 0
