"""What the resolver answers across firms: exports that a worker, or the sweep, has to do something for."""

from tenancy.roles import LookUp, register

due_exports = register(
    LookUp(
        name="due_exports",
        signature="",
        returns="TABLE (id uuid, firm_id uuid, state text)",
        # Work that nobody holds, and files that have been kept long enough.
        body="""
            SELECT id, firm_id, state FROM exports_export
            WHERE (state IN ('queued', 'running') AND (lease_until IS NULL OR lease_until < now()))
               OR (state = 'prepared' AND expires_at <= now())
            ORDER BY id LIMIT 100
        """,
        reads=("exports_export",),
    )
)
