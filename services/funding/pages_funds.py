"""The finance officers' pages about funds: what each has and how that moves, money two people set aside, money that found no fund."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from services.apis import funding as api
from services.apis import ledger_fund, shifts
from services.apis import reimbursement_payment as payment_api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.funding import pages_exports, pages_terms
from services.funding.pages_terms import OPENERS, REFUSALS, purpose_of, share_of
from services.kit.every import every
from services.kit.screens import ask, ask_together, done, form_key, only, screens, visit
from services.kit.words import say

OFFICER, READERS = "finance", ("finance", "auditor")
OF_FUNDS = (*READERS, "admin")  # who opens and closes them sees them too, without their money
WEEKS = 8  # how far back the trend goes
WIDE, HIGH = 320.0, 72.0  # of its drawing

pages = Blueprint("funds", __name__, url_prefix="/finance/funds", template_folder="templates")
KINDS = {
    "city": (lazy_gettext("city budget"), "landmark"),
    "sponsor": (lazy_gettext("sponsor"), "sprout"),
    "grant": (lazy_gettext("grant"), "file-text"),
}
pages.add_app_template_global(lambda kind: KINDS[kind], "fund_kind")
say(
    pages,
    {
        "amount_wrong": lazy_gettext("Write the amount in euro, such as 1250 or 1250.00."),
        "fund_closed": lazy_gettext("This fund is closed. Choose another one."),
        "not_for_sponsors": lazy_gettext(
            "A sponsor’s fund is filled by its sponsor. Choose a fund of the city or of a grant."
        ),
        "already_decided": lazy_gettext("This was decided already. Open the page again."),
        "already_assigned": lazy_gettext("This money has its fund already."),
        "not_proposed": lazy_gettext("Nobody proposes a fund for this money any more. Open the page again."),
        **REFUSALS,
    },
)
pages_terms.add_to(pages)
pages_exports.add_to(pages)


@dataclass(frozen=True)
class Trend:
    """What was free at the end of each week (cents, oldest first, the last is now), and the line through it as an SVG's points."""

    values: tuple[tuple[date, int], ...]

    @property
    def points(self) -> str:
        most = max((cents for _day, cents in self.values), default=0) or 1
        across = (WIDE - 8) / max(1, len(self.values) - 1)
        return " ".join(
            f"{4 + n * across:.1f},{HIGH - 4 - (HIGH - 12) * cents / most:.1f}"
            for n, (_day, cents) in enumerate(self.values)
        )


@pages.get("/")
@only(*OF_FUNDS)
def funds() -> ResponseReturnValue:
    questions: dict[str, Callable[[], Any]] = {"funds": all_funds}
    if _reads_money():
        questions |= {
            "set_asides": lambda: list(_set_asides(state="prepared")), "credits": _credits,
        }  # fmt: skip
    if visit().who.has(OFFICER):
        questions["batches"] = _batches_for_me
    parts = ask_together(**questions)
    found: Sequence[api.Fund] = parts.get("funds", ())
    return render_template(
        "funds/funds.html", parts=parts, found=found, trends=_trends(found), sums=_sums(found), wide=WIDE, high=HIGH,
        by_id={fund.fund_id: fund for fund in found}, **_looks(),
    )  # fmt: skip


def _batches_for_me() -> list[payment_api.Batch]:
    """Payments that wait for a hand which may be that of whoever looks: nobody puts two to the same."""
    me = UUID(visit().who.id)
    batches = ask("reimbursement", payment_api.GET_BATCHES, query=Page()).batches
    return [
        one for one in batches if one.state in ("prepared", "approved") and me not in (one.prepared_by, one.approved_by)
    ]


def all_funds() -> list[api.Fund]:
    """Open ones first, in the order in which they are used."""
    return sorted(every("funding", api.GET_FUNDS, "funds"), key=lambda one: (not one.open, one.rank, one.name))


def _set_asides(**which: Any) -> Iterator[api.SetAside]:
    return every("funding", api.GET_SET_ASIDES, "set_asides", api.SetAsideQuery(**which))


def _reads_money() -> bool:
    return any(map(visit().who.has, READERS))


def _looks() -> dict[str, Any]:
    """`me`: whoever looks, if they may act on money; `opener`: whether they may open and close funds; `viewer`: whoever looks."""
    who = visit().who
    return {
        "me": UUID(who.id) if who.has(OFFICER) else None, "opener": any(map(who.has, OPENERS)), "viewer": UUID(who.id),
        "reads_money": _reads_money(),
    }  # fmt: skip


def _credits() -> list[api.Credit]:
    return [one for one in every("funding", api.GET_UNASSIGNED_CREDITS, "credits") if one.state != "assigned"]


def _sums(found: Sequence[api.Fund]) -> dict[str, int]:
    figures = [fund.figures for fund in found if fund.figures]
    owed = sum(one.spent_cents - one.paid_cents for one in figures)
    free, outstanding = (sum(getattr(one, name) for one in figures) for name in ("free_cents", "outstanding_cents"))
    return {"free": free, "outstanding": outstanding, "owed": owed, "all": free + outstanding + owed}


def _trends(found: Sequence[api.Fund]) -> dict[UUID, Trend]:
    """Each fund's trend; a fund that never had money has none, and no fund while the ledger is away."""
    having = {fund.fund_id for fund in found if fund.figures and fund.figures.in_cents}
    query = ledger_fund.TrendQuery(points=WEEKS)
    told = (
        ask_together(trends=lambda: ask("ledger", ledger_fund.GET_TRENDS, query=query)).get("trends")
        if having
        else None
    )
    if told is None:
        return {}
    days = [screens().city.day_of(moment) for moment in told.moments]
    return {
        one.fund_id: Trend(tuple(zip(days, one.free_cents, strict=True)))
        for one in told.funds if one.fund_id in having
    }  # fmt: skip


@pages.get("/<uuid:fund_id>")
@only(*OF_FUNDS)
def fund(fund_id: UUID) -> ResponseReturnValue:
    return _fund(fund_id)


def _fund(fund_id: UUID, refusal: Refused | None = None) -> ResponseReturnValue:
    known = all_funds()
    found = next((one for one in known if one.fund_id == fund_id), None)
    if found is None:
        raise Refused("unknown_fund", "There is no such fund.", status=404)
    asides = list(_set_asides(fund_id=fund_id)) if _reads_money() else []
    programmes = ask("shifts", shifts.GET_PROGRAMMES).programmes if found.earmark.programme_ids else ()
    page = render_template(
        "funds/fund.html", fund=found, set_asides=asides, trend=_trends([found]).get(fund_id), refusal=refusal, wide=WIDE, high=HIGH,
        purpose=purpose_of(found.earmark, programmes), share=share_of(found, known), **_looks(),
    )  # fmt: skip
    return page, refusal.status if refusal else 200


# ---------- money set aside ----------


@pages.post("/<uuid:fund_id>/set-aside")
@only(OFFICER)
def set_aside(fund_id: UUID) -> ResponseReturnValue:
    try:
        amount_cents = cents_in(request.form.get("amount", ""))
        body = api.PrepareSetAside(amount_cents=amount_cents, act=request.form.get("act", "").strip())
        ask("funding", api.POST_SET_ASIDE, body, key=form_key(), fund_id=fund_id)
    except Refused as refused:
        if refused.status in (401, 403, 404):
            raise
        return _fund(fund_id, refused)
    return done(url_for(".fund", fund_id=fund_id), _("Prepared. A colleague approves it, then the money is there."))


def cents_in(text: str) -> int:
    """`1250`, `1250.5` or `1250,50` in cents. Raises Refused `amount_wrong`."""
    try:
        cents = Decimal(text.strip().replace(",", ".")) * 100
    except InvalidOperation:
        cents = Decimal(0)
    if cents <= 0 or cents != int(cents):
        raise Refused("amount_wrong", "Write the amount in euro.", status=422)
    return int(cents)


@pages.post("/<uuid:fund_id>/set-aside/<uuid:set_aside_id>/approve")
@only(OFFICER)
def approve_set_aside(fund_id: UUID, set_aside_id: UUID) -> ResponseReturnValue:
    ask("funding", api.POST_SET_ASIDE_APPROVE, key=form_key(), set_aside_id=set_aside_id)
    return done(
        url_for(".fund", fund_id=fund_id), _("The money is set aside. Coins that waited for it come by themselves.")
    )


@pages.post("/<uuid:fund_id>/set-aside/<uuid:set_aside_id>/withdraw")
@only(OFFICER)
def withdraw_set_aside(fund_id: UUID, set_aside_id: UUID) -> ResponseReturnValue:
    ask("funding", api.POST_SET_ASIDE_WITHDRAW, key=form_key(), set_aside_id=set_aside_id)
    return done(url_for(".fund", fund_id=fund_id), _("It is withdrawn. Nothing was set aside."))


# ---------- money that found no fund ----------


@pages.get("/credits")
@only(*READERS)
def credits() -> ResponseReturnValue:
    parts = ask_together(credits=_credits, funds=lambda: list(every("funding", api.GET_FUNDS, "funds")))
    found: Sequence[api.Fund] = parts.get("funds", ())
    return render_template(
        "funds/credits.html", parts=parts, names={one.fund_id: one.name for one in found},
        choices=sorted(((str(one.fund_id), one.name) for one in found if one.open), key=lambda pair: pair[1].lower()), **_looks(),
    )  # fmt: skip


@pages.post("/credits/<uuid:entry_id>/<any(assign, approve):step>")
@only(OFFICER)
def decide_credit(entry_id: UUID, step: str) -> ResponseReturnValue:
    """One officer says which fund the money is for, another approves just that."""
    body = api.AssignCredit(fund_id=UUID(request.form["fund_id"]))
    endpoint = api.POST_CREDIT_ASSIGN if step == "assign" else api.POST_CREDIT_APPROVE
    ask("funding", endpoint, body, key=form_key(), entry_id=entry_id)
    words = _("Proposed. A colleague approves it.") if step == "assign" else _("The money is in its fund.")
    return done(url_for(".credits"), words)
