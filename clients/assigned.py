"""What became of assignments: what each member was given and lost, and what was left as it is and why."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.permissions import RANKS, ObjectRole


class Reason(TextChoices):
    """Why something that was asked for was left as it is."""

    OWN = "own", _("the firm's own file, which administrators alone see")
    ARCHIVED = "archived", _("archived file")
    NO_ACCOUNT = "no_account", _("has not accepted the invitation yet")
    SUSPENDED = "suspended", _("suspended member")
    TERMINATED = "terminated", _("terminated member")
    ADMINISTRATOR = "administrator", _("administrator, who sees every file anyway")
    ALREADY = "already", _("has this role already")
    WIDER = "wider", _("has a wider role already")
    NOT_AUTHORISED = "not_authorised", _("the client has not authorised technical support")
    NOT_ASSIGNED = "not_assigned", _("was not assigned to it")


@dataclass(frozen=True)
class Change:
    """What became of so many assignments of one member: `before` is None where they had none, `after` where taken."""

    before: ObjectRole | None
    after: ObjectRole | None
    dossiers: list[UUID]
    # The end of a technical support that was prolonged.
    until: datetime | None = None

    @property
    def count(self) -> int:
        return len(self.dossiers)

    @property
    def narrows(self) -> bool:
        """A lesser role than before, but a role."""
        return bool(self.before and self.after and RANKS[self.after] < RANKS[self.before])


@dataclass(frozen=True)
class Share:
    """What one member was given and lost. `stays`: of the dossiers taken, how many are open to them all the same."""

    member: Membership
    changes: list[Change]
    stays: int = 0

    @property
    def count(self) -> int:
        return sum(change.count for change in self.changes)


@dataclass(frozen=True)
class Skipped:
    """What was left as it is, and why; `member` is None where it is for the dossier's sake."""

    reason: Reason
    member: Membership | None
    dossiers: list[UUID]


@dataclass(frozen=True)
class Result:
    shares: list[Share] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many assignments are other than before."""
        return sum(share.count for share in self.shares)

    @property
    def dossiers(self) -> int:
        """How many dossiers that concerns."""
        return len({key for share in self.shares for change in share.changes for key in change.dossiers})

    @property
    def meaning(self) -> str:
        """The same for the same changes."""
        digest = hashlib.sha256()
        for share in self.shares:
            for change in share.changes:
                digest.update(f"{share.member.pk} {change.before} {change.after} {change.until}".encode())
                for key in sorted(change.dossiers):
                    digest.update(key.bytes)
        return digest.hexdigest()
