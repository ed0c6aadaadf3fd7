"""A seeded town under faults comes out whole, and the same seed lives the same town. `SIMULATE_TOWNS` sets how many."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from infra.simulate.run import simulate

pytestmark = pytest.mark.proof
TOWNS = int(os.environ.get("SIMULATE_TOWNS", "1"))


@pytest.mark.parametrize("seed", range(1, TOWNS + 1))
def test_a_town_under_faults_heals_and_nothing_is_lost_or_done_twice(postgres_url: str, seed: int) -> None:
    report = simulate(seed, 3, postgres_url)
    assert report.problems == []
    lived = {"topup", "award", "withdrawal", "sale", "payment_released", "payment_settled", "payment_returned"}
    assert lived <= report.moved.keys()
    for fault in ("crash before", "crash after", "connection lost before", "connection lost after"):
        assert any(name.startswith(fault) for name in report.faults), fault


def test_the_same_seed_lives_the_same_town_in_another_process(postgres_url: str) -> None:
    here = simulate(5, 1, postgres_url)
    command = [sys.executable, "-W", "ignore", "-m", "infra", "simulate", "--seed", "5", "--weeks", "1", "--json"]
    there = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)
    assert (there["digest"], there["faults"], there["refusals"]) == (here.digest, here.faults, here.refusals)
    assert here.problems == []
