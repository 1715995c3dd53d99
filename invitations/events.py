"""What happens to invitations, and whom it concerns.

The subject is what the invitation leads to: the dossier, or the membership; so they stand in its history.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Firm, Membership
from accounts.permissions import Perm, administrators, holders
from activity.events import EventType, Recipient
from clients.models import ClientSpace, Dossier, SpaceMember, SpacePerm, SpaceProfile
from invitations.models import InvitationKind, Sending


class InvitationEvent(EventType):
    """Concerns those to whom the dossier is open; of a member, the administrators; of a client's own, its managers.

    Details: `email`.
    """

    routes = {"clients.dossier": "clients:dossier", "accounts.membership": "clients:member"}
    topic = "invitations"
    concerns = _(
        "Of a client: those to whom the client file is open. Of a member: the administrators. "
        "Of what a client sends: the managers of their space"
    )

    @classmethod
    def audience(
        cls, subject: Dossier | Membership | ClientSpace, details: Mapping[str, Any]
    ) -> Iterable[Recipient]:
        if isinstance(subject, Dossier):
            return holders(Perm.VIEW_DOSSIER, subject)
        if isinstance(subject, ClientSpace):
            return SpaceMember.objects.who_may(SpacePerm.MANAGE_PEOPLE).filter(space=subject)
        return administrators()


class ClientInvited(InvitationEvent):
    name = "invitations.client.invited"
    summary = _("A client was invited")
    sentence = _("%(actor)s invited the client %(subject)s (%(email)s).")
    route = "clients:dossier"
    concerns = _("Those to whom the client file is open")


class ClientsInvited(EventType):
    """The one event of a group. Details: `count`. The members who see some of the dossiers are told by `also_tell`."""

    name = "invitations.clients.invited"
    summary = _("Clients were invited")
    sentence = _("%(actor)s invited several clients at once: %(count)s.")
    topic = "invitations"
    concerns = _("The administrators, and those to whom one of the client files is open")

    @classmethod
    def audience(cls, subject: None, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return administrators()


class SendingOrdered(EventType):
    """Many at once, by a worker. Details: `count`, of those chosen. What becomes of it is an event of its own."""

    name = "invitations.sending.ordered"
    summary = _("Many invitations were ordered at once")
    sentence = _("%(actor)s ordered: %(subject)s (%(count)s chosen).")
    route = "invitations:sending"


class SendingFailed(EventType):
    """Details: `reason`, a key of `invitations.words`."""

    name = "invitations.sending.failed"
    summary = _("Many invitations could not be sent to the end")
    sentence = _("%(subject)s: it could not be brought to its end.")
    route = "invitations:sending"
    topic = "orders"
    concerns = _("Whoever ordered it")

    @classmethod
    def audience(cls, subject: Sending, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return Membership.objects.with_person().filter(pk=subject.asked_by_id)


class DraftPrepared(EventType):
    """Concerns nobody yet: nothing has left. Details: `email`."""

    name = "invitations.draft.prepared"
    summary = _("An invitation was prepared")
    sentence = _("%(actor)s prepared the invitation for %(subject)s (%(email)s), without sending it.")
    route = "clients:dossier"


class DraftsPrepared(EventType):
    """The one event of a group. Details: `count`."""

    name = "invitations.drafts.prepared"
    summary = _("Invitations were prepared")
    sentence = _("%(actor)s prepared several invitations at once, without sending them: %(count)s.")


class DraftDiscarded(EventType):
    """Details: `email`."""

    name = "invitations.draft.discarded"
    summary = _("A prepared invitation was deleted")
    sentence = _("%(actor)s deleted the prepared invitation for %(subject)s (%(email)s).")
    route = "clients:dossier"


class DraftsDiscarded(EventType):
    """The one event of a group. Details: `count`."""

    name = "invitations.drafts.discarded"
    summary = _("Prepared invitations were deleted")
    sentence = _("%(actor)s deleted several prepared invitations: %(count)s.")


class InvitationReminded(EventType):
    """Tells nobody: the firm has set how often. Details: `email`."""

    name = "invitations.invitation.reminded"
    summary = _("A reminder of an invitation was sent")
    sentence = _("A reminder of the invitation for %(subject)s left for %(email)s.")


class InvitationsReminded(EventType):
    """The one event of those that were due together. Details: `count`."""

    name = "invitations.invitations.reminded"
    summary = _("Reminders of invitations were sent")
    sentence = _("Reminders of invitations left: %(count)s.")


class InvitationCorrected(InvitationEvent):
    """Changes: `email`. Details: `email`, the new one."""

    name = "invitations.invitation.corrected"
    summary = _("The address of an invitation was corrected")
    sentence = _(
        "%(actor)s corrected the address of the invitation for %(subject)s and sent it to %(email)s."
    )


class ClientJoined(InvitationEvent):
    """Details: `email`, and `terms`, the version that the person accepted."""

    name = "invitations.client.joined"
    summary = _("A client has entered their space")
    sentence = _("%(actor)s accepted the invitation: the client %(subject)s now has a space.")
    route = "clients:dossier"
    concerns = _("Those to whom the client file is open")


class ClientWaits(InvitationEvent):
    """Details: as ClientJoined."""

    name = "invitations.client.waits"
    summary = _("A client has accepted; their company is asked for its consent")
    sentence = _(
        "%(actor)s accepted the invitation for %(subject)s; the link waits for the company's consent."
    )
    route = "clients:dossier"
    concerns = _("Those to whom the client file is open")


class MemberInvited(InvitationEvent):
    """Details: `email`, `role`."""

    name = "invitations.member.invited"
    summary = _("A colleague was invited to the firm")
    sentence = _("%(actor)s invited %(subject)s to the firm (%(email)s).")
    concerns = _("The administrators")


class PersonInvited(InvitationEvent):
    """Of a client's own people. Details: `email`, `profile`."""

    name = "invitations.person.invited"
    summary = _("A person was invited into your space")
    sentence = _("%(actor)s invited %(email)s into the space of %(subject)s (%(profile)s).")
    words = {"profile": dict(SpaceProfile.choices)}
    route = "invitations:people"
    concerns = _("Those who manage the people of the client's space")


class MemberJoined(InvitationEvent):
    """Details: `email`, `terms`."""

    name = "invitations.member.joined"
    summary = _("A colleague has joined the firm")
    sentence = _("%(actor)s accepted the invitation and has joined the firm.")
    concerns = _("The administrators")


class InvitationResent(InvitationEvent):
    name = "invitations.invitation.resent"
    summary = _("An invitation was sent again")
    sentence = _("%(actor)s sent the invitation for %(subject)s again (%(email)s).")


class InvitationsResent(ClientsInvited):
    name = "invitations.invitations.resent"
    summary = _("Invitations were sent again")
    sentence = _("%(actor)s sent several invitations again: %(count)s.")


class InvitationRevoked(InvitationEvent):
    name = "invitations.invitation.revoked"
    summary = _("An invitation was revoked")
    sentence = _("%(actor)s revoked the invitation for %(subject)s (%(email)s).")


class InvitationsRevoked(ClientsInvited):
    name = "invitations.invitations.revoked"
    summary = _("Invitations were revoked")
    sentence = _("%(actor)s revoked several invitations: %(count)s.")


class InvitationOpened(EventType):
    name = "invitations.invitation.opened"
    summary = _("An invitation was opened")
    sentence = _("%(actor)s opened the invitation for %(subject)s.")


class InvitationRefused(InvitationEvent):
    name = "invitations.invitation.refused"
    summary = _("An invitation was refused")
    sentence = _("%(actor)s says that the invitation for %(subject)s is not for them.")


class InvitationRenewed(EventType):
    """The person asked for a new link, by an older one."""

    name = "invitations.invitation.renewed"
    summary = _("A person asked for a new invitation link")
    sentence = _("%(actor)s asked for a new link for the invitation of %(subject)s.")


class InvitationFailed(InvitationEvent):
    """Details: `email`, `reason`, in words for people."""

    name = "invitations.invitation.failed"
    summary = _("An invitation could not be delivered")
    sentence = _("The invitation for %(subject)s could not be delivered to %(email)s: %(reason)s")


# --- letters, for clients without an e-mail address


class LetterPrinted(EventType):
    """Tells nobody: a letter opens nothing by itself."""

    name = "invitations.letter.printed"
    summary = _("A letter with a code was printed")
    sentence = _("%(actor)s printed the letter with a code for %(subject)s.")
    route = "clients:dossier"


class LettersPrinted(EventType):
    """The one event of a group. Details: `count`."""

    name = "invitations.letters.printed"
    summary = _("Letters with codes were printed")
    sentence = _("%(actor)s printed several letters with codes: %(count)s.")
    route = "invitations:letters"


class LetterAddressed(EventType):
    """Tells nobody yet: the address may be anybody's. Details: `email`."""

    name = "invitations.letter.addressed"
    summary = _("An address was given by a letter's code")
    sentence = _("By the code of the letter for %(subject)s, somebody gave the address %(email)s.")
    route = "clients:dossier"


class LetterFailed(InvitationEvent):
    """Details: `email`, `reason`, in words for people."""

    name = "invitations.letter.failed"
    summary = _("The mail to an address given by a letter's code could not be delivered")
    sentence = _(
        "The mail to %(email)s, an address given by the code of the letter for %(subject)s, could not be delivered: "
        "%(reason)s"
    )
    route = "clients:dossier"
    concerns = _("Those to whom the client file is open")


class LetterAnswered(InvitationEvent):
    name = "invitations.letter.answered"
    summary = _("A letter was answered: the firm has to confirm")
    sentence = _(
        "By the code of the letter for %(subject)s, somebody gave the address %(email)s and showed that it is theirs. "
        "An administrator has to confirm it before they are invited."
    )
    concerns = _("Those to whom the client file is open")


class LetterConfirmed(EventType):
    """Tells nobody: the invitation that it sends does. Details: `email`."""

    name = "invitations.letter.confirmed"
    summary = _("The answer to a letter was confirmed")
    sentence = _(
        "%(actor)s confirmed that %(email)s is the address of %(subject)s, as the letter's answer says."
    )
    route = "clients:dossier"


class LetterDeclined(InvitationEvent):
    name = "invitations.letter.declined"
    summary = _("The answer to a letter was declined")
    sentence = _(
        "%(actor)s declined the address %(email)s that was given by the code of the letter for %(subject)s."
    )
    concerns = _("Those to whom the client file is open")


class LetterRevoked(EventType):
    """Tells nobody."""

    name = "invitations.letter.revoked"
    summary = _("A letter was made void")
    sentence = _("%(actor)s made the code of the letter for %(subject)s void.")
    route = "clients:dossier"


# --- a client asks a firm to follow them


class FirmInvited(InvitationEvent):
    """In the client's space. Details: `email`."""

    name = "invitations.firm.invited"
    summary = _("An accounting firm was invited")
    sentence = _("%(actor)s invited an accounting firm to follow %(subject)s (%(email)s).")
    route = "invitations:firms"
    concerns = _("The managers of the client's space")


class InvitationTakenUp(InvitationEvent):
    """In the client's space. Details: `firm`, its name."""

    name = "invitations.firm.taken_up"
    summary = _("An accounting firm has received your invitation")
    sentence = _("%(actor)s received the invitation of %(subject)s for %(firm)s, which has yet to answer.")
    route = "invitations:firms"
    concerns = _("The managers of the client's space")


class FirmDeclined(InvitationEvent):
    """In the client's space. Details: `firm`, its name."""

    name = "invitations.firm.declined"
    summary = _("An accounting firm has declined your invitation")
    sentence = _("%(actor)s declined the invitation of %(subject)s for %(firm)s.")
    route = "invitations:firms"
    concerns = _("The managers of the client's space")


class InvitationHandedBack(InvitationEvent):
    """In the client's space. Details: `firm`, its name."""

    name = "invitations.firm.handed_back"
    summary = _("An accounting firm has handed your invitation back")
    sentence = _(
        "%(actor)s handed back the invitation of %(subject)s, which had been received for %(firm)s by mistake: "
        "%(firm)s no longer sees it. Its link is still good, and waits for the right firm."
    )
    route = "invitations:firms"
    concerns = _("The managers of the client's space")


class RequestReceived(EventType):
    """In the firm's journal. Details: `client`, their name. Changes: `received_by`, where a colleague had it before.

    That one is told by `also_tell`.
    """

    name = "invitations.request.received"
    summary = _("A client asks the firm to follow them")
    sentence = _("%(actor)s received, for %(subject)s, the invitation of the client %(client)s.")
    route = "invitations:requests"
    topic = "invitations"
    fields = {"received_by": _("Received by")}
    concerns = _("The administrators, and whoever of the firm has received it before")

    @classmethod
    def audience(cls, subject: Firm, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return administrators()


class RequestDeclined(RequestReceived):
    """Details: `client`, their name."""

    name = "invitations.request.declined"
    summary = _("The firm does not follow a client who asked for it")
    sentence = _("%(actor)s declined, for %(subject)s, the invitation of the client %(client)s.")


class RequestRefused(RequestReceived):
    """By the link of the mail, after the firm had received it. Details: `client`, their name."""

    name = "invitations.request.refused"
    summary = _("A client's invitation that the firm had received was refused")
    sentence = _(
        "Whoever opened the mail at %(actor)s says that the invitation of the client %(client)s, which had been "
        "received for %(subject)s, is not for them. It can't be answered any more."
    )


class TextEvent(EventType):
    """Of the words of the firm's invitations. Details: `kind`, `language`."""

    route = "invitations:mail_settings"
    topic = "firm"
    words = {
        "kind": {InvitationKind.CLIENT: _("of clients"), InvitationKind.MEMBER: _("of members")},
        "language": {
            "fr": pgettext_lazy("in a language", "in French"),
            "en": pgettext_lazy("in a language", "in English"),
        },
        "subject": {"": _("the standard one")},
        "body": {"": _("the standard one")},
    }


class InvitationTextChanged(TextEvent):
    name = "invitations.text.changed"
    summary = _("The text of the firm's invitations was changed")
    sentence = _("%(actor)s changed the text of the invitations %(kind)s %(language)s.")
    fields = {"subject": _("Subject"), "body": _("Text")}
    concerns = _("The administrators")

    @classmethod
    def audience(cls, subject: Firm, details: Mapping[str, Any]) -> Iterable[Recipient]:
        return administrators()


class TestMailSent(TextEvent):
    """Details: also `email`."""

    name = "invitations.text.tested"
    summary = _("A test mail was sent")
    sentence = _("%(actor)s had a test of the invitations %(kind)s %(language)s sent to %(email)s.")


class RequestHandedBack(RequestReceived):
    """It had been received for the wrong firm. Details: `client`, their name."""

    name = "invitations.request.handed_back"
    summary = _("A client's invitation was handed back: it was not meant for the firm")
    sentence = _(
        "%(actor)s handed back the invitation of the client %(client)s, which had been received for %(subject)s "
        "by mistake."
    )


class RequestWithdrawn(RequestReceived):
    """By the client, who revoked it or sent it elsewhere. Details: `client`, their name."""

    name = "invitations.request.withdrawn"
    summary = _("A client has withdrawn their invitation")
    sentence = _(
        "%(actor)s withdrew the invitation of the client %(client)s, which had been received for %(subject)s. "
        "It no longer stands in the firm's list."
    )
