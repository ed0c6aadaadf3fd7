"""Whatever Stripe says, in whatever order: in the end what was told is what is true."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from services.funding.domain_topup import Piece, Step, Told, follow
from services.funding.stripe_news import StripeNews

TOPUP = UUID(int=7)
PAID = 25_000
NOTHING_TOLD = Told(state="open", amount_cents=PAID)


def settlement_id(turn: int) -> UUID:
    return uuid5(TOPUP, str(turn))


def news(kind: Any, cents: int = PAID, fee: int | None = 400, dispute_fee: int = 0) -> StripeNews:
    return StripeNews(
        event_id="evt_1", kind=kind, topup_id=str(TOPUP), session_id="cs_1", payment_intent_id="pi_1", amount_cents=cents,
        fee_cents=None if fee is None else fee + dispute_fee, created_at=datetime(2026, 5, 4, tzinfo=UTC), dispute_fee_cents=dispute_fee,
    )  # fmt: skip


def after(told: Told, step: Step) -> Told:
    """What the others know once the step was told."""
    pieces = {piece.settlement_id: piece for piece in told.pieces}
    if step.settle:
        assert step.settle.settlement_id not in pieces
        pieces[step.settle.settlement_id] = Piece(step.settle.settlement_id, step.settle.amount_cents)
    for taken in step.take_back:
        piece = pieces[taken.settlement_id]
        pieces[taken.settlement_id] = replace(piece, taken_back_cents=piece.taken_back_cents + taken.amount_cents)
        assert pieces[taken.settlement_id].left_cents >= 0
    return Told(step.state, told.amount_cents, tuple(pieces.values()))


def test_money_is_told_of_when_its_fee_is_known_and_only_once() -> None:
    waiting = follow(NOTHING_TOLD, news("settled", fee=None), settlement_id)
    assert waiting == Step(state="processing")
    step = follow(after(NOTHING_TOLD, waiting), news("settled"), settlement_id)
    assert step.settle is not None
    assert (step.settle.amount_cents, step.settle.fee_cents, step.take_back) == (PAID, 400, ())
    assert follow(after(NOTHING_TOLD, step), news("settled"), settlement_id) == Step(state="settled")


def test_the_fee_of_a_dispute_is_not_the_funds() -> None:
    step = follow(NOTHING_TOLD, news("disputed", 20_000, fee=400, dispute_fee=2_000), settlement_id)
    assert step.settle is not None
    assert step.settle.fee_cents == 400
    assert [taken.amount_cents for taken in step.take_back] == [20_000]


def test_a_won_dispute_is_money_that_comes_again_under_an_id_of_its_own() -> None:
    told = after(NOTHING_TOLD, follow(NOTHING_TOLD, news("disputed", 20_000), settlement_id))
    won = follow(told, news("settled"), settlement_id)
    assert won.settle is not None
    assert (won.settle.settlement_id, won.settle.amount_cents, won.settle.fee_cents) == (settlement_id(1), 20_000, 0)
    refunded = follow(after(told, won), news("refunded", PAID), settlement_id)
    assert [(t.settlement_id, t.amount_cents) for t in refunded.take_back] == [
        (settlement_id(1), 20_000),
        (settlement_id(0), 5_000),
    ]


truths = st.one_of(
    st.builds(news, st.just("settled"), fee=st.sampled_from([None, 400])),
    st.builds(
        news,
        st.sampled_from(["refunded", "disputed"]),
        st.integers(1, 2 * PAID),
        dispute_fee=st.sampled_from([0, 2_000]),
    ),
    st.builds(news, st.sampled_from(["open", "processing", "failed", "expired", "ignored"])),
)


@given(st.lists(truths, max_size=12))
def test_after_each_word_of_stripe_what_was_told_is_what_is_true_and_saying_it_again_changes_nothing(
    words: list[StripeNews],
) -> None:
    told = NOTHING_TOLD
    for word in words:
        before = told
        told = after(told, follow(told, word, settlement_id))
        assert after(told, follow(told, word, settlement_id)) == told
        if word.kind in ("settled", "refunded", "disputed") and told.pieces:
            gone = 0 if word.kind == "settled" else min(word.amount_cents, PAID)
            assert told.left_cents == PAID - gone
            assert told.state == word.kind
        elif word.kind == "ignored" or before.pieces:
            assert told == before
        else:
            assert told.left_cents == 0
            assert told.state == ("processing" if word.kind == "settled" else word.kind)
