"""Whose money an owner looks at: most have one shop, some choose among several."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from flask import request

from services.apis import redemption
from services.apis.errors import Refused
from services.kit.screens import ask, ask_together, visit


@dataclass(frozen=True)
class Chosen:
    """The shop this page is about. `others`: all of the owner's by id and name, if there are several."""

    id: UUID
    name: str
    others: tuple[tuple[UUID, str], ...]

    @property
    def in_links(self) -> UUID | None:
        """What keeps the choice in the address of the next page."""
        return self.id if self.others else None


def the_shop(wanted: UUID | str | None = None) -> Chosen:
    """The one wanted, or of the page's address, or the owner's first. Raises Refused."""
    ids = sorted(visit().who.scopes("shop_owner"))
    if not ids:
        raise Refused("not_allowed", "Your role is not for a shop.", status=403)
    told = ask_together(
        **{str(id_): lambda id_=id_: ask("redemption", redemption.GET_SHOP, shop_id=id_) for id_ in ids}
    )
    shops = [(id_, told[str(id_)].name if str(id_) in told else "") for id_ in ids]
    wanted = str(wanted or request.args.get("shop"))
    chosen = next((shop for shop in shops if str(shop[0]) == wanted), shops[0])
    return Chosen(chosen[0], chosen[1], tuple(shops) if len(shops) > 1 else ())
