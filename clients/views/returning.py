"""One's own workbook back: the file of an import with what is to be mended in it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.answers import done
from accounts.permissions import Perm, require
from accounts.places import FirmRequest
from clients.exports.workbooks import IMPORT, ImportWorkbook
from clients.models import Import
from exports.answers import exported
from exports.kinds import REGISTRY, Gone


@require_POST
def workbook(request: FirmRequest, pk: UUID) -> HttpResponseBase:
    """The file that was sent, with a column that says what is wrong, and coloured cells. A POST: it is recorded."""
    require(request.member, Perm.IMPORT_DOSSIERS)
    source = get_object_or_404(Import, pk=pk)
    try:
        return exported(request, REGISTRY[ImportWorkbook.name], {IMPORT: str(source.pk)})
    except Gone:
        messages.error(
            request, _("The file of this import is no longer kept: there is no workbook to take back.")
        )
        return done(request, request.firm.url("clients:import", pk=source.pk))
