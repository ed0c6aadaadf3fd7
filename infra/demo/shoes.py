"""The questions each person of the demo town has, and their answers in words. Amounts in cents, days in the city's zone.

Every function takes plain values read from a service's JSON and `link`, the address they were read from. Rows are pairs and triples in
the order they are to be shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from flask_babel import gettext as _
from flask_babel import ngettext

from infra.demo.view import Badge, Figure, Row, Section
from services.kit.i18n import cents, day, euros, number


def state_badge(state: str) -> Badge:
    """A state that services use (`confirmed`, `waiting`, …) in the person's language. Raises KeyError for an unknown one."""
    states = {
        "open": Badge(_("open"), "hourglass"),
        "full": Badge(_("full"), "user-round"),
        "confirmed": Badge(_("confirmed"), "check", "ok"),
        "disputed": Badge(_("disputed"), "flag", "warn"),
        "rejected": Badge(_("not confirmed"), "x", "bad"),
        "cancelled": Badge(_("cancelled"), "x"),
        "waiting": Badge(_("waits for money"), "hourglass", "warn"),
        "issued": Badge(_("coins arrived"), "check", "ok"),
        "accepted": Badge(_("accepted"), "check", "ok"),
        "voided": Badge(_("undone"), "undo-2"),
        "claimed": Badge(_("confirmed by the shop"), "check", "info"),
        "prepared": Badge(_("prepared"), "check", "info"),
        "approved": Badge(_("approved"), "check", "info"),
        "released": Badge(_("at the bank"), "landmark", "info"),
        "settled": Badge(_("settled"), "check", "ok"),
        "returned": Badge(_("sent back by the bank"), "undo-2", "bad"),
        "held": Badge(_("held"), "lock", "warn"),
    }
    return states[state]


def away(link: str) -> Section:
    """In place of an answer whose service does not answer."""
    return Section(
        _("This part is away right now"), _("All else works. Open this page again in a minute."), (), (), link
    )


# ---------- the volunteer ----------


def coins_to_spend(balance_cents: int, lots: Iterable[tuple[int, date]], link: str) -> Section:
    """lots: (amount left, last day it can be used)."""
    rows = tuple(Row(cents(amount), _("use them until %(day)s", day=day(until))) for amount, until in lots)
    return Section(_("How many coins do I have?"), _("For shops of the neighbourhood."),
                   (Figure(cents(balance_cents), _("coins to spend"), coin=True),), rows, link)  # fmt: skip


def hours_and_thanks(attendances: Iterable[tuple[str, date, int, str]], link: str) -> Section:
    """attendances: (activity, day, awarded, state)."""
    rows = tuple(
        Row(activity, day(when), cents(amount) if amount else "", state_badge(state))
        for activity, when, amount, state in attendances
    )
    return Section(
        _("What came of my shifts?"), "" if rows else _("No shift yet. Choose one and come along."), (), rows, link
    )


def next_shifts(shifts: Iterable[tuple[str, date, str, int, int]], link: str) -> Section:
    """shifts: (activity, day, starting time as `9:00`, people signed up, capacity)."""
    rows = tuple(
        Row(activity, f"{day(when)}, {at}", _("%(signed)s of %(places)s", signed=number(signed), places=number(places)),
            state_badge("full") if signed >= places else None)
        for activity, when, at, signed, places in shifts
    )  # fmt: skip
    return Section(_("Which shifts come next?"), "" if rows else _("No shift is published yet."), (), rows, link)


# ---------- the shop ----------


def sales_of_the_day(total_cents: int, sales: Iterable[tuple[str, int, str]], link: str) -> Section:
    """sales: (time as `16:40`, amount, state)."""
    rows = tuple(Row(at, "", cents(amount), state_badge(state)) for at, amount, state in sales)
    return Section(_("What did we take in coins?"), _("On the last day with sales. No name, no balance: only the amount."),
                   (Figure(cents(total_cents), _("taken at the till"), coin=True),), rows, link)  # fmt: skip


def owed_to_the_shop(owed_cents: int, statements: Iterable[tuple[str, int, str]], link: str) -> Section:
    """statements: (what it is, as the shop reads it, amount, state)."""
    rows = tuple(Row(what, "", euros(amount), state_badge(state)) for what, amount, state in statements)
    return Section(_("What does the town owe us?"), _("One statement a month, then the bank."),
                   (Figure(euros(owed_cents), _("not yet at the bank")),), rows, link)  # fmt: skip


# ---------- the coordinator ----------


def hours_to_confirm(open_count: int, disputed_count: int, rows: Iterable[tuple[str, date, str]], link: str) -> Section:
    """rows: (activity, day, state)."""
    figures = (
        Figure(number(open_count), ngettext("person to confirm", "people to confirm", open_count)),
        Figure(number(disputed_count), ngettext("dispute to settle", "disputes to settle", disputed_count)),
    )
    lines = tuple(Row(activity, day(when), "", state_badge(state)) for activity, when, state in rows)
    return Section(_("What waits for me?"), "", figures, lines, link)


# ---------- the city ----------


def where_the_money_is(set_aside: int, free: int, in_wallets: int, owed: int, link: str) -> Section:
    """All four in cents."""
    figures = (
        Figure(euros(set_aside), _("set aside in all funds")),
        Figure(euros(free), _("free for new coins")),
        Figure(euros(in_wallets), _("in volunteers’ wallets")),
        Figure(euros(owed), _("owed to shops")),
    )
    return Section(_("Where is the money?"), _("Every coin has its euro in a fund."), figures, (), link)


def money_on_its_way(batches: Iterable[tuple[str, int, int, str]], link: str) -> Section:
    """batches: (number, claims in it, amount, state)."""
    rows = tuple(
        Row(
            name,
            ngettext("%(count)s shop", "%(count)s shops", claims, count=number(claims)),
            euros(amount),
            state_badge(state),
        )
        for name, claims, amount, state in batches
    )
    return Section(
        _("Who is next?"), _("One prepares, another approves, a third releases. Never the same person."), (), rows, link
    )


def rules_of_today(
    thanks_cents: int, day_cap_cents: int, month_cap_cents: int, programmes: Iterable[str], link: str
) -> Section:
    """The award for one shift, and the ceilings for one person (the city's own, with its legal basis in the settings)."""
    figures = (
        Figure(cents(thanks_cents), _("coins for taking part in a shift"), coin=True),
        Figure(cents(day_cap_cents), _("at most for one person a day"), coin=True),
        Figure(cents(month_cap_cents), _("at most for one person a month"), coin=True),
    )
    return Section(_("What are the rules today?"), _("It is a thank-you for taking part. Nothing is lost by not coming."),
                   figures, tuple(Row(name) for name in programmes), link)  # fmt: skip


def people_and_roles(counts: Iterable[tuple[str, int]], link: str) -> Section:
    """counts: (role as the person reads it, how many have it)."""
    return Section(_("Who takes part?"), "", (), tuple(Row(role, "", number(count)) for role, count in counts), link)


# ---------- the sponsor ----------


def what_the_gift_became(given_cents: int, hours: int, places: int, shops: int, link: str) -> Section:
    """Totals of one sponsor's fund."""
    figures = (
        Figure(euros(given_cents), _("given")),
        Figure(number(hours), ngettext("hour of care", "hours of care", hours)),
        Figure(number(places), ngettext("neighbourhood", "neighbourhoods", places)),
        Figure(number(shops), ngettext("shop that sold", "shops that sold", shops)),
    )
    told = tuple(f for f in figures if f.value != "0")  # a place or shop with too few people is not told apart
    return Section(_("What did my gift become?"), _("Hours, places and shops. Never who."), told, (), link)


def gifts(top_ups: Iterable[tuple[date, int, str]], link: str) -> Section:
    """top_ups: (day, amount, state)."""
    rows = tuple(Row(day(when), "", euros(amount), state_badge(state)) for when, amount, state in top_ups)
    return Section(_("What did I give?"), _("Coins are made only when the money is really there."), (), rows, link)


# ---------- the auditor and everyone ----------


def do_the_books_agree(transfers: int, checks: Iterable[tuple[str, int]], link: str) -> Section:
    """checks: (invariant as a sentence, how many rows break it)."""
    rows = tuple(
        Row(sentence, "", "" if wrong == 0 else number(wrong),
            Badge(_("holds"), "check", "ok") if wrong == 0 else Badge(_("broken"), "x", "bad"))
        for sentence, wrong in checks
    )  # fmt: skip
    return Section(
        _("Do the books agree?"), "", (Figure(number(transfers), _("entries, none changed or removed")),), rows, link
    )


class Step(NamedTuple):
    """One step of a coin's way: what happened, on which day, the id it can be looked up by, and its amount as it is to be read."""

    words: str
    when: date
    id: str
    amount: str


def one_coins_way(steps: Iterable[Step], link: str) -> Section:
    """steps: from the fund's decision to the bank's line."""
    rows = tuple(Row(step.words, day(step.when), step.amount, code=step.id) for step in steps)
    return Section(
        _("Where did this coin go?"),
        _("From the fund’s money to the bank’s line. Each step has its own amount: a statement holds many sales. Ids only, no names."),
        (), rows, link,
    )  # fmt: skip


def what_it_did(hours: int, shifts: int, spent_cents: int, link: str) -> Section:
    """Totals of the whole town."""
    figures = (
        Figure(number(hours), ngettext("hour in public places", "hours in public places", hours)),
        Figure(number(shifts), ngettext("shift together", "shifts together", shifts)),
        Figure(euros(spent_cents), _("spent in shops round the corner")),
    )
    return Section(
        _("What did it do for the town?"),
        _("Groups of fewer than ten people are never shown alone."),
        figures,
        (),
        link,
    )


def street_by_street(rows: Iterable[tuple[str, int]], link: str) -> Section:
    """rows: (neighbourhood, hours)."""
    lines = tuple(
        Row(name, "", ngettext("%(count)s hour", "%(count)s hours", hours, count=number(hours))) for name, hours in rows
    )
    return Section(_("And in my street?"), "", (), lines, link)
