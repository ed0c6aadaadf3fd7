"""What one browser shows, another one's camera reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from infra.town import Town
from services.apis import attendance
from tests.browser.camera import LOOKS
from tests.browser.conftest import DESK, Sees, Visit
from tests.builders_identity import a_joined_volunteer
from tests.builders_redemption import a_paired_till, give_coins, take_part
from tests.stories.town_life import Cast, a_shift, sign_up


@pytest.mark.parametrize(
    "look", [pytest.param(one, marks=() if one == "tilted" else pytest.mark.proof) for one in LOOKS]
)
def test_a_till_takes_the_code_it_sees_on_a_phone(town: Town, visit: Visit, sees: Sees, look: str) -> None:
    volunteer: Any = a_joined_volunteer(town)
    take_part(town, volunteer)
    give_coins(town, volunteer, 1000)
    till = a_paired_till(town)
    town.settle()
    shown = visit(volunteer, "/volunteer/pay").get_by_role("img", name="Payment code for the till").screenshot()
    page = visit(None, "/till/", till=till.token, browser=sees(shown, look))
    for digit in "450":
        page.get_by_role("button", name=digit, exact=True).click()
    page.get_by_role("button", name="Scan the code").click()
    expect(page.locator(".answer h1")).to_have_text("Accepted")


def test_a_volunteer_is_checked_in_by_the_code_on_the_coordinators_screen(town: Town, visit: Visit, sees: Sees) -> None:
    cast = Cast(town)
    amal, shift = cast.volunteer("Amal"), a_shift(cast)
    sign_up(shift, amal)
    town.clock.move_to(shift.starts_at + timedelta(minutes=1))  # type: ignore[attr-defined]
    for one in (amal, cast.nadia):
        one.ask("attendance", attendance.GET_MY_ATTENDANCES if one is amal else attendance.GET_DISPUTES)
    screen = visit(cast.nadia, f"/coordinator/shifts/{shift.shift_id}/attendance#code", size=DESK)
    shown = screen.get_by_role("img", name="Code to check in and out").screenshot()
    page = visit(amal, "/volunteer/scan", browser=sees(shown, "tilted"))
    expect(page.get_by_role("heading", name="You are in")).to_be_visible()
