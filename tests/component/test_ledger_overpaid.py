"""A shop is paid for a sale that had been undone when the order was heard: it owes that, from its next sales, and nothing is parked."""

from __future__ import annotations

from uuid import UUID

import pytest

from infra.wiring import Town
from ledger.audit import audit
from ledger.exports import name_of
from services.events.ledger import Part
from services.events.reimbursement import PaymentReleased
from services.kit import parked
from services.kit.ids import new_id
from tests.builders import tell
from tests.builders_ledger import a_fund, balance, figures, give_coins, released, returned, sell, settled, top_up, void


def overpaid(town: Town) -> tuple[UUID, Part, PaymentReleased]:
    """A shop is paid for two sales of 3.00, of which one was undone before the order was heard."""
    shop, person, fund = new_id(), new_id(), a_fund(town, 6_00)
    give_coins(town, person, 6_00, fund)
    (part,) = sell(town, person, 3_00, shop_id=shop).parts
    void(town, sell(town, person, 3_00, shop_id=shop).sale_id)
    payment = released(shop, Part(fund_id=fund, amount_cents=6_00))
    tell(town, payment)
    return shop, part, payment


def stands(town: Town, shop: UUID, fund: UUID) -> tuple[int, int]:
    return balance(town, f"shop/{shop}/{fund}"), balance(town, f"overpaid/{shop}/{fund}")


def test_a_shop_paid_for_what_was_undone_owes_it_and_no_more_than_was_undone(town: Town) -> None:
    shop, part, payment = overpaid(town)
    assert stands(town, shop, part.fund_id) == (0, -3_00)
    assert name_of(f"overpaid/{shop}/{part.fund_id}") == f"Assets:Overpaid:S-{shop}:F-{part.fund_id}"
    assert figures(town, part.fund_id).owed_cents == 3_00  # 6.00 on the way to the shop, 3.00 to come back from it
    again = released(shop, Part(fund_id=part.fund_id, amount_cents=1))
    tell(town, payment, again)
    assert [row.reason for row in parked.parked(town.rooms["ledger"]) if "payment_released_insufficient" in row.reason]
    assert stands(town, shop, part.fund_id) == (0, -3_00)


def test_a_payment_told_again_makes_nothing_good(town: Town) -> None:
    """What the shop is owed by then is left where it is: it is made good when that is paid."""
    shop, part, payment = overpaid(town)
    person = new_id()
    top_up(town, part.fund_id, 2_00)
    give_coins(town, person, 2_00, part.fund_id)
    sell(town, person, 2_00, shop_id=shop)
    tell(town, payment)
    assert stands(town, shop, part.fund_id) == (2_00, -3_00)


@pytest.mark.parametrize("was_settled", [False, True])
@pytest.mark.parametrize("sold_meanwhile", [0, 2_00, 5_00])
def test_what_a_shop_owes_is_taken_from_its_next_payment_or_ends_when_the_bank_sends_back(
    town: Town, was_settled: bool, sold_meanwhile: int
) -> None:
    shop, part, payment = overpaid(town)
    fund = part.fund_id
    tell(town, *([settled(payment)] if was_settled else []))
    if sold_meanwhile:
        person = new_id()
        top_up(town, fund, sold_meanwhile)
        give_coins(town, person, sold_meanwhile, fund)
        sell(town, person, sold_meanwhile, shop_id=shop)
        if sold_meanwhile > 3_00:
            tell(town, released(shop, Part(fund_id=fund, amount_cents=sold_meanwhile - 3_00)))
            assert stands(town, shop, fund) == (0, 0)
    tell(town, returned(payment, was_settled=was_settled))
    paid_since = 2_00 if sold_meanwhile == 5_00 else 0
    assert stands(town, shop, fund) == (3_00 + sold_meanwhile - paid_since, 0)
    assert town.check() == []
    assert audit(town.rooms["ledger"].engine)[0].findings == []
