"""A seeded town under faults comes out whole, and the same seed lives the same town. `SIMULATE_TOWNS` sets how many."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.simulate.run import simulate
from infra.simulate.tally import KINDS

pytestmark = pytest.mark.proof
TOWNS = int(os.environ.get("SIMULATE_TOWNS", "2"))
SURE = set(KINDS) - {"award waited", "award withdrawn", "link cut", "hold over", "heard after its month was closed"}
"""What every town lives through in three weeks and the months after; the others it takes some luck to meet."""
ENOUGH = 10  # towns, to have met every kind of thing


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder all workers of this run write to."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "towns"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize("seed", range(1, TOWNS + 1))
def test_a_town_under_faults_heals_and_nothing_is_lost_or_done_twice(
    postgres_url: str, seed: int, shared: Path
) -> None:
    """`problems`: every invariant, the audit from outside, the signed log, and what each till and each service was told."""
    report = simulate(seed, 3, postgres_url)
    assert report.problems == []
    assert {kind for kind in SURE if report.happened[kind] == 0} == set()
    assert report.town_weeks_per_minute > 0
    for fault in ("crash before", "crash after", "connection lost before", "connection lost after"):
        assert any(name.startswith(fault) for name in report.faults), fault
    (shared / f"{seed}.json").write_text(json.dumps(report.happened))
    lived = [json.loads(path.read_text()) for path in shared.glob("*.json")]
    if len(lived) == TOWNS >= ENOUGH:  # the last one sees all
        assert [kind for kind in KINDS if not any(one[kind] for one in lived)] == []


def test_the_same_seed_lives_the_same_town_in_another_process(postgres_url: str) -> None:
    here = simulate(5, 1, postgres_url)
    command = [sys.executable, "-W", "ignore", "-m", "infra", "simulate", "--seed", "5", "--weeks", "1", "--json"]
    there = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout)
    assert (there["digest"], there["faults"], there["refusals"]) == (here.digest, here.faults, here.refusals)
    assert there["happened"] == here.happened
    assert here.problems == []
