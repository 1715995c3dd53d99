"""The firm's pages of invitations: drafts, corrections, the mail looked at, many at once, the number of reminders."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Firm, Role
from activity.models import Event, OutgoingEmail
from clients.models import Dossier, SpaceProfile
from invitations.actions.drafting import prepare_invitation
from invitations.actions.handling import note_failure, revoke_invitation
from invitations.actions.inviting import invite_client, invite_member
from invitations.jobs import order_sending
from invitations.models import Invitation, InvitationState, InvitationToken, Sending, SendingKind
from invitations.working import carry_out
from tests.outbox import Outbox
from tests.web.pages import said
from tests.worlds import World, make_dossier

Browse = Callable[..., Client]
CLAIRE = "claire@boulangerie.test"


@pytest.fixture
def dossier(firm: World) -> Dossier:
    return make_dossier(email=CLAIRE)


def text(response: Any) -> str:
    return " ".join(said(response).replace("&#x27;", "'").split())


# --- drafts


def test_a_client_is_prepared_then_sent_from_the_list(
    browse: Browse, firm: World, dossier: Dossier, outbox: Outbox
) -> None:
    alice = browse(firm.admin)
    page = alice.get(firm.firm.url("invitations:invite_client", pk=dossier.pk))
    prepare = firm.firm.url("invitations:prepare_client", pk=dossier.pk)
    assert f'formaction="{prepare}"' in text(page)
    answer = alice.post(prepare, {"email": CLAIRE, "profile": "billing", "language": "en"})
    assert answer.status_code == 302
    draft = Invitation.objects.get()
    assert (draft.state, draft.language) == (InvitationState.DRAFT, "en")
    assert draft.profile == SpaceProfile.MANAGER, "nobody chooses what the first person of a space becomes"
    listed = alice.get(firm.firm.url("invitations:list"), {"state": "draft"})
    assert [row["invitation"] for row in listed.context["rows"]] == [draft]
    again = text(alice.get(firm.firm.url("invitations:invite_client", pk=dossier.pk)))
    assert "pas encore partie" in again
    assert outbox.recipients() == []
    alice.post(firm.firm.url("invitations:send_draft", pk=draft.pk))
    assert CLAIRE in outbox.recipients()


def test_a_wrong_address_of_a_draft_is_said_in_its_form(
    browse: Browse, firm: World, dossier: Dossier
) -> None:
    prepare = firm.firm.url("invitations:prepare_client", pk=dossier.pk)
    alice = browse(firm.admin)
    assert alice.post(prepare, {"email": "no address"}).status_code == 422
    invite_client(actor=firm.admin, dossier=dossier)
    answer = alice.post(prepare, {"email": CLAIRE})
    assert answer.status_code == 422
    assert "attend déjà sa réponse" in text(answer)


def test_a_selection_is_prepared_sent_and_deleted(browse: Browse, firm: World, outbox: Outbox) -> None:
    dossiers = [make_dossier(name, email=f"{name}@client.test") for name in ("a", "b", "c")]
    alice, url = browse(firm.admin), firm.firm.url
    alice.post(
        url("invitations:prepare_clients"),
        {"ids": [str(one.pk) for one in dossiers], "confirmed": "1", "language": "en"},
    )
    assert Invitation.objects.drafts().filter(language="en").count() == 3
    first, *others = Invitation.objects.order_by("email")
    question = alice.post(url("invitations:discard_selected"), {"ids": [str(first.pk)]})
    assert question.context["count"] == 1
    alice.post(url("invitations:discard_selected"), {"ids": [str(first.pk)], "confirmed": "1"})
    alice.post(url("invitations:send_selected"), {"ids": [str(one.pk) for one in others]})
    assert outbox.recipients() == ["b@client.test", "c@client.test"]
    assert Invitation.objects.drafts().count() == 0


def test_one_draft_is_deleted_after_a_question(browse: Browse, firm: World, dossier: Dossier) -> None:
    draft = prepare_invitation(actor=firm.admin, dossier=dossier)
    alice, url = browse(firm.admin), firm.firm.url("invitations:discard", pk=draft.pk)
    assert CLAIRE in text(alice.get(url))
    assert Invitation.objects.exists()
    alice.post(url)
    assert not Invitation.objects.exists()


# --- the right address


def test_a_bounced_one_is_corrected_and_sent_in_one_step(
    browse: Browse, firm: World, dossier: Dossier, outbox: Outbox
) -> None:
    invitation = invite_client(actor=firm.admin, dossier=dossier)
    note_failure(invitation_id=invitation.pk, generation=1, reason="Cette adresse n'existe pas")
    outbox.clear()
    alice, url = browse(firm.admin), firm.firm.url("invitations:correct", pk=invitation.pk)
    listed = alice.get(firm.firm.url("invitations:list"))
    assert url in text(listed)
    page = text(alice.get(url))
    assert "Cette adresse n'existe pas" in page
    assert 'name="also_dossier"' in page
    answer = alice.post(url, {"email": "right@client.test", "also_dossier": "on"})
    assert answer.status_code == 302
    assert "right@client.test" in outbox.recipients()
    dossier.refresh_from_db()
    assert dossier.email == "right@client.test"


def test_what_stands_in_the_way_of_a_correction_is_said(browse: Browse, firm: World) -> None:
    invitation = invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.COLLABORATOR)
    alice, url = browse(firm.admin), firm.firm.url("invitations:correct", pk=invitation.pk)
    answer = alice.post(url, {"email": firm.colleague.email})
    assert answer.status_code == 422
    assert "déjà celle d'un membre du cabinet" in text(answer)
    doubt = alice.post(url, {"email": "nina@gmial.com"})
    assert doubt.status_code == 422
    assert "gmail.com" in text(doubt)
    revoke_invitation(actor=firm.admin, invitation=invitation)
    assert alice.get(url).status_code == 302


# --- what it looked like


def test_the_mail_is_shown_as_sent_with_a_link_that_opens_nothing(
    browse: Browse, firm: World, dossier: Dossier, outbox: Outbox
) -> None:
    invitation = invite_client(actor=firm.admin, dossier=dossier)
    sent = outbox.to(CLAIRE)
    links = InvitationToken.objects.count()
    alice = browse(firm.admin)
    page = alice.get(firm.firm.url("invitations:mail", pk=invitation.pk))
    frame = alice.get(firm.firm.url("invitations:mail_html", pk=invitation.pk))
    html = sent.alternatives[0][0]
    pattern = re.compile(r"/invitation/[\w-]+/")
    assert pattern.sub("", frame.content.decode()) == pattern.sub("", str(html))
    assert str(sent.subject) in text(page)
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    assert frame["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "/invitation/exemple/" in frame.content.decode()
    assert InvitationToken.objects.count() == links, "looking makes no link"
    assert browse().get("/invitation/exemple/", follow=True).status_code == 404
    reminder = alice.get(firm.firm.url("invitations:mail", pk=invitation.pk) + "?rappel")
    assert "Rappel :" in text(reminder)


# --- many at once


def test_many_are_ordered_and_the_page_says_how_far_it_is(
    browse: Browse, firm: World, outbox: Outbox, settings: Any
) -> None:
    settings.INVITATIONS_AT_ONCE = 2
    for name in ("a", "b", "c"):
        make_dossier(name, email=f"{name}@client.test")
    make_dossier("d")
    alice, url = browse(firm.admin), firm.firm.url
    keys = ",".join(str(one.pk) for one in Dossier.objects.all())
    answer = alice.post(url("invitations:invite_clients"), {"ids": keys, "confirmed": "1", "language": "en"})
    sending = Sending.objects.get()
    page = url("invitations:sending", pk=sending.pk)
    assert answer["Location"] == page
    assert not Invitation.objects.exists(), "the page answers at once"
    assert (sending.total, sending.language) == (4, "en")
    assert "En attente de son tour" in text(alice.get(page))
    assert page in text(alice.get(url("invitations:list"))), "it is found again"


def test_the_mails_of_an_order_are_followed_until_the_last_has_left(
    browse: Browse, firm: World, outbox: Outbox
) -> None:
    for name in ("a", "b", "c"):
        make_dossier(name, email=f"{name}@client.test")
    make_dossier("d")
    keys = list(Dossier.objects.values_list("pk", flat=True))
    sending = order_sending(actor=firm.admin, kind=SendingKind.INVITE, keys=keys)
    alice, url = browse(firm.admin), firm.firm.url
    page, moving = (url(f"invitations:{name}", pk=sending.pk) for name in ("sending", "sending_progress"))
    carry_out(firm.firm.pk, sending.pk)
    assert alice.get(page).context["mails"]["waiting"] == 3
    assert alice.get(url("invitations:sendings")).context["shown"][0]["is_leaving"]
    assert 'hx-trigger="every 1s"' in text(alice.get(moving))
    outbox.flush()
    assert alice.get(moving, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    over = text(alice.get(page))
    assert "3 courriels sont partis" in over
    assert "pas d'adresse e-mail (1)" in over
    listed = alice.get(url("invitations:sendings"))
    assert page in text(listed)
    assert not listed.context["shown"][0]["is_leaving"]


@pytest.mark.parametrize(
    ("route", "kind"),
    [("resend_selected", SendingKind.RESEND), ("send_selected", SendingKind.DRAFTS)],
)
def test_many_of_the_list_are_a_workers_too(
    browse: Browse, firm: World, settings: Any, route: str, kind: SendingKind
) -> None:
    settings.INVITATIONS_AT_ONCE = 1
    for name in ("a", "b"):
        invite_client(actor=firm.admin, dossier=make_dossier(name, email=f"{name}@client.test"))
        prepare_invitation(actor=firm.admin, dossier=make_dossier(f"x{name}", email=f"x{name}@client.test"))
    answer = browse(firm.admin).post(firm.firm.url(f"invitations:{route}"), {"all": "1", "query": ""})
    sending = Sending.objects.get()
    assert (sending.kind, sending.total) == (kind, 2)
    assert answer["Location"] == firm.firm.url("invitations:sending", pk=sending.pk)


def test_an_order_asks_as_much_of_the_database_whatever_its_size(
    browse: Browse, firm: World, settings: Any, django_assert_max_num_queries: Any
) -> None:
    settings.INVITATIONS_AT_ONCE = 2
    for number in range(30):
        make_dossier(f"Client {number}", email=f"c{number}@client.test")
    alice = browse(firm.admin)
    keys = ",".join(str(one.pk) for one in Dossier.objects.all())
    with django_assert_max_num_queries(40):
        alice.post(firm.firm.url("invitations:invite_clients"), {"ids": keys, "confirmed": "1"})
    assert Sending.objects.get().total == 30
    assert not OutgoingEmail.objects.exists()


def test_a_collaborator_sees_no_order(browse: Browse, firm: World) -> None:
    sending = Sending.objects.create(asked_by=firm.admin, kind=SendingKind.INVITE, total=1)
    chloe = browse(firm.collaborator)
    for route in ("sendings", "sending", "sending_progress"):
        keys = {} if route == "sendings" else {"pk": sending.pk}
        assert chloe.get(firm.firm.url(f"invitations:{route}", **keys)).status_code == 403


# --- how many reminders


def test_an_administrator_sets_the_number_of_reminders(browse: Browse, firm: World) -> None:
    alice, url = browse(firm.admin), firm.firm.url("invitations:settings")
    assert url in text(alice.get(firm.firm.url("accounts:settings")))
    assert "Jours 2 et 5" in text(alice.get(url))
    assert alice.post(url, {"number": "4"}).status_code == 422
    alice.post(url, {"number": "3"})
    assert Firm.objects.get(pk=firm.firm.pk).invitation_reminders == 3
    event = Event.objects.get(type="accounts.firm.changed")
    assert event.changes == {"invitation_reminders": [2, 3]}
    assert browse(firm.collaborator).get(url).status_code == 403
