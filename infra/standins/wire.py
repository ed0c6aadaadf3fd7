"""Which Stripe a town calls: the real one where it has a key, else the stand-in, whose payers the demo and the tests play."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import httpx

from infra.standins.stripe import stripe_standin
from infra.standins.stripe_account import StripeAccount
from services.apis.funding_sponsor import POST_STRIPE_WEBHOOK
from services.funding.stripe_gateway import StripeGateway
from services.kit.settings import Settings, SettingWrong

if TYPE_CHECKING:
    from infra.wiring import Town

STANDIN_PATH = "/standins/stripe"


def gateway_of(settings: Settings) -> StripeGateway | None:
    """The real Stripe; None without a key. Raises SettingWrong for a key Stripe would not know."""
    if not settings.stripe_key:
        return None
    try:
        return StripeGateway(settings.stripe_key, settings.stripe_webhook_secrets)
    except ValueError as error:
        raise SettingWrong(f"STRIPE_KEY or STRIPE_WEBHOOK_SECRETS cannot be used. {error}") from None


def stripe_of(town: Town) -> tuple[StripeGateway | None, StripeAccount | None]:
    """The gateway, and the stand-in's account where no real Stripe is called. Raises SettingWrong for a key Stripe would not know.

    The stand-in's money is invented, so only an invented city gets it; another one without a key has bank transfers alone.

    The stand-in's pages belong at `STANDIN_PATH` below the public address: serve `stripe_standin(account)` there.
    """
    settings = town.settings
    if settings.stripe_key or not town.city.invented:
        return gateway_of(settings), None

    def deliver(body: bytes, headers: dict[str, str]) -> int:
        transport = httpx.WSGITransport(app=town.apps["funding"])
        with httpx.Client(transport=transport, base_url="http://funding") as funding:
            return funding.post(POST_STRIPE_WEBHOOK.path, content=body, headers=headers).status_code

    secret = f"whsec_{secrets.token_hex(24)}"
    folder = settings.var / "stripe"
    folder.mkdir(parents=True, exist_ok=True)
    account = StripeAccount(
        now=town.clock.now, ids=town.ids, webhook_secret=secret, deliver=deliver,
        public_url=settings.public_url + STANDIN_PATH, memory_file=folder / "account.json",
    )  # fmt: skip
    transport = httpx.WSGITransport(app=stripe_standin(account))
    gateway = StripeGateway(account.api_key, [secret], base_url="http://stripe.standin", transport=transport)
    return gateway, account
