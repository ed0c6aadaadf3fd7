"""A sponsor gives, and sees what it became, in a real browser."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from infra.standins.bank import IncomingTransfer
from infra.town import Town
from services.apis import funding_sponsor as api
from services.apis.endpoint import Page
from services.kit.i18n import number
from tests.browser.conftest import DESK, Visit
from tests.builders_funding import stripe_tells
from tests.builders_identity import SignedIn, staff, the_admin
from tests.builders_reimbursement import iban_for
from tests.stories.town_life import Cast, a_bank, a_shop_joins, take_part, the_bank_closes_its_day


class Elena:
    """She acts for a company that gives."""

    def __init__(self, town: Town, name: str = "Torrefazione Arco") -> None:
        town.stripe_standin.memory.waiting.clear()  # type: ignore[union-attr]
        body = api.RegisterSponsor(kind="organisation", name=name)
        self.sponsor_id: UUID = the_admin(town).ask("funding", api.POST_SPONSOR, body).sponsor_id
        self.signed_in: SignedIn = staff(town, "sponsor", self.sponsor_id)

    @property
    def topup(self) -> api.TopUp:
        """Her latest."""
        asked = self.signed_in.ask("funding", api.GET_TOPUPS, query=Page(), sponsor_id=self.sponsor_id)
        return asked.topups[0]


@pytest.fixture
def elena(town: Town) -> Elena:
    return Elena(town)


def give(page: Tab, *, own: str = "", way: str = "Card", place: str = "") -> None:
    page.get_by_label("Or another amount, in euros").fill(own)
    if place:
        page.get_by_role("radio", name="A neighbourhood").check(force=True)
        page.get_by_label("Which neighbourhood").select_option(place)
    page.get_by_role("radio", name=way).check(force=True)
    page.get_by_role("button", name="Give").click()


def test_a_sponsor_gives_by_card_and_sees_it_arrive_with_a_receipt(town: Town, visit: Visit, elena: Elena) -> None:
    page = visit(elena.signed_in, "/sponsors/")
    expect(page.get_by_text("Nothing yet. What you give stands here, with its receipts.")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Give").click()
    page.get_by_role("radio", name="€100.00").check(force=True)
    give(page)
    page.get_by_role("button", name="Pay €100.00 by card").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    stripe_tells(town)
    page.reload()
    expect(page.get_by_text("arrived", exact=True)).to_be_visible()
    page.get_by_role("link", name="€100.00").click()
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
    for words in ("Torrefazione Arco", "Comune di Valdarco", str(elena.topup.receipts[0].receipt_id)):
        expect(page.get_by_text(words)).to_be_visible()
    page.get_by_role("link", name="What it became").click()
    expect(page.get_by_text("Torrefazione Arco has given €100.00 so far.")).to_be_visible()


def test_a_double_tap_gives_once_and_pays_once(town: Town, visit: Visit, elena: Elena) -> None:
    page = visit(elena.signed_in, "/sponsors/give")
    page.get_by_role("radio", name="€100.00").check(force=True)
    page.get_by_role("button", name="Give").dblclick()
    page.get_by_role("button", name="Pay €100.00 by card").dblclick()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    stripe_tells(town)
    asked = elena.signed_in.ask("funding", api.GET_TOPUPS, query=Page(), sponsor_id=elena.sponsor_id)
    [topup] = asked.topups
    assert (topup.amount_cents, topup.state, len(topup.receipts)) == (10_000, "settled", 1)


def test_by_bank_transfer_a_sponsor_gets_a_reference_that_finds_its_purpose(
    town: Town, visit: Visit, elena: Elena
) -> None:
    page, bank = visit(elena.signed_in, "/sponsors/give", size=DESK), a_bank(town)
    give(page, own="250", way="Bank transfer", place="Le Querce")
    expect(page.get_by_role("heading", name="Now send it from your bank")).to_be_visible()
    transfer = elena.topup.transfer
    assert transfer
    for id_, words in (("#iban", transfer.iban), ("#reference", transfer.reference), ("#amount", "250.00")):
        expect(page.locator(id_)).to_have_text(words)
    expect(page.get_by_text("Le Querce")).to_be_visible()
    bank.receive(IncomingTransfer(24_000, f"Rif. {transfer.reference}", "Torrefazione Arco", iban_for(99)))
    the_bank_closes_its_day(Cast(town), bank)
    page.reload()
    expect(page.get_by_text("arrived", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="€240.00")).to_be_visible()  # what came, not what was pledged


def test_a_debit_that_fails_says_what_would_work(town: Town, visit: Visit, elena: Elena) -> None:
    page = visit(elena.signed_in, "/sponsors/give")
    give(page, own="60", way="SEPA direct debit", place="Stazione")
    expect(page.get_by_role("button", name="Sign a debit that will fail")).to_be_visible()
    checkout = page.url
    page.get_by_role("button", name="Sign a debit that will fail").click()
    expect(page.get_by_text("on its way")).to_be_visible()
    home = page.url
    page.goto(checkout)
    page.get_by_role("button", name="The bank refuses now").click()
    expect(page.get_by_text("The bank refused the debit.")).to_be_visible()
    stripe_tells(town)
    page.goto(home)
    expect(page.get_by_text("did not go through")).to_be_visible()
    page.get_by_role("link", name="Give again").click()
    expect(page.get_by_label("Or another amount, in euros")).to_have_value("60.00")
    expect(page.get_by_label("Which neighbourhood")).to_have_value("stazione")


def test_an_amount_that_cannot_be_is_said_beside_its_field_and_the_rest_stays(
    town: Town, visit: Visit, elena: Elena
) -> None:
    page = visit(elena.signed_in, "/sponsors/give")
    give(page, own="4.99", way="Bank transfer")
    expect(page.locator("#own-wrong")).to_contain_text("from 5 to 1 000 000")
    expect(page.get_by_role("radio", name="Bank transfer")).to_be_checked()


def test_what_money_became_is_told_from_ten_people_on_and_never_who(town: Town, visit: Visit, elena: Elena) -> None:
    cast = Cast(town)
    page = visit(elena.signed_in, "/sponsors/give", size=DESK)
    give(page, own="200")
    page.get_by_role("button", name="by card").click()
    stripe_tells(town)
    people = [cast.volunteer(name) for name in ("Amal", *(f"Volunteer {n}" for n in range(9)))]
    take_part(cast, *people[:9], capacity=12)
    page = visit(staff(town, "sponsor", elena.sponsor_id), "/sponsors/", size=DESK)
    expect(page.get_by_text("from ten people on, it stands here what they did")).to_be_visible()
    take_part(cast, *people, capacity=12)
    till = a_shop_joins(cast).till
    for _ in range(2):
        for one in people[:5]:
            one.buys(till, 200)
    looking = staff(town, "sponsor", elena.sponsor_id)
    told = looking.ask("funding", api.GET_SPONSOR_IMPACT, sponsor_id=elena.sponsor_id)
    assert told.minutes
    assert told.spent_cents == 2_000
    page = visit(looking, "/sponsors/", size=DESK)
    figure = page.locator(".figs > div")
    expect(figure.filter(has_text="hours together")).to_contain_text(number(told.minutes // 60))
    expect(figure.filter(has_text="spent around the corner")).to_contain_text("€20.00")
    page.get_by_text("See it as a table").click()
    expect(page.get_by_role("row", name=f"May 2026 {told.minutes // 60}")).to_be_visible()
    expect(page.get_by_role("img", name="Hours you made possible")).to_contain_text(number(told.minutes // 60))
    expect(page.get_by_role("row", name="Panificio Sole €20.00")).to_be_visible()
    expect(page.get_by_text("Amal")).to_have_count(0)


def test_a_sponsor_does_not_see_another_ones_top_up(town: Town, visit: Visit, elena: Elena) -> None:
    visitor = visit(elena.signed_in, "/sponsors/give")
    give(visitor, own="30", way="Bank transfer")
    expect(visitor.get_by_role("heading", name="Now send it from your bank")).to_be_visible()
    page = visit(Elena(town, "Libreria Ponte").signed_in, visitor.url)
    expect(page.get_by_role("heading", name="This did not work")).to_be_visible()
    expect(page.get_by_text("MC-")).to_have_count(0)
