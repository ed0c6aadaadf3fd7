"""The rules of programmes, and what a draft rule would have cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import and_, case, or_, select
from sqlalchemy.dialects.postgresql import insert

from services.apis import awards as api
from services.apis.city import City
from services.apis.errors import Refused
from services.awards import domain
from services.awards.domain_preview import Past, preview
from services.awards.handlers_award import GIVEN
from services.awards.handlers_cap import city_of
from services.awards.models import Award, Programme, Rule
from services.events import Envelope
from services.events.shifts import ProgrammeOpened
from services.kit.db import Tx
from services.kit.ids import derived_id


def set_rule(tx: Tx, body: api.SetRule) -> api.Rule:
    # Locked: two administrators cannot both set the rule of one day.
    _programme(tx, body.programme_id, lock=True)
    starts = tx.session.scalars(select(Rule.valid_from).where(Rule.programme_id == body.programme_id))
    domain.check_new_rule(body, starts.all(), today=tx.city.day_of(tx.now))
    rule = Rule(
        rule_id=tx.new_id(),
        set_by=tx.who.person_id,
        set_at=tx.now,
        **{f: getattr(body, f) for f in body.__struct_fields__},
    )
    tx.session.add(rule)
    return _view(rule)


def list_rules(tx: Tx) -> api.Rules:
    rows = tx.session.scalars(select(Rule).order_by(Rule.programme_id, Rule.valid_from))
    default = city_rule(tx.city)
    return api.Rules(
        coin_cents=tx.city.coins.value_cents,
        city=api.CityRule(rule_id=default.rule_id, coins=default.coins),
        rules=tuple(_view(row) for row in rows),
    )


def preview_rule(tx: Tx, body: api.Preview) -> api.Previewed:
    _programme(tx, body.rule.programme_id)
    domain.check_rule(body.rule)
    domain.check_window(body.from_day, body.to_day, today=tx.city.day_of(tx.now))
    return preview(_past(tx, body), body.rule, city_of(tx))


def _past(tx: Tx, body: api.Preview) -> list[Past]:
    """The window's awards of the programme, and all else its people were given in the months it touches, in order of time."""
    in_window = Award.day.between(body.from_day, body.to_day)
    redecided = and_(Award.programme_id == body.rule.programme_id, in_window, Award.state != "withdrawn")
    people = select(Award.person_id).where(redecided).correlate(None)
    rows = tx.session.execute(
        select(
            Award.person_id,
            Award.neighbourhood_id,
            Award.day,
            Award.minutes,
            case((redecided, Award.amount_cents), else_=GIVEN),
            Award.cut_by.is_not(None),
            redecided,
        )
        .where(
            Award.day.between(*domain.whole_months(body.from_day, body.to_day)),
            Award.person_id.in_(people),
            or_(redecided, GIVEN > 0),
        )
        .order_by(Award.started_at, Award.award_id)
    )
    return [Past(*row) for row in rows]


def rules_of(tx: Tx, programme_ids: Iterable[UUID]) -> dict[UUID, list[domain.Rule]]:
    found: defaultdict[UUID, list[domain.Rule]] = defaultdict(list)
    for row in tx.session.scalars(select(Rule).where(Rule.programme_id.in_(programme_ids))):
        found[row.programme_id].append(
            domain.Rule(
                rule_id=row.rule_id,
                valid_from=row.valid_from,
                form=row.form,  # type: ignore[arg-type]
                coins=row.coins,
                least_minutes=row.least_minutes,
                most_hours=row.most_hours,
            )
        )
    return found


def city_rule(city: City) -> domain.Rule:
    """What holds where a programme has no rule of its own. Its id says how many coins it gives: another number is another rule."""
    coins = city.coins.per_participation
    return domain.Rule(
        rule_id=derived_id("city rule", coins), valid_from=date.min, form="per_participation", coins=coins
    )


def on_programme_opened(tx: Tx, events: list[Envelope[ProgrammeOpened]]) -> None:
    rows = [{"programme_id": event.data.programme_id} for event in events]
    tx.session.execute(insert(Programme).on_conflict_do_nothing(), rows)


def _programme(tx: Tx, programme_id: UUID, *, lock: bool = False) -> None:
    if tx.session.get(Programme, programme_id, with_for_update=lock or None) is None:
        raise Refused(
            "unknown_programme",
            "There is no programme with this id. If it was opened just now, try again in a moment.",
            {"id": str(programme_id)},
            status=404,
        )


def _view(rule: Rule) -> api.Rule:
    return api.Rule(**{f: getattr(rule, f) for f in api.Rule.__struct_fields__})
