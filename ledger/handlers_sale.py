"""Sales and voids: somebody waits at a counter, so the answer comes at once, and is the same however often it is asked."""

from __future__ import annotations

from ledger import rules
from ledger.domain_values import Because
from ledger.models import Outcome
from ledger.posting import post
from ledger.queries import spendable_lots, transfers_of
from services.apis import ledger as api
from services.apis.errors import Refused, not_found
from services.events.ledger import CoinsSpent, CoinsUnspent
from services.kit.db import Tx


def post_sale(tx: Tx, body: api.PostSale) -> api.SalePosted:
    """Coins to what the shop is owed. The refusal stays in the books too, with what the coins would have paid."""
    lots = spendable_lots(tx, body.person_id, tx.city.day_of(tx.now), body.fund_ids)
    (answer,) = post(tx, [rules.sale(body, lots, Because(tx.correlation_id, tx.now))])
    outcome = answer.outcome
    if outcome.code == "conflict":
        raise Refused("id_reused", "This sale's id belongs to another sale. Take a new id for a new sale.", status=422)
    if outcome.state == "refused":
        payable = (outcome.facts or {}).get("available_cents", 0)
        raise Refused(
            "not_enough_coins",
            f"The coins here pay {payable // 100}.{payable % 100:02} of this. Take that part in coins and the rest in money."
            if payable
            else "There are no coins for this shop here. Look in the wallet what is there and where it can be spent.",
            {"payable_cents": payable},
            keep=True,
        )
    transfers = answer.transfers or transfers_of(tx, body.sale_id)
    parts, ids = rules.parts_of(transfers), tuple(sorted(t.transfer_id for t in transfers))
    if answer.fresh:
        tx.put(
            CoinsSpent(
                sale_id=body.sale_id, shop_id=body.shop_id, till_id=body.till_id, payment_code_id=body.payment_code_id,
                neighbourhood_id=body.neighbourhood_id, amount_cents=body.amount_cents, parts=parts,
            )
        )  # fmt: skip
    return api.SalePosted(sale_id=body.sale_id, amount_cents=body.amount_cents, parts=parts, transfer_ids=ids)


def post_void(tx: Tx, body: api.PostVoid) -> api.VoidPosted:
    """Every coin back to its lot. A lot whose last day has passed meanwhile gives it on to its fund when the expiry job comes by."""
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
            keep=True,
        )
    transfers = answer.transfers or transfers_of(tx, answer.outcome.request_id)
    parts, ids = rules.parts_of(transfers), tuple(sorted(t.transfer_id for t in transfers))
    if answer.fresh:
        shop_id = rules.owner_of(sold[0].credit)
        tx.put(CoinsUnspent(sale_id=body.sale_id, shop_id=shop_id, amount_cents=sale.amount_cents, parts=parts))
    return api.VoidPosted(sale_id=body.sale_id, amount_cents=sale.amount_cents, parts=parts, transfer_ids=ids)
