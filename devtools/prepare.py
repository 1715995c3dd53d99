"""Bring database, translations and static files up to date, in one process because starting Django is what takes
the time. The virtual environment's Python runs it: `python -m devtools.prepare roles migrate translations static demo`.
"""

from __future__ import annotations

import os
import sys
import time

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError

from devtools.console import say


def roles() -> None:
    """Check the database roles and their rights."""
    call_command("setup_database", verbosity=0)


def migrate() -> None:
    """Make or change the tables, as owner."""
    call_command("migrate", database="owner", verbosity=0, interactive=False)


def static() -> None:
    """Gather the files that the web server gives out."""
    call_command("collectstatic", verbosity=0, interactive=False)


def demo() -> None:
    """Load the demonstration firms; what is there already stays."""
    call_command("demo", verbosity=0)


STEPS = {"roles": roles, "migrate": migrate, "static": static, "demo": demo}


def main(names: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "firm_portal.settings")
    try:
        django.setup()
        for name in names:
            started = time.monotonic()
            STEPS[name]()
            say(f"{name}: {time.monotonic() - started:.1f} s")
    except (CommandError, ImproperlyConfigured) as reason:  # written for whoever installs: no traceback
        say(f"{reason}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
