"""Small makers around the sealed log: postings held open, the sealer's run, checkpoints and receipts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from infra.wiring import Town
from ledger import rules_money, sealing, verify
from ledger.posting import insist, post
from services.apis import ledger_log as api
from services.events.funding import TopUpSettled
from services.events.reimbursement import PeriodClosed
from services.kit.db import Tx
from services.kit.ids import new_id
from tests.builders import tell
from tests.builders_ledger import an_auditor, envelope_of


def run(town: Town, job: Callable[[Tx], int]) -> int:
    """One run of a job of the ledger."""
    with town.rooms["ledger"].transaction() as tx:
        return job(tx)


def seal(town: Town) -> int:
    return run(town, sealing.seal)


@contextmanager
def a_transaction(town: Town) -> Iterator[Tx]:
    """Open, with a transaction id of its own, until the block ends."""
    with town.rooms["ledger"].transaction() as tx:
        tx.session.execute(text("SELECT pg_current_xact_id()"))
        yield tx


def top_up_within(town: Town, tx: Tx) -> UUID:
    """Money comes to a new fund in that transaction; answers the transfer's id."""
    settled = TopUpSettled(topup_id=new_id(), fund_id=new_id(), amount_cents=5_00, fee_cents=0, channel="bank")
    answers = post(tx, rules_money.topup_settled(envelope_of(town, settled)))
    insist(answers)
    return answers[0].transfers[0].transfer_id


def posted(town: Town) -> UUID:
    """A transfer, committed."""
    with a_transaction(town) as tx:
        return top_up_within(town, tx)


def sealed(town: Town) -> list[UUID]:
    """The transfers in the log, by position. Raises AssertionError for a hole."""
    rows = read(town, "SELECT position, transfer_id FROM log ORDER BY position")
    assert [position for position, _ in rows] == list(range(len(rows)))
    return [transfer_id for _, transfer_id in rows]


def gaps(town: Town) -> int:
    return int(read(town, "SELECT count(*) FROM gaps")[0][0])


def read(town: Town, query: str, **said: Any) -> list[Any]:
    with town.rooms["ledger"].engine.connect() as conn:
        return list(conn.execute(text(query), said))


def harm(town: Town, statement: str, **said: Any) -> None:
    """What only a superuser can do: no trigger stops it."""
    with town.rooms["ledger"].engine.begin() as conn:
        conn.exec_driver_sql("SET LOCAL ROLE NONE; SET LOCAL session_replication_role = replica")
        assert conn.execute(text(statement), said).rowcount > 0


def receipt(town: Town, transfer_id: UUID) -> api.Receipt:
    return an_auditor(town).ask("ledger", api.GET_RECEIPT, transfer_id=transfer_id)


def checkpoint(town: Town, size: int | None = None) -> api.Checkpoint:
    """As anybody may ask for it."""
    if size is None:
        return town.client("ledger").call(api.GET_CHECKPOINT)
    return town.client("ledger").call(api.GET_CHECKPOINT_OF, size=size)


def key_of(town: Town) -> str:
    ctx = town.rooms["ledger"]
    return sealing.Signer(ctx.extras["seal_key"], ctx.city).text


def root_now(town: Town) -> bytes:
    return verify.read_checkpoint(checkpoint(town).note, key_of(town)).root


MAY = PeriodClosed(period="2026-05")


def move_to(town: Town, month: int, day: int) -> None:
    """Noon of that day of 2026."""
    town.clock.move_to(datetime(2026, month, day, 10, tzinfo=UTC))  # type: ignore[attr-defined]


def close(town: Town, period: PeriodClosed = MAY) -> None:
    """Finance closes the month, and the town hears it."""
    tell(town, period)
    town.settle()
