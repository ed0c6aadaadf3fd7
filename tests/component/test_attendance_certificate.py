"""What a certificate of participation says."""

from datetime import UTC, date, datetime

import pytest

from infra.wiring import Town
from services.apis import attendance as api
from services.apis.errors import Refused
from tests.builders import As, a_programme, an_organisation
from tests.builders_attendance import a_closed_attendance, a_confirmed_attendance, a_scene, joined


def certificate(volunteer: As, from_: date, to: date) -> api.CertificateData:
    return volunteer.ask("attendance", api.GET_CERTIFICATE_DATA, query=api.Period(from_=from_, to=to))


def test_a_certificate_counts_what_was_confirmed_by_programme_and_organisation(town: Town) -> None:
    volunteer = joined(town)
    ours = {
        "organisation_id": an_organisation(town, "Amici del Parco"),
        "programme_id": a_programme(town, "Bella Valdarco"),
    }
    other = {"organisation_id": an_organisation(town, "Il Ponte"), "programme_id": ours["programme_id"]}
    for minutes, shift in ((120, ours), (60, ours), (90, other)):
        a_confirmed_attendance(town, minutes=minutes, volunteer=volunteer, **shift)
    a_closed_attendance(town, volunteer=volunteer, **ours)  # not confirmed: not certified
    a_confirmed_attendance(town, **ours)  # somebody else's
    said = certificate(volunteer, date(2026, 5, 1), date(2026, 5, 31))
    assert (said.participations, said.minutes) == (3, 270)
    lines = [(x.programme, x.organisation, x.participations, x.minutes) for x in said.lines]
    assert lines == [("Bella Valdarco", "Amici del Parco", 2, 180), ("Bella Valdarco", "Il Ponte", 1, 90)]


def test_the_days_of_a_certificate_are_the_citys_days(town: Town) -> None:
    town.clock.move_to(datetime(2026, 5, 4, 21, 30, tzinfo=UTC))  # type: ignore[attr-defined]  # 23:30 in Valdarco
    scene = a_scene(town, in_hours=1)  # 00:30 on the fifth there, still the fourth in UTC
    here = scene.at(0).check_in()
    scene.at(120)
    scene.confirm(here)
    assert certificate(scene.volunteer, date(2026, 5, 4), date(2026, 5, 4)).participations == 0
    said = certificate(scene.volunteer, date(2026, 5, 5), date(2026, 5, 5))
    assert (said.participations, said.lines[0].first_on) == (1, date(2026, 5, 5))


def test_a_period_that_ends_before_it_begins_is_refused(town: Town) -> None:
    with pytest.raises(Refused, match="period_wrong"):
        certificate(joined(town), date(2026, 5, 2), date(2026, 5, 1))
