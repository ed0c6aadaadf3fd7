"""What the public sees of the scheme, in a real browser."""

from __future__ import annotations

import json
from datetime import timedelta

from playwright.sync_api import expect

from infra.town import Town
from services.apis import impact as api
from services.events.redemption import SaleAccepted
from services.kit.i18n import euros, number
from services.kit.ids import new_id
from tests.browser.conftest import DESK, Visit
from tests.builders import tell
from tests.component.test_impact import confirmed, sold


def two_months(town: Town) -> api.Impact:
    """Twenty people in two neighbourhoods for two months, three in a third one; then what the public is told."""
    for _ in range(2):
        for place, people in (("le-querce", 20), ("stazione", 12), ("san-tiburzio", 3)):
            tell(town, *[confirmed(town, new_id(), neighbourhood_id=place, minutes=150) for _ in range(people)])
            tell(
                town,
                *[SaleAccepted(**sold(town, 425, neighbourhood_id=place)) for _ in range(12 if people > 10 else 0)],
            )
        town.clock.move_to(town.clock.now() + timedelta(days=31))  # type: ignore[attr-defined]
    told: api.Impact = town.client("impact").call(api.GET_FIGURES)
    assert told.published
    return told


def test_the_figures_the_chart_the_map_and_the_tables_all_say_what_the_open_data_says(town: Town, visit: Visit) -> None:
    told = two_months(town)
    assert told.total
    page = visit(None, "/impact/", size=DESK)
    figure = page.locator(".figs > div")
    for words, value in (
        ("hours in public places", number(told.total.hours)), ("people took part", number(told.total.people)),
        ("spent in", euros(told.total.spent_cents)),
    ):  # fmt: skip
        expect(figure.filter(has_text=words)).to_contain_text(value)
    chart = page.get_by_role("img", name="Hours by month.")
    page.get_by_text("See it as a table").click()
    rows = page.locator("#months tbody tr")
    expect(rows).to_have_count(len(told.by_month))
    for n, line in enumerate(told.by_month):
        expect(chart).to_contain_text(number(line.figures.hours))
        expect(rows.nth(n)).to_contain_text(number(line.figures.hours))
    drawn = page.get_by_role("img", name="The neighbourhoods as tiles")
    areas = page.get_by_role("region", name="Neighbourhood by neighbourhood").locator("table").first.locator("tbody tr")
    expect(areas).to_have_count(len(told.by_area))
    for n, line in enumerate(told.by_area):
        expect(areas.nth(n)).to_contain_text(number(line.figures.hours))
        expect(drawn).to_contain_text(number(line.figures.hours))


def test_a_group_under_ten_is_nowhere_alone_and_is_said_to_be_counted_with_others(town: Town, visit: Visit) -> None:
    told = two_months(town)
    [group] = [line.neighbourhood_ids for line in told.by_area if "san-tiburzio" in line.neighbourhood_ids]
    assert len(group) > 1
    page = visit(None, "/impact/")
    expect(page.get_by_text("Counted together:")).to_contain_text("San Tiburzio")
    expect(page.get_by_role("rowheader", name="San Tiburzio", exact=True)).to_have_count(0)


def test_the_downloads_open_and_hold_the_same(town: Town, visit: Visit) -> None:
    told = two_months(town)
    page = visit(None, "/impact/")
    with page.expect_download() as csv:
        page.get_by_role("link", name="CSV").click()
    lines = csv.value.path().read_text().splitlines()
    assert len(lines) == 1 + len(told.lines)
    assert not [
        line for line in lines if line.startswith(("=", "+", "-", "@"))
    ]  # no spreadsheet takes it for a formula
    with page.expect_download() as data:
        page.get_by_role("link", name="JSON").click()
    assert json.loads(data.value.path().read_text())["total"]["hours"] == told.total.hours  # type: ignore[union-attr]


def test_a_town_without_figures_says_when_they_come(town: Town, visit: Visit) -> None:
    page = visit(None, "/impact/")
    expect(page.get_by_text("There are no figures yet.")).to_be_visible()
    page.get_by_role("link", name="How it is counted").click()
    expect(page.get_by_role("heading", name="How it is counted")).to_be_in_viewport()


def test_a_city_opens_with_a_door_for_everybody(town: Town, visit: Visit) -> None:
    page = visit(None, "/")
    expect(page.get_by_role("heading", name="Neighbours look after Valdarco, together")).to_be_visible()
    for door in ("I volunteer", "I have a shop", "I work for the scheme"):
        page.get_by_role("link", name=door).click()
        expect(page.locator("h1")).to_be_visible()
        page.goto("/")
    page.get_by_role("link", name="What it did so far").click()
    expect(page.get_by_role("heading", name="What neighbours did for Valdarco, together")).to_be_visible()
