"""What happens to a firm's journal by its people: verified, kept longer or shorter, held. None of it is removed."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import JournalCheck, Membership
from accounts.permissions import administrators
from activity.events import ACCESSES, CHANGES, PROOFS, EventType, Recipient


class ToAdministrators(EventType):
    family = PROOFS
    concerns = _("The administrators")

    @classmethod
    def audience(cls, subject: models.Model, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return administrators()


class JournalCheckAsked(EventType):
    name = "accounts.journal.verification_asked"
    family = PROOFS
    route = "accounts:journal_check"
    summary = _("The activity log is to be verified")
    sentence = _("%(actor)s had the activity log verified.")


class JournalFoundIntact(EventType):
    """Details: `events`, how many were looked at."""

    name = "accounts.journal.found_intact"
    family = PROOFS
    topic = "orders"
    route = "accounts:journal_check"
    summary = _("The activity log is intact")
    sentence = _("The activity log was verified: its %(events)s events are intact.")
    concerns = _("Whoever asked for it")

    @classmethod
    def audience(cls, subject: JournalCheck, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return Membership.objects.with_person().filter(pk=subject.asked_by_id)


class JournalFoundFaulty(ToAdministrators):
    """Details: `faults`, how many."""

    name = "accounts.journal.found_faulty"
    security = True
    route = "accounts:journal_check"
    summary = _("The activity log is not intact")
    sentence = _("The activity log was verified: it was altered in %(faults)s places.")


class JournalCheckFailed(EventType):
    name = "accounts.journal.verification_failed"
    family = PROOFS
    topic = "orders"
    route = "accounts:journal_check"
    summary = _("The activity log could not be verified")
    sentence = _("The verification of the activity log could not be brought to its end.")
    concerns = _("Whoever asked for it")

    @classmethod
    def audience(cls, subject: JournalCheck, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return Membership.objects.with_person().filter(pk=subject.asked_by_id)


class JournalRetentionChanged(ToAdministrators):
    """Changes: families of `activity.retention`, in months."""

    name = "accounts.journal.retention_changed"
    topic = "firm"
    route = "accounts:proof"
    summary = _("How long the activity log is kept was changed")
    sentence = _("%(actor)s changed how long the activity log is kept.")
    fields = {CHANGES: _("Changes (months)"), ACCESSES: _("Accesses (months)")}


class JournalHeld(ToAdministrators):
    """Details: `reason`."""

    name = "accounts.journal.held"
    topic = "firm"
    route = "accounts:proof"
    summary = _("The activity log is under legal hold")
    sentence = _(
        "%(actor)s placed the activity log under legal hold: nothing is removed from it (%(reason)s)."
    )


class JournalReleased(ToAdministrators):
    name = "accounts.journal.released"
    topic = "firm"
    route = "accounts:proof"
    summary = _("The legal hold on the activity log was lifted")
    sentence = _("%(actor)s lifted the legal hold on the activity log.")
