"""The README tells the truth: its commands run, its settings are those declared, its links lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra.cli import parser, settings_table
from services.events import CONTRACTS
from tests.conftest import a_folder

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CONSOLE = [
    line[2:].split("#")[0].strip()
    for block in re.findall(r"```console\n(.*?)```", README, re.S)
    for line in block.splitlines()
]


def test_the_first_screen_shows_the_two_commands() -> None:
    assert CONSOLE == ["make demo", "make test"]


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize("command", CONSOLE)
def test_a_command_of_the_readme_is_one_make_knows_how_to_do(command: str) -> None:
    done = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_help_names_every_target_people_use() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "tour", "test", "check", "bench"):
        assert f"make {target}" in shown


def test_every_command_of_the_readme_is_one_the_command_line_has() -> None:
    known = parser().format_help()
    for command in set(re.findall(r"`meritcoin (\w+)", README)):
        assert re.search(rf"^\s+{command}\s", known, re.M), f"meritcoin {command} does not exist"


def test_the_table_of_settings_is_the_one_declared() -> None:
    assert settings_table() in README


def test_every_event_is_in_the_table() -> None:
    assert [t for t in CONTRACTS if f"`{t.removesuffix('.v1')}`" not in README] == []


def test_every_link_and_folder_of_the_readme_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
    for folder in re.findall(r"^\| `([a-z_/]+)`", README, re.M):
        assert (ROOT / folder).exists(), folder


def test_the_demo_of_the_readme_serves_its_first_page_and_ends_well_on_ctrl_c() -> None:
    """`make demo` after its installation steps, which the test environment stands for."""
    import signal
    import time
    import urllib.request

    with a_folder() as var, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environment = {**os.environ, "VAR": str(var), "PORT": str(port), "PYTHONWARNINGS": "ignore"}
        with subprocess.Popen(
            [sys.executable, "-m", "infra", "demo"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        ) as demo:
            page = ""
            for _ in range(600):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/?lang=en", timeout=2) as answer:
                        page = answer.read().decode()
                        break
                except OSError:
                    assert demo.poll() is None
                    time.sleep(0.1)
            again = subprocess.run(
                [sys.executable, "-m", "infra", "demo"],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            demo.send_signal(signal.SIGINT)
            said, _ = demo.communicate(timeout=60)
        assert "Valdarco" in page
        assert f"http://127.0.0.1:{port}" in said
        assert demo.returncode == 0
        assert again.returncode == 2
        assert again.stderr.startswith(f"Port {port} on 127.0.0.1 cannot be used")
        assert len(again.stderr.splitlines()) == 1


def test_the_tour_walks_the_loop_and_ends_with_sound_books() -> None:
    with a_folder() as var:
        environment = {**os.environ, "VAR": str(var), "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(
            [sys.executable, "-m", "infra", "tour"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for word in (
        "shift.published",
        "attendance.confirmed",
        "coins.issued",
        "sale.accepted",
        "claim.made",
        "payment.settled",
    ):
        assert word in done.stdout
