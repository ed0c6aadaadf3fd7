"""The operator's guide (`infra/README.md`): its commands are run from top to bottom, on a city of many processes with a day behind it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from infra.kafka.cluster import Cluster
from infra.one_service import migrate_all
from infra.rooms import ROOMS
from infra.topics import topic_names
from infra.wiring import build_town, room_of
from services.events import contract_of
from services.kit.settings import read_settings
from tests.builders_redemption import a_customer
from tests.city import free_ports_above
from tests.kafka_broker import a_cluster, a_kafka_bus

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "infra" / "README.md").read_text()
WITHIN_S = 600
SHIMS = {
    "meritcoin": 'exec "{python}" -W ignore -m infra "$@"',
    "kafka-topics.sh": 'exec "{python}" -W ignore -m tests.faults.delete_topic "$5"',  # a broker without Docker comes without its tools
}
BEFORE = {  # what must have happened for a section to be about something
    "Parked events": '"{python}" -W ignore -m tests.faults.send_poison identity; '
    "until meritcoin parked list attendance | grep unreadable; do sleep 1; done",
}


def sections() -> Iterator[tuple[str, list[str]]]:
    """Title -> the commands of its `console` blocks."""
    for part in re.split(r"^#{2,3} ", GUIDE, flags=re.M)[1:]:
        title, _, text = part.partition("\n")
        blocks = re.findall(r"```console\n(.*?)```", text, re.S)
        yield title, [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def expected(command: str) -> int:
    said = re.search(r"# exit (\d)", command)
    return int(said[1]) if said else 0


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with a_cluster() as cluster:  # of its own: topics are deleted
        yield cluster


@pytest.fixture
def environment(cluster: Cluster, postgres_url: str, tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, line in SHIMS.items():
        (folder / name).write_text(f"#!/bin/sh\n{line.format(python=sys.executable)}\n")
        (folder / name).chmod(0o755)
    return {
        **os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "VAR": str(tmp_path),
        "DATABASE_URL": postgres_url.replace("{service}", "guide_{service}"), "KAFKA_BOOTSTRAP": cluster.bootstrap,
        "SECRET_KEYS": "a key that all processes of the city share", "PORT": str(free_ports_above()), "LOG_LEVEL": "ERROR",
        "KAFKA_PARTITIONS": "4", "KAFKA_REPLICATION": "1", "KAFKA_MIN_IN_SYNC": "1",
    }  # fmt: skip


def a_day_passes(environment: dict[str, str], cluster: Cluster) -> None:
    """Somebody earns and is known, so that the commands are about something."""
    settings = read_settings(environment)
    migrate_all(settings)
    a_kafka_bus(cluster, *topic_names()).close()
    town = build_town(settings)
    a_customer(town)
    town.close()


@pytest.mark.kafka
@pytest.mark.many
def test_every_command_of_the_guide_does_what_the_guide_says(
    environment: dict[str, str], cluster: Cluster, tmp_path: Path
) -> None:
    a_day_passes(environment, cluster)
    script, wanted = ["trap 'kill $(cat up.pid) 2> /dev/null; wait' EXIT"], []
    for title, commands in sections():
        if title in BEFORE:
            script.append(BEFORE[title].format(python=sys.executable))
        for command in commands:
            script += [command.partition("  #")[0], rf"printf '\n@@ {len(wanted)} %s\n' $?"]
            wanted.append((title, command))
    done = subprocess.run(
        ["bash", "-s"], input="\n".join(script), cwd=tmp_path, env=environment, capture_output=True, text=True,
        timeout=WITHIN_S, check=False,
    )  # fmt: skip
    ended = {int(n): int(status) for n, status in re.findall(r"^@@ (\d+) (\d+)$", done.stdout, re.M)}
    wrong = [
        f"{title}: {command} ended with {ended.get(n)}"
        for n, (title, command) in enumerate(wanted)
        if ended.get(n) != expected(command)
    ]
    assert wrong == [], done.stdout[-3000:] + done.stderr[-3000:]
    assert len(wanted) > 20


def test_every_alert_has_its_place_in_the_guide_and_no_place_is_without_an_alert() -> None:
    rules = yaml.safe_load((ROOT / "infra" / "dashboards" / "alerts.yml").read_text())
    anchors = {rule["annotations"]["runbook"] for group in rules["groups"] for rule in group["rules"]}
    titles = re.findall(r"^### (Alert: .+)$", GUIDE, re.M)
    assert {f"infra/README.md#{title.lower().replace(': ', '-').replace(' ', '-')}" for title in titles} == anchors


def test_what_the_guide_says_of_backup_and_restore_is_what_was_rehearsed() -> None:
    rehearsed = (ROOT / "tests" / "faults" / "test_restore.py").read_text()
    for words in (
        "archive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f'", "restore_command = 'cp {archive}/%f %p'", "pg_basebackup",
        "--checkpoint=fast", "--wal-method=none", "recovery.signal", "pg_is_in_recovery()",
    ):  # fmt: skip
        assert words in rehearsed
        assert words.replace("{archive}", "/archive") in GUIDE, words


def test_the_guide_names_who_hears_the_topic_it_makes_anew() -> None:
    hears = [name for name in ROOMS if "identity" in {contract_of(event).topic for event in room_of(name).handlers}]
    assert f"for service in {' '.join(hears)}; do" in GUIDE
