"""The page on which a request that was received for the wrong firm is handed back, and where it leads."""

import html
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from clients.models import SpaceMember
from invitations.models import Invitation, InvitationState
from tenancy.scopes import scope
from tests.invitations.asked import ask, make_client, receive, receive_for
from tests.web.pages import plain
from tests.worlds import World, make_member

Browse = Callable[..., Client]


@pytest.fixture(autouse=True)
def _nobody_tried_before(db: None) -> None:
    cache.clear()


@pytest.fixture
def claire(db: None) -> SpaceMember:
    return make_client()


def read(page: Any) -> str:
    return plain(html.unescape(page.content.decode()))


def now(invitation: Invitation) -> Invitation:
    with scope(space=invitation.space_id):
        return Invitation.objects.get(pk=invitation.pk)


def test_handing_back_asks_first_and_then_leads_to_the_list(
    browse: Browse, claire: SpaceMember, lemoine: World
) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    client, url = browse(lemoine.admin), lemoine.firm.url("invitations:hand_back_request", pk=invitation.pk)
    assert url in read(client.get(lemoine.firm.url("invitations:request", pk=invitation.pk)))
    question = read(client.get(url))
    assert "Boulangerie Martin" in question and "Cabinet Lemoine" in question
    assert now(invitation).to_firm_id == lemoine.firm.pk, "a look changes nothing"
    done = client.post(url, follow=True)
    assert "L'invitation est rendue" in read(done)
    assert (now(invitation).to_firm_id, now(invitation).state) == (None, InvitationState.OPENED)
    assert "Boulangerie Martin" not in read(client.get(lemoine.firm.url("invitations:requests"))).replace(
        "Boulangerie Martin en est averti", ""
    )
    assert client.get(url).status_code == 404, "there is nothing here any more"


def test_whoever_was_asked_goes_on_to_choose_their_other_firm(
    browse: Browse, claire: SpaceMember, lemoine: World, bertrand: World
) -> None:
    alice = lemoine.admin.user
    assert alice is not None
    with scope(firm=bertrand.firm):
        make_member(bertrand.firm, "Alice", role=Role.ADMIN, user=alice)
    invitation = receive_for(ask(claire, alice.email), alice, lemoine.firm.pk)
    client = browse(alice)
    answer = client.post(lemoine.firm.url("invitations:hand_back_request", pk=invitation.pk))
    assert answer["Location"] == reverse("invitations:open_mine", kwargs={"pk": invitation.pk})
    choosing = read(client.get(answer["Location"], follow=True))
    assert "Cabinet Lemoine" in choosing and "Bertrand Conseil" in choosing
    client.post(reverse("invitations:answer"), {"firm": str(bertrand.firm.pk)})
    assert now(invitation).to_firm_id == bertrand.firm.pk


def test_a_colleague_who_may_not_answer_finds_no_such_page(
    browse: Browse, claire: SpaceMember, lemoine: World
) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    client, url = (
        browse(lemoine.collaborator),
        lemoine.firm.url("invitations:hand_back_request", pk=invitation.pk),
    )
    assert [client.get(url).status_code, client.post(url).status_code] == [404, 404]


def test_what_was_withdrawn_meanwhile_is_said(browse: Browse, claire: SpaceMember, lemoine: World) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    with scope(firm=lemoine.firm):
        Invitation.objects.filter(pk=invitation.pk).update(state=InvitationState.REFUSED)
    client = browse(lemoine.admin)
    done = client.post(lemoine.firm.url("invitations:hand_back_request", pk=invitation.pk), follow=True)
    assert "entre-temps" in read(done)
