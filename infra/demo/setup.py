"""Founding the demo town: staff, organisations, shops, tills, funds, volunteers – each through the API, each once.

Every step looks first whether it was done, so that a kill in the middle is followed by the rest and nothing twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date, time, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from infra.demo import cast
from infra.demo.actors import Actors
from infra.demo.memory import Memory, Someone
from infra.town import Town
from services.apis import awards as awards_api
from services.apis import funding as funding_api
from services.apis import funding_sponsor as sponsor_api
from services.apis import identity as identity_api
from services.apis import identity_staff as staff_api
from services.apis import redemption as redemption_api
from services.apis import shifts as shifts_api
from services.apis.errors import Refused
from services.events.funding import Earmark
from services.identity.handlers_staff import take_on_first_admin

INSURED = timedelta(days=5 * 365)
PASSWORD = "valdarco-is-invented"  # noqa: S105 - the demo's people are invented and their money too


class Founding:
    """One run of the founding. `remember` writes the memory; `say` tells the progress."""

    def __init__(
        self, town: Town, memory: Memory, actors: Actors, remember: Callable[[], None],
        shops: Sequence[cast.Shop] = cast.SHOPS, volunteers: Sequence[tuple[str, str, str]] = cast.VOLUNTEERS,
    ) -> None:  # fmt: skip
        self.town, self.memory, self.actors, self.remember = town, memory, actors, remember
        self.shops, self.volunteers = shops, volunteers

    def found(self, say: Callable[[str], None]) -> None:
        say("The city takes on its staff")
        self._first_admin()
        for role, key, _ in cast.STAFF:
            if role != "coordinator":
                self._staff(role, key, None)
        say("Organisations and activities are registered")
        self._organisations()
        say("Money is set aside")
        self._funds()
        say("Shops sign their agreements and pair their tills")
        for shop in self.shops:
            self._shop(shop)
        say("Volunteers join")
        for nickname, language, neighbourhood in self.volunteers:
            self._volunteer(nickname, language, neighbourhood)
        self.town.settle()

    def _once(self, name: str, make: Callable[[], UUID]) -> UUID:
        if name not in self.memory.ids:
            self.memory.ids[name] = make()
            self.remember()
        return self.memory.ids[name]

    def _admin(self, service: str, endpoint: Any, body: Any, key: object, **more: Any) -> Any:
        return self.actors.ask("rita", service, endpoint, body, key=key, **more)

    # ---------- staff ----------

    def _first_admin(self) -> None:
        if "rita" in self.memory.people and self._rita_is_there():
            return
        email = "rita@valdarco.invalid"
        with self.town.rooms["identity"].transaction() as tx:
            taken_on = take_on_first_admin(tx, email, PASSWORD)
            self._remember_staff("rita", "admin", email, taken_on)  # before the commit: better a memory too much

    def _rita_is_there(self) -> bool:
        try:
            self.actors.token("rita")
        except Refused:
            return False
        return True

    def _remember_staff(self, key: str, role: str, email: str, joined: identity_api.TotpSecret) -> None:
        secret = parse_qs(urlsplit(joined.uri).query)["secret"][0] if joined.uri else None
        self.memory.people[key] = Someone(
            person_id=joined.person_id, role=role, email=email, password=PASSWORD, totp_secret=secret
        )
        self.remember()

    def _staff(self, role: Any, key: str, scope_id: UUID | None) -> None:
        if key in self.memory.people:
            return
        email = f"{key}.{len(self.memory.notes)}@valdarco.invalid"
        self.memory.notes[f"invited {key}"] = (
            email  # a kill before the answer leaves this address used: the next try takes another
        )
        self.remember()
        invite = staff_api.InviteStaff(email=email, role=role, scope_id=scope_id)
        code = self._admin("identity", staff_api.POST_STAFF_INVITATION, invite, None).code
        join = staff_api.JoinStaff(invitation_code=code, email=email, password=PASSWORD)
        joined = self.town.client("identity").call(staff_api.POST_STAFF_JOIN, join)
        self._remember_staff(key, role, email, joined)

    # ---------- organisations, rules ----------

    def _organisations(self) -> None:
        opens_on = self.memory.first_day
        programme = shifts_api.OpenProgramme(name=cast.PROGRAMME, opens_on=opens_on)
        programme_id = self._once(
            "programme", lambda: self._admin("shifts", shifts_api.POST_PROGRAMME, programme, "programme").programme_id
        )
        for name in cast.ORGANISATIONS:
            self._organisation(name)
        self.town.settle()
        for role, key, organisation in cast.STAFF:
            if organisation is not None:
                self._staff(role, key, self.memory.ids[organisation])
        for activity in cast.ACTIVITIES:
            self._activity(activity, programme_id, opens_on)
        rule = awards_api.SetRule(
            programme_id=programme_id, form="per_participation", coins=5, least_minutes=45, valid_from=opens_on,
            legal_basis="D.G.C. Valdarco n. 12 (inventata), art. 3",
        )  # fmt: skip
        self._once("rule", lambda: self._admin("awards", awards_api.POST_RULE, rule, "rule").rule_id)

    def _organisation(self, name: str) -> None:
        body = shifts_api.RegisterOrganisation(name=name)
        self._once(name, lambda: self._admin("shifts", shifts_api.POST_ORGANISATION, body, name).organisation_id)

    def _activity(self, activity: cast.Activity, programme_id: UUID, opens_on: date) -> None:
        body = shifts_api.AddActivity(
            programme_id=programme_id, organisation_id=self.memory.ids[activity.organisation], name=activity.name,
            place=activity.place, kind=activity.kind, neighbourhood_id=activity.neighbourhood, minutes=activity.minutes,
            capacity=activity.capacity, languages=activity.languages, insured_from=opens_on, insured_until=opens_on + INSURED,
        )  # fmt: skip
        self._once(
            activity.name, lambda: self._admin("shifts", shifts_api.POST_ACTIVITY, body, activity.name).activity_id
        )

    # ---------- shops ----------

    def _shop(self, shop: cast.Shop) -> None:
        body = redemption_api.RegisterShop(
            name=shop.name, neighbourhood_ids=shop.neighbourhoods, signed_on=self.memory.first_day,
            agreement_reference=f"Conv. {len(self.memory.tills) + 1}/2026", languages=shop.languages,
            step_free=shop.step_free, pork_free=shop.pork_free, opening=opening_of(shop),
        )  # fmt: skip
        shop_id = self._once(
            shop.name, lambda: self._admin("redemption", redemption_api.POST_SHOP, body, shop.name).shop_id
        )
        self._staff("shop_owner", f"owner of {shop.name}".replace(" ", "-").replace("'", "").lower(), shop_id)
        if shop.name not in self.memory.tills:
            code = self.actors.ask(
                owner_of(shop), "redemption", redemption_api.POST_PAIRING_CODE, shop_id=shop_id
            ).pairing_code
            pair = redemption_api.PairTill(pairing_code=code, name="till 1")
            self.memory.tills[shop.name] = self.town.client("redemption").call(redemption_api.POST_TILL, pair).token
            self.remember()

    # ---------- volunteers ----------

    def _volunteer(self, nickname: str, language: str, neighbourhood: str) -> None:
        key = nickname.lower()
        if key in self.memory.people:
            return
        organisation = cast.ORGANISATION_OF[neighbourhood]
        coordinator = next(k for _, k, o in cast.STAFF if o == organisation)
        invite = identity_api.Invite(organisation_id=self.memory.ids[organisation], adult=True)
        code = self.actors.ask(coordinator, "identity", identity_api.POST_INVITATION, invite).code
        draw = random.Random(f"{self.memory.seed} {key}")  # noqa: S311 - a made-up town, made the same way each time
        pin = tuple(draw.sample(range(12), 4))
        join = identity_api.Join(invitation_code=code, nickname=nickname, pin=pin, language=language)  # type: ignore[arg-type]
        joined = self.town.client("identity").call(identity_api.POST_JOIN, join)
        self.memory.people[key] = Someone(
            person_id=joined.person_id, role="volunteer", card_code=joined.card_code, pin=pin, neighbourhood=neighbourhood  # type: ignore[arg-type]
        )  # fmt: skip
        self.remember()

    # ---------- money ----------

    def _funds(self) -> None:
        """The city's own fund, a European grant that pays three quarters of what is earned in green areas and with bins, a sponsor."""
        self.town.settle()
        city = funding_api.OpenFund(kind="city", name="City budget", rank=900)
        grant = funding_api.OpenFund(
            kind="grant", name="AMIF 2021–2027", rank=100, earmark=Earmark(kinds=cast.GRANT_KINDS), share_permille=750,
            co_fund_id=self._fund("city fund", city), opens_on=self.memory.first_day,
        )  # fmt: skip
        self._fund("grant", grant)
        sponsor = sponsor_api.RegisterSponsor(kind="organisation", name=cast.SPONSOR)
        sponsor_id = self._once(
            cast.SPONSOR, lambda: self._admin("funding", sponsor_api.POST_SPONSOR, sponsor, cast.SPONSOR).sponsor_id
        )
        self._staff("sponsor", "arco", sponsor_id)
        self.set_aside("city fund", cast.CITY_CENTS, "Determina n. 41 (inventata)")
        self.set_aside("grant", cast.GRANT_CENTS, "Convenzione IT/2026/AMIF/0007 (inventata)")

    def _fund(self, name: str, body: funding_api.OpenFund) -> UUID:
        return self._once(name, lambda: self._admin("funding", funding_api.POST_FUND, body, name).fund_id)

    def set_aside(self, fund: str, amount_cents: int, act: str) -> None:
        """Giulio prepares, Lucia approves."""
        body = funding_api.PrepareSetAside(amount_cents=amount_cents, act=act)
        fund_id = self.memory.ids[fund]
        prepared = self.actors.ask("giulio", "funding", funding_api.POST_SET_ASIDE, body, key=act, fund_id=fund_id)
        self.actors.ask(
            "lucia", "funding", funding_api.POST_SET_ASIDE_APPROVE, key=act, set_aside_id=prepared.set_aside_id
        )


def opening_of(shop: cast.Shop) -> tuple[redemption_api.Opening, ...]:
    return tuple(
        redemption_api.Opening(weekday=day, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes))
        for day in range(1, 7)
        for opens, closes in shop.hours
    )


def owner_of(shop: cast.Shop) -> str:
    return f"owner of {shop.name}".replace(" ", "-").replace("'", "").lower()
