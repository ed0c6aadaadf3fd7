"""What a shop can print: a statement, and the document that asks the city for its money."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from merchant_app.words import in_fours
from services.apis import redemption
from services.apis import reimbursement as api
from services.kit.documents import pdf, printed
from services.kit.i18n import euros, full_day
from services.kit.screens import ask, ask_together, only, screens
from services.kit.statement_paper import counted, statement_pdf

DOCUMENTS = Path(__file__).parent / "documents"


@only("shop_owner")
def statement(statement_id: UUID) -> ResponseReturnValue:
    """In the reader's language, with every line."""
    found = ask("reimbursement", api.GET_STATEMENT, statement_id=statement_id)
    about = found.statement
    parts = ask_together(
        shop=lambda: ask("redemption", redemption.GET_SHOP, shop_id=about.shop_id),
        tills=lambda: ask("redemption", redemption.GET_TILLS, shop_id=about.shop_id),
    )
    made = statement_pdf(
        about, found.lines, parts["shop"].name if "shop" in parts else "", parts["tills"].tills if "tills" in parts else (),
        now=screens().clock.now(),
    )  # fmt: skip
    return printed(made, f"statement-{about.period}")


@only("shop_owner")
def document(claim_id: UUID) -> ResponseReturnValue:
    """The sheet to sign."""
    nota, own = ask("reimbursement", api.GET_NOTA, claim_id=claim_id), current_app.config["DEFAULT_LANGUAGE"]
    made = pdf(DOCUMENTS / "nota.typ", sheet(nota), now=screens().clock.now(), spoken=own)
    return printed(made, f"document-{nota.number.replace('/', '-')}")


def sheet(nota: api.NotaDiDebito) -> dict[str, object]:
    """What the sheet a shop signs says, in the city's own language whatever its reader's: it is for the city's books."""
    with force_locale(current_app.config["DEFAULT_LANGUAGE"]):
        kind = _("Debit note") if nota.form == "nota_di_debito" else _("Invoice outside VAT")
        iban = [f"{_('IBAN')} {in_fours(nota.creditor_iban)}"] if nota.creditor_iban else []
        first, last = full_day(nota.period_from), full_day(nota.period_to)
        what = _("Merit coins taken for purchases from %(first)s to %(last)s", first=first, last=last)
        rows = [[_("Amount of the statement"), euros(nota.amount_cents)]]
        if nota.voided_cents:
            rows.append([_("Undone since"), euros(-nota.voided_cents)])
        notes = [_("Not subject to VAT: %(basis)s.", basis=nota.vat_basis)]
        if nota.stamp_cents:
            stamp = {"amount": euros(nota.stamp_cents), "basis": nota.stamp_basis}
            by_shop = nota.stamp_borne_by == "shop"
            notes.append(
                _("Stamp duty %(amount)s (%(basis)s), borne by the shop.", **stamp) if by_shop
                else _("Stamp duty %(amount)s (%(basis)s), borne by the city.", **stamp)
            )  # fmt: skip
        return {
            "city": screens().city.name, "shop": nota.creditor, "day": full_day(nota.issued_on),
            "title": f"{kind} {_('no. %(number)s', number=nota.number)}",
            "facts": [
                [_("From"), [nota.creditor, *iban]],
                [_("To"), [nota.debtor]],
                [_("For"), [f"{what} ({counted(nota.sale_count, nota.void_count, ', ')})"]],
            ],
            "rows": rows, "sum": [_("Amount asked for"), euros(nota.due_cents)],
            "notes": notes, "signature": _("Place, date and signature"),
        }  # fmt: skip


def add_to_owner(owner: Blueprint) -> None:
    owner.add_url_rule("/statements/<uuid:statement_id>/statement.pdf", "statement_pdf", statement)
    owner.add_url_rule("/claims/<uuid:claim_id>/document.pdf", "document_pdf", document)
