"""Decisions about awards: which rule holds, what it gives, what the ceilings leave of it, and which funds may stand behind it.

Days are days of the city. Amounts are integer euro cents. Ids and the city are arguments.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from services.apis.awards import CapKind, DraftRule, Form, SetCap, SetRule
from services.apis.city import Caps, City, cap_on
from services.apis.errors import Refused
from services.events.attendance import AttendanceConfirmed
from services.events.awards import FundSource, Plan
from services.events.funding import FundOpened

WHOLE = 1000  # permille
LONGEST_WINDOW = timedelta(days=366)

Used = Mapping[date, int]
"""What one person was given, in cents, by the day it was earned on."""


@dataclass(frozen=True)
class Rule:
    """What a recognised participation earns, from `valid_from` until a later rule of the same programme."""

    rule_id: UUID
    valid_from: date
    form: Form
    coins: int
    least_minutes: int = 0
    most_hours: int | None = None


@dataclass(frozen=True)
class Given:
    """What the rule gives, what the ceilings left of it, and the one that cut it. A ceiling is None where the city has set none."""

    rule_cents: int
    amount_cents: int
    cut_by: CapKind | None
    day_cap_cents: int | None
    month_cap_cents: int | None


@dataclass(frozen=True)
class Standing:
    """The award an attendance has: what a later revision of the attendance is compared with."""

    award_id: UUID
    day: date
    programme_id: UUID
    neighbourhood_id: str
    amount_cents: int


@dataclass(frozen=True)
class Book:
    """What a batch is decided on: per attendance the newest revision heard, the award that stands and what withdrawn ones kept, per
    person what was given, per programme its rules, and the rule of the city where a programme has none."""

    heard: Mapping[UUID, int]
    standing: Mapping[UUID, Standing]
    kept: Mapping[UUID, Used]
    used: Mapping[UUID, Used]
    rules: Mapping[UUID, Sequence[Rule]]
    city_rule: Rule


@dataclass(frozen=True)
class Decision:
    """What a confirmed attendance earned. `award_id` stands from now on; `before` is what stood until now."""

    award_id: UUID
    day: date
    rule: Rule
    given: Given
    before: Standing | None

    @property
    def unchanged(self) -> bool:
        """Whether the award of an earlier revision stays: the correction changes no coin."""
        return self.before is not None and self.before.award_id == self.award_id


def check_rule(rule: DraftRule) -> None:
    """Refuse a rule that leaves open how many hours count, or names hours where none are counted."""
    if (rule.form == "per_hour") != (rule.most_hours is not None):
        raise Refused(
            "rule_incomplete",
            "A rule per hour says how many hours count at most (most_hours); a rule per participation leaves that out.",
            {"form": rule.form, "most_hours": rule.most_hours},
            status=422,
        )


def check_new_rule(rule: SetRule, starts: Iterable[date], *, today: date) -> None:
    """Refuse a rule that would change what was already earned, or starts on the day another of its programme starts."""
    check_rule(rule)
    if rule.valid_from < today:
        raise Refused(
            "rule_in_the_past",
            "A rule starts today or later, so that nothing already earned changes. Choose such a day.",
            {"valid_from": rule.valid_from.isoformat(), "today": today.isoformat()},
        )
    if rule.valid_from in starts:
        raise Refused(
            "rule_exists",
            "This programme has a rule from that day. Rules never change: set a new one from another day.",
            {"valid_from": rule.valid_from.isoformat()},
        )


def check_new_cap(cap: SetCap, caps: Caps, *, today: date) -> None:
    """Refuse a ceiling that would hold for a day something may have been given on, or starts on the day another of its kind starts."""
    if cap.since <= today:
        raise Refused(
            "cap_in_the_past",
            "A ceiling starts tomorrow or later, so that nothing already given changes. Choose such a day.",
            {"since": cap.since.isoformat(), "today": today.isoformat()},
        )
    if any(one.since == cap.since for one in (caps.day if cap.cap == "day" else caps.month)):
        raise Refused(
            "cap_exists",
            "There is a ceiling from that day. Ceilings never change: set a new one from another day.",
            {"since": cap.since.isoformat()},
        )


def check_window(from_day: date, to_day: date, *, today: date) -> None:
    """Refuse a window of a preview that is empty, reaches beyond today, or is longer than 366 days."""
    if not from_day <= to_day <= today or to_day - from_day >= LONGEST_WINDOW:
        raise Refused(
            "window_wrong",
            "Choose a first day and a last day up to today, at most 366 days together.",
            {"from_day": from_day.isoformat(), "to_day": to_day.isoformat(), "today": today.isoformat()},
            status=422,
        )


def rule_on(rules: Iterable[Rule], day: date, city_rule: Rule) -> Rule:
    """The rule in force on a day: the latest that has started, else the city's."""
    return max((r for r in rules if r.valid_from <= day), key=lambda r: r.valid_from, default=city_rule)


def coins_earned(rule: Rule | DraftRule, minutes: int) -> int:
    """The coins of the rule for a participation of so many minutes, before any ceiling."""
    if minutes < rule.least_minutes:
        return 0
    if rule.form == "per_participation":
        return rule.coins
    return rule.coins * min(minutes // 60, rule.most_hours or 0)


def give(rule_cents: int, caps: Caps, day: date, used: Used) -> Given:
    """What the ceilings in force on the day leave, for a person who was given `used` already.

    The ceilings: D.Lgs. 117/2017 art. 17, as the city sets them. Where both cut the same, the day's is named.
    """
    used_day = used.get(day, 0)
    used_month = sum(cents for d, cents in used.items() if (d.year, d.month) == (day.year, day.month))
    day_cap, month_cap = cap_on(caps.day, day), cap_on(caps.month, day)
    day_left = max(0, day_cap.amount_cents - used_day) if day_cap else rule_cents
    month_left = max(0, month_cap.amount_cents - used_month) if month_cap else rule_cents
    amount = min(rule_cents, day_left, month_left)
    cut_by: CapKind | None = None
    if amount < rule_cents:
        cut_by = "day" if day_left <= month_left else "month"
    return Given(
        rule_cents=rule_cents,
        amount_cents=amount,
        cut_by=cut_by,
        day_cap_cents=day_cap.amount_cents if day_cap else None,
        month_cap_cents=month_cap.amount_cents if month_cap else None,
    )


def decide(
    confirmed: Sequence[AttendanceConfirmed], city: City, book: Book, award_id_of: Callable[[UUID, int], UUID]
) -> list[Decision | None]:
    """One decision for each attendance, in order; each counts for the ceilings of the next. None: an older revision, arriving late.

    A correction is decided as if the awards before it had never been; it touches no other award. What those kept is part of what it
    gives (`services.events.awards.CoinsAwarded`): for the ceilings, only what it gives beside that is more.
    """
    heard, standing = dict(book.heard), dict(book.standing)
    used = {person_id: dict(days) for person_id, days in book.used.items()}
    decisions: list[Decision | None] = []
    for one in confirmed:
        if one.revision <= heard.get(one.attendance_id, 0):
            decisions.append(None)
            continue
        mine, before = used.setdefault(one.person_id, {}), standing.get(one.attendance_id)
        kept = book.kept.get(one.attendance_id, {})
        kept_cents = sum(kept.values())
        if before:
            mine[before.day] = mine.get(before.day, 0) - max(0, before.amount_cents - kept_cents)
        day = city.day_of(one.started_at)
        rule = rule_on(book.rules.get(one.programme_id, ()), day, book.city_rule)
        others = {d: cents - kept.get(d, 0) for d, cents in mine.items()}
        given = give(coins_earned(rule, one.minutes) * city.coins.value_cents, city.caps, day, others)
        mine[day] = mine.get(day, 0) + max(0, given.amount_cents - kept_cents)
        now = Standing(
            award_id=award_id_of(one.attendance_id, one.revision),
            day=day,
            programme_id=one.programme_id,
            neighbourhood_id=one.neighbourhood_id,
            amount_cents=given.amount_cents,
        )
        if before and replace(now, award_id=before.award_id) == before:
            now = before
        decisions.append(Decision(award_id=now.award_id, day=day, rule=rule, given=given, before=before))
        heard[one.attendance_id], standing[one.attendance_id] = one.revision, now
    return decisions


def whole_months(first: date, last: date) -> tuple[date, date]:
    """The first and last day of the months two days are in: what the ceilings of the days between look at."""
    return first.replace(day=1), last.replace(day=monthrange(last.year, last.month)[1])


def last_day_to_spend(earned_on: date, lifetime_months: int) -> date:
    """The last day of the month that comes so many months after the one the coins were earned in."""
    months = earned_on.year * 12 + earned_on.month - 1 + lifetime_months
    year, month = months // 12, months % 12 + 1
    return whole_months(date(year, month, 1), date(year, month, 1))[1]


@dataclass(frozen=True)
class Purpose:
    """What an award is for: what the earmarks of funds ask about."""

    neighbourhood_id: str
    kind: str
    programme_id: UUID


def plans_for(funds: Iterable[FundOpened], purpose: Purpose, day: date) -> tuple[Plan, ...]:
    """The ways to back an award earned on `day`, best first, from the open funds.

    First each grant with its share, the rest from its co-fund; last all city and sponsor funds in order. A grant is named only with its
    share, so it never gives more than that (AMIF: 75 %, Regulation (EU) 2021/1147 art. 15).
    """
    eligible = sorted((f for f in funds if _may_back(f, purpose, day)), key=lambda f: (f.rank, f.fund_id))
    own = {f.fund_id: f for f in eligible if f.kind != "grant"}
    shared = [plan for f in eligible if f.kind == "grant" and (plan := _shared_plan(f, own))]
    in_order = [Plan(sources=tuple(FundSource(fund_id=fund_id) for fund_id in own))] if own else []
    return (*shared, *in_order)


def _may_back(fund: FundOpened, purpose: Purpose, day: date) -> bool:
    earmark = fund.earmark
    return (
        (fund.opens_on is None or fund.opens_on <= day)
        and (fund.ends_on is None or day <= fund.ends_on)
        and (not earmark.neighbourhood_ids or purpose.neighbourhood_id in earmark.neighbourhood_ids)
        and (not earmark.kinds or purpose.kind in earmark.kinds)
        and (not earmark.programme_ids or purpose.programme_id in earmark.programme_ids)
    )


def _shared_plan(grant: FundOpened, own: Mapping[UUID, FundOpened]) -> Plan | None:
    share = grant.share_permille or 0
    if share == WHOLE:
        return Plan(sources=(FundSource(fund_id=grant.fund_id, share_permille=WHOLE),))
    co_fund = own.get(grant.co_fund_id) if grant.co_fund_id else None
    if not 0 < share < WHOLE or co_fund is None:
        return None
    return Plan(
        sources=(
            FundSource(fund_id=grant.fund_id, share_permille=share),
            FundSource(fund_id=co_fund.fund_id, share_permille=WHOLE - share),
        )
    )
