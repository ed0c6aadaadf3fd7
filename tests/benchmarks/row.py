"""One measured figure."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """`ratio` compares with the figure named `ratio_to`, measured in the same run; None where there is nothing to compare with."""

    name: str
    value: float
    unit: str
    ratio_to: str | None = None
    ratio: float | None = None

    def as_dict(self) -> dict[str, object]:
        return asdict(self)
