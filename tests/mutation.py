"""Mutation testing: every small change to a rule about money must make a unit test fail. `python -m tests.mutation [FILE …]`.

Each file is changed in a copy of the house under `build/mutation/`. Survivors are explained in `tests/mutation.md`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "mutation"
HOUSE = ("services", "ledger", "infra", "volunteer_app", "merchant_app", "tests", "pyproject.toml", "README.md")
LEAST_SCORE = 0.85
TESTS = {
    "ledger/domain.py": ["test_ledger_steps.py", "test_ledger_holds.py", "test_ledger_domain.py"],
    "ledger/rules.py": ["test_ledger_rules.py"],
    "ledger/rules_money.py": ["test_ledger_rules_money.py"],
    "services/awards/domain.py": [
        "test_awards_domain.py",
        "test_awards_plans.py",
        "test_awards_preview.py",
        "test_awards_refusals.py",
    ],
    "services/redemption/domain.py": ["test_redemption_domain.py", "test_redemption_refusals.py"],
    "services/reimbursement/domain.py": ["test_reimbursement_domain.py", "test_reimbursement_refusals.py"],
}
# Fewer examples, always the same ones: a mutant that only luck would catch counts as a survivor.
CONFTEST = """
from hypothesis import settings

settings.register_profile("mutation", max_examples=30, derandomize=True, database=None, deadline=None)
settings.load_profile("mutation")
"""
NO_TEST = 33  # mutmut's exit code of a mutant no test reaches; 0 is a survivor, None was not tried


def main(names: list[str]) -> int:
    scores = {name: _run(name) for name in names or TESTS}
    print(f"\n{'file':<36}{'mutants':>9}{'killed':>8}{'score':>8}")
    for name, (killed, survivors) in scores.items():
        print(f"{name:<36}{killed + len(survivors):>9}{killed:>8}{_score(killed, survivors):>8.1%}")
    for name, (_, survivors) in scores.items():
        print(*[f"survived in {name}: {survivor}" for survivor in survivors], sep="\n")
    return 0 if all(_score(*one) >= LEAST_SCORE for one in scores.values()) else 1


def _score(killed: int, survivors: list[str]) -> float:
    return killed / max(1, killed + len(survivors))


def _run(name: str) -> tuple[int, list[str]]:
    """How many mutants of a file were killed (those that never ended too), and which survived."""
    copy = BUILD / name.replace("/", "_")
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for part in HOUSE:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, copy / part)
    (copy / "tests" / "unit" / "conftest.py").write_text(CONFTEST)
    top = name.split("/")[0]
    others = "\n".join(f"    {part}" for part in HOUSE if part != top)
    tests = "\n".join(f"    tests/unit/{test}" for test in TESTS[name] if (copy / "tests" / "unit" / test).exists())
    (copy / "setup.cfg").write_text(
        f"[mutmut]\nsource_paths={top}\nonly_mutate={name}\nalso_copy=\n{others}\npytest_add_cli_args_test_selection=\n{tests}\n"
    )
    subprocess.run(
        [Path(sys.executable).with_name("mutmut"), "run", "--max-children", "2"],
        cwd=copy,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    codes = json.loads((copy / "mutants" / f"{name}.meta").read_text())["exit_code_by_key"]
    count = Counter(codes.values())
    survivors = sorted(
        f"{key}{' (no test)' if code == NO_TEST else ''}" for key, code in codes.items() if code in (0, NO_TEST, None)
    )
    return sum(n for code, n in count.items() if code not in (0, NO_TEST, None)), survivors


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
