"""What a movement on the bank's statement means for the payments ordered: pure. Amounts are integer euro cents."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from services.apis.errors import Refused
from services.apis.funding_sponsor import REFERENCE
from services.apis.reimbursement_payment import EntryState, Why

_END_TO_END_ID = re.compile(r"[0-9a-fA-F]{32}")
_REFERENCE = re.compile(rf"(?<![0-9A-Z]){REFERENCE}(?![0-9A-Z])")
NO_REASON = "NARR"  # ISO 20022: the reason is told in words


@dataclass(frozen=True)
class Movement:
    """One movement on the account. `payment_id`: the payment its end-to-end id names, if it is one of ours."""

    entry_id: UUID
    direction: Literal["credit", "debit"]
    amount_cents: int
    booked_on: date
    payment_id: UUID | None
    return_reason: str | None
    remittance: str


@dataclass(frozen=True)
class Ordered:
    """A payment the bank was told to make. `waiting`: its debits of earlier statements that did not make its amount yet.

    `debit_unseen`: it came back, but the statement with its debit was not read yet (files can be read out of order).
    """

    payment_id: UUID
    amount_cents: int
    state: Literal["released", "settled", "returned"]
    waiting: tuple[Movement, ...] = ()
    debit_unseen: bool = False


@dataclass(frozen=True)
class Verdict:
    """What one movement is. `why`: what keeps it unmatched; `reference`: the scheme's own, in money of somebody else."""

    state: EntryState
    why: Why | None = None
    reference: str | None = None


@dataclass(frozen=True)
class Settled:
    payment_id: UUID
    booked_on: date


@dataclass(frozen=True)
class Returned:
    payment_id: UUID
    booked_on: date
    reason: str
    was_settled: bool


@dataclass(frozen=True)
class Reading:
    """What a statement says: a verdict for each movement (also earlier ones that now make sense), and what became of payments."""

    verdicts: Mapping[UUID, Verdict]
    settled: tuple[Settled, ...]
    returned: tuple[Returned, ...]


def payment_named(end_to_end_id: str | None) -> UUID | None:
    """The payment an end-to-end id of ours names: its id in hexadecimal, which some banks put in capitals."""
    return UUID(end_to_end_id) if end_to_end_id and _END_TO_END_ID.fullmatch(end_to_end_id) else None


def reference_in(remittance: str) -> str | None:
    """The scheme's reference in a payer's words, in its one form MC-XXXX-XXXX; None unless there is exactly one."""
    found = {re.sub("[ -]", "", text)[2:] for text in _REFERENCE.findall(remittance.upper())}
    signs = found.pop() if len(found) == 1 else None
    return f"MC-{signs[:4]}-{signs[4:]}" if signs else None


def read_movements(movements: Sequence[Movement], orders: Mapping[UUID, Ordered]) -> Reading:
    """What the movements of one statement mean. Debits are read before credits: a payment can go and come back on one statement."""
    verdicts: dict[UUID, Verdict] = {}
    settled: dict[UUID, Settled] = {}
    returned: dict[UUID, Returned] = {}
    debits: dict[UUID | None, list[Movement]] = defaultdict(list)
    for movement in movements:
        if movement.direction == "debit":
            debits[movement.payment_id if movement.payment_id in orders else None].append(movement)
    for payment_id, group in debits.items():
        order = orders.get(payment_id) if payment_id else None
        verdict, news = _debited(order, group)
        earlier = order.waiting if order and verdict.state == "matched" else ()
        verdicts.update({m.entry_id: verdict for m in (*earlier, *group)})
        if news:
            settled[news.payment_id] = news
    for movement in movements:
        if movement.direction == "credit":
            order = orders.get(movement.payment_id) if movement.payment_id else None
            known = order.payment_id if order else None
            verdict, back = _credited(movement, order, gone=known in settled, back=known in returned)
            verdicts[movement.entry_id] = verdict
            if back:
                returned[back.payment_id] = back
    return Reading(verdicts, tuple(settled.values()), tuple(returned.values()))


def _debited(order: Ordered | None, group: Sequence[Movement]) -> tuple[Verdict, Settled | None]:
    """Several debits of one payment count by their sum, also over several statements."""
    if order is None:
        return Verdict("unmatched", "unknown_payment"), None
    total_cents = sum(m.amount_cents for m in (*order.waiting, *group))
    if order.state != "released":
        came_and_went = order.debit_unseen and total_cents == order.amount_cents
        return Verdict("matched") if came_and_went else Verdict("unmatched", "payment_ended"), None
    if total_cents == order.amount_cents:
        return Verdict("matched"), Settled(order.payment_id, max(m.booked_on for m in group))
    return Verdict("unmatched", "paid_in_part" if total_cents < order.amount_cents else "amount_differs"), None


def _credited(movement: Movement, order: Ordered | None, *, gone: bool, back: bool) -> tuple[Verdict, Returned | None]:
    """`gone`, `back`: the same statement has the payment's debit, or an earlier return of it."""
    if order is None:
        if movement.return_reason or movement.amount_cents == 0:
            return Verdict("unmatched", "unknown_payment"), None
        return Verdict("credited", reference=reference_in(movement.remittance)), None
    if order.state == "returned" or back:
        return Verdict("unmatched", "payment_ended"), None
    if movement.return_reason is None:
        return Verdict("unmatched", "no_reason_given"), None
    if movement.amount_cents != order.amount_cents:
        return Verdict("unmatched", "amount_differs"), None
    was_settled = gone or order.state == "settled"
    return Verdict("matched"), Returned(order.payment_id, movement.booked_on, movement.return_reason, was_settled)


def decide_match(movement: Movement, order: Ordered) -> Settled | Returned:
    """What a match made by people means. Raises Refused when amount or payment do not fit."""
    if order.state == "returned" or (order.state == "settled" and movement.direction == "debit"):
        raise Refused(
            "payment_ended",
            "The bank has answered for this payment already. Choose another payment, or ask the bank about this line.",
            {"state": order.state},
        )
    if movement.amount_cents != order.amount_cents:
        raise Refused(
            "match_amount_differs",
            "The line and the payment differ in amount. Choose the payment with the amount of the line, or ask the bank.",
            {"line_cents": movement.amount_cents, "payment_cents": order.amount_cents},
        )
    if movement.direction == "debit":
        return Settled(order.payment_id, movement.booked_on)
    reason = movement.return_reason or NO_REASON
    return Returned(order.payment_id, movement.booked_on, reason, order.state == "settled")
