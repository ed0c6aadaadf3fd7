"""From a row to an answer."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def view_of(struct: type[S], row: Any, **more: Any) -> S:
    """The struct filled from the row's attributes of the same names; `more` gives fields the row does not have."""
    return struct(
        **{field: more[field] if field in more else getattr(row, field) for field in struct.__struct_fields__}
    )
