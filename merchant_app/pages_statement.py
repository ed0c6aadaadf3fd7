"""Statements: look at the lines, query one, confirm all, and the document that asks the city for the money."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from merchant_app.pages_print import sheet
from merchant_app.shops import the_shop
from services.apis import redemption
from services.apis import reimbursement as api
from services.apis.errors import Refused, not_found
from services.kit.every import every
from services.kit.screens import ask, ask_together, done, form_key, only, read_form


@only("shop_owner")
def statements() -> ResponseReturnValue:
    shop = the_shop()
    query = api.StatementQuery(shop_id=shop.id, cursor=request.args.get("cursor"))
    parts = ask_together(list=lambda: ask("reimbursement", api.GET_STATEMENTS, query=query))
    return render_template("merchant/statements.html", shop=shop, list=parts.get("list"))


@only("shop_owner")
def statement(statement_id: UUID) -> ResponseReturnValue:
    found = ask("reimbursement", api.GET_STATEMENT, statement_id=statement_id)
    about = found.statement
    parts = ask_together(
        tills=lambda: ask("redemption", redemption.GET_TILLS, shop_id=about.shop_id),
        claim=lambda: claim_of(about) if about.state == "claimed" else None,
    )
    names = {till.till_id: till.name for till in parts["tills"].tills} if "tills" in parts else {}
    queries = {query.line_id: query for query in found.queries}
    return render_template(
        "merchant/statement.html", shop=the_shop(about.shop_id), statement=about, lines=found.lines, queries=queries, names=names,
        claim=parts.get("claim"),
    )  # fmt: skip


def claim_of(statement: api.Statement) -> api.Claim | None:
    """What became of a confirmed statement."""
    claims = every("reimbursement", api.GET_CLAIMS, "claims", api.ClaimQuery(shop_id=statement.shop_id))
    return next((claim for claim in claims if claim.statement_id == statement.statement_id), None)


@only("shop_owner")
def table(statement_id: UUID) -> ResponseReturnValue:
    rows = ask("reimbursement", api.GET_STATEMENT_CSV, statement_id=statement_id)
    name = f"statement-{statement_id}.csv"
    return Response(rows, mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'})


@only("shop_owner")
def confirm(statement_id: UUID) -> ResponseReturnValue:
    claim = ask("reimbursement", api.POST_CONFIRM, key=form_key(), statement_id=statement_id)
    words = _("Confirmed. Sign this document and give it to the city: with it the money can go out.")
    return done(url_for(".document", claim_id=claim.claim_id, shop=claim.shop_id), words)


@only("shop_owner")
def query(statement_id: UUID, line_id: UUID) -> ResponseReturnValue:
    refusal = None
    if request.method == "POST":
        try:
            body = read_form(api.AskQuery, line_id=line_id)
            ask("reimbursement", api.POST_QUERY, body, key=form_key(), statement_id=statement_id)
            return done(url_for(".statement", statement_id=statement_id), _("Thank you. The city looks at this line."))
        except Refused as refused:
            if refused.status >= 500:
                raise
            refusal = refused
    found = ask("reimbursement", api.GET_STATEMENT, statement_id=statement_id)
    line = next((one for one in found.lines if one.line_id == line_id), None)
    if line is None:
        raise not_found("line", line_id)
    shop = the_shop(found.statement.shop_id)
    page = render_template("merchant/query.html", shop=shop, statement=found.statement, line=line, refusal=refusal)
    return page, refusal.status if refusal else 200


@only("shop_owner")
def document(claim_id: UUID) -> ResponseReturnValue:
    """The *nota di debito*."""
    nota = ask("reimbursement", api.GET_NOTA, claim_id=claim_id)
    own = current_app.config["DEFAULT_LANGUAGE"]
    return render_template("merchant/document.html", shop=the_shop(), sheet=sheet(nota), own=own, nota=nota)


def add_to_owner(owner: Blueprint) -> None:
    owner.add_url_rule("/statements", "statements", statements)
    owner.add_url_rule("/statements/<uuid:statement_id>", "statement", statement)
    owner.add_url_rule("/statements/<uuid:statement_id>/lines.csv", "table", table)
    owner.add_url_rule("/statements/<uuid:statement_id>/confirm", "confirm", confirm, methods=["POST"])
    owner.add_url_rule(
        "/statements/<uuid:statement_id>/lines/<uuid:line_id>", "query", query, methods=["GET", "POST"]
    )  # fmt: skip
    owner.add_url_rule("/claims/<uuid:claim_id>", "document", document)
