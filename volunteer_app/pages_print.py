"""What a volunteer can print: the card with how to use it, a slip with the coins, and a certificate of participation."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import groupby
from pathlib import Path

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from services.apis import attendance, identity, ledger
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.kit.documents import pdf, printed, qr_svg
from services.kit.i18n import cents, duration, full_day
from services.kit.i18n import day as short_day
from services.kit.screens import ask, ask_together, only, screens, visit
from volunteer_app.words import MOVEMENTS, OTHER_MOVEMENT

VOLUNTEER = "volunteer"
DOCUMENTS = Path(__file__).parent / "documents"
LATEST, AT_ONCE = 8, 200  # movements on a slip, each of one line of the ledger or several


@only(VOLUNTEER)
def card() -> ResponseReturnValue:
    return printed(printable_card(ask("identity", identity.GET_MY_CARD).code), "card")


def printable_card(code: str) -> bytes:
    data = {
        "city": screens().city.name, "code": qr_svg(code), "card_code": code,
        "steps": [
            _("Show this card to your coordinator when you come, and when you leave."),
            _("With this card and your four pictures you sign in on any phone: scan the code, then tap your pictures."),
            _("Tell nobody your pictures. Who has only the card has nothing."),
            _("Is it lost? Tell your coordinator. It ends at once, you get a new one, and your coins stay yours."),
        ],
        "words": {
            "title": _("Your card"), "keep": _("Volunteer"), "cut": _("Cut along the line."), "alt": _("The code of your card"),
            "code": _("If the square cannot be read, these are its letters:"),
        },
    }  # fmt: skip
    return pdf(DOCUMENTS / "card.typ", data, now=screens().clock.now())


@only(VOLUNTEER)
def slip() -> ResponseReturnValue:
    """For who has no phone, printed at the centre: my coins, until when, and what moved them last. It does not say whose they are."""
    me, city, now = visit().who.id, screens().city, screens().clock.now()
    wallet: ledger.Wallet = ask("ledger", ledger.GET_WALLET, person_id=me)
    ending: dict[date, int] = defaultdict(int)
    for lot in wallet.lots:
        ending[lot.expires_on] += lot.amount_cents
    data = {
        "city": city.name, "balance": cents(wallet.balance_cents), "lines": latest(me),
        "parts": [(_("use them until %(day)s", day=full_day(last)), cents(amount)) for last, amount in ending.items() if amount]
        + [(_("on the way"), cents(award.amount_cents)) for award in wallet.waiting],
        "words": {
            "title": _("Your coins"), "movements": _("What happened last"), "none": _("Nothing yet. Coins come after your first shift."),
            "columns": [_("Day"), _("What"), _("Coins")], "cut": _("Cut along the line."),
            "printed": _("Printed on %(day)s at %(time)s", day=full_day(city.day_of(now)), time=f"{city.local(now):%H:%M}"),
        },
    }  # fmt: skip
    return printed(pdf(DOCUMENTS / "slip.typ", data, now=now), "coins")


def latest(person_id: str) -> list[tuple[str, str, str]]:
    """The last movements, newest first: day, what it was, and the sum of its lines."""
    told = ask("ledger", ledger.GET_MOVEMENTS, query=Page(limit=AT_ONCE), person_id=person_id)
    runs = [list(run) for _journal, run in groupby(told.movements, key=lambda one: one.journal)]
    lines = []
    for run in (runs[:-1] if told.next_cursor else runs)[:LATEST]:  # the last may go on behind what was asked for
        words, _sign = MOVEMENTS.get(run[0].kind, OTHER_MOVEMENT)
        amount = sum(one.amount_cents for one in run)
        day = short_day(screens().city.day_of(run[0].occurred_at))
        lines.append((day, str(words), f"{'+' if amount > 0 else '−'}{cents(abs(amount))}"))
    return lines


@only(VOLUNTEER)
def certificate() -> ResponseReturnValue:
    """Of the days asked for, by default all from joining until today."""
    parts = ask_together(me=lambda: ask("identity", identity.GET_ME))
    me, city = parts["me"], screens().city
    try:
        first = date.fromisoformat(request.args.get("from") or city.day_of(me.joined_at).isoformat())
        last = date.fromisoformat(request.args.get("to") or city.day_of(screens().clock.now()).isoformat())
    except ValueError:
        raise Refused("invalid_request", "These are no days.", status=422) from None
    told = ask("attendance", attendance.GET_CERTIFICATE_DATA, query=attendance.Period(from_=first, to=last))
    times = ngettext("%(num)s time", "%(num)s times", told.participations)
    data = {
        "city": city.name,
        "lines": [
            [line.programme or "–", line.organisation or "–", f"{full_day(line.first_on)} – {full_day(line.last_on)}",
             duration(line.minutes)]
            for line in told.lines
        ],
        "words": {
            "title": _("Certificate of participation"),
            "sentence": _("%(name)s took part %(times)s in caring for the city together with others, from %(first)s to %(last)s.",
                          name=me.nickname or _("The holder"), times=times, first=full_day(first), last=full_day(last)),
            "columns": [_("Programme"), _("Organisation"), _("Days"), _("Time")],
            "sum": _("Together: %(time)s", time=duration(told.minutes)),
            "made": _("Made on %(day)s from confirmed attendances.", day=full_day(city.day_of(screens().clock.now()))),
        },
    }  # fmt: skip
    return printed(pdf(DOCUMENTS / "certificate.typ", data, now=screens().clock.now()), "certificate")


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/me/card.pdf", "card", card)
    pages.add_url_rule("/coins/slip.pdf", "slip", slip)
    pages.add_url_rule("/me/certificate.pdf", "certificate", certificate)
