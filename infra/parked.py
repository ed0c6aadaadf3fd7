"""`meritcoin parked`: events that could not be handled, of the whole town or of one service on its own database."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from infra.rooms import ROOMS
from services.kit import parked as lot
from services.kit.context import Context
from services.kit.settings import Settings, SettingWrong

Run = Callable[[Settings, argparse.Namespace], int]
Add = Callable[[str, Run, str], argparse.ArgumentParser]


def parked(settings: Settings, args: argparse.Namespace) -> int:
    """List, replay or drop parked events."""
    if args.action != "list" and args.service is None:
        raise SettingWrong(f"Say whose events: meritcoin parked {args.action} SERVICE.")
    with _contexts(settings, args.service) as contexts:
        for ctx in contexts:
            if args.action == "list":
                for row in lot.parked(ctx):
                    print(f"{ctx.room.name} {row.seq}: {row.topic} key {row.key}: {row.reason}")
            elif args.action == "replay":
                print(f"{lot.replay(ctx)} replayed.")
            else:
                lot.drop(ctx, args.seq, args.reason)
                print("Dropped; the reason is kept.")
    return 0


@contextmanager
def _contexts(settings: Settings, service: str | None) -> Iterator[list[Context]]:
    """One service alone where it can run alone; else those of the town in one process."""
    if service and settings.database_url and settings.secret_keys:
        from infra.one_service import context_of

        ctx = context_of(settings, service)
        try:
            yield [ctx]
        finally:
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
    command = add("parked", parked, "events that could not be handled: list, replay, drop")
    command.add_argument("action", choices=["list", "replay", "drop"])
    command.add_argument("service", nargs="?", choices=list(ROOMS), help="the service whose events are meant")
    command.add_argument("seq", nargs="?", type=int, help="which one to drop")
    command.add_argument("--reason", default="", help="why it is dropped")
