"""What a fund is for: opening one with its earmark and, for a grant, its share; the words for both; closing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from services.apis import funding as api
from services.apis import shifts
from services.apis.errors import Refused
from services.events.funding import Earmark
from services.funding.pages_give import kinds
from services.kit.every import every
from services.kit.kinds import kind_name
from services.kit.screens import ask, ask_together, done, form_key, only, read_values, screens

OPENERS = ("finance", "admin")
USUAL_RANK, AMIF_PERMILLE = 500, 750
REFUSALS = {
    "share_wrong": lazy_gettext("Write the share in percent, such as 75."),
    "share_too_high": lazy_gettext(
        "A grant gives 75 percent at most, unless an act allows more. Write down which act."
    ),
    "grant_terms_wrong": lazy_gettext("A grant of 100 percent needs no second fund. One of less needs a fund for the rest."),
    "co_fund_wrong": lazy_gettext("Choose the fund that gives the rest: an open one of the city or of a sponsor."),
    "window_wrong": lazy_gettext("The last day comes before the first. Correct one of the two."),
    "backs_a_grant": lazy_gettext("A grant needs this fund for its rest. Close the grant first."),
    "payment_under_way": lazy_gettext("A sponsor is giving to this fund just now. Try again in some days."),
}  # fmt: skip


@only(*OPENERS)
def new() -> ResponseReturnValue:
    return _new()


def _new(refusal: Refused | None = None) -> ResponseReturnValue:
    """The form for a fund of the city, or for a grant, which asks for more."""
    kind = "grant" if request.values.get("kind") == "grant" else "city"
    parts = ask_together(
        funds=lambda: list(every("funding", api.GET_FUNDS, "funds")),
        programmes=lambda: ask("shifts", shifts.GET_PROGRAMMES).programmes,
        kinds=kinds,
    )
    page = render_template(
        "funds/new.html", kind=kind, refusal=refusal, said=request.form, usual=USUAL_RANK,
        places=[(place.id, place.name) for place in screens().city.neighbourhoods],
        kinds=[(one, kind_name(one)) for one in parts.get("kinds", ())],
        programmes=[(str(one.programme_id), one.name) for one in parts.get("programmes", ())],
        backs=[(str(one.fund_id), one.name) for one in parts.get("funds", ()) if one.open and one.kind != "grant"],
    )  # fmt: skip
    return page, refusal.status if refusal else 200


@only(*OPENERS)
def open_fund() -> ResponseReturnValue:
    try:
        fund = ask("funding", api.POST_FUND, _terms(), key=form_key())
    except Refused as refused:
        if refused.status in (401, 403):
            raise
        return _new(refused)
    return done(url_for(".fund", fund_id=fund.fund_id), _("The fund is open. Coins can draw on it once it has money."))


def _terms() -> api.OpenFund:
    """The form, as the service takes it. Raises Refused."""
    form = request.form
    lists = {name: form.getlist(name) for name in ("neighbourhood_ids", "kinds", "programme_ids")}
    wanted = ("kind", "name", "rank", "act", "opens_on", "ends_on", "co_fund_id")
    simple = {name: form.get(name, "") for name in wanted if form.get("kind") == "grant" or name != "co_fund_id"}
    more: dict[str, Any] = {"earmark": lists}
    if form.get("kind") == "grant":
        more["share_permille"] = share_in(form.get("share", ""))
        if simple["act"].strip():
            more["max_share_permille"] = max(more["share_permille"], AMIF_PERMILLE)
        if more["share_permille"] == 1000:
            simple["co_fund_id"] = ""
    return read_values(api.OpenFund, simple, **more)


def share_in(text: str) -> int:
    """What somebody typed in percent, in permille. Raises Refused `share_wrong`."""
    try:
        permille = Decimal(text.strip().rstrip("%").strip().replace(",", ".")) * 10
    except InvalidOperation:
        permille = Decimal(0)
    if not 1 <= permille <= 1000 or permille != int(permille):
        raise Refused("share_wrong", "Write the share in percent.", {"field": "share"}, status=422)
    return int(permille)


@only(*OPENERS)
def close_fund(fund_id: UUID) -> ResponseReturnValue:
    ask("funding", api.POST_FUND_CLOSE, key=form_key(), fund_id=fund_id)
    return done(url_for(".fund", fund_id=fund_id), _("The fund is closed. Its coins stay good."))


# ---------- in words ----------


def purpose_of(earmark: Earmark, programmes: Iterable[shifts.Programme]) -> str:
    """What a fund may be used for, as a list in words."""
    names = {one.programme_id: one.name for one in programmes}
    places = [place.name for id_ in earmark.neighbourhood_ids if (place := screens().city.neighbourhood(id_))]
    found = [*places, *map(kind_name, earmark.kinds), *(names[id_] for id_ in earmark.programme_ids if id_ in names)]
    return ", ".join(found) or str(_("Anywhere"))


def share_of(fund: api.Fund, funds: Sequence[api.Fund]) -> str:
    """Which part of each award a grant gives, and who gives the rest."""
    if fund.share_permille is None:
        return ""
    percent = f"{fund.share_permille / 10:g} %"
    rest: Mapping[UUID, str] = {one.fund_id: one.name for one in funds}
    if fund.co_fund_id is None:
        return percent
    return str(_("%(share)s, the rest from %(fund)s", share=percent, fund=rest.get(fund.co_fund_id, "")))


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/new", "new", new)
    pages.add_url_rule("/new", "open_fund", open_fund, methods=["POST"])
    pages.add_url_rule("/<uuid:fund_id>/close", "close_fund", close_fund, methods=["POST"])
