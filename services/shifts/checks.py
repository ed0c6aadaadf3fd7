"""What must always be true of shifts: each query returns no row. Run by `meritcoin check`, in the demo and after every story."""

CHECKS = {
    "a shift's counts agree with its sign-ups": """
        SELECT shift_id FROM shifts LEFT JOIN signups USING (shift_id) GROUP BY shift_id
        HAVING shifts.going <> count(*) FILTER (WHERE signups.state = 'going')
            OR shifts.waiting <> count(*) FILTER (WHERE signups.state = 'waiting')""",
    "nobody waits while a place is free": """
        SELECT shift_id FROM shifts WHERE state = 'open' AND waiting > 0 AND going < capacity""",
    "a cancelled shift has no sign-up": """
        SELECT shift_id FROM shifts JOIN signups USING (shift_id) WHERE shifts.state = 'cancelled' AND signups.state <> 'cancelled'""",
    "a team belongs to the shift its members come to": """
        SELECT signup_id FROM signups JOIN teams USING (team_id) WHERE signups.shift_id <> teams.shift_id""",
}
