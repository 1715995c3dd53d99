"""Archiving dossiers and restoring them, one or a selection: first what it means, then, confirmed, done."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.answers import opened_on
from accounts.models import Role
from accounts.permissions import Perm, allows, permitted, require
from accounts.places import FirmRequest
from clients.actions.archiving import archive_dossiers, restore_dossiers
from clients.models import Dossier
from clients.results import Result
from clients.selection import listed_at, selected_dossiers, selection_again
from clients.views.weighing import left_out, report, selection_done, weighed


@require_POST
def archive(request: FirmRequest) -> HttpResponse:
    """Archive a selection."""
    return _archive(request, _selected(request), _listed(request))


@require_POST
def restore(request: FirmRequest) -> HttpResponse:
    """Restore a selection."""
    return _restore(request, _selected(request), _listed(request))


@require_http_methods(["GET", "HEAD", "POST"])
def archive_one(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Archive one dossier."""
    return _archive(request, _one(request, pk), request.firm.url("clients:dossier", pk=pk))


@require_http_methods(["GET", "HEAD", "POST"])
def restore_one(request: FirmRequest, pk: UUID) -> HttpResponse:
    """Restore one dossier."""
    return _restore(request, _one(request, pk), request.firm.url("clients:dossier", pk=pk))


def _archive(request: FirmRequest, dossiers: QuerySet[Dossier], back: str) -> HttpResponse:
    return _act(request, dossiers, archive_dossiers, _archived, "clients/archive.html", back)


def _restore(request: FirmRequest, dossiers: QuerySet[Dossier], back: str) -> HttpResponse:
    return _act(request, dossiers, restore_dossiers, _restored, "clients/restore.html", back)


def _act(
    request: FirmRequest,
    dossiers: QuerySet[Dossier],
    action: Callable[..., Result],
    words: Callable[[Result], str],
    template: str,
    back: str,
) -> HttpResponse:
    # Nobody's access changes, so nothing is measured but the mails.
    outcome = weighed(request, partial(action, actor=request.member, dossiers=dossiers))
    if outcome.is_done:
        report(request, outcome.result, words(outcome.result))
        return selection_done(request, opened_on(request, back))
    context = {
        "weighed": outcome,
        "result": outcome.result,
        "left_out": left_out(outcome.result),
        "selection": selection_again(request) if request.method == "POST" else [],
        "back": back,
    }
    return render(request, template, context)


def _selected(request: FirmRequest) -> QuerySet[Dossier]:
    """What the selection names, of what the member sees: the rest is counted with its reason."""
    if not allows(Role(request.member.role), Perm.ARCHIVE_DOSSIER):
        raise PermissionDenied(Perm.ARCHIVE_DOSSIER)
    return selected_dossiers(request, request.member, Perm.VIEW_DOSSIER)


def _listed(request: FirmRequest) -> str:
    return listed_at(request.firm, dict(selection_again(request)))


def _one(request: FirmRequest, pk: UUID) -> QuerySet[Dossier]:
    seen = permitted(Dossier.objects.clients(), request.member, Perm.VIEW_DOSSIER)
    require(request.member, Perm.ARCHIVE_DOSSIER, get_object_or_404(seen, pk=pk))
    return Dossier.objects.filter(pk=pk)


def _archived(result: Result) -> str:
    text = ngettext("%(n)s client file is archived.", "%(n)s client files are archived.", result.count)
    return text % {"n": result.count}


def _restored(result: Result) -> str:
    text = ngettext("%(n)s client file is restored.", "%(n)s client files are restored.", result.count)
    return text % {"n": result.count}
