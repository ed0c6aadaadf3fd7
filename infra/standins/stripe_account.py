"""A made-up Stripe account: what payers, their banks and Stripe do, without HTTP.

The steps and the events of each: docs.stripe.com/payments/checkout/fulfill-orders,
docs.stripe.com/payments/sepa-debit, docs.stripe.com/disputes. Prices are simulated:
`stripe_shapes.fee_cents`; a dispute costs 20 EUR, given back when it is won. The dispute of a SEPA
debit is lost at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from infra.standins import stripe_shapes as shapes
from infra.standins.stripe_forms import (
    LOWEST_CENTS,
    CheckoutParams,
    PaymentMethod,
    RefundParams,
    StripeSaysNo,
)
from infra.standins.stripe_memory import StripeMemory
from infra.standins.stripe_shapes import Json
from infra.standins.stripe_webhooks import Deliver, Webhooks

DISPUTE_FEE_CENTS = 2000
STANDIN_KEY = "sk_test_standin"


class StripeAccount:
    """`deliver(body, headers) -> HTTP status` carries webhooks, when `tick` is called or `send`.

    `public_url` is where a person's browser finds the stand-in's pages. A SEPA debit is answered
    `sepa_delay` later, a fee booked `booking_delay` later: at the first `tick` from then on.
    `memory_file` keeps the account over restarts.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        ids: Callable[[], object],
        webhook_secret: str,
        deliver: Deliver,
        public_url: str,
        api_key: str = STANDIN_KEY,
        sepa_delay: timedelta = timedelta(days=5),
        booking_delay: timedelta = timedelta(0),
        memory_file: Path | None = None,
    ) -> None:
        self.memory = StripeMemory(now, ids, memory_file)
        self.webhooks = Webhooks(self.memory, webhook_secret, deliver)
        self.api_key = api_key
        self.outages = 0  # so many of the next API requests get no useful answer
        self._public_url = public_url.rstrip("/")
        self._sepa_delay, self._booking_delay = sepa_delay, booking_delay

    def tick(self) -> None:
        """Do what has come due (banks' answers, bookings, expiries), then send what waits."""
        with self.memory.change():
            now = self.memory.seconds()
            for entry in [each for each in self.memory.due if each[0] <= now]:
                self.memory.due.remove(entry)
                match entry:
                    case [_, "book", charge_id]:
                        self._book(charge_id)
                    case [_, "bank_answers", session_id, pays]:
                        self._bank_answers(session_id, pays)
            for session in self.memory.all_of("checkout.session"):
                if session["status"] == "open" and session["expires_at"] <= now:
                    self.expire(session["id"])
        self.webhooks.send()

    # What the platform asks for

    def open_session(self, params: CheckoutParams) -> Json:
        if params.amount_cents < LOWEST_CENTS:
            raise StripeSaysNo(
                "The Checkout Session's total amount must be at least 50 cents.",
                code="amount_too_small",
            )
        with self.memory.change():
            id_ = self.memory.new_id("cs_test")
            url = f"{self._public_url}/pay/{id_}"
            data = params.payment_intent_data
            self.memory.intent_data[id_] = {
                "description": data.description,
                "metadata": data.metadata,
            }
            return self.memory.put(shapes.checkout_session(id_, params, url, self.memory.seconds()))

    def expire(self, session_id: str) -> Json:
        with self.memory.change():
            session = self._open(session_id)
            session.update(status="expired", url=None)
            self.memory.tell("checkout.session.expired", session)
            return session

    def refund(self, params: RefundParams) -> Json:
        with self.memory.change():
            charge = self._paid_charge(params.payment_intent)
            left = charge["amount"] - charge["amount_refunded"]
            if charge["disputed"]:
                raise StripeSaysNo("Charge is disputed.", code="charge_disputed")
            if left == 0:
                raise StripeSaysNo("Charge has already been refunded.", code="charge_already_refunded")
            amount = params.amount or left
            if amount > left:
                raise StripeSaysNo(
                    f"Refund amount ({amount}) is greater than the unrefunded amount ({left})",
                    param="amount",
                )
            now = self.memory.seconds()
            refund = shapes.refund(self.memory.new_id("re"), charge, amount, params.metadata, now)
            card = charge["payment_method_details"]["type"] == "card"
            entry = self._entry(refund, "refund" if card else "payment_refund", -amount, 0)
            refund["balance_transaction"] = entry["id"]
            charge["amount_refunded"] += amount
            charge["refunded"] = charge["amount_refunded"] == charge["amount"]
            self.memory.put(refund)
            self.memory.tell("refund.created", refund)
            self.memory.tell("charge.refunded", charge)
            return refund

    # What payers and their banks do

    def card_pays(self, session_id: str) -> Json:
        """The sponsor's card is accepted: the money is there at once."""
        with self.memory.change():
            session, intent, charge = self._try(session_id, "card")
            self._succeed(intent, charge)
            session.update(status="complete", payment_status="paid", url=None)
            self.memory.tell("checkout.session.completed", session)
            return session

    def card_is_declined(self, session_id: str) -> Json:
        """The try fails; the page stays open for another."""
        with self.memory.change():
            session, intent, charge = self._try(session_id, "card")
            self._fail(intent, charge, "card_declined", "Your card was declined.")
            return session

    def sepa_debit(self, session_id: str, *, will_pay: bool = True) -> Json:
        """The sponsor signs a debit; the bank answers after `sepa_delay`."""
        with self.memory.change():
            session, intent, charge = self._try(session_id, "sepa_debit")
            intent["status"] = "processing"
            session.update(status="complete", url=None)
            self.memory.tell("payment_intent.processing", intent)
            self.memory.tell("charge.pending", charge)
            self.memory.tell("checkout.session.completed", session)
            self._later(self._sepa_delay, "bank_answers", session_id, will_pay)
            return session

    def bank_answers(self, session_id: str, *, pays: bool) -> Json:
        """The bank answers a debit now rather than when it is due."""
        with self.memory.change():
            self.memory.due = [each for each in self.memory.due if each[1:3] != ["bank_answers", session_id]]
            return self._bank_answers(session_id, pays)

    def dispute(self, payment_intent_id: str, amount_cents: int | None = None, reason: str = "general") -> Json:
        """The payer's bank takes money back. Of a card it may be won again, of a debit not."""
        with self.memory.change():
            charge = self._paid_charge(payment_intent_id)
            amount = amount_cents or charge["amount"]
            now = self.memory.seconds()
            dispute = shapes.dispute(self.memory.new_id("dp"), charge, amount, reason, now)
            entry = self._entry(dispute, "adjustment", -amount, DISPUTE_FEE_CENTS)
            dispute["balance_transactions"].append(entry)
            charge["disputed"] = True
            self.memory.put(dispute)
            self.memory.tell("charge.dispute.created", dispute)
            self.memory.tell("charge.dispute.funds_withdrawn", dispute)
            if charge["payment_method_details"]["type"] == "sepa_debit":
                self.close_dispute(dispute["id"], won=False)
            return dispute

    def close_dispute(self, dispute_id: str, *, won: bool) -> Json:
        with self.memory.change():
            dispute = self.memory.get("dispute", dispute_id)
            if won:
                entry = self._entry(dispute, "adjustment", dispute["amount"], -DISPUTE_FEE_CENTS)
                dispute["balance_transactions"].append(entry)
                self.memory.tell("charge.dispute.funds_reinstated", dispute)
            dispute["status"] = "won" if won else "lost"
            self.memory.tell("charge.dispute.closed", dispute)
            return dispute

    # The steps they share

    def _open(self, session_id: str) -> Json:
        session = self.memory.get("checkout.session", session_id)
        if session["status"] != "open":
            raise StripeSaysNo(
                f"Only Checkout Sessions with a status of `open` allow this; it is `{session['status']}`.",
                param="session",
            )
        return session

    def _try(self, session_id: str, method: PaymentMethod) -> tuple[Json, Json, Json]:
        """A session, its payment intent (made at the first try) and a new charge, still pending."""
        session = self._open(session_id)
        if method not in session["payment_method_types"]:
            raise StripeSaysNo(f"This page does not take {method}.", param="payment_method")
        now = self.memory.seconds()
        if session["payment_intent"] is None:
            intent = shapes.payment_intent(self.memory.new_id("pi"), session, self.memory.intent_data[session_id], now)
            session["payment_intent"] = self.memory.put(intent)["id"]
            self.memory.tell("payment_intent.created", intent)
        intent = self.memory.get("payment_intent", session["payment_intent"])
        method_id = self.memory.new_id("pm")
        charge = shapes.charge(self.memory.new_id("ch"), intent, method, method_id, now)
        intent.update(latest_charge=self.memory.put(charge)["id"], payment_method=method_id)
        return session, intent, charge

    def _succeed(self, intent: Json, charge: Json) -> None:
        charge.update(status="succeeded", paid=True, captured=True, amount_captured=charge["amount"])
        intent.update(status="succeeded", amount_received=intent["amount"])
        self.memory.tell("charge.succeeded", charge)
        self.memory.tell("payment_intent.succeeded", intent)
        if self._booking_delay:
            self._later(self._booking_delay, "book", charge["id"])
        else:
            self._book(charge["id"])

    def _fail(self, intent: Json, charge: Json, code: str, message: str) -> None:
        charge.update(status="failed", failure_code=code, failure_message=message)
        intent.update(
            status="requires_payment_method",
            payment_method=None,
            last_payment_error={
                "code": code,
                "message": message,
                "type": "card_error" if code == "card_declined" else "invalid_request_error",
            },
        )
        self.memory.tell("charge.failed", charge)
        self.memory.tell("payment_intent.payment_failed", intent)

    def _book(self, charge_id: str) -> None:
        charge = self.memory.get("charge", charge_id)
        method = charge["payment_method_details"]["type"]
        kind: Literal["charge", "payment"] = "charge" if method == "card" else "payment"
        fee = shapes.fee_cents(method, charge["amount"])
        charge["balance_transaction"] = self._entry(charge, kind, charge["amount"], fee)["id"]
        self.memory.tell("charge.updated", charge)

    def _bank_answers(self, session_id: str, pays: bool) -> Json:
        session = self.memory.get("checkout.session", session_id)
        intent = self.memory.objects.get(session["payment_intent"] or "", {})
        if intent.get("status") != "processing":
            raise StripeSaysNo("No debit of this page is under way.", param="session")
        charge = self.memory.get("charge", intent["latest_charge"])
        if pays:
            self._succeed(intent, charge)
            session["payment_status"] = "paid"
            self.memory.tell("checkout.session.async_payment_succeeded", session)
        else:
            self._fail(intent, charge, "insufficient_funds", "The account has too little money.")
            self.memory.tell("checkout.session.async_payment_failed", session)
        return session

    def _paid_charge(self, payment_intent_id: str) -> Json:
        intent = self.memory.get("payment_intent", payment_intent_id)
        if intent["status"] != "succeeded":
            raise StripeSaysNo(
                "This PaymentIntent does not have a successful charge.",
                code="payment_intent_unexpected_state",
            )
        return self.memory.get("charge", intent["latest_charge"])

    def _entry(self, source: Json, kind: str, amount: int, fee: int) -> Json:
        id_ = self.memory.new_id("txn")
        now = self.memory.seconds()
        return self.memory.put(shapes.balance_transaction(id_, source, kind, amount, fee, now))

    def _later(self, delay: timedelta, step: str, *args: object) -> None:
        at = self.memory.seconds() + int(delay.total_seconds())
        self.memory.due.append([at, step, *args])
