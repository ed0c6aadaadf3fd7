"""The scheme, in the ledger's terms: which accounts there are, and what each event and command asks of them. Pure.

| account | what stands there | below zero? |
|---|---|---|
| `fund/{F}` | money that can still back new coins | never |
| `coins/{person}/{F}/{YYYY-MM}` | a lot: coins in a wallet, good until the end of that month | never |
| `shop/{shop}/{F}` | what a shop is owed | never |
| `paying/{batch}/{F}` | what has been ordered from the bank and not yet left | never |
| `bank/{F}`, `stripe/{F}` | the fund's money at the bank, at Stripe: below zero by what is there | yes |
| `fees/{F}` | passed through: what the processor kept of top-ups (its credits are the total) | never |
| `receivable/{F}` | below zero by what a sponsor took back after coins had been issued on it | yes |

Every account belongs to one fund, and a fund's accounts sum to zero. A fund that carries a receivable has nothing free: whatever
comes to it – a top-up, expired or withdrawn coins – fills the receivable first, because every coin needs money that is really there.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from msgspec import Struct

from ledger.domain import split
from ledger.domain_values import Because, Leg, Move, Plan, Request, Reversal, Sweep, Transfer
from services.apis.ledger import PostCorrection, PostSale
from services.events import Envelope
from services.events import awards as awarded
from services.events.awards import CoinsAwarded
from services.events.funding import TopUpReversed, TopUpSettled
from services.events.ledger import Lot, Part
from services.events.reimbursement import PaymentReleased, PaymentReturned, PaymentSettled

FLOORED = frozenset({"fund", "coins", "shop", "paying", "fees"})
CORRECTABLE = ("topup", "topup_reversal")
"""What finance may correct by hand. All else has an undo of its own that tells the others: a void, a withdrawal, a return."""


class Terms(Struct, frozen=True):
    """What an account's code says of it. `expires_on`: of a lot, its last day."""

    fund_id: UUID
    floored: bool
    expires_on: date | None


def terms_of(code: str) -> Terms:
    words = code.split("/")
    if words[0] != "coins":
        return Terms(UUID(words[-1]), words[0] in FLOORED, None)
    return Terms(UUID(words[2]), True, month_end(date.fromisoformat(f"{words[3]}-01")))


def fund(fund_id: UUID) -> str:
    return f"fund/{fund_id}"


def receivable(fund_id: UUID) -> str:
    return f"receivable/{fund_id}"


def coins(person_id: UUID, fund_id: UUID, last_day: date) -> str:
    return f"coins/{person_id}/{fund_id}/{last_day:%Y-%m}"


def shop(shop_id: UUID, fund_id: UUID) -> str:
    return f"shop/{shop_id}/{fund_id}"


def paying(batch_id: UUID, fund_id: UUID) -> str:
    return f"paying/{batch_id}/{fund_id}"


def wallet_range(person_id: UUID) -> tuple[str, str]:
    """The codes of a person's lots lie from the first to before the second ("0" follows "/")."""
    return f"coins/{person_id}/", f"coins/{person_id}0"


def class_of(code: str) -> str:
    return code.partition("/")[0]


def owner_of(code: str) -> UUID:
    """The person of a lot, the shop of what it is owed, the batch of what is being paid, else the fund."""
    return UUID(code.split("/")[1])


def month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def derived(id_: UUID, word: str) -> UUID:
    """The id of a request that follows from another id: the same every time it is asked."""
    return uuid5(id_, word)


def fingerprint(*parts: Any) -> bytes:
    """What makes a request the same request when its id comes again."""
    return sha256("|".join(map(str, parts)).encode()).digest()


def heard(envelope: Envelope[Any]) -> Because:
    return Because(envelope.id, envelope.occurred_at)


def last_day(award: CoinsAwarded, *, waited: bool, today: date, lifetime_months: int) -> date:
    """The last day to spend an award's coins. If they waited for money, or the news comes after that day, it is as if they were earned
    today: waiting costs nobody anything."""
    if not waited and award.expires_on >= today:
        return award.expires_on
    months = today.year * 12 + today.month - 1 + lifetime_months
    return max(award.expires_on, month_end(date(months // 12, months % 12 + 1, 1)))


def award_payload(award: CoinsAwarded) -> bytes:
    return fingerprint(award.person_id, award.amount_cents, award.expires_on, award.revision)


def award(data: CoinsAwarded, plans: Iterable[awarded.Plan], until: date, because: Because, kept_cents: int) -> Move:
    """Coins for an award, by its first plan that covers it whole; else it waits. Raises ValueError for shares that do not sum to 1000.

    `kept_cents`: what withdrawn awards of the same attendance gave and did not give back. Only what the award is more than that is given.
    """
    amount = max(0, data.amount_cents - kept_cents)
    return Move(
        request_id=data.award_id, kind="award", payload=award_payload(data), because=because, amount_cents=amount,
        plans=tuple(_legs(plan, data.person_id, amount, until) for plan in plans if amount), or_wait=True,
        facts={"kept_cents": kept_cents} if kept_cents else None,
    )  # fmt: skip


def _legs(plan: awarded.Plan, person_id: UUID, amount_cents: int, until: date) -> Plan:
    permilles = [source.share_permille for source in plan.sources]
    shares: Sequence[int | None] = [None] * len(permilles)
    if any(p is not None for p in permilles):
        shares = split(amount_cents, [p or 0 for p in permilles])
    return tuple(
        Leg(fund(source.fund_id), coins(person_id, source.fund_id, until), share)
        for source, share in zip(plan.sources, shares, strict=True)
    )


def funds_of(plans: Iterable[awarded.Plan]) -> list[UUID]:
    return sorted({source.fund_id for plan in plans for source in plan.sources})


def withdrawal(award_id: UUID, issued: Iterable[Transfer], because: Because) -> Reversal:
    """Take back what is still in the lots of an award. What was spent stays with the person."""
    return Reversal(
        request_id=derived(award_id, "withdrawal"), kind="withdrawal", payload=fingerprint(award_id), because=because,
        of=tuple((t, t.amount_cents) for t in issued), at_most=True,
    )  # fmt: skip


def topup_settled(envelope: Envelope[TopUpSettled]) -> list[Request]:
    """Money in: the gross arrives, the fund gets the net, the fee passes through `fees` to the processor.

    Raises ValueError for a fee larger than the amount.
    """
    data = envelope.data
    source, fees = f"{data.channel}/{data.fund_id}", f"fees/{data.fund_id}"
    if not 0 <= data.fee_cents <= data.amount_cents:
        raise ValueError(f"top-up {data.topup_id}: fee {data.fee_cents} of {data.amount_cents}")
    payload = fingerprint(data.fund_id, data.amount_cents, data.fee_cents, data.channel)
    net = data.amount_cents - data.fee_cents
    settled = Move(
        request_id=data.topup_id, kind="topup", payload=payload, because=heard(envelope), amount_cents=data.amount_cents,
        plans=((Leg(source, fund(data.fund_id), net), Leg(source, fees, data.fee_cents)),),
    )  # fmt: skip
    if not data.fee_cents:
        return [settled]
    fee = Move(
        request_id=derived(data.topup_id, "fee"), kind="fee", payload=payload, because=heard(envelope),
        amount_cents=data.fee_cents, plans=((Leg(fees, source),),),
    )  # fmt: skip
    return [settled, fee]


def topup_reversed(envelope: Envelope[TopUpReversed]) -> Move:
    """Money taken back: the fund gives what is free, the rest it carries as a receivable. Coins are never cancelled."""
    data = envelope.data
    taken_from = f"{data.channel}/{data.fund_id}"
    return Move(
        request_id=data.reversal_id, kind="topup_reversal", because=heard(envelope), even_closed=True,
        payload=fingerprint(data.topup_id, data.fund_id, data.amount_cents, data.channel), amount_cents=data.amount_cents,
        plans=((Leg(fund(data.fund_id), taken_from), Leg(receivable(data.fund_id), taken_from)),),
    )  # fmt: skip


def fill_receivable(fund_id: UUID, request_id: UUID, because: Because) -> Sweep:
    return Sweep(
        request_id=request_id, kind="receivable_filled", payload=fingerprint(fund_id), because=because,
        debit=fund(fund_id), credit=receivable(fund_id), to_zero=True,
    )  # fmt: skip


def expiry(lot: str, request_id: UUID, because: Because) -> Sweep:
    """Coins whose last day has passed go back to the fund they came from."""
    return Sweep(
        request_id=request_id, kind="expiry", payload=fingerprint(lot), because=because,
        debit=lot, credit=fund(terms_of(lot).fund_id),
    )  # fmt: skip


def sale(body: PostSale, lots: Iterable[Lot], because: Because) -> Move:
    """Coins to what the shop is owed, from the lots in the order given; each keeps its fund."""
    legs = tuple(Leg(coins(body.person_id, x.fund_id, x.expires_on), shop(body.shop_id, x.fund_id)) for x in lots)
    return Move(
        request_id=body.sale_id, kind="sale", because=because, amount_cents=body.amount_cents, plans=(legs,),
        payload=fingerprint(body.person_id, body.shop_id, body.till_id, body.amount_cents, body.fund_ids),
    )  # fmt: skip


def void(sale_id: UUID, sold: Iterable[Transfer], because: Because) -> Reversal:
    return Reversal(
        request_id=derived(sale_id, "void"), kind="void", payload=fingerprint(sale_id), because=because,
        of=tuple((t, t.amount_cents) for t in sold),
    )  # fmt: skip


def payment_released(envelope: Envelope[PaymentReleased]) -> Move:
    data = envelope.data
    return _payment(envelope, "payment_released", lambda f: (shop(data.shop_id, f), paying(data.batch_id, f)))


def payment_settled(envelope: Envelope[PaymentSettled]) -> Move:
    batch_id = envelope.data.batch_id
    return _payment(envelope, "payment_settled", lambda f: (paying(batch_id, f), f"bank/{f}"))


def _payment(
    envelope: Envelope[PaymentReleased] | Envelope[PaymentSettled], kind: str, way: Callable[[UUID], tuple[str, str]]
) -> Move:
    data = envelope.data
    return Move(
        request_id=derived(data.payment_id, kind), kind=kind, because=heard(envelope), amount_cents=data.amount_cents,
        payload=fingerprint(data.shop_id, data.batch_id, data.amount_cents, data.parts),
        plans=(tuple(Leg(*way(part.fund_id), part.amount_cents) for part in data.parts),),
    )  # fmt: skip


def payment_journals(payment_id: UUID) -> list[UUID]:
    """The journals of a payment's release and settlement."""
    return [derived(payment_id, "payment_released"), derived(payment_id, "payment_settled")]


def payment_returned(envelope: Envelope[PaymentReturned], booked: Iterable[Transfer]) -> Reversal:
    """Back to what the shop is owed: the bank's leg first where it had been booked, then the release. Never more than was paid.

    `booked`: the transfers of `payment_journals`. Raises ValueError for a part that was never paid.
    """
    data = envelope.data
    kinds = ("payment_settled", "payment_released") if data.was_settled else ("payment_released",)
    by = {(t.kind, t.fund_id): t for t in booked}
    wanted = [(kind, part.fund_id, part.amount_cents) for kind in kinds for part in data.parts]
    missing = [(kind, str(fund_id)) for kind, fund_id, _ in wanted if (kind, fund_id) not in by]
    if missing:
        raise ValueError(f"payment {data.payment_id} was never booked as {missing}")
    return Reversal(
        request_id=derived(data.payment_id, "payment_returned"), kind="payment_returned", because=heard(envelope),
        payload=fingerprint(data.amount_cents, data.parts, data.was_settled),
        of=tuple((by[kind, fund_id], amount) for kind, fund_id, amount in wanted),
    )  # fmt: skip


def correction(body: PostCorrection, wrong: Transfer, request_id: UUID, by: UUID, because: Because) -> Reversal:
    amount = wrong.amount_cents if body.amount_cents is None else body.amount_cents
    return Reversal(
        request_id=request_id, kind="correction", payload=fingerprint(wrong.transfer_id, amount), because=because,
        facts={"reason": body.reason, "by": str(by)}, of=((wrong, amount),),
    )  # fmt: skip


def parts_of(transfers: Iterable[Transfer]) -> tuple[Part, ...]:
    """What each fund stands behind, in order of fund."""
    sums: dict[UUID, int] = {}
    for transfer in transfers:
        sums[transfer.fund_id] = sums.get(transfer.fund_id, 0) + transfer.amount_cents
    return tuple(Part(fund_id=fund_id, amount_cents=sums[fund_id]) for fund_id in sorted(sums))


def lot_of(code: str, amount_cents: int) -> Lot:
    words = code.split("/")
    last = month_end(date.fromisoformat(f"{words[3]}-01"))
    return Lot(fund_id=UUID(words[2]), amount_cents=amount_cents, expires_on=last)
