"""What awards refuses, with every fact a person needs to do better; and the edges of its days and shares."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from infra.city import read_city
from services.apis.awards import DraftRule, SetRule
from services.apis.city import Cap, Caps
from services.awards import domain
from services.events.attendance import AttendanceConfirmed
from services.events.awards import FundSource, Plan
from services.events.funding import Earmark, FundOpened
from services.kit.settings import CITIES
from tests.unit.refusals import refusal_of

TODAY = date(2026, 5, 4)
P = UUID(int=1)
PURPOSE = domain.Purpose("le-querce", "green", P)


def a_rule(**more: Any) -> SetRule:
    fields: dict[str, Any] = {
        "programme_id": P,
        "form": "per_participation",
        "coins": 5,
        "valid_from": TODAY,
        "legal_basis": "an act",
    }
    return SetRule(**{**fields, **more})


def test_a_rule_names_how_many_hours_count_exactly_where_hours_count() -> None:
    for form, most in (("per_hour", None), ("per_participation", 3)):
        draft = DraftRule(programme_id=P, form=form, coins=1, most_hours=most)  # type: ignore[arg-type]
        assert refusal_of(domain.check_rule, draft) == ("rule_incomplete", 422, {"form": form, "most_hours": most})
        assert (
            refusal_of(domain.check_new_rule, a_rule(form=form, most_hours=most), (), today=TODAY)[0]
            == "rule_incomplete"
        )
    domain.check_rule(DraftRule(programme_id=P, form="per_hour", coins=1, most_hours=3))


def test_a_rule_changes_nothing_already_earned_and_no_other_rule() -> None:
    yesterday, tomorrow = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
    past = refusal_of(domain.check_new_rule, a_rule(valid_from=yesterday), (), today=TODAY)
    assert past == ("rule_in_the_past", 409, {"valid_from": "2026-05-03", "today": "2026-05-04"})
    twice = refusal_of(domain.check_new_rule, a_rule(), (tomorrow, TODAY), today=TODAY)
    assert twice == ("rule_exists", 409, {"valid_from": "2026-05-04"})
    domain.check_new_rule(a_rule(), (tomorrow,), today=TODAY)


def test_a_preview_looks_back_over_a_year_at_most() -> None:
    year_ago = TODAY - timedelta(days=365)
    domain.check_window(year_ago, TODAY, today=TODAY)
    domain.check_window(TODAY, TODAY, today=TODAY)
    for first, last in (
        (year_ago - timedelta(days=1), TODAY),
        (TODAY, TODAY - timedelta(days=1)),
        (TODAY, TODAY + timedelta(days=1)),
    ):
        facts = {"from_day": first.isoformat(), "to_day": last.isoformat(), "today": "2026-05-04"}
        assert refusal_of(domain.check_window, first, last, today=TODAY) == ("window_wrong", 422, facts)


@pytest.mark.parametrize(
    ("earned_on", "months", "last"),
    [
        (date(2026, 5, 4), 6, date(2026, 11, 30)), (date(2026, 6, 30), 6, date(2026, 12, 31)), (date(2026, 7, 1), 6, date(2027, 1, 31)),
        (date(2026, 12, 31), 14, date(2028, 2, 29)), (date(2026, 1, 31), 1, date(2026, 2, 28)),
    ],
)  # fmt: skip
def test_coins_are_good_until_the_end_of_a_month(earned_on: date, months: int, last: date) -> None:
    assert domain.last_day_to_spend(earned_on, months) == last


def test_the_months_of_two_days_begin_with_the_first_and_end_with_the_last() -> None:
    assert domain.whole_months(date(2026, 1, 31), date(2028, 2, 1)) == (date(2026, 1, 1), date(2028, 2, 29))


def a_fund(number: int, kind: Any = "city", **more: Any) -> FundOpened:
    return FundOpened(
        **{"fund_id": UUID(int=number), "kind": kind, "name": "F", "rank": number, "earmark": Earmark(), **more}
    )


def test_a_grant_pays_its_share_and_its_co_fund_the_rest_or_nothing() -> None:
    city = a_fund(9)
    in_order = Plan(sources=(FundSource(fund_id=UUID(int=9)),))
    for share, mine in ((1, 999), (750, 250), (999, 1)):
        grant = a_fund(1, "grant", share_permille=share, co_fund_id=UUID(int=9))
        shared = Plan(sources=(
            FundSource(fund_id=UUID(int=1), share_permille=share), FundSource(fund_id=UUID(int=9), share_permille=mine),
        ))  # fmt: skip
        assert domain.plans_for([city, grant], PURPOSE, TODAY) == (shared, in_order)
    whole = a_fund(1, "grant", share_permille=1000)
    assert domain.plans_for([whole], PURPOSE, TODAY) == (
        Plan(sources=(FundSource(fund_id=UUID(int=1), share_permille=1000),)),
    )
    for share, co_fund in ((None, 9), (0, 9), (1001, 9), (750, None), (750, 8)):
        alone = a_fund(1, "grant", share_permille=share, co_fund_id=UUID(int=co_fund) if co_fund else None)
        assert domain.plans_for([city, alone], PURPOSE, TODAY) == (in_order,)


def test_a_fund_backs_what_its_days_and_its_earmark_name() -> None:
    fits = Earmark(neighbourhood_ids=("le-querce", "stazione"), kinds=("green", "bins"), programme_ids=(P,))
    fund = a_fund(1, opens_on=TODAY, ends_on=TODAY, earmark=fits)
    assert domain.plans_for([fund], PURPOSE, TODAY) != ()
    for other in (
        replace(PURPOSE, neighbourhood_id="x"),
        replace(PURPOSE, kind="x"),
        replace(PURPOSE, programme_id=UUID(int=2)),
    ):
        assert domain.plans_for([fund], other, TODAY) == ()
    for day in (TODAY - timedelta(days=1), TODAY + timedelta(days=1)):
        assert domain.plans_for([fund], PURPOSE, day) == ()


def test_minutes_below_the_least_earn_nothing_and_only_whole_hours_count() -> None:
    hourly = DraftRule(programme_id=P, form="per_hour", coins=2, most_hours=3, least_minutes=45)
    assert [domain.coins_earned(hourly, m) for m in (44, 45, 59, 60, 119, 120, 180, 240)] == [0, 0, 0, 2, 2, 4, 6, 6]
    flat = DraftRule(programme_id=P, form="per_participation", coins=5, least_minutes=45)
    assert [domain.coins_earned(flat, m) for m in (44, 45, 400)] == [0, 5, 5]
    assert domain.coins_earned(replace_most(hourly, None), 600) == 0


def replace_most(rule: DraftRule, most: int | None) -> DraftRule:
    return DraftRule(programme_id=rule.programme_id, form=rule.form, coins=rule.coins, most_hours=most)


def caps(day: int | None, month: int | None) -> Caps:
    def one(cents: int | None) -> tuple[Cap, ...]:
        return () if cents is None else (Cap(amount_cents=cents, since=date(2020, 1, 1), legal_basis="an act"),)

    return Caps(day=one(day), month=one(month))


@pytest.mark.parametrize(
    ("day", "month", "amount", "cut_by"),
    [
        (None, None, 900, None), (1000, None, 500, "day"), (None, 2000, 800, "month"), (1000, 2000, 500, "day"), (1700, 2000, 800, "month"),
        (1300, 2000, 800, "day"),  # both leave the same: the day's is named
    ],
)  # fmt: skip
def test_a_ceiling_the_city_has_not_set_cuts_nothing(
    day: int | None, month: int | None, amount: int, cut_by: Any
) -> None:
    used = {TODAY: 500, TODAY - timedelta(days=1): 700, TODAY - timedelta(days=30): 9000}
    assert domain.give(900, caps(day, month), TODAY, used) == domain.Given(900, amount, cut_by, day, month)


def confirmed(**more: Any) -> AttendanceConfirmed:
    fields: dict[str, Any] = {
        "attendance_id": UUID(int=41), "person_id": UUID(int=42), "shift_id": UUID(int=43), "programme_id": P, "organisation_id": P,
        "neighbourhood_id": "le-querce", "kind": "green", "place": "Park", "started_at": datetime(2026, 5, 4, 7, tzinfo=UTC),
        "minutes": 120, **more,
    }  # fmt: skip
    return AttendanceConfirmed(**fields)


def test_a_revision_heard_twice_counts_once_and_what_changes_nothing_keeps_its_award() -> None:
    rule = domain.Rule(rule_id=P, valid_from=date.min, form="per_participation", coins=5)
    book = domain.Book(heard={}, standing={}, kept={}, used={}, rules={}, city_rule=rule)

    def ids(attendance_id: UUID, revision: int) -> UUID:
        return UUID(int=attendance_id.int * 100 + revision)

    news = [confirmed(), confirmed(), confirmed(revision=2), confirmed(revision=3, neighbourhood_id="stazione")]
    first, again, same, moved = domain.decide(news, read_city(CITIES / "valdarco.toml"), book, ids)
    assert again is None
    assert first is not None and same is not None and moved is not None  # noqa: PT018 - three of a kind
    assert (first.award_id, same.award_id, moved.award_id) == (UUID(int=4101), UUID(int=4101), UUID(int=4103))
    assert (first.unchanged, same.unchanged, moved.unchanged) == (False, True, False)
    assert moved.before == domain.Standing(UUID(int=4101), TODAY, P, "le-querce", 500)


def test_a_correction_is_weighed_as_if_its_award_and_what_earlier_ones_kept_had_never_been() -> None:
    person, attendance, rule = UUID(int=42), UUID(int=41), domain.Rule(P, date.min, "per_participation", coins=12)
    book = domain.Book(
        heard={attendance: 2}, standing={attendance: domain.Standing(UUID(int=7), TODAY, P, "le-querce", 500)},
        kept={attendance: {TODAY: 200}}, used={person: {TODAY: 500}}, rules={}, city_rule=rule,
    )  # fmt: skip
    (one,) = domain.decide([confirmed(revision=3)], read_city(CITIES / "valdarco.toml"), book, lambda _, n: UUID(int=n))
    assert one is not None
    assert (one.given.rule_cents, one.given.amount_cents, one.given.cut_by) == (1200, 1000, "day")
