"""What one can ask of impact: the public's figures and their downloads. Hours are whole, amounts integer euro cents."""

from __future__ import annotations

from msgspec import Struct

from services.apis.endpoint import PUBLIC, Endpoint


class Figures(Struct, frozen=True, kw_only=True):
    """What was done: hours, participations' people and places, coins given and spent."""

    hours: int
    people: int
    shifts: int
    places: int
    shops: int
    issued_cents: int
    spent_cents: int


class Line(Struct, frozen=True, kw_only=True):
    """Figures of one area (neighbourhoods shown together) in one span of months (YYYY-MM, in order)."""

    neighbourhood_ids: tuple[str, ...]
    months: tuple[str, ...]
    figures: Figures


class Impact(Struct, frozen=True, kw_only=True):
    """`published` is false while fewer than ten people took part: then there are no lines.

    `by_area`, `by_month` and `total` are sums over `lines`; people, places and shops are counted once in each.
    """

    published: bool
    least_people: int
    until_month: str | None
    total: Figures | None
    by_area: tuple[Line, ...]
    by_month: tuple[Line, ...]
    lines: tuple[Line, ...]


GET_FIGURES = Endpoint(
    method="GET",
    path="/figures",
    summary="What the scheme did, by neighbourhood and month, small numbers never alone",
    allow=(PUBLIC,),
    answer=Impact,
)
GET_FIGURES_CSV = Endpoint(
    method="GET",
    path="/figures.csv",
    summary="The same figures as CSV",
    allow=(PUBLIC,),
    answer=bytes,
    media="text/csv",
)
