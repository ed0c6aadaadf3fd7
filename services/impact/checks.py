"""What must always be true of impact's read model."""

CHECKS = {
    "nobody's participation is longer than a shift can be": "SELECT attendance_id FROM participations WHERE minutes NOT BETWEEN 0 AND 720",
    "a participation that counts has a place, a month and a person": """
        SELECT attendance_id FROM participations WHERE counts AND (person_id IS NULL OR month IS NULL OR place IS NULL)""",
    "no more coins are withdrawn than were given": "SELECT award_id FROM issued WHERE withdrawn_cents NOT BETWEEN 0 AND amount_cents",
}
