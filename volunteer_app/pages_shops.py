"""The shops that take coins: where, until when they are open, which languages are spoken there, whether one gets in without a step."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import redemption as api
from services.kit.every import every
from services.kit.screens import ask_together, only, screens
from volunteer_app.filters import Choice, address, by_language, by_neighbourhood

VOLUNTEER = "volunteer"
YES = "yes"


@only(VOLUNTEER)
def shops() -> ResponseReturnValue:
    """All, or of one neighbourhood (`in`), with a language (`speaks`), that are `open` now, have no `step`, sell no `pork`."""
    parts = ask_together(shops=all_of_them)
    now = screens().city.local(screens().clock.now())
    found = [(shop, open_until(shop, now)) for shop in parts["shops"]] if "shops" in parts else []
    shown = [(shop, until) for shop, until in found if suits(shop, until)]
    return render_template(
        "volunteer/shops.html", found=shown, menus=[by_neighbourhood(), by_language()], switches=switches(), city=screens().city,
        narrowed=len(shown) < len(found) or "in" in request.args, away=parts.away,
    )  # fmt: skip


def all_of_them() -> list[api.Shop]:
    """Those of the neighbourhood that is chosen, whose agreement has not ended."""
    query = api.ShopQuery(neighbourhood_id=request.args.get("in") or None)
    return [shop for shop in every("redemption", api.GET_SHOPS, "shops", query) if not shop.closed]


def suits(shop: api.Shop, until: str | None) -> bool:
    """Whether it is one of those asked for. A shop that did not say when it is open is not known to be open."""
    asked = request.args
    spoken = asked.get("speaks")
    return (
        (not spoken or spoken in shop.languages)
        and (asked.get("open") != YES or bool(until))
        and (asked.get("step") != "no" or shop.step_free)
        and (asked.get("pork") != "no" or shop.pork_free)
    )


def switches() -> list[tuple[str, Choice]]:
    """What can be asked for with a tap, and no more with another: sign, words, address, whether it is asked for."""
    named = (
        ("clock", "open", YES, _("Open now")), ("accessibility", "step", "no", _("no step")), ("check", "pork", "no", _("no pork")),
    )  # fmt: skip
    return [(sign, _switch(key, value, words)) for sign, key, value, words in named]


def _switch(key: str, value: str, words: str) -> Choice:
    on = request.args.get(key) == value
    return Choice(words, address(**{key: None if on else value}), on)


def open_until(shop: api.Shop, now: datetime) -> str | None:
    """Until when a shop is open just now, as `19:30`; empty if it is closed, None if it did not say when it is open."""
    if not shop.opening:
        return None
    hours = [o for o in shop.opening if o.weekday == now.isoweekday() and o.opens <= now.time() < o.closes]
    return f"{hours[0].closes:%H:%M}" if hours else ""


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/shops", "shops", shops)
