"""What became of a selection: what was done, and what was left out and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _

from clients.models import Dossier
from clients.sets import key_of


class Skip(models.TextChoices):
    """Why a dossier of a selection was left as it is."""

    OWN = "own", _("the firm's own file")
    ALREADY_ARCHIVED = "already_archived", _("already archived")
    NOT_ARCHIVED = "not_archived", _("not archived")
    ARCHIVED = "archived", _("archived: restore it first")
    ALREADY_THERE = "already_there", _("already in this portfolio")
    READ_ONLY = "read_only", _("the client lets the firm read only")
    NOT_ALLOWED = "not_allowed", _("you may not do this to it")


@dataclass
class Result:
    """The dossiers that were changed, and those that were not, by reason."""

    done: list[Dossier] = field(default_factory=list)
    skipped: dict[Skip, list[Dossier]] = field(default_factory=dict)

    def skip(self, reason: Skip, dossier: Dossier) -> None:
        self.skipped.setdefault(reason, []).append(dossier)

    @property
    def count(self) -> int:
        return len(self.done)

    @property
    def skipped_count(self) -> int:
        return sum(len(dossiers) for dossiers in self.skipped.values())

    @property
    def meaning(self) -> str:
        """The same for the same dossiers: what was not shown is not done, though nobody else would be told of it."""
        return key_of(self.done)

    @classmethod
    def sorted_out(cls, dossiers: Iterable[Dossier], reasons: Mapping[UUID, Skip | None]) -> "Result":
        """By the reason that stands under each dossier's key; None: to be done."""
        result = cls()
        for dossier in dossiers:
            if reason := reasons.get(dossier.pk):
                result.skip(reason, dossier)
            else:
                result.done.append(dossier)
        return result
