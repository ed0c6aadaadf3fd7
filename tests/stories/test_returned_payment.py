"""The bank's answers are not always "paid": money comes back, comes late, or in parts – and the books end right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from infra.standins.bank import Booking, Order, StandinBank, read_pain001, write_statement
from infra.wiring import Town
from services.apis import reimbursement_payment
from services.apis.errors import Refused
from tests.builders_reimbursement import iban_for
from tests.stories.town_life import (
    Cast,
    Shop,
    a_bank,
    a_city_fund,
    a_shop_joins,
    an_approved_account,
    an_approved_batch,
    approve_account,
    it_becomes,
    payments_of,
    release,
    statements_are_issued,
    take_part,
    the_bank_closes_its_day,
    upload,
)

DEBIT, RETURN = ("ICDT", "ESCT"), ("ICDT", "RRTN")


def booked(bank: StandinBank, town: Town, *bookings: Booking) -> bytes:
    """The bank's next statement, of today, with just these lines."""
    opening_cents, bank.statements = bank.balance_cents, bank.statements + 1
    bank.balance_cents += sum(one.signed_cents for one in bookings)
    today = town.city.day_of(town.clock.now())
    return write_statement(bank.iban, opening_cents, bookings, today, bank.statements, bank.version)


def the_next_day(town: Town) -> None:
    it_becomes(town, town.clock.now() + timedelta(days=1))


def owed_and_paid(cast: Cast, fund_id: UUID, shop: Shop, batch_id: UUID) -> tuple[int, int, int]:
    """What stands on the accounts of the shop, of the batch, and of the fund at the bank."""
    accounts = (f"shop/{shop.shop_id}/{fund_id}", f"paying/{batch_id}/{fund_id}", f"bank/{fund_id}")
    shop_cents, paying_cents, bank_cents = map(cast.balance, accounts)
    return shop_cents, paying_cents, bank_cents


def test_money_that_comes_back_is_owed_again_and_paid_to_an_account_two_people_have_seen(town: Town) -> None:
    cast = Cast(town)
    amal, shop, bank = cast.volunteer("Amal"), a_shop_joins(cast), a_bank(town)
    fund_id = a_city_fund(cast, 10_000)
    take_part(cast, amal)
    amal.buys(shop.till, 450)
    statements_are_issued(cast, "2026-05")
    an_approved_account(cast, shop)
    claim = shop.claims("2026-05")

    batch = an_approved_batch(cast)
    file = release(cast, batch)
    assert owed_and_paid(cast, fund_id, shop, batch.batch_id) == (0, 450, -10_000)
    bank.submit(file)
    assert the_bank_closes_its_day(cast, bank).matched == 1
    assert owed_and_paid(cast, fund_id, shop, batch.batch_id) == (0, 0, -9_550)
    assert [p.state for p in payments_of(cast, batch)] == ["settled"]

    the_next_day(town)
    [order] = read_pain001(file).orders
    upload(cast, booked(bank, town, Booking(RETURN, True, (order,), return_reason="AC04")))
    assert [(p.state, p.return_reason) for p in payments_of(cast, batch)] == [("returned", "AC04")]
    assert owed_and_paid(cast, fund_id, shop, batch.batch_id) == (450, 0, -10_000)
    [open_again] = shop.owed().claims
    assert (open_again.claim_id, open_again.state, open_again.blocked) == (claim.claim_id, "payable", None)
    assert [(p.state, p.return_reason) for p in shop.owed().payments] == [("returned", "AC04")]

    changed = shop.proposes_account(iban_for(4711))
    assert [one.blocked for one in shop.owed().claims] == ["iban_not_approved"]
    with pytest.raises(Refused, match="payment_batch_empty"):
        an_approved_batch(cast)
    with pytest.raises(Refused, match="not_allowed"):
        shop.owner.ask("reimbursement", reimbursement_payment.POST_ACCOUNT_APPROVE, account_id=changed.account_id)
    approve_account(cast, changed)

    again = an_approved_batch(cast)
    file = release(cast, again)
    assert [order.creditor_iban for order in read_pain001(file).orders] == [iban_for(4711)]
    bank.submit(file)
    the_bank_closes_its_day(cast, bank)
    assert [p.state for p in payments_of(cast, again)] == ["settled"]
    assert owed_and_paid(cast, fund_id, shop, again.batch_id) == (0, 0, -9_550)
    assert [one.state for one in shop.owed().claims] == []
    figures = cast.fund(fund_id)
    assert (figures.paid_cents, figures.owed_cents, figures.outstanding_cents, figures.free_cents) == (
        450,
        0,
        50,
        9_500,
    )
    assert bank.balance_cents == 1_000_000 - 450
    assert town.check() == []


def test_late_and_partial_answers_of_the_bank(town: Town) -> None:
    cast = Cast(town)
    amal, bank = cast.volunteer("Amal"), a_bank(town)
    fund_id = a_city_fund(cast, 10_000)
    baker, grocer = a_shop_joins(cast), a_shop_joins(cast, "Alimentari Luna")
    take_part(cast, amal)
    amal.buys(baker.till, 300)
    amal.buys(grocer.till, 200)
    statements_are_issued(cast, "2026-05")
    for shop in (baker, grocer):
        an_approved_account(cast, shop)
        shop.claims("2026-05")
    batch = an_approved_batch(cast)
    file = release(cast, batch)
    order = {order.amount_cents: order for order in read_pain001(file).orders}

    def states() -> dict[int, str]:
        return {payment.amount_cents: payment.state for payment in payments_of(cast, batch)}

    def part(of: Order, cents: int) -> Booking:
        return Booking(DEBIT, False, (replace(of, amount_cents=cents),))

    bank.submit(file)
    silence = the_bank_closes_its_day(
        cast, bank, lambda reference: "late" if reference == order[200].end_to_end_id else "unpaid"
    )
    assert (silence.matched, silence.unmatched) == (0, 0)
    assert states() == {300: "released", 200: "released"}

    the_next_day(town)
    first = upload(cast, booked(bank, town, part(order[300], 100)))
    assert (first.matched, first.unmatched) == (0, 1)
    asked = {"bank_statement_id": first.bank_statement_id}
    [line] = cast.giulio.ask("reimbursement", reimbursement_payment.GET_BANK_STATEMENT, **asked).entries
    assert (line.state, line.why, line.amount_cents) == ("unmatched", "paid_in_part", 100)
    assert states() == {300: "released", 200: "released"}

    the_next_day(town)
    assert the_bank_closes_its_day(cast, bank).matched == 1
    assert states() == {300: "released", 200: "settled"}

    the_next_day(town)
    assert upload(cast, booked(bank, town, part(order[300], 200))).matched == 1
    assert states() == {300: "settled", 200: "settled"}
    [line] = cast.giulio.ask("reimbursement", reimbursement_payment.GET_BANK_STATEMENT, **asked).entries
    assert line.state == "matched"

    for shop in (baker, grocer):
        assert owed_and_paid(cast, fund_id, shop, batch.batch_id) == (0, 0, -9_500)
        assert shop.owed().owed_cents == 0
    assert cast.fund(fund_id).paid_cents == 500 == 1_000_000 - bank.balance_cents
    assert town.check() == []
