"""What must be true of a town after it has healed: each answer is a sentence that says what is not."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Engine, text

from infra.town import Town
from ledger import handlers_log, sealing, verify
from ledger.audit import audit
from services.apis.ledger_log import ConsistencyQuery, SealsQuery
from services.kit.auth import Grant, Principal
from services.kit.inbox import topics_of

RECEIPTS = 20
"""So many receipts are verified, evenly over the log."""

_TRANSFERS = """
    SELECT t.id, journal, kind, d.code, c.code, amount_cents, occurred_at, posted_at FROM transfers t
    JOIN accounts d ON d.id = debit_account JOIN accounts c ON c.id = credit_account ORDER BY seq"""
_KINDS = "SELECT kind, count(*) FROM transfers GROUP BY kind ORDER BY kind"
_SALES = "SELECT request_id, amount_cents FROM outcomes WHERE kind = 'sale' AND state = 'posted'"
_POSTED_AWARDS = "SELECT request_id FROM outcomes WHERE kind = 'award' AND state = 'posted'"
_TOLD = (
    (
        "attendance",
        "SELECT attendance_id, revision FROM attendances WHERE revision > 0",
        "awards",
        "SELECT attendance_id, revision FROM heard",
    ),
    ("redemption", "SELECT sale_id FROM sales", "reimbursement", "SELECT sale_id FROM lines WHERE kind = 'sale'"),
    (
        "redemption",
        "SELECT sale_id FROM sales WHERE voided_at IS NOT NULL",
        "reimbursement",
        "SELECT sale_id FROM lines WHERE kind = 'void'",
    ),
)
"""Pairs of what one service wrote and what another must have written when it heard of it."""
_CAME_IN = "SELECT coalesce(sum(amount_cents), 0) FROM transfers WHERE kind = 'topup'"


def verdict(town: Town) -> list[str]:
    """Every invariant of every service that does not hold, and every event that waits parked."""
    return town.check()


def digest(town: Town) -> str:
    """A hash over every transfer in the order written: the same seed must give the same one."""
    lines = sha256()
    for row in _rows(town.rooms["ledger"].engine, _TRANSFERS):
        lines.update(repr(tuple(map(str, row))).encode())
    return lines.hexdigest()


def moved(town: Town) -> dict[str, int]:
    """How many transfers there are of each kind."""
    return dict(map(tuple, _rows(town.rooms["ledger"].engine, _KINDS)))


def problems(town: Town, bus: Engine, sold: dict[UUID, int], put_in: int) -> list[str]:
    """`bus`: the database of the log. `sold`: sales a till was told of, with their cents; `put_in`: cents set aside or given in all."""
    said = [*verdict(town), *_lag(town, bus), *_sales(town, sold), *_awards(town), *_heard(town), *_total(town, put_in)]
    return [*said, *_audit(town), *_log(town)]


def _lag(town: Town, bus: Engine) -> list[str]:
    found = []
    ends = {(r.topic, r.partition): r.next_offset for r in _rows(bus, "SELECT * FROM heads")}
    for name, ctx in town.rooms.items():
        if waits := _rows(ctx.engine, "SELECT FROM outbox WHERE published_at IS NULL"):
            found.append(f"{name}: {len(waits)} events are not published")
        stored = {(r.topic, r.partition): r.next_offset for r in _rows(ctx.engine, "SELECT * FROM positions")}
        behind = [spot for spot, end in ends.items() if spot[0] in topics_of(ctx) and stored.get(spot, 0) != end]
        found += [f"{name}: stands at {stored.get(spot, 0)} of {ends[spot]} in {spot}" for spot in behind]
    return found


def _sales(town: Town, sold: dict[UUID, int]) -> list[str]:
    posted = {row.request_id: row.amount_cents for row in _rows(town.rooms["ledger"].engine, _SALES)}
    written = Counter(row.sale_id for row in _rows(town.rooms["redemption"].engine, "SELECT sale_id FROM sales"))
    amounts = {
        row.sale_id: row.amount_cents
        for row in _rows(town.rooms["redemption"].engine, "SELECT sale_id, amount_cents FROM sales")
    }
    told = [f"sale {id_} of {cents} was acknowledged and is not in the books so" for id_, cents in sold.items()
            if posted.get(id_) != cents or amounts.get(id_) != cents or written[id_] != 1]  # fmt: skip
    return [
        *told,
        *[f"sale {id_} is in the books and not at the shop" for id_ in posted if amounts.get(id_) != posted[id_]],
    ]


def _awards(town: Town) -> list[str]:
    """Every award stands in the books as it stands in awards: issued or waiting, none on the way, none lost."""
    posted = {row.request_id for row in _rows(town.rooms["ledger"].engine, _POSTED_AWARDS)}
    waiting = {row.award_id for row in _rows(town.rooms["ledger"].engine, "SELECT award_id FROM waiting_awards")}
    found = []
    for row in _rows(town.rooms["awards"].engine, "SELECT award_id, state FROM awards"):
        right = {"issued": row.award_id in posted, "waiting": row.award_id in waiting, "awarded": False}
        if not right.get(row.state, row.award_id not in waiting):
            found.append(f"award {row.award_id} is {row.state}, but not so in the books")
    return found


def _heard(town: Town) -> list[str]:
    """What one service decided, the next one knows: decisions on hours in awards, sales and voids in reimbursement."""
    found = []
    for one, its_own, other, heard in _TOLD:
        said, known = (
            set(map(tuple, _rows(town.rooms[name].engine, query))) for name, query in ((one, its_own), (other, heard))
        )
        found += [f"{other} has not heard of {row} in {one}" for row in sorted(said - known, key=str)]
    return found


def _total(town: Town, put_in: int) -> list[str]:
    came_in = _rows(town.rooms["ledger"].engine, _CAME_IN)[0][0]
    return [] if came_in == put_in else [f"{put_in} cents were set aside or given, {came_in} are in the books"]


def _audit(town: Town) -> list[str]:
    """What somebody finds who trusts neither the tables nor the program that wrote them."""
    report, _ = audit(town.rooms["ledger"].engine)
    return [f"audit: {finding}" for finding in report.findings]


def _log(town: Town) -> list[str]:
    """Everything is sealed; receipts, seals, and each checkpoint with the one after it hold for somebody who has the public key alone."""
    ctx = town.rooms["ledger"]
    key = sealing.Signer(ctx.extras["seal_key"], ctx.city).text
    with ctx.engine.connect() as conn:
        unsealed = sealing.figures(conn, ctx.clock.now())["unsealed"]
    found = [f"{unsealed} transfers are not sealed"] if unsealed else []
    auditor = Principal(kind="person", id=str(UUID(int=0)), grants=(Grant("auditor"),))
    ids = [row[0] for row in _rows(ctx.engine, "SELECT id FROM transfers ORDER BY seq")]
    sizes = [row[0] for row in _rows(ctx.engine, "SELECT size FROM checkpoints ORDER BY size")]
    with ctx.transaction(auditor) as tx:
        documents: list[Any] = [handlers_log.get_receipt(tx, id_) for id_ in ids[:: 1 + len(ids) // RECEIPTS]]
        for older, newer in pairwise(sizes):
            documents.append(handlers_log.get_consistency(tx, ConsistencyQuery(older=older, newer=newer)))
        seals = handlers_log.get_period_seals(tx, SealsQuery())
    documents += [seals] if seals.seals else []
    for document in documents:
        try:
            verify.verify(msgspec.to_builtins(document), key)
        except verify.Wrong as wrong:
            found.append(f"log: {wrong}")
    return found


def _rows(engine: Engine, query: str) -> list[Any]:
    with engine.connect() as conn:
        return list(conn.execute(text(query)).all())
