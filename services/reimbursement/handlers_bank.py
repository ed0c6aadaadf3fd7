"""The bank's statements: read, kept once, and each line matched to the payment it answers."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from services.apis import reimbursement_payment as api
from services.apis.endpoint import Page
from services.apis.errors import Refused, not_found
from services.events.reimbursement import BankCredited
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.kit.views import view_of
from services.reimbursement import camt053, domain_bank
from services.reimbursement.handlers_match import apply_news, movement_of, orders_of
from services.reimbursement.models import BankEntry, BankStatement

STATES: tuple[api.EntryState, ...] = ("matched", "proposed", "unmatched", "credited")


def upload_statement(tx: Tx, data: bytes) -> api.BankStatement:
    """Read a camt.053 of the city's account, settle and return the payments it answers, and tell of other money that came in."""
    read = camt053.read_camt053(data, our_iban=tx.city.account.iban)
    bank_statement_id = _keep(tx, read)
    entries = _entries(tx, bank_statement_id, read)
    orders = orders_of(tx, (entry.payment_id for entry in entries))
    for entry in entries:
        # Only what was ordered here is a payment of ours, however much an id looks like one.
        entry.payment_id = entry.payment_id if entry.payment_id in orders else None
    reading = domain_bank.read_movements([movement_of(entry) for entry in entries], orders)
    earlier = reading.verdicts.keys() - {entry.entry_id for entry in entries}
    waiting = tx.session.scalars(select(BankEntry).where(BankEntry.entry_id.in_(earlier)))
    for entry in (*waiting, *entries):
        verdict = reading.verdicts[entry.entry_id]
        entry.state, entry.why, entry.reference = verdict.state, verdict.why, verdict.reference
    tx.session.add_all(entries)
    apply_news(tx, (*reading.settled, *reading.returned))
    for entry in entries:
        if entry.state == "credited":
            tx.put(view_of(BankCredited, entry))
    tx.session.flush()
    return _views(tx, [tx.session.get_one(BankStatement, bank_statement_id)])[0]


def _keep(tx: Tx, read: camt053.BankStatement) -> UUID:
    """The new statement's id. Raises Refused `bank_statement_known`: the same file, or the same statement written anew."""
    same = {
        "statement_ref": read.statement_id, "from_date": read.from_date, "to_date": read.to_date,
        "opening_cents": read.opening_cents, "closing_cents": read.closing_cents,
    }  # fmt: skip
    new = {"bank_statement_id": tx.new_id(), "uploaded_by": tx.who.person_id, "uploaded_at": tx.now}
    kept: UUID | None = tx.session.scalar(
        insert(BankStatement)
        .values(sha256=read.sha256, **same, **new)
        .on_conflict_do_nothing()
        .returning(BankStatement.bank_statement_id)
    )
    if kept is not None:
        return kept
    alike = and_(*(getattr(BankStatement, field).is_not_distinct_from(value) for field, value in same.items()))
    known = tx.session.scalars(select(BankStatement).where(or_(BankStatement.sha256 == read.sha256, alike))).one()
    raise Refused(
        "bank_statement_known",
        "This statement was read already, so nothing was counted twice. Open it in the list.",
        {
            "bank_statement_id": str(known.bank_statement_id),
            "statement_ref": known.statement_ref,
            "uploaded_at": known.uploaded_at.isoformat(),
        },
    )


def _entries(tx: Tx, bank_statement_id: UUID, read: camt053.BankStatement) -> list[BankEntry]:
    """A row for each movement; a booking of several payments is several movements."""
    movements = ((booking, part) for booking in read.entries for part in booking.transactions)
    return [
        BankEntry(
            entry_id=tx.new_id(), bank_statement_id=bank_statement_id, position=position, entry_ref=booking.entry_ref,
            direction=booking.direction, amount_cents=part.amount_cents, booked_on=booking.booked_on,
            end_to_end_id=part.end_to_end_id, remittance=part.remittance, return_reason=part.return_reason,
            payment_id=domain_bank.payment_named(part.end_to_end_id),
        )
        for position, (booking, part) in enumerate(movements, start=1)
    ]  # fmt: skip


def list_bank_statements(tx: Tx, query: Page) -> api.BankStatementList:
    wanted = (
        select(BankStatement)
        .where(after(query, BankStatement.uploaded_at, BankStatement.bank_statement_id, newest_first=True))
        .order_by(BankStatement.uploaded_at.desc(), BankStatement.bank_statement_id.desc())
    )
    rows = tx.session.scalars(wanted.limit(query.limit + 1)).all()
    return api.BankStatementList(
        bank_statements=tuple(_views(tx, rows[: query.limit])),
        next_cursor=next_cursor(query, rows, lambda row: (row.uploaded_at, row.bank_statement_id)),
    )


def get_bank_statement(tx: Tx, bank_statement_id: UUID) -> api.FullBankStatement:
    row = tx.session.get(BankStatement, bank_statement_id)
    if row is None:
        raise not_found("bank statement", bank_statement_id)
    entries = tx.session.scalars(
        select(BankEntry).where(BankEntry.bank_statement_id == bank_statement_id).order_by(BankEntry.position)
    )
    return api.FullBankStatement(
        bank_statement=_views(tx, [row])[0], entries=tuple(view_of(api.Entry, entry) for entry in entries)
    )


def _views(tx: Tx, rows: Sequence[BankStatement]) -> list[api.BankStatement]:
    """The statements, each with how many of its lines are in which state."""
    ids = [row.bank_statement_id for row in rows]
    counts: dict[UUID, dict[str, int]] = {id_: dict.fromkeys(STATES, 0) for id_ in ids}
    tally = (
        select(BankEntry.bank_statement_id, BankEntry.state, func.count())
        .where(BankEntry.bank_statement_id.in_(ids))
        .group_by(BankEntry.bank_statement_id, BankEntry.state)
    )
    for id_, state, count in tx.session.execute(tally):
        counts[id_][state] = count
    return [view_of(api.BankStatement, row, **counts[row.bank_statement_id]) for row in rows]
