"""Check and prepare the database's roles before the first migration."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from tenancy.roles import quoted, refuse_weak_owner


class Command(BaseCommand):
    help = "Check the owner's rights, and that the other roles are there."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if "owner" not in connections.settings:
            raise CommandError("OWNER_DATABASE_URL is not set: it names the role that owns the tables.")
        connection = connections["owner"]
        refuse_weak_owner(connection)
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolname FROM pg_roles")
            present = {row[0] for row in cursor.fetchall()}
            missing = {settings.RUNTIME_ROLE, settings.RESOLVER_ROLE} - present
            if missing:
                raise CommandError(
                    "These roles are missing: {}. Run as a superuser:\n{}".format(
                        ", ".join(sorted(missing)), "\n".join(f"CREATE ROLE {quoted(r)};" for r in missing)
                    )
                )
            cursor.execute(f"GRANT {quoted(settings.RESOLVER_ROLE)} TO CURRENT_USER")
