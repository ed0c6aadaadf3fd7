"""Coming to a shift and leaving it: the code on the screen, cards, names, walk-ins, and what somebody forgot."""

import hashlib
from datetime import timedelta

import pytest

from infra.wiring import Town
from services.apis import attendance as api
from services.apis import shifts as shifts_api
from services.apis.errors import Refused
from services.attendance.domain_code import code_at
from services.events.identity import CardIssued, CardRevoked, PersonErased
from services.events.shifts import ShiftPublished, SignUpMade
from services.kit.ids import new_id
from tests.builders import As, a_coordinator, a_volunteer, an_organisation, tell
from tests.builders_attendance import Scene, a_scene, joined


def give_card(town: Town, volunteer: As, code: str, **more: object) -> CardIssued:
    code_hash = hashlib.sha256(code.encode()).hexdigest()
    card = CardIssued(card_id=new_id(), person_id=volunteer.person_id, code_hash=code_hash, **more)
    tell(town, card)
    return card


def scan(scene: Scene, card_code: str, **more: object) -> api.Attendance:
    return scene.ask(api.POST_SCAN, api.Scan(card_code=card_code, **more))


def test_a_volunteer_scans_in_and_out_and_the_minutes_are_counted(town: Town) -> None:
    scene = a_scene(town).at(-10)
    came = scene.check_in()
    assert (came.state, came.witness, came.walk_in, came.minutes) == ("open", "code", False, None)
    left = scene.at(100.5).check_out()
    assert (left.minutes, left.forgotten, left.proposed) == (100, False, True)
    assert town.check() == []


def test_the_screen_shows_a_new_code_every_half_minute(town: Town) -> None:
    scene = a_scene(town).at(0)
    first = scene.ask(api.GET_CODE)
    assert first.seconds_left == 30
    scene.at(0.25)
    assert scene.ask(api.GET_CODE) == api.ShiftCode(shift_id=first.shift_id, path=first.path, seconds_left=15)
    assert scene.at(0.5).code() != first.path


def test_the_code_is_only_for_coordinators_of_the_organisation_and_only_around_the_shift(town: Town) -> None:
    scene = a_scene(town)
    stranger = a_coordinator(town, an_organisation(town, "Somebody else"))
    with pytest.raises(Refused, match="unknown_shift"):
        scene.coordinator.ask("attendance", api.GET_CODE, shift_id=new_id())
    with pytest.raises(Refused, match="too_early"):
        scene.at(-31).code()
    with pytest.raises(Refused, match="not_allowed"):
        stranger.ask("attendance", api.GET_CODE, shift_id=scene.at(0).shift.shift_id)
    with pytest.raises(Refused, match="shift_over"):
        scene.at(136).code()


def test_an_old_a_forged_and_a_used_code_are_refused(town: Town) -> None:
    scene = a_scene(town).at(0)
    code = scene.code()
    with pytest.raises(Refused, match="code_wrong"):
        scene.check_in(code=code[:-1] + ("A" if code[-1] != "A" else "B"))
    scene.check_in(code=code)
    with pytest.raises(Refused, match="code_used"):
        scene.check_out(code=code)
    with pytest.raises(Refused, match="code_expired"):
        scene.at(1).check_out(code=code)
    with pytest.raises(Refused, match="already_checked_in"):
        scene.check_in()
    scene.check_out()
    for again in (scene.check_in, scene.check_out):
        with pytest.raises(Refused, match="already_checked_out"):
            again()


def test_a_code_for_a_shift_nobody_heard_of_is_refused(town: Town) -> None:
    with pytest.raises(Refused, match="unknown_shift"):
        a_scene(town).check_in(code=code_at(bytes(32), new_id(), town.clock.now()))


def test_the_same_request_sent_twice_checks_in_once(town: Town) -> None:
    scene = a_scene(town).at(0)
    body = api.UseCode(code=scene.code())
    answers = [scene.volunteer.ask("attendance", api.POST_CHECK_IN, body, key="0123456789") for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(scene.listed().attendances) == 1


def test_nobody_checks_out_who_did_not_check_in(town: Town) -> None:
    with pytest.raises(Refused, match="not_checked_in"):
        a_scene(town).at(0).check_out()


def test_a_code_from_the_last_moment_does_not_let_anybody_in_after_the_end(town: Town) -> None:
    scene = a_scene(town)
    code = scene.at(120).code()
    with pytest.raises(Refused, match="shift_over"):
        scene.at(120.4).check_in(code=code)


def test_walk_ins_come_while_there_is_room_and_the_places_of_others_are_kept_until_the_start(town: Town) -> None:
    scene = a_scene(town, capacity=2)
    second, walk_in, waiting = scene.newcomer(), scene.newcomer(signs_up=False), scene.newcomer()
    code = scene.at(-5).code()
    scene.check_in(code=code)
    for refused in (walk_in, waiting):
        with pytest.raises(Refused, match="shift_full"):
            scene.check_in(refused, code)
    assert scene.at(0).check_in(waiting).walk_in
    with pytest.raises(Refused, match="shift_full"):
        scene.check_in(walk_in)
    assert not scene.check_in(second).walk_in


def test_whoever_moved_up_has_the_place_and_whoever_gave_it_back_has_not(town: Town) -> None:
    scene = a_scene(town, capacity=1)
    moving_up = scene.newcomer()
    [mine] = scene.volunteer.ask("shifts", shifts_api.GET_MY_SIGNUPS).signups
    scene.volunteer.ask("shifts", shifts_api.POST_SIGNUP_CANCEL, signup_id=mine.signup.signup_id)
    scene.at(-5)
    with pytest.raises(Refused, match="shift_full"):
        scene.check_in()
    assert not scene.check_in(moving_up).walk_in


def test_a_shift_for_adults_lets_no_minor_walk_in(town: Town) -> None:
    scene = a_scene(town, adults_only=False)
    adults_only = a_scene(town, volunteer=scene.volunteer, adults_only=True).at(0)
    with pytest.raises(Refused, match="adults_only"):
        adults_only.check_in(joined(town, adult=False))
    assert adults_only.check_in(joined(town)).walk_in


def test_nobody_checks_in_at_a_cancelled_shift_and_who_already_had_is_let_go(town: Town) -> None:
    scene = a_scene(town).at(-20)
    early, code = scene.newcomer(), scene.code()
    scene.check_in(early, code)
    body = shifts_api.CancelShift(reason="Storm")
    scene.coordinator.ask("shifts", shifts_api.POST_SHIFT_CANCEL, body, shift_id=scene.shift.shift_id)
    town.settle()
    with pytest.raises(Refused, match="shift_cancelled"):
        scene.check_in(code=code)
    [let_go] = scene.listed().attendances
    assert (let_go.state, let_go.reject_reason) == ("rejected", "shift_cancelled")
    assert scene.listed().signed_up == 0
    assert town.check() == []


def test_news_may_arrive_in_any_order(town: Town) -> None:
    volunteer, ids = a_volunteer(town), {"shift_id": new_id(), "organisation_id": new_id()}
    tell(town, SignUpMade(signup_id=new_id(), shift_id=ids["shift_id"], person_id=volunteer.person_id, state="going"))
    give_card(town, volunteer, "CARD-1")
    coordinator = a_coordinator(town, ids["organisation_id"])
    body = api.Scan(card_code="CARD-1")
    with pytest.raises(Refused, match="unknown_shift"):
        coordinator.ask("attendance", api.POST_SCAN, body, shift_id=ids["shift_id"])
    now = town.clock.now()
    published = ShiftPublished(
        **ids, programme_id=new_id(), activity_id=new_id(), place="Parco", kind="green", neighbourhood_id="le-querce",
        starts_at=now, ends_at=now + timedelta(hours=2), capacity=5, adults_only=True,
    )  # fmt: skip
    tell(town, published)
    assert not coordinator.ask("attendance", api.POST_SCAN, body, shift_id=ids["shift_id"]).walk_in


def test_a_card_checks_in_then_out_and_held_up_twice_does_nothing_more(town: Town) -> None:
    scene = a_scene(town).at(0)
    give_card(town, scene.volunteer, "CARD-1")
    assert scan(scene, "CARD-1").witness == "card"
    assert scan(scene.at(0.5), "CARD-1").checked_out_at is None
    assert scan(scene.at(60), "CARD-1").minutes == 60
    with pytest.raises(Refused, match="already_checked_out"):
        scan(scene, "CARD-1")


def test_an_unknown_a_lost_and_a_replaced_card_are_refused_with_what_works(town: Town) -> None:
    scene = a_scene(town).at(0)
    first = give_card(town, scene.volunteer, "CARD-1")
    second = give_card(town, scene.volunteer, "CARD-2", replaces_card_id=first.card_id)
    with pytest.raises(Refused, match=r"card_replaced.*new card, or tap the name"):
        scan(scene, "CARD-1")
    with pytest.raises(Refused, match="unknown_card"):
        scan(scene, "CARD-3")
    tell(town, CardRevoked(card_id=second.card_id, person_id=scene.volunteer.person_id))
    with pytest.raises(Refused, match="card_replaced"):
        scan(scene, "CARD-2")


def test_a_tapped_name_comes_in_from_the_roster_or_as_a_walk_in_but_not_from_nowhere(town: Town) -> None:
    scene = a_scene(town)
    unheard_of = a_volunteer(town)  # signed up before identity's news arrived here
    unheard_of.ask("shifts", shifts_api.POST_SIGNUP, shifts_api.MakeSignUp(), shift_id=scene.shift.shift_id)
    assert scene.at(0).tap(unheard_of).witness == "coordinator"
    assert scene.tap(joined(town)).walk_in
    with pytest.raises(Refused, match="unknown_person"):
        scene.tap(a_volunteer(town))


def test_taps_made_without_signal_are_synced_later_and_only_once(town: Town) -> None:
    scene = a_scene(town).at(90)
    came_at, left_at = (scene.shift.starts_at + timedelta(minutes=m) for m in (5, 80))
    tapped = [scene.tap(scene.volunteer, happened_at=at) for at in (came_at, came_at, left_at)]
    assert [a.minutes for a in tapped] == [None, None, 75]
    for wrong, code in (
        (left_at + timedelta(hours=3), "happened_at_wrong"),
        (came_at - timedelta(hours=1), "too_early"),
    ):
        with pytest.raises(Refused, match=code):
            scene.tap(scene.newcomer(), happened_at=wrong)
    with pytest.raises(Refused, match="happened_at_wrong"):
        scene.at(60 * 50).tap(scene.newcomer(signs_up=False), happened_at=came_at)


def test_a_forgotten_check_out_is_the_shifts_end_until_the_device_says_better(town: Town) -> None:
    scene = a_scene(town).at(30)
    scene.tap(scene.volunteer)
    forgotten = scene.at(200).listed().attendances[0]
    assert (forgotten.checked_out_at, forgotten.forgotten, forgotten.minutes) == (scene.shift.ends_at, True, 90)
    better = scene.tap(scene.volunteer, happened_at=scene.shift.starts_at + timedelta(minutes=70))
    assert (better.forgotten, better.minutes) == (False, 40)
    assert town.check() == []


def test_who_leaves_some_minutes_late_checks_out_as_at_the_end_and_never_with_overtime(town: Town) -> None:
    scene = a_scene(town).at(0)
    carded, late = scene.newcomer(), scene.newcomer()
    give_card(town, carded, "CARD-1")
    for one in (scene.volunteer, carded, late):
        scene.check_in(one)
    left = [scene.at(134).check_out(), scan(scene, "CARD-1")]
    assert {(a.checked_out_at, a.minutes, a.forgotten) for a in left} == {(scene.shift.ends_at, 120, False)}
    with pytest.raises(Refused, match="shift_over"):
        scene.check_in(scene.newcomer(signs_up=False))
    code = scene.at(135).code()
    with pytest.raises(Refused, match="shift_over"):
        scene.at(135.4).check_out(late, code)
    assert [a.minutes for a in scene.listed().attendances if a.forgotten] == [120]
    assert town.check() == []


def test_everybody_still_in_is_checked_out_together_and_nobody_gets_overtime(town: Town) -> None:
    scene = a_scene(town)
    others = [scene.newcomer() for _ in range(2)]
    with pytest.raises(Refused, match="too_early"):
        scene.ask(api.POST_CHECK_OUT_ALL, api.CheckOutAll())
    scene.at(0)
    for one in (scene.volunteer, *others):
        scene.tap(one)
    assert scene.at(60).tap(scene.volunteer).minutes == 60
    town.clock.move_to(scene.shift.ends_at + timedelta(minutes=5))  # type: ignore[attr-defined]
    out = scene.ask(api.POST_CHECK_OUT_ALL, api.CheckOutAll()).attendances
    assert [(a.minutes, a.forgotten) for a in out] == [(120, False)] * 2


def test_whoever_arrives_at_another_shift_has_left_the_first(town: Town) -> None:
    scene = a_scene(town, in_hours=24)
    other = a_scene(town, in_hours=25, volunteer=scene.volunteer)
    scene.at(0).check_in()
    other.at(0).check_in()
    [first] = scene.listed().attendances
    assert (first.checked_out_at, first.minutes) == (other.shift.starts_at, 60)


def test_erasure_ends_a_visit_and_leaves_nothing_but_the_random_id(town: Town) -> None:
    scene = a_scene(town).at(0)
    give_card(town, scene.volunteer, "CARD-1")
    scan(scene, "CARD-1")
    scene.at(40)
    tell(town, PersonErased(person_id=scene.volunteer.person_id))
    assert scene.listed().attendances[0].minutes == 40
    with pytest.raises(Refused, match="unknown_card"):
        scan(scene, "CARD-1")
    with pytest.raises(Refused, match="unknown_person"):
        a_scene(town, in_hours=1).at(0).tap(scene.volunteer)
