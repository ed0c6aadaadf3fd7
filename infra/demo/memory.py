"""What the demo remembers between starts: who its people are and how far its history was lived. One small file under `var/`.

It is written before anything that depends on it is answered, and replaced in one step, so that a kill at any moment leaves the old or
the new one, never half.
"""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec


class Someone(msgspec.Struct, kw_only=True):
    """A person of the demo, with what they sign in with: a card and its picture PIN, or e-mail, password and code app."""

    person_id: UUID
    role: str
    card_code: str | None = None
    pin: tuple[int, int, int, int] | None = None
    email: str | None = None
    password: str | None = None
    totp_secret: str | None = None
    neighbourhood: str | None = None
    session_id: UUID | None = None
    renewal: str | None = None


class Memory(msgspec.Struct, kw_only=True):
    seed: int
    first_day: date
    days: int
    clock: datetime
    done_days: int = 0
    done_steps: int = 0
    set_up: bool = False
    finished: bool = False
    people: dict[str, Someone] = {}
    ids: dict[str, UUID] = {}
    tills: dict[str, str] = {}
    notes: dict[str, Any] = {}


class MemoryFile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Memory | None:
        """What was remembered; None for a town that was never started."""
        return msgspec.json.decode(self.path.read_bytes(), type=Memory) if self.path.exists() else None

    def write(self, memory: Memory) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(memory))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path)
