"""What must always be true of attendance: each query returns no row. Run by `meritcoin check`, in the demo and after every story.

"Now" is the moment of the last event this service published, so that a town with a clock of its own is judged by it.
"""

CHECKS = {
    "confirmed minutes stay within the shift": """
        SELECT attendance_id FROM attendances JOIN shifts USING (shift_id)
        WHERE attendances.state = 'confirmed' AND minutes * interval '1 minute' > ends_at - starts_at""",
    "a person has one attendance at a shift": """
        SELECT shift_id, person_id FROM attendances GROUP BY shift_id, person_id HAVING count(*) > 1""",
    "nobody is still checked in a day after the shift": """
        SELECT attendance_id FROM attendances JOIN shifts USING (shift_id)
        WHERE attendances.state = 'open' AND checked_out_at IS NULL
          AND ends_at + interval '1 day' < (SELECT put_at FROM outbox ORDER BY seq DESC LIMIT 1)""",
    "nobody decided on their own attendance": """
        SELECT attendance_id, decisions.revision FROM decisions JOIN attendances USING (attendance_id) WHERE decided_by = person_id""",
    "an attendance stands as it was last decided": """
        SELECT attendance_id FROM attendances JOIN decisions USING (attendance_id, revision)
        WHERE attendances.state IN ('confirmed', 'rejected')
          AND (verdict, decisions.minutes) IS DISTINCT FROM (attendances.state, attendances.minutes)""",
    "every decision was taken once and published once": """
        SELECT attendance_id, revision FROM attendances
        LEFT JOIN (SELECT attendance_id, count(*) AS taken FROM decisions GROUP BY 1) AS d USING (attendance_id)
        LEFT JOIN (SELECT (convert_from(value, 'UTF8')::jsonb -> 'data' ->> 'attendance_id')::uuid AS attendance_id, count(*) AS said
                   FROM outbox WHERE type IN ('attendance.confirmed.v1', 'attendance.rejected.v1') GROUP BY 1) AS o USING (attendance_id)
        WHERE revision <> coalesce(taken, 0) OR revision <> coalesce(said, 0)""",
}
