"""Small makers for what happens at a shop's counter: a shop, a till, a volunteer with coins, a code to pay with."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from datetime import date, datetime, timedelta
from uuid import UUID

from infra.wiring import Town
from services.apis import redemption as api
from services.events.attendance import AttendanceConfirmed
from services.events.awards import CoinsAwarded, FundSource, Plan
from services.events.funding import Earmark, FundOpened, TopUpSettled
from services.kit.ids import new_id
from services.redemption import domain_offline
from tests.builders import As, a_volunteer, an_admin, tell


class ATill(As):
    """A paired device: asks with the till's own token."""

    def __init__(self, town: Town, paired: api.PairedTill) -> None:
        self.town, self.token = town, paired.token
        self.till_id, self.shop_id = paired.till_id, paired.shop_id

    def sell(self, code: str, cents: int, *, key: object = None) -> api.Sale:
        return self.ask("redemption", api.POST_SALE, api.MakeSale(code=code, amount_cents=cents), key=key)

    def void(self, sale_id: UUID, *, key: object = None) -> api.Sale:
        return self.ask("redemption", api.POST_VOID, key=key, sale_id=sale_id)


class APhone:
    """A volunteer's phone that makes its codes itself. `ahead`: how wrong its clock is."""

    def __init__(self, town: Town, customer: As, *, ahead: timedelta = timedelta()) -> None:
        self.town, self.customer, self.ahead = town, customer, ahead
        self.keep()

    def keep(self, key_id: UUID | None = None) -> None:
        made = self.customer.ask("redemption", api.POST_PAYMENT_KEY, api.KeepPaymentKey(payment_key_id=key_id))
        self.key_id, self.secret, self.ends_at = made.payment_key_id, urlsafe_b64decode(made.secret), made.ends_at

    def code(self, at: datetime | None = None) -> str:
        step = domain_offline.step_at((at or self.town.clock.now()) + self.ahead)
        return domain_offline.written(domain_offline.OfflineCode(self.key_id, step), self.secret)


def a_shop(town: Town, **more: object) -> api.Shop:
    """A shop of Le Querce that takes coins since January; `more` overrides the registration's fields."""
    fields: dict = {
        "name": "Panificio Sole", "neighbourhood_ids": ("le-querce",), "signed_on": date(2026, 1, 7),
        "agreement_reference": "PG 2026/118", **more,
    }  # fmt: skip
    return an_admin(town).ask("redemption", api.POST_SHOP, api.RegisterShop(**fields))


def an_owner(town: Town, shop: api.Shop) -> As:
    return As(town, ("shop_owner", shop.shop_id))


def a_paired_till(town: Town, shop: api.Shop | None = None, name: str = "front") -> ATill:
    shop = shop or a_shop(town)
    pairing = an_owner(town, shop).ask("redemption", api.POST_PAIRING_CODE, shop_id=shop.shop_id)
    body = api.PairTill(pairing_code=pairing.pairing_code, name=name)
    return ATill(town, town.client("redemption").call(api.POST_TILL, body))


def a_payment_code(town: Town, volunteer: As) -> str:
    return volunteer.ask("redemption", api.POST_PAYMENT_CODE).code


def take_part(town: Town, volunteer: As, neighbourhood_id: str = "le-querce") -> UUID:
    """A confirmed attendance of the volunteer in a neighbourhood; answers its id."""
    confirmed = AttendanceConfirmed(
        attendance_id=new_id(), person_id=volunteer.person_id, shift_id=new_id(), programme_id=new_id(),
        organisation_id=new_id(), neighbourhood_id=neighbourhood_id, kind="green", place="Parco delle Querce",
        started_at=town.clock.now(), minutes=120,
    )  # fmt: skip
    tell(town, confirmed)
    return confirmed.attendance_id


def give_coins(
    town: Town, volunteer: As, cents: int, *, earmark: Earmark | None = None, neighbourhood_id: str = "le-querce"
) -> UUID:
    """Coins from a fund opened and filled for them; answers the fund's id."""
    fund_id = new_id()
    tell(
        town,
        FundOpened(fund_id=fund_id, kind="city", name="City", rank=1, earmark=earmark or Earmark()),
        TopUpSettled(topup_id=new_id(), fund_id=fund_id, amount_cents=cents, fee_cents=0, channel="bank"),
        CoinsAwarded(
            award_id=new_id(), person_id=volunteer.person_id, attendance_id=new_id(), programme_id=new_id(),
            neighbourhood_id=neighbourhood_id, amount_cents=cents, plans=(Plan(sources=(FundSource(fund_id=fund_id),)),),
            expires_on=date(2026, 11, 30), rule_id=new_id(), earned_at=town.clock.now(),
        ),
    )  # fmt: skip
    return fund_id


def a_customer(town: Town, cents: int = 1000, *, neighbourhood_id: str = "le-querce") -> As:
    """A volunteer who took part in a neighbourhood and has coins."""
    volunteer = a_volunteer(town)
    take_part(town, volunteer, neighbourhood_id)
    give_coins(town, volunteer, cents, neighbourhood_id=neighbourhood_id)
    return volunteer


def one_purchase_of_two_lots(town: Town, volunteer: As) -> None:
    """They took part, were given 3.00 twice, and spent 5.00 of it."""
    take_part(town, volunteer)
    for _ in range(2):
        give_coins(town, volunteer, 300)
    a_paired_till(town).sell(a_payment_code(town, volunteer), 500)
    town.settle()
