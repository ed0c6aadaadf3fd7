"""Every "no" over HTTP: a public code, a sentence a person can act on, in the one shape of RFC 9457."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from infra.standins.bank import StandinBank
from infra.wiring import Town
from services.apis import attendance, funding_sponsor, redemption, reimbursement, shifts
from services.apis import reimbursement_payment as payment
from services.kit.auth import Grant, Principal, Tokens
from services.kit.ids import new_id
from tests.builders_identity import the_admin
from tests.builders_reimbursement import iban_for
from tests.stories.refusals import assert_problem, assert_refused, send
from tests.stories.town_life import (
    Cast,
    a_bank,
    a_city_fund,
    a_shift,
    a_shop_joins,
    an_approved_account,
    approve_account,
    it_becomes,
    sign_up,
    statements_are_issued,
    take_part,
    the_code,
)

BOMB = b'<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><d>&b;</d>'


def test_at_a_shift(town: Town) -> None:
    cast = Cast(town)
    amal, bashir, omar = (cast.volunteer(name) for name in ("Amal", "Bashir", "Omar"))
    shift = a_shift(cast, capacity=1)
    sign_up(shift, amal)
    here = {"shift_id": shift.shift_id}
    check_in, check_out, show = attendance.POST_CHECK_IN, attendance.POST_CHECK_OUT, attendance.GET_CODE

    assert_refused(town, "shifts", ("already_signed_up", amal, shifts.POST_SIGNUP, shifts.MakeSignUp(), here))
    it_becomes(town, shift.starts_at - timedelta(minutes=31))
    assert_refused(town, "attendance", ("too_early", cast.nadia, show, None, here))
    it_becomes(town, shift.starts_at - timedelta(minutes=10))
    code = the_code(cast, shift)
    assert_refused(
        town, "attendance",
        ("shift_full", bashir, check_in, code, {}),
        ("code_wrong", bashir, check_in, attendance.UseCode(code="https://menu.example/today"), {}),
        ("not_checked_in", amal, check_out, code, {}),
        ("not_allowed", amal, show, None, here),
        ("unknown_shift", cast.nadia, show, None, {"shift_id": new_id()}),
        ("unknown_card", cast.nadia, attendance.POST_SCAN, attendance.Scan(card_code="NOT-A-CARD"), here),
    )  # fmt: skip
    own = amal.ask("attendance", check_in, code)
    assert_refused(
        town, "attendance",
        ("code_used", amal, check_out, code, {}),
        ("not_checked_out", cast.nadia, attendance.POST_CONFIRM, attendance.Confirm(), {"attendance_id": own.attendance_id}),
    )  # fmt: skip
    it_becomes(town, town.clock.now() + timedelta(minutes=2))
    assert_refused(
        town, "attendance",
        ("code_expired", bashir, check_in, code, {}),
        ("already_checked_in", amal, check_in, the_code(cast, shift), {}),
        ("shift_full", bashir, check_in, the_code(cast, shift), {}),
    )  # fmt: skip
    no_more = shift.ends_at + timedelta(minutes=15)
    it_becomes(town, no_more)
    code, walk_in = the_code(cast, shift), attendance.Tap(person_id=omar.person_id)
    assert_refused(town, "attendance", ("shift_over", bashir, check_in, code, {}))
    it_becomes(town, no_more + timedelta(seconds=20))
    assert_refused(
        town, "attendance",
        ("shift_over", amal, check_out, code, {}),
        ("shift_over", cast.nadia, attendance.POST_TAP, walk_in, here),
    )  # fmt: skip
    assert_refused(town, "shifts", ("shift_closed", bashir, shifts.POST_SIGNUP, shifts.MakeSignUp(), here))
    assert town.check() == []


def test_at_the_till(town: Town) -> None:
    cast = Cast(town)
    amal = cast.volunteer("Amal")
    a_city_fund(cast)
    shift = take_part(cast, amal)
    shop, station = a_shop_joins(cast), a_shop_joins(cast, "Edicola", neighbourhood_ids=("stazione",))
    closed, back = a_shop_joins(cast, "Merceria"), shop.another_till()
    the_admin(town).ask("redemption", redemption.POST_SHOP_CLOSE, shop_id=closed.shop_id)
    check_in_code = the_code(cast, shift).code

    def sale(code: str, cents: int = 100) -> redemption.MakeSale:
        return redemption.MakeSale(code=code, amount_cents=cents)

    def fresh() -> str:
        return amal.ask("redemption", redemption.POST_PAYMENT_CODE).code

    sell, void, till = redemption.POST_SALE, redemption.POST_VOID, shop.till
    replaced, code = fresh(), fresh()
    assert_refused(
        town, "redemption",
        ("unknown_code", till, sell, sale("pay.nothing-of-ours"), {}),
        ("foreign_code", till, sell, sale(amal.card_code or ""), {}),
        ("foreign_code", till, sell, sale(check_in_code), {}),
        ("foreign_code", till, sell, sale("https://menu.example/today"), {}),
        ("code_replaced", till, sell, sale(replaced), {}),
        ("other_neighbourhood", station.till, sell, sale(code), {}),
        ("shop_closed", closed.till, sell, sale(code), {}),
        ("over_sale_limit", till, sell, sale(code, 5_001), {}),
        ("not_enough_coins", till, sell, sale(code, 501), {}),
        ("not_allowed", amal, sell, sale(code), {}),
    )  # fmt: skip
    facts = assert_problem(send(town, till, "redemption", sell, sale(code, 750)), "not_enough_coins")
    assert facts == {"payable_cents": 500, "rest_cents": 250}
    sold = till.sell(code, 400)
    this = {"sale_id": sold.sale_id}
    assert_refused(
        town, "redemption",
        ("code_used", till, sell, sale(code), {}),
        ("day_limit", till, sell, sale(fresh(), 4_601), {}),
        ("other_till", back, void, None, this),
        ("unknown_sale", till, void, None, {"sale_id": new_id()}),
    )  # fmt: skip
    late = fresh()
    it_becomes(town, town.clock.now() + timedelta(seconds=town.city.sales.code_seconds))
    assert_refused(town, "redemption", ("code_expired", till, sell, sale(late), {}))

    statements_are_issued(cast, "2026-05")
    shop.owner.ask("redemption", redemption.POST_TILL_UNPAIR, till_id=back.till_id)
    assert_refused(
        town, "redemption",
        ("void_too_late", till, void, None, this),
        ("till_unpaired", back, sell, sale(fresh()), {}),
    )  # fmt: skip
    assert town.check() == []


def test_at_the_finance_office(town: Town) -> None:
    cast = Cast(town)
    amal, shop = cast.volunteer("Amal"), a_shop_joins(cast)
    a_city_fund(cast)
    take_part(cast, amal)
    amal.buys(shop.till, 450)
    wrong_iban = payment.ProposeAccount(iban="IT61X0542811101000000123456", holder="Panificio Sole")
    assert_refused(
        town, "reimbursement",
        ("period_not_over", cast.giulio, reimbursement.POST_STATEMENTS, None, {"period": "2026-05"}),
        ("period_wrong", cast.giulio, reimbursement.POST_STATEMENTS, None, {"period": "May"}),
        ("iban_wrong", shop.owner, payment.POST_ACCOUNT, wrong_iban, {"shop_id": shop.shop_id}),
        ("payment_batch_empty", cast.giulio, payment.POST_BATCH, payment.PrepareBatch(), {}),
    )  # fmt: skip
    statements_are_issued(cast, "2026-05")
    an_approved_account(cast, shop)
    claim = shop.claims("2026-05")
    only_this = payment.PrepareBatch(claim_ids=(claim.claim_id,))

    batch = cast.giulio.ask("reimbursement", payment.POST_BATCH, only_this)
    this, approve, release = {"batch_id": batch.batch_id}, payment.POST_BATCH_APPROVE, payment.POST_BATCH_RELEASE
    assert_refused(
        town, "reimbursement",
        ("claim_not_payable", cast.giulio, payment.POST_BATCH, only_this, {}),
        ("same_person", cast.giulio, approve, None, this),
        ("batch_state", cast.franca, release, None, this),
        ("not_allowed", the_admin(town), release, None, this),
    )  # fmt: skip
    cast.lucia.ask("reimbursement", approve, **this)
    changed = shop.proposes_account(iban_for(4711))
    assert_refused(
        town, "reimbursement",
        ("same_person", cast.giulio, release, None, this),
        ("same_person", cast.lucia, release, None, this),
        ("iban_not_approved", cast.franca, release, None, this),
    )  # fmt: skip
    approve_account(cast, changed)
    assert_refused(town, "reimbursement", ("iban_changed", cast.franca, release, None, this))

    today = town.city.day_of(town.clock.now())
    ours, theirs = (bank.close_day(today, lambda _: "paid") for bank in (a_bank(town), StandinBank(iban_for(99), 0)))
    cast.giulio.ask("reimbursement", payment.POST_BANK_STATEMENT, content=ours)
    assert_refused(
        town, "reimbursement",
        ("bank_statement_malformed", cast.giulio, payment.POST_BANK_STATEMENT, ours[:-100], {}),
        ("bank_statement_malformed", cast.giulio, payment.POST_BANK_STATEMENT, b"Saldo: 100,00", {}),
        ("bank_statement_unsafe", cast.giulio, payment.POST_BANK_STATEMENT, BOMB, {}),
        ("bank_statement_foreign", cast.giulio, payment.POST_BANK_STATEMENT, theirs, {}),
        ("bank_statement_known", cast.giulio, payment.POST_BANK_STATEMENT, ours, {}),
    )  # fmt: skip
    assert town.check() == []


ORGANISATION = shifts.RegisterOrganisation(name="Amici del Parco")


def bent(token: str) -> str:
    """One sign changed, not the last: of that one some bits say nothing."""
    return token[:-5] + ("A" if token[-5] != "A" else "B") + token[-4:]


def test_at_the_door(town: Town) -> None:
    """What every service refuses in the same way, before anybody looks at the matter."""
    admin, nadia = the_admin(town), Cast(town).nadia
    register, ended = shifts.POST_ORGANISATION, admin.token
    claimed = Principal(kind="person", id=str(new_id()), grants=(Grant("admin"),))
    forged = Tokens(("a key of one's own",)).mint(claimed, now=town.clock.now(), seconds=900)
    key = {"Idempotency-Key": "the-key-of-the-form"}
    first = send(town, admin, "shifts", register, ORGANISATION, headers=key)
    again = send(town, admin, "shifts", register, ORGANISATION, headers=key)
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    it_becomes(town, town.clock.now() + timedelta(minutes=16))

    other = shifts.RegisterOrganisation(name="Amici del Fiume")
    table: list[tuple[str, int, Any, Any, dict[str, str]]] = [
        ("key_reused", 422, admin, other, key),
        ("key_missing", 400, admin, ORGANISATION, {"Idempotency-Key": ""}),
        ("invalid_request", 422, admin, b'{"name": "Amici', {}),
        ("invalid_request", 422, admin, b'{"name": 7}', {}),
        ("invalid_request", 422, admin, b"{}", {}),
        ("not_json", 415, admin, b"name=Amici", {"Content-Type": "application/x-www-form-urlencoded"}),
        ("too_large", 413, admin, b'{"name": "' + b"A" * 65_536 + b'"}', {}),
        ("sign_in_first", 401, None, ORGANISATION, {}),
        ("not_allowed", 403, nadia, ORGANISATION, {}),
        ("session_ended", 401, ended, ORGANISATION, {}),
        ("session_wrong", 401, forged, ORGANISATION, {}),
        ("session_wrong", 401, bent(admin.token), ORGANISATION, {}),
    ]
    for code, status, who, body, headers in table:
        answer = send(town, who, "shifts", register, body, headers=headers)
        assert_problem(answer, code)
        assert answer.status_code == status, code

    mine = str(new_id())
    traced = send(town, None, "shifts", register, ORGANISATION, headers={"X-Correlation-ID": mine})
    assert_problem(traced, "sign_in_first")
    assert traced.headers["x-correlation-id"] == mine

    news = send(
        town, None, "funding", funding_sponsor.POST_STRIPE_WEBHOOK, b"{}", headers={"Stripe-Signature": "t=1,v1=0"}
    )
    assert_problem(news, "webhook_forged")
    assert town.check() == []


def test_a_refusal_said_again_carries_the_id_of_this_request_in_head_and_body(town: Town) -> None:
    """Whoever helps looks for this request's line in the log, not for the first one's."""
    nobody = shifts.CancelShift(reason="Storm")
    ask = (town, Cast(town).nadia, "shifts", shifts.POST_SHIFT_CANCEL, nobody)
    first_id, second_id, key, shift_id = (str(new_id()) for _ in range(4))
    first, again = (
        send(*ask, shift_id=shift_id, headers={"Idempotency-Key": key, "X-Correlation-ID": id_})
        for id_ in (first_id, second_id)
    )
    for answer, id_ in ((first, first_id), (again, second_id)):
        assert_problem(answer, "unknown_shift")
        assert answer.headers["x-correlation-id"] == id_
    assert again.headers["idempotent-replayed"] == "true"
    assert {**again.json(), "correlation_id": first_id} == first.json()


def test_who_asks_too_often_is_told_when_to_come_back(town: Town) -> None:
    admin, asked = the_admin(town), redemption.POST_PAIRING_CODE
    somewhere = {"shop_id": new_id()}
    # A window is a minute of the machine's clock: of twice as many requests and one, one at least is too many.
    answers = (send(town, admin, "redemption", asked, **somewhere) for _ in range(2 * asked.per_minute + 1))
    answer = next(one for one in answers if one.status_code != 404)
    assert assert_problem(answer, "too_many_requests") == {"per_minute": asked.per_minute}
    assert (answer.status_code, int(answer.headers["retry-after"])) == (429, 60)


def test_an_unknown_address_and_a_wrong_method_are_problems_too(town: Town) -> None:
    nowhere = msgspec.structs.replace(shifts.GET_SHIFTS, path="/no/such/place")
    wrong = msgspec.structs.replace(shifts.GET_NEIGHBOURHOODS, method="POST")
    assert_problem(send(town, None, "shifts", nowhere), "unknown_address")
    assert_problem(send(town, None, "shifts", wrong), "wrong_method")


def test_text_that_is_none_is_the_senders_mistake(town: Town) -> None:
    for name in (b"Amici\xff", b"Amici\\u0000"):
        answer = send(town, the_admin(town), "shifts", shifts.POST_ORGANISATION, b'{"name": "' + name + b'"}')
        assert_problem(answer, "invalid_request")


def test_a_day_at_the_edge_of_the_calendar_is_the_senders_mistake(town: Town) -> None:
    cast = Cast(town)
    shift, amal = a_shift(cast), cast.volunteer("Amal")
    for starts_at in ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+12:00"):
        body = msgspec.json.encode({"activity_id": shift.activity_id, "starts_at": starts_at})
        assert send(town, cast.nadia, "shifts", shifts.POST_SHIFT, body).status_code in (409, 422)
    days = {"from": "0001-01-01", "to": "9999-12-31"}
    assert send(town, amal, "attendance", attendance.GET_CERTIFICATE_DATA, query=days).status_code < 500
