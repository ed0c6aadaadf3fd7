"""Sales: the moment when somebody waits at a counter, so the ledger is asked at once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import select

from services.apis import ledger as ledger_api
from services.apis import redemption as api
from services.apis.errors import Refused
from services.events import Envelope
from services.events.ledger import CoinsSpent, Part
from services.events.redemption import SaleAccepted
from services.kit.bulk import rows_of
from services.kit.db import Tx
from services.kit.ids import derived_id
from services.kit.telemetry import log
from services.redemption import domain
from services.redemption.handlers_code import is_card, lock_people, locked_code
from services.redemption.handlers_history import sale_view
from services.redemption.handlers_shop import agreement_of
from services.redemption.handlers_till import till_and_shop
from services.redemption.models import PaymentCode, Sale, Shop, Till


def make_sale(tx: Tx, body: api.MakeSale) -> api.Sale:
    """Take coins, or say what would work instead.

    The sale's id comes from the payment code: however often, by whatever till and key a code is presented, the ledger posts it once.
    (Only after the ledger has refused is there a next id for the same code: see `_post`.) If we die after the ledger has posted and
    before our commit, nothing of the sale is written here; then the ledger's `coins.spent` completes it (`on_coins_spent`), or the
    till's repeated request does. Both hold the person's row while they look and write, so only one does.
    """
    till, shop = till_and_shop(tx)
    code = locked_code(tx, body.code)
    if code is None:
        raise domain.not_a_payment_code(body.code, card=is_card(tx, body.code))
    known = _known(tx, code)
    if known.untold:
        untold = _untold(tx, body, till, code)
        if untold is not None:
            return sale_view(untold)
    sale_id = derived_id("sale", code.payment_code_id, code.refusals)
    try:
        ask = _decide(tx, body, till, shop, code, known, sale_id)
    except Refused:
        if code.used_at is None:
            _check_not_posted(tx, sale_id)
        raise
    posted = _post(tx, ask, code)
    sale = Sale(
        sale_id=sale_id, shop_id=till.shop_id, till_id=till.till_id, payment_code_id=code.payment_code_id,
        neighbourhood_id=ask.neighbourhood_id, amount_cents=body.amount_cents, sold_at=tx.now, told=True,
    )  # fmt: skip
    _write(tx, sale, posted.parts, code)
    return sale_view(sale)


def on_coins_spent(tx: Tx, events: list[Envelope[CoinsSpent]]) -> None:
    """Complete the sales the ledger has posted and we never wrote down. Normally there are none: our commit comes first."""
    missing = _unwritten(tx, events)
    if not missing:
        return
    # A sale may be missing only because its request is still between the ledger's answer and its commit. It holds its person's row:
    # we wait for that row, and look again. Without a code (forgotten, or of a person erased) there is no such request.
    codes = select(PaymentCode).where(PaymentCode.payment_code_id.in_({e.data.payment_code_id for e in missing}))
    lock_people(tx, [code.person_id for code in tx.session.scalars(codes)])
    known = {c.payment_code_id: c for c in tx.session.scalars(codes.execution_options(populate_existing=True))}
    tills = set(tx.session.scalars(select(Till.till_id).where(Till.till_id.in_({e.data.till_id for e in missing}))))
    for event in _unwritten(tx, missing):
        spent = event.data
        if spent.till_id not in tills:
            log("coins spent at an unknown till", level=logging.ERROR, sale_id=spent.sale_id, till_id=spent.till_id)
            continue
        sale = Sale(
            sale_id=spent.sale_id, shop_id=spent.shop_id, till_id=spent.till_id, payment_code_id=spent.payment_code_id,
            neighbourhood_id=spent.neighbourhood_id, amount_cents=spent.amount_cents, sold_at=event.occurred_at,
            told=False,
        )  # fmt: skip
        _write(tx, sale, spent.parts, known.get(spent.payment_code_id), because=event)


_KNOWN = """
    SELECT EXISTS (SELECT FROM sales WHERE payment_code_id = %(code)s AND NOT told),
        ARRAY(SELECT DISTINCT neighbourhood_id FROM participations WHERE person_id = %(person)s),
        (SELECT coalesce(sum(amount_cents), 0)::bigint FROM sales WHERE person_id = %(person)s AND day = %(day)s AND voided_at IS NULL),
        ARRAY(SELECT fund_id FROM funds ORDER BY fund_id), (SELECT json_agg(neighbourhood_ids ORDER BY fund_id) FROM funds)"""


class _Known(NamedTuple):
    """What is known of a code's owner and of where coins are good, read at once. `untold`: a sale of this code whose till had no answer."""

    untold: bool
    took_part: list[str]
    spent_today_cents: int
    fund_ids: list[UUID]
    fund_neighbourhoods: list[list[str]] | None


def _known(tx: Tx, code: PaymentCode) -> _Known:
    said = {"code": code.payment_code_id, "person": code.person_id, "day": tx.city.day_of(tx.now)}
    return _Known(*rows_of(tx.session, _KNOWN, **said)[0])


def _decide(
    tx: Tx, body: api.MakeSale, till: Till, shop: Shop, code: PaymentCode, known: _Known, sale_id: UUID
) -> ledger_api.PostSale:
    """Decide on what is known. Raises Refused."""
    facts = domain.SaleFacts(
        amount_cents=body.amount_cents,
        now=tx.now,
        day=tx.city.day_of(tx.now),
        code=domain.Code(code.expires_at, used=code.used_at is not None, replaced=code.replaced_at is not None),
        agreement=agreement_of(shop),
        shop_neighbourhoods=tuple(shop.neighbourhood_ids),
        took_part=frozenset(known.took_part),
        spent_today_cents=known.spent_today_cents,
    )
    places = zip(known.fund_ids, known.fund_neighbourhoods or (), strict=True)
    funds = [domain.Fund(fund_id, frozenset(where)) for fund_id, where in places]
    names = {n.id: n.name for n in tx.city.neighbourhoods}
    terms = domain.decide_sale(facts, limits=tx.city.sales, funds=funds, names=names)
    return ledger_api.PostSale(
        sale_id=sale_id, person_id=code.person_id, shop_id=shop.shop_id, till_id=till.till_id,
        payment_code_id=code.payment_code_id, neighbourhood_id=terms.neighbourhood_id, amount_cents=body.amount_cents,
        fund_ids=terms.fund_ids,
    )  # fmt: skip


def _untold(tx: Tx, body: api.MakeSale, till: Till, code: PaymentCode) -> Sale | None:
    """The sale `on_coins_spent` completed for a request that died before its answer: this is that request, asking again."""
    asked = (Sale.till_id == till.till_id, Sale.amount_cents == body.amount_cents)
    sale = tx.session.scalar(select(Sale).where(Sale.payment_code_id == code.payment_code_id, ~Sale.told, *asked))
    if sale is not None:
        sale.told = True
    return sale


def _post(tx: Tx, ask: ledger_api.PostSale, code: PaymentCode) -> ledger_api.SalePosted:
    """Ask the ledger. It remembers a refusal for good, so the next try of this code, with the payable part, needs a new id."""
    ledger = tx.clients["ledger"]
    try:
        posted: ledger_api.SalePosted = ledger.call(
            ledger_api.POST_SALE, ask, key=ask.sale_id, correlation_id=tx.correlation_id
        )
    except Refused as refusal:
        if refusal.code == "not_enough_coins":
            code.refusals += 1
            raise domain.too_few_coins(ask.amount_cents, refusal.facts["payable_cents"]) from refusal
        if refusal.code in ("key_reused", "id_reused"):
            # An earlier try died after the ledger's answer, and it asked for something else (another amount, or till).
            _check_not_posted(tx, ask.sale_id)
            raise domain.code_spoilt() from refusal
        raise
    return posted


def _check_not_posted(tx: Tx, sale_id: UUID) -> None:
    """Before this code is refused: did an earlier try that died, or whose answer got lost, perhaps pay?

    Then its `coins.spent` is on the way, and the till hears the truth when it asks again: a refusal now would make the customer pay
    twice. Raises Refused `sale_pending` (503: the key stays open). A posting still running in the ledger at this very moment is not
    seen; its sale then stands in the till's list, and can be voided there.
    """
    try:
        journal: ledger_api.Journal = tx.clients["ledger"].call(
            ledger_api.GET_JOURNAL, correlation_id=tx.correlation_id, journal=sale_id
        )
    except Refused as refusal:
        if refusal.code == "unknown_journal":
            return
        raise
    if journal.state == "posted":
        raise Refused(
            "sale_pending", "This sale is being written down. Ask again in a moment, with the same key.", status=503
        )


def _write(
    tx: Tx,
    sale: Sale,
    parts: Sequence[Part],
    code: PaymentCode | None,
    *,
    because: Envelope[CoinsSpent] | None = None,
) -> None:
    """Write the posted sale, use the code up, tell the others."""
    sale.void_told = False
    sale.parts = msgspec.to_builtins(parts)
    sale.day = tx.city.day_of(sale.sold_at)
    if code is not None:
        code.used_at = tx.now
        sale.person_id = code.person_id
    tx.session.add(sale)
    tx.put(
        SaleAccepted(
            sale_id=sale.sale_id, shop_id=sale.shop_id, till_id=sale.till_id, neighbourhood_id=sale.neighbourhood_id,
            amount_cents=sale.amount_cents, parts=tuple(parts), sold_at=sale.sold_at,
        ),
        because=because,
    )  # fmt: skip


def _unwritten(tx: Tx, events: Sequence[Envelope[CoinsSpent]]) -> list[Envelope[CoinsSpent]]:
    written = set(tx.session.scalars(select(Sale.sale_id).where(Sale.sale_id.in_([e.data.sale_id for e in events]))))
    return [e for e in events if e.data.sale_id not in written]
