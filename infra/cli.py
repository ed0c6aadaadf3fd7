"""The command line: `meritcoin COMMAND`. Each command is one function here or in the module it names."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import psycopg
from sqlalchemy.exc import OperationalError

from infra import cli_seal, forgotten, parked, positions, replay, up, web, workers
from infra.cli_asking import Progress, command, show
from infra.embedded import CannotStart
from infra.ledger_cli import add_commands
from infra.port import PortTaken
from services.apis.errors import Refused
from services.kit.bus import BusAway
from services.kit.settings import TABLE, Settings, SettingWrong, read_settings


def demo(settings: Settings, args: argparse.Namespace) -> int:
    from infra.opening import open_database

    opened = open_database(settings, reset=args.reset)  # before the import below, which takes as long
    from infra.demo.run import run_demo

    return run_demo(settings, opened)


def tour(settings: Settings, args: argparse.Namespace) -> int:
    from infra.demo.tour import run_tour

    return run_tour(settings)


def serve(settings: Settings, args: argparse.Namespace) -> int:
    from infra.demo.run import run_city
    from infra.opening import open_database

    return run_city(settings, open_database(settings, reset=False))


def check(settings: Settings, args: argparse.Namespace) -> int:
    """Print every invariant that does not hold; exit 1 if there is one."""
    from infra.wiring import build_town

    town = build_town(settings)
    progress = Progress(args)
    wrong = town.check(lambda name, count: progress(f"invariants checked, {name}", count))
    progress.over()
    count = sum(len(ctx.room.checks) for ctx in town.rooms.values())
    told = [*wrong, f"{count} invariants checked, {len(wrong)} broken."]
    show(args, {"right": not wrong, "checked": count, "broken": wrong}, lambda: told)
    town.close()
    return 1 if wrong else 0


def simulate(settings: Settings, args: argparse.Namespace) -> int:
    """Live simulated towns under faults; exit 1 if one does not come out whole."""
    from infra.simulate.command import run_simulations

    return run_simulations(args)


def city(settings: Settings, args: argparse.Namespace) -> int:
    """Check a city's configuration file."""
    from infra.city import read_city

    read = read_city(Path(args.file))
    print(
        f"{read.name}: {len(read.neighbourhoods)} neighbourhoods, {len(read.languages)} languages. The file can be used."
    )
    return 0


def house(settings: Settings, args: argparse.Namespace) -> int:
    """Translations complete, migrations numbered and equal to the models."""
    from infra.verify import problems

    found = problems(settings)
    for problem in found:
        print(problem)
    print(f"Translations and migrations: {len(found)} problems.")
    return 1 if found else 0


def translations(settings: Settings, args: argparse.Namespace) -> int:
    """Collect new texts into the catalogues."""
    from services.kit.catalogues import update

    update()
    return 0


def migration(settings: Settings, args: argparse.Namespace) -> int:
    """Write the next migration of a service from the difference between its models and its versions."""
    from infra.embedded import start_postgres
    from infra.migration import write_migration

    path = write_migration(settings.database_url or start_postgres(settings.var), args.service, args.message)
    print(path or "The models and the versions agree: nothing to write.")
    return 0


def documents(settings: Settings, args: argparse.Namespace) -> int:
    """Print the AsyncAPI document, or the OpenAPI document of a service."""
    from infra.documents import asyncapi, openapi

    print(json.dumps(asyncapi() if args.which == "events" else openapi(args.which), indent=2))
    return 0


def show_settings(settings: Settings, args: argparse.Namespace) -> int:
    """Print what can be set, and how it is documented."""
    print(settings_table())
    return 0


def settings_table() -> str:
    """The settings as the README's Markdown table."""
    default = {"CITY": "the demo town"}
    rows = [
        f"| `{s.name}` | {default.get(s.name, f'`{s.default}`' if s.default else '–')} | {s.meaning} |" for s in TABLE
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


Run = Callable[[Settings, argparse.Namespace], int]


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="meritcoin", description="The merit-coin platform.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Run, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    add("demo", demo, "run the demo town").add_argument("--reset", action="store_true", help="start the town over")
    add("tour", tour, "walk the loop once, step by step, in the terminal")
    add("serve", serve, "serve a city: every service in one process, no demo data")
    web.add_commands(add)
    up.add_commands(add)
    command(add, "check", check, "check every invariant of the books", long=True)
    add_commands(add)
    parked.add_commands(add)
    replay.add_commands(add)
    forgotten.add_commands(add)
    positions.add_commands(add)
    simulated = command(
        add,
        "simulate",
        simulate,
        "live a made-up town for weeks while everything fails, heal it, prove its books",
        long=True,
    )
    simulated.add_argument(
        "--seed", type=int, default=1, help="what happens and what fails (the same seed, the same run)"
    )
    simulated.add_argument("--weeks", type=int, default=4, help="how long each town lives")
    simulated.add_argument("--towns", type=int, default=1, help="how many towns, each with the next seed")
    add("city", city, "check a city's configuration file").add_argument("file")
    documented = add("documents", documents, "print the AsyncAPI or an OpenAPI document")
    documented.add_argument("which", help="events, or a service's name")
    add("settings", show_settings, "what can be set by environment variables")
    add("house", house, "check translations and migrations")
    add("translations", translations, "collect new texts into the catalogues")
    cli_seal.add_commands(add)
    workers.add_commands(add)
    new = add("migration", migration, "write the next migration of a service")
    new.add_argument("service")
    new.add_argument("message")
    return top


def main(argv: list[str] | None = None) -> int:
    """Run a command. Exit status: 0 well, 1 the answer is no, 2 it could not start (one sentence says why), 130 interrupted."""
    warnings.filterwarnings("ignore", module="platformdirs")
    for ending in (
        signal.SIGTERM,
        signal.SIGINT,
    ):  # SIGINT too: a shell may have it ignored for what runs in the background
        signal.signal(ending, signal.default_int_handler)
    args = parser().parse_args(argv)
    try:
        return int(args.run(read_settings(), args))
    except (SettingWrong, CannotStart, PortTaken, Refused, BusAway) as error:
        print(error, file=sys.stderr)
        return 2
    except (OperationalError, psycopg.OperationalError) as error:
        print(f"The database gives no answer: {getattr(error, 'orig', error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
