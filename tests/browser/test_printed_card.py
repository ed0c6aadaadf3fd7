"""Somebody without a phone pays: the card is scanned at the till, and its owner taps the four pictures there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Route, expect

from infra.town import Town
from services.apis import identity
from tests.browser.test_merchant import sales_of, sell
from tests.browser.test_volunteer import tap
from tests.builders_identity import PIN, SignedIn, a_joined_volunteer
from tests.builders_redemption import give_coins, take_part


def an_owner_of_a_card(town: Town, cents: int) -> SignedIn:
    owner = a_joined_volunteer(town)
    take_part(town, owner)
    give_coins(town, owner, cents)
    town.settle()
    return owner


def test_a_printed_card_pays_with_its_owners_pictures_and_only_once(town: Town, counter: Any) -> None:
    till, page = counter()
    owner = an_owner_of_a_card(town, 300)
    sell(page, owner.card_code, "400")
    expect(page.get_by_role("heading", name="Hand the device to the customer")).to_be_visible()
    expect(page.locator(".asked").get_by_text("4.00")).to_be_visible()
    tap(page, "sun", "sun", "sun", "sun")
    expect(page.get_by_role("alert")).to_contain_text("These are not your pictures")
    expect(page.locator(".picked .full")).to_have_count(0)
    assert sales_of(till) == []
    page.route("**/till/card", lose_first())
    tap(page, "sun", "flower", "house")
    page.locator(".pictures").get_by_role("button", name="star").dblclick()
    expect(page.get_by_role("heading", name="Not enough coins for €4.00")).to_be_visible()
    page.route("**/till/sales", lose_first())
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Take 3.00 in coins").dblclick()
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()
    assert [sale.amount_cents for sale in sales_of(till)] == [300]
    assert owner.card_code not in page.content() + page.evaluate(
        "JSON.stringify({ ...sessionStorage, ...localStorage })"
    )
    assert all(past.ended_at for past in owner.ask("identity", identity.GET_MY_EXPORT).sessions[1:])


def lose_first() -> Callable[[Route], None]:
    """What is asked arrives, and the first answer is lost on its way."""
    lost: list[Route] = []

    def lose(route: Route) -> None:
        if lost:
            return route.continue_()
        lost.append(route)
        route.fetch()
        return route.abort("connectionfailed")

    return lose


def test_one_showing_of_the_pictures_makes_one_sale(town: Town, counter: Any) -> None:
    """Where an answer came too late and the same was sent once more: the second code cannot be sold under the key of the first."""
    till, page = counter()
    owner = an_owner_of_a_card(town, 1000)
    form = {"key": "a-key-of-the-page", "amount_cents": "450", "code": owner.card_code, "pin": ",".join(map(str, PIN))}
    for status in (200, 422):
        said = page.request.post("/till/card", form=form)
        assert said.headers["cache-control"] == "no-store"
        code = said.text().partition('name="code" value="')[2].partition('"')[0]
        assert page.request.post("/till/sales", form=form | {"code": code}).status == status
    assert len(sales_of(till)) == 1
