"""What happens to firms, to people's accounts and to members, and whom it concerns: each module registers its types."""

from accounts.events import firms, journal, members, people, replacements

__all__ = ["firms", "journal", "members", "people", "replacements"]
