"""What must always be true of identity: each query returns no row. Run by `meritcoin check`, in the demo and after every story."""

CHECKS = {
    "every volunteer has one living card, and nobody has more": """
        SELECT people.person_id FROM people LEFT JOIN cards ON cards.person_id = people.person_id AND revoked_at IS NULL
        WHERE erased_at IS NULL GROUP BY people.person_id HAVING count(card_id) <> (pin_hash IS NOT NULL)::int""",
    "every living person has a key of their own": """
        SELECT person_id FROM people LEFT JOIN person_keys USING (person_id) WHERE erased_at IS NULL AND wrapped IS NULL""",
    "an erased person has no key, no name, no session, no invitation, no code, no living card and no living role": """
        SELECT person_id FROM people WHERE erased_at IS NOT NULL AND (
            EXISTS (SELECT FROM person_keys WHERE person_keys.person_id = people.person_id)
            OR EXISTS (SELECT FROM names WHERE names.person_id = people.person_id)
            OR EXISTS (SELECT FROM sessions WHERE sessions.person_id = people.person_id)
            OR EXISTS (SELECT FROM invitations WHERE invitations.person_id = people.person_id)
            OR EXISTS (SELECT FROM pictures_codes WHERE pictures_codes.person_id = people.person_id)
            OR EXISTS (SELECT FROM cards WHERE cards.person_id = people.person_id AND revoked_at IS NULL)
            OR EXISTS (SELECT FROM roles WHERE roles.person_id = people.person_id AND revoked_at IS NULL))""",
    "a person signs in with a card and a PIN or with an e-mail and a password, not both and not neither": """
        SELECT person_id FROM people LEFT JOIN staff USING (person_id)
        WHERE erased_at IS NULL AND (pin_hash IS NULL) = (email_hash IS NULL)""",
    "a volunteer holds the role of volunteer and no other, and staff never do": """
        SELECT person_id, role FROM roles JOIN people USING (person_id)
        WHERE revoked_at IS NULL AND (role = 'volunteer') <> (pin_hash IS NOT NULL)""",
    "nobody was granted a role, or lost one, by themselves": """
        SELECT role_id FROM roles WHERE role <> 'volunteer' AND person_id IN (granted_by, revoked_by)""",
    "finance and administrators have a code app": """
        SELECT role_id FROM roles JOIN staff USING (person_id)
        WHERE role IN ('finance', 'admin') AND revoked_at IS NULL AND totp_sealed IS NULL""",
    "once there was an administrator there is one": """
        SELECT count(*) FROM roles WHERE role = 'admin' HAVING count(*) > 0 AND count(*) FILTER (WHERE revoked_at IS NULL) = 0""",
    "a replacing card replaces an ended card of the same person": """
        SELECT card.card_id FROM cards card JOIN cards old ON old.card_id = card.replaces_card_id
        WHERE old.person_id <> card.person_id OR old.revoked_at IS NULL""",
    "an invitation that was used says by whom": """
        SELECT invitation_id FROM invitations WHERE (used_at IS NULL) <> (person_id IS NULL)""",
}
