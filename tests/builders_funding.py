"""Makers for funding: funds with money in them, sponsors, and top-ups that are really paid – each through the real API."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select

from infra.wiring import Town
from services.apis import funding as api
from services.apis import funding_sponsor as sponsor_api
from services.events import contract_of, decode
from services.kit.db import OUTBOX
from tests.builders import As, an_admin

E = TypeVar("E")


def a_finance_person(town: Town) -> As:
    return As(town, ("finance", None))


def a_fund(town: Town, kind: api.FundKind = "city", **terms: Any) -> api.Fund:
    """An open fund without money."""
    body = api.OpenFund(**{"kind": kind, "name": f"Fund of the {kind}", **terms})
    return an_admin(town).ask("funding", api.POST_FUND, body)


def money_set_aside(town: Town, fund_id: UUID, amount_cents: int, act: str = "determina n. 123/2026") -> UUID:
    """Money of the budget for a fund, prepared by one person of finance and approved by another; answers its id."""
    body = api.PrepareSetAside(amount_cents=amount_cents, act=act)
    prepared = a_finance_person(town).ask("funding", api.POST_SET_ASIDE, body, fund_id=fund_id)
    a_finance_person(town).ask("funding", api.POST_SET_ASIDE_APPROVE, set_aside_id=prepared.set_aside_id)
    town.settle()
    return prepared.set_aside_id


def a_city_fund(town: Town, amount_cents: int = 1_000_000, **terms: Any) -> UUID:
    """A fund of the city with money in it; `terms` as in `OpenFund`."""
    fund_id = a_fund(town, **terms).fund_id
    money_set_aside(town, fund_id, amount_cents)
    return fund_id


def a_grant(town: Town, co_fund_id: UUID | None, amount_cents: int = 1_000_000, **terms: Any) -> UUID:
    """A grant of 75 % with money in it; the co-fund pays the rest."""
    fund_id = a_fund(town, "grant", **{"share_permille": 750, "co_fund_id": co_fund_id, **terms}).fund_id
    money_set_aside(town, fund_id, amount_cents)
    return fund_id


class Sponsor(As):
    """Somebody who acts for a sponsor."""

    def __init__(self, town: Town, sponsor_id: UUID) -> None:
        super().__init__(town, ("sponsor", sponsor_id))
        self.sponsor_id = sponsor_id

    def tops_up(
        self,
        amount_cents: int = 25_000,
        method: sponsor_api.Method = "card",
        purpose: sponsor_api.Purpose | None = None,
        **more: Any,
    ) -> sponsor_api.TopUp:
        """A pledge, not paid yet."""
        body = sponsor_api.MakeTopUp(
            amount_cents=amount_cents, method=method, purpose=purpose or sponsor_api.Anywhere()
        )
        return self.ask("funding", sponsor_api.POST_TOPUP, body, sponsor_id=self.sponsor_id, **more)

    def topups(self) -> tuple[sponsor_api.TopUp, ...]:
        page = sponsor_api.Page(limit=200)
        return self.ask("funding", sponsor_api.GET_TOPUPS, query=page, sponsor_id=self.sponsor_id).topups

    def topup(self, topup_id: UUID) -> sponsor_api.TopUp:
        return next(one for one in self.topups() if one.topup_id == topup_id)

    def impact(self) -> sponsor_api.Impact:
        return self.ask("funding", sponsor_api.GET_SPONSOR_IMPACT, sponsor_id=self.sponsor_id)


def a_sponsor(town: Town, name: str = "Torrefazione Arco", kind: str = "organisation") -> Sponsor:
    body = sponsor_api.RegisterSponsor(kind=kind, name=name)  # type: ignore[arg-type]
    return Sponsor(town, an_admin(town).ask("funding", sponsor_api.POST_SPONSOR, body).sponsor_id)


def page_of(topup: sponsor_api.TopUp) -> str:
    """The id of the payment page of a top-up: what a payer at the stand-in acts on."""
    assert topup.checkout_url is not None
    return topup.checkout_url.rpartition("/")[2]


def a_paid_topup(town: Town, sponsor: Sponsor, amount_cents: int = 25_000, **more: Any) -> sponsor_api.TopUp:
    """A top-up paid by card, settled, and heard of by everybody."""
    topup = sponsor.tops_up(amount_cents, **more)
    town.stripe_standin.card_pays(page_of(topup))
    stripe_tells(town)
    return sponsor.topup(topup.topup_id)


def stripe_tells(town: Town) -> None:
    """Let Stripe do what is due and send what waits, and let the town hear it."""
    town.stripe_standin.tick()
    town.settle()


def payment_of(town: Town, topup: sponsor_api.TopUp) -> str:
    """The payment intent behind a paid top-up: what refunds and disputes are about."""
    [page] = [
        page
        for page in town.stripe_standin.memory.all_of("checkout.session")
        if page["client_reference_id"] == str(topup.topup_id)
    ]
    return page["payment_intent"]


def told(town: Town, struct: type[E]) -> list[E]:
    """What funding has published of this kind, in order."""
    wanted = select(OUTBOX.c.value).where(OUTBOX.c.type == contract_of(struct).type).order_by(OUTBOX.c.seq)  # type: ignore[arg-type]
    with town.rooms["funding"].engine.connect() as conn:
        return [decode(bytes(value)).data for value in conn.scalars(wanted)]
