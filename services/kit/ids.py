"""Ids. Only this module draws them, so that a test or a simulated town can have its own source."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from uuid import NAMESPACE_URL, UUID, uuid5

Ids = Callable[[], UUID]

_VERSION_7 = 7 << 76 | 2 << 62
_ROOM = (1 << 128) - 1 ^ (0xF << 76 | 0x3 << 62)
_SPACE = uuid5(NAMESPACE_URL, "urn:meritcoin")


def _uuid7(millis: int, noise: int) -> UUID:
    value = (millis & (1 << 48) - 1) << 80 | 7 << 76 | (noise >> 62 & 0xFFF) << 64
    return UUID(int=value | 2 << 62 | noise & (1 << 62) - 1)


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562): random, and in order of time so that indexes stay compact."""
    noise = int.from_bytes(os.urandom(10))
    return UUID(int=(time.time_ns() // 1_000_000 << 80 | noise) & _ROOM | _VERSION_7)


def seeded_ids(seed: int) -> Ids:
    """Ids that a seed determines: for a simulation that must replay exactly. Never for a running city."""
    draw = random.Random(seed)  # noqa: S311 - reproducibility is the purpose
    count = iter(range(1, 1 << 48))
    return lambda: _uuid7(next(count), draw.getrandbits(74))


def derived_id(*parts: object) -> UUID:
    """The same parts always give the same id: what makes a repeated request find its first effect."""
    return uuid5(_SPACE, "/".join(str(part) for part in parts))
