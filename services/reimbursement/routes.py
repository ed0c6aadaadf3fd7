"""What reimbursement answers: each endpoint of `services/apis/reimbursement*.py` and the handler behind it."""

from services.apis import reimbursement as api
from services.apis import reimbursement_payment as payment_api
from services.apis import reimbursement_trail as trail_api
from services.kit.routes import Routes
from services.reimbursement import (
    handlers_account,
    handlers_bank,
    handlers_batch,
    handlers_claim,
    handlers_file,
    handlers_match,
    handlers_period,
    handlers_statement,
    handlers_trail,
)

ROUTES = Routes("reimbursement")
ROUTES.serve(api.POST_STATEMENTS, handlers_period.issue_statements)
ROUTES.serve(api.POST_PERIOD_CLOSE, handlers_period.close_period)
ROUTES.serve(api.GET_PERIODS, handlers_period.list_periods)
ROUTES.serve(api.GET_STATEMENTS, handlers_statement.list_statements)
ROUTES.serve(api.GET_STATEMENT, handlers_statement.get_statement)
ROUTES.serve(api.GET_STATEMENT_CSV, handlers_statement.get_csv)
ROUTES.serve(api.POST_QUERY, handlers_statement.ask_query)
ROUTES.serve(api.POST_QUERY_SETTLE, handlers_statement.settle_query)
ROUTES.serve(api.POST_CONFIRM, handlers_claim.confirm_statement)
ROUTES.serve(api.GET_CLAIMS, handlers_claim.list_claims)
ROUTES.serve(api.GET_NOTA, handlers_claim.get_document)
ROUTES.serve(api.GET_OWED, handlers_claim.get_owed)
ROUTES.serve(payment_api.POST_ACCOUNT, handlers_account.propose_account)
ROUTES.serve(payment_api.GET_ACCOUNTS, handlers_account.list_accounts)
ROUTES.serve(payment_api.POST_ACCOUNT_APPROVE, handlers_account.approve_account)
ROUTES.serve(payment_api.POST_ACCOUNT_REFUSE, handlers_account.refuse_account)
ROUTES.serve(payment_api.POST_BATCH, handlers_batch.prepare_batch)
ROUTES.serve(payment_api.GET_BATCHES, handlers_batch.list_batches)
ROUTES.serve(payment_api.GET_BATCH, handlers_batch.get_batch)
ROUTES.serve(payment_api.POST_BATCH_APPROVE, handlers_batch.approve_batch)
ROUTES.serve(payment_api.POST_BATCH_RELEASE, handlers_batch.release_batch)
ROUTES.serve(payment_api.POST_BATCH_CANCEL, handlers_batch.cancel_batch)
ROUTES.serve(payment_api.GET_PAIN001, handlers_file.get_pain001)
ROUTES.serve(payment_api.GET_OPI, handlers_file.get_opi)
ROUTES.serve(payment_api.POST_BANK_STATEMENT, handlers_bank.upload_statement)
ROUTES.serve(payment_api.GET_BANK_STATEMENTS, handlers_bank.list_bank_statements)
ROUTES.serve(payment_api.GET_BANK_STATEMENT, handlers_bank.get_bank_statement)
ROUTES.serve(payment_api.POST_MATCH, handlers_match.propose_match)
ROUTES.serve(payment_api.POST_MATCH_ACCEPT, handlers_match.accept_match)
ROUTES.serve(payment_api.POST_MATCH_REFUSE, handlers_match.refuse_match)
ROUTES.serve(payment_api.GET_TRAIL, handlers_trail.get_trail)
ROUTES.serve(trail_api.GET_CLAIM_TRAIL, handlers_trail.get_claim_trail)
