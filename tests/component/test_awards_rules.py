"""Rules, ceilings and the preview, through the API."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from infra.wiring import Town
from services.apis import awards as api
from services.apis.errors import Refused
from services.kit.ids import new_id
from tests.builders import As, a_volunteer, an_admin, tell
from tests.builders_awards import MORNING, a_confirmed, a_known_programme, a_rule, an_auditor


def a_preview(town: Town, **more: object) -> api.Preview:
    today = town.city.day_of(town.clock.now())
    draft = {"form": "per_hour", "coins": 4, "most_hours": 3, **more}
    window = {"from_day": draft.pop("from_day", today), "to_day": draft.pop("to_day", today)}
    draft.setdefault("programme_id", new_id())
    return api.Preview(rule=api.DraftRule(**draft), **window)  # type: ignore[arg-type]


def test_rules_are_listed_beside_the_citys_own(town: Town) -> None:
    programme_id = a_known_programme(town)
    today = town.city.day_of(town.clock.now())
    later = a_rule(town, programme_id, valid_from=today + timedelta(days=30), coins=4, form="per_hour", most_hours=2)
    first = a_rule(town, programme_id)
    answer = an_admin(town).ask("awards", api.GET_RULES)
    assert answer.rules == (first, later)
    assert (answer.city.coins, answer.coin_cents) == (5, 100)


def test_a_programme_has_one_rule_from_a_day(town: Town) -> None:
    programme_id = a_known_programme(town)
    a_rule(town, programme_id)
    with pytest.raises(Refused, match="rule_exists"):
        a_rule(town, programme_id, coins=3)


def test_a_rule_cannot_change_what_was_already_earned(town: Town) -> None:
    yesterday = town.city.day_of(town.clock.now()) - timedelta(days=1)
    with pytest.raises(Refused, match="rule_in_the_past"):
        a_rule(town, valid_from=yesterday)


def test_a_rule_is_for_a_programme_that_is_known(town: Town) -> None:
    with pytest.raises(Refused, match="unknown_programme"):
        a_rule(town, new_id())
    with pytest.raises(Refused, match="unknown_programme"):
        an_admin(town).ask("awards", api.POST_RULE_PREVIEW, a_preview(town))


def test_a_rule_per_hour_says_how_many_hours_count(town: Town) -> None:
    programme_id = a_known_programme(town)
    with pytest.raises(Refused, match="rule_incomplete"):
        a_rule(town, programme_id, form="per_hour")
    draft = a_preview(town, programme_id=programme_id, most_hours=None)
    with pytest.raises(Refused, match="rule_incomplete"):
        an_admin(town).ask("awards", api.POST_RULE_PREVIEW, draft)


def test_only_the_administrator_sets_rules(town: Town) -> None:
    body = api.SetRule(
        programme_id=a_known_programme(town), form="per_participation", coins=5, legal_basis="Delibera 12/2026",
        valid_from=town.city.day_of(town.clock.now()),
    )  # fmt: skip
    for role in ("finance", "coordinator", "volunteer"):
        with pytest.raises(Refused, match="not_allowed"):
            As(town, (role, None)).ask("awards", api.POST_RULE, body)


def test_a_rule_never_changes_not_even_by_hand(town: Town) -> None:
    a_rule(town)
    for change in ("UPDATE rules SET coins = 9", "DELETE FROM rules"):
        with pytest.raises(DBAPIError, match="never changes"), town.rooms["awards"].engine.begin() as conn:
            conn.execute(text(change))


def test_anybody_can_read_the_ceilings_with_their_legal_basis(town: Town) -> None:
    caps = town.client("awards").call(api.GET_CAPS).caps
    assert [(c.cap, c.amount_cents, str(c.since)) for c in caps] == [
        ("day", 1000, "2017-08-03"), ("month", 15000, "2017-08-03"),
    ]  # fmt: skip
    assert all("117/2017" in c.legal_basis for c in caps)


def test_a_preview_says_what_a_draft_would_have_cost_and_changes_nothing(town: Town) -> None:
    programme_id = a_known_programme(town)
    people = [a_volunteer(town) for _ in range(10)]
    twice = [people[0].person_id] * 2
    for person_id in (*(p.person_id for p in people[1:]), *twice):
        tell(town, a_confirmed(person_id, programme_id=programme_id))
    tell(
        town,
        a_confirmed(started_at=MORNING),
        a_confirmed(programme_id=programme_id, started_at=MORNING - timedelta(days=9)),
    )

    draft = a_preview(town, programme_id=programme_id)
    answers = [As(town, (role, None)).ask("awards", api.POST_RULE_PREVIEW, draft) for role in ("admin", "finance")]

    assert answers[0] == answers[1]
    assert answers[0].was == api.Figures(amount_cents=5500, awards=11, capped=0, people=10)
    assert answers[0].would == api.Figures(amount_cents=9 * 800 + 1000, awards=11, capped=1, people=10)
    assert [(c.month, c.neighbourhood_id) for c in answers[0].cells] == [("2026-05", "le-querce")]
    assert an_admin(town).ask("awards", api.GET_RULES).rules == ()


def test_a_preview_in_the_middle_of_a_month_counts_what_was_given_around_it(town: Town) -> None:
    programme_id = a_known_programme(town)
    a_rule(town, programme_id, coins=10)
    volunteer = a_volunteer(town)
    for days in range(16):
        started = MORNING + timedelta(days=days)
        tell(town, a_confirmed(volunteer.person_id, programme_id=programme_id, started_at=started, minutes=60))
    town.clock.move_to(MORNING + timedelta(days=16))
    last_two = {"from_day": (MORNING + timedelta(days=14)).date(), "to_day": (MORNING + timedelta(days=15)).date()}
    draft = a_preview(town, programme_id=programme_id, form="per_participation", most_hours=None, coins=10, **last_two)
    answer = an_admin(town).ask("awards", api.POST_RULE_PREVIEW, draft)
    assert answer.was == answer.would
    assert answer.would == api.Figures(amount_cents=1000, awards=1, capped=1, people=None)


def test_a_preview_looks_back_not_ahead(town: Town) -> None:
    programme_id = a_known_programme(town)
    tomorrow = town.city.day_of(town.clock.now()) + timedelta(days=1)
    with pytest.raises(Refused, match="window_wrong"):
        an_admin(town).ask("awards", api.POST_RULE_PREVIEW, a_preview(town, programme_id=programme_id, to_day=tomorrow))


def test_an_auditor_looks_one_award_up(town: Town) -> None:
    tell(town, a_confirmed())
    auditor = an_auditor(town)
    [award] = auditor.ask("awards", api.GET_AWARDS, query=api.AwardQuery()).awards
    assert auditor.ask("awards", api.GET_AWARD, award_id=award.award_id) == award
    with pytest.raises(Refused, match="unknown_award"):
        auditor.ask("awards", api.GET_AWARD, award_id=new_id())
    with pytest.raises(Refused, match="not_allowed"):
        a_volunteer(town).ask("awards", api.GET_AWARD, award_id=award.award_id)


def test_an_officer_sees_what_an_award_was_for_and_not_whose_it_is(town: Town) -> None:
    confirmed = a_confirmed()
    tell(town, confirmed)
    [award] = an_auditor(town).ask("awards", api.GET_AWARDS, query=api.AwardQuery()).awards
    officer = As(town, ("finance", None))
    [ground] = officer.ask("awards", api.POST_GROUNDS, api.AskGrounds(award_ids=(award.award_id, new_id()))).grounds
    assert (ground.attendance_id, ground.shift_id, ground.minutes) == (
        award.attendance_id,
        award.shift_id,
        award.minutes,
    )
    assert str(confirmed.person_id) not in msgspec.json.encode(ground).decode()
    for endpoint, more in (
        (api.GET_AWARD, {"award_id": award.award_id}),
        (api.GET_AWARDS, {"query": api.AwardQuery()}),
    ):
        with pytest.raises(Refused, match="not_allowed"):
            officer.ask("awards", endpoint, **more)
