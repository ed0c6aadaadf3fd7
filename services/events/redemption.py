"""What redemption publishes: which shops take part, and what was sold for coins. Never who bought."""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from services.events.contract import event
from services.events.ledger import Part


@event("shop.agreed.v1", key="shop_id")
class ShopAgreed(Struct, frozen=True, kw_only=True):
    """A shop signed its agreement (PSD2 art. 3(k)(iii): before the first sale). The name is the shop's sign, public."""

    shop_id: UUID
    name: str
    neighbourhood_ids: tuple[str, ...]
    signed_on: date
    ends_on: date | None = None


@event("shop.closed.v1", key="shop_id")
class ShopClosed(Struct, frozen=True, kw_only=True):
    shop_id: UUID


@event("till.paired.v1", key="shop_id")
class TillPaired(Struct, frozen=True, kw_only=True):
    till_id: UUID
    shop_id: UUID


@event("till.unpaired.v1", key="shop_id")
class TillUnpaired(Struct, frozen=True, kw_only=True):
    till_id: UUID
    shop_id: UUID


@event("sale.accepted.v1", key="shop_id")
class SaleAccepted(Struct, frozen=True, kw_only=True):
    sale_id: UUID
    shop_id: UUID
    till_id: UUID
    neighbourhood_id: str
    amount_cents: int
    parts: tuple[Part, ...]
    sold_at: datetime


@event("sale.voided.v1", key="shop_id")
class SaleVoided(Struct, frozen=True, kw_only=True):
    sale_id: UUID
    shop_id: UUID
    till_id: UUID
    neighbourhood_id: str
    amount_cents: int
    parts: tuple[Part, ...]
    sold_at: datetime
    voided_at: datetime
