"""What an audit says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from msgspec import Struct

MOST_NAMED = 100

Progress = Callable[[str, int], None]
"""Told from time to time: what is being done, and how many rows of it are."""


class Finding(Struct, frozen=True):
    """A row that is wrong. `key`: its key, or what names it where the row itself is gone; `found` is there, `expected` follows from the
    rest of the books."""

    table: str
    key: str
    column: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.column} is {self.found}, expected {self.expected}"


class Report(Struct, kw_only=True):
    """The verdict: the books are right when nothing was found. Of findings alike (same table and column) the first hundred are named,
    all are counted."""

    findings: list[Finding] = []
    wrong: int = 0
    transfers: int = 0
    accounts: int = 0
    requests: int = 0
    cents: int = 0
    since_seq: int = 0
    upto_seq: int = 0
    missing_seqs: int = 0
    seconds: float = 0.0

    @property
    def is_right(self) -> bool:
        return self.wrong == 0


class Findings:
    """Where the parts of the audit say what they found."""

    def __init__(self) -> None:
        self.named: list[Finding] = []
        self.count = 0
        self._alike: Counter[tuple[str, str]] = Counter()

    def add(self, table: str, key: str, column: str, found: Any, expected: Any) -> None:
        self.count += 1
        self._alike[table, column] += 1
        if self._alike[table, column] <= MOST_NAMED:
            self.named.append(Finding(table, key, column, str(found), str(expected)))

    def unless(self, right: bool, table: str, key: str, column: str, found: Any, expected: Any) -> None:
        if not right:
            self.add(table, key, column, found, expected)

    def same(self, table: str, key: str, column: str, found: Any, expected: Any) -> None:
        if found != expected:
            self.add(table, key, column, found, expected)
