"""The whole loop through HTTP: from an invitation to the bank's line, everybody signed in for real, every coin followed."""

from __future__ import annotations

import pytest

from infra.wiring import Town
from services.apis import awards, funding, impact, redemption, reimbursement_payment
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.events.ledger import Lot
from tests.builders_redemption import ATill
from tests.stories.town_life import (
    Cast,
    Volunteer,
    a_bank,
    a_city_fund,
    a_shift,
    a_shop_joins,
    an_approved_account,
    an_approved_batch,
    come,
    confirm_all,
    payments_of,
    release,
    statements_are_issued,
    the_bank_closes_its_day,
)


def test_a_coin_travels_from_an_invitation_to_the_banks_line(town: Town) -> None:
    cast = Cast(town)
    amal = cast.volunteer("Amal")
    fund_id = a_city_fund(cast, 10_000)

    shift = a_shift(cast)
    come(cast, shift, amal)
    confirmed = confirm_all(cast, shift)
    assert [(a.person_id, a.minutes) for a in confirmed.confirmed] == [(amal.person_id, 120)]
    [award] = amal.awards
    assert (award.state, award.amount_cents) == (
        "issued",
        town.city.coins.per_participation * town.city.coins.value_cents,
    )
    assert amal.wallet.lots == (Lot(fund_id=fund_id, amount_cents=500, expires_on=award.expires_on),)

    shop = a_shop_joins(cast)
    sale = amal_buys_bread(amal, shop.till)
    town.settle()
    assert amal.coins == 50

    statements_are_issued(cast, "2026-05")
    an_approved_account(cast, shop)
    assert shop.claims("2026-05").amount_cents == 450
    batch = an_approved_batch(cast)
    for hand in (cast.giulio, cast.lucia):
        with pytest.raises(Refused, match="same_person"):
            hand.ask("reimbursement", reimbursement_payment.POST_BATCH_RELEASE, batch_id=batch.batch_id)
    bank = a_bank(town)
    bank.submit(release(cast, batch))
    the_bank_closes_its_day(cast, bank)
    [payment] = payments_of(cast, batch)
    assert (payment.state, bank.balance_cents) == ("settled", 1_000_000 - 450)

    everybody_sees_their_part(cast, fund_id, sale, payment)
    assert town.check() == []


def amal_buys_bread(amal: Volunteer, till: ATill) -> redemption.Sale:
    """More than she has is refused with what would work; the same code then pays what she has enough for."""
    code = amal.ask("redemption", redemption.POST_PAYMENT_CODE).code
    with pytest.raises(Refused, match="not_enough_coins") as short:
        till.sell(code, 750)
    assert short.value.facts["payable_cents"] == 500
    sale = till.sell(code, 450, key="the-key-of-the-till")
    assert till.sell(code, 450, key="the-key-of-the-till") == sale
    return sale


def everybody_sees_their_part(
    cast: Cast, fund_id: object, sale: redemption.Sale, payment: reimbursement_payment.Payment
) -> None:
    """Finance the fund, the auditor the trail from the bank's line to the sale; the public nothing while people are so few."""
    [fund] = cast.lucia.ask("funding", funding.GET_FUNDS, query=Page()).funds
    assert (fund.fund_id, fund.figures) == (
        fund_id, funding.Figures(
            in_cents=10_000, issued_cents=500, outstanding_cents=50, spent_cents=450, paid_cents=450, free_cents=9_500
        ),
    )  # fmt: skip
    trail = cast.paolo.ask("reimbursement", reimbursement_payment.GET_TRAIL, payment_id=payment.payment_id)
    assert (trail.sale_ids, [line.state for line in trail.entries]) == ((sale.sale_id,), ["matched"])
    [award] = cast.paolo.ask("awards", awards.GET_AWARDS, query=awards.AwardQuery()).awards
    assert award.minutes == 120
    assert not cast.town.client("impact").call(impact.GET_FIGURES).published
