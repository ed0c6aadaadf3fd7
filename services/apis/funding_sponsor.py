"""What one can ask of funding about sponsors: top-ups by card, debit or bank transfer, and what their money became. Never who.

Amounts are integer euro cents, times UTC, months those of the city.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import PUBLIC, Endpoint, Page
from services.apis.funding import Slug, Text
from services.events.funding import Earmark

TopUpCents = Annotated[int, Meta(ge=500, le=100_000_000)]
Method = Literal["card", "sepa_debit", "bank_transfer"]
TopUpState = Literal["open", "processing", "settled", "failed", "expired", "refunded", "disputed"]

REFERENCE = r"MC[ -]?[2-9A-HJKMNP-Z]{4}[ -]?[2-9A-HJKMNP-Z]{4}"
"""A transfer's reference as people type it, whatever the case: what to look for in the text of a bank's credit line."""


class RegisterSponsor(Struct, frozen=True, kw_only=True):
    """`name`: the legal name of an organisation, or what a private person chose to be called here. It is shown with their funds."""

    kind: Literal["organisation", "private"]
    name: Text


class Sponsor(Struct, frozen=True, kw_only=True):
    sponsor_id: UUID
    kind: Literal["organisation", "private"]
    name: str


class Sponsors(Struct, frozen=True, kw_only=True):
    sponsors: tuple[Sponsor, ...]


class Anywhere(Struct, frozen=True, kw_only=True, tag_field="for", tag="anywhere"):
    pass


class InNeighbourhood(Struct, frozen=True, kw_only=True, tag_field="for", tag="neighbourhood"):
    neighbourhood_id: Slug


class ForKind(Struct, frozen=True, kw_only=True, tag_field="for", tag="kind"):
    kind: Slug


Purpose = Anywhere | InNeighbourhood | ForKind


class MakeTopUp(Struct, frozen=True, kw_only=True):
    """`purpose`: what the money is for. Each of a sponsor's purposes has a fund of its own."""

    amount_cents: TopUpCents
    purpose: Purpose
    method: Method


class TransferTo(Struct, frozen=True, kw_only=True):
    """Where to send a bank transfer. Its text must carry the `reference`; that is how the money finds its fund."""

    iban: str
    holder: str
    reference: str


class Receipt(Struct, frozen=True, kw_only=True):
    """Money that came in, what the processor kept of it, and what has been taken back since."""

    receipt_id: UUID
    amount_cents: int
    fee_cents: int
    taken_back_cents: int
    received_at: datetime


class TopUp(Struct, frozen=True, kw_only=True):
    """`amount_cents` is what was pledged; what came is in `receipts`.

    `state`: *open* not paid yet, *processing* on its way, *settled* there, *failed*, *expired*, *refunded* or *disputed* (all or part has
    left again). An open one is paid at `checkout_url` (24 hours) or by a bank `transfer`.
    """

    topup_id: UUID
    sponsor_id: UUID
    fund_id: UUID
    earmark: Earmark
    amount_cents: int
    method: Method
    state: TopUpState
    made_at: datetime
    checkout_url: str | None = None
    transfer: TransferTo | None = None
    receipts: tuple[Receipt, ...] = ()


class TopUps(Struct, frozen=True, kw_only=True):
    """A part of a sponsor's top-ups; of all of them: `count`, and `given_cents`, what came with them and was not taken back."""

    topups: tuple[TopUp, ...]
    count: int
    given_cents: int
    next_cursor: str | None = None


class Hours(Struct, frozen=True, kw_only=True):
    """The share of people's time that the sponsor's coins thanked for. Without `month` or `neighbourhood_id`: all others together."""

    neighbourhood_id: str | None
    month: str | None
    people: int
    minutes: int
    issued_cents: int


class Purchases(Struct, frozen=True, kw_only=True):
    """What was bought with the sponsor's coins. Without `shop_id` or `neighbourhood_id`: all others together."""

    neighbourhood_id: str | None
    shop_id: UUID | None
    sales: int
    spent_cents: int


class Impact(Struct, frozen=True, kw_only=True):
    """What a sponsor's money became. Every line stands for at least 10 people, or 10 purchases; smaller ones are shown together, and
    where all are too few there is no line and no total (null)."""

    sponsor_id: UUID
    minutes: int | None
    issued_cents: int | None
    spent_cents: int | None
    hours: tuple[Hours, ...]
    purchases: tuple[Purchases, ...]


class WebhookHeard(Struct, frozen=True, kw_only=True):
    """`state`: of the top-up it was about; null for news that is not ours."""

    state: TopUpState | None


POST_SPONSOR = Endpoint(
    method="POST", path="/sponsors", summary="Register a sponsor", allow=("admin",), request=RegisterSponsor, answer=Sponsor, status=201,
    errors=("name_taken",),
)  # fmt: skip
GET_SPONSORS = Endpoint(
    method="GET", path="/sponsors", summary="All sponsors", allow=("admin", "finance", "auditor"), answer=Sponsors
)
GET_SPONSOR = Endpoint(
    method="GET", path="/sponsors/{sponsor_id:uuid}", summary="One sponsor", allow=("sponsor", "finance", "auditor"), answer=Sponsor,
    errors=("unknown_sponsor",),
)  # fmt: skip
POST_TOPUP = Endpoint(
    method="POST", path="/sponsors/{sponsor_id:uuid}/topups", summary="Pledge money, and learn where to pay it", allow=("sponsor",),
    request=MakeTopUp, answer=TopUp, status=201,
    errors=("unknown_sponsor", "unknown_neighbourhood", "too_much_for_method", "only_bank_transfer",
            "stripe_away", "stripe_refused", "stripe_key_refused"),
)  # fmt: skip
GET_TOPUPS = Endpoint(
    method="GET", path="/sponsors/{sponsor_id:uuid}/topups", summary="A sponsor's top-ups with receipts, newest first",
    allow=("sponsor", "finance", "auditor"), query=Page, answer=TopUps, errors=("unknown_sponsor",),
)  # fmt: skip
GET_TOPUP = Endpoint(
    method="GET", path="/sponsors/{sponsor_id:uuid}/topups/{topup_id:uuid}", summary="One top-up with its receipts",
    allow=("sponsor", "finance", "auditor"), answer=TopUp, errors=("unknown_sponsor", "unknown_topup"),
)  # fmt: skip
GET_SPONSOR_IMPACT = Endpoint(
    method="GET", path="/sponsors/{sponsor_id:uuid}/impact", summary="What a sponsor's money became: hours, places, shops; never who",
    allow=("sponsor", "finance", "auditor"), answer=Impact, errors=("unknown_sponsor",), per_minute=60,
)  # fmt: skip
POST_STRIPE_WEBHOOK = Endpoint(
    method="POST", path="/stripe/webhook", summary="Stripe's news, known by its signature", allow=(PUBLIC,), answer=WebhookHeard,
    upload="application/json", max_bytes=262_144, keyless=True, per_minute=6000,
    errors=("webhook_forged", "webhook_too_old", "webhook_wrong_mode", "webhook_unreadable", "other_currency", "stripe_away",
            "only_bank_transfer"),
)  # fmt: skip
