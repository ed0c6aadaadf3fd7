"""Awards without money: they wait in sight, nothing is lost, and the coins come by themselves, first in first out."""

from __future__ import annotations

from datetime import date

import pytest

from infra.wiring import Town
from services.apis import funding
from services.apis.errors import Refused
from services.events.awards import AwardReplanned
from services.events.funding import Earmark
from services.events.ledger import Lot
from tests.builders_awards import published
from tests.stories.town_life import (
    Cast,
    Volunteer,
    a_city_fund,
    a_fund,
    money_is_prepared,
    money_is_set_aside,
    take_part,
)

NOVEMBER = date(2026, 11, 30)  # the last day for what is earned in May


def why_waiting(volunteer: Volunteer) -> list[tuple[int, str]]:
    return [(award.amount_cents, award.reason) for award in volunteer.wallet.waiting]


def test_without_money_awards_wait_in_sight_and_are_served_in_turn(town: Town) -> None:
    cast = Cast(town)
    amal, bashir, chiara = (cast.volunteer(name) for name in ("Amal", "Bashir", "Chiara"))
    for one in (amal, bashir, chiara):
        take_part(cast, one)

    assert (amal.coins, why_waiting(amal)) == (0, [(500, "no_fund")])
    assert [(a.state, a.waiting_for) for a in amal.awards] == [("waiting", "no_fund")]

    fund_id = a_fund(cast)  # opened, but empty
    assert why_waiting(amal) == [(500, "not_enough_money")]
    assert cast.fund(fund_id).waiting_cents == 1500

    prepared = money_is_prepared(cast, fund_id, 700)
    with pytest.raises(Refused, match="same_person"):
        cast.giulio.ask("funding", funding.POST_SET_ASIDE_APPROVE, set_aside_id=prepared)
    town.settle()
    assert amal.coins == 0  # money with one hand on it backs no coin

    cast.lucia.ask("funding", funding.POST_SET_ASIDE_APPROVE, set_aside_id=prepared)
    town.settle()
    assert [one.coins for one in (amal, bashir, chiara)] == [500, 0, 0]
    assert why_waiting(bashir) == why_waiting(chiara) == [(500, "not_enough_money")]

    money_is_set_aside(cast, fund_id, 300)
    assert [one.coins for one in (amal, bashir, chiara)] == [500, 500, 0]
    money_is_set_aside(cast, fund_id, 9_000)
    assert [one.coins for one in (amal, bashir, chiara)] == [500, 500, 500]

    assert amal.wallet.waiting == bashir.wallet.waiting == chiara.wallet.waiting == ()
    assert [a.state for one in (amal, bashir, chiara) for a in one.awards] == ["issued"] * 3
    assert (cast.fund(fund_id).issued_cents, cast.fund(fund_id).free_cents) == (1500, 8500)
    assert town.check() == []


def test_an_award_no_fund_was_meant_for_waits_for_one_that_is(town: Town) -> None:
    cast = Cast(town)
    amal = cast.volunteer("Amal")
    elsewhere = a_city_fund(cast, 10_000, name="For the station", earmark=Earmark(neighbourhood_ids=("stazione",)))
    take_part(cast, amal)
    assert why_waiting(amal) == [(500, "no_fund")]

    here = a_city_fund(cast, 2_000, name="For the oaks", earmark=Earmark(neighbourhood_ids=("le-querce",)))
    [replanned] = published(town, "awards", AwardReplanned)
    assert [source.fund_id for plan in replanned.plans for source in plan.sources] == [here]
    assert amal.wallet.lots == (Lot(fund_id=here, amount_cents=500, expires_on=NOVEMBER),)
    assert cast.fund(elsewhere).free_cents == 10_000
    assert town.check() == []


def test_a_grant_pays_its_share_and_the_city_the_rest_until_the_grant_is_used_up(town: Town) -> None:
    cast = Cast(town)
    amal, bashir = cast.volunteer("Amal"), cast.volunteer("Bashir")
    city = a_city_fund(cast, 10_000)
    grant = a_fund(cast, "grant", share_permille=750, co_fund_id=city, act="AMIF 2026/7")
    money_is_set_aside(cast, grant, 400)

    take_part(cast, amal)
    assert {lot.fund_id: lot.amount_cents for lot in amal.wallet.lots} == {grant: 375, city: 125}

    take_part(cast, bashir)  # 25 cents are left of the grant: less than its share
    assert {lot.fund_id: lot.amount_cents for lot in bashir.wallet.lots} == {city: 500}
    assert (cast.fund(grant).free_cents, cast.fund(city).free_cents) == (25, 10_000 - 125 - 500)
    assert cast.fund(city).waiting_cents == 0
    assert town.check() == []


def test_the_rounding_cent_never_falls_on_the_grant(town: Town) -> None:
    cast = Cast(town)
    amal = cast.volunteer("Amal")
    city = a_city_fund(cast, 1_000)
    grant = a_fund(cast, "grant", share_permille=333, co_fund_id=city)
    money_is_set_aside(cast, grant, 1_000)
    take_part(cast, amal)
    assert {lot.fund_id: lot.amount_cents for lot in amal.wallet.lots} == {grant: 166, city: 334}
    assert town.check() == []
