"""What the resolver answers across owners for the sweeps: keys alone; the work is done in each owner's scope.

`statement_timestamp()`, not `now()`: the sweeps see what their own transaction made due.
"""

from datetime import timedelta

from tenancy.roles import LookUp, register

# Outlives the slowest sending of one mail; a killed worker's mails come back when it ends.
LEASE = timedelta(minutes=2)

_DUE = """waiting.state = 'waiting' AND waiting.next_attempt_at <= statement_timestamp()
    AND (waiting.lease_until IS NULL OR waiting.lease_until < statement_timestamp())"""

claim_mails = register(
    LookUp(
        name="claim_mails",
        signature="most integer",
        # `attempts` is the claim's number: who holds an older one has lost the mail to another worker.
        returns="TABLE (id uuid, firm_id uuid, space_id uuid, person_id uuid, attempts integer, precedence integer)",
        # Four of five by their precedence, the others by their age, so that nothing is overtaken for ever.
        body=f"""
            WITH first AS (
                SELECT waiting.id FROM activity_outgoingemail AS waiting WHERE {_DUE}
                ORDER BY waiting.precedence, waiting.next_attempt_at LIMIT most - most / 5
                FOR UPDATE SKIP LOCKED),
            oldest AS (
                SELECT waiting.id FROM activity_outgoingemail AS waiting
                WHERE {_DUE} AND waiting.id NOT IN (SELECT first.id FROM first)
                ORDER BY waiting.next_attempt_at LIMIT most - (SELECT count(*) FROM first)
                FOR UPDATE SKIP LOCKED)
            UPDATE activity_outgoingemail AS mail
            SET lease_until = statement_timestamp() + interval '{LEASE.seconds} seconds',
                attempts = mail.attempts + 1
            WHERE mail.id IN (SELECT first.id FROM first UNION ALL SELECT oldest.id FROM oldest)
            RETURNING mail.id, mail.firm_id, mail.space_id, mail.person_id, mail.attempts::integer, mail.precedence
        """,
        reads=("activity_outgoingemail",),
        updates=("activity_outgoingemail",),
    )
)

mail_sent_as = register(
    LookUp(
        name="mail_sent_as",
        signature="known_as text",
        returns="TABLE (id uuid, firm_id uuid, space_id uuid, person_id uuid)",
        # What a mail service tells names the mail by the service's own key.
        body="""
            SELECT id, firm_id, space_id, person_id FROM activity_outgoingemail
            WHERE provider_id = known_as AND provider_id <> ''
        """,
        reads=("activity_outgoingemail",),
    )
)

mails_in_flight = register(
    LookUp(
        name="mails_in_flight",
        signature="addresses text[]",
        returns="TABLE (id uuid)",
        # Those to one of these addresses (none: to any) that a worker holds at this moment: it may have handed them
        # over to a service already whose name for them is not written down yet.
        body="""
            SELECT mail.id FROM activity_outgoingemail AS mail
            WHERE mail.state = 'waiting' AND mail.lease_until > statement_timestamp()
              AND (addresses = '{}' OR lower(mail."to") = ANY (addresses))
            LIMIT 1
        """,
        reads=("activity_outgoingemail",),
    )
)

due_notifications = register(
    LookUp(
        name="due_notifications",
        signature="most integer",
        returns="TABLE (recipient_id uuid, firm_id uuid, space_id uuid, person_id uuid)",
        body="""
            SELECT recipient_id, firm_id, space_id, person_id FROM activity_notification
            WHERE composed_at IS NULL AND due_at <= statement_timestamp()
            GROUP BY recipient_id, firm_id, space_id, person_id ORDER BY min(due_at) LIMIT most
        """,
        reads=("activity_notification",),
    )
)
