"""Coins have a last day. Those not spent by then go back to the fund they came from, and thank somebody else."""

from __future__ import annotations

from datetime import UTC, date, datetime

from infra.wiring import Town
from services.apis import ledger
from services.apis.endpoint import Page
from services.events.funding import Earmark
from services.events.ledger import Lot
from tests.builders_ledger import lot_code
from tests.stories.town_life import Cast, a_city_fund, a_shop_joins, it_becomes, morning_of, take_part

LAST_EVENING = datetime(2026, 11, 30, 22, 30, tzinfo=UTC)  # half past eleven in Valdarco
PAST_MIDNIGHT = datetime(2026, 11, 30, 23, 5, tzinfo=UTC)
JUNE = date(2027, 6, 30)  # the last day of coins that reach the wallet in December


def test_unspent_coins_go_back_to_their_own_fund_which_then_pays_who_waits(town: Town) -> None:
    cast = Cast(town)
    amal, bashir = cast.volunteer("Amal"), cast.volunteer("Bashir")
    oaks = a_city_fund(cast, 500, name="For the oaks", earmark=Earmark(neighbourhood_ids=("le-querce",)))
    station = a_city_fund(cast, 500, name="For the station", earmark=Earmark(neighbourhood_ids=("stazione",)))
    take_part(cast, amal)
    take_part(cast, amal, neighbourhood_id="stazione", place="Piazza della Stazione")
    it_becomes(town, morning_of(11, 20))
    take_part(cast, bashir)
    assert [award.reason for award in bashir.wallet.waiting] == ["not_enough_money"]

    it_becomes(town, LAST_EVENING)
    last = date(2026, 11, 30)
    assert sorted(amal.wallet.lots, key=lambda lot: lot.fund_id != oaks) == [
        Lot(fund_id=oaks, amount_cents=500, expires_on=last),
        Lot(fund_id=station, amount_cents=500, expires_on=last),
    ]
    it_becomes(town, PAST_MIDNIGHT)
    assert amal.coins == 0
    assert bashir.wallet.lots == (Lot(fund_id=oaks, amount_cents=500, expires_on=JUNE),)
    assert bashir.wallet.waiting == ()

    moved = amal.ask("ledger", ledger.GET_MOVEMENTS, query=Page(), person_id=amal.person_id).movements
    assert sorted((m.fund_id, m.amount_cents, m.with_kind) for m in moved if m.kind == "expiry") == sorted(
        (fund_id, -500, "fund") for fund_id in (oaks, station)
    )
    assert (cast.fund(oaks).expired_cents, cast.fund(oaks).free_cents) == (500, 0)
    assert (cast.fund(station).expired_cents, cast.fund(station).free_cents) == (500, 500)
    assert town.check() == []


def test_coins_of_a_sale_voided_after_their_last_day_go_back_to_the_fund(town: Town) -> None:
    cast = Cast(town)
    amal, bashir, shop = cast.volunteer("Amal"), cast.volunteer("Bashir"), a_shop_joins(cast)
    fund_id = a_city_fund(cast, 500)
    take_part(cast, amal)
    it_becomes(town, morning_of(11, 20))
    take_part(cast, bashir)
    it_becomes(town, LAST_EVENING)
    sale = amal.buys(shop.till, 200)
    it_becomes(town, PAST_MIDNIGHT)
    assert (amal.coins, bashir.coins) == (0, 0)
    assert cast.fund(fund_id).free_cents == 300  # not enough for Bashir yet

    assert shop.till.void(sale.sale_id).voided_at == town.clock.now()
    town.settle()
    assert amal.coins == 0  # back in their lot, whose last day was yesterday
    lot = lot_code(town, amal.person_id, fund_id)
    assert cast.balance(lot) == 200
    it_becomes(town, morning_of(12, 1))
    assert cast.balance(lot) == 0
    assert bashir.wallet.lots == (Lot(fund_id=fund_id, amount_cents=500, expires_on=JUNE),)
    assert cast.balance(f"shop/{shop.shop_id}/{fund_id}") == 0
    figures = cast.fund(fund_id)
    assert (figures.issued_cents, figures.expired_cents, figures.spent_cents, figures.free_cents) == (1000, 500, 0, 0)
    assert town.check() == []
