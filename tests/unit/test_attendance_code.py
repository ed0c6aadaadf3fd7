"""The rotating code: what it accepts, and everything it does not."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.apis.errors import Refused
from services.attendance.domain_code import check_code, code_at, read_code, seconds_left, step_at

NOW = datetime(2026, 5, 4, 10, 0, 12, tzinfo=UTC)
SHIFT = UUID(int=7)
SECRET = bytes(range(32))

moments = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(moments, st.floats(min_value=0, max_value=29.9))
def test_a_code_works_for_half_a_minute_after_it_left_the_screen_and_then_no_more(
    shown: datetime, late_s: float
) -> None:
    code = read_code(code_at(SECRET, SHIFT, shown))
    gone = shown + timedelta(seconds=seconds_left(shown) - shown.microsecond / 1e6)
    check_code(code, SECRET, now=shown)
    check_code(code, SECRET, now=gone + timedelta(seconds=late_s))
    with pytest.raises(Refused, match="code_expired"):
        check_code(code, SECRET, now=gone + timedelta(seconds=30))


@given(st.integers(min_value=0, max_value=239))
def test_a_code_with_any_bit_changed_is_refused(bit: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(code_at(SECRET, SHIFT, NOW)))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Refused, match="code_wrong"):
        check_code(read_code(base64.urlsafe_b64encode(raw).decode()), SECRET, now=NOW)


@given(st.text(max_size=300))
def test_no_text_from_the_camera_does_more_than_be_refused(text: str) -> None:
    with pytest.raises(Refused, match="code_wrong"):
        check_code(read_code(text), SECRET, now=NOW)


def test_a_code_of_another_shift_is_worth_nothing_here() -> None:
    with pytest.raises(Refused, match="code_wrong"):
        check_code(read_code(code_at(bytes(32), SHIFT, NOW)), SECRET, now=NOW)


def test_a_code_that_will_only_come_is_refused() -> None:
    tomorrow = read_code(code_at(SECRET, SHIFT, NOW + timedelta(seconds=30)))
    with pytest.raises(Refused, match="code_expired"):
        check_code(tomorrow, SECRET, now=NOW)


@given(st.integers(min_value=-1, max_value=1))
def test_only_a_newer_code_than_the_one_used_does_a_second_thing(newer: int) -> None:
    code = read_code(code_at(SECRET, SHIFT, NOW))
    used_step = step_at(NOW) - newer
    if newer == 1:
        check_code(code, SECRET, now=NOW, used_step=used_step)
    else:
        with pytest.raises(Refused, match="code_used"):
            check_code(code, SECRET, now=NOW, used_step=used_step)


def test_the_link_a_phone_opens_is_read_like_the_code_alone_and_fits_a_small_square() -> None:
    code = code_at(SECRET, SHIFT, NOW)
    assert read_code(f"https://valdarco.example/c/{code}\n") == read_code(code)
    assert len(code) == 40
    assert set(code) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_the_screen_knows_when_the_next_code_comes() -> None:
    assert seconds_left(NOW) == 18
    assert seconds_left(NOW + timedelta(seconds=18)) == 30
