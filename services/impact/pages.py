"""What the public sees: the city's start page, and what the scheme did – large figures, a chart, a map, tables and downloads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from services.apis import impact as api
from services.kit.charts import SHADES, Tile, nice_step, shade_of
from services.kit.i18n import month, short_month
from services.kit.screens import ask, ask_together, for_all, screens

pages = Blueprint("impact", __name__, url_prefix="/impact", template_folder="templates")

LATEST = 12  # spans of months that are shown; those before are in the downloads


@dataclass(frozen=True)
class Tiles:
    """A neighbourhood's value is its hours; those with the same `mark` are counted together. `steps`: the most hours of each shade but
    the last, which is for more."""

    tiles: tuple[Tile, ...]
    steps: tuple[int, ...]


@for_all
def start() -> ResponseReturnValue:
    """`/` of a city: a door for everybody."""
    return render_template("impact/start.html")


@pages.get("/")
@for_all
def shown() -> ResponseReturnValue:
    parts = ask_together(impact=lambda: ask("impact", api.GET_FIGURES))
    told: api.Impact | None = parts.get("impact")
    spans = told.by_month[-LATEST:] if told else ()
    return render_template(
        "impact/shown.html", away=told is None, told=told, names=names, span_name=span_name, spans=spans,
        months=[(short_span(line.months), line.figures.hours) for line in spans],
        tiles=tiles(told.by_area) if told else None,
        hours={(one.neighbourhood_ids, one.months): one.figures.hours for one in told.lines} if told else {},
    )  # fmt: skip


def names(ids: Sequence[str]) -> list[str]:
    """The neighbourhoods as people call them."""
    known = {n.id: n.name for n in screens().city.neighbourhoods}
    return [known.get(id_, id_) for id_ in ids]


def first_of(month_: str) -> date:
    return date.fromisoformat(f"{month_}-01")


def span_name(months: Sequence[str]) -> str:
    """`October 2026`, or `October 2026 – November 2026` for months that are counted together."""
    return " – ".join(month(first_of(one)) for one in dict.fromkeys((months[0], months[-1])))


def short_span(months: Sequence[str]) -> str:
    return "–".join(short_month(first_of(one)) for one in dict.fromkeys((months[0], months[-1])))


def tiles(areas: Sequence[api.Line]) -> Tiles:
    """The city's neighbourhoods in its own order, whatever is counted together, so that each keeps its place from month to month."""
    step = nice_step(max((line.figures.hours for line in areas), default=1), SHADES)
    together = [line for line in areas if len(line.neighbourhood_ids) > 1]
    marks = {line.neighbourhood_ids: "*" * n for n, line in enumerate(together, 1)}
    line_of = {id_: line for line in areas for id_ in line.neighbourhood_ids}
    return Tiles(
        tuple(
            Tile(n.name, line.figures.hours, shade_of(line.figures.hours, step), marks.get(line.neighbourhood_ids, ""))
            for n in screens().city.neighbourhoods
            if (line := line_of.get(n.id))
        ),
        tuple(step * n for n in range(1, SHADES)),
    )  # fmt: skip
