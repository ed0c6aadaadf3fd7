"""Decisions about shops, codes, sales and voids: pure, the clock and the facts are arguments. Amounts are integer euro cents."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from services.apis.city import SaleLimits
from services.apis.errors import Refused
from services.apis.redemption import Opening

PAIRING_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no 0 and O, no 1 and I: they look alike
PAIRING_LENGTH = 8
PAIRING_LIFE = timedelta(minutes=15)
TILL_LIFE = timedelta(days=400)
PAYMENT_PREFIX = "pay."
CHECK_IN_SHAPE = re.compile("[A-Za-z0-9_-]{40}")  # as attendance's codes look, at the end of their link
CODE_KEPT = timedelta(days=1)
LINK_KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Agreement:
    """The days a shop takes coins, both included, unless it was closed."""

    signed_on: date
    ends_on: date | None
    closed: bool


@dataclass(frozen=True)
class Code:
    """The state of a payment code."""

    expires_at: datetime
    used: bool
    replaced: bool


@dataclass(frozen=True)
class Fund:
    """Where a fund's coins may be spent; empty means anywhere."""

    fund_id: UUID
    neighbourhood_ids: frozenset[str]


@dataclass(frozen=True)
class SaleFacts:
    """What a sale is decided on. `took_part`: the neighbourhoods where the person has taken part."""

    amount_cents: int
    now: datetime
    day: date
    code: Code
    agreement: Agreement
    shop_neighbourhoods: tuple[str, ...]
    took_part: frozenset[str]
    spent_today_cents: int


@dataclass(frozen=True)
class SaleTerms:
    """Under what a sale is posted: the neighbourhood it counts for, and the funds whose coins may pay (None: of any)."""

    neighbourhood_id: str
    fund_ids: tuple[UUID, ...] | None


def euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def check_agreement_days(signed_on: date, ends_on: date | None) -> None:
    """Refuse an agreement that ends before it is signed."""
    if ends_on is not None and ends_on < signed_on:
        raise Refused(
            "agreement_days_wrong",
            "An agreement ends on the day it is signed or later. Correct one of the two dates.",
            {"signed_on": str(signed_on), "ends_on": str(ends_on)},
            status=422,
        )


def check_opening(opening: Sequence[Opening]) -> None:
    """Refuse hours that close before they open (past midnight is two entries)."""
    for hours in opening:
        if hours.closes <= hours.opens:
            raise Refused(
                "opening_wrong",
                "A shop closes later than it opens. Write hours past midnight as two entries.",
                {"weekday": hours.weekday, "opens": str(hours.opens), "closes": str(hours.closes)},
                status=422,
            )


def typed(pairing_code: str) -> str:
    """A pairing code as a person typed it, brought to its one form: `abcd-2345` is `ABCD2345`."""
    return pairing_code.upper().replace(" ", "").replace("-", "")


def check_agreement(agreement: Agreement, day: date) -> None:
    """Refuse a sale on a day the shop's agreement does not cover (PSD2 art. 3(k)(iii): signed before the first sale)."""
    if agreement.closed:
        raise Refused(
            "shop_closed", "This shop no longer takes coins. The customer finds other shops in the volunteer app."
        )
    if day < agreement.signed_on:
        raise Refused(
            "shop_closed",
            f"This shop takes coins from {agreement.signed_on.isoformat()} on. Try again that day.",
            {"signed_on": str(agreement.signed_on)},
        )
    if agreement.ends_on is not None and day > agreement.ends_on:
        raise Refused(
            "shop_closed",
            f"This shop's agreement ended on {agreement.ends_on.isoformat()}. The city can renew it.",
            {"ends_on": str(agreement.ends_on)},
        )


def not_a_payment_code(text: str, *, card: bool) -> Refused:
    """The refusal for a text no payment code is known for. `card`: it is the code of a printed card."""
    if card:
        kind, what = "card", "a printed card"
    elif CHECK_IN_SHAPE.fullmatch(text.strip().rpartition("/")[2]):
        kind, what = "check_in", "a code for checking in at a shift"
    elif not text.startswith(PAYMENT_PREFIX):
        kind, what = "other", "some other code"
    else:
        return Refused(
            "unknown_code", "This payment code is not known. Ask the customer for a new one, and scan again."
        )
    return Refused(
        "foreign_code",
        f"This is {what}, not a payment code. Ask the customer to open Pay in the volunteer app.",
        {"kind": kind},
    )


def check_code(code: Code, *, now: datetime) -> None:
    """Refuse a payment code that was used, replaced by a newer one, or is past its time."""
    if code.used:
        raise Refused("code_used", "This code has paid already. For another purchase, ask the customer for a new one.")
    if code.replaced:
        raise Refused("code_replaced", "The customer has a newer code. Scan the one on the screen now.")
    if code.expires_at <= now:
        raise Refused(
            "code_expired",
            "This code is too old. Ask the customer for a new one, and scan again.",
            {"expired_at": code.expires_at.isoformat()},
        )


def check_amount(amount_cents: int, spent_today_cents: int, limits: SaleLimits) -> None:
    """Refuse an amount above the city's ceiling for one sale, or for one person and day."""
    if amount_cents > limits.per_sale_cents:
        raise Refused(
            "over_sale_limit",
            f"One purchase can take {euros(limits.per_sale_cents)} in coins at most. Take that, and the rest in cash.",
            {"limit_cents": limits.per_sale_cents},
        )
    left = max(0, limits.per_person_day_cents - spent_today_cents)
    if amount_cents > left:
        says = f"{euros(left)} can still be paid in coins today. Take that, and the rest in cash."
        raise Refused(
            "day_limit",
            says if left else "No more can be paid in coins today. Tomorrow it works again.",
            {"limit_cents": limits.per_person_day_cents, "left_cents": left},
        )


def meeting_place(shop: Sequence[str], took_part: frozenset[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """The neighbourhoods of the shop in which the person has taken part, in the shop's order.

    Refuses when there is none: coins are good in the neighbourhood where the team works. `names`: neighbourhood id -> name.
    """
    common = tuple(n for n in shop if n in took_part)
    if common:
        return common
    known = sorted(took_part & set(names))
    if not known:
        raise Refused(
            "other_neighbourhood",
            "No confirmed shift of this customer is known yet. If one was confirmed just now, try again in a moment.",
            {"works_in": []},
        )
    raise Refused(
        "other_neighbourhood",
        f"These coins work in shops of {' and '.join(names[n] for n in known)}.",
        {"works_in": [{"neighbourhood_id": n, "name": names[n]} for n in known]},
    )


def funds_for(common: Sequence[str], funds: Sequence[Fund]) -> tuple[UUID, ...] | None:
    """The funds whose coins may pay in these neighbourhoods; None when every fund's may."""
    fitting = [f for f in funds if not f.neighbourhood_ids or not f.neighbourhood_ids.isdisjoint(common)]
    return None if len(fitting) == len(funds) else tuple(sorted(f.fund_id for f in fitting))


def decide_sale(facts: SaleFacts, *, limits: SaleLimits, funds: Sequence[Fund], names: Mapping[str, str]) -> SaleTerms:
    """Whether a sale may be posted, and under what terms. Raises Refused with what would work instead."""
    check_agreement(facts.agreement, facts.day)
    check_code(facts.code, now=facts.now)
    common = meeting_place(facts.shop_neighbourhoods, facts.took_part, names)
    check_amount(facts.amount_cents, facts.spent_today_cents, limits)
    return SaleTerms(common[0], funds_for(common, funds))


def too_few_coins(amount_cents: int, payable_cents: int) -> Refused:
    """The refusal when the coins good here do not cover the amount: what they do cover, and the rest.

    The code stays good. `keep`: that the ledger has refused it once is remembered.
    """
    rest_cents = amount_cents - payable_cents
    return Refused(
        "not_enough_coins",
        f"{euros(payable_cents)} in coins, {euros(rest_cents)} in cash."
        if payable_cents
        else f"No coins are left for this shop. The whole {euros(rest_cents)} in cash.",
        {"payable_cents": payable_cents, "rest_cents": rest_cents},
        keep=True,
    )


def code_spoilt() -> Refused:
    """The refusal for a code an earlier try has left unusable, though nothing was paid with it."""
    return Refused("code_expired", "This code is no longer good. Ask the customer for a new one, and scan again.")


def void_too_late(day: date) -> Refused:
    """The refusal once the sale stands in a statement, or has been paid to the shop."""
    return Refused(
        "void_too_late",
        "This sale is in the shop's statement. Query the line there, and the city corrects it.",
        {"day": str(day)},
    )


def check_void(
    *, till_id: UUID, sold_at_till: UUID, day: date, voided: bool, settled: Sequence[tuple[date, date]]
) -> None:
    """Refuse a void by another till, a second one, or one of a sale in a statement. `settled`: periods, both days included."""
    if till_id != sold_at_till:
        raise Refused("other_till", "Another till made this sale. Void it there.", {"till_id": str(sold_at_till)})
    if voided:
        raise Refused("already_voided", "This sale is voided already: the coins are back with the customer.")
    if any(first <= day <= last for first, last in settled):
        raise void_too_late(day)
