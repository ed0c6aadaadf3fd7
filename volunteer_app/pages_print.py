"""What a volunteer can print: the card with how to use it, and a certificate of participation."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from services.apis import attendance, identity
from services.apis.errors import Refused
from services.kit.documents import pdf, printed, qr_svg
from services.kit.i18n import duration, full_day
from services.kit.screens import ask, ask_together, only, screens

VOLUNTEER = "volunteer"
DOCUMENTS = Path(__file__).parent / "documents"


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
    pages.add_url_rule("/me/certificate.pdf", "certificate", certificate)
