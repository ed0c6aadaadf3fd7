"""What must always be true of funding: each query returns no row. Run by `meritcoin check`, in the demo and after every story."""

CHECKS = {
    "money that came was told of once": """
        SELECT settlement_id FROM settlements LEFT JOIN (
            SELECT (convert_from(value, 'UTF8')::jsonb #>> '{data,topup_id}')::uuid AS settlement_id FROM outbox
            WHERE type = 'topup.settled.v1') AS told USING (settlement_id)
        GROUP BY settlement_id HAVING count(told.*) <> 1""",
    "money that left again was told of once": """
        SELECT reversal_id FROM reversals LEFT JOIN (
            SELECT (convert_from(value, 'UTF8')::jsonb #>> '{data,reversal_id}')::uuid AS reversal_id FROM outbox
            WHERE type = 'topup.reversed.v1') AS told USING (reversal_id)
        GROUP BY reversal_id HAVING count(told.*) <> 1""",
    "what was taken back of a settlement is the sum of its reversals, and never more than came": """
        SELECT settlement_id FROM settlements LEFT JOIN reversals USING (settlement_id) GROUP BY settlement_id
        HAVING settlements.taken_back_cents <> coalesce(sum(reversals.amount_cents), 0)
            OR settlements.taken_back_cents > settlements.amount_cents""",
    "of a payment by Stripe there is never more here than was paid": """
        SELECT topup_id FROM topups JOIN settlements USING (topup_id) WHERE session_id IS NOT NULL GROUP BY topup_id
        HAVING sum(settlements.amount_cents - settlements.taken_back_cents) > topups.amount_cents""",
    "a top-up has settlements exactly when its money came": """
        SELECT topup_id FROM topups LEFT JOIN settlements USING (topup_id) GROUP BY topup_id
        HAVING (topups.state IN ('settled', 'refunded', 'disputed')) <> (count(settlement_id) > 0)""",
    "the money of a top-up went to its fund": """
        SELECT settlement_id FROM settlements JOIN topups USING (topup_id) WHERE settlements.fund_id <> topups.fund_id""",
    "a sponsor's purpose stands in the fund of that sponsor": """
        SELECT topup_id FROM topups JOIN funds USING (fund_id) WHERE topups.sponsor_id IS DISTINCT FROM funds.sponsor_id""",
    "a grant pays no greater share than it may": """
        SELECT fund_id FROM funds WHERE kind = 'grant' AND share_permille > CASE WHEN act IS NULL THEN 750 ELSE max_share_permille END""",
    "somebody pays the rest of an open grant": """
        SELECT grants.fund_id FROM funds AS grants LEFT JOIN funds AS rest ON rest.fund_id = grants.co_fund_id
        WHERE grants.kind = 'grant' AND grants.share_permille < 1000 AND grants.closed_at IS NULL
            AND (rest.fund_id IS NULL OR rest.kind = 'grant' OR rest.closed_at IS NOT NULL)""",
    "money set aside was prepared by one person and approved by another, and came to its fund": """
        SELECT set_aside_id FROM set_asides LEFT JOIN settlements ON settlement_id = set_aside_id
        WHERE (state = 'settled') <> (settlement_id IS NOT NULL)
            OR (settlements.fund_id, settlements.amount_cents) <> (set_asides.fund_id, set_asides.amount_cents)
            OR (state = 'settled' AND (decided_by IS NULL OR decided_by = prepared_by))""",
    "a bank credit that has a fund came to it whole, and one assigned by hand passed two people": """
        SELECT entry_id FROM credits LEFT JOIN settlements USING (settlement_id)
        WHERE (state IN ('matched', 'assigned')) <> (settlement_id IS NOT NULL)
            OR (settlements.fund_id, settlements.amount_cents) <> (credits.fund_id, credits.amount_cents)
            OR (state = 'assigned' AND (approved_by IS NULL OR proposed_by IS NULL OR approved_by = proposed_by))""",
}
