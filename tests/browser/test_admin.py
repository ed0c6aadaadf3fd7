"""The administrator's screens: a programme and its rule, a shop and its till, and who may do what."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import expect

from infra.town import Town
from services.apis import awards, identity, redemption
from tests.browser.conftest import DESK, Visit
from tests.builders_identity import ADMIN, PASSWORD, a_known_organisation, staff, the_admin
from tests.stories.town_life import Cast, a_city_fund, take_part


def test_a_programme_is_opened_and_gets_a_rule_after_its_cost_was_seen(town: Town, visit: Visit) -> None:
    cast = Cast(town)
    a_city_fund(cast)
    take_part(cast, cast.volunteer("Amal"), cast.volunteer("Yonas"))
    page = visit(the_admin(town), "/admin/programmes/", size=DESK)
    page.get_by_role("link", name="Open a programme").click()
    page.get_by_label("Name").fill("Reading together")
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_role("status")).to_contain_text("Reading together is open.")
    page.goto(f"/admin/rules/{cast.programme_id}")
    expect(page.get_by_text("The city’s own rule. It holds where a programme has none.")).to_be_visible()
    page.get_by_role("link", name="Draft a new rule").click()
    page.get_by_label("How many coins").fill("7")
    page.get_by_role("button", name="See what it would have cost").click()
    figures = page.locator(".figs")
    expect(figures).to_contain_text("€10.00")  # two people, five coins each
    expect(figures).to_contain_text("€14.00")
    expect(page.get_by_role("row", name=re.compile("Le Querce.*€10.00.*€14.00"))).to_be_visible()
    page.get_by_label("Which act sets it").fill("Determina n. 12/2026")
    page.get_by_role("button", name="Set the rule").click()
    expect(page.get_by_role("status")).to_contain_text("It starts on its day by itself.")
    expect(page.get_by_role("row", name=re.compile("7 coins.*Determina.*starts later"))).to_be_visible()
    [rule] = the_admin(town).ask("awards", awards.GET_RULES).rules
    assert (rule.coins, rule.valid_from.day, rule.form) == (7, 1, "per_participation")


def test_a_second_rule_from_the_same_day_is_refused_beside_its_form(town: Town, visit: Visit) -> None:
    cast = Cast(town)
    today = town.city.day_of(town.clock.now())
    rule = awards.SetRule(
        programme_id=cast.programme_id, form="per_participation", coins=4, valid_from=today + timedelta(days=7), legal_basis="D. 1"
    )  # fmt: skip
    the_admin(town).ask("awards", awards.POST_RULE, rule)
    page = visit(the_admin(town), f"/admin/rules/{cast.programme_id}/cost?form=per_participation&coins=6&weeks=4")
    expect(page.get_by_text("Nobody took part in these weeks")).to_be_visible()
    page.get_by_label("From which day").fill(rule.valid_from.isoformat())
    page.get_by_label("Which act sets it").fill("Determina n. 13/2026")
    page.get_by_role("button", name="Set the rule").click()
    expect(page.get_by_role("alert")).to_contain_text("starts on that day already. Choose another day.")
    expect(page.get_by_label("Which act sets it")).to_have_value("Determina n. 13/2026")


def test_a_ceiling_is_set_with_its_act_from_a_day_on(town: Town, visit: Visit) -> None:
    today = town.city.day_of(town.clock.now())
    page = visit(the_admin(town), "/admin/rules/", size=DESK)
    page.get_by_role("link", name="Set a ceiling").click()
    page.get_by_role("radio", name="A month").check(force=True)
    page.get_by_label("Amount in euro").fill("a lot")
    page.get_by_label("Which act sets it").fill("Delibera n. 7/2026")
    page.get_by_role("button", name="Set the ceiling").click()
    expect(page.get_by_role("alert")).to_contain_text("Write the amount in euros, up to 10,000.")
    expect(page.get_by_role("radio", name="A month")).to_be_checked()
    page.get_by_label("Amount in euro").fill("120,50")
    page.get_by_role("button", name="Set the ceiling").click()
    expect(page.get_by_role("status")).to_contain_text("The ceiling is set. It holds from")
    expect(page.get_by_role("row", name=re.compile("A month.*Delibera.*set on.*€120.50.*from"))).to_be_visible()
    [cap] = [one for one in the_admin(town).ask("awards", awards.GET_ALL_CAPS).caps if one.since > today]
    assert (cap.cap, cap.amount_cents, cap.since.day) == ("month", 12_050, 1)


def test_a_shop_is_registered_gets_a_till_and_its_agreement_is_ended(town: Town, visit: Visit) -> None:
    page = visit(the_admin(town), "/admin/shops/", size=DESK)
    expect(page.get_by_text("No shop yet.")).to_be_visible()
    page.get_by_role("link", name="Register a shop").click()
    page.get_by_label("Name of the shop").fill("Panificio Sole")
    page.get_by_label("Where the paper is filed").fill("PG 2026/118")
    page.get_by_role("button", name="Register the shop").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose at least one neighbourhood")
    page.get_by_role("checkbox", name="Le Querce").check(force=True)
    page.get_by_label("Monday, opens", exact=True).fill("07:00")
    page.get_by_label("Monday, closes", exact=True).fill("13:30")
    page.get_by_role("button", name="Register the shop").click()
    expect(page.get_by_role("status")).to_contain_text("Panificio Sole is registered.")
    expect(page.get_by_text("Filed as PG 2026/118")).to_be_visible()
    expect(page.get_by_text("07:00–13:30")).to_be_visible()
    page.get_by_role("button", name="Code for a new till").click()
    code = page.locator(".typed").inner_text()
    pair = redemption.PairTill(pairing_code=code.lower(), name="front")
    town.client("redemption").call(redemption.POST_TILL, pair)
    page.get_by_role("link", name="Panificio Sole").click()
    expect(page.get_by_text("front")).to_be_visible()
    page.get_by_role("link", name="End the agreement").click()
    page.get_by_role("button", name="End it now").click()
    expect(page.get_by_role("status")).to_contain_text("Its tills take no more coins.")
    page.get_by_role("link", name="Shops").first.click()
    expect(page.get_by_role("row", name=re.compile("Panificio Sole.*closed"))).to_be_visible()


def test_an_invited_coordinator_joins_and_signs_in_with_the_link_alone(town: Town, visit: Visit) -> None:
    a_known_organisation(town, "Mani in Comune")
    page = visit(the_admin(town), "/admin/programmes/")
    page.get_by_role("link", name="Invite a coordinator").click()
    expect(page.get_by_label("Of which organisation")).to_contain_text("Mani in Comune")
    page.get_by_label("E-mail").fill("nadia@valdarco.example")
    page.get_by_role("button", name="Make the invitation").click()
    link = page.get_by_label("Link for the first sign-in", exact=True).input_value()
    expect(page.get_by_role("img", name="Code with the link for the first sign-in")).to_be_visible()
    theirs = visit(None, link)
    theirs.get_by_label("E-mail").fill("nadia@valdarco.example")
    theirs.get_by_label("Choose a password").fill(PASSWORD)
    theirs.get_by_role("button", name="Go on").click()
    theirs.get_by_role("link", name="Sign in").click()
    theirs.get_by_label("E-mail").fill("nadia@valdarco.example")
    theirs.get_by_label("Password").fill(PASSWORD)
    theirs.get_by_role("button", name="Sign in").click()
    expect(theirs.get_by_role("button", name="Sign out")).to_be_visible()
    page.goto("/admin/people/")
    expect(page.get_by_text("Coordinator · Mani in Comune")).to_be_visible()


def test_a_sponsor_is_registered_before_somebody_is_invited_to_act_for_it(town: Town, visit: Visit) -> None:
    page = visit(the_admin(town), "/admin/people/invite?role=sponsor")
    expect(page.get_by_text("There is none yet that this role could be of.")).to_be_visible()
    page.get_by_role("link", name="Register a sponsor").click()
    page.get_by_label("Name").fill("Torrefazione Arco")
    page.get_by_role("button", name="Register it").click()
    expect(page.get_by_role("status")).to_contain_text("Torrefazione Arco is registered.")
    page.get_by_label("E-mail").fill("arco@valdarco.example")
    page.get_by_role("button", name="Make the invitation").click()
    expect(page.get_by_role("heading", name="The invitation is ready")).to_be_visible()


def test_a_role_is_granted_and_ended_by_somebody_else(town: Town, visit: Visit) -> None:
    paolo = staff(town, "auditor", email="paolo@valdarco.example")
    a_known_organisation(town, "Mani in Comune")
    page = visit(the_admin(town), "/admin/people/")
    page.get_by_label("E-mail").fill("paolo@valdarco.example")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Coordinator").click()
    page.get_by_role("button", name="Grant it").click()
    expect(page.get_by_role("status")).to_contain_text("The role is theirs")
    page.get_by_role("link", name="Finance").click()
    page.get_by_role("button", name="Grant it").click()
    expect(page.get_by_role("alert")).to_contain_text("This role needs a code app.")
    page.get_by_role("listitem").filter(has_text="Coordinator · Mani in Comune").get_by_role(
        "link", name="End it"
    ).click()
    page.get_by_role("button", name="End it now").click()
    expect(page.get_by_text("Coordinator · Mani in Comune")).to_be_hidden()
    assert the_admin(town).person_id != paolo.person_id


def test_nobody_changes_their_own_roles_and_reads_why(town: Town, visit: Visit) -> None:
    admin = the_admin(town)
    page = visit(admin, "/admin/people/")
    page.get_by_label("E-mail").fill(ADMIN)
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("These are your own roles, and nobody changes their own.")).to_be_visible()
    expect(page.get_by_role("heading", name="Grant a role")).to_be_hidden()
    sent = page.request.post(
        f"/admin/people/{admin.person_id}/grant", form={"role": "finance"}, headers={"Accept": "text/html"}
    )
    assert sent.status == 403
    assert "Ask another administrator." in sent.text()
    held = admin.ask("identity", identity.GET_ME).roles
    assert [one.role for one in held] == ["admin"]
