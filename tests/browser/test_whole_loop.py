"""The loop in people's hands, from the invitation to the bank's line: each on their own screen, codes read by cameras."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page, expect

from infra.town import Town
from services.apis import attendance, reimbursement
from tests.browser.conftest import DESK, Read, Sees, Visit
from tests.browser.test_finance import at_work, press, says, the_banks_answer
from tests.browser.test_volunteer import PICTURES, tap
from tests.stories.town_life import Cast, Shop, a_city_fund, a_shift, a_shop_joins, it_becomes, morning_of


def joined_by_a_code(cast: Cast, visit: Visit, read: Read) -> Page:
    """Nadia shows an invitation; a phone reads it, and somebody takes part."""
    nadia = visit(cast.nadia, "/coordinator/people", size=DESK)
    nadia.get_by_role("link", name="Invite somebody").click()
    press(nadia, "Make the invitation")
    link = read(nadia.get_by_role("img", name="Code of the invitation"))
    phone = visit(None, link)
    phone.get_by_label("What shall we call you?").fill("Amal")
    tap(phone, *PICTURES)
    expect(phone.get_by_text("Once more, to be sure")).to_be_visible()
    tap(phone, *PICTURES)
    press(phone, "Join")
    expect(phone.get_by_role("heading", name="You are in")).to_be_visible()
    return phone


def took_part(town: Town, cast: Cast, visit: Visit, read: Read, phone: Page) -> None:
    """Signed up, checked in by the code on the coordinator's screen, and confirmed."""
    shift = a_shift(cast)
    phone.get_by_role("link", name="Find a shift").click()
    phone.get_by_role("link", name=shift.name).click()
    press(phone, "I will come")
    town.settle()
    it_becomes(town, shift.starts_at + timedelta(minutes=1))
    nadia = at_work_there(cast, visit, f"/coordinator/shifts/{shift.shift_id}/attendance#code")
    phone.goto(read(nadia.get_by_role("img", name="Code to check in and out")))
    press(phone, "I am here")
    expect(phone.get_by_text("You are checked in since")).to_be_visible()
    it_becomes(town, shift.ends_at)
    nadia = at_work_there(cast, visit, f"/coordinator/shifts/{shift.shift_id}/attendance#names")
    nadia.get_by_text("Check out all").click()
    press(nadia, "Yes, check all out")
    expect(nadia.locator("[data-count=out]")).to_have_text("1")
    nadia.get_by_role("link", name="Confirm the shift").click()
    press(nadia, "Confirm all")
    says(nadia, "1 person is confirmed.")
    town.settle()


def at_work_there(cast: Cast, visit: Visit, path: str) -> Page:
    cast.nadia.ask("attendance", attendance.GET_DISPUTES)  # signed in again, where the morning's session is over
    return visit(cast.nadia, path, size=DESK)


def bought(visit: Visit, sees: Sees, shop: Shop, phone: Page) -> None:
    """The till's camera reads what the phone shows."""
    phone.goto("/volunteer/pay")
    shown = phone.get_by_role("img", name="Payment code for the till").screenshot()
    till = visit(None, "/till/", till=shop.till.token, browser=sees(shown, "tilted"))
    for digit in "450":
        till.get_by_role("button", name=digit, exact=True).click()
    press(till, "Scan the code")
    expect(till.locator(".answer h1")).to_have_text("Accepted")
    phone.goto("/volunteer/coins")
    expect(phone.get_by_text("−4.50")).to_be_visible()


def claimed(cast: Cast, visit: Visit, shop: Shop) -> None:
    """The month is over: the city states what it owes, the shop says where to, and confirms."""
    giulio = at_work(visit, cast.giulio, "/finance/months")
    press(giulio, "Issue the statements")
    says(giulio, "1 statement is issued.")
    cast.town.settle()
    shop.owner.ask("reimbursement", reimbursement.GET_OWED, shop_id=shop.shop_id)
    owner = visit(shop.owner, "/owner/account")
    owner.get_by_label("IBAN").fill("IT60X0542811101000000123456")
    owner.get_by_label("Account holder").fill("Panificio Sole")
    press(owner, "Send it")
    owner.goto("/owner/")
    owner.get_by_role("link", name="Look at the statement").click()
    press(owner, "All right, confirm")
    says(owner, "Confirmed.")


def paid_out(town: Town, cast: Cast, visit: Visit, folder: Path) -> None:
    """Three hands, one order, and the bank's line."""
    lucia = at_work(visit, cast.lucia, "/finance/batches/accounts")
    press(lucia, "It is right, use it")
    giulio = at_work(visit, cast.giulio, "/finance/batches")
    press(giulio, "Prepare a batch of them")
    batch = giulio.url.removeprefix(town.settings.public_url)
    lucia.goto(batch)
    press(lucia, "Approve this batch")
    franca = at_work(visit, cast.franca, batch)
    press(franca, "Release this batch")
    with franca.expect_download() as order:
        franca.get_by_role("link", name="File for the bank").click()
    town.settle()
    giulio.goto("/finance/bank")
    giulio.get_by_label("Statement of the bank").set_input_files(
        the_banks_answer(town, order.value.path().read_bytes(), folder)
    )
    press(giulio, "Read it")
    expect(giulio.get_by_text("went out €4.50")).to_be_visible()
    town.settle()


def test_from_an_invitation_to_the_banks_line(town: Town, visit: Visit, read: Read, sees: Sees, tmp_path: Path) -> None:
    cast = Cast(town)
    a_city_fund(cast)
    shop = a_shop_joins(cast)
    phone = joined_by_a_code(cast, visit, read)
    took_part(town, cast, visit, read, phone)
    bought(visit, sees, shop, phone)
    town.settle()
    it_becomes(town, morning_of(6, 1))
    claimed(cast, visit, shop)
    paid_out(town, cast, visit, tmp_path)
    phone.goto("/volunteer/")
    expect(phone.get_by_role("heading", name="Hello, Amal")).to_be_visible()
    assert town.check() == []
