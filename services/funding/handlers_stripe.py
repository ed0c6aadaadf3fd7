"""Stripe's news. A webhook is only a doorbell: what counts is what Stripe says when asked."""

from __future__ import annotations

from uuid import UUID

from services.apis import funding_sponsor as api
from services.apis.errors import Refused
from services.funding import domain_topup
from services.funding.handlers_settlement import settle, settlement_id, settlements_of, take_back
from services.funding.models import TopUp
from services.funding.stripe_gateway import StripeGateway
from services.funding.stripe_news import StripeNews
from services.kit.db import Tx
from services.kit.telemetry import log


def gateway_of(tx: Tx) -> StripeGateway:
    """The city's Stripe. Raises Refused `only_bank_transfer` where it has none."""
    gateway: StripeGateway | None = tx.extras["stripe"]
    if gateway is None:
        raise Refused("only_bank_transfer", "This city takes no cards and no debits. Choose the bank transfer.")
    return gateway


def hear_stripe(tx: Tx, payload: bytes, signature: str) -> api.WebhookHeard:
    """Bring a top-up to what is true at Stripe now. What is not ours is passed over, so that Stripe does not send it again.

    Raises Refused: 400 for what Stripe did not sign, 503 `stripe_away` (Stripe sends it again).
    """
    gateway = gateway_of(tx)
    news = gateway.read_webhook(payload, signature, now=tx.now)
    topup = _locked_topup(tx, gateway, news)
    if topup is None:
        return api.WebhookHeard(state=None)
    # Asked under the lock: an older answer can never be written over a newer one.
    now = gateway.follow_up(news)
    if now.session_id != topup.session_id:
        log("stripe page not in use", topup_id=topup.topup_id, event_id=news.event_id)
        return api.WebhookHeard(state=None)
    _apply(tx, topup, now)
    return api.WebhookHeard(state=topup.state)  # type: ignore[arg-type]


def _locked_topup(tx: Tx, gateway: StripeGateway, news: StripeNews) -> TopUp | None:
    if news.kind == "ignored":
        return None
    named = news.topup_id or gateway.follow_up(news).topup_id
    try:
        topup = tx.session.get(TopUp, UUID(named or ""), with_for_update=True)
    except ValueError:
        topup = None
    if topup is None:
        log("stripe news of no top-up of ours", event_id=news.event_id)
    return topup


def _apply(tx: Tx, topup: TopUp, now: StripeNews) -> None:
    settlements = {s.settlement_id: s for s in settlements_of(tx, topup.topup_id)}
    pieces = tuple(
        domain_topup.Piece(s.settlement_id, s.amount_cents, s.taken_back_cents) for s in settlements.values()
    )
    told = domain_topup.Told(topup.state, topup.amount_cents, pieces)  # type: ignore[arg-type]
    step = domain_topup.follow(told, now, lambda turn: settlement_id(topup.topup_id, turn))
    topup.state, topup.dispute_fee_cents = step.state, now.dispute_fee_cents
    if step.settle:
        id_ = step.settle.settlement_id
        settlements[id_] = settle(
            tx, id_, topup.fund_id, amount_cents=step.settle.amount_cents, fee_cents=step.settle.fee_cents,
            channel="stripe", topup=topup, turn=len(pieces),
        )  # fmt: skip
    for taken in step.take_back:
        take_back(tx, settlements[taken.settlement_id], taken.amount_cents)
