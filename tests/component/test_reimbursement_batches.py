"""A payment batch passes three different people before a file for the bank exists."""

from importlib.resources import files
from itertools import product
from threading import Thread

import pytest
from lxml import etree

from infra.wiring import Town
from services.apis import reimbursement_payment as api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.events.funding import Earmark, FundOpened
from services.events.ledger import Part
from services.events.redemption import SaleAccepted
from services.kit.ids import new_id
from tests.builders import As, tell
from tests.builders_redemption import a_shop
from tests.builders_reimbursement import (
    OWN,
    a_claim,
    a_finance_officer,
    a_prepared_batch,
    a_released_batch,
    a_till_with_sales,
    an_approved_account,
    confirm_everything,
    iban_for,
    issue_statements,
    pay_everything,
    the_batch,
    the_order,
    the_owner,
    three_hands,
)

VERSIONS: tuple[api.Version, ...] = ("pain.001.001.09", "pain.001.001.03")
APPROVE, RELEASE, CANCEL = api.POST_BATCH_APPROVE, api.POST_BATCH_RELEASE, api.POST_BATCH_CANCEL


def test_a_batch_is_prepared_approved_and_released_by_three_people(town: Town) -> None:
    claim = a_claim(town, 450, 800)
    hands = three_hands(town)
    batch = a_released_batch(town, hands)
    assert (batch.prepared_by, batch.approved_by, batch.released_by) == tuple(hand.person_id for hand in hands)
    assert (batch.state, batch.amount_cents, batch.payment_count) == ("released", 1250, 1)
    assert [(p.claim_id, p.state) for p in batch.payments] == [(claim.claim_id, "released")]
    assert town.check() == []


def test_no_order_of_hands_and_no_role_releases_a_batch_with_fewer_than_three_people(town: Town) -> None:
    a_claim(town)
    people = [As(town, ("finance", None), ("admin", None)) for _ in range(3)]
    released = []
    for turns in sorted(product(range(3), repeat=2), key=lambda turns: {0, *turns} == {0, 1, 2}):
        batch = a_prepared_batch(town, people[0])
        refused = set()
        for turn, endpoint in product(turns, (APPROVE, RELEASE)):
            try:
                people[turn].ask(OWN, endpoint, batch_id=batch.batch_id)
            except Refused as refusal:
                refused.add(refusal.code)
        assert refused <= {"same_person", "batch_state"}
        if the_batch(town, batch.batch_id).state == "released":
            released.append(turns)
            break
        people[0].ask(OWN, CANCEL, batch_id=batch.batch_id)
    assert released == [(1, 2)], "the first order that has three people in it, and none before"
    assert town.check() == []


def test_who_already_had_a_hand_in_it_is_told_which(town: Town) -> None:
    a_claim(town)
    prepares, approves, _ = three_hands(town)
    batch = a_prepared_batch(town, prepares)
    with pytest.raises(Refused, match="same_person") as refusal:
        prepares.ask(OWN, APPROVE, batch_id=batch.batch_id)
    assert refusal.value.facts == {"hand": "prepared"}
    approves.ask(OWN, APPROVE, batch_id=batch.batch_id)
    for hand, did in ((prepares, "prepared"), (approves, "approved")):
        with pytest.raises(Refused, match="same_person") as refusal:
            hand.ask(OWN, RELEASE, batch_id=batch.batch_id)
        assert refusal.value.facts == {"hand": did}


def test_an_administrator_has_no_hand_in_money(town: Town) -> None:
    a_claim(town)
    admin, batch = As(town, ("admin", None)), a_prepared_batch(town, a_finance_officer(town))
    for endpoint in (APPROVE, RELEASE, CANCEL):
        with pytest.raises(Refused, match="not_allowed"):
            admin.ask(OWN, endpoint, batch_id=batch.batch_id)


def test_there_is_no_file_before_the_release_and_the_same_one_ever_after(town: Town) -> None:
    claim = a_claim(town)
    prepares, approves, releases = three_hands(town)
    batch = a_prepared_batch(town, prepares)
    approves.ask(OWN, APPROVE, batch_id=batch.batch_id)
    for early in (
        lambda: the_order(town, batch.batch_id),
        lambda: prepares.ask(OWN, api.GET_OPI, batch_id=batch.batch_id),
    ):
        with pytest.raises(Refused, match="batch_state"):
            early()
    releases.ask(OWN, RELEASE, batch_id=batch.batch_id)
    first = [the_order(town, batch.batch_id, version) for version in VERSIONS]
    an_approved_account(town, claim.shop_id, iban_for(77))
    assert [the_order(town, batch.batch_id, version) for version in VERSIONS] == first


@pytest.mark.parametrize("version", VERSIONS)
def test_the_file_is_valid_against_the_iso_schema_and_pays_every_shop(town: Town, version: api.Version) -> None:
    for cents in (450, 800):
        a_till_with_sales(town, cents)
    issue_statements(town)
    confirm_everything(town)
    batch = a_released_batch(town)
    schema = etree.XMLSchema(etree.fromstring((files("sepaxml") / "schemas" / f"{version}.xsd").read_bytes()))
    order = etree.fromstring(the_order(town, batch.batch_id, version))
    schema.assertValid(order)
    paid = dict(
        zip(
            (element.text for element in order.iterfind(".//{*}EndToEndId")),
            (element.text for element in order.iterfind(".//{*}InstdAmt")),
            strict=True,
        )
    )
    assert paid == {p.payment_id.hex: f"{p.amount_cents // 100}.{p.amount_cents % 100:02d}" for p in batch.payments}
    assert {element.text for element in order.iterfind(".//{*}ReqdExctnDt//{*}Dt")} <= {"2026-06-02"}


def test_the_treasurers_file_says_which_fund_pays_what(town: Town) -> None:
    a_claim(town, 450, 800)
    batch = a_released_batch(town)
    flow = etree.fromstring(a_finance_officer(town).ask(OWN, api.GET_OPI, batch_id=batch.batch_id))
    [mandate] = flow.iterfind("mandato")
    assert mandate.findtext("importo_mandato") == "12.50"
    assert sorted(e.text for e in mandate.iterfind(".//quota_fondo/importo")) == ["4.50", "8.00"]
    assert mandate.findtext(".//destinazione") == "LIBERA"
    assert mandate.findtext(".//identificativo_end_to_end") == batch.payments[0].payment_id.hex


def test_a_fund_not_heard_of_yet_holds_the_release_for_a_moment(town: Town) -> None:
    shop, fund_id = a_shop(town), new_id()
    town.settle()
    sale = SaleAccepted(
        sale_id=new_id(), shop_id=shop.shop_id, till_id=new_id(), neighbourhood_id="le-querce", amount_cents=450,
        parts=(Part(fund_id=fund_id, amount_cents=450),), sold_at=town.clock.now(),
    )  # fmt: skip
    tell(town, sale)
    issue_statements(town)
    confirm_everything(town)
    prepares, approves, releases = three_hands(town)
    batch = a_prepared_batch(town, prepares)
    approves.ask(OWN, APPROVE, batch_id=batch.batch_id)
    with pytest.raises(Refused, match="fund_not_known_yet") as refusal:
        releases.ask(OWN, RELEASE, batch_id=batch.batch_id)
    assert refusal.value.facts == {"fund_ids": [str(fund_id)]}

    tell(town, FundOpened(fund_id=fund_id, kind="grant", name="AMIF", rank=1, earmark=Earmark()))
    releases.ask(OWN, RELEASE, batch_id=batch.batch_id)
    flow = etree.fromstring(releases.ask(OWN, api.GET_OPI, batch_id=batch.batch_id))
    assert flow.findtext(".//destinazione") == "VINCOLATA"


def test_a_batch_can_be_cancelled_until_it_is_released(town: Town) -> None:
    claim = a_claim(town)
    prepares, approves, releases = three_hands(town)
    batch = a_prepared_batch(town, prepares)
    approves.ask(OWN, CANCEL, batch_id=batch.batch_id)
    for endpoint, hand in ((CANCEL, approves), (APPROVE, approves), (RELEASE, releases)):
        with pytest.raises(Refused, match="batch_state") as refusal:
            hand.ask(OWN, endpoint, batch_id=batch.batch_id)
        assert refusal.value.facts["state"] == "cancelled"

    again = a_prepared_batch(town, prepares)
    assert [payment.claim_id for payment in again.payments] == [claim.claim_id]
    with pytest.raises(Refused, match="batch_state"):
        releases.ask(OWN, RELEASE, batch_id=again.batch_id)
    approves.ask(OWN, APPROVE, batch_id=again.batch_id)
    releases.ask(OWN, RELEASE, batch_id=again.batch_id)
    with pytest.raises(Refused, match="batch_state"):
        prepares.ask(OWN, CANCEL, batch_id=again.batch_id)
    listed = prepares.ask(OWN, api.GET_BATCHES, query=Page()).batches
    assert [b.state for b in listed] == ["released", "cancelled"]
    assert town.check() == []


def test_a_claim_is_in_one_batch_only(town: Town) -> None:
    claim = a_claim(town)
    finance = a_finance_officer(town)
    a_prepared_batch(town, finance)
    with pytest.raises(Refused, match="claim_not_payable") as refusal:
        finance.ask(OWN, api.POST_BATCH, api.PrepareBatch(claim_ids=(claim.claim_id,)))
    assert refusal.value.facts == {"claim_id": str(claim.claim_id), "state": "in_batch"}
    with pytest.raises(Refused, match="payment_batch_empty"):
        a_prepared_batch(town, finance)
    with pytest.raises(Refused, match="unknown_claim"):
        finance.ask(OWN, api.POST_BATCH, api.PrepareBatch(claim_ids=(new_id(),)))


def test_of_batches_prepared_at_once_only_one_gets_the_claim(town: Town) -> None:
    a_claim(town)
    got: list[str] = []

    def prepare() -> None:
        try:
            a_prepared_batch(town, a_finance_officer(town))
            got.append("batch")
        except Refused as refusal:
            got.append(refusal.code)

    people = [Thread(target=prepare) for _ in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(got) == ["batch", "payment_batch_empty", "payment_batch_empty", "payment_batch_empty"]
    assert town.check() == []


def test_an_account_changed_on_the_way_blocks_the_batch_again(town: Town) -> None:
    claim = a_claim(town)
    prepares, approves, releases = three_hands(town)
    batch = a_prepared_batch(town, prepares)
    approves.ask(OWN, APPROVE, batch_id=batch.batch_id)
    body = api.ProposeAccount(iban=iban_for(88), holder="Panificio Sole")
    changed = the_owner(town, claim.shop_id).ask(OWN, api.POST_ACCOUNT, body, shop_id=claim.shop_id)
    with pytest.raises(Refused, match="iban_not_approved"):
        releases.ask(OWN, RELEASE, batch_id=batch.batch_id)
    prepares.ask(OWN, api.POST_ACCOUNT_APPROVE, account_id=changed.account_id)
    with pytest.raises(Refused, match="iban_changed"):
        releases.ask(OWN, RELEASE, batch_id=batch.batch_id)
    prepares.ask(OWN, CANCEL, batch_id=batch.batch_id)
    paid = pay_everything(town)
    assert iban_for(88).encode() in the_order(town, paid.batch_id)
    assert town.check() == []


def test_an_unknown_batch_is_said_to_be_unknown(town: Town) -> None:
    finance = a_finance_officer(town)
    for endpoint in (api.GET_BATCH, APPROVE, RELEASE, CANCEL, api.GET_OPI):
        with pytest.raises(Refused, match="unknown_batch"):
            finance.ask(OWN, endpoint, batch_id=new_id())
