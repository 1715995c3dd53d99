"""`manage.py erase_person ADDRESS`: make a person unknown who has no place any more, on request (GDPR, article 17)."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.erasing import StillThere, erase_person
from accounts.models import User


class Command(BaseCommand):
    help = (
        "Make a person unknown: their account, their former places and every journal. What they did stays. Needs "
        "OWNER_DATABASE_URL, for the application may not change a journal. It does not come back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")
        parser.add_argument(
            "--yes", action="store_true", help="Do it; without this, only say who it would be."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(settings.LANGUAGE_CODE):
            person = User.objects.filter(email=options["address"].strip().lower()).first()
            if person is None:
                raise CommandError(_("Nobody has this address."))
            if "owner" not in settings.DATABASES:
                raise CommandError(
                    _("OWNER_DATABASE_URL is missing: the application may not change a journal.")
                )
            if not options["yes"]:
                self.stdout.write(_("This would be %(name)s. Add --yes to do it.") % {"name": person.name})
                return
            self._erase(person)

    def _erase(self, person: User) -> None:
        try:
            count = erase_person(person)
        except StillThere as error:
            raise CommandError(
                _("This person still has a place: %(places)s. End it first.")
                % {"places": ", ".join(error.places)}
            ) from error
        told = ngettext("Made unknown in %(n)s event.", "Made unknown in %(n)s events.", count) % {"n": count}
        self.stdout.write(self.style.SUCCESS(told))
