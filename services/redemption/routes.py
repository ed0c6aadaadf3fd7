"""What redemption answers: each endpoint of `services/apis/redemption.py` and the handler behind it."""

from services.apis import redemption as api
from services.apis import redemption_days as days_api
from services.kit.routes import Routes
from services.redemption import (
    handlers_code,
    handlers_history,
    handlers_offline,
    handlers_sale,
    handlers_shop,
    handlers_till,
    handlers_void,
)

ROUTES = Routes("redemption")
ROUTES.serve(api.POST_SHOP, handlers_shop.register_shop)
ROUTES.serve(api.GET_SHOPS, handlers_shop.list_shops)
ROUTES.serve(api.GET_SHOP, handlers_shop.get_shop)
ROUTES.serve(api.GET_AGREEMENT, handlers_shop.get_agreement)
ROUTES.serve(api.POST_SHOP_CLOSE, handlers_shop.close_shop)
ROUTES.serve(api.POST_PAIRING_CODE, handlers_till.make_pairing_code)
ROUTES.serve(api.POST_TILL, handlers_till.pair_till)
ROUTES.serve(api.GET_THIS_TILL, handlers_till.this_till)
ROUTES.serve(api.GET_TILLS, handlers_till.list_tills)
ROUTES.serve(api.POST_TILL_UNPAIR, handlers_till.unpair_till)
ROUTES.serve(api.POST_PAYMENT_CODE, handlers_code.make_payment_code)
ROUTES.serve(api.POST_PAYMENT_KEY, handlers_offline.keep_payment_key)
ROUTES.serve(api.POST_PAYMENT_KEY_END, handlers_offline.end_payment_key)
ROUTES.serve_together(
    api.POST_SALE, handlers_sale.make_sales, apart=lambda body: body.code, before=handlers_offline.note_codes
)
ROUTES.serve(api.POST_VOID, handlers_void.void_sale)
ROUTES.serve(api.GET_SALES, handlers_history.list_sales)
ROUTES.serve(api.GET_TOTALS, handlers_history.totals)
ROUTES.serve(days_api.GET_DAYS, handlers_history.days)
ROUTES.serve(api.GET_MY_SALES, handlers_history.my_sales)
