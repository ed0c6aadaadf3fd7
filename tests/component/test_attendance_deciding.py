"""Deciding on attendance: confirm one or all, correct, reject, dispute and settle; and what is listed and certified."""

from typing import Any

import pytest

from infra.wiring import Town
from services.apis import attendance as api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.events import decode
from services.events.identity import PersonErased
from services.kit.db import OUTBOX
from services.kit.ids import new_id
from tests.builders import As, a_coordinator, an_organisation, tell
from tests.builders_attendance import (
    Confirmed,
    Scene,
    a_closed_attendance,
    a_confirmed_attendance,
    a_scene,
    joined,
)


def published(town: Town) -> list[tuple[str, object]]:
    """What attendance said, in order."""
    with town.rooms["attendance"].engine.connect() as conn:
        said = [decode(bytes(row.value)) for row in conn.execute(OUTBOX.select().order_by(OUTBOX.c.seq))]
    return [(e.type.split(".")[1], e.data) for e in said]


def reject(done: Confirmed, coordinator: As | None = None, reason: str = "not_there") -> api.Attendance:
    who = coordinator or done.scene.coordinator
    return who.ask(
        "attendance", api.POST_REJECT, api.Reject(reason=reason), attendance_id=done.attendance.attendance_id
    )


def both_roles(town: Town, scene: Scene) -> As:
    """The volunteer of the scene, who also coordinates for the same organisation."""
    return As(
        town, ("volunteer", None), ("coordinator", scene.shift.organisation_id), person_id=scene.volunteer.person_id
    )


def test_a_confirmed_attendance_is_told_with_all_that_the_shift_knows(town: Town) -> None:
    done = a_confirmed_attendance(town, minutes=90)
    shift, (kind, said) = done.scene.shift, published(town)[-1]
    assert kind == "confirmed"
    assert {f: getattr(said, f) for f in ("programme_id", "organisation_id", "neighbourhood_id", "kind", "place")} == {
        f: getattr(shift, f) for f in ("programme_id", "organisation_id", "neighbourhood_id", "kind", "place")
    }
    assert (said.started_at, said.minutes, said.revision) == (shift.starts_at, 90, 1)  # type: ignore[attr-defined]
    assert [kind for kind, _ in published(town)] == ["opened", "closed", "confirmed"]
    assert town.check() == []


def test_confirming_again_changes_nothing_and_correcting_is_a_new_revision(town: Town) -> None:
    done = a_confirmed_attendance(town)
    assert done.scene.confirm(done.attendance).revision == 1
    corrected = done.scene.confirm(done.attendance, minutes=60)
    assert (corrected.state, corrected.minutes, corrected.revision) == ("confirmed", 60, 2)
    assert (reject(done).revision, reject(done).revision) == (3, 3)
    assert done.scene.confirm(done.attendance).revision == 4
    assert town.check() == []


def test_more_minutes_than_the_shift_had_or_none_at_all_cannot_be_confirmed(town: Town) -> None:
    done = a_closed_attendance(town, minutes=1)
    with pytest.raises(Refused, match="minutes_beyond_shift"):
        done.scene.confirm(done.attendance, minutes=121)
    reject(done, reason="too_short")
    scene = a_scene(town, in_hours=1).at(-10)
    nothing = scene.check_in()
    with pytest.raises(Refused, match="not_checked_out"):
        scene.confirm(nothing)
    scene.at(-5).check_out()
    with pytest.raises(Refused, match="minutes_missing"):
        scene.confirm(nothing)


def test_nobody_decides_on_their_own_attendance(town: Town) -> None:
    done = a_closed_attendance(town)
    me = both_roles(town, done.scene)
    with pytest.raises(Refused, match="own_attendance"):
        me.ask("attendance", api.POST_CONFIRM, api.Confirm(), attendance_id=done.attendance.attendance_id)
    with pytest.raises(Refused, match="own_attendance"):
        reject(done, me)
    answer = me.ask("attendance", api.POST_CONFIRM_ALL, api.ConfirmAll(), shift_id=done.scene.shift.shift_id)
    assert answer.confirmed == ()
    assert answer.left == (api.Left(attendance_id=done.attendance.attendance_id, why="own_attendance"),)


def test_a_coordinator_of_another_organisation_sees_and_decides_nothing(town: Town) -> None:
    done = a_closed_attendance(town)
    stranger = a_coordinator(town, an_organisation(town, "Somebody else"))
    with pytest.raises(Refused, match="unknown_attendance"):
        reject(done, stranger)
    for endpoint, body in ((api.GET_SHIFT_ATTENDANCES, None), (api.POST_CONFIRM_ALL, api.ConfirmAll())):
        with pytest.raises(Refused, match="not_allowed"):
            stranger.ask("attendance", endpoint, body, shift_id=done.scene.shift.shift_id)


def test_a_whole_shift_is_confirmed_at_once_with_exceptions(town: Town) -> None:
    scene = a_scene(town)
    people = [scene.volunteer, *(scene.newcomer() for _ in range(4))]
    scene.newcomer()  # never comes
    scene.at(0)
    ids = [scene.tap(one).attendance_id for one in people]
    scene.at(20).tap(people[0])  # a short visit
    scene.at(60).tap(people[1])
    town.clock.move_to(scene.shift.ends_at)  # type: ignore[attr-defined]  # no timed work yet: three are still in
    exceptions = api.ConfirmAll(left_out=(ids[2],), corrected=(api.Corrected(attendance_id=ids[3], minutes=100),))
    answer = scene.ask(api.POST_CONFIRM_ALL, exceptions)
    assert {a.attendance_id: a.minutes for a in answer.confirmed} == {ids[1]: 60, ids[3]: 100, ids[4]: 120}
    assert {(x.attendance_id, x.why) for x in answer.left} == {(ids[0], "too_short"), (ids[2], "left_out")}
    again = scene.ask(api.POST_CONFIRM_ALL, api.ConfirmAll())
    assert [a.attendance_id for a in again.confirmed] == [ids[2]]
    with pytest.raises(Refused, match="unknown_attendance"):
        scene.ask(api.POST_CONFIRM_ALL, api.ConfirmAll(left_out=(ids[1],)))
    listed = scene.at(130).listed()
    assert (listed.signed_up, len(listed.attendances), listed.no_shows, listed.awaited) == (6, 5, 1, ())
    assert town.check() == []


def test_the_list_names_those_awaited_only_until_the_end(town: Town) -> None:
    scene = a_scene(town)
    assert scene.listed().awaited == (scene.volunteer.person_id,)
    assert (scene.at(130).listed().awaited, scene.listed().no_shows) == ((), 1)
    assert scene.volunteer.ask("attendance", api.GET_MY_ATTENDANCES).attendances == ()


def test_a_dispute_waits_for_the_coordinator_and_its_settlement_is_told_again(town: Town) -> None:
    done = a_confirmed_attendance(town, minutes=60)
    scene = done.scene
    disputed = scene.dispute(reason="minutes_wrong", note="Sono rimasta fino alla fine")
    assert (disputed.state, disputed.dispute_reason) == ("disputed", "minutes_wrong")
    with pytest.raises(Refused, match="already_disputed"):
        scene.dispute()
    [waiting] = scene.coordinator.ask("attendance", api.GET_DISPUTES).disputes
    assert (waiting.attendance, waiting.note) == (disputed, "Sono rimasta fino alla fine")
    settled = scene.confirm(disputed, minutes=120)
    assert (settled.state, settled.minutes, settled.revision) == ("confirmed", 120, 2)
    assert scene.coordinator.ask("attendance", api.GET_DISPUTES).disputes == ()
    with pytest.raises(Refused, match="dispute_settled"):
        scene.dispute()
    assert [kind for kind, _ in published(town)][-3:] == ["confirmed", "disputed", "confirmed"]
    assert town.check() == []


def test_a_rejection_can_be_disputed_and_rejected_again(town: Town) -> None:
    done = a_closed_attendance(town)
    assert reject(done).reject_reason == "not_there"
    done.scene.dispute()
    assert reject(done, reason="entered_by_mistake").revision == 2
    [mine] = done.scene.volunteer.ask("attendance", api.GET_MY_ATTENDANCES).attendances
    assert (mine.state, mine.reject_reason) == ("rejected", "entered_by_mistake")
    assert town.check() == []


def test_somebody_who_was_there_unrecorded_says_so_and_a_coordinator_confirms(town: Town) -> None:
    scene = a_scene(town)
    with pytest.raises(Refused, match="no_sign_up"):
        scene.dispute(scene.newcomer(signs_up=False))
    with pytest.raises(Refused, match="shift_not_over"):
        scene.at(60).dispute()
    absence = scene.at(130).dispute()
    assert (absence.state, absence.checked_in_at, absence.minutes) == ("disputed", None, None)
    with pytest.raises(Refused, match="minutes_missing"):
        scene.confirm(absence)
    assert scene.confirm(absence, minutes=90).state == "confirmed"
    assert (scene.listed().no_shows, town.check()) == (0, [])


def test_a_dispute_is_too_late_after_thirty_days_and_unknown_shifts_cannot_be_disputed(town: Town) -> None:
    scene = a_scene(town).at(60 * 24 * 31)
    with pytest.raises(Refused, match="dispute_too_late"):
        scene.dispute()
    with pytest.raises(Refused, match="unknown_shift"):
        scene.volunteer.ask("attendance", api.POST_DISPUTE, api.MakeDispute(reason="other"), shift_id=new_id())


def test_erasure_deletes_the_note_of_a_dispute_and_keeps_the_dispute(town: Town) -> None:
    done = a_confirmed_attendance(town)
    done.scene.dispute(note="My name is Amina")
    tell(town, PersonErased(person_id=done.scene.volunteer.person_id))
    [waiting] = done.scene.coordinator.ask("attendance", api.GET_DISPUTES).disputes
    assert waiting.note is None


def test_what_a_person_wrote_never_leaves_this_service(town: Town) -> None:
    done = a_confirmed_attendance(town)
    done.scene.dispute(note="My name is Amina")
    assert "Amina" not in repr(published(town))


def everything(who: As, endpoint: Any, field: str) -> list[Any]:
    """All of a list, one a page."""
    seen, cursor = [], None
    while True:
        page = who.ask("attendance", endpoint, query=Page(cursor=cursor, limit=1))
        seen += getattr(page, field)
        cursor = page.next_cursor
        if cursor is None:
            return seen


def test_attendances_and_disputes_are_listed_page_by_page(town: Town) -> None:
    volunteer, organisation_id = joined(town), an_organisation(town)
    scenes = [a_scene(town, volunteer=volunteer, in_hours=h, organisation_id=organisation_id) for h in (1, 5, 9)]
    for scene in scenes:
        scene.at(130).dispute()
    shifts = [scene.shift.shift_id for scene in scenes]
    mine = everything(volunteer, api.GET_MY_ATTENDANCES, "attendances")
    assert [a.shift_id for a in mine] == shifts[::-1]
    disputes = everything(a_coordinator(town, organisation_id), api.GET_DISPUTES, "disputes")
    assert [d.attendance.shift_id for d in disputes] == shifts
    assert everything(a_coordinator(town, an_organisation(town, "Somebody else")), api.GET_DISPUTES, "disputes") == []


def test_an_auditor_looks_one_attendance_up(town: Town) -> None:
    done, auditor = a_confirmed_attendance(town), As(town, ("auditor", None))
    this = done.attendance.attendance_id
    assert auditor.ask("attendance", api.GET_ATTENDANCE, attendance_id=this) == done.attendance
    with pytest.raises(Refused, match="unknown_attendance"):
        auditor.ask("attendance", api.GET_ATTENDANCE, attendance_id=new_id())
    with pytest.raises(Refused, match="not_allowed"):
        done.scene.coordinator.ask("attendance", api.GET_ATTENDANCE, attendance_id=this)
