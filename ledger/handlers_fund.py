"""Money comes to a fund, is taken back, or returns to it as coins that nobody spent in time."""

from __future__ import annotations

from sqlalchemy import select, text

from ledger import rules, rules_money
from ledger.domain_values import Because
from ledger.handlers_waiting import credited, hold_the_line
from ledger.models import Account
from ledger.posting import insist, open_accounts, post
from ledger.queries import free_cents
from services.events import Envelope
from services.events.funding import FundClosed, TopUpReversed, TopUpSettled
from services.events.ledger import CoinsExpired, FundCredited, FundShortfall
from services.kit.db import Tx

MOST_EXPIRED = 500


def on_topup_settled(tx: Tx, events: list[Envelope[TopUpSettled]]) -> None:
    """Money is really there: it fills what the fund carries as receivable, then pays the awards that wait, then is free."""
    hold_the_line(tx)
    answers = post(tx, [request for event in events for request in rules_money.topup_settled(event)])
    insist(answers)
    fresh = {answer.outcome.request_id for answer in answers if answer.fresh}
    arrived = list({e.data.topup_id: e for e in events if e.data.topup_id in fresh}.values())
    if not arrived:
        return
    funds = {event.data.fund_id for event in arrived}
    credited(tx, funds, rules.heard(arrived[-1]))
    free = free_cents(tx, funds)
    for event in arrived:
        data = event.data
        net = data.amount_cents - data.fee_cents
        told = FundCredited(
            fund_id=data.fund_id, topup_id=data.topup_id, amount_cents=net, free_cents=free[data.fund_id]
        )
        tx.put(told, because=event)


def on_topup_reversed(tx: Tx, events: list[Envelope[TopUpReversed]]) -> None:
    """The fund gives back what is free. The rest it carries: coins already issued stay good."""
    hold_the_line(tx)
    for event in events:
        data = event.data
        answers = post(tx, [rules_money.topup_reversed(event)])
        insist(answers)
        code = rules.receivable(data.fund_id)
        short = sum(t.amount_cents for t in answers[0].transfers if t.debit == code)
        if short:
            carried = tx.session.scalar(
                select(Account.debits_posted - Account.credits_posted).where(Account.code == code)
            )
            told = FundShortfall(
                fund_id=data.fund_id, topup_id=data.topup_id, amount_cents=short, receivable_cents=carried or short
            )
            tx.put(told, because=event)


def on_fund_closed(tx: Tx, events: list[Envelope[FundClosed]]) -> None:
    """No award draws on the fund any more. Its coins stay good, and what comes back to it stays there."""
    hold_the_line(tx)
    codes = [rules.fund(event.data.fund_id) for event in events]
    open_accounts(tx, codes)
    insist(post(tx, [rules_money.fund_closed(event) for event in events]))
    closed = text(
        "UPDATE accounts SET closed = true, version = version + 1 WHERE NOT closed AND code = ANY(CAST(:codes AS text[]))"
    )
    tx.session.execute(closed, {"codes": codes})


def expire_coins(tx: Tx) -> int:
    """Job: lots whose last day has passed in the city go back to their funds, and may pay awards that wait. Answers how many lots."""
    due = (
        select(Account.code, Account.person)
        .where(Account.positive, Account.expires_on < tx.city.day_of(tx.now))
        .order_by(Account.expires_on, Account.id)
        .limit(MOST_EXPIRED)
    )
    if tx.session.scalar(due.limit(1)) is None:
        return 0
    hold_the_line(tx)
    because = Because(tx.correlation_id, tx.now)
    owner_of = {code: person for code, person in tx.session.execute(due) if person}
    answers = post(tx, [rules.expiry(code, tx.new_id(), because) for code in owner_of])
    insist(answers)
    moved = [transfer for answer in answers for transfer in answer.transfers]
    for transfer in moved:
        tx.put(
            CoinsExpired(
                person_id=owner_of[transfer.debit], fund_id=transfer.fund_id,
                amount_cents=transfer.amount_cents, expired_on=rules.lot_of(transfer.debit, 0).expires_on,
            )
        )  # fmt: skip
    credited(tx, {transfer.fund_id for transfer in moved}, because)
    return len(moved)
