"""Handing out the knowledge of who has access."""

from django.db import transaction

from accounts.permissions import Perm, require
from activity.actions import record
from clients.access_book import AccessBook
from clients.events.access import AccessExported
from spreadsheets.writing import Target


@transaction.atomic
def export_access(*, book: AccessBook, target: Target) -> int:
    """Write the workbook for the member who asks for it; returns how many lines it holds."""
    require(book.by, Perm.VIEW_ACCESS)
    lines = book.write(target)
    record(AccessExported, actor=book.by, subject=book.by.firm, details={"lines": lines})
    return lines
