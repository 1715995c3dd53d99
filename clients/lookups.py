"""What the resolver answers before any scope is open, or across them: a person's spaces, imports and fetches due,
support that has run out or whose link has ended, companies that want to be asked."""

from activity.lookups import unread_in
from tenancy.roles import LookUp, register

spaces_of = register(
    LookUp(
        name="spaces_of",
        signature="person uuid",
        returns="TABLE (space_id uuid, name text, member_id uuid, profile text, last_visit_at timestamptz,"
        " unread integer)",
        body=f"""
            SELECT space.id,
                   coalesce(nullif(space.legal_name, ''), trim(space.last_name || ' ' || space.first_name)),
                   member.id, member.profile, member.last_visit_at, {unread_in("space.id")}
            FROM clients_spacemember AS member JOIN clients_clientspace AS space ON space.id = member.space_id
            WHERE member.user_id = person AND member.ended_at IS NULL
            ORDER BY 2, 1
        """,
        reads=("clients_spacemember", "clients_clientspace", "activity_notification"),
    )
)

due_imports = register(
    LookUp(
        name="due_imports",
        signature="",
        returns="TABLE (id uuid, firm_id uuid, state text)",
        # Work that nobody holds; plans that nobody has confirmed for a month, with the file that they keep; and the
        # files of imports that can't be undone any more.
        body="""
            SELECT id, firm_id, state FROM clients_import
            WHERE (state IN ('uploaded', 'reading', 'planning', 'applying', 'undoing')
                   AND (lease_until IS NULL OR lease_until < now()))
               OR (state IN ('choosing', 'mapping', 'ready') AND created_at < now() - interval '30 days')
               OR (state IN ('done', 'undone') AND applied_at < now() - interval '30 days'
                   AND EXISTS (SELECT FROM clients_importfile AS kept WHERE kept.source_id = clients_import.id))
            ORDER BY id LIMIT 100
        """,
        reads=("clients_import", "clients_importfile"),
    )
)

due_fetches = register(
    LookUp(
        name="due_fetches",
        signature="",
        returns="TABLE (id uuid, firm_id uuid)",
        body="""
            SELECT id, firm_id FROM clients_fetch
            WHERE state IN ('queued', 'running') AND (lease_until IS NULL OR lease_until < now())
            ORDER BY id LIMIT 100
        """,
        reads=("clients_fetch",),
    )
)

due_files = register(
    LookUp(
        name="due_files",
        signature="",
        returns="TABLE (id uuid, firm_id uuid, state text)",
        # Files that wait for the virus scanner, and the contents of those that were taken back a month ago.
        body="""
            SELECT id, firm_id, state FROM clients_exchangedfile AS file
            WHERE (state = 'quarantined' AND (lease_until IS NULL OR lease_until < now()))
               OR (state = 'removed' AND ended_at < now() - interval '30 days'
                   AND EXISTS (SELECT FROM clients_exchangedfilepart AS part
                               WHERE part.firm_id = file.firm_id AND part.file_id = file.id))
            ORDER BY id LIMIT 100
        """,
        reads=("clients_exchangedfile", "clients_exchangedfilepart"),
    )
)

due_support_ends = register(
    LookUp(
        name="due_support_ends",
        signature="",
        returns="TABLE (id uuid, firm_id uuid)",
        body="""
            SELECT id, firm_id FROM clients_supportauthorisation AS given
            WHERE withdrawn_at IS NULL AND end_told_at IS NULL
              AND (until <= now() OR NOT EXISTS (
                  SELECT FROM clients_spacelink AS link
                  WHERE link.firm_id = given.firm_id AND link.dossier_id = given.dossier_id
                    AND link.space_id = given.space_id AND NOT link.waiting
                    AND (link.until IS NULL OR link.until > now())
              ))
            ORDER BY until LIMIT 500
        """,
        reads=("clients_supportauthorisation", "clients_spacelink"),
    )
)

consent_asked = register(
    LookUp(
        name="consent_asked",
        signature="wanted text",
        # A company is a client's space or a firm; the space comes first, then whoever was there first.
        returns="TABLE (space_id uuid, firm_id uuid)",
        body="""
            SELECT space_id, firm_id FROM (
                SELECT id AS space_id, NULL::uuid AS firm_id, 1 AS rank, created_at FROM clients_clientspace
                WHERE coalesce(nullif(siren, ''), left(siret, 9)) = wanted AND NOT open_to_declarants
                UNION ALL
                SELECT NULL, id, 2, created_at FROM accounts_firm
                WHERE siren = wanted AND NOT open_to_declarants
            ) AS company
            WHERE wanted <> ''
            ORDER BY rank, created_at, space_id, firm_id
        """,
        reads=("clients_clientspace", "accounts_firm"),
    )
)
