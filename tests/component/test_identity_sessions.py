"""Signing in with a card, renewing, signing out, and what happens after too many wrong tries."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from infra.wiring import Town
from services.apis import identity as api
from services.apis.errors import Refused
from services.identity import domain
from services.kit.ids import new_id
from tests.builders_identity import PIN, SignedIn, a_joined_volunteer, nobody, sign_in_with, until_waiting

WRONG: api.Pin = (9, 9, 1, 3)


def wait(town: Town, how_long: timedelta) -> None:
    town.clock.move_to(town.clock.now() + how_long)  # type: ignore[attr-defined]


def refusal_of(ask: Callable[[], object]) -> str:
    try:
        ask()
    except Refused as refusal:
        return refusal.code
    return "granted"


def sign_in_again(volunteer: SignedIn, pin: api.Pin = PIN) -> str:
    assert volunteer.card_code is not None
    code = volunteer.card_code
    return refusal_of(lambda: sign_in_with(volunteer.town, code, pin))


def test_after_six_wrong_pictures_the_card_waits_a_minute_and_then_longer(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    assert [sign_in_again(volunteer, WRONG) for _ in range(7)] == ["wrong_pin"] * 6 + ["too_many_tries"]
    assert sign_in_again(volunteer) == "too_many_tries"
    wait(town, timedelta(minutes=1))
    assert [sign_in_again(volunteer, WRONG), sign_in_again(volunteer)] == ["wrong_pin", "too_many_tries"]
    wait(town, timedelta(minutes=1))
    assert sign_in_again(volunteer) == "too_many_tries"
    wait(town, timedelta(minutes=1))
    assert sign_in_again(volunteer) == "granted"
    assert [sign_in_again(volunteer, WRONG) for _ in range(6)] == ["wrong_pin"] * 6


def test_wrong_tries_sent_at_the_same_moment_all_count(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: sign_in_again(volunteer, WRONG), range(10)))
    assert sorted(answers) == ["too_many_tries"] * 4 + ["wrong_pin"] * 6


def test_a_new_card_does_not_give_a_finder_new_tries(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    for _ in range(6):
        sign_in_again(volunteer, WRONG)
    volunteer.ask("identity", api.POST_MY_CARD_REPLACE)
    volunteer.card_code = volunteer.ask("identity", api.GET_MY_CARD).code
    assert sign_in_again(volunteer) == "too_many_tries"


def test_a_failure_is_forgotten_each_day(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    for _ in range(6):
        sign_in_again(volunteer, WRONG)
    wait(town, timedelta(days=2))
    town.tick()
    assert [sign_in_again(volunteer, WRONG) for _ in range(3)] == ["wrong_pin", "wrong_pin", "too_many_tries"]
    wait(town, timedelta(days=7))
    town.tick()
    assert [sign_in_again(volunteer, WRONG) for _ in range(7)] == ["wrong_pin"] * 6 + ["too_many_tries"]


def test_one_network_address_cannot_try_cards_without_end(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    unknown = api.CardSignIn(card_code="A" * 32, pin=PIN)
    codes = {refusal_of(lambda: nobody(town, api.POST_CARD_SESSION, unknown)) for _ in range(101)}
    assert codes == {"unknown_card"}
    assert sign_in_again(volunteer) == "too_many_tries"
    wait(town, timedelta(minutes=1))
    assert sign_in_again(volunteer) == "granted"


def test_a_lost_card_opens_nothing_from_the_moment_it_is_replaced(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    assert volunteer.card_code is not None
    replaced = volunteer.ask("identity", api.POST_MY_CARD_REPLACE, key="a key sent twice")
    again = volunteer.ask("identity", api.POST_MY_CARD_REPLACE, key="a key sent twice")
    printed = volunteer.ask("identity", api.GET_MY_CARD)
    assert replaced.card_id == again.card_id == printed.card_id
    with pytest.raises(Refused, match="card_revoked"):
        sign_in_with(town, volunteer.card_code)
    assert sign_in_with(town, printed.code).person_id == volunteer.person_id
    assert town.check() == []


def test_a_session_is_renewed_for_thirty_days_and_no_longer(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    wait(town, timedelta(minutes=15))
    with pytest.raises(Refused, match="session_ended"):
        town.client("identity").as_(volunteer.token).call(api.GET_ME)
    volunteer.renew()
    assert volunteer.ask("identity", api.GET_ME).person_id == volunteer.person_id
    wait(town, domain.VOLUNTEER_SESSION - timedelta(minutes=20))
    volunteer.renew()
    assert volunteer.session.token_ends_at == volunteer.session.session_ends_at
    wait(town, timedelta(minutes=5))
    with pytest.raises(Refused, match="session_ended"):
        volunteer.renew()


def test_who_signs_out_is_out_at_once_here_and_can_say_so_twice(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    for _ in range(2):
        nobody(town, api.POST_SESSION_END, volunteer.proof)
    with pytest.raises(Refused, match="session_ended"):
        volunteer.ask("identity", api.GET_ME)
    with pytest.raises(Refused, match="session_ended"):
        volunteer.renew()


@pytest.mark.parametrize(
    ("meanwhile", "code"),
    [("UPDATE sessions SET ended_at = started_at", "session_ended"), ("UPDATE cards SET revoked_at = issued_at", "card_revoked")],
)  # fmt: skip
def test_what_ends_while_a_request_waits_lets_it_through_no_more(town: Town, meanwhile: str, code: str) -> None:
    volunteer = a_joined_volunteer(town)
    ask = volunteer.renew if code == "session_ended" else lambda: sign_in_with(town, str(volunteer.card_code))
    with ThreadPoolExecutor(1) as pool:
        with town.rooms["identity"].engine.begin() as conn:
            conn.execute(text("SELECT FROM people FOR UPDATE"))
            outcome = pool.submit(refusal_of, ask)
            until_waiting(town, 1)
            conn.execute(text(meanwhile))
        assert outcome.result() == code


def test_a_session_is_neither_renewed_nor_ended_with_another_secret(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    stolen = api.SessionProof(session_id=volunteer.session.session_id, renewal="B" * 32)
    with pytest.raises(Refused, match="session_ended"):
        nobody(town, api.POST_SESSION_RENEW, stolen)
    nobody(town, api.POST_SESSION_END, stolen)
    nobody(town, api.POST_SESSION_END, api.SessionProof(session_id=new_id(), renewal="B" * 32))
    volunteer.renew()


def test_changing_the_pictures_needs_the_old_ones_and_ends_every_other_session(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    assert volunteer.card_code is not None
    elsewhere = sign_in_with(town, volunteer.card_code)
    with pytest.raises(Refused, match="wrong_pin"):
        volunteer.ask("identity", api.POST_MY_PIN, api.ChangePin(pin=WRONG, new_pin=(5, 6, 7, 8)))
    with pytest.raises(Refused, match="weak_pin"):
        volunteer.ask("identity", api.POST_MY_PIN, api.ChangePin(pin=PIN, new_pin=(5, 5, 5, 5)))
    volunteer.ask("identity", api.POST_MY_PIN, api.ChangePin(pin=PIN, new_pin=(5, 6, 7, 8)))
    with pytest.raises(Refused, match="session_ended"):
        elsewhere.renew()
    volunteer.renew()
    assert [sign_in_again(volunteer), sign_in_again(volunteer, (5, 6, 7, 8))] == ["wrong_pin", "granted"]


def test_sessions_that_are_over_are_forgotten(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    sessions = len(volunteer.ask("identity", api.GET_MY_EXPORT).sessions)
    nobody(town, api.POST_SESSION_END, volunteer.proof)
    wait(town, timedelta(days=1, seconds=1))
    assert town.tick() >= sessions
    assert volunteer.card_code is not None
    assert len(sign_in_with(town, volunteer.card_code).ask("identity", api.GET_MY_EXPORT).sessions) == 1
