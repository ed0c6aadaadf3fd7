"""Decisions about periods, statements, claims, accounts and batches: pure, the clock and the facts are arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from uuid import UUID

from services.apis.city import ClaimForm
from services.apis.errors import Refused
from services.apis.reimbursement import Blocked

Hand = Literal["approve", "release"]

_PERIOD = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Period:
    """A month, by its first and last day."""

    name: str
    first: date
    last: date


@dataclass(frozen=True)
class Tally:
    """The open lines of one shop and fund up to a period's end, summed. `alone_cents` (0 or below): voids among them whose sale is on
    an earlier statement; `cents`: everything else, where no void is without its sale."""

    fund_id: UUID
    cents: int
    alone_cents: int


@dataclass(frozen=True)
class ToState:
    """What goes on a shop's statement: the sum of each fund, and whether the voids of earlier statements' sales are in it."""

    parts: tuple[tuple[UUID, int], ...]
    with_alone: bool

    @property
    def amount_cents(self) -> int:
        return sum(cents for _, cents in self.parts)


@dataclass(frozen=True)
class Hands:
    """Who did what to a batch, so far."""

    state: str
    prepared_by: UUID
    approved_by: UUID | None


@dataclass(frozen=True)
class Account:
    """A shop's account in force, and whether another one waits for its approval."""

    account_id: UUID | None
    waiting: bool


def period_of(text: str) -> Period:
    """The month a text such as "2026-04" names. Raises Refused `period_wrong`."""
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise Refused("period_wrong", "Write the month as year and month, such as 2026-04.", status=422)
    first = date(int(match[1]), int(match[2]), 1)
    return Period(text, first, next_month(first) - timedelta(days=1))


def next_month(day: date) -> date:
    """The first day of the month after a day's."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def check_over(period: Period, today: date) -> None:
    """Refuse a month that is not over in the city."""
    if today <= period.last:
        first_day = period.last + timedelta(days=1)
        raise Refused(
            "period_not_over",
            f"The month is not over: sales can still come. Issue its statements from {first_day.isoformat()} on.",
            {"from": str(first_day)},
        )


def to_state(tallies: Sequence[Tally]) -> ToState | None:
    """What of a shop's open lines goes on its statement; None when nothing does.

    A void that came too late for the statement of its sale lessens the next one. It waits while it would take a fund's part below zero
    (every part is paid out of one fund), and with it the shop's other lines while the shop has nothing to receive.
    """
    if sum(t.cents + t.alone_cents for t in tallies) <= 0:
        return None
    with_alone = all(t.cents + t.alone_cents >= 0 for t in tallies)
    parts = ((t.fund_id, t.cents + (t.alone_cents if with_alone else 0)) for t in tallies)
    return ToState(tuple(sorted(part for part in parts if part[1])), with_alone)


def less(parts: Mapping[UUID, int], off: Mapping[UUID, int]) -> dict[UUID, int] | None:
    """The parts of each fund less what goes off; None where one would be below zero: nobody pays for another fund's coins."""
    left = {fund_id: parts.get(fund_id, 0) - off.get(fund_id, 0) for fund_id in parts.keys() | off.keys()}
    return left if min(left.values()) >= 0 else None


def check_confirmable(state: str) -> None:
    """Refuse to confirm a statement that is claimed already, or has a line in question."""
    check_unclaimed(state)
    if state == "queried":
        raise Refused(
            "statement_queried", "A line of this statement is being looked at. Confirm it when the city has answered."
        )


def check_unclaimed(state: str) -> None:
    if state == "claimed":
        raise Refused("already_claimed", "This statement is confirmed already. See what becomes of it under payments.")


def stamp_cents(amount_cents: int, form: ClaimForm) -> int:
    """The stamp duty due on a claim (D.P.R. 642/1972, tariffa art. 13: 2.00 EUR above 77.47 EUR)."""
    return form.stamp_duty_cents if amount_cents > form.stamp_threshold_cents else 0


def blocked(account: Account, *, void_waits: bool = False) -> Blocked | None:
    """Why a shop cannot be paid, if so: no account in force, a changed one that a second person has not looked at, or (`void_waits`) a
    sale of the claim was undone and no claim or statement bears it yet: the money is not the shop's."""
    if account.waiting:
        return "iban_not_approved"
    if account.account_id is None:
        return "no_iban"
    return "void_waits" if void_waits else None


def check_something_due(due_cents: int, claim_id: UUID) -> None:
    """Refuse to pay a claim of which every sale was undone."""
    if due_cents == 0:
        raise Refused(
            "claim_not_payable",
            "All sales of this claim were undone, so nothing is left to pay. Leave it out.",
            {"claim_id": str(claim_id), "state": "closed"},
        )


def check_no_void_waits(claim_ids: Iterable[UUID]) -> None:
    """Refuse to pay claims while a sale in them is undone and neither they nor a later statement bear it."""
    if waiting := sorted(map(str, claim_ids)):
        raise Refused(
            "claim_not_payable",
            "A sale of this claim was undone. Leave it out: it can be paid when the shop's next statement has settled that.",
            {"claim_ids": waiting, "blocked": "void_waits"},
        )


def check_unlessened(changed: Iterable[UUID]) -> None:
    """Refuse the next hand of a batch while sales of these claims in it were undone after it was prepared."""
    if claim_ids := sorted(str(claim_id) for claim_id in changed):
        raise Refused(
            "claim_lessened",
            "A sale in this batch was undone after the batch was prepared. Cancel the batch and prepare it again.",
            {"claim_ids": claim_ids},
        )


def check_accounts(accounts: Mapping[UUID, Account], prepared_with: Mapping[UUID, UUID]) -> None:
    """Refuse a batch when a shop's account is not approved, or is another than the one the batch was prepared with.

    `accounts`: by shop; `prepared_with`: the account id of each shop in the batch.
    """
    check_approved(accounts)
    changed = sorted(str(shop) for shop, account in prepared_with.items() if accounts[shop].account_id != account)
    if changed:
        raise Refused(
            "iban_changed",
            "A shop's account was changed after the batch was prepared. Cancel the batch and prepare it again.",
            {"shop_ids": changed},
        )


def check_approved(accounts: Mapping[UUID, Account]) -> None:
    """Refuse when a shop has no account in force, or a changed one waits for its approval. `accounts`: by shop."""
    waiting = sorted(str(shop) for shop, account in accounts.items() if blocked(account))
    if waiting:
        raise Refused(
            "iban_not_approved",
            "A shop has no account yet, or a changed one waits for a second person. Approve it first, or leave the shop out.",
            {"shop_ids": waiting},
        )


def check_second_person(first: UUID, person_id: UUID, *, did: str, to: str) -> None:
    """Refuse when the person who should look is the one who acted. `did`: what they did; `to`: what another person must do."""
    if first == person_id:
        raise Refused(
            "same_person", f"You {did} this yourself. Another person must {to} it: ask a colleague.", {"hand": did}
        )


def check_hands(hands: Hands, person_id: UUID, *, to: Hand) -> None:
    """Refuse the next hand of a batch: out of turn, or to somebody whose hand it went through. Roles make no difference."""
    needs = "prepared" if to == "approve" else "approved"
    if hands.state != needs:
        says = {
            "prepared": "Another person approves this batch first; then it can be released.",
            "approved": "This batch is approved already. A third person can release it.",
            "released": "This batch is released already. Download its file.",
            "cancelled": "This batch was cancelled. Prepare a new one.",
        }
        raise Refused("batch_state", says[hands.state], {"state": hands.state, "needs": needs})
    check_second_person(hands.prepared_by, person_id, did="prepared", to=to)
    if hands.approved_by is not None:
        check_second_person(hands.approved_by, person_id, did="approved", to=to)


def check_cancellable(state: str) -> None:
    """Refuse to cancel a batch whose order is out, or that is cancelled."""
    if state in ("released", "cancelled"):
        says = (
            "This batch is released: the bank has its order."
            if state == "released"
            else "This batch is cancelled already."
        )
        raise Refused("batch_state", f"{says} Only a batch before its release can be cancelled.", {"state": state})


def execution_day(day: date) -> date:
    """The day a bank is asked to execute an order released on `day`: the next one from Monday to Friday. It moves bank holidays itself."""
    following = day + timedelta(days=1)
    return following + timedelta(days=7 - following.weekday() if following.weekday() > 4 else 0)


def number_of(number: int, year: int) -> str:
    """A claim's number as its document shows it: 3/2026."""
    return f"{number}/{year}"
