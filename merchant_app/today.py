"""What a till asks about its day."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.apis import redemption
from services.kit.auth import Principal
from services.kit.http import Client

Asked = Mapping[str, Callable[[], object]]


def today(ask: Mapping[str, Client], who: Principal) -> Asked:
    """The till's own sales, newest first, and the day's totals."""
    return {
        "sales": lambda: ask["redemption"].call(redemption.GET_SALES, query=redemption.SaleQuery(limit=20)),
        "totals": lambda: ask["redemption"].call(redemption.GET_TOTALS, query=redemption.TotalsQuery()),
    }
