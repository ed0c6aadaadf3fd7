"""Staff: invited by e-mail, accepting with a password, and the roles they hold."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, exists, func, select, text

from services.apis import identity as api
from services.apis import identity_staff as staff_api
from services.apis.endpoint import Page
from services.apis.endpoint import Role as RoleName
from services.apis.errors import Refused, not_found
from services.events.identity import RoleRevoked
from services.identity import domain
from services.identity.credentials import hash_secret, new_totp_secret, totp_uri
from services.identity.handlers_attempt import counted
from services.identity.handlers_person import (
    end_sessions,
    grant,
    living_person,
    living_roles,
    lock_of,
    role_view,
    signed_in,
    take_on,
)
from services.identity.handlers_session import email_hash_of, prove_password
from services.identity.models import Organisation, Person, Role, Staff, StaffInvitation
from services.identity.vault import new_code
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx

# "staff": one change at a time, or two administrators could revoke each other and leave none, and one e-mail could join twice.
STAFF_LOCK = 0x7374616666


def invite_staff(tx: Tx, body: staff_api.InviteStaff) -> api.Invitation:
    """A new invitation replaces an unused one for the same role, so that repeating the request leaves one."""
    admin = signed_in(tx)
    _check_role(tx, body.role, body.scope_id)
    email_hash = email_hash_of(tx, body.email)
    _check_email_free(tx, email_hash)
    tx.session.execute(
        delete(StaffInvitation).where(
            StaffInvitation.email_hash == email_hash,
            StaffInvitation.role == body.role,
            StaffInvitation.scope_id.is_not_distinct_from(body.scope_id),
            StaffInvitation.used_at.is_(None),
        )
    )
    code = new_code()
    invitation = StaffInvitation(
        invitation_id=tx.new_id(), code_hash=domain.hash_of(code), email_hash=email_hash, role=body.role, scope_id=body.scope_id,
        invited_by=admin.person_id, expires_at=tx.now + domain.STAFF_INVITATION_LIFE, used_at=None, person_id=None,
    )  # fmt: skip
    tx.session.add(invitation)
    return api.Invitation(
        invitation_id=invitation.invitation_id,
        code=code,
        link=f"{tx.extras['public_url']}/staff/join#{code}",
        expires_at=invitation.expires_at,
    )


def join_staff(tx: Tx, body: staff_api.JoinStaff) -> api.TotpSecret:
    """Accept an invitation. Its row is locked: it is used once. A repeat with the same password gets the same answer."""
    _lock_staff(tx)
    code_hash = domain.hash_of(body.invitation_code)
    wanted = select(StaffInvitation).where(StaffInvitation.code_hash == code_hash).with_for_update()
    invitation = tx.session.scalar(wanted)
    if invitation is None or invitation.email_hash != email_hash_of(tx, body.email):
        message = "There is no invitation with this code for this e-mail. Check both, or ask for a new one."
        raise counted(tx, Refused("unknown_invitation", message, status=404))
    domain.check_invitation(expires_at=invitation.expires_at, used_at=invitation.used_at, now=tx.now)
    if invitation.person_id is not None:
        living_person(tx, invitation.person_id)
        staff = tx.session.get_one(Staff, invitation.person_id)
        prove_password(tx, staff, body.password)
        return _totp_view(tx, staff)
    _check_email_free(tx, invitation.email_hash)
    role: RoleName = invitation.role  # type: ignore[assignment]
    staff = _take_on(tx, body.email, body.password, role, invitation.scope_id, by=invitation.invited_by)
    invitation.used_at, invitation.person_id = tx.now, staff.person_id
    return _totp_view(tx, staff)


def take_on_first_admin(tx: Tx, email: str, password: str) -> api.TotpSecret:
    """The installation's first administrator, for the command line. `uri` is what their code app reads.

    Raises Refused `admin_exists` once there is an administrator, `weak_password`, `email_taken`.
    """
    _lock_staff(tx)
    if tx.session.scalar(select(exists().where(Role.role == "admin", Role.revoked_at.is_(None)))):
        raise Refused("admin_exists", "There is an administrator already. Ask them for an invitation.")
    _check_email_free(tx, email_hash_of(tx, email))
    return _totp_view(tx, _take_on(tx, email, password, "admin", None, by=None))


def set_up_totp(tx: Tx, body: api.SetUpTotp) -> api.TotpSecret:
    """A code app for somebody without. Until its first code was used, asking again shows the same secret again."""
    staff = tx.session.get_one(Staff, signed_in(tx).person_id)
    prove_password(tx, staff, body.password)
    if staff.totp_step is not None:
        raise Refused("totp_set", "Your code app is set up already. Sign in with its codes.")
    if staff.totp_sealed is None:
        staff.totp_sealed = lock_of(tx, staff.person_id).seal("totp", new_totp_secret())
    return _totp_view(tx, staff)


def grant_role(tx: Tx, body: api.RoleHeld, person_id: UUID) -> staff_api.StaffLine:
    person = _whose_roles_change(tx, body, person_id)
    staff = tx.session.get_one(Staff, person_id)
    domain.check_totp_for(body.role, has_totp=staff.totp_sealed is not None)
    if _held(tx, person_id, body) is not None:
        raise Refused("role_held", "The person holds this role already.", {"role": body.role})
    grant(tx, person_id, body.role, body.scope_id, granted_by=tx.who.person_id)
    return _line(tx, person)


def revoke_role(tx: Tx, body: api.RoleHeld, person_id: UUID) -> staff_api.StaffLine:
    """The role ends now, with the person's sessions: tokens already out end within minutes."""
    person = _whose_roles_change(tx, body, person_id)
    role = _held(tx, person_id, body)
    if role is None:
        raise Refused("role_not_held", "The person does not hold this role. See which they hold.", {"role": body.role})
    role.revoked_at, role.revoked_by = tx.now, tx.who.person_id
    end_sessions(tx, person_id)
    tx.put(RoleRevoked(person_id=person_id, role=body.role, scope_id=body.scope_id))
    return _line(tx, person)


def list_staff(tx: Tx, query: Page) -> staff_api.StaffList:
    signed_in(tx)
    wanted = select(Person).join(Staff).where(after(query, Person.joined_at, Person.person_id))
    rows = list(tx.session.scalars(wanted.order_by(Person.joined_at, Person.person_id).limit(query.limit + 1)))
    shown = rows[: query.limit]
    roles = living_roles(tx, [row.person_id for row in shown])
    return staff_api.StaffList(
        staff=tuple(_line_of(row, [r for r in roles if r.person_id == row.person_id]) for row in shown),
        next_cursor=next_cursor(query, rows, lambda row: (row.joined_at, row.person_id)),
    )


def get_staff(tx: Tx, person_id: UUID) -> staff_api.StaffLine:
    signed_in(tx)
    return _line(tx, _of_staff(tx, person_id))


def look_up_staff(tx: Tx, body: staff_api.LookUpStaff) -> staff_api.StaffLine:
    """Who knows the e-mail finds the account; no list ever shows e-mails."""
    signed_in(tx)
    wanted = select(Person).join(Staff).where(Staff.email_hash == email_hash_of(tx, body.email))
    person = tx.session.scalar(wanted)
    if person is None:
        raise Refused("unknown_email", "Nobody on the staff has this e-mail. Invite them.", status=404)
    return _line(tx, person)


def count_roles(tx: Tx) -> staff_api.RoleCounts:
    signed_in(tx)
    counted_people = func.count(Role.person_id.distinct())
    rows = tx.session.execute(
        select(Role.role, counted_people).where(Role.revoked_at.is_(None)).group_by(Role.role).order_by(Role.role)
    )
    return staff_api.RoleCounts(counts=tuple(staff_api.RoleCount(role=role, people=n) for role, n in rows))


def _take_on(tx: Tx, email: str, password: str, role: RoleName, scope_id: UUID | None, *, by: UUID | None) -> Staff:
    domain.check_password(password, email)
    person = Person(
        person_id=tx.new_id(), organisation_id=None, adult=True, language=tx.city.languages[0], pin_hash=None,
        joined_at=tx.now, erased_at=None,
    )  # fmt: skip
    lock = take_on(tx, person, role, scope_id, granted_by=by)
    staff = Staff(
        person_id=person.person_id,
        email_hash=email_hash_of(tx, email),
        email_sealed=lock.seal("email", email.strip()),
        password_hash=hash_secret(password),
        totp_sealed=lock.seal("totp", new_totp_secret()) if role in domain.NEEDS_TOTP else None,
        totp_step=None,
    )
    tx.session.add(staff)
    return staff


def _totp_view(tx: Tx, staff: Staff) -> api.TotpSecret:
    if staff.totp_sealed is None:
        return api.TotpSecret(person_id=staff.person_id, uri=None)
    tx.session.flush()
    lock = lock_of(tx, staff.person_id)
    secret, email = lock.open("totp", staff.totp_sealed), lock.open("email", staff.email_sealed)
    return api.TotpSecret(person_id=staff.person_id, uri=totp_uri(secret, email=email, issuer=tx.city.name))


def _lock_staff(tx: Tx) -> None:
    tx.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": STAFF_LOCK})


def _whose_roles_change(tx: Tx, body: api.RoleHeld, person_id: UUID) -> Person:
    """The lock comes before the caller's session is looked at: whose role was revoked while waiting is refused."""
    _lock_staff(tx)
    admin = signed_in(tx)
    domain.check_not_oneself(admin.person_id, person_id)
    _check_role(tx, body.role, body.scope_id)
    return _of_staff(tx, person_id)


def _of_staff(tx: Tx, person_id: UUID) -> Person:
    person = living_person(tx, person_id)
    if tx.session.get(Staff, person_id) is None:
        raise not_found("person", person_id)
    return person


def _check_role(tx: Tx, role: RoleName, scope_id: UUID | None) -> None:
    domain.check_role(role, scope_id)
    if role == "coordinator" and tx.session.get(Organisation, scope_id) is None:
        raise not_found("organisation", scope_id)


def _check_email_free(tx: Tx, email_hash: str) -> None:
    if tx.session.scalar(select(exists().where(Staff.email_hash == email_hash))):
        raise Refused(
            "email_taken", "Somebody on the staff has this e-mail already. Look them up and grant them the role."
        )


def _held(tx: Tx, person_id: UUID, body: api.RoleHeld) -> Role | None:
    held = (r for r in living_roles(tx, [person_id]) if (r.role, r.scope_id) == (body.role, body.scope_id))
    return next(held, None)


def _line(tx: Tx, person: Person) -> staff_api.StaffLine:
    return _line_of(person, living_roles(tx, [person.person_id]))


def _line_of(person: Person, roles: list[Role]) -> staff_api.StaffLine:
    return staff_api.StaffLine(
        person_id=person.person_id, roles=tuple(map(role_view, roles)), joined_at=person.joined_at
    )
