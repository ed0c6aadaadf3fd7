"""A till stands on a token of its own, in a cookie of the device: whoever holds it sells in the shop's name until the owner unpairs it."""

from __future__ import annotations

import functools
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from services.apis.errors import Refused
from services.kit.screens import View, screens, visit

TILL_COOKIE, TILL_SECONDS = "till", 400 * 24 * 3600
GONE = ("till_unpaired", "session_ended", "session_wrong")


def at_till(view: View) -> View:
    """For a view of a paired device. Any other is led to where it is paired, and so is one that was unpaired meanwhile."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if TILL_COOKIE not in request.cookies:
            return redirect(url_for("till.pair"), 303)
        try:
            return view(*args, **kwargs)
        except Refused as refusal:
            if refusal.code not in GONE:
                raise
            visit().cookies[TILL_COOKIE] = None
            return redirect(url_for("till.pair", ended="yes"), 303)

    guarded.only = "cashier"  # type: ignore[attr-defined]  # looked at by a test, as with `only` for people
    return guarded  # type: ignore[return-value]


def ask_as_till(endpoint: Any, body: Any = None, *, key: Any = None, **more: Any) -> Any:
    """Ask redemption as this device. Raises Refused."""
    client = screens().clients["redemption"].as_(request.cookies.get(TILL_COOKIE))
    return client.call(endpoint, body, key=key, **more)
