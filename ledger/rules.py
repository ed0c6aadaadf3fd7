"""The scheme, in the ledger's terms: which accounts there are, and what each event and command asks of them. Pure.

| account | what stands there | below zero? |
|---|---|---|
| `fund/{F}` | money that can still back new coins | never |
| `coins/{lot}/{F}/{YYYY-MM}` | coins in one wallet, good until the end of that month; whose, only `accounts.person` says | never |
| `shop/{shop}/{F}` | what a shop is owed | never |
| `paying/{batch}/{F}` | what has been ordered from the bank and not yet left | never |
| `bank/{F}`, `stripe/{F}` | the fund's money at the bank, at Stripe: below zero by what is there | yes |
| `fees/{F}` | passed through: what the processor kept of top-ups (its credits are the total) | never |
| `receivable/{F}` | below zero by what a sponsor took back after coins had been issued on it | yes |
| `overpaid/{shop}/{F}` | below zero by what a shop was paid for sales that had been undone | yes |

Every account belongs to one fund, and a fund's accounts sum to zero. A fund that carries a receivable has nothing free: whatever
comes to it – a top-up, expired or withdrawn coins – fills the receivable first, because every coin needs money that is really there.

A lot has a random id of its own, because transfers are kept for good and the person behind a sale is not (`handlers_period.cut_links`).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from msgspec import Struct, json

from ledger.domain import split
from ledger.domain_values import Because, EndHold, Hold, Leg, Move, Plan, Reversal, Sweep, Transfer
from services.apis.ledger import PostHold, PostHoldEnd, PostSale
from services.events import Envelope
from services.events import awards as awarded
from services.events import ledger as said
from services.events.awards import CoinsAwarded
from services.events.ledger import Part

FLOORED = frozenset({"fund", "coins", "shop", "paying", "fees"})


class Terms(Struct, frozen=True):
    """What an account's code says of it. `expires_on`: of a lot, its last day."""

    fund_id: UUID
    floored: bool
    expires_on: date | None


def terms_of(code: str) -> Terms:
    words = code.split("/")
    if words[0] != "coins":
        return Terms(_fund_id(words[-1]), words[0] in FLOORED, None)
    return Terms(_fund_id(words[2]), True, _last_of(words[3]))


# There are very many codes, of few funds and months.
_fund_id = lru_cache(maxsize=4096)(UUID)


@lru_cache(maxsize=4096)
def _last_of(month: str) -> date:
    return month_end(date.fromisoformat(f"{month}-01"))


@lru_cache(maxsize=4096)
def fund(fund_id: UUID) -> str:
    return f"fund/{fund_id}"


def receivable(fund_id: UUID) -> str:
    return f"receivable/{fund_id}"


class Lot(NamedTuple):
    """Which coins: whose, from which fund, good until which day. `coins` is the account they stand on."""

    person_id: UUID
    fund_id: UUID
    expires_on: date


def coins(lot_id: UUID, lot: Lot) -> str:
    return f"coins/{lot_id}/{lot.fund_id}/{lot.expires_on.year:04}-{lot.expires_on.month:02}"


def shop(shop_id: UUID, fund_id: UUID) -> str:
    return f"shop/{shop_id}/{fund_id}"


def overpaid(shop_id: UUID, fund_id: UUID) -> str:
    return f"overpaid/{shop_id}/{fund_id}"


def paying(batch_id: UUID, fund_id: UUID) -> str:
    return f"paying/{batch_id}/{fund_id}"


def class_of(code: str) -> str:
    return code.partition("/")[0]


def owner_of(code: str) -> UUID:
    """The shop of what it is owed, the batch of what is being paid, the lot's own id, else the fund."""
    return UUID(code.split("/")[1])


def month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def derived(id_: UUID, word: str) -> UUID:
    """The id of a request that follows from another id: the same every time it is asked."""
    return uuid5(id_, word)


def fingerprint(*parts: Any) -> bytes:
    """What makes a request the same request when its id comes again."""
    return sha256(_json(parts)).digest()


_json = json.Encoder(order="deterministic").encode


def heard(envelope: Envelope[Any]) -> Because:
    return Because(envelope.id, envelope.occurred_at)


def last_day(award: CoinsAwarded, *, waited: bool, today: date, lifetime_months: int) -> date:
    """The last day to spend an award's coins. If they waited for money, or the news comes after that day, it is as if they were earned
    today: waiting costs nobody anything."""
    if not waited and award.expires_on >= today:
        return award.expires_on
    return max(award.expires_on, _earned_on(today, lifetime_months))


@lru_cache(maxsize=16)
def _earned_on(day: date, lifetime_months: int) -> date:
    """The last day of coins earned on that day."""
    months = day.year * 12 + day.month - 1 + lifetime_months
    return month_end(date(months // 12, months % 12 + 1, 1))


def award_payload(award: CoinsAwarded) -> bytes:
    return fingerprint(award.person_id, award.amount_cents, award.expires_on, award.revision)


def lots_of_award(data: CoinsAwarded, plans: Iterable[awarded.Plan], until: date) -> list[Lot]:
    """The lots an award may need."""
    return [Lot(data.person_id, source.fund_id, until) for plan in plans for source in plan.sources]


def award(
    data: CoinsAwarded, plans: Sequence[awarded.Plan], because: Because, kept_cents: int, codes: Iterable[str]
) -> Move:
    """Coins for an award, by its first plan that covers it whole; else it waits. Raises ValueError for shares that do not sum to 1000.

    `kept_cents`: what withdrawn awards of the same attendance gave and did not give back. Only what the award is more than that is given.
    `codes`: the accounts of `lots_of_award`, in the same order.
    """
    amount = max(0, data.amount_cents - kept_cents)
    code = iter(codes)

    def legs(plan: awarded.Plan) -> Plan:
        shares: Sequence[int | None] = [source.share_permille for source in plan.sources]
        if shares != [None] * len(shares):
            shares = split(amount, [permille or 0 for permille in shares])
        return tuple(
            [Leg(fund(source.fund_id), next(code), cents) for source, cents in zip(plan.sources, shares, strict=True)]
        )

    return Move(
        request_id=data.award_id, kind="award", payload=award_payload(data), because=because, amount_cents=amount,
        plans=tuple([legs(plan) for plan in plans]) if amount else (), or_wait=True,
        facts={"kept_cents": kept_cents} if kept_cents else None,
    )  # fmt: skip


def funds_of(plans: Iterable[awarded.Plan]) -> list[UUID]:
    return sorted({source.fund_id for plan in plans for source in plan.sources})


def withdrawal(award_id: UUID, issued: Iterable[Transfer], because: Because) -> Reversal:
    """Take back what is still in the lots of an award. What was spent stays with the person."""
    return Reversal(
        request_id=derived(award_id, "withdrawal"), kind="withdrawal", payload=fingerprint(award_id), because=because,
        of=tuple((t, t.amount_cents) for t in issued), at_most=True,
    )  # fmt: skip


def expiry(lot: str, request_id: UUID, because: Because) -> Sweep:
    """Coins whose last day has passed go back to the fund they came from."""
    return Sweep(
        request_id=request_id, kind="expiry", payload=fingerprint(lot), because=because,
        debit=lot, credit=fund(terms_of(lot).fund_id),
    )  # fmt: skip


def sale(body: PostSale, lots: Iterable[str], because: Because) -> Move:
    """Coins to what the shop is owed, from the lots (by their accounts) in the order given; each keeps its fund."""
    return Move(
        request_id=body.sale_id, kind="sale", because=because, amount_cents=body.amount_cents, plans=(_to_shop(lots, body.shop_id),),
        payload=fingerprint(body.person_id, body.shop_id, body.till_id, body.amount_cents, body.fund_ids),
    )  # fmt: skip


def _to_shop(lots: Iterable[str], shop_id: UUID) -> Plan:
    return tuple([Leg(code, shop(shop_id, terms_of(code).fund_id)) for code in lots])


def hold(body: PostHold, lots: Iterable[str], because: Because) -> Hold:
    """Coins set aside for a shop."""
    return Hold(
        request_id=body.hold_id, kind="hold", because=because, amount_cents=body.amount_cents, seconds=body.seconds,
        plans=(_to_shop(lots, body.shop_id),),
        payload=fingerprint(body.person_id, body.shop_id, body.amount_cents, body.seconds, body.fund_ids),
    )  # fmt: skip


def hold_end(body: PostHoldEnd, because: Because) -> EndHold:
    how = "void" if body.amount_cents == 0 else "post"
    return EndHold(
        request_id=derived(body.hold_id, "end"), kind=f"hold_{how}", because=because, hold_id=body.hold_id, how=how,  # type: ignore[arg-type]
        amount_cents=body.amount_cents, payload=fingerprint(body.hold_id, body.amount_cents),
    )  # fmt: skip


def hold_expiry(hold_id: UUID, because: Because) -> EndHold:
    return EndHold(
        request_id=derived(hold_id, "expiry"), kind="hold_expire", because=because, hold_id=hold_id, how="expire",
        payload=fingerprint(hold_id),
    )  # fmt: skip


def void(sale_id: UUID, sold: Iterable[Transfer], because: Because) -> Reversal:
    return Reversal(
        request_id=derived(sale_id, "void"), kind="void", payload=fingerprint(sale_id), because=because,
        of=tuple((t, t.amount_cents) for t in sold),
    )  # fmt: skip


def parts_of(transfers: Iterable[Transfer]) -> tuple[Part, ...]:
    """What each fund stands behind, in order of fund."""
    sums: dict[UUID, int] = {}
    for transfer in transfers:
        sums[transfer.fund_id] = sums.get(transfer.fund_id, 0) + transfer.amount_cents
    return tuple(Part(fund_id=fund_id, amount_cents=sums[fund_id]) for fund_id in sorted(sums))


def lot_of(code: str, amount_cents: int) -> said.Lot:
    """The coins of a lot's account, as events and answers tell them."""
    terms = terms_of(code)
    return said.Lot(fund_id=terms.fund_id, amount_cents=amount_cents, expires_on=terms.expires_on)  # type: ignore[arg-type]
