"""Where the coins of sales came from, without whose they were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate, takewhile
from uuid import UUID

from sqlalchemy import select

from ledger import rules
from ledger.domain_values import Transfer
from ledger.models import Account
from ledger.models import Transfer as Row
from ledger.queries import TRANSFERS, by_index, read, touching, transfers_of
from services.apis import ledger_origin as api
from services.kit.db import Tx


def post_origins(tx: Tx, body: api.AskOrigins) -> api.Origins:
    by_index(tx)
    moved: dict[UUID, list[Transfer]] = defaultdict(list)
    for transfer in transfers_of(tx, *body.sale_ids):
        if rules.class_of(transfer.debit) == "coins":
            moved[transfer.journal].append(transfer)
    lots = _lots(tx, {transfer.debit for sale in moved.values() for transfer in sale})
    return api.Origins(
        sales=tuple(
            api.Origin(
                sale_id=sale_id,
                parts=tuple(
                    api.SpentPart(
                        transfer_id=one.transfer_id, fund_id=one.fund_id, amount_cents=one.amount_cents,
                        awards=tuple(awards_behind(one, lots[one.debit])),
                    )
                    for one in moved.get(sale_id, ())
                ),
            )
            for sale_id in body.sale_ids
        )
    )  # fmt: skip


def _lots(tx: Tx, codes: Iterable[str]) -> dict[str, list[Transfer]]:
    """All that ever moved in these lots, oldest first."""
    ids = list(tx.session.scalars(select(Account.id).where(Account.code.in_(list(codes)))))
    lots: dict[str, list[Transfer]] = defaultdict(list)
    for transfer in read(tx, TRANSFERS.where(touching(ids)).order_by(Row.seq)) if ids else ():
        lots[transfer.debit].append(transfer)
        lots[transfer.credit].append(transfer)
    return lots


def awards_behind(spent: Transfer, lot: Sequence[Transfer]) -> Iterable[api.FromAward]:
    """The awards a transfer out of a lot drew on. `lot`: all that moved in it, oldest first."""
    code = spent.debit
    earlier = list(takewhile(lambda one: one.transfer_id != spent.transfer_id, lot))
    issued = [one for one in earlier if one.kind == "award"]
    gone = sum(
        one.amount_cents if one.debit == code else -one.amount_cents for one in earlier if one.kind != "award"
    )  # what a void put back was never gone
    for award, so_far in zip(issued, accumulate(one.amount_cents for one in issued), strict=True):
        first, last = max(gone, so_far - award.amount_cents), min(gone + spent.amount_cents, so_far)
        if first < last:
            yield api.FromAward(award_id=award.journal, amount_cents=last - first)
