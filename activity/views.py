"""The mail catcher's pages. They exist on a development run only."""

from itertools import islice
from uuid import UUID

from csp.constants import SELF
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from activity import catcher

SHOWN = 200
# A mail may do nothing but be looked at and lead somewhere else.
MAIL_MAY = (
    "sandbox allow-top-navigation-by-user-activation; default-src 'none'; style-src 'unsafe-inline';"
    " img-src data:;"
    " frame-ancestors 'self'"
)


@login_not_required
@require_safe
def caught(request: HttpRequest) -> HttpResponse:
    """The mails that were caught, newest first."""
    wanted = request.GET.get("q", "")
    mails = list(islice(catcher.caught(wanted), SHOWN))
    return render(request, "activity/catcher.html", {"mails": mails, "wanted": wanted, "most": SHOWN})


@login_not_required
@require_safe
def caught_mail(request: HttpRequest, mail_id: UUID) -> HttpResponse:
    """One mail: its headers, HTML in a frame of its own, text."""
    response = render(request, "activity/caught.html", {"mail": _mail(mail_id)})
    response._csp_update = {"frame-src": [SELF]}  # type: ignore[attr-defined]  # as csp_update, which takes no key
    return response


@login_not_required
@require_safe
@xframe_options_sameorigin
def caught_html(request: HttpRequest, mail_id: UUID) -> HttpResponse:
    """The HTML part as it came, but for its links, which open in the whole window."""
    html = _mail(mail_id).html.replace("<head>", '<head><base target="_top">', 1)
    return HttpResponse(html, headers={"Content-Security-Policy": MAIL_MAY})


def _mail(key: UUID) -> catcher.Caught:
    if (mail := catcher.find(key)) is None:
        raise Http404
    return mail
