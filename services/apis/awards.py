"""What one can ask of awards: the rules, the ceilings, and what each confirmed attendance earned. Amounts are integer euro cents."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import PUBLIC, Endpoint, Page

Form = Literal["per_participation", "per_hour"]
CapKind = Literal["day", "month"]
State = Literal["awarded", "waiting", "issued", "capped", "too_short", "withdrawn"]

Coins = Annotated[int, Meta(ge=1, le=1_000)]
Minutes = Annotated[int, Meta(ge=0, le=720)]
Hours = Annotated[int, Meta(ge=1, le=12)]
CapCents = Annotated[int, Meta(ge=1, le=1_000_000)]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
MOST_GROUNDS = 1000


class DraftRule(Struct, frozen=True, kw_only=True):
    """How many coins a recognised participation earns in a programme.

    `per_participation`: `coins` each time. `per_hour`: `coins` for each whole hour, of which `most_hours` count. Either earns nothing
    below `least_minutes`.
    """

    programme_id: UUID
    form: Form
    coins: Coins
    least_minutes: Minutes = 0
    most_hours: Hours | None = None


class SetRule(DraftRule, frozen=True, kw_only=True):
    """A rule for shifts that start on `valid_from` or later, until a later rule; `legal_basis` names the act that sets it."""

    valid_from: date
    legal_basis: Text


class Rule(SetRule, frozen=True, kw_only=True):
    rule_id: UUID


class CityRule(Struct, frozen=True, kw_only=True):
    """What holds where a programme has no rule of its own: `coins` per recognised participation."""

    rule_id: UUID
    coins: int


class Rules(Struct, frozen=True, kw_only=True):
    """All rules, each programme's in order of date. `coin_cents` is the face value of a coin."""

    coin_cents: int
    city: CityRule
    rules: tuple[Rule, ...]


class Preview(Struct, frozen=True, kw_only=True):
    """Apply a draft to the shifts that started from `from_day` to `to_day` (both included, in the past, at most 366 days)."""

    rule: DraftRule
    from_day: date
    to_day: date


class Figures(Struct, frozen=True, kw_only=True):
    """What a rule comes to. `people` is null under 10; in a cell the other counts are then null too."""

    amount_cents: int
    awards: int | None
    capped: int | None
    people: int | None


class PreviewCell(Struct, frozen=True, kw_only=True):
    """One neighbourhood in one month (`YYYY-MM`)."""

    month: str
    neighbourhood_id: str
    was: Figures
    would: Figures


class Previewed(Struct, frozen=True, kw_only=True):
    """What was awarded, beside what the draft `would` have awarded under the ceilings of each day and month."""

    was: Figures
    would: Figures
    cells: tuple[PreviewCell, ...]


class Ceiling(Struct, frozen=True, kw_only=True):
    """A ceiling per person and day or month, with the act that set it."""

    cap: CapKind
    amount_cents: int
    since: date
    legal_basis: str


class SetCap(Struct, frozen=True, kw_only=True):
    """A ceiling for shifts that start on `since` or later, until a later one; `legal_basis` names the act that sets it."""

    cap: CapKind
    amount_cents: CapCents
    since: date
    legal_basis: Text


class Ceilings(Struct, frozen=True, kw_only=True):
    caps: tuple[Ceiling, ...]


class CeilingOnRecord(Ceiling, frozen=True, kw_only=True):
    """`set_at`: when an administrator set it; null for those of the city's settings."""

    set_at: datetime | None = None


class AllCeilings(Struct, frozen=True, kw_only=True):
    caps: tuple[CeilingOnRecord, ...]


class Award(Struct, frozen=True, kw_only=True):
    """The coins a confirmed attendance earned.

    `rule_cents` is what the rule gives; `amount_cents` what was given; the difference is what `capped_by` cut. Of the amount, what earlier
    awards of the attendance kept is not given again.
    `state`: `awarded` (on the way), `waiting` (`waiting_for` says for what), `issued` (in the wallet), `capped` (a ceiling left nothing),
    `too_short` (the rule gives nothing for so short a time), `withdrawn` (a correction took it back, except `kept_cents` spent before).
    """

    award_id: UUID
    attendance_id: UUID
    revision: int
    person_id: UUID
    shift_id: UUID
    programme_id: UUID
    neighbourhood_id: str
    kind: str
    place: str
    day: date
    minutes: int
    rule_id: UUID
    rule_cents: int
    amount_cents: int
    kept_cents: int
    state: State
    waiting_for: Literal["no_fund", "not_enough_money"] | None
    capped_by: Ceiling | None
    expires_on: date
    decided_at: datetime


class AwardQuery(Page, frozen=True, kw_only=True):
    """Newest first; only shifts that started from `from_day` to `to_day`, where given. `capped`: only those a ceiling cut (or did not)."""

    person_id: UUID | None = None
    programme_id: UUID | None = None
    neighbourhood_id: str | None = None
    state: State | None = None
    capped: bool | None = None
    from_day: date | None = None
    to_day: date | None = None


class Awards(Struct, frozen=True, kw_only=True):
    awards: tuple[Award, ...]
    next_cursor: str | None = None


class AskGrounds(Struct, frozen=True, kw_only=True):
    award_ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=MOST_GROUNDS)]


class Ground(Struct, frozen=True, kw_only=True):
    """What an award was given for, without whom: enough to follow a payment to the attendance, and to nobody's name."""

    award_id: UUID
    attendance_id: UUID
    shift_id: UUID
    programme_id: UUID
    neighbourhood_id: str
    place: str
    day: date
    minutes: int
    rule_id: UUID
    amount_cents: int
    state: State
    decided_at: datetime


class Grounds(Struct, frozen=True, kw_only=True):
    """Those of the awards asked for that there are, oldest first."""

    grounds: tuple[Ground, ...]


POST_RULE = Endpoint(
    method="POST", path="/rules", summary="Set a rule from a date on", allow=("admin",), request=SetRule, answer=Rule, status=201,
    errors=("unknown_programme", "rule_incomplete", "rule_in_the_past", "rule_exists"),
)  # fmt: skip
GET_RULES = Endpoint(
    method="GET", path="/rules", summary="All rules", allow=("admin", "finance", "auditor", "coordinator"), answer=Rules
)
POST_RULE_PREVIEW = Endpoint(
    method="POST", path="/rules/preview", summary="What a draft rule would have cost", allow=("admin", "finance"),
    request=Preview, answer=Previewed, keyless=True, per_minute=30,
    errors=("unknown_programme", "rule_incomplete", "window_wrong"),
)  # fmt: skip
GET_CAPS = Endpoint(
    method="GET",
    path="/caps",
    summary="The ceilings in force, with their legal basis",
    allow=(PUBLIC,),
    answer=Ceilings,
)
GET_ALL_CAPS = Endpoint(
    method="GET", path="/caps/all", summary="Every ceiling there was, is or will be, oldest first", allow=(PUBLIC,), answer=AllCeilings
)  # fmt: skip
POST_CAP = Endpoint(
    method="POST", path="/caps", summary="Set a ceiling from a date on", allow=("admin",), request=SetCap, answer=Ceiling, status=201,
    errors=("cap_in_the_past", "cap_exists"),
)  # fmt: skip
GET_MY_AWARDS = Endpoint(
    method="GET", path="/me/awards", summary="My awards, newest first", allow=("volunteer",), query=Page, answer=Awards
)
GET_AWARDS = Endpoint(
    method="GET", path="/awards", summary="All awards, newest first", allow=("auditor",), query=AwardQuery, answer=Awards
)  # fmt: skip
GET_AWARD = Endpoint(
    method="GET", path="/awards/{award_id:uuid}", summary="One award", allow=("auditor",), answer=Award,
    errors=("unknown_award",),
)  # fmt: skip
POST_GROUNDS = Endpoint(
    method="POST", path="/awards/grounds", summary="What these awards were given for, without whom", allow=("finance", "auditor"),
    request=AskGrounds, answer=Grounds, keyless=True,
)  # fmt: skip
