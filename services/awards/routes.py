"""What awards answers: each endpoint of `services/apis/awards.py` and the handler behind it."""

from services.apis import awards as api
from services.awards import handlers_award, handlers_cap, handlers_rule
from services.kit.routes import Routes

ROUTES = Routes("awards")
ROUTES.serve(api.POST_RULE, handlers_rule.set_rule)
ROUTES.serve(api.GET_RULES, handlers_rule.list_rules)
ROUTES.serve(api.POST_RULE_PREVIEW, handlers_rule.preview_rule)
ROUTES.serve(api.GET_CAPS, handlers_cap.caps_in_force)
ROUTES.serve(api.GET_ALL_CAPS, handlers_cap.all_caps)
ROUTES.serve(api.POST_CAP, handlers_cap.set_cap)
ROUTES.serve(api.GET_MY_AWARDS, handlers_award.my_awards)
ROUTES.serve(api.GET_AWARDS, handlers_award.list_awards)
ROUTES.serve(api.GET_AWARD, handlers_award.get_award)
ROUTES.serve(api.POST_GROUNDS, handlers_award.post_grounds)
