"""What a volunteer finds: shifts and shops narrowed to what suits them, what needs them, what was done on a helper's phone."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Any

import pytest

from infra.town import Town
from services.apis import redemption, shifts, shifts_message
from tests.builders import a_coordinator, a_shift, an_organisation
from tests.builders_attendance import Scene, sign_up
from tests.builders_identity import a_joined_volunteer, a_known_organisation, sign_in_with, staff
from tests.builders_redemption import a_shop, give_coins, one_purchase_of_two_lots
from tests.component.test_identity_vault import REASON, open_name
from tests.component.test_screens import Device

ALL_DAY = tuple(redemption.Opening(weekday=day, opens=time(8), closes=time(20)) for day in range(1, 8))


def test_shifts_are_narrowed_to_a_place_a_language_and_a_day(town: Town) -> None:
    a_shift(town, name="Park", in_hours=24)
    a_shift(town, name="Library", in_hours=72, neighbourhood_id="stazione", languages=("ar", "it"))
    town.settle()
    device = Device(town, a_joined_volunteer(town))
    expected = {
        "": {"Park", "Library"}, "in=le-querce": {"Park"}, "speaks=ar": {"Library"}, "day=2026-05-05": {"Park"},
        "day=2026-05-07&in=le-querce": {"none"}, "speaks=xx": {"Park", "Library"}, "day=soon": {"Park", "Library"},
    }  # fmt: skip
    named = r"<strong>(Park|Library)</strong>|No shift is planned here yet\."
    pages = {asked: device.get(f"/volunteer/shifts?{asked}").text for asked in expected}
    assert {asked: {one or "none" for one in re.findall(named, page)} for asked, page in pages.items()} == expected


def test_the_calendar_leads_from_a_day_to_its_shifts_and_marks_mine(town: Town) -> None:
    mine, other = a_shift(town, name="Park", in_hours=24), a_shift(town, name="Library", in_hours=72)
    town.settle()
    volunteer: Any = a_joined_volunteer(town)
    sign_up(volunteer, mine)
    device = Device(town, volunteer)
    page = device.get("/volunteer/shifts?view=calendar").text
    assert 'aria-label="Tuesday 5 May: 1 shift, You have a place"' in page
    assert (mine.name in page, other.name in page) == (True, False)  # the next day that has one is open
    [thursday] = re.findall(r'href="([^"]+)" aria-label="Thursday 7 May: 1 shift"', page)
    page = device.get(thursday.replace("&amp;", "&")).text
    assert (mine.name in page, other.name in page) == (False, True)
    assert "No shift is planned here yet." in device.get("/volunteer/shifts?view=calendar&month=2026-06").text


def test_the_map_says_how_many_shifts_each_neighbourhood_has_and_leads_to_them(town: Town) -> None:
    for hours in (24, 48):
        a_shift(town, in_hours=hours)
    a_shift(town, name="Library", in_hours=24, neighbourhood_id="stazione", languages=("ar", "it"))
    device = Device(town, a_joined_volunteer(town))
    link = r'<a href="([^"]+)" aria-label="([^":]+: \d+ shifts?)"'
    expected = {
        "": {"Le Querce: 2 shifts", "Stazione: 1 shift"}, "speaks=ar": {"Stazione: 1 shift"}, "day=2026-05-06": {"Le Querce: 1 shift"},
        "in=stazione&day=2026-05-05": {"Le Querce: 1 shift", "Stazione: 1 shift"}, "day=2026-05-07": set(),
    }  # fmt: skip
    pages = {asked: device.get(f"/volunteer/shifts?view=map&{asked}").text for asked in expected}
    assert {asked: {said for _, said in re.findall(link, page)} for asked, page in pages.items()} == expected
    [led] = [href for href, said in re.findall(link, pages["speaks=ar"]) if said.startswith("Stazione")]
    assert led.replace("&amp;", "&") == "/volunteer/shifts?speaks=ar&in=stazione"
    assert "Look everywhere" in pages["day=2026-05-07"]


def test_shops_are_narrowed_to_those_that_suit(town: Town) -> None:
    a_shop(town, name="Forno", opening=ALL_DAY, step_free=True)
    a_shop(town, name="Noor", languages=("it", "ar"), step_free=True, pork_free=True)
    a_shop(town, name="Brusa")
    device = Device(town, a_joined_volunteer(town))
    expected = {
        "": {"Forno", "Noor", "Brusa"}, "open=yes": {"Forno"}, "step=no": {"Forno", "Noor"}, "pork=no": {"Noor"},
        "speaks=ar": {"Noor"}, "speaks=ar&open=yes": {"none"},
    }  # fmt: skip
    named = r"<strong>(Forno|Noor|Brusa)</strong>|No shop here yet\."
    pages = {asked: device.get(f"/volunteer/shops?{asked}").text for asked in expected}
    assert {asked: {one or "none" for one in re.findall(named, page)} for asked, page in pages.items()} == expected


def test_what_the_coordinator_writes_and_that_a_shift_does_not_take_place_is_told_to_those_who_had_a_place(
    town: Town,
) -> None:
    organisation_id = an_organisation(town)
    coordinator = a_coordinator(town, organisation_id)
    shift = a_shift(town, coordinator=coordinator, organisation_id=organisation_id)
    volunteer: Any = a_joined_volunteer(town)
    town.settle()
    sign_up(volunteer, shift)
    device, said = Device(town, volunteer), shifts_message.SendMessage(text="Bring gloves.")
    coordinator.ask("shifts", shifts_message.POST_MESSAGE, said, shift_id=shift.shift_id)
    for path in ("", f"shifts/{shift.shift_id}"):
        assert device.get(f"/volunteer/{path}").text.count("Bring gloves.") == 1
    coordinator.ask("shifts", shifts.POST_SHIFT_CANCEL, shifts.CancelShift(reason="Storm"), shift_id=shift.shift_id)
    page = device.get("/volunteer/").text
    assert "Cancelled: Clean the park" in page
    assert "Storm" in page
    assert "Find a shift" in page  # it is not what comes next


def test_the_next_shift_is_named_by_its_day_then_as_tomorrow_then_as_today(town: Town) -> None:
    shift = a_shift(town, in_hours=70)  # on Thursday at 10:00
    volunteer: Any = a_joined_volunteer(town)
    town.settle()
    sign_up(volunteer, shift)
    device = Device(town, volunteer)
    said: dict[float, tuple[str, str]] = {}
    expected = {
        35: ("Thursday 7 May", "in 1 day"), 34: ("Tomorrow at 10:00", "in 1 day"), 11: ("Tomorrow at 10:00", "in 11 hours"),
        2: ("Today at 10:00", "in 2 hours"), 0.5: ("Today at 10:00", "in 30 minutes"),
    }  # fmt: skip
    for hours in expected:
        town.clock.move_to(shift.starts_at - timedelta(hours=hours))  # type: ignore[attr-defined]
        [said[hours]] = re.findall(
            r'id="next">([^<]+)</h2><span class="badge info">.*?</svg>([^<]+)<', device.get("/volunteer/").text
        )
    assert said == expected


def test_coins_of_a_shift_that_is_not_confirmed_are_said_to_wait_for_the_coordinator(town: Town) -> None:
    organisation_id = an_organisation(town)
    coordinator = a_coordinator(town, organisation_id)
    volunteer: Any = a_joined_volunteer(town)
    scene = Scene(town, a_shift(town, coordinator=coordinator, organisation_id=organisation_id), coordinator, volunteer)
    town.settle()
    sign_up(volunteer, scene.shift)
    scene.at(0).check_in()
    attended = scene.at(110).check_out()
    scene.at(180)
    device = Device(town, volunteer)
    page = device.get("/volunteer/").text
    assert "They come when your coordinator confirms." in page
    assert "1 hour 50 minutes · Is this right?" in page
    scene.confirm(attended)
    town.settle()
    page = device.get("/volunteer/").text
    assert "What needs you" not in page
    assert "They come by themselves when there is money for them." in page


def test_coins_to_use_soon_are_said_on_the_first_page(town: Town) -> None:
    volunteer: Any = a_joined_volunteer(town)
    give_coins(town, volunteer, 300)  # until 30 November
    assert "to use soon" not in Device(town, volunteer).get("/volunteer/").text
    town.clock.move_to(town.clock.now() + (date(2026, 11, 10) - date(2026, 5, 4)))  # type: ignore[attr-defined]
    again = sign_in_with(town, volunteer.card_code)
    assert "3.00 to use soon" in Device(town, again).get("/volunteer/").text


def test_the_parts_of_one_purchase_stand_together_each_with_its_receipt(town: Town) -> None:
    volunteer: Any = a_joined_volunteer(town)
    one_purchase_of_two_lots(town, volunteer)
    page = Device(town, volunteer).get("/volunteer/coins/movements").text
    [purchase] = [part for part in page.split('<ul class="card flush rows">') if "in a shop" in part]
    together, *parts = re.findall(r"<bdi>(−[\d.]+)</bdi>", purchase)
    assert (together, sorted(parts)) == ("−5.00", ["−2.00", "−3.00"])
    assert purchase.count("/coins/receipts/") == 2


def test_a_helpers_phone_forgets_the_card_of_who_joined_on_it(town: Town) -> None:
    device = Device(town, a_joined_volunteer(town))
    device.client.set_cookie("card", "ACARD")
    device.send("/volunteer/sign-out")
    assert device.client.get_cookie("card")  # one's own phone keeps it
    device.send("/volunteer/sign-out", {"forget": "yes"})
    assert device.client.get_cookie("card") is None


def test_a_card_is_scanned_to_sign_in_and_only_then_may_the_reader_start(town: Town) -> None:
    device = Device(town)
    typed, scanned = (device.get(f"/volunteer/sign-in{asked}") for asked in ("", "?scan=yes"))
    assert ["data-camera=" in page.text for page in (typed, scanned)] == [False, True]
    policies = [page.headers["Content-Security-Policy"] for page in (typed, scanned)]
    assert ["wasm-unsafe-eval" in policy for policy in policies] == [False, True]


def test_a_shift_that_is_over_leads_on_to_the_next(town: Town) -> None:
    shift = a_shift(town)
    town.settle()
    town.clock.move_to(shift.ends_at + timedelta(hours=1))  # type: ignore[attr-defined]
    page = Device(town, a_joined_volunteer(town)).get(f"/volunteer/shifts/{shift.shift_id}").text
    assert "This shift is over." in page
    assert "I will come" not in page


def test_whoever_looked_at_my_name_is_named_with_the_day_and_the_reason(town: Town) -> None:
    organisation_id = a_known_organisation(town, "Amici del Fiume")
    volunteer = a_joined_volunteer(town, organisation_id)
    for _ in range(2):
        open_name(staff(town, "coordinator", organisation_id), organisation_id, volunteer)
    page = Device(town, volunteer).get("/volunteer/me").text
    assert (
        re.sub(r"<[^>]+>", "", page.split("Who looked at my name")[1])
        .strip()
        .startswith(f"Amici del FiumeMon 4 May · {REASON}2 times")
    )


def test_what_i_take_away_is_all_of_it(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.kit.every.AT_ONCE", 1)
    volunteer: Any = a_joined_volunteer(town)
    for _ in range(3):
        give_coins(town, volunteer, 100)
    told = Device(town, volunteer).get("/volunteer/me/data.json").get_json()
    assert [one["amount_cents"] for one in told["movements"]] == [100] * 3
    assert told["identity"]["me"]["nickname"] == "Zafira"
