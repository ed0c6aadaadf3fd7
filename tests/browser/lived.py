"""A town where everything has happened once, so that every page has something to show: two months, and a shift that is on just now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from infra.standins.bank import IncomingTransfer
from infra.wiring import Town
from services.apis import attendance, funding_sponsor, identity, reimbursement, reimbursement_payment
from services.apis.endpoint import Page
from tests.builders_funding import page_of, stripe_tells
from tests.builders_identity import SignedIn, an_invitation, staff, the_admin
from tests.builders_reimbursement import a_booking, a_file, an_order, iban_for
from tests.stories.town_life import (
    MONEY,
    Cast,
    Shop,
    Volunteer,
    a_bank,
    a_city_fund,
    a_shift,
    a_shop_joins,
    an_approved_account,
    an_approved_batch,
    come,
    it_becomes,
    release,
    sign_up,
    statements_are_issued,
    take_part,
    the_bank_closes_its_day,
    the_code,
    upload,
)

NAMES = ("Amal", "Bashir", "Chiara", "Davide", "Esra", "Farid", "Grazia", "Huda", "Ivan", "Jamila", "Kateryna")
AS_ONE = ("volunteer", "coordinator", "finance", "auditor", "admin", "sponsor", "shop_owner")


@dataclass(frozen=True)
class Lived:
    """`people`: role -> what a browser of somebody with it holds, name -> cookie; `""`: nobody's, `cashier`: a till's.
    `unlinked`: pages that no page leads to, because they stand in a code or a letter: role, address."""

    town: Town
    people: dict[str, dict[str, str]]
    unlinked: tuple[tuple[str, str], ...]


def live(town: Town) -> Lived:
    cast = Cast(town)
    team = [cast.volunteer(name) for name in NAMES]
    amal, sponsor = team[0], _a_sponsor(town)
    a_city_fund(cast, 100_000)
    bakery = a_shop_joins(cast)
    greengrocer = a_shop_joins(cast, "Ortofrutta Nour", agreement_reference="PG 2026/131")
    _a_paid_month(cast, team, bakery)
    _a_month_on_its_way(cast, team, bakery, greengrocer, sponsor)
    now = _this_very_day(cast, team, bakery, greengrocer)
    inside = amal.ask("attendance", attendance.GET_MY_ATTENDANCES, query=Page(limit=1)).attendances[0]
    people = dict(
        zip(
            AS_ONE,
            (amal, cast.nadia, cast.giulio, cast.paolo, the_admin(town), sponsor.elena, bakery.owner),
            strict=True,
        )
    )
    invitation = an_invitation(town)
    return Lived(
        town,
        {"": {}, "cashier": {"till": bakery.till.token}, **{role: _cookies(one) for role, one in people.items()}},
        (
            ("volunteer", the_code(cast, now).code), ("volunteer", f"/volunteer/check-ins/{inside.attendance_id}"),
            ("", f"/join#{invitation.code}"),
            ("admin", f"/admin/rules/{cast.programme_id}/cost?form=per_participation&coins=5&least_minutes=30&weeks=8"),
        ),
    )  # fmt: skip


@dataclass(frozen=True)
class _Sponsor:
    elena: SignedIn
    sponsor_id: Any

    def tops_up(self, cents: int, method: funding_sponsor.Method) -> funding_sponsor.TopUp:
        body = funding_sponsor.MakeTopUp(amount_cents=cents, method=method, purpose=funding_sponsor.Anywhere())
        return self.elena.ask("funding", funding_sponsor.POST_TOPUP, body, sponsor_id=self.sponsor_id)


def _a_sponsor(town: Town) -> _Sponsor:
    """One card paid, one transfer promised."""
    body = funding_sponsor.RegisterSponsor(kind="organisation", name="Torrefazione Arco")
    sponsor_id = the_admin(town).ask("funding", funding_sponsor.POST_SPONSOR, body).sponsor_id
    sponsor = _Sponsor(staff(town, "sponsor", sponsor_id), sponsor_id)
    topup = sponsor.tops_up(50_000, "card")
    town.stripe_standin.card_pays(page_of(topup))  # type: ignore[union-attr]
    stripe_tells(town)
    return sponsor


def _a_paid_month(cast: Cast, team: list[Volunteer], bakery: Shop) -> None:
    take_part(cast, *team, capacity=12)
    take_part(cast, *team[:3], name="Homework club", place="Biblioteca", kind="school")
    for one in team:
        one.buys(bakery.till, 450)
    bakery.till.void(team[0].buys(bakery.till, 120).sale_id)
    statements_are_issued(cast, "2026-05")
    an_approved_account(cast, bakery)
    bakery.claims("2026-05")
    bank, batch = a_bank(cast.town), an_approved_batch(cast)
    bank.submit(release(cast, batch))
    bank.receive(IncomingTransfer(1_234, "a gift, thank you", "Unknown Giver", iban_for(77)))
    the_bank_closes_its_day(cast, bank)
    cast.giulio.ask(MONEY, reimbursement.POST_PERIOD_CLOSE, period="2026-05")
    cast.town.settle()


def _a_month_on_its_way(cast: Cast, team: list[Volunteer], bakery: Shop, greengrocer: Shop, sponsor: _Sponsor) -> None:
    """A batch waits for its approval, a statement for its owner, an account for finance, a transfer for the bank."""
    take_part(cast, *team, name="Feast of the street", capacity=12)
    for one, shop in zip(team, [bakery, greengrocer] * 6, strict=False):
        one.buys(shop.till, 300)
    statements_are_issued(cast, "2026-06")
    an_approved_account(cast, greengrocer)
    greengrocer.claims("2026-06")
    bakery.proposes_account(iban_for(55))
    cast.giulio.ask(MONEY, reimbursement_payment.POST_BATCH, reimbursement_payment.PrepareBatch())
    upload(cast, a_file(cast.town, a_booking(an_order("UNKNOWN", 7_77)), number=2))
    sponsor.tops_up(25_000, "bank_transfer")


def _this_very_day(cast: Cast, team: list[Volunteer], bakery: Shop, greengrocer: Shop) -> Any:
    """One shift to be confirmed, with somebody who says they were there; one that is on now, with Amal in it; two to come. Answers the
    one that is on."""
    over = a_shift(cast, name="Paint the fence")
    sign_up(over, team[4])
    come(cast, over, *team[:3])
    it_becomes(cast.town, over.ends_at + timedelta(hours=1))
    for one in (team[0], team[4]):
        said = attendance.MakeDispute(reason="was_there" if one is team[4] else "minutes_wrong", note="I came late.")
        one.ask("attendance", attendance.POST_DISPUTE, said, shift_id=over.shift_id)
    soon = a_shift(cast, name="Water the garden", minutes=180)
    a_shift(cast, name="Homework club", kind="school", starts_at=soon.starts_at + timedelta(days=2), capacity=1)
    sign_up(soon, *team[:5])
    it_becomes(cast.town, soon.starts_at + timedelta(minutes=40))
    for one in team[:2]:
        one.ask("attendance", attendance.POST_CHECK_IN, the_code(cast, soon))
    team[5].buys(bakery.till, 150)
    bakery.owner.ask(MONEY, reimbursement.GET_OWED, shop_id=bakery.shop_id)
    cast.town.settle()
    return soon


def _cookies(who: SignedIn) -> dict[str, str]:
    """Of somebody who is signed in now, whatever became of their first session."""
    who.ask("identity", identity.GET_ME)
    return {"session": who.token, "renewal": f"{who.session.session_id}.{who.session.renewal}"}
