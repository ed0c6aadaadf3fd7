"""What people print is a real PDF in their own script: a volunteer's card and hours, what a shop is owed."""

from __future__ import annotations

import pytest

from infra.town import Town
from services.kit.i18n import LANGUAGES
from tests.builders_identity import a_joined_volunteer
from tests.builders_redemption import a_customer, a_payment_code
from tests.component.test_screens import Device
from tests.stories.town_life import Cast, a_shop_joins, statements_are_issued


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_card_and_the_certificate_are_documents_in_every_language(town: Town, code: str) -> None:
    volunteer = a_joined_volunteer(town)
    device = Device(town, volunteer)
    device.client.set_cookie("lang", code)
    for name in ("card", "certificate"):
        made = device.get(f"/volunteer/me/{name}.pdf")
        assert made.status_code == 200
        assert made.data.startswith(b"%PDF-1.")
        assert f"/Lang({code})".encode() in made.data.replace(b" ", b"") or f"({code})".encode() in made.data


def test_a_statement_is_a_document_in_every_language_and_its_debit_note_in_the_citys(town: Town) -> None:
    cast = Cast(town)
    shop = a_shop_joins(cast)
    sale = shop.till.sell(a_payment_code(town, a_customer(town, 1200)), 800)
    shop.till.sell(a_payment_code(town, a_customer(town, 400)), 400)
    shop.till.void(sale.sale_id)
    town.settle()
    statements_are_issued(cast, "2026-05")
    statement = shop.statement("2026-05").statement
    claim = shop.claims("2026-05")
    device = Device(town, shop.owner)
    for code in LANGUAGES:
        device.client.set_cookie("lang", code)
        made = device.get(f"/owner/statements/{statement.statement_id}/statement.pdf")
        assert made.data.startswith(b"%PDF-1.")
        assert f"({code})".encode() in made.data
    note = device.get(f"/owner/claims/{claim.claim_id}/document.pdf")  # asked for in Urdu
    assert b"(it)" in note.data
    assert b"(ur)" not in note.data
