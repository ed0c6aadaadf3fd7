"""One Stripe account played by the stand-in, the gateway that calls it, and all webhooks received."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from infra.standins.stripe import stripe_standin
from infra.standins.stripe_account import StripeAccount
from services.funding.stripe_gateway import StripeGateway
from services.funding.stripe_news import Checkout, StripeNews
from services.kit.clock import SetClock
from services.kit.ids import new_id

TEST_KEY = "sk_test_valdarco"
SECRET = "whsec_valdarco"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@dataclass
class Scene:
    account: StripeAccount
    gateway: StripeGateway
    clock: SetClock
    received: list[tuple[bytes, str]] = field(default_factory=list)
    answer: int = 200

    def deliver(self, body: bytes, headers: dict[str, str]) -> int:
        self.received.append((body, headers["Stripe-Signature"]))
        return self.answer

    def topup(self, amount_cents: int = 25_000, **changes: Any) -> Checkout:
        asked: dict[str, Any] = {
            "topup_id": "topup-1",
            "amount_cents": amount_cents,
            "purpose": "Merit coins for Lambrate",
            "methods": ["card", "sepa_debit"],
            "success_url": "https://town.example/thanks?of={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://town.example/sponsor",
            "idempotency_key": "topup-1",
        }
        return self.gateway.open_checkout(**(asked | changes))

    def paid_topup(self, amount_cents: int = 25_000) -> tuple[Checkout, str]:
        """A top-up paid by card, and its payment intent."""
        checkout = self.topup(amount_cents)
        intent = self.account.card_pays(checkout.session_id)["payment_intent"]
        self.news()
        return checkout, intent

    def news(self) -> list[StripeNews]:
        """Let Stripe do what is due and tell it; what was read since the last time, of ours."""
        self.account.tick()
        heard = [self.gateway.read_webhook(body, signature, now=self.clock.now()) for body, signature in self.received]
        self.received.clear()
        return [news for news in heard if news.kind != "ignored"]

    def days_pass(self, days: int) -> None:
        self.clock.move_to(self.clock.now() + timedelta(days=days))


def a_scene(*, memory_file: Path | None = None, **account_options: Any) -> Scene:
    clock = SetClock(NOON)
    received: list[tuple[bytes, str]] = []
    account = StripeAccount(
        now=clock.now,
        ids=new_id,
        webhook_secret=SECRET,
        deliver=lambda body, headers: scene.deliver(body, headers),
        public_url="https://town.example/standins/stripe",
        api_key=TEST_KEY,
        memory_file=memory_file,
        **account_options,
    )
    scene = Scene(account, a_gateway(account), clock, received)
    return scene


def a_gateway(account: StripeAccount, key: str = TEST_KEY, *secrets: str) -> StripeGateway:
    transport = httpx.WSGITransport(app=stripe_standin(account))
    return StripeGateway(key, secrets or (SECRET,), base_url="http://stripe.standin", transport=transport)
