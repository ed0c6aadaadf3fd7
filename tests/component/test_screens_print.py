"""What people print is a real PDF in their own script: a volunteer's card and hours, what a shop is owed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infra.town import Town
from services.kit.i18n import LANGUAGES
from services.kit.ids import new_id
from tests.builders_funding import a_paid_topup, a_sponsor
from tests.builders_identity import a_joined_volunteer, staff
from tests.builders_redemption import a_customer, a_payment_code, one_purchase_of_two_lots
from tests.component.test_screens import Device
from tests.stories.town_life import Cast, a_shop_joins, statements_are_issued


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_card_the_certificate_and_the_slip_are_documents_in_every_language(town: Town, code: str) -> None:
    volunteer = a_joined_volunteer(town)
    device = Device(town, volunteer)
    device.client.set_cookie("lang", code)
    for name in ("me/card", "me/certificate", "coins/slip"):
        made = device.get(f"/volunteer/{name}.pdf")
        assert made.status_code == 200
        assert made.data.startswith(b"%PDF-1.")
        assert f"/Lang({code})".encode() in made.data.replace(b" ", b"") or f"({code})".encode() in made.data


def test_a_name_in_a_script_that_our_fonts_do_not_have_is_printed_all_the_same(town: Town) -> None:
    device = Device(town, a_joined_volunteer(town, nickname="ሰላም 李 🙂"))
    made = device.get("/volunteer/me/certificate.pdf")
    assert (made.status_code, made.data[:7]) == (200, b"%PDF-1.")


def test_a_slip_says_the_coins_until_when_and_what_moved_them_last(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr("volunteer_app.pages_print.pdf", lambda _slip, data, **_: told.update(data) or b"")
    volunteer: Any = a_joined_volunteer(town)
    one_purchase_of_two_lots(town, volunteer)
    device = Device(town, volunteer)
    device.get("/volunteer/coins/slip.pdf")
    assert told["balance"] == "1.00"
    assert told["parts"] == [
        ("use them until 30 Nov 2026", "1.00"),
        ("on the way", "5.00"),
    ]  # for taking part, without a fund yet
    assert told["words"]["printed"] == "Printed on 4 May 2026 at 12:00"
    bought, *thanks = told["lines"]
    assert bought == ("Mon 4 May", "in a shop", "−5.00")  # its two parts together
    assert thanks == [("Mon 4 May", "for your shift", "+3.00")] * 2
    monkeypatch.setattr("volunteer_app.pages_print.AT_ONCE", 3)
    device.get("/volunteer/coins/slip.pdf")
    assert told["lines"] == [bought]  # what may go on behind the part that was read is not summed


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


def test_a_sponsors_receipt_is_a_document_in_every_language(town: Town) -> None:
    sponsor = a_sponsor(town)
    topup = a_paid_topup(town, sponsor)
    device = Device(town, staff(town, "sponsor", sponsor.sponsor_id))
    page = device.get(f"/sponsors/{sponsor.sponsor_id}?topup={topup.topup_id}")
    [address] = set(re.findall(r'href="([^"]+\.pdf)"', page.text))
    for code in LANGUAGES:
        device.client.set_cookie("lang", code)
        made = device.get(address)
        assert made.data.startswith(b"%PDF-1.")
        assert f"({code})".encode() in made.data
    assert device.get(address.replace(str(topup.topup_id), str(new_id()))).status_code == 404
