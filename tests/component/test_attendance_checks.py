"""The checks find what they are for: each is shown one wrong row. And the races they guard against are lost by nobody."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.wiring import Town
from services.apis import attendance as api
from services.apis.errors import Refused
from services.attendance.checks import CHECKS
from tests.builders import As
from tests.builders_attendance import Scene, a_confirmed_attendance, a_scene

DAMAGE = {
    "confirmed minutes stay within the shift": "UPDATE attendances SET minutes = 121; UPDATE decisions SET minutes = 121",
    "a person has one attendance at a shift": """
        ALTER TABLE attendances DROP CONSTRAINT uq_attendances_shift_id_person_id;
        INSERT INTO attendances (attendance_id, shift_id, person_id, state, walk_in, forgotten, revision)
        SELECT gen_random_uuid(), shift_id, person_id, 'rejected', false, false, 0 FROM attendances""",
    "nobody is still checked in a day after the shift": """
        UPDATE attendances SET state = 'open', checked_out_at = NULL;
        UPDATE shifts SET ends_at = ends_at - interval '25 hours', starts_at = starts_at - interval '25 hours'""",
    "nobody decided on their own attendance": "UPDATE decisions SET decided_by = (SELECT person_id FROM attendances)",
    "an attendance stands as it was last decided": "UPDATE attendances SET minutes = 60",
    "every decision was taken once and published once": "UPDATE outbox SET type = 'other' WHERE type = 'attendance.confirmed.v1'",
}


def test_every_check_is_shown_a_wrong_row() -> None:
    assert DAMAGE.keys() == CHECKS.keys()


@pytest.mark.parametrize("sentence", CHECKS)
def test_a_check_finds_what_it_is_for_and_nothing_else_is_wrong(town: Town, sentence: str) -> None:
    a_confirmed_attendance(town)
    with town.rooms["attendance"].engine.connect() as conn:
        conn.exec_driver_sql(DAMAGE[sentence])
        wrong = [name for name, query in CHECKS.items() if conn.exec_driver_sql(query).all()]
        conn.rollback()
    assert wrong == [sentence]


def outcome(scene: Scene, who: As, code: str) -> str:
    try:
        return scene.check_in(who, code).state
    except Refused as refusal:
        return refusal.code


def test_of_many_walk_ins_at_once_exactly_one_gets_the_last_place(town: Town) -> None:
    scene = a_scene(town, capacity=2)
    walk_ins = [scene.newcomer(signs_up=False) for _ in range(6)]
    scene.at(0).check_in()
    code = scene.code()
    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(lambda who: outcome(scene, who, code), walk_ins))
    assert outcomes == ["open", *["shift_full"] * 5]


def test_one_person_scanning_on_two_phones_at_once_comes_in_once(town: Town) -> None:
    scene = a_scene(town).at(0)
    code = scene.code()
    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(lambda _: outcome(scene, scene.volunteer, code), range(4)))
    assert outcomes == ["code_used", "code_used", "code_used", "open"]


def test_a_confirmation_and_a_dispute_at_once_end_in_a_dispute_or_a_settlement(town: Town) -> None:
    done = a_confirmed_attendance(town, minutes=60)
    with ThreadPoolExecutor(2) as pool:
        confirming = pool.submit(done.scene.confirm, done.attendance, 90)
        disputing = pool.submit(done.scene.dispute, reason="minutes_wrong")
        assert confirming.result().state == "confirmed"
        assert disputing.result().state == "disputed"
    [mine] = done.scene.volunteer.ask("attendance", api.GET_MY_ATTENDANCES).attendances
    assert (mine.state, mine.minutes, mine.revision) in {("disputed", 90, 2), ("confirmed", 90, 2)}
    assert town.check() == []
