"""Small makers for the month's end: sales of a shop, statements, claims, three hands, a bank that answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from infra.standins.bank import Booking, Order, StandinBank, write_statement
from infra.wiring import Town
from services.apis import reimbursement as api
from services.apis import reimbursement_payment as payment_api
from services.apis.endpoint import Page
from services.events import decode
from tests.builders import As
from tests.builders_redemption import ATill, a_customer, a_paired_till, a_payment_code, a_shop

MAY = "2026-05"
DAY = date(2026, 6, 2)
OWN = "reimbursement"


def a_finance_officer(town: Town) -> As:
    return As(town, ("finance", None))


def three_hands(town: Town) -> tuple[As, As, As]:
    """Three finance officers: who prepares, who approves, who releases."""
    return a_finance_officer(town), a_finance_officer(town), a_finance_officer(town)


def the_owner(town: Town, shop_id: UUID) -> As:
    return As(town, ("shop_owner", shop_id))


def a_till_with_sales(town: Town, *cents: int, till: ATill | None = None) -> ATill:
    """A till (of a new shop, unless given) with one sale of each amount, heard everywhere."""
    till = till or a_paired_till(town, a_shop(town))
    for amount in cents:
        till.sell(a_payment_code(town, a_customer(town, amount)), amount)
    town.settle()
    return till


def go_to(town: Town, period: str) -> None:
    """The morning after a month."""
    first = datetime.strptime(period, "%Y-%m").replace(day=1, hour=8, tzinfo=UTC)
    town.clock.move_to((first + timedelta(days=32)).replace(day=1))  # type: ignore[attr-defined]


def issue_statements(town: Town, period: str = MAY) -> api.Period:
    """The statements of a month, the morning after it."""
    go_to(town, period)
    issued = a_finance_officer(town).ask(OWN, api.POST_STATEMENTS, period=period)
    town.settle()
    return issued


def the_statement(town: Town, shop_id: UUID, period: str | None = None) -> api.FullStatement:
    """The shop's one statement (of a period), as its owner sees it."""
    owner, query = the_owner(town, shop_id), api.StatementQuery(shop_id=shop_id, period=period)
    [statement] = owner.ask(OWN, api.GET_STATEMENTS, query=query).statements
    return owner.ask(OWN, api.GET_STATEMENT, statement_id=statement.statement_id)


def iban_for(number: int) -> str:
    """An invented Italian account number with valid check digits."""
    bban = f"X0542811101{number:012d}"
    digits = "".join(str(int(sign, 36)) for sign in f"{bban}IT00")
    return f"IT{98 - int(digits) % 97:02d}{bban}"


def an_approved_account(town: Town, shop_id: UUID, iban: str | None = None) -> payment_api.Account:
    """The account a shop is paid on, proposed by its owner and approved by somebody of finance."""
    body = payment_api.ProposeAccount(iban=iban or iban_for(shop_id.int % 10**12), holder="Panificio Sole")
    account = the_owner(town, shop_id).ask(OWN, payment_api.POST_ACCOUNT, body, shop_id=shop_id)
    return a_finance_officer(town).ask(OWN, payment_api.POST_ACCOUNT_APPROVE, account_id=account.account_id)


def confirm_everything(town: Town) -> list[api.Claim]:
    """Every open statement confirmed by its owner; shops without an account get one."""
    finance, claims = a_finance_officer(town), []
    query = api.StatementQuery(state="open", limit=200)
    for statement in finance.ask(OWN, api.GET_STATEMENTS, query=query).statements:
        known = payment_api.AccountQuery(shop_id=statement.shop_id)
        if not finance.ask(OWN, payment_api.GET_ACCOUNTS, query=known).accounts:
            an_approved_account(town, statement.shop_id)
        owner = the_owner(town, statement.shop_id)
        claims.append(owner.ask(OWN, api.POST_CONFIRM, statement_id=statement.statement_id))
    return claims


def a_claim(town: Town, *cents: int) -> api.Claim:
    """A claim of a new shop over sales of this month, ready to be paid; afterwards it is the next month."""
    till = a_till_with_sales(town, *(cents or (1200,)))
    issue_statements(town, f"{town.city.day_of(town.clock.now()):%Y-%m}")
    return next(claim for claim in confirm_everything(town) if claim.shop_id == till.shop_id)


def a_prepared_batch(town: Town, hand: As) -> payment_api.FullBatch:
    return hand.ask(OWN, payment_api.POST_BATCH, payment_api.PrepareBatch())


def a_released_batch(town: Town, hands: tuple[As, As, As] | None = None) -> payment_api.FullBatch:
    """All payable claims, through three hands."""
    prepares, approves, releases = hands or three_hands(town)
    batch = a_prepared_batch(town, prepares)
    approves.ask(OWN, payment_api.POST_BATCH_APPROVE, batch_id=batch.batch_id)
    releases.ask(OWN, payment_api.POST_BATCH_RELEASE, batch_id=batch.batch_id)
    town.settle()
    return the_batch(town, batch.batch_id)


def the_batch(town: Town, batch_id: UUID) -> payment_api.FullBatch:
    return a_finance_officer(town).ask(OWN, payment_api.GET_BATCH, batch_id=batch_id)


def the_order(town: Town, batch_id: UUID, version: payment_api.Version = "pain.001.001.09") -> bytes:
    """The file of a released batch, as the bank gets it."""
    query = payment_api.FileQuery(version=version)
    return a_finance_officer(town).ask(OWN, payment_api.GET_PAIN001, query=query, batch_id=batch_id)


def a_bank(town: Town) -> StandinBank:
    """The bank of the city's account, continuing after the statements read so far."""
    read = a_finance_officer(town).ask(OWN, payment_api.GET_BANK_STATEMENTS, query=Page(limit=200))
    return StandinBank(town.city.account.iban, 100_000_000, statements=len(read.bank_statements))


def upload(town: Town, file: bytes, hand: As | None = None) -> payment_api.BankStatement:
    answer = (hand or a_finance_officer(town)).ask(OWN, payment_api.POST_BANK_STATEMENT, content=file)
    town.settle()
    return answer


def the_bank_answers(
    town: Town, bank: StandinBank, batch_id: UUID, outcome: Callable[[str], str] = lambda reference: "paid"
) -> payment_api.BankStatement:
    """Hand a batch's file to the bank, and read its statement of the day. `outcome`: end-to-end id -> what becomes of it."""
    bank.submit(the_order(town, batch_id))
    return upload(town, bank.close_day(town.city.day_of(town.clock.now()), outcome))


def pay_everything(
    town: Town, outcome: Callable[[str], str] = lambda reference: "paid", bank: StandinBank | None = None
) -> payment_api.FullBatch:
    """Every open statement confirmed, prepared, approved, released, and answered by the bank; the batch as it then stands."""
    confirm_everything(town)
    batch = a_released_batch(town)
    the_bank_answers(town, bank or a_bank(town), batch.batch_id, outcome)
    return the_batch(town, batch.batch_id)


def told(town: Town, struct: type) -> list[Any]:
    """What reimbursement has published of one type, in order."""
    with town.rooms[OWN].engine.connect() as conn:
        values = conn.exec_driver_sql("SELECT value FROM outbox ORDER BY seq").scalars().all()
    return [event.data for event in map(decode, map(bytes, values)) if isinstance(event.data, struct)]


def a_booking(order: Order, *, credit: bool = False, reason: str | None = None) -> Booking:
    """An order as the bank books it: a debit, or a credit (with a `reason`: a return)."""
    return Booking(("ICDT", "ESCT"), credit, (order,), return_reason=reason)


def an_order(end_to_end_id: str, cents: int) -> Order:
    return Order(end_to_end_id, cents, "Panificio Sole", iban_for(1), "")


def a_file(town: Town, *bookings: Booking, number: int = 1) -> bytes:
    """A camt.053 of exactly these bookings, on 2 June."""
    return write_statement(town.city.account.iban, 100_000_000, bookings, DAY, number, "camt.053.001.08")


def the_lines(town: Town, statement: payment_api.BankStatement) -> tuple[payment_api.Entry, ...]:
    """A bank statement's lines, as finance sees them now."""
    asked = {"bank_statement_id": statement.bank_statement_id}
    return a_finance_officer(town).ask(OWN, payment_api.GET_BANK_STATEMENT, **asked).entries
