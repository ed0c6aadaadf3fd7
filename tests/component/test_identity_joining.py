"""Joining by invitation, through the API."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import text

from infra.wiring import Town
from services.apis import identity as api
from services.apis.errors import Refused
from services.events import decode
from services.events.identity import CardIssued, PersonJoined, RoleGranted
from services.identity import domain
from services.kit.ids import new_id
from tests.builders_identity import (
    PIN,
    a_joined_volunteer,
    a_known_organisation,
    an_invitation,
    join,
    nobody,
    sign_in_with,
    staff,
)


def said(town: Town, *structs: type) -> list[Any]:
    """What identity has published of these types, in order."""
    with town.rooms["identity"].engine.connect() as conn:
        values = conn.scalars(text("SELECT value FROM outbox ORDER BY seq")).all()
    return [data for value in values if isinstance(data := decode(bytes(value)).data, structs)]


def test_whoever_was_invited_joins_with_a_nickname_and_four_pictures_and_signs_in_with_the_card(town: Town) -> None:
    organisation_id = a_known_organisation(town)
    coordinator = staff(town, "coordinator", organisation_id)
    body = api.Invite(organisation_id=organisation_id, adult=False, language="ar")
    invitation = coordinator.ask("identity", api.POST_INVITATION, body)
    joined = join(town, invitation, "Zafira")

    me = sign_in_with(town, joined.card_code).ask("identity", api.GET_ME)

    assert invitation.link.endswith(f"/join#{invitation.code}")
    assert (me.person_id, me.nickname, me.language, me.adult) == (joined.person_id, "Zafira", "ar", False)
    assert (me.organisation_id, me.roles) == (organisation_id, (api.RoleHeld(role="volunteer"),))
    assert town.check() == []


def test_the_town_hears_who_joined_and_which_card_is_theirs_but_no_name_and_no_code(town: Town) -> None:
    volunteer = a_joined_volunteer(town, nickname="Zafira")
    person, role, card = said(town, PersonJoined, RoleGranted, CardIssued)[-3:]
    assert {person.person_id, role.person_id, card.person_id} == {volunteer.person_id}
    assert (person.role, role.role) == ("volunteer", "volunteer")
    assert volunteer.card_code is not None
    assert card.code_hash == sha256(volunteer.card_code.encode()).hexdigest()


def test_an_invitation_brings_in_one_person(town: Town) -> None:
    invitation = an_invitation(town)
    join(town, invitation)
    town.clock.move_to(town.clock.now() + timedelta(minutes=16))  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="invitation_used"):
        join(town, invitation, "Somebody else", (1, 2, 3, 4))


def test_whose_answer_was_lost_sends_it_again_and_gets_the_same_card(town: Town) -> None:
    invitation = an_invitation(town)
    assert join(town, invitation) == join(town, invitation)
    with pytest.raises(Refused, match="wrong_pin"):
        join(town, invitation, pin=(1, 2, 3, 4))
    assert town.check() == []


def test_five_people_with_one_invitation_at_the_same_moment_are_one_person_afterwards(town: Town) -> None:
    invitation = an_invitation(town)

    def try_to_join(n: int) -> str:
        try:
            return str(join(town, invitation, f"Number {n}", (n, n + 1, n + 2, n + 3)).person_id)
        except Refused as refusal:
            return refusal.code

    with ThreadPoolExecutor(5) as pool:
        outcomes = sorted(pool.map(try_to_join, range(5)))
    assert outcomes.count("wrong_pin") == 4
    assert len(said(town, CardIssued)) == 1
    assert town.check() == []


def test_an_invitation_expires(town: Town) -> None:
    invitation = an_invitation(town)
    town.clock.move_to(invitation.expires_at)  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="invitation_expired"):
        join(town, invitation)
    town.clock.move_to(invitation.expires_at + timedelta(seconds=1))  # type: ignore[attr-defined]
    town.tick()
    with pytest.raises(Refused, match="unknown_invitation"):
        join(town, invitation)


def test_a_code_typed_by_hand_may_have_spaces_hyphens_and_small_letters(town: Town) -> None:
    invitation = an_invitation(town)
    typed = f" {invitation.code[:16].lower()}-{invitation.code[16:]}"
    assert nobody(town, api.POST_JOIN, api.Join(invitation_code=typed, nickname="Z", pin=PIN)).card_code


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"pin": (3, 3, 3, 5)}, "weak_pin"), ({"language": "xx"}, "unknown_language"), ({"pin": (0, 1, 2, 12)}, "invalid_request")],
)  # fmt: skip
def test_a_choice_that_cannot_be_leaves_the_invitation_unused(town: Town, wrong: dict[str, Any], code: str) -> None:
    invitation = an_invitation(town)
    with pytest.raises(Refused, match=code):
        join(town, invitation, **wrong)
    assert join(town, invitation).card_code


def test_nobody_joins_with_a_made_up_code(town: Town) -> None:
    with pytest.raises(Refused, match="unknown_invitation"):
        nobody(town, api.POST_JOIN, api.Join(invitation_code="A" * 32, nickname="Zafira", pin=PIN))


def test_a_coordinator_invites_only_to_their_own_organisation(town: Town) -> None:
    ours, theirs = a_known_organisation(town), a_known_organisation(town)
    coordinator = staff(town, "coordinator", ours)
    with pytest.raises(Refused, match="not_allowed"):
        coordinator.ask("identity", api.POST_INVITATION, api.Invite(organisation_id=theirs, adult=True))


def test_nobody_is_invited_to_an_unknown_organisation_or_in_an_unknown_language(town: Town) -> None:
    with pytest.raises(Refused, match="unknown_organisation"):
        an_invitation(town, new_id())
    with pytest.raises(Refused, match="unknown_language"):
        an_invitation(town, language="xx")


def test_an_organisation_makes_so_many_invitations_a_day(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain, "INVITATIONS_A_DAY", 3)
    organisation_id = a_known_organisation(town)
    for _ in range(3):
        an_invitation(town, organisation_id)
    with pytest.raises(Refused, match="too_many_invitations"):
        an_invitation(town, organisation_id)
    assert an_invitation(town).code
    town.clock.move_to(town.clock.now() + timedelta(days=1))  # type: ignore[attr-defined]
    assert an_invitation(town, organisation_id).code
