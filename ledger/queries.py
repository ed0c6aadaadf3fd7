"""What several answers read: transfers with the codes of both sides, lots, balances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, case, func, or_, select, text, union_all
from sqlalchemy.orm import aliased

from ledger import rules
from ledger.domain_values import MOST_LEGS, Transfer
from ledger.models import RARE, Account
from ledger.models import Transfer as Row
from services.kit.bulk import array, rows_of, uuids
from services.kit.db import Tx

_DEBIT, _CREDIT = aliased(Account), aliased(Account)
TRANSFERS = (
    select(
        Row.id.label("transfer_id"), Row.journal, Row.kind, _DEBIT.code.label("debit"), _CREDIT.code.label("credit"),
        Row.amount_cents, Row.fund.label("fund_id"), Row.cause, Row.occurred_at, Row.posted_at, Row.reversal_of,
    )
    .join(_DEBIT, _DEBIT.id == Row.debit_account)
    .join(_CREDIT, _CREDIT.id == Row.credit_account)
)  # fmt: skip
"""Transfers; add the conditions on `models.Transfer` and give it to `read`."""


def read(tx: Tx, wanted: Select[*tuple[Any, ...]]) -> list[Transfer]:
    return [Transfer(**row) for row in tx.session.execute(wanted).mappings()]


def read_numbered(tx: Tx, wanted: Select[*tuple[Any, ...]]) -> list[tuple[int, Transfer]]:
    """With each its number, by which transfers of one instant are in the order in which they were written."""
    rows = tx.session.execute(wanted.add_columns(Row.seq)).mappings()
    return [(row["seq"], Transfer(**{field: row[field] for field in Transfer.__struct_fields__})) for row in rows]


def transfers_of(tx: Tx, *journals: UUID) -> list[Transfer]:
    """What these requests moved: the ids count up from the request's."""
    lasts = [UUID(int=first.int + MOST_LEGS) for first in journals]
    spans = func.unnest(uuids(journals), uuids(lasts)).table_valued("first", "last", name="asked").render_derived()
    near = Row.id.between(spans.c.first, spans.c.last) & (Row.journal == spans.c.first)
    by_index(tx)
    return read(tx, TRANSFERS.join(spans, near).order_by(Row.id))


def touching(account_ids: Iterable[int]) -> Any:
    ids = list(account_ids)
    return or_(Row.debit_account.in_(ids), Row.credit_account.in_(ids))


def newest_of(account_ids: Iterable[int], clock: Any, most: int, *conditions: Any) -> Select[*tuple[Any, ...]]:
    """The `most` newest transfers of these accounts by one of the two clocks: the newest of each side, each along its index, put together.
    Asked as one with OR, all that ever touched a fund was read and sorted for a page of it."""
    ids, order = list(account_ids), (clock.desc(), Row.seq.desc())
    sides = (
        select(Row.seq).where(side.in_(ids), *conditions).order_by(*order).limit(most)
        for side in (Row.debit_account, Row.credit_account)
    )
    return TRANSFERS.where(Row.seq.in_(union_all(*sides))).order_by(*order).limit(most)


# A thousand rows of an array against a table of any size: always by the index, whatever the planner thinks of the disk.
BY_INDEX = """
    SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
        set_config('enable_seqscan', 'off', true)"""
# OFFSET 0 keeps the last line out of the inner query: until it had statistics, the planner read all lots in town that hold coins.
_SPENDABLE = """
    SELECT person, code, fund, credits_posted - debits_posted - debits_held AS cents
    FROM unnest(%(people)s::uuid[]) AS asked (who), LATERAL (SELECT * FROM accounts WHERE person = who OFFSET 0) AS lots
    WHERE positive AND expires_on >= %(day)s ORDER BY expires_on, fund"""


class SpendableLot(NamedTuple):
    """Coins a person can spend: the account they stand on, its fund, and how much of it is not held."""

    code: str
    fund_id: UUID
    amount_cents: int


def by_index(tx: Tx) -> None:
    """From here on this transaction finds its rows by indexes alone."""
    rows_of(tx.session, BY_INDEX)


def spendable_lots(tx: Tx, person_ids: Iterable[UUID], day: date) -> dict[UUID, list[SpendableLot]]:
    """People's coins that can be spent on that day, oldest expiry first, then by fund."""
    by_index(tx)
    lots: dict[UUID, list[SpendableLot]] = {person_id: [] for person_id in person_ids}
    for person_id, *lot in rows_of(tx.session, _SPENDABLE, people=array(lots), day=day):
        lots[person_id].append(SpendableLot(*lot))
    return lots


def free_cents(tx: Tx, fund_ids: Iterable[UUID]) -> dict[UUID, int]:
    """What each fund can still issue."""
    balance = Account.credits_posted - Account.debits_posted
    codes = [rules.fund(fund_id) for fund_id in fund_ids]
    rows = tx.session.execute(select(Account.fund, balance).where(Account.code.in_(codes)))
    return {fund: int(cents) for fund, cents in rows}


_KEPT = """
    SELECT attendance_id, sum(kept_cents)::bigint FROM withdrawn_awards
    WHERE attendance_id = ANY(%(ids)s::uuid[]) GROUP BY attendance_id"""


def kept_cents(tx: Tx, attendance_ids: Iterable[UUID]) -> Counter[UUID]:
    """What withdrawn awards of each attendance gave and did not give back, all its corrections together."""
    return Counter(dict(rows_of(tx.session, _KEPT, ids=array(attendance_ids))))


_VOIDED = """
    SELECT coalesce(sum(amount_cents), 0)::bigint FROM transfers JOIN accounts a ON a.id = debit_account
    WHERE code = %(code)s AND kind = 'void'"""


def voided_cents(tx: Tx, code: str) -> int:
    """What was ever taken back from a shop's account because sales were undone."""
    [(cents,)] = rows_of(tx.session, _VOIDED, code=code)
    return int(cents)


FREE_BEFORE = text("""
    WITH funds AS MATERIALIZED (
        SELECT id, fund, credits_posted - debits_posted AS cents FROM accounts WHERE code LIKE 'fund/%'),
    moved AS (
        SELECT debit_account AS id, posted_at, -amount_cents AS cents FROM transfers
        WHERE debit_account IN (SELECT id FROM funds) AND posted_at > (CAST(:moments AS timestamptz[]))[1]
        UNION ALL
        SELECT credit_account, posted_at, amount_cents FROM transfers
        WHERE credit_account IN (SELECT id FROM funds) AND posted_at > (CAST(:moments AS timestamptz[]))[1]),
    later AS (
        SELECT id, (SELECT count(*) FROM unnest(CAST(:moments AS timestamptz[])) m WHERE m < posted_at) AS passed, sum(cents) AS cents
        FROM moved GROUP BY 1, 2)
    SELECT fund, funds.cents::bigint, coalesce(passed, 0), coalesce(later.cents, 0)::bigint FROM funds LEFT JOIN later USING (id)""")
"""Of each fund what is free now, and what moved since the first moment (oldest first): how many of them had `passed` by then, and how much.
One statement, so that both are of one snapshot; it reads no more of the past than those weeks."""


def balances_by_class(tx: Tx, fund_id: UUID | None) -> dict[tuple[UUID, str], int]:
    """Per fund and class of account (the first word of its code), what stands there. Of lots, only those that hold coins are read."""
    word = func.split_part(Account.code, "/", 1).label("word")
    sums = select(Account.fund, word, func.sum(Account.credits_posted - Account.debits_posted)).group_by(
        Account.fund, "word"
    )
    sums = sums if fund_id is None else sums.where(Account.fund == fund_id)
    both = union_all(
        sums.where(Account.expires_on.is_(None)), sums.where(Account.positive, Account.expires_on.is_not(None))
    )
    return {(fund, word): int(cents) for fund, word, cents in tx.session.execute(both)}


def flows_by_kind(tx: Tx, fund_id: UUID | None) -> dict[tuple[UUID, str], int]:
    """Per fund and kind of rare transfer (`models.RARE`), what moved less what was reversed of it."""
    reversed_ = aliased(Row)
    original = select(reversed_.kind).where(reversed_.id == Row.reversal_of).scalar_subquery()
    word = func.coalesce(original, Row.kind).label("word")
    signed = func.sum(case((Row.reversal_of.is_(None), Row.amount_cents), else_=-Row.amount_cents))
    sums = select(Row.fund, word, signed).where(text(f"transfers.{RARE}")).group_by(Row.fund, "word")
    sums = sums if fund_id is None else sums.where(Row.fund == fund_id)
    return {(fund, word): int(cents) for fund, word, cents in tx.session.execute(sums)}
