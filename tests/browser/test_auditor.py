"""The auditor's screens: from a fund to a transfer to its journal, and the books as they stood."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import expect

from infra.town import Town
from ledger.checks import CHECKS
from ledger.words import INVARIANTS
from tests.browser.conftest import DESK, Visit
from tests.stories.town_life import Cast, a_city_fund, it_becomes, take_part


def test_an_auditor_follows_a_funds_money_and_sees_it_as_it_stood_before(town: Town, visit: Visit) -> None:
    cast = Cast(town)
    a_city_fund(cast, 10_000, name="City budget")
    before = town.city.local(town.clock.now())
    take_part(cast, cast.volunteer("Amal"))
    page = visit(cast.paolo, "/books", size=DESK)
    page.get_by_role("link", name="City budget").click()
    balance = page.locator(".num")
    expect(balance).to_have_text("€95.00")
    page.get_by_label("At another moment").fill(f"{before:%Y-%m-%dT%H:%M:%S}")
    page.get_by_role("button", name="Show that moment").click()
    expect(balance).to_have_text("€100.00")
    expect(page.get_by_text("Now: €95.00")).to_be_visible()
    expect(page.get_by_role("link", name="Coins issued")).to_be_hidden()
    page.get_by_role("link", name="See it now").click()
    page.get_by_role("link", name="Coins issued").click()
    expect(page.get_by_role("heading", name="Coins issued")).to_be_visible()
    page.get_by_role("row", name="Journal").get_by_role("link").click()
    expect(page.get_by_text("Journal: one request, and all it moved")).to_be_visible()
    expect(page.get_by_role("table").get_by_role("link", name="Free for new coins")).to_be_visible()


def test_an_account_is_found_by_its_code_and_an_unknown_one_is_told(town: Town, visit: Visit) -> None:
    cast = Cast(town)
    fund_id = a_city_fund(cast, name="City budget")
    page = visit(cast.paolo, "/books")
    page.get_by_label("Find an account, a transfer or a journal").fill("fund/nowhere")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no account with this code.")
    page.get_by_label("Find an account, a transfer or a journal").fill(f"bank/{fund_id}")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", name="At the bank")).to_be_visible()
    expect(page.get_by_text("This account stands below zero by what is there.")).to_be_visible()


def test_an_auditor_sees_that_the_books_hold_and_takes_a_proof_along(town: Town, visit: Visit, tmp_path: Path) -> None:
    cast = Cast(town)
    fund_id = a_city_fund(cast, name="City budget")
    it_becomes(town, town.clock.now() + timedelta(minutes=5))
    page = visit(cast.paolo, "/checks")
    expect(page.get_by_text(f"All {len(CHECKS)} hold.")).to_be_visible()
    page.goto(f"/books/account?code=fund/{fund_id}")
    page.get_by_role("link", name="Money came in").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Take the proof").click()
    download.value.save_as(tmp_path / "receipt.json")
    assert json.loads((tmp_path / "receipt.json").read_text())["transfer"]["amount_cents"] == 10_000


def test_every_invariant_of_the_books_has_words_for_auditors() -> None:
    assert set(INVARIANTS) == set(CHECKS)
