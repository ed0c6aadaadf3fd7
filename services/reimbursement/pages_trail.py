"""The audit trail of a payment, and of a claim with all its payments, as one page and as one ZIP: the bank's lines, the batch and its three
hands, the statement, each sale, the coins it was made with, the award they came from, the shift and the attendance, and the decision that
set the money aside. No person is named on it.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from services.apis import funding, redemption
from services.apis import reimbursement as claim_api
from services.apis import reimbursement_payment as payment_api
from services.apis import reimbursement_trail as api
from services.apis.endpoint import Page
from services.kit.every import every
from services.kit.screens import ask, ask_together, only
from services.kit.statement_paper import statement_pdf
from services.reimbursement import pages_pack
from services.reimbursement.pages_batch import steps_of
from services.reimbursement.pages_followed import followed, sales_of
from services.reimbursement.pages_parts import READERS, handed_on

SALES_A_PAGE, DECISIONS_SHOWN = 10, 5


@only(*READERS)
def trail(payment_id: UUID) -> ResponseReturnValue:
    """A payment stands on the page of its claim."""
    told: payment_api.Trail = ask("reimbursement", payment_api.GET_TRAIL, payment_id=payment_id)
    return redirect(url_for(".pack", claim_id=told.claim_id, _anchor=f"p-{payment_id}"))


@only(*READERS)
def pack(claim_id: UUID) -> ResponseReturnValue:
    told: api.ClaimTrail = ask("reimbursement", api.GET_CLAIM_TRAIL, claim_id=claim_id)
    sales = sales_of(told)
    start = max(0, request.args.get("from", 0, int))
    shown = sales[start : start + SALES_A_PAGE]
    parts = ask_together(
        spent=lambda: followed(told, shown),
        funds=lambda: ask("funding", funding.GET_FUNDS, query=Page(limit=200)).funds,
        decisions=lambda: {
            part.fund_id: _decided(told, part.fund_id, all_of_them="decisions" in request.args) for part in told.parts
        },
        shop=lambda: ask("redemption", redemption.GET_SHOP, shop_id=told.claim.shop_id),
    )
    return render_template(
        "finance/trail.html", told=told, one=told.claim, parts=parts, start=start, count=len(sales), per_page=SALES_A_PAGE,
        more=start + SALES_A_PAGE if start + SALES_A_PAGE < len(sales) else None,
        fund_of={fund.fund_id: fund for fund in parts.get("funds", ())}, name=parts["shop"].name if "shop" in parts else "",
        steps={one.payment.payment_id: list(steps_of(one.batch, [one.payment])) for one in told.payments},
    )  # fmt: skip


@only(*READERS)
def pack_zip(claim_id: UUID) -> Response:
    """All of it, in files that programs read, with their checksums."""
    told: api.ClaimTrail = ask("reimbursement", api.GET_CLAIM_TRAIL, claim_id=claim_id)
    note = ask("reimbursement", claim_api.GET_NOTA, claim_id=claim_id)
    funds = list(every("funding", funding.GET_FUNDS, "funds"))
    made = pages_pack.made(told, note, followed(told, sales_of(told)), _decisions(told), funds, _on_paper(told))
    return handed_on(made, "application/zip", f"claim-{note.number.replace('/', '-')}-{claim_id}.zip")


def _on_paper(told: api.ClaimTrail) -> bytes:
    """The statement as the shop saw it when it confirmed, in the city's language."""
    shop_id, own = told.claim.shop_id, current_app.config["DEFAULT_LANGUAGE"]
    shop, tills = (ask("redemption", one, shop_id=shop_id) for one in (redemption.GET_SHOP, redemption.GET_TILLS))
    return statement_pdf(told.statement, told.lines, shop.name, tills.tills, now=told.claim.made_at, spoken=own)


def _decisions(told: api.ClaimTrail) -> list[funding.SetAside]:
    """What had been set aside for the funds of this claim before it was made, newest first of each."""
    return [one for part in told.parts for one in _decided(told, part.fund_id, all_of_them=True).set_asides]


def _decided(told: api.ClaimTrail, fund_id: UUID, *, all_of_them: bool) -> funding.SetAsides:
    """What had been set aside for a fund before this claim was made: the newest, or every one."""
    query = funding.SetAsideQuery(
        fund_id=fund_id, state="settled", decided_until=told.claim.made_at, limit=DECISIONS_SHOWN
    )
    if all_of_them:
        found = every("funding", funding.GET_SET_ASIDES, "set_asides", query)
        return funding.SetAsides(set_asides=tuple(found))
    newest: funding.SetAsides = ask("funding", funding.GET_SET_ASIDES, query=query)
    return newest


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/batches/payments/<uuid:payment_id>", "trail", trail)
    pages.add_url_rule("/batches/claims/<uuid:claim_id>", "pack", pack)
    pages.add_url_rule("/batches/claims/<uuid:claim_id>/pack.zip", "pack_zip", pack_zip)
