"""`meritcoin positions` and `republish`: what an operator does after a topic was deleted and made anew."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from infra.parked import contexts
from infra.rooms import ROOMS
from services.kit import positions as kept
from services.kit.bus import Bus, BusAway
from services.kit.context import Context
from services.kit.inbox import topics_of
from services.kit.outbox import republish as publish_again
from services.kit.settings import Settings, SettingWrong

Add = Callable[[str, Callable[[Settings, argparse.Namespace], int], str], argparse.ArgumentParser]


def positions(settings: Settings, args: argparse.Namespace) -> int:
    """Show how far a service has handled each partition, or have it hear a topic from its beginning. Exit 1 while one was made anew, and
    if the bus is away."""
    with _standing_on(settings, args.service) as (ctx, bus):
        heard = topics_of(ctx)
        if args.topic and args.topic not in heard:
            raise SettingWrong(
                f"{args.service} does not hear {args.topic}; it hears {', '.join(sorted(heard)) or 'nothing'}."
            )
        try:
            if args.restart:
                if not args.topic:
                    raise SettingWrong("Say which topic is heard from its beginning: --topic TOPIC.")
                kept.restart(ctx, bus, args.topic, args.reason)
            found = kept.positions(ctx, bus, [args.topic] if args.topic else heard)
        except BusAway as error:
            return _away(error)
    for one in found:
        where = f"{one.spot.topic}/{one.spot.partition}: {one.handled} handled"
        print(
            f"{where} of a log that is gone; the one made anew holds {one.end}"
            if one.made_anew
            else f"{where} of {one.end}"
        )
    if anew := sorted({one.spot.topic for one in found if one.made_anew}):
        print(
            f"Made anew: {', '.join(anew)}. `meritcoin positions {args.service} --topic TOPIC --restart --reason …` hears it from its "
            "beginning; `meritcoin republish` of its service first brings back what it held.",
            file=sys.stderr,
        )
    return 1 if anew else 0


def republish(settings: Settings, args: argparse.Namespace) -> int:
    """Fill a topic that was made anew with everything its service ever published. Exit 1 if the bus is away."""
    with _standing_on(settings, args.service) as (ctx, bus):
        try:
            count = publish_again(ctx, bus, args.reason)
        except BusAway as error:
            return _away(error)
    print(f"{count} events are published again, oldest first, by `meritcoin relay {args.service}`.")
    return 0


def _away(error: BusAway) -> int:
    print(f"The bus: {error}.", file=sys.stderr)
    return 1


@contextmanager
def _standing_on(settings: Settings, service: str) -> Iterator[tuple[Context, Bus]]:
    from infra.buses import bus_of
    from infra.embedded import start_postgres

    with contexts(settings, service) as (ctx,):
        bus = bus_of(settings, settings.database_url or start_postgres(settings.var))
        try:
            yield ctx, bus
        finally:
            bus.close()


def add_commands(add: Add) -> None:
    """Register the commands with the command line."""
    services: dict[str, Any] = {"choices": list(ROOMS), "metavar": "SERVICE", "help": ", ".join(ROOMS)}
    command = add(
        "positions",
        positions,
        "how far a service has handled what it hears; hearing a topic made anew from its beginning",
    )
    command.add_argument("service", **services)
    command.add_argument("--topic", help="only this one")
    command.add_argument(
        "--restart", action="store_true", help="hear it from its beginning; what was taken before changes nothing"
    )
    command.add_argument("--reason", default="", help="why")
    again = add("republish", republish, "fill a topic that was made anew with all its service ever published")
    again.add_argument("service", **services)
    again.add_argument("--reason", default="", help="why")
