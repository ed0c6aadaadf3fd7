"""What was sold: a day with its sales, and a month day by day. This till's own for a cashier, all tills' for the owner."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from merchant_app.shops import the_shop
from merchant_app.tills import ask_as_till, at_till
from services.apis import redemption as api
from services.apis import redemption_days as days_api
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
    return render_template("merchant/today.html", parts=parts, day=day, may_undo=may_be_open(day))


def may_be_open(day: date) -> bool:
    """Whether a sale of this day can still be undone, as far as a till knows: statements come after a month's end."""
    today = _today()
    return (day.year, day.month) == (today.year, today.month) or today - day <= timedelta(days=1)


@at_till
def till_days() -> ResponseReturnValue:
    first = month_asked_for()
    found = ask_as_till(days_api.GET_DAYS, query=days_api.DaysQuery(month=f"{first:%Y-%m}"))
    return render_template("merchant/till_days.html", found=found, first=first, beside=months_beside(first, found))


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
    return render_template("merchant/sales.html", shop=shop, parts=parts, names=names, day=day)


@only("shop_owner")
def days() -> ResponseReturnValue:
    shop, first = the_shop(), month_asked_for()
    found = ask("redemption", days_api.GET_DAYS, query=days_api.DaysQuery(month=f"{first:%Y-%m}", shop_id=shop.id))
    beside = months_beside(first, found)
    return render_template("merchant/days.html", shop=shop, found=found, first=first, beside=beside)


def day_asked_for() -> date:
    """The day of the page's address, never after today; today when it names none."""
    return _asked_for("day", "")


def month_asked_for() -> date:
    """The first day of the month of the page's address, never after today; of this month when it names none."""
    return _asked_for("month", "-01").replace(day=1)


def months_beside(first: date, found: days_api.Days) -> tuple[date | None, date | None]:
    """The last month before with sales, and the one after if it has begun, by their first days."""
    after = (first + timedelta(days=31)).replace(day=1)
    return date.fromisoformat(f"{found.earlier}-01") if found.earlier else None, after if after <= _today() else None


def _asked_for(name: str, rest: str) -> date:
    try:
        return min(date.fromisoformat(request.args.get(name, "") + rest), _today())
    except ValueError:
        return _today()


def _today() -> date:
    return screens().city.day_of(screens().clock.now())


def add_to(till: Blueprint) -> None:
    till.add_url_rule("/today", "today", today)
    till.add_url_rule("/days", "days", till_days)


def add_to_owner(owner: Blueprint) -> None:
    owner.add_url_rule("/sales", "sales", sales)
    owner.add_url_rule("/days", "days", days)
