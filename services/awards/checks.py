"""What must always be true of awards: each query returns no row. Run by `meritcoin check`, in the demo and after every story."""

CHECKS = {
    "nobody is given more in a day than the ceiling in force": """
        SELECT person_id, day, sum(amount_cents) AS given_cents FROM awards WHERE state <> 'withdrawn'
        GROUP BY person_id, day HAVING sum(amount_cents) > max(day_cap_cents)""",
    "nobody is given more in a month than the ceiling in force": """
        SELECT person_id, date_trunc('month', day) AS month, sum(amount_cents) AS given_cents FROM awards WHERE state <> 'withdrawn'
        GROUP BY person_id, date_trunc('month', day) HAVING sum(amount_cents) > max(month_cap_cents)""",
    "an award is at most what its rule gives, and a ceiling accounts for the rest": """
        SELECT award_id FROM awards WHERE amount_cents > rule_cents OR (amount_cents < rule_cents) <> (cut_by IS NOT NULL)""",
    "an attendance has one living award": """
        SELECT attendance_id FROM awards WHERE state <> 'withdrawn' GROUP BY attendance_id HAVING count(*) > 1""",
    "an award stands for the newest revision heard of its attendance": """
        SELECT award_id FROM awards LEFT JOIN heard USING (attendance_id)
        WHERE state <> 'withdrawn' AND awards.revision IS DISTINCT FROM heard.revision""",
    "an award's state agrees with its amount": """
        SELECT award_id FROM awards WHERE state <> 'withdrawn' AND state <> CASE WHEN rule_cents = 0 THEN 'too_short'
            WHEN amount_cents = 0 THEN 'capped' WHEN state IN ('waiting', 'issued') THEN state ELSE 'awarded' END""",
    "an award waits for something, or not at all": """
        SELECT award_id FROM awards WHERE (state = 'waiting') <> (waiting_for IS NOT NULL)""",
    "an award was decided by a rule of its programme in force on its day, or by the city's": """
        SELECT award_id FROM awards JOIN rules USING (rule_id)
        WHERE awards.programme_id <> rules.programme_id OR awards.day < rules.valid_from""",
    "no award still to be issued may draw on a closed fund": """
        SELECT award_id, fund_id FROM awards, jsonb_array_elements(plans) AS plan, jsonb_array_elements(plan -> 'sources') AS source
        JOIN funds ON funds.fund_id = (source ->> 'fund_id')::uuid
        WHERE awards.state IN ('awarded', 'waiting') AND NOT funds.open""",
    "shares of a plan are whole": """
        SELECT award_id FROM awards, jsonb_array_elements(plans) AS plan
        WHERE (SELECT sum((source ->> 'share_permille')::int) FROM jsonb_array_elements(plan -> 'sources') AS source) <> 1000""",
}
