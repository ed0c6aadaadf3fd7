"""What a confirmed attendance earns: rules, ceilings, corrections."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.city import read_city
from services.apis.awards import DraftRule
from services.apis.city import Cap, Caps
from services.apis.errors import Refused
from services.awards.domain import (
    Book,
    Rule,
    Standing,
    check_rule,
    check_window,
    coins_earned,
    decide,
    give,
    last_day_to_spend,
    rule_on,
)
from services.events.attendance import AttendanceConfirmed

VALDARCO = read_city(Path("infra/cities/valdarco.toml"))
SPACE = UUID(int=7)
PEOPLE = [UUID(int=n) for n in (1, 2)]
PROGRAMMES = [UUID(int=n) for n in (11, 12)]
CITY_RULE = Rule(rule_id=UUID(int=99), valid_from=date.min, form="per_participation", coins=5)
MONDAY = date(2026, 5, 4)
CAPS = Caps(  # low enough that a few attendances reach them, and changing in the middle of a month
    day=(Cap(amount_cents=1000, since=date(2020, 1, 1), legal_basis="a"),),
    month=(
        Cap(amount_cents=2500, since=date(2020, 1, 1), legal_basis="a"),
        Cap(amount_cents=1800, since=date(2026, 5, 10), legal_basis="b"),
    ),
)
CITY = msgspec.structs.replace(VALDARCO, caps=CAPS)


def a_rule(**more: object) -> Rule:
    return replace(CITY_RULE, rule_id=UUID(int=98), **more)  # type: ignore[arg-type]


def an_attendance(number: int, person: UUID, day: int = 4, minutes: int = 120, **more: object) -> AttendanceConfirmed:
    fields = {
        "attendance_id": UUID(int=number), "person_id": person, "shift_id": SPACE, "programme_id": PROGRAMMES[0],
        "organisation_id": SPACE, "neighbourhood_id": "le-querce", "kind": "green", "place": "Park",
        "started_at": datetime(2026, 5, 1, 7, tzinfo=UTC) + timedelta(days=day - 1), "minutes": minutes, **more,
    }  # fmt: skip
    return AttendanceConfirmed(**fields)  # type: ignore[arg-type]


def a_book(**more: object) -> Book:
    empty = Book(heard={}, standing={}, kept={}, used={}, rules={PROGRAMMES[0]: [HOURLY]}, city_rule=CITY_RULE)
    return replace(empty, **more)  # type: ignore[arg-type]


def award_id(attendance_id: UUID, revision: int) -> UUID:
    return uuid5(SPACE, f"{attendance_id}/{revision}")


HOURLY = a_rule(form="per_hour", coins=4, most_hours=3, least_minutes=60, valid_from=date(2026, 5, 1))

attendances = st.builds(
    an_attendance,
    st.integers(1, 12),
    st.just(PEOPLE[0]),
    day=st.integers(1, 45),
    minutes=st.integers(0, 300),
    programme_id=st.sampled_from(PROGRAMMES),
    revision=st.integers(1, 3),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(attendances, max_size=30), st.integers(1, 30))
def test_no_order_of_confirmations_and_corrections_gives_more_than_the_ceilings(
    confirmed: list[AttendanceConfirmed], size: int
) -> None:
    """In batches of any size: what stands after each stays under both ceilings, and given and cut make what the rule gives."""
    living: dict[UUID, tuple[date, int]] = {}
    highest: defaultdict[tuple[int, int], int] = defaultdict(int)
    book = a_book()
    for start in range(0, len(confirmed), size):
        batch = confirmed[start : start + size]
        for one, decision in zip(batch, decide(batch, CITY, book, award_id), strict=True):
            if decision is None:
                continue
            cents = decision.given.amount_cents
            cut = decision.given.rule_cents - cents
            assert 0 <= cents <= decision.given.rule_cents
            assert (cut > 0) == (decision.given.cut_by is not None)
            assert decision.given.rule_cents == coins_earned(decision.rule, one.minutes) * 100
            living[one.attendance_id] = (decision.day, cents)
            month = (decision.day.year, decision.day.month)
            highest[month] = max(highest[month], decision.given.month_cap_cents or 0)
            book = a_book(
                heard={**book.heard, one.attendance_id: one.revision},
                standing={
                    **book.standing,
                    one.attendance_id: Standing(decision.award_id, decision.day, one.programme_id, "le-querce", cents),
                },
            )
        book = replace(book, used={PEOPLE[0]: _by_day(living)})
        assert all(cents <= 1000 for cents in _by_day(living).values())
        for month, ceiling in highest.items():
            in_month = [c for day, c in living.values() if (day.year, day.month) == month]
            assert sum(in_month) <= ceiling


def _by_day(living: dict[UUID, tuple[date, int]]) -> dict[date, int]:
    used: defaultdict[date, int] = defaultdict(int)
    for day, cents in living.values():
        used[day] += cents
    return used


@given(st.permutations([an_attendance(n, PEOPLE[n % 2], day=4 + n // 4) for n in range(1, 10)]))
def test_whatever_the_order_each_person_gets_the_same_in_all(confirmed: list[AttendanceConfirmed]) -> None:
    totals: defaultdict[UUID, int] = defaultdict(int)
    for one, decision in zip(confirmed, decide(confirmed, VALDARCO, a_book(), award_id), strict=True):
        assert decision is not None
        totals[one.person_id] += decision.given.amount_cents
    assert totals == {PEOPLE[0]: 800 + 1000 + 800, PEOPLE[1]: 1000 + 1000 + 800}


def test_a_correction_that_changes_no_coin_keeps_the_award() -> None:
    first, again = an_attendance(1, PEOPLE[0], minutes=120), an_attendance(1, PEOPLE[0], minutes=125, revision=2)
    before, after = decide([first, again], VALDARCO, a_book(), award_id)
    assert after is not None
    assert before is not None
    assert after.unchanged
    assert after.award_id == before.award_id


def test_a_correction_is_decided_as_if_the_award_before_it_had_never_been() -> None:
    first, other = an_attendance(1, PEOPLE[0], minutes=120), an_attendance(2, PEOPLE[0], minutes=60)
    more = an_attendance(1, PEOPLE[0], minutes=180, revision=2)
    decisions = decide([first, other, more], VALDARCO, a_book(), award_id)
    assert [d.given.amount_cents for d in decisions if d] == [800, 200, 800]
    assert decisions[2] is not None
    assert (decisions[2].given.rule_cents, decisions[2].given.cut_by) == (1200, "day")


def test_what_was_kept_of_earlier_awards_is_part_of_what_a_correction_gives() -> None:
    """Six euros were spent before: the next attendance of the day finds what the larger of spent and awarded leaves."""
    kept, used = {UUID(int=1): {MONDAY: 600}}, {PEOPLE[0]: {MONDAY: 600}}
    for minutes, gives, leaves in ((60, 400, 400), (120, 800, 200), (180, 1000, 0)):
        again = an_attendance(1, PEOPLE[0], minutes=minutes, revision=2)
        other = an_attendance(2, PEOPLE[0], minutes=180)
        decisions = decide([again, other], VALDARCO, a_book(kept=kept, used=used), award_id)
        assert [d.given.amount_cents for d in decisions if d] == [gives, leaves]


def test_a_correction_to_another_day_uses_that_days_ceiling() -> None:
    confirmed = [
        an_attendance(1, PEOPLE[0]),
        an_attendance(2, PEOPLE[0], day=5, minutes=180),
        an_attendance(1, PEOPLE[0], day=5, revision=2),
        an_attendance(3, PEOPLE[0], day=4, minutes=180),
    ]
    decisions = [d for d in decide(confirmed, VALDARCO, a_book(), award_id) if d]
    assert [d.given.amount_cents for d in decisions] == [800, 1000, 0, 1000]
    assert not decisions[2].unchanged


def test_an_older_revision_arriving_late_is_ignored() -> None:
    new, old = an_attendance(1, PEOPLE[0], revision=2), an_attendance(1, PEOPLE[0], minutes=180)
    assert decide([new, old], VALDARCO, a_book(), award_id)[1] is None
    assert decide([old], VALDARCO, a_book(heard={old.attendance_id: 3}), award_id) == [None]


def test_the_months_ceiling_is_named_when_it_leaves_less_than_the_days() -> None:
    used = {date(2026, 5, d): 900 for d in range(10, 13)}
    cut = give(800, msgspec.structs.replace(CAPS, month=CAPS.month[:1]), date(2026, 5, 9), {date(2026, 5, 8): 2400})
    assert (cut.amount_cents, cut.cut_by, cut.month_cap_cents) == (100, "month", 2500)
    spent = give(800, CAPS, date(2026, 5, 20), used)
    assert (spent.amount_cents, spent.cut_by, spent.month_cap_cents) == (0, "month", 1800)


def test_a_new_month_starts_with_the_whole_ceiling() -> None:
    assert give(800, CAPS, date(2026, 6, 1), {date(2026, 5, 31): 1800}).amount_cents == 800


def test_the_day_is_the_citys_not_greenwichs() -> None:
    late = an_attendance(1, PEOPLE[0], started_at=datetime(2026, 5, 4, 22, 30, tzinfo=UTC))
    decision = decide([late], VALDARCO, a_book(), award_id)[0]
    assert decision is not None
    assert decision.day == date(2026, 5, 5)


def test_the_latest_rule_that_has_started_holds_and_before_the_first_the_citys() -> None:
    may, june = a_rule(valid_from=date(2026, 5, 1)), a_rule(valid_from=date(2026, 6, 1), coins=3)
    in_force = [
        rule_on([june, may], day, CITY_RULE) for day in (date(2026, 4, 30), date(2026, 5, 31), date(2026, 6, 1))
    ]
    assert in_force == [CITY_RULE, may, june]


@pytest.mark.parametrize(("minutes", "coins"), [(59, 0), (60, 4), (119, 4), (120, 8), (180, 12), (400, 12)])
def test_a_rule_per_hour_counts_whole_hours_up_to_its_most(minutes: int, coins: int) -> None:
    assert coins_earned(HOURLY, minutes) == coins


def test_a_participation_shorter_than_the_least_minutes_earns_nothing() -> None:
    assert [coins_earned(a_rule(least_minutes=30), minutes) for minutes in (29, 30)] == [0, 5]


def test_coins_can_be_spent_to_the_end_of_a_month() -> None:
    assert last_day_to_spend(MONDAY, 6) == date(2026, 11, 30)
    assert last_day_to_spend(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert last_day_to_spend(date(2026, 12, 1), 12) == date(2027, 12, 31)


def test_a_rule_says_how_many_hours_count_only_where_hours_are_counted() -> None:
    for form, most_hours in (("per_hour", None), ("per_participation", 2)):
        with pytest.raises(Refused, match="rule_incomplete"):
            check_rule(DraftRule(programme_id=SPACE, form=form, coins=1, most_hours=most_hours))  # type: ignore[arg-type]


def test_a_preview_looks_back_at_most_a_year() -> None:
    check_window(MONDAY - timedelta(days=365), MONDAY, today=MONDAY)
    for first, last in ((366, 0), (0, 1), (0, -1)):
        with pytest.raises(Refused, match="window_wrong"):
            check_window(MONDAY - timedelta(days=first), MONDAY - timedelta(days=last), today=MONDAY)
