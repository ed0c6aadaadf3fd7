"""Claims: a statement the shop has confirmed, its number and document, and what a shop will be paid and when."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import Select, and_, case, func, select

from services.apis import reimbursement as api
from services.apis.errors import not_found
from services.events.reimbursement import ClaimMade
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.kit.views import view_of
from services.reimbursement import domain
from services.reimbursement.handlers_account import accounts_of
from services.reimbursement.handlers_statement import open_line, parts_of, seen_by, seen_statement
from services.reimbursement.handlers_void import lessen, with_waiting_void
from services.reimbursement.models import Account, Batch, Claim, Line, Payment, Shop, Statement

# A claim is where its living payment is; without one it can be paid, unless nothing is left to pay.
LIVING = ("prepared", "released", "settled")
STATE_BY_PAYMENT: dict[str | None, api.ClaimState] = {
    None: "payable", "prepared": "in_batch", "released": "ordered", "settled": "paid",
}  # fmt: skip
VAT_BASIS = "D.P.R. 633/1972, art. 2, c. 3, lett. a"
STAMP_BASIS = "D.P.R. 642/1972, tariffa, art. 13"


claim_state = case(
    (Claim.amount_cents == Claim.voided_cents, "closed"),
    *((Payment.state == payment, state) for payment, state in STATE_BY_PAYMENT.items() if payment),
    else_=STATE_BY_PAYMENT[None],
)
"""`state_of` for rows of `_claims_with_payment`."""


def _claims_with_payment() -> Select[Claim, Payment, date | None]:
    """Each claim with its living payment and the day that one's order names; None where there is none."""
    living = and_(Payment.claim_id == Claim.claim_id, Payment.state.in_(LIVING))
    return (
        select(Claim, Payment, Batch.execution_on)
        .outerjoin(Payment, living)
        .outerjoin(Batch, Batch.batch_id == Payment.batch_id)
    )


def confirm_statement(tx: Tx, statement_id: UUID) -> api.Claim:
    """The shop agrees: the statement becomes a claim with the next number of the shop's year."""
    statement = seen_statement(tx, statement_id, lock=True)
    tx.who.must("shop_owner", statement.shop_id)
    domain.check_confirmable(statement.state)
    # Two statements of a shop confirmed at once must not take the same number, nor leave a gap.
    tx.session.get_one(Shop, statement.shop_id, with_for_update=True)
    year, form = tx.city.day_of(tx.now).year, tx.city.claim
    last = select(func.max(Claim.number)).where(Claim.shop_id == statement.shop_id, Claim.year == year)
    claim = Claim(
        claim_id=tx.new_id(), statement_id=statement_id, shop_id=statement.shop_id, year=year,
        number=(tx.session.scalar(last) or 0) + 1, amount_cents=statement.amount_cents,
        stamp_cents=domain.stamp_cents(statement.amount_cents, form), stamp_borne_by=form.stamp_borne_by,
        form=form.form, made_by=tx.who.person_id, made_at=tx.now, voided_cents=0,
    )  # fmt: skip
    tx.session.add(claim)
    statement.state = "claimed"
    tx.session.flush()
    lessen(tx, claim)
    tx.put(view_of(ClaimMade, claim, parts=parts_of(tx, [statement_id])[statement_id]))
    return view_of(api.Claim, claim, state=state_of(claim, None), blocked=None)


def list_claims(tx: Tx, query: api.ClaimQuery) -> api.ClaimList:
    wanted = _claims_with_payment().where(seen_by(tx, Claim.shop_id))
    if query.shop_id is not None:
        wanted = wanted.where(Claim.shop_id == query.shop_id)
    if query.state is not None:
        wanted = wanted.where(claim_state == query.state)
    if query.period is not None:
        of_month = select(Statement.statement_id).where(Statement.period == query.period)
        wanted = wanted.where(Claim.statement_id.in_(of_month))
    wanted = wanted.where(after(query, Claim.made_at, Claim.claim_id)).order_by(Claim.made_at, Claim.claim_id)
    rows = tx.session.execute(wanted.limit(query.limit + 1)).all()
    claims = [(claim, state_of(claim, payment.state if payment else None)) for claim, payment, _ in rows[: query.limit]]
    payable = [claim for claim, state in claims if state == "payable"]
    accounts = accounts_of(tx, {claim.shop_id for claim in payable})
    waiting = with_waiting_void(tx, [claim.claim_id for claim in payable])
    why = {
        claim.claim_id: domain.blocked(accounts[claim.shop_id], void_waits=claim.claim_id in waiting)
        for claim in payable
    }
    return api.ClaimList(
        claims=tuple(
            view_of(api.Claim, claim, state=state, blocked=why.get(claim.claim_id)) for claim, state in claims
        ),
        next_cursor=next_cursor(query, rows, lambda row: (row[0].made_at, row[0].claim_id)),
    )


def state_of(claim: Claim, payment_state: str | None) -> api.ClaimState:
    """`payment_state`: of the claim's living payment, if there is one."""
    return "closed" if claim.due_cents == 0 else STATE_BY_PAYMENT[payment_state]


def get_document(tx: Tx, claim_id: UUID) -> api.NotaDiDebito:
    """What the *nota di debito* says. Creditor and account are those in force now, so that a returned claim can be printed anew."""
    claim = tx.session.scalar(select(Claim).where(Claim.claim_id == claim_id, seen_by(tx, Claim.shop_id)))
    if claim is None:
        raise not_found("claim", claim_id)
    statement = tx.session.get_one(Statement, claim.statement_id)
    account = tx.session.scalar(select(Account).where(Account.shop_id == claim.shop_id, Account.state == "approved"))
    return view_of(
        api.NotaDiDebito,
        claim,
        number=domain.number_of(claim.number, claim.year),
        issued_on=tx.city.day_of(claim.made_at),
        creditor=account.holder if account else tx.session.get_one(Shop, claim.shop_id).name,
        creditor_iban=account.iban if account else None,
        debtor=tx.city.account.name,
        period_from=statement.period_from,
        period_to=statement.period_to,
        sale_count=statement.sale_count,
        void_count=statement.void_count,
        due_cents=claim.due_cents,
        vat_basis=VAT_BASIS,
        stamp_basis=STAMP_BASIS if claim.stamp_cents else None,
    )


def get_owed(tx: Tx, shop_id: UUID) -> api.Owed:
    """Everything on its way to a shop, from the sale of a minute ago to the last payments."""
    if not tx.session.scalar(select(Shop).where(Shop.shop_id == shop_id, seen_by(tx, Shop.shop_id))):
        raise not_found("shop", shop_id)
    open_sums = select(func.count(), func.coalesce(func.sum(Line.amount_cents), 0)).where(
        Line.shop_id == shop_id, open_line()
    )
    open_lines, open_cents = tx.session.execute(open_sums).one()
    statements = tx.session.scalars(
        select(Statement)
        .where(Statement.shop_id == shop_id, Statement.state != "claimed")
        .order_by(Statement.period_from)
    ).all()
    claims = _claims_unpaid(tx, shop_id)
    waiting_cents = sum(s.amount_cents for s in statements) + sum(c.amount_cents for c in claims)
    return api.Owed(
        shop_id=shop_id,
        owed_cents=int(open_cents) + waiting_cents,
        open_lines=open_lines,
        open_cents=int(open_cents),
        next_statement_from=domain.next_month(tx.city.day_of(tx.now)),
        statements=tuple(view_of(api.OwedStatement, row) for row in statements),
        claims=claims,
        payments=_last_payments(tx, shop_id),
    )


def _claims_unpaid(tx: Tx, shop_id: UUID) -> tuple[api.OwedClaim, ...]:
    unpaid = (
        _claims_with_payment()
        .where(Claim.shop_id == shop_id, claim_state.not_in(("paid", "closed")))
        .order_by(Claim.made_at, Claim.claim_id)
    )
    rows = tx.session.execute(unpaid).all()
    account, waiting = accounts_of(tx, [shop_id])[shop_id], with_waiting_void(tx, [row[0].claim_id for row in rows])
    return tuple(
        view_of(
            api.OwedClaim,
            claim,
            number=domain.number_of(claim.number, claim.year),
            amount_cents=claim.due_cents,
            state=state_of(claim, payment.state if payment else None),
            blocked=None
            if payment and payment.state == "released"
            else domain.blocked(account, void_waits=claim.claim_id in waiting),
            expected_on=expected_on,
        )
        for claim, payment, expected_on in rows
    )


def _last_payments(tx: Tx, shop_id: UUID) -> tuple[api.ShopPayment, ...]:
    ordered = (
        select(Payment, Batch.execution_on)
        .join(Batch)
        .where(Payment.shop_id == shop_id, Payment.state.not_in(("prepared", "cancelled")))
        .order_by(Batch.released_at.desc(), Payment.payment_id)
        .limit(50)
    )
    return tuple(
        view_of(api.ShopPayment, payment, expected_on=expected_on)
        for payment, expected_on in tx.session.execute(ordered)
    )
