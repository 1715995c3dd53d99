"""What the resolver answers about a link before any scope is open: whose it is, nothing of what it says."""

from tenancy.roles import LookUp, register

invitation_of = register(
    LookUp(
        name="invitation_of",
        signature="hash text",
        returns="TABLE (firm_id uuid, invitation_id uuid, generation integer)",
        body="""
            SELECT firm_id, invitation_id, generation FROM invitations_invitationtoken WHERE token_hash = hash
        """,
        reads=("invitations_invitationtoken",),
    )
)
