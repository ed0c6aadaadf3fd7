"""The organisations' vaults: locking names in, opening them for a reason, and showing people who looked."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.apis import identity as api
from services.apis import identity_vault as vault_api
from services.apis.endpoint import Nothing, Page
from services.apis.errors import not_found
from services.identity.handlers_person import coordinator_of, living_person, lock_of, signed_in, vault_of
from services.identity.models import Name, Person, PersonKey, Unmasking
from services.identity.vault import PersonLock
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx


def list_people(tx: Tx, query: Page, organisation_id: UUID) -> vault_api.People:
    coordinator_of(tx, organisation_id)
    rows = list(
        tx.session.scalars(
            select(Person)
            .where(Person.organisation_id == organisation_id, after(query, Person.joined_at, Person.person_id))
            .order_by(Person.joined_at, Person.person_id)
            .limit(query.limit + 1)
        )
    )
    return vault_api.People(
        people=tuple(
            vault_api.PersonLine(**{f: getattr(row, f) for f in vault_api.PersonLine.__struct_fields__})
            for row in rows[: query.limit]
        ),
        next_cursor=next_cursor(query, rows, lambda row: (row.joined_at, row.person_id)),
    )


def set_name(tx: Tx, body: vault_api.SetName, organisation_id: UUID, person_id: UUID) -> Nothing:
    coordinator_of(tx, organisation_id)
    if living_person(tx, person_id).pin_hash is None:
        raise not_found("person", person_id)
    put_name(tx, lock_of(tx, person_id), organisation_id, person_id, name=body.name)
    return Nothing()


def put_name(tx: Tx, lock: PersonLock, organisation_id: UUID, person_id: UUID, **texts: str) -> None:
    """Seal `nickname` or `name` into the vault of an organisation."""
    sealed = {f"{what}_sealed": lock.seal(f"{organisation_id}/{what}", text.strip()) for what, text in texts.items()}
    row = insert(Name).values(organisation_id=organisation_id, person_id=person_id, **sealed)
    tx.session.execute(row.on_conflict_do_update(index_elements=[Name.organisation_id, Name.person_id], set_=sealed))


def open_name(tx: Tx, body: vault_api.OpenName, organisation_id: UUID, person_id: UUID) -> api.NameHeld:
    names = _open(tx, organisation_id, (person_id,), body.reason)
    if not names:
        raise not_found("name", person_id)
    return names[0]


def open_names(tx: Tx, body: vault_api.OpenNames, organisation_id: UUID) -> vault_api.NamesHeld:
    return vault_api.NamesHeld(names=_open(tx, organisation_id, body.person_ids, body.reason))


def _open(tx: Tx, organisation_id: UUID, person_ids: tuple[UUID, ...], reason: str) -> tuple[api.NameHeld, ...]:
    """No name leaves without its line in the log: both are of this one transaction, and the answer goes out after it."""
    coordinator_of(tx, organisation_id)
    rows = tx.session.execute(
        select(Name, PersonKey.wrapped)
        .join(PersonKey, PersonKey.person_id == Name.person_id)
        .where(Name.organisation_id == organisation_id, Name.person_id.in_(person_ids))
        .order_by(Name.person_id)
    ).all()
    opened = []
    for name, wrapped in rows:
        lock = vault_of(tx).lock(name.person_id, wrapped)
        log_look(tx, lock, name.person_id, organisation_id, reason.strip())
        opened.append(name_view(name, lock))
    return tuple(opened)


def log_look(tx: Tx, lock: PersonLock, person_id: UUID, organisation_id: UUID, reason: str) -> None:
    """What the person will see of this coordinator: the caller."""
    unmasking_id = tx.new_id()
    tx.session.add(
        Unmasking(
            unmasking_id=unmasking_id, person_id=person_id, organisation_id=organisation_id,
            looked_by=UUID(tx.who.id), role="coordinator", looked_at=tx.now,
            reason_sealed=lock.seal(f"{unmasking_id}/reason", reason),
        )
    )  # fmt: skip


def name_view(name: Name, lock: PersonLock) -> api.NameHeld:
    def text(what: str, sealed: bytes | None) -> str | None:
        return lock.open(f"{name.organisation_id}/{what}", sealed) if sealed else None

    return api.NameHeld(
        organisation_id=name.organisation_id,
        person_id=name.person_id,
        nickname=text("nickname", name.nickname_sealed),
        name=text("name", name.name_sealed),
    )


def my_unmaskings(tx: Tx, query: Page) -> api.Unmaskings:
    person_id = signed_in(tx).person_id
    rows = list(
        tx.session.scalars(
            select(Unmasking)
            .where(
                Unmasking.person_id == person_id,
                after(query, Unmasking.looked_at, Unmasking.unmasking_id, newest_first=True),
            )
            .order_by(Unmasking.looked_at.desc(), Unmasking.unmasking_id.desc())
            .limit(query.limit + 1)
        )
    )
    lock = lock_of(tx, person_id)
    return api.Unmaskings(
        unmaskings=tuple(unmasking_view(row, lock) for row in rows[: query.limit]),
        next_cursor=next_cursor(query, rows, lambda row: (row.looked_at, row.unmasking_id)),
    )


def unmasking_view(row: Unmasking, lock: PersonLock) -> api.Unmasking:
    return api.Unmasking(
        role=row.role,
        organisation_id=row.organisation_id,
        looked_at=row.looked_at,
        reason=lock.open(f"{row.unmasking_id}/reason", row.reason_sealed),
    )
