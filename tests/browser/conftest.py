"""A town that is served, and a real browser: Debian's Chromium, driven by Playwright. Nothing leaves this machine."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from infra.front import front_app
from infra.serve import Server, one_origin
from infra.town import Town
from infra.wiring import build_town
from services.kit.clock import SetClock
from services.kit.pages import fingerprint
from services.kit.settings import read_settings
from tests.browser.camera import LOOKS, film
from tests.builders_identity import SignedIn, a_joined_volunteer
from tests.builders_redemption import ATill, a_paired_till
from tests.conftest import NOON, empty
from tests.faults.test_kill_the_demo import free_port

HOW = "`apt-get install chromium` enables it"
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
# The camera is a file that a test writes; nobody is asked whether it may be used.
ARGUMENTS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)


def chromium_at() -> str:
    """Where the browser is, or the test is skipped with what would enable it; where CI says nothing may be skipped, it fails."""
    if found := shutil.which("chromium"):
        return found
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"no Chromium: {HOW}")
    pytest.skip(f"no Chromium: {HOW}")


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """Start a browser with more arguments than the usual ones."""
    path = chromium_at()
    with sync_playwright() as playwright:
        yield lambda *more: playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *more])


@pytest.fixture(scope="session")
def chromium(launch: Callable[..., Browser]) -> Iterator[Browser]:
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def one_served(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    var: Path = tmp_path_factory.mktemp("served")
    settings = read_settings({"VAR": str(var), "PORT": str(free_port())})
    town = build_town(settings, clock=SetClock(NOON), url=postgres_url.replace("{service}", "served_{service}"))
    server = Server(settings, one_origin(town, front_app(town)), tick=lambda: None)
    server.start()
    yield town
    server.stop()
    town.close()


@pytest.fixture
def town(one_served: Town) -> Town:
    """An empty town on a Monday at noon, open at `town.settings.public_url`. Events are carried when a test says `town.settle()`."""
    return empty(one_served)


Visit = Callable[..., Page]
Read = Callable[[Locator], str]
Sees = Callable[[bytes, str], Browser]
READ = """async (picture) => {
    const image = new Image();
    image.src = picture;
    await image.decode();
    const detector = new BarcodeDetectionAPI.BarcodeDetector({ formats: ["qr_code"] });
    return (await detector.detect(image)).map((found) => found.rawValue);
}"""


@pytest.fixture
def visit(town: Town, chromium: Browser) -> Iterator[Visit]:
    """`visit(somebody, path)`: a browser of their own (None: nobody's), signed in; `size`, `language`, `scheme`, `browser` as wanted.
    A page that has an error in its script, or breaks its own security policy, fails the test."""
    opened: list[BrowserContext] = []
    wrong: list[str] = []

    def visit(
        who: SignedIn | None, path: str = "/", *, size: dict[str, int] = PHONE, language: str = "en", scheme: str = "light",
        browser: Browser = chromium, till: str | None = None,
    ) -> Page:  # fmt: skip
        context = browser.new_context(
            base_url=town.settings.public_url, viewport=size, locale=language, color_scheme=scheme,  # type: ignore[arg-type]
            has_touch=size == PHONE,
        )  # fmt: skip
        opened.append(context)
        base = {"url": town.settings.public_url}
        cookies = [{"name": "lang", "value": language, **base}]
        if who:
            cookies.append({"name": "session", "value": who.token, **base})
            cookies.append({"name": "renewal", "value": f"{who.session.session_id}.{who.session.renewal}", **base})
        if till:
            cookies.append({"name": "till", "value": till, **base})
        context.add_cookies(cookies)  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(path)
        return page

    yield visit
    for context in opened:
        context.close()
    assert wrong == []


@pytest.fixture
def counter(town: Town, chromium: Browser) -> Iterator[Callable[..., tuple[ATill, Page]]]:
    """`counter()`: a till and its page, without the service worker, whose requests a test cannot lose. More: for the browser's context."""
    opened: list[BrowserContext] = []

    def counter(**more: Any) -> tuple[ATill, Page]:
        till, base = a_paired_till(town), town.settings.public_url
        context = chromium.new_context(base_url=base, viewport=PHONE, locale="en", service_workers="block", **more)  # type: ignore[arg-type]
        opened.append(context)
        context.add_cookies([{"name": "till", "value": till.token, "url": base}])
        page = context.new_page()
        page.goto("/till/")
        return till, page

    yield counter
    for context in opened:
        context.close()


@pytest.fixture
def read(town: Town, visit: Visit) -> Read:
    """What a camera reads from a drawing: the reader a till uses, given a picture of the screen."""
    reader = visit(a_joined_volunteer(town), "/volunteer/scan")
    at = f"/assets/{fingerprint()}/vendor"
    reader.add_script_tag(url=f"{at}/barcode-detector-3.2.2.ponyfill.js")
    reader.evaluate(
        "(wasm) => BarcodeDetectionAPI.prepareZXingModule({ overrides: { locateFile: () => wasm } })",
        f"{at}/zxing-reader-3.1.3.wasm",
    )

    def read(drawing: Locator) -> str:
        picture = base64.b64encode(drawing.screenshot()).decode()
        (text,) = reader.evaluate(READ, f"data:image/png;base64,{picture}")
        return str(text)

    return read


@pytest.fixture
def sees(launch: Callable[..., Browser], chromium: Browser, tmp_path: Path) -> Iterator[Sees]:
    """`sees(picture, look)`: a browser whose camera sees that picture of a code."""
    opened = []

    def sees(code: bytes, look: str) -> Browser:
        file = film(chromium, code, LOOKS[look], tmp_path / "seen.mjpeg")
        opened.append(launch(f"--use-file-for-fake-video-capture={file}"))
        return opened[-1]

    yield sees
    for browser in opened:
        browser.close()
