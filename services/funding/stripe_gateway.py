"""Stripe at the edge: the one module that imports `stripe`.

Stripe tells its news at least once and in any order (docs.stripe.com/webhooks). So a webhook is
only a doorbell: `read_webhook` says whom it is about, `follow_up` asks Stripe what is true now, and
acting on that twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import msgspec
import stripe

from services.apis.errors import Refused
from services.funding import stripe_news
from services.funding.stripe_news import Checkout, Method, StripeNews, StripeRefund

stripe.enable_telemetry = False  # it would keep an id below the home folder and send it along

SIGNATURE_TOLERANCE_S = 300
NETWORK_RETRIES = 2
TIMEOUT = httpx.Timeout(20, connect=5)
RETRY_AFTER_S = 30
DISPUTES_AT_MOST = 100


class StripeAway(Refused):
    """Stripe did not answer, or asks to wait. Repeat with the same idempotency key."""

    def __init__(self, retry_after_s: int = RETRY_AFTER_S) -> None:
        super().__init__(
            "stripe_away",
            "The card service does not answer now. Try again shortly; nothing is paid twice.",
            {"retry_after_s": retry_after_s},
            status=503,
        )
        self.retry_after_s = retry_after_s


class StripeGateway:
    """Calls Stripe with one account's key. Thread-safe; make one and keep it.

    `api_key`: a secret or restricted key; its prefix says test or live. `webhook_secrets`: those
    valid now, two while one is being replaced. `base_url` and `transport` lead elsewhere than to
    Stripe, e.g. to its stand-in. Every call may raise `StripeAway` (repeat it) or `Refused`
    (Stripe said no; repeating does not help).
    """

    def __init__(
        self,
        api_key: str,
        webhook_secrets: Sequence[str],
        *,
        base_url: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        kind, _, mode = api_key.partition("_")
        mode = mode.partition("_")[0]
        if kind not in {"sk", "rk"} or mode not in {"test", "live"}:
            raise ValueError("A Stripe key starts with sk_test_, rk_test_, sk_live_ or rk_live_.")
        if not all(secret.strip() for secret in webhook_secrets) or not webhook_secrets:
            raise ValueError("Give at least one webhook secret (whsec_…); without it no news counts.")
        self._live = mode == "live"
        self._secrets = tuple(webhook_secrets)
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url} if base_url else None,
            http_client=_Wire(transport),
            max_network_retries=NETWORK_RETRIES,
        )

    def open_checkout(
        self,
        topup_id: str,
        amount_cents: int,
        purpose: str,
        methods: Sequence[Method],
        success_url: str,
        cancel_url: str,
        idempotency_key: str,
    ) -> Checkout:
        """Open a payment page. For a day, the same key and content lead to the same page.

        The sponsor reads `purpose` there. Stripe fills `{CHECKOUT_SESSION_ID}` in `success_url`.
        Methods that are switched off in the account do not appear, though allowed here.
        """
        price = {
            "currency": "eur",
            "unit_amount": amount_cents,
            "product_data": {"name": purpose},
        }
        params: Any = {
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "allowed_payment_method_types": list(methods),
            "adaptive_pricing": {"enabled": False},  # funds are euro: never ask in another currency
            "client_reference_id": topup_id,
            "metadata": {"topup_id": topup_id},
            "payment_intent_data": {"description": purpose, "metadata": {"topup_id": topup_id}},
            "success_url": success_url,
            "cancel_url": cancel_url,
        }
        with _vendor_errors():
            session = self._client.v1.checkout.sessions.create(params, {"idempotency_key": idempotency_key})
        return msgspec.convert(session.to_dict(), Checkout)

    def read_webhook(self, payload: bytes, signature: str, *, now: datetime) -> StripeNews:
        """Verify a webhook (its body as received, `Stripe-Signature`) and say what it is about.

        Asks nobody. Raises `Refused`: webhook_forged, webhook_too_old, webhook_wrong_mode,
        webhook_unreadable.
        """
        self._verify(payload, signature, now)
        try:
            event = stripe_news.read_event(payload)
            news = stripe_news.news_of(event)
        except msgspec.MsgspecError as error:
            raise _bad_webhook(
                "webhook_unreadable",
                "Signed, but of unknown shape. Check the API version of the endpoint.",
            ) from error
        if event.livemode != self._live:
            raise _bad_webhook(
                "webhook_wrong_mode",
                "News of the other mode. Use key and endpoint of one mode: test or live.",
            )
        return news

    def follow_up(self, news: StripeNews) -> StripeNews:
        """What is true now of the payment that `news` is about; *ignored* if it is none of ours."""
        if news.kind == "ignored":
            return news
        session_id = news.session_id or self._session_of(news.payment_intent_id)
        if session_id is None:
            return replace(news, kind="ignored")
        state = self.present_state(session_id)
        kind = state.kind if state.topup_id else "ignored"
        return replace(state, event_id=news.event_id, kind=kind, created_at=news.created_at)

    def present_state(self, session_id: str) -> StripeNews:
        """What is true now of one checkout, its fee included."""
        with _vendor_errors():
            found = self._client.v1.checkout.sessions.retrieve(
                session_id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}
            )
        session = msgspec.convert(found.to_dict(), stripe_news.Session)
        disputed = session.intent and session.charge and session.charge.disputed
        disputes = self._disputes(session.intent.id) if session.intent and disputed else []
        return stripe_news.state_of(session, disputes)

    def refund(self, payment_intent_id: str, amount_cents: int, idempotency_key: str) -> StripeRefund:
        """Give a settled payment back, wholly or in part. The same key and content: once."""
        with _vendor_errors():
            refund = self._client.v1.refunds.create(
                {"payment_intent": payment_intent_id, "amount": amount_cents},
                {"idempotency_key": idempotency_key},
            )
        return msgspec.convert(refund.to_dict(), StripeRefund)

    def _verify(self, payload: bytes, signature: str, now: datetime) -> None:
        if not any(_signed_with(secret, payload, signature) for secret in self._secrets):
            raise _bad_webhook(
                "webhook_forged",
                "The signature is not Stripe's. Check that this endpoint's secret is configured.",
            )
        # The library would compare with the machine's clock, but a simulated town has its own.
        parts = (part.split("=") for part in signature.split(","))
        sent_at_s = int(next(value for name, value, *_ in parts if name == "t"))
        if abs(now.timestamp() - sent_at_s) > SIGNATURE_TOLERANCE_S:
            raise _bad_webhook(
                "webhook_too_old",
                "Signed over five minutes away from now. Check the clock; Stripe sends it again.",
            )

    def _session_of(self, payment_intent_id: str | None) -> str | None:
        if payment_intent_id is None:
            return None
        with _vendor_errors():
            found = self._client.v1.checkout.sessions.list({"payment_intent": payment_intent_id, "limit": 1})
        return found.data[0].id if found.data else None

    def _disputes(self, payment_intent_id: str) -> list[stripe_news.Dispute]:
        with _vendor_errors():
            found = self._client.v1.disputes.list({"payment_intent": payment_intent_id, "limit": DISPUTES_AT_MOST})
        return msgspec.convert([each.to_dict() for each in found.data], list[stripe_news.Dispute])


def _signed_with(secret: str, payload: bytes, signature: str) -> bool:
    if not signature.isascii():  # the library's constant-time comparison takes ASCII only
        return False
    try:
        stripe.WebhookSignature.verify_header(payload, signature, secret)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    return True


def _bad_webhook(code: str, message: str) -> Refused:
    return Refused(code, message, status=400)


@contextmanager
def _vendor_errors() -> Iterator[None]:
    """Make `StripeAway` or `Refused` of what the library raises. Its sentences may quote values."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.APIError, stripe.RateLimitError) as away:
        wait = str((away.headers or {}).get("retry-after", ""))
        raise StripeAway(int(wait) if wait.isdecimal() else RETRY_AFTER_S) from away
    except stripe.IdempotencyError as error:
        raise Refused(
            "idempotency_key_reused",
            "This key was used for another request. Use a new key for new content.",
        ) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise Refused(
            "stripe_key_refused",
            "Stripe does not accept the configured key. An administrator must replace it; "
            "a bank transfer works meanwhile.",
            _facts(error),
            status=502,
        ) from error
    except stripe.StripeError as error:
        raise Refused(
            "stripe_refused",
            "Stripe refuses this; its code says why. Change it, or pay by bank transfer.",
            _facts(error),
        ) from error


def _facts(error: stripe.StripeError) -> dict[str, str | None]:
    return {
        "stripe_code": error.code,
        "param": getattr(error, "param", None),
        "request_id": error.request_id,
    }


class _Wire(stripe.HTTPClient):
    """Carries the library's requests, to Stripe or to a stand-in inside this process."""

    name = "httpx"

    def __init__(self, transport: httpx.BaseTransport | None) -> None:
        super().__init__()
        self._http = httpx.Client(transport=transport, timeout=TIMEOUT)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        try:
            answer = self._http.request(method, url, headers=headers, content=post_data)
        except httpx.TransportError as error:
            raise stripe.APIConnectionError(str(error), should_retry=True) from error  # type: ignore[no-untyped-call]
        return answer.content, answer.status_code, answer.headers

    def close(self) -> None:
        self._http.close()
