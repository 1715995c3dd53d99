"""A company is asked whether a firm may be linked to it, and answers: what stands on each side, and whom it concerns.

What crosses names no person: neither who accepted the firm's invitation, nor who answered for the company.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import Firm
from accounts.permissions import Perm, administrators, holders
from activity.events import EventType, Recipient
from clients.events.space import SpaceEvent
from clients.models import ClientSpace, Dossier, SpaceMember
from clients.models.profiles import SpacePerm


class DeclarantsChanged(SpaceEvent):
    name = "clients.space.declarants_changed"
    summary = _("The registration of your SIREN by others was opened or closed")
    sentence = _("%(actor)s changed whether a firm may be linked to %(subject)s without your consent.")
    route = "clients:space_authorisations"
    topic = "following"


class ConsentAsked(EventType):
    """Details: `firm`, its name; `quiet`, if too many have asked today for a mail each."""

    name = "clients.space.consent_asked"
    summary = _("A firm asks for your consent")
    sentence = _("%(firm)s asks to be linked to %(subject)s.")
    route = "clients:space_authorisations"
    topic = "following"
    concerns = _("The people of the client's space who may authorise, for the first ten requests of a day")

    @classmethod
    def audience(cls, subject: ClientSpace, details: Mapping[str, Any]) -> Iterable[Recipient]:
        if details.get("quiet"):
            return ()
        return SpaceMember.objects.who_may(SpacePerm.AUTHORISE).filter(space=subject)


class ConsentRefused(SpaceEvent):
    """Details: `firm`, its name."""

    name = "clients.space.consent_refused"
    summary = _("A firm's request was refused")
    sentence = _("%(actor)s refused that %(firm)s be linked to %(subject)s.")
    route = "clients:space_authorisations"
    topic = "following"


class FollowAgreed(SpaceEvent):
    """In the space of a client whose company, another firm, has agreed. Details: `firm`, its name."""

    name = "clients.space.follow_agreed"
    summary = _("An accounting firm follows your file")
    sentence = _("The company has agreed: %(firm)s now follows %(subject)s.")
    topic = "following"


class FollowRefused(SpaceEvent):
    """In the space of a client whose company, another firm, has refused. Details: `firm`, its name."""

    name = "clients.space.follow_refused"
    summary = _("An accounting firm cannot follow your file")
    sentence = _("The company has not agreed: %(firm)s does not follow %(subject)s.")
    topic = "following"


class FirmConsentEvent(EventType):
    """The asked company is a firm. Details: `firm`, the name of the one that asks."""

    route = "clients:members"
    topic = "firm"
    concerns = _("The administrators")

    @classmethod
    def audience(cls, subject: Firm, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return administrators()


class FirmConsentAsked(FirmConsentEvent):
    name = "clients.firm.consent_asked"
    summary = _("A firm asks for your consent")
    sentence = _("%(firm)s asks to register the SIREN of %(subject)s as its client's.")
    concerns = _("The administrators, for the first ten requests of a day")

    @classmethod
    def audience(cls, subject: Firm, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return () if details.get("quiet") else administrators()


class FirmConsentGiven(FirmConsentEvent):
    name = "clients.firm.consent_given"
    summary = _("A firm's request was accepted")
    sentence = _("%(actor)s agreed that %(firm)s registers the SIREN of %(subject)s as its client's.")


class FirmConsentRefused(FirmConsentEvent):
    name = "clients.firm.consent_refused"
    summary = _("A firm's request was refused")
    sentence = _("%(actor)s refused that %(firm)s registers the SIREN of %(subject)s as its client's.")


class DossierConsentEvent(EventType):
    """In the journal of the firm that asked."""

    route = "clients:dossier"
    topic = "dossiers"
    concerns = _("Those to whom the client file is open")

    @classmethod
    def audience(cls, subject: Dossier, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return holders(Perm.VIEW_DOSSIER, subject)


class ClientConsented(DossierConsentEvent):
    name = "clients.dossier.consent_given"
    summary = _("A client has given their consent")
    sentence = _("The company has given its consent: %(subject)s is now linked to its client's space.")


class ClientDidNotConsent(DossierConsentEvent):
    name = "clients.dossier.consent_refused"
    summary = _("A client has not given their consent")
    sentence = _("The company has not given its consent: %(subject)s is not linked to a client's space.")
