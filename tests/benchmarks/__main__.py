"""Run every benchmark, or those whose names are given: `python -m tests.benchmarks demo`."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.audit import audited
from tests.benchmarks.demo import first_page_and_history
from tests.benchmarks.growth import growth
from tests.benchmarks.kafka import a_million_behind, travelling
from tests.benchmarks.kafka_services import through_services
from tests.benchmarks.ledger import posting
from tests.benchmarks.ledger_log import sealed_log
from tests.benchmarks.lighthouse import lighthouse
from tests.benchmarks.pages import pages
from tests.benchmarks.pages_long import long_pages
from tests.benchmarks.row import Row
from tests.benchmarks.sale_http import sales_over_http
from tests.benchmarks.tests import whole_test_run

BENCHMARKS: dict[str, Callable[[], list[Row]]] = {
    "demo": first_page_and_history,
    "ledger": posting,
    "sale": sales_over_http,
    "kafka": travelling,
    "services": through_services,
    "kafka_million": a_million_behind,
    "growth": growth,
    "pages": pages,
    "pages_100x": long_pages,
    "lighthouse": lighthouse,
    "log": sealed_log,
    "audit": audited,
    "test": whole_test_run,
}
BUILD = Path(__file__).parents[2] / "build"


def main(names: list[str]) -> int:
    rows: list[Row] = []
    for name in names or BENCHMARKS:
        rows += BENCHMARKS[name]()
    print(
        f"\n{'name':<34}{'value':>12}  {'unit':<6}{'ratio':>8}  to     ({platform.machine()}, Python {platform.python_version()})"
    )
    for row in rows:
        ratio = f"{row.ratio:>8.2f}  {row.ratio_to}" if row.ratio is not None else ""
        print(f"{row.name:<34}{row.value:>12.2f}  {row.unit:<6}{ratio}")
    BUILD.mkdir(exist_ok=True)
    (BUILD / "benchmarks.json").write_text(json.dumps([row.as_dict() for row in rows], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
