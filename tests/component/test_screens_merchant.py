"""What a till and its shop's owner look up."""

from __future__ import annotations

from infra.town import Town
from tests.builders_redemption import a_customer, a_payment_code
from tests.component.test_screens import Device
from tests.stories.town_life import Cast, a_shop_joins


def test_sales_are_looked_up_day_by_day_by_the_till_and_by_the_owner(town: Town) -> None:
    shop = a_shop_joins(Cast(town))
    back = shop.another_till()
    for till, amount in ((shop.till, 450), (back, 200)):
        till.sell(a_payment_code(town, a_customer(town, amount)), amount)
    owner, front = Device(town, shop.owner), Device(town)
    front.client.set_cookie("till", shop.till.token)
    for device, days, of_a_day, total in (
        (owner, "/owner/days", "/owner/sales", "€6.50"),
        (front, "/till/days", "/till/today", "€4.50"),
    ):
        april = device.get(f"{days}?month=2026-04").text
        assert "No sale in this month." in april
        assert f'href="{days}?month=2026-05"' in april
        may = device.get(days).text
        assert total in may
        assert f'href="{of_a_day}?day=2026-05-04"' in may
        assert total in device.get(f"{of_a_day}?day=2026-05-04").text
    assert "back" in owner.get("/owner/sales").text
    assert "€2.00" not in front.get("/till/today").text
