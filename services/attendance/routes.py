"""What attendance answers: each endpoint of `services/apis/attendance.py` and the handler behind it."""

from services.apis import attendance as api
from services.attendance import handlers_checkin, handlers_decision, handlers_list
from services.kit.routes import Routes

ROUTES = Routes("attendance")
ROUTES.serve(api.GET_CODE, handlers_checkin.show_code)
ROUTES.serve(api.POST_CHECK_IN, handlers_checkin.check_in)
ROUTES.serve(api.POST_CHECK_OUT, handlers_checkin.check_out)
ROUTES.serve(api.POST_SCAN, handlers_checkin.scan_card)
ROUTES.serve(api.POST_TAP, handlers_checkin.tap_name)
ROUTES.serve(api.POST_CHECK_OUT_ALL, handlers_checkin.check_out_all)
ROUTES.serve(api.POST_CONFIRM, handlers_decision.confirm)
ROUTES.serve(api.POST_CONFIRM_ALL, handlers_decision.confirm_all)
ROUTES.serve(api.POST_REJECT, handlers_decision.reject)
ROUTES.serve(api.POST_DISPUTE, handlers_decision.dispute)
ROUTES.serve(api.GET_SHIFT_ATTENDANCES, handlers_list.list_of_shift)
ROUTES.serve(api.GET_ATTENDANCE, handlers_list.get_attendance)
ROUTES.serve(api.GET_DISPUTES, handlers_list.list_disputes)
ROUTES.serve(api.GET_MY_ATTENDANCES, handlers_list.my_attendances)
ROUTES.serve(api.GET_CERTIFICATE_DATA, handlers_list.certificate_data)
ROUTES.serve(api.POST_SEEN, handlers_list.post_seen)
