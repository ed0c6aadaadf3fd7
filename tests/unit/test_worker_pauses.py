"""How long a worker waits between two looks: not at all while something moves, and ever longer while nothing does."""

from __future__ import annotations

import threading

import pytest

from infra.workers import until_stopped


class Noting(threading.Event):
    """Never waits, and stops the worker after so many steps; notes what it would have waited."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps, self.pauses = steps, list[float]()

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        return len(self.pauses) > self.steps


def pauses(moved: list[int], pause_s: float) -> list[float]:
    """What it waits after each of these steps."""
    steps, stopping = iter(moved), Noting(len(moved))
    assert until_stopped(lambda: next(steps), stopping, name="redemption", pause_s=pause_s, away_s=1.0) == 0
    return stopping.pauses[1:]


def test_the_next_look_follows_soon_and_then_ever_later() -> None:
    assert pauses([5, 0, 0, 0, 0, 0, 0, 0], 0.2) == pytest.approx([0.0, 0.01, 0.02, 0.04, 0.08, 0.16, 0.2, 0.2])


def test_whatever_moves_begins_anew() -> None:
    assert pauses([0, 0, 0, 1, 0], 0.2) == pytest.approx([0.01, 0.02, 0.04, 0.0, 0.01])


def test_who_waits_within_its_step_does_not_wait_between_two() -> None:
    assert pauses([0, 3, 0], 0.0) == [0.0, 0.0, 0.0]
