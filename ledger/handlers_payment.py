"""What a shop is owed is ordered from the bank, leaves it, or comes back."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select

from ledger import rules, rules_money
from ledger.domain_values import Request
from ledger.models import Account, Outcome
from ledger.posting import insist, post
from ledger.queries import transfers_of, voided_cents
from services.events import Envelope
from services.events.reimbursement import PaymentReleased, PaymentReturned, PaymentSettled
from services.kit.db import Tx


def on_payment_released(tx: Tx, events: list[Envelope[PaymentReleased]]) -> None:
    """What a shop was paid too much before comes off first. Should sales have been undone since the order was written, and reimbursement
    not have heard of it in time, the shop is paid all the same – the bank has its order – and owes what was undone."""
    stands = _locked(tx, ((event.data.shop_id, part.fund_id) for event in events for part in event.data.parts))
    ids = {event.id: rules_money.payment_journals(event.data.payment_id)[0] for event in events}
    known = set(tx.session.scalars(select(Outcome.request_id).where(Outcome.request_id.in_(ids.values()))))
    requests: list[Request] = []
    for event in events:
        again = ids[event.id] in known
        requests += [rules_money.payment_released(event)] if again else _released(tx, event, stands)
        known.add(ids[event.id])
    insist(post(tx, requests))


def _locked(tx: Tx, shops: Iterable[tuple[UUID, UUID]]) -> dict[str, int]:
    """What stands on the accounts of these (shop, fund), and what each was paid too much; locked as a posting locks, in order of id."""
    codes = {code for pair in shops for code in (rules.shop(*pair), rules.overpaid(*pair))}
    available = Account.credits_posted - Account.debits_posted - Account.debits_held
    rows = tx.session.execute(
        select(Account.code, available)
        .where(Account.code.in_(codes))
        .order_by(Account.id)
        .with_for_update(key_share=True)
    )
    return dict.fromkeys(codes, 0) | {code: int(cents) for code, cents in rows}


def _released(tx: Tx, event: Envelope[PaymentReleased], stands: dict[str, int]) -> Iterable[Request]:
    """`stands` is kept as these requests will leave it. What lacks beyond all that was ever undone at this shop is refused: nobody knows
    why it should be paid."""
    data, lacking = event.data, {}
    for part in data.parts:
        owed, too_much = rules.shop(data.shop_id, part.fund_id), rules.overpaid(data.shop_id, part.fund_id)
        filled = min(stands[owed], -stands[too_much])
        if filled > 0:
            yield rules_money.fill_overpaid(data.shop_id, part.fund_id, tx.new_id(), rules.heard(event))
            stands[owed] -= filled
            stands[too_much] += filled
        lacks = part.amount_cents - stands[owed]
        if 0 < lacks <= voided_cents(tx, owed) + stands[too_much]:
            lacking[part.fund_id] = lacks
            stands[too_much] -= lacks
        stands[owed] -= part.amount_cents - lacking.get(part.fund_id, 0)
    yield rules_money.payment_released(event, lacking)


def on_payment_settled(tx: Tx, events: list[Envelope[PaymentSettled]]) -> None:
    insist(post(tx, [rules_money.payment_settled(event) for event in events]))


def on_payment_returned(tx: Tx, events: list[Envelope[PaymentReturned]]) -> None:
    """The money is back: at the bank too, if it had left it. The shop is owed it again."""
    for event in events:
        booked = transfers_of(tx, *rules_money.payment_journals(event.data.payment_id))
        freed = [
            rules_money.free_overpaid(event.data.shop_id, fund_id, tx.new_id(), rules.heard(event))
            for fund_id in sorted({t.fund_id for t in booked if rules.class_of(t.debit) == "overpaid"})
        ]
        insist(post(tx, [rules_money.payment_returned(event, booked), *freed]))
