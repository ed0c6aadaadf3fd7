"""A day's sales with their totals: this till's own for a cashier, all tills' for the owner. Any day back, so this is the history too."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from merchant_app.shops import the_shop
from merchant_app.tills import ask_as_till, at_till, day_asked_for, last_days
from services.apis import redemption as api
from services.kit.parallel import ask_all
from services.kit.screens import ask, ask_together, only, screens

MOST = 100


@at_till
def today() -> ResponseReturnValue:
    day = day_asked_for()
    query = api.SaleQuery(day=day, limit=MOST, cursor=request.args.get("cursor"))
    parts = ask_all(
        {
            "sales": lambda: ask_as_till(api.GET_SALES, query=query),
            "totals": lambda: ask_as_till(api.GET_TOTALS, query=api.TotalsQuery(day=day)),
        }
    )
    return render_template(
        "merchant/today.html", parts=parts, day=day, days=last_days(day), may_undo=may_be_open(day)
    )  # fmt: skip


def may_be_open(day: date) -> bool:
    """Whether a sale of this day can still be undone, as far as a till knows: statements come after a month's end."""
    today = screens().city.day_of(screens().clock.now())
    return (day.year, day.month) == (today.year, today.month) or today - day <= timedelta(days=1)


@only("shop_owner")
def sales() -> ResponseReturnValue:
    shop, day = the_shop(), day_asked_for()
    query = api.SaleQuery(day=day, shop_id=shop.id, limit=MOST, cursor=request.args.get("cursor"))
    parts = ask_together(
        sales=lambda: ask("redemption", api.GET_SALES, query=query),
        totals=lambda: ask("redemption", api.GET_TOTALS, query=api.TotalsQuery(day=day, shop_id=shop.id)),
        tills=lambda: ask("redemption", api.GET_TILLS, shop_id=shop.id),
    )
    names = {till.till_id: till.name for till in parts["tills"].tills} if "tills" in parts else {}
    return render_template("merchant/sales.html", shop=shop, parts=parts, names=names, day=day, days=last_days(day))


def add_to(till: Blueprint) -> None:
    till.add_url_rule("/today", "today", today)


def add_to_owner(owner: Blueprint) -> None:
    owner.add_url_rule("/sales", "sales", sales)
