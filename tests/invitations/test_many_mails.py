"""Invitations that leave together are made together: one rendering of what is alike, one statement to mark each."""

from typing import Any

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Role
from activity import delivery, mails
from activity.delivery import deliver_due
from activity.models import MailState, OutgoingEmail
from clients.models import Dossier
from invitations import mails as made
from invitations.actions.handling import resend_invitation
from invitations.actions.inviting import invite_clients
from invitations.actions.texts import change_text, mark_of
from invitations.models import Invitation, InvitationKind
from invitations.texts import current_text
from invitations.wording import Wording
from tenancy import scopes
from tests.invitations.kinds import KINDS, send
from tests.outbox import Outbox
from tests.worlds import World, make_dossier

# What a template would do something to, if it were put in before it is rendered.
ODD = """L'« Étoile » <b>&amp;</b> "{client}" {{ url }} {% now %} %(firm)s \\1 \\g<0>"""


def invite_many(world: World, count: int) -> None:
    for number in range(count):
        make_dossier(f"Client {number}", email=f"c{number}@client.test")
    invite_clients(actor=world.admin, dossiers=Dossier.objects.filter(email__endswith="@client.test"))


def deliver() -> int:
    with scopes._standing_in(scopes.NOWHERE, "default"):
        return deliver_due()


def test_a_mail_more_costs_one_statement_more(firm: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "FIRST_CLAIM", delivery.BATCH)
    statements = []
    for count in (10, 40):
        Invitation.objects.all().delete()
        OutgoingEmail.objects.all().delete()
        Dossier.objects.filter(is_own=False).delete()
        invite_many(firm, count)
        with CaptureQueriesContext(connection) as captured:
            assert deliver() == count
        statements.append(len(captured))
    assert statements[1] - statements[0] == 30
    assert statements[0] <= 10 + 12


def test_what_is_alike_is_rendered_once(firm: World, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "FIRST_CLAIM", delivery.BATCH)
    rendered: list[str] = []

    def counted(name: str, context: dict[str, Any]) -> str:
        rendered.append(name)
        return str(render_to_string(name, context))

    monkeypatch.setattr(mails, "render_to_string", counted)
    invite_many(firm, 20)
    sent = outbox.mails()
    assert rendered == ["mails/invitation_client.txt", "mails/invitation_client.html"]
    assert len({mail.body for mail in sent}) == 20
    for number in range(20):
        mail = outbox.to(f"c{number}@client.test")
        (html,) = [str(content) for content, _kind in mail.alternatives]
        for text in (mail.body, html):
            assert f"Client {number}" in text.replace("\n", " ")
            assert text.count(f"c{number}@client.test") == 1
            assert "\ue000" not in text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("own_words", [False, True])
def test_it_says_what_it_would_say_if_it_were_rendered_alone(
    firm: World, kind: InvitationKind, own_words: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marks or the texts themselves in the template: the same mail, however odd the texts."""
    sent = send(kind, firm)
    words = Wording(
        "{cabinet} vous attend",
        "Bonjour,\n\n{client}\n\n{expediteur}, à {client}, jusqu'au {echeance}. \ue000autre\ue001",
    )
    if own_words and kind in (InvitationKind.CLIENT, InvitationKind.MEMBER):
        change_text(
            actor=firm.admin, kind=kind, language="fr", wording=words, seen=mark_of(current_text(kind, "fr"))
        )
    with sent.here():
        invitation = sent.now()
        own = {"client": ODD, "email": f'"{ODD}"@x.test', "token": "k7-_"}
        monkeypatch.setattr(made, "_own", lambda *_of: own)
        by_marks = made.specimen(invitation, is_reminder=True)
        monkeypatch.setattr(made, "mark", own.__getitem__)
        monkeypatch.setattr(made._Alike, "email", own["email"])
        for name in ("target_name", "space_name"):
            monkeypatch.setattr(made._Alike, name, own["client"])
        assert made.specimen(invitation, is_reminder=True) == by_marks


def test_mails_that_differ_in_more_say_so(firm: World, outbox: Outbox) -> None:
    """Of two that leave together, one is of another inviter and another minute."""
    invite_many(firm, 2)
    later = Invitation.objects.get(email="c1@client.test")
    deadline = later.expires_at.replace(hour=9, minute=41)
    Membership.objects.filter(pk=firm.colleague.pk).update(role=Role.ADMIN)
    Invitation.objects.filter(pk=later.pk).update(invited_by=firm.colleague, expires_at=deadline)
    outbox.mails()
    bodies = [outbox.to(f"c{number}@client.test").body for number in (0, 1)]
    assert ["Paul Martin" in body for body in bodies] == [False, True]
    assert OutgoingEmail.objects.filter(state=MailState.SENT).count() == 2


def test_a_second_link_is_another_one(firm: World, outbox: Outbox) -> None:
    invite_many(firm, 1)
    first = outbox.to("c0@client.test").body
    resend_invitation(actor=firm.admin, invitation=Invitation.objects.get())
    assert outbox.mails()[-1].body != first
