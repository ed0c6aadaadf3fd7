"""Names for a screen, from the vault of an organisation. Every look has a reason, which each person is shown."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from uuid import UUID

from flask_babel import gettext as _

from services.apis import identity_vault as vault
from services.apis.errors import Refused
from services.kit.screens import ask

MOST_AT_ONCE = 200


def names_of(organisation_id: UUID, person_ids: Collection[UUID], reason: str) -> dict[UUID, str]:
    """What each of them is called; in the order of the alphabet. Whoever has no name in this vault, or while the vault is away, is a
    guest with a number, so that two of them can be told apart. Raises Refused (401, 403)."""
    named: dict[UUID, str] = {}
    for some in _in_parts(sorted(person_ids)):
        body = vault.OpenNames(reason=reason, person_ids=tuple(some))
        try:
            opened = ask("identity", vault.POST_NAMES_OPEN, body, organisation_id=organisation_id)
        except Refused as refusal:
            if refusal.status in (401, 403):
                raise
            continue
        named |= {one.person_id: found for one in opened.names if (found := one.name or one.nickname)}
    guests = [id_ for id_ in sorted(person_ids) if id_ not in named]
    in_order = dict(sorted(named.items(), key=lambda one: one[1].casefold()))
    return in_order | {id_: _("Guest %(number)s", number=n) for n, id_ in enumerate(guests, start=1)}


def _in_parts(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (ids[start : start + MOST_AT_ONCE] for start in range(0, len(ids), MOST_AT_ONCE))
