"""Voids heard when their sale is in a claim already: the claim is paid without them, or closed, or waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from infra.wiring import Town
from ledger.audit import audit
from services.apis import redemption
from services.apis import reimbursement as api
from services.apis import reimbursement_payment as payment_api
from services.apis.errors import Refused
from services.events.ledger import Part
from services.events.redemption import SaleVoided
from services.events.reimbursement import PaymentReleased
from services.kit.parked import parked
from tests.builders import As, tell
from tests.builders_ledger import balance
from tests.builders_redemption import ATill, a_customer, a_payment_code
from tests.builders_reimbursement import (
    MAY,
    OWN,
    a_bank,
    a_finance_officer,
    a_prepared_batch,
    a_released_batch,
    a_till_with_sales,
    an_approved_account,
    go_to,
    issue_statements,
    pay_everything,
    the_bank_answers,
    the_owner,
    the_statement,
    three_hands,
    told,
)

LAST_EVENING = datetime(2026, 5, 31, 21, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Scene:
    """A shop with sales of one customer's coins in May; the void of some is on its way when May is claimed."""

    town: Town
    till: ATill
    customer: As
    sales: tuple[redemption.Sale, ...]

    def claim_with_voids_on_the_way(self, *voided: int) -> api.Claim:
        self.town.clock.move_to(LAST_EVENING)  # type: ignore[attr-defined]
        for number in voided:
            self.till.void(self.sales[number].sale_id)
        go_to(self.town, MAY)
        a_finance_officer(self.town).ask(OWN, api.POST_STATEMENTS, period=MAY)
        return self.claim()

    def claim(self, period: str = MAY) -> api.Claim:
        statement = the_statement(self.town, self.till.shop_id, period).statement
        return the_owner(self.town, self.till.shop_id).ask(OWN, api.POST_CONFIRM, statement_id=statement.statement_id)

    def owed(self) -> api.Owed:
        return the_owner(self.town, self.till.shop_id).ask(OWN, api.GET_OWED, shop_id=self.till.shop_id)

    def document(self, claim: api.Claim) -> api.NotaDiDebito:
        return the_owner(self.town, self.till.shop_id).ask(OWN, api.GET_NOTA, claim_id=claim.claim_id)

    def sell(self, cents: int) -> redemption.Sale:
        sale = self.till.sell(a_payment_code(self.town, self.customer), cents)
        self.town.settle()
        return sale

    def hear_void(self, sale: redemption.Sale) -> None:
        """The news of a void alone, whatever the ledger would have said to it."""
        fund_id = the_statement(self.town, self.till.shop_id, MAY).statement.parts[0].fund_id
        voided = SaleVoided(
            sale_id=sale.sale_id, shop_id=self.till.shop_id, till_id=self.till.till_id, neighbourhood_id="le-querce",
            amount_cents=sale.amount_cents, parts=(Part(fund_id=fund_id, amount_cents=sale.amount_cents),),
            sold_at=sale.sold_at, voided_at=self.town.clock.now(),
        )  # fmt: skip
        tell(self.town, voided)


def a_scene(town: Town, *cents: int) -> Scene:
    till, customer = a_till_with_sales(town), a_customer(town, 3000)
    an_approved_account(town, till.shop_id)
    sales = tuple(till.sell(a_payment_code(town, customer), amount) for amount in cents)
    town.settle()
    return Scene(town, till, customer, sales)


def test_a_void_heard_after_its_claim_is_not_paid_and_the_document_shows_it(town: Town) -> None:
    scene = a_scene(town, 500, 400)
    claim = scene.claim_with_voids_on_the_way(0)
    assert (claim.amount_cents, claim.voided_cents) == (900, 0)

    town.settle()

    owed = scene.owed()
    assert ([c.amount_cents for c in owed.claims], owed.owed_cents, owed.open_lines) == ([400], 400, 0)
    document = scene.document(claim)
    assert (document.amount_cents, document.voided_cents, document.due_cents) == (900, 500, 400)
    batch = pay_everything(town)
    assert [(p.amount_cents, p.state) for p in batch.payments] == [(400, "settled")]
    [released] = told(town, PaymentReleased)
    assert [part.amount_cents for part in released.parts] == [400]
    trail = As(town, ("auditor", None)).ask(OWN, payment_api.GET_TRAIL, payment_id=batch.payments[0].payment_id)
    assert (trail.undone_sale_ids, trail.parts) == ((scene.sales[0].sale_id,), released.parts)
    assert town.check() == []


def test_a_void_its_claim_has_settled_is_on_no_later_statement(town: Town) -> None:
    scene = a_scene(town, 500, 400)
    scene.claim_with_voids_on_the_way(0)
    town.settle()
    scene.sell(700)
    issue_statements(town, "2026-06")
    june = the_statement(town, scene.till.shop_id, "2026-06").statement
    assert (june.amount_cents, june.sale_count, june.void_count) == (700, 1, 0)
    pay_everything(town)
    assert scene.owed().owed_cents == 0
    assert town.check() == []


@pytest.mark.parametrize("heard_first", [False, True])
def test_a_claim_with_nothing_left_to_pay_is_closed_without_payment(town: Town, heard_first: bool) -> None:
    """Whether the void is heard before the shop confirms, or after: a statement of nothing is none, so it waits for the claim."""
    scene, finance = a_scene(town, 450), a_finance_officer(town)
    if heard_first:
        town.clock.move_to(LAST_EVENING)  # type: ignore[attr-defined]
        scene.till.void(scene.sales[0].sale_id)
        go_to(town, MAY)
        finance.ask(OWN, api.POST_STATEMENTS, period=MAY)
        town.settle()
        claim = scene.claim()
    else:
        claim = scene.claim_with_voids_on_the_way(0)
        town.settle()
    [closed] = finance.ask(OWN, api.GET_CLAIMS, query=api.ClaimQuery(state="closed")).claims
    assert (closed.claim_id, closed.amount_cents, closed.voided_cents) == (claim.claim_id, 450, 450)
    assert finance.ask(OWN, api.GET_CLAIMS, query=api.ClaimQuery(state="payable")).claims == ()
    with pytest.raises(Refused, match="payment_batch_empty"):
        a_prepared_batch(town, finance)
    with pytest.raises(Refused, match=r"claim_not_payable.*nothing is left"):
        finance.ask(OWN, payment_api.POST_BATCH, payment_api.PrepareBatch(claim_ids=(claim.claim_id,)))
    assert (scene.owed().owed_cents, scene.owed().claims) == (0, ())
    assert town.check() == []


def test_a_batch_prepared_before_the_void_was_heard_goes_no_further(town: Town) -> None:
    scene, (prepares, approves, releases) = a_scene(town, 500, 400), three_hands(town)
    scene.claim_with_voids_on_the_way(0)
    batch = a_prepared_batch(town, prepares)
    approves.ask(OWN, payment_api.POST_BATCH_APPROVE, batch_id=batch.batch_id)
    town.settle()
    with pytest.raises(Refused, match="claim_lessened"):
        releases.ask(OWN, payment_api.POST_BATCH_RELEASE, batch_id=batch.batch_id)
    prepares.ask(OWN, payment_api.POST_BATCH_CANCEL, batch_id=batch.batch_id)
    assert a_released_batch(town, (prepares, approves, releases)).amount_cents == 400
    assert town.check() == []


def test_a_void_no_claim_can_bear_waits_for_a_statement_and_its_claim_with_it(town: Town) -> None:
    scene, finance = a_scene(town, 500), a_finance_officer(town)
    issue_statements(town)
    scene.claim()
    a_released_batch(town)
    scene.hear_void(scene.sales[0])  # the order is out: it lessens the next statement
    june = scene.sell(600)
    issue_statements(town, "2026-06")
    claim = scene.claim("2026-06")
    assert claim.amount_cents == 100

    scene.hear_void(june)

    assert [(c.amount_cents, c.blocked) for c in scene.owed().claims if c.claim_id == claim.claim_id] == [
        (100, "void_waits")
    ]
    with pytest.raises(Refused, match="payment_batch_empty"):
        a_prepared_batch(town, finance)
    with pytest.raises(Refused, match="claim_not_payable"):
        finance.ask(OWN, payment_api.POST_BATCH, payment_api.PrepareBatch(claim_ids=(claim.claim_id,)))
    scene.sell(700)
    issue_statements(town, "2026-07")
    assert scene.claim("2026-07").amount_cents == 100
    assert [p.amount_cents for p in a_released_batch(town).payments] == [100, 100]
    assert town.check() == []


def test_a_void_heard_after_its_payment_was_ordered_lessens_the_next_statement_and_parks_nothing(town: Town) -> None:
    """The coins were put back before the order was heard, so the shop is paid too much, and owes it from its next sales."""
    scene = a_scene(town, 500, 400)
    scene.claim_with_voids_on_the_way(0)
    batch = a_released_batch(town)
    assert batch.amount_cents == 900
    assert [parked(ctx) for ctx in town.rooms.values() if parked(ctx)] == []
    fund_id = the_statement(town, scene.till.shop_id, MAY).statement.parts[0].fund_id

    def stands(word: str) -> int:
        return balance(town, f"{word}/{scene.till.shop_id}/{fund_id}")

    assert (stands("shop"), stands("overpaid")) == (0, -500)
    the_bank_answers(town, a_bank(town), batch.batch_id)
    scene.sell(700)
    issue_statements(town, "2026-06")
    assert the_statement(town, scene.till.shop_id, "2026-06").statement.amount_cents == 200
    assert [payment.amount_cents for payment in pay_everything(town).payments] == [200]
    assert (stands("shop"), stands("overpaid")) == (0, 0)
    assert scene.owed().owed_cents == 0
    assert town.check() == []
    assert audit(town.rooms["ledger"].engine)[0].findings == []
