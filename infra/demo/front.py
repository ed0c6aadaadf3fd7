"""`meritcoin front`: the one origin of a city in many processes; with `--demo`, the demo town's pages and its history."""

from __future__ import annotations

import threading

import msgspec

from infra.demo.history import Life
from infra.demo.memory import MemoryFile
from infra.demo.pages import start_page
from infra.demo.run import TerminalProgress, first_memory, until_stopped
from infra.demo.sections import TownView
from infra.front import front_app
from infra.many import ManyProcesses, forwarded
from infra.serve import Server, one_origin
from services.kit.clock import SharedClock
from services.kit.settings import Settings, SettingWrong
from services.kit.telemetry import log_to_stderr


def memory_file(settings: Settings) -> MemoryFile:
    return MemoryFile(settings.var / "demo" / "town.json")


def begin_clock(settings: Settings) -> Settings:
    """Set the town's time to where its history is, before the first process asks for it."""
    clock_file = settings.var / "demo" / "clock"
    memory = memory_file(settings).read() or first_memory()
    clock = SharedClock(clock_file)
    if memory.finished:
        clock.release()
    else:
        clock.start_at(memory.clock)
    return msgspec.structs.replace(settings, clock=clock_file)


def run_front(settings: Settings, *, demo: bool) -> int:
    """Serve until told to stop. Raises SettingWrong, PortTaken."""
    log_to_stderr("ERROR" if demo and settings.log_level == "INFO" else settings.log_level)
    town = ManyProcesses(settings)
    start, life = None, None
    if demo:
        file = memory_file(settings)
        if not isinstance(town.clock, SharedClock):
            raise SettingWrong(
                "CLOCK is empty: the demo town's processes share a clock (`meritcoin up --demo` sets it)."
            )
        life = Life(town, town.clock, file.read() or first_memory(), file)
        start = start_page(TownView(town, life))
    pages = front_app(town, start)
    server = Server(settings, forwarded(one_origin(town, pages), settings), tick=town.tick_standin)
    server.start()
    if life:
        threading.Thread(target=life.live, args=(TerminalProgress(),), name="history", daemon=True).start()
    return until_stopped(server, town, life)
