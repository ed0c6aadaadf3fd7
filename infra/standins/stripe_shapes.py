"""The stand-in's objects in Stripe's JSON shapes (docs.stripe.com/api, 2026-10-28 "endive").

Each carries the fields Stripe always fills and those a reader here may need; amounts are integer
cents.
"""

from __future__ import annotations

from typing import Any

from infra.standins.stripe_forms import CheckoutParams, PaymentMethod

API_VERSION = "2026-10-28.endive"
DAY_S = 86_400

Json = dict[str, Any]


def fee_cents(method: PaymentMethod, amount_cents: int) -> int:
    """Simulated prices: card 1.5 % (half a cent counts up) and 0.25 EUR, SEPA debit 0.35 EUR."""
    return (amount_cents * 15 + 500) // 1000 + 25 if method == "card" else 35


def checkout_session(id_: str, params: CheckoutParams, url: str, created: int) -> Json:
    return {
        "id": id_,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": params.adaptive_pricing.enabled},
        "allowed_payment_method_types": list(params.allowed_payment_method_types),
        "amount_subtotal": params.amount_cents,
        "amount_total": params.amount_cents,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "cancel_url": params.cancel_url,
        "client_reference_id": params.client_reference_id,
        "created": created,
        "currency": "eur",
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_creation": "if_required",
        "customer_details": None,
        "customer_email": None,
        "expires_at": created + DAY_S,
        "livemode": False,
        "locale": None,
        "metadata": dict(params.metadata),
        "mode": params.mode,
        "payment_intent": None,
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_method_types": list(params.allowed_payment_method_types),
        "payment_status": "unpaid",
        "shipping_options": [],
        "status": "open",
        "success_url": params.success_url,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "url": url,
    }


def payment_intent(id_: str, session: Json, params: Json, created: int) -> Json:
    return {
        "id": id_,
        "object": "payment_intent",
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{id_}_secret_standin",
        "confirmation_method": "automatic",
        "created": created,
        "currency": "eur",
        "customer": None,
        "description": params["description"],
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": dict(params["metadata"]),
        "next_action": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": list(session["payment_method_types"]),
        "processing": None,
        "receipt_email": None,
        "status": "requires_payment_method",
        "transfer_group": None,
    }


def charge(id_: str, intent: Json, method: PaymentMethod, method_id: str, created: int) -> Json:
    """A try to pay, its outcome still open: `status` pending."""
    details = {"card": {"brand": "visa", "country": "IT", "funding": "debit", "last4": "4242"}}
    if method == "sepa_debit":
        details = {"sepa_debit": {"bank_code": "0306909606", "country": "IT", "last4": "3456"}}
    return {
        "id": id_,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {
            "address": None,
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "captured": False,
        "created": created,
        "currency": "eur",
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method_id,
        "payment_method_details": {"type": method, **details},
        "receipt_email": None,
        "refunded": False,
        "status": "pending",
        "transfer_group": None,
    }


def balance_transaction(id_: str, source: Json, kind: str, amount: int, fee: int, created: int) -> Json:
    """Money moving through the account; `amount` is negative when it leaves."""
    return {
        "id": id_,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created + 3 * DAY_S,
        "balance_type": "payments",
        "created": created,
        "currency": "eur",
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [
            {
                "amount": fee,
                "application": None,
                "currency": "eur",
                "description": "Simulated fee",
                "type": "stripe_fee",
            }
        ]
        if fee
        else [],
        "net": amount - fee,
        "reporting_category": "dispute" if kind == "adjustment" else kind,
        "source": source["id"],
        "status": "pending",
        "type": kind,
    }


def refund(id_: str, charged: Json, amount: int, metadata: Json, created: int) -> Json:
    return {
        "id": id_,
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charged["id"],
        "created": created,
        "currency": "eur",
        "metadata": dict(metadata),
        "payment_intent": charged["payment_intent"],
        "payment_method": charged["payment_method"],
        "reason": None,
        "receipt_number": None,
        "status": "succeeded",
    }


def dispute(id_: str, charged: Json, amount: int, reason: str, created: int) -> Json:
    return {
        "id": id_,
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charged["id"],
        "created": created,
        "currency": "eur",
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": created + 7 * DAY_S,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": charged["payment_intent"],
        "payment_method_details": {"type": charged["payment_method_details"]["type"]},
        "reason": reason,
        "status": "needs_response",
    }


def event(id_: str, kind: str, subject: Json, created: int) -> Json:
    return {
        "id": id_,
        "object": "event",
        "api_version": API_VERSION,
        "created": created,
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
