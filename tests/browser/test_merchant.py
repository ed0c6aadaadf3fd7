"""The till and its owner, tapped through in a real browser."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, Route, expect

from infra.town import Town
from services.apis import redemption as api
from services.apis import reimbursement
from tests.browser.conftest import Visit
from tests.builders_redemption import ATill, a_customer, a_paired_till, a_payment_code
from tests.stories.town_life import Cast, Shop, a_shop_joins, statements_are_issued


def a_till(town: Town, visit: Visit) -> tuple[ATill, Page]:
    till = a_paired_till(town)
    town.settle()
    return till, visit(None, "/till/", till=till.token)


def key(page: Page, digits: str) -> None:
    for digit in digits:
        page.get_by_role("button", name=digit, exact=True).click()


def sell(page: Page, code: str, digits: str = "450") -> None:
    """Keyed, and the code typed as where there is no camera."""
    key(page, digits)
    page.get_by_role("button", name="Scan the code").click()
    page.get_by_text("Type the code").click()
    page.get_by_label("The customer’s code").fill(code)
    page.get_by_role("button", name="Take the coins").click()


def sales_of(till: ATill) -> list[api.Sale]:
    return list(till.ask("redemption", api.GET_SALES).sales)


def test_a_device_becomes_a_till_by_typing_the_code_the_owner_sees(town: Town, visit: Visit) -> None:
    shop = a_shop_joins(Cast(town))
    owner = visit(shop.owner, "/owner/tills")
    owner.get_by_role("button", name="Pair a till").click()
    code = owner.locator("code").inner_text()
    page = visit(None, "/till/")
    page.get_by_label("Pairing code").fill("ABCD 2345")
    page.get_by_label("What do you call this till?").fill("Sara’s phone")
    page.get_by_role("button", name="Make it a till").click()
    expect(page.get_by_role("alert")).to_contain_text("This pairing code is mistyped")
    page.get_by_label("Pairing code").fill(code.lower())
    page.get_by_role("button", name="Make it a till").click()
    expect(page.get_by_role("status").first).to_contain_text("This device is a till of Panificio Sole now.")
    expect(page.get_by_text("Amount to take in coins")).to_be_visible()


def test_an_unpaired_device_says_so_at_its_next_tap(town: Town, visit: Visit) -> None:
    shop = a_shop_joins(Cast(town))
    page = visit(None, "/till/", till=shop.till.token)
    owner = visit(shop.owner, "/owner/tills")
    owner.get_by_text("End this till").click()
    owner.get_by_role("button", name="End it").click()
    expect(owner.get_by_role("status")).to_contain_text("front is no till of yours any more.")
    sell(page, a_payment_code(town, a_customer(town)))
    expect(page.get_by_role("alert")).to_contain_text("This device is no till any more.")
    page.goto("/till/today")
    expect(page.get_by_label("Pairing code")).to_be_visible()


def test_a_sale_is_keyed_the_code_typed_and_the_screen_is_green(town: Town, visit: Visit) -> None:
    till, page = a_till(town, visit)
    sell(page, a_payment_code(town, a_customer(town, 1000)))
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()
    expect(page.get_by_role("status").get_by_text("4.50")).to_be_visible()
    page.wait_for_timeout(600)  # a second tap of a double tap is not heard
    page.get_by_role("link", name="Next customer").click()
    expect(page.get_by_role("button", name="Scan the code")).to_be_disabled()
    page.keyboard.type("1230")
    page.keyboard.press("Backspace")
    expect(page.locator("[data-step=amount]").get_by_text("1.23")).to_be_visible()
    assert [sale.amount_cents for sale in sales_of(till)] == [450]


def test_with_too_few_coins_the_till_offers_what_they_cover(town: Town, visit: Visit) -> None:
    till, page = a_till(town, visit)
    sell(page, a_payment_code(town, a_customer(town, 300)))
    expect(page.get_by_role("heading", name="Not enough coins for €4.50")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("1.50")
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Take 3.00 in coins").click()
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()
    assert [sale.amount_cents for sale in sales_of(till)] == [300]


def test_a_double_tap_makes_one_sale(town: Town, visit: Visit) -> None:
    till, page = a_till(town, visit)
    code = a_payment_code(town, a_customer(town, 1000))
    key(page, "450")
    page.get_by_role("button", name="Scan the code").click()
    page.get_by_text("Type the code").click()
    page.get_by_label("The customer’s code").fill(code)
    page.get_by_role("button", name="Take the coins").dblclick()
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()
    assert len(sales_of(till)) == 1


def test_in_two_tabs_of_a_till_a_code_pays_once_and_the_other_says_what_to_look_at(town: Town, counter: Any) -> None:
    till, one = counter()
    other = one.context.new_page()
    other.goto("/till/")
    code = a_payment_code(town, a_customer(town, 1000))
    sell(one, code)
    sell(other, code)
    expect(one.get_by_role("heading", name="Accepted")).to_be_visible()
    expect(other.get_by_role("heading", name="This code was used already")).to_be_visible()
    expect(other.get_by_role("alert")).to_contain_text("Today shows whether it was this purchase.")
    assert [sale.amount_cents for sale in sales_of(till)] == [450]


def test_the_devices_back_leads_to_the_keypad_which_says_what_became_of_the_sale(town: Town, visit: Visit) -> None:
    till, page = a_till(town, visit)
    keypad = page.locator("[data-step=amount]")
    key(page, "450")
    page.get_by_role("button", name="Scan the code").click()
    page.go_back()
    expect(keypad.get_by_text("4.50")).to_be_visible()  # not sold yet: the amount is still there
    page.get_by_role("button", name="Scan the code").click()
    page.get_by_text("Type the code").click()
    page.get_by_label("The customer’s code").fill(a_payment_code(town, a_customer(town, 1000)))
    page.get_by_role("button", name="Take the coins").click()
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()
    page.go_back()
    expect(keypad.get_by_text("0.00")).to_be_visible()
    page.go_forward()
    expect(keypad.get_by_text("0.00")).to_be_visible()
    page.get_by_role("link", name="Accepted 4.50").click()
    expect(page.get_by_role("heading", name="Today")).to_be_visible()
    assert len(sales_of(till)) == 1


def test_a_till_without_a_signal_says_so_and_a_reload_keeps_the_sale_in_hand(town: Town, visit: Visit) -> None:
    till, page = a_till(town, visit)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    key(page, "450")
    page.get_by_role("button", name="Scan the code").click()
    page.get_by_text("Type the code").click()
    page.get_by_label("The customer’s code").fill(a_payment_code(town, a_customer(town, 1000)))
    page.context.set_offline(True)
    expect(page.get_by_text("No connection")).to_be_visible()
    page.get_by_role("button", name="Take the coins").click()
    expect(page.get_by_role("heading", name="No answer yet. Asking again…")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Your sale is kept.")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible(timeout=15_000)
    assert [sale.amount_cents for sale in sales_of(till)] == [450]


def test_an_answer_lost_on_its_way_is_asked_for_again_with_one_sale(town: Town, counter: Any) -> None:
    till, page = counter()
    asked: list[str] = []

    def lose(route: Route) -> None:
        """The first answer never arrives, though the sale was made; the second request does not even leave."""
        asked.append(route.request.post_data or "")
        if len(asked) == 1:
            route.fetch()
        route.continue_() if len(asked) > 2 else route.abort("connectionfailed")

    page.route("**/till/sales", lose)
    sell(page, a_payment_code(town, a_customer(town, 1000)))
    expect(page.get_by_role("heading", name="No answer yet. Asking again…")).to_be_visible()
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()
    assert len(asked) == 3
    assert len(set(asked)) == 1  # the very same, with the same key
    assert [sale.amount_cents for sale in sales_of(till)] == [450]


def test_a_till_reloaded_while_it_waits_asks_for_the_same_sale(town: Town, counter: Any) -> None:
    till, page = counter()
    page.route("**/till/sales", lambda route: (route.fetch(), route.abort()))
    sell(page, a_payment_code(town, a_customer(town, 1000)))
    expect(page.get_by_role("heading", name="No answer yet. Asking again…")).to_be_visible()
    expect(page.get_by_role("link", name="Give up and look at Today")).to_be_visible()
    page.unroute("**/till/sales")
    page.reload()
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()
    assert len(sales_of(till)) == 1


def test_a_sale_is_undone_from_its_answer_or_from_today(town: Town, visit: Visit) -> None:
    till, page = a_till(town, visit)
    customer = a_customer(town, 1000)
    sell(page, a_payment_code(town, customer))
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()
    page.wait_for_timeout(600)
    page.get_by_text("Undo this sale").click()
    page.get_by_role("button", name="Yes, undo it").click()
    expect(page.get_by_role("heading", name="Undone")).to_be_visible()
    till.sell(a_payment_code(town, customer), 200)
    page.goto("/till/today")
    expect(page.get_by_text("€2.00").first).to_be_visible()
    page.get_by_text("Undo", exact=True).click()
    page.get_by_role("button", name="Yes, undo it").click()
    expect(page.get_by_role("heading", name="Undone")).to_be_visible()
    assert all(sale.voided_at for sale in sales_of(till))


def test_without_script_a_form_gives_the_same_answer(town: Town, counter: Any) -> None:
    till, page = counter(java_script_enabled=False)
    page.get_by_label("Amount to take in coins").fill("4,50")
    page.get_by_label("The customer’s code").fill(a_payment_code(town, a_customer(town, 300)))
    page.get_by_role("button", name="Take the coins").click()
    page.get_by_role("button", name="Take 3.00 in coins").click()
    expect(page.get_by_role("heading", name="Accepted")).to_be_visible()
    assert [sale.amount_cents for sale in sales_of(till)] == [300]


def a_month_of(town: Town, shop: Shop, *cents: int) -> None:
    for amount in cents:
        shop.till.sell(a_payment_code(town, a_customer(town, amount)), amount)
    town.settle()


def test_an_owner_queries_a_line_and_confirms_after_the_citys_answer(town: Town, visit: Visit) -> None:
    cast = Cast(town)
    shop = a_shop_joins(cast)
    a_month_of(town, shop, 450, 1200)
    statements_are_issued(cast, "2026-05")
    assert shop.owed().owed_cents == 1650
    page = visit(shop.owner, "/owner/")
    expect(page.get_by_text("€16.50").first).to_be_visible()
    page.get_by_role("link", name="Look at the statement").click()
    page.get_by_role("link", name="12.00").click()
    page.get_by_label("In your words").fill("This was 2.00")
    page.get_by_role("button", name="Ask the city").click()
    expect(page.get_by_text("the city looks at a line", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="All right, confirm")).to_be_hidden()
    answer(cast, shop, "The till wrote 12.00 at 14:00.")
    page.reload()
    expect(page.get_by_text("The till wrote 12.00")).to_be_visible()
    page.get_by_role("button", name="All right, confirm").click()
    expect(page.get_by_role("status")).to_contain_text("Confirmed.")
    expect(page.get_by_role("article")).to_contain_text("Panificio Sole")
    [claim] = shop.owed().claims
    assert (claim.amount_cents, claim.blocked) == (1650, "no_iban")


def answer(cast: Cast, shop: Shop, words: str) -> None:
    """Giulio answers the one query."""
    [query] = shop.statement("2026-05").queries
    body = reimbursement.SettleQuery(answer=words)
    cast.giulio.ask("reimbursement", reimbursement.POST_QUERY_SETTLE, body, query_id=query.query_id)


def test_an_owner_takes_a_statement_along_as_a_table(town: Town, visit: Visit) -> None:
    cast = Cast(town)
    shop = a_shop_joins(cast)
    a_month_of(town, shop, 450)
    statements_are_issued(cast, "2026-05")
    statement_id = shop.statement("2026-05").statement.statement_id
    page = visit(shop.owner, f"/owner/statements/{statement_id}")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Lines as a table (CSV)").click()
    assert taken.value.path().read_text("utf-8").count("450") == 1
    printed = page.request.get(str(page.get_by_role("link", name="To print (PDF)").get_attribute("href")))
    assert printed.body().startswith(b"%PDF-1.")
