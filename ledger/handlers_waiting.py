"""The line of awards that no fund could cover yet: who came first is served first, as soon as money is there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from msgspec import convert, to_builtins
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from ledger import rules, rules_money
from ledger.domain_values import Answer, Because, Move
from ledger.models import WaitingAward
from ledger.posting import insist, lots_of, post
from ledger.queries import free_cents, kept_cents
from services.events import Envelope, decode, encode
from services.events.awards import CoinsAwarded, Plan
from services.events.ledger import AwardWaiting, CoinsIssued
from services.kit.bulk import array, rows_of
from services.kit.db import Tx

LINE_LOCK = 0x6C696E65  # "line"
CHUNK = 500


def hold_the_line(tx: Tx) -> None:
    """One transaction at a time gives awards or credits funds. An award that finds its fund empty must be in the line before the next
    top-up looks there, and that top-up's money must not go to an award that came later. Sales and payments do not wait here."""
    rows_of(tx.session, "SELECT pg_advisory_xact_lock(%(lock)s)", lock=LINE_LOCK)


def post_awards(
    tx: Tx, awards: Sequence[tuple[Envelope[CoinsAwarded], tuple[Plan, ...], Because]], *, waited: bool = False
) -> tuple[list[Move], tuple[Answer, ...]]:
    """Post these awards – what of each has not been given by an earlier award of its attendance – and tell of those that are issued.
    Answers what was asked, and what became of it. The caller holds the line."""
    kept = kept_cents(tx, [event.data.attendance_id for event, _, _ in awards])
    today, months = tx.city.day_of(tx.now), tx.city.coins.lifetime_months
    wanted = [
        rules.lots_of_award(
            event.data, plans, rules.last_day(event.data, waited=waited, today=today, lifetime_months=months)
        )
        for event, plans, _ in awards
    ]
    accounts = lots_of(tx, [lot for lots in wanted for lot in lots])
    codes = iter([account.code for account in accounts])
    moves = [
        rules.award(event.data, plans, because, kept[event.data.attendance_id], list(islice(codes, len(lots))))
        for (event, plans, because), lots in zip(awards, wanted, strict=True)
    ]
    events = [event for event, _, _ in awards]
    known = {account.code: account for account in accounts}
    answers = post(tx, moves, known, meanwhile=lambda answers: _tell_issued(tx, events, answers))
    insist(answers)
    return moves, answers


def join_the_line(tx: Tx, events: Sequence[tuple[Envelope[CoinsAwarded], Move, Answer]]) -> None:
    """Keep the awards that wait, with what is still to be given of them, and say so."""
    rows = [
        {
            "award_id": event.data.award_id,
            "person_id": event.data.person_id,
            "fund_ids": rules.funds_of(event.data.plans),
            "amount_cents": move.amount_cents,
            "reason": reason_of(answer),
            "since": tx.now,
            "plans": to_builtins(event.data.plans),
            "envelope": encode(event),
        }
        for event, move, answer in events
    ]
    if rows:
        tx.session.execute(insert(WaitingAward), rows)
    for (event, _, _), row in zip(events, rows, strict=True):
        said = {field: row[field] for field in AwardWaiting.__struct_fields__}
        tx.put(AwardWaiting(**said), because=event)


def reason_of(answer: Answer) -> str:
    return "not_enough_money" if answer.outcome.code == "insufficient" else "no_fund"


def _tell_issued(tx: Tx, events: Sequence[Envelope[CoinsAwarded]], answers: Sequence[Answer]) -> None:
    for event, answer in zip(events, answers, strict=True):
        if answer.fresh and answer.outcome.state == "posted":
            award, lots = event.data, [rules.lot_of(t.credit, t.amount_cents) for t in answer.transfers]
            issued = CoinsIssued(
                award_id=award.award_id, person_id=award.person_id, neighbourhood_id=award.neighbourhood_id,
                amount_cents=answer.outcome.amount_cents, lots=tuple(lots),
            )  # fmt: skip
            tx.put(issued, because=event)


def credited(tx: Tx, fund_ids: Collection[UUID], because: Because) -> None:
    """After money came to these funds: fill what they carry as receivable, then serve the line. The caller holds the line."""
    insist(post(tx, [rules_money.fill_receivable(fund_id, tx.new_id(), because) for fund_id in sorted(fund_ids)]))
    served = 0
    while any(cents > 0 for cents in free_cents(tx, fund_ids).values()):
        line = (
            select(WaitingAward)
            .where(WaitingAward.fund_ids.overlap(list(fund_ids)), WaitingAward.turn > served)
            .order_by(WaitingAward.turn)
            .limit(CHUNK)
        )
        rows = tx.session.scalars(line).all()
        if not rows:
            return
        serve(tx, rows, because.occurred_at)
        served = rows[-1].turn


def serve(tx: Tx, rows: Sequence[WaitingAward], occurred_at: datetime) -> None:
    """Try awards of the line in the order given. One that still cannot be covered whole keeps its turn and holds nobody up: those
    behind it may draw on other funds, or need less."""
    events: list[Envelope[CoinsAwarded]] = [decode(row.envelope) for row in rows]
    awards = [(e, plans_of(row), Because(e.id, occurred_at)) for row, e in zip(rows, events, strict=True)]
    _, answers = post_awards(tx, awards, waited=True)
    for row, answer in zip(rows, answers, strict=True):
        if answer.outcome.state == "waiting" and row.reason != reason_of(answer):
            row.reason = reason_of(answer)
    leave_the_line(tx, [a.outcome.request_id for a in answers if a.outcome.state == "posted"])


def leave_the_line(tx: Tx, award_ids: Collection[UUID]) -> None:
    tx.session.execute(delete(WaitingAward).where(WaitingAward.award_id.in_(award_ids)))


def waiting(tx: Tx, award_ids: Collection[UUID]) -> dict[UUID, WaitingAward]:
    ids = rows_of(
        tx.session, "SELECT award_id FROM waiting_awards WHERE award_id = ANY(%(ids)s::uuid[])", ids=array(award_ids)
    )
    if not ids:
        return {}
    mine = WaitingAward.award_id.in_([id_ for (id_,) in ids])
    rows = tx.session.scalars(select(WaitingAward).where(mine).order_by(WaitingAward.turn))
    return {row.award_id: row for row in rows}


def plans_of(row: WaitingAward) -> tuple[Plan, ...]:
    return convert(row.plans, tuple[Plan, ...])


def replan(row: WaitingAward, plans: tuple[Plan, ...]) -> None:
    row.plans, row.fund_ids = to_builtins(plans), rules.funds_of(plans)
