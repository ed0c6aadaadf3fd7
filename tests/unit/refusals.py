"""A refusal as people meet it: its code and facts, and a whole sentence that says what would work."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from services.apis.errors import Refused

SENTENCE = re.compile(r"(?!XX)[A-Z0-9].*[a-z].*\.", re.DOTALL)


def refusal_of(decide: Callable[..., Any], *args: Any, **more: Any) -> tuple[str, int, dict[str, Any]]:
    """What a decision that refuses says: code, status, facts."""
    with pytest.raises(Refused) as refused:
        decide(*args, **more)
    return said_by(refused.value)


def said_by(refused: Refused) -> tuple[str, int, dict[str, Any]]:
    assert SENTENCE.fullmatch(refused.message), refused.message
    return refused.code, refused.status, dict(refused.facts)
