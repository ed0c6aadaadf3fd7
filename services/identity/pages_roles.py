"""Who may do what: the administrator invites staff, grants and revokes roles. Nobody changes their own.

Lists hold no names: who knows an e-mail finds the account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from services.apis import funding_sponsor, identity, redemption, shifts
from services.apis import identity_staff as api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.kit.every import every
from services.kit.screens import ask, ask_together, done, form_key, only, read_form, visit
from services.kit.words import say

ADMIN = "admin"
A_PAGE = 25
pages = Blueprint("roles", __name__, url_prefix="/admin/people", template_folder="templates")


@dataclass(frozen=True)
class Role:
    """A role an administrator gives: its name, what it may do, its sign, and of what it is (an organisation, a shop, a sponsor)."""

    key: str
    name: str
    does: str
    sign: str
    of: str = ""


ROLES = {
    one.key: one
    for one in (
        Role("coordinator", lazy_gettext("Coordinator"), lazy_gettext("Publishes shifts and confirms who was there, for one organisation."),
             "clipboard-check", lazy_gettext("Of which organisation")),
        Role("shop_owner", lazy_gettext("Shop owner"), lazy_gettext("Sees the shop’s sales, confirms its statements, pairs its tills."),
             "store", lazy_gettext("Of which shop")),
        Role("sponsor", lazy_gettext("Sponsor"), lazy_gettext("Gives money and sees what it became."),
             "sprout", lazy_gettext("Of which sponsor")),
        Role("finance", lazy_gettext("Finance"), lazy_gettext("Prepares, approves or releases: never two of them for one payment."),
             "banknote"),
        Role("auditor", lazy_gettext("Auditor"), lazy_gettext("Reads everything and changes nothing."), "shield-check"),
        Role("admin", lazy_gettext("Administrator"), lazy_gettext("Programmes, rules, shops and roles."), "sliders-horizontal"),
    )
}  # fmt: skip
OTHERS = {"volunteer": lazy_gettext("Volunteers"), "cashier": lazy_gettext("Cashiers")}
Choices = list[tuple[str, str]]

say(
    pages,
    {
        "own_role": lazy_gettext("These are your own roles, and nobody changes their own. Ask another administrator."),
        "email_taken": lazy_gettext("Somebody here has this e-mail already. Find them by it, and grant them the role."),
        "unknown_email": lazy_gettext("Nobody who works for the scheme has this e-mail. Check it, or invite them."),
        "role_held": lazy_gettext("They hold this role already."),
        "role_not_held": lazy_gettext("They do not hold this role any more."),
        "totp_not_set": lazy_gettext("This role needs a code app. Ask them to set one up in their account first."),
        "role_not_granted_here": lazy_gettext("This role is not given here: a volunteer joins, a till is paired by its shop."),
        "scope_needed": lazy_gettext("Say of which organisation, shop or sponsor."),
        "scope_not_used": lazy_gettext("This role is for the whole scheme. Choose no organisation, shop or sponsor."),
        "unknown_organisation": lazy_gettext("This organisation is not known here yet. Try again in a moment."),
    }
)  # fmt: skip


def named(held: identity.RoleHeld, names: Mapping[str, str]) -> str:
    """`Coordinator, Mani in Comune`."""
    role = str(ROLES[held.role].name) if held.role in ROLES else str(OTHERS[held.role])
    of = names.get(str(held.scope_id)) if held.scope_id else None
    return f"{role} · {of}" if of else role


pages.add_app_template_global(named, "role_words")


@pages.get("/")
@only(ADMIN)
def roles() -> ResponseReturnValue:
    return _roles_page()


@pages.post("/find")
@only(ADMIN)
def find() -> ResponseReturnValue:
    """By e-mail, which stays out of addresses and logs."""
    try:
        found = ask("identity", api.POST_STAFF_LOOK_UP, read_form(api.LookUpStaff))
    except Refused as refusal:
        if refusal.status in (401, 403):
            raise
        return _roles_page(refusal)
    return done(url_for(".person", person_id=found.person_id))


@pages.route("/invite", methods=["GET", "POST"])
@only(ADMIN)
def invite() -> ResponseReturnValue:
    role = ROLES.get(request.values.get("role", ""))
    refusal = None
    if request.method == "POST" and role:
        try:
            made = ask("identity", api.POST_STAFF_INVITATION, read_form(api.InviteStaff))
            return render_template("roles/invited.html", made=made, role=role)
        except Refused as refused:
            refusal = refused
    chosen = request.form.get("scope_id") or request.args.get("scope", "")
    page = render_template(
        "roles/invite.html", roles=ROLES.values(), role=role, choices=_choices(role), chosen=chosen, refusal=refusal
    )
    return page, refusal.status if refusal else 200


@pages.get("/<uuid:person_id>")
@only(ADMIN)
def person(person_id: UUID, refusal: Refused | None = None) -> ResponseReturnValue:
    line = ask("identity", api.GET_STAFF_LINE, person_id=person_id)
    role = ROLES.get(request.values.get("role", ""))
    page = render_template(
        "roles/person.html", line=line, names=known_names(), mine=str(person_id) == visit().who.id, roles=ROLES.values(), role=role,
        choices=_choices(role), refusal=refusal,
    )  # fmt: skip
    return page, refusal.status if refusal else 200


@pages.post("/<uuid:person_id>/grant")
@only(ADMIN)
def grant(person_id: UUID) -> ResponseReturnValue:
    try:
        held = read_form(identity.RoleHeld)
        ask("identity", api.POST_ROLE, held, key=form_key(), person_id=person_id)
    except Refused as refusal:
        if refusal.status in (401, 404):
            raise
        return person(person_id, refusal)
    return done(url_for(".person", person_id=person_id), _("The role is theirs from their next sign-in on."))


@pages.route("/<uuid:person_id>/revoke", methods=["GET", "POST"])
@only(ADMIN)
def revoke(person_id: UUID) -> ResponseReturnValue:
    if request.method == "POST":
        ask("identity", api.POST_ROLE_REVOKE, read_form(identity.RoleHeld), key=form_key(), person_id=person_id)
        return done(url_for(".person", person_id=person_id), _("The role is ended, and they are signed out."))
    line = ask("identity", api.GET_STAFF_LINE, person_id=person_id)
    asked = (request.args.get("role"), request.args.get("scope_id"))
    held = next((one for one in line.roles if (one.role, str(one.scope_id) if one.scope_id else None) == asked), None)
    if held is None:
        raise Refused("role_not_held", "The person does not hold this role.", status=409)
    return render_template("roles/revoke.html", line=line, held=held, names=known_names())


def known_names() -> dict[str, str]:
    """As `names`; none while one of the services is away: a role can be read without."""
    found: dict[str, str] = ask_together(names=names).get("names", {})
    return found


def names() -> dict[str, str]:
    """What every organisation, shop and sponsor is called, by its id."""
    sources: tuple[Callable[[], Choices], ...] = (_organisations, _shops, _sponsors)
    return {id_: name for source in sources for id_, name in source()}


def _choices(role: Role | None) -> Choices:
    """What a role can be of, by name."""
    sources: dict[str, Callable[[], Choices]] = {
        "coordinator": _organisations,
        "shop_owner": _shops,
        "sponsor": _sponsors,
    }
    source = sources.get(role.key) if role else None
    return sorted(source(), key=lambda one: one[1].casefold()) if source else []


def _organisations() -> Choices:
    return [(str(one.organisation_id), one.name) for one in ask("shifts", shifts.GET_ORGANISATIONS).organisations]


def _shops() -> Choices:
    query = redemption.ShopQuery(also_ended=True)
    return [(str(one.shop_id), one.name) for one in every("redemption", redemption.GET_SHOPS, "shops", query)]


def _sponsors() -> Choices:
    return [(str(one.sponsor_id), one.name) for one in ask("funding", funding_sponsor.GET_SPONSORS).sponsors]


def _roles_page(refusal: Refused | None = None) -> ResponseReturnValue:
    page = Page(cursor=request.args.get("after"), limit=A_PAGE)
    parts = ask_together(
        counts=lambda: ask("identity", api.GET_ROLE_COUNTS), staff=lambda: ask("identity", api.GET_STAFF, query=page), names=names
    )  # fmt: skip
    told = render_template(
        "roles/roles.html", parts=parts, refusal=refusal, roles=ROLES, others=OTHERS, me=visit().who.id
    )
    return told, refusal.status if refusal else 200
