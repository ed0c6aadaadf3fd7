"""What the ledger answers: each endpoint of `services/apis/ledger.py` and the handler behind it."""

from ledger import (
    handlers_books,
    handlers_export,
    handlers_hold,
    handlers_log,
    handlers_origin,
    handlers_sale,
    handlers_wallet,
)
from services.apis import ledger as api
from services.apis import ledger_export as export
from services.apis import ledger_fund as fund_api
from services.apis import ledger_log as log
from services.apis import ledger_origin as origin
from services.kit.routes import Routes

ROUTES = Routes("ledger")
ROUTES.serve(api.GET_WALLET, handlers_wallet.get_wallet)
ROUTES.serve(api.GET_MOVEMENTS, handlers_wallet.get_movements)
ROUTES.serve_together(api.POST_SALES, handlers_sale.post_sales)
ROUTES.serve(api.POST_VOID, handlers_sale.post_void)
ROUTES.serve(api.POST_HOLD, handlers_hold.post_hold)
ROUTES.serve(api.POST_HOLD_END, handlers_hold.post_hold_end)
ROUTES.serve(api.GET_ACCOUNT, handlers_books.get_account)
ROUTES.serve(api.GET_HISTORY, handlers_books.get_history)
ROUTES.serve(api.GET_TRANSFER, handlers_books.get_transfer)
ROUTES.serve(api.GET_JOURNAL, handlers_books.get_journal)
ROUTES.serve(origin.POST_ORIGINS, handlers_origin.post_origins)
ROUTES.serve(log.GET_RECEIPT, handlers_log.get_receipt)
ROUTES.serve(log.GET_CHECKPOINT, handlers_log.get_checkpoint)
ROUTES.serve(log.GET_CHECKPOINT_OF, handlers_log.get_checkpoint_of)
ROUTES.serve(log.GET_CONSISTENCY, handlers_log.get_consistency)
ROUTES.serve(log.GET_PERIOD_SEALS, handlers_log.get_period_seals)
ROUTES.serve(export.GET_CHECKS, handlers_export.get_checks)
ROUTES.serve(export.GET_EXPORT, handlers_export.get_export)
ROUTES.serve(fund_api.GET_FUNDS, handlers_books.get_funds)
ROUTES.serve(fund_api.GET_FUND, handlers_books.get_fund)
ROUTES.serve(fund_api.GET_TRENDS, handlers_books.get_trends)
ROUTES.serve(api.POST_CORRECTION, handlers_books.correct)
