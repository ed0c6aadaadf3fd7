"""At the counter: coins are taken, or the till hears why not and what would work."""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256

import msgspec
import pytest
from sqlalchemy import text

from infra.wiring import Town
from services.apis import ledger as ledger_api
from services.apis import redemption as api
from services.apis.errors import Refused
from services.events.funding import Earmark
from services.events.identity import CardIssued
from services.kit.ids import new_id
from tests.builders import As, a_volunteer, an_admin, tell
from tests.builders_redemption import a_customer, a_paired_till, a_payment_code, a_shop, give_coins, take_part


def balance(volunteer: As) -> int:
    return volunteer.ask("ledger", ledger_api.GET_WALLET, person_id=volunteer.person_id).balance_cents


def refusal(till: As, code: str, cents: int = 450) -> Refused:
    with pytest.raises(Refused) as caught:
        till.sell(code, cents)  # type: ignore[attr-defined]
    return caught.value


def test_coins_pay_for_a_purchase_and_the_shop_learns_nothing_of_the_customer(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    sale = till.sell(a_payment_code(town, customer), 450)
    assert (sale.amount_cents, sale.sold_at, sale.voided_at) == (450, town.clock.now(), None)
    assert balance(customer) == 550
    said = msgspec.json.encode(till.ask("redemption", api.GET_SALES)).decode()
    assert str(customer.person_id) not in said
    assert "550" not in said
    town.settle()
    with town.rooms["redemption"].engine.connect() as conn:
        events = list(
            conn.scalars(text("SELECT convert_from(value, 'UTF8') FROM outbox WHERE type = 'sale.accepted.v1'"))
        )
    assert len(events) == 1
    assert str(customer.person_id) not in events[0]
    assert town.check() == []


def test_the_same_request_sent_twice_takes_the_coins_once(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    code = a_payment_code(town, customer)
    assert till.sell(code, 450, key="0123456789") == till.sell(code, 450, key="0123456789")
    assert balance(customer) == 550
    with pytest.raises(Refused, match="key_reused"):
        till.sell(code, 300, key="0123456789")


def test_a_code_pays_once_even_when_the_amount_is_the_same(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    code = a_payment_code(town, customer)
    till.sell(code, 450)
    assert refusal(till, code).code == "code_used"
    assert refusal(a_paired_till(town, a_shop(town, name="Next door")), code).code == "code_used"
    assert balance(customer) == 550


def test_a_code_ends_after_its_seconds(town: Town) -> None:
    customer, till = a_customer(town), a_paired_till(town)
    code = a_payment_code(town, customer)
    town.clock.move_to(town.clock.now() + timedelta(seconds=town.city.sales.code_seconds))
    assert refusal(till, code).code == "code_expired"


def test_only_the_newest_code_pays(town: Town) -> None:
    customer, till = a_customer(town), a_paired_till(town)
    older, newer = a_payment_code(town, customer), a_payment_code(town, customer)
    assert refusal(till, older).code == "code_replaced"
    assert till.sell(newer, 450)


def test_a_payment_code_is_long_and_kept_only_as_a_hash(town: Town) -> None:
    code = a_payment_code(town, a_volunteer(town))
    assert len(code.removeprefix("pay.")) * 6 >= 128
    with town.rooms["redemption"].engine.connect() as conn:
        kept = conn.execute(text("SELECT code_hash FROM payment_codes")).scalar_one()
    assert bytes(kept) == sha256(code.encode()).digest()


def test_a_text_that_is_no_payment_code_is_called_what_it_is(town: Town) -> None:
    till, card = a_paired_till(town), "card-of-somebody"
    tell(town, CardIssued(card_id=new_id(), person_id=new_id(), code_hash=sha256(card.encode()).hexdigest()))
    foreign = [refusal(till, code) for code in (card, "https://valdarco.example/in/" + "x" * 40, "9788804668237")]
    assert [(no.code, no.facts["kind"]) for no in foreign] == [
        ("foreign_code", "card"), ("foreign_code", "check_in"), ("foreign_code", "other"),
    ]  # fmt: skip
    assert refusal(till, "pay.AAAAAAAAAAAAAAAAAAAAAA").code == "unknown_code"


def test_too_few_coins_offer_the_payable_part_and_the_code_stays_good(town: Town) -> None:
    customer, till = a_customer(town, 300), a_paired_till(town)
    code = a_payment_code(town, customer)
    no = refusal(till, code, 450)
    assert (no.code, no.facts) == ("not_enough_coins", {"payable_cents": 300, "rest_cents": 150})
    assert no.message == "3.00 in coins, 1.50 in cash."
    assert till.sell(code, 300).amount_cents == 300
    no = refusal(till, a_payment_code(town, customer), 450)
    assert no.facts == {"payable_cents": 0, "rest_cents": 450}
    assert town.check() == []


def test_coins_work_only_where_the_person_took_part(town: Town) -> None:
    customer = a_customer(town, neighbourhood_id="stazione")
    till = a_paired_till(town)
    no = refusal(till, a_payment_code(town, customer))
    assert no.code == "other_neighbourhood"
    assert no.facts == {"works_in": [{"neighbourhood_id": "stazione", "name": "Stazione"}]}
    border = a_paired_till(town, a_shop(town, name="Border", neighbourhood_ids=("le-querce", "stazione")))
    assert border.sell(a_payment_code(town, customer), 450)
    take_part(town, customer, "le-querce")
    assert till.sell(a_payment_code(town, customer), 450)


def test_somebody_who_has_not_taken_part_yet_hears_so(town: Town) -> None:
    no = refusal(a_paired_till(town), a_payment_code(town, a_volunteer(town)))
    assert (no.code, no.facts) == ("other_neighbourhood", {"works_in": []})


def test_coins_of_an_earmarked_fund_stay_in_its_neighbourhoods(town: Town) -> None:
    customer, till = a_customer(town, 200), a_paired_till(town)
    give_coins(town, customer, 500, earmark=Earmark(neighbourhood_ids=("stazione",)))
    no = refusal(till, a_payment_code(town, customer))
    assert (no.code, no.facts["payable_cents"]) == ("not_enough_coins", 200)
    give_coins(town, customer, 300, earmark=Earmark(neighbourhood_ids=("le-querce",)))
    assert till.sell(a_payment_code(town, customer), 450)
    assert balance(customer) == 550
    assert refusal(till, a_payment_code(town, customer)).facts["payable_cents"] == 50


def test_one_sale_and_one_day_have_a_ceiling(town: Town) -> None:
    customer, till = a_customer(town, 20_000), a_paired_till(town)
    limit = town.city.sales.per_sale_cents
    assert refusal(till, a_payment_code(town, customer), limit + 1).code == "over_sale_limit"
    first = till.sell(a_payment_code(town, customer), limit - 100)
    no = refusal(till, a_payment_code(town, customer), 101)
    assert (no.code, no.facts["left_cents"]) == ("day_limit", 100)
    till.void(first.sale_id)
    assert till.sell(a_payment_code(town, customer), limit)
    town.clock.move_to(town.clock.now() + timedelta(days=1))
    assert till.sell(a_payment_code(town, customer), limit)


def test_no_sale_outside_the_signed_agreement(town: Town) -> None:
    customer, tomorrow = a_customer(town), date(2026, 5, 5)
    starts = a_paired_till(town, a_shop(town, name="Starts", signed_on=tomorrow))
    ends = a_paired_till(town, a_shop(town, name="Ends", ends_on=date(2026, 5, 4)))
    shop = a_shop(town, name="Closed")
    closed = a_paired_till(town, shop)
    an_admin(town).ask("redemption", api.POST_SHOP_CLOSE, shop_id=shop.shop_id)
    code = a_payment_code(town, customer)
    assert refusal(closed, code).code == "shop_closed"
    assert refusal(starts, code).facts == {"signed_on": "2026-05-05"}
    assert ends.sell(code, 100)
    town.clock.move_to(town.clock.now() + timedelta(days=1))
    code = a_payment_code(town, customer)
    assert refusal(ends, code).facts == {"ends_on": "2026-05-04"}
    assert starts.sell(code, 100)
    assert balance(customer) == 800
    assert town.check() == []
