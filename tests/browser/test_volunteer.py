"""The volunteer's screens, tapped through in a real browser."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from infra.town import Town
from tests.browser.conftest import Sees, Visit
from tests.builders import a_shift
from tests.builders_identity import a_joined_volunteer, a_known_organisation, an_invitation, staff
from tests.builders_redemption import give_coins, take_part
from tests.builders_sealing import seal

PICTURES = ("sun", "fish", "bird", "apple")


def tap(page: Page, *pictures: str) -> None:
    for picture in pictures:
        page.get_by_role("button", name=picture, exact=True).click()


def test_somebody_joins_with_an_invitation_a_name_and_four_pictures(town: Town, visit: Visit) -> None:
    invited = an_invitation(town)
    page = visit(None, f"/join#{invited.code}")
    expect(page.get_by_label("The code on your invitation")).to_be_hidden()  # it was in the link
    page.get_by_label("What shall we call you?").fill("Amal")
    tap(page, *PICTURES)
    expect(page.get_by_text("Once more, to be sure")).to_be_visible()
    tap(page, *PICTURES)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("heading", name="You are in")).to_be_visible()
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name="Hello, Amal")).to_be_visible()


def test_pictures_that_differ_the_second_time_are_chosen_again(town: Town, visit: Visit) -> None:
    page = visit(None, f"/join#{an_invitation(town).code}")
    tap(page, *PICTURES)
    expect(page.get_by_text("Once more, to be sure")).to_be_visible()
    tap(page, *reversed(PICTURES))
    expect(page.get_by_text("That was not the same. Choose four pictures again.")).to_be_visible()


def test_somebody_who_signed_out_comes_back_with_the_four_pictures_alone(town: Town, visit: Visit) -> None:
    page = visit(None, f"/join#{an_invitation(town).code}")
    page.get_by_label("What shall we call you?").fill("Amal")
    tap(page, *PICTURES)
    expect(page.get_by_text("Once more, to be sure")).to_be_visible()
    tap(page, *PICTURES)
    page.get_by_role("button", name="Join").click()
    page.get_by_role("link", name="Me", exact=True).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    tap(page, *reversed(PICTURES))
    expect(page.get_by_text("These are not your pictures, or not in this order.")).to_be_visible()
    tap(page, *PICTURES)
    expect(page.get_by_role("heading", name="Hello, Amal")).to_be_visible()


def test_who_forgot_their_pictures_chooses_new_ones_with_a_code_of_their_coordinator(town: Town, visit: Visit) -> None:
    organisation_id = a_known_organisation(town)
    coordinator, amal = staff(town, "coordinator", organisation_id), a_joined_volunteer(town, organisation_id)
    page = visit(coordinator, f"/coordinator/people/{amal.person_id}")
    page.get_by_role("button", name="New pictures").click()
    expect(page.get_by_role("img", name="Code for new pictures")).to_be_visible()
    link = page.get_by_role("link", name="/pictures#").inner_text()
    page = visit(None, link[link.index("/pictures#") :])
    expect(page.get_by_label("The code from your coordinator")).to_be_hidden()  # it was in the link
    tap(page, *PICTURES)
    expect(page.get_by_text("Once more, to be sure")).to_be_visible()
    tap(page, *PICTURES)
    page.get_by_role("button", name="Use these pictures").click()
    expect(page.get_by_role("heading", name="You are in")).to_be_visible()
    page.get_by_role("link", name="Me", exact=True).click()
    expect(page.get_by_text("A coordinator let you choose new pictures")).to_be_visible()


def test_a_card_and_its_four_pictures_are_enough_on_any_phone(town: Town, visit: Visit, sees: Sees) -> None:
    volunteer = a_joined_volunteer(town)
    card = visit(volunteer, "/volunteer/me").get_by_role("img", name="The code of your card").screenshot()
    page = visit(None, "/volunteer/sign-in", browser=sees(card, "tilted"))
    page.get_by_role("link", name="Scan my card").click()
    expect(page.get_by_label("The code of your card")).to_have_value(volunteer.card_code or "")
    expect(page.locator(".camera")).to_be_hidden()
    tap(page, "sun", "flower", "house", "star")
    expect(page.get_by_role("heading", name="Hello, Zafira")).to_be_visible()


def test_a_volunteer_finds_a_shift_signs_up_and_gives_the_place_back(town: Town, visit: Visit) -> None:
    shift = a_shift(town)
    town.settle()
    page = visit(a_joined_volunteer(town), "/volunteer/")
    page.get_by_role("link", name="Find a shift").click()
    page.get_by_role("link", name=shift.name).click()
    page.get_by_role("button", name="I will come").click()
    expect(page.get_by_role("status").get_by_text("You have a place. See you there!")).to_be_visible()
    page.get_by_text("Bring a team-mate").click()
    expect(page.get_by_role("img", name="The code of this shift")).to_be_visible()
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("link", name="Scan to check in")).to_be_visible()
    page.get_by_role("link", name="More about this shift").click()
    page.get_by_role("button", name="I cannot come").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing is lost.")


def test_a_volunteer_shows_a_code_that_a_till_takes(town: Town, visit: Visit) -> None:
    volunteer: Any = a_joined_volunteer(town)
    give_coins(town, volunteer, 1250)
    page = visit(volunteer, "/volunteer/pay")
    expect(page.get_by_role("img", name="Payment code for the till")).to_be_visible()
    expect(page.get_by_text("12.50")).to_be_visible()
    expect(page.get_by_text("New code in")).to_be_visible()


def test_a_lost_card_is_replaced_at_once(town: Town, visit: Visit) -> None:
    page = visit(a_joined_volunteer(town), "/volunteer/me")
    before = page.locator("code").inner_text()
    page.get_by_text("My card is lost").click()
    page.get_by_role("button", name="End it and give me a new one").click()
    expect(page.get_by_role("status")).to_contain_text("Your old card is ended.")
    assert page.locator("code").inner_text() != before


def test_a_form_that_was_on_its_way_when_the_session_ended_is_still_there(town: Town, visit: Visit) -> None:
    shift = a_shift(town)
    town.settle()
    volunteer = a_joined_volunteer(town)
    page = visit(volunteer, f"/volunteer/shifts/{shift.shift_id}")
    page.context.clear_cookies(name="session")
    page.context.clear_cookies(name="renewal")
    page.context.add_cookies([{"name": "card", "value": volunteer.card_code or "", "url": town.settings.public_url}])
    page.get_by_role("button", name="I will come").click()
    tap(page, "sun", "flower", "house", "star")
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("status")).to_contain_text("You have a place.")


def test_coins_that_wait_for_money_are_seen_on_their_way(town: Town, visit: Visit) -> None:
    volunteer: Any = a_joined_volunteer(town)
    take_part(town, volunteer)  # no fund has money: the award waits
    town.settle()
    page = visit(volunteer, "/volunteer/")
    expect(page.get_by_text("on the way")).to_be_visible()
    expect(page.get_by_text("They come by themselves when there is money for them.")).to_be_visible()
    page.get_by_role("link", name="See where they come from").click()
    expect(page.get_by_role("heading", name="Your coins")).to_be_visible()
    expect(page.get_by_text("Parco delle Querce")).to_be_visible()


def test_every_movement_has_a_receipt_and_once_sealed_its_proof(town: Town, visit: Visit) -> None:
    volunteer: Any = a_joined_volunteer(town)
    give_coins(town, volunteer, 500)
    page = visit(volunteer, "/volunteer/coins/movements")
    page.get_by_role("link", name="for your shift").click()
    expect(page.get_by_text("sealed within the day")).to_be_visible()
    seal(town)
    page.reload()
    expect(page.get_by_text("It is sealed.")).to_be_visible()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Take the proof along").click()
    assert taken.value.path().read_text("utf-8").startswith("{")
