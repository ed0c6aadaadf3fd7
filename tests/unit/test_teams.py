"""Mixed teams, as they are proposed to a coordinator."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.apis.identity_vault import PersonLine
from services.shifts.pages_teams import dealt

SPRING = datetime(2026, 3, 1, tzinfo=UTC)


def people(*languages: str) -> list[PersonLine]:
    """Each joined a day after the one before."""
    return [
        PersonLine(person_id=UUID(int=n), adult=True, language=language, joined_at=SPRING + timedelta(days=n))
        for n, language in enumerate(languages)
    ]


def test_each_team_mixes_languages_and_newcomers_with_people_who_know_the_place() -> None:
    everybody = people("it", "it", "it", "it", "ar", "ar", "ar", "ar")
    team = dealt(everybody, 2)
    for name in "AB":
        mine = [one for one in everybody if team[one.person_id] == name]
        assert sorted(one.language for one in mine) == ["ar", "ar", "it", "it"]
        joined = sorted(one.joined_at for one in mine if one.language == "it")
        assert joined[0] <= SPRING + timedelta(days=1)
        assert joined[-1] >= SPRING + timedelta(days=2)


def test_teams_differ_by_one_person_at_most() -> None:
    team = dealt(people(*"abcdefghij"), 3)
    assert sorted(list(team.values()).count(name) for name in "ABC") == [3, 3, 4]
