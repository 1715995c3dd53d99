"""What the resolver answers before any scope is open, or across them: a person's spaces, imports that are due."""

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

due_imports = register(
    LookUp(
        name="due_imports",
        signature="",
        returns="TABLE (id uuid, firm_id uuid, state text)",
        # Work that nobody holds; and plans that nobody has confirmed for a month, with the file that they keep.
        body="""
            SELECT id, firm_id, state FROM clients_import
            WHERE (state IN ('uploaded', 'reading', 'planning', 'applying')
                   AND (lease_until IS NULL OR lease_until < now()))
               OR (state IN ('choosing', 'ready') AND created_at < now() - interval '30 days')
            ORDER BY id LIMIT 100
        """,
        reads=("clients_import",),
    )
)
