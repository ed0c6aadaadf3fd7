"""Which Stripe a town calls: the real one where it has a key, else the stand-in, whose payers the demo and the tests play."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from infra.standins.stripe import stripe_standin
from infra.standins.stripe_account import STANDIN_KEY, StripeAccount
from services.apis.city import City
from services.apis.funding_sponsor import POST_STRIPE_WEBHOOK
from services.funding.stripe_gateway import StripeGateway
from services.kit.settings import Settings, SettingWrong

if TYPE_CHECKING:
    from infra.town import Town

STANDIN_PATH = "/standins/stripe"


def gateway_of(settings: Settings) -> StripeGateway | None:
    """The real Stripe; None without a key. Raises SettingWrong for a key Stripe would not know."""
    if not settings.stripe_key:
        return None
    try:
        return StripeGateway(settings.stripe_key, settings.stripe_webhook_secrets)
    except ValueError as error:
        raise SettingWrong(f"STRIPE_KEY or STRIPE_WEBHOOK_SECRETS cannot be used. {error}") from None


def stripe_of(town: Town, secret: str) -> tuple[StripeGateway | None, StripeAccount | None]:
    """The gateway, and the stand-in's account where no real Stripe is called. Raises SettingWrong for a key Stripe would not know.

    The stand-in's money is invented, so only an invented city gets it; another one without a key has bank transfers alone.

    The stand-in's pages belong at `STANDIN_PATH` below the public address: serve `stripe_standin(account)` there. `secret`: signs its news.
    """
    if town.settings.stripe_key or not town.city.invented:
        return gateway_of(town.settings), None
    account = account_of(town, secret)
    transport = httpx.WSGITransport(app=stripe_standin(account))
    return StripeGateway(account.api_key, [secret], base_url="http://stripe.standin", transport=transport), account


def gateway_elsewhere(settings: Settings, city: City, secret: str) -> StripeGateway | None:
    """The gateway of a process that does not hold the stand-in: where one is called, it is below the public address."""
    if settings.stripe_key or not city.invented:
        return gateway_of(settings)
    return StripeGateway(STANDIN_KEY, [secret], base_url=settings.public_url + STANDIN_PATH)


def account_of(town: Town, secret: str) -> StripeAccount:
    """The stand-in's account, which tells its news to funding."""
    settings = town.settings

    def deliver(body: bytes, headers: dict[str, str]) -> int:
        return town.http("funding").post(POST_STRIPE_WEBHOOK.path, content=body, headers=headers).status_code

    folder = settings.var / "stripe"
    folder.mkdir(parents=True, exist_ok=True)
    return StripeAccount(
        now=town.clock.now, ids=town.ids, webhook_secret=secret, deliver=deliver,
        public_url=settings.public_url + STANDIN_PATH, memory_file=folder / "account.json",
    )  # fmt: skip
