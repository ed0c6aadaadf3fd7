"""What sponsors see: what their money became, never who; giving more; and what has become of each top-up, with its receipts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from msgspec.structs import replace

from services.apis import funding_sponsor as api
from services.apis import redemption
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.funding import pages_give, pages_receipt
from services.funding.pages_receipt import one_topup
from services.funding.words_sponsor import REFUSALS, STATES, WAYS, purpose_name
from services.kit.every import AT_ONCE, every
from services.kit.i18n import short_month
from services.kit.screens import ask, ask_together, only, screens, visit
from services.kit.words import say

pages = Blueprint("sponsor", __name__, url_prefix="/sponsors", template_folder="templates")
say(pages, REFUSALS)
pages_receipt.add_to(pages)
SPONSOR = "sponsor"
SHOWN = 20


def acting_for() -> UUID:
    """The sponsor somebody looks or gives for: `of`, or the first of theirs. Raises Refused `no_sponsor`."""
    mine = sorted(visit().who.scopes(SPONSOR))
    if not mine:
        raise Refused("no_sponsor", "This account is linked to no sponsor.", status=403)
    return next((one for one in mine if str(one) == request.values.get("of")), mine[0])


@pages.get("/")
@only(SPONSOR)
def home() -> ResponseReturnValue:
    sponsor_id = acting_for()
    parts = ask_together(
        sponsor=lambda: ask("funding", api.GET_SPONSOR, sponsor_id=sponsor_id),
        impact=lambda: ask("funding", api.GET_SPONSOR_IMPACT, sponsor_id=sponsor_id),
        given=lambda: topups(sponsor_id, all_of_them="all" in request.args), shops=shop_names, others=others,
    )  # fmt: skip
    return render_template(
        "sponsor/home.html", parts=parts, became=Became(parts["impact"]) if "impact" in parts else None, given=parts.get("given"),
        state=state_of, ways=WAYS, purpose=purpose, first_of=first_of, bar_names=bar_names,
        place_names={n.id: n.name for n in screens().city.neighbourhoods},
    )  # fmt: skip


class Became:
    """A sponsor's impact in the order a page tells it. Hours are whole; None keys stand for others that are counted together."""

    def __init__(self, impact: api.Impact) -> None:
        self.impact = impact
        months: Counter[str | None] = Counter()
        places: Counter[str | None] = Counter()
        shops: Counter[UUID | None] = Counter()
        for hours in impact.hours:
            months[hours.month] += hours.minutes
            places[hours.neighbourhood_id] += hours.minutes
        for purchase in impact.purchases:
            shops[purchase.shop_id] += purchase.spent_cents
        self.months = [(month, months[month] // 60) for month in sorted(filter(None, months))]
        self.other_months = months[None] // 60
        self.places = [(place, minutes // 60) for place, minutes in _most_first(places)]
        self.shops = _most_first(shops)
        self.place_count, self.shop_count = len(set(places) - {None}), len(set(shops) - {None})
        self.other_places, self.other_shops = None in places, None in shops


def first_of(month: str) -> date:
    """YYYY-MM -> its first day."""
    return date.fromisoformat(f"{month}-01")


def bar_names(months: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    return [(short_month(first_of(month)), hours) for month, hours in months]


def _most_first(sums: Counter[Any]) -> list[tuple[Any, int]]:
    """The largest first, all others together at the end."""
    return sorted(sums.items(), key=lambda item: (item[0] is None, -item[1]))


def topups(sponsor_id: UUID, *, all_of_them: bool) -> api.TopUps:
    """The newest, or every one."""
    page = Page(limit=AT_ONCE if all_of_them else SHOWN)
    told: api.TopUps = ask("funding", api.GET_TOPUPS, query=page, sponsor_id=sponsor_id)
    while all_of_them and told.next_cursor:
        more = ask("funding", api.GET_TOPUPS, query=replace(page, cursor=told.next_cursor), sponsor_id=sponsor_id)
        told = replace(more, topups=told.topups + more.topups)
    return told


def shop_names() -> dict[UUID, str]:
    """Of shops that have left, too."""
    query = redemption.ShopQuery(also_ended=True)
    return {shop.shop_id: shop.name for shop in every("redemption", redemption.GET_SHOPS, "shops", query)}


def others() -> Sequence[api.Sponsor]:
    """All sponsors somebody acts for, where there are several."""
    mine = sorted(visit().who.scopes(SPONSOR))
    return [ask("funding", api.GET_SPONSOR, sponsor_id=one) for one in mine] if len(mine) > 1 else []


def purpose(topup: api.TopUp) -> str:
    return purpose_name(topup.earmark, screens().city)


def state_of(topup: api.TopUp) -> tuple[Any, ...]:
    return STATES["transfer" if topup.state == "open" and topup.transfer else topup.state]


@pages.get("/<uuid:sponsor_id>")
@only(SPONSOR)
def topup(sponsor_id: UUID) -> ResponseReturnValue:
    """One top-up: how to pay it, or what became of it. Here people come back from the payment page, `paid` or not."""
    wanted = request.args.get("topup", "")
    found = one_topup(sponsor_id, wanted)
    coming = "paid" in request.args and found.state == "open"
    return render_template(
        "sponsor/topup.html", topup=found, coming=coming, state=state_of(found), ways=WAYS, purpose=purpose
    )


@pages.route("/give", methods=["GET", "POST"])
@only(SPONSOR)
def give() -> ResponseReturnValue:
    return pages_give.give(acting_for(), others())
