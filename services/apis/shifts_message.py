"""What coordinators write to everybody on a roster."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from services.apis.endpoint import Endpoint
from services.apis.shifts import Message


class SendMessage(Struct, frozen=True, kw_only=True):
    text: Annotated[str, Meta(min_length=1, max_length=300)]


class Messages(Struct, frozen=True, kw_only=True):
    """Newest first."""

    messages: tuple[Message, ...]


POST_MESSAGE = Endpoint(
    method="POST", path="/shifts/{shift_id:uuid}/messages", summary="Write to everybody on a shift's roster", allow=("coordinator",),
    request=SendMessage, answer=Message, status=201, errors=("unknown_shift", "shift_closed"),
)  # fmt: skip
GET_MESSAGES = Endpoint(
    method="GET", path="/shifts/{shift_id:uuid}/messages", summary="What was written to a shift's roster", allow=("coordinator",),
    answer=Messages, errors=("unknown_shift",),
)  # fmt: skip
