"""Failed tries are counted, per person (or e-mail) and per network address, and the waits grow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from services.apis.errors import Refused
from services.identity import domain
from services.identity.handlers_person import vault_of
from services.identity.models import Attempt
from services.kit.db import Tx

T = TypeVar("T")


def guarded(tx: Tx, subject: tuple[domain.Subject, str], prove: Callable[[], T | Refused]) -> T:
    """What `prove` answers, unless too many tries failed before. A refusal it answers is counted, and raised.

    `subject`: whose secret is being tried. Raises `too_many_tries` before anything is proved.
    """
    # The row stays locked while the proof is looked at: tries sent at the same time count one after the other.
    mine = _locked(tx, *subject)
    place = tx.session.get(Attempt, _hash(tx, "address", tx.address)) if tx.address else None
    for attempt in filter(None, (mine, place)):
        domain.check_patience(attempt.locked_until, now=tx.now)
    proved = prove()
    if isinstance(proved, Refused):
        _count(tx, mine, subject[0])
        raise counted(tx, proved)
    tx.session.delete(mine)
    return proved


def counted(tx: Tx, refusal: Refused) -> Refused:
    """The refusal of a failed try, which is counted for the caller's address and stays counted."""
    if tx.address:
        _count(tx, _locked(tx, "address", tx.address), "address")
    tx.session.flush()
    refusal.keep = True
    return refusal


def forget_attempts_of(tx: Tx, kind: domain.Subject, value: str) -> None:
    tx.session.execute(delete(Attempt).where(Attempt.subject == _hash(tx, kind, value)))


def _hash(tx: Tx, kind: domain.Subject, value: str) -> str:
    return vault_of(tx).blind(f"attempt/{kind}", value)


def _locked(tx: Tx, kind: domain.Subject, value: str) -> Attempt:
    subject = _hash(tx, kind, value)
    start = {"subject": subject, "failures": 0, "since": tx.now, "locked_until": tx.now, "forgotten_at": tx.now}
    tx.session.execute(insert(Attempt).values(start).on_conflict_do_nothing())
    return tx.session.get_one(Attempt, subject, with_for_update=True, populate_existing=True)


def _count(tx: Tx, attempt: Attempt, kind: domain.Subject) -> None:
    patience = domain.PATIENCE[kind]
    failures = patience.one_more(domain.Failures(attempt.failures, attempt.since), now=tx.now)
    attempt.failures, attempt.since = failures.number, failures.since
    attempt.locked_until = tx.now + patience.wait(failures)
    attempt.forgotten_at = patience.forgotten_at(failures)
