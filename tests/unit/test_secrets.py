"""Secrets nobody set are made once, whoever starts together; those that are set are used by every machine."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from threading import Barrier

import pytest

from infra.wiring import seal_key, secret_key, secrets_of
from services.apis.errors import Refused
from services.kit.settings import read_settings

TOGETHER = 8


@pytest.mark.parametrize(("made", "name", "length"), [(secret_key, "secret.key", 64), (seal_key, "seal.key", 32)])
def test_a_key_is_made_once_by_those_who_start_together_and_for_its_owner_alone(
    tmp_path: Path, made: Callable[[Path], str | bytes], name: str, length: int
) -> None:
    """Who saw the file before all was in it would sign with an empty key."""
    start = Barrier(TOGETHER)

    def begin(var: Path) -> str | bytes:
        start.wait()
        return made(var)

    with ThreadPoolExecutor(TOGETHER) as pool:
        for n in range(20):
            var = tmp_path / str(n)
            (key,) = set(pool.map(begin, [var] * TOGETHER))
            assert len(key) == length
            assert made(var) == key
            assert [p.name for p in var.iterdir()] == [name]
            assert (var / name).stat().st_mode & 0o077 == 0


def test_keys_that_are_set_leave_no_file(tmp_path: Path) -> None:
    settings = read_settings({"VAR": str(tmp_path), "SECRET_KEYS": "x" * 32, "SEAL_KEY": "ab" * 32})
    assert secrets_of(settings)[1]["seal_key"] == b"\xab" * 32
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_replaced_process_by_process_and_nobody_is_signed_out() -> None:
    """As the operator's guide says: first accepted, then signing; the oldest stays last, for it opens the vault."""
    old, new, now = (
        "an old key of thirty-two signs..",
        "a new key of thirty-two signs...",
        datetime(2026, 5, 4, tzinfo=UTC),
    )
    rounds = [f"{old}", f"{old},{new},{old}", f"{new},{old}"]
    steps = [secrets_of(read_settings({"SECRET_KEYS": keys, "SEAL_KEY": "ab" * 32})) for keys in rounds]
    assert len({extras["vault_key"] for _, extras in steps}) == 1
    for (before, _), (after, _) in pairwise(steps):
        for signs, reads in ((before, after), (after, before)):
            assert reads.read(signs.service("ledger", now=now), now=now).id == "ledger"
    with pytest.raises(Refused):
        steps[0][0].read(steps[2][0].service("ledger", now=now), now=now)  # both rounds at once would not do
