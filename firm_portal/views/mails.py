"""/dev/mails/: every kind of mail as it looks. Development only."""

from csp.constants import SELF
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from activity.mails import Message
from activity.showing import THEMES, side_by_side
from firm_portal.previews import PREVIEWS, NoDemonstration, Preview, shown


@login_not_required
@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """All kinds, with an example or more of each."""
    kinds: dict[str, list[Preview]] = {}
    for preview in PREVIEWS.values():
        kinds.setdefault(preview.kind, []).append(preview)
    context = {"kinds": sorted(kinds.items()), "languages": settings.LANGUAGES}
    return render(request, "dev/mails.html", context)


@login_not_required
@require_safe
def mail(request: HttpRequest, name: str, language: str) -> HttpResponse:
    """One of them, in a frame: light, dark, HTML and text."""
    context = {
        "preview": _found(name),
        "message": _message(name, language),
        "language": language,
        "languages": settings.LANGUAGES,
        "themes": THEMES.items(),
        "theme": request.GET.get("theme", ""),
    }
    response = render(request, "dev/mail.html", context)
    response._csp_update = {"frame-src": [SELF]}  # type: ignore[attr-defined]  # as csp_update, which takes no key
    return response


@login_not_required
@require_safe
def mail_frame(request: HttpRequest, name: str, language: str) -> HttpResponse:
    """The mail itself, for the frame of its page."""
    return side_by_side(request, _message(name, language))


def _message(name: str, language: str) -> Message:
    if language not in dict(settings.LANGUAGES):
        raise Http404
    try:
        return shown(_found(name), language)
    except NoDemonstration as error:
        raise Http404("The people of the demonstration are not there.") from error


def _found(name: str) -> Preview:
    if name not in PREVIEWS:
        raise Http404
    return PREVIEWS[name]
