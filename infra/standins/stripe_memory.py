"""What the stand-in's account remembers: objects, events, answers given, what is still to come.

Kept in one JSON file if a path is given, replaced as a whole after each change: killing the process
at any moment leaves either the state before or the state after.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.standins import stripe_shapes as shapes
from infra.standins.stripe_forms import StripeSaysNo
from infra.standins.stripe_shapes import Json

ANSWERS_KEPT_S = 24 * 3600


class StripeMemory:
    """Read it under `lock`; change it inside `with memory.change():`, which may nest and saves."""

    def __init__(self, now: Callable[[], datetime], ids: Callable[[], object], path: Path | None) -> None:
        self._now, self._ids, self._path = now, ids, path
        self.lock = threading.RLock()
        self._depth = 0
        kept = json.loads(path.read_text()) if path and path.exists() else {}
        self.objects: dict[str, Json] = kept.get("objects", {})
        self.intent_data: dict[str, Json] = kept.get("intent_data", {})
        self.answers: dict[str, Json] = kept.get("answers", {})
        self.due: list[list[Any]] = kept.get("due", [])
        self.waiting: dict[str, int] = kept.get("waiting", {})

    @contextmanager
    def change(self) -> Iterator[None]:
        with self.lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._save()

    def seconds(self) -> int:
        """Now, as Stripe writes time: whole seconds since 1970 UTC."""
        return int(self._now().timestamp())

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{str(self._ids()).replace('-', '')}"

    def put(self, thing: Json) -> Json:
        self.objects[thing["id"]] = thing
        return thing

    def get(self, kind: str, id_: str) -> Json:
        """The object itself, to be changed. Raises `StripeSaysNo` resource_missing."""
        found = self.objects.get(id_)
        if found is None or found["object"] != kind:
            raise StripeSaysNo(f"No such {kind}: '{id_}'", status=404, code="resource_missing", param="id")
        return found

    def all_of(self, kind: str) -> list[Json]:
        """Newest first, as Stripe lists."""
        with self.lock:
            return [each for each in reversed(self.objects.values()) if each["object"] == kind]

    def tell(self, kind: str, subject: Json) -> None:
        """Make an event of what `subject` is now, and leave it waiting to be sent."""
        id_ = self.new_id("evt")
        self.put(shapes.event(id_, kind, deepcopy(subject), self.seconds()))
        self.waiting[id_] = 0

    def remember_answer(self, key: str, asked: str, body: Json) -> None:
        """Keep the answer to an idempotency key for a day, as Stripe does at least."""
        oldest = self.seconds() - ANSWERS_KEPT_S
        self.answers = {k: each for k, each in self.answers.items() if each["at"] > oldest}
        self.answers[key] = {"at": self.seconds(), "asked": asked, "body": body}

    def _save(self) -> None:
        if self._path is None:
            return
        kept = {name: getattr(self, name) for name in ("objects", "intent_data", "answers", "due", "waiting")}
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(kept))
        draft.replace(self._path)
