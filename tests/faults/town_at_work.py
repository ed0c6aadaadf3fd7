"""A city in many processes at full speed, for tests that break it: tills that sell over HTTP, hours that are confirmed as fast as they are
carried, and what must be true afterwards.

Whatever failed meanwhile: zero lost, zero doubled, order per key kept, lag back to zero, `check` and `audit` clean, and everybody at a till
was answered or told to try again.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from infra.one_service import address_of
from infra.town import Town
from ledger.audit import audit
from services.events import Envelope, Unreadable, decode
from services.events.attendance import AttendanceConfirmed, AttendanceRejected
from services.events.funding import Earmark, FundOpened, TopUpSettled
from services.kit.ids import new_id
from tests.builders import tell
from tests.builders_awards import a_confirmed, a_rejected
from tests.builders_bus import read_all
from tests.builders_redemption import a_paired_till, a_shop
from tests.city import City
from tests.faults.test_kill_town import SHOPS, TILLS, Till, customers_with_coins, rows

BROKERS = (1, 2, 3)
TOLD_TO_TRY_AGAIN = {"service_away", "database_away", "busy"}
AT_ONCE = 25  # attendances confirmed in one transaction
MOST_WAITING = 400  # events not carried yet: more would only be a longer queue
MOST_UNHEARD = 600  # attendances whose coins have not been heard of at the end of the chain: the same
REJECTED, PATIENCE_S = 0.2, 240.0


class Hours:
    """Confirms attendances of ever new people, as attendance itself would, and takes some of them back: ordered per person."""

    def __init__(self, town: Town, seed: int) -> None:
        self.town, self.draw, self.closing = town, random.Random(seed), threading.Event()
        self.standing: dict[
            UUID, bool
        ] = {}  # attendance -> whether it stands as confirmed: what was committed, as far as we were told
        self.thread = threading.Thread(target=self._work, daemon=True)
        self._recent: list[AttendanceConfirmed] = []
        self._confirmed, self._issued_before, self._look_at = 0, self._issued(), MOST_UNHEARD

    def _issued(self) -> int:
        return int(rows(self.town, "impact", "SELECT count(*) FROM issued")[0][0])

    def _far_ahead(self) -> bool:
        """Whether those who hear would need long for what was confirmed already."""
        if self._confirmed >= self._look_at:
            self._look_at = self._issued() - self._issued_before + MOST_UNHEARD
        return self._confirmed >= self._look_at

    def _work(self) -> None:
        ctx = self.town.rooms["attendance"]
        while not self.closing.is_set():
            try:
                with ctx.engine.connect() as conn:
                    waiting = conn.exec_driver_sql("SELECT count(*) FROM outbox WHERE published_at IS NULL").scalar()
                if waiting > MOST_WAITING or self._far_ahead():
                    time.sleep(0.02)
                    continue
                self._decide()
            except DBAPIError:
                time.sleep(0.1)  # the database is away: what was not told to be committed is decided anew

    def _decide(self) -> None:
        taken_back = [one for one in self._recent if self.draw.random() < REJECTED]
        confirmed = [a_confirmed(started_at=self.town.clock.now()) for _ in range(AT_ONCE)]
        with self.town.rooms["attendance"].transaction() as tx:
            for one in taken_back:
                tx.put(a_rejected(one))
            for one in confirmed:
                tx.put(one)
        self.standing |= {one.attendance_id: False for one in taken_back} | {
            one.attendance_id: True for one in confirmed
        }
        self._recent = confirmed
        self._confirmed += len(confirmed)


class Earlier:
    """What scenes before this one left in the city: proven then, and none of ours."""

    def __init__(self, town: Town) -> None:
        town.settle()
        self.sales = {row[0] for row in rows(town, "redemption", "SELECT sale_id FROM sales")}
        self.people = {row[0] for row in rows(town, "awards", "SELECT person_id FROM people")}
        self.people |= {row[0] for row in rows(town, "ledger", "SELECT person FROM accounts WHERE person IS NOT NULL")}
        self.put = rows(town, "attendance", "SELECT coalesce(max(seq), 0) FROM outbox")[0][0]


class AtWork:
    """Tills and hours, from `begin` until `end`; `prove` says what must be true then. Several may follow each other in one city."""

    def __init__(self, city: City, *, seed: int = 1) -> None:
        self.city, self.town = city, city.town
        self.earlier = Earlier(self.town)
        self.customers = city.customers = city.customers or customers_with_coins(self.town)
        base_url = address_of("redemption", city.settings)
        shops = [a_shop(self.town, name=f"Shop {number}") for number in range(SHOPS)]
        at = [a_paired_till(self.town, shops[number % SHOPS], f"till {number}") for number in range(TILLS)]
        self.tills = [Till(base_url, n, till, self.customers[n::TILLS]) for n, till in enumerate(at)]
        fund_id = new_id()
        tell(
            self.town,
            FundOpened(fund_id=fund_id, kind="city", name="City", rank=1, earmark=Earmark()),
            TopUpSettled(topup_id=new_id(), fund_id=fund_id, amount_cents=10**11, fee_cents=0, channel="bank"),
        )
        self.hours = Hours(self.town, seed)

    @contextmanager
    def working(self) -> Iterator[None]:
        """At full speed meanwhile. Everybody has heard of what they asked last when it ends."""
        workers = [*self.tills, self.hours]
        for one in workers:
            one.thread.start()
        try:
            yield
        except BaseException:
            print(f"{self.summary()}; put off {dict(self.put_off())}; the city's log ends with:\n{self.city.said()}")
            raise
        finally:
            for one in workers:
                one.closing.set()
        self.city.ready()
        deadline = time.monotonic() + PATIENCE_S
        for one in workers:
            one.thread.join(max(0.0, deadline - time.monotonic()))
            assert not one.thread.is_alive(), "somebody at a till was never answered"

    def sold(self) -> int:
        return sum(len(till.sold) for till in self.tills)

    def put_off(self) -> Counter[str]:
        """How often somebody at a till was told to try again, and why."""
        return sum((till.put_off for till in self.tills), Counter[str]())

    def until_more(self, sales: int = 20, hours: int = 200) -> None:
        """Return once so many more sales were answered and attendances confirmed: the town is at work again."""
        want = self.sold() + sales, len(self.hours.standing) + hours
        self._until(lambda: self.sold() >= want[0] and len(self.hours.standing) >= want[1])

    def _until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < deadline, f"the town did not go on working within {PATIENCE_S:.0f} s"
            time.sleep(0.05)

    def summary(self) -> str:
        tries = sum(till.tries for till in self.tills)
        refused = sum((till.refused for till in self.tills), Counter[str]())
        return f"{self.sold()} sales answered after {tries} tries, {len(self.hours.standing)} attendances decided; refused {dict(refused)}"

    def prove(self) -> None:
        """Zero lost, zero doubled, order kept, lag zero, check and audit clean."""
        town = self.town
        for _ in range(2):
            town.settle()
            town.tick()
        town.settle()
        self._sales_are_there_once()
        self._coins_are_there_once()
        order_is_kept(town)
        assert town.check() == []
        report, _ = audit(town.rooms["ledger"].engine)
        assert report.findings == []

    def _sales_are_there_once(self) -> None:
        sold = {sale_id: cents for till in self.tills for sale_id, cents in till.sold.items()}
        voided = {sale_id for till in self.tills for sale_id in till.voided}
        refused = sum((till.refused for till in self.tills), Counter[str]())
        assert set(refused) <= {"too_many_requests"}, refused
        written = self._ours("redemption", "SELECT sale_id, amount_cents, voided_at IS NOT NULL FROM sales")
        assert sorted((row[0], row[1]) for row in written) == sorted(sold.items())
        assert {row[0] for row in written if row[2]} == voided
        moved = "SELECT journal, sum(amount_cents)::bigint FROM transfers WHERE kind = 'sale' GROUP BY journal"
        assert dict(self._ours("ledger", moved)) == sold
        told = self._ours("reimbursement", "SELECT sale_id, amount_cents FROM lines WHERE kind = 'sale'")
        assert sorted(told) == sorted(sold.items())

    def _ours(self, service: str, query: str) -> list[Any]:
        """What the query finds of this scene: each row begins with a sale or a person."""
        earlier = self.earlier.sales | self.earlier.people
        return [tuple(row) for row in rows(self.town, service, query) if row[0] not in earlier]

    def _coins_are_there_once(self) -> None:
        """From what attendance committed, through awards, to each person's coins in the ledger."""
        stands: dict[UUID, AttendanceConfirmed] = {}
        for event in (envelope.data for envelope in published(self.town, "attendance", after=self.earlier.put)):
            if isinstance(event, AttendanceConfirmed):
                stands[event.attendance_id] = event
            elif isinstance(event, AttendanceRejected):
                # Taken back twice where the database went away amid a commit that was done: nobody told us.
                stands.pop(event.attendance_id, None)
        for attendance_id, standing in self.hours.standing.items():
            assert (attendance_id in stands) == standing, "what was committed is not there any more"
        at_tills = {customer.person_id for customer in self.customers}
        living = "SELECT person_id, attendance_id, amount_cents FROM awards WHERE state <> 'withdrawn'"
        awarded = [row[1:] for row in self._ours("awards", living) if row[0] not in at_tills]
        assert len(awarded) == len(stands)
        cents = dict(awarded)
        assert cents.keys() == stands.keys()
        owned = "SELECT person, sum(credits_posted - debits_posted)::bigint FROM accounts WHERE person IS NOT NULL GROUP BY 1"
        in_wallets = dict(self._ours("ledger", owned))
        assert {one.person_id: in_wallets.get(one.person_id, 0) for one in stands.values()} == {
            one.person_id: cents[one.attendance_id] for one in stands.values()
        }
        others = {person for person, amount in in_wallets.items() if amount} - at_tills
        assert others <= {one.person_id for one in stands.values()}, "somebody has coins for hours that were taken back"


def published(town: Town, service: str, *, after: int = 0) -> list[Envelope[Any]]:
    """What a service has put into its outbox, in order; of its sequence numbers those beyond `after`."""
    with town.rooms[service].engine.connect() as conn:
        values = conn.exec_driver_sql("SELECT value FROM outbox WHERE seq > %s ORDER BY seq", (after,)).scalars()
        return [decode(bytes(value)) for value in values]


def order_is_kept(town: Town) -> None:
    """On each topic, what one service published stands there, of each line in the order it was put, whatever was repeated.

    A line is a key; of a shop, each of its tills: they sell at the same time, and nothing says which of two transactions at work at once
    comes first.
    """
    for service in ("attendance", "awards", "ledger", "redemption"):
        wanted = lines(published(town, service))
        found: dict[tuple[str, UUID | None], dict[UUID, None]] = {}
        for record in read_all(town.bus, service):
            with suppress(Unreadable):  # what others threw in has no place in our order
                found.setdefault(line(envelope := decode(record.value)), {})[envelope.id] = None
        ours = {id_ for ids in wanted.values() for id_ in ids}
        for one, ids in wanted.items():
            assert [id_ for id_ in found.get(one, ()) if id_ in ours] == ids, f"order of {one} on {service}"


def lines(envelopes: list[Envelope[Any]]) -> dict[tuple[str, UUID | None], list[UUID]]:
    made: dict[tuple[str, UUID | None], list[UUID]] = {}
    for envelope in envelopes:
        made.setdefault(line(envelope), []).append(envelope.id)
    return made


def line(envelope: Envelope[Any]) -> tuple[str, UUID | None]:
    return envelope.key, getattr(envelope.data, "till_id", None)
