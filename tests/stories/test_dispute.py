"""What a volunteer disputes, somebody else than the volunteer settles; the award follows, and no ceiling is passed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from infra.wiring import Town
from services.apis import attendance, awards, shifts
from services.apis.endpoint import Page
from services.apis.errors import Refused
from tests.builders_identity import SignedIn, staff, the_admin
from tests.stories.town_life import (
    Cast,
    a_city_fund,
    a_shift,
    a_shop_joins,
    come,
    confirm_all,
    it_becomes,
    sign_up,
    take_part,
)


def a_rule_per_hour(cast: Cast, coins: int) -> None:
    today = cast.town.city.day_of(cast.town.clock.now())
    body = awards.SetRule(
        programme_id=cast.programme_id, form="per_hour", coins=coins, most_hours=4, valid_from=today, legal_basis="Delibera 12/2026",
    )  # fmt: skip
    the_admin(cast.town).ask("awards", awards.POST_RULE, body)


def dispute(who: SignedIn, shift: shifts.Shift, **words: Any) -> attendance.Attendance:
    body = attendance.MakeDispute(**{"reason": "minutes_wrong", **words})
    disputed = who.ask("attendance", attendance.POST_DISPUTE, body, shift_id=shift.shift_id)
    who.town.settle()
    return disputed


def confirm(who: SignedIn, attended: attendance.Attendance, minutes: int | None = None) -> attendance.Attendance:
    body, id_ = attendance.Confirm(minutes=minutes), attended.attendance_id
    confirmed = who.ask("attendance", attendance.POST_CONFIRM, body, attendance_id=id_)
    who.town.settle()
    return confirmed


def reject(who: SignedIn, attended: attendance.Attendance) -> attendance.Attendance:
    body, id_ = attendance.Reject(reason="entered_by_mistake"), attended.attendance_id
    rejected = who.ask("attendance", attendance.POST_REJECT, body, attendance_id=id_)
    who.town.settle()
    return rejected


def waiting_disputes(cast: Cast) -> tuple[attendance.Dispute, ...]:
    return cast.nadia.ask("attendance", attendance.GET_DISPUTES, query=Page()).disputes


def test_wrong_minutes_are_corrected_and_the_award_with_them(town: Town) -> None:
    cast = Cast(town)
    amal = cast.volunteer("Amal")
    fund_id = a_city_fund(cast)
    a_rule_per_hour(cast, coins=2)
    shift = a_shift(cast)
    come(cast, shift, amal, minutes=60)
    confirm_all(cast, shift)
    assert amal.coins == 200

    it_becomes(town, shift.ends_at + timedelta(days=1))
    dispute(amal, shift, note="I went on until the end")
    with pytest.raises(Refused, match="already_disputed"):
        dispute(amal, shift)
    assert amal.coins == 200  # nothing is taken while somebody looks at it
    [waiting] = waiting_disputes(cast)
    assert (waiting.note, waiting.attendance.minutes) == ("I went on until the end", 60)

    settled = confirm(cast.nadia, waiting.attendance, minutes=120)
    assert (settled.state, settled.minutes, settled.revision) == ("confirmed", 120, 2)
    assert waiting_disputes(cast) == ()
    assert amal.coins == 400
    assert [(a.state, a.amount_cents, a.revision) for a in amal.awards] == [("issued", 400, 2), ("withdrawn", 200, 1)]
    assert cast.fund(fund_id).issued_cents == 400
    with pytest.raises(Refused, match="dispute_settled"):
        dispute(amal, shift)
    assert town.check() == []


def test_what_was_spent_before_a_correction_is_not_given_twice(town: Town) -> None:
    cast = Cast(town)
    amal, shop = cast.volunteer("Amal"), a_shop_joins(cast)
    a_city_fund(cast)
    a_rule_per_hour(cast, coins=5)
    shift = a_shift(cast)
    come(cast, shift, amal)
    [attended] = confirm_all(cast, shift).confirmed
    amal.buys(shop.till, 1000)  # the whole day's ceiling

    for minutes in (60, 120):
        it_becomes(town, town.clock.now() + timedelta(hours=1))
        confirm(cast.nadia, attended, minutes=minutes)
        assert amal.coins == 0
    assert {a.revision: (a.state, a.amount_cents, a.kept_cents) for a in amal.awards} == {
        1: ("withdrawn", 1000, 1000), 2: ("withdrawn", 500, 0), 3: ("issued", 1000, 0),
    }  # fmt: skip
    assert town.check() == []


def test_i_was_there(town: Town) -> None:
    cast = Cast(town)
    amal, bashir = cast.volunteer("Amal"), cast.volunteer("Bashir")
    a_city_fund(cast)
    shift = a_shift(cast)
    sign_up(shift, amal)
    it_becomes(town, shift.starts_at + timedelta(minutes=5))
    with pytest.raises(Refused, match="shift_not_over"):
        dispute(amal, shift, reason="was_there")

    it_becomes(town, shift.ends_at + timedelta(hours=1))
    with pytest.raises(Refused, match="no_sign_up"):
        dispute(bashir, shift, reason="was_there")
    absent = dispute(amal, shift, reason="was_there", note="The code would not scan")
    assert (absent.state, absent.minutes, absent.witness, amal.coins) == ("disputed", None, None, 0)
    assert [left.why for left in confirm_all(cast, shift).left] == ["disputed"]

    with pytest.raises(Refused, match="minutes_missing"):
        confirm(cast.nadia, absent)
    with pytest.raises(Refused, match="minutes_beyond_shift"):
        confirm(cast.nadia, absent, minutes=121)
    confirm(cast.nadia, absent, minutes=90)
    assert amal.coins == 500
    [line] = amal.ask("attendance", attendance.GET_MY_ATTENDANCES, query=Page()).attendances
    assert (line.state, line.minutes) == ("confirmed", 90)
    assert town.check() == []


def test_nobody_decides_on_their_own_attendance(town: Town) -> None:
    cast = Cast(town)
    a_city_fund(cast)
    omar = staff(town, "coordinator", cast.organisation_id)  # coordinates today, and lends a hand
    shift = a_shift(cast)
    it_becomes(town, shift.starts_at)
    tap = attendance.Tap(person_id=omar.person_id)
    own = cast.nadia.ask("attendance", attendance.POST_TAP, tap, shift_id=shift.shift_id)
    it_becomes(town, shift.ends_at + timedelta(minutes=1))

    for decide in (confirm, reject):
        with pytest.raises(Refused, match="own_attendance"):
            decide(omar, own)
    everybody = omar.ask("attendance", attendance.POST_CONFIRM_ALL, attendance.ConfirmAll(), shift_id=shift.shift_id)
    assert [(left.attendance_id, left.why) for left in everybody.left] == [(own.attendance_id, "own_attendance")]

    assert confirm(cast.nadia, own).forgotten
    query = awards.AwardQuery(person_id=omar.person_id)
    [award] = cast.paolo.ask("awards", awards.GET_AWARDS, query=query).awards
    assert (award.state, award.amount_cents, award.minutes) == ("issued", 500, 120)
    assert town.check() == []


def test_a_confirmation_by_mistake_is_withdrawn_but_nothing_spent_is_taken(town: Town) -> None:
    cast = Cast(town)
    amal, bashir, chiara = (cast.volunteer(name) for name in ("Amal", "Bashir", "Chiara"))
    fund_id, shop = a_city_fund(cast, 1000), a_shop_joins(cast)
    shift = a_shift(cast)
    come(cast, shift, amal, bashir)
    first, second = sorted(confirm_all(cast, shift).confirmed, key=lambda one: one.person_id != amal.person_id)
    take_part(cast, chiara)
    amal.buys(shop.till, 200)
    assert [award.reason for award in chiara.wallet.waiting] == ["not_enough_money"]

    reject(cast.nadia, first)
    assert (amal.coins, [(a.state, a.kept_cents) for a in amal.awards]) == (0, [("withdrawn", 200)])
    assert cast.fund(fund_id).free_cents == 300
    reject(cast.nadia, second)
    assert (bashir.coins, [(a.state, a.kept_cents) for a in bashir.awards]) == (0, [("withdrawn", 0)])
    assert chiara.coins == 500  # what came back paid the award that waited

    dispute(amal, shift, reason="was_there")
    reject(cast.nadia, first)
    with pytest.raises(Refused, match="dispute_settled"):
        dispute(amal, shift, reason="was_there")
    figures = cast.fund(fund_id)
    assert (figures.issued_cents, figures.outstanding_cents, figures.owed_cents, figures.free_cents) == (
        700,
        500,
        200,
        300,
    )
    assert town.check() == []


def test_a_correction_gives_no_more_than_the_days_ceiling_leaves(town: Town) -> None:
    cast = Cast(town)
    amal = cast.volunteer("Amal")
    a_city_fund(cast)
    a_rule_per_hour(cast, coins=4)
    morning = a_shift(cast)
    come(cast, morning, amal, minutes=60)
    confirm_all(cast, morning)
    take_part(cast, amal, starts_at=morning.ends_at)
    assert [(a.rule_cents, a.amount_cents) for a in amal.awards] == [(800, 600), (400, 400)]
    [cut, _] = amal.awards
    assert cut.capped_by is not None
    assert (cut.capped_by.cap, cut.capped_by.amount_cents, cut.capped_by.legal_basis) == (
        "day", 1000, "D.Lgs. 117/2017, art. 17, c. 4",
    )  # fmt: skip

    dispute(amal, morning)
    [waiting] = waiting_disputes(cast)
    confirm(cast.nadia, waiting.attendance, minutes=120)
    corrected = next(award for award in amal.awards if award.shift_id == morning.shift_id)
    assert (corrected.rule_cents, corrected.amount_cents, corrected.revision) == (800, 400, 2)
    assert corrected.capped_by == cut.capped_by
    assert amal.coins == 1000
    assert town.check() == []
