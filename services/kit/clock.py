"""Time, as an argument. Only this module asks the machine what time it is."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SetClock:
    """A clock that shows what it is told and never goes back; `release` lets it follow the machine from then on."""

    def __init__(self, start: datetime) -> None:
        self._now: datetime | None = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now or datetime.now(UTC)

    def move_to(self, instant: datetime) -> datetime:
        """Show `instant`, or what is shown already if that is later. Answers what it shows."""
        with self._lock:
            if self._now is None:
                return datetime.now(UTC)
            self._now = max(self._now, instant)
            return self._now

    def release(self) -> None:
        with self._lock:
            self._now = None
