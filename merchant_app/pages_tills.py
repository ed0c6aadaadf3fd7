"""The shop's tills: which there are, a code that pairs another one, and the end of one."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from merchant_app.shops import the_shop
from services.apis import redemption as api
from services.apis import reimbursement_payment
from services.kit.screens import ask, ask_together, done, form_key, only, screens


@only("shop_owner")
def tills() -> ResponseReturnValue:
    shop = the_shop()
    accounts = reimbursement_payment.AccountQuery(shop_id=shop.id, state="approved")
    parts = ask_together(
        tills=lambda: ask("redemption", api.GET_TILLS, shop_id=shop.id),
        accounts=lambda: ask("reimbursement", reimbursement_payment.GET_ACCOUNTS, query=accounts),
    )
    return render_template("merchant/tills.html", shop=shop, parts=parts)


@only("shop_owner")
def pairing_code() -> ResponseReturnValue:
    """Shown by the answer itself: the code is said once."""
    shop = the_shop()
    made = ask("redemption", api.POST_PAIRING_CODE, shop_id=shop.id)
    link = f"{screens().public_url}{url_for('till.pair')}#{made.pairing_code}"
    return render_template("merchant/pairing_code.html", shop=shop, made=made, link=link)


@only("shop_owner")
def unpair(till_id: UUID) -> ResponseReturnValue:
    till = ask("redemption", api.POST_TILL_UNPAIR, key=form_key(), till_id=till_id)
    return done(
        url_for(".tills", shop=the_shop().in_links), _("%(till)s is no till of yours any more.", till=till.name)
    )


def add_to_owner(owner: Blueprint) -> None:
    owner.add_url_rule("/tills", "tills", tills)
    owner.add_url_rule("/tills/pair", "pairing_code", pairing_code, methods=["POST"])
    owner.add_url_rule("/tills/<uuid:till_id>/unpair", "unpair", unpair, methods=["POST"])
