"""What may go wrong between us and another platform, in words that say what to do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Trouble(Exception):
    """Nothing came, for the reason of this code. `later`: it may go better in so many seconds; None if it won't."""

    def __init__(self, code: str, later: float | None = None) -> None:
        super().__init__(code)
        self.code, self.later = code, later


_MESSAGES: Mapping[str, str | Promise] = {
    # the token, the account
    "token_refused": _(
        "%(platform)s does not accept the token (any more). Make a new one there, then replace the token here and "
        "fetch again."
    ),
    "forbidden": _(
        "%(platform)s recognises the token, but it may not read the list of your clients. Give it that right there, "
        "or make another one, then fetch again."
    ),
    "one_company": _(
        "This token opens one company of %(platform)s only. Ask for a token of the whole firm, replace the one here, "
        "and fetch again."
    ),
    "secret_lost": _(
        "The token can no longer be deciphered, because the installation's encryption key has changed. Replace it "
        "with a new one, then fetch again."
    ),
    "sign_in_refused": _(
        "%(platform)s did not accept this e-mail address and password. Check that they work on its own site, then try "
        "again."
    ),
    "no_form": _(
        "The sign-in page of %(platform)s no longer looks as this installation expects. Download your client list "
        "there yourself and send it here as a file; whoever runs this installation can adapt its settings."
    ),
    "no_file": _(
        "%(platform)s let us in, but gave no file: it may ask for a code besides the password. Download your client "
        "list there yourself, and send it here as a file."
    ),
    # the platform
    "too_many": _(
        "%(platform)s receives too many requests from your firm for now and asks us to wait. Nothing is lost: fetch "
        "again later."
    ),
    "down": _("%(platform)s has a failure at the moment. Fetch again in a while."),
    "unreachable": _(
        "%(platform)s cannot be reached. Fetch again in a while; if it lasts, check on its own site whether it works."
    ),
    "timeout": _("%(platform)s takes too long to answer. Fetch again in a while."),
    "garbled": _(
        "%(platform)s answered something that we cannot read. Fetch again in a while; if it happens once more, "
        "download your client list there and send it here as a file."
    ),
    "refused": _(
        "%(platform)s refused the request. Download your client list there and send it here as a file; whoever runs "
        "this installation can look into it."
    ),
    "led_elsewhere": _(
        "%(platform)s led us to another address, which we did not follow, to protect your access. Download your client "
        "list there and send it here as a file; whoever runs this installation can adapt its settings."
    ),
    "too_big": _(
        "%(platform)s sent more than we take at once. Download your client list there in several parts, and send them "
        "here as files."
    ),
    "too_many_clients": _(
        "This list has more than 120,000 clients, the most that one import takes. Download it in several parts, and "
        "send them here as files."
    ),
    "incomplete": _(
        "%(platform)s announced more clients than it gave, so nothing was taken over. Download your client list there "
        "and send it here as a file."
    ),
    "nothing": _(
        "%(platform)s has no client for this access. Check there what the token, or the person who made it, may see."
    ),
    # ours
    "not_allowed": _(
        "The person who asked for this list is no longer allowed to import. An administrator can fetch it again."
    ),
    "forgotten": _("The access to %(platform)s was forgotten meanwhile. Connect it again to fetch the list."),
    "gave_up": _(
        "The work on this list was interrupted several times, so it was stopped. Fetch it again; if it happens once "
        "more, download it there and send it here as a file."
    ),
}

_WAITS: Mapping[str, str | Promise] = {
    "too_many": _("%(platform)s asks us to slow down. It goes on by itself at %(time)s."),
    "timeout": _("%(platform)s did not answer in time. It goes on by itself at %(time)s."),
    "unreachable": _("%(platform)s could not be reached. It goes on by itself at %(time)s."),
}
_WAIT = _("%(platform)s has a failure at the moment. It goes on by itself at %(time)s.")


def told(code: str, platform: str) -> str:
    """Why nothing came, and what to do."""
    return str(_MESSAGES.get(code, _MESSAGES["refused"])) % {"platform": platform}


def wait_told(code: str, platform: str, time: str) -> str:
    """Why it takes longer."""
    return str(_WAITS.get(code, _WAIT)) % {"platform": platform, "time": time}
