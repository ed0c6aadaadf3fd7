"""What finance officers see and do about what shops are owed: statements and their questions. Paying, the bank, months and trails are in
the modules beside it; auditors look at the same pages, which then have no buttons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import funding
from services.apis import reimbursement as api
from services.apis.endpoint import Page
from services.kit.every import every
from services.kit.screens import ask, ask_together, done, form_key, only, read_form
from services.kit.tables import MEDIA, table
from services.kit.words import say
from services.reimbursement import pages_account, pages_bank, pages_batch, pages_month, pages_trail
from services.reimbursement.pages_parts import OFFICER, READERS, handed_on, may_act, month_of, shop_names
from services.reimbursement.pages_words import BLOCKED, REFUSALS, STATES, WHY

pages = Blueprint("finance", __name__, url_prefix="/finance", template_folder="templates")
say(pages, REFUSALS)
pages.add_app_template_global(may_act, "officer_here")
pages.add_app_template_global(lambda kind, state: STATES[kind][state], "finance_state")
pages.add_app_template_global(month_of, "month_of")
pages.add_app_template_global(lambda why: BLOCKED[why], "blocked_words")
pages.add_app_template_global(lambda why: WHY[why], "why_words")
MONTH = (
    "statement_id", "shop_id", "shop", "period", "state", "sales", "undone", "amount_cents", "claim_id", "claim_number", "claim_state",
)  # fmt: skip
for module in (pages_batch, pages_account, pages_bank, pages_month, pages_trail):
    module.add_to(pages)


@pages.get("/")
@only(*READERS)
def home() -> ResponseReturnValue:
    return redirect(url_for("funds.funds") if may_act() else url_for(".batches"))


@pages.get("/statements")
@only(*READERS)
def statements() -> ResponseReturnValue:
    """Those of one month, the newest if none is chosen; `show`: only those in this state."""
    months = [one.period for one in ask("reimbursement", api.GET_PERIODS).periods]
    period = request.args.get("month") or (months[0] if months else None)
    if period is None:
        return render_template("finance/statements.html", period=None)
    parts = ask_together(
        statements=lambda: list(
            every("reimbursement", api.GET_STATEMENTS, "statements", api.StatementQuery(period=period))
        ),
        claims=lambda: list(every("reimbursement", api.GET_CLAIMS, "claims", api.ClaimQuery(period=period))),
    )
    found: list[api.Statement] = parts.get("statements", [])
    names = shop_names(one.shop_id for one in found)
    show = request.args.get("show")
    return render_template(
        "finance/statements.html", months=months, period=period, show=show,
        found=sorted((one for one in found if show in (None, "", one.state)), key=lambda one: names[one.shop_id].lower()),
        names=names, counts=Counter(one.state for one in found), cents_of=_sums(found), all=len(found),
        claims={claim.statement_id: claim for claim in parts.get("claims", ())}, away=parts.away,
    )  # fmt: skip


def _sums(found: Sequence[api.Statement]) -> Counter[str]:
    """Cents by state, and of all as `all`."""
    sums: Counter[str] = Counter()
    for one in found:
        sums[one.state] += one.amount_cents
        sums["all"] += one.amount_cents
    return sums


@pages.get("/statements/<uuid:statement_id>")
@only(*READERS)
def statement(statement_id: UUID) -> ResponseReturnValue:
    told: api.FullStatement = ask("reimbursement", api.GET_STATEMENT, statement_id=statement_id)
    shop_id = told.statement.shop_id
    parts = ask_together(
        claims=lambda: ask("reimbursement", api.GET_CLAIMS, query=api.ClaimQuery(shop_id=shop_id, limit=200)).claims,
        owed=lambda: ask("reimbursement", api.GET_OWED, shop_id=shop_id),
        funds=lambda: ask("funding", funding.GET_FUNDS, query=Page(limit=200)).funds,
        names=lambda: shop_names([shop_id]),
    )
    claim = next((one for one in parts.get("claims", ()) if one.statement_id == statement_id), None)
    paying = parts["owed"].payments if claim and "owed" in parts else ()
    return render_template(
        "finance/statement.html", told=told, one=told.statement, claim=claim, names=parts.get("names", {}), away=parts.away,
        payments=[payment for payment in paying if claim and payment.claim_id == claim.claim_id],
        fund_names={fund.fund_id: fund.name for fund in parts.get("funds", ())},
        queries={query.line_id: query for query in told.queries},
    )  # fmt: skip


@pages.get("/statements/<uuid:statement_id>.<any(csv, xlsx):kind>")
@only(*READERS)
def statement_table(statement_id: UUID, kind: Literal["csv", "xlsx"]) -> Response:
    told: api.FullStatement = ask("reimbursement", api.GET_STATEMENT, statement_id=statement_id)
    fields = api.Line.__struct_fields__
    made = table(kind, fields, [[getattr(line, field) for field in fields] for line in told.lines])
    return handed_on(made, MEDIA[kind], f"statement-{told.statement.period}-{statement_id}.{kind}")


@pages.get("/statements/months/<period>.<any(csv, xlsx):kind>")
@only(*READERS)
def month_table(period: str, kind: Literal["csv", "xlsx"]) -> Response:
    """The statements of a month, a line each, with the claims they became."""
    found = list(every("reimbursement", api.GET_STATEMENTS, "statements", api.StatementQuery(period=period)))
    claims = {
        one.statement_id: one for one in every("reimbursement", api.GET_CLAIMS, "claims", api.ClaimQuery(period=period))
    }
    names = shop_names(one.shop_id for one in found)
    rows = [
        (
            one.statement_id, one.shop_id, names.get(one.shop_id), one.period, one.state, one.sale_count, one.void_count, one.amount_cents,
            *((claim.claim_id, f"{claim.number}/{claim.year}", claim.state) if (claim := claims.get(one.statement_id)) else (None,) * 3),
        )
        for one in found
    ]  # fmt: skip
    return handed_on(table(kind, MONTH, rows), MEDIA[kind], f"statements-{period}.{kind}")


@pages.post("/statements/<uuid:statement_id>/queries/<uuid:query_id>")
@only(OFFICER)
def answer_query(statement_id: UUID, query_id: UUID) -> ResponseReturnValue:
    body = read_form(api.SettleQuery)
    ask("reimbursement", api.POST_QUERY_SETTLE, body, key=form_key(), query_id=query_id)
    return done(
        url_for(".statement", statement_id=statement_id), _("Your answer stands beside the line. The shop sees it.")
    )
