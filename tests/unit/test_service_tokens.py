"""What one service shows another, between hosts whose clocks are wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.apis.errors import Refused
from services.kit.auth import CLOCK_WRONG_SECONDS, SERVICE_SECONDS, Tokens

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
WRONG_BY = timedelta(seconds=CLOCK_WRONG_SECONDS)
TOKENS = Tokens(("a key that both services share",))


@pytest.mark.parametrize(("minted", "read"), [(-WRONG_BY, WRONG_BY), (WRONG_BY, -WRONG_BY)])
def test_a_token_holds_for_a_minute_where_one_clock_is_late_and_the_other_early(
    minted: timedelta, read: timedelta
) -> None:
    token = TOKENS.service("redemption", now=NOW + minted)
    assert TOKENS.read(token, now=NOW + read + timedelta(seconds=59)).id == "redemption"


def test_a_token_ends() -> None:
    token = TOKENS.service("redemption", now=NOW)
    with pytest.raises(Refused, match="session_ended"):
        TOKENS.read(token, now=NOW + timedelta(seconds=SERVICE_SECONDS))
