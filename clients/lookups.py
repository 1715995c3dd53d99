"""What the resolver answers before any scope is open, or across them: a person's spaces, imports and fetches due,
support that has run out or whose link has ended, companies that want to be asked."""

from activity.lookups import unread_in
from activity.outbox import SHOWN_FOR
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

_RUNNING = """link.firm_id = app.firm() AND NOT link.waiting
                  AND (link.until IS NULL OR link.until > statement_timestamp())"""

unreached_clients = register(
    LookUp(
        name="unreached_clients",
        signature="wanted uuid",
        returns="TABLE (id uuid, dossier_id uuid, name text, address text, reason text, created_at timestamptz)",
        # Of the firm in scope alone: mails about what it did itself, to people who are in its client's space (whom it
        # sees there), that came back, and since which the address has taken no other of the same sender. `wanted`: of
        # this dossier.
        body=f"""
            WITH failed AS (
                SELECT mail.id, mail.owner, mail.to_name, mail."to", mail.failure, mail.created_at, link.dossier_id
                FROM clients_spacelink AS link JOIN activity_outgoingemail AS mail ON mail.owner = link.space_id
                WHERE {_RUNNING} AND mail.created_at >= link.since AND mail.state = 'failed'
                  AND EXISTS (
                    SELECT FROM activity_notification AS told JOIN activity_event AS event ON event.id = told.event_id
                    WHERE told.mail_id = mail.id AND event.details ->> 'firm_key' = link.firm_id::text)
                UNION ALL
                SELECT mail.id, mail.owner, mail.to_name, mail."to", mail.failure, mail.created_at, named.key::uuid
                FROM activity_outgoingemail AS mail
                CROSS JOIN jsonb_array_elements_text(mail.params -> 'dossiers') AS named (key)
                WHERE mail.owner = app.firm() AND mail.state = 'failed' AND mail.kind = 'clients.details_changed')
            SELECT failed.id, failed.dossier_id, failed.to_name::text, failed."to"::text, failed.failure::text,
                failed.created_at
            FROM failed
            WHERE failed.created_at > statement_timestamp() - interval '{SHOWN_FOR.days} days'
              AND (wanted IS NULL OR failed.dossier_id = wanted)
              AND EXISTS (
                SELECT FROM clients_spacelink AS link JOIN clients_spacemember AS person USING (space_id)
                WHERE {_RUNNING} AND link.dossier_id = failed.dossier_id
                  AND person.ended_at IS NULL AND person.email = failed."to")
              AND NOT EXISTS (
                SELECT FROM activity_outgoingemail AS later
                WHERE later.owner = failed.owner AND later.id > failed.id AND later."to" = failed."to"
                  AND later.state = 'sent')
            ORDER BY failed.id DESC
        """,
        reads=(
            "clients_spacelink",
            "clients_spacemember",
            "activity_outgoingemail",
            "activity_notification",
            "activity_event",
        ),
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
