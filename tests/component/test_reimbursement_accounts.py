"""Where a shop is paid: a new account number waits for a second person."""

from uuid import UUID

import pytest
from sqlalchemy import text

from infra.wiring import Town
from services.apis import reimbursement_payment as api
from services.apis.errors import Refused
from services.kit.ids import new_id
from tests.builders import As
from tests.builders_redemption import a_shop
from tests.builders_reimbursement import (
    OWN,
    a_claim,
    a_finance_officer,
    a_prepared_batch,
    an_approved_account,
    iban_for,
    pay_everything,
    the_owner,
    three_hands,
)

REASON = api.RefuseAccount(reason="The bank does not know this holder")


def propose(who: As, shop_id: UUID, iban: str, holder: str = "Panificio Sole") -> api.Account:
    return who.ask(OWN, api.POST_ACCOUNT, api.ProposeAccount(iban=iban, holder=holder), shop_id=shop_id)


@pytest.fixture
def shop_id(town: Town) -> UUID:
    shop = a_shop(town)
    town.settle()
    return shop.shop_id


def test_an_account_takes_effect_when_a_second_person_approves_it(town: Town, shop_id: UUID) -> None:
    owner = the_owner(town, shop_id)
    proposed = propose(owner, shop_id, "it60 x054 2811 1010 0000 0123 456")
    assert (proposed.state, proposed.iban) == ("proposed", "IT60X0542811101000000123456")
    approved = a_finance_officer(town).ask(OWN, api.POST_ACCOUNT_APPROVE, account_id=proposed.account_id)
    assert approved.state == "approved"
    [seen] = owner.ask(OWN, api.GET_ACCOUNTS, query=api.AccountQuery()).accounts
    assert seen == approved


def test_nobody_approves_the_account_they_proposed_whatever_their_roles(town: Town, shop_id: UUID) -> None:
    both = As(town, ("shop_owner", shop_id), ("finance", None), ("admin", None))
    proposed = propose(both, shop_id, iban_for(1))
    with pytest.raises(Refused, match="same_person") as refusal:
        both.ask(OWN, api.POST_ACCOUNT_APPROVE, account_id=proposed.account_id)
    assert refusal.value.facts == {"hand": "proposed"}
    with pytest.raises(Refused, match="same_person"):
        both.ask(OWN, api.POST_ACCOUNT_REFUSE, REASON, account_id=proposed.account_id)
    with pytest.raises(Refused, match="not_allowed"):
        As(town, ("admin", None)).ask(OWN, api.POST_ACCOUNT_APPROVE, account_id=proposed.account_id)


def test_every_account_a_shop_had_stays_in_the_history(town: Town, shop_id: UUID) -> None:
    an_approved_account(town, shop_id, iban_for(1))
    owner, finance = the_owner(town, shop_id), a_finance_officer(town)
    propose(owner, shop_id, iban_for(2))
    third = propose(owner, shop_id, iban_for(3))
    refused = finance.ask(OWN, api.POST_ACCOUNT_REFUSE, REASON, account_id=third.account_id)
    assert (refused.state, refused.refusal) == ("refused", REASON.reason)
    an_approved_account(town, shop_id, iban_for(4))
    history = finance.ask(OWN, api.GET_ACCOUNTS, query=api.AccountQuery(shop_id=shop_id)).accounts
    assert [(a.iban, a.state) for a in history] == [
        (iban_for(1), "replaced"),
        (iban_for(2), "replaced"),
        (iban_for(3), "refused"),
        (iban_for(4), "approved"),
    ]
    [in_force] = finance.ask(OWN, api.GET_ACCOUNTS, query=api.AccountQuery(state="approved")).accounts
    assert in_force.iban == iban_for(4)


def test_an_account_is_decided_once(town: Town, shop_id: UUID) -> None:
    account = an_approved_account(town, shop_id)
    finance = a_finance_officer(town)
    with pytest.raises(Refused, match="account_decided"):
        finance.ask(OWN, api.POST_ACCOUNT_APPROVE, account_id=account.account_id)
    with pytest.raises(Refused, match="account_decided"):
        finance.ask(OWN, api.POST_ACCOUNT_REFUSE, REASON, account_id=account.account_id)
    with pytest.raises(Refused, match="unknown_account"):
        finance.ask(OWN, api.POST_ACCOUNT_APPROVE, account_id=new_id())


@pytest.mark.parametrize(
    ("iban", "holder", "code"),
    [
        ("IT61X0542811101000000123456", "Panificio Sole", "iban_wrong"),
        ("IT60X054281110100000012345", "Panificio Sole", "iban_wrong"),
        ("US60X0542811101000000123456", "Panificio Sole", "iban_wrong"),
        (iban_for(1), "مخبز الشمس", "payment_text_wrong"),
        (iban_for(1), "P" * 71, "payment_text_wrong"),
    ],
)
def test_an_account_no_bank_would_take_is_refused_at_once(
    town: Town, shop_id: UUID, iban: str, holder: str, code: str
) -> None:
    with pytest.raises(Refused, match=code) as refusal:
        propose(the_owner(town, shop_id), shop_id, iban, holder)
    assert iban not in repr(refusal.value.facts)


def test_an_owner_proposes_only_for_their_own_shop(town: Town, shop_id: UUID) -> None:
    with pytest.raises(Refused, match="not_allowed"):
        propose(the_owner(town, new_id()), shop_id, iban_for(1))
    nowhere = new_id()
    with pytest.raises(Refused, match="unknown_shop"):
        propose(the_owner(town, nowhere), nowhere, iban_for(1))
    an_approved_account(town, shop_id)
    assert the_owner(town, nowhere).ask(OWN, api.GET_ACCOUNTS, query=api.AccountQuery()).accounts == ()


def test_a_changed_account_blocks_payment_until_it_is_decided(town: Town) -> None:
    claim = a_claim(town)
    prepares, _, _ = three_hands(town)
    changed = propose(the_owner(town, claim.shop_id), claim.shop_id, iban_for(2))
    with pytest.raises(Refused, match="iban_not_approved") as refusal:
        prepares.ask(OWN, api.POST_BATCH, api.PrepareBatch(claim_ids=(claim.claim_id,)))
    assert refusal.value.facts == {"shop_ids": [str(claim.shop_id)]}
    with pytest.raises(Refused, match="payment_batch_empty"):
        a_prepared_batch(town, prepares)
    other = a_claim(town, 700)
    batch = a_prepared_batch(town, prepares)
    assert [payment.claim_id for payment in batch.payments] == [other.claim_id]
    assert [(left.claim_id, left.blocked) for left in batch.left_out] == [(claim.claim_id, "iban_not_approved")]

    a_finance_officer(town).ask(OWN, api.POST_ACCOUNT_REFUSE, REASON, account_id=changed.account_id)
    assert [payment.claim_id for payment in a_prepared_batch(town, prepares).payments] == [claim.claim_id]


def test_an_account_number_is_in_no_event(town: Town) -> None:
    claim = a_claim(town)
    pay_everything(town)
    with town.rooms[OWN].engine.connect() as conn:
        iban = conn.scalar(text("SELECT iban FROM accounts WHERE shop_id = :shop"), {"shop": claim.shop_id})
        told = conn.scalars(text("SELECT convert_from(value, 'UTF8') FROM outbox")).all()
    assert iban
    assert told
    assert not any(iban in value or "Panificio" in value for value in told)
