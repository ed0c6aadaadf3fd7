"""Keeps processes running: starts them, starts again those that end or no longer answer, and ends them in order.

Where a city has an orchestrator (systemd, Kubernetes) that does this; on one machine, in the demo and in the tests it is done here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import httpx
import msgspec
import psutil

LOOK_EVERY_S = 0.2
FIRST_PAUSE_S, MOST_PAUSE_S = 0.5, 30.0
STEADY_S = 60.0  # who lived this long starts again without a pause
ASK_TIMEOUT_S = 5.0
END_WITHIN_S = 30.0


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be kept running: `meritcoin` with `arguments`, answering /health and /ready on `host` and `port`. Lower stages are ended
    first. `within`: what it is started by, as one in a network namespace is by `ip netns exec NAME`."""

    name: str
    arguments: tuple[str, ...]
    port: int
    stage: int
    environment: dict[str, str] = {}
    host: str = "127.0.0.1"
    within: tuple[str, ...] = ()


class _Kept:
    """A process as the supervisor knows it."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.child: subprocess.Popen[bytes] | None = None
        self.started = self.due = self.answered = 0.0
        self.pause_s = 0.0


class Supervisor:
    """`say`: is told in a sentence what ended and what was ended. `notes`: a file of process ids, by which the next supervisor ends what
    one that was killed left running."""

    def __init__(
        self, processes: Sequence[Process], environment: Mapping[str, str], *, notes: Path, log: IO[bytes] | None = None,
        say: Callable[[str], None] = lambda sentence: None, ask_every_s: float = 10.0, most_silent_s: float = 60.0,
    ) -> None:  # fmt: skip
        self._kept = {process.name: _Kept(process) for process in processes}
        self._environment, self._notes, self._log, self._say = dict(environment), notes, log, say
        self._ask_every_s, self._most_silent_s = ask_every_s, most_silent_s
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._http = httpx.Client(timeout=ASK_TIMEOUT_S, trust_env=False)

    def start(self) -> None:
        """Start every process and keep it running, without waiting until it is ready."""
        self._end_leftovers()
        for kept in self._kept.values():
            self._start_one(kept)
        self._write_notes()
        self._watcher.start()

    def waiting_for(self) -> list[str]:
        """The names of those that are not ready."""
        return [name for name, kept in self._kept.items() if self._ask(kept, "/ready") != 200]

    def wait_until_ready(self, within_s: float) -> list[str]:
        """Return when all are ready, with an empty list; after `within_s`, with who is not."""
        deadline = time.monotonic() + within_s
        while (missing := self.waiting_for()) and time.monotonic() < deadline and not self._stopping.wait(LOOK_EVERY_S):
            pass
        return missing

    def pid(self, name: str) -> int | None:
        """The process id at this moment; None while it does not run."""
        child = self._kept[name].child
        return child.pid if child and child.poll() is None else None

    def names(self) -> list[str]:
        return list(self._kept)

    def stop(self) -> None:
        """End all in order: who answers people first, who carries what they did last. Each finishes what is in hand, or is killed."""
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for stage in sorted({kept.process.stage for kept in self._kept.values()}):
            children = [kept for kept in self._kept.values() if kept.process.stage == stage and kept.child]
            for kept in children:
                _tell(kept.child, signal.SIGTERM)
            deadline = time.monotonic() + END_WITHIN_S
            for kept in children:
                self._wait(kept, deadline)
        self._notes.unlink(missing_ok=True)
        self._http.close()

    # ---------- one round after the other ----------

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            changed = [self._look(kept) for kept in self._kept.values()]
            if any(changed):
                self._write_notes()

    def _look(self, kept: _Kept) -> bool:
        """Start it again if it ended and its pause is over; kill it if it has been silent for long. Answers whether it was started."""
        now = time.monotonic()
        if kept.child is None:
            if now < kept.due:
                return False
            self._start_one(kept)
            return True
        status = kept.child.poll()
        if status is not None:
            _kill_group(
                kept.child.pid, signal.SIGKILL
            )  # a web process that was killed leaves its own workers on the port
            kept.child = None
            kept.pause_s = (
                0.0 if now - kept.started > STEADY_S else min(MOST_PAUSE_S, max(FIRST_PAUSE_S, kept.pause_s * 2))
            )
            kept.due = now + kept.pause_s
            self._say(f"{kept.process.name} ended with {status}; it starts again in {kept.pause_s:g} s.")
        elif now - kept.answered > self._ask_every_s:
            self._listen(kept, now)
        return False

    def _listen(self, kept: _Kept, now: float) -> None:
        if self._ask(kept, "/health") == 200:
            kept.answered = now
        elif now - max(kept.answered, kept.started) > self._most_silent_s:
            self._say(f"{kept.process.name} has not answered for {self._most_silent_s:g} s; it is ended.")
            _tell(kept.child, signal.SIGKILL)

    def _start_one(self, kept: _Kept) -> None:
        process = kept.process
        command = [*process.within, sys.executable, "-W", "ignore", "-m", "infra", *process.arguments]
        kept.child = subprocess.Popen(  # noqa: S603 - our own program
            command, env={**self._environment, **process.environment}, stdin=subprocess.DEVNULL, stderr=self._log,
            start_new_session=True,  # Ctrl-C is for us: we end them in order
        )  # fmt: skip
        kept.started = kept.answered = time.monotonic()

    def _ask(self, kept: _Kept, path: str) -> int:
        try:
            return self._http.get(f"http://{kept.process.host}:{kept.process.port}{path}").status_code
        except httpx.TransportError:
            return 0

    def _wait(self, kept: _Kept, deadline: float) -> None:
        child, kept.child = kept.child, None
        if child is None:
            return
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._say(f"{kept.process.name} did not end in time; it is killed.")
            _tell(child, signal.SIGKILL)
            child.wait()

    # ---------- after a kill of ourselves ----------

    def _write_notes(self) -> None:
        pids = {kept.child.pid: _born(kept.child.pid) for kept in self._kept.values() if kept.child}
        draft = self._notes.with_suffix(".draft")
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(msgspec.json.encode(pids))
        draft.replace(self._notes)

    def _end_leftovers(self) -> None:
        """A process is known by its id and the moment it was born: an id alone may be somebody else's by now."""
        if not self._notes.exists():
            return
        noted = msgspec.json.decode(self._notes.read_bytes(), type=dict[int, float])
        for pid, born in noted.items():
            if born and _born(pid) == born:
                self._say(f"Process {pid} was left running; it is ended.")
                _kill_group(pid, signal.SIGKILL)


def _born(pid: int) -> float:
    """When the process began; 0 for one that is gone."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def _tell(child: subprocess.Popen[bytes] | None, what: signal.Signals) -> None:
    if child is None or child.poll() is not None:
        return
    if what == signal.SIGKILL:
        _kill_group(child.pid, what)  # its own workers with it
    else:
        child.send_signal(what)


def _kill_group(pid: int, what: signal.Signals) -> None:
    try:
        os.killpg(pid, what)
    except (ProcessLookupError, PermissionError):
        return
