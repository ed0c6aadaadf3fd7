"""The bank: drop its statement in, and see what it answers; what it leaves open, two people match."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import reimbursement_payment as api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.kit.screens import ask, done, form_key, only, read_form
from services.reimbursement.pages_parts import OFFICER, READERS, may_act, me, shop_names

ORDER = ("unmatched", "proposed", "matched", "credited")
BATCHES_LOOKED_AT = 20  # how far back a payment is looked for that a line may belong to


@only(*READERS)
def bank() -> ResponseReturnValue:
    return _bank()


def _bank(refusal: Refused | None = None) -> ResponseReturnValue:
    query = Page(limit=20, cursor=request.args.get("after"))
    told = ask("reimbursement", api.GET_BANK_STATEMENTS, query=query)
    return render_template("finance/bank.html", told=told, refusal=refusal), refusal.status if refusal else 200


@only(OFFICER)
def read_statement() -> ResponseReturnValue:
    file = request.files.get("file")
    try:
        content = file.read() if file else b""
        if not content:
            raise Refused("no_file", "Choose the bank's file first.", status=422)
        read = ask("reimbursement", api.POST_BANK_STATEMENT, content=content, key=form_key())
    except Refused as refused:
        if refused.status in (401, 403):
            raise
        return _bank(refused)
    return done(
        url_for(".bank_statement", bank_statement_id=read.bank_statement_id), _("The bank’s statement is read.")
    )


@only(*READERS)
def bank_statement(bank_statement_id: UUID) -> ResponseReturnValue:
    """Its lines in groups: what waits for somebody first."""
    told: api.FullBankStatement = ask("reimbursement", api.GET_BANK_STATEMENT, bank_statement_id=bank_statement_id)
    groups = [(state, [entry for entry in told.entries if entry.state == state]) for state in ORDER]
    return render_template(
        "finance/bank_statement.html", one=told.bank_statement, groups=groups, me=me() if may_act() else None
    )


@only(OFFICER)
def line(bank_statement_id: UUID, entry_id: UUID) -> ResponseReturnValue:
    """A line nothing is known of, and the payments of the same amount that it may belong to."""
    return _line(bank_statement_id, entry_id)


def _line(bank_statement_id: UUID, entry_id: UUID, refusal: Refused | None = None) -> ResponseReturnValue:
    told = ask("reimbursement", api.GET_BANK_STATEMENT, bank_statement_id=bank_statement_id)
    entry = next((one for one in told.entries if one.entry_id == entry_id), None)
    if entry is None:
        raise Refused("unknown_entry", "This line is not on this statement.", status=404)
    found = list(_payments_like(entry))
    page = render_template(
        "finance/bank_line.html", entry=entry, bank_statement_id=bank_statement_id, found=found, refusal=refusal,
        names=shop_names(payment.shop_id for payment, _batch in found),
    )  # fmt: skip
    return page, refusal.status if refusal else 200


def _payments_like(entry: api.Entry) -> list[tuple[api.Payment, api.Batch]]:
    """Payments of the same amount that the bank was told to make, of the newest batches: money that went out, or that came back."""
    open_to = ("released",) if entry.direction == "debit" else ("released", "settled")
    batches = ask("reimbursement", api.GET_BATCHES, query=Page(limit=BATCHES_LOOKED_AT)).batches
    full = [ask("reimbursement", api.GET_BATCH, batch_id=one.batch_id) for one in batches if one.state == "released"]
    return [
        (payment, one)
        for one in full
        for payment in one.payments
        if payment.amount_cents == entry.amount_cents and payment.state in open_to
    ]


@only(OFFICER)
def propose_match(bank_statement_id: UUID, entry_id: UUID) -> ResponseReturnValue:
    try:
        ask("reimbursement", api.POST_MATCH, read_form(api.ProposeMatch), key=form_key(), entry_id=entry_id)
    except Refused as refused:
        if refused.status in (401, 403):
            raise
        return _line(bank_statement_id, entry_id, refused)
    return _back(bank_statement_id, _("Proposed. A second person accepts it."))


@only(OFFICER)
def accept_match(bank_statement_id: UUID, entry_id: UUID) -> ResponseReturnValue:
    ask("reimbursement", api.POST_MATCH_ACCEPT, key=form_key(), entry_id=entry_id)
    return _back(bank_statement_id, _("The line is matched."))


@only(OFFICER)
def refuse_match(bank_statement_id: UUID, entry_id: UUID) -> ResponseReturnValue:
    ask("reimbursement", api.POST_MATCH_REFUSE, key=form_key(), entry_id=entry_id)
    return _back(bank_statement_id, _("The proposal is gone. The line waits again."))


def _back(bank_statement_id: UUID, words: str) -> ResponseReturnValue:
    return done(url_for(".bank_statement", bank_statement_id=bank_statement_id), words)


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/bank", "bank", bank)
    pages.add_url_rule("/bank", "read_statement", read_statement, methods=["POST"])
    pages.add_url_rule("/bank/<uuid:bank_statement_id>", "bank_statement", bank_statement)
    one = "/bank/<uuid:bank_statement_id>/lines/<uuid:entry_id>"
    pages.add_url_rule(one, "line", line)
    pages.add_url_rule(f"{one}/propose", "propose_match", propose_match, methods=["POST"])
    pages.add_url_rule(f"{one}/accept", "accept_match", accept_match, methods=["POST"])
    pages.add_url_rule(f"{one}/refuse", "refuse_match", refuse_match, methods=["POST"])
