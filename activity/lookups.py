"""What the resolver answers across owners for the sweeps: keys alone; the work is done in each owner's scope."""

from tenancy.roles import LookUp, register

claim_mails = register(
    LookUp(
        name="claim_mails",
        signature="most integer",
        returns="TABLE (id uuid, firm_id uuid, space_id uuid, person_id uuid)",
        # A lease outlives the slowest sending; a killed worker's mails come back when it ends.
        body="""
            UPDATE activity_outgoingemail AS mail
            SET lease_until = now() + interval '3 minutes', attempts = mail.attempts + 1
            WHERE mail.id IN (
                SELECT waiting.id FROM activity_outgoingemail AS waiting
                WHERE waiting.state = 'waiting' AND waiting.next_attempt_at <= now()
                  AND (waiting.lease_until IS NULL OR waiting.lease_until < now())
                ORDER BY waiting.next_attempt_at LIMIT most FOR UPDATE SKIP LOCKED)
            RETURNING mail.id, mail.firm_id, mail.space_id, mail.person_id
        """,
        reads=("activity_outgoingemail",),
        updates=("activity_outgoingemail",),
    )
)

due_notifications = register(
    LookUp(
        name="due_notifications",
        signature="most integer",
        returns="TABLE (recipient_id uuid, firm_id uuid, space_id uuid, person_id uuid)",
        body="""
            SELECT DISTINCT recipient_id, firm_id, space_id, person_id FROM (
                SELECT * FROM activity_notification
                WHERE composed_at IS NULL AND due_at <= now() ORDER BY due_at LIMIT most) AS due
        """,
        reads=("activity_notification",),
    )
)
