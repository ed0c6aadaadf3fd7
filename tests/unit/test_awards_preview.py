"""What a draft rule would have cost, decided on the past."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from infra.city import read_city
from services.apis.awards import DraftRule, Figures
from services.awards.domain_preview import Past, preview

VALDARCO = read_city(Path("infra/cities/valdarco.toml"))
PROGRAMME = UUID(int=1)
FOUR_AN_HOUR = DraftRule(programme_id=PROGRAMME, form="per_hour", coins=4, most_hours=3)


def past(person: int, **more: Any) -> Past:
    """Two hours on the fourth of May that earned the city's five coins."""
    fields = {
        "person_id": UUID(int=person), "neighbourhood_id": "le-querce", "day": date(2026, 5, 4), "minutes": 120,
        "amount_cents": 500, "capped": False, "redecided": True, **more,
    }  # fmt: skip
    return Past(**fields)


def test_the_draft_is_held_against_the_ceilings() -> None:
    answer = preview([past(1), past(1)], FOUR_AN_HOUR, VALDARCO)
    assert (answer.was.amount_cents, answer.would.amount_cents) == (1000, 1000)
    assert (answer.was.capped, answer.would.capped) == (0, 1)


def test_what_another_programme_gave_uses_the_ceiling_and_is_not_counted() -> None:
    answer = preview([past(1, redecided=False), past(1)], FOUR_AN_HOUR, VALDARCO)
    assert answer.would == Figures(amount_cents=500, awards=1, capped=1, people=None)
    assert answer.was.awards == 1


def test_people_are_counted_from_ten_on_and_small_cells_give_nobody_away() -> None:
    answer = preview(
        [*(past(n) for n in range(10)), past(10, neighbourhood_id="stazione", day=date(2026, 4, 30))],
        FOUR_AN_HOUR, VALDARCO,
    )  # fmt: skip
    small, large = answer.cells
    assert (small.month, small.neighbourhood_id) == ("2026-04", "stazione")
    assert small.would == Figures(amount_cents=800, awards=None, capped=None, people=None)
    assert (large.month, large.neighbourhood_id) == ("2026-05", "le-querce")
    assert large.would == Figures(amount_cents=8000, awards=10, capped=0, people=10)
    assert answer.was == Figures(amount_cents=5500, awards=11, capped=0, people=11)
