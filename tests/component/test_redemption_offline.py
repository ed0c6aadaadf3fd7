"""Paying while the phone has no connection: it makes its codes itself, and the till, which has one, sells as ever."""

from __future__ import annotations

import itertools
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import text

from infra.wiring import Town
from services.apis import redemption as api
from services.apis.errors import Refused
from services.events.identity import CardRevoked, PersonErased, RoleRevoked
from services.kit.ids import derived_id, new_id
from services.kit.writer import Asked
from services.redemption import domain_offline
from services.redemption.handlers_offline import note_codes
from tests.builders import tell
from tests.builders_redemption import APhone, ATill, a_customer, a_paired_till, a_payment_code, a_shop
from tests.component.test_redemption_races import announced, at_once, balance, broken_line, post_as_redemption, the_line
from tests.component.test_redemption_together import a_queue


def wait(town: Town, **time: float) -> None:
    town.clock.move_to(town.clock.now() + timedelta(**time))


def refusal(till: ATill, code: str, cents: int = 100) -> str:
    with pytest.raises(Refused) as refused:
        till.sell(code, cents)
    return refused.value.code


def test_a_code_the_phone_made_pays_once(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    phone = APhone(town, customer)
    code = phone.code()
    sale = till.sell(code, 450, key="0123456789")
    assert till.sell(code, 450, key="0123456789") == sale
    assert refusal(till, code) == "code_used"
    wait(town, seconds=30)
    assert till.sell(phone.code(), 250).amount_cents == 250
    assert balance(customer) == 300
    town.settle()
    assert [p.amount_cents for p in customer.ask("redemption", api.GET_MY_SALES).purchases] == [250, 450]
    assert announced(town) == ["sale.accepted.v1"] * 2
    assert town.check() == []


def test_a_code_older_than_one_that_has_paid_is_good_no_more(town: Town) -> None:
    till, phone = a_paired_till(town), APhone(town, a_customer(town))
    photographed, shown = phone.code(), phone.code(town.clock.now() + timedelta(seconds=30))
    wait(town, seconds=30)
    assert till.sell(shown, 100)
    assert refusal(till, photographed) == "code_replaced"


def test_a_newer_code_than_one_that_was_refused_pays_and_so_does_the_refused_one_the_part_it_can(town: Town) -> None:
    customer, till = a_customer(town, 300), a_paired_till(town)
    code = APhone(town, customer).code()
    assert refusal(till, code, 450) == "not_enough_coins"
    assert till.sell(code, 300).amount_cents == 300
    assert balance(customer) == 0


def test_codes_asked_for_and_codes_the_phone_made_pay_beside_each_other(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    phone = APhone(town, customer)
    asked_for = a_payment_code(town, customer)
    assert till.sell(phone.code(), 100)
    assert till.sell(asked_for, 100)
    wait(town, seconds=30)
    assert refusal(till, phone.code(), 1900) == "not_enough_coins"
    asked_for = a_payment_code(town, customer)
    assert till.sell(phone.code(), 100)
    assert till.sell(asked_for, 100)
    assert balance(customer) == 600
    assert town.check() == []


@pytest.mark.parametrize(
    ("seconds", "said"), [(-115, None), (-155, "code_expired"), (115, None), (180, "clock_wrong"), (86_400, "clock_wrong")]
)  # fmt: skip
def test_a_phones_clock_may_be_wrong_by_two_minutes(town: Town, seconds: int, said: str | None) -> None:
    till, phone = a_paired_till(town), APhone(town, a_customer(town), ahead=timedelta(seconds=seconds))
    if said is None:
        assert till.sell(phone.code(), 100)
    else:
        assert refusal(till, phone.code()) == said


def test_a_code_shown_in_time_is_too_old_when_the_sale_comes_late(town: Town) -> None:
    till, phone = a_paired_till(town), APhone(town, a_customer(town, 100))
    code = phone.code()
    assert refusal(till, code, 450) == "not_enough_coins"
    wait(town, minutes=5)
    assert refusal(till, code) == "code_expired"
    assert codes(town) == 1


def test_a_forged_code_is_not_known_and_leaves_nothing_behind(town: Town) -> None:
    till, phone = a_paired_till(town), APhone(town, a_customer(town))
    code = phone.code()
    assert refusal(till, code[:-1] + ("A" if code[-1] != "A" else "B")) == "unknown_code"
    step = domain_offline.step_at(town.clock.now())
    assert (
        refusal(till, domain_offline.written(domain_offline.OfflineCode(new_id(), step), phone.secret))
        == "unknown_code"
    )
    assert codes(town) == 0


def test_the_same_limits_hold(town: Town) -> None:
    customer, till = a_customer(town, 9000), a_paired_till(town)
    phone = APhone(town, customer)
    limits = town.city.sales
    assert refusal(till, phone.code(), limits.per_sale_cents + 1) == "over_sale_limit"
    elsewhere = a_paired_till(town, a_shop(town, name="Far", neighbourhood_ids=("stazione",)))
    assert refusal(elsewhere, phone.code()) == "other_neighbourhood"
    spent = 0
    while spent + limits.per_sale_cents <= limits.per_person_day_cents:
        spent += till.sell(phone.code(), limits.per_sale_cents).amount_cents
        wait(town, seconds=30)
    assert refusal(till, phone.code(), limits.per_person_day_cents - spent + 1) == "day_limit"


def test_two_codes_of_one_person_asked_for_in_the_same_breath_keep_the_days_limit_together(town: Town) -> None:
    customer, till = a_customer(town, 9000), a_paired_till(town)
    phones, limits = [APhone(town, customer) for _ in range(2)], town.city.sales
    wait(town, seconds=30)
    for cents in [limits.per_sale_cents] * (limits.per_person_day_cents // limits.per_sale_cents - 1):
        till.sell(phones[0].code(), cents)
        wait(town, seconds=30)
    with a_queue(town) as queue:
        queue.ask(*(lambda phone=phone: till.sell(phone.code(), limits.per_sale_cents) for phone in phones))
        heard = queue.heard()
    assert [kind for kind, _ in heard] == ["sold", "day_limit"]


@pytest.mark.parametrize("why", ["card", "role", "signed out", "thirty days", "erased"])
def test_a_key_ends_with_the_card_the_role_the_session_its_time_and_the_person(town: Town, why: str) -> None:
    customer, till = a_customer(town), a_paired_till(town)
    phone, beside = APhone(town, customer), APhone(town, a_customer(town))
    assert till.sell(phone.code(), 100)
    wait(town, seconds=30)
    if why == "card":
        tell(town, CardRevoked(card_id=new_id(), person_id=customer.person_id))
    elif why == "role":
        tell(town, RoleRevoked(person_id=customer.person_id, role="volunteer"))
    elif why == "signed out":
        customer.ask("redemption", api.POST_PAYMENT_KEY_END, payment_key_id=phone.key_id)
    elif why == "thirty days":
        town.clock.move_to(phone.ends_at)
        beside.keep()
    else:
        tell(town, PersonErased(person_id=customer.person_id))
    assert refusal(till, phone.code()) == ("unknown_code" if why == "erased" else "code_expired")
    assert till.sell(beside.code(), 100)
    assert town.check() == []
    if why == "erased":
        with pytest.raises(Refused, match="person_erased"):
            phone.keep()
    else:
        phone.keep()
        assert till.sell(phone.code(), 100) if why != "thirty days" else phone.ends_at > town.clock.now()


def test_nobody_ends_the_key_of_somebody_else(town: Town) -> None:
    phone, somebody = APhone(town, a_customer(town)), a_customer(town)
    somebody.ask("redemption", api.POST_PAYMENT_KEY_END, payment_key_id=phone.key_id)
    assert a_paired_till(town).sell(phone.code(), 100)


def test_a_phone_keeps_its_key_for_half_its_life_and_is_told_the_secret_once(town: Town) -> None:
    customer, till = a_customer(town), a_paired_till(town)
    phone = APhone(town, customer)
    again = customer.ask("redemption", api.POST_PAYMENT_KEY, api.KeepPaymentKey(payment_key_id=phone.key_id))
    assert again == api.PaymentKey(payment_key_id=phone.key_id, ends_at=phone.ends_at, secret=None)
    wait(town, days=16)
    before = phone.code()
    phone.keep(phone.key_id)
    assert refusal(till, before) == "code_expired"
    assert till.sell(phone.code(), 100)


def test_of_many_phones_the_one_that_got_its_key_first_pays_no_more(town: Town) -> None:
    customer, till = a_customer(town), a_paired_till(town)
    phones = []
    for _ in range(domain_offline.MOST_KEYS + 1):
        phones.append(APhone(town, customer))
        wait(town, seconds=1)
    assert refusal(till, phones[0].code()) == "code_expired"
    for phone in phones[1:]:
        assert till.sell(phone.code(), 100)


def test_keys_and_codes_are_forgotten_a_day_past_their_end(town: Town) -> None:
    phone = APhone(town, a_customer(town))
    a_paired_till(town).sell(phone.code(), 100)
    wait(town, days=2)
    town.tick()
    assert codes(town) == 0
    town.clock.move_to(phone.ends_at + timedelta(days=1))
    town.tick()
    with town.rooms["redemption"].engine.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM payment_keys")).scalar_one() == 0


# ---------- bad luck ----------


def test_of_two_tills_that_scan_the_same_code_one_sells(town: Town) -> None:
    shop, customer = a_shop(town), a_customer(town, 1000)
    tills, code = [a_paired_till(town, shop, name) for name in ("front", "back")], APhone(town, customer).code()
    answers = at_once(*(lambda till=till: till.sell(code, 450) for till in tills))
    assert sorted(type(answer).__name__ for answer in answers) == ["Sale", "str"]
    assert "code_used" in answers
    assert balance(customer) == 550
    town.settle()
    assert announced(town) == ["sale.accepted.v1"]
    assert town.check() == []


def test_several_processes_that_meet_a_code_at_once_write_it_down_once(town: Town) -> None:
    customer = a_customer(town)
    phones = [APhone(town, customer), APhone(town, a_customer(town))]
    asked = [Asked(api.MakeSale(code=phone.code(), amount_cents=100), new_id()) for phone in phones]

    def note(order: tuple[Asked, ...]) -> None:
        with town.rooms["redemption"].transaction() as tx:
            note_codes(tx, order)

    orders = [*itertools.permutations(asked)] * 3
    assert at_once(*(lambda order=order: note(order) for order in orders)) == [None] * len(orders)
    assert codes(town) == 2


def test_a_lost_answer_is_found_again_with_the_same_key_and_with_another(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    phone = APhone(town, customer)
    for same in (True, False):
        code, key = phone.code(), new_id()
        with broken_line(town, arrives=True), pytest.raises(Refused, match="service_away"):
            till.sell(code, 300, key=key)
        assert till.sell(code, 300, key=key if same else new_id()).amount_cents == 300
        assert refusal(till, code, 300) == "code_used"
        wait(town, seconds=30)
    assert balance(customer) == 400
    assert town.check() == []


def test_a_sale_posted_before_we_died_is_completed_with_its_buyer(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    phone = APhone(town, customer)
    code = phone.code()
    with broken_line(town, arrives=False), pytest.raises(Refused, match="service_away"):
        till.sell(code, 450)
    sale_id = post_as_redemption(town, customer, till, 450)
    step = domain_offline.step_at(town.clock.now())
    assert sale_id == derived_id("sale", derived_id("payment-code", phone.key_id, step), 0)
    assert refusal(till, code, 400) == "sale_pending"
    town.settle()
    assert [p.sale_id for p in customer.ask("redemption", api.GET_MY_SALES).purchases] == [sale_id]
    assert till.sell(code, 450).sale_id == sale_id
    assert refusal(till, code, 450) == "code_used"
    assert balance(customer) == 550
    assert town.check() == []


def test_an_event_that_comes_while_its_sale_is_still_being_written_waits_and_adds_nothing(town: Town) -> None:
    till, phone = a_paired_till(town), APhone(town, a_customer(town))
    hears = Thread(target=town.pump)

    def hear_it_early() -> None:
        hears.start()
        hears.join(timeout=0.5)
        assert hears.is_alive(), "the event did not wait for the sale"

    with the_line(town, hear_it_early):
        assert till.sell(phone.code(), 450)
    hears.join()
    town.settle()
    assert announced(town) == ["sale.accepted.v1"]
    assert town.check() == []


def codes(town: Town) -> int:
    with town.rooms["redemption"].engine.connect() as conn:
        return int(conn.execute(text("SELECT count(*) FROM payment_codes")).scalar_one())
