"""What must always be true of the books: each query returns no row. Run by `meritcoin check`, in the demo and after every story."""

CHECKS = {
    "each fund's accounts sum to zero": """
        SELECT fund, sum(credits_posted - debits_posted) AS cents FROM accounts GROUP BY fund
        HAVING sum(credits_posted) <> sum(debits_posted)""",
    "an account's counters are the sums of its transfers": """
        SELECT code FROM accounts
        LEFT JOIN (SELECT debit_account AS id, sum(amount_cents) AS cents FROM transfers GROUP BY 1) d USING (id)
        LEFT JOIN (SELECT credit_account AS id, sum(amount_cents) AS cents FROM transfers GROUP BY 1) c USING (id)
        WHERE debits_posted <> coalesce(d.cents, 0) OR credits_posted <> coalesce(c.cents, 0)""",
    "no fund, wallet or shop is below zero": """
        SELECT code FROM accounts WHERE split_part(code, '/', 1) IN ('fund', 'coins', 'shop', 'paying', 'fees')
           AND (NOT floored OR credits_posted - debits_posted - debits_held < 0)""",
    "both sides of a transfer exist and are of its fund": """
        SELECT t.id FROM transfers t LEFT JOIN accounts d ON d.id = t.debit_account LEFT JOIN accounts c ON c.id = t.credit_account
        WHERE d.fund IS DISTINCT FROM t.fund OR c.fund IS DISTINCT FROM t.fund""",
    "a transfer's leaf is the hash of its row": """
        SELECT t.id FROM transfers t JOIN accounts d ON d.id = t.debit_account JOIN accounts c ON c.id = t.credit_account
        WHERE t.leaf <> sha256(convert_to(concat('["', t.id, '","', t.journal, '","', t.kind, '","', d.code, '","', c.code, '",',
            t.amount_cents, ',"', t.fund, '","', t.cause, '","',
            to_char(t.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '","',
            to_char(t.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '",',
            coalesce('"' || t.reversal_of || '"', 'null'), ']'), 'UTF8'))""",
    "each transfer belongs to a posted request, and what a request posted or holds sums to its amount": """
        SELECT coalesce(request_id, journal) AS request FROM outcomes
        FULL JOIN (SELECT journal, sum(amount_cents) AS cents FROM (SELECT journal, amount_cents FROM transfers
            UNION ALL SELECT hold_id, amount_cents FROM holds) moved GROUP BY 1) t ON t.journal = request_id
        WHERE request_id IS NULL OR amount_cents <> coalesce(cents, 0)""",
    "what an account holds is the sum of its holds that have not ended": """
        SELECT code FROM accounts
        LEFT JOIN (SELECT debit_account AS id, sum(amount_cents) AS cents FROM holds WHERE hold_id NOT IN (SELECT hold_id FROM hold_ends)
            GROUP BY 1) d USING (id)
        LEFT JOIN (SELECT credit_account AS id, sum(amount_cents) AS cents FROM holds WHERE hold_id NOT IN (SELECT hold_id FROM hold_ends)
            GROUP BY 1) c USING (id)
        WHERE debits_held <> coalesce(d.cents, 0) OR credits_held <> coalesce(c.cents, 0)""",
    "each end of a hold is of a hold, and moves no more than it held": """
        SELECT e.hold_id FROM hold_ends e LEFT JOIN (SELECT hold_id, sum(amount_cents) AS cents FROM holds GROUP BY 1) h USING (hold_id)
        LEFT JOIN outcomes o USING (request_id) WHERE coalesce(o.amount_cents, 1) > coalesce(h.cents, 0)
            OR (e.how <> 'post' AND o.amount_cents > 0)""",
    "a lot belongs to one person, unless it is empty and that link is cut; nothing else belongs to anybody": """
        SELECT code FROM accounts WHERE (person IS NULL) <> (expires_on IS NULL)
            AND (expires_on IS NULL OR credits_posted > debits_posted)""",
    "nothing is booked before the end of a period that was closed by then": """
        SELECT id FROM transfers JOIN closed_periods ON occurred_at < ends_at AND seq > last_seq""",
    "what is sealed stands in the books as it was sealed": """
        SELECT position FROM log LEFT JOIN transfers t ON t.seq = log.seq AND t.id = transfer_id WHERE log.leaf IS DISTINCT FROM t.leaf""",
    "the log has no hole, and ends where its last checkpoint says": """
        SELECT count(*) AS leaves, max(position) AS last FROM log
        HAVING count(*) <> coalesce(max(position) + 1, 0) OR count(*) <> coalesce((SELECT max(size) FROM checkpoints), 0)""",
    "no award both waits and is decided": """
        SELECT award_id FROM waiting_awards JOIN outcomes ON request_id = award_id""",
    "what a withdrawn award kept is what it gave and did not give back": """
        SELECT award_id FROM withdrawn_awards FULL JOIN (
            SELECT t.journal AS award_id, sum(t.amount_cents) - coalesce(sum(r.cents), 0) AS kept, count(r.cents) AS back
            FROM transfers t LEFT JOIN (SELECT reversal_of AS id, sum(amount_cents) AS cents FROM transfers
                WHERE kind = 'withdrawal' GROUP BY 1) r USING (id) WHERE t.kind = 'award' GROUP BY 1) given USING (award_id)
        WHERE kept_cents <> coalesce(kept, 0) OR (kept_cents IS NULL AND back > 0)""",
    "a reversal goes the other way, and all of a transfer's together take back no more than it moved": """
        SELECT o.id FROM transfers o RIGHT JOIN transfers r ON r.reversal_of = o.id WHERE r.reversal_of IS NOT NULL
        GROUP BY o.id, o.amount_cents HAVING o.id IS NULL OR sum(r.amount_cents) > o.amount_cents
            OR bool_or(r.debit_account <> o.credit_account OR r.credit_account <> o.debit_account)""",
    "a fund that carries a receivable has nothing free": """
        SELECT f.code FROM accounts f JOIN accounts r ON r.code = 'receivable/' || f.fund::text
        WHERE f.code = 'fund/' || f.fund::text AND f.credits_posted > f.debits_posted AND r.debits_posted > r.credits_posted""",
    "no receivable is filled beyond zero": """
        SELECT code FROM accounts WHERE code LIKE 'receivable/%' AND credits_posted > debits_posted""",
    "no shop owes less than nothing of what it was paid too much": """
        SELECT code FROM accounts WHERE code LIKE 'overpaid/%' AND credits_posted > debits_posted""",
    "coins issued are in wallets, spent or expired": """
        SELECT fund FROM (
            SELECT t.fund, sum(CASE WHEN t.reversal_of IS NULL THEN t.amount_cents ELSE -t.amount_cents END
                * CASE WHEN coalesce(o.kind, t.kind) = 'award' THEN 1
                       WHEN coalesce(o.kind, t.kind) IN ('sale', 'hold_post', 'expiry') THEN -1 ELSE 0 END) AS cents
            FROM transfers t LEFT JOIN transfers o ON o.id = t.reversal_of GROUP BY 1) moved
        LEFT JOIN (SELECT fund, sum(credits_posted - debits_posted) AS cents FROM accounts WHERE code LIKE 'coins/%' GROUP BY 1) held
            USING (fund)
        WHERE moved.cents <> coalesce(held.cents, 0)""",
    "an award waits for a reason, with a plan for each fund it waits for": """
        SELECT award_id FROM waiting_awards WHERE reason NOT IN ('no_fund', 'not_enough_money')
            OR fund_ids IS DISTINCT FROM (
                SELECT coalesce(array_agg(DISTINCT (s ->> 'fund_id')::uuid ORDER BY (s ->> 'fund_id')::uuid), '{}')
                FROM jsonb_array_elements(plans) p, jsonb_array_elements(p -> 'sources') s)""",
}
