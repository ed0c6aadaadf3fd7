"""Bugs planted on purpose (`tests/planted/*.patch`): each must be caught by the cheapest proof that can, and without them all must pass.

A proof that finds nothing may be a proof that looks nowhere: this is how we know that ours look.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import a_folder

pytestmark = pytest.mark.proof
ROOT = Path(__file__).parents[2]
HOUSE = ("services", "ledger", "infra", "volunteer_app", "merchant_app", "tests")
DOMAIN = ["tests/unit/test_ledger_domain.py"]
MACHINE = ["tests/component/test_ledger_machine.py", "--hypothesis-seed=8"]
MECHANICS = ["tests/contract/test_mechanics.py"]
RACES = ["tests/component/test_redemption_races.py"]
SIMULATOR = ["simulate", "--weeks", "1", "--json", "--seed"]
SEEDS = ("2", "3", "4")  # what one seed lives through changes with the code: one of these must meet the bug
FUNDS = ["tests/component/test_ledger_funds.py"]
# What is drawn changes with the code: where a drawn town does not meet the bug, a test written for it must.
OR_BY = {
    "void_not_idempotent": ["tests/component/test_ledger_sales.py"],
    "expiry_into_the_wrong_account": FUNDS,
    "waiting_award_dropped": ["tests/component/test_ledger_awards.py"],
    "withdrawal_takes_what_was_spent": ["tests/component/test_ledger_awards.py"],
}
CAUGHT_BY = {
    "floor_off_by_one": DOMAIN,
    "rounding_cent_lost": DOMAIN,
    "hold_not_counted": DOMAIN,
    "void_not_idempotent": MACHINE,
    "expiry_into_the_wrong_account": MACHINE,
    "waiting_award_dropped": MACHINE,
    "release_pays_twice": FUNDS,
    "withdrawal_takes_what_was_spent": MACHINE,
    "inbox_check_dropped": MECHANICS,
    "position_before_the_effect": MECHANICS,
    "relay_marks_before_publishing": SIMULATOR,
    "sale_not_completed_after_a_crash": RACES,
}


def a_copy(folder: Path) -> Path:
    for part in HOUSE:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def passes(copy: Path, proof: list[str]) -> bool:
    """Whether the proof found nothing in this copy of the house. A proof that could not run fails the test."""
    simulates = proof[0] == SIMULATOR[0]
    arguments = ["-m", "infra", *proof] if simulates else ["-m", "pytest", "-x", "-p", "no:xdist", *proof]
    command = [sys.executable, "-W", "ignore::RuntimeWarning", *arguments]
    environment = {
        "LEDGER_EXAMPLES": "40",
        **os.environ,
        "PYTHONPATH": str(copy),
        "VAR": str(copy / "var"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ran = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode in (0, 1), ran.stdout[-2000:] + ran.stderr[-2000:]
    if simulates:
        return json.loads(ran.stdout)["problems"] == []
    assert " passed" in ran.stdout or " failed" in ran.stdout, ran.stdout[-2000:]
    return ran.returncode == 0


def test_every_planted_bug_has_its_proof() -> None:
    assert sorted(CAUGHT_BY) == sorted(path.stem for path in (ROOT / "tests" / "planted").glob("*.patch"))


@pytest.mark.parametrize("bug", CAUGHT_BY)
def test_a_planted_bug_is_caught(bug: str) -> None:
    with a_folder() as folder:
        copy = a_copy(folder)
        subprocess.run(["git", "apply", copy / "tests" / "planted" / f"{bug}.patch"], cwd=copy, check=True)
        proof = CAUGHT_BY[bug]
        proofs = [[*proof, seed] for seed in SEEDS] if proof is SIMULATOR else [proof]
        proofs += [OR_BY[bug]] if bug in OR_BY else []
        assert not all(passes(copy, one) for one in proofs)


@pytest.mark.parametrize(
    "proof", [DOMAIN + MACHINE + MECHANICS + RACES, [*SIMULATOR, SEEDS[0]]], ids=["tests", "simulator"]
)
def test_without_a_planted_bug_the_same_proof_finds_nothing(proof: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # The machine's own test plays more, without a copy.
    monkeypatch.setenv("LEDGER_EXAMPLES", os.environ.get("LEDGER_EXAMPLES", "5"))
    with a_folder() as folder:
        assert passes(a_copy(folder), proof)
