"""The menu of an invitation that waits for its answer: the same in the firm's list and on a client's pages."""

from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from clients.places import SpaceRequest
from invitations.models import Invitation

Item = dict[str, Any]


def in_space(
    request: SpaceRequest, invitation: Invitation, *, resend: str, correct: str, revoke: str
) -> dict[str, Any]:
    """An invitation that the client's space has sent, and what may be done with it, by the names of these pages."""
    here = partial(request.space.url, pk=invitation.pk)
    menu = of_waiting(resend=here(resend), correct=here(correct), revoke=here(revoke))
    return {"invitation": invitation, "menu": menu}


def of_waiting(*, resend: str, correct: str, revoke: str, look: str = "") -> list[Item]:
    """Send it again, correct its address, see its mail (where `look` is given), revoke it; by their URLs."""
    return [
        {"label": _("Send again"), "icon": "mail-forward", "url": resend, "post": True},
        {"label": _("Correct the address"), "icon": "pencil", "url": correct, "dialog": True},
        *([looking(look)] if look else []),
        danger(_("Revoke"), revoke),
    ]


def looking(url: str) -> Item:
    return {"label": _("See the mail"), "icon": "mail", "url": url}


def danger(label: str, url: str, icon: str = "mail-x") -> Item:
    """What is asked about first, apart from the others."""
    return {"label": label, "icon": icon, "url": url, "dialog": True, "danger": True, "split": True}
