"""Small makers around the ledger: money in a fund, coins in a wallet, a sale – each by the event or request that does it in town."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from msgspec import convert
from sqlalchemy import Connection, select

from infra.wiring import Town
from ledger.models import Account
from services.apis import ledger as api
from services.apis import ledger_fund as fund_api
from services.apis.errors import Refused
from services.events import Envelope, contract_of, decode, encode
from services.events.awards import CoinsAwarded, FundSource, Plan
from services.events.funding import TopUpSettled
from services.events.ledger import Part
from services.events.reimbursement import PaymentReleased, PaymentReturned, PaymentSettled
from services.kit.bus import Message
from services.kit.db import OUTBOX
from services.kit.http import Client
from services.kit.ids import new_id
from tests.builders import As, tell

E = TypeVar("E")
OCTOBER = date(2026, 10, 31)
BOOKED = date(2026, 5, 4)


def an_auditor(town: Town) -> As:
    return As(town, ("auditor", None))


def a_finance_officer(town: Town) -> As:
    return As(town, ("finance", None))


def a_fund(town: Town, cents: int = 0) -> UUID:
    """A fund's id; with cents, topped up by bank transfer."""
    fund_id = new_id()
    if cents:
        top_up(town, fund_id, cents)
    return fund_id


def top_up(town: Town, fund_id: UUID, cents: int, *, fee_cents: int = 0, channel: Any = "bank") -> UUID:
    """Money settles; answers the top-up's id."""
    topup = TopUpSettled(topup_id=new_id(), fund_id=fund_id, amount_cents=cents, fee_cents=fee_cents, channel=channel)
    tell(town, topup)
    return topup.topup_id


def in_order(*fund_ids: UUID) -> Plan:
    return Plan(sources=tuple(FundSource(fund_id=fund_id) for fund_id in fund_ids))


def in_shares(shares: dict[UUID, int]) -> Plan:
    """A plan by permille."""
    return Plan(sources=tuple(FundSource(fund_id=f, share_permille=permille) for f, permille in shares.items()))


def an_award(cents: int, *plans: Plan, person_id: UUID | None = None, **more: Any) -> CoinsAwarded:
    """The event awards publishes; not told to anybody yet."""
    fields = {
        "award_id": new_id(), "person_id": person_id or new_id(), "attendance_id": new_id(), "programme_id": new_id(),
        "neighbourhood_id": "le-querce", "amount_cents": cents, "plans": plans, "expires_on": OCTOBER, "rule_id": new_id(),
        "earned_at": "2026-05-04T08:00:00Z", **more,
    }  # fmt: skip
    return convert(fields, CoinsAwarded)


def give_coins(town: Town, person_id: UUID, cents: int, *fund_ids: UUID, expires_on: date = OCTOBER) -> UUID:
    """Coins reach the wallet (from a fund made for it, when none is given); answers the award's id."""
    plan = in_order(*(fund_ids or (a_fund(town, cents),)))
    award = an_award(cents, plan, person_id=person_id, expires_on=expires_on)
    tell(town, award)
    return award.award_id


def envelope_of(town: Town, event: Any) -> Envelope[Any]:
    contract = contract_of(type(event))
    return Envelope(
        id=new_id(), type=contract.type, occurred_at=town.clock.now(), key=str(getattr(event, contract.key)),
        correlation_id=new_id(), data=event,
    )  # fmt: skip


def tell_together(town: Town, events: Sequence[Any]) -> None:
    """Put events on the bus at once, so that they are handled as a batch."""
    envelopes = [envelope_of(town, event) for event in events]
    town.bus.publish([Message(topic=contract_of(type(e.data)).topic, key=e.key, value=encode(e)) for e in envelopes])
    town.settle()


def wallet(town: Town, person_id: UUID) -> api.Wallet:
    return As(town, ("volunteer", None), person_id=person_id).ask("ledger", api.GET_WALLET, person_id=person_id)


def sell(town: Town, person_id: UUID, cents: int, **more: Any) -> api.SalePosted:
    """A sale as redemption asks for it; `more` overrides the request's fields. Raises Refused with the code of a refusal."""
    return post_sale(town.client("ledger", speaking_as="redemption"), a_sale(person_id, cents, **more))


def a_sale(person_id: UUID, cents: int, **more: Any) -> api.PostSale:
    fields = {
        "sale_id": new_id(), "person_id": person_id, "shop_id": new_id(), "till_id": new_id(), "payment_code_id": new_id(),
        "neighbourhood_id": "le-querce", "amount_cents": cents, "correlation_id": new_id(), **more,
    }  # fmt: skip
    return api.PostSale(**fields)


def post_sale(ledger: Client, sale: api.PostSale) -> api.SalePosted:
    """Ask for one sale alone. Raises Refused with the code of a refusal."""
    [answer] = ledger.call(api.POST_SALES, api.PostSales(sales=(sale,))).answers
    if isinstance(answer, api.SaleRefused):
        raise Refused(answer.code, "The ledger refused.", {"payable_cents": answer.payable_cents})
    return answer


def void(town: Town, sale_id: UUID) -> api.VoidPosted:
    client = town.client("ledger", speaking_as="redemption")
    return client.call(api.POST_VOID, api.PostVoid(sale_id=sale_id), key=new_id())


def balance(town: Town, code: str, **more: Any) -> int:
    query = api.AccountQuery(code=code, **more)
    return an_auditor(town).ask("ledger", api.GET_ACCOUNT, query=query).balance_cents


def lot_code(town: Town, person_id: UUID, fund_id: UUID) -> str:
    """The account of a person's one lot of a fund: its code alone says nothing of whose it is."""
    lots = select(Account.code).where(Account.person == person_id, Account.fund == fund_id)
    with town.rooms["ledger"].engine.connect() as conn:
        return conn.execute(lots).scalar_one()


def figures(town: Town, fund_id: UUID) -> fund_api.FundFigures:
    return an_auditor(town).ask("ledger", fund_api.GET_FUND, fund_id=fund_id)


def said(town: Town, struct: type[E]) -> list[E]:
    """What the ledger has published of this kind, in order."""
    wanted = select(OUTBOX.c.value).where(OUTBOX.c.type == contract_of(struct).type).order_by(OUTBOX.c.seq)  # type: ignore[arg-type]
    with town.rooms["ledger"].engine.connect() as conn:
        return [decode(bytes(value)).data for value in conn.scalars(wanted)]


@contextmanager
def the_owner(town: Town, *, unhindered: bool = False) -> Iterator[Connection]:
    """The ledger's database as its owner, who is bound by triggers alone; `unhindered`: not even by them."""
    with town.rooms["ledger"].engine.begin() as conn:
        conn.exec_driver_sql("SET LOCAL ROLE NONE")
        if unhindered:
            conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield conn


def released(shop_id: UUID, *parts: Part) -> PaymentReleased:
    """The order of a payment of these parts, as reimbursement tells it; not told to anybody yet."""
    amount = sum(part.amount_cents for part in parts)
    return PaymentReleased(
        payment_id=new_id(), batch_id=new_id(), claim_id=new_id(), shop_id=shop_id, amount_cents=amount, parts=parts
    )


def settled(payment: PaymentReleased) -> PaymentSettled:
    return PaymentSettled(**_same(payment), booked_on=BOOKED)


def returned(payment: PaymentReleased, *, was_settled: bool) -> PaymentReturned:
    return PaymentReturned(**_same(payment), reason="AC04", was_settled=was_settled, booked_on=BOOKED)


def _same(payment: PaymentReleased) -> dict[str, Any]:
    return {field: getattr(payment, field) for field in payment.__struct_fields__}
