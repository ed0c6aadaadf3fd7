"""What must always be true of redemption: each query returns no row. Run by `meritcoin check`, in the demo and after every story."""

CHECKS = {
    "the parts of a sale sum to its amount": """
        SELECT sale_id FROM sales, jsonb_array_elements(parts) AS part GROUP BY sale_id
        HAVING sum((part ->> 'amount_cents')::bigint) <> amount_cents
        UNION SELECT sale_id FROM sales WHERE jsonb_array_length(parts) = 0""",
    "no payment code pays twice": """
        SELECT payment_code_id FROM sales GROUP BY payment_code_id HAVING count(*) > 1""",
    "a payment code is used exactly when it has paid": """
        SELECT payment_code_id FROM payment_codes LEFT JOIN sales USING (payment_code_id)
        WHERE (used_at IS NULL) <> (sale_id IS NULL)""",
    "a sale comes from a till of its shop": """
        SELECT sale_id FROM sales JOIN tills USING (till_id) WHERE sales.shop_id <> tills.shop_id""",
    "no sale lies outside its shop's agreement": """
        SELECT sale_id FROM sales JOIN shops USING (shop_id) WHERE day < signed_on OR day > ends_on""",
    "a sale counts for a neighbourhood of its shop": """
        SELECT sale_id FROM sales JOIN shops USING (shop_id) WHERE neighbourhood_id <> ALL (neighbourhood_ids)""",
    "no sale is voided before it was made": """
        SELECT sale_id FROM sales WHERE voided_at < sold_at""",
    "an erased person is linked to nothing": """
        SELECT person_id FROM people WHERE erased_at IS NOT NULL AND person_id IN (
            SELECT person_id FROM sales WHERE person_id IS NOT NULL
            UNION SELECT person_id FROM payment_codes UNION SELECT person_id FROM payment_keys
            UNION SELECT person_id FROM participations)""",
    "a code a phone made belongs to whoever has the phone's key": """
        SELECT payment_code_id FROM payment_codes c JOIN payment_keys k USING (payment_key_id) WHERE c.person_id <> k.person_id""",
}
