"""What Lighthouse says of the two apps' main pages, as a phone sees them. It is no part of this project: `npx` fetches it for the run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.pages import a_lived_town
from tests.benchmarks.row import Row
from tests.browser.lived import Lived

TOOL = "lighthouse@12"
BAR = 95.0
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
MAIN_PAGES = {
    "volunteer": ("volunteer", "/volunteer/"),
    "pay": ("volunteer", "/volunteer/pay"),
    "till": ("cashier", "/till/"),
}
SECONDS = 180


def lighthouse() -> list[Row]:
    """`lighthouse.<page>_<category>`, 0 to 100. Ratios are to the bar of 95."""
    with a_lived_town() as (lived, _pages), tempfile.TemporaryDirectory() as folder:
        return [row for name in MAIN_PAGES for row in _scores(lived, name, Path(folder))]


def _scores(lived: Lived, name: str, folder: Path) -> Iterator[Row]:
    who, path = MAIN_PAGES[name]
    headers, report = folder / "headers.json", folder / f"{name}.json"
    cookies = "; ".join(f"{cookie}={value}" for cookie, value in {"lang": "it", **lived.people[who]}.items())
    headers.write_text(json.dumps({"Cookie": cookies}))
    npx, chromium = shutil.which("npx"), shutil.which("chromium")
    if not npx or not chromium:
        raise RuntimeError("Lighthouse needs npx and Chromium: `apt-get install npm chromium` enables this.")
    command = [
        npx, "--yes", TOOL, f"{lived.town.settings.public_url}{path}", f"--extra-headers={headers}", "--quiet", "--output=json",
        f"--output-path={report}", f"--only-categories={','.join(CATEGORIES)}", "--chrome-flags=--headless=new --no-sandbox",
    ]  # fmt: skip
    subprocess.run(
        command,
        cwd=folder,
        check=True,
        timeout=SECONDS,
        env={**os.environ, "CHROME_PATH": chromium},
        capture_output=True,
    )
    told = json.loads(report.read_text())
    if told["finalDisplayedUrl"].split("?")[0] != f"{lived.town.settings.public_url}{path}":
        raise RuntimeError(f"{path} led to {told['finalDisplayedUrl']}: that is another page")
    for category in CATEGORIES:
        score = told["categories"][category]["score"] * 100
        yield Row(f"lighthouse.{name}_{category.replace('-', '_')}", score, "of 100", "bar", score / BAR)
