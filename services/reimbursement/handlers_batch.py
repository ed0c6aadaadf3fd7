"""Payment batches: one person prepares, another approves, a third releases. Only then does a file for the bank exist."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, select

from services.apis import reimbursement_payment as api
from services.apis.endpoint import Page
from services.apis.errors import Refused, not_found
from services.events.reimbursement import PaymentReleased
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.kit.views import view_of
from services.reimbursement import domain
from services.reimbursement.bank_values import MAX_TRANSFERS
from services.reimbursement.handlers_account import accounts_of
from services.reimbursement.handlers_claim import LIVING, STATE_BY_PAYMENT
from services.reimbursement.handlers_file import write_files
from services.reimbursement.handlers_void import due_parts, with_waiting_void
from services.reimbursement.models import Batch, Claim, Payment


def prepare_batch(tx: Tx, body: api.PrepareBatch) -> api.FullBatch:
    """The first hand. Named claims must all be payable; without names, those that are not are left out and said."""
    claims = _named(tx, body.claim_ids) if body.claim_ids is not None else _all_payable(tx)
    accounts = accounts_of(tx, {claim.shop_id for claim in claims})
    waiting = with_waiting_void(tx, [claim.claim_id for claim in claims])
    if body.claim_ids is not None:
        domain.check_approved(accounts)
        domain.check_no_void_waits(waiting)
    reasons = {
        claim.claim_id: domain.blocked(accounts[claim.shop_id], void_waits=claim.claim_id in waiting)
        for claim in claims
    }
    chosen = [claim for claim in claims if reasons[claim.claim_id] is None]
    if not chosen:
        raise Refused(
            "payment_batch_empty",
            "No claim can be paid now. Shops confirm their statements first, and their accounts are approved.",
            {"left_out": len(claims)},
        )
    batch = Batch(batch_id=tx.new_id(), state="prepared", prepared_by=tx.who.person_id, prepared_at=tx.now)
    tx.session.add(batch)
    tx.session.flush()
    for claim in chosen:
        account_id = accounts[claim.shop_id].account_id
        payment = Payment(
            payment_id=tx.new_id(), batch_id=batch.batch_id, claim_id=claim.claim_id, shop_id=claim.shop_id,
            account_id=account_id, amount_cents=claim.due_cents, state="prepared",
        )  # fmt: skip
        tx.session.add(payment)
    tx.session.flush()
    left_out = tuple(
        view_of(api.LeftOut, claim, blocked=reasons[claim.claim_id]) for claim in claims if reasons[claim.claim_id]
    )
    return _full_view(tx, batch, left_out)


def approve_batch(tx: Tx, batch_id: UUID) -> api.Batch:
    """The second hand."""
    batch, _ = _in_hand(tx, batch_id, to="approve")
    batch.state, batch.approved_by, batch.approved_at = "approved", tx.who.person_id, tx.now
    return batch_views(tx, [batch])[0]


def release_batch(tx: Tx, batch_id: UUID) -> api.Batch:
    """The third hand: the files are written and the payments are out."""
    batch, payments = _in_hand(tx, batch_id, to="release")
    batch.state, batch.released_by, batch.released_at = "released", tx.who.person_id, tx.now
    batch.execution_on = execution_on = domain.execution_day(tx.city.day_of(tx.now))
    parts = due_parts(tx, [payment.claim_id for payment in payments])
    write_files(tx, batch, payments, parts, execution_on)
    for payment in payments:
        payment.state = "released"
        tx.put(view_of(PaymentReleased, payment, parts=parts[payment.claim_id]))
    return batch_views(tx, [batch])[0]


def cancel_batch(tx: Tx, batch_id: UUID) -> api.Batch:
    batch = _locked(tx, batch_id)
    domain.check_cancellable(batch.state)
    batch.state, batch.cancelled_by, batch.cancelled_at = "cancelled", tx.who.person_id, tx.now
    for payment in _payments(tx, batch_id):
        payment.state = "cancelled"
    return batch_views(tx, [batch])[0]


def get_batch(tx: Tx, batch_id: UUID) -> api.FullBatch:
    batch = tx.session.get(Batch, batch_id)
    if batch is None:
        raise not_found("batch", batch_id)
    return _full_view(tx, batch)


def list_batches(tx: Tx, query: Page) -> api.BatchList:
    wanted = (
        select(Batch)
        .where(after(query, Batch.prepared_at, Batch.batch_id, newest_first=True))
        .order_by(Batch.prepared_at.desc(), Batch.batch_id.desc())
    )
    rows = tx.session.scalars(wanted.limit(query.limit + 1)).all()
    return api.BatchList(
        batches=tuple(batch_views(tx, rows[: query.limit])),
        next_cursor=next_cursor(query, rows, lambda row: (row.prepared_at, row.batch_id)),
    )


def batch_views(tx: Tx, batches: Iterable[Batch]) -> list[api.Batch]:
    rows = list(batches)
    sums = {
        row.batch_id: {"payment_count": row.payments, "amount_cents": int(row.cents)}
        for row in tx.session.execute(
            select(Payment.batch_id, func.count().label("payments"), func.sum(Payment.amount_cents).label("cents"))
            .where(Payment.batch_id.in_([row.batch_id for row in rows]))
            .group_by(Payment.batch_id)
        )
    }
    return [view_of(api.Batch, row, **sums[row.batch_id]) for row in rows]


def _full_view(tx: Tx, batch: Batch, left_out: tuple[api.LeftOut, ...] = ()) -> api.FullBatch:
    payments = tuple(view_of(api.Payment, payment) for payment in _payments(tx, batch.batch_id))
    amount_cents = sum(payment.amount_cents for payment in payments)
    return view_of(
        api.FullBatch,
        batch,
        payments=payments,
        payment_count=len(payments),
        amount_cents=amount_cents,
        left_out=left_out,
    )


def _named(tx: Tx, claim_ids: tuple[UUID, ...]) -> list[Claim]:
    claims = _locked_claims(tx, claim_ids)
    known = {claim.claim_id: claim for claim in claims}
    for claim_id in claim_ids:
        if claim_id not in known:
            raise not_found("claim", claim_id)
    taken = _taken(tx, known)
    for claim_id in claim_ids:
        if claim_id in taken:
            raise Refused(
                "claim_not_payable",
                "This claim is in another batch or paid already. Leave it out, or cancel that batch first.",
                {"claim_id": str(claim_id), "state": STATE_BY_PAYMENT[taken[claim_id]]},
            )
        domain.check_something_due(known[claim_id].due_cents, claim_id)
    return claims


def _all_payable(tx: Tx) -> list[Claim]:
    living = select(Payment.claim_id).where(Payment.claim_id == Claim.claim_id, Payment.state.in_(LIVING))
    something = Claim.amount_cents > Claim.voided_cents
    oldest = (
        select(Claim.claim_id)
        .where(~living.exists(), something)
        .order_by(Claim.made_at, Claim.claim_id)
        .limit(MAX_TRANSFERS)
    )
    claims = _locked_claims(tx, tx.session.scalars(oldest))
    taken = _taken(tx, {claim.claim_id for claim in claims})
    return [claim for claim in claims if claim.claim_id not in taken and claim.due_cents > 0]


def _locked_claims(tx: Tx, claim_ids: Iterable[UUID]) -> list[Claim]:
    """The claims, locked in the order of their ids: of two batches prepared at once, the second waits and finds them taken."""
    wanted = select(Claim).where(Claim.claim_id.in_(list(claim_ids))).order_by(Claim.claim_id).with_for_update()
    return list(tx.session.scalars(wanted.execution_options(populate_existing=True)))


def _taken(tx: Tx, claim_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The claims that have a living payment, and its state. Read under the claims' locks."""
    rows = tx.session.execute(
        select(Payment.claim_id, Payment.state).where(Payment.claim_id.in_(list(claim_ids)), Payment.state.in_(LIVING))
    )
    return {row.claim_id: row.state for row in rows}


def _in_hand(tx: Tx, batch_id: UUID, *, to: domain.Hand) -> tuple[Batch, list[Payment]]:
    """The batch, locked so that two people cannot both be its next hand, with everything the hand must look at in order."""
    batch = _locked(tx, batch_id)
    hands = domain.Hands(state=batch.state, prepared_by=batch.prepared_by, approved_by=batch.approved_by)
    domain.check_hands(hands, tx.who.person_id, to=to)
    payments = _payments(tx, batch_id)
    prepared_with = {payment.shop_id: payment.account_id for payment in payments}
    domain.check_accounts(accounts_of(tx, prepared_with), prepared_with)
    claims = _locked_claims(tx, [payment.claim_id for payment in payments])  # until then a void may still lessen one
    due = {claim.claim_id: claim.due_cents for claim in claims}
    lessened = {payment.claim_id for payment in payments if payment.amount_cents != due[payment.claim_id]}
    domain.check_unlessened(lessened | with_waiting_void(tx, due))
    return batch, payments


def _locked(tx: Tx, batch_id: UUID) -> Batch:
    batch = tx.session.get(Batch, batch_id, with_for_update=True)
    if batch is None:
        raise not_found("batch", batch_id)
    return batch


def _payments(tx: Tx, batch_id: UUID) -> list[Payment]:
    return list(tx.session.scalars(select(Payment).where(Payment.batch_id == batch_id).order_by(Payment.payment_id)))
