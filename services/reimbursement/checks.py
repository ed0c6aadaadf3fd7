"""What must always be true of reimbursement: each query returns no row. Run by `meritcoin check`, in the demo and after every story."""

CHECKS = {
    "a line's parts make its amount": """
        SELECT line_id FROM lines LEFT JOIN line_parts p USING (line_id) GROUP BY line_id
        HAVING lines.amount_cents <> coalesce(sum(p.amount_cents), 0)""",
    "a statement is the sum of its lines": """
        SELECT statement_id FROM statements s LEFT JOIN lines l USING (statement_id) GROUP BY statement_id
        HAVING s.amount_cents <> coalesce(sum(l.amount_cents), 0)
            OR s.sale_count <> count(*) FILTER (WHERE l.kind = 'sale')
            OR s.void_count <> count(*) FILTER (WHERE l.kind = 'void')""",
    "a statement's parts are the parts of its lines": """
        SELECT statement_id, fund_id FROM statement_parts s FULL JOIN (
            SELECT statement_id, fund_id, sum(p.amount_cents) AS cents FROM lines JOIN line_parts p USING (line_id)
            WHERE statement_id IS NOT NULL GROUP BY statement_id, fund_id HAVING sum(p.amount_cents) <> 0
        ) l USING (statement_id, fund_id) WHERE s.amount_cents IS DISTINCT FROM l.cents""",
    "a line is on a statement of its own shop, and of its day's month or a later one": """
        SELECT line_id FROM lines l JOIN statements s USING (statement_id) WHERE l.shop_id <> s.shop_id OR l.day > s.period_to""",
    "a sale and its void are one sale of one shop": """
        SELECT sale_id FROM lines GROUP BY sale_id HAVING count(DISTINCT shop_id) > 1 OR sum(amount_cents) < 0 AND count(*) > 1""",
    "a statement is queried while a query of it is open": """
        SELECT statement_id FROM statements s LEFT JOIN queries q USING (statement_id) GROUP BY statement_id
        HAVING (s.state = 'queried') <> (count(*) FILTER (WHERE q.query_id IS NOT NULL AND q.answer IS NULL) > 0)""",
    "a claimed statement has its claim, of the same amount": """
        SELECT statement_id FROM statements s FULL JOIN claims c USING (statement_id)
        WHERE (s.state = 'claimed') IS DISTINCT FROM (c.claim_id IS NOT NULL)
            OR c.claim_id IS NOT NULL AND (c.amount_cents, c.shop_id) IS DISTINCT FROM (s.amount_cents, s.shop_id)""",
    "claims are numbered without gaps in each shop and year": """
        SELECT shop_id, year FROM claims GROUP BY shop_id, year HAVING min(number) <> 1 OR max(number) <> count(*)""",
    "what a claim was lessened by is the voids it settles": """
        SELECT claim_id FROM claims c LEFT JOIN lines l USING (claim_id) GROUP BY claim_id
        HAVING c.voided_cents <> -coalesce(sum(l.amount_cents), 0)""",
    "a void lessens only the claim its sale is in": """
        SELECT v.line_id FROM lines v JOIN claims c USING (claim_id)
        LEFT JOIN lines s ON s.sale_id = v.sale_id AND s.kind = 'sale' WHERE s.statement_id IS DISTINCT FROM c.statement_id""",
    "a payment pays exactly what is due of its claim, to an account of its shop": """
        SELECT payment_id FROM payments p JOIN claims c USING (claim_id) JOIN accounts a USING (account_id)
        WHERE p.state IN ('released', 'settled', 'returned') AND p.amount_cents <> c.amount_cents - c.voided_cents
            OR p.shop_id <> c.shop_id OR p.shop_id <> a.shop_id""",
    "no account was paid to that one person alone entered": """
        SELECT payment_id FROM payments JOIN accounts a USING (account_id)
        WHERE payments.state IN ('released', 'settled', 'returned') AND (a.decided_by IS NULL OR a.decided_by = a.proposed_by)""",
    "a released batch went through three people": """
        SELECT batch_id FROM batches WHERE state = 'released'
            AND (approved_by IS NULL OR released_by IS NULL OR prepared_by IN (approved_by, released_by) OR approved_by = released_by)""",
    "payments are as far as their batch": """
        SELECT payment_id FROM payments p JOIN batches b USING (batch_id)
        WHERE (p.state = 'prepared') <> (b.state IN ('prepared', 'approved')) OR (p.state = 'cancelled') <> (b.state = 'cancelled')""",
    "a claim is in one living batch at most": """
        SELECT claim_id FROM payments WHERE state IN ('prepared', 'released', 'settled') GROUP BY claim_id HAVING count(*) > 1""",
    "a released batch has its files, and no other batch has any": """
        SELECT batch_id FROM batches LEFT JOIN bank_files USING (batch_id) GROUP BY batch_id
        HAVING count(kind) <> CASE WHEN batches.state = 'released' THEN 3 ELSE 0 END""",
    "what the bank's lines say of a payment is its amount": """
        SELECT payment_id FROM payments p LEFT JOIN bank_entries e USING (payment_id) GROUP BY payment_id
        HAVING p.state = 'settled' AND
                coalesce(sum(e.amount_cents) FILTER (WHERE e.state = 'matched' AND e.direction = 'debit'), 0) <> p.amount_cents
            OR p.state = 'returned' AND
                coalesce(sum(e.amount_cents) FILTER (WHERE e.state = 'matched' AND e.direction = 'credit'), 0) <> p.amount_cents
            OR p.state = 'released' AND count(*) FILTER (WHERE e.state = 'matched') > 0""",
    "no line of the bank was matched by one person alone": """
        SELECT entry_id FROM bank_entries WHERE state = 'matched' AND match_reason IS NOT NULL
            AND (accepted_by IS NULL OR accepted_by = proposed_by)""",
    "the bank's statement adds up": """
        SELECT bank_statement_id FROM bank_statements s LEFT JOIN bank_entries e USING (bank_statement_id) GROUP BY bank_statement_id
        HAVING s.closing_cents - s.opening_cents <>
            coalesce(sum(CASE e.direction WHEN 'credit' THEN e.amount_cents ELSE -e.amount_cents END), 0)""",
}
