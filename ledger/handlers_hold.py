"""Holds: coins set aside for a shop until it is known how much is really due, or until their time is up by the database's clock."""

from __future__ import annotations

from sqlalchemy import text

from ledger import rules
from ledger.domain_values import Answer, Because
from ledger.handlers_sale import lots_for, moved, payable_of
from ledger.posting import insist, post
from ledger.queries import spendable_lots, transfers_of
from services.apis import ledger as api
from services.apis.errors import Refused, not_found
from services.kit.db import Tx

MOST_EXPIRED = 500
# From the accounts on which something is held: ended holds stay in the tables for good and would be found again and again.
_OVER = text("""
    SELECT DISTINCT hold_id FROM accounts a JOIN holds h ON h.debit_account = a.id
    WHERE a.debits_held > 0 AND until <= clock_timestamp() AND NOT EXISTS (SELECT FROM hold_ends e WHERE e.hold_id = h.hold_id)
    LIMIT :most""")
_SAYS = {
    "hold_ended": "This hold has ended already: it was paid, let go, or its time was up.",
    "hold_over": "The time of this hold is up, and its coins are free again. Ask for a sale instead.",
    "over_hold": "So much is not held. Pay what is held, and the rest by a sale of its own.",
}


def post_hold(tx: Tx, body: api.PostHold) -> api.HoldPosted:
    lots = spendable_lots(tx, [body.person_id], tx.city.day_of(tx.now))[body.person_id]
    (answer,) = post(tx, [rules.hold(body, lots_for(body, lots), Because(tx.correlation_id, tx.now))])
    if answer.outcome.state == "refused":
        raise _refusal(answer)
    return api.HoldPosted(hold_id=body.hold_id, amount_cents=answer.outcome.amount_cents)


def post_hold_end(tx: Tx, body: api.PostHoldEnd) -> api.HoldEnded:
    """End a hold. A refusal other than for a used id is no memory of the books: the hold may still be ended otherwise."""
    (answer,) = post(tx, [rules.hold_end(body, Because(tx.correlation_id, tx.now))])
    outcome = answer.outcome
    if outcome.code == "unknown_hold":
        raise not_found("hold", body.hold_id)
    if outcome.code == "conflict":
        raise Refused("hold_ended", _SAYS["hold_ended"], status=409)
    if outcome.state == "refused":
        raise Refused(outcome.code or "", _SAYS[outcome.code or ""], outcome.facts, status=409)
    parts, ids = moved(answer.transfers or transfers_of(tx, outcome.request_id))
    return api.HoldEnded(hold_id=body.hold_id, amount_cents=outcome.amount_cents, parts=parts, transfer_ids=ids)


def expire_holds(tx: Tx) -> int:
    """Job: let go what is held beyond its time. Answers how many holds."""
    over = tx.session.scalars(_OVER, {"most": MOST_EXPIRED}).all()
    insist(post(tx, [rules.hold_expiry(hold_id, Because(tx.correlation_id, tx.now)) for hold_id in over]))
    return len(over)


def _refusal(answer: Answer) -> Refused:
    if answer.outcome.code == "conflict":
        return Refused("id_reused", "This id belongs to something else. Take a new id for a new hold.", status=422)
    payable = payable_of(answer)
    return Refused(
        "not_enough_coins",
        f"The coins here pay {payable // 100}.{payable % 100:02} of this. Take that part in coins and the rest in money."
        if payable
        else "There are no coins for this shop here. Look in the wallet what is there and where it can be spent.",
        {"payable_cents": payable},
        keep=True,
    )
