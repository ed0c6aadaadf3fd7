"""The people of the demo town, and the services, in a few words each."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from infra.demo.view import Person

PEOPLE = (
    Person(
        key="volunteer",
        name="Amal",
        role=_("volunteer"),
        does=_("She cares for the park with her team, sees the coins arrive, and spends them at the bakery."),
        link_text=_("See her coins"),
        icon="smartphone",
        can=(
            _("Sign up for a shift, or just come along."),
            _("Scan in at the place, and scan out again."),
            _("Show a code in a shop and use her coins."),
            _("Say so if her hours are not right."),
        ),
    ),
    Person(
        key="cashier",
        name="Dario",
        role=_("cashier"),
        does=_("He keys the amount, scans the code, and it turns green. If coins are short, he reads what would work."),
        link_text=_("Stand at the till"),
        icon="calculator",
        can=(
            _("Take coins for anything the shop sells."),
            _("Undo a sale at the same till."),
            _("Take a part in coins and the rest in cash."),
            _("See what the town owes the shop, and since when."),
        ),
    ),
    Person(
        key="coordinator",
        name="Nadia",
        role=_("coordinator"),
        does=_("She takes attendance of thirty people in a minute, confirms their hours, and settles a dispute."),
        link_text=_("See her shifts"),
        icon="clipboard-check",
        can=(
            _("Publish a shift with a place, a time and a number of people."),
            _("Check people in by code, by card or by name."),
            _("Confirm a whole shift, with exceptions."),
            _("Answer a dispute. Nobody confirms their own hours."),
        ),
    ),
    Person(
        key="finance",
        name="Lucia",
        role=_("finance officer"),
        does=_("She approves the month. You will see why she cannot also release it."),
        link_text=_("See the money"),
        icon="landmark",
        can=(
            _("Approve what another person has prepared."),
            _("Hand a payment file to the bank with two colleagues."),
            _("Read the bank’s answer and see what it closed."),
            _("Show an auditor each step of each euro."),
        ),
    ),
    Person(
        key="sponsor",
        name="Torrefazione Arco",
        role=_("sponsor"),
        does=_("A coffee roaster gives money for coins, and watches what it becomes."),
        link_text=_("See what it became"),
        icon="building-2",
        can=(
            _("Give by card, direct debit or bank transfer."),
            _("Choose a neighbourhood or a kind of activity."),
            _("See hours, places and shops. Never names."),
        ),
    ),
    Person(
        key="admin",
        name="Rita",
        role=_("scheme administrator"),
        does=_("She sets what a shift is thanked with, and where the limits are."),
        link_text=_("See the rules"),
        icon="sliders-horizontal",
        can=(
            _("Open a programme and give it its own rule."),
            _("See what a rule would cost before it counts."),
            _("Say who may do what. Even she may not prepare and release the same money."),
        ),
    ),
    Person(
        key="auditor",
        name="Ettore",
        role=_("auditor"),
        does=_("He picks one coin, follows it back to its hour, and on to the bank’s line."),
        link_text=_("Follow a coin"),
        icon="shield-check",
        can=(
            _("Read everything, change nothing."),
            _("Prove that every coin comes from a real hour."),
            _("Prove that every euro left for a real sale."),
        ),
    ),
    Person(
        key="everyone",
        name=_("Everyone"),
        role=_("the public"),
        does=_("What did it do for my street? Figures, and the data to check them."),
        link_text=_("See what it did"),
        icon="globe",
        can=(
            _("See what was done in each neighbourhood."),
            _("Take the data along and count again."),
            _("Be sure that no person can be recognised in it."),
        ),
    ),
)

_ROOMS = {
    "events": _("All that happens in town, as the services tell each other."),
    "identity": _("Who is who: invitations, cards, sign-in. Names stay locked up."),
    "shifts": _("Programmes, activities, shifts, and who signed up."),
    "attendance": _("Who was there, confirmed or disputed."),
    "awards": _("The rules that turn confirmed hours into coins."),
    "ledger": _("The books: every coin, from the fund to the shop."),
    "redemption": _("Shops, tills and sales."),
    "reimbursement": _("What the town owes each shop, and the bank’s answer."),
    "funding": _("Funds, sponsors and their money."),
    "impact": _("What it did, in figures for everyone."),
}


def room_sentence(room: str) -> str:
    """What a service is for, in one sentence."""
    return str(_ROOMS[room])
