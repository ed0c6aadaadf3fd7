"""Pagination by cursor: a page continues after the last row of the one before, so nothing is skipped or shown twice."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, literal, true, tuple_

from services.apis.endpoint import Page
from services.apis.errors import Refused

MOST = 200
Number = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


def after(page: Page, instant: Any, id_: Any, *, newest_first: bool = False) -> ColumnElement[bool]:
    """The condition for rows behind the page's cursor, ordered by (`instant`, `id_`); `id_` is a UUID, or a number.

    Raises Refused for a cursor that is not ours, or a page larger than 200.
    """
    if not 1 <= page.limit <= MOST:
        raise Refused("page_too_large", f"Ask for 1 to {MOST} at a time.", {"limit": page.limit}, status=422)
    if page.cursor is None:
        return true()
    last: UUID | int | None
    try:
        at, last = msgspec.json.decode(
            base64.urlsafe_b64decode(page.cursor),
            type=tuple[datetime, UUID | Number],
        )
    except ValueError:
        last = None
    if not isinstance(last, id_.type.python_type):  # of another list, or of one that was ordered otherwise
        raise Refused("cursor_wrong", "Start again from the first page, without a cursor.", status=422)
    here, there = tuple_(instant, id_), tuple_(literal(at), literal(last))
    return here < there if newest_first else here > there


def next_cursor(page: Page, rows: Sequence[Any], spot: Callable[[Any], tuple[datetime, UUID | int]]) -> str | None:
    """The cursor of the next page, when `rows` (read with limit + 1) shows that there is one."""
    if len(rows) <= page.limit:
        return None
    return base64.urlsafe_b64encode(msgspec.json.encode(spot(rows[page.limit - 1]))).decode()
