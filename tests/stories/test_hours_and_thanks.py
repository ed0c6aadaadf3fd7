"""What may stand between hours and coins, over HTTP: one's own attendance, a ceiling, no money yet."""

from __future__ import annotations

from datetime import timedelta

from infra.wiring import Town
from services.apis import attendance
from tests.builders_identity import staff
from tests.stories.refusals import assert_refused
from tests.stories.town_life import Cast, a_city_fund, a_shift, it_becomes, take_part


def test_own_hours_are_refused_a_ceilings_cut_is_said_and_no_money_waits(town: Town) -> None:
    """The first is refused. The other two are no refusals: what a ceiling cut is said with the act that set it, and what no money
    covers yet waits."""
    cast, day = Cast(town), timedelta(days=1)
    amal, omar = cast.volunteer("Amal"), staff(town, "coordinator", cast.organisation_id)
    start = town.clock.now() + day
    for hours in (0, 3, 6):
        take_part(cast, amal, starts_at=start + timedelta(hours=hours))
    shift = a_shift(cast)
    it_becomes(town, shift.starts_at)
    tap = attendance.Tap(person_id=omar.person_id)
    own = omar.ask("attendance", attendance.POST_TAP, tap, shift_id=shift.shift_id)
    it_becomes(town, shift.ends_at)
    this = {"attendance_id": own.attendance_id}
    not_there = attendance.Reject(reason="not_there")
    assert_refused(
        town, "attendance",
        ("own_attendance", omar, attendance.POST_CONFIRM, attendance.Confirm(), this),
        ("own_attendance", omar, attendance.POST_REJECT, not_there, this),
    )  # fmt: skip
    cut, second, first = amal.awards
    assert (cut.state, cut.rule_cents, cut.amount_cents) == ("capped", 500, 0)
    assert cut.capped_by is not None
    assert (cut.capped_by.cap, cut.capped_by.amount_cents) == ("day", 1000)
    assert cut.capped_by.legal_basis
    assert {(a.state, a.waiting_for) for a in (first, second)} == {("waiting", "no_fund")}
    a_city_fund(cast)
    assert amal.coins == 1000
    assert town.check() == []
