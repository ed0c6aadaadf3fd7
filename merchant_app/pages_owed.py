"""What a shop will receive, and when."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from merchant_app.shops import the_shop
from services.apis import reimbursement as api
from services.kit.screens import ask, ask_together, only


@only("shop_owner")
def start() -> ResponseReturnValue:
    return redirect(url_for(".owed"))


@only("shop_owner")
def owed() -> ResponseReturnValue:
    shop = the_shop()
    parts = ask_together(owed=lambda: ask("reimbursement", api.GET_OWED, shop_id=shop.id))
    return render_template("merchant/owed.html", shop=shop, owed=parts.get("owed"))


def add_to_owner(owner: Blueprint) -> None:
    owner.add_url_rule("/", "start", start)
    owner.add_url_rule("/owed", "owed", owed)
