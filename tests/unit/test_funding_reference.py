"""A transfer's reference: a slip of the finger is noticed and never names another top-up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.funding.domain_reference import COUNT, SIGNS, is_right, reference_in, reference_of

numbers = st.integers(0, COUNT - 1)
signs = st.sampled_from(SIGNS)
places = st.integers(0, 7)


def with_signs(reference: str, changed: dict[int, str]) -> str:
    """The reference with other signs at some of its eight places."""
    plain = list(reference[3:].replace("-", ""))
    for place, sign in changed.items():
        plain[place] = sign
    return f"MC-{''.join(plain[:4])}-{''.join(plain[4:])}"


@given(numbers)
def test_a_reference_checks_and_is_found_however_it_is_typed(number: int) -> None:
    reference = reference_of(number)
    assert is_right(reference)
    plain = reference.replace("-", "")
    for typed in (
        reference,
        reference.lower(),
        plain,
        f"{plain[:2]} {plain[2:6]} {plain[6:]}",
        f"merit coins {reference}, thank you",
    ):
        assert reference_in(typed) == reference


@given(numbers, numbers)
def test_two_numbers_have_two_references(one: int, other: int) -> None:
    assert (reference_of(one) == reference_of(other)) == (one == other)


@given(numbers, places, signs)
def test_one_wrong_sign_is_always_noticed(number: int, place: int, sign: str) -> None:
    reference = reference_of(number)
    mistyped = with_signs(reference, {place: sign})
    assert is_right(mistyped) == (mistyped == reference)


@given(numbers, places, places)
def test_two_exchanged_signs_are_always_noticed(number: int, one: int, other: int) -> None:
    reference = reference_of(number)
    plain = reference[3:].replace("-", "")
    mistyped = with_signs(reference, {one: plain[other], other: plain[one]})
    assert is_right(mistyped) == (mistyped == reference)


def test_of_several_the_one_that_checks_is_taken_and_a_wrong_one_is_still_shown_to_finance() -> None:
    right = reference_of(123_456_789)
    wrong = with_signs(right, {0: "2" if right[3] != "2" else "3"})
    assert reference_in(f"{wrong} {right}") == right
    assert reference_in(f"for {wrong}") == wrong
    assert not is_right(wrong)


def test_a_text_without_a_reference_has_none() -> None:
    for text in (None, "", "invoice 12", "MC-0000-0000", "XMC-2345-6789", "MC-2345-67892"):
        assert reference_in(text) is None
