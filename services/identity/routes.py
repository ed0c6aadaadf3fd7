"""What identity answers: each endpoint of `services/apis/identity*.py` and the handler behind it."""

from services.apis import identity as api
from services.apis import identity_pictures as pictures_api
from services.apis import identity_staff as staff_api
from services.apis import identity_vault as vault_api
from services.identity import (
    handlers,
    handlers_card,
    handlers_me,
    handlers_pictures,
    handlers_session,
    handlers_staff,
    handlers_vault,
)
from services.kit.routes import Routes

ROUTES = Routes("identity")
ROUTES.serve(api.POST_INVITATION, handlers.invite)
ROUTES.serve(api.POST_JOIN, handlers.join)
ROUTES.serve(api.POST_CARD_SESSION, handlers_session.sign_in_with_card)
ROUTES.serve(api.POST_STAFF_SESSION, handlers_session.sign_in_staff)
ROUTES.serve(api.POST_SESSION_RENEW, handlers_session.renew_session)
ROUTES.serve(api.POST_SESSION_END, handlers_session.end_session)
ROUTES.serve(api.GET_ME, handlers_me.me)
ROUTES.serve(api.GET_MY_EXPORT, handlers_me.export_me)
ROUTES.serve(api.GET_MY_UNMASKINGS, handlers_vault.my_unmaskings)
ROUTES.serve(api.POST_MY_LANGUAGE, handlers_me.choose_language)
ROUTES.serve(api.POST_MY_PIN, handlers_me.change_pin)
ROUTES.serve(api.POST_MY_PASSWORD, handlers_me.change_password)
ROUTES.serve(api.POST_MY_TOTP, handlers_staff.set_up_totp)
ROUTES.serve(api.POST_MY_ERASURE, handlers_me.erase_me)
ROUTES.serve(api.GET_MY_CARD, handlers_card.my_card)
ROUTES.serve(api.POST_MY_CARD_REPLACE, handlers_card.replace_my_card)
ROUTES.serve(vault_api.GET_PEOPLE, handlers_vault.list_people)
ROUTES.serve(vault_api.GET_PERSON_CARD, handlers_card.card_of)
ROUTES.serve(vault_api.POST_PERSON_CARD_REPLACE, handlers_card.replace_card_of)
ROUTES.serve(pictures_api.POST_PICTURES_CODE, handlers_pictures.make_pictures_code)
ROUTES.serve(pictures_api.POST_PICTURES, handlers_pictures.choose_pictures)
ROUTES.serve(vault_api.POST_NAME, handlers_vault.set_name)
ROUTES.serve(vault_api.POST_NAME_OPEN, handlers_vault.open_name)
ROUTES.serve(vault_api.POST_NAMES_OPEN, handlers_vault.open_names)
ROUTES.serve(staff_api.POST_STAFF_INVITATION, handlers_staff.invite_staff)
ROUTES.serve(staff_api.POST_STAFF_JOIN, handlers_staff.join_staff)
ROUTES.serve(staff_api.GET_STAFF, handlers_staff.list_staff)
ROUTES.serve(staff_api.GET_STAFF_LINE, handlers_staff.get_staff)
ROUTES.serve(staff_api.POST_STAFF_LOOK_UP, handlers_staff.look_up_staff)
ROUTES.serve(staff_api.POST_ROLE, handlers_staff.grant_role)
ROUTES.serve(staff_api.POST_ROLE_REVOKE, handlers_staff.revoke_role)
ROUTES.serve(staff_api.GET_ROLE_COUNTS, handlers_staff.count_roles)
