"""The organisations' vaults: names locked in, opened for a reason, and shown to the person."""

from datetime import timedelta
from typing import Any

import pytest

from infra.wiring import Town
from services.apis import identity as api
from services.apis import identity_vault as vault_api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.kit.ids import new_id
from tests.builders_identity import SignedIn, a_joined_volunteer, a_known_organisation, sign_in_with, staff

REASON = "Insurance list for Saturday"


def lock_name(coordinator: SignedIn, organisation_id: Any, volunteer: SignedIn, name: str = "Zafira Haddad") -> None:
    coordinator.ask(
        "identity", vault_api.POST_NAME, vault_api.SetName(name=name),
        organisation_id=organisation_id, person_id=volunteer.person_id,
    )  # fmt: skip


def open_name(coordinator: SignedIn, organisation_id: Any, volunteer: SignedIn, reason: str = REASON) -> api.NameHeld:
    return coordinator.ask(
        "identity", vault_api.POST_NAME_OPEN, vault_api.OpenName(reason=reason),
        organisation_id=organisation_id, person_id=volunteer.person_id,
    )  # fmt: skip


def test_a_coordinator_opens_a_name_for_a_reason_and_the_person_sees_who_in_which_role_when_and_why(town: Town) -> None:
    organisation_id = a_known_organisation(town)
    coordinator, volunteer = staff(town, "coordinator", organisation_id), a_joined_volunteer(town, organisation_id)
    lock_name(coordinator, organisation_id, volunteer, "Zafira")
    lock_name(coordinator, organisation_id, volunteer, " Zafira Haddad ")

    opened = open_name(coordinator, organisation_id, volunteer)

    assert (opened.nickname, opened.name) == ("Zafira", "Zafira Haddad")
    seen = volunteer.ask("identity", api.GET_MY_UNMASKINGS).unmaskings
    assert seen == (
        api.Unmasking(role="coordinator", organisation_id=organisation_id, looked_at=town.clock.now(), reason=REASON),
    )
    assert str(coordinator.person_id) not in str(seen)
    assert town.check() == []


def test_the_names_of_a_roster_are_opened_with_one_reason_and_each_person_sees_it(town: Town) -> None:
    organisation_id = a_known_organisation(town)
    coordinator = staff(town, "coordinator", organisation_id)
    ours = [a_joined_volunteer(town, organisation_id, nickname=n) for n in ("Ada", "Bilal", "Chen")]
    theirs = a_joined_volunteer(town)
    body = vault_api.OpenNames(reason=REASON, person_ids=(*(v.person_id for v in ours), theirs.person_id, new_id()))

    names = coordinator.ask("identity", vault_api.POST_NAMES_OPEN, body, organisation_id=organisation_id).names

    assert {n.nickname for n in names} == {"Ada", "Bilal", "Chen"}
    assert all(v.ask("identity", api.GET_MY_UNMASKINGS).unmaskings[0].reason == REASON for v in ours)
    assert theirs.ask("identity", api.GET_MY_UNMASKINGS).unmaskings == ()


def test_another_organisation_neither_opens_a_name_nor_fills_the_vault(town: Town) -> None:
    ours, theirs = a_known_organisation(town), a_known_organisation(town)
    volunteer, stranger = a_joined_volunteer(town, ours), staff(town, "coordinator", theirs)
    with pytest.raises(Refused, match="not_allowed"):
        open_name(stranger, ours, volunteer)
    with pytest.raises(Refused, match="not_allowed"):
        lock_name(stranger, ours, volunteer)
    with pytest.raises(Refused, match="unknown_name"):
        open_name(stranger, theirs, volunteer)
    lock_name(stranger, theirs, volunteer, "As they know her")
    assert open_name(stranger, theirs, volunteer).nickname is None
    held = volunteer.ask("identity", api.GET_MY_EXPORT).names
    assert {(n.organisation_id, n.nickname, n.name) for n in held} == {
        (ours, "Zafira", None),
        (theirs, None, "As they know her"),
    }


@pytest.mark.parametrize("reason", ["", "  ", "-", "x x"])
def test_no_name_is_opened_without_a_reason(town: Town, reason: str) -> None:
    organisation_id = a_known_organisation(town)
    coordinator, volunteer = staff(town, "coordinator", organisation_id), a_joined_volunteer(town, organisation_id)
    with pytest.raises(Refused, match="invalid_request"):
        open_name(coordinator, organisation_id, volunteer, reason)
    assert volunteer.ask("identity", api.GET_MY_UNMASKINGS).unmaskings == ()


def test_staff_have_no_name_in_a_vault(town: Town) -> None:
    organisation_id = a_known_organisation(town)
    coordinator = staff(town, "coordinator", organisation_id)
    with pytest.raises(Refused, match="unknown_person"):
        lock_name(coordinator, organisation_id, coordinator)


def test_every_look_is_shown_newest_first_page_by_page(town: Town) -> None:
    organisation_id = a_known_organisation(town)
    coordinator, volunteer = staff(town, "coordinator", organisation_id), a_joined_volunteer(town, organisation_id)
    for n in range(5):
        open_name(coordinator, organisation_id, volunteer, f"Reason {n}")
        town.clock.move_to(town.clock.now() + timedelta(minutes=1))  # type: ignore[attr-defined]
    seen, cursor = [], None
    while not seen or cursor:
        page = volunteer.ask("identity", api.GET_MY_UNMASKINGS, query=Page(cursor=cursor, limit=2))
        seen += [u.reason for u in page.unmaskings]
        cursor = page.next_cursor
    assert seen == [f"Reason {n}" for n in reversed(range(5))]


def test_a_coordinator_prints_and_replaces_the_cards_of_their_own_volunteers(town: Town) -> None:
    organisation_id = a_known_organisation(town)
    coordinator, volunteer = staff(town, "coordinator", organisation_id), a_joined_volunteer(town, organisation_id)
    where = {"organisation_id": organisation_id, "person_id": volunteer.person_id}
    assert coordinator.ask("identity", vault_api.GET_PERSON_CARD, **where).code == volunteer.card_code
    coordinator.ask("identity", vault_api.POST_PERSON_CARD_REPLACE, **where)
    printed = coordinator.ask("identity", vault_api.GET_PERSON_CARD, **where).code
    assert printed != volunteer.card_code
    assert sign_in_with(town, printed).person_id == volunteer.person_id

    where["person_id"] = a_joined_volunteer(town).person_id
    for endpoint in (vault_api.GET_PERSON_CARD, vault_api.POST_PERSON_CARD_REPLACE):
        with pytest.raises(Refused, match="unknown_person"):
            coordinator.ask("identity", endpoint, **where)
    assert town.check() == []


def test_a_coordinator_sees_who_joined_through_the_organisation_without_names(town: Town) -> None:
    organisation_id = a_known_organisation(town)
    coordinator = staff(town, "coordinator", organisation_id)
    joined = {a_joined_volunteer(town, organisation_id, adult=adult).person_id for adult in (True, False, True)}
    a_joined_volunteer(town)
    first = coordinator.ask("identity", vault_api.GET_PEOPLE, query=Page(limit=2), organisation_id=organisation_id)
    rest = coordinator.ask(
        "identity", vault_api.GET_PEOPLE, query=Page(cursor=first.next_cursor), organisation_id=organisation_id
    )
    assert {p.person_id for p in (*first.people, *rest.people)} == joined
    assert (len(first.people), rest.next_cursor) == (2, None)
