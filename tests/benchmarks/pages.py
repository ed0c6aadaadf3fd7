"""What a page weighs when it is opened for the first time, and how long the town takes to answer it.

Weights are what goes over the wire, headers included, as Chromium counts it: a phone without anything of ours in its cache. Times are of
the server, all services in its process, measured at its own port.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import httpx
from playwright.sync_api import Browser, sync_playwright

from infra.front import front_app
from infra.serve import Server, one_origin
from services.apis import redemption
from services.kit.clock import SetClock
from services.kit.ids import new_id
from tests.benchmarks.row import Row
from tests.benchmarks.scene import a_scratch_town
from tests.browser.lived import Lived, live
from tests.browser.pages import HTML, Seen, a_browser_of, walk
from tests.builders_redemption import a_customer
from tests.conftest import NOON
from tests.faults.test_kill_the_demo import free_port

BAR_KB, BAR_MS, BAR_SALE_MS = 100.0, 100.0, 300.0
FIRST_VIEWS = {
    "volunteer": ("volunteer", ("/volunteer/", "/volunteer/pay", "/volunteer/join")),
    "merchant": ("cashier", ("/till/", "/till/today")),
}
TIMES, SALES, CUSTOMERS = 5, 60, 4


def pages() -> list[Row]:
    """`volunteer.first_view_kb`, `merchant.first_view_kb`: the heaviest of their first views. `pages.p95_ms`: of every page.
    `till.scan_to_green_p95_ms`: from the code to the answer. Ratios are to what is allowed."""
    with a_lived_town() as (lived, seen):
        weights = [Row(f"{app}.first_view_kb", kb, "kB", "bar", kb / BAR_KB) for app, kb in first_views(lived).items()]
        took = sorted(page_times(lived, seen))
        green = sorted(sale_times(lived))
    return [
        *weights,
        row_of_p95("pages.p95_ms", took, BAR_MS),
        row_of_p95("till.scan_to_green_p95_ms", green, BAR_SALE_MS),
    ]


def row_of_p95(name: str, took: list[float], bar: float) -> Row:
    value = took[int(len(took) * 0.95)]
    return Row(name, value, "ms", "bar", value / bar)


@contextmanager
def a_lived_town() -> Iterator[tuple[Lived, list[Seen]]]:
    port = free_port()
    with a_scratch_town(port, clock=SetClock(NOON)) as town:
        front = front_app(town)
        server = Server(town.settings, one_origin(town, front), tick=lambda: None)
        server.start()
        try:
            lived = live(town)
            yield lived, walk(front, lived).pages
        finally:
            server.stop()


def first_views(lived: Lived) -> dict[str, float]:
    """App -> kilobytes (1000 bytes) over the wire for the heaviest of its first views, until nothing more is loaded. Raises RuntimeError
    without a browser."""
    path = shutil.which("chromium")
    if not path:
        raise RuntimeError("There is no Chromium here: `apt-get install chromium` enables this.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        weights = {
            app: max(weight(browser, lived, who, view) for view in views) / 1000 for app, (who, views) in FIRST_VIEWS.items()
        }  # fmt: skip
        browser.close()
    return weights


def weight(browser: Browser, lived: Lived, who: str, path: str) -> int:
    """Bytes over the wire in a browser that has never been here."""
    context = a_browser_of(browser, lived, who, service_workers="block")
    page = context.new_page()
    bytes_loaded = 0

    def finished(event: dict[str, Any]) -> None:
        nonlocal bytes_loaded
        bytes_loaded += event["encodedDataLength"]

    network = context.new_cdp_session(page)
    network.on("Network.loadingFinished", finished)
    network.send("Network.enable")
    page.goto(path, wait_until="networkidle")
    context.close()
    return bytes_loaded


def page_times(lived: Lived, seen: list[Seen]) -> Iterator[float]:
    """Milliseconds of every page, some times each, the first left out: it fills caches that stay."""
    for page in seen:
        with a_client(lived, page.who) as client:
            for n in range(TIMES + 1):
                began = time.perf_counter()
                client.get(page.path).raise_for_status()
                if n:
                    yield (time.perf_counter() - began) * 1000


def sale_times(lived: Lived) -> Iterator[float]:
    """Milliseconds from sending the amount with a code to the green screen, at one till."""
    town = lived.town
    customers = [a_customer(town, SALES) for _ in range(CUSTOMERS)]  # nobody may ask for many codes in a minute
    with a_client(lived, "cashier") as till:
        for _, customer in zip(range(SALES), cycle(customers), strict=False):
            form = {
                "amount_cents": "1",
                "code": customer.ask("redemption", redemption.POST_PAYMENT_CODE).code,
                "key": str(new_id()),
            }
            began = time.perf_counter()
            answer = till.post("/till/sales", data=form)
            yield (time.perf_counter() - began) * 1000
            if 'data-answer="yes"' not in answer.text:
                raise RuntimeError(f"a sale was not accepted: {answer.status_code} {answer.text[:500]}")


def a_client(lived: Lived, who: str) -> httpx.Client:
    return httpx.Client(base_url=lived.town.settings.public_url, cookies=lived.people[who], headers=HTML, timeout=60)
