"""New pictures for a volunteer who forgot theirs: with a coordinator's code, and nothing else changes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from infra.wiring import Town
from services.apis import identity as api
from services.apis import identity_pictures as pictures_api
from services.apis.errors import Refused
from services.identity import domain
from services.kit.looks import NEW_PICTURES
from tests.builders_identity import (
    PIN,
    SignedIn,
    a_joined_volunteer,
    a_known_organisation,
    nobody,
    sign_in_with,
    staff,
)
from tests.component.test_identity_sessions import WRONG, refusal_of, sign_in_again, wait

NEW: api.Pin = (5, 6, 7, 8)


@pytest.fixture
def organisation_id(town: Town) -> UUID:
    return a_known_organisation(town)


@pytest.fixture
def coordinator(town: Town, organisation_id: UUID) -> SignedIn:
    return staff(town, "coordinator", organisation_id)


@pytest.fixture
def volunteer(town: Town, organisation_id: UUID) -> SignedIn:
    return a_joined_volunteer(town, organisation_id)


def a_code(coordinator: SignedIn, organisation_id: UUID, person_id: UUID) -> pictures_api.PicturesCode:
    where: dict[str, Any] = {"organisation_id": organisation_id, "person_id": person_id}
    return coordinator.ask("identity", pictures_api.POST_PICTURES_CODE, **where)


def choose(town: Town, code: str, pin: api.Pin = NEW) -> api.Joined:
    return nobody(town, pictures_api.POST_PICTURES, pictures_api.ChoosePictures(code=code, pin=pin))


def test_who_forgot_their_pictures_chooses_new_ones_and_stays_the_same_person_with_the_same_card(
    town: Town, organisation_id: UUID, coordinator: SignedIn, volunteer: SignedIn
) -> None:
    assert [sign_in_again(volunteer, WRONG) for _ in range(7)] == ["wrong_pin"] * 6 + ["too_many_tries"]
    made = a_code(coordinator, organisation_id, volunteer.person_id)
    assert made.link.endswith(f"/pictures#{made.code}")

    chosen = choose(town, made.code)

    assert (chosen.person_id, chosen.card_code) == (volunteer.person_id, volunteer.card_code)
    with pytest.raises(Refused, match="session_ended"):
        volunteer.renew()
    assert [sign_in_again(volunteer, NEW), sign_in_again(volunteer, PIN)] == ["granted", "wrong_pin"]  # no wait is left
    again = sign_in_with(town, chosen.card_code, NEW)
    [seen] = again.ask("identity", api.GET_MY_UNMASKINGS).unmaskings
    assert (seen.organisation_id, seen.reason, seen.role) == (organisation_id, NEW_PICTURES, "coordinator")
    assert town.check() == []


def test_a_code_is_good_once_and_a_repeat_with_the_same_pictures_changes_nothing(
    town: Town, organisation_id: UUID, coordinator: SignedIn, volunteer: SignedIn
) -> None:
    code = a_code(coordinator, organisation_id, volunteer.person_id).code
    chosen = choose(town, code)
    session = sign_in_with(town, chosen.card_code, NEW)
    assert choose(town, code) == chosen
    with pytest.raises(Refused, match="wrong_pin"):
        choose(town, code, PIN)
    session.renew()
    assert sign_in_again(volunteer, NEW) == "granted"


def test_a_code_used_twice_at_the_same_moment_sets_one_choice(
    town: Town, organisation_id: UUID, coordinator: SignedIn, volunteer: SignedIn
) -> None:
    code = a_code(coordinator, organisation_id, volunteer.person_id).code
    choices: list[api.Pin] = [(n, n + 1, n + 2, n + 3) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda pin: refusal_of(lambda: choose(town, code, pin)), choices))
    assert sorted(outcomes) == ["granted"] + ["wrong_pin"] * 3
    assert sign_in_again(volunteer, choices[outcomes.index("granted")]) == "granted"


def test_a_code_is_over_after_fifteen_minutes_and_then_forgotten(
    town: Town, organisation_id: UUID, coordinator: SignedIn, volunteer: SignedIn
) -> None:
    made = a_code(coordinator, organisation_id, volunteer.person_id)
    wait(town, timedelta(minutes=15))
    assert made.expires_at == town.clock.now()
    assert refusal_of(lambda: choose(town, made.code)) == "pictures_code_expired"
    wait(town, timedelta(seconds=1))
    town.tick()
    assert refusal_of(lambda: choose(town, made.code)) == "unknown_pictures_code"
    assert sign_in_again(volunteer) == "granted"


def test_a_new_code_replaces_the_one_before_and_lies_only_as_a_hash(
    town: Town, organisation_id: UUID, coordinator: SignedIn, volunteer: SignedIn
) -> None:
    first, second = (a_code(coordinator, organisation_id, volunteer.person_id).code for _ in range(2))
    with town.rooms["identity"].engine.connect() as conn:
        assert conn.scalars(text("SELECT code_hash FROM pictures_codes")).all() == [domain.hash_of(second)]
    assert refusal_of(lambda: choose(town, first)) == "unknown_pictures_code"
    assert refusal_of(lambda: choose(town, second, (3, 3, 3, 5))) == "weak_pin"  # which leaves the code unused
    assert choose(town, second).person_id == volunteer.person_id


def test_only_a_coordinator_of_the_organisation_somebody_joined_through_makes_a_code_for_them(
    town: Town, organisation_id: UUID, coordinator: SignedIn, volunteer: SignedIn
) -> None:
    elsewhere = a_known_organisation(town)
    stranger = staff(town, "coordinator", elsewhere)
    assert refusal_of(lambda: a_code(stranger, organisation_id, volunteer.person_id)) == "not_allowed"
    assert refusal_of(lambda: a_code(stranger, elsewhere, volunteer.person_id)) == "unknown_person"
    assert refusal_of(lambda: a_code(volunteer, organisation_id, volunteer.person_id)) == "not_allowed"
    assert refusal_of(lambda: a_code(coordinator, organisation_id, stranger.person_id)) == "unknown_person"
    assert volunteer.ask("identity", api.GET_MY_UNMASKINGS).unmaskings == ()


def test_who_erases_themselves_cannot_be_brought_back_with_a_code(
    town: Town, organisation_id: UUID, coordinator: SignedIn, volunteer: SignedIn
) -> None:
    code = a_code(coordinator, organisation_id, volunteer.person_id).code
    volunteer.ask("identity", api.POST_MY_ERASURE, api.Erase(pin=PIN))
    assert refusal_of(lambda: choose(town, code)) == "unknown_pictures_code"
    assert town.check() == []
