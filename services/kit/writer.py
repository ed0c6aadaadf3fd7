"""Answers where somebody waits at a counter, many at a time: what is asked while a transaction runs is answered together by the next one.

No timer: one request alone is handled at once; under load batches grow by themselves, and each costs one commit.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from services.apis.errors import Refused
from services.kit.context import Context
from services.kit.db import Tx
from services.kit.telemetry import log

MOST = 500
LONGEST_QUEUE = 2000
PATIENCE_S = 10.0
IDLE_S = 1.0
KEPT = 1000  # batches and answers that the figures are made of

Handler = Callable[[Tx, "Sequence[Asked]"], Sequence[Any]]


class Asked:
    """One request in the queue, and the thread that waits for its answer."""

    __slots__ = ("answer", "answered", "body", "correlation_id")

    def __init__(self, body: Any, correlation_id: UUID) -> None:
        self.body, self.correlation_id = body, correlation_id
        self.answer: Any = None
        self.answered = threading.Lock()
        self.answered.acquire()


class Writer:
    """The queue of one endpoint, and the one thread that works through it. The thread starts when needed and ends when idle.

    `handler(tx, asked)` answers each in order, with a value or a `Refused`; what it wrote is committed before anybody hears an answer.
    """

    def __init__(self, ctx: Context, handler: Handler) -> None:
        self._ctx, self._handler = ctx, handler
        self._queue: deque[Asked] = deque()
        self._filled = threading.Condition()
        self._running = False
        self._sizes: deque[int] = deque(maxlen=KEPT)
        self._took_ms: deque[float] = deque(maxlen=KEPT)

    def ask(self, body: Any, correlation_id: UUID) -> Any:
        """The handler's answer. Raises its Refused, `busy` (503) when too many wait, or what the transaction failed with."""
        asked, began = Asked(body, correlation_id), time.perf_counter()
        with self._filled:
            if len(self._queue) >= LONGEST_QUEUE:
                raise Refused("busy", "Very many are asking at this moment. Try again in a moment.", status=503)
            self._queue.append(asked)
            if not self._running:
                self._running = True
                threading.Thread(target=self._work, name=f"{self._ctx.room.name} writer", daemon=True).start()
            self._filled.notify()
        if not asked.answered.acquire(timeout=PATIENCE_S):
            raise Refused("busy", "The answer takes too long. Ask again: it counts once.", status=503)
        self._took_ms.append((time.perf_counter() - began) * 1000)
        if isinstance(asked.answer, BaseException):
            raise asked.answer
        return asked.answer

    def figures(self) -> dict[str, float]:
        """How many wait now; of the last batches and answers: the mean size, and how long an answer took, median and 99th percentile."""
        sizes, took = list(self._sizes), sorted(self._took_ms)
        at = {"p50_ms": len(took) // 2, "p99_ms": len(took) * 99 // 100}
        return {
            "waiting": len(self._queue),
            "batch_size": round(sum(sizes) / len(sizes), 1) if sizes else 0,
            **{name: round(took[n], 2) if took else 0 for name, n in at.items()},
        }

    def _work(self) -> None:
        while True:
            with self._filled:
                if not self._queue and not self._filled.wait(IDLE_S) and not self._queue:
                    self._running = False
                    return
                batch = [self._queue.popleft() for _ in range(min(MOST, len(self._queue)))]
            if batch:
                self._answer(batch)

    def _answer(self, batch: list[Asked]) -> None:
        try:
            with self._ctx.transaction(correlation_id=batch[0].correlation_id) as tx:
                answers = self._handler(tx, batch)
        except Exception as error:
            # One request that cannot be handled must not hold the rest.
            if len(batch) > 1:
                for asked in batch:
                    self._answer([asked])
                return
            answers = [error]
        for asked, answer in zip(batch, answers, strict=True):
            asked.answer = answer
            asked.answered.release()
        self._sizes.append(len(batch))
        log("together", service=self._ctx.room.name, requests=len(batch), waiting=len(self._queue))
