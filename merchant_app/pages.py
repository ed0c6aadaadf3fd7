"""The shops' screens: the till, which is a device, and what a shop's owner sees. Each noun has a module beside this one."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, url_for
from flask_babel import gettext as _

from merchant_app import (
    pages_account,
    pages_day,
    pages_owed,
    pages_pair,
    pages_print,
    pages_sale,
    pages_statement,
    pages_tills,
)
from merchant_app.words import (
    ACCOUNT_STATES,
    BLOCKED,
    CLAIM_STATES,
    REFUSALS,
    STATEMENT_STATES,
    TRANSFER_STATES,
    in_fours,
)
from services.kit.i18n import month
from services.kit.words import say

till = Blueprint("till", __name__, url_prefix="/till", template_folder="templates")
owner = Blueprint("owner", __name__, url_prefix="/owner", template_folder="templates")


def till_tabs(here: str) -> list[tuple[str, str, str, bool]]:
    """The bar at the thumb: name, sign, address, whether it is this screen."""
    found = [
        ("sell", _("Till"), "calculator"),
        ("today", _("Today"), "receipt-text"),
        ("this", _("This till"), "smartphone"),
    ]
    return [(name, sign, url_for(f"till.{key}"), key == here) for key, name, sign in found]


def owner_tabs(here: str, shop_id: object) -> list[tuple[str, str, str, bool]]:
    """As `till_tabs`, all for the same shop (None: where there is no choice)."""
    found = [
        ("owed", _("Payments"), "banknote"), ("sales", _("Sales"), "receipt-text"), ("statements", _("Statements"), "file-text"),
        ("tills", _("Tills"), "smartphone"),
    ]  # fmt: skip
    return [(name, sign, url_for(f"owner.{key}", shop=shop_id), key == here) for key, name, sign in found]


@till.context_processor
@owner.context_processor
def words_of_shops() -> dict[str, object]:
    """What the templates of both know beside what all screens do."""
    return {
        "till_tabs": till_tabs, "owner_tabs": owner_tabs, "statement_states": STATEMENT_STATES, "claim_states": CLAIM_STATES,
        "transfer_states": TRANSFER_STATES, "account_states": ACCOUNT_STATES, "why_blocked": BLOCKED, "in_fours": in_fours,
        "month_of": lambda period: month(date.fromisoformat(f"{period}-01")),
    }  # fmt: skip


say(till, REFUSALS)
say(owner, REFUSALS)
for module in (pages_pair, pages_sale, pages_day):
    module.add_to(till)
for module in (pages_owed, pages_day, pages_statement, pages_print, pages_tills, pages_account):
    module.add_to_owner(owner)
