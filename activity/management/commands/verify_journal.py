"""`manage.py verify_journal`: was anything removed from a journal, or altered in it?"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from activity.heads import Given, Unreadable, public_keys, read
from activity.lookups import all_journals
from activity.sealing import seal_due
from activity.verifying import Owner, Report, verify


class Command(BaseCommand):
    help = (
        "Verify journals: of every owner, or of those that are named or of whom a head is given. "
        "Exit code 1 if one is not intact."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--owner", action="append", type=UUID, default=[], help="Whose: a firm's, space's, person's key."
        )
        parser.add_argument(
            "--head",
            action="append",
            type=Path,
            default=[],
            metavar="FILE",
            help="A mail “Proof of the activity log”, or the lines from BEGIN to END out of it.",
        )
        parser.add_argument(
            "--public-key",
            action="append",
            type=bytes.fromhex,
            default=[],
            metavar="HEX",
            help="Only say whether the heads bear this key's signature: needs no database.",
        )
        parser.add_argument("--keys", action="store_true", help="Only print this installation's public keys.")
        parser.add_argument("--language", default="fr", help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(options["language"]):
            given = [_head_in(path) for path in options["head"]]
            if options["keys"]:
                self._print_keys()
            elif options["public_key"]:
                self._verify_signatures(given, options["public_key"])
            else:
                self._verify(given, {*options["owner"], *(head.owner for head in given)})

    def _print_keys(self) -> None:
        for name, public in public_keys().items():
            self.stdout.write(f"{name} {public.hex()}")

    def _verify_signatures(self, given: list[Given], keys: list[bytes]) -> None:
        bad = [head for head in given if not any(head.is_signed_by(key) for key in keys)]
        for head in bad:
            self.stdout.write(_("The proof up to no. %(number)s is not signed with this key.") % vars(head))
        if bad or not given:
            raise CommandError(_("Not every proof bears the signature."))
        self.stdout.write(self.style.SUCCESS(_("Every proof bears the signature.")))

    def _verify(self, given: list[Given], wanted: set[UUID]) -> None:
        seal_due()  # whoever has had no event sealed yet has no journal that could be listed
        owners = [owner for owner in _owners() if not wanted or owner.key in wanted]
        faulty = len(wanted - {owner.key for owner in owners})
        if faulty:
            self.stdout.write(_("No journal of this installation has that owner: it is missing as a whole."))
        for owner in owners:
            report = verify(owner, given=[head for head in given if head.owner == owner.key])
            self._tell(owner, report)
            faulty += not report.is_intact
        if faulty:
            raise CommandError(_("Not every journal is intact."))

    def _tell(self, owner: Owner, report: Report) -> None:
        counts = {
            "owner": owner.key,
            "events": number_format(report.events, force_grouping=True),
            "purged": number_format(report.purged, force_grouping=True),
            "heads": report.heads,
            "seconds": number_format(report.seconds, 1),
        }
        self.stdout.write(
            _(
                "%(owner)s: events verified %(events)s, removed in due time %(purged)s, proofs compared %(heads)s; "
                "%(seconds)s s"
            )
            % counts
        )
        for fault in report.faults:
            self.stdout.write(self.style.ERROR(f"  {fault.sentence}"))
        if more := report.fault_count - len(report.faults):
            self.stdout.write(self.style.ERROR("  " + _("… and %(n)s more") % {"n": more}))


def _owners() -> Iterator[Owner]:
    for row in all_journals():
        yield Owner(row["firm_id"], row["space_id"], row["person_id"])


def _head_in(path: Path) -> Given:
    try:
        return read(path.read_text())
    except OSError as error:
        raise CommandError(str(error)) from error
    except Unreadable as error:
        raise CommandError(_("%(path)s holds no proof, or only a part of one.") % {"path": path}) from error
