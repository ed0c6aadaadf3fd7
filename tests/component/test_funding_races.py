"""Several at once: money counts once, a purpose has one fund, a decision is taken once."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from infra.wiring import Town
from services.apis import funding as api
from services.apis.errors import Refused
from services.apis.funding_sponsor import POST_STRIPE_WEBHOOK
from services.events.funding import FundOpened, TopUpSettled
from tests.builders_funding import a_finance_person, a_fund, a_sponsor, page_of, told


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do all at the same time; answers what each answered, a refusal by its code."""

    def tried(act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Refused as refused:
            return refused.code

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(tried, acts))


def test_one_event_delivered_by_several_at_once_settles_once(town: Town) -> None:
    topup = a_sponsor(town).tops_up()
    webhooks = town.stripe_standin.webhooks
    town.stripe_standin.card_pays(page_of(topup))
    body = json.dumps(webhooks.waiting()[-1]).encode()

    def deliver() -> int:
        transport = httpx.WSGITransport(app=town.apps["funding"])
        with httpx.Client(transport=transport, base_url="http://funding") as client:
            return client.post(POST_STRIPE_WEBHOOK.path, content=body, headers=webhooks.signed(body)).status_code

    assert at_once(*[deliver] * 4) == [200] * 4
    assert [event.topup_id for event in told(town, TopUpSettled)] == [topup.topup_id]
    assert town.check() == []


def test_first_top_ups_for_one_purpose_made_at_once_open_one_fund(town: Town) -> None:
    sponsor = a_sponsor(town)
    topups = at_once(*[sponsor.tops_up] * 4)
    assert len({topup.fund_id for topup in topups}) == len(told(town, FundOpened)) == 1
    assert town.check() == []


def test_money_approved_by_several_at_once_comes_once(town: Town) -> None:
    fund_id, body = a_fund(town).fund_id, api.PrepareSetAside(amount_cents=5_000, act="determina n. 1/2026")
    prepared = a_finance_person(town).ask("funding", api.POST_SET_ASIDE, body, fund_id=fund_id)
    people = [a_finance_person(town) for _ in range(4)]
    answers = at_once(
        *(
            lambda person=person: (
                person.ask(  # type: ignore[misc]
                    "funding", api.POST_SET_ASIDE_APPROVE, set_aside_id=prepared.set_aside_id
                ).state
            )
            for person in people
        )
    )
    assert sorted(answers) == ["already_decided"] * 3 + ["settled"]
    assert len(told(town, TopUpSettled)) == 1
    assert town.check() == []
