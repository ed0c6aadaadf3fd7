"""What an administrator can ask of identity: invite staff, grant and revoke roles. Nobody changes their own."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from services.apis.endpoint import PUBLIC, Endpoint, Page, Role
from services.apis.identity import Code, Email, Invitation, Password, RoleHeld, TotpSecret


class InviteStaff(Struct, frozen=True, kw_only=True):
    """`scope_id`: the organisation of a coordinator, the shop of an owner, the sponsor of a sponsor."""

    email: Email
    role: Role
    scope_id: UUID | None = None


class JoinStaff(Struct, frozen=True, kw_only=True):
    """`email`: the one that was invited; until now only its keyed hash was kept."""

    invitation_code: Code
    email: Email
    password: Password


class StaffLine(Struct, frozen=True, kw_only=True):
    person_id: UUID
    roles: tuple[RoleHeld, ...]
    joined_at: datetime


class StaffList(Struct, frozen=True, kw_only=True):
    staff: tuple[StaffLine, ...]
    next_cursor: str | None = None


class LookUpStaff(Struct, frozen=True, kw_only=True):
    email: Email


class RoleCount(Struct, frozen=True, kw_only=True):
    role: str
    people: int


class RoleCounts(Struct, frozen=True, kw_only=True):
    counts: tuple[RoleCount, ...]


POST_STAFF_INVITATION = Endpoint(
    method="POST", path="/staff/invitations", summary="Invite somebody to a role", allow=("admin",), keyless=True,
    request=InviteStaff, answer=Invitation, status=201,
    errors=("email_taken", "role_not_granted_here", "scope_needed", "scope_not_used", "unknown_organisation"),
)  # fmt: skip
POST_STAFF_JOIN = Endpoint(
    method="POST", path="/staff/join", summary="Accept an invitation to a role", allow=(PUBLIC,), keyless=True,
    request=JoinStaff, answer=TotpSecret, status=201,
    errors=("unknown_invitation", "invitation_expired", "invitation_used", "weak_password", "wrong_password", "email_taken",
            "too_many_tries"),
)  # fmt: skip
GET_STAFF = Endpoint(
    method="GET",
    path="/staff",
    summary="Staff and their roles",
    allow=("admin", "auditor"),
    query=Page,
    answer=StaffList,
)
GET_STAFF_LINE = Endpoint(
    method="GET", path="/staff/{person_id:uuid}", summary="A member of staff and their roles", allow=("admin", "auditor"),
    answer=StaffLine, errors=("unknown_person",),
)  # fmt: skip
POST_STAFF_LOOK_UP = Endpoint(
    method="POST", path="/staff/look-up", summary="Find a member of staff by e-mail", allow=("admin",), keyless=True,
    request=LookUpStaff, answer=StaffLine, errors=("unknown_email",),
)  # fmt: skip
POST_ROLE = Endpoint(
    method="POST", path="/people/{person_id:uuid}/roles", summary="Grant a role", allow=("admin",), request=RoleHeld, answer=StaffLine,
    status=201,
    errors=("unknown_person", "own_role", "role_held", "totp_not_set", "role_not_granted_here", "scope_needed", "scope_not_used",
            "unknown_organisation"),
)  # fmt: skip
POST_ROLE_REVOKE = Endpoint(
    method="POST", path="/people/{person_id:uuid}/roles/revoke", summary="Revoke a role; the person's sessions end", allow=("admin",),
    request=RoleHeld, answer=StaffLine, errors=("unknown_person", "own_role", "role_not_held", "role_not_granted_here"),
)  # fmt: skip
GET_ROLE_COUNTS = Endpoint(
    method="GET", path="/roles", summary="How many people hold each role", allow=("admin", "auditor"), answer=RoleCounts
)
