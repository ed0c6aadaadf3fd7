"""The coordinators' screens: publishing, attendance with and without signal, confirming, disputes, people."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from playwright.sync_api import Page, expect

from infra.town import Town
from services.apis import attendance, shifts
from services.apis.endpoint import Page as Query
from tests.browser.conftest import DESK, Visit
from tests.builders import As, a_coordinator
from tests.stories.town_life import Cast, Volunteer, a_city_fund, a_shift, come, it_becomes, sign_up

# A camera that sees what the test shows it.
CAMERA = """
window.BarcodeDetector = class {
  static async getSupportedFormats() { return ["qr_code"]; }
  async detect() { const card = localStorage.getItem("shown"); return card ? [{ rawValue: card }] : []; }
};
"""


class Scene:
    """A shift that begins in an hour, with people who signed up. `colleague` asks without touching the browser's session."""

    def __init__(self, town: Town, *nicknames: str) -> None:
        self.town, self.cast = town, Cast(town)
        self.shift = a_shift(self.cast, starts_at=town.clock.now() + timedelta(hours=1))
        self.people: dict[str, Volunteer] = {name: self.cast.volunteer(name) for name in nicknames}
        if self.people:
            sign_up(self.shift, *self.people.values())
        self.colleague: As = a_coordinator(town, self.cast.organisation_id)
        self.path = f"/coordinator/shifts/{self.shift.shift_id}"

    def begins(self) -> None:
        it_becomes(self.town, self.shift.starts_at)

    def ends(self) -> None:
        it_becomes(self.town, self.shift.ends_at)

    def listed(self) -> attendance.ShiftAttendance:
        endpoint: Any = attendance.GET_SHIFT_ATTENDANCES
        told: attendance.ShiftAttendance = self.colleague.ask("attendance", endpoint, shift_id=self.shift.shift_id)
        return told


def tap(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def line(page: Page, name: str) -> Any:
    return page.locator("[data-person]", has_text=name)


def minutes_after(earlier: datetime | None, later: datetime | None) -> int:
    assert earlier is not None
    assert later is not None
    return round((later - earlier).total_seconds() / 60)


def shifts_of(scene: Scene) -> list[shifts.Shift]:
    query = shifts.ShiftQuery(organisation_id=scene.cast.organisation_id, limit=100)
    return list(scene.colleague.ask("shifts", shifts.GET_SHIFTS, query=query).shifts)


def test_a_shift_is_published_in_three_taps(town: Town, visit: Visit) -> None:
    scene = Scene(town)
    page = visit(scene.cast.nadia, "/coordinator/shifts")
    page.get_by_role("link", name="New shift").click()
    page.get_by_role("link", name=scene.shift.name).click()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status")).to_contain_text("The shift is published.")
    assert [one.starts_at - scene.shift.starts_at for one in shifts_of(scene)] == [timedelta(0), timedelta(days=7)]


def test_a_shift_repeats_every_week_at_the_same_time(town: Town, visit: Visit) -> None:
    scene = Scene(town)
    page = visit(scene.cast.nadia, "/coordinator/shifts/new", size=DESK)
    page.get_by_role("link", name=scene.shift.name).click()
    page.get_by_label("From").fill("17:30")
    page.get_by_label("Repeat").select_option("4")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status")).to_contain_text("4 shifts are published.")
    _first, *made = shifts_of(scene)
    assert {f"{town.city.local(one.starts_at):%a %H:%M}" for one in made} == {"Mon 17:30"}
    assert [later.starts_at - one.starts_at for one, later in pairwise(made)] == [timedelta(days=7)] * 3


def test_a_time_that_is_over_is_refused_beside_the_form(town: Town, visit: Visit) -> None:
    scene = Scene(town)
    page = visit(scene.cast.nadia, "/coordinator/shifts/new")
    page.get_by_role("link", name=scene.shift.name).click()
    today = page.locator("input[name=day]").first.get_attribute("value")
    page.get_by_text("Another day").first.click()
    page.locator("#another_day").fill(str(today))
    page.get_by_label("From").fill("01:00")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("alert")).to_contain_text("This time is over.")


def test_a_shift_is_prepared_with_languages_insurance_teams_and_a_message(town: Town, visit: Visit) -> None:
    scene = Scene(town, "Amal", "Bruno", "Chiara", "Davide")
    page = visit(scene.cast.nadia, f"/coordinator/activities/{scene.shift.activity_id}")
    page.get_by_role("checkbox", name="العربية").check()
    page.get_by_label("Last day").fill(str(town.city.day_of(scene.shift.starts_at + timedelta(days=14))))
    tap(page, "Change it")
    page.get_by_label("Repeat").select_option("3")
    tap(page, "Publish")
    expect(page.get_by_role("alert")).to_contain_text("The volunteers are not insured then.")
    page.get_by_label("Repeat").select_option("2")
    tap(page, "Publish")
    expect(page.get_by_role("status")).to_contain_text("2 shifts are published.")
    assert [one.languages for one in shifts_of(scene)] == [(), ("ar",), ("ar",)]

    page.goto(scene.path)
    page.get_by_role("link", name="Teams").click()
    tap(page, "Keep these teams")
    expect(page.get_by_role("row").filter(has_text="Team A")).to_have_count(2)
    expect(page.get_by_role("row").filter(has_text="Team B")).to_have_count(2)
    page.get_by_text("Write to everybody").click()
    page.get_by_label("Your message").fill("We meet at the other gate.")
    tap(page, "Send")
    expect(page.get_by_role("listitem").filter(has_text="We meet at the other gate.")).to_be_visible()
    amal = visit(scene.people["Amal"], "/volunteer/")
    expect(amal.get_by_text("We meet at the other gate.")).to_be_visible()


def test_names_are_tapped_all_check_out_and_coins_arrive_for_those_confirmed(town: Town, visit: Visit) -> None:
    scene = Scene(town, "Amal", "Bruno")
    a_city_fund(scene.cast)
    chiara = scene.cast.volunteer("Chiara")
    scene.begins()
    page = visit(scene.cast.nadia, f"{scene.path}/attendance#names")
    for name in ("Amal", "Bruno"):
        tap(page, name)
        expect(line(page, name)).to_contain_text("In at")
    tap(page, "Somebody walked in")
    page.get_by_label("Find a name").fill("chi")
    tap(page, "Chiara")
    expect(line(page, "Chiara")).to_contain_text("In at")
    scene.ends()
    page.reload()
    page.get_by_text("Check out all").click()
    tap(page, "Yes, check all out")
    expect(page.locator("[data-count=out]")).to_have_text("3")
    expect(page.locator("[data-sync]")).to_be_hidden()
    page.get_by_role("link", name="Confirm the shift").click()
    for name in ("Bruno", "Chiara"):
        page.get_by_role("listitem").filter(has_text=name).get_by_text("Change").click()
    page.get_by_label("Leave out Bruno").check()
    page.get_by_label("Other minutes for Chiara").fill("90")
    page.get_by_role("button", name="Confirm all").click()
    expect(page.get_by_role("status")).to_contain_text("2 people are confirmed.")
    expect(page.get_by_role("listitem").filter(has_text="Bruno")).to_contain_text("You left this one out")
    town.settle()
    assert [scene.people["Amal"].coins > 0, scene.people["Bruno"].coins, chiara.coins > 0] == [True, 0, True]
    assert {one.person_id: one.minutes for one in scene.listed().attendances}[chiara.person_id] == 90


def test_ten_minutes_without_signal_survive_a_reload_and_keep_the_times(town: Town, visit: Visit) -> None:
    scene = Scene(town, "Amal", "Bruno")
    chiara = scene.cast.volunteer("Chiara")
    scene.begins()
    page = visit(scene.cast.nadia, f"{scene.path}/attendance#names")
    page.clock.install()
    page.reload()
    expect(page.locator("[data-kept]")).to_be_attached()
    tap(page, "Somebody walked in")  # their names are kept from now on
    expect(line(page, "Chiara")).to_be_attached()
    page.context.set_offline(True)
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)  # from here on time passes only as told
    minutes = iter(pairwise((0, 2, 3, 5, 9, 10)))

    def time_passes() -> None:
        before, now = next(minutes)
        page.clock.fast_forward((now - before) * 60_000)

    time_passes()
    tap(page, "Amal")
    time_passes()
    page.get_by_label("Find a name").fill("chi")
    tap(page, "Chiara")
    page.get_by_label("Find a name").fill("")
    time_passes()
    tap(page, "Bruno")
    tap(page, "Code")
    page.clock.run_for(1000)
    expect(page.get_by_text("No signal for a new code. Cards and names work without.")).to_be_visible()
    expect(page.get_by_role("img", name="Code to check in and out")).to_be_hidden()
    tap(page, "Names")
    page.reload()
    expect(page.get_by_text("Waits for signal").locator("visible=true")).to_have_count(3)
    time_passes()
    tap(page, "Amal")
    time_passes()
    expect(page.get_by_text("Waits for signal").locator("visible=true")).to_have_count(3)
    expect(page.locator("[data-waiting]")).to_have_text("4")
    assert scene.listed().attendances == ()

    it_becomes(town, scene.shift.starts_at + timedelta(minutes=10))
    page.context.set_offline(False)
    page.clock.resume()
    expect(page.locator("[data-sync]")).to_be_hidden()
    page.reload()
    expect(page.locator("[data-count=in]")).to_have_text("2")
    came = {one.person_id: one for one in scene.listed().attendances}
    assert len(came) == len(scene.listed().attendances) == 3
    amal, bruno = (came[scene.people[name].person_id] for name in ("Amal", "Bruno"))

    first = amal.checked_in_at
    assert minutes_after(scene.shift.starts_at, first) in (
        2,
        3,
    )  # a slow machine took a while before the signal was lost
    assert [minutes_after(first, one.checked_in_at) for one in (came[chiara.person_id], bruno)] == [1, 3]
    assert (minutes_after(first, amal.checked_out_at), amal.minutes) == (7, 7)
    assert [one.checked_out_at for one in (bruno, came[chiara.person_id])] == [None, None]
    assert [one.walk_in for one in (amal, came[chiara.person_id], bruno)] == [False, True, False]


def test_cards_and_a_row_of_the_roster_are_scanned_without_signal_and_an_unknown_card_says_so_later(
    town: Town, visit: Visit
) -> None:
    scene = Scene(town, "Amal", "Bruno")
    on_paper = scene.colleague.ask("shifts", shifts.GET_ROSTER, shift_id=scene.shift.shift_id)
    [row] = [one.signup_id for one in on_paper.lines if one.person_id == scene.people["Bruno"].person_id]
    scene.begins()
    page = visit(scene.cast.nadia, f"{scene.path}/attendance")
    page.context.add_init_script(CAMERA)
    page.goto(f"{scene.path}/attendance#cards")
    page.reload()
    expect(page.locator("[data-kept]")).to_be_attached()
    page.context.set_offline(True)
    for card in (scene.people["Amal"].card_code, "a card of somewhere else"):
        page.evaluate("card => localStorage.setItem('shown', card)", card)
        expect(page.locator("[data-cards]")).to_contain_text("Card", timeout=10_000)
        page.wait_for_timeout(400)
    page.evaluate("row => localStorage.setItem('shown', `row:${row}`)", str(row))
    expect(page.locator("[data-last]")).to_have_text("Bruno: In")
    page.evaluate("() => localStorage.removeItem('shown')")
    expect(page.locator("[data-cards] > li")).to_have_count(2)
    page.context.set_offline(False)
    expect(page.locator("[data-cards]")).to_contain_text("We do not know this card.")
    expect(page.locator("[data-sync]")).to_be_hidden()
    expect(page.locator("[data-count=in]")).to_have_text("2")
    assert sorted(str(one.witness) for one in scene.listed().attendances) == ["card", "coordinator"]


def test_the_code_is_shown_and_a_volunteer_uses_it(town: Town, visit: Visit) -> None:
    scene = Scene(town, "Amal")
    scene.begins()
    page = visit(scene.cast.nadia, f"{scene.path}/attendance#code")
    page.clock.install()
    page.reload()
    expect(page.get_by_role("img", name="Code to check in and out")).to_be_visible()
    code = page.locator("[data-text]").inner_text()
    scene.people["Amal"].ask("attendance", attendance.POST_CHECK_IN, attendance.UseCode(code=code))
    page.clock.fast_forward(10_000)
    expect(page.locator("[data-count=in]")).to_have_text("1")


def test_a_dispute_is_settled_with_other_minutes(town: Town, visit: Visit) -> None:
    scene = Scene(town)
    amal = scene.cast.volunteer("Amal")
    come(scene.cast, scene.shift, amal, minutes=60)
    scene.ends()
    words = attendance.MakeDispute(reason="minutes_wrong", note="I stayed until the end")
    amal.ask("attendance", attendance.POST_DISPUTE, words, shift_id=scene.shift.shift_id)
    page = visit(scene.cast.nadia, "/coordinator/disputes")
    expect(page.get_by_text("I stayed until the end")).to_be_visible()
    page.get_by_label("Minutes").fill("110")
    page.get_by_role("button", name="Confirm these").click()
    expect(page.get_by_role("status")).to_contain_text("Settled.")
    [settled] = amal.ask("attendance", attendance.GET_MY_ATTENDANCES, query=Query()).attendances
    assert (settled.state, settled.minutes) == ("confirmed", 110)


def test_somebody_is_invited_and_a_lost_card_is_replaced(town: Town, visit: Visit) -> None:
    scene = Scene(town, "Amal")
    page = visit(scene.cast.nadia, "/coordinator/people/")
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_role("button", name="Make the invitation").click()
    expect(page.get_by_role("img", name="Code of the invitation")).to_be_visible()
    page.get_by_role("link", name="People").first.click()
    page.get_by_role("link", name="Amal").click()
    page.get_by_role("button", name="End it and make a new one").click()
    expect(page.get_by_role("status")).to_contain_text("The old card is ended.")
    expect(page.get_by_role("img", name="Code of the card")).to_be_visible()
