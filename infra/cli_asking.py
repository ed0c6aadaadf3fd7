"""What the commands around the books share: they ask as an auditor, print for people or as JSON, and show how far long work is."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from services.apis.errors import Refused
from services.kit.context import Context
from services.kit.settings import Settings

Run = Callable[[Settings, argparse.Namespace], int]
Add = Callable[[str, Run, str], argparse.ArgumentParser]


def command(add: Add, name: str, run: Run, text: str, *, long: bool = False) -> argparse.ArgumentParser:
    """Add a command that answers in JSON too. `long`: it says how far it is – on a terminal, or asked to."""
    sub = add(name, _answering(run), text)
    sub.add_argument("--json", action="store_true", help="print JSON")
    if long:
        sub.add_argument(
            "--progress", action="store_true", help="say how far it is, even when nobody watches a terminal"
        )
    return sub


def _answering(run: Run) -> Run:
    """What the books do not know is a no (1); that they cannot be read is not."""

    def answered(settings: Settings, args: argparse.Namespace) -> int:
        try:
            return run(settings, args)
        except Refused as no:
            if no.status >= 500 or no.code.startswith("role_"):
                raise
            print(no.message, file=sys.stderr)
            return 1

    return answered


@contextmanager
def the_ledger(settings: Settings) -> Iterator[Context]:
    from infra.wiring import build_town

    town = build_town(settings)
    try:
        yield town.rooms["ledger"]
    finally:
        town.close()


@contextmanager
def asking(ctx: Context) -> Iterator[Any]:
    """A transaction in the name of an auditor: who may run commands here may read the database anyway."""
    from services.kit.auth import Grant, Principal

    with ctx.transaction(Principal(kind="person", id=str(ctx.ids()), grants=(Grant("auditor"),))) as tx:
        yield tx


def show(args: argparse.Namespace, value: Any, lines: Callable[[], list[str]]) -> None:
    print(as_json(value) if args.json else "\n".join(lines()))


def as_json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def euros(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


class Progress:
    """How far long work is, on stderr: one line that is written over on a terminal; line after line where it was asked for by a flag."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._terminal = sys.stderr.isatty()
        self._wanted = self._terminal or bool(getattr(args, "progress", False))

    def __call__(self, what: str, count: int) -> None:
        if self._wanted:
            start, end = ("\r\033[K", "") if self._terminal else ("", "\n")
            print(f"{start}{count:>12,} {what}", end=end, file=sys.stderr, flush=True)

    def over(self) -> None:
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
