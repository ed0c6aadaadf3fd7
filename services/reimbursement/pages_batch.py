"""Payments: the claims that can be sent, a batch of them, and its three hands. No person is offered two of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal
from uuid import UUID

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from services.apis import reimbursement as claim_api
from services.apis import reimbursement_payment as api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.kit.every import every
from services.kit.i18n import day
from services.kit.parallel import Parts
from services.kit.screens import ask, ask_together, done, form_key, only, screens
from services.reimbursement.pages_parts import OFFICER, READERS, hand, handed_on, may_act, me, shop_names


@only(*READERS)
def batches() -> ResponseReturnValue:
    return _batches()


def _batches(refusal: Refused | None = None) -> ResponseReturnValue:
    parts = ask_together(
        batches=lambda: ask("reimbursement", api.GET_BATCHES, query=Page(limit=20, cursor=request.args.get("after"))),
        claims=_payable,
        accounts=lambda: (
            ask("reimbursement", api.GET_ACCOUNTS, query=api.AccountQuery(state="proposed", limit=200)).accounts
        ),
    )
    names = shop_names(one.shop_id for one in parts.get("claims", ()))
    page = render_template(
        "finance/batches.html", parts=parts, refusal=refusal, names=names, can=_can(parts), missing=missing_words
    )
    return page, refusal.status if refusal else 200


def _payable() -> list[claim_api.Claim]:
    query = claim_api.ClaimQuery(state="payable")
    return list(every("reimbursement", claim_api.GET_CLAIMS, "claims", query))


def _can(parts: Parts) -> list[claim_api.Claim]:
    """The claims that nothing keeps from being sent."""
    return [one for one in parts.get("claims", ()) if one.blocked is None]


@only(OFFICER)
def prepare() -> ResponseReturnValue:
    chosen = tuple(map(UUID, request.form.getlist("claim")))
    try:
        if not chosen:
            raise Refused("no_claim_chosen", "Choose at least one claim.")
        batch = ask("reimbursement", api.POST_BATCH, api.PrepareBatch(claim_ids=chosen), key=form_key())
    except Refused as refused:
        if refused.status in (401, 403):
            raise
        return _batches(refused)
    return done(
        url_for(".batch", batch_id=batch.batch_id), _("The batch is prepared. Another person approves it next.")
    )


# ---------- one batch ----------


@only(*READERS)
def batch(batch_id: UUID) -> ResponseReturnValue:
    return _batch(batch_id)


def _batch(batch_id: UUID, refusal: Refused | None = None) -> ResponseReturnValue:
    one: api.FullBatch = ask("reimbursement", api.GET_BATCH, batch_id=batch_id)
    page = render_template(
        "finance/batch.html", one=one, refusal=refusal, names=shop_names(p.shop_id for p in one.payments),
        steps=list(steps_of(one, one.payments)), next_hand=next_hand(one), mine=done_by_me(one), missing=missing_words(one),
    )  # fmt: skip
    return page, refusal.status if refusal else 200


def next_hand(one: api.Batch) -> Literal["approve", "release"] | None:
    """The step that is missing."""
    hands: dict[str, Literal["approve", "release"]] = {"prepared": "approve", "approved": "release"}
    return hands.get(one.state)


def done_by_me(one: api.Batch) -> str:
    """What whoever looks did to this batch: then no other step of it is theirs."""
    if one.prepared_by == me():
        return str(_("You prepared this batch."))
    return str(_("You approved this batch.")) if one.approved_by == me() else ""


def missing_words(one: api.Batch) -> str:
    """Whose hand is missing, as whoever looks should read it."""
    step = next_hand(one)
    if step is None:
        return ""
    if may_act() and not done_by_me(one):
        words = {
            "approve": _("It waits for you or a colleague to approve it."),
            "release": _("It waits for you or a colleague to release it."),
        }
    else:
        words = {
            "approve": _("It waits for a second person to approve it."),
            "release": _("It waits for a third person to release it."),
        }
    return str(words[step])


def steps_of(one: api.Batch, payments: Sequence[api.Payment]) -> Iterator[dict[str, Any]]:
    """Each step with its words, and whether it is `done`, the `next` one, or neither. `payments`: those the bank is to answer for."""
    local, ended = screens().city.local, one.state == "cancelled"

    def by(person_id: UUID, when: Any, *others: UUID | None) -> str:
        at = local(when)
        said = _(
            "by %(hand)s, %(day)s, %(time)s", hand=hand(person_id, *others), day=day(at.date()), time=f"{at:%H:%M}"
        )
        return str(said)

    yield {"name": _("Prepared"), "said": by(one.prepared_by, one.prepared_at), "state": "done"}
    if one.approved_by and one.approved_at:
        yield {"name": _("Approved"), "said": by(one.approved_by, one.approved_at, one.prepared_by), "state": "done"}
    elif not ended:
        yield {"name": _("Approve"), "said": _("by a second person"), "state": "next"}
    if one.released_by and one.released_at:
        said = by(one.released_by, one.released_at, one.prepared_by, one.approved_by)
        yield {"name": _("Released"), "said": said, "state": "done"}
    elif not ended:
        yield {"name": _("Release"), "said": _("by a third person"), "state": "next" if one.state == "approved" else ""}
    if ended and one.cancelled_by and one.cancelled_at:
        yield {"name": _("Cancelled"), "said": by(one.cancelled_by, one.cancelled_at), "state": "stop"}
        return
    answered = sum(payment.state in ("settled", "returned") for payment in payments)
    told = ngettext("%(num)s of %(all)s line found", "%(num)s of %(all)s lines found", answered, all=len(payments))
    state = "done" if answered == len(payments) else "next" if one.state == "released" else ""
    yield {"name": _("Answered by the bank"), "said": told, "state": state}


@only(OFFICER)
def approve(batch_id: UUID) -> ResponseReturnValue:
    return _take(batch_id, api.POST_BATCH_APPROVE, _("Approved. A third person releases it."))


@only(OFFICER)
def release(batch_id: UUID) -> ResponseReturnValue:
    return _take(batch_id, api.POST_BATCH_RELEASE, _("Released. Take the file to the bank or the treasurer."))


@only(OFFICER)
def cancel(batch_id: UUID) -> ResponseReturnValue:
    return _take(batch_id, api.POST_BATCH_CANCEL, _("The batch is cancelled. Its claims can be sent in another one."))


def _take(batch_id: UUID, endpoint: Any, words: str) -> ResponseReturnValue:
    """Put a hand to it; what keeps it from that stands on the batch's own page."""
    try:
        ask("reimbursement", endpoint, key=form_key(), batch_id=batch_id)
    except Refused as refused:
        if refused.status in (401, 403, 404):
            raise
        return _batch(batch_id, refused)
    return done(url_for(".batch", batch_id=batch_id), words)


@only(*READERS)
def pain001(batch_id: UUID) -> Response:
    file = ask("reimbursement", api.GET_PAIN001, query=api.FileQuery(), batch_id=batch_id)
    return handed_on(file, "application/xml", f"pain001-{batch_id}.xml")


@only(*READERS)
def opi(batch_id: UUID) -> Response:
    file = ask("reimbursement", api.GET_OPI, batch_id=batch_id)
    return handed_on(file, "application/xml", f"opi-{batch_id}.xml")


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/batches", "batches", batches)
    pages.add_url_rule("/batches", "prepare", prepare, methods=["POST"])
    pages.add_url_rule("/batches/<uuid:batch_id>", "batch", batch)
    for view in (approve, release, cancel):
        pages.add_url_rule(f"/batches/<uuid:batch_id>/{view.__name__}", view.__name__, view, methods=["POST"])
    pages.add_url_rule("/batches/<uuid:batch_id>/pain001.xml", "pain001", pain001)
    pages.add_url_rule("/batches/<uuid:batch_id>/opi.xml", "opi", opi)
