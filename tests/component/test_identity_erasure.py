"""Whoever is erased is gone: nothing in identity's database, nor any copy of its sealed values, yields a name again."""

from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import text

from infra.wiring import Town
from services.apis import identity as api
from services.apis import identity_vault as vault_api
from services.apis.errors import Refused
from services.events import decode
from services.events.identity import CardRevoked, PersonErased, RoleRevoked
from services.identity.vault import PersonLock, Vault
from tests.builders_identity import (
    PIN,
    SignedIn,
    a_known_organisation,
    an_invitation,
    join,
    nobody,
    sign_in_with,
    staff,
)

NICKNAME, NAME, REASON = "Zafira-of-the-park", "Zafira Haddad-Bianchi", "Her sister called about the keys"


def everything_kept(town: Town) -> list[Any]:
    """Every value of every column of every table of identity, the mechanics' tables included."""
    with town.rooms["identity"].engine.connect() as conn:
        tables = conn.scalars(text("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")).all()
        rows = [row for table in tables for row in conn.execute(text(f"SELECT * FROM {table}"))]
    return [value for row in rows for value in row if value is not None]


def found(town: Town, *secrets: str) -> list[str]:
    """Which of the secrets lie readable in the database, as they are or as hexadecimal digits."""
    kept = [bytes(v) if isinstance(v, (bytes, memoryview)) else str(v).encode() for v in everything_kept(town)]
    heap = b"\0".join(kept).lower()
    return [s for s in secrets if any(form in heap for form in (s.lower().encode(), s.encode().hex().encode()))]


class Scene:
    """A volunteer with a name in the vault, an unmasking and a session; what is secret about them."""

    def __init__(self, town: Town) -> None:
        self.organisation_id = a_known_organisation(town)
        self.coordinator = staff(town, "coordinator", self.organisation_id)
        invitation = an_invitation(town, self.organisation_id)
        joined = join(town, invitation, NICKNAME)
        self.volunteer: SignedIn = sign_in_with(town, joined.card_code)
        where = {"organisation_id": self.organisation_id, "person_id": joined.person_id}
        self.coordinator.ask("identity", vault_api.POST_NAME, vault_api.SetName(name=NAME), **where)
        self.coordinator.ask("identity", vault_api.POST_NAME_OPEN, vault_api.OpenName(reason=REASON), **where)
        self.volunteer.ask("identity", api.POST_MY_CARD_REPLACE)
        self.code = self.volunteer.ask("identity", api.GET_MY_CARD).code
        session = self.volunteer.session
        self.secrets = (
            NICKNAME, NAME, REASON, "haddad", invitation.code, joined.card_code, self.code, session.token, session.renewal,
        )  # fmt: skip

    def erase(self) -> None:
        self.volunteer.ask("identity", api.POST_MY_ERASURE, api.Erase(pin=PIN))


def test_no_name_code_token_or_e_mail_lies_readable_in_the_database(town: Town) -> None:
    scene = Scene(town)
    assert scene.coordinator.email is not None
    assert found(town, *scene.secrets, scene.coordinator.email, "rita@valdarco.example", "lantern") == []
    assert found(town, str(scene.volunteer.person_id)) != []


def test_after_erasure_nothing_kept_and_no_copy_made_before_yields_the_name(town: Town) -> None:
    scene = Scene(town)
    person_id = scene.volunteer.person_id
    vault = Vault(town.rooms["identity"].extras["vault_key"])
    before = [bytes(v) for v in everything_kept(town) if isinstance(v, (bytes, memoryview))]
    what = [f"{scene.organisation_id}/nickname", f"{scene.organisation_id}/name"]
    assert readable(keys_in(town, vault, person_id), what, before) == {NICKNAME, NAME}

    scene.erase()

    assert keys_in(town, vault, person_id) == []
    assert found(town, *scene.secrets) == []
    assert town.check() == []


def keys_in(town: Town, vault: Vault, person_id: Any) -> list[PersonLock]:
    """The person's key, if any value in the database is it – for somebody who holds the installation's key too."""
    locks = []
    for value in everything_kept(town):
        if isinstance(value, (bytes, memoryview)):
            try:
                locks.append(vault.lock(person_id, bytes(value)))
            except (InvalidTag, ValueError):
                continue
    return locks


def readable(locks: list[PersonLock], what: list[str], values: list[bytes]) -> set[str]:
    texts = set()
    for lock in locks:
        for kind in what:
            for value in values:
                try:
                    texts.add(lock.open(kind, value))
                except (InvalidTag, ValueError):
                    continue
    return texts


def test_whoever_is_erased_is_out_everywhere_and_the_town_hears_it(town: Town) -> None:
    scene = Scene(town)
    scene.erase()
    person_id = scene.volunteer.person_id

    for ask in (
        lambda: scene.volunteer.ask("identity", api.GET_ME),
        lambda: nobody(town, api.POST_SESSION_RENEW, scene.volunteer.proof),
        scene.erase,
    ):
        with pytest.raises(Refused, match="session_ended"):
            ask()
    with pytest.raises(Refused, match="card_revoked"):
        sign_in_with(town, scene.code)
    where = {"organisation_id": scene.organisation_id, "person_id": person_id}
    with pytest.raises(Refused, match="unknown_name"):
        scene.coordinator.ask("identity", vault_api.POST_NAME_OPEN, vault_api.OpenName(reason=REASON), **where)
    with pytest.raises(Refused, match="unknown_person"):
        scene.coordinator.ask("identity", vault_api.POST_NAME, vault_api.SetName(name=NAME), **where)
    with town.rooms["identity"].engine.connect() as conn:
        events = [decode(bytes(v)).data for v in conn.scalars(text("SELECT value FROM outbox ORDER BY seq"))]
    assert [type(e) for e in events[-3:]] == [CardRevoked, RoleRevoked, PersonErased]
    assert {e.person_id for e in events[-3:]} == {person_id}
    people = scene.coordinator.ask("identity", vault_api.GET_PEOPLE, organisation_id=scene.organisation_id).people
    assert people == ()


def test_erasure_needs_the_pictures_again(town: Town) -> None:
    scene = Scene(town)
    with pytest.raises(Refused, match="wrong_pin"):
        scene.volunteer.ask("identity", api.POST_MY_ERASURE, api.Erase(pin=(1, 2, 3, 4)))
    assert scene.volunteer.ask("identity", api.GET_ME).nickname == NICKNAME


def test_before_leaving_one_takes_everything_along(town: Town) -> None:
    scene = Scene(town)
    scene.volunteer.ask("identity", api.POST_MY_LANGUAGE, api.ChooseLanguage(language="uk"))
    with pytest.raises(Refused, match="unknown_language"):
        scene.volunteer.ask("identity", api.POST_MY_LANGUAGE, api.ChooseLanguage(language="xx"))
    export = scene.volunteer.ask("identity", api.GET_MY_EXPORT)
    assert (export.me.language, export.me.nickname, export.names[0].name) == ("uk", NICKNAME, NAME)
    assert [r.role for r in export.roles] == ["volunteer"]
    assert [card.revoked_at is None for card in export.cards] == [False, True]
    assert [look.reason for look in export.unmaskings] == [REASON]
    assert len(export.sessions) == 1


def test_no_log_line_names_anybody(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", logger="meritcoin"):
        scene = Scene(town)
        scene.erase()
    lines = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records).lower()
    assert "post_me_erase" in lines
    assert [secret for secret in scene.secrets if secret.lower() in lines] == []
