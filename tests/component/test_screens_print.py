"""What volunteers print is a real PDF in their own script, with the code of their card and their hours."""

from __future__ import annotations

import pytest

from infra.town import Town
from services.kit.i18n import LANGUAGES
from tests.builders_identity import a_joined_volunteer
from tests.component.test_screens import Device


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
