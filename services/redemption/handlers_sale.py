"""Sales: the moment when somebody waits at a counter, so the ledger is asked at once – for all who wait at that moment together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from services.apis import ledger as ledger_api
from services.apis import redemption as api
from services.apis.errors import Refused
from services.events import Envelope
from services.events.ledger import CoinsSpent, Part
from services.events.redemption import SaleAccepted
from services.kit.bulk import array, rows_of, sending
from services.kit.db import Tx
from services.kit.ids import derived_id
from services.kit.telemetry import log
from services.kit.writer import Asked
from services.redemption import domain
from services.redemption.handlers_code import hash_of, lock_owners, lock_people
from services.redemption.handlers_history import sale_view
from services.redemption.handlers_offline import not_known
from services.redemption.handlers_till import no_till, unpaired_till
from services.redemption.models import PaymentCode, Sale, Till

_KNOWN = """
    SELECT till_id, t.shop_id, unpaired_at IS NOT NULL, neighbourhood_ids, signed_on, ends_on, closed_at IS NOT NULL,
        payment_code_id, person_id,
        LEAST(expires_at, (SELECT ends_at FROM payment_keys WHERE payment_keys.payment_key_id = c.payment_key_id)),
        refusals, used_at IS NOT NULL,
        replaced_at IS NOT NULL OR c.payment_key_id IS NOT NULL AND EXISTS (
            SELECT FROM payment_codes newer
            WHERE newer.payment_key_id = c.payment_key_id AND newer.step > c.step AND newer.used_at IS NOT NULL),
        EXISTS (SELECT FROM sales WHERE sales.payment_code_id = c.payment_code_id AND NOT told),
        ARRAY(SELECT DISTINCT neighbourhood_id FROM participations WHERE participations.person_id = c.person_id),
        (SELECT coalesce(sum(amount_cents), 0)::bigint FROM sales
         WHERE sales.person_id = c.person_id AND day = %(day)s AND voided_at IS NULL)
    FROM unnest(%(tills)s::uuid[], %(hashes)s::bytea[]) WITH ORDINALITY AS asked (till, hash, n)
        LEFT JOIN tills t ON till_id = till LEFT JOIN shops USING (shop_id) LEFT JOIN payment_codes c ON code_hash = hash
    ORDER BY n"""
_FUNDS = "SELECT fund_id, neighbourhood_ids FROM funds ORDER BY fund_id"
_USED = "UPDATE payment_codes SET used_at = %(now)s WHERE payment_code_id = ANY(%(ids)s::uuid[])"
_REFUSED = "UPDATE payment_codes SET refusals = refusals + 1 WHERE payment_code_id = ANY(%(ids)s::uuid[])"
_SALES = {
    "sale_id": "uuid", "shop_id": "uuid", "till_id": "uuid", "payment_code_id": "uuid", "person_id": "uuid", "neighbourhood_id": "text",
    "amount_cents": "int4", "parts": "jsonb", "sold_at": "timestamptz", "day": "date", "told": "bool", "void_told": "bool",
}  # fmt: skip


class _Known(NamedTuple):
    """What is known of one request: its till and shop, the code and whose it is, where they took part and what they spent today.

    `untold`: there is a sale of this code whose till had no answer.
    """

    till_id: UUID | None
    shop_id: UUID
    unpaired: bool
    neighbourhood_ids: list[str]
    signed_on: date
    ends_on: date | None
    closed: bool
    payment_code_id: UUID | None
    person_id: UUID
    expires_at: datetime
    refusals: int
    used: bool
    replaced: bool
    untold: bool
    took_part: list[str]
    spent_today_cents: int


class _Sale(NamedTuple):
    """A posted sale, to be written. `person_id`: None when its code is forgotten, or the person was erased."""

    sale_id: UUID
    shop_id: UUID
    till_id: UUID
    payment_code_id: UUID
    person_id: UUID | None
    neighbourhood_id: str
    amount_cents: int
    parts: tuple[Part, ...]
    sold_at: datetime
    told: bool


def make_sales(tx: Tx, asked: Sequence[Asked]) -> list[api.Sale | Refused]:
    """Take coins, or say what would work instead.

    A sale's id comes from its payment code: however often, by whatever till and key a code is presented, the ledger posts it once. (Only
    after the ledger has refused is there a next id for the same code: `refusals`.) If we die after the ledger has posted and before our
    commit, nothing of the sale is written here; then the ledger's `coins.spent` completes it (`on_coins_spent`), or the till's repeated
    request does. All hold the person's row while they look and write, so only one does.
    """
    hashes = [hash_of(one.body.code) for one in asked]
    lock_owners(tx, hashes)
    # Read only now: while we waited for the locks, another till may have used a code, or an erasure removed it.
    tills = array([one.who.id if one.who.kind == "till" else None for one in asked])
    rows = rows_of(tx.session, _KNOWN, tills=tills, hashes=hashes, day=tx.city.day_of(tx.now))
    funds = [domain.Fund(fund_id, frozenset(where)) for fund_id, where in rows_of(tx.session, _FUNDS)]
    answers: dict[int, api.Sale | Refused] = {}
    asks: dict[int, ledger_api.PostSale] = {}
    paying: set[UUID] = set()
    for n, (one, row) in enumerate(zip(asked, rows, strict=True)):
        known = _Known(*row)
        if known.person_id in paying:
            continue
        try:
            to_do = _decide(tx, one, known, funds)
        except Refused as refusal:
            answers[n] = refusal
        else:
            if isinstance(to_do, api.Sale):
                answers[n] = to_do
            else:
                asks[n] = to_do
                paying.add(known.person_id)
    if asks:
        answers |= zip(asks, _post(tx, list(asks.values())), strict=True)
    # Two codes of one person, of two phones perhaps: the second is decided on what the first has left.
    if later := [n for n in range(len(asked)) if n not in answers]:
        answers |= zip(later, make_sales(tx, [asked[n] for n in later]), strict=True)
    return [answers[n] for n in range(len(asked))]


def _decide(tx: Tx, one: Asked, known: _Known, funds: Sequence[domain.Fund]) -> ledger_api.PostSale | api.Sale:
    """What to ask the ledger; or the answer an earlier request of this till never got. Raises Refused."""
    body: api.MakeSale = one.body
    if one.who.kind != "till":
        raise no_till()
    if known.till_id is None or known.unpaired:
        raise unpaired_till()
    if known.payment_code_id is None:
        raise not_known(tx, body.code)
    if known.untold and (untold := _untold(tx, body, known)):
        return untold
    sale_id = derived_id("sale", known.payment_code_id, known.refusals)
    facts = domain.SaleFacts(
        amount_cents=body.amount_cents,
        now=tx.now,
        day=tx.city.day_of(tx.now),
        code=domain.Code(known.expires_at, used=known.used, replaced=known.replaced),
        agreement=domain.Agreement(known.signed_on, known.ends_on, closed=known.closed),
        shop_neighbourhoods=tuple(known.neighbourhood_ids),
        took_part=frozenset(known.took_part),
        spent_today_cents=known.spent_today_cents,
    )
    names = {n.id: n.name for n in tx.city.neighbourhoods}
    try:
        terms = domain.decide_sale(facts, limits=tx.city.sales, funds=funds, names=names)
    except Refused:
        if not known.used:
            _check_not_posted(tx, sale_id)
        raise
    return ledger_api.PostSale(
        sale_id=sale_id, person_id=known.person_id, shop_id=known.shop_id, till_id=known.till_id,
        payment_code_id=known.payment_code_id, neighbourhood_id=terms.neighbourhood_id, amount_cents=body.amount_cents,
        fund_ids=terms.fund_ids, correlation_id=one.correlation_id,
    )  # fmt: skip


def _untold(tx: Tx, body: api.MakeSale, known: _Known) -> api.Sale | None:
    """The sale `on_coins_spent` completed for a request that died before its answer: this is that request, asking again."""
    asked = (Sale.till_id == known.till_id, Sale.amount_cents == body.amount_cents)
    sale = tx.session.scalar(select(Sale).where(Sale.payment_code_id == known.payment_code_id, ~Sale.told, *asked))
    if sale is None:
        return None
    sale.told = True
    return sale_view(sale)


def _post(tx: Tx, asks: Sequence[ledger_api.PostSale]) -> list[api.Sale | Refused]:
    """Ask the ledger, write what it posted. It remembers a refusal for good, so the next try of a code, with the payable part, needs a new
    id. When it gives no answer, all these hear so, and keep their keys."""
    try:
        said: ledger_api.SalesAnswered = tx.clients["ledger"].call(
            ledger_api.POST_SALES, ledger_api.PostSales(sales=tuple(asks)), correlation_id=tx.correlation_id
        )
    except Refused as away:
        return [away] * len(asks)
    answers: list[api.Sale | Refused] = []
    made: list[_Sale] = []
    refused: list[UUID] = []
    for ask, answer in zip(asks, said.answers, strict=True):
        if isinstance(answer, ledger_api.SalePosted):
            made.append(_Sale(
                ask.sale_id, ask.shop_id, ask.till_id, ask.payment_code_id, ask.person_id, ask.neighbourhood_id, ask.amount_cents,
                answer.parts, tx.now, told=True,
            ))  # fmt: skip
            tx.correlation_id = ask.correlation_id
            _tell(tx, made[-1])
            sold = api.Sale(
                sale_id=ask.sale_id, till_id=ask.till_id, amount_cents=ask.amount_cents, sold_at=tx.now, voided_at=None
            )  # fmt: skip
            answers.append(sold)
        elif answer.code == "not_enough_coins":
            refused.append(ask.payment_code_id)
            answers.append(domain.too_few_coins(ask.amount_cents, answer.payable_cents))
        else:
            answers.append(_spoilt(tx, ask.sale_id))
    _write(tx, made)
    if refused:
        rows_of(tx.session, _REFUSED, ids=array(refused))
    return answers


def _spoilt(tx: Tx, sale_id: UUID) -> Refused:
    """An earlier try died after the ledger's answer, and it asked for something else (another amount, or till)."""
    try:
        _check_not_posted(tx, sale_id)
    except Refused as pending:
        return pending
    return domain.code_spoilt()


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


def on_coins_spent(tx: Tx, events: list[Envelope[CoinsSpent]]) -> None:
    """Complete the sales the ledger has posted and we never wrote down. Normally there are none: our commit comes first."""
    missing = _unwritten(tx, events)
    if not missing:
        return
    # A sale may be missing only because its request is still between the ledger's answer and its commit. It holds its person's row:
    # we wait for that row, and look again. Without a code (forgotten, or of a person erased) there is no such request.
    codes = select(PaymentCode.payment_code_id, PaymentCode.person_id)
    codes = codes.where(PaymentCode.payment_code_id.in_({e.data.payment_code_id for e in missing}))
    lock_people(tx, [person_id for _, person_id in tx.session.execute(codes)])
    people: dict[UUID, UUID] = dict(iter(tx.session.execute(codes)))
    tills = set(tx.session.scalars(select(Till.till_id).where(Till.till_id.in_({e.data.till_id for e in missing}))))
    made: list[_Sale] = []
    for event in _unwritten(tx, missing):
        spent = event.data
        if spent.till_id not in tills:
            log("coins spent at an unknown till", level=logging.ERROR, sale_id=spent.sale_id, till_id=spent.till_id)
            continue
        made.append(_Sale(
            spent.sale_id, spent.shop_id, spent.till_id, spent.payment_code_id, people.get(spent.payment_code_id),
            spent.neighbourhood_id, spent.amount_cents, spent.parts, event.occurred_at, told=False,
        ))  # fmt: skip
        _tell(tx, made[-1], because=event)
    _write(tx, made)


def _write(tx: Tx, made: Sequence[_Sale]) -> None:
    """Write posted sales, and use their codes up."""
    if not made:
        return
    rows = [(*sale[:-3], sale.parts, sale.sold_at, tx.city.day_of(sale.sold_at), sale.told, False) for sale in made]
    with sending(tx.session) as out:
        out.copy("sales", _SALES, rows)
        out.run(_USED, ids=array([sale.payment_code_id for sale in made]), now=tx.now)


def _tell(tx: Tx, sale: _Sale, *, because: Envelope[CoinsSpent] | None = None) -> None:
    tx.put(
        SaleAccepted(
            sale_id=sale.sale_id, shop_id=sale.shop_id, till_id=sale.till_id, neighbourhood_id=sale.neighbourhood_id,
            amount_cents=sale.amount_cents, parts=sale.parts, sold_at=sale.sold_at,
        ),
        because=because,
    )  # fmt: skip


def _unwritten(tx: Tx, events: Sequence[Envelope[CoinsSpent]]) -> list[Envelope[CoinsSpent]]:
    written = set(tx.session.scalars(select(Sale.sale_id).where(Sale.sale_id.in_([e.data.sale_id for e in events]))))
    return [e for e in events if e.data.sale_id not in written]
