"""A volunteer leaves: no name can be read anywhere any more, nothing of theirs works, and the books stay whole."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from sqlalchemy import text

from infra.topics import topic_names
from infra.wiring import Town
from services.apis import attendance, identity, identity_vault, ledger, redemption, shifts
from services.apis.endpoint import Page
from services.apis.errors import Refused
from tests.builders_bus import read_all
from tests.builders_identity import PIN, nobody, sign_in_with
from tests.stories.town_life import (
    Cast,
    Volunteer,
    a_city_fund,
    a_shift,
    a_shop_joins,
    it_becomes,
    morning_of,
    sign_up,
    take_part,
)

NICKNAME, NAME = "Zafira-of-the-park", "Zafira Haddad-Bianchi"
REASON = "Her sister called about the keys"
NOTE = f"I, {NAME}, stayed longer"


def everything_kept(town: Town) -> bytes:
    """Every value of every column of every table, and everything the bus keeps for good."""
    kept: list[bytes] = []
    for room in town.rooms.values():
        with room.engine.connect() as conn:
            tables = conn.scalars(
                text("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
            ).all()
            for row in (row for table in tables for row in conn.execute(text(f"SELECT * FROM {table}"))):
                kept += [bytes(v) if isinstance(v, (bytes, memoryview)) else str(v).encode() for v in row]
    for topic in topic_names():
        for record in read_all(town.bus, topic):
            kept += [record.key.encode(), record.value, *(value for _, value in record.headers)]
    return b"\0".join(kept).lower()


def readable(town: Town, *secrets: str) -> list[str]:
    """Which of these lie somewhere, as they are, in hexadecimal digits or in base64."""
    heap = everything_kept(town)

    def forms(secret: str) -> tuple[bytes, ...]:
        plain = secret.encode()
        return plain.lower(), plain.hex().encode(), base64.b64encode(plain).rstrip(b"=").lower()

    return [secret for secret in secrets if any(form in heap for form in forms(secret))]


def opened_names(zafira: Volunteer) -> list[tuple[str, str]]:
    looks = zafira.ask("identity", identity.GET_MY_UNMASKINGS, query=Page()).unmaskings
    return [(look.role, look.reason) for look in looks]


def test_whoever_erases_themselves_leaves_no_name_and_whole_books(town: Town) -> None:
    cast = Cast(town)
    zafira, bashir, shop = cast.volunteer(NICKNAME), cast.volunteer("Bashir"), a_shop_joins(cast)
    fund_id = a_city_fund(cast, 10_000)
    person = {"organisation_id": cast.organisation_id, "person_id": zafira.person_id}
    cast.nadia.ask("identity", identity_vault.POST_NAME, identity_vault.SetName(name=NAME), **person)
    open_name = identity_vault.OpenName(reason=REASON)
    assert cast.nadia.ask("identity", identity_vault.POST_NAME_OPEN, open_name, **person).name == NAME

    past = take_part(cast, zafira)
    zafira.buys(shop.till, 200)
    words = attendance.MakeDispute(reason="minutes_wrong", note=NOTE)
    zafira.ask("attendance", attendance.POST_DISPUTE, words, shift_id=past.shift_id)
    coming = a_shift(cast, capacity=1)
    sign_up(coming, zafira, bashir)
    code = zafira.ask("redemption", redemption.POST_PAYMENT_CODE).code

    assert opened_names(zafira) == [("coordinator", REASON)]
    secrets = (NICKNAME, NAME, REASON, zafira.card_code or "", zafira.token, zafira.session.renewal, code)
    assert readable(town, *secrets) == [NAME]  # in her own words about the dispute alone; the vault is sealed

    zafira.ask("identity", identity.POST_MY_ERASURE, identity.Erase(pin=PIN))
    town.settle()

    assert readable(town, *secrets) == []
    assert readable(town, str(zafira.person_id)) == [str(zafira.person_id)]  # the random id stays in the books
    nothing_of_hers_works(cast, zafira, code, shop.till.sell)
    with pytest.raises(Refused, match="unknown_name"):
        cast.nadia.ask("identity", identity_vault.POST_NAME_OPEN, open_name, **person)
    [dispute] = cast.nadia.ask("attendance", attendance.GET_DISPUTES, query=Page()).disputes
    assert dispute.note is None

    roster = cast.nadia.ask("shifts", shifts.GET_ROSTER, shift_id=coming.shift_id).lines
    assert [(line.person_id, line.state) for line in roster] == [(bashir.person_id, "going")]
    it_becomes(town, coming.starts_at)
    scan = attendance.Scan(card_code=zafira.card_code or "")
    with pytest.raises(Refused, match="unknown_card"):
        cast.nadia.ask("attendance", attendance.POST_SCAN, scan, shift_id=coming.shift_id)

    before = cast.fund(fund_id)
    assert (before.issued_cents, before.owed_cents, before.outstanding_cents, before.free_cents) == (
        500,
        200,
        300,
        9_500,
    )
    assert town.check() == []
    it_becomes(town, morning_of(12, 1))
    after = cast.fund(fund_id)
    assert (after.expired_cents, after.owed_cents, after.outstanding_cents, after.free_cents) == (300, 200, 0, 9_800)
    assert town.check() == []


def nothing_of_hers_works(cast: Cast, zafira: Volunteer, code: str, sell: object) -> None:
    town = cast.town
    for ask in (
        lambda: zafira.ask("identity", identity.GET_ME),
        lambda: nobody(town, identity.POST_SESSION_RENEW, zafira.proof),
    ):
        with pytest.raises(Refused, match="session_ended"):
            ask()
    with pytest.raises(Refused, match="card_revoked"):
        sign_in_with(town, zafira.card_code or "")
    with pytest.raises(Refused, match="unknown_code"):
        sell(code, 100)  # type: ignore[operator]
    # Her last token lives for minutes in the other rooms. It buys nothing, and shows purchases nobody is linked to any more.
    with pytest.raises(Refused, match="person_erased"):
        zafira.ask("redemption", redemption.POST_PAYMENT_CODE)
    assert zafira.ask("redemption", redemption.GET_MY_SALES, query=Page()).purchases == ()
    town.clock.move_to(town.clock.now() + timedelta(minutes=16))  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="session_ended"):
        zafira.ask("ledger", ledger.GET_WALLET, person_id=zafira.person_id)


def test_whoever_is_erased_takes_no_place_from_anybody(town: Town) -> None:
    cast = Cast(town)
    zafira = cast.volunteer(NICKNAME)
    coming = a_shift(cast, capacity=1)
    zafira.ask("identity", identity.POST_MY_ERASURE, identity.Erase(pin=PIN))
    town.settle()
    with pytest.raises(Refused, match="person"):
        sign_up(coming, zafira)
    assert cast.nadia.ask("shifts", shifts.GET_ROSTER, shift_id=coming.shift_id).lines == ()
    assert town.check() == []
