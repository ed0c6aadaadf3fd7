"""The last benchmarks as a picture: `python -m tests.benchmarks.plot` draws `ledger/figures.svg` from `build/benchmarks.json`."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
WANTED = {
    "ledger.batch_1000": "awards a second, in batches of 1,000",
    "reference.pgbench_award": "the same one at a time, by pgbench",
    "reference.copy_award": "the same rows by COPY",
    "ledger.growth_10m": "awards a second, grown to 10 million",
    "ledger.sales_32": "sales a second, 32 tills, one shop",
    "reference.pgbench_sale_32": "the same by pgbench, 32 clients",
    "sale.http_32": "sales a second over HTTP, 32 tills",
}
ROW, LEFT, WIDTH = 34, 330, 420


def main() -> None:
    """Bars as long as the figures, each with its words and number; ours darker than what they are compared with."""
    values = {row["name"]: row["value"] for row in json.loads((ROOT / "build" / "benchmarks.json").read_text())}
    shown = [(name, words, values[name]) for name, words in WANTED.items() if name in values]
    most = max(value for *_, value in shown)
    bars = []
    for n, (name, words, value) in enumerate(shown):
        y, ours = 12 + n * ROW, not name.startswith("reference")
        bars.append(
            f'<text x="{LEFT - 10}" y="{y + 16}" text-anchor="end">{escape(words)}</text>'
            f'<rect x="{LEFT}" y="{y}" width="{max(1, value / most * WIDTH):.0f}" height="22" fill="{"#1f3f8f" if ours else "#9aa3b5"}"/>'
            f'<text x="{LEFT + 8 + value / most * WIDTH:.0f}" y="{y + 16}">{value:,.0f}</text>'
        )
    height = 20 + len(shown) * ROW
    (ROOT / "ledger" / "figures.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 90} {height}" font-family="sans-serif" font-size="14" '
        f'fill="#1c1b18"><rect width="100%" height="100%" fill="#fdfbf6"/>{"".join(bars)}</svg>\n'
    )


if __name__ == "__main__":
    main()
