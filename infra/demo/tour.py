"""`meritcoin tour`: one coin's way through the town, told step by step, with the events and transfers each step caused.

It lives in a small town of its own, made anew each time: one shop, two volunteers, one shift.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from infra.demo import cast
from infra.demo.actors import Actors
from infra.demo.memory import Memory
from infra.demo.setup import Founding, owner_of
from infra.embedded import drop_databases, start_postgres
from infra.standins.bank import StandinBank
from infra.town import Town
from infra.wiring import build_town
from services.apis import attendance, redemption, reimbursement, reimbursement_payment, shifts
from services.apis import ledger as ledger_api
from services.apis.errors import Refused
from services.kit.clock import SetClock
from services.kit.settings import Settings

START = datetime(2026, 5, 4, 5, 0, tzinfo=UTC)
SHOP = cast.SHOPS[3]
VOLUNTEERS = tuple(v for v in cast.VOLUNTEERS if v[0] in ("Amal", "Bruno"))
PARK = cast.ACTIVITIES[0]

Step = tuple[str, str, Callable[[], Any]]


def run_tour(settings: Settings) -> int:
    """Print the tour; answers 0 when every invariant holds at its end."""
    url = settings.database_url or start_postgres(settings.var)
    drop_databases(url, "tour_")
    clock = SetClock(START)
    town = build_town(settings, clock=clock, url=url.replace("{service}", "tour_{service}"))
    tour = Tour(town, clock)
    print(
        "One coin's way through Valdarco, a made-up town. After each step: the events it published, the transfers it posted.\n"
    )
    for number, (sentence, place, act) in enumerate(tour.steps(), start=1):
        print(f"{number:>2}. {sentence}")
        said = act()
        if said:
            print(f"      → {said}")
        town.settle()
        told = list(tour.what_happened())
        if number == 1:  # founding a town makes hundreds of events; the story begins after it
            told = [
                f"{sum(line.startswith('event') for line in told)} events, {sum(line.startswith('transfer') for line in told)} transfers"
            ]
        for line in told:
            print(f"      {line}")
        print(f"      code: {place}\n")
    wrong = town.check()
    print("\n".join(wrong) or "Every invariant of the books holds: `meritcoin check` would find nothing.")
    town.close()
    return 1 if wrong else 0


class Tour:
    def __init__(self, town: Town, clock: SetClock) -> None:
        self.town, self.clock = town, clock
        self.memory = Memory(seed=1, first_day=town.city.day_of(START), days=0, clock=START)
        self.actors = Actors(town, self.memory)
        self._seen: set[Any] = set()
        self.made: dict[str, Any] = {}

    def steps(self) -> Iterator[Step]:
        """What happens, in whose words, where the code is, and the doing of it."""
        yield (
            "The city founds its scheme: staff, an organisation, a shop with an agreement, funds with real money.",
            "services/identity, services/funding, services/redemption",
            self._found,
        )
        yield (
            "Nadia publishes a shift: care of the park, Saturday at nine, in a week.",
            "services/shifts/handlers.py publish_shift",
            self._publish,
        )
        yield (
            "Amal and Bruno sign up – a newcomer and a resident, one team.",
            "services/shifts/handlers_signup.py make_signup",
            self._sign_up,
        )
        yield (
            "At the park they scan the code on Nadia's screen. It changes every thirty seconds.",
            "services/attendance/handlers_checkin.py",
            self._check_in,
        )
        yield (
            "Three hours later Amal scans out. Bruno forgets; the shift's end counts for him.",
            "services/attendance/handlers_checkin.py",
            self._check_out,
        )
        yield (
            "Nadia confirms the shift. The rule thanks each with coins; the grant pays three quarters, the city the rest.",
            "services/awards/domain.py, ledger/domain.py decide",
            self._confirm,
        )
        yield "Amal looks at her coins.", "ledger/routes.py", self._look
        yield (
            "At the bakery she shows a code. The till asks for more than she has, and says what would work.",
            "services/redemption/domain.py",
            self._too_much,
        )
        yield "She pays 3.20 in coins. Green.", "services/redemption/handlers_sale.py, ledger/posting.py", self._buy
        yield "June comes. Giulio issues the statements of May.", "services/reimbursement/handlers.py", self._statements
        yield (
            "The baker confirms: the statement becomes a claim. Her account waits for a second person.",
            "services/reimbursement",
            self._claim,
        )
        yield (
            "Giulio prepares a batch, Lucia approves it. She tries to release it too.",
            "services/reimbursement",
            self._two_hands,
        )
        yield (
            "Franca releases it: the payment file goes to the bank.",
            "services/reimbursement/pain001.py",
            self._release,
        )
        yield (
            "The bank's statement comes back and is matched by the end-to-end id. The circle is closed.",
            "services/reimbursement/camt053.py",
            self._bank,
        )

    def what_happened(self) -> Iterator[str]:
        """Events and transfers not told yet."""
        with self.town.bus._engine.connect() as conn:  # type: ignore[attr-defined]
            for row in conn.execute(text('SELECT topic, partition, "offset", value FROM log')).all():
                spot = row.topic, row.partition, row.offset
                if spot not in self._seen:
                    self._seen.add(spot)
                    event = json.loads(bytes(row.value))
                    yield f"event    {event['type']:<26} {_brief(event['data'])}"
        with self.town.rooms["ledger"].engine.connect() as conn:
            rows = conn.execute(
                text("SELECT t.id, t.kind, t.amount_cents, d.code AS debit, c.code AS credit FROM transfers t"
                     " JOIN accounts d ON d.id = t.debit_account JOIN accounts c ON c.id = t.credit_account ORDER BY t.posted_at")
            ).all()  # fmt: skip
        for row in rows:
            if row.id not in self._seen:
                self._seen.add(row.id)
                yield f"transfer {row.amount_cents / 100:>8.2f}  {_short(row.debit)} → {_short(row.credit)}  ({row.kind})"

    def _found(self) -> str:
        Founding(self.town, self.memory, self.actors, lambda: None, [SHOP], VOLUNTEERS).found(lambda sentence: None)
        return f"{len(self.memory.people)} people, {len(cast.ACTIVITIES)} activities, 1 shop, 2 funds"

    def _publish(self) -> str:
        body = shifts.PublishShift(activity_id=self.memory.ids[PARK.name], starts_at=START + timedelta(days=5, hours=2))
        self.made["shift"] = shift = self.actors.ask("nadia", "shifts", shifts.POST_SHIFT, body, key="shift")
        return f"{shift.name}, {shift.place}, {shift.capacity} places"

    def _sign_up(self) -> None:
        for who in ("amal", "bruno"):
            self.actors.ask(
                who,
                "shifts",
                shifts.POST_SIGNUP,
                shifts.MakeSignUp(),
                key="signup",
                shift_id=self.made["shift"].shift_id,
            )

    def _code(self) -> attendance.UseCode:
        shift_id = self.made["shift"].shift_id
        return attendance.UseCode(
            code=self.actors.ask("nadia", "attendance", attendance.GET_CODE, shift_id=shift_id).path
        )

    def _check_in(self) -> None:
        self.clock.move_to(self.made["shift"].starts_at - timedelta(minutes=5))
        for who in ("amal", "bruno"):
            self.actors.ask(who, "attendance", attendance.POST_CHECK_IN, self._code(), key="in")

    def _check_out(self) -> None:
        self.clock.move_to(self.made["shift"].ends_at - timedelta(minutes=2))
        self.actors.ask("amal", "attendance", attendance.POST_CHECK_OUT, self._code(), key="out")
        self.clock.move_to(self.made["shift"].ends_at + timedelta(minutes=10))
        self.town.tick()

    def _confirm(self) -> str:
        body = attendance.ConfirmAll()
        done = self.actors.ask(
            "nadia",
            "attendance",
            attendance.POST_CONFIRM_ALL,
            body,
            key="confirm",
            shift_id=self.made["shift"].shift_id,
        )
        return f"{len(done.confirmed)} confirmed"

    def _look(self) -> str:
        amal = self.memory.people["amal"].person_id
        wallet = self.actors.ask("amal", "ledger", ledger_api.GET_WALLET, person_id=amal)
        return f"{wallet.balance_cents / 100:.2f} in coins, in {len(wallet.lots)} lots"

    def _sell(self, amount_cents: int, key: str) -> redemption.Sale:
        code = self.actors.ask("amal", "redemption", redemption.POST_PAYMENT_CODE).code
        body = redemption.MakeSale(code=code, amount_cents=amount_cents)
        sale: redemption.Sale = self.actors.at_till(SHOP.name, redemption.POST_SALE, body, key=key)
        return sale

    def _too_much(self) -> str:
        try:
            self._sell(750, "much")
        except Refused as refusal:
            return f"{refusal.message} {refusal.facts}"
        raise RuntimeError("a sale above the balance was accepted")

    def _buy(self) -> str:
        return f"accepted {self._sell(320, 'bread').amount_cents / 100:.2f}"

    def _statements(self) -> str:
        self.clock.move_to(datetime(2026, 6, 1, 8, 0, tzinfo=UTC))
        period = self.actors.ask("giulio", "reimbursement", reimbursement.POST_STATEMENTS, key="May", period="2026-05")
        return f"{period.statements} statement, {period.amount_cents / 100:.2f} EUR"

    def _claim(self) -> str:
        owner, shop_id = owner_of(SHOP), self.memory.ids[SHOP.name]
        propose = reimbursement_payment.ProposeAccount(iban=SHOP.iban, holder=SHOP.name)
        account = self.actors.ask(
            owner, "reimbursement", reimbursement_payment.POST_ACCOUNT, propose, key="account", shop_id=shop_id
        )
        self.actors.ask(
            "lucia",
            "reimbursement",
            reimbursement_payment.POST_ACCOUNT_APPROVE,
            key="account",
            account_id=account.account_id,
        )
        query = reimbursement.StatementQuery()
        (statement,) = self.actors.ask(owner, "reimbursement", reimbursement.GET_STATEMENTS, query=query).statements
        claim = self.actors.ask(
            owner, "reimbursement", reimbursement.POST_CONFIRM, key="claim", statement_id=statement.statement_id
        )
        return f"nota di debito {claim.number}/{claim.year}, {claim.amount_cents / 100:.2f} EUR"

    def _two_hands(self) -> str:
        api = reimbursement_payment
        batch = self.actors.ask("giulio", "reimbursement", api.POST_BATCH, api.PrepareBatch(), key="batch")
        self.made["batch"] = batch.batch_id
        self.actors.ask("lucia", "reimbursement", api.POST_BATCH_APPROVE, key="approve", batch_id=batch.batch_id)
        try:
            self.actors.ask("lucia", "reimbursement", api.POST_BATCH_RELEASE, key="release", batch_id=batch.batch_id)
        except Refused as refusal:
            return f"refused: {refusal.message}"
        raise RuntimeError("one person approved and released the same batch")

    def _release(self) -> str:
        api = reimbursement_payment
        self.actors.ask("franca", "reimbursement", api.POST_BATCH_RELEASE, key="release", batch_id=self.made["batch"])
        self.made["file"] = self.actors.ask(
            "franca", "reimbursement", api.GET_PAIN001, query=api.FileQuery(), batch_id=self.made["batch"]
        )
        return f"pain.001.001.09, {len(self.made['file'])} bytes"

    def _bank(self) -> None:
        bank = StandinBank(self.town.city.account.iban, 50_000_000)
        bank.submit(self.made["file"])
        file = bank.close_day(self.town.city.day_of(self.clock.now()), lambda reference: "paid")
        self.actors.ask(
            "giulio", "reimbursement", reimbursement_payment.POST_BANK_STATEMENT, key="bank statement", content=file
        )


def _brief(data: dict[str, Any]) -> str:
    """The few facts of an event that tell its story."""
    told = ("amount_cents", "minutes", "state", "reason", "role", "neighbourhood_id", "forgotten", "kind", "name")
    return ", ".join(f"{name} {data[name]}" for name in told if data.get(name) not in (None, False))


def _short(code: str) -> str:
    """An account's code with the ids cut to their last four characters."""
    return "/".join(part if len(part) < 20 else f"…{part[-4:]}" for part in code.split("/"))
