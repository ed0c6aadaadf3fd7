"""By keyboard alone: whoever cannot tap or see a pointer gets as far as everybody else."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from infra.town import Town
from tests.browser.conftest import DESK, Visit
from tests.builders import a_shift
from tests.builders_identity import a_joined_volunteer, an_invitation
from tests.builders_redemption import a_customer, a_paired_till, a_payment_code
from tests.stories.town_life import (
    Cast,
    a_city_fund,
    a_shop_joins,
    an_approved_account,
    an_approved_batch,
    statements_are_issued,
    take_part,
)

FAR = 60  # presses of a key until somebody would give up
FOCUSED = """() => {
  const e = document.activeElement;
  if (e === document.body) return ["the browser itself", true];
  const words = e.getAttribute("aria-label") || [...(e.labels ?? [])].map((l) => l.textContent).join(" ") || e.textContent;
  const style = getComputedStyle(e);
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none";
  return [words.replace(/\\s+/g, " ").trim(), seen];
}"""


def tab_to(page: Page, words: str) -> None:
    """Press Tab until the focus is on what begins with these words; wherever it is on the way, it can be seen."""
    passed: list[str] = []
    for _ in range(FAR):
        page.keyboard.press("Tab")
        here, seen = page.evaluate(FOCUSED)
        assert seen, f"the focus cannot be seen on: {here}"
        if here.startswith(words):
            return
        passed.append(here)
    raise AssertionError(f"Tab does not lead to {words!r}, but to: {passed}")


def press(page: Page, words: str, key: str = "Enter") -> None:
    tab_to(page, words)
    page.keyboard.press(key)


def test_a_shift_is_found_on_the_map_by_keyboard(town: Town, visit: Visit) -> None:
    for place in ("le-querce", "stazione"):
        a_shift(town, name=f"Care for {place}", neighbourhood_id=place)
    page = visit(a_joined_volunteer(town), "/volunteer/shifts")
    press(page, "Map")
    expect(page.get_by_text("Tap a neighbourhood")).to_be_visible()
    press(page, "Stazione: 1 shift")
    expect(page.get_by_role("link", name="Care for stazione")).to_be_visible()
    expect(page.get_by_role("link", name="Care for le-querce")).to_have_count(0)


def test_somebody_joins_by_keyboard(town: Town, visit: Visit) -> None:
    page = visit(None, f"/join#{an_invitation(town).code}", size=DESK)
    tab_to(page, "What shall we call you?")
    page.keyboard.type("Amal")
    for asked in ("Choose four pictures", "Once more, to be sure"):
        expect(page.get_by_text(asked)).to_be_visible()
        for picture, key in (("sun", "Enter"), ("fish", "Space"), ("flower", "Enter"), ("star", "Space")):
            press(page, picture, key)
    press(page, "Join")
    expect(page.get_by_role("heading", name="You are in")).to_be_visible()


def test_a_volunteer_signs_up_by_keyboard(town: Town, visit: Visit) -> None:
    shift = a_shift(town)
    town.settle()
    page = visit(a_joined_volunteer(town), "/volunteer/", size=DESK)
    press(page, "Skip to the content")
    press(page, "Find a shift")
    page.wait_for_url("**/shifts")
    press(page, f"12:00–14:00 {shift.name}")
    page.wait_for_url(f"**/shifts/{shift.shift_id}")
    press(page, "I will come")
    expect(page.get_by_role("status").get_by_text("You have a place. See you there!")).to_be_visible()


def test_a_cashier_takes_coins_by_keyboard(town: Town, visit: Visit) -> None:
    till, customer = a_paired_till(town), a_customer(town)
    page = visit(None, "/till/", till=till.token, size=DESK)
    page.keyboard.type("450")
    press(page, "Scan the code")
    page.keyboard.type(a_payment_code(town, customer))  # a hand scanner is a keyboard too
    page.keyboard.press("Enter")
    expect(page.locator(".answer h1")).to_have_text("Accepted")
    expect(page.locator(".answer h1")).to_be_focused()


def test_a_third_person_of_finance_releases_a_batch_by_keyboard(town: Town, visit: Visit) -> None:
    cast = Cast(town)
    amal, shop = cast.volunteer("Amal"), a_shop_joins(cast)
    a_city_fund(cast)
    take_part(cast, amal)
    amal.buys(shop.till, 450)
    statements_are_issued(cast, "2026-05")
    an_approved_account(cast, shop)
    shop.claims("2026-05")
    batch = an_approved_batch(cast)
    page = visit(cast.franca, f"/finance/batches/{batch.batch_id}", size=DESK)
    press(page, "Skip to the content")
    press(page, "Release this batch")
    expect(page.get_by_role("status").first).to_be_visible()
    expect(page.get_by_role("button", name="Release this batch")).to_have_count(0)
