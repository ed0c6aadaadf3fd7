"""Time, as an argument. Only this module asks the machine what time it is."""

from __future__ import annotations

import mmap
import struct
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class MovedClock(Protocol):
    """A clock that shows what it is told and never goes back."""

    def now(self) -> datetime: ...

    def move_to(self, instant: datetime) -> datetime:
        """Show `instant`, or what is shown already if that is later. Answers what it shows."""

    def release(self) -> None:
        """Follow the machine from now on."""


class SetClock:
    """A moved clock of one process."""

    def __init__(self, start: datetime) -> None:
        self._now: datetime | None = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now or datetime.now(UTC)

    def move_to(self, instant: datetime) -> datetime:
        with self._lock:
            if self._now is None:
                return datetime.now(UTC)
            self._now = max(self._now, instant)
            return self._now

    def release(self) -> None:
        with self._lock:
            self._now = None


class SharedClock:
    """A moved clock of several processes: eight bytes of a file, mapped into each of them. One of them moves it, all show the same.

    The bytes are microseconds since 1970; 0 follows the machine, as a file does that is only made now.
    """

    _EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
    _MICROSECOND = timedelta(microseconds=1)

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab") as made:  # only lengthens: what another process wrote stays
            if made.tell() == 0:
                made.write(bytes(8))
        with file.open("r+b") as opened:
            self._shown = mmap.mmap(opened.fileno(), 8)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        (shown,) = struct.unpack("<q", self._shown[:])
        return self._EPOCH + shown * self._MICROSECOND if shown else datetime.now(UTC)

    def move_to(self, instant: datetime) -> datetime:
        with self._lock:
            if not any(self._shown[:]):
                return datetime.now(UTC)
            return self.start_at(max(self.now(), instant))

    def start_at(self, instant: datetime) -> datetime:
        """Show `instant`, whatever was shown."""
        self._shown[:] = struct.pack("<q", (instant - self._EPOCH) // self._MICROSECOND)
        return instant

    def release(self) -> None:
        self._shown[:] = bytes(8)
