"""What a draft rule would have cost: the past lived again under it, ceilings included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.apis.awards import DraftRule, Figures, PreviewCell, Previewed
from services.apis.city import City
from services.awards.domain import coins_earned, give

SMALLEST_GROUP = 10


@dataclass(frozen=True)
class Past:
    """What was awarded for one attendance. `redecided`: the draft is asked about it; else it only counts for the ceilings."""

    person_id: UUID
    neighbourhood_id: str
    day: date
    minutes: int
    amount_cents: int
    capped: bool
    redecided: bool


@dataclass(frozen=True)
class Line:
    """One attendance under one rule."""

    cell: tuple[str, str]  # month, neighbourhood
    person_id: UUID
    amount_cents: int
    capped: bool


def preview(past: Sequence[Past], draft: DraftRule, city: City) -> Previewed:
    """The redecided part of the past as it was and as it would have been, in the order given."""
    was = [_line(one, one.amount_cents, one.capped) for one in past if one.redecided]
    would = _under(draft, past, city)
    was_in, would_in = _by_cell(was), _by_cell(would)
    return Previewed(
        was=_figures(was),
        would=_figures(would),
        cells=tuple(
            PreviewCell(
                month=month,
                neighbourhood_id=neighbourhood_id,
                was=_figures(was_in[month, neighbourhood_id], counts_need_a_group=True),
                would=_figures(would_in[month, neighbourhood_id], counts_need_a_group=True),
            )
            for month, neighbourhood_id in sorted(was_in)
        ),
    )


def _under(draft: DraftRule, past: Sequence[Past], city: City) -> list[Line]:
    """Awards the draft is not asked about were really given: they use the ceilings first."""
    used: defaultdict[UUID, defaultdict[date, int]] = defaultdict(lambda: defaultdict(int))
    for one in past:
        if not one.redecided:
            used[one.person_id][one.day] += one.amount_cents
    lines = []
    for one in past:
        if one.redecided:
            mine = used[one.person_id]
            rule_cents = coins_earned(draft, one.minutes) * city.coins.value_cents
            given = give(rule_cents, city.caps, one.day, mine)
            mine[one.day] += given.amount_cents
            lines.append(_line(one, given.amount_cents, given.cut_by is not None))
    return lines


def _line(one: Past, amount_cents: int, capped: bool) -> Line:
    return Line((one.day.strftime("%Y-%m"), one.neighbourhood_id), one.person_id, amount_cents, capped)


def _by_cell(lines: list[Line]) -> dict[tuple[str, str], list[Line]]:
    cells: defaultdict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines:
        cells[line.cell].append(line)
    return cells


def _figures(lines: list[Line], *, counts_need_a_group: bool = False) -> Figures:
    """Sums of lines. People are counted from 10 on; in a cell the other counts too, because they would give the people away."""
    people = len({line.person_id for line in lines})
    told = people >= SMALLEST_GROUP
    counted = told or not counts_need_a_group
    return Figures(
        amount_cents=sum(line.amount_cents for line in lines),
        awards=sum(line.amount_cents > 0 for line in lines) if counted else None,
        capped=sum(line.capped for line in lines) if counted else None,
        people=people if told else None,
    )
