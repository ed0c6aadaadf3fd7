"""What a till and an owner ask: what was taken today, and what will be paid and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.apis import redemption, reimbursement
from services.kit.auth import Principal
from services.kit.http import Client

Asked = Mapping[str, Callable[[], object]]


def today(ask: Mapping[str, Client], who: Principal) -> Asked:
    """The till's own sales, newest first, and the day's totals."""
    return {
        "sales": lambda: ask["redemption"].call(redemption.GET_SALES, query=redemption.SaleQuery(limit=20)),
        "totals": lambda: ask["redemption"].call(redemption.GET_TOTALS, query=redemption.TotalsQuery()),
    }


def owed(ask: Mapping[str, Client], who: Principal) -> Asked:
    """For an owner: each shop's sales not yet on a statement, statements, claims and payments."""
    return {
        **{
            f"owed {shop_id}": lambda shop_id=shop_id: ask["reimbursement"].call(
                reimbursement.GET_OWED, shop_id=shop_id
            )  # type: ignore[misc]
            for shop_id in sorted(who.scopes("shop_owner"), key=str)
        },
        "sales": lambda: ask["redemption"].call(redemption.GET_SALES, query=redemption.SaleQuery(limit=20)),
    }


TILL_ANSWERS = {"/today": today}
OWNER_ANSWERS = {"/owed": owed}
