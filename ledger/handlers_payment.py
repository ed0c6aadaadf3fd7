"""What a shop is owed is ordered from the bank, leaves it, or comes back."""

from __future__ import annotations

from ledger import rules_money
from ledger.posting import insist, post
from ledger.queries import transfers_of
from services.events import Envelope
from services.events.reimbursement import PaymentReleased, PaymentReturned, PaymentSettled
from services.kit.db import Tx


def on_payment_released(tx: Tx, events: list[Envelope[PaymentReleased]]) -> None:
    insist(post(tx, [rules_money.payment_released(event) for event in events]))


def on_payment_settled(tx: Tx, events: list[Envelope[PaymentSettled]]) -> None:
    insist(post(tx, [rules_money.payment_settled(event) for event in events]))


def on_payment_returned(tx: Tx, events: list[Envelope[PaymentReturned]]) -> None:
    """The money is back: at the bank too, if it had left it. The shop is owed it again."""
    for event in events:
        booked = transfers_of(tx, *rules_money.payment_journals(event.data.payment_id))
        insist(post(tx, [rules_money.payment_returned(event, booked)]))
