"""The ceilings: those of the city's settings, and those its administrators set later."""

from __future__ import annotations

from msgspec.structs import replace
from sqlalchemy import select, text

from services.apis import awards as api
from services.apis.city import Cap, Caps, City, cap_on
from services.awards import domain, models
from services.kit.db import Tx
from services.kit.views import view_of

ONE_AT_A_TIME = text("LOCK TABLE caps IN SHARE ROW EXCLUSIVE MODE")


def city_of(tx: Tx) -> City:
    """The city with every ceiling it has."""
    later = tx.session.scalars(select(models.Cap)).all()

    def all_of(kind: api.CapKind, settings: tuple[Cap, ...]) -> tuple[Cap, ...]:
        mine = (
            Cap(amount_cents=c.amount_cents, since=c.since, legal_basis=c.legal_basis) for c in later if c.cap == kind
        )
        return tuple(sorted((*settings, *mine), key=lambda cap: cap.since))

    caps = tx.city.caps
    return replace(tx.city, caps=Caps(day=all_of("day", caps.day), month=all_of("month", caps.month)))


def set_cap(tx: Tx, body: api.SetCap) -> api.Ceiling:
    tx.session.execute(ONE_AT_A_TIME)
    domain.check_new_cap(body, city_of(tx).caps, today=tx.city.day_of(tx.now))
    said = {f: getattr(body, f) for f in body.__struct_fields__}
    tx.session.add(models.Cap(cap_id=tx.new_id(), set_by=tx.who.person_id, set_at=tx.now, **said))
    return api.Ceiling(**said)


def caps_in_force(tx: Tx) -> api.Ceilings:
    caps, today = city_of(tx).caps, tx.city.day_of(tx.now)
    return api.Ceilings(caps=tuple(_told(kind, cap) for kind, of in _kinds(caps) if (cap := cap_on(of, today))))


def all_caps(tx: Tx) -> api.AllCeilings:
    later = [view_of(api.CeilingOnRecord, cap) for cap in tx.session.scalars(select(models.Cap))]
    settings = [
        view_of(api.CeilingOnRecord, cap, cap=kind, set_at=None) for kind, of in _kinds(tx.city.caps) for cap in of
    ]
    return api.AllCeilings(caps=tuple(sorted((*settings, *later), key=lambda one: (one.cap, one.since))))


def _kinds(caps: Caps) -> tuple[tuple[api.CapKind, tuple[Cap, ...]], ...]:
    return ("day", caps.day), ("month", caps.month)


def _told(kind: api.CapKind, cap: Cap) -> api.Ceiling:
    return view_of(api.Ceiling, cap, cap=kind)
