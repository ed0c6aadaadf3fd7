"""The finance officers' screens: three hands, the bank's answer, a month closed, and the trail an auditor follows."""

from __future__ import annotations

import csv
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

from playwright.sync_api import Locator, Page, expect

from infra.town import Town
from services.apis import attendance, reimbursement
from tests.browser.conftest import DESK, Visit
from tests.builders_identity import SignedIn, the_admin
from tests.builders_reimbursement import a_booking, a_file, an_order
from tests.component.test_screens import Device
from tests.stories.town_life import (
    Cast,
    Shop,
    a_bank,
    a_city_fund,
    a_fund,
    a_shop_joins,
    an_approved_account,
    an_approved_batch,
    it_becomes,
    morning_of,
    payments_of,
    release,
    statements_are_issued,
    take_part,
)

MAY = "2026-05"


def at_work(visit: Visit, who: SignedIn, path: str) -> Page:
    """Somebody's screen, signed in again where their session of this morning has ended."""
    who.ask("reimbursement", reimbursement.GET_PERIODS)
    return visit(who, path, size=DESK)


def a_month_of_one_sale(cast: Cast, amal: SignedIn | None = None) -> Shop:
    """A volunteer was thanked with coins and bought with them; the month is over."""
    amal, shop = amal or cast.volunteer("Amal"), a_shop_joins(cast)
    a_city_fund(cast)
    take_part(cast, amal)
    amal.buys(shop.till, 450)
    it_becomes(cast.town, morning_of(6, 1))
    return shop


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def says(page: Page, words: str) -> None:
    expect(page.get_by_role("status")).to_contain_text(words)


def the_banks_answer(town: Town, order: bytes, folder: Path) -> Path:
    """The camt.053 of the day, after the bank has done all it was told."""
    bank, file = a_bank(town), folder / "camt053.xml"
    bank.submit(order)
    file.write_bytes(bank.close_day(town.city.day_of(town.clock.now()), lambda reference: "paid"))
    return file


def drop(file: Path, field: Locator) -> None:
    """As a hand does it: the file is dragged from outside the browser onto the field."""
    box = field.bounding_box()
    assert box
    at = {"x": box["x"] + box["width"] * 0.8, "y": box["y"] + box["height"] / 2}
    dragged = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    devtools = field.page.context.new_cdp_session(field.page)
    for step in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": step, **at, "data": dragged})


def an_auditor_follows_it(cast: Cast, visit: Visit) -> None:
    paolo = at_work(visit, cast.paolo, "/finance/batches")
    expect(paolo.get_by_role("main").get_by_role("button")).to_have_count(0)
    paolo.get_by_role("link", name="1 payment").click()
    paolo.get_by_role("link", name="Panificio Sole").click()
    expect(paolo.get_by_text("by a third officer")).to_be_visible()
    expect(paolo.get_by_text("Care of the park")).to_be_visible()
    expect(paolo.get_by_text("2 hours")).to_be_visible()
    expect(paolo.get_by_text("Determina n. 1/2026")).to_be_visible()
    attended = paolo.get_by_role("cell", name="2 hours").locator("code").inner_text()
    asked = {"attendance_id": attended}
    assert cast.paolo.ask("attendance", attendance.GET_ATTENDANCE, **asked).state == "confirmed"


def test_three_officers_send_a_months_money_and_an_auditor_follows_it_to_the_attendance(
    town: Town, visit: Visit, tmp_path: Path
) -> None:
    cast = Cast(town)
    shop = a_month_of_one_sale(cast)

    giulio = at_work(visit, cast.giulio, "/finance/months")
    press(giulio, "Issue the statements")
    says(giulio, "1 statement is issued.")
    town.settle()
    an_approved_account(cast, shop)
    shop.claims(MAY)

    giulio.get_by_role("link", name="Payments").click()
    press(giulio, "Prepare a batch of them")
    says(giulio, "The batch is prepared.")
    expect(giulio.get_by_text("You prepared this batch. Another person must do the next step.")).to_be_visible()
    expect(giulio.get_by_role("button", name="Approve this batch")).to_have_count(0)

    batch = giulio.url.removeprefix(town.settings.public_url)
    lucia = at_work(visit, cast.lucia, batch)
    expect(lucia.get_by_text("by a colleague")).to_be_visible()
    press(lucia, "Approve this batch")
    says(lucia, "A third person releases it.")
    expect(lucia.get_by_text("You approved this batch.")).to_be_visible()
    expect(lucia.get_by_role("button", name="Release this batch")).to_have_count(0)
    giulio.reload()
    expect(giulio.get_by_role("button", name="Release this batch")).to_have_count(0)

    franca = at_work(visit, cast.franca, batch)
    press(franca, "Release this batch")
    with franca.expect_download() as order:
        franca.get_by_role("link", name="File for the bank").click()
    with franca.expect_download() as opi:
        franca.get_by_role("link", name="File for the treasurer").click()
    assert opi.value.path().read_bytes().startswith(b"<?xml")
    town.settle()

    file = the_banks_answer(town, order.value.path().read_bytes(), tmp_path)
    giulio.get_by_role("link", name="Bank", exact=True).click()
    giulio.get_by_label("Statement of the bank").set_input_files(file)
    press(giulio, "Read it")
    expect(giulio.get_by_role("heading", name="Matched")).to_be_visible()
    expect(giulio.get_by_text("went out €4.50")).to_be_visible()
    town.settle()

    giulio.get_by_role("link", name="Months").click()
    press(giulio, "Close this month")
    says(giulio, "The month is closed.")
    expect(giulio.get_by_text("closed on")).to_be_visible()

    an_auditor_follows_it(cast, visit)


def test_an_officer_follows_a_payment_to_the_attendance_and_to_nobody(town: Town, visit: Visit, tmp_path: Path) -> None:
    cast = Cast(town)
    amal = cast.volunteer("Amal")
    shop = a_month_of_one_sale(cast, amal)
    statements_are_issued(cast, MAY)
    an_approved_account(cast, shop)
    statement_id = shop.statement(MAY).statement.statement_id
    confirmed = Device(town, shop.owner).get(f"/owner/statements/{statement_id}/statement.pdf?lang=it")
    shop.claims(MAY)
    [payment] = payments_of(cast, an_approved_batch(cast))
    page = at_work(visit, cast.lucia, f"/finance/batches/payments/{payment.payment_id}")
    expect(page.get_by_role("cell", name="Care of the park")).to_be_visible()
    expect(page.get_by_role("cell", name="2 hours")).to_contain_text("confirmed")
    assert str(amal.person_id) not in page.content()

    with page.expect_download() as taken:
        page.get_by_role("link", name="Take it all along").click()
    with ZipFile(taken.value.path()) as pack:
        files = {name: pack.read(name) for name in pack.namelist()}
    sums = dict(reversed(line.split("  ")) for line in files.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: sha256(content).hexdigest() for name, content in files.items()}
    assert not [name for name, content in files.items() if str(amal.person_id).encode() in content]
    assert files["statement.pdf"] == confirmed.data

    def column(table: str, name: str) -> list[str]:
        return [row[name] for row in csv.DictReader(files[f"{table}.csv"].decode().splitlines())]

    assert column("4-coins", "sale_id") == column("5-sales", "sale_id")
    assert column("4-coins", "award_id") == column("3-awards", "award_id")
    assert column("3-awards", "attendance_id") == column("2-attendances", "attendance_id")
    for table, name in (("4-coins", "amount_cents"), ("6-claim", "due_cents"), ("7-payments", "amount_cents")):
        assert column(table, name) == ["450"]
    assert column("1-decisions", "act") == ["Determina n. 1/2026"]


def test_a_claim_waits_until_somebody_has_looked_at_the_shops_account(town: Town, visit: Visit) -> None:
    cast = Cast(town)
    shop = a_month_of_one_sale(cast)
    statements_are_issued(cast, MAY)
    shop.claims(MAY)
    page = at_work(visit, cast.giulio, "/finance/batches")
    expect(page.get_by_text("The shop has given no account yet.")).to_be_visible()
    expect(page.get_by_role("button", name="Prepare a batch")).to_have_count(0)
    shop.proposes_account("IT60X0542811101000000123456")
    page.reload()
    expect(page.get_by_text("A new account waits for a second person.")).to_be_visible()
    page.get_by_role("link", name="Look at the accounts").click()
    press(page, "It is right, use it")
    says(page, "The account is in use")
    page.get_by_role("link", name="Payments").first.click()
    expect(page.get_by_role("checkbox", name="Panificio Sole")).to_be_checked()


def test_a_shops_question_is_answered_before_the_month_is_closed(town: Town, visit: Visit) -> None:
    cast = Cast(town)
    shop = a_month_of_one_sale(cast)
    statements_are_issued(cast, MAY)
    stated = shop.statement(MAY)
    body = reimbursement.AskQuery(line_id=stated.lines[0].line_id, reason="We sold more that day")
    shop.owner.ask("reimbursement", reimbursement.POST_QUERY, body, statement_id=stated.statement.statement_id)
    page = at_work(visit, cast.giulio, "/finance/months")
    expect(page.get_by_role("button", name="Close this month")).to_have_count(0)
    page.get_by_role("link", name="Answer them").click()
    page.get_by_role("link", name="Panificio Sole").click()
    page.get_by_label("Your answer").fill("The till sent us one sale")
    press(page, "Answer")
    says(page, "Your answer stands beside the line.")
    page.get_by_role("link", name="Months").click()
    expect(page.get_by_role("button", name="Close this month")).to_be_visible()


def test_a_file_is_dropped_and_the_line_the_bank_left_open_matched_by_two_people(
    town: Town, visit: Visit, tmp_path: Path
) -> None:
    cast = Cast(town)
    shop = a_month_of_one_sale(cast)
    statements_are_issued(cast, MAY)
    an_approved_account(cast, shop)
    shop.claims(MAY)
    release(cast, an_approved_batch(cast))
    file = tmp_path / "camt053.xml"
    file.write_bytes(a_file(town, a_booking(an_order("NOTPROVIDED", 450))))

    giulio = at_work(visit, cast.giulio, "/finance/bank")
    drop(file, giulio.get_by_label("Statement of the bank"))
    press(giulio, "Read it")
    path = giulio.url.removeprefix(town.settings.public_url)
    expect(giulio.get_by_text("It names no payment of ours.")).to_be_visible()
    giulio.get_by_role("link", name="Find its payment").click()
    giulio.get_by_role("radio", name="Panificio Sole").check(force=True)
    giulio.get_by_label("Why is it this one?").fill("Same day, same amount")
    press(giulio, "Propose it")
    expect(giulio.get_by_text("You proposed this. A colleague accepts it.")).to_be_visible()
    expect(giulio.get_by_role("button", name="Accept")).to_have_count(0)

    lucia = at_work(visit, cast.lucia, path)
    press(lucia, "Accept")
    says(lucia, "The line is matched.")


def test_money_is_set_aside_by_two_people(town: Town, visit: Visit) -> None:
    cast = Cast(town)
    fund = a_fund(cast, name="City budget")
    giulio = at_work(visit, cast.giulio, f"/finance/funds/{fund}")
    giulio.get_by_label("Amount in euro").fill("lots")
    giulio.get_by_label("What decided it").fill("Determina n. 12/2026")
    press(giulio, "Prepare it")
    expect(giulio.get_by_role("alert")).to_contain_text("Write the amount in euro")
    giulio.get_by_label("Amount in euro").fill("1250,50")
    press(giulio, "Prepare it")
    expect(giulio.get_by_text("You prepared this. A colleague must approve it.")).to_be_visible()
    expect(giulio.get_by_role("button", name="Approve it")).to_have_count(0)

    lucia = at_work(visit, cast.lucia, "/finance/funds/")
    lucia.get_by_role("link", name="Look at it").click()
    press(lucia, "Approve it")
    says(lucia, "The money is set aside.")
    town.settle()
    town.clock.move_to(town.clock.now() + timedelta(minutes=1))  # type: ignore[attr-defined]
    lucia.goto("/finance/funds/")
    expect(lucia.get_by_role("img", name="Free in the last eight weeks, from €0.00 to €1,250.50")).to_be_visible()


def test_a_fund_is_opened_with_its_earmark_and_share_and_closed_for_good(town: Town, visit: Visit) -> None:
    cast = Cast(town)
    a_fund(cast, name="City budget")
    page = at_work(visit, cast.giulio, "/finance/funds/")
    page.get_by_role("link", name="Open a fund").click()
    page.get_by_role("link", name="grant").click()
    page.get_by_label("Name").fill("AMIF 2026")
    page.get_by_label("Share of each award").fill("80")
    page.get_by_role("checkbox", name="San Tiburzio").check(force=True)
    press(page, "Open the fund")
    expect(page.get_by_role("alert")).to_contain_text("75 percent at most")
    page.get_by_label("Share of each award").fill("75")
    expect(page.get_by_role("checkbox", name="San Tiburzio")).to_be_checked()
    press(page, "Open the fund")
    says(page, "The fund is open.")
    expect(page.get_by_text("For: San Tiburzio")).to_be_visible()
    expect(page.get_by_text("75 %, the rest from City budget")).to_be_visible()
    expect(page.get_by_text("by you")).to_be_visible()

    admin = visit(the_admin(town), page.url.removeprefix(town.settings.public_url), size=DESK)
    expect(admin.get_by_text("by a colleague")).to_be_visible()
    expect(admin.get_by_label("Amount in euro")).to_have_count(0)
    admin.get_by_text("Close this fund").click()
    press(admin, "Close it for good")
    says(admin, "The fund is closed.")
