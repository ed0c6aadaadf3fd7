"""The sales of a claim followed on: to the coins each was made with, the awards those came from, the shifts and the attendances.

Asked without whom: what officers and auditors see here are ids of hours and places, never a person's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.apis import attendance, awards, ledger_origin, shifts, shifts_held
from services.apis import reimbursement as claim_api
from services.apis import reimbursement_trail as api
from services.kit.screens import ask, ask_together


@dataclass(frozen=True)
class Thanks:
    """Coins of one award that went into a sale. `shift`, `seen`: None where its service does not know it."""

    fund_id: UUID
    transfer_id: UUID
    amount_cents: int
    ground: awards.Ground
    shift: shifts.Shift | None
    seen: attendance.Seen | None


@dataclass(frozen=True)
class Spent:
    """A sale of the statement and what stands behind it. `undone`: it was voided and is not part of the payment."""

    line: claim_api.Line
    undone: bool
    parts: Sequence[ledger_origin.SpentPart]
    thanks: Sequence[Thanks]


def sales_of(told: api.ClaimTrail) -> list[claim_api.Line]:
    return [line for line in told.lines if line.kind == "sale"]


def followed(told: api.ClaimTrail, lines: Sequence[claim_api.Line]) -> list[Spent]:
    """Each of these sales, in their order. Raises Refused where a service is away."""
    origins = {origin.sale_id: origin.parts for origin in _origins(line.sale_id for line in lines)}
    used = {used.award_id for parts in origins.values() for part in parts for used in part.awards}
    grounds = {ground.award_id: ground for ground in _grounds(used)}
    seen, held = _where(grounds.values())
    spent = []
    for line in lines:
        parts = origins.get(line.sale_id, ())
        thanks = [
            Thanks(
                part.fund_id, part.transfer_id, used.amount_cents, ground,
                held.get(ground.shift_id), seen.get(ground.attendance_id),
            )
            for part in parts for used in part.awards if (ground := grounds.get(used.award_id))
        ]  # fmt: skip
        spent.append(Spent(line, line.sale_id in told.undone_sale_ids, parts, thanks))
    return spent


def _origins(sale_ids: Iterable[UUID]) -> Iterator[ledger_origin.Origin]:
    for some in _in_turn(sale_ids, ledger_origin.MOST_TRACED):
        yield from ask("ledger", ledger_origin.POST_ORIGINS, ledger_origin.AskOrigins(sale_ids=some)).sales


def _grounds(award_ids: Iterable[UUID]) -> Iterator[awards.Ground]:
    for some in _in_turn(award_ids, awards.MOST_GROUNDS):
        yield from ask("awards", awards.POST_GROUNDS, awards.AskGrounds(award_ids=some)).grounds


def _where(
    grounds: Collection[awards.Ground],
) -> tuple[dict[UUID, attendance.Seen], dict[UUID, shifts.Shift]]:
    """The attendances, and the shifts as far as they are told, all asked together."""
    attended = [ground.attendance_id for ground in grounds]
    worked = [ground.shift_id for ground in grounds]
    parts = ask_together(seen=lambda: list(_seen(attended)), held=lambda: list(_held(worked)))
    seen = parts["seen"] if "seen" in parts else list(_seen(attended))  # without them nothing is followed
    return {one.attendance_id: one for one in seen}, {one.shift_id: one for one in parts.get("held", ())}


def _seen(attendance_ids: Iterable[UUID]) -> Iterator[attendance.Seen]:
    for some in _in_turn(attendance_ids, attendance.MOST_SEEN):
        yield from ask("attendance", attendance.POST_SEEN, attendance.AskSeen(attendance_ids=some)).seen


def _held(shift_ids: Iterable[UUID]) -> Iterator[shifts.Shift]:
    for some in _in_turn(shift_ids, shifts_held.MOST_HELD):
        yield from ask("shifts", shifts_held.POST_HELD, shifts_held.AskHeld(shift_ids=some)).shifts


def _in_turn(ids: Iterable[UUID], most: int) -> Iterator[tuple[UUID, ...]]:
    """So many of them at a time."""
    wanted = sorted(set(ids))
    return (tuple(wanted[start : start + most]) for start in range(0, len(wanted), most))
