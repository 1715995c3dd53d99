"""Print, write or check docs/permissions.md."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.permissions_page import PAGE, page


class Command(BaseCommand):
    help = "Print the page of what each role may do (--write: docs/permissions.md; --check: fail if it is out of date)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="write docs/permissions.md")
        parser.add_argument(
            "--check", action="store_true", help="exit 1 if docs/permissions.md is out of date"
        )

    def handle(self, *args: Any, write: bool, check: bool, **options: Any) -> None:
        text = page()
        if write:
            PAGE.write_text(text, encoding="utf-8")
        elif check:
            if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
                raise CommandError(
                    "docs/permissions.md is out of date: run manage.py permissions_page --write"
                )
        else:
            self.stdout.write(text, ending="")
