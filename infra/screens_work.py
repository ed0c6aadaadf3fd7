"""What somebody who works for the scheme finds in the sidebar: the pages of their roles, in the order of their work."""

from __future__ import annotations

from flask import current_app, request, url_for
from flask_babel import lazy_gettext as _

from services.kit.screens import visit

# role -> (endpoint, name, sign)
WORK = {
    "coordinator": (
        ("coordinator.week", _("Shifts"), "calendar-days"),
        ("attendance.disputes", _("Disputes"), "flag"),
        ("people.people", _("People"), "users"),
    ),
    "finance": (
        ("funds.funds", _("Funds"), "wallet"),
        ("finance.statements", _("Statements"), "receipt-text"),
        ("finance.batches", _("Payments"), "banknote"),
        ("finance.bank", _("Bank"), "landmark"),
        ("finance.months", _("Months"), "calendar-days"),
    ),
    "sponsor": (
        ("sponsor.home", _("What it became"), "sprout"),
        ("sponsor.give", _("Give"), "wallet"),
    ),
    "admin": (
        ("programmes.programmes", _("Programmes"), "calendar-days"),
        ("rules.rules", _("Rules"), "sliders-horizontal"),
        ("funds.funds", _("Funds"), "wallet"),
        ("shops.shops", _("Shops"), "store"),
        ("roles.roles", _("Roles"), "users"),
    ),
    "auditor": (
        ("books.books", _("Books"), "file-text"),
        ("books.checks", _("Checks"), "shield-check"),
        ("funds.funds", _("Funds"), "wallet"),
        ("finance.statements", _("Statements"), "receipt-text"),
        ("finance.batches", _("Payments"), "banknote"),
        ("finance.bank", _("Bank"), "landmark"),
    ),
}


def work() -> list[tuple[str, str, str, bool]]:
    """The sidebar's lines for whoever looks: name, sign, address, whether it is this page or, of all of them, the nearest above it."""
    lines: dict[str, tuple[str, str]] = {}
    for role, pages in WORK.items():
        for endpoint, name, sign in pages if visit().who.has(role) else ():
            if endpoint in current_app.view_functions:
                lines.setdefault(url_for(endpoint), (str(name), sign))
    above = [address for address in lines if f"{request.path}/".startswith(f"{address.rstrip('/')}/")]
    here = max(above, key=len, default="")
    return [(name, sign, address, address == here) for address, (name, sign) in lines.items()]
