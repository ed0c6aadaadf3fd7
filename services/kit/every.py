"""All of a list that services answer page by page, for a screen that needs it whole: the names behind ids, a choice of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from services.apis.endpoint import Page
from services.kit.screens import ask

AT_ONCE = 200


def every(service: str, endpoint: Any, part: str, query: Page | None = None, **path: Any) -> Iterator[Any]:
    """Each item of the answers' `part`, in the service's order; `path`: what the address says. Raises Refused."""
    page = msgspec.structs.replace(query or Page(), limit=AT_ONCE)
    while True:
        answer = ask(service, endpoint, query=page, **path)
        yield from getattr(answer, part)
        if answer.next_cursor is None:
            return
        page = msgspec.structs.replace(page, cursor=answer.next_cursor)
