"""What the decision is made on and what it says. Balance = credits - debits. Amounts are integer euro cents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct, json

MOST_LEGS = 1000


class Account(Struct, frozen=True):
    """An account as it stands, locked. `floored`: may not go below zero. `closed`: gives nothing more to ordinary requests."""

    id: int
    code: str
    fund_id: UUID
    floored: bool
    closed: bool = False
    debits_posted: int = 0
    credits_posted: int = 0
    debits_held: int = 0
    credits_held: int = 0

    @property
    def balance_cents(self) -> int:
        return self.credits_posted - self.debits_posted

    @property
    def available_cents(self) -> int:
        """What can still leave: what is held counts against the floor."""
        return self.balance_cents - self.debits_held


class Transfer(Struct, frozen=True):
    """One balanced move. `journal` is the request that made it, `cause` the event or HTTP request behind that. The ids of a request's
    transfers count up from its own: the same request posted twice would meet itself, and they are found without an index."""

    transfer_id: UUID
    journal: UUID
    kind: str
    debit: str
    credit: str
    amount_cents: int
    fund_id: UUID
    cause: UUID
    occurred_at: datetime
    posted_at: datetime
    reversal_of: UUID | None = None

    @property
    def leaf(self) -> bytes:
        """The SHA-256 of the row as a JSON array without blanks, instants in UTC with six decimals: any language can compute it again,
        and so does SQL (`checks.py`)."""
        row = (
            self.transfer_id, self.journal, self.kind, self.debit, self.credit, self.amount_cents, self.fund_id, self.cause,
            instant(self.occurred_at), instant(self.posted_at), self.reversal_of,
        )  # fmt: skip
        return sha256(_json(row)).digest()


class Leg(Struct, frozen=True):
    """A way value may take. With an amount: exactly that. Without: as much of the rest as `debit` can give."""

    debit: str
    credit: str
    amount_cents: int | None = None


Plan = tuple[Leg, ...]


class Because(Struct, frozen=True):
    """Why something is asked: the event or HTTP request behind it, and when that happened."""

    cause: UUID
    occurred_at: datetime


class Request(Struct, frozen=True, kw_only=True):
    """What all requests say. `payload` identifies the content: the same id with another payload is a conflict."""

    request_id: UUID
    kind: str
    payload: bytes
    because: Because
    facts: dict[str, Any] | None = None


class Move(Request, frozen=True, kw_only=True):
    """Move the amount by the first plan that covers it whole; else refuse, or `or_wait`. `even_closed`: draws on closed accounts too.

    Where there is nothing left to move, the amount is zero and there are no plans: that is posted, without a transfer.
    """

    amount_cents: int
    plans: tuple[Plan, ...]
    or_wait: bool = False
    even_closed: bool = False


class Reversal(Request, frozen=True, kw_only=True):
    """Take back so much of each transfer, never more than is left of it. `at_most`: what is not there any more is let go."""

    of: tuple[tuple[Transfer, int], ...]
    at_most: bool = False


class Sweep(Request, frozen=True, kw_only=True):
    """Move all that `debit` has; `to_zero`: no more than lifts `credit` from below zero to zero. Nothing to move is no event."""

    debit: str
    credit: str
    to_zero: bool = False


class Hold(Move, frozen=True, kw_only=True):
    """Set the amount aside for `seconds`, as the plan would move it: it can be spent no other way until the hold ends."""

    seconds: int


class EndHold(Request, frozen=True, kw_only=True):
    """End a hold, once: `post` moves the amount (None: all of it) and lets the rest go, `void` and `expire` let all of it go."""

    hold_id: UUID
    how: Literal["post", "void", "expire"]
    amount_cents: int | None = None


class Held(Struct, frozen=True):
    """One leg of a hold: value that stands on `debit` and may only go to `credit`."""

    hold_id: UUID
    leg: int
    debit: str
    credit: str
    amount_cents: int
    seconds: int


class HoldState(Struct, frozen=True):
    """A hold as it stands, its accounts locked. `ended`: how, if it has. `over`: its time is up, by the database's clock."""

    legs: tuple[Held, ...]
    ended: str | None
    over: bool


class Outcome(Struct, frozen=True):
    """What became of a request, remembered for good – unless it waits.

    `code` of a refusal: insufficient, closed, no_plan, fund_mismatch, over_original, conflict; of a hold's end also unknown_hold,
    hold_ended, hold_over, hold_not_over, over_hold. A hold is posted with what it holds; its transfers come with its end.
    """

    request_id: UUID
    kind: str
    payload: bytes
    state: Literal["posted", "refused", "waiting"]
    amount_cents: int = 0
    code: str | None = None
    facts: dict[str, Any] | None = None

    def leaf(self, decided_at: datetime) -> bytes:
        """The SHA-256 of the row as a JSON array without blanks, keys of `facts` sorted, the payload in hex."""
        row = (
            self.request_id, self.kind, self.payload.hex(), self.state, self.amount_cents, self.code, self.facts, instant(decided_at),
        )  # fmt: skip
        return sha256(_sorted(row)).digest()


class Answer(Struct, frozen=True, kw_only=True):
    """The outcome of one request. Not `fresh`: it was decided before, or (conflict) its id belongs to another request."""

    outcome: Outcome
    fresh: bool
    transfers: tuple[Transfer, ...] = ()


class Book(Struct, frozen=True, kw_only=True):
    """What is known when a decision is made. `reversed_cents`: by transfer, what was taken back of it before. `sealed_until`: the end of
    the last closed period; nothing happens before it any more."""

    accounts: Mapping[str, Account]
    outcomes: Mapping[UUID, Outcome]
    reversed_cents: Mapping[UUID, int]
    holds: Mapping[UUID, HoldState] = {}
    sealed_until: datetime | None = None


class Change(Struct):
    """What to add to an account's counters."""

    debits: int = 0
    credits: int = 0
    debits_held: int = 0
    credits_held: int = 0


class Decision(Struct, frozen=True, kw_only=True):
    """What to write: transfers, new outcomes, holds begun and ended (hold id -> how), and by account code the change of its counters.
    `answers` are in order of requests."""

    answers: tuple[Answer, ...]
    transfers: tuple[Transfer, ...]
    outcomes: tuple[Outcome, ...]
    changes: Mapping[str, Change]
    held: tuple[Held, ...] = ()
    ended: Mapping[UUID, EndHold] = {}


def instant(at: datetime) -> str:
    """UTC with six decimals, as it is hashed and exported."""
    said = _json(at.astimezone(UTC))[1:-1].decode()  # a tenth of what isoformat takes; it leaves zeros out
    return said if at.microsecond else said[:-1] + ".000000Z"


_json = json.Encoder().encode
_sorted = json.Encoder(order="sorted").encode
