"""Reminders by themselves: how often, when, with which link; and all that stops them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError
from django.utils import timezone
from psycopg.errors import AdminShutdown, DeadlockDetected
from structlog.testing import capture_logs

from accounts.actions.firms import change_reminders
from accounts.models import Firm, Membership, Role
from activity.models import Event, Notification, OutgoingEmail
from clients.actions.archiving import archive_dossiers
from clients.models import Dossier, LinkRight, SpaceLink, SpaceMember, SpaceProfile
from invitations import reminders, sweeping
from invitations.actions import reminding
from invitations.actions.answering import Link, open_invitation, refuse_invitation
from invitations.actions.asking import invite_firm
from invitations.actions.handling import note_failure, resend_invitation, revoke_invitation, send
from invitations.actions.inviting import invite_client, invite_member
from invitations.actions.people import invite_person
from invitations.actions.reminding import remind
from invitations.lookups import due_reminders
from invitations.models import Invitation, InvitationState, InvitationToken
from invitations.sweeping import remind_due
from tenancy import scopes
from tests.invitations.links import token_to
from tests.invitations.test_inviting import activate
from tests.outbox import Outbox
from tests.worlds import World, make_dossier

CLAIRE = "c@client.test"


@pytest.fixture
def invitation(firm: World, outbox: Outbox) -> Invitation:
    made = invite_client(actor=firm.admin, dossier=make_dossier(email=CLAIRE))
    outbox.clear()
    return made


def pass_(days: float) -> None:
    """So much time goes by for all invitations."""
    for invitation in Invitation.objects.all():
        then = timedelta(days=days)
        moments = {name: getattr(invitation, name) for name in ("sent_at", "expires_at", "remind_at")}
        moved = {name: moment - then for name, moment in moments.items() if moment}
        Invitation.objects.filter(pk=invitation.pk).update(**moved)


def swept() -> int:
    """As beat does it: outside of any scope."""
    with scopes._standing_in(scopes.NOWHERE, "default"):
        return remind_due()


@pytest.mark.parametrize(("count", "days"), [(0, []), (1, [4]), (2, [2, 5]), (3, [2, 4, 5])])
def test_they_are_spread_over_the_seven_days(count: int, days: list[int]) -> None:
    assert reminders.days(count) == days


def test_two_leave_and_no_third_one(firm: World, invitation: Invitation, outbox: Outbox) -> None:
    left = []
    pass_(0.01)
    for _day in range(7):
        left.append(swept())
        pass_(0.99)
    assert left == [0, 0, 0, 1, 0, 0, 1]
    assert outbox.recipients() == [CLAIRE]  # of both that waited, the newest is enough
    assert Invitation.objects.get().reminder_count == 2


def test_a_reminder_is_of_the_same_generation_and_says_what_it_is(
    firm: World, invitation: Invitation, outbox: Outbox
) -> None:
    pass_(2.01)
    assert swept() == 1
    token_to(outbox, CLAIRE)
    mail = outbox.to(CLAIRE)
    assert mail.subject == "Rappel : Cabinet Lemoine vous invite dans son espace en ligne"
    assert "attend toujours votre réponse" in mail.body
    invitation.refresh_from_db()
    assert invitation.generation == 1
    assert InvitationToken.objects.filter(invitation=invitation, generation=1).count() == 2
    assert Event.objects.filter(type="invitations.invitation.reminded").count() == 1
    event = Event.objects.get(type="invitations.invitation.reminded")
    assert not Notification.objects.filter(event=event).exists()


def test_swept_twice_it_leaves_once(firm: World, invitation: Invitation, outbox: Outbox) -> None:
    pass_(2.01)
    assert (swept(), swept()) == (1, 0)
    assert outbox.recipients() == [CLAIRE]


def test_an_opened_one_is_reminded_too(firm: World, invitation: Invitation) -> None:
    open_invitation(link=Link(invitation.pk, 1))
    pass_(2.01)
    assert swept() == 1


def refuse(world: World, invitation: Invitation) -> None:
    refuse_invitation(link=Link(invitation.pk, 1))


def bounce(world: World, invitation: Invitation) -> None:
    note_failure(invitation_id=invitation.pk, generation=1, reason="550 User unknown")


def revoke(world: World, invitation: Invitation) -> None:
    revoke_invitation(actor=world.admin, invitation=invitation)


def archive(world: World, invitation: Invitation) -> None:
    archive_dossiers(actor=world.admin, dossiers=Dossier.objects.all())


def come_in_otherwise(world: World, invitation: Invitation) -> None:
    activate(world, Dossier.objects.get())


def lower(world: World, invitation: Invitation) -> None:
    change_reminders(actor=world.admin, number=0)


def expire(world: World, invitation: Invitation) -> None:
    Invitation.objects.update(expires_at=timezone.now())


def hold(world: World, invitation: Invitation) -> None:
    Membership.objects.filter(pk=world.admin.pk).update(role=Role.COLLABORATOR)


@pytest.mark.parametrize(
    "stop",
    [refuse, bounce, revoke, archive, come_in_otherwise, lower, expire, hold],
    ids=lambda one: one.__name__,
)
def test_what_stops_them(
    firm: World, invitation: Invitation, outbox: Outbox, stop: Callable[[World, Invitation], None]
) -> None:
    pass_(2.01)
    stop(firm, invitation)
    outbox.clear()
    assert swept() == 0
    assert CLAIRE not in outbox.recipients()


def test_a_reminder_that_waits_is_dropped_once_the_invitation_is_answered(
    firm: World, invitation: Invitation, outbox: Outbox
) -> None:
    pass_(2.01)
    assert swept() == 1
    refuse_invitation(link=Link(invitation.pk, 1))
    assert CLAIRE not in outbox.recipients()
    assert OutgoingEmail.objects.filter(params__reminder=1, state="dropped").exists()


def test_sending_again_renews_the_deadline_and_starts_them_anew(
    firm: World, invitation: Invitation, outbox: Outbox
) -> None:
    pass_(5.5)
    assert swept() == 1
    resend_invitation(actor=firm.admin, invitation=invitation)
    invitation.refresh_from_db()
    assert invitation.reminder_count == 0
    assert invitation.remind_at is not None
    assert invitation.remind_at - invitation.sent_at == timedelta(days=2)
    assert invitation.expires_at - timezone.now() > timedelta(days=6.9)
    assert invitation.state == InvitationState.SENT


def test_a_firm_that_wants_none_schedules_none(firm: World) -> None:
    change_reminders(actor=firm.admin, number=0)
    assert Firm.objects.get(pk=firm.firm.pk).invitation_reminders == 0
    made = invite_client(actor=firm.admin, dossier=make_dossier(email=CLAIRE))
    made.refresh_from_db()
    assert made.remind_at is None


def test_a_colleague_is_reminded_too(firm: World, outbox: Outbox) -> None:
    invite_member(actor=firm.admin, email="nina@lemoine.test", role=Role.COLLABORATOR)
    outbox.clear()
    pass_(2.01)
    assert swept() == 1
    assert outbox.to("nina@lemoine.test").subject.startswith("Rappel : ")


def test_many_that_are_due_together_are_one_event_with_their_lines(firm: World, outbox: Outbox) -> None:
    for name in ("a", "b", "c"):
        invite_client(actor=firm.admin, dossier=make_dossier(name, email=f"{name}@client.test"))
    outbox.clear()
    pass_(2.01)
    keys = list(Invitation.objects.values_list("pk", flat=True))
    assert remind(keys=keys) == 3
    assert Event.objects.filter(type="invitations.invitation.reminded", is_detail=True).count() == 3
    assert Event.objects.get(type="invitations.invitations.reminded").details == {"count": 3}
    assert len(outbox.recipients()) == 3


# --- one sender's faults are nobody else's


@pytest.fixture
def broken(lemoine: World, bertrand: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Both firms have invitations whose reminders are due; those of one fail, all but that of c1."""
    for world, count in ((lemoine, 4), (bertrand, 2)):
        with scopes.scope(firm=world.firm):
            for number in range(count):
                invite_client(
                    actor=world.admin, dossier=make_dossier(email=f"c{number}@{world.firm.slug}.test")
                )
            pass_(2.01)
    real = send

    def failing(invitations: list[Invitation], **more: Any) -> None:
        if any(one.firm_id == lemoine.firm.pk and not one.email.startswith("c1@") for one in invitations):
            raise RuntimeError("a fault of ours")
        real(invitations, **more)

    monkeypatch.setattr(reminding, "send", failing)
    return lemoine


def left_of(world: World) -> list[str]:
    with scopes.scope(firm=world.firm):
        found = OutgoingEmail.objects.filter(params__has_key="reminder").order_by("to")
        return [mail.to.partition("@")[0] for mail in found]


def test_what_fails_for_one_of_a_sender_keeps_neither_their_others_nor_anybody_elses(
    broken: World, bertrand: World, outbox: Outbox
) -> None:
    assert remind_due() == 3
    assert (left_of(broken), left_of(bertrand)) == (["c1"], ["c0", "c1"])


def test_what_failed_is_counted_put_off_and_tried_again_later(
    broken: World, bertrand: World, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with capture_logs() as logs:
        remind_due()
    (total,) = [line for line in logs if line["event"] == "invitations_reminded"]
    assert (total["left"], total["failed"]) == (3, 3)
    assert any(line["event"] == "reminders_put_off" and line["count"] == 3 for line in logs)
    assert remind_due() == 0, "it waits for an hour"
    monkeypatch.undo()
    with scopes.scope(firm=broken.firm):
        pass_(0.05)
    assert remind_due() == 3
    assert left_of(broken) == ["c0", "c1", "c2", "c3"]


def test_a_sender_at_whose_door_we_fail_stands_in_nobodys_way(
    broken: World, bertrand: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one look takes in, and nothing of it can even be put off."""
    real = scopes.scope

    def no_entry(*, firm: Any = None, space: Any = None) -> Any:
        if firm == broken.firm.pk:
            raise RuntimeError("a fault of ours")
        return real(firm=firm, space=space)

    monkeypatch.setattr(sweeping, "scope", no_entry)
    looks: list[list[UUID]] = []
    every = due_reminders

    def first_two(skipped: list[UUID]) -> list[dict[str, Any]]:
        looks.append(skipped)
        return sorted(every(skipped), key=lambda row: row["firm_id"] != broken.firm.pk)[:2]

    monkeypatch.setattr(sweeping, "due_reminders", first_two)
    assert remind_due() == 2
    assert left_of(bertrand) == ["c0", "c1"]
    assert len(looks) < 12, "and the sweep ends"


def test_a_deadlock_is_one_senders_trouble_and_a_lost_database_everybodys(
    broken: World, bertrand: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(error: Exception) -> Any:
        def remind(**_keys: Any) -> int:
            raise OperationalError("refused") from error

        return remind

    monkeypatch.setattr(sweeping, "remind", refused(DeadlockDetected()))
    assert remind_due() == 0
    with scopes.scope(firm=bertrand.firm):
        Invitation.objects.update(remind_at=timezone.now() - timedelta(days=1))
    monkeypatch.setattr(sweeping, "remind", refused(AdminShutdown()))
    with pytest.raises(OperationalError):
        remind_due()


def test_who_has_many_due_waits_for_who_has_few(lemoine: World, bertrand: World) -> None:
    for world, count in ((lemoine, 5), (bertrand, 2)):
        with scopes.scope(firm=world.firm):
            for number in range(count):
                invite_client(
                    actor=world.admin, dossier=make_dossier(email=f"c{number}@{world.firm.slug}.test")
                )
            pass_(2.01 + count)  # the many have waited for longer, too
            Invitation.objects.update(expires_at=timezone.now() + timedelta(days=1))
    firms = [row["firm_id"] for row in due_reminders([])]
    assert firms[:4].count(bertrand.firm.pk) == 2
    assert len(firms) == 7


def test_a_clients_own_invitations_are_reminded_of_until_a_firm_has_taken_them_up(
    firm: World, outbox: Outbox
) -> None:
    activate(firm, make_dossier(email="claire@client.test"))
    with scopes.scope(space=SpaceLink.objects.get().space_id):
        manager = SpaceMember.objects.get()
        invite_person(actor=manager, email="paul@client.test", profile=SpaceProfile.READER)
        invite_firm(actor=manager, email="office@other.test", right=LinkRight.READ)
        taken = invite_firm(actor=manager, email="taken@other.test", right=LinkRight.READ)
        Invitation.objects.filter(pk=taken.pk).update(to_firm=firm.firm)
        outbox.clear()
        pass_(2.01)
    assert swept() == 2
    addresses = [address for address in outbox.recipients() if address != firm.admin.email]
    assert addresses == ["office@other.test", "paul@client.test"]
