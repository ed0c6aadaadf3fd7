"""A sponsor's receipts, to read, to print, to keep: what came, when, from whom and for what."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import funding_sponsor as api
from services.apis.errors import not_found
from services.funding.words_sponsor import WAYS, purpose_name
from services.kit.documents import pdf, printed
from services.kit.i18n import euros, full_day
from services.kit.screens import ask, only, screens

TEMPLATE = Path(__file__).parent / "documents" / "receipt.typ"


class Fact(NamedTuple):
    """A line of a receipt. `code`: it is for looking up, and written alike in every language."""

    name: str
    value: str
    code: bool = False


def one_topup(sponsor_id: UUID, topup_id: str) -> api.TopUp:
    try:
        found: api.TopUp = ask("funding", api.GET_TOPUP, sponsor_id=sponsor_id, topup_id=UUID(topup_id))
    except ValueError:
        raise not_found("topup", topup_id) from None
    return found


@only("sponsor")
def receipt(sponsor_id: UUID, topup_id: UUID, receipt_id: UUID) -> ResponseReturnValue:
    one, facts = _receipt(sponsor_id, topup_id, receipt_id)
    back = url_for(".topup", sponsor_id=sponsor_id, topup=topup_id)
    as_pdf = url_for(".receipt_pdf", sponsor_id=sponsor_id, topup_id=topup_id, receipt_id=receipt_id)
    return render_template("sponsor/receipt.html", receipt=one, facts=facts, back_to=back, as_pdf=as_pdf, note=_note())


@only("sponsor")
def receipt_pdf(sponsor_id: UUID, topup_id: UUID, receipt_id: UUID) -> ResponseReturnValue:
    """In the reader's language."""
    one, facts = _receipt(sponsor_id, topup_id, receipt_id)
    data = {
        "city": screens().city.account.name, "title": _("Receipt"), "amount": euros(one.amount_cents),
        "facts": [[fact.name, fact.value] for fact in facts], "note": _note(),
    }  # fmt: skip
    return printed(pdf(TEMPLATE, data, now=screens().clock.now()), f"receipt-{receipt_id}")


def _receipt(sponsor_id: UUID, topup_id: UUID, receipt_id: UUID) -> tuple[api.Receipt, list[Fact]]:
    """A receipt and what it says. Raises Refused for one there is not."""
    topup, city = one_topup(sponsor_id, str(topup_id)), screens().city
    one = next((r for r in topup.receipts if r.receipt_id == receipt_id), None)
    if one is None:
        raise not_found("receipt", receipt_id)
    sponsor = ask("funding", api.GET_SPONSOR, sponsor_id=sponsor_id)
    facts = [
        Fact(_("Received from"), sponsor.name),
        Fact(_("On"), full_day(city.day_of(one.received_at))),
        Fact(_("By"), str(WAYS[topup.method][0])),
        Fact(_("For merit coins"), purpose_name(topup.earmark, city)),
    ]
    if one.fee_cents:
        facts.append(Fact(_("Of this, kept by the payment service"), euros(one.fee_cents)))
    if one.taken_back_cents:
        facts.append(Fact(_("Went back since"), euros(one.taken_back_cents)))
    if topup.transfer:
        facts.append(Fact(_("Reference"), topup.transfer.reference, code=True))
    return one, [*facts, Fact(_("Number of this receipt"), str(receipt_id), code=True)]


def _note() -> str:
    return str(_("The money backs coins that thank volunteers, and is used in shops of the neighbourhood."))


def add_to(pages: Blueprint) -> None:
    address = "/<uuid:sponsor_id>/receipts/<uuid:topup_id>/<uuid:receipt_id>"
    pages.add_url_rule(address, "receipt", receipt)
    pages.add_url_rule(f"{address}.pdf", "receipt_pdf", receipt_pdf)
