"""Codes a phone makes by itself, without a phone."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.redemption import domain_offline as offline
from tests.unit.refusals import refusal_of

NOW = datetime(2026, 5, 4, 10, 0, 7, tzinfo=UTC)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

keys = st.binary(min_size=32, max_size=32)
codes = st.builds(offline.OfflineCode, st.uuids(), st.integers(0, 2**32 - 1))


@given(keys, codes)
def test_what_a_phone_writes_is_read(key: bytes, code: offline.OfflineCode) -> None:
    assert offline.read(offline.written(code, offline.secret_of(key, code.payment_key_id)), key) == code


@given(keys, keys, codes)
def test_a_code_written_with_another_secret_is_not_read(key: bytes, other: bytes, code: offline.OfflineCode) -> None:
    if key != other:
        assert offline.read(offline.written(code, offline.secret_of(other, code.payment_key_id)), key) is None
        assert offline.read(offline.written(code, other), key) is None


@given(keys, codes, st.integers(4, 46), st.sampled_from(ALPHABET))
def test_a_code_with_one_character_changed_is_not_read(
    key: bytes, code: offline.OfflineCode, place: int, character: str
) -> None:
    text = offline.written(code, offline.secret_of(key, code.payment_key_id))
    changed = text[:place] + character + text[place + 1 :]
    assert (offline.read(changed, key) is None) == (changed != text)


@given(keys, codes, st.integers(1, 2**32 - 1))
def test_a_code_moved_to_another_half_minute_or_phone_is_not_read(
    key: bytes, code: offline.OfflineCode, by: int
) -> None:
    text = offline.written(code, offline.secret_of(key, code.payment_key_id))
    step = ((code.step + by) % 2**32).to_bytes(4)
    for said in (
        code.payment_key_id.bytes + step,
        UUID(int=(code.payment_key_id.int + by) % 2**128).bytes + code.step.to_bytes(4),
    ):
        forged = "pay." + urlsafe_b64encode(said + bytes(12)).decode()[:27] + text[31:]
        assert offline.read(forged, key) is None


@given(keys, st.one_of(st.text(), st.text(ALPHABET, min_size=43, max_size=43).map("pay.".__add__)))
def test_any_other_text_is_not_read(key: bytes, text: str) -> None:
    assert offline.read(text, key) is None


def test_a_code_looks_as_phones_write_it() -> None:
    """A fixed example: what phones in use compute may not change."""
    key_id = UUID("00112233-4455-6677-8899-aabbccddeeff")
    secret = offline.secret_of(bytes(32), key_id)
    assert secret.hex() == "75ce4cbc9e187da2fd10bb659f865ba4c28025fbc230d1156704784904688c35"
    text = "pay.ABEiM0RVZneImaq7zN3u_wOIWcDbMW0Oc-XH_bgPyGk"
    assert offline.written(offline.OfflineCode(key_id, 59_267_520), secret) == text
    assert len(text) == 47


@given(codes, st.timedeltas(timedelta(minutes=-10), timedelta(minutes=10)))
def test_a_code_is_good_while_its_half_minute_may_be_on_somebodys_clock(
    code: offline.OfflineCode, apart: timedelta
) -> None:
    begins = datetime.fromtimestamp(code.step * 30, UTC)
    now = begins + apart
    if timedelta(minutes=-2) <= apart < timedelta(minutes=2, seconds=30):
        offline.check_time(code, now)
    elif apart < timedelta():
        assert refusal_of(offline.check_time, code, now) == ("clock_wrong", 409, {})
    else:
        ended = (begins + timedelta(minutes=2, seconds=30)).isoformat()
        assert refusal_of(offline.check_time, code, now) == ("code_expired", 409, {"expired_at": ended})


@pytest.mark.parametrize(("seconds", "step"), [(0, 59262960), (22, 59262960), (23, 59262961)])
def test_a_step_is_half_a_minute(seconds: int, step: int) -> None:
    assert offline.step_at(NOW + timedelta(seconds=seconds)) == step
