"""What a volunteer's home asks and shows: what is next, coins, coins on the way and why, what needs the volunteer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from services.apis import attendance, awards, ledger, shifts
from services.apis.endpoint import Page
from services.events.ledger import Lot
from services.kit.auth import Principal
from services.kit.http import Client
from services.kit.parallel import Parts

Asked = Mapping[str, Callable[[], object]]
ASKED_FOR = timedelta(days=14)  # so long it is asked whether what is written down is right
SOON = timedelta(days=30)  # coins to use until then are named
MOST = 3


def home(ask: Mapping[str, Client], who: Principal) -> Asked:
    """Next shifts of mine, shifts I could join, my coins (and those on the way), what came of my shifts."""
    return {
        "signups": lambda: ask["shifts"].call(shifts.GET_MY_SIGNUPS),
        "shifts": lambda: ask["shifts"].call(shifts.GET_SHIFTS, query=shifts.ShiftQuery(limit=10)),
        "wallet": lambda: ask["ledger"].call(ledger.GET_WALLET, person_id=who.id),
        "awards": lambda: ask["awards"].call(awards.GET_MY_AWARDS, query=Page(limit=10)),
        "attendances": lambda: ask["attendance"].call(attendance.GET_MY_ATTENDANCES, query=Page(limit=10)),
    }


def shown(parts: Parts, now: datetime, today: date) -> dict[str, Any]:
    """`upcoming`: the next shift I have a place at or wait for. `inside`: where I am checked in just now. `on_the_way`: awards whose coins
    are not there yet; `to_confirm`: shifts whose coins wait for the coordinator. `cancelled`: shifts of mine that do not take place;
    `written_to`: those whose coordinator wrote, where it does not stand with the next one already.
    `asked`: what is written down of me and not settled, newest first. `ending`: coins to use soon, and their last day."""
    mine = parts["signups"].signups if "signups" in parts else ()
    told = parts["attendances"].attendances if "attendances" in parts else ()
    earned = parts["awards"].awards if "awards" in parts else ()
    lately = [a for a in told if now - ASKED_FOR < a.ends_at <= now and a.state != "confirmed"]
    next_ones = [one for one in mine if one.signup.state != "cancelled" and one.shift.ends_at > now]
    upcoming, here = min(next_ones, key=lambda one: one.shift.starts_at, default=None), inside(told, now)
    return {
        "upcoming": upcoming,
        "inside": here,
        "written_to": [one for one in next_ones if one.messages and (here or one is not upcoming)][:MOST],
        "on_the_way": [a for a in earned if a.state in ("awarded", "waiting")][:MOST],
        "to_confirm": [a for a in lately if a.state == "open" and a.minutes][:MOST],
        "cancelled": list({one.shift.shift_id: one.shift for one in mine if one.shift.state == "cancelled"}.values()),
        "asked": lately[:MOST],
        "ending": ending(parts["wallet"].lots, today) if "wallet" in parts else None,
    }


def inside(told: tuple[attendance.Attendance, ...], now: datetime) -> attendance.Attendance | None:
    """Where I am checked in just now."""
    return next((a for a in told if a.checked_in_at and not a.checked_out_at and a.ends_at > now), None)


def ending(lots: tuple[Lot, ...], today: date) -> tuple[int, date] | None:
    """How many cents are to be used soon, and until when the first of them."""
    soon = [lot for lot in lots if lot.amount_cents and lot.expires_on <= today + SOON]
    return (sum(lot.amount_cents for lot in soon), min(lot.expires_on for lot in soon)) if soon else None
