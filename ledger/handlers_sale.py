"""Sales and voids: somebody waits at a counter, so the answer comes at once, and is the same however often it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from uuid import UUID

from ledger import rules
from ledger.domain_values import Answer, Because, Transfer
from ledger.models import Outcome
from ledger.posting import post
from ledger.queries import SpendableLot, spendable_lots, transfers_of
from services.apis import ledger as api
from services.apis.errors import Refused, not_found
from services.events.ledger import CoinsSpent, CoinsUnspent, Part
from services.kit.db import Tx
from services.kit.writer import Asked


def post_sales(tx: Tx, asked: Sequence[Asked]) -> list[api.SalesAnswered]:
    """Coins to what shops are owed, each sale whole or not at all. A refusal stays in the books, with what the coins would have paid."""
    groups: list[tuple[api.PostSale, ...]] = [one.body.sales for one in asked]
    sales = [sale for group in groups for sale in group]
    lots = spendable_lots(tx, [sale.person_id for sale in sales], tx.city.day_of(tx.now))
    answers = post(
        tx,
        [
            rules.sale(sale, lots_for(sale, lots[sale.person_id]), Because(sale.correlation_id, tx.now))
            for sale in sales
        ],
    )
    told = iter([_told(tx, sale, answer) for sale, answer in zip(sales, answers, strict=True)])
    return [api.SalesAnswered(answers=tuple(islice(told, len(group)))) for group in groups]


def _told(tx: Tx, sale: api.PostSale, answer: Answer) -> api.SalePosted | api.SaleRefused:
    if answer.outcome.state == "refused":
        conflict = answer.outcome.code == "conflict"
        return api.SaleRefused(
            sale_id=sale.sale_id, code="id_reused" if conflict else "not_enough_coins", payable_cents=payable_of(answer)
        )
    parts, ids = moved(answer.transfers or transfers_of(tx, sale.sale_id))
    if answer.fresh:
        tx.correlation_id = sale.correlation_id
        tx.put(
            CoinsSpent(
                sale_id=sale.sale_id, shop_id=sale.shop_id, till_id=sale.till_id, payment_code_id=sale.payment_code_id,
                neighbourhood_id=sale.neighbourhood_id, amount_cents=sale.amount_cents, parts=parts,
            )
        )  # fmt: skip
    return api.SalePosted(sale_id=sale.sale_id, amount_cents=sale.amount_cents, parts=parts, transfer_ids=ids)


def lots_for(asked: api.PostSale | api.PostHold, lots: Iterable[SpendableLot]) -> list[str]:
    """The accounts of the lots a sale or hold may take from, in order."""
    return [lot.code for lot in lots if asked.fund_ids is None or lot.fund_id in asked.fund_ids]


def payable_of(answer: Answer) -> int:
    """What the coins would have paid of a sale or hold that was refused."""
    return int((answer.outcome.facts or {}).get("available_cents", 0))


def moved(transfers: Sequence[Transfer]) -> tuple[tuple[Part, ...], tuple[UUID, ...]]:
    """What each fund gave, and the ids of the transfers."""
    return rules.parts_of(transfers), tuple(sorted(t.transfer_id for t in transfers))


def post_void(tx: Tx, body: api.PostVoid) -> api.VoidPosted:
    """Every coin back to its lot. A lot whose last day has passed meanwhile gives it on to its fund when the expiry job comes by.

    A refusal is no memory of the books: should the bank send the shop's money back, the next try finds it there.
    """
    sale = tx.session.get(Outcome, body.sale_id)
    if sale is None or sale.kind != "sale" or sale.state != "posted":
        raise not_found("sale", body.sale_id)
    sold = transfers_of(tx, body.sale_id)
    (answer,) = post(tx, [rules.void(body.sale_id, sold, Because(tx.correlation_id, tx.now))])
    if answer.outcome.state == "refused":
        raise Refused(
            "sale_paid_out",
            "The shop is being paid for this sale already. Settle it with the customer in money.",
            {"sale_id": str(body.sale_id)},
        )
    parts, ids = moved(answer.transfers or transfers_of(tx, answer.outcome.request_id))
    if answer.fresh:
        shop_id = rules.owner_of(sold[0].credit)
        tx.put(CoinsUnspent(sale_id=body.sale_id, shop_id=shop_id, amount_cents=sale.amount_cents, parts=parts))
    return api.VoidPosted(sale_id=body.sale_id, amount_cents=sale.amount_cents, parts=parts, transfer_ids=ids)
