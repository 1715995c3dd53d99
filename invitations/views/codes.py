"""What whoever holds a printed letter sees, without being signed in to anything.

They type its code, or scan the square, whose code leaves the address at once: as with an invitation's link, a hash of
it (a keyed one) moves into a signed cookie of these pages alone. Looking at it uses nothing up, and a code that was
used, has expired or never was gets one and the same answer.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from accounts.throttling import throttled
from invitations.actions.letters import (
    CodeOpensNothing,
    TooManyAddresses,
    give_address,
    leads_somewhere,
    prove_address,
)
from invitations.forms import CodeForm, GuestForm
from invitations.lookups import letter_of
from invitations.models import Letter, family, hashed, hashed_code, read_code
from invitations.views.answering import kept_by_nobody
from tenancy.scopes import scope

COOKIE, COOKIE_SALT = "letter", "invitations.letter"
COOKIE_SECONDS = 2 * 3600
# Codes that begin alike share their tries: of those near any one letter's, so many are wrong in an hour, and no more.
WRONG_AT_MOST = "10/h/key,30/h/ip"
ADDRESSES_AT_MOST = "20/h/ip"
# As with links: one status for whatever opens nothing.
CLOSED = HTTPStatus.NOT_FOUND


class Held:
    """What a browser has of a letter: the hash of its code, or of a mail's link, and whose tries it shares."""

    def __init__(self, hashed_key: str, shared: str) -> None:
        self.hash, self.shared = hashed_key, shared

    @classmethod
    def by_code(cls, typed: str) -> "Held":
        code = read_code(typed)
        return cls(hashed_code(code), family(code))

    @classmethod
    def by_link(cls, token: str) -> "Held":
        return cls(hashed(token), family(token))

    @classmethod
    def of(cls, request: HttpRequest) -> "Held | None":
        value = request.get_signed_cookie(COOKIE, default="", salt=COOKIE_SALT, max_age=COOKIE_SECONDS)
        key, _colon, shared = (value or "").partition(":")
        return cls(key, shared) if key else None

    def keep(self, response: HttpResponse) -> HttpResponse:
        """Let the browser keep it, for these pages alone."""
        response.set_signed_cookie(
            COOKIE,
            f"{self.hash}:{self.shared}",
            salt=COOKIE_SALT,
            max_age=COOKIE_SECONDS,
            path=reverse("invitations:letter"),
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
        response["Referrer-Policy"] = "no-referrer"
        return response

    def refused(self, request: HttpRequest) -> HttpResponse | None:
        """The 429 page once too many wrong ones came from here, or began like this one."""
        return throttled(request, action="letter", rate=WRONG_AT_MOST, key=self.shared, counts=False)

    def count_as_wrong(self, request: HttpRequest) -> None:
        throttled(request, action="letter", rate=WRONG_AT_MOST, key=self.shared)


View = Callable[[HttpRequest, Letter, Held], HttpResponse]


def with_letter(*, proves: bool) -> Callable[[View], Callable[[HttpRequest], HttpResponse]]:
    """Find the letter of what the browser keeps, and stand in its firm's scope; or say that it opens nothing.

    `proves`: by the link of a mail, rather than by the code.
    """

    def decorator(view: View) -> Callable[[HttpRequest], HttpResponse]:
        @login_not_required
        @kept_by_nobody
        @wraps(view)
        def wrapped(request: HttpRequest) -> HttpResponse:
            held = Held.of(request)
            if held is None:
                return redirect("invitations:letter")
            if refusal := held.refused(request):
                return refusal
            for row in letter_of(held.hash):
                if row["proves"] != proves:
                    continue
                with scope(firm=row["firm_id"]):
                    letter = Letter.objects.select_related("dossier", "firm").get(pk=row["letter_id"])
                    if leads_somewhere(letter):
                        return view(request, letter, held)
            held.count_as_wrong(request)
            return closed(request)

        return wrapped

    return decorator


@login_not_required
@kept_by_nobody
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: HttpRequest) -> HttpResponse:
    """Type the code of a letter."""
    if request.method != "POST":
        return render(request, "invitations/code.html", {"form": CodeForm()})
    held = Held.by_code(request.POST.get("code", ""))
    if refusal := held.refused(request):
        return refusal
    if not letter_of(held.hash):
        held.count_as_wrong(request)
        return closed(request)
    return held.keep(redirect("invitations:letter_address"))


@login_not_required
@kept_by_nobody
@require_safe
def scan(request: HttpRequest, code: str) -> HttpResponse:
    """The square: take the code out of the address. The same answer for every code, and nothing is looked up."""
    return Held.by_code(code).keep(redirect("invitations:letter_address"))


@login_not_required
@kept_by_nobody
@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the mail: take its token out of the address."""
    return Held.by_link(token).keep(redirect("invitations:prove_address"))


@with_letter(proves=False)
@require_http_methods(["GET", "HEAD", "POST"])
def address(request: HttpRequest, letter: Letter, held: Held) -> HttpResponse:
    """Who writes, for what; and to which address the firm's invitation shall go."""
    form = GuestForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if refusal := throttled(request, action="letter_address", rate=ADDRESSES_AT_MOST):
            return refusal
        if form.is_valid() and _sent(letter, form):
            return redirect("invitations:letter_address")
    context = {"letter": letter, "firm": letter.firm, "form": form}
    return render(request, "invitations/letter_address.html", context, status=422 if form.is_bound else 200)


def _sent(letter: Letter, form: GuestForm) -> bool:
    """False with what stood in the way said in the form."""
    language = (get_language() or settings.LANGUAGE_CODE)[:2]
    try:
        give_address(letter_id=letter.pk, email=form.cleaned_data["email"], language=language)
    except TooManyAddresses:
        form.refuse_more()
        return False
    except CodeOpensNothing:
        pass  # answered, printed anew or withdrawn at this very moment: the page says so
    return True


@with_letter(proves=True)
@require_http_methods(["GET", "HEAD", "POST"])
def prove(request: HttpRequest, letter: Letter, held: Held) -> HttpResponse:
    """“Yes, this address is mine.” Opening the link alone changes nothing: mail scanners open links."""
    context = {"letter": letter, "firm": letter.firm}
    if request.method != "POST":
        return render(request, "invitations/prove_address.html", context)
    try:
        prove_address(letter_id=letter.pk, proof_hash=held.hash)
    except CodeOpensNothing:
        return closed(request)
    response = render(request, "invitations/address_proven.html", context)
    return _forgotten(response)


def closed(request: HttpRequest) -> HttpResponse:
    """What is said of every code and link that opens nothing, whatever the cause."""
    context = {"form": CodeForm(), "is_closed": True}
    return _forgotten(render(request, "invitations/code.html", context, status=CLOSED))


def _forgotten(response: HttpResponse) -> HttpResponse:
    response.delete_cookie(COOKIE, path=reverse("invitations:letter"))
    return response
