"""Voids that come late: taken off the statement their sale is on, or off what is paid for the claim it has become.

The ledger has taken the money back from the shop at once, so a payment that does not heed the void could never be booked there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from services.events.ledger import Part
from services.kit.db import Tx
from services.reimbursement import domain
from services.reimbursement.models import Claim, Line, LinePart, Payment, Statement, StatementPart

ORDERED = ("released", "settled", "returned")
"""Payments whose order went to the bank: what they pay is fixed."""


def meet_its_sale(tx: Tx, void_id: UUID) -> None:
    """Put a void where its sale is. With its sale on no statement yet, it waits to be on the same one; where nothing would be left of
    the statement, until that is a claim."""
    void = tx.session.get_one(Line, void_id)
    sale = tx.session.scalar(select(Line).where(Line.sale_id == void.sale_id, Line.kind == "sale"))
    if void.statement_id is not None or void.claim_id is not None or sale is None or sale.statement_id is None:
        return
    statement = tx.session.get_one(Statement, sale.statement_id, with_for_update=True)
    if statement.state == "claimed":
        lessen(tx, tx.session.scalars(select(Claim).where(Claim.statement_id == statement.statement_id)).one())
    elif statement.amount_cents + void.amount_cents > 0:
        _put_on(tx, statement, void)


def _put_on(tx: Tx, statement: Statement, void: Line) -> None:
    void.statement_id = statement.statement_id
    statement.amount_cents += void.amount_cents
    statement.void_count += 1
    for part in tx.session.scalars(select(LinePart).where(LinePart.line_id == void.line_id)):
        stated = tx.session.get_one(StatementPart, (statement.statement_id, part.fund_id))
        if stated.amount_cents + part.amount_cents == 0:
            tx.session.delete(stated)
        else:
            stated.amount_cents += part.amount_cents


def lessen(tx: Tx, claim: Claim) -> None:
    """Take the voids that wait for a claim's own sales off what is paid for it, each one that leaves no fund's part below zero.

    Once an order for it was out, they wait for the shop's next statement.
    """
    tx.session.refresh(claim, with_for_update=True)
    of_claim = select(Payment).where(Payment.claim_id == claim.claim_id, Payment.state.in_(ORDERED))
    if tx.session.scalar(of_claim.limit(1)):
        return
    due = {part.fund_id: part.amount_cents for part in due_parts(tx, [claim.claim_id])[claim.claim_id]}
    waiting = _waiting().add_columns(Line).where(Claim.claim_id == claim.claim_id)
    for _, void in tx.session.execute(waiting.order_by(Line.happened_at, Line.line_id)).all():
        parts = tx.session.scalars(select(LinePart).where(LinePart.line_id == void.line_id))
        left = domain.less(due, {part.fund_id: -part.amount_cents for part in parts})
        if left is not None:
            due, void.claim_id = left, claim.claim_id
            claim.voided_cents -= void.amount_cents
    tx.session.flush()


def with_waiting_void(tx: Tx, claim_ids: Iterable[UUID]) -> set[UUID]:
    """The claims of which a sale is undone by a void that nothing has settled yet."""
    return set(tx.session.scalars(_waiting().where(Claim.claim_id.in_(list(claim_ids)))))


def due_parts(tx: Tx, claim_ids: Iterable[UUID]) -> dict[UUID, tuple[Part, ...]]:
    """What is paid for each claim out of which fund: its statement's parts, less those of the voids it settles."""
    wanted = list(claim_ids)
    due: dict[UUID, Counter[UUID]] = {claim_id: Counter() for claim_id in wanted}
    stated = (
        select(Claim.claim_id, StatementPart.fund_id, StatementPart.amount_cents)
        .join(StatementPart, StatementPart.statement_id == Claim.statement_id)
        .where(Claim.claim_id.in_(wanted))
    )
    voided = (
        select(Line.claim_id, LinePart.fund_id, LinePart.amount_cents).join(LinePart).where(Line.claim_id.in_(wanted))
    )
    for part in (*tx.session.execute(stated), *tx.session.execute(voided)):
        due[part.claim_id][part.fund_id] += part.amount_cents
    return {
        claim_id: tuple(Part(fund_id=fund_id, amount_cents=cents) for fund_id, cents in sorted(parts.items()) if cents)
        for claim_id, parts in due.items()
    }


def _waiting() -> Select[UUID]:
    """The id of each claim with a void (`Line`) of a sale of its own that is on no statement and settled by no claim."""
    sale = aliased(Line)
    return (
        select(Claim.claim_id)
        .join(sale, sale.statement_id == Claim.statement_id)
        .join(Line, Line.sale_id == sale.sale_id)
        .where(sale.kind == "sale", Line.kind == "void", Line.statement_id.is_(None), Line.claim_id.is_(None))
    )
