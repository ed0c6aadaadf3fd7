"""Whether traces are collected, and by what: `otlp.py` loads much that nobody else need wait for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from services.kit.settings import Settings
from services.kit.tracing import Record

if TYPE_CHECKING:
    from infra.otlp import Traces


def traces_of(settings: Settings) -> Traces | None:
    """What sends the spans of this process; None where no collector is set."""
    if not settings.traces_url:
        return None
    from infra.otlp import begun

    return begun(settings.traces_url)


def record_of(settings: Settings, service: str) -> Record | None:
    """What records the spans of a service in a process of its own."""
    traces = _of_this_process(settings)
    return traces.of(service) if traces else None


@cache
def _of_this_process(settings: Settings) -> Traces | None:
    """One thread sends them, also where a process looks into several services."""
    return traces_of(settings)
