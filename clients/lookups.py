"""What the resolver answers about a client's person before any scope is open."""

from tenancy.roles import LookUp, register

spaces_of = register(
    LookUp(
        name="spaces_of",
        signature="person uuid",
        returns="TABLE (space_id uuid, name text, member_id uuid, profile text, last_visit_at timestamptz)",
        body="""
            SELECT space.id,
                   coalesce(nullif(space.legal_name, ''), trim(space.last_name || ' ' || space.first_name)),
                   member.id, member.profile, member.last_visit_at
            FROM clients_spacemember AS member JOIN clients_clientspace AS space ON space.id = member.space_id
            WHERE member.user_id = person AND member.ended_at IS NULL
            ORDER BY 2, 1
        """,
        reads=("clients_spacemember", "clients_clientspace"),
    )
)
