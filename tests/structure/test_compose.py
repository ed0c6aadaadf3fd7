"""`infra/compose.yaml` runs what is run and tested without Docker: the same Kafka, the same PostgreSQL, the same promises."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from infra.kafka.cluster import Cluster

INFRA = Path(__file__).parents[2] / "infra"
SERVICES = yaml.safe_load((INFRA / "compose.yaml").read_text())["services"]
OF_THE_IMAGE = {"log.dirs", "listeners", "advertised.listeners", "controller.quorum.voters"}
OF_TESTS = {"broker.heartbeat.interval.ms", "broker.session.timeout.ms"}


def test_the_images_are_the_versions_that_are_tested() -> None:
    pom = (INFRA / "kafka" / "pom.xml").read_text()
    kafka = re.search(r"<artifactId>kafka_2.13</artifactId>\s*<version>([\d.]+)<", pom)
    assert kafka
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka[1]}"
    assert SERVICES["postgres"]["image"] == "postgres:18"


def test_the_broker_is_configured_as_the_one_without_docker(tmp_path: Path) -> None:
    own = Cluster(tmp_path, tmp_path, ports=[1], controllers=[2])._configuration(1)
    said = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in SERVICES["kafka"]["environment"].items()
    }
    same = own.keys() - OF_THE_IMAGE - OF_TESTS
    assert {name: said.get(name) for name in same} == {name: own[name] for name in same}


def test_nothing_listens_beyond_this_machine() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
