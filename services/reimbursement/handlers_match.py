"""Matching: which payment a line of the bank's statement belongs to, and what then becomes of it – by rule, or by two people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select

from services.apis import reimbursement_payment as api
from services.apis.errors import Refused, not_found
from services.events.reimbursement import PaymentReturned, PaymentSettled
from services.kit.db import Tx
from services.kit.views import view_of
from services.reimbursement import domain, domain_bank
from services.reimbursement.handlers_void import due_parts
from services.reimbursement.models import BankEntry, Payment

ORDERED = ("released", "settled", "returned")


def movement_of(entry: BankEntry) -> domain_bank.Movement:
    return domain_bank.Movement(
        entry_id=entry.entry_id,
        direction=entry.direction,  # type: ignore[arg-type]
        amount_cents=entry.amount_cents,
        booked_on=entry.booked_on,
        payment_id=entry.payment_id,
        return_reason=entry.return_reason,
        remittance=entry.remittance,
    )


def orders_of(tx: Tx, payment_ids: Iterable[UUID | None]) -> dict[UUID, domain_bank.Ordered]:
    """The payments among these that the bank was told to make, locked in the order of their ids: two statements read at once
    that answer the same payment are read one after the other."""
    wanted = {payment_id for payment_id in payment_ids if payment_id}
    payments = tx.session.scalars(
        select(Payment)
        .where(Payment.payment_id.in_(wanted), Payment.state.in_(ORDERED))
        .order_by(Payment.payment_id)
        .with_for_update()
    ).all()
    debits: dict[UUID, list[BankEntry]] = defaultdict(list)
    for entry in tx.session.scalars(
        select(BankEntry).where(
            BankEntry.payment_id.in_([payment.payment_id for payment in payments]),
            BankEntry.direction == "debit",
            BankEntry.state.in_(("matched", "unmatched")),
        )
    ):
        debits[entry.payment_id].append(entry)  # type: ignore[index]
    return {payment.payment_id: _order_of(payment, debits[payment.payment_id]) for payment in payments}


def _order_of(payment: Payment, debits: list[BankEntry]) -> domain_bank.Ordered:
    return domain_bank.Ordered(
        payment_id=payment.payment_id,
        amount_cents=payment.amount_cents,
        state=payment.state,  # type: ignore[arg-type]
        waiting=tuple(movement_of(entry) for entry in debits if entry.state == "unmatched"),
        debit_unseen=payment.state == "returned" and not any(entry.state == "matched" for entry in debits),
    )


def apply_news(tx: Tx, news: Iterable[domain_bank.Settled | domain_bank.Returned]) -> None:
    """Write what became of payments (locked by `orders_of`) and tell everybody. A returned one leaves its claim payable again."""
    told = list(news)
    payments = {
        payment.payment_id: payment
        for payment in tx.session.scalars(
            select(Payment).where(Payment.payment_id.in_([one.payment_id for one in told]))
        )
    }
    parts = due_parts(tx, {payment.claim_id for payment in payments.values()})
    for one in told:
        payment = payments[one.payment_id]
        if isinstance(one, domain_bank.Settled):
            payment.state, payment.booked_on = "settled", one.booked_on
            tx.put(view_of(PaymentSettled, payment, parts=parts[payment.claim_id]))
        else:
            payment.state, payment.returned_on = "returned", one.booked_on
            payment.return_reason, payment.was_settled = one.reason, one.was_settled
            tx.put(
                view_of(
                    PaymentReturned, payment, parts=parts[payment.claim_id], reason=one.reason, booked_on=one.booked_on
                )
            )


def propose_match(tx: Tx, body: api.ProposeMatch, entry_id: UUID) -> api.Entry:
    """What the rule could not match, a person may – with a reason, and with a second person who accepts it."""
    order = _ordered(tx, body.payment_id)
    entry = _locked_entry(tx, entry_id)
    if entry.state not in ("unmatched", "proposed"):
        raise Refused(
            "entry_matched", "This line has its meaning already. Choose an unmatched one.", {"state": entry.state}
        )
    domain_bank.decide_match(movement_of(entry), order)
    entry.state, entry.payment_id = "proposed", body.payment_id
    entry.match_reason, entry.proposed_by = body.reason, tx.who.person_id
    return view_of(api.Entry, entry)


def accept_match(tx: Tx, entry_id: UUID) -> api.Entry:
    """The second person: now the payment is settled, or returned, as if the rule had matched the line."""
    proposed = tx.session.get(BankEntry, entry_id)
    if proposed is None:
        raise not_found("entry", entry_id)
    payment_id = proposed.payment_id
    # Payments are locked before lines here as in `upload_statement`: two people at work cannot block each other for good.
    order = _ordered(tx, payment_id) if payment_id else None
    entry = _locked_entry(tx, entry_id)
    if order is None or entry.state != "proposed" or entry.payment_id != payment_id or entry.proposed_by is None:
        raise Refused("match_not_proposed", "Nobody proposed a match for this line. Propose one, with a reason.")
    domain.check_second_person(entry.proposed_by, tx.who.person_id, did="proposed", to="accept")
    news = domain_bank.decide_match(movement_of(entry), order)
    entry.state, entry.why, entry.accepted_by = "matched", None, tx.who.person_id
    apply_news(tx, [news])
    return view_of(api.Entry, entry)


def refuse_match(tx: Tx, entry_id: UUID) -> api.Entry:
    """Nothing moved by the proposal, so anybody of finance may take it away. The line names again what the bank wrote on it."""
    entry = _locked_entry(tx, entry_id)
    if entry.state != "proposed":
        raise Refused("match_not_proposed", "Nobody proposed a match for this line. Propose one, with a reason.")
    named = domain_bank.payment_named(entry.end_to_end_id)
    ours = select(Payment.payment_id).where(Payment.payment_id == named, Payment.state.in_(ORDERED))
    entry.state, entry.payment_id = "unmatched", tx.session.scalar(ours) if named else None
    entry.match_reason = entry.proposed_by = None
    return view_of(api.Entry, entry)


def _ordered(tx: Tx, payment_id: UUID) -> domain_bank.Ordered:
    order = orders_of(tx, [payment_id]).get(payment_id)
    if order is None:
        raise not_found("payment", payment_id)
    return order


def _locked_entry(tx: Tx, entry_id: UUID) -> BankEntry:
    entry = tx.session.get(BankEntry, entry_id, with_for_update=True, populate_existing=True)
    if entry is None:
        raise not_found("entry", entry_id)
    return entry
