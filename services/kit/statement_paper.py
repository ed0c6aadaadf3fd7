"""A shop's statement on paper: one sheet for the shop that confirms it and for whoever looks into it later."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from flask_babel import force_locale, ngettext
from flask_babel import gettext as _

from services.apis import redemption
from services.apis import reimbursement as api
from services.kit.documents import pdf
from services.kit.i18n import day, euros, month
from services.kit.screens import screens

TEMPLATE = Path(__file__).parent / "statement.typ"


def statement_pdf(
    about: api.Statement, lines: Iterable[api.Line], shop: str, tills: Iterable[redemption.Till], *,
    now: datetime, spoken: str | None = None,
) -> bytes:  # fmt: skip
    """With every line, in the reader's language or the one that is `spoken`."""
    city, names, rows = screens().city, {till.till_id: till.name for till in tills}, []
    with force_locale(spoken) if spoken else nullcontext():
        for line in lines:
            when, till = city.local(line.happened_at), names.get(line.till_id, "")
            undone = f"{till} · {_('undone')}" if line.kind == "void" else till
            rows.append([f"{day(when)}, {when:%H:%M}", undone, euros(line.amount_cents)])
        data = {
            "city": city.name, "shop": shop, "amount": euros(about.amount_cents), "lines": rows,
            "words": {
                "title": _("Statement, %(month)s", month=month(about.period_from)),
                "sum": _("Owed for this month"), "counted": counted(about.sale_count, about.void_count),
                "columns": [_("Day"), _("Till"), _("Amount")], "together": _("Amount of the statement"),
            },
        }  # fmt: skip
    return pdf(TEMPLATE, data, now=now, spoken=spoken)


def counted(sales: int, undone: int, between: str = " · ") -> str:
    """`12 sales · 1 undone`."""
    said = [ngettext("%(num)s sale", "%(num)s sales", sales)]
    if undone:
        said.append(ngettext("%(num)s undone", "%(num)s undone", undone))
    return between.join(said)
