"""Who runs the installation, and what its probes ask: counts, moments and mail servers, no firm's data."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor

from activity.outbox import Queue, age, domains, is_late, oldest_wait, queue
from tenancy.tasks import broker_answers


def is_operator(user: Any) -> bool:
    """One of those that the settings name: no row of the database makes anybody one. The address must be proven."""
    if not user.is_authenticated or user.email.lower() not in settings.OPERATORS:
        return False
    return bool(EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists())


@dataclass(frozen=True)
class Readiness:
    """Can requests be served? A broker that is away costs no request: mails then leave by the sweeps."""

    database: bool
    migrations: bool
    broker: bool
    # Since when the oldest mail waits; None if nobody can say.
    oldest_mail: timedelta | None

    @property
    def is_ready(self) -> bool:
        return self.database and self.migrations

    @property
    def mails_are_late(self) -> bool:
        return self.oldest_mail is not None and is_late(self.oldest_mail)

    def plain(self) -> dict[str, Any]:
        parts = {
            name: "ok" if asdict(self)[name] else "away" for name in ("database", "migrations", "broker")
        }
        seconds = None if self.oldest_mail is None else round(self.oldest_mail.total_seconds())
        return {
            "ready": self.is_ready,
            **parts,
            "mails": {"oldest_seconds": seconds, "late": self.mails_are_late},
        }


def readiness() -> Readiness:
    database = _database_answers()
    migrated = database and _is_migrated()
    return Readiness(database, migrated, broker_answers(), waiting_since() if migrated else None)


def waiting_since() -> timedelta | None:
    """How long the oldest mail has been waiting; None if the database does not say."""
    try:
        return oldest_wait()
    except (DatabaseError, InterfaceError):
        return None


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return False
    return True


def _is_migrated() -> bool:
    """Does the database know all migrations of this code? Those that it knows beside them are a newer code's."""
    try:
        executor = MigrationExecutor(connection)
        return not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return False


def metrics() -> str:
    """As Prometheus reads them."""
    found, resting = queue(), sum(one.is_resting for one in domains())
    return "".join(
        f"# HELP {name} {says}\n# TYPE {name} gauge\n{name} {value:g}\n"
        for name, says, value in _gauges(found, resting)
    )


def _gauges(found: Queue, resting: int) -> list[tuple[str, str, float]]:
    return [
        ("portal_mails_waiting", "Mails that wait, for whatever reason.", found.waiting),
        ("portal_mails_due", "Mails that wait and that no mail server has put off.", found.due),
        (
            "portal_mail_oldest_seconds",
            "How long the oldest waiting mail has waited.",
            age(found.oldest).total_seconds(),
        ),
        (
            "portal_mail_oldest_due_seconds",
            "The same of those that no mail server has put off.",
            age(found.oldest_due).total_seconds(),
        ),
        (
            "portal_mail_oldest_urgent_seconds",
            "The same of those that somebody waits for.",
            age(found.oldest_urgent).total_seconds(),
        ),
        ("portal_mails_late", "1 when the oldest waiting mail is older than 5 minutes.", int(found.is_late)),
        ("portal_mails_sent_5m", "Mails sent in the last 5 minutes.", found.sent_in_5_minutes),
        ("portal_mails_sent_1d", "Mails sent in the last day.", found.sent_in_a_day),
        ("portal_mails_failed_1d", "Mails of the last day that will never arrive.", found.failed_in_a_day),
        ("portal_mail_domains_resting", "Mail domains left alone because they refuse for now.", resting),
        (
            "portal_mail_last_sent_timestamp_seconds",
            "When a mail was last sent, in the last day; 0 if none was.",
            found.last_sent.timestamp() if found.last_sent else 0,
        ),
        ("portal_broker_up", "1 while the broker answers.", int(broker_answers())),
    ]
