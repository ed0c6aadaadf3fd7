"""What a volunteer's home and wallet ask: next shift, coins, coins on the way, what came of each shift, what was bought, who looked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.apis import attendance, awards, identity, ledger, redemption, shifts
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


def coins(ask: Mapping[str, Client], who: Principal) -> Asked:
    """My lots with their last day, my awards, my purchases while they are linked to me."""
    return {
        "wallet": lambda: ask["ledger"].call(ledger.GET_WALLET, person_id=who.id),
        "awards": lambda: ask["awards"].call(awards.GET_MY_AWARDS, query=Page()),
        "purchases": lambda: ask["redemption"].call(redemption.GET_MY_SALES, query=Page()),
    }


def me(ask: Mapping[str, Client], who: Principal) -> Asked:
    """Who I am here, my card, and who opened my name."""
    return {
        "me": lambda: ask["identity"].call(identity.GET_ME),
        "card": lambda: ask["identity"].call(identity.GET_MY_CARD),
        "unmaskings": lambda: ask["identity"].call(identity.GET_MY_UNMASKINGS, query=Page()),
    }


ANSWERS = {"/home": home, "/coins": coins, "/me": me}
