"""Awards become coins, or wait; a correction takes back what is still there."""

from __future__ import annotations

from uuid import UUID

from ledger import rules
from ledger.domain_values import Because, Outcome, Transfer
from ledger.handlers_export import check_books
from ledger.handlers_fund import expire_coins, on_fund_closed, on_topup_reversed, on_topup_settled
from ledger.handlers_hold import expire_holds
from ledger.handlers_payment import on_payment_released, on_payment_returned, on_payment_settled
from ledger.handlers_period import cut_links, on_period_closed
from ledger.handlers_sums import sum_accounts
from ledger.handlers_waiting import (
    credited,
    hold_the_line,
    join_the_line,
    leave_the_line,
    post_awards,
    replan,
    serve,
    waiting,
)
from ledger.models import WithdrawnAward
from ledger.posting import insist, post, remember
from ledger.queries import transfers_of
from ledger.sealing import figures, seal, seal_periods
from services.apis.errors import Refused
from services.events import Envelope, decode
from services.events.awards import AwardReplanned, AwardWithdrawn, CoinsAwarded
from services.events.funding import FundClosed, TopUpReversed, TopUpSettled
from services.events.ledger import CoinsWithdrawn
from services.events.reimbursement import PaymentReleased, PaymentReturned, PaymentSettled, PeriodClosed
from services.kit.bulk import array, rows_of
from services.kit.db import Tx


def on_coins_awarded(tx: Tx, events: list[Envelope[CoinsAwarded]]) -> None:
    """One posting for the whole batch. Each award is issued whole by its first plan that covers it, or waits.

    After a correction, whole means: without what the attendance's earlier awards gave and did not give back (`rules.award`).
    """
    hold_the_line(tx)
    in_line = waiting(tx, [event.data.award_id for event in events])
    fresh = events
    if in_line:
        for event in events:
            row = in_line.get(event.data.award_id)
            if row and rules.award_payload(decode(row.envelope).data) != rules.award_payload(event.data):
                raise Refused("award_conflict", f"Award {event.data.award_id} waits already, with other content.")
        fresh = [event for event in events if event.data.award_id not in in_line]
    moves, answers = post_awards(tx, [(event, event.data.plans, rules.heard(event)) for event in fresh])
    decided = [one for one in zip(fresh, moves, answers, strict=True) if one[2].fresh]
    join_the_line(tx, [one for one in decided if one[2].outcome.state == "waiting"])


def on_award_replanned(tx: Tx, events: list[Envelope[AwardReplanned]]) -> None:
    """New plans for awards in the line, tried at once in the order of their turns. Harmless for all others."""
    hold_the_line(tx)
    rows = waiting(tx, [event.data.award_id for event in events])
    for event in events:
        if event.data.award_id in rows:
            replan(rows[event.data.award_id], event.data.plans)
    serve(tx, list(rows.values()), tx.now)


def on_award_withdrawn(tx: Tx, events: list[Envelope[AwardWithdrawn]]) -> None:
    """An award in the line is dropped, for good. An issued one gives back what is still in its lots; what was spent stays, and is
    remembered, so that the attendance's next award does not give it again."""
    hold_the_line(tx)
    withdrawn: dict[UUID, Envelope[AwardWithdrawn]] = {}
    for event in events:
        withdrawn.setdefault(event.data.award_id, event)
    in_line = waiting(tx, withdrawn)
    if in_line:
        _drop(tx, [(withdrawn[award_id], decode(row.envelope).data) for award_id, row in in_line.items()])
        leave_the_line(tx, in_line)
    issued = {id_ for (id_,) in rows_of(tx.session, _ISSUED, ids=array(withdrawn))}
    if issued:
        _take_back(tx, [event for award_id, event in withdrawn.items() if award_id in issued])


_ISSUED = "SELECT request_id FROM outcomes WHERE request_id = ANY(%(ids)s::uuid[]) AND state = 'posted'"


def _drop(tx: Tx, dropped: list[tuple[Envelope[AwardWithdrawn], CoinsAwarded]]) -> None:
    remember(tx, [
        Outcome(request_id=award.award_id, kind="award", payload=rules.award_payload(award), state="refused", code="withdrawn")
        for _, award in dropped
    ])  # fmt: skip
    for event, award in dropped:
        tx.put(
            CoinsWithdrawn(award_id=award.award_id, person_id=award.person_id, parts=(), kept_cents=0), because=event
        )


def _take_back(tx: Tx, events: list[Envelope[AwardWithdrawn]]) -> None:
    """One posting for all; then who waits for the money that came back is served."""
    issued: dict[UUID, list[Transfer]] = {event.data.award_id: [] for event in events}
    for transfer in transfers_of(tx, *issued):
        issued[transfer.journal].append(transfer)
    moves = [rules.withdrawal(e.data.award_id, issued[e.data.award_id], rules.heard(e)) for e in events]
    answers = post(tx, moves)
    insist(answers)
    came_back: dict[UUID, Because] = {}
    for event, move, answer in zip(events, moves, answers, strict=True):
        if not answer.fresh:
            continue
        award_id, parts = event.data.award_id, rules.parts_of(answer.transfers)
        kept = sum(t.amount_cents for t in issued[award_id]) - answer.outcome.amount_cents
        tx.session.add(WithdrawnAward(award_id=award_id, attendance_id=event.data.attendance_id, kept_cents=kept))
        tx.put(
            CoinsWithdrawn(award_id=award_id, person_id=event.data.person_id, parts=parts, kept_cents=kept),
            because=event,
        )
        came_back |= {part.fund_id: move.because for part in parts}
    tx.session.flush()
    for because in dict.fromkeys(came_back.values()):
        credited(tx, [fund_id for fund_id, last in came_back.items() if last == because], because)


HANDLERS = {
    CoinsAwarded: on_coins_awarded,
    AwardReplanned: on_award_replanned,
    AwardWithdrawn: on_award_withdrawn,
    TopUpSettled: on_topup_settled,
    TopUpReversed: on_topup_reversed,
    FundClosed: on_fund_closed,
    PaymentReleased: on_payment_released,
    PaymentSettled: on_payment_settled,
    PaymentReturned: on_payment_returned,
    PeriodClosed: on_period_closed,
}
JOBS = (expire_coins, expire_holds, seal, seal_periods, cut_links, sum_accounts, check_books)
FIGURES = figures
