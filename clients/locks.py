"""Which of the client's details a firm keeps: the client reads them, and why, and asks the firm for a change.

What a firm's record says of them may differ from the client's space, which keeps its own (docs/decisions/0007); the
client may take it over, and nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from clients.models import ClientSpace, Dossier, SpaceLink
from clients.models.details import DETAIL_FIELDS, ClientDetails
from tenancy.scopes import Purpose, crossing

# A SIRET begins with its SIREN: whoever keeps one of the two keeps both.
NUMBERS = frozenset({"siren", "siret"})
LABELS: dict[str, Any] = {
    field.name: field.verbose_name
    for field in ClientDetails._meta.local_fields
    if field.name in DETAIL_FIELDS
}


@dataclass(frozen=True)
class Kept:
    """One detail that a firm keeps. `theirs` is what the firm's record says, `ours` what the space does."""

    field: str
    firm_name: str
    reason: str
    theirs: str
    ours: str

    @property
    def label(self) -> str:
        return str(LABELS[self.field])

    @property
    def differs(self) -> bool:
        return self.theirs != self.ours


def kept_details(space: ClientSpace) -> dict[str, Kept]:
    """What firms keep, by field; in the space's scope. Where two firms keep the same detail, the first one counts."""
    kept: dict[str, Kept] = {}
    for link in SpaceLink.objects.locking().filter(space=space).order_by("since", "pk"):
        names = [name for name in DETAIL_FIELDS if name in link.locked_details and name not in kept]
        theirs = _in_the_record(link, names)
        for name in names:
            kept[name] = Kept(name, link.firm_name, link.lock_reason, theirs[name], getattr(space, name))
    return kept


@dataclass(frozen=True)
class KeptBy:
    """All that one firm keeps, for one sentence; `differing` are those of which its record says something else."""

    firm_name: str
    reason: str
    labels: list[str]
    differing: list[Kept]


def by_firm(kept: Iterable[Kept]) -> list[KeptBy]:
    """The kept details, firm by firm."""
    firms: dict[tuple[str, str], list[Kept]] = {}
    for one in kept:
        firms.setdefault((one.firm_name, one.reason), []).append(one)
    return [
        KeptBy(name, reason, [one.label for one in all_of_it], [one for one in all_of_it if one.differs])
        for (name, reason), all_of_it in firms.items()
    ]


def to_take_over(space: ClientSpace) -> dict[str, str]:
    """The kept details of which the firm's record says something else, with what it says."""
    return {name: one.theirs for name, one in kept_details(space).items() if one.differs}


def _in_the_record(link: SpaceLink, names: list[str]) -> dict[str, str]:
    with crossing(link, Purpose.SHOW_KEPT):
        dossier = Dossier.objects.only("firm_id", *names).get(pk=link.dossier_id)
        return {name: getattr(dossier, name) for name in names}
