"""The books as auditors, finance and other services read them: accounts at any instant, transfers, funds in figures, corrections."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import structs
from sqlalchemy import bindparam, func, select

from ledger import rules, rules_money
from ledger.domain_values import Because, Transfer
from ledger.handlers_sums import totals_at
from ledger.handlers_waiting import credited, hold_the_line
from ledger.models import Account, Outcome, WaitingAward
from ledger.models import Transfer as Moved
from ledger.posting import insist, post
from ledger.queries import (
    FREE_BEFORE,
    TRANSFERS,
    balances_by_class,
    flows_by_kind,
    newest_of,
    read,
    read_numbered,
    transfers_of,
)
from services.apis import ledger as api
from services.apis import ledger_fund as fund_api
from services.apis.errors import Refused, forbidden, not_found
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx


def get_account(tx: Tx, query: api.AccountQuery) -> api.Account:
    account = _account(tx, query.code)
    debits, credits_ = account.debits_posted, account.credits_posted
    if query.at is not None:
        debits, credits_ = totals_at(tx, account, query.by, query.at)
    return api.Account(
        code=account.code, fund_id=account.fund, at=query.at, by=query.by,
        debits_cents=int(debits), credits_cents=int(credits_), balance_cents=int(credits_ - debits),
    )  # fmt: skip


def get_history(tx: Tx, query: api.HistoryQuery) -> api.Transfers:
    account, clock = _account(tx, query.code), _clock(query)
    until = () if query.at is None else (clock <= query.at,)
    behind = after(query, clock, Moved.seq, newest_first=True)
    rows = read_numbered(tx, newest_of([account.id], clock, query.limit + 1, behind, *until))
    return api.Transfers(
        transfers=tuple(_shown(tx, transfer) for _, transfer in rows[: query.limit]),
        next_cursor=next_cursor(query, rows, lambda row: (getattr(row[1], query.by), row[0])),
    )


def get_transfer(tx: Tx, transfer_id: UUID) -> api.Transfer:
    return _view(_transfer(tx, transfer_id))


def get_journal(tx: Tx, journal: UUID) -> api.Journal:
    outcome = tx.session.get(Outcome, journal)
    if outcome is None:
        raise not_found("journal", journal)
    return api.Journal(
        journal=journal, kind=outcome.kind, state=outcome.state, code=outcome.code, facts=outcome.facts,  # type: ignore[arg-type]
        decided_at=outcome.decided_at, transfers=tuple(_view(t) for t in transfers_of(tx, journal)),
    )  # fmt: skip


def get_funds(tx: Tx) -> fund_api.Funds:
    return fund_api.Funds(funds=tuple(_figures(tx, None)))


def get_fund(tx: Tx, fund_id: UUID) -> fund_api.FundFigures:
    return _figures(tx, fund_id)[0]


def get_trends(tx: Tx, query: fund_api.TrendQuery) -> fund_api.Trends:
    moments = [tx.now - timedelta(weeks=n) for n in reversed(range(query.points))]
    left: dict[UUID, list[int]] = {}
    for fund_id, now_cents, passed, moved_cents in tx.session.execute(FREE_BEFORE, {"moments": moments}):
        free = left.setdefault(fund_id, [now_cents] * query.points)
        for n in range(passed):  # it had not moved yet
            free[n] -= moved_cents
    trends = (fund_api.Trend(fund_id=fund_id, free_cents=tuple(free)) for fund_id, free in sorted(left.items()))
    return fund_api.Trends(moments=tuple(moments), funds=tuple(trends))


def correct(tx: Tx, body: api.PostCorrection) -> api.Journal:
    """Reverse a top-up, or a top-up taken back, that should not have been booked."""
    hold_the_line(tx)
    wrong = _transfer(tx, body.transfer_id)
    if wrong.kind not in rules_money.CORRECTABLE or wrong.reversal_of is not None:
        raise Refused(
            "not_correctable",
            "Only a top-up, or a top-up taken back, is corrected here. A sale is undone by a void at its till, an award by correcting "
            "the attendance, a payment by the bank's return.",
            {"kind": wrong.kind},
        )
    because = Because(tx.correlation_id, tx.now)
    (answer,) = post(tx, [rules_money.correction(body, wrong, tx.new_id(), tx.who.person_id, because)])
    outcome = answer.outcome
    if outcome.code == "over_original":
        left = (outcome.facts or {}).get("available_cents", 0)
        raise Refused("more_than_is_left", "So much is not left of this transfer. Correct what is left at most.",
                      {"left_cents": left}, keep=True)  # fmt: skip
    if outcome.state == "refused":
        raise Refused(
            "not_enough_money",
            "The fund has issued coins on this money. Correct what is free at most, or let funding report the money as taken back.",
            outcome.facts,
            keep=True,
        )
    back_in = sorted({t.fund_id for t in answer.transfers if rules.class_of(t.credit) in ("fund", "receivable")})
    insist(post(tx, [rules_money.free_receivable(fund_id, tx.new_id(), because) for fund_id in back_in]))
    credited(tx, back_in, because)
    return get_journal(tx, outcome.request_id)


def _figures(tx: Tx, fund_id: UUID | None) -> list[fund_api.FundFigures]:
    balance, flow, waits = balances_by_class(tx, fund_id), flows_by_kind(tx, fund_id), _waiting_cents(tx)
    funds = sorted({fund for fund, _ in balance}) if fund_id is None else [fund_id]
    return [_figures_of(fund, balance, flow, waits.get(fund, 0)) for fund in funds]


def _figures_of(
    fund: UUID, balance: dict[tuple[UUID, str], int], flow: dict[tuple[UUID, str], int], waiting_cents: int
) -> fund_api.FundFigures:
    """Awards and sales are most of the books; nobody waits until they are added up. What was issued is what came in and is not free,
    and what was spent is what was issued and neither stands in a wallet nor has expired."""
    came_in = flow.get((fund, "topup"), 0) - flow.get((fund, "topup_reversal"), 0)
    fees, expired = flow.get((fund, "fee"), 0), flow.get((fund, "expiry"), 0)
    free, receivable = balance.get((fund, "fund"), 0), -balance.get((fund, "receivable"), 0)
    outstanding = balance.get((fund, "coins"), 0)
    issued = came_in - fees + receivable - free + expired
    return fund_api.FundFigures(
        fund_id=fund,
        came_in_cents=came_in,
        fee_cents=fees,
        issued_cents=issued,
        spent_cents=issued - expired - outstanding,
        paid_cents=flow.get((fund, "payment_settled"), 0),
        expired_cents=expired,
        outstanding_cents=outstanding,
        owed_cents=sum(balance.get((fund, word), 0) for word in ("shop", "paying", "overpaid")),
        free_cents=free,
        receivable_cents=receivable,
        waiting_cents=waiting_cents,
    )


def _waiting_cents(tx: Tx) -> dict[UUID, int]:
    eligible = select(func.unnest(WaitingAward.fund_ids).label("fund"), WaitingAward.amount_cents).subquery()
    sums = select(eligible.c.fund, func.sum(eligible.c.amount_cents)).group_by(eligible.c.fund)
    return {fund: int(cents) for fund, cents in tx.session.execute(sums)}


# Columns, not an object: reading a balance should cost little more than the transaction around it.
_ONE = select(
    Account.id, Account.code, Account.fund, Account.expires_on, Account.debits_posted, Account.credits_posted
).where(Account.code == bindparam("code"))


def _account(tx: Tx, code: str) -> Any:
    if rules.class_of(code) == "coins" and not tx.who.has("auditor"):
        raise forbidden("A wallet is open to its owner and to the auditor. Ask for a fund's or a shop's account.")
    account = tx.session.execute(_ONE, {"code": code}).one_or_none()
    if account is None:
        raise not_found("account", code)
    return account


def _transfer(tx: Tx, transfer_id: UUID) -> Transfer:
    found = read(tx, TRANSFERS.where(Moved.id == transfer_id))
    if not found:
        raise not_found("transfer", transfer_id)
    return found[0]


def _shown(tx: Tx, transfer: Transfer) -> api.Transfer:
    """For others than the auditor, coins without their lot: by that, somebody's sales could be put together."""
    shown = _view(transfer)
    if tx.who.has("auditor"):
        return shown
    sides = {
        side: f"coins/{transfer.fund_id}" if rules.class_of(code) == "coins" else code
        for side, code in (("debit", transfer.debit), ("credit", transfer.credit))
    }
    return structs.replace(shown, **sides)


def _clock(query: api.AccountQuery | api.HistoryQuery) -> Any:
    return Moved.posted_at if query.by == "posted_at" else Moved.occurred_at


def _view(transfer: Transfer) -> api.Transfer:
    fields = {f: getattr(transfer, f) for f in Transfer.__struct_fields__}
    return api.Transfer(**fields, leaf=transfer.leaf.hex())
