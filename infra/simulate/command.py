"""`meritcoin simulate`: prints one line a seed, and what was not as it must be."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

import msgspec

from infra.cli_asking import Progress
from infra.simulate.run import Report, own_server, simulate


def run_simulations(args: argparse.Namespace) -> int:
    """Exit status 1 if any town did not come out whole."""
    well, progress = True, Progress(args)
    with own_server() as url:
        for seed in range(args.seed, args.seed + args.towns):
            report = simulate(seed, args.weeks, url, progress)
            progress.over()
            print(msgspec.json.encode(report).decode() if args.json else "\n".join(told(report)), flush=True)
            well = well and not report.problems
    return 0 if well else 1


def told(report: Report) -> Iterable[str]:
    yield (
        f"seed {report.seed}: {report.weeks} weeks, {sum(report.moved.values())} transfers, {report.sales} sales, "
        f"{sum(report.faults.values())} faults, {report.town_weeks_per_minute} town-weeks a minute, "
        f"{len(report.problems)} problems, digest {report.digest[:16]}"
    )
    yield "  " + ", ".join(f"{kind} {count}" for kind, count in report.happened.items())
    yield from (f"  {problem}" for problem in report.problems)
