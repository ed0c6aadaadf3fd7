"""Dashboard and alerts ask only for what a running town really tells, and each alert fires when it must."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra.rooms import ROOMS
from infra.up import processes_of
from infra.watch import Watch
from infra.wiring import Town
from services.apis.errors import Refused
from services.kit.inbox import topics_of
from services.kit.settings import read_settings
from tests.builders_redemption import a_customer, a_paired_till, a_payment_code

DASHBOARDS = Path(__file__).parents[2] / "infra" / "dashboards"
DASHBOARD = json.loads((DASHBOARDS / "town.json").read_text())
EXAMPLE = (DASHBOARDS / "prometheus.yml").read_text()
ALERTS = (DASHBOARDS / "alerts.yml").read_text()
EXPRESSIONS = {
    "dashboard": [t["expr"] for panel in DASHBOARD["panels"] for t in panel.get("targets", ())],
    "alerts": re.findall(r"^        expr: (?:\|\n((?:          .*\n)+)|(.*)\n)", ALERTS, re.M),
}
SCRAPED = {"job", "instance"}  # Prometheus's own labels
Told = dict[str, set[str]]


def expressions() -> list[str]:
    return [*EXPRESSIONS["dashboard"], *(block or line for block, line in EXPRESSIONS["alerts"])]


def read(told: Told, text: str) -> None:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            told[sample.name] |= set(sample.labels)


@pytest.fixture
def told(town: Town) -> Told:
    """Sample name -> its labels, as every web process, relay and consumer of a town tells them after a sale and a refusal."""
    till, customer = a_paired_till(town), a_customer(town, 500)
    till.sell(a_payment_code(town, customer), 450)
    with pytest.raises(Refused):
        till.sell(a_payment_code(town, customer), 450)
    town.settle()
    told: Told = defaultdict(set)
    told["up"] = set()
    for name in ROOMS:
        read(told, town.apps[name].test_client().get("/metrics").get_data(as_text=True))
        for consumes in (False, bool(topics_of(town.rooms[name]))):
            watch = Watch(name)
            watch.begun(town.rooms[name], town.bus, consumes=consumes)
            watch.look(town.rooms[name], town.bus)
            read(told, watch.answer("/metrics").body.decode())
    return told


def asked(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric an expression names, with the labels it is narrowed by."""
    bare = re.sub(r"\b(?:by|on|without|ignoring) ?\([^)]*\)", "", expression)
    for name, labels in re.findall(r"\b(meritcoin_\w+|process_\w+|up)\b(?:{([^}]*)})?", bare):
        yield name, set(re.findall(r"(\w+)\s*=", labels))


def grouped(expression: str) -> set[str]:
    found = re.findall(r"\b(?:by|on) ?\(([^)]*)\)", expression)
    return {label.strip() for group in found for label in group.split(",")}


def test_every_query_names_metrics_and_labels_a_running_town_tells(told: Told) -> None:
    assert len(expressions()) >= 35
    for expression in expressions():
        metrics = list(asked(expression))
        assert metrics, expression
        for name, labels in metrics:
            assert name in told, f"nobody tells {name}"
            assert labels <= told[name] | SCRAPED, f"{name} has no {labels - told[name]}"
        known = set().union(*(told[name] for name, _ in metrics)) | SCRAPED
        assert grouped(expression) <= known, expression


def test_what_no_town_tells_is_found(told: Told) -> None:
    """The looking itself is looked at."""
    assert list(asked('rate(meritcoin_nonsense{shop="x"}[5m])')) == [("meritcoin_nonsense", {"shop"})]
    assert "meritcoin_nonsense" not in told
    assert "shop" not in told["meritcoin_requests_total"]
    assert grouped("sum by (shop, le) (up)") == {"shop", "le"}


def test_every_metric_of_ours_is_shown_or_watched(told: Told) -> None:
    """A figure nobody looks at is taken away, or shown."""
    said = " ".join(expressions())
    ours = {re.sub(r"_(?:bucket|sum|count)$", "", name) for name in told if name.startswith("meritcoin_")}
    assert {name for name in ours if name not in said} == set()


def test_each_alert_says_what_is_wrong_and_where_the_guide_has_it() -> None:
    rules = re.split(r"^      - alert: ", ALERTS, flags=re.M)[1:]
    assert len(rules) == 10
    for rule in rules:
        name = rule.split("\n", 1)[0]
        anchor = re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
        assert f"runbook: infra/README.md#alert-{anchor}\n" in rule
        for part in ("summary: ", "description: ", "severity: ", "for: "):
            assert part in rule, f"{name} has no {part}"
        shown = set(re.findall(r"\$labels\.(\w+)", rule))
        assert shown <= grouped(rule) | (SCRAPED if "up{" in rule else set()), name


def test_each_panel_has_a_place_of_its_own_and_says_what_it_shows() -> None:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels]
    assert len(set(places)) == len({p["id"] for p in panels}) == len(panels)
    assert [p["title"] for p in panels if p["type"] == "row"] == ["The counter", "Events", "The books", "Processes"]
    assert [p["title"] for p in panels if p["type"] != "row" and not p["description"]] == []


@pytest.mark.parametrize(
    "command",
    [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml"), ("check", "config", "prometheus.yml")],
    ids=" ".join,
)
def test_prometheus_itself_takes_them_and_every_alert_fires_when_it_must(command: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        reason = "promtool is not installed: it comes with Debian's package prometheus"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run([promtool, *command], cwd=DASHBOARDS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_scrapes_every_process_of_a_town_on_one_host() -> None:
    scraped = {
        job: re.findall(r"127\.0\.0\.1:(\d+)", targets)
        for job, targets in re.findall(
            r"^  - job_name: meritcoin-(\w+)\n.*\n      - targets: \[([^]]*)\]", EXAMPLE, re.M
        )
    }
    run: dict[str, list[str]] = defaultdict(list)
    for process in processes_of(read_settings({})):
        run[process.arguments[0]].append(str(process.port))
    assert scraped == run


def test_every_alert_is_tested() -> None:
    tested = set(re.findall(r"alertname: (\w+)", (DASHBOARDS / "alerts_test.yml").read_text()))
    assert tested == set(re.findall(r"^      - alert: (\w+)", ALERTS, re.M))
