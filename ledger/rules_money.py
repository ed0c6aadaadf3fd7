"""The scheme, in the ledger's terms, where money comes to a fund or leaves it: top-ups, payments to shops, corrections. Pure.

`rules.py` says which accounts there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from ledger.domain_values import Because, Leg, Move, Request, Reversal, Sweep, Transfer
from ledger.rules import derived, fingerprint, fund, heard, overpaid, paying, receivable, shop
from services.apis.ledger import PostCorrection
from services.events import Envelope
from services.events.funding import FundClosed, TopUpReversed, TopUpSettled
from services.events.reimbursement import PaymentReleased, PaymentReturned, PaymentSettled

CORRECTABLE = ("topup", "topup_reversal")
"""What finance may correct by hand. All else has an undo of its own that tells the others: a void, a withdrawal, a return."""


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


def fund_closed(envelope: Envelope[FundClosed]) -> Move:
    """Moves nothing, but is remembered: why the fund's account is closed."""
    fund_id = envelope.data.fund_id
    return Move(
        request_id=derived(fund_id, "closed"), kind="fund_closed", payload=fingerprint(fund_id), because=heard(envelope),
        amount_cents=0, plans=(),
    )  # fmt: skip


def fill_receivable(fund_id: UUID, request_id: UUID, because: Because) -> Sweep:
    return Sweep(
        request_id=request_id, kind="receivable_filled", payload=fingerprint(fund_id), because=because,
        debit=fund(fund_id), credit=receivable(fund_id), to_zero=True,
    )  # fmt: skip


def free_receivable(fund_id: UUID, request_id: UUID, because: Because) -> Sweep:
    """What filled a receivable that should never have been booked is the fund's again."""
    return Sweep(
        request_id=request_id, kind="receivable_freed", payload=fingerprint(fund_id), because=because,
        debit=receivable(fund_id), credit=fund(fund_id),
    )  # fmt: skip


def payment_released(envelope: Envelope[PaymentReleased], lacking: Mapping[UUID, int] | None = None) -> Move:
    """`lacking`: of each fund, what the shop is not owed any more because sales were undone before this was heard. It owes that."""
    data = envelope.data
    legs = []
    for part in data.parts:
        to, short = paying(data.batch_id, part.fund_id), (lacking or {}).get(part.fund_id, 0)
        if part.amount_cents > short:
            legs.append(Leg(shop(data.shop_id, part.fund_id), to, part.amount_cents - short))
        if short:
            legs.append(Leg(overpaid(data.shop_id, part.fund_id), to, short))
    return _payment(envelope, "payment_released", legs)


def fill_overpaid(shop_id: UUID, fund_id: UUID, request_id: UUID, because: Because) -> Sweep:
    """What a shop is owed by now makes good what it was paid too much."""
    return Sweep(
        request_id=request_id, kind="overpaid_filled", payload=fingerprint(shop_id, fund_id), because=because,
        debit=shop(shop_id, fund_id), credit=overpaid(shop_id, fund_id), to_zero=True,
    )  # fmt: skip


def free_overpaid(shop_id: UUID, fund_id: UUID, request_id: UUID, because: Because) -> Sweep:
    """The payment that was too much came back after it had been made good: the shop is owed that again."""
    return Sweep(
        request_id=request_id, kind="overpaid_freed", payload=fingerprint(shop_id, fund_id), because=because,
        debit=overpaid(shop_id, fund_id), credit=shop(shop_id, fund_id),
    )  # fmt: skip


def payment_settled(envelope: Envelope[PaymentSettled]) -> Move:
    data = envelope.data
    legs = [Leg(paying(data.batch_id, part.fund_id), f"bank/{part.fund_id}", part.amount_cents) for part in data.parts]
    return _payment(envelope, "payment_settled", legs)


def _payment(envelope: Envelope[PaymentReleased] | Envelope[PaymentSettled], kind: str, legs: Iterable[Leg]) -> Move:
    data = envelope.data
    return Move(
        request_id=derived(data.payment_id, kind), kind=kind, because=heard(envelope), amount_cents=data.amount_cents,
        payload=fingerprint(data.shop_id, data.batch_id, data.amount_cents, data.parts),
        plans=(tuple(legs),),
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
    by: defaultdict[tuple[str, UUID], list[Transfer]] = defaultdict(list)
    for transfer in booked:
        by[transfer.kind, transfer.fund_id].append(transfer)
    wanted = [(kind, part.fund_id, part.amount_cents) for kind in kinds for part in data.parts]
    missing = [(kind, str(fund_id)) for kind, fund_id, _ in wanted if (kind, fund_id) not in by]
    if missing:
        raise ValueError(f"payment {data.payment_id} was never booked as {missing}")
    return Reversal(
        request_id=derived(data.payment_id, "payment_returned"), kind="payment_returned", because=heard(envelope),
        payload=fingerprint(data.amount_cents, data.parts, data.was_settled),
        of=tuple(one for kind, fund_id, amount in wanted for one in _of_each(by[kind, fund_id], amount)),
    )  # fmt: skip


def _of_each(transfers: Sequence[Transfer], amount: int) -> Iterator[tuple[Transfer, int]]:
    """How much of each: the last takes the rest, so that too much is too much of that one."""
    *others, last = transfers
    for transfer in others:
        yield transfer, min(amount, transfer.amount_cents)
        amount -= min(amount, transfer.amount_cents)
    yield last, amount


def correction(body: PostCorrection, wrong: Transfer, request_id: UUID, by: UUID, because: Because) -> Reversal:
    amount = wrong.amount_cents if body.amount_cents is None else body.amount_cents
    return Reversal(
        request_id=request_id, kind="correction", payload=fingerprint(wrong.transfer_id, amount), because=because,
        facts={"reason": body.reason, "by": str(by)}, of=((wrong, amount),),
    )  # fmt: skip
