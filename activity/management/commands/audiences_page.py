"""`manage.py audiences_page` writes docs/audiences.md: who is told of what, from the registry of event types."""

from itertools import groupby
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation
from django.utils.text import capfirst

from activity.events import REGISTRY, EventType

PAGE = Path("docs", "audiences.md")
HEAD = """\
# Qui est prévenu de quoi

Écrit par `manage.py audiences_page` à partir du code, ligne par ligne : ne pas modifier à la main. Chaque ligne est
vérifiée par `tests/activity/test_audiences.py`.

La personne qui agit n'est jamais prévenue de ce qu'elle fait. Les autres reçoivent un courriel par personne et par
cabinet, une fois l'attente écoulée ; ce qui concerne la sécurité part aussitôt. Une personne qui perd un accès est
prévenue aussi ; de ce qu'elle n'a plus le droit de voir quand le courriel part, elle n'apprend plus rien.
"""


class Command(BaseCommand):
    help = "Write docs/audiences.md: every event and whom it concerns."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Only say whether the page is up to date.")

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / PAGE
        wanted = page()
        if not options["check"]:
            path.write_text(wanted)
        elif not path.exists() or path.read_text() != wanted:
            raise CommandError(f"{PAGE} is out of date: manage.py audiences_page")


def page() -> str:
    """The whole page, in French."""
    with translation.override("fr"):
        kinds = sorted(REGISTRY.values(), key=lambda kind: (_app(kind), kind.name))
        return HEAD + "".join(_section(app, list(of_app)) for app, of_app in groupby(kinds, key=_app))


def _section(app: str, kinds: list[type[EventType]]) -> str:
    lines = [f"| {kind.summary} | `{kind.name}` | {_concerns(kind)} |" for kind in kinds]
    return (
        f"\n## {app}\n\n| Ce qui se passe | Événement | Qui est prévenu |\n|---|---|---|\n"
        + "\n".join(lines)
        + "\n"
    )


def _app(kind: type[EventType]) -> str:
    return capfirst(str(apps.get_app_config(kind.name.partition(".")[0]).verbose_name))


def _concerns(kind: type[EventType]) -> str:
    return f"{kind.concerns} (aussitôt)" if kind.security else str(kind.concerns)
