"""What one can ask of redemption: shops, tills, payment codes, sales. Amounts are integer euro cents.

A till never learns who pays: its answers hold no name, no person id, no balance.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import PUBLIC, Endpoint, Nothing, Page
from services.apis.ledger import Cents

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Slug = Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{1,39}$")]
Language = Annotated[str, Meta(pattern="^[a-z]{2,3}$")]


class Opening(Struct, frozen=True, kw_only=True):
    """When a shop is open, by the city's clocks. `weekday`: ISO 8601, Monday is 1."""

    weekday: Annotated[int, Meta(ge=1, le=7)]
    opens: time
    closes: time


class RegisterShop(Struct, frozen=True, kw_only=True):
    """A shop with its signed agreement (PSD2 art. 3(k)(iii)): `name` as on its sign, the days it covers, and where the paper is filed.

    The rest helps a volunteer choose: where it is, when it is open, which languages are spoken, whether one gets in without a step,
    whether it sells no pork.
    """

    name: Text
    neighbourhood_ids: Annotated[tuple[Slug, ...], Meta(min_length=1, max_length=20)]
    signed_on: date
    ends_on: date | None = None
    agreement_reference: Text
    address: Text | None = None
    opening: Annotated[tuple[Opening, ...], Meta(max_length=28)] = ()
    languages: Annotated[tuple[Language, ...], Meta(max_length=20)] = ()
    step_free: bool = False
    pork_free: bool = False


class Shop(Struct, frozen=True, kw_only=True):
    """A shop as everybody may see it. Coins are taken from `signed_on` to `ends_on`, both included, unless it is `closed`."""

    shop_id: UUID
    name: str
    neighbourhood_ids: tuple[str, ...]
    signed_on: date
    ends_on: date | None
    address: str | None
    opening: tuple[Opening, ...]
    languages: tuple[str, ...]
    step_free: bool
    pork_free: bool
    closed: bool


class ShopQuery(Page, frozen=True, kw_only=True):
    """Shops whose agreement has not ended, or `also_ended`, first registered first."""

    neighbourhood_id: str | None = None
    also_ended: bool = False


class ShopList(Struct, frozen=True, kw_only=True):
    shops: tuple[Shop, ...]
    next_cursor: str | None = None


class Agreement(Struct, frozen=True, kw_only=True):
    """What was signed with a shop, for those who must prove it."""

    shop_id: UUID
    agreement_reference: str
    signed_on: date
    ends_on: date | None
    closed_at: datetime | None


class PairingCode(Struct, frozen=True, kw_only=True):
    """Eight characters to type on the device that becomes a till; good once."""

    pairing_code: str
    expires_at: datetime


class PairTill(Struct, frozen=True, kw_only=True):
    """`name`: what the shop calls the device ("front", "Sara's phone")."""

    pairing_code: Annotated[str, Meta(min_length=1, max_length=40)]
    name: Annotated[str, Meta(min_length=1, max_length=40)]


class PairedTill(Struct, frozen=True, kw_only=True):
    """`token` is the till's own: whoever holds it sells in the shop's name until the till is unpaired, 400 days at most."""

    till_id: UUID
    shop_id: UUID
    shop_name: str
    name: str
    token: str


class Till(Struct, frozen=True, kw_only=True):
    till_id: UUID
    name: str
    paired_at: datetime
    unpaired_at: datetime | None


class ThisTill(Struct, frozen=True, kw_only=True):
    """The till that asks, and its shop."""

    till_id: UUID
    name: str
    shop_id: UUID
    shop_name: str


class Tills(Struct, frozen=True, kw_only=True):
    tills: tuple[Till, ...]


class PaymentCode(Struct, frozen=True, kw_only=True):
    """`code` is what the QR shows: good for one sale until `expires_at`. Asking for a new one ends it."""

    code: str
    expires_at: datetime


class KeepPaymentKey(Struct, frozen=True, kw_only=True):
    """`payment_key_id`: the one the phone has."""

    payment_key_id: UUID | None = None


class PaymentKey(Struct, frozen=True, kw_only=True):
    """With it a phone makes codes where it has no connection. `secret` (32 bytes, base64url) comes once, with a new key.

    A code is `pay.` and in base64url, without padding, 16 bytes of `payment_key_id`, 4 of the number of the half minute since 1970, and
    the first 12 of the HMAC-SHA-256 of these 20 under the secret. Each pays once, and none that is older than one that has paid.
    """

    payment_key_id: UUID
    ends_at: datetime
    secret: str | None = None


class MakeSale(Struct, frozen=True, kw_only=True):
    """`code`: whatever text the till's camera read."""

    code: Annotated[str, Meta(min_length=1, max_length=500)]
    amount_cents: Cents


class Sale(Struct, frozen=True, kw_only=True):
    sale_id: UUID
    till_id: UUID
    amount_cents: int
    sold_at: datetime
    voided_at: datetime | None


class SaleQuery(Page, frozen=True, kw_only=True):
    """Newest first. A till sees its own; an owner those of all tills of their shops, or of one. `day`: a day of the city."""

    day: date | None = None
    shop_id: UUID | None = None


class SaleList(Struct, frozen=True, kw_only=True):
    sales: tuple[Sale, ...]
    next_cursor: str | None = None


class TotalsQuery(Struct, frozen=True, kw_only=True):
    """A day of the city (default: today), and for an owner of several shops: which one."""

    day: date | None = None
    shop_id: UUID | None = None


class TillTotal(Struct, frozen=True, kw_only=True):
    """`sales` and `amount_cents` count what stands; `voids` what was undone."""

    till_id: UUID
    name: str
    sales: int
    voids: int
    amount_cents: int


class Totals(Struct, frozen=True, kw_only=True):
    day: date
    amount_cents: int
    tills: tuple[TillTotal, ...]


class Purchase(Struct, frozen=True, kw_only=True):
    """A volunteer's own purchase. Never what was bought: nobody here knows."""

    sale_id: UUID
    shop_name: str
    amount_cents: int
    sold_at: datetime
    voided_at: datetime | None


class Purchases(Struct, frozen=True, kw_only=True):
    purchases: tuple[Purchase, ...]
    next_cursor: str | None = None


POST_SHOP = Endpoint(
    method="POST", path="/shops", summary="Register a shop with its signed agreement", allow=("admin",),
    request=RegisterShop, answer=Shop, status=201, errors=("unknown_neighbourhood", "agreement_days_wrong", "opening_wrong"),
)  # fmt: skip
GET_SHOPS = Endpoint(
    method="GET", path="/shops", summary="Shops that take coins", allow=(PUBLIC,), query=ShopQuery, answer=ShopList
)
GET_SHOP = Endpoint(
    method="GET", path="/shops/{shop_id:uuid}", summary="One shop", allow=(PUBLIC,), answer=Shop, errors=("unknown_shop",)
)  # fmt: skip
GET_AGREEMENT = Endpoint(
    method="GET", path="/shops/{shop_id:uuid}/agreement", summary="What was signed with a shop",
    allow=("admin", "auditor", "finance", "shop_owner"), answer=Agreement, errors=("unknown_shop",),
)  # fmt: skip
POST_SHOP_CLOSE = Endpoint(
    method="POST", path="/shops/{shop_id:uuid}/close", summary="End a shop's agreement now", allow=("admin",),
    answer=Shop, errors=("unknown_shop",),
)  # fmt: skip
POST_PAIRING_CODE = Endpoint(
    method="POST", path="/shops/{shop_id:uuid}/pairing-codes", summary="A one-time code that makes a device a till of the shop",
    allow=("shop_owner", "admin"), answer=PairingCode, status=201, errors=("unknown_shop", "shop_closed"),
    keyless=True, per_minute=10,
)  # fmt: skip
POST_TILL = Endpoint(
    method="POST", path="/tills", summary="Become a till", allow=(PUBLIC,), request=PairTill, answer=PairedTill, status=201,
    errors=("pairing_code_wrong", "shop_closed"), keyless=True, per_minute=120,
)  # fmt: skip
GET_THIS_TILL = Endpoint(
    method="GET", path="/tills/this", summary="Which till I am, and of which shop", allow=("cashier",), answer=ThisTill,
    errors=("till_unpaired",),
)  # fmt: skip
GET_TILLS = Endpoint(
    method="GET", path="/shops/{shop_id:uuid}/tills", summary="The tills of a shop", allow=("shop_owner", "admin", "finance", "auditor"),
    answer=Tills, errors=("unknown_shop",),
)  # fmt: skip
POST_TILL_UNPAIR = Endpoint(
    method="POST", path="/tills/{till_id:uuid}/unpair", summary="End a till: it sells no more", allow=("shop_owner", "admin"),
    answer=Till, errors=("unknown_till",),
)  # fmt: skip
POST_PAYMENT_CODE = Endpoint(
    method="POST", path="/payment-codes", summary="A fresh code to pay with", allow=("volunteer",),
    answer=PaymentCode, status=201, errors=("person_erased",), keyless=True, per_minute=30,
)  # fmt: skip
POST_PAYMENT_KEY = Endpoint(
    method="POST", path="/payment-keys", summary="What a phone makes codes with where it has no connection", allow=("volunteer",),
    request=KeepPaymentKey, answer=PaymentKey, errors=("person_erased",), keyless=True, per_minute=30,
)  # fmt: skip
POST_PAYMENT_KEY_END = Endpoint(
    method="POST", path="/payment-keys/{payment_key_id:uuid}/end", summary="End a phone's key: its codes pay no more",
    allow=("volunteer",), answer=Nothing, keyless=True,
)  # fmt: skip
POST_SALE = Endpoint(
    method="POST", path="/sales", summary="Take coins for a purchase", allow=("cashier",),
    request=MakeSale, answer=Sale, status=201, per_minute=3000,
    errors=("till_unpaired", "unknown_code", "foreign_code", "code_expired", "code_used", "code_replaced", "clock_wrong", "shop_closed",
            "over_sale_limit", "day_limit", "other_neighbourhood", "not_enough_coins", "sale_pending", "service_away"),
)  # fmt: skip
POST_VOID = Endpoint(
    method="POST", path="/sales/{sale_id:uuid}/void", summary="Undo a sale of this till while its statement is open",
    allow=("cashier",), answer=Sale, per_minute=3000,
    errors=("till_unpaired", "unknown_sale", "other_till", "already_voided", "void_too_late", "service_away"),
)  # fmt: skip
GET_SALES = Endpoint(
    method="GET", path="/sales", summary="Sales of the till, or of the owner's shops", allow=("cashier", "shop_owner"),
    query=SaleQuery, answer=SaleList, errors=("till_unpaired",),
)  # fmt: skip
GET_TOTALS = Endpoint(
    method="GET", path="/sales/totals", summary="A day's totals, till by till", allow=("cashier", "shop_owner"),
    query=TotalsQuery, answer=Totals, errors=("till_unpaired",),
)  # fmt: skip
GET_MY_SALES = Endpoint(
    method="GET", path="/me/sales", summary="My own purchases, while they are linked to me", allow=("volunteer",),
    query=Page, answer=Purchases,
)  # fmt: skip
