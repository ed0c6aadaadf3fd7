"""Bank credits: a sponsor's transfer finds its top-up by its reference; what finds none waits for two people of finance."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.apis import funding as api
from services.apis.endpoint import Page
from services.apis.errors import Refused, not_found
from services.events import Envelope
from services.events.reimbursement import BankCredited
from services.funding import domain
from services.funding.domain_reference import reference_in
from services.funding.handlers_fund import facts_of, locked_fund
from services.funding.handlers_settlement import settle, settlement_id, settlements_of
from services.funding.models import Credit, Fund, TopUp
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.kit.views import view_of


def on_bank_credited(tx: Tx, events: list[Envelope[BankCredited]]) -> None:
    """What really came counts, whatever was pledged; a second transfer with the same reference counts too."""
    for event in events:
        credit = Credit(
            entry_id=event.data.entry_id, amount_cents=event.data.amount_cents, booked_on=event.data.booked_on,
            reference=reference_in(event.data.reference), heard_at=tx.now, state="unassigned",
        )  # fmt: skip
        if tx.session.get(Credit, credit.entry_id):
            continue
        topup = _locked_topup(tx, credit.reference)
        if topup is None:
            credit.reason = "unknown_reference" if credit.reference else "no_reference"
        elif locked_fund(tx, topup.fund_id).closed_at is not None:
            credit.reason = "fund_closed"
        else:
            turn = len(settlements_of(tx, topup.topup_id))
            credit.state, credit.fund_id, topup.state = "matched", topup.fund_id, "settled"
            _settle(tx, credit, settlement_id(topup.topup_id, turn), topup=topup, turn=turn, because=event)
        tx.session.add(credit)
        tx.session.flush()


def list_unassigned_credits(tx: Tx, query: Page) -> api.Credits:
    spot = Credit.heard_at, Credit.entry_id
    waiting = select(Credit).where(Credit.state.in_(("unassigned", "proposed")))
    rows = list(tx.session.scalars(waiting.where(after(query, *spot)).order_by(*spot).limit(query.limit + 1)))
    return api.Credits(
        credits=tuple(view_of(api.Credit, row) for row in rows[: query.limit]),
        next_cursor=next_cursor(query, rows, lambda row: (row.heard_at, row.entry_id)),
    )


def assign_credit(tx: Tx, body: api.AssignCredit, entry_id: UUID) -> api.Credit:
    """Propose a fund; a later proposal replaces an earlier one, and needs another person than its own proposer."""
    credit = _waiting(tx, entry_id)
    domain.check_open(facts_of(locked_fund(tx, body.fund_id)))
    credit.state, credit.fund_id, credit.proposed_by = "proposed", body.fund_id, tx.who.person_id
    return view_of(api.Credit, credit)


def approve_credit(tx: Tx, body: api.AssignCredit, entry_id: UUID) -> api.Credit:
    """The fund is said again: nobody approves another one than they saw."""
    credit = _waiting(tx, entry_id)
    if credit.proposed_by is None or credit.fund_id != body.fund_id:
        raise Refused(
            "not_proposed",
            "Nobody proposed this fund for it. Look at the list again, or propose a fund yourself.",
            {"fund_id": str(credit.fund_id) if credit.fund_id else None},
        )
    domain.check_second_person(credit.proposed_by, tx.who.person_id)
    fund = locked_fund(tx, body.fund_id)
    domain.check_open(facts_of(fund))
    credit.state, credit.approved_by = "assigned", tx.who.person_id
    _settle(tx, credit, entry_id, topup=_unpledged(tx, fund, credit))
    return view_of(api.Credit, credit)


def _unpledged(tx: Tx, fund: Fund, credit: Credit) -> TopUp | None:
    """A sponsor's transfer that came without a reference is a top-up of its own, so that the sponsor finds a receipt for it."""
    if fund.sponsor_id is None:
        return None
    topup = TopUp(
        topup_id=credit.entry_id, sponsor_id=fund.sponsor_id, fund_id=fund.fund_id, amount_cents=credit.amount_cents,
        method="bank_transfer", state="settled", made_at=tx.now,
    )  # fmt: skip
    tx.session.add(topup)
    tx.session.flush()
    return topup


def _settle(tx: Tx, credit: Credit, id_: UUID, **more: Any) -> None:
    assert credit.fund_id is not None  # noqa: S101 - both callers have just given it one
    settle(tx, id_, credit.fund_id, amount_cents=credit.amount_cents, channel="bank", **more)
    credit.settlement_id = id_


def _locked_topup(tx: Tx, reference: str | None) -> TopUp | None:
    """Locked: two credits with one reference are settled one after the other."""
    if reference is None:
        return None
    return tx.session.scalar(select(TopUp).where(TopUp.reference == reference).with_for_update())


def _waiting(tx: Tx, entry_id: UUID) -> Credit:
    """Locked, so that it is assigned once."""
    credit = tx.session.get(Credit, entry_id, with_for_update=True)
    if credit is None:
        raise not_found("credit", entry_id)
    if credit.state not in ("unassigned", "proposed"):
        raise Refused("already_assigned", "This money has its fund already.", {"fund_id": str(credit.fund_id)})
    return credit
