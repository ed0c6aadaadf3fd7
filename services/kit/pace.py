"""How often somebody may ask: so many times a minute, by this process's own clock and count.

A library (`limits`) did this before; its memory started a timer thread for every request, which cost more than a small answer.
"""

from __future__ import annotations

import threading
import time
from collections import Counter

from services.apis.errors import Refused

MINUTE_S = 60


class Pace:
    """Counts of the minute at hand; the next one starts from nothing."""

    def __init__(self) -> None:
        self._minute = 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def check(self, what: str, who: str, per_minute: int) -> None:
        """Count one more. Raises Refused (429) beyond `per_minute`."""
        minute = int(time.monotonic()) // MINUTE_S
        with self._lock:
            if minute != self._minute:
                self._minute = minute
                self._counts.clear()
            self._counts[what, who] += 1
            count = self._counts[what, who]
        if count > per_minute:
            raise Refused("too_many_requests", "That was very often in a short time. Wait a minute and try again.",
                          {"per_minute": per_minute}, status=429)  # fmt: skip
