"""Where shops are paid. An account number never leaves this database but to its owner, to finance, to auditors and into the bank's file."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select, update

from services.apis import reimbursement_payment as api
from services.apis.errors import Refused, not_found
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.kit.views import view_of
from services.reimbursement import domain
from services.reimbursement.bank_values import MAX_NAME, normalise_iban, sepa_text
from services.reimbursement.handlers_statement import seen_by
from services.reimbursement.models import Account, Shop


def accounts_of(tx: Tx, shop_ids: Iterable[UUID]) -> dict[UUID, domain.Account]:
    """Each shop's account in force, and whether a changed one waits for its approval."""
    wanted = list(shop_ids)
    rows = tx.session.execute(
        select(Account.shop_id, Account.account_id, Account.state).where(
            Account.shop_id.in_(wanted), Account.state.in_(("proposed", "approved"))
        )
    ).all()
    approved = {row.shop_id: row.account_id for row in rows if row.state == "approved"}
    waiting = {row.shop_id for row in rows if row.state == "proposed"}
    return {shop: domain.Account(approved.get(shop), shop in waiting) for shop in wanted}


def propose_account(tx: Tx, body: api.ProposeAccount, shop_id: UUID) -> api.Account:
    """Until a second person approves it, nothing is paid to the shop: not here, and not to the account before."""
    _locked_shop(tx, shop_id)
    tx.who.must("shop_owner", shop_id)
    iban = normalise_iban(body.iban)
    sepa_text(body.holder, MAX_NAME, "account holder's name")
    _replace(tx, shop_id, "proposed")
    account = Account(
        account_id=tx.new_id(), shop_id=shop_id, holder=body.holder, iban=iban, state="proposed",
        proposed_by=tx.who.person_id, proposed_at=tx.now,
    )  # fmt: skip
    tx.session.add(account)
    return view_of(api.Account, account)


def approve_account(tx: Tx, account_id: UUID) -> api.Account:
    account = _to_decide(tx, account_id, to="approve")
    _replace(tx, account.shop_id, "approved")
    account.state, account.decided_by, account.decided_at = "approved", tx.who.person_id, tx.now
    return view_of(api.Account, account)


def refuse_account(tx: Tx, body: api.RefuseAccount, account_id: UUID) -> api.Account:
    account = _to_decide(tx, account_id, to="decide on")
    account.state, account.decided_by, account.decided_at = "refused", tx.who.person_id, tx.now
    account.refusal = body.reason
    return view_of(api.Account, account)


def list_accounts(tx: Tx, query: api.AccountQuery) -> api.AccountList:
    wanted = select(Account).where(seen_by(tx, Account.shop_id))
    if query.shop_id is not None:
        wanted = wanted.where(Account.shop_id == query.shop_id)
    if query.state is not None:
        wanted = wanted.where(Account.state == query.state)
    wanted = wanted.where(after(query, Account.proposed_at, Account.account_id)).order_by(
        Account.proposed_at, Account.account_id
    )
    rows = tx.session.scalars(wanted.limit(query.limit + 1)).all()
    return api.AccountList(
        accounts=tuple(view_of(api.Account, row) for row in rows[: query.limit]),
        next_cursor=next_cursor(query, rows, lambda row: (row.proposed_at, row.account_id)),
    )


def _locked_shop(tx: Tx, shop_id: UUID) -> None:
    """Lock the shop's row: two proposals, or two decisions, about one shop's account happen one after the other."""
    if tx.session.get(Shop, shop_id, with_for_update=True) is None:
        raise not_found("shop", shop_id)


def _to_decide(tx: Tx, account_id: UUID, *, to: str) -> Account:
    account = tx.session.get(Account, account_id)
    if account is None:
        raise not_found("account", account_id)
    _locked_shop(tx, account.shop_id)
    tx.session.refresh(account)
    if account.state != "proposed":
        raise Refused(
            "account_decided",
            "This account waits for nobody any more. Look at the shop's newest proposal.",
            {"state": account.state},
        )
    domain.check_second_person(account.proposed_by, tx.who.person_id, did="proposed", to=to)
    return account


def _replace(tx: Tx, shop_id: UUID, state: str) -> None:
    """The shop's account in this state makes room for a newer one; it stays in the history."""
    tx.session.execute(
        update(Account).where(Account.shop_id == shop_id, Account.state == state).values(state="replaced")
    )
