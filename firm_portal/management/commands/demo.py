"""`manage.py demo`: the firms and people of a demonstration run."""

from typing import Any

from django.core.management.base import BaseCommand

from firm_portal import demo


class Command(BaseCommand):
    help = "Loads the demonstration data; what is there already stays as it is."

    def handle(self, *args: Any, **options: Any) -> None:
        made = demo.load()
        if options["verbosity"]:
            self.stdout.write(
                "Demonstration data loaded." if made else "The demonstration data is there already."
            )
