"""What funding answers: each endpoint of `services/apis/funding.py` and `funding_sponsor.py`, and the handler behind it."""

from __future__ import annotations

from flask import request

from services.apis import funding as api
from services.apis import funding_sponsor as sponsor_api
from services.funding import handlers_bank, handlers_fund, handlers_impact, handlers_setaside, handlers_sponsor
from services.funding.handlers_stripe import hear_stripe
from services.kit.db import Tx
from services.kit.routes import Routes


def stripe_webhook(tx: Tx, payload: bytes) -> sponsor_api.WebhookHeard:
    """Stripe signs in a header."""
    return hear_stripe(tx, payload, request.headers.get("Stripe-Signature", ""))


ROUTES = Routes("funding")
ROUTES.serve(api.POST_FUND, handlers_fund.open_fund)
ROUTES.serve(api.GET_FUNDS, handlers_fund.list_funds)
ROUTES.serve(api.POST_FUND_CLOSE, handlers_fund.close_fund)
ROUTES.serve(api.POST_SET_ASIDE, handlers_setaside.prepare_set_aside)
ROUTES.serve(api.GET_SET_ASIDES, handlers_setaside.list_set_asides)
ROUTES.serve(api.POST_SET_ASIDE_APPROVE, handlers_setaside.approve_set_aside)
ROUTES.serve(api.POST_SET_ASIDE_WITHDRAW, handlers_setaside.withdraw_set_aside)
ROUTES.serve(api.GET_UNASSIGNED_CREDITS, handlers_bank.list_unassigned_credits)
ROUTES.serve(api.POST_CREDIT_ASSIGN, handlers_bank.assign_credit)
ROUTES.serve(api.POST_CREDIT_APPROVE, handlers_bank.approve_credit)
ROUTES.serve(sponsor_api.POST_SPONSOR, handlers_sponsor.register_sponsor)
ROUTES.serve(sponsor_api.GET_SPONSORS, handlers_sponsor.list_sponsors)
ROUTES.serve(sponsor_api.GET_SPONSOR, handlers_sponsor.get_sponsor)
ROUTES.serve(sponsor_api.POST_TOPUP, handlers_sponsor.make_topup)
ROUTES.serve(sponsor_api.GET_TOPUPS, handlers_sponsor.list_topups)
ROUTES.serve(sponsor_api.GET_TOPUP, handlers_sponsor.get_topup)
ROUTES.serve(sponsor_api.GET_SPONSOR_IMPACT, handlers_impact.get_impact)
ROUTES.serve(sponsor_api.POST_STRIPE_WEBHOOK, stripe_webhook)
