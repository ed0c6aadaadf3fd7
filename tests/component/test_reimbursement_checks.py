"""The room's invariants see what they promise to see: each is broken behind the rules' back, and named."""

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from infra.wiring import Town
from services.reimbursement.checks import CHECKS
from tests.builders_reimbursement import OWN, a_till_with_sales, issue_statements, pay_everything

BREAKS = {
    "a line's parts make its amount": "UPDATE line_parts SET amount_cents = amount_cents + 1",
    "a statement is the sum of its lines": "UPDATE statements SET sale_count = sale_count + 1",
    "a statement's parts are the parts of its lines": "UPDATE statement_parts SET amount_cents = amount_cents + 1",
    "a line is on a statement of its own shop, and of its day's month or a later one": "UPDATE lines SET day = '2026-06-01'",
    "a sale and its void are one sale of one shop": """
        INSERT INTO lines SELECT gen_random_uuid(), 'void', sale_id, shop_id, till_id, -amount_cents - 1, happened_at, day FROM lines""",
    "a statement is queried while a query of it is open": "UPDATE statements SET state = 'queried'",
    "a claimed statement has its claim, of the same amount": "UPDATE claims SET amount_cents = amount_cents + 1",
    "claims are numbered without gaps in each shop and year": "UPDATE claims SET number = number + 1",
    "what a claim was lessened by is the voids it settles": "UPDATE claims SET voided_cents = 1",
    "a void lessens only the claim its sale is in": """
        INSERT INTO lines SELECT gen_random_uuid(), 'void', gen_random_uuid(), l.shop_id, till_id, -1, happened_at, day, NULL, c.claim_id
        FROM lines l, claims c""",
    "a payment pays exactly what is due of its claim, to an account of its shop": "UPDATE payments SET amount_cents = amount_cents + 1",
    "no account was paid to that one person alone entered": "UPDATE accounts SET state = 'proposed', decided_by = NULL",
    "payments are as far as their batch": "UPDATE payments SET state = 'prepared'",
    "a released batch has its files, and no other batch has any": "DELETE FROM bank_files WHERE kind = 'opi'",
    "what the bank's lines say of a payment is its amount": "UPDATE bank_entries SET state = 'unmatched', payment_id = NULL",
    "no line of the bank was matched by one person alone": "UPDATE bank_entries SET match_reason = 'It is right'",
    "the bank's statement adds up": "UPDATE bank_statements SET closing_cents = closing_cents + 1",
}
KEPT_BY_THE_DATABASE = {
    "a released batch went through three people": "UPDATE batches SET released_by = prepared_by",
    "a claim is in one living batch at most": """
        INSERT INTO payments SELECT gen_random_uuid(), batch_id, claim_id, shop_id, account_id, amount_cents, state FROM payments""",
}


def test_every_broken_promise_is_named(town: Town) -> None:
    a_till_with_sales(town, 450)
    issue_statements(town)
    pay_everything(town)
    assert town.check() == []
    assert BREAKS.keys() | KEPT_BY_THE_DATABASE.keys() == CHECKS.keys()
    with town.rooms[OWN].engine.connect() as conn:
        for sentence, harm in BREAKS.items():
            conn.execute(text(harm))
            assert conn.execute(text(CHECKS[sentence])).first() is not None, sentence
            conn.rollback()
        for sentence, harm in KEPT_BY_THE_DATABASE.items():
            refused = None
            try:
                conn.execute(text(harm))
            except IntegrityError as error:
                refused = error
            assert refused is not None, sentence
            conn.rollback()
