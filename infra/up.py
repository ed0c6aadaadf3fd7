"""`meritcoin up`: a city in many processes on one machine – each service's web, relay and consume –, kept running. `--demo`: the demo town.

What is not given is brought along: PostgreSQL (`DATABASE_URL`), a Kafka broker (`KAFKA_BOOTSTRAP`), the keys (`SECRET_KEYS`).
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable
from contextlib import ExitStack

import msgspec

from infra.embedded import CannotStart, start_postgres
from infra.one_service import migrate_all, port_of
from infra.port import check_port
from infra.rooms import ROOMS
from infra.supervisor import Process, Supervisor
from infra.wiring import room_of, secret_key
from services.kit.settings import Settings, environment_of

READY_WITHIN_S = 180.0
ANSWERS, HEARS, CARRIES = 1, 2, 3  # the order in which they are ended
KAFKA_PORT = 9092


def up(settings: Settings, args: argparse.Namespace) -> int:
    """Run until Ctrl-C. Raises CannotStart, SettingWrong, PortTaken."""
    check_port(settings.host, settings.port)
    with ExitStack() as stack:
        settings = with_servers(settings, stack)
        migrate_all(settings)
        make_topics(settings)
        if args.demo:
            from infra.demo.front import begin_clock

            settings = begin_clock(settings)
        supervisor = Supervisor(
            [*processes_of(settings), front_of(settings, demo=args.demo)],
            environment_of(settings),
            notes=settings.var / "up.json",
            say=_say,
        )
        supervisor.start()
        stack.callback(supervisor.stop)
        if missing := supervisor.wait_until_ready(READY_WITHIN_S):
            _say(
                f"Not ready after {READY_WITHIN_S:.0f} s: {', '.join(missing)}. They are kept running; the log says what they wait for."
            )
        else:
            _say(f"{len(supervisor.names())} processes are ready; people come in at {settings.public_url}.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            _say("Closing: what is in hand is finished first …")
    return 0


def with_servers(settings: Settings, stack: ExitStack) -> Settings:
    """The settings with what was missing of servers and keys; `stack` ends what was started. Raises CannotStart."""
    given: dict[str, object] = {"proxies": 1}
    if not settings.database_url:
        given["database_url"] = start_postgres(settings.var)
    if not settings.secret_keys:
        given["secret_keys"] = (secret_key(settings.var),)
    if not settings.kafka_bootstrap:
        from infra.kafka.cluster import Cluster
        from infra.kafka.jars import get_jars

        jars = get_jars(settings.var)
        cluster = Cluster(settings.var / "kafka" / "brokers-1", jars, ports=[KAFKA_PORT], controllers=[KAFKA_PORT + 1])
        stack.callback(cluster.stop)
        cluster.start()
        given |= {"kafka_bootstrap": (cluster.bootstrap,), "kafka_replication": 1, "kafka_min_in_sync": 1}
    return msgspec.structs.replace(settings, **given)


def make_topics(settings: Settings) -> None:
    """Raises CannotStart when topics are there that guarantee less, or more, than is set."""
    from infra.kafka_bus import KafkaBus, connection_of
    from infra.kafka_topics import carry_out, found_on
    from infra.topics import plan, topic_names, wanted_of

    bus, wanted = KafkaBus(connection_of(settings)), wanted_of(settings)
    try:
        steps, refused = plan(topic_names(), wanted, found_on(bus, topic_names()))
        if refused:
            raise CannotStart(" ".join(f"{sentence}." for sentence in refused))
        carry_out(bus, wanted, steps)
    finally:
        bus.close()


def processes_of(settings: Settings) -> list[Process]:
    """Three of each service, two of one that hears nothing. Workers are watched on ports above the services' own."""
    last = settings.port + len(ROOMS)
    made = []
    for number, name in enumerate(ROOMS, 1):
        kinds = ["relay", "consume"] if room_of(name).handlers else ["relay"]
        made.append(Process(name=f"{name} web", arguments=("web", name), port=port_of(name, settings), stage=ANSWERS))
        for above, kind in enumerate(kinds):
            port = last + 2 * number - 1 + above
            made.append(
                Process(
                    name=f"{name} {kind}", arguments=(kind, name), port=port, stage=CARRIES if kind == "relay" else HEARS,
                    environment={"WATCH_PORT": str(port)},
                )
            )  # fmt: skip
    return made


def front_of(settings: Settings, *, demo: bool) -> Process:
    return Process(
        name="front", arguments=("front", *(["--demo"] if demo else [])), port=settings.port, stage=ANSWERS - 1
    )


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def add_commands(
    add: Callable[[str, Callable[[Settings, argparse.Namespace], int], str], argparse.ArgumentParser],
) -> None:
    add("up", up, "run a city in many processes on this machine").add_argument(
        "--demo", action="store_true", help="the demo town lives in it"
    )
    add(
        "front", front, "serve the front of a city in many processes: the apps, the documents, /api/SERVICE handed on"
    ).add_argument("--demo", action="store_true", help="with the demo town's pages, and its history lived")


def front(settings: Settings, args: argparse.Namespace) -> int:
    from infra.demo.front import run_front

    return run_front(settings, demo=args.demo)
