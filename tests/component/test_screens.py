"""What all screens share: who looks, sessions that go on by themselves, forms that take effect once, and refusals in words."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from infra.front import front_app
from infra.town import Town
from ledger import handlers_export
from services.apis import identity, shifts
from services.kit.codes import qr
from services.kit.db import engine_for
from tests.builders import a_shift
from tests.builders_identity import SignedIn, a_joined_volunteer, a_known_organisation, staff

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en"}


class Device:
    """A browser with the cookies of somebody who signed in."""

    def __init__(self, town: Town, who: SignedIn | None = None) -> None:
        self.client: FlaskClient = front_app(town).test_client()
        if who:
            self.client.set_cookie("session", who.token)
            self.client.set_cookie("renewal", f"{who.session.session_id}.{who.session.renewal}")

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={**BROWSER, **headers})

    def send(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> TestResponse:
        return self.client.post(path, data=fields or {}, headers={**BROWSER, **headers})


def key_in(page: TestResponse) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page.text)
    assert found
    return found[1]


def test_a_session_goes_on_by_itself_as_long_as_it_lives(town: Town) -> None:
    device = Device(town, a_joined_volunteer(town))
    town.clock.move_to(town.clock.now() + timedelta(minutes=20))  # type: ignore[attr-defined]  # the token is over, the session is not
    page = device.get("/volunteer/")
    assert page.status_code == 200
    assert any(cookie.startswith("session=") for cookie in page.headers.getlist("Set-Cookie"))


def test_whoever_was_away_too_long_signs_in_and_is_back_on_the_page_they_asked_for(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    device = Device(town, volunteer)
    town.clock.move_to(town.clock.now() + timedelta(days=31))  # type: ignore[attr-defined]
    to_sign_in = device.get("/volunteer/coins")
    assert to_sign_in.location == "/volunteer/sign-in?then=%2Fvolunteer%2Fcoins"
    device.client.set_cookie("card", volunteer.card_code or "")
    assert device.send(to_sign_in.location, {"pin": "0,4,8,2"}).location == "/volunteer/coins"


def test_whose_session_was_ended_elsewhere_signs_in_where_volunteers_do_and_loses_no_form(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    device = Device(town, volunteer)
    town.client("identity").call(identity.POST_SESSION_END, volunteer.proof)
    assert device.get("/volunteer/me").location == "/volunteer/sign-in?then=%2Fvolunteer%2Fme"
    device = Device(town, volunteer)
    assert device.send("/volunteer/me/language", {"language": "fr"}).location == "/volunteer/sign-in"
    device.client.set_cookie("card", volunteer.card_code or "")
    assert 'name="language" value="fr"' in device.send("/volunteer/sign-in", {"pin": "0,4,8,2"}).text


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_signing_in_never_leads_to_another_site(town: Town, elsewhere: str) -> None:
    volunteer = a_joined_volunteer(town)
    device = Device(town)
    device.client.set_cookie("card", volunteer.card_code or "")
    page = device.client.post(
        "/volunteer/sign-in", query_string={"then": elsewhere}, data={"pin": "0,4,8,2"}, headers=BROWSER
    )
    assert page.location == "/volunteer/"


@pytest.mark.parametrize("header", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_a_form_on_another_site_does_nothing_here(town: Town, header: dict[str, str]) -> None:
    volunteer, shift = a_joined_volunteer(town), a_shift(town)
    town.settle()
    page = Device(town, volunteer).send(f"/volunteer/shifts/{shift.shift_id}/sign-up", {"key": "k" * 20}, **header)
    assert page.status_code == 403
    assert "another site" in page.text
    assert volunteer.ask("shifts", shifts.GET_MY_SIGNUPS).signups == ()


def test_nor_does_it_where_services_are_asked_with_the_browsers_cookie(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    asking = town.http("identity")  # type: ignore[attr-defined]
    cookies = {"Cookie": f"session={volunteer.token}"}
    assert asking.post("/me/card/replace", headers={**cookies, "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert asking.get("/me", headers={**cookies, "Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_a_form_sent_twice_takes_effect_once(town: Town) -> None:
    volunteer, shift = a_joined_volunteer(town), a_shift(town)
    town.settle()
    device, at = Device(town, volunteer), f"/volunteer/shifts/{shift.shift_id}"
    form = {"key": key_in(device.get(at))}
    assert [device.send(f"{at}/sign-up", form).status_code for _ in range(2)] == [303, 303]
    assert len(volunteer.ask("shifts", shifts.GET_MY_SIGNUPS).signups) == 1


def test_a_refusal_is_a_page_with_words_and_the_way_back(town: Town) -> None:
    volunteer, shift = a_joined_volunteer(town), a_shift(town)
    town.settle()
    device, at = Device(town, volunteer), f"/volunteer/shifts/{shift.shift_id}"
    device.send(f"{at}/sign-up", {"key": "the first form of two"})
    page = device.send(f"{at}/sign-up", {"key": "the second form of two"}, Referer=f"http://localhost{at}")
    assert page.status_code == 409
    assert "You are signed up already." in page.text
    assert at in page.text
    assert "already_signed_up" not in page.text


def test_a_program_is_refused_in_a_form_it_can_read_and_words_it_can_show(town: Town) -> None:
    page = Device(town).send("/volunteer/pay/code", Accept="application/json")
    assert page.status_code == 401
    assert page.json is not None
    assert page.json["code"] == "session_ended"
    assert page.json["title"] == "You were away for a while. Sign in again."


def test_only_a_page_with_a_camera_may_start_the_reader(town: Town) -> None:
    device = Device(town, a_joined_volunteer(town))
    assert "wasm-unsafe-eval" in device.get("/volunteer/scan").headers["Content-Security-Policy"]
    for path in ("/volunteer/", "/volunteer/pay", "/volunteer/me"):
        policy = device.get(path).headers["Content-Security-Policy"]
        assert "unsafe" not in policy


def test_somebody_of_another_role_is_told_so(town: Town) -> None:
    page = Device(town, a_joined_volunteer(town)).get("/finance/batches")
    assert page.status_code == 403
    assert "This is not for you to do." in page.text


def test_a_part_that_is_away_leaves_the_page(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(town, a_joined_volunteer(town))
    nowhere = engine_for("postgresql://postgres@127.0.0.1:1/ledger")
    monkeypatch.setattr(town.rooms["ledger"], "engine", nowhere)
    page = device.get("/volunteer/")
    assert page.status_code == 200
    assert "This part is away right now." in page.text
    assert "Find a shift" in page.text


def test_why_somebody_looked_at_my_name_is_told_in_my_own_language(town: Town) -> None:
    organisation_id = a_known_organisation(town)
    shift, volunteer = a_shift(town, organisation_id=organisation_id), a_joined_volunteer(town, organisation_id)
    volunteer.ask("shifts", shifts.POST_SIGNUP, shifts.MakeSignUp(), shift_id=shift.shift_id)
    town.settle()
    coordinator = Device(town, staff(town, "coordinator", organisation_id))
    for _ in range(2):
        assert "Zafira" in coordinator.get(f"/coordinator/shifts/{shift.shift_id}?lang=it").text
    assert "Zafira" in coordinator.get("/coordinator/people/?lang=it").text
    page = Device(town, volunteer).get("/volunteer/me").text
    assert page.count("Roster: Clean the park, Tue 5 May") == 1
    assert "The list of volunteers" in page


def test_the_code_beside_a_name_on_the_roster_is_of_that_shift_alone_and_no_card(town: Town) -> None:
    organisation_id = a_known_organisation(town)
    shift, volunteer = a_shift(town, organisation_id=organisation_id), a_joined_volunteer(town, organisation_id)
    signup = volunteer.ask("shifts", shifts.POST_SIGNUP, shifts.MakeSignUp(), shift_id=shift.shift_id)
    town.settle()
    coordinator = Device(town, staff(town, "coordinator", organisation_id))
    at = f"/coordinator/shifts/{shift.shift_id}"
    said = {f"row:{signup.signup_id}": "roster", volunteer.card_code or "": "cards"}
    pages = {name: coordinator.get(f"{at}/{name}").text for name in ("roster", "cards")}
    assert {text: [name for name, page in pages.items() if qr(text)[1] in page] for text in said} == {
        text: [name] for text, name in said.items()
    }


def test_the_page_of_checks_names_what_does_not_hold_first(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {"one and one is two": "SELECT 1 AS one", "money is whole": "SELECT 2 AS cents"}
    monkeypatch.setattr(handlers_export, "CHECKS", {"all is well": "SELECT 1 WHERE false", **broken})
    page = Device(town, staff(town, "auditor")).get("/checks")
    assert page.status_code == 200
    assert page.text.index("one and one is two") < page.text.index("money is whole") < page.text.index("all is well")
    assert page.text.count("does not hold") == 3  # each, and the sentence above them
