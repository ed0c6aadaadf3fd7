"""Paying with a phone that has no connection, in a real browser: from a cold start to the till."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from infra.town import Town
from services.apis import identity
from services.apis.errors import Refused
from services.kit.pages import fingerprint
from tests.browser.conftest import Read, Visit
from tests.builders_identity import SignedIn, a_joined_volunteer
from tests.builders_redemption import a_paired_till, give_coins, take_part

WITH_COINS = 1250
HAS_A_KEY = """async ([module, before]) => {
    const { makeCode } = await import(module);
    const key = async () => (await makeCode())?.text.slice(0, 24);
    while ([undefined, before.slice(0, 24)].includes(await key())) await new Promise((later) => setTimeout(later, 50));
}"""


@pytest.fixture
def volunteer(town: Town) -> Any:
    """With 12.50 in coins."""
    joined: Any = a_joined_volunteer(town)
    take_part(town, joined)
    give_coins(town, joined, WITH_COINS)
    town.settle()
    return joined


def drawing(page: Page) -> Locator:
    found = page.get_by_role("img", name="Payment code for the till")
    expect(found).to_be_visible()
    return found


def without_a_connection(page: Page, before: str = "") -> None:
    """Once the phone has all it needs: a key, and another one than it made this code with."""
    drawing(page)
    page.evaluate("navigator.serviceWorker.ready")
    page.evaluate(HAS_A_KEY, [f"/assets/{fingerprint()}/payment_key.js", before])
    page.context.set_offline(True)


def cold_start(page: Page, path: str = "/volunteer/pay") -> Page:
    """The app is closed, and opened anew."""
    context = page.context
    page.close()
    opened = context.new_page()
    opened.clock.install()
    opened.goto(path)
    return opened


def refused(sell: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refusal:
        sell()
    return refusal.value.code


def test_a_phone_that_lost_its_connection_pays_and_each_code_pays_once(
    town: Town, visit: Visit, volunteer: Any, read: Read
) -> None:
    till = a_paired_till(town)
    page = visit(volunteer, "/volunteer/pay")
    without_a_connection(page)
    page = cold_start(page)
    code = read(drawing(page))
    expect(page.get_by_text("No signal. The code still works.")).to_be_visible()
    expect(page.get_by_text("12.50")).to_be_visible()
    expect(page.get_by_text("As of Mon 4 May, 12:00")).to_be_visible()
    assert till.sell(code, 450).amount_cents == 450
    assert refused(lambda: till.sell(code, 450)) == "code_used"
    modules = drawing(page).locator("path").get_attribute("d") or ""
    page.clock.fast_forward(30_000)
    town.clock.move_to(town.clock.now() + timedelta(seconds=30))
    expect(drawing(page).locator("path")).not_to_have_attribute("d", modules)
    later = read(drawing(page))
    assert till.sell(later, 100).amount_cents == 100
    town.settle()
    assert town.check() == []


def test_back_at_a_connection_the_screen_goes_on_with_codes_of_ours(
    town: Town, visit: Visit, volunteer: Any, read: Read
) -> None:
    page = visit(volunteer, "/volunteer/pay")
    without_a_connection(page)
    page = cold_start(page)
    expect(page.get_by_text("No signal. The code still works.")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("No signal. The code still works.")).to_be_hidden()
    assert len(read(drawing(page))) == len("pay.") + 22
    page.reload()
    expect(page.get_by_text("12.50")).to_be_visible()
    expect(page.get_by_text("As of")).to_be_hidden()


def test_the_app_opens_without_a_connection_and_leads_to_paying(visit: Visit, volunteer: Any) -> None:
    page = visit(volunteer, "/volunteer/pay")
    without_a_connection(page)
    page = cold_start(page, "/volunteer/")
    expect(page.get_by_role("heading", name="No signal")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Pay").click()
    drawing(page)


def test_what_the_phone_keeps_of_the_page_has_nobodys_coins_in_it(visit: Visit, volunteer: Any) -> None:
    page = visit(volunteer, "/volunteer/pay")
    without_a_connection(page)
    kept = page.evaluate(
        """async () => {
            const texts = [];
            for (const name of await caches.keys()) {
                const store = await caches.open(name);
                for (const request of await store.keys()) texts.push([request.url, await (await store.match(request)).text()]);
            }
            return texts;
        }"""
    )
    assert any("/volunteer/pay/" in url for url, _ in kept)
    assert [url for url, text in kept if "12.50" in text or str(volunteer.person_id) in text] == []


def test_the_secret_cannot_be_read_from_the_phone(visit: Visit, volunteer: Any) -> None:
    page = visit(volunteer, "/volunteer/pay")
    without_a_connection(page)
    stored = page.evaluate(
        """() => new Promise((told) => {
            const asked = indexedDB.open("meritcoin-payment", 1);
            asked.onsuccess = () => {
                const all = asked.result.transaction("kept").objectStore("kept").getAll();
                all.onsuccess = async () => {
                    const [{ key }] = all.result;
                    told([key.extractable, await crypto.subtle.exportKey("raw", key).then(() => "read", () => "refused")]);
                };
            };
        })"""
    )
    assert stored == [False, "refused"]


def test_whoever_signs_out_leaves_no_key_on_the_phone_nor_with_us(
    town: Town, visit: Visit, volunteer: Any, read: Read
) -> None:
    till = a_paired_till(town)
    page = visit(volunteer, "/volunteer/pay")
    without_a_connection(page)
    page = cold_start(page)
    code = read(drawing(page))
    page.context.set_offline(False)
    page.goto("/volunteer/me")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.context.set_offline(True)
    page = cold_start(page)
    expect(page.get_by_text("Open this page once where your phone has a connection.")).to_be_visible()
    assert refused(lambda: till.sell(code, 100)) == "code_expired"


def test_a_phone_whose_card_was_replaced_has_a_new_key_once_it_is_online(
    town: Town, visit: Visit, volunteer: SignedIn, read: Read
) -> None:
    till = a_paired_till(town)
    page = visit(volunteer, "/volunteer/pay")
    without_a_connection(page)
    page = cold_start(page)
    before = read(drawing(page))
    volunteer.ask("identity", identity.POST_MY_CARD_REPLACE)
    town.settle()
    assert refused(lambda: till.sell(before, 100)) == "code_expired"
    page.context.set_offline(False)
    page = cold_start(page)
    without_a_connection(page, before)
    page = cold_start(page)
    assert till.sell(read(drawing(page)), 100).amount_cents == 100
