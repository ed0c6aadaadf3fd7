"""What coordinators decide: confirm a shift with exceptions, say that somebody did not take part, settle disputes."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

import msgspec
from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import attendance as api
from services.apis import shifts
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.attendance.words import DISPUTE_REASONS, REJECT_REASONS, WHY_LEFT, WITNESSES
from services.kit import looks
from services.kit.names import names_of
from services.kit.screens import ask, ask_together, done, form_key, only, read_form, screens, visit

COORDINATOR = "coordinator"
OTHER_MINUTES = "minutes-"


@only(COORDINATOR)
def confirm(shift_id: UUID) -> ResponseReturnValue:
    """All that waits, with what is written down; or, of a form that was sent, what came of it."""
    shift = ask("shifts", shifts.GET_SHIFT, shift_id=shift_id)
    refusal = None
    if request.method == "POST":
        try:
            told = ask("attendance", api.POST_CONFIRM_ALL, exceptions(), key=form_key(), shift_id=shift_id)
        except Refused as refused:
            if refused.status >= 500:
                raise
            refusal = refused
        else:
            return confirmed_page(shift, told)
    listed = ask("attendance", api.GET_SHIFT_ATTENDANCES, shift_id=shift_id)
    waiting = [one for one in listed.attendances if one.state in ("open", "disputed")]
    decided = [one for one in listed.attendances if one.state in ("confirmed", "rejected")]
    names = named(shift, {one.person_id for one in listed.attendances})
    order = list(names)
    waiting.sort(key=lambda one: order.index(one.person_id))
    over = shift.ends_at <= screens().clock.now()
    mine = [one for one in waiting if str(one.person_id) == visit().who.id]
    can_confirm = any(one.state == "open" and (one.checked_out_at or over) for one in waiting)
    ready = [one for one in waiting if one.state == "open" and one.proposed and one not in mine]
    plain = [one for one in ready if not one.forgotten]
    to_look_at = [one for one in waiting if one not in plain]
    return render_template(
        "attendance/confirm.html", shift=shift, listed=listed, waiting=waiting, decided=decided, names=names, refusal=refusal,
        plain=plain, to_look_at=to_look_at, mine=mine, ready=len(ready), can_confirm=can_confirm, witnesses=WITNESSES, over=over,
        reject_reasons=REJECT_REASONS, most=int((shift.ends_at - shift.starts_at).total_seconds() // 60),
    ), refusal.status if refusal else 200  # fmt: skip


def exceptions() -> api.ConfirmAll:
    """From the form: who is left out, and other minutes. Raises Refused `invalid_request`."""
    left_out = request.form.getlist("left_out")
    minutes = {
        name.removeprefix(OTHER_MINUTES): value.strip()
        for name, value in request.form.items()
        if name.startswith(OTHER_MINUTES) and value.strip()
    }
    corrected = [{"attendance_id": id_, "minutes": given} for id_, given in minutes.items() if id_ not in left_out]
    try:
        return msgspec.convert({"left_out": left_out, "corrected": corrected}, type=api.ConfirmAll, strict=False)
    except msgspec.ValidationError as error:
        raise Refused("invalid_request", str(error), status=422) from None


def confirmed_page(shift: shifts.Shift, told: api.ConfirmedAll) -> ResponseReturnValue:
    listed = ask("attendance", api.GET_SHIFT_ATTENDANCES, shift_id=shift.shift_id)
    person_of = {one.attendance_id: one.person_id for one in listed.attendances}
    names = named(shift, {person_of[one.attendance_id] for one in told.left if one.attendance_id in person_of})
    left = [
        (names.get(person_of[one.attendance_id], ""), one.why) for one in told.left if one.attendance_id in person_of
    ]
    return render_template("attendance/confirmed.html", shift=shift, told=told, left=left, why_left=WHY_LEFT)


@only(COORDINATOR)
def reject(shift_id: UUID) -> ResponseReturnValue:
    """Somebody on the list did not take part."""
    body, attendance_id = read_form(api.Reject), request.form.get("attendance_id", "")
    ask("attendance", api.POST_REJECT, body, key=form_key(), attendance_id=attendance_id)
    return done(url_for(".confirm", shift_id=shift_id), _("It is written down. The person can object for 30 days."))


@only(COORDINATOR)
def disputes(refusal: Refused | None = None, at: UUID | None = None) -> ResponseReturnValue:
    """What waits to be settled, oldest first. `refusal`: why the last answer, on the dispute `at`, was not taken."""
    query = Page(limit=50, cursor=request.args.get("after"))
    told = ask("attendance", api.GET_DISPUTES, query=query)
    ids = {one.attendance.shift_id for one in told.disputes}
    found = ask_together(
        **{str(id_): lambda id_=id_: ask("shifts", shifts.GET_SHIFT, shift_id=id_) for id_ in ids}
    ) if ids else {}  # fmt: skip
    people: dict[UUID, set[UUID]] = defaultdict(set)
    for one in told.disputes:
        if shift := found.get(str(one.attendance.shift_id)):
            people[shift.organisation_id].add(one.attendance.person_id)
    names: dict[UUID, str] = {}
    for organisation_id, ids in people.items():
        names |= names_of(organisation_id, ids, looks.DISPUTE)
    return render_template(
        "attendance/disputes.html", told=told, shifts=found, names=names, reasons=DISPUTE_REASONS, witnesses=WITNESSES,
        reject_reasons=REJECT_REASONS, refusal=refusal, at=at,
    ), refusal.status if refusal else 200  # fmt: skip


@only(COORDINATOR)
def settle(attendance_id: UUID) -> ResponseReturnValue:
    """Confirm with so many minutes, or not at all, with a reason."""
    try:
        if request.form.get("reason"):
            body = read_form(api.Reject)
            ask("attendance", api.POST_REJECT, body, key=form_key(), attendance_id=attendance_id)
            return done(url_for(".disputes"), _("Settled: not confirmed. The person reads the reason."))
        ask("attendance", api.POST_CONFIRM, read_form(api.Confirm), key=form_key(), attendance_id=attendance_id)
        return done(url_for(".disputes"), _("Settled. The coins are on their way."))
    except Refused as refusal:
        if refusal.status >= 500 or refusal.status in (401, 403):
            raise
        answer: ResponseReturnValue = disputes(refusal, attendance_id)
        return answer


def named(shift: shifts.Shift, person_ids: set[UUID]) -> dict[UUID, str]:
    reason = looks.at_a_shift("Confirming", shift.name, screens().city.day_of(shift.starts_at))
    return names_of(shift.organisation_id, person_ids, reason)


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/shifts/<uuid:shift_id>/confirm", "confirm", confirm, methods=["GET", "POST"])
    pages.add_url_rule("/shifts/<uuid:shift_id>/reject", "reject", reject, methods=["POST"])
    pages.add_url_rule("/disputes", "disputes", disputes)
    pages.add_url_rule("/disputes/<uuid:attendance_id>", "settle", settle, methods=["POST"])
