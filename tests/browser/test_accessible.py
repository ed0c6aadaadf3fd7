"""Every page there is, as everybody who sees it: no barrier axe-core finds, in both directions, schemes and sizes; nothing to scroll
sideways, and nothing too small to be hit."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from infra.front import front_app
from infra.town import Town
from tests.browser.lived import Lived, live
from tests.browser.pages import DESK, PHONE, Walk, a_browser_of, for_whom, screens, walk
from tests.conftest import empty

VENDOR = Path(__file__).parent / "vendor"
AXE = VENDOR / "axe-4.14.1.min.js"
PEOPLE = ("", "volunteer", "cashier", "shop_owner", "coordinator", "finance", "auditor", "admin", "sponsor")
AT_ONCE = ("cashier",)  # the others take minutes: with the long proofs
NARROW = {"width": 320, "height": 640}
# What must hold (WCAG 2.2 AA), and of it what another scheme can change: colours.
ALL = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
RUN_AXE = """
async (runOnly) => {
  const told = (node) => [...node.any, ...node.all, ...node.none][0]?.message ?? "";
  const { violations } = await axe.run(document, { runOnly, resultTypes: ["violations"] });
  return violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)} ${told(node)}`));
}
"""
# Where what a control stands for is its label, the label is what one taps. A link within a sentence is as high as its line.
TOO_SMALL = """
() => {
  const inSentence = (e) => e.matches("a") && getComputedStyle(e).display === "inline"
    && e.closest("p, li, dd, td, small, div").textContent.trim().length > e.textContent.trim().length + 2;
  return [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=button]")]
    .filter((e) => e.checkVisibility({ visibilityProperty: true }))
    .filter((e) => !inSentence(e))
    .map((e) => [e, (e.matches("[type=radio], [type=checkbox]") && e.labels[0] || e).getBoundingClientRect()])
    .filter(([, box]) => box.right > 0 && box.bottom > 0 && Math.min(box.width, box.height) < 43.5)
    .map(([e, box]) => `${Math.round(box.width)}x${Math.round(box.height)}: ${e.outerHTML.slice(0, 160)}`);
}
"""
TOO_WIDE = """
() => document.scrollingElement.scrollWidth <= innerWidth ? [] : [...document.body.querySelectorAll("*")]
    .filter((e) => { const box = e.getBoundingClientRect(); return box.right > innerWidth + 1 || box.left < -1; })
    .filter((e) => e.checkVisibility()).slice(0, 3).map((e) => `sideways: ${e.outerHTML.slice(0, 160)}`)
"""


@pytest.fixture(scope="module")
def lived(one_served: Town) -> Iterator[Lived]:
    yield live(empty(one_served))
    empty(one_served)


@pytest.fixture(scope="module")
def walked(lived: Lived) -> Walk:
    return walk(front_app(lived.town), lived)


def test_axe_is_the_one_we_say_it_is() -> None:
    assert sha256(AXE.read_bytes()).hexdigest() in (VENDOR / "README.md").read_text()


def test_every_screen_says_whom_it_is_for(one_served: Town) -> None:
    app = front_app(one_served)
    silent = [rule.endpoint for rule in screens(app) if not hasattr(app.view_functions[rule.endpoint], "only")]
    assert silent == []
    roles = {role for rule in screens(app) for role in for_whom(app, rule.endpoint) or ()}
    assert roles - {""} <= set(PEOPLE)


def test_every_page_opens_for_whom_it_is_for(walked: Walk) -> None:
    assert walked.failed == []


def test_every_page_is_led_to_by_another(lived: Lived, walked: Walk) -> None:
    """Or stands in a code, a letter or a form, as in `Lived.unlinked`; but what scripts ask for."""
    rules = [rule for rule in screens(front_app(lived.town)) if not rule.rule.endswith(".json")]
    pages = {rule.endpoint for rule in rules if "GET" in (rule.methods or ())}
    assert sorted(pages - walked.reached) == []


@pytest.mark.parametrize(
    ("who", "language"),
    [
        pytest.param(who, language, marks=() if who in AT_ONCE and language == "en" else pytest.mark.proof)
        for who in PEOPLE
        for language in ("en", "ar")
    ],
)
def test_no_page_shuts_anybody_out(lived: Lived, walked: Walk, chromium: Browser, who: str, language: str) -> None:
    """In English one of each kind, in Arabic some more of them."""
    pages = [seen for seen in walked.pages if seen.who == who and (language != "en" or not seen.nth)]
    context = a_browser_of(chromium, lived, who, language=language, bypass_csp=True, service_workers="block")
    context.add_init_script(path=AXE)
    page = context.new_page()
    wrong = []
    for seen in pages:
        page.goto(seen.path)
        wrong += [f"{seen.path} {one}" for one in barriers(page, seen.sizes)]
    context.close()
    assert not wrong, "\n".join(wrong)


def test_what_is_wrong_is_found(chromium: Browser) -> None:
    """So that silence means something."""
    page = chromium.new_page()
    page.add_init_script(path=AXE)
    page.goto("about:blank")
    page.set_content(
        '<html lang="en"><title>A page</title><style>@media (prefers-color-scheme: dark) { p { color: #333; background: #222 } }</style>'
        '<p>Dark on dark</p><img src="data:,"><button style="inline-size: 30px">x</button><div style="inline-size: 2000px">wide</div>'
    )
    found = "\n".join(barriers(page, {"phone": PHONE, "desk": DESK}))
    page.close()
    for wrong in (
        "(phone, dark) color-contrast",
        "(phone, light) image-alt",
        "(desk) sideways",
        "(narrow) sideways",
        "(narrow) 30x",
    ):
        assert wrong in found


def barriers(page: Page, sizes: dict[str, dict[str, int]]) -> Iterator[str]:
    """What is wrong with an open page, in words for whoever mends it."""
    for size, pixels in sizes.items():
        page.set_viewport_size(pixels)  # type: ignore[arg-type]
        for scheme, rules in {"light": ALL, "dark": COLOURS}.items():
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found: list[Any] = page.evaluate(RUN_AXE, rules)
            yield from (f"({size}, {scheme}) {one}" for one in found)
        yield from (f"({size}) {one}" for one in page.evaluate(TOO_WIDE))
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    yield from (f"(narrow) {one}" for one in [*page.evaluate(TOO_WIDE), *page.evaluate(TOO_SMALL)])
