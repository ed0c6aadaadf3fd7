"""Shifts, sign-ups and the waiting list, through the API."""

from datetime import timedelta

import pytest

from infra.wiring import Town
from services.apis import shifts as api
from services.apis import shifts_held, shifts_message, shifts_team
from services.apis.errors import Refused
from services.kit.ids import new_id
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


def test_officers_and_auditors_are_told_of_many_shifts_at_once_as_each_is(town: Town) -> None:
    later, sooner = a_shift(town, in_hours=48), a_shift(town)
    body = shifts_held.AskHeld(shift_ids=(later.shift_id, sooner.shift_id, new_id()))
    told = As(town, ("auditor", None)).ask("shifts", shifts_held.POST_HELD, body).shifts
    assert told == tuple(As(town).ask("shifts", api.GET_SHIFT, shift_id=one.shift_id) for one in (sooner, later))
    with pytest.raises(Refused, match="not_allowed"):
        a_volunteer(town).ask("shifts", shifts_held.POST_HELD, body)


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
    [mine] = volunteer.ask("shifts", api.GET_MY_SIGNUPS).signups
    assert (mine.signup.state, mine.shift.cancel_reason) == ("cancelled", "Storm")
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


def test_a_shift_says_which_languages_are_spoken_and_is_found_by_them(town: Town) -> None:
    arabic, silent = a_shift(town, languages=("ar", "it")), a_shift(town)

    def found(language: str | None) -> set[object]:
        query = api.ShiftQuery(language=language)
        return {one.shift_id for one in a_volunteer(town).ask("shifts", api.GET_SHIFTS, query=query).shifts}

    assert arabic.languages == ("ar", "it")
    assert [found("ar"), found("uk")] == [{arabic.shift_id}, set()]
    assert found(None) == {arabic.shift_id, silent.shift_id}


def test_no_shift_is_published_on_a_day_the_volunteers_are_not_insured(town: Town) -> None:
    organisation_id = an_organisation(town)
    coordinator, today = a_coordinator(town, organisation_id), town.city.day_of(town.clock.now())
    ours = {"coordinator": coordinator, "organisation_id": organisation_id}
    with pytest.raises(Refused, match="insurance_days"):
        a_shift(town, **ours, insured_from=today, insured_until=today - timedelta(days=1))
    with pytest.raises(Refused, match="not_insured"):
        a_shift(town, **ours, in_hours=24, insured_from=today + timedelta(days=2))
    with pytest.raises(Refused, match="not_insured"):
        a_shift(town, **ours, in_hours=48, insured_until=today + timedelta(days=1))
    shift = a_shift(town, **ours, in_hours=24, insured_from=today, insured_until=today + timedelta(days=1))

    renewed = api.ChangeActivity(
        place="The old gate", minutes=90, capacity=4, languages=("bn",), insured_until=today + timedelta(days=400)
    )
    coordinator.ask("shifts", api.POST_ACTIVITY_CHANGE, renewed, activity_id=shift.activity_id)
    body = api.PublishShift(activity_id=shift.activity_id, starts_at=shift.starts_at + timedelta(days=300))
    later = coordinator.ask("shifts", api.POST_SHIFT, body)
    assert (later.place, later.capacity, later.languages) == ("The old gate", 4, ("bn",))
    assert later.ends_at - later.starts_at == timedelta(minutes=90)
    [unchanged] = (one for one in found_by(coordinator) if one.shift_id == shift.shift_id)
    assert (unchanged.place, unchanged.capacity) == (shift.place, shift.capacity)


def test_an_activity_is_changed_by_its_own_organisation_only(town: Town) -> None:
    shift = a_shift(town)
    said = api.ChangeActivity(place="Elsewhere", minutes=60, capacity=1)
    stranger = a_coordinator(town, an_organisation(town, "Theirs"))
    with pytest.raises(Refused, match="not_allowed"):
        stranger.ask("shifts", api.POST_ACTIVITY_CHANGE, said, activity_id=shift.activity_id)


def found_by(somebody: As) -> tuple[api.Shift, ...]:
    return somebody.ask("shifts", api.GET_SHIFTS, query=api.ShiftQuery(limit=100)).shifts


def test_teams_are_arranged_anew_and_who_left_the_roster_is_passed_over(town: Town) -> None:
    organisation_id = an_organisation(town)
    coordinator = a_coordinator(town, organisation_id)
    shift = a_shift(town, coordinator=coordinator, organisation_id=organisation_id)
    first, second, gone = (a_volunteer(town) for _ in range(3))
    places = [sign_up(one, shift) for one in (first, second, gone)]

    def arrange(**teams: list[As]) -> dict[str, set[object]]:
        body = shifts_team.ArrangeTeams(
            teams=tuple(
                shifts_team.Members(name=name, person_ids=tuple(one.person_id for one in members))
                for name, members in teams.items()
            )
        )
        told = coordinator.ask("shifts", shifts_team.POST_TEAMS, body, shift_id=shift.shift_id)
        return {t.name: {one.person_id for one in told.lines if one.team_id == t.team_id} for t in told.teams}

    assert arrange(A=[first], B=[second, gone]) == {"A": {first.person_id}, "B": {second.person_id, gone.person_id}}
    gone.ask("shifts", api.POST_SIGNUP_CANCEL, signup_id=places[2].signup_id)
    assert arrange(B=[first, gone]) == {"B": {first.person_id}}
    with pytest.raises(Refused, match="not_allowed"):
        a_coordinator(town, an_organisation(town, "Theirs")).ask(
            "shifts", shifts_team.POST_TEAMS, shifts_team.ArrangeTeams(teams=()), shift_id=shift.shift_id
        )
    assert town.check() == []


def test_a_message_is_read_by_everybody_on_the_roster_until_the_shift_is_over(town: Town) -> None:
    organisation_id = an_organisation(town)
    coordinator = a_coordinator(town, organisation_id)
    shift = a_shift(town, coordinator=coordinator, organisation_id=organisation_id, capacity=1)
    going, waiting, gone = (a_volunteer(town) for _ in range(3))
    places = [sign_up(one, shift) for one in (going, waiting, gone)]
    gone.ask("shifts", api.POST_SIGNUP_CANCEL, signup_id=places[2].signup_id)

    def write(somebody: As, text: str) -> None:
        body = shifts_message.SendMessage(text=text)
        somebody.ask("shifts", shifts_message.POST_MESSAGE, body, shift_id=shift.shift_id)

    def read_by(somebody: As) -> list[str]:
        mine = somebody.ask("shifts", api.GET_MY_SIGNUPS).signups
        return [message.text for one in mine for message in one.messages]

    write(coordinator, "Bring gloves")
    town.clock.move_to(town.clock.now() + timedelta(minutes=1))
    write(coordinator, "We meet at the other gate")
    assert read_by(going) == read_by(waiting) == ["We meet at the other gate", "Bring gloves"]
    assert read_by(gone) == []
    with pytest.raises(Refused, match="not_allowed"):
        write(a_coordinator(town, an_organisation(town, "Theirs")), "Hello")

    town.clock.move_to(shift.ends_at + timedelta(minutes=1))
    assert read_by(going) == []
    with pytest.raises(Refused, match="shift_closed"):
        write(coordinator, "Thank you")
