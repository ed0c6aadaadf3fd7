"""`meritcoin demo` and `meritcoin serve`: everything in one process on the embedded default."""

from __future__ import annotations

import signal
import sys
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from infra.demo.history import Life
from infra.demo.memory import Memory, MemoryFile
from infra.demo.pages import start_page
from infra.demo.sections import TownView
from infra.front import front_app
from infra.serve import Server, one_origin
from infra.town import Town
from infra.wiring import build_town
from services.kit.clock import SetClock, SystemClock
from services.kit.settings import Settings
from services.kit.telemetry import log_to_stderr

SEED = 20260504
DAYS = 56


def run_demo(settings: Settings, opened: Future[str]) -> int:
    """Serve the demo town until Ctrl-C; its history is lived in the background. `opened`: its databases.

    Raises CannotStart, SettingWrong.
    """
    url = opened.result()
    log_to_stderr(
        "ERROR" if settings.log_level == "INFO" else settings.log_level
    )  # the terminal tells the town's story
    file = MemoryFile(settings.var / "demo" / "town.json")
    memory = file.read() or first_memory()
    clock = SetClock(memory.clock)
    if memory.finished:
        clock.release()
    town = build_town(settings, clock=clock, url=url)
    life = Life(town, clock, memory, file)
    front = front_app(town, start_page(TownView(town, life)))
    server = Server(settings, one_origin(town, front), pump=town.pump, tick=town.tick)
    server.start()
    print(f"\nValdarco is open: {settings.public_url}")
    print("Try first: open the address, choose a person, and look at the town through their eyes.")
    print(
        f"Its first {memory.days} days are lived with seed {memory.seed}. Stop with Ctrl-C; start again and it is all still there.\n"
    )
    historian = threading.Thread(target=life.live, args=(TerminalProgress(),), name="history", daemon=True)
    historian.start()
    return until_stopped(server, town, life)


def run_city(settings: Settings, opened: Future[str]) -> int:
    """Serve a city's own town – no demo data – until Ctrl-C."""
    log_to_stderr(settings.log_level)
    town = build_town(settings, clock=SystemClock(), url=opened.result())
    server = Server(settings, one_origin(town, front_app(town)), pump=town.pump, tick=town.tick)
    server.start()
    print(f"{town.city.name} is served on {settings.public_url}; the documents are under /docs.")
    return until_stopped(server, town, None)


def until_stopped(server: Server, town: Town, life: Life | None) -> int:
    """Wait for Ctrl-C, then finish the batch in hand and end."""
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C shall not cut the orderly end short
        print("\nClosing the town …")
    if life is not None:
        life.stop()
    server.stop()
    town.close()
    return 0


def first_memory() -> Memory:
    """A town not yet lived: its first day is the Monday that lies `DAYS` days or a little more before today."""
    now = SystemClock().now().astimezone(ZoneInfo("Europe/Rome"))
    first = (now - timedelta(days=DAYS + now.weekday())).date()
    dawn = now.replace(year=first.year, month=first.month, day=first.day, hour=6, minute=0, second=0, microsecond=0)
    return Memory(seed=SEED, first_day=first, days=DAYS, clock=dawn.astimezone(SystemClock().now().tzinfo))


@dataclass
class TerminalProgress:
    """Tells the history in the terminal: one line that moves where there is a terminal, a line each week elsewhere."""

    last: str = field(default="")

    def __call__(self, done: int, total: int, sentence: str) -> None:
        line = f"  day {done:>2} of {total}   {sentence}"
        if sys.stdout.isatty():
            print(f"\r{line:<100}", end="\n" if done == total else "", flush=True)
        elif done % 7 == 0 and line != self.last:
            print(line, flush=True)
        self.last = line
