"""Shops query and confirm their statements; a confirmed one is a claim with its number and document."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import msgspec
import pytest

from infra.wiring import Town
from services.apis import reimbursement as api
from services.apis.errors import Refused
from services.kit.ids import new_id
from tests.builders import As
from tests.builders_redemption import ATill
from tests.builders_reimbursement import (
    MAY,
    OWN,
    a_finance_officer,
    a_till_with_sales,
    an_approved_account,
    confirm_everything,
    issue_statements,
    pay_everything,
    the_owner,
    the_statement,
)


@dataclass(frozen=True)
class Scene:
    town: Town
    till: ATill
    owner: As
    statement: api.FullStatement

    def query(self, line_id: UUID | None = None) -> api.Query:
        body = api.AskQuery(line_id=line_id or self.statement.lines[0].line_id, reason="It was 4.00, not 4.50")
        return self.owner.ask(OWN, api.POST_QUERY, body, statement_id=self.statement.statement.statement_id)

    def confirm(self) -> api.Claim:
        return self.owner.ask(OWN, api.POST_CONFIRM, statement_id=self.statement.statement.statement_id)

    def settle(self, query: api.Query) -> api.Query:
        body = api.SettleQuery(answer="The till says 4.50 at 10:00")
        return a_finance_officer(self.town).ask(OWN, api.POST_QUERY_SETTLE, body, query_id=query.query_id)


@pytest.fixture
def scene(town: Town) -> Scene:
    till = a_till_with_sales(town, 450, 800)
    issue_statements(town)
    return Scene(town, till, the_owner(town, till.shop_id), the_statement(town, till.shop_id))


def test_a_queried_statement_waits_for_the_citys_answer(scene: Scene) -> None:
    query = scene.query()
    with pytest.raises(Refused, match="statement_queried"):
        scene.confirm()
    with pytest.raises(Refused, match="already_queried"):
        scene.query()
    finance = a_finance_officer(scene.town)
    with pytest.raises(Refused, match="queries_open"):
        finance.ask(OWN, api.POST_PERIOD_CLOSE, period=MAY)
    [waiting] = finance.ask(OWN, api.GET_STATEMENTS, query=api.StatementQuery(state="queried")).statements
    assert waiting.shop_id == scene.till.shop_id

    settled = scene.settle(query)

    assert the_statement(scene.town, scene.till.shop_id).queries == (settled,)
    assert scene.confirm().amount_cents == 1250
    finance.ask(OWN, api.POST_PERIOD_CLOSE, period=MAY)
    assert scene.town.check() == []


def test_a_statement_waits_until_its_last_query_is_answered(scene: Scene) -> None:
    first, second = (scene.query(line.line_id) for line in scene.statement.lines)
    scene.settle(first)
    with pytest.raises(Refused, match="statement_queried"):
        scene.confirm()
    with pytest.raises(Refused, match="query_settled"):
        scene.settle(first)
    scene.settle(second)
    scene.confirm()


def test_only_a_line_of_the_statement_can_be_queried_and_only_before_the_claim(scene: Scene) -> None:
    with pytest.raises(Refused, match="unknown_line"):
        scene.query(new_id())
    with pytest.raises(Refused, match="unknown_query"):
        scene.settle(msgspec.structs.replace(scene.query(), query_id=new_id()))
    other = a_till_with_sales(scene.town, 500)
    issue_statements(scene.town, "2026-06")
    theirs = replace(
        scene, owner=the_owner(scene.town, other.shop_id), statement=the_statement(scene.town, other.shop_id)
    )
    with pytest.raises(Refused, match="unknown_line"):
        theirs.query(scene.statement.lines[0].line_id)
    theirs.confirm()
    for again in (theirs.query, theirs.confirm):
        with pytest.raises(Refused, match="already_claimed"):
            again()


def test_finance_does_not_confirm_in_the_shops_name(scene: Scene) -> None:
    with pytest.raises(Refused, match="not_allowed"):
        a_finance_officer(scene.town).ask(OWN, api.POST_CONFIRM, statement_id=scene.statement.statement.statement_id)
    both = As(scene.town, ("finance", None), ("shop_owner", new_id()))
    with pytest.raises(Refused, match="not_allowed"):
        both.ask(OWN, api.POST_CONFIRM, statement_id=scene.statement.statement.statement_id)


def test_claims_are_numbered_without_gaps_in_each_shop_and_year(town: Town) -> None:
    ours, theirs = a_till_with_sales(town, 450), a_till_with_sales(town, 300)
    issue_statements(town)
    a_till_with_sales(town, 200, till=ours)
    issue_statements(town, "2026-06")
    confirm_everything(town)
    a_till_with_sales(town, 100, till=ours)
    issue_statements(town, "2026-12")
    confirm_everything(town)
    claims = a_finance_officer(town).ask(OWN, api.GET_CLAIMS, query=api.ClaimQuery()).claims
    numbers = {(c.shop_id, c.year, c.number) for c in claims}
    assert numbers == {
        (ours.shop_id, 2026, 1),
        (ours.shop_id, 2026, 2),
        (theirs.shop_id, 2026, 1),
        (ours.shop_id, 2027, 1),
    }
    assert town.check() == []


def test_the_document_carries_a_stamp_above_the_threshold_that_is_never_part_of_the_coins_money(town: Town) -> None:
    small, large = a_till_with_sales(town, 4000, 3747), a_till_with_sales(town, 4000, 3748)
    account = an_approved_account(town, large.shop_id)
    issue_statements(town)
    claims = {claim.shop_id: claim for claim in confirm_everything(town)}
    document = the_owner(town, large.shop_id).ask(OWN, api.GET_NOTA, claim_id=claims[large.shop_id].claim_id)
    assert (document.number, document.issued_on) == ("1/2026", date(2026, 6, 1))
    assert (document.amount_cents, document.stamp_cents, document.stamp_borne_by) == (7748, 200, "city")
    assert (document.creditor_iban, document.debtor) == (account.iban, "Comune di Valdarco")
    unstamped = the_owner(town, small.shop_id).ask(OWN, api.GET_NOTA, claim_id=claims[small.shop_id].claim_id)
    assert (unstamped.amount_cents, unstamped.stamp_cents, unstamped.stamp_basis) == (7747, 0, None)
    with pytest.raises(Refused, match="unknown_claim"):
        the_owner(town, small.shop_id).ask(OWN, api.GET_NOTA, claim_id=claims[large.shop_id].claim_id)


def test_a_shop_sees_what_it_will_be_paid_and_when(scene: Scene) -> None:
    town, shop_id = scene.town, scene.till.shop_id
    a_till_with_sales(town, 300, till=scene.till)

    def owed() -> api.Owed:
        return scene.owner.ask(OWN, api.GET_OWED, shop_id=shop_id)

    first = owed()
    assert (first.owed_cents, first.open_cents, first.next_statement_from) == (1550, 300, date(2026, 7, 1))
    assert [(s.period, s.amount_cents, s.state) for s in first.statements] == [(MAY, 1250, "open")]

    scene.confirm()
    [claim] = owed().claims
    assert (claim.number, claim.state, claim.blocked) == ("1/2026", "payable", "no_iban")

    an_approved_account(town, shop_id)
    assert owed().claims[0].blocked is None
    pay_everything(town, outcome=lambda reference: "unpaid")
    [ordered] = owed().claims
    assert (ordered.state, ordered.expected_on) == ("ordered", date(2026, 6, 2))
    assert owed().payments[0].state == "released"
    assert owed().owed_cents == 1550


def test_the_claims_of_a_shop_can_be_chosen_by_state(scene: Scene) -> None:
    scene.confirm()
    finance = a_finance_officer(scene.town)
    for state, count in (("payable", 1), ("in_batch", 0), ("ordered", 0), ("paid", 0)):
        query = api.ClaimQuery(state=state, shop_id=scene.till.shop_id)  # type: ignore[arg-type]
        assert len(finance.ask(OWN, api.GET_CLAIMS, query=query).claims) == count
    an_approved_account(scene.town, scene.till.shop_id)
    pay_everything(scene.town)
    [paid] = scene.owner.ask(OWN, api.GET_CLAIMS, query=api.ClaimQuery(state="paid")).claims
    assert paid.shop_id == scene.till.shop_id
    owed = scene.owner.ask(OWN, api.GET_OWED, shop_id=scene.till.shop_id)
    assert (owed.owed_cents, owed.claims) == (0, ())
    assert [(p.state, p.booked_on) for p in owed.payments] == [("settled", date(2026, 6, 1))]


def test_the_claims_of_a_month_say_what_keeps_each_from_being_paid(scene: Scene) -> None:
    scene.confirm()
    finance = a_finance_officer(scene.town)

    def of(period: str) -> list[api.Claim]:
        return list(finance.ask(OWN, api.GET_CLAIMS, query=api.ClaimQuery(period=period)).claims)

    assert of("2026-04") == []
    assert [claim.blocked for claim in of("2026-05")] == ["no_iban"]
    an_approved_account(scene.town, scene.till.shop_id)
    assert [claim.blocked for claim in of("2026-05")] == [None]
