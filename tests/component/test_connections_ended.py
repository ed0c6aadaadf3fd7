"""The database server ends every connection, as when it is restarted: few notice, and nobody twice."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from infra.wiring import Town
from services.kit.bulk import rows_of
from services.kit.context import Context
from services.kit.db import Tx, session_of
from services.kit.problems import unreachable
from services.kit.routes import Together
from services.kit.writer import Asked, Writer
from tests.component.test_writer import ask_all

POOLED = 4


def end_connections(ctx: Context) -> None:
    """By somebody else's."""
    others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with ctx.engine.connect() as conn:
        conn.execute(text(others))
        conn.invalidate()


def test_of_all_connections_in_the_pool_one_fails_and_the_others_are_not_tried(town: Town) -> None:
    ctx = town.rooms["shifts"]
    held = [ctx.engine.connect() for _ in range(POOLED)]
    for conn in held:
        conn.execute(text("SELECT 1"))
    for conn in held[1:]:
        conn.close()
    held[0].invalidate()
    held[0].close()
    end_connections(ctx)
    with pytest.raises(OperationalError) as first, session_of(ctx.engine) as session:
        rows_of(session, "SELECT 1")
    assert unreachable(first.value)
    for _ in range(POOLED):
        with session_of(ctx.engine) as session:
            assert rows_of(session, "SELECT 1") == [(1,)]


class Ending:
    """A handler whose connection ends under it. Its first batch waits until `go`, so that the others gather behind it."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.entered, self.go = threading.Event(), threading.Event()

    def handle(self, tx: Tx, asked: Sequence[Asked]) -> list[Any]:
        self.entered.set()
        self.go.wait(5)
        self.sizes.append(len(asked))
        rows_of(tx.session, "SELECT pg_terminate_backend(pg_backend_pid(), 5000)")
        return [one.body for one in asked]


def test_who_waits_together_hears_together_that_the_database_is_away(town: Town) -> None:
    ending = Ending()
    writer = Writer(town.rooms["shifts"], Together(ending.handle))
    answers: list[Any] = []
    first = threading.Thread(target=ask_all, args=(writer, [0]))
    first.start()
    assert ending.entered.wait(5)
    rest = threading.Thread(target=lambda: answers.extend(ask_all(writer, [2, 4, 6, 8])))
    rest.start()
    while writer.figures()["waiting"] < 4:
        pass
    ending.go.set()
    first.join()
    rest.join()
    assert ending.sizes == [1, 4]
    assert all(isinstance(answer, DBAPIError) and unreachable(answer) for answer in answers)
