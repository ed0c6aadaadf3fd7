"""What the finance pages share: who may act, names of shops, whose hand it was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from flask import Response
from flask_babel import gettext as _

from services.apis import redemption
from services.kit.every import every
from services.kit.screens import visit

OFFICER = "finance"
READERS = (OFFICER, "auditor")


def may_act() -> bool:
    """Whether the page has buttons for whoever looks."""
    return visit().who.has(OFFICER)


def me() -> UUID:
    return UUID(visit().who.id)


def shop_names(shop_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Of shops that have left the scheme, too."""
    wanted = set(shop_ids)
    if not wanted:
        return {}
    listed = every("redemption", redemption.GET_SHOPS, "shops", redemption.ShopQuery(also_ended=True))
    return {shop.shop_id: shop.name for shop in listed if shop.shop_id in wanted}


def hand(person_id: UUID, *others: UUID | None) -> str:
    """Who it was, without a name: `others` are the hands before, so that it shows whether this is another one."""
    if person_id == me():
        words = _("you")
    elif not may_act():
        words = {0: _("one officer"), 1: _("a second officer")}.get(len(others), _("a third officer"))
    else:
        words = _("another colleague") if any(other not in (None, me()) for other in others) else _("a colleague")
    return str(words)


def month_of(period: str) -> date:
    """The first day of a month written as `2026-10`."""
    return date.fromisoformat(f"{period}-01")


def handed_on(content: bytes, media: str, name: str) -> Response:
    """A file of a service, for the browser to keep."""
    return Response(content, mimetype=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})
