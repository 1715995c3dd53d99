"""How a firm presents itself in its mails: the sender's name, the address for answers, the logo."""

from django.db import transaction

from accounts.actions.rows import take_over
from accounts.events.firms import FirmChanged, LogoChanged, LogoRemoved
from accounts.models import Firm, FirmLogo, Membership
from accounts.permissions import Perm, require
from accounts.pictures import Picture
from activity.actions import record


@transaction.atomic
def change_sender(*, actor: Membership, mail_name: str, reply_to: str) -> Firm:
    """Whose name mails bear and who gets the answers; empty: the firm's own. No change, no event."""
    firm = _held(actor)
    if changes := take_over(firm, {"mail_name": mail_name, "reply_to": reply_to}):
        record(FirmChanged, actor=actor, subject=firm, changes=changes)
    return firm


@transaction.atomic
def set_logo(*, actor: Membership, name: str, picture: Picture) -> FirmLogo:
    """Put it into every mail that leaves from now on. The same dots again change nothing."""
    firm = _held(actor)
    logo = FirmLogo.objects.first() or FirmLogo()
    if logo.digest == picture.digest:
        return logo
    before, logo.name = logo.name, name
    logo.content, logo.digest = picture.content, picture.digest
    logo.width, logo.height = picture.width, picture.height
    logo.save()
    record(LogoChanged, actor=actor, subject=firm, changes={"logo": (before, name)})
    return logo


@transaction.atomic
def remove_logo(*, actor: Membership) -> None:
    """Mails bear the firm's name instead."""
    firm = _held(actor)
    logo = FirmLogo.objects.first()
    if logo is None:
        return
    logo.delete()
    record(LogoRemoved, actor=actor, subject=firm, changes={"logo": (logo.name, "")})


def _held(actor: Membership) -> Firm:
    """The firm, locked, if the actor may (still, once this has waited) change it."""
    require(actor, Perm.CHANGE_FIRM)
    firm = Firm.objects.select_for_update(no_key=True).get(pk=actor.firm.pk)
    require(actor, Perm.CHANGE_FIRM)
    return firm
