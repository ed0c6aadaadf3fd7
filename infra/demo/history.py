"""The first weeks of the demo town, lived day by day through the APIs under a simulated clock.

What happens on a day is drawn from the seed and the day alone, and each thing is asked for with its own idempotency key: a day cut off
by a kill goes on with the step it was at, and what was done of it already is not done twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from infra.demo.actors import Actors
from infra.demo.day_money import MoneyDay
from infra.demo.day_shifts import ShiftDay
from infra.demo.day_shops import ShopDay
from infra.demo.memory import Memory, MemoryFile
from infra.demo.setup import Founding
from infra.demo.view import History
from infra.town import Town
from services.apis.errors import Refused
from services.kit.clock import MovedClock
from services.kit.i18n import day as written_day
from services.kit.telemetry import log

Say = Callable[[int, int, str], None]
ASK_AGAIN_S, MOST_UNANSWERED = 1.0, 120


class Stopped(Exception):
    """The demo is being closed; the day in hand is lived again at the next start."""


@dataclass(frozen=True)
class Day:
    """One day of the town's history: its number, its date, and its hours in the city's zone."""

    number: int
    date: date
    zone: str

    def at(self, hour: int, minute: int = 0) -> datetime:
        """An instant of the day (UTC) by the city's clocks."""
        local = datetime(self.date.year, self.date.month, self.date.day, hour, minute, tzinfo=ZoneInfo(self.zone))
        return local.astimezone(UTC)


class Life:
    """Lives what is left of the history, then lets the clock run with the machine's."""

    def __init__(self, town: Town, clock: MovedClock, memory: Memory, file: MemoryFile) -> None:
        self._town, self._clock, self.memory, self._file = town, clock, memory, file
        self._stopping = threading.Event()
        self._failed: str | None = None
        self._unanswered = 0
        self.actors = Actors(town, memory)

    def progress(self) -> History:
        """How far the history is, for a page, in the language of its request."""
        today = (
            written_day(self._town.city.day_of(self._clock.now()))
            if self.memory.set_up and not self.memory.finished
            else ""
        )
        return History(self.memory.done_days, self.memory.days, today, self.memory.finished, self._failed)

    def stop(self) -> None:
        self._stopping.set()

    def live(self, say: Say) -> None:
        """Found the town if need be, live every day not yet lived, publish the weeks to come. Where a service gives no answer, go on from
        the step in hand when it does again."""
        try:
            while not self._lived(say):
                self._stopping.wait(ASK_AGAIN_S)
        except Stopped:
            return
        except Exception as error:
            self._failed = f"{type(error).__name__}: {error}"
            log("history failed", level=logging.ERROR, exc=error)
            print(f"\nThe town's history stopped: {self._failed}")

    def _lived(self, say: Say) -> bool:
        """Whether it came to its end. Raises Refused when the town has said so often in a row that it cannot answer that it will not."""
        step = self.memory.done_days, self.memory.done_steps
        try:
            self._live(say)
        except Refused as refusal:
            self._unanswered = self._unanswered + 1 if (self.memory.done_days, self.memory.done_steps) == step else 0
            if refusal.status < 500 or self._unanswered > MOST_UNANSWERED:
                raise
            log("history waits", level=logging.WARNING, code=refusal.code)
            return False
        return True

    def _live(self, say: Say) -> None:
        memory = self.memory
        if not memory.set_up:
            founding = Founding(self._town, memory, self.actors, self._remember)
            founding.found(lambda sentence: self._tell(say, sentence))
            memory.set_up = True
            self._remember()
        while memory.done_days < memory.days:
            self._live_day(
                Day(memory.done_days, memory.first_day + timedelta(days=memory.done_days), self._town.city.zone), say
            )
            memory.done_days, memory.done_steps = memory.done_days + 1, 0
            self._remember()
        if not memory.finished:
            memory.finished = True
            self._clock.release()
            self._remember()
        ShiftDay(self._town, self._clock, memory, self.actors).publish_ahead(self._town.city.day_of(self._clock.now()))
        self._town.settle()
        self._tell(say, "The town has caught up with today")

    def _live_day(self, day: Day, say: Say) -> None:
        shifts = ShiftDay(self._town, self._clock, self.memory, self.actors)
        shops = ShopDay(self._town, self._clock, self.memory, self.actors)
        money = MoneyDay(self._town, self._clock, self.memory, self.actors)
        steps: list[tuple[str, Callable[[Day], None]]] = [
            ("shifts are published and people sign up", shifts.morning),
            ("funds, statements and the bank", money.morning),
            ("teams check in and out", shifts.work),
            ("hours are confirmed, coins arrive", shifts.evening),
            ("shops take coins", shops.afternoon),
        ]
        for sentence, step in steps[self.memory.done_steps :]:
            if self._stopping.is_set():
                raise Stopped
            self._tell(say, f"{day.date:%A %d %B}: {sentence}")
            self._remember()
            step(day)
            self._town.settle()
            self.memory.done_steps += 1
        self._clock.move_to(day.at(22))
        self._town.tick()
        self._town.settle()

    def _tell(self, say: Say, sentence: str) -> None:
        say(self.memory.done_days, self.memory.days, sentence)

    def _remember(self) -> None:
        self.memory.clock = self._clock.now()
        self._file.write(self.memory)
