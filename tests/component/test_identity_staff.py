"""Staff: invited by e-mail, signed in with a password and a code app, and their roles."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from infra.wiring import Town
from services.apis import identity as api
from services.apis import identity_staff as staff_api
from services.apis.errors import Refused
from services.identity.handlers_staff import take_on_first_admin
from services.kit.ids import new_id
from tests.builders_identity import (
    PASSWORD,
    SignedIn,
    a_joined_volunteer,
    a_known_organisation,
    nobody,
    sign_in_staff,
    staff,
    the_admin,
    totp_now,
    until_waiting,
)

EMAIL = "lucia@valdarco.example"


def invite(town: Town, role: Any = "auditor", *, email: str = EMAIL, **more: Any) -> api.Invitation:
    body = staff_api.InviteStaff(email=email, role=role, **more)
    return the_admin(town).ask("identity", staff_api.POST_STAFF_INVITATION, body)


def accept(town: Town, invitation: api.Invitation, *, email: str = EMAIL, password: str = PASSWORD) -> api.TotpSecret:
    body = staff_api.JoinStaff(invitation_code=invitation.code, email=email, password=password)
    return nobody(town, staff_api.POST_STAFF_JOIN, body)


def sign_in(town: Town, **more: Any) -> api.SignedIn:
    return nobody(town, api.POST_STAFF_SESSION, api.StaffSignIn(**{"email": EMAIL, "password": PASSWORD, **more}))


def change(admin: SignedIn, who: SignedIn, role: Any, *, revoke: bool = False, **more: Any) -> staff_api.StaffLine:
    endpoint = staff_api.POST_ROLE_REVOKE if revoke else staff_api.POST_ROLE
    return admin.ask("identity", endpoint, api.RoleHeld(role=role, **more), person_id=who.person_id)


def test_there_is_one_first_administrator(town: Town) -> None:
    assert the_admin(town).ask("identity", api.GET_ME).roles == (api.RoleHeld(role="admin"),)
    with pytest.raises(Refused, match="admin_exists"), town.rooms["identity"].transaction() as tx:
        take_on_first_admin(tx, "another@valdarco.example", PASSWORD)
    assert town.check() == []


def test_an_auditor_accepts_with_a_password_and_sees_their_own_e_mail(town: Town) -> None:
    assert accept(town, invite(town)).uri is None
    auditor = sign_in_staff(town, EMAIL.upper())
    me = auditor.ask("identity", api.GET_ME)
    assert (me.email, me.nickname, me.has_totp) == (EMAIL, None, False)
    assert auditor.session.session_ends_at == town.clock.now() + timedelta(hours=12)


def test_finance_signs_in_with_the_code_app_and_each_code_once(town: Town) -> None:
    invitation = invite(town, "finance")
    uri = accept(town, invitation).uri
    assert uri is not None
    assert uri.startswith("otpauth://totp/Valdarco:")
    assert accept(town, invitation).uri == uri  # whose answer was lost asks again
    code = totp_now(town, uri)
    with pytest.raises(Refused, match="totp_needed"):
        sign_in(town)
    with pytest.raises(Refused, match="wrong_totp"):
        sign_in(town, totp="000000" if code != "000000" else "111111")
    assert sign_in(town, totp=code).roles == (api.RoleHeld(role="finance"),)
    with pytest.raises(Refused, match="totp_used"):
        sign_in(town, totp=code)
    town.clock.move_to(town.clock.now() + timedelta(seconds=30))  # type: ignore[attr-defined]
    assert sign_in(town, totp=totp_now(town, uri)).token
    assert town.check() == []


def test_an_unknown_e_mail_and_a_wrong_password_are_told_alike_and_make_wait_alike(town: Town) -> None:
    accept(town, invite(town))
    for email in (EMAIL, "nobody@valdarco.example"):
        for _ in range(6):
            with pytest.raises(Refused, match="wrong_password"):
                sign_in(town, email=email, password="not the password")
        with pytest.raises(Refused, match="too_many_tries"):
            sign_in(town, email=email)


def test_wrong_passwords_sent_at_the_same_moment_all_count(town: Town) -> None:
    def outcome(_: int) -> str:
        with pytest.raises(Refused) as refused:
            sign_in(town, email="nobody@valdarco.example", password="not the password")
        return refused.value.code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(outcome, range(10))) == ["too_many_tries"] * 4 + ["wrong_password"] * 6


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "Password123!", "lucia.valdarco", "123456qwerty!!"])
def test_a_password_others_would_guess_is_refused(town: Town, password: str) -> None:
    with pytest.raises(Refused, match="weak_password"):
        accept(town, invite(town), password=password)


def test_an_invitation_is_for_one_e_mail_once_and_the_newest_counts(town: Town) -> None:
    first, second = invite(town), invite(town)
    with pytest.raises(Refused, match="unknown_invitation"):
        accept(town, first)
    with pytest.raises(Refused, match="unknown_invitation"):
        accept(town, second, email="somebody.else@valdarco.example")
    accept(town, second)
    with pytest.raises(Refused, match="wrong_password"):
        accept(town, second, password="another long password of mine")
    town.clock.move_to(town.clock.now() + timedelta(minutes=16))  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="invitation_used"):
        accept(town, second)
    with pytest.raises(Refused, match="email_taken"):
        invite(town)


def test_an_invitation_to_a_role_expires(town: Town) -> None:
    invitation = invite(town)
    town.clock.move_to(invitation.expires_at)  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="invitation_expired"):
        accept(town, invitation)


def test_two_invitations_of_one_e_mail_accepted_at_once_make_one_account(town: Town) -> None:
    invitations = [invite(town), invite(town, "sponsor", scope_id=new_id())]

    def outcome(invitation: api.Invitation) -> str:
        try:
            return str(accept(town, invitation).person_id and "taken on")
        except Refused as refusal:
            return refusal.code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(outcome, invitations)) == ["email_taken", "taken on"]


@pytest.mark.parametrize(
    ("role", "scoped", "code"),
    [("cashier", True, "role_not_granted_here"), ("volunteer", False, "role_not_granted_here"), ("shop_owner", False, "scope_needed"),
     ("finance", True, "scope_not_used"), ("coordinator", True, "unknown_organisation")],
)  # fmt: skip
def test_roles_come_with_their_scope_and_only_from_where_they_are_given(
    town: Town, role: Any, scoped: bool, code: str
) -> None:
    with pytest.raises(Refused, match=code):
        invite(town, role, scope_id=new_id() if scoped else None)


def test_a_role_over_money_needs_a_code_app_first(town: Town) -> None:
    auditor, admin = staff(town, "auditor"), the_admin(town)
    with pytest.raises(Refused, match="totp_not_set"):
        change(admin, auditor, "finance")
    with pytest.raises(Refused, match="wrong_password"):
        auditor.ask("identity", api.POST_MY_TOTP, api.SetUpTotp(password="not my password"))
    first, again = (auditor.ask("identity", api.POST_MY_TOTP, api.SetUpTotp(password=PASSWORD)) for _ in range(2))
    assert first == again
    assert {r.role for r in change(admin, auditor, "finance").roles} == {"auditor", "finance"}
    assert auditor.email is not None
    with_app = sign_in_staff(town, auditor.email, first.uri)
    with pytest.raises(Refused, match="totp_set"):
        with_app.ask("identity", api.POST_MY_TOTP, api.SetUpTotp(password=PASSWORD))
    assert town.check() == []


def test_nobody_changes_their_own_roles(town: Town) -> None:
    admin = the_admin(town)
    for role, revoke in (("finance", False), ("admin", True)):
        with pytest.raises(Refused, match="own_role"):
            change(admin, admin, role, revoke=revoke)


def test_a_role_is_granted_once_and_revoked_once_and_its_sessions_end(town: Town) -> None:
    organisation_id = a_known_organisation(town)
    admin, auditor = the_admin(town), staff(town, "auditor")
    change(admin, auditor, "coordinator", scope_id=organisation_id)
    with pytest.raises(Refused, match="role_held"):
        change(admin, auditor, "coordinator", scope_id=organisation_id)
    auditor.renew()
    assert {r.role for r in auditor.session.roles} == {"auditor", "coordinator"}
    change(admin, auditor, "coordinator", revoke=True, scope_id=organisation_id)
    with pytest.raises(Refused, match="role_not_held"):
        change(admin, auditor, "coordinator", revoke=True, scope_id=organisation_id)
    with pytest.raises(Refused, match="session_ended"):
        auditor.ask("identity", api.GET_ME)
    assert auditor.email is not None
    assert sign_in_staff(town, auditor.email).session.roles == (api.RoleHeld(role="auditor"),)


def test_who_holds_no_role_any_more_is_told_so(town: Town) -> None:
    accept(town, invite(town))
    auditor = sign_in_staff(town, EMAIL)
    change(the_admin(town), auditor, "auditor", revoke=True)
    with pytest.raises(Refused, match="no_role"):
        sign_in(town)


def test_two_administrators_revoking_each_other_leave_one(town: Town) -> None:
    one, other = the_admin(town), staff(town, "admin")

    def revoke(pair: tuple[SignedIn, SignedIn]) -> str:
        try:
            return str(change(*pair, "admin", revoke=True) and "revoked")
        except Refused as refusal:
            return refusal.code

    with ThreadPoolExecutor(2) as pool:
        with town.rooms["identity"].engine.begin() as conn:
            conn.execute(text("SELECT FROM people FOR UPDATE"))
            outcomes = [pool.submit(revoke, pair) for pair in ((one, other), (other, one))]
            until_waiting(town, 2)
        assert sorted(outcome.result() for outcome in outcomes) == ["revoked", "session_ended"]
    assert town.check() == []


def test_a_volunteer_is_no_staff_and_an_unknown_person_nobody(town: Town) -> None:
    volunteer = a_joined_volunteer(town)
    with pytest.raises(Refused, match="unknown_person"):
        change(the_admin(town), volunteer, "auditor")
    with pytest.raises(Refused, match="unknown_person"):
        the_admin(town).ask("identity", staff_api.GET_STAFF_LINE, person_id=volunteer.person_id)
    volunteer.person_id = new_id()
    with pytest.raises(Refused, match="unknown_person"):
        change(the_admin(town), volunteer, "auditor")


def test_staff_are_found_by_the_e_mail_one_knows_and_listed_without(town: Town) -> None:
    accept(town, invite(town))
    admin = the_admin(town)
    found = admin.ask("identity", staff_api.POST_STAFF_LOOK_UP, staff_api.LookUpStaff(email=EMAIL))
    assert found.roles == (api.RoleHeld(role="auditor"),)
    with pytest.raises(Refused, match="unknown_email"):
        admin.ask("identity", staff_api.POST_STAFF_LOOK_UP, staff_api.LookUpStaff(email="no@valdarco.example"))
    assert admin.ask("identity", staff_api.GET_STAFF_LINE, person_id=found.person_id) == found
    listed = admin.ask("identity", staff_api.GET_STAFF).staff
    assert [line.person_id for line in listed] == [admin.person_id, found.person_id]
    counts = admin.ask("identity", staff_api.GET_ROLE_COUNTS).counts
    assert {c.role: c.people for c in counts} == {"admin": 1, "auditor": 1}


def test_a_new_password_needs_the_old_one_and_ends_every_other_session(town: Town) -> None:
    accept(town, invite(town))
    here, elsewhere = sign_in_staff(town, EMAIL), sign_in_staff(town, EMAIL)
    new = "seven quiet bicycles home"
    for body, code in (
        (api.ChangePassword(password="not my password", new_password=new), "wrong_password"),
        (api.ChangePassword(password=PASSWORD, new_password="too short"), "weak_password"),
    ):
        with pytest.raises(Refused, match=code):
            here.ask("identity", api.POST_MY_PASSWORD, body)
    here.ask("identity", api.POST_MY_PASSWORD, api.ChangePassword(password=PASSWORD, new_password=new))
    with pytest.raises(Refused, match="session_ended"):
        elsewhere.renew()
    assert sign_in(town, password=new).person_id == here.person_id
