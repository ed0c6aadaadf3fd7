"""How an endpoint is declared: routes serve these values, clients call them, the OpenAPI documents are generated from them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Role = Literal["volunteer", "coordinator", "shop_owner", "cashier", "finance", "sponsor", "admin", "auditor"]
ROLES: tuple[Role, ...] = (
    "volunteer", "coordinator", "shop_owner", "cashier", "finance", "sponsor", "admin", "auditor",
)  # fmt: skip

PUBLIC = "public"
"""Anybody, signed in or not."""


def service(name: str) -> str:
    """The caller's word for another service, e.g. `service("redemption")`."""
    return f"service:{name}"


class Nothing(msgspec.Struct, frozen=True):
    """No body, or no query."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457: every refusal, in every service. `code` is stable; `title` is a sentence that says what would work."""

    type: str
    title: str
    status: int
    code: str
    facts: dict[str, Any] = {}
    correlation_id: str = ""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a list: at most `limit` items after the opaque `cursor` of the page before."""

    cursor: str | None = None
    limit: int = 50


def read_early(*types: Any) -> None:
    """Have msgspec look at types while there is one thread. It does so when a type is first decoded, keeps what it finds, and shows it to
    other threads half found: a process that got two requests at that moment died of it."""
    for type_ in types:
        msgspec.json.Decoder(type_)


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One question the service answers.

    `path` holds `{name}` parameters, all text. `allow` names the roles or `service(…)` who may call; `PUBLIC` for anybody.
    `request` is the JSON body, `query` the query string, `answer` the JSON answer (`bytes` with `media` for a file).
    A POST needs an `Idempotency-Key` unless `keyless`: repeating it is harmless, or its answer must not be stored (a sign-in).
    `errors` are the codes it may refuse with beyond the common ones. `upload`: the body is a raw file of at most `max_bytes`.
    """

    method: Literal["GET", "POST"]
    path: str
    summary: str
    allow: tuple[str, ...]
    answer: Any
    request: Any = Nothing
    query: Any = Nothing
    errors: tuple[str, ...] = ()
    status: int = 200
    media: str = "application/json"
    keyless: bool = False
    upload: str | None = None
    max_bytes: int = 65_536
    per_minute: int = 600

    def __post_init__(self) -> None:
        read_early(self.request, self.query, self.answer)

    @property
    def name(self) -> str:
        """A stable name for logs and OpenAPI: `post_shifts_shift_id_cancel`."""
        words = self.path.replace("{", "").replace("}", "").strip("/").replace("/", "_")
        return f"{self.method.lower()}_{words.replace('-', '_') or 'root'}"


read_early(Problem)
