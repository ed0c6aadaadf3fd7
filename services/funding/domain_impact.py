"""How what a sponsor's money became is told without telling of anybody: pure.

Lines that stand for too few are shown together, first within a place, then places together. All lines are disjoint, each stands for
enough, and every total is their sum: no subtraction gives a small one away. (The scheme's threshold is ten.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LEAST = 10


@dataclass(frozen=True)
class Sum:
    """What belongs together. `members`: the people it stands for, each counted once however many sums they are in; `purchases`: how many
    of those, each of which is in one sum only."""

    members: frozenset[str] = frozenset()
    minutes: int = 0
    amount_cents: int = 0
    purchases: int = 0

    @property
    def size(self) -> int:
        return len(self.members) + self.purchases

    @property
    def small(self) -> bool:
        return self.size < LEAST


Lines = dict[tuple[str | None, str | None], Sum]


def lines(cells: Mapping[tuple[str, str], Sum]) -> Lines:
    """The finest lines that may be shown: (place, detail) -> sum, None for "all others together". Empty when all is too little."""
    places: dict[str, dict[str, Sum]] = {}
    for (place, detail), cell in cells.items():
        places.setdefault(place, {})[detail] = cell
    shown, rest = gather({place: total(details.values()) for place, details in places.items()})
    found: Lines = {}
    for place in shown:
        details, others = gather(places[place])
        found |= {(place, detail): cell for detail, cell in details.items()}
        if others is not None:
            found[place, None] = others
    if rest is not None and not rest.small:
        found[None, None] = rest
    return found


def gather(groups: Mapping[str, Sum]) -> tuple[dict[str, Sum], Sum | None]:
    """The groups that may stand alone, and the others together (None: no others).

    While the others are too few, the smallest of the rest joins them; they are small in the end only if everything together is.
    """
    by_size = sorted(groups, key=lambda name: (groups[name].size, name))
    alone = [name for name in by_size if not groups[name].small]
    others = [name for name in by_size if groups[name].small]
    while others and alone and total(groups[name] for name in others).small:
        others.append(alone.pop(0))
    return {name: groups[name] for name in sorted(alone)}, total(groups[name] for name in others) if others else None


def total(sums: Iterable[Sum]) -> Sum:
    all_of_them = list(sums)
    return Sum(
        members=frozenset().union(*(one.members for one in all_of_them)),
        minutes=sum(one.minutes for one in all_of_them),
        amount_cents=sum(one.amount_cents for one in all_of_them),
        purchases=sum(one.purchases for one in all_of_them),
    )
