"""The audit trail of a payment, as one page: the bank's line, the batch, the statement, each sale, the coins it was made with, the award
they came from, the shift and the attendance, and the decision that set the money aside. No person is named on it.

A wallet is open to its owner and to auditors: for finance officers the trail ends at the sale and the fund behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from services.apis import attendance, awards, funding, ledger, shifts
from services.apis import reimbursement as claim_api
from services.apis import reimbursement_payment as api
from services.apis.endpoint import Page
from services.kit.every import every
from services.kit.screens import ask, ask_together, only, visit
from services.reimbursement.pages_batch import steps_of
from services.reimbursement.pages_parts import READERS, shop_names

SALES_A_PAGE = 10


@dataclass(frozen=True)
class Thanks:
    """Where coins came from."""

    award: awards.Award
    shift: shifts.Shift
    seen: attendance.Attendance


@dataclass(frozen=True)
class Spent:
    """A sale of the statement, and what stands behind it: `moved` from lots to the shop, `thanks` for an auditor.

    `undone`: it was voided and is not part of the payment.
    """

    line: claim_api.Line
    undone: bool
    moved: Sequence[ledger.Transfer]
    thanks: Sequence[Thanks]


@only(*READERS)
def trail(payment_id: UUID) -> ResponseReturnValue:
    told: api.Trail = ask("reimbursement", api.GET_TRAIL, payment_id=payment_id)
    stated: claim_api.FullStatement = ask("reimbursement", claim_api.GET_STATEMENT, statement_id=told.statement_id)
    lines = [line for line in stated.lines if line.kind == "sale"]
    start = max(0, request.args.get("from", 0, int))
    shown = lines[start : start + SALES_A_PAGE]
    parts = ask_together(
        batch=lambda: ask("reimbursement", api.GET_BATCH, batch_id=told.batch.batch_id),
        spent=lambda: list(_followed(told, stated.statement.issued_at, shown)),
        funds=lambda: ask("funding", funding.GET_FUNDS, query=Page(limit=200)).funds,
        decisions=lambda: _decisions(told),
        names=lambda: shop_names([told.payment.shop_id]),
    )
    return render_template(
        "finance/trail.html", told=told, statement=stated.statement, parts=parts, start=start, count=len(lines),
        more=start + SALES_A_PAGE if start + SALES_A_PAGE < len(lines) else None, sees_all=_sees_all(),
        fund_of={fund.fund_id: fund for fund in parts.get("funds", ())}, name=parts.get("names", {}).get(told.payment.shop_id, ""),
        steps=steps_of(parts["batch"]) if "batch" in parts else (), per_page=SALES_A_PAGE,
    )  # fmt: skip


def _decisions(told: api.Trail) -> list[funding.SetAside]:
    """What had been set aside for the funds of this payment before it was prepared, newest first."""
    funds = {part.fund_id for part in told.parts}
    found = every("funding", funding.GET_SET_ASIDES, "set_asides")
    return [
        one for one in found
        if one.fund_id in funds and one.state == "settled" and one.decided_at and one.decided_at <= told.batch.prepared_at
    ]  # fmt: skip


def _followed(told: api.Trail, until: datetime, lines: Sequence[claim_api.Line]) -> Iterator[Spent]:
    """Each sale with the funds, and for an auditor the awards, whose coins it was made with."""
    moved = _moved_for(told, until, {line.sale_id for line in lines})
    thanks: dict[UUID, Thanks] = {}
    for line in lines:
        transfers = moved.get(line.sale_id, [])
        found = [award_id for transfer in transfers for award_id in _awards_behind(transfer)] if _sees_all() else []
        for award_id in found:
            thanks[award_id] = thanks.get(award_id) or _thanks_for(award_id)
        yield Spent(line, line.sale_id in told.undone_sale_ids, transfers, [thanks[award_id] for award_id in found])


def _sees_all() -> bool:
    return visit().who.has("auditor")


def _moved_for(told: api.Trail, until: datetime, sale_ids: set[UUID]) -> dict[UUID, list[ledger.Transfer]]:
    """What each sale moved from lots to the shop, as the ledger wrote it down before the statement."""
    moved: dict[UUID, list[ledger.Transfer]] = {}
    for fund_id in {part.fund_id for part in told.parts}:
        for transfer in _history(f"shop/{told.payment.shop_id}/{fund_id}", until):
            if transfer.kind == "sale" and transfer.journal in sale_ids:
                moved.setdefault(transfer.journal, []).append(transfer)
    return moved


def _awards_behind(sale: ledger.Transfer) -> list[UUID]:
    """The awards that brought a sale's coins into its lot: what came first is spent first."""
    lot = sale.debit
    earlier = [t for t in _history(lot, sale.posted_at) if t.transfer_id != sale.transfer_id]
    issued = [t for t in reversed(earlier) if t.kind == "award"]
    gone = sum(t.amount_cents if t.debit == lot else -t.amount_cents for t in earlier if t.kind != "award")
    came = accumulate(t.amount_cents for t in issued)
    return [
        award.journal
        for award, so_far in zip(issued, came, strict=True)
        if so_far > gone and so_far - award.amount_cents < gone + sale.amount_cents
    ]


def _history(code: str, until: datetime) -> Iterator[ledger.Transfer]:
    """What moved on an account up to an instant, newest first."""
    return every("ledger", ledger.GET_HISTORY, "transfers", ledger.HistoryQuery(code=code, at=until))


def _thanks_for(award_id: UUID) -> Thanks:
    award: awards.Award = ask("awards", awards.GET_AWARD, award_id=award_id)
    return Thanks(
        award=award,
        shift=ask("shifts", shifts.GET_SHIFT, shift_id=award.shift_id),
        seen=ask("attendance", attendance.GET_ATTENDANCE, attendance_id=award.attendance_id),
    )


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/batches/payments/<uuid:payment_id>", "trail", trail)
