"""Acts that are weighed first: shown with their impact, and done once the person has seen it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_htmx.http import trigger_client_event

from accounts.answers import done
from accounts.models import Membership
from clients.impact import Impact, MeansSomethingElse, enact, rehearse
from clients.models import Dossier
from clients.results import Result

T = TypeVar("T")
NAMED = 5


@dataclass(frozen=True)
class Weighed(Generic[T]):
    """`is_done`, or else to be shown; `is_stale`: somebody changed something since the person saw it."""

    impact: Impact[T]
    about: str = ""
    is_done: bool = False
    is_stale: bool = False

    @property
    def result(self) -> T:
        return self.impact.result


def weighed(
    request: HttpRequest,
    act: Callable[[], T],
    *,
    about: str = "",
    harmless: Callable[[Impact[T]], bool] | None = None,
    dossiers: QuerySet[Dossier] | None = None,
    members: Iterable[Membership] = (),
) -> Weighed[T]:
    """Do it, if this request confirms what was shown `about` this very choice; else say what it would mean.

    What is `harmless` is done by the first POST. Raises what the action raises; see `clients.impact`.
    """
    measured: dict[str, Any] = {"dossiers": dossiers, "members": list(members)}
    seen = request.POST.get("seen") if request.POST.get("about", "") == about else None
    if not seen:
        impact = rehearse(act, **measured)
        if request.method != "POST" or not harmless or not harmless(impact):
            return Weighed(impact, about)
        seen = impact.fingerprint
    try:
        return Weighed(enact(act, seen=seen, **measured), about, is_done=True)
    except MeansSomethingElse as refused:
        return Weighed(refused.impact, about, is_stale=True)


def opens_or_closes_little(impact: Impact[Any]) -> bool:
    """Nobody loses anything, and nobody gains more than one dossier."""
    return not impact.losing and impact.gained <= 1


def selection_done(request: HttpRequest, url: str) -> HttpResponse:
    """On to that page, where the ticked rows are forgotten."""
    return trigger_client_event(done(request, url), "selection-done")


def left_out(result: Result) -> list[dict[str, Any]]:
    """The dossiers that are left as they are, by reason, for `clients/_left_out.html`."""
    return [
        {
            "reason": reason.label,
            "count": len(dossiers),
            "names": [dossier.name for dossier in dossiers[:NAMED]],
            "more": max(len(dossiers) - NAMED, 0),
        }
        for reason, dossiers in result.skipped.items()
    ]


def report(request: HttpRequest, result: Result, done: str) -> None:
    """Say what was done, how many were left out, and why. `done` says the first where there is something to say."""
    if result.count:
        messages.success(request, done)
    else:
        messages.info(request, _("Nothing was changed."))
    if result.skipped_count:
        reasons = ", ".join(f"{reason.label} ({len(left)})" for reason, left in result.skipped.items())
        text = ngettext(
            "%(n)s client file was left as it is: %(reasons)s.",
            "%(n)s client files were left as they are: %(reasons)s.",
            result.skipped_count,
        )
        messages.info(request, text % {"n": result.skipped_count, "reasons": reasons})
