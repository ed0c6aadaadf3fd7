"""Coins set aside for a shop in the simulated town: paid with wholly or in part, let go, or forgotten until their time is over.

No till asks for holds yet, so they are asked of the ledger as redemption would. The shop is one of its own: reimbursement hears of no hold.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from infra.simulate.people import Somebody, Ways
from services.apis import ledger as api
from services.apis.errors import Refused
from services.kit.db import engine_for

FATES = ("paid", "paid in part", "let go", "over")
LONGEST_S = 7 * 24 * 3600  # never over by itself while a run lasts: the database's clock is not the town's
TIME_IS_UP = "UPDATE holds SET until = now() - interval '1 second' WHERE hold_id = :hold_id"


class Holds:
    def __init__(self, ways: Ways) -> None:
        self.ways, self.shop_id = ways, ways.new_key()
        self.draw = random.Random(f"holds {ways.seed}")  # noqa: S311 - must replay exactly
        self.fates = list(FATES)
        self.open: list[tuple[UUID, int]] = []

    def live(self, people: Sequence[Somebody]) -> None:
        """What was held the last time ends, each in the next of the ways there are; now and then something is held anew."""
        for hold_id, cents in self.open:
            fate = self.fates.pop(0)
            self.fates.append(fate)
            if fate == "over":
                self._time_passes(hold_id)
            paid = {"paid in part": cents // 2, "let go": 0}.get(fate)
            self._ask(api.POST_HOLD_END, api.PostHoldEnd(hold_id=hold_id, amount_cents=paid))
        self.open = []
        if self.draw.random() < 0.6:
            body = api.PostHold(
                hold_id=self.ways.new_key(), person_id=self.draw.choice(people).id, shop_id=self.shop_id,
                amount_cents=self.draw.randrange(50, 300, 10), seconds=LONGEST_S,
            )  # fmt: skip
            if self._ask(api.POST_HOLD, body):
                self.open.append((body.hold_id, body.amount_cents))

    def _ask(self, endpoint: Any, body: Any) -> Any:
        """The answer, or None for a no."""
        key, client = self.ways.new_key(), self.ways.town.client("ledger", speaking_as="redemption")
        try:
            return self.ways.until_done(lambda: client.call(endpoint, body, key=key))
        except Refused as no:
            self.ways.refusals[no.code] += 1
            return None

    def _time_passes(self, hold_id: UUID) -> None:
        """No simulation can move the database's clock: the hold's end is set back instead, past the trigger that keeps it as it is."""
        engine = engine_for(self.ways.town.url.replace("{service}", "ledger"))
        with engine.begin() as conn:
            conn.exec_driver_sql("ALTER TABLE holds DISABLE TRIGGER append_only")
            conn.execute(text(TIME_IS_UP), {"hold_id": hold_id})
            conn.exec_driver_sql("ALTER TABLE holds ENABLE TRIGGER append_only")
        engine.dispose()
