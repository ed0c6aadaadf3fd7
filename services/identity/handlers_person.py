"""People as the other modules need them: who is signed in, taking somebody on, their locks, roles and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from services.apis import identity as api
from services.apis.endpoint import Role as RoleName
from services.apis.errors import Refused, not_found
from services.events.identity import PersonJoined, RoleGranted
from services.identity import domain
from services.identity.models import Person, PersonKey, Role, Session
from services.identity.vault import PersonLock, Vault, new_renewal
from services.kit.auth import SESSION_SECONDS, Grant, Principal
from services.kit.db import Tx


def vault_of(tx: Tx) -> Vault:
    return Vault(tx.extras["vault_key"])


def living_person(tx: Tx, person_id: UUID) -> Person:
    """The person, locked: whatever is written for somebody waits for their erasure, and then finds them gone. Always locked first."""
    person = tx.session.get(Person, person_id, with_for_update=True, populate_existing=True)
    if person is None or person.erased_at is not None:
        raise not_found("person", person_id)
    return person


def signed_in(tx: Tx) -> Person:
    """The caller, locked. Other services trust a token for its few minutes; this one knows better and asks its own sessions."""
    session = living_session(tx, tx.who.session_id)
    return tx.session.get_one(Person, session.person_id)


def living_session(tx: Tx, session_id: UUID | None) -> Session:
    """The session, read again once its person is locked: it cannot end behind our back. Raises Refused `session_ended`."""
    session = tx.session.get(Session, session_id) if session_id else None
    if session is not None:
        living_person(tx, session.person_id)
        session = tx.session.get(Session, session_id, populate_existing=True)
    if session is None or session.ended_at is not None or session.ends_at <= tx.now:
        raise Refused("session_ended", "This session has ended. Sign in again.", status=401)
    return session


def coordinator_of(tx: Tx, organisation_id: UUID) -> Person:
    """The caller, who must hold the role of coordinator there now."""
    person = signed_in(tx)
    tx.who.must("coordinator", organisation_id)
    return person


def take_on(
    tx: Tx, person: Person, role: RoleName, scope_id: UUID | None = None, *, granted_by: UUID | None = None
) -> PersonLock:
    """Add a new person with their own key and first role, and tell everybody."""
    wrapped = vault_of(tx).new_person_key(person.person_id)
    tx.session.add(person)
    tx.session.flush()
    tx.session.add(PersonKey(person_id=person.person_id, wrapped=wrapped))
    tx.put(
        PersonJoined(
            person_id=person.person_id,
            role=role,
            organisation_id=scope_id if role == "coordinator" else person.organisation_id,
            adult=bool(person.adult),
            language=person.language or tx.city.languages[0],
        )
    )
    grant(tx, person.person_id, role, scope_id, granted_by=granted_by)
    return vault_of(tx).lock(person.person_id, wrapped)


def grant(tx: Tx, person_id: UUID, role: RoleName, scope_id: UUID | None, *, granted_by: UUID | None) -> None:
    tx.session.add(
        Role(
            role_id=tx.new_id(), person_id=person_id, role=role, scope_id=scope_id,
            granted_at=tx.now, granted_by=granted_by, revoked_at=None, revoked_by=None,
        )
    )  # fmt: skip
    tx.put(RoleGranted(person_id=person_id, role=role, scope_id=scope_id))


def lock_of(tx: Tx, person_id: UUID) -> PersonLock:
    return vault_of(tx).lock(person_id, tx.session.get_one(PersonKey, person_id).wrapped)


def living_roles(tx: Tx, person_ids: Sequence[UUID]) -> list[Role]:
    """The roles these people hold now, oldest first."""
    held = select(Role).where(Role.person_id.in_(person_ids), Role.revoked_at.is_(None))
    return list(tx.session.scalars(held.order_by(Role.granted_at, Role.role_id)))


def role_view(role: Role) -> api.RoleHeld:
    return api.RoleHeld(role=role.role, scope_id=role.scope_id)  # type: ignore[arg-type]


def end_sessions(tx: Tx, person_id: UUID, *, but: UUID | None = None) -> None:
    living = update(Session).where(Session.person_id == person_id, Session.ended_at.is_(None))
    tx.session.execute((living.where(Session.session_id != but) if but else living).values(ended_at=tx.now))


def open_session(tx: Tx, person_id: UUID, life: timedelta) -> api.SignedIn:
    """A new session of a person (whose row the caller has locked)."""
    renewal = new_renewal()
    session = Session(
        session_id=tx.new_id(), person_id=person_id, renewal_hash=domain.hash_of(renewal),
        started_at=tx.now, ends_at=tx.now + life, ended_at=None,
    )  # fmt: skip
    tx.session.add(session)
    return next_token(tx, session, renewal)


def next_token(tx: Tx, session: Session, renewal: str) -> api.SignedIn:
    """A token with the roles of now, never longer than its session. Raises Refused `no_role` for somebody who holds none any more."""
    roles = living_roles(tx, [session.person_id])
    if not roles:
        raise Refused("no_role", "You hold no role in the scheme any more. Ask its administrator.", status=403)
    ends_at = min(session.ends_at, tx.now + timedelta(seconds=SESSION_SECONDS))
    who = Principal(
        kind="person",
        id=str(session.person_id),
        grants=tuple(Grant(role.role, role.scope_id) for role in roles),
        session_id=session.session_id,
    )
    token = tx.extras["tokens"].mint(who, now=tx.now, seconds=int((ends_at - tx.now).total_seconds()))
    return api.SignedIn(
        person_id=session.person_id,
        roles=tuple(map(role_view, roles)),
        token=token,
        token_ends_at=ends_at,
        session_id=session.session_id,
        session_ends_at=session.ends_at,
        renewal=renewal,
    )
