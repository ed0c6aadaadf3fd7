"""The reference of a bank transfer, `MC-XXXX-XXXX`: short enough to type, and a slip of the finger names nobody else's.

31 signs without look-alikes (no 0 O, 1 I L). Seven carry a number, the eighth checks: 31 is prime and every place has a weight of its
own, so one wrong sign, or any two exchanged, is always noticed.
"""

from __future__ import annotations

import re

from services.apis.funding_sponsor import REFERENCE

SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
PLACES = 7
COUNT: int = len(SIGNS) ** PLACES

_SHAPE = re.compile(rf"(?<![A-Z0-9]){REFERENCE}(?![A-Z0-9])")


def reference_of(number: int) -> str:
    """The reference of a number; numbers with the same rest by `COUNT` share theirs."""
    signs = []
    for _ in range(PLACES):
        number, digit = divmod(number, len(SIGNS))
        signs.append(SIGNS[digit])
    body = "".join(signs)
    return f"MC-{body[:4]}-{body[4:]}{_check_sign(body)}"


def reference_in(text: str | None) -> str | None:
    """The reference a text carries, in its one form: the first that checks, else the first that looks like one, else None."""
    found = [_tidy(match) for match in _SHAPE.findall((text or "").upper())]
    return next((reference for reference in found if is_right(reference)), found[0] if found else None)


def is_right(reference: str) -> bool:
    """Whether the check sign of a tidy reference fits."""
    body = reference[3:].replace("-", "")
    return _check_sign(body[:PLACES]) == body[PLACES]


def _tidy(typed: str) -> str:
    signs = typed.replace(" ", "").replace("-", "")[2:]
    return f"MC-{signs[:4]}-{signs[4:]}"


def _check_sign(body: str) -> str:
    """The sign that makes Σ weight × digit divisible by 31, weights 1 … 8, the check sign's being 8 (its inverse mod 31 is 4)."""
    total = sum(weight * SIGNS.index(sign) for weight, sign in enumerate(body, start=1))
    return SIGNS[-total * 4 % len(SIGNS)]
