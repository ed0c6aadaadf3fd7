"""What one can ask of the ledger's sealed log: where it stands, signed, and proofs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import PUBLIC, Endpoint, service

Size = Annotated[int, Meta(ge=1, le=2**62)]


class Checkpoint(Struct, frozen=True, kw_only=True):
    """The log had `size` entries and a root hash. `note`: both, signed (C2SP tlog-checkpoint)."""

    size: int
    at: datetime
    note: str


class SealedTransfer(Struct, frozen=True, kw_only=True):
    """A transfer as it is hashed: the JSON array of these values, in this order, without blanks; instants in UTC with six decimals."""

    transfer_id: UUID
    journal: UUID
    kind: str
    debit: str
    credit: str
    amount_cents: int
    fund_id: UUID
    cause: UUID
    occurred_at: str
    posted_at: str
    reversal_of: UUID | None


class Receipt(Struct, frozen=True, kw_only=True):
    """The proof that a transfer is entry `position` of the log a checkpoint signs. `ledger/verify.py` verifies it without us.

    `leaf`: the SHA-256 of the transfer as sealed. `proof`: RFC 9162, 2.1.3. Both in hex. A receipt of a sale names the shop's id: it is
    for whoever bought there, and for those who settle a dispute.
    """

    transfer: SealedTransfer
    leaf: str
    position: int
    proof: tuple[str, ...]
    checkpoint: str


class ConsistencyQuery(Struct, frozen=True, kw_only=True):
    """The sizes of two checkpoints."""

    older: Size
    newer: Size


class Consistency(Struct, frozen=True, kw_only=True):
    """Two checkpoints and the proof (RFC 9162, 2.1.4, in hex) that the newer log begins with the older one."""

    older: str
    newer: str
    proof: tuple[str, ...]


class PeriodSeal(Struct, frozen=True, kw_only=True):
    """A closed month as it was sealed: the log's size and root when it held all of the month, and the root over all balances at its end.

    `balances_root`: RFC 9162 over the lines `code cents`, in byte order of codes, of all accounts that did not stand at zero. Roots in hex.
    `note`: period, size, root and balances root, signed as checkpoints are, by the key called `origin`. `ledger/verify.py` verifies it.
    """

    period: str
    size: int
    root: str
    balances_root: str
    at: datetime
    origin: str
    signature: str
    note: str


class PeriodSeals(Struct, frozen=True, kw_only=True):
    """Newest month first."""

    seals: tuple[PeriodSeal, ...]


class SealsQuery(Struct, frozen=True, kw_only=True):
    """Sealed months before this one (YYYY-MM; None: all), so many at most."""

    before: str | None = None
    limit: Annotated[int, Meta(ge=1, le=120)] = 24


GET_RECEIPT = Endpoint(
    method="GET", path="/transfers/{transfer_id:uuid}/receipt", summary="The proof that a transfer is in the sealed log",
    allow=("volunteer", "auditor", service("redemption")), answer=Receipt, errors=("unknown_transfer", "not_sealed_yet"),
)  # fmt: skip
GET_CHECKPOINT = Endpoint(
    method="GET", path="/log/checkpoint", summary="Where the log stands, signed", allow=(PUBLIC,), answer=Checkpoint,
    errors=("nothing_sealed_yet",),
)  # fmt: skip
GET_CHECKPOINT_OF = Endpoint(
    method="GET", path="/log/checkpoints/{size:int}", summary="Where the log stood when it had this size, signed", allow=(PUBLIC,),
    answer=Checkpoint, errors=("unknown_checkpoint",),
)  # fmt: skip
GET_CONSISTENCY = Endpoint(
    method="GET", path="/log/consistency", summary="The proof that a later log begins with an earlier one", allow=(PUBLIC,),
    query=ConsistencyQuery, answer=Consistency, errors=("unknown_checkpoint", "sizes_out_of_order"),
)  # fmt: skip
GET_PERIOD_SEALS = Endpoint(
    method="GET", path="/log/periods", summary="The seals of closed months, newest first", allow=("auditor", "finance"),
    query=SealsQuery, answer=PeriodSeals,
)  # fmt: skip
