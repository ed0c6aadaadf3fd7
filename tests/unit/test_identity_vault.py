"""Locks and codes: what is sealed opens only with the right keys, and codes cannot be found from what is published."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import pyotp
import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import assume, given
from hypothesis import strategies as st

from services.identity import domain
from services.identity.credentials import hash_secret, new_totp_secret, pin_text, secret_fits, step_of
from services.identity.vault import PersonLock, Vault, new_code

VAULT = Vault(b"k" * 32)
NOON = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)


def a_lock(person_id: UUID) -> PersonLock:
    return VAULT.lock(person_id, VAULT.new_person_key(person_id))


@given(st.text(max_size=80), st.uuids(), st.text(max_size=20))
def test_what_is_sealed_opens_again_and_is_never_sealed_alike(said: str, person_id: UUID, kind: str) -> None:
    lock = a_lock(person_id)
    first, second = lock.seal(kind, said), lock.seal(kind, said)
    assert lock.open(kind, first) == lock.open(kind, second) == said
    assert first != second


@given(st.uuids(), st.uuids(), st.text(max_size=20), st.text(max_size=20))
def test_a_sealed_value_moved_to_another_person_or_another_place_does_not_open(
    one: UUID, other: UUID, kind: str, another: str
) -> None:
    assume(one != other and kind != another)
    wrapped = VAULT.new_person_key(one)
    lock = VAULT.lock(one, wrapped)
    sealed = lock.seal(kind, "Zafira")
    for open_wrongly in (
        lambda: lock.open(another, sealed),
        lambda: a_lock(other).open(kind, sealed),
        lambda: a_lock(one).open(kind, sealed),
        lambda: VAULT.lock(other, wrapped),
        lambda: Vault(b"j" * 32).lock(one, wrapped),
    ):
        with pytest.raises(InvalidTag):
            open_wrongly()


@given(st.uuids(), st.uuids())
def test_a_card_code_is_always_the_same_for_its_card_and_fits_what_is_published(card_id: UUID, other: UUID) -> None:
    assume(card_id != other)
    code = VAULT.card_code(card_id)
    assert (code, len(code)) == (Vault(b"k" * 32).card_code(card_id), 32)
    assert code not in (VAULT.card_code(other), Vault(b"j" * 32).card_code(card_id))
    assert domain.hash_of(code) == sha256(code.encode()).hexdigest()


@given(st.data())
def test_a_code_is_read_however_people_type_it(data: st.DataObject) -> None:
    code = new_code()
    cuts = sorted(data.draw(st.lists(st.integers(0, 32), max_size=4)))
    typed = data.draw(st.sampled_from([" ", "-", " - "])).join(
        code[a:b] for a, b in zip([0, *cuts], [*cuts, 32], strict=True)
    )
    assert domain.hash_of(typed.lower()) == domain.hash_of(code)


def test_a_pin_is_hashed_with_the_installations_key_and_for_its_person() -> None:
    one, other = UUID(int=1), UUID(int=2)
    hashed = hash_secret(pin_text(VAULT, one, (0, 4, 8, 2)))
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert secret_fits(hashed, pin_text(VAULT, one, (0, 4, 8, 2)))
    assert not secret_fits(hashed, pin_text(VAULT, one, (0, 4, 2, 8)))
    assert not secret_fits(hashed, pin_text(VAULT, other, (0, 4, 8, 2)))
    assert not secret_fits(hashed, pin_text(Vault(b"j" * 32), one, (0, 4, 8, 2)))


def test_nobodys_secret_is_nothing_not_even_the_one_compared_with() -> None:
    assert not secret_fits(None, "nobody")


@given(st.integers(-120, 120))
def test_a_code_of_the_app_fits_a_clock_that_differs_by_one_step(seconds: int) -> None:
    secret = new_totp_secret()
    shown = pyotp.TOTP(secret).at(NOON + timedelta(seconds=seconds))
    step = step_of(secret, shown, now=NOON)
    here = int(NOON.timestamp()) // 30
    meant = int((NOON + timedelta(seconds=seconds)).timestamp()) // 30
    # Two of a million codes are equal by chance; then an allowed step answers for a far one.
    if abs(meant - here) <= 1:
        assert step in (here - 1, here, here + 1)
        assert pyotp.TOTP(secret).generate_otp(step) == shown
    else:
        assert step is None or pyotp.TOTP(secret).generate_otp(step) == shown
