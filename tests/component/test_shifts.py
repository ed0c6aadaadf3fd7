"""Shifts, sign-ups and the waiting list, through the API."""

from datetime import timedelta

import pytest

from infra.wiring import Town
from services.apis import shifts as api
from services.apis.errors import Refused
from tests.builders import As, a_coordinator, a_programme, a_shift, a_volunteer, an_organisation


def sign_up(volunteer: As, shift: api.Shift, **more: object) -> api.SignUp:
    return volunteer.ask("shifts", api.POST_SIGNUP, api.MakeSignUp(), shift_id=shift.shift_id, **more)


def test_a_full_shift_offers_the_waiting_list_and_the_first_in_line_moves_up(town: Town) -> None:
    shift = a_shift(town, capacity=1)
    first, second, third = (a_volunteer(town) for _ in range(3))
    going = sign_up(first, shift)
    assert [going.state, sign_up(second, shift).state, sign_up(third, shift).state] == ["going", "waiting", "waiting"]

    first.ask("shifts", api.POST_SIGNUP_CANCEL, signup_id=going.signup_id)

    assert second.ask("shifts", api.GET_MY_SIGNUPS).signups[0].signup.state == "going"
    assert third.ask("shifts", api.GET_MY_SIGNUPS).signups[0].signup.state == "waiting"
    assert town.check() == []


def test_the_same_request_sent_twice_signs_up_once_and_gets_the_same_answer(town: Town) -> None:
    shift, volunteer = a_shift(town), a_volunteer(town)
    assert sign_up(volunteer, shift, key="0123456789") == sign_up(volunteer, shift, key="0123456789")
    with pytest.raises(Refused, match="already_signed_up"):
        sign_up(volunteer, shift, key="another-key")


def test_a_key_sent_again_with_other_content_is_refused(town: Town) -> None:
    shift, other, volunteer = a_shift(town), a_shift(town), a_volunteer(town)
    sign_up(volunteer, shift, key="0123456789")
    with pytest.raises(Refused, match="key_reused"):
        sign_up(volunteer, other, key="0123456789")


def test_a_refusal_sent_again_stays_the_same_refusal(town: Town) -> None:
    shift, volunteer = a_shift(town, adults_only=True), a_volunteer(town)
    for _ in range(2):
        with pytest.raises(Refused, match="adults_only"):
            sign_up(volunteer, shift, key="0123456789")


def test_a_shift_in_the_past_cannot_be_published(town: Town) -> None:
    with pytest.raises(Refused, match="shift_in_the_past"):
        a_shift(town, in_hours=-1)


def test_nobody_signs_up_for_a_shift_that_is_over(town: Town) -> None:
    shift = a_shift(town)
    town.clock.move_to(shift.ends_at + timedelta(minutes=1))
    with pytest.raises(Refused, match="shift_closed"):
        sign_up(a_volunteer(town), shift)


def test_a_coordinator_works_only_for_their_own_organisation(town: Town) -> None:
    ours, theirs = an_organisation(town, "Ours"), an_organisation(town, "Theirs")
    with pytest.raises(Refused, match="not_allowed"):
        a_shift(town, coordinator=a_coordinator(town, ours), organisation_id=theirs, programme_id=a_programme(town))


def test_a_cancelled_shift_frees_everybody(town: Town) -> None:
    organisation_id = an_organisation(town)
    coordinator = a_coordinator(town, organisation_id)
    shift = a_shift(town, coordinator=coordinator, organisation_id=organisation_id)
    volunteer = a_volunteer(town)
    sign_up(volunteer, shift)
    cancelled = coordinator.ask(
        "shifts", api.POST_SHIFT_CANCEL, api.CancelShift(reason="Storm"), shift_id=shift.shift_id
    )
    assert (cancelled.state, cancelled.going) == ("cancelled", 0)
    assert volunteer.ask("shifts", api.GET_MY_SIGNUPS).signups == ()
    assert town.check() == []


def test_shifts_are_listed_page_by_page_without_a_gap(town: Town) -> None:
    published = {a_shift(town, in_hours=h).shift_id for h in (5, 1, 3, 3, 9)}
    seen, cursor = [], None
    while True:
        page = a_volunteer(town).ask("shifts", api.GET_SHIFTS, query=api.ShiftQuery(cursor=cursor, limit=2))
        seen += [s.shift_id for s in page.shifts]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == 5
    assert set(seen) == published
