"""Where shops are sent their money: a new account takes effect when somebody of finance has looked at it."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import reimbursement_payment as api
from services.kit.every import every
from services.kit.screens import ask, done, form_key, only, read_form
from services.reimbursement.pages_parts import OFFICER, READERS, shop_names


@only(*READERS)
def accounts() -> ResponseReturnValue:
    """Those that wait first, then those in use, then what was."""
    found = list(every("reimbursement", api.GET_ACCOUNTS, "accounts", api.AccountQuery()))
    names = shop_names(one.shop_id for one in found)
    in_use = {one.shop_id: one for one in found if one.state == "approved"}
    by_name = sorted(found, key=lambda one: names[one.shop_id].lower())
    return render_template(
        "finance/accounts.html", names=names, in_use=in_use,
        waiting=[one for one in found if one.state == "proposed"],
        known=[one for one in by_name if one.state == "approved"],
        past=[one for one in by_name if one.state in ("refused", "replaced")],
    )  # fmt: skip


@only(OFFICER)
def approve_account(account_id: UUID) -> ResponseReturnValue:
    ask("reimbursement", api.POST_ACCOUNT_APPROVE, key=form_key(), account_id=account_id)
    return done(url_for(".accounts"), _("The account is in use from now on."))


@only(OFFICER)
def refuse_account(account_id: UUID) -> ResponseReturnValue:
    body = read_form(api.RefuseAccount)
    ask("reimbursement", api.POST_ACCOUNT_REFUSE, body, key=form_key(), account_id=account_id)
    return done(url_for(".accounts"), _("The account is refused. The shop sees why, and the one before stays."))


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/batches/accounts", "accounts", accounts)
    pages.add_url_rule(
        "/batches/accounts/<uuid:account_id>/approve", "approve_account", approve_account, methods=["POST"]
    )
    pages.add_url_rule("/batches/accounts/<uuid:account_id>/refuse", "refuse_account", refuse_account, methods=["POST"])
