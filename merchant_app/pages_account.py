"""The account a shop's money goes to: proposed by the owner, in use once a second person in the city's office has agreed."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from merchant_app.shops import the_shop
from services.apis import reimbursement_payment as api
from services.apis.errors import Refused
from services.kit.every import every
from services.kit.screens import ask, done, form_key, only, read_form


@only("shop_owner")
def account() -> ResponseReturnValue:
    shop, refusal = the_shop(), None
    if request.method == "POST":
        try:
            ask("reimbursement", api.POST_ACCOUNT, read_form(api.ProposeAccount), key=form_key(), shop_id=shop.id)
            words = _("Thank you. Once somebody in the city’s office has agreed, money goes to this account.")
            return done(url_for(".account", shop=shop.in_links), words)
        except Refused as refused:
            if refused.status >= 500:
                raise
            refusal = refused
    accounts = list(every("reimbursement", api.GET_ACCOUNTS, "accounts", api.AccountQuery(shop_id=shop.id)))
    page = render_template("merchant/account.html", shop=shop, accounts=accounts[::-1], refusal=refusal)
    return page, refusal.status if refusal else 200


def add_to_owner(owner: Blueprint) -> None:
    owner.add_url_rule("/account", "account", account, methods=["GET", "POST"])
