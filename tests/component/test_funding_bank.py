"""Bank transfers: what names a top-up finds its fund; what does not waits for two people of finance."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from infra.wiring import Town
from services.apis import funding as api
from services.apis import funding_sponsor as sponsor_api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.events.funding import TopUpSettled
from services.events.reimbursement import BankCredited
from services.kit.ids import new_id
from tests.builders import an_admin, tell
from tests.builders_funding import a_finance_person, a_fund, a_sponsor, told

TODAY = date(2026, 5, 4)


def a_credit(town: Town, amount_cents: int, reference: str | None = None) -> UUID:
    """A line of the bank's statement that is money from outside."""
    entry_id = new_id()
    tell(town, BankCredited(entry_id=entry_id, amount_cents=amount_cents, booked_on=TODAY, reference=reference))
    return entry_id


def reference_of(topup: sponsor_api.TopUp) -> str:
    assert topup.transfer is not None
    return topup.transfer.reference


def waiting(town: Town) -> dict[UUID, api.Credit]:
    page = a_finance_person(town).ask("funding", api.GET_UNASSIGNED_CREDITS, query=Page())
    return {credit.entry_id: credit for credit in page.credits}


def settled(town: Town) -> list[Any]:
    return [(e.topup_id, e.fund_id, e.amount_cents, e.fee_cents, e.channel) for e in told(town, TopUpSettled)]


def test_a_transfer_with_its_reference_settles_the_top_up_with_what_really_came(town: Town) -> None:
    sponsor = a_sponsor(town)
    topup = sponsor.tops_up(50_000, method="bank_transfer")
    a_credit(town, 49_500, reference_of(topup).lower().replace("-", " "))
    assert settled(town) == [(topup.topup_id, topup.fund_id, 49_500, 0, "bank")]
    paid = sponsor.topup(topup.topup_id)
    assert (paid.state, paid.amount_cents, [r.amount_cents for r in paid.receipts]) == ("settled", 50_000, [49_500])
    assert waiting(town) == {}
    assert town.check() == []


def test_a_second_transfer_with_the_same_reference_counts_too(town: Town) -> None:
    sponsor = a_sponsor(town)
    topup = sponsor.tops_up(50_000, method="bank_transfer")
    for cents in (20_000, 30_000):
        a_credit(town, cents, reference_of(topup))
    first, second = told(town, TopUpSettled)
    assert (first.topup_id, first.amount_cents, second.amount_cents) == (topup.topup_id, 20_000, 30_000)
    assert second.topup_id not in (topup.topup_id, first.topup_id)
    assert [r.amount_cents for r in sponsor.topup(topup.topup_id).receipts] == [20_000, 30_000]
    assert town.check() == []


def test_the_same_line_heard_of_twice_counts_once(town: Town) -> None:
    topup = a_sponsor(town).tops_up(method="bank_transfer")
    line = BankCredited(entry_id=new_id(), amount_cents=25_000, booked_on=TODAY, reference=reference_of(topup))
    tell(town, line, line)
    assert len(told(town, TopUpSettled)) == 1


def test_money_that_names_no_top_up_waits_with_the_reason(town: Town) -> None:
    sponsor = a_sponsor(town)
    closed = sponsor.tops_up(method="bank_transfer")
    an_admin(town).ask("funding", api.POST_FUND_CLOSE, fund_id=closed.fund_id)
    reasons = {
        a_credit(town, 1_000): "no_reference",
        a_credit(town, 2_000, "MC-2345-6789"): "unknown_reference",
        a_credit(town, 3_000, reference_of(closed)): "fund_closed",
    }
    assert {id_: credit.reason for id_, credit in waiting(town).items()} == reasons
    assert told(town, TopUpSettled) == []
    assert town.check() == []


def test_two_people_give_money_without_a_reference_its_fund(town: Town) -> None:
    fund, other = a_fund(town).fund_id, a_fund(town).fund_id
    giulio, lucia = a_finance_person(town), a_finance_person(town)
    entry = {"entry_id": a_credit(town, 7_000)}
    with pytest.raises(Refused, match="not_proposed"):
        lucia.ask("funding", api.POST_CREDIT_APPROVE, api.AssignCredit(fund_id=fund), **entry)
    proposed = giulio.ask("funding", api.POST_CREDIT_ASSIGN, api.AssignCredit(fund_id=fund), **entry)
    assert (proposed.state, proposed.proposed_by) == ("proposed", giulio.person_id)
    with pytest.raises(Refused, match="same_person"):
        giulio.ask("funding", api.POST_CREDIT_APPROVE, api.AssignCredit(fund_id=fund), **entry)
    with pytest.raises(Refused, match="not_proposed"):
        lucia.ask("funding", api.POST_CREDIT_APPROVE, api.AssignCredit(fund_id=other), **entry)

    approved = lucia.ask("funding", api.POST_CREDIT_APPROVE, api.AssignCredit(fund_id=fund), **entry)
    assert approved.state == "assigned"
    assert settled(town) == [(entry["entry_id"], fund, 7_000, 0, "bank")]
    assert waiting(town) == {}
    for endpoint in (api.POST_CREDIT_ASSIGN, api.POST_CREDIT_APPROVE):
        with pytest.raises(Refused, match="already_assigned"):
            lucia.ask("funding", endpoint, api.AssignCredit(fund_id=fund), **entry)
    assert town.check() == []


def test_who_corrects_a_proposal_cannot_approve_it(town: Town) -> None:
    wrong, right = a_fund(town).fund_id, a_fund(town).fund_id
    giulio, lucia = a_finance_person(town), a_finance_person(town)
    entry = {"entry_id": a_credit(town, 7_000)}
    giulio.ask("funding", api.POST_CREDIT_ASSIGN, api.AssignCredit(fund_id=wrong), **entry)
    lucia.ask("funding", api.POST_CREDIT_ASSIGN, api.AssignCredit(fund_id=right), **entry)
    with pytest.raises(Refused, match="same_person"):
        lucia.ask("funding", api.POST_CREDIT_APPROVE, api.AssignCredit(fund_id=right), **entry)
    giulio.ask("funding", api.POST_CREDIT_APPROVE, api.AssignCredit(fund_id=right), **entry)
    assert settled(town) == [(entry["entry_id"], right, 7_000, 0, "bank")]


def test_a_sponsor_who_forgot_the_reference_still_finds_a_receipt(town: Town) -> None:
    sponsor = a_sponsor(town)
    fund_id = sponsor.tops_up(25_000, method="bank_transfer").fund_id
    body, entry = api.AssignCredit(fund_id=fund_id), {"entry_id": a_credit(town, 25_000)}
    a_finance_person(town).ask("funding", api.POST_CREDIT_ASSIGN, body, **entry)
    a_finance_person(town).ask("funding", api.POST_CREDIT_APPROVE, body, **entry)
    assert [(one.state, len(one.receipts)) for one in sponsor.topups()] in (
        [("settled", 1), ("open", 0)],
        [("open", 0), ("settled", 1)],
    )
    assert town.check() == []


def test_assignments_that_cannot_be(town: Town) -> None:
    finance, approver = a_finance_person(town), a_finance_person(town)
    fund, closed = a_fund(town).fund_id, a_fund(town).fund_id
    entry = {"entry_id": a_credit(town, 7_000)}
    finance.ask("funding", api.POST_CREDIT_ASSIGN, api.AssignCredit(fund_id=closed), **entry)
    an_admin(town).ask("funding", api.POST_FUND_CLOSE, fund_id=closed)
    with pytest.raises(Refused, match="fund_closed"):
        approver.ask("funding", api.POST_CREDIT_APPROVE, api.AssignCredit(fund_id=closed), **entry)
    for fund_id, code in ((closed, "fund_closed"), (new_id(), "unknown_fund")):
        with pytest.raises(Refused, match=code):
            finance.ask("funding", api.POST_CREDIT_ASSIGN, api.AssignCredit(fund_id=fund_id), **entry)
    for endpoint in (api.POST_CREDIT_ASSIGN, api.POST_CREDIT_APPROVE):
        with pytest.raises(Refused, match="unknown_credit"):
            finance.ask("funding", endpoint, api.AssignCredit(fund_id=fund), entry_id=new_id())
