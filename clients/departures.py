"""What a completed departure was, read from its group of events: the result's page and the certificate."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.events.replacements import ReplacementEndedWithMember
from accounts.models import Membership
from accounts.permissions import ObjectRole
from activity import queries
from clients.events.departures import (
    DossierHandedOver,
    DossierLeftAlone,
    MemberDeparted,
    PortfolioHandedOver,
    PortfolioLeftAlone,
)
from clients.leftovers import LEFTOVERS
from spreadsheets.writing import CellValue, Sheet, Target, write_sheets


@dataclass(frozen=True)
class Passed:
    """One portfolio or dossier: who took it over, "" for nobody."""

    key: UUID | None
    name: str
    role: str
    to: str


@dataclass(frozen=True)
class Revoked:
    """What was revoked of one kind: `title`, and each by name and note."""

    title: str
    things: list[tuple[str, str]]


@dataclass(frozen=True)
class Completed:
    """One departure: `replacements` as pairs of texts."""

    member: Membership
    by: str
    at: datetime
    portfolios: list[Passed]
    dossiers: list[Passed]
    revoked: list[Revoked]
    replacements: list[tuple[str, str]]
    sessions: int

    @property
    def shares(self) -> list[tuple[str, int, int]]:
        """Who took over how many portfolios and dossiers, by name; those that went to nobody last."""
        counts: dict[str, list[int]] = {}
        for place, passed in ((0, self.portfolios), (1, self.dossiers)):
            for one in passed:
                counts.setdefault(one.to, [0, 0])[place] += 1
        names = sorted(counts, key=lambda name: (not name, name))
        return [(name, *counts[name]) for name in names]  # type: ignore[misc]  # two numbers each

    @property
    def file_name(self) -> str:
        return f"{_('departure')}-{timezone.localtime(self.at):%Y-%m-%d}.xlsx"

    def write(self, target: Target) -> int:
        """The certificate as a workbook. Returns how many lines it holds."""
        sheets = [
            Sheet(_("Departure"), [_("What"), _("Who or how many")], self._summary(), (34, 60)),
            Sheet(_("Portfolios"), _headers(_("Portfolio")), _rows(self.portfolios), (48, 22, 36)),
            Sheet(_("Client files"), _headers(_("Client file")), _rows(self.dossiers), (48, 22, 36)),
            Sheet(_("Revoked"), [_("What"), _("Name"), _("Details")], self._revoked(), (40, 48, 40)),
        ]
        return sum(write_sheets(target, sheets))

    def _revoked(self) -> Iterator[tuple[CellValue, ...]]:
        for one in self.revoked:
            for name, note in one.things:
                yield one.title, name, note

    def _summary(self) -> list[tuple[CellValue, ...]]:
        return [
            (_("Firm"), self.member.firm.name),
            (_("Member who left"), self.member.name),
            (_("E-mail address"), self.member.email),
            (_("Completed on"), date_format(timezone.localtime(self.at), "DATETIME_FORMAT")),
            (_("Completed by"), self.by),
            (_("Portfolios"), len(self.portfolios)),
            (_("Single client files"), len(self.dossiers)),
            *((one.title, len(one.things)) for one in self.revoked),
            (_("Replacements ended"), len(self.replacements)),
            (_("Open sessions that lost the firm"), self.sessions),
        ]


def departed_by_wizard(member: Membership) -> bool:
    return queries.latest(MemberDeparted.name, member.pk) is not None


def departure_of(member: Membership) -> Completed | None:
    """The member's last one; None for somebody who never left by the wizard."""
    event = queries.latest(MemberDeparted.name, member.pk)
    if event is None or event.group is None:
        return None
    lines: dict[str, list[Any]] = {}
    for line in queries.of_group(event.group):
        lines.setdefault(line.type, []).append(line)
    return Completed(
        member=member,
        by=event.who,
        at=event.at,
        portfolios=_passed(lines, PortfolioHandedOver.name, PortfolioLeftAlone.name),
        dossiers=_passed(lines, DossierHandedOver.name, DossierLeftAlone.name),
        revoked=[
            Revoked(
                str(kind.done),
                [(line.subject_name, kind.noted(line.details)) for line in lines[kind.line]],
            )
            for kind in LEFTOVERS
            if kind.line in lines
        ],
        replacements=[
            (line.subject_name, line.details["cover"])
            for line in lines.get(ReplacementEndedWithMember.name, [])
        ],
        sessions=event.details.get("sessions", 0),
    )


def _passed(lines: dict[str, list[Any]], *types: str) -> list[Passed]:
    labels = dict(ObjectRole.choices)
    return [
        Passed(
            line.subject_id,
            line.subject_name,
            str(labels.get(line.details["role"], "")),
            line.details.get("to", ""),
        )
        for name in types
        for line in lines.get(name, [])
    ]


def _headers(thing: str) -> list[str]:
    return [thing, _("Role"), _("Taken over by")]


def _rows(passed: list[Passed]) -> Iterator[tuple[CellValue, ...]]:
    for one in passed:
        yield one.name, one.role, one.to or _("nobody (administrators only)")
