"""The commands of a city that runs in many processes: `relay` and `consume` of one service, what comes before them, and what watches them.

A worker ends on SIGTERM when the batch in hand is done, with 0. When its database or the bus stays away past a bounded back-off, or a
person must decide (too many parked, a topic made anew), it ends with 1: whoever runs it starts it again, or looks.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from infra.rooms import ROOMS
from services.kit.bus import Bus, BusAway, TopicRecreated
from services.kit.context import Context
from services.kit.inbox import Consumer, TooManyParked, database_away, topics_of
from services.kit.outbox import relay_once
from services.kit.settings import Settings, SettingWrong
from services.kit.telemetry import log, log_to_stderr

if TYPE_CHECKING:
    from infra.watch import Watch

Run = Callable[[Settings, argparse.Namespace], int]
Add = Callable[[str, Run, str], argparse.ArgumentParser]
Step = Callable[[], int]

PAUSE_S = 0.2  # between two looks at an outbox that stays empty
LEAST_PAUSE_S = 0.01  # … and at one that was not just now: doubled with each look that finds nothing
POLL_S = 1.0
JOBS_EVERY_S = 30.0
MOST_PAUSE_S = 10.0
ASK_AGAIN_S = 0.05  # whether another process is done with the timed work
JOBS_LOCK = 0x6D65726A  # "merj": one process of a service does its timed work


def relay(settings: Settings, args: argparse.Namespace) -> int:
    """Carry the service's outbox to the bus, and do its timed work."""
    return _work(settings, args.service, _relaying, pause_s=PAUSE_S)


def consume(settings: Settings, args: argparse.Namespace) -> int:
    """Hear the events of others, as one member of the service's group."""
    return _work(settings, args.service, _consuming, pause_s=0.0)


def _work(
    settings: Settings, name: str, begin: Callable[[Context, Bus, ExitStack, Watch], Step], *, pause_s: float
) -> int:  # fmt: skip
    from infra.buses import bus_of
    from infra.one_service import context_of
    from infra.watch import Watch
    from infra.wiring import quiet_collector

    log_to_stderr(settings.log_level)
    stopping = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stopping.set())  # what is in hand is finished
    watch = Watch(name)
    with ExitStack() as stack:
        step: Step | None = None

        def begun() -> Step:
            with ExitStack() as opened:  # closed again if not all of it can be opened
                ctx = context_of(settings, name)
                opened.callback(ctx.engine.dispose)
                bus = bus_of(settings, settings.database_url or "")
                opened.callback(bus.close)
                first = begin(ctx, bus, opened, watch)
                stack.push(opened.pop_all())
            watch.begun(ctx, bus, consumes=begin is _consuming)
            quiet_collector()
            log("worker ready", service=name)
            return first

        def work() -> int:
            nonlocal step
            step = step or begun()  # within the back-off: what a worker needs may be away when it starts
            return step()

        stack.enter_context(watch.served(settings))
        return until_stopped(work, stopping, name=name, pause_s=pause_s, away_s=settings.away_s, tell=watch.told)


def until_stopped(
    step: Step, stopping: threading.Event, *, name: str, pause_s: float, away_s: float,
    tell: Callable[[Exception | None], None] = lambda error: None,
) -> int:  # fmt: skip
    """Repeat `step` until told to stop; the exit status. What is away is waited for, ever longer, `away_s` in all. Where nothing moves the
    next look follows soon, then ever later, `pause_s` at most.

    `tell`: hears after each step why there is a wait, or None.
    """
    away_since: float | None = None
    pause = 0.0
    while not stopping.wait(pause):
        try:
            moved = step()
        except Exception as error:
            if isinstance(error, (TooManyParked, TopicRecreated)):
                log("worker stops: a person must look", level=logging.ERROR, exc=error, service=name)
                return 1
            if not isinstance(error, BusAway) and not database_away(error):
                raise
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > away_s:
                log("worker gives up", level=logging.ERROR, exc=error, service=name)
                return 1
            tell(error)
            log("database or bus away", level=logging.WARNING, service=name, error=str(error))
            pause = min(MOST_PAUSE_S, max(PAUSE_S, pause * 2))
        else:
            away_since = None
            tell(None)
            pause = 0.0 if moved else min(pause_s, max(LEAST_PAUSE_S, pause * 2))
    log("worker stopped", service=name)
    return 0


def _relaying(ctx: Context, bus: Bus, stack: ExitStack, watch: Watch) -> Step:
    last_jobs = time.monotonic()

    def step() -> int:
        nonlocal last_jobs
        if time.monotonic() - last_jobs > JOBS_EVERY_S:
            last_jobs = time.monotonic()
            run_jobs_alone(ctx)
        return relay_once(ctx, bus)

    return step


def _consuming(ctx: Context, bus: Bus, stack: ExitStack, watch: Watch) -> Step:
    topics = topics_of(ctx)
    if not topics:
        raise SettingWrong(f"{ctx.room.name} hears no events: there is nothing to consume.")
    consumer = Consumer(ctx, bus.subscribe(ctx.room.name, topics))
    stack.callback(consumer.close)

    def step() -> int:
        read = consumer.poll_once(timeout_s=POLL_S)
        watch.reads(consumer.assigned())
        return read

    return step


def run_jobs_alone(ctx: Context, *, wait_s: float = 0.0) -> int:
    """Do the timed work unless another process of this service is at it still after `wait_s`. The lock ends with the connection, however
    that ends."""
    from infra.jobs import run_jobs

    deadline = time.monotonic() + wait_s
    with ctx.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        # Asked again and again: waiting in the database ends with its limit for statements, and work that is far away may take longer.
        while not conn.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": JOBS_LOCK}):
            if time.monotonic() >= deadline:
                return 0
            time.sleep(ASK_AGAIN_S)
        try:
            return run_jobs(ctx)
        finally:
            conn.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": JOBS_LOCK})


def migrate(settings: Settings, args: argparse.Namespace) -> int:
    """Make what databases are missing and bring each to this code's version."""
    from infra.one_service import migrate_all

    migrate_all(settings)
    print("Every database is at this code's version.")
    return 0


def lag(settings: Settings, args: argparse.Namespace) -> int:
    """Print per service and partition how many events it has not handled; exit 1 if it could not be found out."""
    from infra.buses import bus_of
    from infra.lag import behind, ends_for
    from infra.one_service import context_of

    contexts = [context_of(settings, name) for name in ([args.service] if args.service else ROOMS)]
    bus = bus_of(settings, settings.database_url or "")
    total = 0
    try:
        ends = ends_for(bus, contexts)
        for ctx in contexts:
            for spot, count in behind(ctx, ends).items():
                print(f"{ctx.room.name}: {count} of {spot.topic}/{spot.partition}")
                total += count
    except BusAway as error:
        print(f"The bus: {error}.", file=sys.stderr)
        return 1
    finally:
        bus.close()
        for ctx in contexts:
            ctx.engine.dispose()
    print(f"{total} events wait.")
    return 0


def topics(settings: Settings, args: argparse.Namespace) -> int:
    from infra.kafka_topics import topics as run

    return run(settings, args)


def add_commands(add: Add) -> None:
    """Register the commands with the command line."""
    services: dict[str, Any] = {"choices": list(ROOMS), "metavar": "SERVICE", "help": ", ".join(ROOMS)}
    add("migrate", migrate, "make the databases and bring them to this version")
    add("topics", topics, "Kafka's topics: what is missing or too weak, and putting it right").add_argument(
        "action", choices=["plan", "apply"]
    )
    add("relay", relay, "carry a service's events to the bus, and do its timed work").add_argument(
        "service", **services
    )
    add("consume", consume, "hear events for a service").add_argument("service", **services)
    add("lag", lag, "how many events each service has not handled yet").add_argument("service", nargs="?", **services)
