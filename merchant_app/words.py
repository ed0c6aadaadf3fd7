"""What a shop is told: states of money on its way, and for each refusal of a till what happened and what would work."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from services.apis.errors import Refused
from services.kit.i18n import day, euros
from services.kit.words import in_words

# state -> (words, sign, kind of badge)
STATEMENT_STATES = {
    "open": (lazy_gettext("to confirm"), "pencil", "warn"),
    "queried": (lazy_gettext("the city looks at a line"), "message-circle", "info"),
    "claimed": (lazy_gettext("confirmed"), "check", "ok"),
}
CLAIM_STATES = {
    "payable": (lazy_gettext("waits for the city’s next transfer"), "hourglass", "info"),
    "in_batch": (lazy_gettext("the city prepares the transfer"), "hourglass", "info"),
    "ordered": (lazy_gettext("on its way to your bank"), "landmark", "info"),
    "paid": (lazy_gettext("arrived"), "check", "ok"),
    "closed": (lazy_gettext("nothing left to send"), "check", ""),
}
BLOCKED = {
    "no_iban": lazy_gettext("We do not know your bank account yet. Tell us, and the money can go out."),
    "iban_not_approved": lazy_gettext("Your new bank account waits for a second person in the city’s office."),
    "void_waits": lazy_gettext("A sale was undone. It is being taken off first."),
}
TRANSFER_STATES = {
    "released": (lazy_gettext("on its way to your bank"), "landmark", "info"),
    "settled": (lazy_gettext("arrived"), "check", "ok"),
    "returned": (lazy_gettext("came back"), "undo-2", "bad"),
}
ACCOUNT_STATES = {
    "proposed": (lazy_gettext("waits for the city’s office"), "hourglass", "warn"),
    "approved": (lazy_gettext("in use"), "check", "ok"),
    "refused": (lazy_gettext("not accepted"), "circle-alert", "bad"),
    "replaced": (lazy_gettext("replaced"), "rotate-ccw", ""),
}

REFUSALS = {
    "pairing_code_wrong": lazy_gettext(
        "This pairing code is mistyped, used already, or older than 15 minutes. Ask the shop’s owner for a new one."
    ),
    "shop_closed": lazy_gettext("This shop takes no coins any more. Ask the scheme’s office."),
    "till_unpaired": lazy_gettext("This device is no till any more. Ask the shop’s owner for a pairing code."),
    "unknown_shop": lazy_gettext("This shop is not known. Open the page again from the start."),
    "unknown_statement": lazy_gettext("This statement is not known. Open it again from the list."),
    "unknown_line": lazy_gettext("This line is not on the statement. Open it again from the list."),
    "already_claimed": lazy_gettext("This statement is confirmed already. Ask the scheme’s office if a line is wrong."),
    "already_queried": lazy_gettext("This line is being looked at already. The answer will stand beside it."),
    "statement_queried": lazy_gettext("The city still looks at a line. You can confirm when the answer is there."),
    "unknown_till": lazy_gettext("This till is not known. Open the list again."),
    "iban_wrong": lazy_gettext("This IBAN has a typing mistake. Compare it with what your bank says."),
    "wrong_pin": lazy_gettext("These are not your pictures, or not in this order. Try again."),
    "too_many_tries": lazy_gettext("Too many tries. Wait a while, or ask your coordinator."),
    "payment_text_wrong": lazy_gettext("Write the holder’s name in Latin letters, as your bank has it."),
}

# A till's refusals: the headline, and what would work. Only the till's: other screens have other sentences for some of the codes.
_AT_THE_TILL = {
    "code_expired": (
        lazy_gettext("This code is too old"),
        lazy_gettext("Ask the customer for a new one, and scan again."),
    ),
    "code_used": (
        lazy_gettext("This code was used already"),
        lazy_gettext("Today shows whether it was this purchase. For another one, ask the customer for a new code."),
    ),
    "code_replaced": (
        lazy_gettext("The customer has a newer code"),
        lazy_gettext("Scan the one that is on the screen now."),
    ),
    "clock_wrong": (
        lazy_gettext("The clock of the customer’s phone is wrong"),
        lazy_gettext("With a connection, or the right time, their code works."),
    ),
    "unknown_code": (
        lazy_gettext("This code is not known"),
        lazy_gettext("Ask the customer for a new one, and scan again."),
    ),
    "card_revoked": (
        lazy_gettext("This card was replaced"),
        lazy_gettext("Ask the customer for the new one, and scan again."),
    ),
    "unknown_card": (lazy_gettext("This card is not known"), lazy_gettext("Scan the code on the card again.")),
    "amount_wrong": (lazy_gettext("The amount is missing"), lazy_gettext("Key it as on the price tag, such as 4.50.")),
    "invalid_request": (lazy_gettext("The code is missing"), lazy_gettext("Scan it, or type it, and try again.")),
    "unknown_sale": (lazy_gettext("This sale is not known here"), lazy_gettext("Look for it in Today.")),
    "other_till": (lazy_gettext("Another till made this sale"), lazy_gettext("Undo it there.")),
    "already_voided": (
        lazy_gettext("This sale is undone already"),
        lazy_gettext("The coins are back with the customer."),
    ),
    "void_too_late": (
        lazy_gettext("It is too late to undo this sale"),
        lazy_gettext("It is on the shop’s statement. The owner can query the line there."),
    ),
}
_FOREIGN = {
    "check_in": lazy_gettext("This is a code for checking in at a shift"),
    "other": lazy_gettext("This is some other code"),
}


def in_fours(iban: str) -> str:
    """`IT60 X054 2811 1010 0000 0123 456`, as banks print it."""
    return " ".join(iban[n : n + 4] for n in range(0, len(iban), 4))


def payable_of(refusal: Refused, amount_cents: int) -> int:
    """How many cents would work in coins instead, as far as the refusal says; 0: none."""
    said = [refusal.facts[name] for name in ("payable_cents", "left_cents", "limit_cents") if name in refusal.facts]
    return int(said[0]) if said and int(said[0]) < amount_cents else 0


def explained(refusal: Refused, amount_cents: int) -> tuple[str, str]:
    """For a till's full screen: what happened, and what would work."""
    facts, code = refusal.facts, refusal.code
    payable = payable_of(refusal, amount_cents)
    would_work = _("Nothing was taken. This would work:") if payable else ""
    if code == "not_enough_coins":
        amount = euros(amount_cents)
        if payable:
            return _("Not enough coins for %(amount)s", amount=amount), would_work
        return _("No coins for this shop"), _("Nothing was taken. The whole %(amount)s in cash.", amount=amount)
    if code == "over_sale_limit":
        limit = euros(int(facts["limit_cents"]))
        return _("At most %(amount)s in coins for one purchase", amount=limit), would_work
    if code == "day_limit":
        said = _("Today’s coins are used up"), _("Nothing was taken. Tomorrow it works again.")
        return (_("More than today’s coins allow"), would_work) if payable else said
    if code == "other_neighbourhood":
        return _other_neighbourhood(facts)
    if code == "foreign_code":
        headline = _FOREIGN.get(str(facts.get("kind")), _FOREIGN["other"])
        return str(headline), _("Ask the customer to open Pay in the volunteer app.")
    if code == "shop_closed":
        return _shop_closed(facts)
    if found := _AT_THE_TILL.get(code):
        return str(found[0]), str(found[1])
    return _("This did not work"), in_words(refusal)


def _other_neighbourhood(facts: dict[str, Any]) -> tuple[str, str]:
    names = ", ".join(place["name"] for place in facts.get("works_in", ()))
    if names:
        return _("These coins are for another neighbourhood"), _("They work in shops of %(names)s.", names=names)
    advice = _("If a shift was confirmed just now, try again in a moment.")
    return _("No confirmed shift of this customer is known yet"), advice


def _shop_closed(facts: dict[str, Any]) -> tuple[str, str]:
    if "signed_on" in facts:
        first = day(date.fromisoformat(facts["signed_on"]))
        return _("The shop takes no coins yet"), _("It does from %(day)s on.", day=first)
    return _("The shop takes no coins any more"), _("The shop’s owner can ask the scheme’s office.")
