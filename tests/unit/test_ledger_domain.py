"""The decision, for any books and any requests: value is neither made nor lost, floors hold, a refusal changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from ledger.domain import decide, split
from ledger.domain_values import (
    Account,
    Answer,
    Because,
    Book,
    Change,
    Decision,
    Leg,
    Move,
    Outcome,
    Plan,
    Request,
    Reversal,
    Sweep,
    Transfer,
)

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
FUNDS = (UUID(int=1), UUID(int=2))
WORDS = ("fund", "lot", "shop", "bank")
CODES = [f"{word}/{fund.int}" for fund in FUNDS for word in WORDS]
WHY = Because(UUID(int=99), NOW)


def books(balances: dict[str, int], closed: frozenset[str] = frozenset()) -> dict[str, Account]:
    return {
        code: Account(
            id=n, code=code, fund_id=FUNDS[int(code[-1]) - 1], floored=not code.startswith("bank"), closed=code in closed,
            credits_posted=max(0, balances.get(code, 0)), debits_posted=max(0, -balances.get(code, 0)),
        )
        for n, code in enumerate(CODES)
    }  # fmt: skip


def run(accounts: dict[str, Account], requests: Sequence[Request], **known: Any) -> Decision:
    book = Book(accounts=accounts, outcomes=known.get("outcomes", {}), reversed_cents=known.get("reversed_cents", {}))
    return decide(book, requests, now=NOW)


def a_move(amount: int, *plans: Plan, id_: int = 7, **more: Any) -> Move:
    fields = {"request_id": UUID(int=id_), "kind": "move", "payload": b"p", "because": WHY, **more}
    return Move(amount_cents=amount, plans=plans, **fields)


def a_reversal(*of: tuple[Transfer, int], id_: int = 8, at_most: bool = False) -> Reversal:
    return Reversal(request_id=UUID(int=id_), kind="back", payload=b"p", because=WHY, of=of, at_most=at_most)


cents = st.integers(1, 500)
code = st.sampled_from(CODES)
legs = st.builds(Leg, code, code, st.none() | cents).filter(lambda leg: leg.debit != leg.credit)
request_ids = st.integers(1, 12).map(lambda n: UUID(int=n))
common = {"request_id": request_ids, "kind": st.just("k"), "payload": st.sampled_from([b"a", b"b"]), "because": st.just(WHY)}  # fmt: skip


def in_turn(legs_: list[Leg]) -> Plan:
    """Legs with an amount come before those that take the rest."""
    return tuple(sorted(legs_, key=lambda leg: leg.amount_cents is None))


def fits(move: Move) -> bool:
    return all(sum(leg.amount_cents or 0 for leg in plan) <= move.amount_cents for plan in move.plans)


moves = st.builds(
    Move, amount_cents=cents, plans=st.lists(st.lists(legs, max_size=4).map(in_turn), max_size=3).map(tuple),
    or_wait=st.booleans(), even_closed=st.booleans(), **common,
).filter(fits)  # fmt: skip
sweeps = st.builds(Sweep, debit=code, credit=code, to_zero=st.booleans(), **common).filter(
    lambda s: s.debit != s.credit and not s.debit.startswith("bank")
)
balances = st.dictionaries(st.sampled_from([c for c in CODES if not c.startswith("bank")]), st.integers(0, 800))
closed = st.frozensets(st.sampled_from([c for c in CODES if c.startswith("fund")]))


class Story(Struct, frozen=True):
    accounts: dict[str, Account]
    outcomes: dict[UUID, Outcome]
    requests: list[Request]
    decision: Decision


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Moves and sweeps are decided; then, on the books they left, reversals of what they did and more moves."""
    accounts = books(draw(balances), draw(closed))
    first = run(accounts, draw(st.lists(moves | sweeps, max_size=8)))
    done = {t.transfer_id: t for t in first.transfers}
    requests: list[Request] = []
    if done:
        some = st.lists(st.tuples(st.sampled_from(list(done.values())), cents), min_size=1, max_size=3).map(tuple)
        requests = draw(st.lists(st.builds(Reversal, of=some, at_most=st.booleans(), **common) | moves, max_size=6))
    after = {c: moved(a, first) for c, a in accounts.items()}
    outcomes = {o.request_id: o for o in first.outcomes}
    return Story(after, outcomes, requests, run(after, requests, outcomes=outcomes))


def moved(account: Account, decision: Decision) -> Account:
    change = decision.changes.get(account.code, Change())
    fields = {f: getattr(account, f) for f in account.__struct_fields__}
    return Account(
        **{
            **fields,
            "debits_posted": account.debits_posted + change.debits,
            "credits_posted": account.credits_posted + change.credits,
        }
    )


@settings(deadline=None)
@given(stories())
def test_value_is_neither_made_nor_lost_in_any_fund(story: Story) -> None:
    accounts, decision = story.accounts, story.decision
    sums: defaultdict[UUID, int] = defaultdict(int)
    for code_, change in decision.changes.items():
        sums[accounts[code_].fund_id] += change.credits - change.debits
    assert set(sums.values()) <= {0}
    assert all(accounts[t.debit].fund_id == accounts[t.credit].fund_id == t.fund_id for t in decision.transfers)


@settings(deadline=None)
@given(stories())
def test_no_floored_account_is_below_zero_after_any_transfer(story: Story) -> None:
    accounts, decision = story.accounts, story.decision
    standing = {code_: account.balance_cents for code_, account in accounts.items()}
    for transfer in decision.transfers:
        standing[transfer.debit] -= transfer.amount_cents
        standing[transfer.credit] += transfer.amount_cents
        assert standing[transfer.debit] >= 0 or not accounts[transfer.debit].floored
    assert standing == {c: moved(a, decision).balance_cents for c, a in accounts.items()}


@settings(deadline=None)
@given(stories())
def test_without_the_refused_requests_the_books_would_be_the_same(story: Story) -> None:
    accounts, requests, decision = story.accounts, story.requests, story.decision
    posted = [r for r, a in zip(requests, decision.answers, strict=True) if a.fresh and a.outcome.state == "posted"]
    again = run(accounts, posted, outcomes=story.outcomes)
    assert again.transfers == decision.transfers
    assert again.changes == decision.changes


@settings(deadline=None)
@given(stories())
def test_reversals_never_take_back_more_than_was_moved(story: Story) -> None:
    requests, decision = story.requests, story.decision
    originals = {t.transfer_id: t for r in requests if isinstance(r, Reversal) for t, _ in r.of}
    back: defaultdict[UUID, int] = defaultdict(int)
    for transfer in decision.transfers:
        if transfer.reversal_of is not None:
            original = originals[transfer.reversal_of]
            back[transfer.reversal_of] += transfer.amount_cents
            assert (transfer.debit, transfer.credit) == (original.credit, original.debit)
    assert all(taken <= originals[id_].amount_cents for id_, taken in back.items())


@settings(deadline=None)
@given(stories())
def test_asked_again_with_what_is_remembered_nothing_moves_and_the_answers_are_the_same(story: Story) -> None:
    accounts, requests, decision = story.accounts, story.requests, story.decision
    decided = {a.outcome.request_id: a.outcome for a in decision.answers if a.fresh}
    again = run(accounts, requests, outcomes={**story.outcomes, **decided})
    assert again.transfers == ()
    assert [a.outcome for a in again.answers] == [a.outcome for a in decision.answers]


@settings(deadline=None)
@given(cents, st.lists(st.integers(0, 1000), min_size=1, max_size=4).map(sorted))
def test_shares_sum_to_the_amount_and_only_the_last_takes_the_rounding(amount: int, cuts: list[int]) -> None:
    permilles = [b - a for a, b in zip([0, *cuts], [*cuts, 1000], strict=True)]
    shares = split(amount, permilles)
    assert sum(shares) == amount
    assert all(share == amount * permille // 1000 for share, permille in zip(shares[:-1], permilles[:-1], strict=True))


def test_shares_that_do_not_make_a_whole_are_no_plan() -> None:
    with pytest.raises(ValueError, match="1000"):
        split(100, [750, 200])


def only(decision: Decision) -> Answer:
    (answer,) = decision.answers
    return answer


def test_the_first_plan_that_covers_the_whole_is_taken_and_a_shorter_one_leaves_no_trace() -> None:
    short, enough = (Leg("lot/1", "shop/1"),), (Leg("fund/1", "shop/1", 60), Leg("lot/1", "shop/1"))
    answer = only(run(books({"lot/1": 50, "fund/1": 60}), [a_move(100, short, enough)]))
    assert [(t.debit, t.amount_cents) for t in answer.transfers] == [("fund/1", 60), ("lot/1", 40)]


@pytest.mark.parametrize(
    ("plans", "code_", "available"),
    [
        ((), "no_plan", 0),
        (((Leg("lot/1", "shop/1"),),), "insufficient", 30),
        (((Leg("fund/1", "shop/1"),),), "closed", 0),
        (((Leg("lot/1", "shop/1"),), (Leg("fund/1", "shop/1", 100),)), "insufficient", 30),
        (
            ((Leg("shop/1", "bank/1"), Leg("fund/1", "bank/1")),),
            "insufficient",
            0,
        ),  # money in the open one would mend it
        (
            ((Leg("lot/1", "shop/1", 60), Leg("fund/1", "shop/1", 40)),),
            "closed",
            0,
        ),  # no money mends a share of a closed one
        (((Leg("lot/1", "shop/2"),),), "fund_mismatch", 0),
    ],
)
def test_a_refusal_says_why_and_what_there_is(plans: tuple[Plan, ...], code_: str, available: int) -> None:
    accounts = books({"lot/1": 30, "fund/1": 500}, frozenset({"fund/1"}))
    outcome = only(run(accounts, [a_move(100, *plans)])).outcome
    assert (outcome.state, outcome.code, outcome.facts) == ("refused", code_, {"available_cents": available})


def test_what_is_held_cannot_be_spent() -> None:
    lot = Account(id=1, code="lot/1", fund_id=FUNDS[0], floored=True, credits_posted=100, debits_held=30)
    held = {**books({}), "lot/1": lot}
    assert only(run(held, [a_move(71, (Leg("lot/1", "shop/1"),))])).outcome.facts == {"available_cents": 70}


def test_an_id_that_comes_with_other_content_is_a_conflict_and_what_was_decided_stays() -> None:
    one = a_move(10, (Leg("lot/1", "shop/1"),))
    decision = run(books({"lot/1": 50}), [one, a_move(20, (Leg("lot/1", "shop/1"),), payload=b"q"), one])
    assert [(a.outcome.state, a.outcome.code, a.fresh) for a in decision.answers] == [
        ("posted", None, True), ("refused", "conflict", False), ("posted", None, False),
    ]  # fmt: skip
    assert decision.outcomes == (Outcome(request_id=UUID(int=7), kind="move", payload=b"p", state="posted", amount_cents=10),)  # fmt: skip


def test_a_request_that_waits_is_not_remembered() -> None:
    decision = run(books({}), [a_move(10, (Leg("lot/1", "shop/1"),), or_wait=True)])
    assert (only(decision).outcome.state, decision.outcomes) == ("waiting", ())


def test_a_reversal_is_whole_or_refused_unless_it_takes_what_there_is() -> None:
    accounts = books({"lot/1": 100})
    (sold,) = run(accounts, [a_move(100, (Leg("lot/1", "shop/1"),))]).transfers
    later = {**accounts, "shop/1": books({"shop/1": 40})["shop/1"]}
    assert only(run(later, [a_reversal((sold, 100))])).outcome.code == "insufficient"
    assert only(run(later, [a_reversal((sold, 100), at_most=True)])).outcome.amount_cents == 40
    known = {sold.transfer_id: 70}
    assert only(run(later, [a_reversal((sold, 31))], reversed_cents=known)).outcome.code == "over_original"
    assert only(run(later, [a_reversal((sold, 20), (sold, 20))], reversed_cents=known)).outcome.code == "over_original"
    assert only(run(later, [a_reversal((sold, 30))], reversed_cents=known)).outcome.amount_cents == 30


def test_a_sweep_moves_all_there_is_or_what_is_lacking_and_nothing_is_no_event() -> None:
    sweep = Sweep(request_id=UUID(int=3), kind="s", payload=b"", because=WHY, debit="lot/1", credit="bank/1")
    lift = Sweep(
        request_id=UUID(int=4), kind="s", payload=b"", because=WHY, debit="lot/1", credit="bank/1", to_zero=True
    )
    assert only(run(books({"lot/1": 50}), [sweep])).outcome.amount_cents == 50
    assert only(run(books({"lot/1": 50, "bank/1": -20}), [lift])).outcome.amount_cents == 20
    assert run(books({}), [sweep]).outcomes == ()


def test_where_nothing_is_left_to_move_the_request_is_posted_and_nothing_moves() -> None:
    decision = run(books({"fund/1": 50}), [a_move(0, or_wait=True)])
    assert (only(decision).outcome.state, decision.transfers, len(decision.outcomes)) == ("posted", (), 1)


def test_a_request_that_moves_nothing_or_a_plan_that_gives_too_much_is_a_fault_of_ours() -> None:
    for wrong in (a_move(0, (Leg("lot/1", "shop/1"),)), a_move(10, (Leg("lot/1", "shop/1", 11),))):
        with pytest.raises(ValueError, match="move"):
            run(books({"lot/1": 50}), [wrong])
