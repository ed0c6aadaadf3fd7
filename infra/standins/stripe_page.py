"""The stand-in's payment page: where a person in the demo plays the payer, and the payer's bank."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from infra.standins.stripe_account import StripeAccount
from infra.standins.stripe_forms import StripeSaysNo
from infra.standins.stripe_shapes import Json

CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


def pay_page(account: StripeAccount) -> Blueprint:
    """`GET` shows a session's page, `POST` does what a button (`step`) says and sends the news."""
    page = Blueprint("pay", __name__)
    steps: dict[str, Callable[[str], Json]] = {
        "card_pays": account.card_pays,
        "card_is_declined": account.card_is_declined,
        "sepa_will_pay": account.sepa_debit,
        "sepa_will_fail": lambda id_: account.sepa_debit(id_, will_pay=False),
        "bank_pays": lambda id_: account.bank_answers(id_, pays=True),
        "bank_refuses": lambda id_: account.bank_answers(id_, pays=False),
    }

    @page.get("/pay/<session_id>")
    def show(session_id: str) -> str:
        return _shown(account, session_id)

    @page.post("/pay/<session_id>")
    def play(session_id: str) -> AnyResponse:
        step = request.form.get("step", "")
        if step not in steps:
            raise StripeSaysNo(f"There is no step {step!r} on this page.")
        of_bank = step.startswith("bank")
        try:
            session = steps[step](session_id)
        except StripeSaysNo:
            session = account.memory.get("checkout.session", session_id)
            if of_bank or session["status"] != "complete":
                raise  # but a second tap of somebody who has paid leads on, as at Stripe
        account.webhooks.send()
        if of_bank or session["status"] == "open":
            return redirect(url_for("pay.show", session_id=session_id, after=step), 303)
        back = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id)
        return redirect(back, 303)

    @page.errorhandler(StripeSaysNo)
    def say_no(no: StripeSaysNo) -> tuple[str, int]:
        return render_template("standins/stripe_pay.html", session=None, problem=str(no)), no.status

    @page.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CONTENT_POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response

    return page


def _shown(account: StripeAccount, session_id: str) -> str:
    session = account.memory.get("checkout.session", session_id)
    intent = account.memory.objects.get(session["payment_intent"] or "", {})
    euros, cents = divmod(session["amount_total"], 100)
    return render_template(
        "standins/stripe_pay.html",
        session=session,
        purpose=account.memory.intent_data[session_id]["description"],
        amount=f"€{euros:,}.{cents:02}",
        debit_under_way=intent.get("status") == "processing",
        declined=request.args.get("after") == "card_is_declined",
        problem=None,
    )
