"""The audit trail of a payment or a claim: from the sales it pays for, through every hand, to the bank's line."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select

from services.apis import reimbursement as claim_api
from services.apis import reimbursement_payment as api
from services.apis import reimbursement_trail as trail_api
from services.apis.errors import not_found
from services.kit.db import Tx
from services.kit.views import view_of
from services.reimbursement import domain
from services.reimbursement.handlers_batch import batch_views
from services.reimbursement.handlers_claim import LIVING, state_of
from services.reimbursement.handlers_statement import lines_of, parts_of
from services.reimbursement.handlers_void import due_parts
from services.reimbursement.models import BankEntry, Batch, Claim, Line, Payment, Statement


def get_trail(tx: Tx, payment_id: UUID) -> api.Trail:
    payment = tx.session.get(Payment, payment_id)
    if payment is None:
        raise not_found("payment", payment_id)
    claim = tx.session.get_one(Claim, payment.claim_id)
    statement = tx.session.get_one(Statement, claim.statement_id)
    sold = select(Line.sale_id).where(Line.statement_id == statement.statement_id).distinct().order_by(Line.sale_id)
    return api.Trail(
        payment=view_of(api.Payment, payment),
        batch=batch_views(tx, [tx.session.get_one(Batch, payment.batch_id)])[0],
        claim_id=claim.claim_id,
        claim_number=domain.number_of(claim.number, claim.year),
        statement_id=statement.statement_id,
        period=statement.period,
        sale_ids=tuple(tx.session.scalars(sold)),
        undone_sale_ids=_undone(tx, claim),
        parts=due_parts(tx, [claim.claim_id])[claim.claim_id],
        entries=_entries(tx, [payment_id]),
    )


def get_claim_trail(tx: Tx, claim_id: UUID) -> trail_api.ClaimTrail:
    claim = tx.session.get(Claim, claim_id)
    if claim is None:
        raise not_found("claim", claim_id)
    statement = tx.session.get_one(Statement, claim.statement_id)
    paid = tx.session.execute(
        select(Payment, Batch)
        .join(Batch)
        .where(Payment.claim_id == claim_id)
        .order_by(Batch.prepared_at, Payment.payment_id)
    ).all()
    batches = batch_views(tx, [batch for _, batch in paid])
    entries = _entries(tx, [payment.payment_id for payment, _ in paid])
    living = next((payment.state for payment, _ in reversed(paid) if payment.state in LIVING), None)
    return trail_api.ClaimTrail(
        claim=view_of(claim_api.Claim, claim, state=state_of(claim, living), blocked=None),
        statement=view_of(
            claim_api.Statement, statement, parts=parts_of(tx, [statement.statement_id])[statement.statement_id]
        ),
        lines=tuple(view_of(claim_api.Line, line) for line in lines_of(tx, statement.statement_id)),
        undone_sale_ids=_undone(tx, claim),
        parts=due_parts(tx, [claim_id])[claim_id],
        payments=tuple(
            trail_api.PaymentTrail(
                payment=view_of(api.Payment, payment),
                batch=batch,
                entries=tuple(entry for entry in entries if entry.payment_id == payment.payment_id),
            )
            for (payment, _), batch in zip(paid, batches, strict=True)
        ),
    )


def _undone(tx: Tx, claim: Claim) -> tuple[UUID, ...]:
    of_claim = or_(Line.statement_id == claim.statement_id, Line.claim_id == claim.claim_id)
    undone = select(Line.sale_id).where(Line.kind == "void", of_claim)
    return tuple(tx.session.scalars(undone.distinct().order_by(Line.sale_id)))


def _entries(tx: Tx, payment_ids: Sequence[UUID]) -> tuple[api.Entry, ...]:
    of_payments = select(BankEntry).where(BankEntry.payment_id.in_(payment_ids))
    rows = tx.session.scalars(of_payments.order_by(BankEntry.booked_on, BankEntry.entry_id))
    return tuple(view_of(api.Entry, entry) for entry in rows)
