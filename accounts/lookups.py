"""What the resolver answers about a person before any scope is open."""

from tenancy.roles import LookUp, register

firms_of = register(
    LookUp(
        name="firms_of",
        signature="person uuid",
        returns="TABLE (firm_id uuid, slug text, name text, member_id uuid, role text, last_visit_at timestamptz)",
        body="""
            SELECT firm.id, firm.slug, firm.name, member.id, member.role, member.last_visit_at
            FROM accounts_membership AS member JOIN accounts_firm AS firm ON firm.id = member.firm_id
            WHERE member.user_id = person AND member.state IN ('created', 'active')
            ORDER BY firm.name, firm.id
        """,
        reads=("accounts_membership", "accounts_firm"),
    )
)
