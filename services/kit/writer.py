"""Answers where somebody waits at a counter, many at a time: what is asked while a transaction runs is answered together by the next one.

No timer: one request alone is handled at once; under load batches grow by themselves, and each costs one commit.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Hashable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.apis.errors import Refused
from services.kit.answers import Kept, Key, claim, keep
from services.kit.auth import NOBODY, Principal
from services.kit.context import Context
from services.kit.db import Tx
from services.kit.problems import problem_body, unreachable
from services.kit.routes import Together
from services.kit.telemetry import log
from services.kit.tracing import HERE, at

MOST = 500
LONGEST_QUEUE = 2000
PATIENCE_S = 10.0
IDLE_S = 1.0
KEPT = 1000  # batches and answers that the figures are made of


class Asked:
    """One request in the queue, and the thread that waits for its answer. `key`, `content_hash`: where the answer is to be remembered."""

    __slots__ = ("answer", "answered", "body", "content_hash", "correlation_id", "here", "key", "who")

    def __init__(
        self,
        body: Any,
        correlation_id: UUID,
        who: Principal = NOBODY,
        key: Key | None = None,
        content_hash: bytes = b"",
    ) -> None:
        self.body, self.correlation_id, self.who, self.key, self.content_hash = (
            body,
            correlation_id,
            who,
            key,
            content_hash,
        )
        self.here = HERE.get()
        self.answer: Any = None
        self.answered = threading.Lock()
        self.answered.acquire()


class Writer:
    """The queue of one endpoint, and the one thread that works through it. The thread starts when needed and ends when idle.

    The handler answers each in order, with a value or a `Refused`, and writes nothing for a refusal but what it must remember of it; what
    it wrote is committed before anybody hears an answer. Where requests carry a key, the answer stored under it is given instead (`Kept`).
    """

    def __init__(self, ctx: Context, together: Together, status: int = 200, name: str = "") -> None:
        self._ctx, self._handler, self._apart, self._status = ctx, together.handler, together.apart, status
        self._before = together.before
        self._name = name
        self._queue: deque[Asked] = deque()
        self._filled = threading.Condition()
        self._running = False
        self._sizes: deque[int] = deque(maxlen=KEPT)
        self._took_ms: deque[float] = deque(maxlen=KEPT)

    def ask(self, asked: Asked) -> Any:
        """The handler's answer. Raises its Refused, `busy` (503) when too many wait, or what the transaction failed with."""
        began = time.perf_counter()
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
                batch = self._next()
            if batch:
                self._answer(batch)

    def _next(self) -> list[Asked]:
        """Who waits, in order. Of those that must be decided one after the other – one key, one payment code – only the first."""
        batch: list[Asked] = []
        later: list[Asked] = []
        seen: set[Hashable] = set()
        while self._queue and len(batch) < MOST:
            asked = self._queue.popleft()
            alone = {mark for mark in (asked.key, self._apart and self._apart(asked.body)) if mark is not None}
            if seen.isdisjoint(alone):
                batch.append(asked)
            else:
                later.append(asked)
            seen |= alone
        self._queue.extendleft(reversed(later))
        return batch

    def _answer(self, batch: list[Asked]) -> None:
        try:
            if self._before:
                with self._ctx.transaction(correlation_id=batch[0].correlation_id) as tx:
                    self._before(tx, batch)
            with at(batch[0].here), self._ctx.transaction(correlation_id=batch[0].correlation_id) as tx:
                if tx.trail:
                    tx.trail.works_for([asked.here for asked in batch])
                answers = self._remembered(tx, batch) if batch[0].key else self._handler(tx, batch)
        except Exception as error:
            # One request that cannot be handled must not hold the rest. When another service or the database is away, it is away for all:
            # to find that out for each anew, five seconds at a time, would hold those who come after it is back.
            if len(batch) > 1 and not isinstance(error, Refused) and not unreachable(error):
                for asked in batch:
                    self._answer([asked])
                return
            answers = [error] * len(batch)
        for asked, answer in zip(batch, answers, strict=True):
            asked.answer = answer
            asked.answered.release()
        self._sizes.append(len(batch))
        self._ctx.metrics.together(self._name, len(batch), len(self._queue))
        log("together", service=self._ctx.room.name, requests=len(batch), waiting=len(self._queue))

    def _remembered(self, tx: Tx, batch: Sequence[Asked]) -> list[Any]:
        """Each answer as it is stored under its request's key; of what was answered before, that answer."""
        answers: dict[Any, Any] = claim(tx, {asked.key: asked.content_hash for asked in batch if asked.key})
        fresh = [asked for asked in batch if asked.key not in answers]
        given = self._handler(tx, fresh) if fresh else ()
        kept = {asked.key: self._kept(asked, answer) for asked, answer in zip(fresh, given, strict=True) if asked.key}
        keep(tx, kept)
        answers |= kept
        return [answers[asked.key] for asked in batch]

    def _kept(self, asked: Asked, answer: Any) -> Kept:
        if isinstance(answer, Refused):
            return Kept(answer.status, problem_body(answer, asked.correlation_id))
        return Kept(self._status, msgspec.json.encode(answer))
