"""The administrator's rules: how many coins a participation is thanked with, what a new rule would have cost, and the ceilings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from services.apis import awards as api
from services.apis import shifts
from services.apis.errors import Refused
from services.awards.pages_cap import ceilings, today_here
from services.kit.i18n import duration, euros
from services.kit.screens import ask, ask_together, done, form_key, only, read_form, read_values, screens
from services.kit.words import say

ADMIN = "admin"
pages = Blueprint("rules", __name__, url_prefix="/admin/rules", template_folder="templates")

FORMS = (
    ("per_participation", lazy_gettext("Each time")),
    ("per_hour", lazy_gettext("Each full hour")),
)
LOOK_BACK = (
    ("4", lazy_gettext("4 weeks")), ("8", lazy_gettext("8 weeks")),
    ("26", lazy_gettext("Half a year")), ("52", lazy_gettext("One year")),
)  # fmt: skip

say(
    pages,
    {
        "programme_too_new": lazy_gettext("This programme was opened just now. Try again in a moment."),
        "rule_incomplete": lazy_gettext("Say how many hours of one participation count at most."),
        "rule_in_the_past": lazy_gettext("A rule starts today or later, so that no coins already given change. Choose such a day."),
        "rule_exists": lazy_gettext("A rule of this programme starts on that day already. Choose another day."),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """One neighbourhood: what was given there, and what a draft would have given; in cents, and as shares of the largest (0 to 1)."""

    name: str
    was_cents: int
    would_cents: int
    was: float
    would: float


def rule_words(rule: api.DraftRule | api.CityRule, coin_cents: int) -> str:
    """A rule in a sentence: `5 coins (€5.00) for each participation`."""
    coins = ngettext("%(num)s coin", "%(num)s coins", rule.coins)
    amount = f"{coins} ({euros(rule.coins * coin_cents)})"
    if isinstance(rule, api.CityRule):
        return str(_("%(amount)s for each participation", amount=amount))
    if rule.form == "per_hour":
        most = duration(60 * (rule.most_hours or 0))
        said = _("%(amount)s for each full hour of a participation, %(most)s at most", amount=amount, most=most)
    else:
        said = _("%(amount)s for each participation", amount=amount)
    if rule.least_minutes:
        said = _("%(rule)s, if it lasts %(least)s", rule=said, least=duration(rule.least_minutes))
    return str(said)


pages.add_app_template_global(rule_words)


@pages.get("/")
@only(ADMIN)
def rules() -> ResponseReturnValue:
    parts = ask_together(
        programmes=lambda: ask("shifts", shifts.GET_PROGRAMMES),
        rules=lambda: ask("awards", api.GET_RULES),
        ceilings=ceilings,
    )
    found = parts["programmes"].programmes if "programmes" in parts else ()
    told = parts["rules"].rules if "rules" in parts else ()
    lines = [(one, *now_and_next(told, one.programme_id)) for one in found]
    return render_template(
        "rules/rules.html", parts=parts, lines=lines, ceilings=parts.get("ceilings"), today=today_here()
    )


@pages.get("/<uuid:programme_id>")
@only(ADMIN)
def programme(programme_id: UUID) -> ResponseReturnValue:
    told = ask("awards", api.GET_RULES)
    here = [rule for rule in reversed(told.rules) if rule.programme_id == programme_id]
    current, _next = now_and_next(told.rules, programme_id)
    return render_template(
        "rules/programme.html", programme=_programme(programme_id), told=told, history=here, current=current, today=today_here()
    )  # fmt: skip


@pages.get("/<uuid:programme_id>/new")
@only(ADMIN)
def draft(programme_id: UUID, refusal: Refused | None = None) -> ResponseReturnValue:
    page = render_template(
        "rules/draft.html", programme=_programme(programme_id), coin_cents=screens().city.coins.value_cents, refusal=refusal,
        forms=FORMS, look_back=LOOK_BACK,
    )  # fmt: skip
    return page, refusal.status if refusal else 200


@pages.get("/<uuid:programme_id>/cost")
@only(ADMIN)
def cost(programme_id: UUID) -> ResponseReturnValue:
    """What a draft, kept in the address, would have cost; and the form that sets it."""
    try:
        return _cost(programme_id, read_draft(programme_id, request.args))
    except Refused as refusal:
        if refusal.status in (401, 403, 404):
            raise
        return draft(programme_id, refusal)


@pages.post("/<uuid:programme_id>/cost")
@only(ADMIN)
def set_rule(programme_id: UUID) -> ResponseReturnValue:
    try:
        rule = ask("awards", api.POST_RULE, read_form(api.SetRule, programme_id=programme_id), key=form_key())
    except Refused as refusal:
        if refusal.status in (401, 403, 404):
            raise
        return _cost(programme_id, read_draft(programme_id, request.form), refusal)
    starts_today = rule.valid_from == today_here()
    words = (
        _("The rule is set, from today on.") if starts_today else _("The rule is set. It starts on its day by itself.")
    )
    return done(url_for(".programme", programme_id=programme_id), words)


def read_draft(programme_id: UUID, values: Mapping[str, str]) -> api.DraftRule:
    """The draft in an address or a form. Hours count only where they are asked for."""
    hours = {} if values.get("form") == "per_hour" else {"most_hours": None}
    return read_values(api.DraftRule, values, programme_id=programme_id, **hours)


def _cost(programme_id: UUID, rule: api.DraftRule, refusal: Refused | None = None) -> ResponseReturnValue:
    weeks = int(said) if (said := request.values.get("weeks", "")) in dict(LOOK_BACK) else 8
    to_day = today_here()
    asked = api.Preview(rule=rule, from_day=to_day - timedelta(days=7 * weeks - 1), to_day=to_day)
    try:
        told = ask("awards", api.POST_RULE_PREVIEW, asked)
    except Refused as refused:
        if refused.code != "unknown_programme":
            raise
        raise Refused("programme_too_new", "Awards have not heard of the programme yet.", status=409) from None
    page = render_template(
        "rules/cost.html", programme=_programme(programme_id), rule=rule, told=told, asked=asked, weeks=weeks, bars=bars(told.cells),
        coin_cents=screens().city.coins.value_cents, refusal=refusal,
        first_of_next=(to_day.replace(day=1) + timedelta(days=32)).replace(day=1),
    )  # fmt: skip
    return page, refusal.status if refusal else 200


def bars(cells: tuple[api.PreviewCell, ...]) -> list[Bar]:
    """All months of a neighbourhood together, the largest first."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for cell in cells:
        sums[cell.neighbourhood_id][0] += cell.was.amount_cents
        sums[cell.neighbourhood_id][1] += cell.would.amount_cents
    most = max((max(pair) for pair in sums.values()), default=0) or 1
    found = [
        Bar(_name_of(id_), was, would, was / most, would / most)
        for id_, (was, would) in sums.items()
    ]  # fmt: skip
    return sorted(found, key=lambda bar: (-bar.would_cents, -bar.was_cents, bar.name))


def now_and_next(rules: tuple[api.Rule, ...], programme_id: UUID) -> tuple[api.Rule | None, api.Rule | None]:
    """The programme's own rule in force today, and the first that starts later."""
    mine = [rule for rule in rules if rule.programme_id == programme_id]
    started = [rule for rule in mine if rule.valid_from <= today_here()]
    later = [rule for rule in mine if rule.valid_from > today_here()]
    return (started[-1] if started else None), (later[0] if later else None)


def _programme(programme_id: UUID) -> shifts.Programme:
    found = ask("shifts", shifts.GET_PROGRAMMES).programmes
    known: shifts.Programme | None = next((one for one in found if one.programme_id == programme_id), None)
    if known is None:
        raise Refused("unknown_programme", "There is no such programme.", status=404)
    return known


def _name_of(neighbourhood_id: str) -> str:
    known = screens().city.neighbourhood(neighbourhood_id)
    return known.name if known else neighbourhood_id
