"""`meritcoin replay SERVICE`: a read model is rebuilt from the first event on, beside the live one, and then takes its place."""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace as with_changes
from datetime import date
from typing import Any

import psycopg
from sqlalchemy import func, select

from infra.cli_asking import Progress
from infra.embedded import CannotStart, ensure_databases, maintenance_url, start_postgres
from infra.lag import behind, ends_for
from infra.rooms import ROOMS
from infra.switch import Names, drop_database, names_of, switch
from services.apis.city import City
from services.events import CONTRACTS, Envelope
from services.kit.bus import Bus, BusAway, Spot, TopicRecreated
from services.kit.context import Context, Room
from services.kit.db import INBOX, engine_for
from services.kit.ids import new_id
from services.kit.inbox import Consumer, TooManyParked, database_away, topics_of
from services.kit.parked import parked_count
from services.kit.settings import Settings, SettingWrong

Add = Callable[[str, Callable[[Settings, argparse.Namespace], int], str], argparse.ArgumentParser]

REPLAY_LOCK = 0x72706C79  # "rply", with the database's name: one replay of a service at a time
BATCH = 2000
POLL_S = 0.5
REACHED_WITHIN_S = 60.0
BEGINNING = "beginning"


def replay(settings: Settings, args: argparse.Namespace) -> int:
    """Rebuild a read model, then switch. Exit 1 if it could not be done now: then the live one is untouched, and a new run starts over."""
    since = _since(args.begin)
    if reason := why_not(_room(args.service)):
        raise CannotStart(reason)
    url = settings.database_url or start_postgres(settings.var)
    names = names_of(url, args.service)
    with _alone(url, names):
        try:
            return _replay(settings, args, url, names, since)
        except Exception as error:
            if not isinstance(error, (BusAway, TopicRecreated, TooManyParked)) and not database_away(error):
                raise
            print(f"{args.service} is as it was: {error}", file=sys.stderr)
            return 1


def why_not(room: Room) -> str | None:
    """Why a service cannot be rebuilt, as a sentence; None if what its database holds comes from events alone, and nothing leaves it."""
    wrong = None
    if any(contract.topic == room.name for contract in CONTRACTS.values()):
        wrong = "publishes events, and would publish them again"
    elif room.jobs:
        wrong = "does timed work, which no event would bring back"
    elif any(endpoint.method != "GET" for endpoint, _ in room.routes.served):
        wrong = "takes requests, which no event would bring back"
    return wrong and f"{room.name} cannot be rebuilt from events: it {wrong}."


def _replay(settings: Settings, args: argparse.Namespace, url: str, names: Names, since: date | None) -> int:
    from infra.buses import bus_of
    from infra.wiring import migrated

    beside = f"{args.service}_replay"
    drop_database(url, names.beside)  # what a run that was killed left; nobody knows which code filled it
    ensure_databases(url, [beside])
    migrated(url.replace("{service}", beside), args.service).dispose()
    _say(f"{names.beside} is made; reading.")
    bus = bus_of(settings, url)
    try:
        with _context(settings, args.service, url.replace("{service}", beside), since) as ctx:
            consumer = Consumer(ctx, bus.subscribe(f"{names.beside}-{new_id()}", topics_of(ctx)))
            try:
                count = _catch_up(ctx, bus, consumer, Progress(args))
                _say(f"{count} events read, none waits; switching.")
                with _standing_still(url.replace("{service}", args.service)) as live:
                    _reach(ctx, consumer, live)
                    _refuse_a_loss(ctx, names, live, args.even_with_fewer)
                    waiting = parked_count(ctx)
                    consumer.close()
                    ctx.engine.dispose()
                    drop_database(url, names.before)
                    away_s = switch(url, names)
            finally:
                consumer.close()
    finally:
        bus.close()
    _say(
        f"Switched: {names.live} could not be entered for {1000 * away_s:.0f} ms. What it was until now is {names.before}."
    )
    if waiting:
        _say(f"{waiting} events could not be handled: meritcoin parked list {args.service}.")
    return 0


def _catch_up(ctx: Context, bus: Bus, consumer: Consumer, progress: Progress) -> int:
    """Read until nothing waits; answers how many events. The ends are asked for anew only once those known are reached."""
    count = 0
    while late := behind(ctx, ends_for(bus, [ctx])):
        left = sum(late.values())
        while left > 0 and (read := consumer.poll_once(most=BATCH, timeout_s=POLL_S)):
            count, left = count + read, left - read
            progress(f"events read, {max(0, left):,} wait", count)
    progress.over()
    return count


def _reach(ctx: Context, consumer: Consumer, live: psycopg.Connection[Any]) -> None:
    """Read on to where the live one stands still. Raises BusAway when that takes too long."""
    heard, until = topics_of(ctx), time.monotonic() + REACHED_WITHIN_S
    positions = live.execute("SELECT topic, partition, next_offset FROM positions").fetchall()
    reached = {Spot(topic, partition): at for topic, partition, at in positions if topic in heard}
    while any(count > 0 for count in behind(ctx, reached).values()):
        if time.monotonic() > until:
            raise BusAway(f"what it has handled could not be read again within {REACHED_WITHIN_S:.0f} s")
        consumer.poll_once(most=BATCH, timeout_s=POLL_S)


def _refuse_a_loss(ctx: Context, names: Names, live: psycopg.Connection[Any], even_with_fewer: bool) -> None:
    """Every event the live one took must have come again. If not, a topic was made anew, and what only the old one held would be gone."""
    ((taken,),) = live.execute("SELECT count(*) FROM inbox").fetchall()
    with ctx.engine.connect() as conn:
        again = (conn.scalar(select(func.count()).select_from(INBOX)) or 0) + parked_count(ctx)
    if again < taken and not even_with_fewer:
        raise CannotStart(
            f"The topics hold {again} events for it, {names.live} has taken {taken}: was a topic made anew? Nothing was changed; "
            "--even-with-fewer switches all the same."
        )


@contextmanager
def _standing_still(live: str) -> Iterator[psycopg.Connection[Any]]:
    """The live database, while no consumer moves its positions; requests are answered. The lock ends with the connection, however that
    ends – at the latest when all are ended for the switch."""
    with psycopg.connect(live) as conn:
        conn.execute("SET LOCAL lock_timeout = '60s'")
        conn.execute("LOCK TABLE positions IN EXCLUSIVE MODE")
        yield conn
        conn.close()


@contextmanager
def _context(settings: Settings, service: str, url: str, since: date | None) -> Iterator[Context]:
    """The service on another database: no clients, as what it hears is all it knows."""
    from infra.city import read_city
    from infra.one_service import clock_of
    from infra.wiring import secrets_of

    tokens, extras = secrets_of(settings)
    city = read_city(settings.city)
    room = _room(service) if since is None else _since_only(_room(service), city, since)
    ctx = Context(room, engine_for(url, pool_size=1), clock_of(settings), new_id, city, tokens, extras=extras)
    try:
        yield ctx
    finally:
        ctx.engine.dispose()


def _since_only(room: Room, city: City, since: date) -> Room:
    """The room, deaf to what occurred before that day in the city; it counts as taken all the same."""

    def deaf(handler: Callable[..., None]) -> Callable[..., None]:
        def heard(tx: Any, events: list[Envelope[Any]]) -> None:
            if late := [e for e in events if city.day_of(e.occurred_at) >= since]:
                handler(tx, late)

        return heard

    return with_changes(room, handlers={struct: deaf(handler) for struct, handler in room.handlers.items()})


def _room(service: str) -> Room:
    from infra.wiring import room_of

    return room_of(service)


@contextmanager
def _alone(url: str, names: Names) -> Iterator[None]:
    """One replay of a service at a time. The lock ends with the process, however that ends."""
    with psycopg.connect(maintenance_url(url), autocommit=True) as conn:
        row = conn.execute(
            "SELECT pg_try_advisory_lock(%s, %s)", [REPLAY_LOCK, zlib.crc32(names.live.encode()) >> 1]
        ).fetchone()
        if not row or not row[0]:
            raise CannotStart(f"{names.live} is being rebuilt by another process.")
        yield


def _since(said: str) -> date | None:
    if said == BEGINNING:
        return None
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise SettingWrong(f"--from {said}: say {BEGINNING}, or a day such as 2026-01-31.") from None


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def add_commands(add: Add) -> None:
    """Register the command with the command line."""
    command = add(
        "replay", replay, "rebuild a service that only listens from its events, beside the live one, then switch"
    )
    command.add_argument("service", choices=list(ROOMS), metavar="SERVICE", help="one that publishes nothing: impact")
    command.add_argument(
        "--from",
        dest="begin",
        required=True,
        help=f"{BEGINNING}, or the day (YYYY-MM-DD) before which nothing is counted",
    )
    command.add_argument(
        "--even-with-fewer", action="store_true", help="switch even if the topics hold fewer events than it has taken"
    )
    command.add_argument(
        "--progress", action="store_true", help="say how far it is, even when nobody watches a terminal"
    )
