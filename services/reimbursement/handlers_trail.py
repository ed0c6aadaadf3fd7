"""The audit trail of a payment: from the sales it pays for, through every hand, to the bank's line."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import or_, select

from services.apis import reimbursement_payment as api
from services.apis.errors import not_found
from services.kit.db import Tx
from services.kit.views import view_of
from services.reimbursement import domain
from services.reimbursement.handlers_batch import batch_views
from services.reimbursement.handlers_void import due_parts
from services.reimbursement.models import BankEntry, Batch, Claim, Line, Payment, Statement


def get_trail(tx: Tx, payment_id: UUID) -> api.Trail:
    payment = tx.session.get(Payment, payment_id)
    if payment is None:
        raise not_found("payment", payment_id)
    claim = tx.session.get_one(Claim, payment.claim_id)
    statement = tx.session.get_one(Statement, claim.statement_id)
    sold = select(Line.sale_id).where(Line.statement_id == statement.statement_id).distinct().order_by(Line.sale_id)
    undone = select(Line.sale_id).where(
        Line.kind == "void", or_(Line.statement_id == statement.statement_id, Line.claim_id == claim.claim_id)
    )
    entries = tx.session.scalars(
        select(BankEntry).where(BankEntry.payment_id == payment_id).order_by(BankEntry.booked_on, BankEntry.entry_id)
    )
    return api.Trail(
        payment=view_of(api.Payment, payment),
        batch=batch_views(tx, [tx.session.get_one(Batch, payment.batch_id)])[0],
        claim_id=claim.claim_id,
        claim_number=domain.number_of(claim.number, claim.year),
        statement_id=statement.statement_id,
        period=statement.period,
        sale_ids=tuple(tx.session.scalars(sold)),
        undone_sale_ids=tuple(tx.session.scalars(undone.distinct().order_by(Line.sale_id))),
        parts=due_parts(tx, [claim.claim_id])[claim.claim_id],
        entries=tuple(view_of(api.Entry, entry) for entry in entries),
    )
