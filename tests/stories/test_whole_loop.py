"""The whole loop through HTTP: from an invitation to the bank's line, everybody signed in for real, every coin followed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from infra.standins.bank import StandinBank
from infra.wiring import Town
from services.apis import attendance, funding, impact, ledger, redemption, reimbursement, reimbursement_payment, shifts
from services.apis.errors import Refused
from tests.builders_identity import SignedIn, a_joined_volunteer, a_known_organisation, staff, the_admin
from tests.builders_redemption import ATill

IBAN = "IT60P9999900001000000000099"


def test_a_coin_travels_from_an_invitation_to_the_banks_line(town: Town) -> None:
    organisation_id = a_known_organisation(town, "Mani in Comune")
    nadia = staff(town, "coordinator", organisation_id)
    giulio, lucia, franca = (staff(town, "finance") for _ in range(3))
    amal = a_joined_volunteer(town, organisation_id, nickname="Amal")

    fund_id = the_city_sets_money_aside(town, giulio, lucia, 10_000)
    shift = a_shift_is_published(town, nadia, organisation_id)
    amal.ask("shifts", shifts.POST_SIGNUP, shifts.MakeSignUp(), shift_id=shift.shift_id)
    town.settle()

    town.clock.move_to(shift.starts_at)  # type: ignore[attr-defined]
    amal.ask("attendance", attendance.POST_CHECK_IN, the_code(nadia, shift))
    town.clock.move_to(shift.ends_at - timedelta(minutes=1))  # type: ignore[attr-defined]
    amal.ask("attendance", attendance.POST_CHECK_OUT, the_code(nadia, shift))
    confirmed = nadia.ask("attendance", attendance.POST_CONFIRM_ALL, attendance.ConfirmAll(), shift_id=shift.shift_id)
    assert [a.person_id for a in confirmed.confirmed] == [amal.person_id]
    town.settle()

    wallet = amal.ask("ledger", ledger.GET_WALLET, person_id=amal.person_id)
    assert wallet.balance_cents == town.city.coins.per_participation * town.city.coins.value_cents

    owner, till = a_shop_joins(town)
    sale = amal_buys_bread(amal, till)
    town.settle()
    assert amal.ask("ledger", ledger.GET_WALLET, person_id=amal.person_id).balance_cents == wallet.balance_cents - 450

    town.clock.move_to(datetime(2026, 6, 1, 8, 0, tzinfo=UTC))  # type: ignore[attr-defined]
    payment = the_month_is_paid(town, owner, till, [giulio, lucia, franca])
    town.settle()

    figures = {f.fund_id: f.figures for f in lucia.ask("funding", funding.GET_FUNDS, query=funding.Page()).funds}[
        fund_id
    ]
    assert figures is not None
    assert (figures.in_cents, figures.issued_cents, figures.spent_cents, figures.paid_cents) == (10_000, 500, 450, 450)
    trail = lucia.ask("reimbursement", reimbursement_payment.GET_TRAIL, payment_id=payment.payment_id)
    assert str(sale.sale_id) in repr(trail)
    assert not town.client("impact").call(impact.GET_FIGURES).published  # one person is too few to show
    assert town.check() == []


def the_city_sets_money_aside(town: Town, giulio: SignedIn, lucia: SignedIn, cents: int) -> object:
    """One finance officer prepares, the same one may not approve, another does."""
    fund = the_admin(town).ask("funding", funding.POST_FUND, funding.OpenFund(kind="city", name="City budget"))
    body = funding.PrepareSetAside(amount_cents=cents, act="Determina n. 1/2026")
    prepared = giulio.ask("funding", funding.POST_SET_ASIDE, body, fund_id=fund.fund_id)
    with pytest.raises(Refused, match="same_person"):
        giulio.ask("funding", funding.POST_SET_ASIDE_APPROVE, set_aside_id=prepared.set_aside_id)
    lucia.ask("funding", funding.POST_SET_ASIDE_APPROVE, set_aside_id=prepared.set_aside_id)
    town.settle()
    return fund.fund_id


def a_shift_is_published(town: Town, nadia: SignedIn, organisation_id: object) -> shifts.Shift:
    opened = shifts.OpenProgramme(name="Bella Valdarco", opens_on=date(2026, 1, 1))
    programme = the_admin(town).ask("shifts", shifts.POST_PROGRAMME, opened)
    activity = nadia.ask(
        "shifts",
        shifts.POST_ACTIVITY,
        shifts.AddActivity(
            programme_id=programme.programme_id, organisation_id=organisation_id, name="Care of the park",  # type: ignore[arg-type]
            place="Parco delle Querce", kind="green", neighbourhood_id="le-querce", minutes=120, capacity=8,
        ),
    )  # fmt: skip
    body = shifts.PublishShift(activity_id=activity.activity_id, starts_at=town.clock.now() + timedelta(days=1))
    return nadia.ask("shifts", shifts.POST_SHIFT, body)


def the_code(nadia: SignedIn, shift: shifts.Shift) -> attendance.UseCode:
    return attendance.UseCode(code=nadia.ask("attendance", attendance.GET_CODE, shift_id=shift.shift_id).path)


def a_shop_joins(town: Town) -> tuple[SignedIn, ATill]:
    registered = redemption.RegisterShop(
        name="Panificio Sole",
        neighbourhood_ids=("le-querce",),
        signed_on=date(2026, 1, 7),
        agreement_reference="PG 2026/118",
    )
    shop = the_admin(town).ask("redemption", redemption.POST_SHOP, registered)
    town.settle()
    owner = staff(town, "shop_owner", shop.shop_id)
    pairing = owner.ask("redemption", redemption.POST_PAIRING_CODE, shop_id=shop.shop_id)
    body = redemption.PairTill(pairing_code=pairing.pairing_code, name="front")
    return owner, ATill(town, town.client("redemption").call(redemption.POST_TILL, body))


def amal_buys_bread(amal: SignedIn, till: ATill) -> redemption.Sale:
    """More than she has is refused with what would work; the same code then pays what she has enough for."""
    code = amal.ask("redemption", redemption.POST_PAYMENT_CODE).code
    with pytest.raises(Refused, match="not_enough_coins") as short:
        till.sell(code, 750)
    assert short.value.facts["payable_cents"] == 500
    sale = till.sell(code, 450, key="the-key-of-the-till")
    assert till.sell(code, 450, key="the-key-of-the-till") == sale
    return sale


def the_month_is_paid(town: Town, owner: SignedIn, till: ATill, hands: list[SignedIn]) -> reimbursement_payment.Payment:
    """Statement, claim, account approved by a second person, three hands, the bank's file there and back."""
    giulio, lucia, franca = hands
    giulio.ask("reimbursement", reimbursement.POST_STATEMENTS, period="2026-05")
    propose = reimbursement_payment.ProposeAccount(iban=IBAN, holder="Panificio Sole")
    account = owner.ask("reimbursement", reimbursement_payment.POST_ACCOUNT, propose, shop_id=till.shop_id)
    query = reimbursement.StatementQuery()
    (statement,) = owner.ask("reimbursement", reimbursement.GET_STATEMENTS, query=query).statements
    owner.ask("reimbursement", reimbursement.POST_CONFIRM, statement_id=statement.statement_id)
    lucia.ask("reimbursement", reimbursement_payment.POST_ACCOUNT_APPROVE, account_id=account.account_id)

    batch = giulio.ask("reimbursement", reimbursement_payment.POST_BATCH, reimbursement_payment.PrepareBatch())
    lucia.ask("reimbursement", reimbursement_payment.POST_BATCH_APPROVE, batch_id=batch.batch_id)
    for hand in (giulio, lucia):
        with pytest.raises(Refused, match="same_person"):
            hand.ask("reimbursement", reimbursement_payment.POST_BATCH_RELEASE, batch_id=batch.batch_id)
    franca.ask("reimbursement", reimbursement_payment.POST_BATCH_RELEASE, batch_id=batch.batch_id)

    order = franca.ask(
        "reimbursement",
        reimbursement_payment.GET_PAIN001,
        query=reimbursement_payment.FileQuery(),
        batch_id=batch.batch_id,
    )
    bank = StandinBank(town.city.account.iban, 1_000_000)
    bank.submit(order)
    file = bank.close_day(date(2026, 6, 2), lambda reference: "paid")
    giulio.ask("reimbursement", reimbursement_payment.POST_BANK_STATEMENT, content=file)
    (payment,) = franca.ask("reimbursement", reimbursement_payment.GET_BATCH, batch_id=batch.batch_id).payments
    assert payment.state == "settled"
    return payment
