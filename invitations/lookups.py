"""What the resolver answers about links, codes and addresses before any scope is open: whose they are, not more."""

from tenancy.roles import LookUp, register

invitation_of = register(
    LookUp(
        name="invitation_of",
        signature="hash text",
        returns="TABLE (firm_id uuid, space_id uuid, invitation_id uuid, generation integer)",
        body="""
            SELECT firm_id, space_id, invitation_id, generation FROM invitations_invitationtoken WHERE token_hash = hash
        """,
        reads=("invitations_invitationtoken",),
    )
)

invitations_to = register(
    LookUp(
        name="invitations_to",
        signature="person uuid",
        returns="TABLE (firm_id uuid, space_id uuid, invitation_id uuid, generation integer)",
        # Those that wait at an address which the person has shown to be theirs: shown on their own page.
        body="""
            SELECT invitation.firm_id, invitation.space_id, invitation.id, invitation.generation
            FROM invitations_invitation AS invitation
            JOIN account_emailaddress AS address ON address.email = invitation.email
            WHERE address.user_id = person AND address.verified
              AND invitation.state IN ('sent', 'opened', 'failed') AND invitation.expires_at > now()
            ORDER BY invitation.sent_at DESC, invitation.id
        """,
        reads=("invitations_invitation", "account_emailaddress"),
    )
)

due_reminders = register(
    LookUp(
        name="due_reminders",
        signature="skipped uuid[]",
        returns="TABLE (id uuid, firm_id uuid, space_id uuid)",
        # Keys, for the sweep to enter each firm and space: every sender's first, then every sender's second, and so on.
        body="""
            SELECT due.id, due.firm_id, due.space_id FROM (
                SELECT id, firm_id, space_id, remind_at,
                    row_number() OVER (PARTITION BY firm_id, space_id ORDER BY remind_at, id) AS turn
                FROM invitations_invitation
                WHERE state IN ('sent', 'opened') AND remind_at <= now() AND expires_at > now()
                  AND NOT id = ANY (skipped)) AS due
            ORDER BY due.turn, due.remind_at, due.id LIMIT 1000
        """,
        reads=("invitations_invitation",),
    )
)

due_sendings = register(
    LookUp(
        name="due_sendings",
        signature="",
        returns="TABLE (id uuid, firm_id uuid)",
        body="""
            SELECT id, firm_id FROM invitations_sending
            WHERE state IN ('queued', 'running') AND (lease_until IS NULL OR lease_until < now())
            ORDER BY id LIMIT 100
        """,
        reads=("invitations_sending",),
    )
)

letter_of = register(
    LookUp(
        name="letter_of",
        signature="hash text",
        returns="TABLE (firm_id uuid, letter_id uuid, proves boolean)",
        # By a letter's code, or (`proves`) by the link that left for the address which somebody gave by that code. A
        # used, expired or replaced one is as unknown as any other.
        body="""
            SELECT firm_id, id, false FROM invitations_letter
            WHERE code_hash = hash AND state IN ('printed', 'addressed') AND expires_at > now()
            UNION ALL
            SELECT firm_id, id, true FROM invitations_letter
            WHERE proof_hash = hash AND state = 'addressed' AND expires_at > now()
        """,
        reads=("invitations_letter",),
    )
)
