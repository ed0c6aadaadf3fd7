"""Life in town as stories take it for granted: people who signed in, a city with money, a shift, a shop, a paid month.

Everybody signs in through identity and asks the real APIs. What a story is about stands in the story, not here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from infra.standins.bank import StandinBank
from infra.wiring import Town
from services.apis import attendance, awards, funding, ledger, redemption, reimbursement, reimbursement_payment, shifts
from services.apis.endpoint import Page
from services.apis.ledger_fund import GET_FUND, FundFigures
from tests.builders_identity import SignedIn, a_joined_volunteer, a_known_organisation, sign_in_with, staff, the_admin
from tests.builders_redemption import ATill
from tests.builders_reimbursement import iban_for

MONEY = "reimbursement"


class Volunteer(SignedIn):
    """Somebody with a card, who signs in with it again when the session is over."""

    def ask(self, service: str, endpoint: Any, body: Any = None, *, key: Any = None, **more: Any) -> Any:
        if self.session.session_ends_at <= self.town.clock.now():
            assert self.card_code
            self.session = sign_in_with(self.town, self.card_code).session
        return super().ask(service, endpoint, body, key=key, **more)

    @property
    def wallet(self) -> ledger.Wallet:
        return self.ask("ledger", ledger.GET_WALLET, person_id=self.person_id)

    @property
    def coins(self) -> int:
        """What can be spent, in cents."""
        return self.wallet.balance_cents

    @property
    def awards(self) -> tuple[awards.Award, ...]:
        """Newest first."""
        return self.ask("awards", awards.GET_MY_AWARDS, query=Page()).awards

    def buys(self, till: ATill, cents: int) -> redemption.Sale:
        sale = till.sell(self.ask("redemption", redemption.POST_PAYMENT_CODE).code, cents)
        self.town.settle()
        return sale


class Cast:
    """The people of a story. Each is invited and signs in when first named."""

    def __init__(self, town: Town) -> None:
        self.town, self.organisation_id = town, a_known_organisation(town, "Mani in Comune")

    @cached_property
    def programme_id(self) -> UUID:
        body = shifts.OpenProgramme(name="Bella Valdarco", opens_on=date(2026, 1, 1))
        opened = the_admin(self.town).ask("shifts", shifts.POST_PROGRAMME, body)
        self.town.settle()
        return opened.programme_id

    @cached_property
    def nadia(self) -> SignedIn:
        """The coordinator."""
        return staff(self.town, "coordinator", self.organisation_id)

    @cached_property
    def giulio(self) -> SignedIn:
        """Finance: prepares."""
        return staff(self.town, "finance")

    @cached_property
    def lucia(self) -> SignedIn:
        """Finance: approves."""
        return staff(self.town, "finance")

    @cached_property
    def franca(self) -> SignedIn:
        """Finance: releases."""
        return staff(self.town, "finance")

    @cached_property
    def paolo(self) -> SignedIn:
        """The auditor."""
        return staff(self.town, "auditor")

    def volunteer(self, nickname: str) -> Volunteer:
        joined = a_joined_volunteer(self.town, self.organisation_id, nickname=nickname)
        self.town.settle()
        return Volunteer(self.town, joined.session, card_code=joined.card_code or "")

    def balance(self, code: str) -> int:
        """What stands on an account of the ledger, in cents, as the auditor reads it."""
        query = ledger.AccountQuery(code=code)
        return self.paolo.ask("ledger", ledger.GET_ACCOUNT, query=query).balance_cents

    def fund(self, fund_id: UUID) -> FundFigures:
        return self.paolo.ask("ledger", GET_FUND, fund_id=fund_id)


@dataclass(frozen=True)
class Shop:
    shop_id: UUID
    owner: SignedIn
    till: ATill

    def another_till(self, name: str = "back") -> ATill:
        return _pair(self.owner, self.shop_id, name)

    def statement(self, period: str) -> reimbursement.FullStatement:
        query = reimbursement.StatementQuery(period=period)
        [one] = self.owner.ask(MONEY, reimbursement.GET_STATEMENTS, query=query).statements
        return self.owner.ask(MONEY, reimbursement.GET_STATEMENT, statement_id=one.statement_id)

    def claims(self, period: str) -> reimbursement.Claim:
        """The owner confirms the month's statement."""
        id_ = self.statement(period).statement.statement_id
        return self.owner.ask(MONEY, reimbursement.POST_CONFIRM, statement_id=id_)

    def proposes_account(self, iban: str) -> reimbursement_payment.Account:
        body = reimbursement_payment.ProposeAccount(iban=iban, holder="Panificio Sole")
        return self.owner.ask(MONEY, reimbursement_payment.POST_ACCOUNT, body, shop_id=self.shop_id)

    def owed(self) -> reimbursement.Owed:
        return self.owner.ask(MONEY, reimbursement.GET_OWED, shop_id=self.shop_id)


def it_becomes(town: Town, instant: datetime) -> None:
    """Time passes; what is due by the clock is done, and everybody hears of it."""
    town.clock.move_to(instant)  # type: ignore[attr-defined]
    town.tick()
    town.settle()


def morning_of(month: int, day: int, year: int = 2026) -> datetime:
    """Ten o'clock in summer, nine in winter, in Valdarco."""
    return datetime(year, month, day, 8, tzinfo=UTC)


def a_fund(cast: Cast, kind: funding.FundKind = "city", **terms: Any) -> UUID:
    """An open fund without money that everybody has heard of."""
    body = funding.OpenFund(**{"kind": kind, "name": f"{kind} fund", **terms})
    opened = the_admin(cast.town).ask("funding", funding.POST_FUND, body)
    cast.town.settle()
    return opened.fund_id


def money_is_prepared(cast: Cast, fund_id: UUID, cents: int) -> UUID:
    body = funding.PrepareSetAside(amount_cents=cents, act="Determina n. 1/2026")
    return cast.giulio.ask("funding", funding.POST_SET_ASIDE, body, fund_id=fund_id).set_aside_id


def money_is_set_aside(cast: Cast, fund_id: UUID, cents: int) -> None:
    """Giulio prepares, Lucia approves."""
    id_ = money_is_prepared(cast, fund_id, cents)
    cast.lucia.ask("funding", funding.POST_SET_ASIDE_APPROVE, set_aside_id=id_)
    cast.town.settle()


def a_city_fund(cast: Cast, cents: int = 10_000, **terms: Any) -> UUID:
    fund_id = a_fund(cast, **terms)
    money_is_set_aside(cast, fund_id, cents)
    return fund_id


def a_shift(cast: Cast, *, starts_at: datetime | None = None, **activity: Any) -> shifts.Shift:
    """Two hours in the park, from this time tomorrow unless `starts_at` says when; `activity` overrides its fields."""
    body = shifts.AddActivity(
        **{
            "programme_id": cast.programme_id, "organisation_id": cast.organisation_id, "name": "Care of the park",
            "place": "Parco delle Querce", "kind": "green", "neighbourhood_id": "le-querce", "minutes": 120, "capacity": 8,
            **activity,
        }
    )  # fmt: skip
    added = cast.nadia.ask("shifts", shifts.POST_ACTIVITY, body)
    starts_at = starts_at or cast.town.clock.now() + timedelta(days=1)
    publish = shifts.PublishShift(activity_id=added.activity_id, starts_at=starts_at)
    shift = cast.nadia.ask("shifts", shifts.POST_SHIFT, publish)
    cast.town.settle()
    return shift


def sign_up(shift: shifts.Shift, *volunteers: SignedIn) -> None:
    for one in volunteers:
        one.ask("shifts", shifts.POST_SIGNUP, shifts.MakeSignUp(), shift_id=shift.shift_id)
    volunteers[0].town.settle()


def the_code(cast: Cast, shift: shifts.Shift) -> attendance.UseCode:
    """What Nadia's screen shows now."""
    return attendance.UseCode(code=cast.nadia.ask("attendance", attendance.GET_CODE, shift_id=shift.shift_id).path)


def come(cast: Cast, shift: shifts.Shift, *volunteers: SignedIn, minutes: int | None = None) -> None:
    """They sign up, check in when the shift starts, and out after so many minutes, or when it ends."""
    sign_up(shift, *volunteers)
    clock = cast.town.clock
    clock.move_to(shift.starts_at)  # type: ignore[attr-defined]
    for one in volunteers:
        one.ask("attendance", attendance.POST_CHECK_IN, the_code(cast, shift))
    clock.move_to(shift.ends_at if minutes is None else shift.starts_at + timedelta(minutes=minutes))  # type: ignore[attr-defined]
    for one in volunteers:
        one.ask("attendance", attendance.POST_CHECK_OUT, the_code(cast, shift))
    cast.town.settle()


def confirm_all(cast: Cast, shift: shifts.Shift, **exceptions: Any) -> attendance.ConfirmedAll:
    body = attendance.ConfirmAll(**exceptions)
    confirmed = cast.nadia.ask("attendance", attendance.POST_CONFIRM_ALL, body, shift_id=shift.shift_id)
    cast.town.settle()
    return confirmed


def take_part(cast: Cast, *volunteers: SignedIn, **shift: Any) -> shifts.Shift:
    """They come to a shift (as in `a_shift`), and Nadia confirms."""
    published = a_shift(cast, **shift)
    come(cast, published, *volunteers)
    confirm_all(cast, published)
    return published


def a_shop_joins(cast: Cast, name: str = "Panificio Sole", **terms: Any) -> Shop:
    """A shop of Le Querce with its agreement, its owner and a till; `terms` override the registration's fields."""
    body = redemption.RegisterShop(
        **{
            "name": name, "neighbourhood_ids": ("le-querce",), "signed_on": date(2026, 1, 7),
            "agreement_reference": "PG 2026/118", **terms,
        }
    )  # fmt: skip
    shop = the_admin(cast.town).ask("redemption", redemption.POST_SHOP, body)
    cast.town.settle()
    owner = staff(cast.town, "shop_owner", shop.shop_id)
    return Shop(shop.shop_id, owner, _pair(owner, shop.shop_id, "front"))


def _pair(owner: SignedIn, shop_id: UUID, name: str) -> ATill:
    pairing = owner.ask("redemption", redemption.POST_PAIRING_CODE, shop_id=shop_id)
    body = redemption.PairTill(pairing_code=pairing.pairing_code, name=name)
    return ATill(owner.town, owner.town.client("redemption").call(redemption.POST_TILL, body))


def statements_are_issued(cast: Cast, period: str) -> None:
    """Giulio issues them on the morning after the month."""
    first = datetime.strptime(period, "%Y-%m").replace(day=1, tzinfo=UTC)
    after = (first + timedelta(days=32)).replace(day=1)
    it_becomes(cast.town, morning_of(after.month, 1, after.year))
    cast.giulio.ask(MONEY, reimbursement.POST_STATEMENTS, period=period)
    cast.town.settle()


def an_approved_account(cast: Cast, shop: Shop) -> reimbursement_payment.Account:
    """The owner proposes, Lucia approves."""
    return approve_account(cast, shop.proposes_account(iban_for(shop.shop_id.int % 10**12)))


def approve_account(cast: Cast, account: reimbursement_payment.Account) -> reimbursement_payment.Account:
    return cast.lucia.ask(MONEY, reimbursement_payment.POST_ACCOUNT_APPROVE, account_id=account.account_id)


def an_approved_batch(cast: Cast) -> reimbursement_payment.FullBatch:
    """All that can be paid: Giulio prepares, Lucia approves."""
    batch = cast.giulio.ask(MONEY, reimbursement_payment.POST_BATCH, reimbursement_payment.PrepareBatch())
    cast.lucia.ask(MONEY, reimbursement_payment.POST_BATCH_APPROVE, batch_id=batch.batch_id)
    return batch


def release(cast: Cast, batch: reimbursement_payment.FullBatch) -> bytes:
    """Franca releases; answers the order for the bank."""
    cast.franca.ask(MONEY, reimbursement_payment.POST_BATCH_RELEASE, batch_id=batch.batch_id)
    cast.town.settle()
    query = reimbursement_payment.FileQuery()
    return cast.franca.ask(MONEY, reimbursement_payment.GET_PAIN001, query=query, batch_id=batch.batch_id)


def a_bank(town: Town) -> StandinBank:
    return StandinBank(town.city.account.iban, 1_000_000)


def the_bank_closes_its_day(
    cast: Cast, bank: StandinBank, outcome: Callable[[str], str] = lambda reference: "paid"
) -> reimbursement_payment.BankStatement:
    """Giulio reads in the bank's statement of today. `outcome`: what becomes of the payment with an end-to-end id."""
    return upload(cast, bank.close_day(cast.town.city.day_of(cast.town.clock.now()), outcome))


def upload(cast: Cast, file: bytes) -> reimbursement_payment.BankStatement:
    read = cast.giulio.ask(MONEY, reimbursement_payment.POST_BANK_STATEMENT, content=file)
    cast.town.settle()
    return read


def payments_of(cast: Cast, batch: reimbursement_payment.FullBatch) -> tuple[reimbursement_payment.Payment, ...]:
    return cast.franca.ask(MONEY, reimbursement_payment.GET_BATCH, batch_id=batch.batch_id).payments
