"""A client's request leaves a firm that it was not meant for, or that the client asks no longer; names follow."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.actions.firms import change_firm
from activity.models import Event
from clients.actions.space import edit_space_details
from clients.models import SpaceLink, SpaceMember
from invitations.actions.answering import NotAnswerable, ShownOtherwise
from invitations.actions.asking import correct_asked, resend_asked, revoke_asked
from invitations.actions.following import asked, decline_client, hand_back
from invitations.actions.handling import NotPending
from invitations.models import Invitation, InvitationState
from tenancy.scopes import scope
from tests.invitations.asked import agree, ask, make_client, receive
from tests.outbox import Outbox
from tests.worlds import World

CLAIRE = "claire@boulangerie.test"


@pytest.fixture
def claire(db: None) -> SpaceMember:
    return make_client()


def now(invitation: Invitation) -> Invitation:
    with scope(space=invitation.space_id):
        return Invitation.objects.get(pk=invitation.pk)


def seen_by(world: World, invitation: Invitation) -> bool:
    """Whether the firm can read the row at all, whatever its list asks for."""
    with scope(firm=world.firm):
        return Invitation.objects.filter(pk=invitation.pk).exists()


def handed_back(world: World, invitation: Invitation) -> None:
    with scope(firm=world.firm):
        hand_back(actor=world.admin, invitation=Invitation.objects.get(pk=invitation.pk))


def types(**owner: Any) -> list[str]:
    with scope(**owner):
        return list(Event.objects.of_scope().order_by("id").values_list("type", flat=True))


# --- received for the wrong firm


def test_what_was_received_for_the_wrong_firm_is_handed_back_and_received_for_the_right_one(
    claire: SpaceMember, lemoine: World, bertrand: World
) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    handed_back(lemoine, invitation)
    assert not seen_by(lemoine, invitation)
    back = now(invitation)
    assert (back.to_firm_id, back.to_firm_name, back.taken_up_by_id) == (None, "", None)
    assert (back.is_open, back.generation) == (True, invitation.generation)
    receive(invitation, bertrand.admin)
    agree(invitation, bertrand.admin)
    with scope(space=claire.space_id):
        assert [link.firm_name for link in SpaceLink.objects.running()] == ["Bertrand Conseil"]


def test_the_client_is_told_who_handed_it_back_and_the_firm_keeps_a_line(
    claire: SpaceMember, lemoine: World, outbox: Outbox
) -> None:
    invitation = receive(ask(claire), lemoine.colleague)
    outbox.flush()
    outbox.clear()
    handed_back(lemoine, invitation)
    assert "Cabinet Lemoine" in str(outbox.to(CLAIRE).body)
    assert outbox.recipients() == sorted([CLAIRE, lemoine.colleague.email]), "and whoever had received it"
    assert types(space=claire.space_id)[-1] == "invitations.firm.handed_back"
    assert types(firm=lemoine.firm)[-1] == "invitations.request.handed_back"
    with scope(space=claire.space_id):
        assert Event.objects.get(type="invitations.firm.handed_back").ip is None, "not from where"


def test_only_who_may_answer_hands_back_and_once(claire: SpaceMember, lemoine: World) -> None:
    invitation = receive(ask(claire), lemoine.colleague)
    with scope(firm=lemoine.firm):
        received = Invitation.objects.get(pk=invitation.pk)
        with pytest.raises(PermissionDenied):
            hand_back(actor=lemoine.collaborator, invitation=received)
        hand_back(actor=lemoine.colleague, invitation=received)
        with pytest.raises(NotAnswerable):
            hand_back(actor=lemoine.colleague, invitation=received)


def test_what_was_answered_is_not_handed_back(claire: SpaceMember, lemoine: World) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    with scope(firm=lemoine.firm):
        received = Invitation.objects.get(pk=invitation.pk)
        decline_client(actor=lemoine.admin, invitation=received)
        with pytest.raises(NotAnswerable):
            hand_back(actor=lemoine.admin, invitation=received)


# --- what the client takes back


@pytest.mark.parametrize("how", ["revoked", "corrected"])
def test_what_the_client_takes_back_leaves_the_firm_which_is_told(
    claire: SpaceMember, lemoine: World, outbox: Outbox, how: str
) -> None:
    invitation = receive(ask(claire), lemoine.colleague)
    outbox.flush()
    outbox.clear()
    with scope(space=claire.space_id):
        if how == "revoked":
            revoke_asked(actor=claire, invitation=invitation)
        else:
            correct_asked(actor=claire, invitation=invitation, email="autre@cabinet.test")
    assert not seen_by(lemoine, invitation), "neither the list nor its page"
    told = {lemoine.admin.email, lemoine.colleague.email}
    assert told <= set(outbox.recipients())
    with scope(firm=lemoine.firm):
        event = Event.objects.get(type="invitations.request.withdrawn")
        assert (event.details["client"], event.ip) == ("Boulangerie Martin", None)


def test_the_client_goes_on_reading_for_which_firm_it_was(claire: SpaceMember, lemoine: World) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    with scope(space=claire.space_id):
        revoke_asked(actor=claire, invitation=invitation)
    assert (now(invitation).state, now(invitation).to_firm_name) == (
        InvitationState.REVOKED,
        "Cabinet Lemoine",
    )


def test_one_that_has_expired_leaves_the_firm_too_when_it_is_withdrawn(
    claire: SpaceMember, lemoine: World
) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    with scope(space=claire.space_id):
        Invitation.objects.update(expires_at=timezone.now())
        assert seen_by(lemoine, invitation), "the client may send it again"
        revoke_asked(actor=claire, invitation=invitation)
        with pytest.raises(NotPending):
            resend_asked(actor=claire, invitation=invitation)
    assert not seen_by(lemoine, invitation)


def test_what_the_firm_has_answered_stays_in_its_list(claire: SpaceMember, lemoine: World) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    with scope(firm=lemoine.firm):
        decline_client(actor=lemoine.admin, invitation=Invitation.objects.get(pk=invitation.pk))
    assert seen_by(lemoine, invitation)


# --- names


def rename(world: World, name: str) -> None:
    with scope(firm=world.firm):
        change_firm(actor=world.admin, name=name, phone="", email="", second_factor_required=False)


def test_the_client_reads_how_the_firm_is_called_now_while_it_has_not_answered(
    claire: SpaceMember, lemoine: World
) -> None:
    declined = receive(ask(claire, "premier@cabinet.test"), lemoine.admin)
    with scope(firm=lemoine.firm):
        decline_client(actor=lemoine.admin, invitation=Invitation.objects.get(pk=declined.pk))
    waiting = receive(ask(claire), lemoine.admin)
    rename(lemoine, "Lemoine & Associés")
    assert now(waiting).to_firm_name == "Lemoine & Associés"
    assert now(declined).to_firm_name == "Cabinet Lemoine", "as the journal says of that time"


def test_the_firm_reads_how_the_client_is_called_now_and_answers_only_what_it_has_read(
    claire: SpaceMember, lemoine: World
) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    with scope(firm=lemoine.firm):
        before = asked(Invitation.objects.get(pk=invitation.pk)).mark
    with scope(space=claire.space_id):
        edit_space_details(actor=claire, space=claire.space, values={"legal_name": "Maison Martin"})
    with scope(firm=lemoine.firm):
        assert Invitation.objects.get(pk=invitation.pk).space_name == "Maison Martin"
    with pytest.raises(ShownOtherwise):
        agree(invitation, lemoine.admin, shown=before)
