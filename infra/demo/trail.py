"""One coin followed the whole way, as the auditor reads it from the services: fund, shift, attendance, award, sale, claim, bank line.

Nothing here knows a name: ids, days and amounts only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import accumulate
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.apis import attendance, awards, funding, ledger, reimbursement, shifts
from services.apis import reimbursement_payment as payments
from services.apis.endpoint import Endpoint, Page

Ask = Callable[..., Any]
"""Ask a service, by its name, for one of its endpoints, in the auditor's name."""


class CoinsWay(Struct, frozen=True, kw_only=True):
    """What stands behind the first coin of a paid sale. `decision`: the act that set the money aside; None for a sponsor's gift."""

    topup: ledger.Transfer
    decision: funding.SetAside | None
    shift: shifts.Shift
    attendance: attendance.Attendance
    award: awards.Award
    coins: ledger.Transfer
    sale: ledger.Transfer
    statement: reimbursement.Statement
    claim: reimbursement.Claim
    paid: payments.Trail


def follow_a_coin(ask: Ask) -> CoinsWay | None:
    """A coin of the newest payment the bank has booked; None while there is no such payment."""
    for batch in ask("reimbursement", payments.GET_BATCHES, query=Page()).batches:
        full = ask("reimbursement", payments.GET_BATCH, batch_id=batch.batch_id)
        for payment in full.payments:
            if payment.state == "settled":
                return _way_of(ask, ask("reimbursement", payments.GET_TRAIL, payment_id=payment.payment_id))
    return None


def _way_of(ask: Ask, paid: payments.Trail) -> CoinsWay | None:
    stated = ask("reimbursement", reimbursement.GET_STATEMENT, statement_id=paid.statement_id)
    sale_id = next((sale_id for sale_id in paid.sale_ids if sale_id not in paid.undone_sale_ids), None)
    if sale_id is None:
        return None
    sale = ask("ledger", ledger.GET_JOURNAL, journal=sale_id).transfers[0]
    coins = _coins_behind(ask, sale)
    topup = _topup_behind(ask, coins)
    award = ask("awards", awards.GET_AWARD, award_id=coins.journal)
    claims = _all(
        ask, "reimbursement", reimbursement.GET_CLAIMS, reimbursement.ClaimQuery(shop_id=paid.payment.shop_id), "claims"
    )
    decisions = _all(ask, "funding", funding.GET_SET_ASIDES, Page(), "set_asides")
    return CoinsWay(
        topup=topup,
        decision=next((one for one in decisions if one.set_aside_id == topup.journal), None),
        shift=ask("shifts", shifts.GET_SHIFT, shift_id=award.shift_id),
        attendance=ask("attendance", attendance.GET_ATTENDANCE, attendance_id=award.attendance_id),
        award=award,
        coins=coins,
        sale=sale,
        statement=stated.statement,
        claim=next(claim for claim in claims if claim.claim_id == paid.claim_id),
        paid=paid,
    )


def _coins_behind(ask: Ask, sale: ledger.Transfer) -> ledger.Transfer:
    """The award that brought the sale's first coin into its lot: what came first is spent first."""
    lot = sale.debit
    earlier = [t for t in _moved(ask, lot, sale.posted_at) if t.transfer_id != sale.transfer_id]
    issued = [t for t in reversed(earlier) if t.kind == "award"]
    gone = sum(t.amount_cents if t.debit == lot else -t.amount_cents for t in earlier if t.kind != "award")
    came = accumulate(t.amount_cents for t in issued)
    return next(award for award, so_far in zip(issued, came, strict=True) if so_far > gone)


def _topup_behind(ask: Ask, coins: ledger.Transfer) -> ledger.Transfer:
    """The last money that had come into the fund when it issued the coins. Within a fund one euro is like the other."""
    fund = coins.debit
    return next(t for t in _moved(ask, fund, coins.posted_at) if t.kind == "topup" and t.credit == fund)


def _moved(ask: Ask, code: str, until: datetime) -> Iterator[ledger.Transfer]:
    """What moved on an account up to an instant, newest first."""
    return _all(ask, "ledger", ledger.GET_HISTORY, ledger.HistoryQuery(code=code, at=until, limit=200), "transfers")


def _all(ask: Ask, service: str, endpoint: Endpoint, query: Page, name: str) -> Iterator[Any]:
    """Every item of a list, asked for page by page as far as it is read."""
    while True:
        page = ask(service, endpoint, query=query)
        yield from getattr(page, name)
        if page.next_cursor is None:
            return
        query = replace(query, cursor=page.next_cursor)
