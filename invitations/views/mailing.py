"""Settings, e-mails: how the firm's mails are signed, its logo, the words of its invitations."""

from typing import Any

from csp.constants import SELF
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actions.letterhead import change_sender, remove_logo, set_logo
from accounts.answers import done
from accounts.letterhead import LogoForm, SenderForm
from accounts.models import Firm, FirmLogo
from accounts.permissions import Perm, require
from accounts.places import FirmRequest
from accounts.throttling import throttled
from activity.outbox import PER_PAGE, SHOWN_FOR, told, undelivered
from activity.showing import THEMES, confined, side_by_side
from clients.paging import size_of
from clients.unreached import to_members
from invitations.actions.texts import ChangedMeanwhile, change_text, mark_of, send_test
from invitations.mails import example
from invitations.models import FROM_FIRMS, InvitationKind, InvitationText
from invitations.texts import current_text, is_own, own_texts, wording_of
from invitations.views.answering import Visit, with_visit
from invitations.writing import TextForm

TESTS_AT_MOST = "5/10m/user,30/d/user"
# An image that a page of ours shows, and nothing else even where it is opened by itself.
_IMAGE_MAY = "default-src 'none'; sandbox"


@require_http_methods(["GET", "HEAD", "POST"])
def mail_settings(request: FirmRequest) -> HttpResponse:
    """Whose name the firm's mails bear, who gets the answers; from here on to the logo and the texts."""
    require(request.member, Perm.CHANGE_FIRM)
    firm = Firm.objects.get(pk=request.firm.pk)
    form = SenderForm(request.POST or None, instance=firm)
    if form.is_valid():
        change_sender(actor=request.member, **form.cleaned_data)
        messages.success(request, _("The firm's settings are saved."))
        return redirect(request.firm.url("invitations:mail_settings"))
    context = {
        "form": form,
        "logo": _logo(),
        "kinds": _kinds(request),
        "undelivered": undelivered().count(),
    }
    return render(request, "invitations/mail_settings.html", context, status=422 if form.is_bound else 200)


@require_safe
def undelivered_mails(request: FirmRequest) -> HttpResponse:
    """Each mail of the firm that will not arrive, invitation or not, and why; or what members missed by it."""
    require(request.member, Perm.CHANGE_FIRM)
    is_narrow = request.GET.get("to") == "members"
    found = to_members() if is_narrow else undelivered()
    failed = Paginator(found, size_of(request.GET, PER_PAGE))
    page = failed.get_page(request.GET.get("page"))
    context = {
        "page": page,
        "mails": told(page.object_list),
        "days": SHOWN_FOR.days,
        "to_members": is_narrow,
    }
    return render(request, "invitations/undelivered.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def logo(request: FirmRequest) -> HttpResponse:
    """Give the firm's mails a logo, or another one."""
    require(request.member, Perm.CHANGE_FIRM)
    form = LogoForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        set_logo(actor=request.member, name=form.file_name, picture=form.picture)
        messages.success(request, _("The logo stands in every mail that leaves from now on."))
        return done(request, request.firm.url("invitations:mail_settings"))
    status = 422 if request.method == "POST" else 200
    return render(request, "invitations/logo.html", {"form": form, "logo": _logo()}, status=status)


@require_POST
def take_logo_away(request: FirmRequest) -> HttpResponse:
    """The firm's name stands in its place."""
    remove_logo(actor=request.member)
    messages.success(request, _("The logo is removed. Mails bear the firm's name again."))
    return redirect(request.firm.url("invitations:mail_settings"))


@require_safe
def logo_image(request: FirmRequest) -> HttpResponse:
    """The firm's logo, for its own administrators."""
    require(request.member, Perm.CHANGE_FIRM)
    return _image(_logo())


@with_visit
@require_safe
def logo_of_link(request: HttpRequest, visit: Visit) -> HttpResponse:
    """The logo of whoever invites, for whoever holds the link: nothing in the address says whose, the link does."""
    return _image(_logo() if visit.invitation.kind in FROM_FIRMS else None)


@require_http_methods(["GET", "HEAD", "POST"])
def text(request: FirmRequest, kind: str, language: str) -> HttpResponse:
    """The words of one kind of invitation in one language."""
    what, text_language = _what(request, kind, language)
    form = _text_form(request, what, text_language)
    if request.method == "POST" and form.is_valid() and _changed(request, form):
        return redirect(request.firm.url("invitations:mail_settings"))
    return _text_page(request, form)


@require_POST
def standard_text(request: FirmRequest, kind: str, language: str) -> HttpResponse:
    """Back to our words."""
    what, text_language = _what(request, kind, language)
    seen = mark_of(current_text(what, text_language))
    form = TextForm({"seen": seen}, kind=what, language=text_language)
    if form.is_valid() and _changed(request, form):
        return redirect(request.firm.url("invitations:mail_settings"))
    return _text_page(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
def text_preview(request: FirmRequest, kind: str, language: str) -> HttpResponse:
    """The mail, for the frame of the text's page: as it is saved; posted, as it is typed. Nothing is written."""
    what, text_language = _what(request, kind, language)
    shown = current_text(what, text_language)
    if request.method == "POST":
        form = _text_form(request, what, text_language)
        if not form.is_valid():
            page = render_to_string("invitations/text_refused.html", {"form": form})
            return confined(page, status=422)
        shown = InvitationText(subject=form.wording.subject, body=form.wording.body)
    with translation.override(text_language):
        message = example(what, shown, sender=request.member, is_reminder="rappel" in request.GET)
    return side_by_side(request, message)


@require_POST
def test_mail(request: FirmRequest, kind: str, language: str) -> HttpResponse:
    """Send it to oneself as it is typed, saved or not; the page stays with what was typed."""
    what, text_language = _what(request, kind, language)
    form = _text_form(request, what, text_language)
    if not form.is_valid():
        return _text_page(request, form)
    if refusal := throttled(request, action="test_mail", rate=TESTS_AT_MOST):
        return refusal
    send_test(actor=request.member, kind=what, language=text_language, wording=form.wording)
    words = _("A test is on its way to %(email)s. What you have typed is not saved yet.")
    messages.success(request, words % {"email": request.member.email})
    return _text_page(request, form, status=200)


def _what(request: FirmRequest, kind: str, language: str) -> tuple[InvitationKind, str]:
    """Which text the address names. Raises PermissionDenied, Http404."""
    require(request.member, Perm.CHANGE_FIRM)
    if kind not in FROM_FIRMS or language not in dict(settings.LANGUAGES):
        raise Http404
    return InvitationKind(kind), language


def _text_form(request: FirmRequest, kind: InvitationKind, language: str) -> TextForm:
    if request.method == "POST":
        return TextForm(request.POST, kind=kind, language=language)
    before = current_text(kind, language)
    wording = wording_of(kind, language, before)
    initial = {"subject": wording.subject, "body": wording.body, "seen": mark_of(before)}
    return TextForm(initial=initial, kind=kind, language=language)


def _changed(request: FirmRequest, form: TextForm) -> bool:
    try:
        change_text(
            actor=request.member,
            kind=form.kind,
            language=form.language,
            wording=form.wording,
            seen=form.cleaned_data["seen"],
        )
    except ChangedMeanwhile:
        words = _(
            "Somebody has changed this text meanwhile: theirs is shown below. Save again to replace it."
        )
        form.add_error(None, words)
        return False
    messages.success(request, _("The text is saved. Invitations that leave from now on say so."))
    return True


def _text_page(request: FirmRequest, form: TextForm, status: int = 0) -> HttpResponse:
    """With the text in force. After a conflict, the form goes on from it."""
    kind, language = form.kind, form.language
    before = current_text(kind, language)
    is_conflict = form.is_bound and bool(form.non_field_errors())
    if is_conflict:
        data: Any = form.data.copy()  # type: ignore[attr-defined]  # a form's data of a request
        data["seen"] = mark_of(before)
        form.data = data
    here = {"kind": kind, "language": language}
    context = {
        "form": form,
        "kind": kind,
        "language": language,
        "languages": settings.LANGUAGES,
        "themes": list(THEMES.items()),
        "is_own": is_own(before),
        "theirs": wording_of(kind, language, before) if is_conflict else None,
        "here": request.firm.url("invitations:text", **here),
        "preview": request.firm.url("invitations:text_preview", **here),
        "test": request.firm.url("invitations:test_mail", **here),
        "standard": request.firm.url("invitations:standard_text", **here),
        "address": request.member.email,
    }
    status = status or (422 if form.is_bound else 200)
    response = render(request, "invitations/text.html", context, status=status)
    response._csp_update = {"frame-src": [SELF]}  # type: ignore[attr-defined]  # as csp_update, which takes no key
    return response


def _kinds(request: FirmRequest) -> list[dict[str, Any]]:
    """Each text with whose words it is."""
    own = {language: own_texts(language) for language, _name in settings.LANGUAGES}
    return [
        {
            "kind": kind,
            "label": _("Invitation of a client")
            if kind == InvitationKind.CLIENT
            else _("Invitation of a member"),
            "texts": [
                {
                    "language": name,
                    "url": request.firm.url("invitations:text", kind=kind, language=language),
                    "own": own[language][kind] if is_own(own[language].get(kind)) else None,
                }
                for language, name in settings.LANGUAGES
            ],
        }
        for kind in FROM_FIRMS
    ]


def _logo() -> FirmLogo | None:
    return FirmLogo.objects.first()


def _image(found: FirmLogo | None) -> HttpResponse:
    """Kept by no cache: another firm's link may follow on the same device."""
    if found is None:
        raise Http404
    return HttpResponse(
        bytes(found.content),
        content_type="image/png",
        headers={"Content-Security-Policy": _IMAGE_MAY, "Cache-Control": "no-store"},
    )
