"""From a confirmed attendance to coins awarded, under the ceilings; and what corrections change. On the real town."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from infra.wiring import Town
from services.apis import awards as api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.events.attendance import AttendanceConfirmed
from services.events.awards import AwardCapped, AwardWithdrawn, CoinsAwarded
from services.events.ledger import CoinsWithdrawn
from tests.builders import As, a_volunteer, an_admin, tell
from tests.builders_awards import MORNING, a_confirmed, a_known_programme, a_rejected, a_rule, an_auditor, published


def mine(volunteer: As) -> tuple[api.Award, ...]:
    return volunteer.ask("awards", api.GET_MY_AWARDS, query=Page()).awards


def correction(one: AttendanceConfirmed, revision: int = 2, **more: object) -> AttendanceConfirmed:
    fields = {f: getattr(one, f) for f in one.__struct_fields__}
    return AttendanceConfirmed(**{**fields, "revision": revision, **more})


def test_a_confirmed_attendance_earns_the_citys_coins(town: Town) -> None:
    volunteer = a_volunteer(town)
    tell(town, a_confirmed(volunteer.person_id))
    [event] = published(town, "awards", CoinsAwarded)
    assert (event.amount_cents, event.plans, str(event.expires_on)) == (500, (), "2026-11-30")
    [award] = mine(volunteer)
    assert (award.award_id, award.amount_cents, award.place) == (event.award_id, 500, "Parco delle Querce")
    assert award.capped_by is None
    assert town.check() == []


def test_what_the_days_ceiling_cuts_is_said_with_its_legal_basis(town: Town) -> None:
    programme_id = a_known_programme(town)
    rule = a_rule(town, programme_id)
    volunteer = a_volunteer(town)
    for _ in range(3):
        tell(town, a_confirmed(volunteer.person_id, programme_id=programme_id))

    assert [e.amount_cents for e in published(town, "awards", CoinsAwarded)] == [700, 300]
    cuts = published(town, "awards", AwardCapped)
    assert [(cut.rule_cents, cut.given_cents, cut.cap) for cut in cuts] == [(700, 300, "day"), (700, 0, "day")]
    seen = {a.award_id: a for a in mine(volunteer)}
    nothing = seen[cuts[1].award_id]
    assert (nothing.rule_id, nothing.state, nothing.amount_cents, nothing.rule_cents) == (
        rule.rule_id,
        "capped",
        0,
        700,
    )
    assert nothing.capped_by is not None
    assert (nothing.capped_by.cap, nothing.capped_by.amount_cents) == ("day", 1000)
    assert nothing.capped_by.legal_basis == "D.Lgs. 117/2017, art. 17, c. 4"
    assert town.check() == []


def test_the_months_ceiling_holds_over_many_days_of_one_batch(town: Town) -> None:
    programme_id = a_known_programme(town)
    a_rule(town, programme_id, coins=10)
    volunteer = a_volunteer(town)
    days = [MORNING + timedelta(days=n) for n in range(17)]
    tell(town, *(a_confirmed(volunteer.person_id, programme_id=programme_id, started_at=day) for day in days))
    assert sum(a.amount_cents for a in mine(volunteer)) == 15000
    assert [(cut.given_cents, cut.cap) for cut in published(town, "awards", AwardCapped)] == [(0, "month")] * 2
    assert town.check() == []


def test_too_short_a_time_earns_nothing_and_says_so(town: Town) -> None:
    programme_id = a_known_programme(town)
    a_rule(town, programme_id, least_minutes=60)
    volunteer = a_volunteer(town)
    tell(town, a_confirmed(volunteer.person_id, programme_id=programme_id, minutes=59))
    assert [(a.state, a.amount_cents) for a in mine(volunteer)] == [("too_short", 0)]
    assert published(town, "awards", CoinsAwarded) == []
    assert town.check() == []


def test_a_rule_counts_from_its_day_whenever_the_attendance_is_confirmed(town: Town) -> None:
    programme_id = a_known_programme(town)
    today = town.city.day_of(town.clock.now())
    a_rule(town, programme_id, valid_from=today + timedelta(days=1), form="per_hour", coins=2, most_hours=3)
    volunteer = a_volunteer(town)
    for days in (1, 0):
        started = MORNING + timedelta(days=days)
        tell(town, a_confirmed(volunteer.person_id, programme_id=programme_id, started_at=started, minutes=239))
    assert [e.amount_cents for e in published(town, "awards", CoinsAwarded)] == [600, 500]


def test_a_correction_that_changes_the_amount_withdraws_and_awards_again(town: Town) -> None:
    programme_id = a_known_programme(town)
    a_rule(town, programme_id, form="per_hour", coins=4, most_hours=3)
    volunteer = a_volunteer(town)
    first = a_confirmed(volunteer.person_id, programme_id=programme_id, minutes=60)
    tell(town, first, correction(first, minutes=70))
    tell(town, correction(first, 3, minutes=120))
    tell(town, correction(first, minutes=0))

    given = published(town, "awards", CoinsAwarded)
    assert [(e.amount_cents, e.revision) for e in given] == [(400, 1), (800, 3)]
    assert [e.award_id for e in published(town, "awards", AwardWithdrawn)] == [given[0].award_id]
    states = {a.award_id: (a.state, a.revision, a.minutes) for a in mine(volunteer)}
    assert states == {given[0].award_id: ("withdrawn", 2, 70), given[1].award_id: ("waiting", 3, 120)}
    assert town.check() == []


def test_a_correction_of_a_capped_award_touches_no_other(town: Town) -> None:
    programme_id = a_known_programme(town)
    a_rule(town, programme_id)
    volunteer = a_volunteer(town)
    one, two = (a_confirmed(volunteer.person_id, programme_id=programme_id) for _ in range(2))
    next_day = a_confirmed(volunteer.person_id, programme_id=programme_id, started_at=MORNING + timedelta(days=1))
    tell(town, one, next_day, two, correction(two, minutes=90), correction(one, minutes=90))
    assert [e.amount_cents for e in published(town, "awards", CoinsAwarded)] == [700, 700, 300]
    assert published(town, "awards", AwardWithdrawn) == []
    assert town.check() == []


def test_a_rejected_attendance_gives_its_award_back_and_frees_the_ceiling(town: Town) -> None:
    volunteer = a_volunteer(town)
    one, two, three = (a_confirmed(volunteer.person_id) for _ in range(3))
    tell(town, one, two, a_rejected(one), correction(one), three)
    given = published(town, "awards", CoinsAwarded)
    assert [(e.attendance_id, e.amount_cents) for e in given] == [
        (one.attendance_id, 500), (two.attendance_id, 500), (three.attendance_id, 500),
    ]  # fmt: skip
    assert [e.award_id for e in published(town, "awards", AwardWithdrawn)] == [given[0].award_id]
    assert town.check() == []


def test_an_award_that_gave_nothing_is_ended_without_a_word_to_the_ledger(town: Town) -> None:
    volunteer = a_volunteer(town)
    full = [a_confirmed(volunteer.person_id) for _ in range(2)]
    nothing = a_confirmed(volunteer.person_id)
    tell(town, *full, nothing, a_rejected(full[0]), correction(nothing))
    assert [e.amount_cents for e in published(town, "awards", CoinsAwarded)] == [500, 500, 500]
    assert len(published(town, "awards", AwardWithdrawn)) == 1
    assert sorted(a.state for a in mine(volunteer)) == ["waiting", "waiting", "withdrawn", "withdrawn"]
    assert town.check() == []


def test_a_rejection_heard_before_its_confirmation_holds(town: Town) -> None:
    one = a_confirmed()
    tell(town, a_rejected(one), one)
    assert published(town, "awards", CoinsAwarded) == []


def test_coins_spent_before_a_withdrawal_stay_and_count_for_the_day(town: Town) -> None:
    volunteer = a_volunteer(town)
    one, two, three = (a_confirmed(volunteer.person_id) for _ in range(3))
    tell(town, one, two)
    first = published(town, "awards", CoinsAwarded)[0]
    kept = CoinsWithdrawn(award_id=first.award_id, person_id=first.person_id, parts=(), kept_cents=200)
    tell(town, a_rejected(one))
    tell(town, kept)
    tell(town, three)
    assert published(town, "awards", CoinsAwarded)[-1].amount_cents == 300
    withdrawn = next(a for a in mine(volunteer) if a.award_id == first.award_id)
    assert (withdrawn.state, withdrawn.kept_cents) == ("withdrawn", 200)
    assert town.check() == []


def test_what_a_corrected_award_kept_counts_once_for_the_day(town: Town) -> None:
    programme_id = a_known_programme(town)
    a_rule(town, programme_id, form="per_hour", coins=4, most_hours=3)
    volunteer = a_volunteer(town)
    one, two, three = (a_confirmed(volunteer.person_id, programme_id=programme_id, minutes=180) for _ in range(3))
    tell(town, one)
    [first] = published(town, "awards", CoinsAwarded)
    tell(town, correction(one, minutes=60))
    tell(town, CoinsWithdrawn(award_id=first.award_id, person_id=first.person_id, parts=(), kept_cents=600))
    tell(town, two)  # the first attendance has given the six euros spent, not the four it is awarded now, nor both
    tell(town, correction(one, 3, minutes=180))
    tell(town, three)
    assert [e.amount_cents for e in published(town, "awards", CoinsAwarded)] == [1000, 400, 400, 600]
    assert town.check() == []


def test_people_see_their_own_awards_newest_first_page_by_page(town: Town) -> None:
    volunteer = a_volunteer(town)
    for days in range(3):
        town.clock.move_to(town.clock.now() + timedelta(hours=1))
        tell(town, a_confirmed(volunteer.person_id, started_at=MORNING + timedelta(days=days)), a_confirmed())
    first = volunteer.ask("awards", api.GET_MY_AWARDS, query=Page(limit=2))
    rest = volunteer.ask("awards", api.GET_MY_AWARDS, query=Page(limit=2, cursor=first.next_cursor))
    assert [str(a.day) for a in (*first.awards, *rest.awards)] == ["2026-05-06", "2026-05-05", "2026-05-04"]
    assert rest.next_cursor is None


def test_the_auditor_finds_awards_by_what_was_capped_when_where_and_whose(town: Town) -> None:
    person = a_confirmed().person_id
    elsewhere = a_confirmed(neighbourhood_id="stazione", started_at=MORNING + timedelta(days=1))
    tell(town, *(a_confirmed(person) for _ in range(3)), elsewhere)

    def found(**query: object) -> int:
        return len(an_auditor(town).ask("awards", api.GET_AWARDS, query=api.AwardQuery(**query)).awards)  # type: ignore[arg-type]

    assert (found(), found(person_id=person), found(capped=True), found(capped=False)) == (4, 3, 1, 3)
    assert (found(state="capped"), found(neighbourhood_id="stazione")) == (1, 1)
    assert (found(programme_id=elsewhere.programme_id), found(from_day=town.city.day_of(elsewhere.started_at))) == (
        1,
        1,
    )
    assert found(to_day=town.city.day_of(MORNING)) == 3


def a_cap(town: Town, kind: api.CapKind = "day", cents: int = 400, *, days: int = 1) -> api.Ceiling:
    """A ceiling set by the administrator, so many days from today."""
    since = town.city.day_of(town.clock.now()) + timedelta(days=days)
    body = api.SetCap(cap=kind, amount_cents=cents, since=since, legal_basis="Delibera n. 7/2026")
    cap: api.Ceiling = an_admin(town).ask("awards", api.POST_CAP, body)
    return cap


def test_a_ceiling_the_administrator_sets_holds_from_its_day_on(town: Town) -> None:
    volunteer = a_volunteer(town)
    cap = a_cap(town)
    assert cap not in town.client("awards").call(api.GET_CAPS).caps
    today, tomorrow = (
        a_confirmed(volunteer.person_id),
        a_confirmed(volunteer.person_id, started_at=MORNING + timedelta(days=1)),
    )
    town.clock.move_to(town.clock.now() + timedelta(days=1))  # type: ignore[attr-defined]
    tell(town, today, tomorrow)
    assert [e.amount_cents for e in published(town, "awards", CoinsAwarded)] == [500, 400]
    assert {one.amount_cents: one.capped_by for one in mine(volunteer)} == {500: None, 400: cap}
    assert cap in town.client("awards").call(api.GET_CAPS).caps
    *settings, last = [one for one in town.client("awards").call(api.GET_ALL_CAPS).caps if one.cap == "day"]
    assert (last.amount_cents, last.set_at) == (400, town.clock.now() - timedelta(days=1))
    assert [one.set_at for one in settings] == [None] * len(settings)
    assert town.check() == []


def test_a_ceiling_changes_no_day_that_has_begun_and_no_other_ceiling(town: Town) -> None:
    with pytest.raises(Refused, match="cap_in_the_past"):
        a_cap(town, days=0)
    a_cap(town, "month", 12_000)
    a_cap(town, "day", 800)
    with pytest.raises(Refused, match="cap_exists"):
        a_cap(town, "month", 13_000)
    engine = town.rooms["awards"].engine
    for statement in ("UPDATE caps SET amount_cents = 1", "DELETE FROM caps"):
        with pytest.raises(DBAPIError, match="a ceiling never changes"), engine.begin() as conn:
            conn.execute(text(statement))
