"""With a key the real Stripe is called; a key or secret that Stripe would not know stops the start with a sentence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from infra.standins.wire import stripe_of
from services.kit.settings import SettingWrong, read_settings


def with_settings(**environment: str) -> SimpleNamespace:
    return SimpleNamespace(settings=read_settings(environment), city=SimpleNamespace(invented=False))


def test_a_real_city_without_a_key_gets_no_test_money() -> None:
    assert stripe_of(with_settings(), "whsec_x") == (None, None)  # type: ignore[arg-type]


def test_with_a_key_no_stand_in_is_there() -> None:
    town = with_settings(STRIPE_KEY="rk_live_valdarco", STRIPE_WEBHOOK_SECRETS="whsec_new, whsec_old")
    gateway, account = stripe_of(town, "whsec_x")  # type: ignore[arg-type]
    assert gateway is not None
    assert account is None


@pytest.mark.parametrize(
    ("key", "secrets", "sentence"),
    [("pk_live_valdarco", "whsec_x", "starts with sk_test_"), ("sk_live_valdarco", "", "at least one webhook secret")],
)
def test_a_key_that_cannot_work_stops_the_start(key: str, secrets: str, sentence: str) -> None:
    with pytest.raises(SettingWrong, match=sentence):
        stripe_of(with_settings(STRIPE_KEY=key, STRIPE_WEBHOOK_SECRETS=secrets), "whsec_x")  # type: ignore[arg-type]
