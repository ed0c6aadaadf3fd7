"""Decisions of identity, without a database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.apis.endpoint import ROLES, Role
from services.apis.errors import Refused
from services.identity import domain

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
pins = st.tuples(*[st.integers(0, 11)] * 4)
patiences = st.sampled_from(list(domain.PATIENCE.values()))


def refusal(decide: object) -> str | None:
    try:
        decide()  # type: ignore[operator]
    except Refused as refused:
        return refused.code
    return None


@given(patiences, st.integers(0, 10_000))
def test_waits_grow_with_failures_and_never_beyond_their_longest(patience: domain.Patience, number: int) -> None:
    wait, next_wait = (patience.wait(domain.Failures(n, NOW)) for n in (number, number + 1))
    assert timedelta(0) <= wait <= next_wait <= patience.longest
    assert (wait == timedelta(0)) == (number <= patience.free)


@given(patiences, st.lists(st.timedeltas(timedelta(0), timedelta(days=3)), min_size=1, max_size=30))
def test_failures_are_forgotten_one_by_one_however_they_come(
    patience: domain.Patience, pauses: list[timedelta]
) -> None:
    failures, now = domain.Failures(0, NOW), NOW
    level = 0.0  # the same as a bucket that leaks all the time
    for pause in pauses:
        now += pause
        level = max(0.0, level - pause / patience.leak) + 1
        failures = patience.one_more(failures, now=now)
        assert level - 1e-6 <= failures.number < level + 1
        assert failures.since <= now < patience.forgotten_at(failures)


def test_a_found_card_tried_for_a_year_at_the_best_pace_gets_through_four_in_a_hundred_pins() -> None:
    patience, failures, now, tries = domain.PATIENCE["person"], domain.Failures(0, NOW), NOW, 0
    while now < NOW + timedelta(days=365):
        failures, tries = patience.one_more(failures, now=now), tries + 1
        now += max(patience.wait(failures), timedelta(seconds=1))
    assert tries < 19_800 * 0.04


@given(st.timedeltas(timedelta(days=-2), timedelta(days=2)))
def test_a_try_is_refused_exactly_while_the_wait_lasts(left: timedelta) -> None:
    refused = refusal(lambda: domain.check_patience(NOW + left, now=NOW))
    assert refused == ("too_many_tries" if left > timedelta(0) else None)


def test_the_wait_is_said_in_minutes_rounded_up() -> None:
    with pytest.raises(Refused, match="Wait 2 min") as refused:
        domain.check_patience(NOW + timedelta(seconds=61), now=NOW)
    assert refused.value.facts["wait_seconds"] == 62


@given(pins)
def test_a_pin_has_at_least_three_different_pictures(pin: tuple[int, ...]) -> None:
    assert refusal(lambda: domain.check_pin(pin)) == (None if len(set(pin)) >= 3 else "weak_pin")


def test_as_many_pins_are_left_as_the_comments_say() -> None:
    every = ((a, b, c, d) for a in range(12) for b in range(12) for c in range(12) for d in range(12))
    assert sum(len(set(pin)) >= 3 for pin in every) == 19_800


@pytest.mark.parametrize(
    "password", ["lantern gravel otter nine", "caffè-luna-tetto-9", "correct horse battery staple", "Xk9#mQ2$vL7!"]
)
def test_a_long_password_of_ones_own_is_taken(password: str) -> None:
    domain.check_password(password, "lucia@valdarco.example")


@pytest.mark.parametrize(
    "password",
    ["elevenchars", "abababababab", "passwordpassword", "Benvenuto2026!", "qwerty123456", "luciaverdi@valdarco", "lucia.verdi.1234"],
)  # fmt: skip
def test_a_password_others_would_try_is_refused(password: str) -> None:
    assert refusal(lambda: domain.check_password(password, "lucia.verdi@valdarco.example")) == "weak_password"


@given(st.integers(0, 10**6), st.one_of(st.none(), st.integers(0, 10**6)))
def test_a_code_of_the_app_counts_once_and_none_older_than_it(step: int, last: int | None) -> None:
    if last is None or step > last:
        assert domain.check_step(step, last) == step
    else:
        assert refusal(lambda: domain.check_step(step, last)) == "totp_used"
    assert refusal(lambda: domain.check_step(None, last)) == "wrong_totp"


@given(st.sampled_from(ROLES), st.one_of(st.none(), st.uuids()))
def test_a_role_is_granted_with_the_scope_it_has(role: Role, scope_id: UUID | None) -> None:
    code = refusal(lambda: domain.check_role(role, scope_id))
    if role in ("volunteer", "cashier"):
        assert code == "role_not_granted_here"
    elif role in ("coordinator", "shop_owner", "sponsor"):
        assert code == ("scope_needed" if scope_id is None else None)
    else:
        assert code == (None if scope_id is None else "scope_not_used")


@given(
    st.timedeltas(timedelta(0), timedelta(days=30)),
    st.one_of(st.none(), st.timedeltas(timedelta(0), timedelta(days=1))),
)
def test_an_invitation_counts_until_it_expires_or_was_used(age: timedelta, used_for: timedelta | None) -> None:
    expires_at = NOW - age + domain.INVITATION_LIFE
    used_at = NOW - used_for if used_for is not None else None
    code = refusal(lambda: domain.check_invitation(expires_at=expires_at, used_at=used_at, now=NOW))
    if used_for is not None:
        assert code == ("invitation_used" if used_for > timedelta(minutes=15) else None)
    else:
        assert code == ("invitation_expired" if age >= domain.INVITATION_LIFE else None)


@pytest.mark.parametrize(
    ("wanted", "spoken"), [((None, None), "it"), (("ar", "en"), "ar"), ((None, "en"), "en")]
)  # fmt: skip
def test_the_person_chooses_the_language_else_the_invitation_else_the_city(
    wanted: tuple[str | None, ...], spoken: str
) -> None:
    assert domain.language_of(wanted, ("it", "en", "ar")) == spoken
