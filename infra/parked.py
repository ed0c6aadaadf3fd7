"""`meritcoin parked`: events that could not be handled, of the whole town or of one service on its own database."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec

from infra.rooms import ROOMS
from services.kit import parked as lot
from services.kit.context import Context
from services.kit.settings import Settings, SettingWrong

Run = Callable[[Settings, argparse.Namespace], int]
Add = Callable[[str, Run, str], argparse.ArgumentParser]

MOST_SHOWN_BYTES = 20_000


def parked(settings: Settings, args: argparse.Namespace) -> int:
    """List, show, replay or drop parked events. Exit 1 if some still cannot be handled."""
    if args.action != "list" and args.service is None:
        raise SettingWrong(f"Say whose events: meritcoin parked {args.action} SERVICE.")
    if args.action in ("show", "drop") and args.seq is None:
        raise SettingWrong(
            f"Say which event, by its number in the list: meritcoin parked {args.action} {args.service} SEQ."
        )
    with contexts(settings, args.service) as found:
        if args.action == "list":
            return _list(found)
        (ctx,) = found
        if args.action == "show":
            return _show(ctx, args.seq)
        if args.action == "replay":
            return _replay(ctx, args.seq)
        lot.drop(ctx, args.seq, args.reason)
        print("Dropped; the reason is kept.")
    return 0


def _list(found: list[Context]) -> int:
    """A line for the first of each key: what waits behind it is replayed with it."""
    for ctx in found:
        for row in lot.first_of_each_key(ctx):
            behind = f", {row.behind} behind it" if row.behind else ""
            age = _age(ctx.clock.now() - row.parked_at)
            print(
                f"{ctx.room.name} {row.seq}: {_type_of(row.value)} of {row.topic}, key {row.key}, {age}{behind}: {row.reason}"
            )
    return 0


def _show(ctx: Context, seq: int) -> int:
    row, behind = lot.one(ctx, seq)
    print(
        f"{ctx.room.name} {row.seq}: {_type_of(row.value)}, key {row.key}, {row.topic}/{row.partition} at {row.offset}"
    )
    print(f"parked {row.parked_at:%Y-%m-%d %H:%M:%S} UTC, {_age(ctx.clock.now() - row.parked_at)} ago: {row.reason}")
    if row.ended_at is not None:
        print(f"ended {row.ended_at:%Y-%m-%d %H:%M:%S} UTC: {row.ended_how}")
    print(f"{len(behind)} of its key wait behind it{': ' if behind else ''}{', '.join(map(str, behind[:100]))}")
    print(_readable(bytes(row.value)))
    return 0


def _replay(ctx: Context, seq: int | None) -> int:
    replayed = lot.replay(ctx, seq)
    print(f"{replayed.done} replayed.")
    for failed, why in replayed.failed.items():
        print(f"{ctx.room.name} {failed} still cannot be handled: {_brief(why)}", file=sys.stderr)
    return 1 if replayed.failed else 0


def _type_of(value: bytes) -> str:
    """The type an event says it has, whether or not anybody knows it."""
    try:
        said: Any = msgspec.json.decode(bytes(value))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "unreadable"
    return str(said.get("type", "no type")) if isinstance(said, dict) else "no event"


def _readable(value: bytes) -> str:
    try:
        return msgspec.json.format(value).decode()[:MOST_SHOWN_BYTES]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return f"{len(value)} bytes that are no JSON: {value[:MOST_SHOWN_BYTES]!r}"


def _brief(reason: str) -> str:
    """Its first line: what a database says goes on over many."""
    return reason.partition("\n")[0]


def _age(since: timedelta) -> str:
    for unit, length_s in (("d", 86_400), ("h", 3600), ("min", 60)):
        if since.total_seconds() >= length_s:
            return f"{since.total_seconds() // length_s:.0f} {unit}"
    return f"{max(0.0, since.total_seconds()):.0f} s"


@contextmanager
def contexts(settings: Settings, service: str | None) -> Iterator[list[Context]]:
    """Services alone on their databases where they can run alone; else those of the town in one process."""
    if settings.database_url and settings.secret_keys:
        from infra.one_service import context_of

        opened: list[Context] = []
        try:
            for name in [service] if service else ROOMS:
                opened.append(context_of(settings, name))
            yield opened
        finally:
            for ctx in opened:
                ctx.engine.dispose()
        return
    from infra.wiring import build_town

    town = build_town(settings)
    try:
        yield [ctx for name, ctx in town.rooms.items() if service in (None, name)]
    finally:
        town.close()


def add_commands(add: Add) -> None:
    """Register the command with the command line."""
    command = add("parked", parked, "events that could not be handled: list, show, replay, drop")
    command.add_argument("action", choices=["list", "show", "replay", "drop"])
    command.add_argument("service", nargs="?", choices=list(ROOMS), help="the service whose events are meant")
    command.add_argument(
        "seq", nargs="?", type=int, help="its number in the list; of replay: it and what waits behind it"
    )
    command.add_argument("--reason", default="", help="why it is dropped")
