"""What Stripe says of a payment, in funding's few words. Pure: reads JSON, asks nobody.

Shapes: docs.stripe.com/api, version 2026-10-28 ("endive"), only the fields we read. Amounts are
integer euro cents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec import Struct

from services.apis.endpoint import read_early
from services.apis.errors import Refused

Kind = Literal["open", "processing", "settled", "failed", "expired", "refunded", "disputed", "ignored"]
Method = Literal["card", "sepa_debit"]


@dataclass(frozen=True, slots=True)
class StripeNews:
    """What Stripe says of one payment.

    `kind`: *open* not paid yet (a declined card leaves it open: the sponsor may try another),
    *processing* a debit on its way, *settled* the money is there, *failed*, *expired*, *refunded*
    and *disputed* all or part of it has left again, *ignored* nothing of ours.
    `amount_cents`: the payment; for *refunded* and *disputed* what has left again. A webhook knows
    only its own part of that, the present state the total.
    `fee_cents`: what Stripe keeps, dispute fees included; None until it is booked (news follows).
    `dispute_fee_cents`: the part of it that is for disputes.
    `event_id` is None where we asked. `created_at` (UTC): of the event; where we asked, of the
    checkout.
    """

    event_id: str | None
    kind: Kind
    topup_id: str | None
    session_id: str | None
    payment_intent_id: str | None
    amount_cents: int
    fee_cents: int | None
    created_at: datetime
    dispute_fee_cents: int = 0


class Checkout(Struct, frozen=True, rename={"session_id": "id"}):
    """A page at Stripe where the sponsor pays. `url` leads there, for 24 hours."""

    session_id: str
    url: str


class StripeRefund(Struct, frozen=True, rename={"refund_id": "id", "amount_cents": "amount"}):
    """Money on its way back. `status`: pending, requires_action, succeeded, failed, canceled."""

    refund_id: str
    amount_cents: int
    status: str


class Balance(Struct):
    """A balance transaction: `amount` is negative when money leaves, `fee` when given back."""

    amount: int
    fee: int
    currency: str


class Charge(Struct):
    """One try to pay. Its metadata are those of the payment intent."""

    amount: int
    amount_refunded: int
    disputed: bool
    payment_intent: str | None
    metadata: dict[str, str]
    balance_transaction: str | Balance | None


class Intent(Struct):
    id: str
    status: str
    latest_charge: str | Charge | None


class Session(Struct):
    """A checkout. `payment_intent` is None until the sponsor tries to pay."""

    id: str
    created: int
    status: str | None
    payment_status: str
    amount_total: int | None
    payment_intent: str | Intent | None
    metadata: dict[str, str] | None

    @property
    def topup_id(self) -> str | None:
        return (self.metadata or {}).get("topup_id")

    @property
    def intent(self) -> Intent | None:
        """The payment, where it was asked for with `expand` and the sponsor has tried to pay."""
        return self.payment_intent if isinstance(self.payment_intent, Intent) else None

    @property
    def charge(self) -> Charge | None:
        """The last try of the payment, likewise."""
        charge = self.intent.latest_charge if self.intent else None
        return charge if isinstance(charge, Charge) else None


class Dispute(Struct):
    """A payer's bank takes money back. With a `status` of `warning_…` it only asks."""

    amount: int
    status: str
    payment_intent: str | None
    balance_transactions: list[Balance]


class _Refund(Struct):
    amount: int
    payment_intent: str | None


class _Data(Struct):
    object: msgspec.Raw


class Event(Struct):
    id: str
    type: str
    livemode: bool
    created: int
    data: _Data


read_early(Event, Charge, Checkout, Dispute, Session, StripeRefund, _Refund)


def read_event(payload: bytes) -> Event:
    """The envelope of a webhook. Raises `msgspec.MsgspecError` if it is none."""
    return msgspec.json.decode(payload, type=Event)


def news_of(event: Event) -> StripeNews:
    """Whom an event is about and what it says. Raises `msgspec.MsgspecError` for unknown shapes.

    `payment_intent.*` is ignored on purpose: a declined card fails the intent while the checkout
    stays open.
    """
    body = event.data.object
    match event.type.split("."):
        case ["checkout", "session", word] if word in _SESSION_WORDS:
            return _session_event(event, _SESSION_WORDS[word])
        case ["charge", "refunded" | "updated"]:
            charge = msgspec.json.decode(body, type=Charge)
            kind: Kind = "refunded" if charge.amount_refunded else "settled"
            amount_cents = charge.amount_refunded or charge.amount
            topup_id = charge.metadata.get("topup_id")
            return _news(event, kind, amount_cents, charge.payment_intent, topup_id)
        case ["charge", "dispute", _]:
            dispute = msgspec.json.decode(body, type=Dispute)
            here = dispute.status.startswith("warning_") or dispute.status in {"won", "prevented"}
            kind = "settled" if here else "disputed"
            return _news(event, kind, dispute.amount, dispute.payment_intent)
        case ["refund", "failed"]:  # the payer's bank could not take it: the money is here again
            refund = msgspec.json.decode(body, type=_Refund)
            return _news(event, "settled", refund.amount, refund.payment_intent)
        case _:
            return _news(event, "ignored", 0)


def state_of(session: Session, disputes: Sequence[Dispute]) -> StripeNews:
    """The whole truth of one checkout: `session` with its payment expanded, and all its disputes.

    Raises `Refused` other_currency: the account must keep its balance in euro.
    """
    charge = session.charge
    moved = [entry for dispute in disputes for entry in dispute.balance_transactions]
    booked = charge.balance_transaction if charge else None
    fees = [booked, *moved] if isinstance(booked, Balance) else []
    disputed_cents = -sum(_in_euro(entry).amount for entry in moved)
    refunded_cents = charge.amount_refunded if charge else 0
    kind = _session_state(session)
    amount_cents = session.amount_total or 0
    if kind == "settled" and disputed_cents + refunded_cents > 0:
        kind = "disputed" if disputed_cents > 0 else "refunded"
        amount_cents = disputed_cents + refunded_cents
    return StripeNews(
        event_id=None,
        kind=kind,
        topup_id=session.topup_id,
        session_id=session.id,
        payment_intent_id=session.intent.id if session.intent else None,
        amount_cents=amount_cents,
        fee_cents=sum(_in_euro(entry).fee for entry in fees) if fees else None,
        created_at=_at(session.created),
        dispute_fee_cents=sum(_in_euro(entry).fee for entry in moved),
    )


_SESSION_WORDS: dict[str, Kind] = {
    "completed": "processing",  # or settled, if it is paid already: a card is, a debit is not
    "async_payment_succeeded": "settled",
    "async_payment_failed": "failed",
    "expired": "expired",
}


def _session_event(event: Event, kind: Kind) -> StripeNews:
    session = msgspec.json.decode(event.data.object, type=Session)
    if session.topup_id is None:
        return _news(event, "ignored", 0)
    if kind == "processing" and session.payment_status == "paid":
        kind = "settled"
    intent = session.payment_intent
    return StripeNews(
        event_id=event.id,
        kind=kind,
        topup_id=session.topup_id,
        session_id=session.id,
        payment_intent_id=intent.id if isinstance(intent, Intent) else intent,
        amount_cents=session.amount_total or 0,
        fee_cents=None,
        created_at=_at(event.created),
    )


def _session_state(session: Session) -> Kind:
    if session.status == "open":
        return "open"
    if session.status == "expired":
        return "expired"
    if session.payment_status == "paid":
        return "settled"
    gone = session.intent and session.intent.status in {"requires_payment_method", "canceled"}
    return "failed" if gone else "processing"


def _news(
    event: Event,
    kind: Kind,
    amount_cents: int,
    payment_intent_id: str | None = None,
    topup_id: str | None = None,
) -> StripeNews:
    return StripeNews(
        event_id=event.id,
        kind=kind,
        topup_id=topup_id,
        session_id=None,
        payment_intent_id=payment_intent_id,
        amount_cents=amount_cents,
        fee_cents=None,
        created_at=_at(event.created),
    )


def _in_euro(entry: Balance) -> Balance:
    if entry.currency != "eur":
        raise Refused(
            "other_currency",
            "Stripe books this account in another currency. Give it a euro balance.",
            {"currency": entry.currency},
        )
    return entry


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
