"""A client asks a firm to follow them: who may receive it, what the firm answers by, what is left to the former one."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import ProgrammingError, transaction
from django.utils import timezone

from accounts.models import Role
from accounts.permissions import ObjectRole, Perm, can, give, pairs_of
from activity.models import Event
from activity.origin import Origin, coming_from
from clients.actions.dossiers import move_dossier, update_dossier
from clients.actions.following import AlreadyFollowing, EndedMeanwhile, NotLinkable, end_following, linkable
from clients.actions.portfolios import move_dossiers
from clients.actions.support import SupportDuration, authorise_support
from clients.models import Assignment, ClientSpace, Dossier, LinkRight, SpaceLink, SpaceMember
from clients.people import client_side
from clients.results import Skip
from invitations.actions.answering import (
    InviterMayNoLonger,
    Link,
    NotAnswerable,
    ShownOtherwise,
    WrongAccount,
    refuse_invitation,
)
from invitations.actions.asking import correct_asked, invite_firm, resend_asked, revoke_asked
from invitations.actions.following import (
    NotTheirFirm,
    TakenUpElsewhere,
    asked,
    decline_client,
    follow_client,
    take_up,
)
from invitations.actions.inviting import AlreadyInvited, invite_client
from invitations.actions.letters import print_letters
from invitations.lookups import invitation_of
from invitations.models import Invitation, InvitationState, Letter, LetterState, hashed, mint
from invitations.summary import waiting_counts
from portfolios.actions import grant_portfolio
from tenancy.scopes import scope
from tests.invitations.asked import (
    FIRMS_ADDRESS,
    SIREN,
    agree,
    ask,
    dossier_of,
    followed_by,
    make_client,
    receive,
    receive_for,
)
from tests.invitations.links import link_to
from tests.outbox import Outbox
from tests.worlds import World, make_dossier, make_member, make_person, make_portfolio


@pytest.fixture
def claire(db: None) -> SpaceMember:
    return make_client()


def now(invitation: Invitation) -> Invitation:
    with scope(space=invitation.space_id):
        return Invitation.objects.get(pk=invitation.pk)


def types(*, firm: Any = None, space: Any = None) -> list[str]:
    with scope(firm=firm, space=space):
        return list(Event.objects.of_scope().order_by("id").values_list("type", flat=True))


def texts(firm: Any) -> str:
    """All that a firm's journal holds, as text."""
    with scope(firm=firm):
        rows = Event.objects.of_scope().values_list("actor_name", "subject_name", "details", "changes", "ip")
        return str(list(rows))


# --- asking


def test_the_mail_names_the_client_in_its_text_and_never_in_its_subject(
    claire: SpaceMember, outbox: Outbox
) -> None:
    ask(claire)
    mail = outbox.to(FIRMS_ADDRESS)
    assert "Boulangerie Martin" in str(mail.body)
    assert "Boulangerie" not in str(mail.subject)
    assert mail.reply_to[0].endswith("<claire@boulangerie.test>") or mail.reply_to == [
        "claire@boulangerie.test"
    ]
    assert link_to(outbox, FIRMS_ADDRESS).startswith("/invitation/")


def test_only_who_chooses_firms_invites_one(claire: SpaceMember) -> None:
    with scope(space=claire.space.pk):
        reader = SpaceMember.objects.create(
            user=make_person("marc@boulangerie.test"), email="marc@boulangerie.test", profile="full"
        )
        with pytest.raises(PermissionDenied):
            invite_firm(actor=reader, email=FIRMS_ADDRESS, right=LinkRight.MANAGE)


def test_one_address_is_invited_once_at_a_time(claire: SpaceMember) -> None:
    ask(claire)
    with pytest.raises(AlreadyInvited):
        ask(claire)


def test_no_firm_sees_it_before_somebody_answers_for_that_firm(
    claire: SpaceMember, lemoine: World, bertrand: World
) -> None:
    invitation = ask(claire)
    for world in (lemoine, bertrand):
        with scope(firm=world.firm):
            assert not Invitation.objects.exists()
    receive(invitation, lemoine.admin)
    with scope(firm=lemoine.firm):
        assert Invitation.objects.requests_to(lemoine.admin).get() == invitation
    with scope(firm=bertrand.firm):
        assert not Invitation.objects.exists()


# --- who may receive it


def test_a_link_to_an_address_without_account_is_received_by_any_member_who_holds_it(
    claire: SpaceMember, lemoine: World
) -> None:
    received = receive(ask(claire), lemoine.collaborator)
    assert (received.to_firm_id, received.state) == (lemoine.firm.pk, InvitationState.OPENED)
    assert types(firm=lemoine.firm) == ["invitations.request.received"]
    assert types(space=claire.space.pk)[-1] == "invitations.firm.taken_up"
    assert now(received).to_firm_name == "Cabinet Lemoine"


def test_an_address_that_is_somebodys_is_answered_by_them_alone(
    claire: SpaceMember, lemoine: World, bertrand: World
) -> None:
    invitation = ask(claire, lemoine.admin.email)
    with pytest.raises(WrongAccount):
        receive(invitation, bertrand.admin)
    assert receive(invitation, lemoine.admin).to_firm_id == lemoine.firm.pk


def test_nobody_answers_for_a_firm_that_is_not_theirs(
    claire: SpaceMember, lemoine: World, bertrand: World
) -> None:
    assert lemoine.admin.user is not None
    with pytest.raises(NotTheirFirm):
        receive_for(ask(claire), lemoine.admin.user, bertrand.firm.pk)


def test_who_works_for_two_firms_chooses_and_a_second_firm_gets_it_no_more(
    claire: SpaceMember, lemoine: World, bertrand: World
) -> None:
    both = lemoine.admin.user
    assert both is not None
    with scope(firm=bertrand.firm):
        make_member(bertrand.firm, "Alice", role=Role.ADMIN, user=both)
    invitation = ask(claire)
    assert receive_for(invitation, both, bertrand.firm.pk).to_firm_id == bertrand.firm.pk
    with pytest.raises(TakenUpElsewhere):
        receive_for(invitation, both, lemoine.firm.pk)
    with scope(firm=lemoine.firm):
        assert not Invitation.objects.exists()


def test_a_colleague_who_receives_it_in_turn_is_recorded_and_told_on_both_sides(
    claire: SpaceMember, lemoine: World, outbox: Outbox
) -> None:
    invitation = receive(ask(claire), lemoine.collaborator)
    outbox.clear()
    for _again in range(2):
        receive(invitation, lemoine.admin)
    assert types(firm=lemoine.firm) == ["invitations.request.received"] * 2, (
        "the third time it is theirs already"
    )
    with scope(firm=lemoine.firm):
        event = Event.objects.order_by("id").last()
        assert event is not None
        names = [lemoine.collaborator.name, lemoine.admin.name]
        assert (event.actor_name, event.changes) == (lemoine.admin.name, {"received_by": names})
        assert not Invitation.objects.requests_to(lemoine.collaborator).exists()
    assert outbox.recipients() == sorted([lemoine.collaborator.email, claire.email])
    assert lemoine.admin.name in str(outbox.to(claire.email).body)
    assert "Reçue par" in str(outbox.to(lemoine.collaborator.email).body)


def test_a_refusal_after_the_receipt_is_told_to_the_firm_and_to_the_client(
    claire: SpaceMember, lemoine: World, bertrand: World, outbox: Outbox
) -> None:
    invitation = receive(ask(claire), lemoine.collaborator)
    outbox.clear()
    with scope(space=claire.space.pk):
        refuse_invitation(link=Link(invitation.pk, invitation.generation))
    assert types(firm=lemoine.firm)[-1] == "invitations.request.refused"
    assert types(firm=bertrand.firm) == []
    assert types(space=claire.space.pk)[-1] == "invitations.invitation.refused"
    people = [lemoine.admin.email, lemoine.collaborator.email, claire.email]
    assert outbox.recipients() == sorted(people)
    text = str(outbox.to(lemoine.collaborator.email).body)
    assert "Boulangerie Martin" in text
    assert "ne lui est pas destinée" in text


def test_a_refusal_before_anybody_received_it_is_no_firms_affair(claire: SpaceMember, lemoine: World) -> None:
    invitation = ask(claire)
    with scope(space=claire.space.pk):
        refuse_invitation(link=Link(invitation.pk, invitation.generation))
    assert types(firm=lemoine.firm) == []


def test_a_void_link_receives_nothing(claire: SpaceMember, lemoine: World) -> None:
    invitation = ask(claire)
    old = Link(invitation.pk, invitation.generation)
    with scope(space=claire.space.pk):
        resend_asked(actor=claire, invitation=invitation)
        assert lemoine.admin.user is not None
        with pytest.raises(NotAnswerable):
            take_up(link=old, person=lemoine.admin.user, firm_id=lemoine.firm.pk)


# --- the firm's answer


def test_a_new_client_file_has_the_details_of_the_client_and_their_right(
    claire: SpaceMember, lemoine: World
) -> None:
    link = followed_by(claire, lemoine.admin, right=LinkRight.READ)
    dossier = dossier_of(link)
    assert (dossier.legal_name, dossier.siren, link.right) == ("Boulangerie Martin", SIREN, LinkRight.READ)
    assert types(firm=lemoine.firm)[1:] == ["clients.dossier.created", "clients.dossier.client_followed"]
    assert types(space=claire.space.pk)[-1] == "clients.space.firm_agreed"
    with scope(firm=lemoine.firm):
        assert not can(lemoine.admin, Perm.CHANGE_DOSSIER, dossier)
    with scope(space=claire.space.pk):
        invitation = Invitation.objects.get()
        assert (invitation.state, invitation.accepted_by_id) == (
            InvitationState.ACCEPTED,
            lemoine.admin.user_id,
        )


def test_a_collaborator_who_received_it_follows_and_sees_the_new_file(
    claire: SpaceMember, lemoine: World
) -> None:
    link = followed_by(claire, lemoine.collaborator)
    with scope(firm=lemoine.firm):
        assert can(lemoine.collaborator, Perm.CHANGE_DOSSIER, Dossier.objects.get(pk=link.dossier_id))


def test_an_administrator_finishes_what_a_collaborator_received_and_a_colleague_does_not(
    claire: SpaceMember, lemoine: World
) -> None:
    invitation = receive(ask(claire), lemoine.collaborator)
    with pytest.raises(PermissionDenied):
        agree(invitation, lemoine.colleague)
    assert agree(invitation, lemoine.admin).firm_id == lemoine.firm.pk


def test_it_is_accepted_once(claire: SpaceMember, lemoine: World) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    with scope(firm=lemoine.firm):
        page: dict[str, Any] = {
            "actor": lemoine.admin,
            "invitation": invitation,
            "shown": asked(invitation).mark,
        }
        follow_client(**page)
        with pytest.raises(NotAnswerable):
            follow_client(**page)
        assert SpaceLink.objects.count() == 1


def test_a_firm_that_follows_already_does_not_follow_twice(claire: SpaceMember, lemoine: World) -> None:
    followed_by(claire, lemoine.admin)
    with pytest.raises(AlreadyFollowing):
        followed_by(claire, lemoine.admin, email="autre@cabinet.test")


def test_what_is_accepted_is_what_was_shown(claire: SpaceMember, lemoine: World) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    with scope(firm=lemoine.firm):
        mark = asked(Invitation.objects.get()).mark
    with scope(space=claire.space.pk):
        ClientSpace.objects.update(siren="732829320")
    with pytest.raises(ShownOtherwise):
        agree(invitation, lemoine.admin, shown=mark)
    with scope(firm=lemoine.firm):
        assert not Dossier.objects.exists()


def test_who_asked_must_still_be_allowed_to(claire: SpaceMember, lemoine: World) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    with scope(space=claire.space.pk):
        SpaceMember.objects.filter(pk=claire.pk).update(profile="reader")
    with pytest.raises(InviterMayNoLonger):
        agree(invitation, lemoine.admin)


def test_an_expired_one_ties_nobody(claire: SpaceMember, lemoine: World) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    with scope(space=claire.space.pk):
        Invitation.objects.update(expires_at=timezone.now())
    with scope(firm=lemoine.firm):
        expired = Invitation.objects.get()
        assert not expired.is_active
        with pytest.raises(NotAnswerable):
            decline_client(actor=lemoine.admin, invitation=expired)
    assert invitation.to_firm_id == lemoine.firm.pk


def test_a_firm_declines_and_the_client_is_told(claire: SpaceMember, lemoine: World, outbox: Outbox) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    outbox.clear()
    with scope(firm=lemoine.firm):
        decline_client(actor=lemoine.admin, invitation=invitation)
    assert outbox.recipients() == [claire.email]
    assert now(invitation).state == InvitationState.REFUSED
    assert types(firm=lemoine.firm)[-1] == "invitations.request.declined"


def test_not_for_me_ends_it(claire: SpaceMember) -> None:
    invitation = ask(claire)
    with scope(space=claire.space.pk):
        refuse_invitation(link=Link(invitation.pk, invitation.generation))
    assert now(invitation).state == InvitationState.REFUSED


# --- an existing client file


def test_an_existing_file_is_linked_as_it_is(claire: SpaceMember, lemoine: World) -> None:
    with scope(firm=lemoine.firm):
        mine = make_dossier("Boulangerie d'avant", siren=SIREN, city="Lyon")
    link = agree(receive(ask(claire), lemoine.admin), lemoine.admin, dossier=mine)
    assert link.dossier_id == mine.pk
    assert dossier_of(link).legal_name == "Boulangerie d'avant"


def test_only_files_that_the_member_may_change_active_and_without_link_are_offered(
    claire: SpaceMember, lemoine: World
) -> None:
    with scope(firm=lemoine.firm):
        mine = make_dossier("À moi", siren=SIREN)
        read = make_dossier("À lire", siren=SIREN)
        make_dossier("À d'autres", siren=SIREN)
        make_dossier("Autre numéro", siren="732829320")
        archived = make_dossier("Archivé", siren=SIREN, archived_at=timezone.now())
        give(Assignment, pairs_of([mine], [lemoine.collaborator]), role=ObjectRole.ACCOUNTANT, by=None)
        give(Assignment, pairs_of([read], [lemoine.collaborator]), role=ObjectRole.READER, by=None)
        give(Assignment, pairs_of([archived], [lemoine.collaborator]), role=ObjectRole.ACCOUNTANT, by=None)
        assert list(linkable(lemoine.collaborator, SIREN)) == [mine]
        assert linkable(lemoine.admin, SIREN).count() == 3
        assert not linkable(lemoine.admin, "").exists()
    link = agree(receive(ask(claire), lemoine.admin), lemoine.admin, dossier=mine)
    other = make_client("ivan@ailleurs.test", "Une autre du même numéro")
    with pytest.raises(NotLinkable):
        agree(receive(ask(other), lemoine.admin), lemoine.admin, dossier=dossier_of(link))


def test_a_file_of_another_number_is_not_linked(claire: SpaceMember, lemoine: World) -> None:
    with scope(firm=lemoine.firm):
        other = make_dossier("Autre", siren="732829320")
    with pytest.raises(NotLinkable):
        agree(receive(ask(claire), lemoine.admin), lemoine.admin, dossier=other)


def test_what_the_firm_had_sent_to_the_client_of_the_linked_file_waits_for_nobody(
    claire: SpaceMember, lemoine: World
) -> None:
    with scope(firm=lemoine.firm):
        file = make_dossier("Boulangerie", siren=SIREN)
        other = make_dossier("Autre", email="autre@client.test")
        print_letters(actor=lemoine.admin, dossiers=Dossier.objects.filter(pk=file.pk))
        invite_client(actor=lemoine.admin, dossier=file, email="claire@ailleurs.test")
        invite_client(actor=lemoine.admin, dossier=other)
    agree(receive(ask(claire), lemoine.admin), lemoine.admin, dossier=file)
    with scope(firm=lemoine.firm):
        assert Letter.objects.get().state == LetterState.REVOKED
        states = Invitation.objects.filter(dossier__isnull=False).values_list("dossier__legal_name", "state")
        assert dict(states) == {"Boulangerie": InvitationState.REVOKED, "Autre": InvitationState.SENT}
        assert waiting_counts(lemoine.admin)["pending"] == 1
    assert {"invitations.invitation.revoked", "invitations.letter.revoked"} <= set(types(firm=lemoine.firm))


# --- correcting and revoking


def test_a_corrected_address_takes_it_from_the_firm_that_had_received_it(
    claire: SpaceMember, lemoine: World, bertrand: World, outbox: Outbox
) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    with scope(space=claire.space.pk):
        former = mint(Invitation.objects.get(pk=invitation.pk))
        correct_asked(actor=claire, invitation=invitation, email="bon@cabinet.test")
    assert invitation_of(hashed(former)) == []
    with scope(firm=lemoine.firm):
        assert not Invitation.objects.exists()
        with pytest.raises(NotAnswerable):
            decline_client(actor=lemoine.admin, invitation=invitation)
    link_to(outbox, "bon@cabinet.test")
    assert receive(invitation, bertrand.admin).to_firm_id == bertrand.firm.pk


def test_a_revoked_one_is_answered_by_nobody(claire: SpaceMember, lemoine: World) -> None:
    invitation = receive(ask(claire), lemoine.admin)
    with scope(space=claire.space.pk):
        revoke_asked(actor=claire, invitation=invitation)
    with scope(firm=lemoine.firm), pytest.raises(NotAnswerable):
        decline_client(actor=lemoine.admin, invitation=invitation)


# --- a takeover, and the end of an access


def links_of(client: SpaceMember) -> dict[str, bool]:
    """Firm → does it follow the client now."""
    with scope(space=client.space.pk):
        return {link.firm_name: link.is_active for link in SpaceLink.objects.all()}


def test_in_addition_both_firms_follow(claire: SpaceMember, lemoine: World, bertrand: World) -> None:
    followed_by(claire, lemoine.admin)
    followed_by(claire, bertrand.admin, email="autre@cabinet.test")
    assert links_of(claire) == {"Cabinet Lemoine": True, "Bertrand Conseil": True}


def test_a_takeover_ends_the_former_links_and_tells_the_former_firm_without_a_name(
    claire: SpaceMember, lemoine: World, bertrand: World, outbox: Outbox
) -> None:
    former = followed_by(claire, lemoine.admin)
    invitation = receive(ask(claire, "nouveau@cabinet.test", instead=True), bertrand.admin)
    assert links_of(claire) == {"Cabinet Lemoine": True}
    outbox.clear()
    with coming_from(Origin("203.0.113.9", "a-request")):
        agree(invitation, bertrand.admin)
    assert links_of(claire) == {"Cabinet Lemoine": False, "Bertrand Conseil": True}
    assert types(firm=lemoine.firm)[-1] == "clients.dossier.client_left"
    told = str(outbox.to(lemoine.admin.email).body) + texts(lemoine.firm)
    for secret in ("Bertrand", "nouveau@cabinet", bertrand.admin.email, "203.0.113.9", "a-request"):
        assert secret not in told
    with scope(firm=lemoine.firm):
        last = Event.objects.of_scope().latest("id")
        assert (last.actor_id, last.ip, last.request_id) == (claire.user_id, None, "")
    theirs = texts(bertrand.firm)
    assert "Lemoine" not in theirs and str(former.pk) not in theirs
    with scope(firm=bertrand.firm):
        assert [link.firm_name for link in SpaceLink.objects.all()] == ["Bertrand Conseil"]


def test_who_asked_for_a_takeover_learns_what_came_of_it_and_who_ends_by_hand_is_told_nothing(
    claire: SpaceMember, lemoine: World, bertrand: World, outbox: Outbox
) -> None:
    link = followed_by(claire, lemoine.admin)
    invitation = receive(ask(claire, "nouveau@cabinet.test", instead=True), bertrand.admin)
    outbox.clear()
    agree(invitation, bertrand.admin)
    told = str(outbox.to(claire.email).body)
    assert "Bertrand Conseil" in told
    assert "Cabinet Lemoine" in told, "whose place it took"
    back = followed_by(claire, lemoine.admin, email="retour@cabinet.test")
    assert back != link
    outbox.clear()
    with scope(space=claire.space.pk):
        end_following(actor=claire, link=back)
    assert claire.email not in outbox.recipients()


def test_a_former_clients_file_is_put_into_another_portfolio_and_changed_by_nobody(
    claire: SpaceMember, lemoine: World
) -> None:
    link = followed_by(claire, lemoine.admin)
    with scope(space=claire.space.pk):
        end_following(actor=claire, link=link)
    with scope(firm=lemoine.firm):
        dossier, portfolio = Dossier.objects.get(pk=link.dossier_id), make_portfolio("Anciens")
        grant_portfolio(actor=lemoine.admin, portfolio=portfolio, member=lemoine.collaborator)
        move_dossier(actor=lemoine.admin, dossier=dossier, portfolio=portfolio)
        assert not can(lemoine.admin, Perm.CHANGE_DOSSIER, dossier)
        assert can(lemoine.collaborator, Perm.VIEW_DOSSIER, dossier)
        other = make_portfolio("Autres")
        chosen = Dossier.objects.filter(pk=dossier.pk)
        assert move_dossiers(actor=lemoine.admin, dossiers=chosen, portfolio=other).count == 1
        assert move_dossiers(actor=lemoine.admin, dossiers=chosen, portfolio=None).count == 1


def test_what_the_client_lets_the_firm_read_alone_is_moved_by_nobody(
    claire: SpaceMember, lemoine: World
) -> None:
    link = followed_by(claire, lemoine.admin, right=LinkRight.READ)
    with scope(firm=lemoine.firm):
        dossier, portfolio = Dossier.objects.get(pk=link.dossier_id), make_portfolio("Sarah")
        with pytest.raises(PermissionDenied):
            move_dossier(actor=lemoine.admin, dossier=dossier, portfolio=portfolio)
        chosen = Dossier.objects.filter(pk=dossier.pk)
        left_out = move_dossiers(actor=lemoine.admin, dossiers=chosen, portfolio=portfolio).skipped
        assert left_out == {Skip.READ_ONLY: [dossier]}


def test_the_former_firm_keeps_its_record_to_read_until_the_client_comes_back(
    claire: SpaceMember, lemoine: World, bertrand: World
) -> None:
    former = followed_by(claire, lemoine.admin)
    followed_by(claire, bertrand.admin, email="nouveau@cabinet.test", instead=True)
    with scope(firm=lemoine.firm):
        dossier = Dossier.objects.get(pk=former.dossier_id)
        assert can(lemoine.admin, Perm.VIEW_DOSSIER, dossier)
        assert not can(lemoine.admin, Perm.CHANGE_DOSSIER, dossier)
        with pytest.raises(PermissionDenied):
            update_dossier(actor=lemoine.admin, dossier=dossier, values={"city": "Lyon"})
        side = client_side(dossier)
        assert side is not None and side.left is not None and side.people == []
    back = receive(ask(claire, "retour@cabinet.test"), lemoine.admin)
    again = agree(back, lemoine.admin, dossier=dossier)
    assert again.dossier_id == former.dossier_id
    with scope(firm=lemoine.firm):
        assert can(lemoine.admin, Perm.CHANGE_DOSSIER, dossier)


def test_a_takeover_ends_no_link_that_came_after_it_was_asked(
    claire: SpaceMember, lemoine: World, bertrand: World
) -> None:
    invitation = receive(ask(claire, "nouveau@cabinet.test", instead=True), bertrand.admin)
    followed_by(claire, lemoine.admin)
    agree(invitation, bertrand.admin)
    assert links_of(claire) == {"Cabinet Lemoine": True, "Bertrand Conseil": True}


def test_an_ended_access_takes_technical_support_along(claire: SpaceMember, lemoine: World) -> None:
    link = followed_by(claire, lemoine.admin)
    with scope(space=claire.space.pk):
        given = authorise_support(actor=claire, link=link, duration=SupportDuration.DAY)
    with scope(firm=lemoine.firm):
        dossier = Dossier.objects.get()
        pairs = pairs_of([dossier], [lemoine.colleague])
        give(Assignment, pairs, role=ObjectRole.SUPPORT, by=None, until=given.until)
        assert can(lemoine.colleague, Perm.VIEW_DOSSIER, dossier)
    with scope(space=claire.space.pk):
        end_following(actor=claire, link=link)
        with pytest.raises(EndedMeanwhile):
            end_following(actor=claire, link=link)
    assert "clients.space.firm_ended" in types(space=claire.space.pk)
    with scope(firm=lemoine.firm):
        assert not can(lemoine.colleague, Perm.VIEW_DOSSIER, dossier)
        assert can(lemoine.admin, Perm.VIEW_DOSSIER, dossier)


def test_a_takeover_and_an_ended_access_look_the_same_to_the_firm(
    claire: SpaceMember, lemoine: World, bertrand: World
) -> None:
    ivan = make_client("ivan@ailleurs.test", "Garage Petit")
    ended, taken = followed_by(claire, lemoine.admin), followed_by(ivan, lemoine.admin)
    with scope(space=claire.space.pk), coming_from(Origin("203.0.113.9", "a-request")):
        end_following(actor=claire, link=ended)
    followed_by(ivan, bertrand.admin, email="nouveau@cabinet.test", instead=True)
    with scope(firm=lemoine.firm):
        rows = {
            key: list(
                Event.objects.of_scope()
                .filter(subject_id=key)
                .order_by("id")
                .values_list("type", "ip", "details")
            )
            for key in (ended.dossier_id, taken.dossier_id)
        }
    assert rows[ended.dossier_id] == rows[taken.dossier_id]


def test_the_firms_side_reads_nothing_of_the_space_without_the_tie(
    claire: SpaceMember, lemoine: World
) -> None:
    receive(ask(claire), lemoine.admin)
    with scope(firm=lemoine.firm):
        request = Invitation.objects.requests_to(lemoine.admin).with_names().get()
        assert request.space_name == "Boulangerie Martin"
        for reads in (lambda: request.space, lambda: request.asked_by):
            with pytest.raises(ProgrammingError, match="no space in scope"), transaction.atomic():
                reads()
