"""Where an audit stopped, so that the next one goes on from there. The file carries its own hash: a changed one is refused."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from msgspec import DecodeError, Struct, json

VERSION = 1


class StateUnusable(Exception):
    """The state file cannot be gone on from; the message says why in a sentence."""


class State(Struct, kw_only=True):
    """`upto_seq`: transfers were added up to this number, but for `missing` (number -> the transaction id that was next when it was
    noticed). `counters`: account id -> (debits, credits) so far. `decided_until`: everything decided before this instant had been
    committed; `outcomes`: how many that were."""

    upto_seq: int = 0
    missing: dict[int, int] = {}
    counters: dict[int, tuple[int, int]] = {}
    transfers: int = 0
    cents: int = 0
    outcomes: int = 0
    decided_until: str | None = None


class _File(Struct):
    version: int
    sha256: str
    state: State


def read_state(path: Path) -> State:
    """Raises StateUnusable for a file that is not ours, or was changed."""
    try:
        file = json.decode(path.read_bytes(), type=_File)
    except (OSError, DecodeError) as error:
        raise StateUnusable(
            f"{path} is not the state of an audit ({error}). Say --full to audit everything."
        ) from error
    if file.version != VERSION or file.sha256 != _hash(file.state):
        raise StateUnusable(
            f"{path} was changed, or is of another version: its hash is not right. Say --full to audit everything."
        )
    return file.state


def write_state(path: Path, state: State) -> None:
    """Whole, or not at all."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(json.encode(_File(VERSION, _hash(state), state)))
    os.replace(beside, path)


def _hash(state: State) -> str:
    return sha256(_json(state)).hexdigest()


_json = json.Encoder().encode
