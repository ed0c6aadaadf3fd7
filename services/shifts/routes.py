"""What shifts answers: each endpoint of `services/apis/shifts.py` and the handler behind it."""

from services.apis import shifts as api
from services.apis import shifts_held, shifts_message, shifts_team
from services.kit.routes import Routes
from services.shifts import handlers, handlers_message, handlers_signup

ROUTES = Routes("shifts")
ROUTES.serve(api.POST_PROGRAMME, handlers.open_programme)
ROUTES.serve(api.GET_PROGRAMMES, handlers.list_programmes)
ROUTES.serve(api.GET_NEIGHBOURHOODS, handlers.list_neighbourhoods)
ROUTES.serve(api.POST_ORGANISATION, handlers.register_organisation)
ROUTES.serve(api.GET_ORGANISATIONS, handlers.list_organisations)
ROUTES.serve(api.POST_ACTIVITY, handlers.add_activity)
ROUTES.serve(api.POST_ACTIVITY_CHANGE, handlers.change_activity)
ROUTES.serve(api.GET_ACTIVITIES, handlers.list_activities)
ROUTES.serve(api.POST_SHIFT, handlers.publish_shift)
ROUTES.serve(api.GET_SHIFTS, handlers.list_shifts)
ROUTES.serve(api.GET_SHIFT, handlers.get_shift)
ROUTES.serve(shifts_held.POST_HELD, handlers.post_held)
ROUTES.serve(api.POST_SHIFT_CANCEL, handlers.cancel_shift)
ROUTES.serve(api.GET_ROSTER, handlers_signup.get_roster)
ROUTES.serve(api.POST_TEAM, handlers_signup.form_team)
ROUTES.serve(shifts_team.POST_TEAMS, handlers_signup.arrange_teams)
ROUTES.serve(shifts_message.POST_MESSAGE, handlers_message.send_message)
ROUTES.serve(shifts_message.GET_MESSAGES, handlers_message.list_messages)
ROUTES.serve(api.POST_SIGNUP, handlers_signup.make_signup)
ROUTES.serve(api.POST_SIGNUP_CANCEL, handlers_signup.cancel_signup)
ROUTES.serve(api.GET_MY_SIGNUPS, handlers_signup.my_signups)
ROUTES.serve(api.GET_MY_CALENDAR, handlers_signup.my_calendar)
ROUTES.serve(api.GET_CALENDAR, handlers_signup.calendar_at)
ROUTES.serve(api.GET_SHIFT_CALENDAR, handlers_signup.calendar_of_shift)
