"""What a confirmed attendance earns, and what a correction changes of it. Gather → decide (`domain.decide`) → apply, a batch at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from msgspec import to_builtins
from sqlalchemy import func, select, text

from services.awards import domain
from services.awards.handlers_award import GIVEN, on_award_waiting, on_coins_issued, on_coins_withdrawn
from services.awards.handlers_cap import city_of
from services.awards.handlers_fund import Planner, on_fund_closed, on_fund_opened, planner
from services.awards.handlers_rule import city_rule, on_programme_opened, rules_of
from services.awards.models import Award
from services.events import Envelope
from services.events.attendance import AttendanceConfirmed, AttendanceRejected
from services.events.awards import AwardCapped, AwardWithdrawn, CoinsAwarded
from services.events.funding import FundClosed, FundOpened
from services.events.ledger import AwardWaiting, CoinsIssued, CoinsWithdrawn
from services.events.shifts import ProgrammeOpened
from services.kit.bulk import array, columns_of, copy_rows, is_one_of, rows_of
from services.kit.db import Tx
from services.kit.ids import derived_id

Row = Award | SimpleNamespace  # one that was there, or one of this batch, with the same names and not written yet


def on_attendance_confirmed(tx: Tx, events: list[Envelope[AttendanceConfirmed]]) -> None:
    # A fund opened at this moment must either be seen here or see these awards when it plans anew (handlers_fund.py writes funds
    # before it reads awards): so funds hold still until this is committed.
    tx.session.execute(text("LOCK TABLE funds IN SHARE MODE"))
    confirmed = [event.data for event in events]
    _lock_people(tx, {one.person_id for one in confirmed})
    rows: dict[UUID, Row] = dict(_living(tx, [one.attendance_id for one in confirmed]))
    plans, made = planner(tx), list[SimpleNamespace]()
    decisions = domain.decide(confirmed, city_of(tx), _book(tx, confirmed, rows), _award_id)
    for event, decision in zip(events, decisions, strict=True):
        if decision is None:
            continue
        if decision.unchanged:
            _correct(rows[event.data.attendance_id], event.data, decision)
        else:
            if decision.before:
                _withdraw(tx, rows[event.data.attendance_id], because=event)
            award = rows[event.data.attendance_id] = _award(tx, event, decision, plans)
            made.append(award)
    _write(tx, made)
    _remember(tx, confirmed)


def on_attendance_rejected(tx: Tx, events: list[Envelope[AttendanceRejected]]) -> None:
    """Take the award back. Of two verdicts with one revision the rejection holds."""
    rejected = [event.data for event in events]
    _lock_people(tx, {one.person_id for one in rejected})
    ids = [one.attendance_id for one in rejected]
    rows, heard = _living(tx, ids), _heard(tx, ids)
    for event in events:
        if event.data.revision >= heard.get(event.data.attendance_id, 0) and event.data.attendance_id in rows:
            _withdraw(tx, rows.pop(event.data.attendance_id), because=event)
    _remember(tx, rejected)


def _lock_people(tx: Tx, person_ids: Iterable[UUID]) -> None:
    """Two batches may not both give the rest of one person's ceiling. In order of id, so that they cannot lock each other out."""
    ids = array(sorted(person_ids))
    rows_of(tx.session, "INSERT INTO people SELECT unnest(%(ids)s::uuid[]) ON CONFLICT DO NOTHING", ids=ids)
    rows_of(
        tx.session, "SELECT FROM people WHERE person_id = ANY(%(ids)s::uuid[]) ORDER BY person_id FOR UPDATE", ids=ids
    )


def _heard(tx: Tx, attendance_ids: list[UUID]) -> dict[UUID, int]:
    known = "SELECT attendance_id, revision FROM heard WHERE attendance_id = ANY(%(ids)s::uuid[])"
    return dict(rows_of(tx.session, known, ids=array(attendance_ids)))


def _living(tx: Tx, attendance_ids: list[UUID]) -> dict[UUID, Award]:
    living = select(Award).where(is_one_of(Award.attendance_id, attendance_ids), Award.state != "withdrawn")
    return {row.attendance_id: row for row in tx.session.scalars(living)}


def _book(tx: Tx, confirmed: list[AttendanceConfirmed], rows: dict[UUID, Row]) -> domain.Book:
    return domain.Book(
        heard=_heard(tx, [one.attendance_id for one in confirmed]),
        standing={
            attendance_id: domain.Standing(
                award_id=row.award_id,
                day=row.day,
                programme_id=row.programme_id,
                neighbourhood_id=row.neighbourhood_id,
                amount_cents=row.amount_cents,
            )
            for attendance_id, row in rows.items()
        },
        kept=_kept(tx, [one.attendance_id for one in confirmed]),
        used=_used(tx, {one.person_id for one in confirmed}, {tx.city.day_of(one.started_at) for one in confirmed}),
        rules=rules_of(tx, {one.programme_id for one in confirmed}),
        city_rule=city_rule(tx.city),
    )


def _kept(tx: Tx, attendance_ids: list[UUID]) -> dict[UUID, dict[date, int]]:
    """What withdrawn awards of these attendances kept, by day."""
    mine = is_one_of(Award.attendance_id, attendance_ids), Award.kept_cents > 0
    sums = select(Award.attendance_id, Award.day, func.sum(Award.kept_cents)).where(*mine)
    kept: defaultdict[UUID, dict[date, int]] = defaultdict(dict)
    for attendance_id, day, cents in tx.session.execute(sums.group_by(Award.attendance_id, Award.day)):
        kept[attendance_id][day] = int(cents)
    return kept


def _used(tx: Tx, person_ids: set[UUID], days: set[date]) -> dict[UUID, dict[date, int]]:
    """What was given to these people in the months of these days, by day."""
    given = (
        select(Award.person_id, Award.day, func.sum(GIVEN))
        .where(is_one_of(Award.person_id, person_ids), Award.day.between(*domain.whole_months(min(days), max(days))))
        .group_by(Award.person_id, Award.day)
    )
    used: defaultdict[UUID, dict[date, int]] = defaultdict(dict)
    for person_id, day, cents in tx.session.execute(given):
        used[person_id][day] = int(cents)
    return used


def _award_id(attendance_id: UUID, revision: int) -> UUID:
    return derived_id("award", attendance_id, revision)


def _award(tx: Tx, event: Envelope[AttendanceConfirmed], decision: domain.Decision, plans: Planner) -> SimpleNamespace:
    one, given = event.data, decision.given
    purpose = domain.Purpose(neighbourhood_id=one.neighbourhood_id, kind=one.kind, programme_id=one.programme_id)
    row = SimpleNamespace(
        award_id=decision.award_id, attendance_id=one.attendance_id, person_id=one.person_id, shift_id=one.shift_id,
        programme_id=one.programme_id, neighbourhood_id=one.neighbourhood_id, kind=one.kind, amount_cents=given.amount_cents,
        day=decision.day, plans=[], waiting_for=None, kept_cents=0, decided_at=tx.now, state="awarded",
        expires_on=domain.last_day_to_spend(decision.day, tx.city.coins.lifetime_months),
    )  # fmt: skip
    _correct(row, one, decision)
    if given.amount_cents:
        chosen = plans(purpose, decision.day)
        row.plans = to_builtins(chosen)
        tx.put(
            CoinsAwarded(
                award_id=row.award_id, person_id=row.person_id, attendance_id=row.attendance_id, programme_id=row.programme_id,
                neighbourhood_id=row.neighbourhood_id, amount_cents=row.amount_cents, plans=chosen, expires_on=row.expires_on,
                rule_id=row.rule_id, earned_at=row.started_at, revision=row.revision,
            ),
            because=event,
        )  # fmt: skip
    if given.cut_by:
        tx.put(
            AwardCapped(
                award_id=row.award_id, person_id=row.person_id, attendance_id=row.attendance_id,
                rule_cents=given.rule_cents, given_cents=given.amount_cents, cap=given.cut_by,
            ),
            because=event,
        )  # fmt: skip
    return row


def _correct(row: Row, one: AttendanceConfirmed, decision: domain.Decision) -> None:
    """Write down what this revision says where no coin depends on it."""
    given = decision.given
    row.revision, row.minutes, row.place, row.started_at = one.revision, one.minutes, one.place, one.started_at
    row.rule_id, row.rule_cents, row.cut_by = decision.rule.rule_id, given.rule_cents, given.cut_by
    row.day_cap_cents, row.month_cap_cents = given.day_cap_cents, given.month_cap_cents
    if not given.amount_cents:
        row.state = "capped" if given.rule_cents else "too_short"


def _withdraw(tx: Tx, row: Row, *, because: Envelope[Any]) -> None:
    """End an award. Where no coin was awarded there is none to take back, and nobody needs to hear of it."""
    row.state, row.waiting_for = "withdrawn", None
    if row.amount_cents:
        tx.put(
            AwardWithdrawn(award_id=row.award_id, person_id=row.person_id, attendance_id=row.attendance_id),
            because=because,
        )


def _write(tx: Tx, made: Sequence[SimpleNamespace]) -> None:
    tx.session.flush()  # what was withdrawn, before its successor is written: an attendance has one living award
    copy_rows(tx.session, "awards", _COLUMNS, ([getattr(row, name) for name in _COLUMNS] for row in made))


def _remember(tx: Tx, verdicts: Sequence[AttendanceConfirmed | AttendanceRejected]) -> None:
    newest: dict[UUID, int] = {}
    for one in verdicts:
        newest[one.attendance_id] = max(one.revision, newest.get(one.attendance_id, 0))
    rows_of(tx.session, _HEARD, ids=array(newest), revisions=array(newest.values()))
    tx.session.flush()


_COLUMNS = columns_of(Award.__table__)
_HEARD = """
    INSERT INTO heard SELECT * FROM unnest(%(ids)s::uuid[], %(revisions)s::int[])
    ON CONFLICT (attendance_id) DO UPDATE SET revision = greatest(heard.revision, excluded.revision)"""

HANDLERS = {
    ProgrammeOpened: on_programme_opened,
    AttendanceConfirmed: on_attendance_confirmed,
    AttendanceRejected: on_attendance_rejected,
    FundOpened: on_fund_opened,
    FundClosed: on_fund_closed,
    AwardWaiting: on_award_waiting,
    CoinsIssued: on_coins_issued,
    CoinsWithdrawn: on_coins_withdrawn,
}
