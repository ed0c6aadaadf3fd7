"""What a volunteer's home asks: next shift, coins, coins on the way, what came of each shift."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.apis import attendance, awards, ledger, shifts
from services.apis.endpoint import Page
from services.kit.auth import Principal
from services.kit.http import Client

Asked = Mapping[str, Callable[[], object]]


def home(ask: Mapping[str, Client], who: Principal) -> Asked:
    """Next shifts of mine, shifts I could join, my coins (and those on the way), what came of my shifts."""
    return {
        "signups": lambda: ask["shifts"].call(shifts.GET_MY_SIGNUPS),
        "shifts": lambda: ask["shifts"].call(shifts.GET_SHIFTS, query=shifts.ShiftQuery(limit=10)),
        "wallet": lambda: ask["ledger"].call(ledger.GET_WALLET, person_id=who.id),
        "awards": lambda: ask["awards"].call(awards.GET_MY_AWARDS, query=Page(limit=10)),
        "attendances": lambda: ask["attendance"].call(attendance.GET_MY_ATTENDANCES, query=Page(limit=10)),
    }
