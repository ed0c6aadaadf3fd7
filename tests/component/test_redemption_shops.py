"""Shops with their agreements, and the devices that become their tills."""

from __future__ import annotations

from datetime import date, time, timedelta

import httpx
import pytest
from sqlalchemy import text

from infra.wiring import Town
from services.apis import redemption as api
from services.apis.errors import Refused
from services.kit.http import Client
from tests.builders import As, a_volunteer, an_admin
from tests.builders_redemption import ATill, a_paired_till, a_payment_code, a_shop, an_owner


def published(town: Town) -> list[str]:
    with town.rooms["redemption"].engine.connect() as conn:
        return list(conn.scalars(text("SELECT type FROM outbox ORDER BY seq")))


def close(town: Town, shop: api.Shop) -> api.Shop:
    return an_admin(town).ask("redemption", api.POST_SHOP_CLOSE, shop_id=shop.shop_id)


def pair(town: Town, code: str, name: str = "front") -> ATill:
    return ATill(town, town.client("redemption").call(api.POST_TILL, api.PairTill(pairing_code=code, name=name)))


def a_pairing_code(town: Town, shop: api.Shop) -> str:
    return an_owner(town, shop).ask("redemption", api.POST_PAIRING_CODE, shop_id=shop.shop_id).pairing_code


def test_everybody_sees_a_shop_but_not_where_its_agreement_is_filed(town: Town) -> None:
    opening = (api.Opening(weekday=1, opens=time(7), closes=time(13, 30)),)
    shop = a_shop(
        town, address="Via dei Mulini 4", opening=opening, languages=("it", "ar"), step_free=True, pork_free=True
    )
    seen = town.client("redemption").call(api.GET_SHOP, shop_id=shop.shop_id)
    assert seen == shop
    assert (seen.opening, seen.languages, seen.step_free, seen.pork_free) == (opening, ("it", "ar"), True, True)
    assert not hasattr(seen, "agreement_reference")
    assert published(town) == ["shop.agreed.v1"]


def test_the_agreement_is_shown_to_those_who_must_prove_it(town: Town) -> None:
    shop, stranger = a_shop(town), a_shop(town, name="Another")
    for who in (As(town, ("auditor", None)), an_owner(town, shop)):
        agreement = who.ask("redemption", api.GET_AGREEMENT, shop_id=shop.shop_id)
        assert (agreement.agreement_reference, agreement.signed_on) == ("PG 2026/118", date(2026, 1, 7))
    with pytest.raises(Refused, match="not_allowed"):
        an_owner(town, stranger).ask("redemption", api.GET_AGREEMENT, shop_id=shop.shop_id)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"neighbourhood_ids": ("atlantis",)}, "unknown_neighbourhood"),
        ({"ends_on": date(2026, 1, 6)}, "agreement_days_wrong"),
        ({"opening": (api.Opening(weekday=2, opens=time(9), closes=time(9)),)}, "opening_wrong"),
        ({"neighbourhood_ids": ()}, "invalid_request"),
    ],
)
def test_a_shop_is_registered_only_with_an_agreement_that_makes_sense(town: Town, wrong: dict, says: str) -> None:
    with pytest.raises(Refused, match=says):
        a_shop(town, **wrong)
    assert published(town) == []


def test_the_list_shows_a_neighbourhoods_shops_page_by_page_without_those_that_ended(town: Town) -> None:
    here = [a_shop(town, name=f"Shop {n}").shop_id for n in range(3)]
    border = a_shop(town, name="Border", neighbourhood_ids=("stazione", "le-querce")).shop_id
    a_shop(town, name="Elsewhere", neighbourhood_ids=("stazione",))
    a_shop(town, name="Ended", ends_on=date(2026, 5, 3))
    close(town, a_shop(town, name="Closed"))
    seen, cursor = [], None
    while True:
        query = api.ShopQuery(neighbourhood_id="le-querce", cursor=cursor, limit=2)
        page = town.client("redemption").call(api.GET_SHOPS, query=query)
        seen += [shop.shop_id for shop in page.shops]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted([*here, border])
    every = town.client("redemption").call(api.GET_SHOPS, query=api.ShopQuery(also_ended=True)).shops
    assert {shop.name for shop in every} >= {"Ended", "Closed", "Elsewhere"}


def test_a_shop_is_closed_once(town: Town) -> None:
    shop = a_shop(town)
    assert close(town, shop).closed
    assert close(town, shop).closed
    assert published(town) == ["shop.agreed.v1", "shop.closed.v1"]
    with pytest.raises(Refused, match="unknown_shop"):
        town.client("redemption").call(api.GET_SHOP, shop_id=a_volunteer(town).person_id)


def test_a_device_becomes_a_till_with_a_code_typed_by_hand(town: Town) -> None:
    shop = a_shop(town)
    code = a_pairing_code(town, shop)
    assert len(code) == 8
    assert not set(code) & set("01OI")
    till = pair(town, f"{code[:4]}-{code[4:]}".lower())
    assert till.shop_id == shop.shop_id
    assert till.ask("redemption", api.GET_SALES).sales == ()
    this = till.ask("redemption", api.GET_THIS_TILL)
    assert (this.till_id, this.shop_id, this.shop_name) == (till.till_id, shop.shop_id, shop.name)
    assert published(town)[-1] == "till.paired.v1"


def test_a_pairing_code_works_once_and_for_a_quarter_of_an_hour(town: Town) -> None:
    shop = a_shop(town)
    used, late = a_pairing_code(town, shop), a_pairing_code(town, shop)
    pair(town, used)
    town.clock.move_to(town.clock.now() + timedelta(minutes=15))
    for code in (used, late, "AAAAAAAA"):
        with pytest.raises(Refused, match="pairing_code_wrong"):
            pair(town, code)


def test_pairing_codes_are_not_kept_in_clear(town: Town) -> None:
    code = a_pairing_code(town, a_shop(town))
    with town.rooms["redemption"].engine.connect() as conn:
        kept = conn.execute(text("SELECT encode(code_hash, 'escape') FROM pairing_codes")).scalar_one()
    assert code not in kept


def test_nobody_can_try_pairing_codes_without_end(town: Town) -> None:
    transport = httpx.WSGITransport(app=town.apps["redemption"], remote_addr="203.0.113.7")
    client = Client("redemption", httpx.Client(transport=transport, base_url="http://redemption"), lambda: None)
    answers = set()
    for _ in range(api.POST_TILL.per_minute * 2 + 1):  # the minute may turn once meanwhile
        with pytest.raises(Refused) as refused:
            client.call(api.POST_TILL, api.PairTill(pairing_code="AAAAAAAA", name="x"))
        answers.add(refused.value.code)
    assert answers == {"pairing_code_wrong", "too_many_requests"}


def test_only_the_owner_pairs_and_unpairs_and_a_closed_shop_gets_no_till(town: Town) -> None:
    shop, other = a_shop(town), a_shop(town, name="Another")
    till, code = a_paired_till(town, shop), a_pairing_code(town, shop)
    stranger = an_owner(town, other)
    for endpoint, path in (
        (api.POST_PAIRING_CODE, {"shop_id": shop.shop_id}),
        (api.GET_TILLS, {"shop_id": shop.shop_id}),
        (api.POST_TILL_UNPAIR, {"till_id": till.till_id}),
    ):
        with pytest.raises(Refused, match="not_allowed"):
            stranger.ask("redemption", endpoint, **path)
    with pytest.raises(Refused, match="unknown_till"):
        stranger.ask("redemption", api.POST_TILL_UNPAIR, till_id=shop.shop_id)
    close(town, shop)
    with pytest.raises(Refused, match="shop_closed"):
        a_pairing_code(town, shop)
    with pytest.raises(Refused, match="shop_closed"):
        pair(town, code)


def test_a_shop_may_pair_its_tills_before_its_first_day(town: Town) -> None:
    assert a_paired_till(town, a_shop(town, signed_on=date(2026, 6, 1)))


def test_an_unpaired_till_can_do_nothing_more(town: Town) -> None:
    shop = a_shop(town)
    till, owner = a_paired_till(town, shop), an_owner(town, shop)
    for _ in range(2):
        assert owner.ask("redemption", api.POST_TILL_UNPAIR, till_id=till.till_id).unpaired_at == town.clock.now()
    assert published(town).count("till.unpaired.v1") == 1
    code = a_payment_code(town, a_volunteer(town))
    for attempt in (
        lambda: till.sell(code, 100),
        lambda: till.void(shop.shop_id),
        lambda: till.ask("redemption", api.GET_SALES),
        lambda: till.ask("redemption", api.GET_TOTALS),
        lambda: till.ask("redemption", api.GET_THIS_TILL),
    ):
        with pytest.raises(Refused, match="till_unpaired"):
            attempt()
    for reader in (owner, As(town, ("auditor", None))):
        assert [t.name for t in reader.ask("redemption", api.GET_TILLS, shop_id=shop.shop_id).tills] == ["front"]


def test_a_person_with_the_word_cashier_is_still_no_till(town: Town) -> None:
    shop = a_shop(town)
    person = As(town, ("cashier", shop.shop_id))
    with pytest.raises(Refused, match="not_allowed"):
        person.ask("redemption", api.POST_SALE, api.MakeSale(code="pay.x", amount_cents=100))
    assert town.check() == []
