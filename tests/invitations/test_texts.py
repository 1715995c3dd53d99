"""What a firm writes in its invitations: used by each of them, in the reader's language, and by nobody else's."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import Role
from activity.models import Event, OutgoingEmail
from invitations.actions.drafting import prepare_invitation, send_draft
from invitations.actions.handling import resend_invitation
from invitations.actions.inviting import invite_client, invite_clients, invite_member
from invitations.actions.reminding import remind
from invitations.actions.texts import ChangedMeanwhile, change_text, mark_of, send_test
from invitations.mails import specimen
from invitations.models import Invitation, InvitationKind, InvitationText
from invitations.texts import current_text
from invitations.wording import Wording, standard
from invitations.writing import TextForm
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_person

CLIENT, MEMBER = InvitationKind.CLIENT, InvitationKind.MEMBER
OWN = Wording("{cabinet} vous attend", "Bonjour,\n\n{expediteur} vous ouvre\nle dossier {client}.")
ENGLISH = Wording("{firm} awaits you", "Hello,\n\n{sender} opens {client} to you until {deadline}.")


def write(world: World, wording: Wording, kind: InvitationKind = CLIENT, language: str = "fr") -> Any:
    seen = mark_of(current_text(kind, language))
    return change_text(actor=world.admin, kind=kind, language=language, wording=wording, seen=seen)


def invite(world: World, email: str = "claire@client.test", **fields: Any) -> Invitation:
    dossier = make_dossier("Boulangerie Martin", email=email)
    return invite_client(actor=world.admin, dossier=dossier, **fields)


def html_of(mail: Any) -> str:
    (html,) = [content for content, kind in mail.alternatives if kind == "text/html"]
    return str(html)


def test_without_a_text_the_invitation_says_what_we_say(firm: World, outbox: Outbox) -> None:
    invite(firm)
    mail = outbox.to("claire@client.test")
    assert mail.subject == "Cabinet Lemoine vous invite dans son espace en ligne"
    assert "vous invite dans l'espace en ligne du cabinet" in mail.body


def test_the_firms_words_stand_in_subject_text_and_html(firm: World, outbox: Outbox) -> None:
    write(firm, OWN)
    invite(firm)
    mail = outbox.to("claire@client.test")
    assert mail.subject == "Cabinet Lemoine vous attend"
    assert "Alice Martin vous ouvre\nle dossier Boulangerie Martin." in mail.body
    assert "Alice Martin vous ouvre<br>le dossier Boulangerie Martin." in html_of(mail)
    for ours in ("Voir l'invitation", "Ce n'est pas pour moi", "Le lien est valable jusqu'au"):
        assert ours in mail.body
    assert "vous invite dans l'espace en ligne" not in mail.body


@pytest.mark.parametrize(("subject", "body"), [("Notre objet", ""), ("", "Notre texte.")])
def test_what_is_left_empty_is_ours(firm: World, outbox: Outbox, subject: str, body: str) -> None:
    ours = standard(CLIENT, "fr")
    write(firm, Wording(subject or ours.subject, body or ours.body))
    text = current_text(CLIENT, "fr")
    assert text is not None and (text.subject, text.body) == (subject, body)
    invite(firm)
    mail = outbox.to("claire@client.test")
    assert (mail.subject == "Notre objet") == bool(subject)
    assert ("Notre texte." in mail.body) == bool(body)
    assert ("vous invite dans l'espace en ligne du cabinet" in mail.body) == bool(subject)


def test_each_reads_the_text_of_their_language(firm: World, outbox: Outbox) -> None:
    write(firm, OWN)
    write(firm, ENGLISH, language="en")
    make_person("emma@client.test", language="en")
    invite(firm, "emma@client.test", language="fr")
    invite(firm, "john@client.test", language="en")
    invite(firm, "claire@client.test")
    assert outbox.to("emma@client.test").subject == "Cabinet Lemoine awaits you"
    assert outbox.to("john@client.test").subject == "Cabinet Lemoine awaits you"
    assert outbox.to("claire@client.test").subject == "Cabinet Lemoine vous attend"
    assert re.search(r"opens Boulangerie Martin to you until \w+ \d", str(outbox.to("john@client.test").body))


def test_a_text_in_one_language_leaves_the_other_to_us(firm: World, outbox: Outbox) -> None:
    write(firm, OWN)
    invite(firm, "john@client.test", language="en")
    assert outbox.to("john@client.test").subject == "Cabinet Lemoine invites you to its online space"


def test_another_firms_invitations_say_what_they_said(
    lemoine: World, bertrand: World, outbox: Outbox
) -> None:
    with scope(firm=lemoine.firm):
        write(lemoine, OWN)
    with scope(firm=bertrand.firm):
        assert current_text(CLIENT, "fr") is None
        invite(bertrand)
    assert outbox.to("claire@client.test").subject.startswith("Bertrand Conseil vous invite")


def test_a_members_invitation_has_words_of_its_own(firm: World, outbox: Outbox) -> None:
    write(firm, OWN)
    write(firm, Wording("Rejoignez {cabinet}", "Vous serez : {role}."), kind=MEMBER)
    invite_member(actor=firm.admin, email="nadia@cabinet.test", role=Role.COLLABORATOR)
    mail = outbox.to("nadia@cabinet.test")
    assert mail.subject == "Rejoignez Cabinet Lemoine"
    assert "Vous serez : Collaborateur." in mail.body


def test_reminders_resendings_drafts_and_many_at_once_use_it_too(firm: World, outbox: Outbox) -> None:
    write(firm, OWN)
    reminded, resent = invite(firm, "relance@client.test"), invite(firm, "renvoi@client.test")
    draft = make_dossier("Garage Petit", email="brouillon@client.test")
    send_draft(actor=firm.admin, invitation=prepare_invitation(actor=firm.admin, dossier=draft))
    several = make_dossier("Fleurs Petit", email="plusieurs@client.test")
    invite_clients(actor=firm.admin, dossiers=type(several).objects.filter(pk=several.pk))
    outbox.clear()
    Invitation.objects.filter(pk=reminded.pk).update(remind_at=timezone.now() - timedelta(minutes=1))
    remind(keys=[reminded.pk])
    resend_invitation(actor=firm.admin, invitation=resent)
    subjects = {mail.to[0]: mail.subject for mail in outbox.mails()}
    assert subjects["relance@client.test"] == "Rappel : Cabinet Lemoine vous attend"
    assert subjects["renvoi@client.test"] == "Cabinet Lemoine vous attend"
    assert "le dossier Boulangerie Martin" in outbox.to("relance@client.test").body


@pytest.mark.parametrize("email", ["brouillon@client.test", "plusieurs@client.test"])
def test_a_draft_and_one_of_many_say_it(firm: World, outbox: Outbox, email: str) -> None:
    write(firm, OWN)
    dossier = make_dossier("Garage Petit", email=email)
    if email.startswith("brouillon"):
        send_draft(actor=firm.admin, invitation=prepare_invitation(actor=firm.admin, dossier=dossier))
    else:
        invite_clients(actor=firm.admin, dossiers=type(dossier).objects.filter(pk=dossier.pk))
    assert outbox.to(email).subject == "Cabinet Lemoine vous attend"


def test_a_mail_that_waits_says_what_is_in_force_as_it_leaves(firm: World, outbox: Outbox) -> None:
    invite(firm)
    write(firm, OWN)
    assert outbox.to("claire@client.test").subject == "Cabinet Lemoine vous attend"


def test_a_mail_that_left_is_shown_as_it_was(firm: World, outbox: Outbox) -> None:
    write(firm, OWN)
    invitation = invite(firm)
    outbox.flush()
    write(firm, Wording("Un tout autre objet", "Un tout autre texte."))
    sent = Invitation.objects.with_names().select_related("firm").get(pk=invitation.pk)
    assert specimen(sent).subject == "Cabinet Lemoine vous attend"
    assert specimen(sent, is_reminder=True).subject == "Rappel\u00a0: Un tout autre objet"


def test_markup_is_text_wherever_it_stands(firm: World, outbox: Outbox) -> None:
    write(firm, Wording("<b>{cabinet}</b>", "<script>alert(1)</script> {client} & <a href='x'>là</a>"))
    invite_client(
        actor=firm.admin, dossier=make_dossier("<i>Boulangerie</i> & fils", email="claire@client.test")
    )
    mail = outbox.to("claire@client.test")
    html = html_of(mail)
    assert "<script" not in html and "<i>Boulangerie" not in html and "<a href='x'>" not in html
    assert "&lt;script&gt;" in html and "&lt;i&gt;Boulangerie&lt;/i&gt; &amp; fils" in html
    assert "<script>alert(1)</script> <i>Boulangerie</i> & fils" in mail.body
    assert mail.subject == "<b>Cabinet Lemoine</b>"


def test_no_line_break_gets_into_a_header(firm: World, outbox: Outbox) -> None:
    InvitationText.objects.create(kind=CLIENT, language="fr", subject="Objet\r\nBcc: x@y.test", body="")
    invite(firm)
    mail = outbox.to("claire@client.test")
    assert mail.subject == "Objet Bcc: x@y.test"
    assert b"\nBcc:" not in mail.message().as_bytes()


def test_whose_client_file_it_is_is_said_even_where_the_text_does_not(firm: World, outbox: Outbox) -> None:
    write(firm, Wording("Bienvenue", "Bonjour à tous."))
    invite(firm)
    assert "Boulangerie Martin" in outbox.to("claire@client.test").body
    assert "Boulangerie Martin" in html_of(outbox.to("claire@client.test"))


def test_a_change_is_one_event_from_what_to_what(firm: World) -> None:
    write(firm, OWN)
    write(firm, Wording(OWN.subject, "Un autre texte."))
    first, second = Event.objects.filter(type="invitations.text.changed").order_by("id")
    assert first.changes == {"subject": ["", OWN.subject], "body": ["", OWN.body]}
    assert second.changes == {"body": [OWN.body, "Un autre texte."]}
    assert second.details == {"kind": "client", "language": "fr"}


def test_the_same_again_records_nothing(firm: World) -> None:
    write(firm, standard(CLIENT, "fr"))
    write(firm, OWN)
    write(firm, OWN)
    assert Event.objects.filter(type="invitations.text.changed").count() == 1
    assert InvitationText.objects.count() == 1


def test_back_to_ours(firm: World, outbox: Outbox) -> None:
    write(firm, OWN)
    write(firm, standard(CLIENT, "fr"))
    invite(firm)
    assert outbox.to("claire@client.test").subject == "Cabinet Lemoine vous invite dans son espace en ligne"
    assert InvitationText.objects.in_force().count() == 1
    assert InvitationText.objects.count() == 2


def test_two_at_once_the_second_is_told(firm: World) -> None:
    write(firm, OWN)
    with pytest.raises(ChangedMeanwhile):
        change_text(
            actor=firm.admin, kind=CLIENT, language="fr", wording=Wording("Le mien", "Mon texte."), seen=""
        )
    current = current_text(CLIENT, "fr")
    assert current is not None and current.subject == OWN.subject


def test_a_collaborator_writes_nothing(firm: World) -> None:
    with pytest.raises(PermissionDenied):
        change_text(actor=firm.collaborator, kind=CLIENT, language="fr", wording=OWN, seen="")
    with pytest.raises(PermissionDenied):
        send_test(actor=firm.collaborator, kind=CLIENT, language="fr", wording=OWN)
    assert not OutgoingEmail.objects.exists()


def test_a_test_goes_to_oneself_alone_and_its_link_opens_nothing(
    firm: World, outbox: Outbox, browse: Any
) -> None:
    send_test(actor=firm.admin, kind=CLIENT, language="en", wording=ENGLISH)
    assert outbox.recipients() == [firm.admin.email]
    mail = outbox.to(firm.admin.email)
    assert mail.subject == "Test: Cabinet Lemoine awaits you"
    assert "This is a test" in mail.body and "This is a test" in html_of(mail)
    link = re.search(r"http\S+/invitation/\S+/", str(mail.body))
    assert link is not None
    page = browse().get(link[0].partition("testserver")[2] or "/" + link[0].split("/", 3)[3], follow=True)
    assert page.status_code == 404
    assert not Invitation.objects.exists()


def test_nobody_gets_the_test_of_who_has_left(firm: World, outbox: Outbox) -> None:
    send_test(actor=firm.admin, kind=CLIENT, language="fr", wording=OWN)
    type(firm.admin).objects.filter(pk=firm.admin.pk).update(state="suspended")
    assert outbox.recipients() == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("subject", "Objet {client}", "ne nomme aucun client"),
        ("subject", "x" * 121, "120"),
        ("subject", "Voir www.exemple.fr", "www.exemple.fr"),
        ("body", "x" * 2001, "2001"),
        ("body", "a\n" * 60, "lignes"),
        ("body", "Bonjour {prenom}", "{prenom}"),
        ("body", "Cliquez sur https://exemple.fr/x", "https://exemple.fr/x"),
    ],
)
def test_what_no_mail_of_ours_may_say_is_refused_with_the_reason(field: str, value: str, said: str) -> None:
    form = TextForm({field: value}, kind=CLIENT, language="fr")
    assert not form.is_valid()
    assert said in str(form.errors[field])
