"""What sponsors are told: ways to give, what a top-up's state means and what would work, and refusals in plain sentences."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext

from services.apis.city import City
from services.events.funding import Earmark
from services.kit.kinds import kind_name

_ = lazy_gettext

# way -> (name, what to expect, sign)
WAYS = {
    "card": (_("Bank card"), _("there at once"), "credit-card"),
    "sepa_debit": (_("SEPA direct debit"), _("there in about five days"), "landmark"),
    "bank_transfer": (_("Bank transfer"), _("we give you a reference"), "banknote"),
}

# state -> (words, sign, kind of badge, what it means and what would work)
STATES = {
    "open": (_("not finished"), "clock", "warn", _("Nothing was taken. The payment page stays open for a day.")),
    "transfer": (_("waiting for the transfer"), "clock", "info",
                 _("Send it from your bank. It is matched by its reference, usually on the day it arrives.")),
    "processing": (_("on its way"), "hourglass", "info", _("Your bank has been asked. This takes about five days.")),
    "settled": (_("arrived"), "circle-check", "ok",
                _("Thank you. From now on it backs coins. Watch what it becomes on your first page.")),
    "failed": (_("did not go through"), "circle-alert", "bad",
               _("Your bank said no, and nothing was taken. Try again, with another card or by bank transfer.")),
    "expired": (_("not finished in time"), "clock", "",
                _("The payment page was closed after a day, and nothing was taken. You can start again.")),
    "refunded": (_("sent back"), "undo-2", "", _("The money went back to you. Coins that were given with it stay good.")),
    "disputed": (_("objected to at the bank"), "flag", "warn",
                 _("Somebody objected at your bank, and it took money back. Coins that were given stay good. A mistake? Tell your bank.")),
}  # fmt: skip

REFUSALS = {
    "topup_amount_wrong": _("Write the amount in euros, from 5 to 1 000 000, like 250 or 250.50."),
    "unknown_neighbourhood": _("Choose one of the city’s neighbourhoods."),
    "too_much_for_method": _("This is more than a card or a debit can carry. A bank transfer takes it."),
    "only_bank_transfer": _("Cards and debits are not set up in this city yet. A bank transfer works."),
    "stripe_away": _("The payment page gives no answer. Nothing was taken. Try again in a moment, or choose a bank transfer."),
    "stripe_refused": _("The payment page cannot take this. Nothing was taken. Choose another way, or a bank transfer."),
    "stripe_key_refused": _("Cards and debits do not work right now. Nothing was taken. A bank transfer works."),
    "no_sponsor": _("Your account is not linked to a sponsor. Ask the scheme’s office to add it."),
}  # fmt: skip


def purpose_name(earmark: Earmark, city: City) -> str:
    """What a top-up is for, as its sponsor chose it."""
    places = [place.name for id_ in earmark.neighbourhood_ids if (place := city.neighbourhood(id_))]
    return ", ".join([*places, *map(kind_name, earmark.kinds)]) or str(gettext("Anywhere"))
