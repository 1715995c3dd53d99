"""What the resolver answers before any scope is open, or across them: a person's firms, replacements to tell of."""

from activity.lookups import unread_in
from tenancy.roles import LookUp, register

firms_of = register(
    LookUp(
        name="firms_of",
        signature="person uuid",
        returns="TABLE (firm_id uuid, slug text, name text, member_id uuid, role text, last_visit_at timestamptz,"
        " unread integer)",
        body=f"""
            SELECT firm.id, firm.slug, firm.name, member.id, member.role, member.last_visit_at,
                   {unread_in("firm.id")}
            FROM accounts_membership AS member JOIN accounts_firm AS firm ON firm.id = member.firm_id
            WHERE member.user_id = person AND member.state IN ('created', 'active')
            ORDER BY firm.name, firm.id
        """,
        reads=("accounts_membership", "accounts_firm", "activity_notification"),
    )
)

places_named_for = register(
    LookUp(
        name="places_named_for",
        signature="person uuid",
        returns="TABLE (firm_id uuid, member_id uuid)",
        # Also where they may not enter (any more): the firm's pages show a person's name wherever they stand in them.
        body="""
            SELECT firm_id, id FROM accounts_membership WHERE user_id = person ORDER BY firm_id
        """,
        reads=("accounts_membership",),
    )
)

due_replacements = register(
    LookUp(
        name="due_replacements",
        signature="",
        returns="TABLE (id uuid, firm_id uuid)",
        # Those that have begun or ended by themselves and that nobody was told of yet.
        body="""
            SELECT id, firm_id FROM accounts_replacement
            WHERE end_told_at IS NULL
              AND (ends_at <= now() OR (start_told_at IS NULL AND starts_at <= now()))
            ORDER BY id LIMIT 200
        """,
        reads=("accounts_replacement",),
    )
)

due_checks = register(
    LookUp(
        name="due_checks",
        signature="",
        returns="TABLE (id uuid, firm_id uuid)",
        # Verifications of journals that nobody works on.
        body="""
            SELECT id, firm_id FROM accounts_journalcheck
            WHERE state IN ('queued', 'running') AND (lease_until IS NULL OR lease_until < now())
            ORDER BY id LIMIT 100
        """,
        reads=("accounts_journalcheck",),
    )
)
