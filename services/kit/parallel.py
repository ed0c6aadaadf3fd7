"""Asking several services at once, for a page that shows what each says: one that is away greys out its own part, never the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from services.apis.errors import Refused

MOST_AT_ONCE = 8


class Parts(dict[str, Any]):
    """What each question was answered; a question whose service is away is in `away` instead."""

    def __init__(self) -> None:
        super().__init__()
        self.away: set[str] = set()


def ask_all(questions: Mapping[str, Callable[[], Any]]) -> Parts:
    """Ask every question at the same time. Raises Refused when the caller is refused (401, 403); other failures grey out their part."""
    parts = Parts()
    with ThreadPoolExecutor(max_workers=min(MOST_AT_ONCE, len(questions))) as pool:
        asked = {name: pool.submit(copy_context().run, question) for name, question in questions.items()}
    for name, future in asked.items():
        try:
            parts[name] = future.result()
        except Refused as refusal:
            if refusal.status in (401, 403):
                raise
            parts.away.add(name)
    return parts
