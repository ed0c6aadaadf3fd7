"""Giving: how much, what for and in which way; then to the payment page, or to the reference for a transfer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from services.apis import funding_sponsor as api
from services.apis import shifts
from services.apis.errors import Refused
from services.funding.words_sponsor import WAYS
from services.kit.kinds import KINDS, kind_name
from services.kit.pages import CONTENT_SECURITY_POLICY
from services.kit.screens import ask, ask_together, done, form_key, screens

AMOUNTS_EUROS = (100, 250, 500, 1000)
LEAST_CENTS, MOST_CENTS = 500, 100_000_000
AMOUNT = re.compile(r"(\d{1,7})(?:[.,](\d{1,2}))?")
CHECKOUT = "https://checkout.stripe.com"  # where the form may lead on to: browsers hold redirects to `form-action` too
MOST_SHIFTS = 200


def give(sponsor_id: UUID, sponsors: Sequence[api.Sponsor]) -> ResponseReturnValue:
    """The form, filled in with what was sent or is in the address; a pledge once it is complete."""
    refusal = None
    if request.method == "POST":
        try:
            return _on(ask("funding", api.POST_TOPUP, wish(), key=form_key(), sponsor_id=sponsor_id))
        except Refused as refused:
            if refused.status in (401, 403):
                raise
            refusal = refused
    page = render_template(
        "sponsor/give.html", refusal=refusal, amounts=AMOUNTS_EUROS, ways=WAYS, sponsors=sponsors, sponsor_id=sponsor_id,
        places=[(n.id, n.name) for n in screens().city.neighbourhoods], kinds=[(kind, kind_name(kind)) for kind in kinds()],
    )  # fmt: skip
    policy = CONTENT_SECURITY_POLICY.replace("form-action 'self'", f"form-action 'self' {CHECKOUT}")
    return Response(
        page, refusal.status if refusal else 200, headers={"Content-Security-Policy": policy}, mimetype="text/html"
    )


def wish() -> api.MakeTopUp:
    """What the form asks for. Raises Refused `topup_amount_wrong`, `invalid_request`."""
    form = request.form
    wanted: dict[str, Any] = {
        "neighbourhood": lambda: api.InNeighbourhood(neighbourhood_id=form.get("neighbourhood_id", "")),
        "kind": lambda: api.ForKind(kind=form.get("kind", "")),
    }
    purpose: api.Purpose = wanted.get(form.get("purpose", ""), api.Anywhere)()
    way = form.get("method", "")
    if way not in WAYS:
        raise Refused("invalid_request", "Choose a way to give.", {"field": "method"}, status=422)
    return api.MakeTopUp(amount_cents=amount_of(form), purpose=purpose, method=way)  # type: ignore[arg-type]


def amount_of(form: Any) -> int:
    """In cents: what was typed, or else the amount that was chosen. Raises Refused `topup_amount_wrong`."""
    typed = re.sub(r"[€\s]", "", form.get("own", ""))
    read = AMOUNT.fullmatch(typed or form.get("amount", ""))
    cents = int(read[1]) * 100 + int((read[2] or "").ljust(2, "0")) if read else 0
    if not LEAST_CENTS <= cents <= MOST_CENTS:
        raise Refused("topup_amount_wrong", "The amount is missing or out of range.", {"field": "own"}, status=422)
    return cents


def kinds() -> list[str]:
    """The kinds of activity money can be for: those of shifts to come, and those most cities have where there are none yet."""
    parts = ask_together(shifts=lambda: ask("shifts", shifts.GET_SHIFTS, query=shifts.ShiftQuery(limit=MOST_SHIFTS)))
    found = {one.kind for one in parts["shifts"].shifts} if "shifts" in parts else set()
    return sorted(found or KINDS, key=kind_name)


def _on(topup: api.TopUp) -> ResponseReturnValue:
    if topup.checkout_url:
        return redirect(topup.checkout_url, 303)
    return done(url_for(".topup", sponsor_id=topup.sponsor_id, topup=topup.topup_id))
