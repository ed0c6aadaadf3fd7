"""Decisions about funds, purposes and who may say yes: pure. Amounts are integer euro cents, shares permille."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.apis.city import City
from services.apis.errors import Refused, not_found
from services.apis.funding import FundKind, OpenFund
from services.apis.funding_sponsor import Anywhere, ForKind, InNeighbourhood, Method, Purpose
from services.events.funding import Earmark

AMIF_MAX_PERMILLE = 750  # Regulation (EU) 2021/1147 art. 15
STRIPE_MAX_CENTS = 99_999_999  # docs.stripe.com/currencies: eight digits

RANK_OF_PURPOSE, RANK_ANYWHERE = 100, 200
"""Sponsors' money goes first, and money for one purpose before money for any; a city's fund stands behind, at 500 unless it says."""


@dataclass(frozen=True)
class FundFacts:
    """What decisions ask of a fund. `grants`: the open grants it pays the rest for. `on_their_way`: Stripe payments not decided yet."""

    kind: FundKind
    open: bool
    grants: int = 0
    on_their_way: int = 0


def check_earmark(earmark: Earmark, city: City) -> Earmark:
    """The earmark in its one form, so that equal ones can be found. Refuses a neighbourhood that the city does not have."""
    for id_ in earmark.neighbourhood_ids:
        if city.neighbourhood(id_) is None:
            raise not_found("neighbourhood", id_)
    return Earmark(
        neighbourhood_ids=tuple(sorted(set(earmark.neighbourhood_ids))),
        kinds=tuple(sorted(set(earmark.kinds))),
        programme_ids=tuple(sorted(set(earmark.programme_ids))),
    )


def check_terms(terms: OpenFund, co_fund: FundFacts | None) -> None:
    """Refuse terms that do not fit the kind of fund. `co_fund`: the fund named as such, if there is one with that id."""
    check_window(terms.opens_on, terms.ends_on)
    if (terms.kind == "sponsor") != (terms.sponsor_id is not None):
        raise Refused(
            "sponsor_terms_wrong",
            "A sponsor's fund names its sponsor (sponsor_id), and only a sponsor's fund does.",
            status=422,
        )
    if terms.kind == "grant":
        check_grant(terms, co_fund)
    elif terms.share_permille is not None or terms.co_fund_id is not None:
        raise Refused(
            "grant_terms_wrong",
            "Only a grant pays a share and has a co-fund. Leave both out, or choose the kind grant.",
            status=422,
        )


def check_grant(terms: OpenFund, co_fund: FundFacts | None) -> None:
    """Refuse a grant whose share is not allowed, or whose rest nobody pays."""
    if terms.share_permille is None:
        raise Refused(
            "grant_terms_wrong",
            "A grant says which share of each award it pays (share_permille), such as 750.",
            status=422,
        )
    most = terms.max_share_permille if terms.act else min(terms.max_share_permille, AMIF_MAX_PERMILLE)
    if terms.share_permille > most:
        raise Refused(
            "share_too_high",
            "A grant pays 750 permille at most (Regulation (EU) 2021/1147 art. 15) unless an act allows more: name both.",
            {"share_permille": terms.share_permille, "max_share_permille": most},
        )
    whole = terms.share_permille == 1000
    if whole != (terms.co_fund_id is None):
        raise Refused(
            "grant_terms_wrong",
            "A co-fund (co_fund_id) pays the rest of each award; a grant of the whole has none.",
            status=422,
        )
    if not whole and (co_fund is None or not co_fund.open or co_fund.kind == "grant"):
        raise Refused(
            "co_fund_wrong",
            "The co-fund is an open fund of the city or of a sponsor. Open it first, and take its id.",
            {"co_fund_id": str(terms.co_fund_id)},
        )


def check_window(opens_on: date | None, ends_on: date | None) -> None:
    """Refuse a window that ends before it opens."""
    if opens_on and ends_on and ends_on < opens_on:
        raise Refused(
            "window_wrong",
            "A fund ends on the day it opens or later. Correct one of the two dates.",
            {"opens_on": str(opens_on), "ends_on": str(ends_on)},
            status=422,
        )


def check_open(fund: FundFacts) -> None:
    """Refuse new money for a closed fund."""
    if not fund.open:
        raise Refused("fund_closed", "This fund is closed. Choose an open one, or open a new one.")


def check_close(fund: FundFacts) -> None:
    """Refuse to close a fund that others rely on."""
    if fund.grants:
        raise Refused(
            "backs_a_grant",
            "A grant needs this fund: it pays the rest of the grant's awards. Close the grant first.",
            {"grants": fund.grants},
        )
    if fund.on_their_way:
        raise Refused(
            "payment_under_way",
            "A sponsor is paying into this fund just now. A payment page ends after a day, a debit after some: try again then.",
            {"payments": fund.on_their_way},
        )


def check_set_aside(fund: FundFacts) -> None:
    """Refuse to set city money aside where only a sponsor's money belongs."""
    check_open(fund)
    if fund.kind == "sponsor":
        raise Refused(
            "not_for_sponsors",
            "A sponsor's fund holds the sponsor's money alone, which comes by top-up. Choose a fund of the city or a grant.",
        )


def check_second_person(first: UUID, second: UUID) -> None:
    """Four eyes, always: nobody approves what they prepared."""
    if first == second:
        raise Refused(
            "same_person", "You prepared this yourself; another person of finance must approve it.", status=403
        )


def check_method(method: Method, amount_cents: int) -> None:
    """Refuse by card or debit what Stripe cannot take."""
    if method != "bank_transfer" and amount_cents > STRIPE_MAX_CENTS:
        raise Refused(
            "too_much_for_method",
            "This is more than a card or a debit can carry. A bank transfer takes it.",
            {"max_cents": STRIPE_MAX_CENTS},
        )


def earmark_for(purpose: Purpose) -> Earmark:
    match purpose:
        case InNeighbourhood(neighbourhood_id=id_):
            return Earmark(neighbourhood_ids=(id_,))
        case ForKind(kind=kind):
            return Earmark(kinds=(kind,))
        case Anywhere():
            return Earmark()


def rank_for(purpose: Purpose) -> int:
    return RANK_ANYWHERE if isinstance(purpose, Anywhere) else RANK_OF_PURPOSE


def fund_name(sponsor: str | None, purpose: Purpose, city: City) -> str:
    """The name of a sponsor's fund. `sponsor` is None for a private person: events carry the names of funds, and are kept for good."""
    who = sponsor or "Private sponsor"
    match purpose:
        case InNeighbourhood(neighbourhood_id=id_):
            place = city.neighbourhood(id_)
            return f"{who}: {place.name if place else id_}"
        case ForKind(kind=kind):
            return f"{who}: {kind}"
        case Anywhere():
            return who
