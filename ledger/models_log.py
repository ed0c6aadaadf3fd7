"""The tables of the tamper-evident log: leaves, subtrees, checkpoints, seals of periods. All but `gaps` are append-only, by trigger."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ledger.models import Base


class LogLeaf(Base):
    """A sealed transfer: `leaf` is the hash of its row as it was then, and the entry of the Merkle log at `position` (0, 1, 2, …)."""

    __tablename__ = "log"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(unique=True)
    transfer_id: Mapped[UUID]
    leaf: Mapped[bytes]
    __table_args__ = (CheckConstraint("octet_length(leaf) = 32", name="leaf"),)


class Subtree(Base):
    """The root of a complete subtree: over the 2**level leaves from position index * 2**level on."""

    __tablename__ = "subtrees"
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes]


class Gap(Base):
    """A number of `transfers.seq` not seen when a later one was. `before_xid`: every transaction that could have drawn it is older."""

    __tablename__ = "gaps"
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    before_xid: Mapped[int]


class Checkpoint(Base):
    """The log had `size` leaves and this root: signed by the key that is called `origin`, as a C2SP note."""

    __tablename__ = "checkpoints"
    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    root: Mapped[bytes]
    at: Mapped[datetime]
    origin: Mapped[str]
    key_id: Mapped[bytes]
    signature: Mapped[bytes]


class PeriodSeal(Base):
    """All balances as they stood when a closed period ended, under one root, with the log as it was when it held all of the period."""

    __tablename__ = "period_seals"
    period: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int]
    root: Mapped[bytes]
    balances_root: Mapped[bytes]
    at: Mapped[datetime]
    origin: Mapped[str]
    key_id: Mapped[bytes]
    signature: Mapped[bytes]


class LinksCut(Base):
    """The links from people to lots that were last used in this period, or before, are cut."""

    __tablename__ = "links_cut"
    period: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
