"""Months: issue the statements of one that is over, see what is missing, close it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from services.apis import reimbursement as api
from services.kit.every import every
from services.kit.screens import ask, ask_together, done, form_key, only, screens
from services.reimbursement.pages_parts import OFFICER, READERS


@only(*READERS)
def months() -> ResponseReturnValue:
    """Those that are not closed with what each still needs, then those that are."""
    told = ask("reimbursement", api.GET_PERIODS).periods
    opened = [one for one in told if one.closed_at is None]
    parts = ask_together(**{one.period: _counted(one.period) for one in opened}) if opened else {}
    return render_template(
        "finance/months.html", over=_over_without(told), opened=[(one, parts.get(one.period)) for one in opened],
        closed=[one for one in told if one.closed_at], running=f"{_today():%Y-%m}",
    )  # fmt: skip


def _today() -> date:
    return screens().city.day_of(screens().clock.now())


def _over_without(told: Any) -> str | None:
    """The month before this one, while its statements are not issued."""
    before = f"{_today().replace(day=1) - timedelta(days=1):%Y-%m}"
    return None if any(one.period == before for one in told) else before


def _counted(period: str) -> Callable[[], Counter[str]]:
    query = api.StatementQuery(period=period)
    return lambda: Counter(one.state for one in every("reimbursement", api.GET_STATEMENTS, "statements", query))


@only(OFFICER)
def issue(period: str) -> ResponseReturnValue:
    issued = ask("reimbursement", api.POST_STATEMENTS, key=form_key(), period=period)
    words = ngettext("%(num)s statement is issued.", "%(num)s statements are issued.", issued.issued_now)
    return done(url_for(".months"), words)


@only(OFFICER)
def close(period: str) -> ResponseReturnValue:
    ask("reimbursement", api.POST_PERIOD_CLOSE, key=form_key(), period=period)
    return done(url_for(".months"), _("The month is closed. What comes later is on the next one’s statements."))


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/months", "months", months)
    pages.add_url_rule("/months/<period>/issue", "issue", issue, methods=["POST"])
    pages.add_url_rule("/months/<period>/close", "close", close, methods=["POST"])
