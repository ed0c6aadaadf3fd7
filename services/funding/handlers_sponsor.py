"""Sponsors and their top-ups: a pledge, the page or the bank reference to pay it by, and receipts."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import Any
from uuid import UUID

from msgspec import convert
from sqlalchemy import exists, func, select

from services.apis import funding_sponsor as api
from services.apis.endpoint import Page
from services.apis.errors import Refused, not_found
from services.events.funding import Earmark, PledgeMade
from services.funding import domain, domain_reference
from services.funding.handlers_fund import add_fund, fund_for
from services.funding.handlers_stripe import gateway_of
from services.funding.models import Fund, Settlement, Sponsor, TopUp
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.kit.ids import derived_id
from services.kit.views import view_of


def register_sponsor(tx: Tx, body: api.RegisterSponsor) -> api.Sponsor:
    if tx.session.scalar(select(Sponsor).where(Sponsor.name == body.name)):
        raise Refused("name_taken", "A sponsor goes by this name already. Use it, or add the place to the name.")
    sponsor = Sponsor(sponsor_id=tx.new_id(), kind=body.kind, name=body.name)
    tx.session.add(sponsor)
    return view_of(api.Sponsor, sponsor)


def list_sponsors(tx: Tx) -> api.Sponsors:
    rows = tx.session.scalars(select(Sponsor).order_by(Sponsor.name))
    return api.Sponsors(sponsors=tuple(view_of(api.Sponsor, row) for row in rows))


def get_sponsor(tx: Tx, sponsor_id: UUID) -> api.Sponsor:
    return view_of(api.Sponsor, seen_sponsor(tx, sponsor_id))


def seen_sponsor(tx: Tx, sponsor_id: UUID) -> Sponsor:
    """A sponsor whom the caller may see: their own, or any for finance and the auditor."""
    if not (tx.who.has("finance") or tx.who.has("auditor")):
        tx.who.must("sponsor", sponsor_id)
    sponsor = tx.session.get(Sponsor, sponsor_id)
    if sponsor is None:
        raise not_found("sponsor", sponsor_id)
    return sponsor


def make_topup(tx: Tx, body: api.MakeTopUp, sponsor_id: UUID) -> api.TopUp:
    tx.who.must("sponsor", sponsor_id)
    domain.check_method(body.method, body.amount_cents)
    fund = _fund(tx, sponsor_id, body.purpose)
    # The id follows from the request: asked again after Stripe was away, it leads to the same page there, not to a second one.
    topup = TopUp(
        topup_id=derived_id("topup", tx.who.id, tx.key), sponsor_id=sponsor_id, fund_id=fund.fund_id,
        amount_cents=body.amount_cents, method=body.method, state="open", made_at=tx.now,
    )  # fmt: skip
    if body.method == "bank_transfer":
        topup.reference = _new_reference(tx, topup.topup_id)
    else:
        _open_checkout(tx, topup, fund.name)
    tx.session.add(topup)
    channel = "bank" if topup.reference else "stripe"
    tx.put(
        PledgeMade(pledge_id=topup.topup_id, fund_id=fund.fund_id, amount_cents=body.amount_cents, channel=channel)  # type: ignore[arg-type]
    )
    return _views(tx, [(topup, fund.earmark)])[0]


def list_topups(tx: Tx, query: Page, sponsor_id: UUID) -> api.TopUps:
    seen_sponsor(tx, sponsor_id)
    spot = TopUp.made_at, TopUp.topup_id
    mine = select(TopUp, Fund.earmark).join(Fund, Fund.fund_id == TopUp.fund_id).where(TopUp.sponsor_id == sponsor_id)
    wanted = mine.where(after(query, *spot, newest_first=True)).order_by(*(c.desc() for c in spot))
    rows = [(topup, earmark) for topup, earmark in tx.session.execute(wanted.limit(query.limit + 1))]
    count, given_cents = _sums(tx, sponsor_id)
    return api.TopUps(
        topups=_views(tx, rows[: query.limit]),
        count=count,
        given_cents=given_cents,
        next_cursor=next_cursor(query, rows, lambda row: (row[0].made_at, row[0].topup_id)),
    )


def _sums(tx: Tx, sponsor_id: UUID) -> tuple[int, int]:
    """How many top-ups a sponsor made, and what came with them and stayed (cents)."""
    count = select(func.count()).where(TopUp.sponsor_id == sponsor_id)
    came = (
        select(func.coalesce(func.sum(Settlement.amount_cents - Settlement.taken_back_cents), 0))
        .join(TopUp, TopUp.topup_id == Settlement.topup_id)
        .where(TopUp.sponsor_id == sponsor_id)
    )
    row = tx.session.execute(select(count.scalar_subquery(), came.scalar_subquery())).one()
    return int(row[0]), int(row[1])


def get_topup(tx: Tx, sponsor_id: UUID, topup_id: UUID) -> api.TopUp:
    seen_sponsor(tx, sponsor_id)
    topup = tx.session.get(TopUp, topup_id)
    if topup is None or topup.sponsor_id != sponsor_id:
        raise not_found("topup", topup_id)
    return _views(tx, [(topup, tx.session.get_one(Fund, topup.fund_id).earmark)])[0]


def _fund(tx: Tx, sponsor_id: UUID, purpose: api.Purpose) -> Fund:
    """The sponsor's fund for this purpose, opened at its first top-up. The sponsor is locked: two at once open one fund."""
    sponsor = tx.session.get(Sponsor, sponsor_id, with_for_update=True)
    if sponsor is None:
        raise not_found("sponsor", sponsor_id)
    earmark = domain.check_earmark(domain.earmark_for(purpose), tx.city)
    public_name = sponsor.name if sponsor.kind == "organisation" else None
    return fund_for(tx, sponsor_id, earmark) or add_fund(
        tx, kind="sponsor", name=domain.fund_name(public_name, purpose, tx.city), rank=domain.rank_for(purpose),
        earmark=earmark, sponsor_id=sponsor_id,
    )  # fmt: skip


def _new_reference(tx: Tx, topup_id: UUID) -> str:
    """A reference no other top-up has."""
    drawn = (domain_reference.reference_of(derived_id("reference", topup_id, n).int) for n in count())
    return next(r for r in drawn if not tx.session.scalar(select(exists().where(TopUp.reference == r))))


def _open_checkout(tx: Tx, topup: TopUp, purpose: str) -> None:
    """Open a payment page for a pledge. Raises Refused `stripe_away` (503): ask again with the same key."""
    back = f"{tx.extras['public_url']}/sponsors/{topup.sponsor_id}?topup={topup.topup_id}"
    page = gateway_of(tx).open_checkout(
        topup_id=str(topup.topup_id), amount_cents=topup.amount_cents, purpose=purpose,
        methods=[topup.method],  # type: ignore[list-item]
        success_url=f"{back}&paid=yes", cancel_url=back, idempotency_key=str(topup.topup_id),
    )  # fmt: skip
    topup.session_id, topup.checkout_url = page.session_id, page.url


def _views(tx: Tx, rows: list[tuple[TopUp, dict[str, Any]]]) -> tuple[api.TopUp, ...]:
    receipts: dict[UUID | None, list[api.Receipt]] = defaultdict(list)
    of_these = Settlement.topup_id.in_([topup.topup_id for topup, _ in rows])
    for row in tx.session.scalars(select(Settlement).where(of_these).order_by(Settlement.turn)):
        receipts[row.topup_id].append(
            view_of(api.Receipt, row, receipt_id=row.settlement_id, received_at=row.settled_at)
        )
    account = tx.city.account
    return tuple(
        view_of(
            api.TopUp, topup, earmark=convert(earmark, Earmark), receipts=tuple(receipts[topup.topup_id]),
            checkout_url=topup.checkout_url if topup.state == "open" else None,
            transfer=api.TransferTo(iban=account.iban, holder=account.name, reference=topup.reference) if topup.reference else None,
        )
        for topup, earmark in rows
    )  # fmt: skip
