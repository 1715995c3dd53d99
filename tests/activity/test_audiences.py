"""Who is told of what, row by row: each registered event is brought about by the real action, and its mails counted.

All rows are done once, in one world (`done.py`), for these tests and for those of `test_completeness.py`.

The cast: Alice acts (an administrator). Zoé is an administrator too. Chloé has the portfolio “Sarah” and is assigned
to nothing else; Paul has nothing. Claire is the client of the followed dossier, which is in “Sarah”.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.actions import declarants, entering, firms, journal, letterhead, members, people
from accounts.actions.mails import choose_mails, switch_off_mails
from accounts.actions.replacements import (
    arrange_replacement,
    change_replacement,
    end_replacement,
    tell_replacement,
)
from accounts.checking import check_journal
from accounts.events import people as person_events
from accounts.models import Firm, JournalCheck, Membership, MemberState, Replacement, Role, User
from accounts.permissions import ObjectRole, give, pairs_of
from accounts.pictures import Picture
from accounts.places import places_of, record_visit
from accounts.terms import current_terms
from activity.events import REGISTRY, EventType
from activity.management.commands import audiences_page
from activity.models import Event, Notification, Unsealed
from activity.preferences import Chosen
from activity.retention import purge_portion
from activity.sealing import seal_portion
from clients.actions import files
from clients.actions.accesses import note_access
from clients.actions.archiving import archive_dossiers, restore_dossiers
from clients.actions.assignments import change_assignments
from clients.actions.connections import connect, forget_connection
from clients.actions.consent import answer_consent, change_declarants
from clients.actions.departing import complete_departure, take_certificate
from clients.actions.dossiers import create_dossier, move_dossier, update_dossier
from clients.actions.locking import keep_details
from clients.actions.people import admit_person, change_person_profile, end_person
from clients.actions.portfolios import move_dossiers, restore_portfolio, terminate_portfolio
from clients.actions.space import edit_space_details, open_space
from clients.actions.support import SupportDuration, authorise_support, end_support, withdraw_support
from clients.actions.views import (
    change_view,
    delete_view,
    rename_view,
    save_view,
    share_view,
    unshare_view,
)
from clients.connectors.fetching import give_up, imported
from clients.connectors.troubles import Trouble
from clients.fetching import cancel_fetch, start_fetch
from clients.files.quarantine import erase
from clients.files.recognising import FileKind
from clients.holdings import holdings_of
from clients.imports.asked import Asked
from clients.imports.reading import read_import
from clients.imports.undoing import undo_import as take_back
from clients.imports.working import forget_file
from clients.jobs import cancel_import, forget_mapping, map_columns, start_import, take_file, undo_import
from clients.models import (
    PUT_BACK_WITHIN,
    Assignment,
    ClientSpace,
    ColumnMapping,
    Connection,
    ConnectionKind,
    ConsentRequest,
    Dossier,
    ExchangedFile,
    FileCategory,
    Import,
    SavedView,
    SpaceLink,
    SpaceMember,
    SpaceProfile,
    SupportAuthorisation,
)
from clients.seeing import remove_before
from exports.actions import export_now
from exports.jobs import order_export
from exports.kinds import REGISTRY as KINDS
from exports.making import make_export
from exports.models import Export, ExportState
from exports.sweeping import expire
from invitations.actions.answering import (
    Link,
    accept_as_client,
    accept_as_member,
    ask_for_link,
    fingerprint,
    open_invitation,
    refuse_invitation,
)
from invitations.actions.asking import revoke_asked
from invitations.actions.correcting import correct_address
from invitations.actions.drafting import discard_draft, discard_drafts, prepare_clients, prepare_invitation
from invitations.actions.following import decline_client, hand_back
from invitations.actions.handling import (
    note_failure,
    resend_invitation,
    resend_invitations,
    revoke_invitation,
    revoke_invitations,
)
from invitations.actions.inviting import invite_client, invite_clients, invite_member
from invitations.actions.letters import (
    confirm_letter,
    decline_letter,
    give_address,
    note_returned,
    print_letters,
    prove_address,
    revoke_letter,
)
from invitations.actions.people import invite_person
from invitations.actions.reminding import remind
from invitations.actions.texts import change_text, send_test
from invitations.jobs import order_sending
from invitations.models import Invitation, InvitationKind, Letter, Sending, SendingKind
from invitations.wording import Wording
from invitations.working import MOST_FRUITLESS, carry_out
from portfolios.actions import (
    change_subscriptions,
    create_portfolio,
    grant_portfolio,
    rename_portfolio,
    withdraw_portfolio,
)
from portfolios.models import Portfolio
from tenancy.keys import uuid7
from tenancy.leases import MOST_ATTEMPTS
from tenancy.scopes import Purpose, crossing, scope
from tests.calendars import far_from_midnight
from tests.clients.lists import plan, run
from tests.invitations import asked as asked_firm
from tests.worlds import World, make_dossier, make_firm, make_member, make_person, make_portfolio

if TYPE_CHECKING:
    from tests.activity.done import Done

NOBODY: set[str] = set()


@dataclass
class Cast:
    """Who is there. `owners` are those in whose journals an event may stand."""

    world: World
    partner: Membership
    portfolio: Portfolio
    dossier: Dossier
    elsewhere: Dossier
    claire: User
    link: SpaceLink

    @property
    def alice(self) -> Membership:
        return self.world.admin

    @property
    def chloe(self) -> Membership:
        return self.world.collaborator

    @property
    def paul(self) -> Membership:
        return self.world.colleague

    @property
    def firm(self) -> Firm:
        return self.world.firm

    def claire_inside(self) -> SpaceMember:
        return SpaceMember.objects.select_related("user", "space").get(user=self.claire)

    def invitation(self) -> Invitation:
        """Of the client of a dossier of “Sarah” who has no space yet."""
        dossier = make_dossier("Garage Petit", email="garage@client.test", portfolio=self.portfolio)
        return invite_client(actor=self.alice, dossier=dossier)


def make_cast() -> Cast:
    lemoine = make_firm("Cabinet Lemoine", "732829320")
    claire = make_person("claire@boulangerie.test", first_name="Claire", last_name="Aubry")
    with scope(firm=lemoine.firm):
        partner = make_member(lemoine.firm, "Zoé", role=Role.ADMIN)
        portfolio = make_portfolio("Sarah")
        grant_portfolio(actor=lemoine.admin, portfolio=portfolio, member=lemoine.collaborator)
        dossier = make_dossier("Boulangerie Martin", email=claire.email, portfolio=portfolio)
        elsewhere = make_dossier("Ailleurs", email="ailleurs@client.test")
        link = open_space(
            person=claire,
            firm=lemoine.firm,
            dossier=dossier,
            email=claire.email,
        )
    return Cast(lemoine, partner, portfolio, dossier, elsewhere, claire, link)


Row = Callable[[Cast], set[str]]
ROWS: dict[str, Row] = {}


def row(*names: str) -> Callable[[Row], Row]:
    """The function brings the event about, in the firm's scope, and says who must be told, by first name."""

    def keep(function: Row) -> Row:
        for name in names:
            assert name not in ROWS, f"two rows for {name}"
            ROWS[name] = function
        return function

    return keep


# --- firms and people -----------------------------------------------------------------------------------------


@row("accounts.firm.changed")
def _firm_changed(cast: Cast) -> set[str]:
    firms.change_firm(actor=cast.alice, name="Lemoine", phone="", email="", second_factor_required=False)
    return {"Zoé"}


LOGO = Picture(b"png", 40, 20)


@row("accounts.logo.changed")
def _logo_changed(cast: Cast) -> set[str]:
    letterhead.set_logo(actor=cast.alice, name="logo.png", picture=LOGO)
    return {"Zoé"}


@row("accounts.logo.removed")
def _logo_removed(cast: Cast) -> set[str]:
    letterhead.set_logo(actor=cast.alice, name="logo.png", picture=LOGO)
    letterhead.remove_logo(actor=cast.alice)
    return {"Zoé"}


@row("invitations.text.changed")
def _text_changed(cast: Cast) -> set[str]:
    words = Wording("Bienvenue", "Bonjour.")
    change_text(actor=cast.alice, kind=InvitationKind.CLIENT, language="fr", wording=words, seen="")
    return {"Zoé"}


@row("invitations.text.tested")
def _text_tested(cast: Cast) -> set[str]:
    words = Wording("Bienvenue", "Bonjour.")
    send_test(actor=cast.alice, kind=InvitationKind.CLIENT, language="fr", wording=words)
    return NOBODY


@row("accounts.person.terms_accepted")
def _terms(cast: Cast) -> set[str]:
    people.accept_terms(person=cast.claire, terms=current_terms())
    return NOBODY


@row("accounts.person.profile_changed")
def _profile(cast: Cast) -> set[str]:
    people.change_profile(person=cast.claire, first_name="Clara", last_name="Aubry", language="fr")
    return NOBODY


@row("accounts.person.registered")
def _registered(cast: Cast) -> set[str]:
    entering.note_registered(person=cast.claire)
    return NOBODY


@row("accounts.person.signed_in", "accounts.person.signed_out")
def _came_and_went(cast: Cast) -> set[str]:
    entering.note_signed_in(person=cast.claire, way=person_events.Way.PASSKEY, browser="Firefox")
    entering.note_signed_out(person=cast.claire, browser="Firefox")
    return NOBODY


@row("accounts.person.recovery_code_used", "accounts.person.entry_failed")
def _came_in_with_effort(cast: Cast) -> set[str]:
    entering.note_failures(person=cast.claire, way=person_events.Way.SECOND_FACTOR, browser="Firefox")
    entering.note_recovery_code(person=cast.claire, left=9, browser="Firefox")
    return NOBODY


@row("accounts.person.recovery_codes_shown")
def _codes_shown(cast: Cast) -> set[str]:
    entering.note_codes_shown(person=cast.claire, browser="Firefox")
    return NOBODY


@row("accounts.person.address_confirmed")
def _address(cast: Cast) -> set[str]:
    people.follow_confirmed_address(person=cast.claire, previous="", browser="")
    return NOBODY


@row("accounts.person.address_changed")
def _new_address(cast: Cast) -> set[str]:
    people.follow_confirmed_address(person=cast.claire, previous="avant@client.test", browser="")
    return NOBODY


@row("accounts.person.sessions_ended")
def _sessions(cast: Cast) -> set[str]:
    people.end_sessions(person=cast.claire, sessions=[SimpleNamespace(end=lambda: None)])
    return NOBODY


@row("accounts.person.mails_chosen")
def _mails_chosen(cast: Cast) -> set[str]:
    (place, *_) = places_of(cast.claire.pk)
    choose_mails(person=cast.claire, place=place, chosen=Chosen(hour=18))
    return NOBODY


@row("accounts.person.mails_switched_off")
def _mails_switched_off(cast: Cast) -> set[str]:
    (place, *_) = places_of(cast.claire.pk)
    switch_off_mails(person=cast.claire, place=place, topics=["details"])
    return NOBODY


def _secured(happened: type[person_events.PersonEvent]) -> Row:
    def happens(cast: Cast) -> set[str]:
        details = {"address": "nouvelle@client.test", "browser": "Firefox"}
        people.note_security(person=cast.claire, happened=happened, browser="", details=details)
        return NOBODY

    return happens


for _happened in (
    person_events.AddressChangeAsked,
    person_events.AddressChangeCancelled,
    person_events.PasswordChanged,
    person_events.PasswordReset,
    person_events.PasswordChosen,
    person_events.PasskeyAdded,
    person_events.PasskeyRemoved,
    person_events.SecondFactorAdded,
    person_events.SecondFactorRemoved,
    person_events.RecoveryCodesMade,
):
    row(_happened.name)(_secured(_happened))


# --- the journal ----------------------------------------------------------------------------------------------------


@row("accounts.journal.verification_asked")
def _check_asked(cast: Cast) -> set[str]:
    journal.order_check(actor=cast.alice)
    return NOBODY


def _checked(cast: Cast) -> None:
    check = journal.order_check(actor=cast.alice)
    check_journal(cast.firm.pk, check.pk)


@row("accounts.journal.found_intact")
def _found_intact(cast: Cast) -> set[str]:
    _checked(cast)
    return {"Alice"}


@row("accounts.journal.found_faulty")
def _found_faulty(cast: Cast) -> set[str]:
    firms.change_reminders(actor=cast.alice, number=3)
    Unsealed.objects.all().delete()  # so that the next event has no seal
    _checked(cast)
    return {"Alice", "Zoé"}


@row("accounts.journal.verification_failed")
def _check_failed(cast: Cast) -> set[str]:
    check = journal.order_check(actor=cast.alice)
    JournalCheck.objects.update(attempts=MOST_ATTEMPTS)
    check_journal(cast.firm.pk, check.pk)
    return {"Alice"}


@row("accounts.journal.retention_changed")
def _retention(cast: Cast) -> set[str]:
    journal.change_retention(actor=cast.alice, months={"accesses": 24})
    return {"Zoé"}


@row("accounts.journal.held")
def _held(cast: Cast) -> set[str]:
    journal.hold_journal(actor=cast.alice, reason="Contrôle")
    return {"Zoé"}


@row("accounts.journal.released")
def _released(cast: Cast) -> set[str]:
    journal.hold_journal(actor=cast.alice, reason="Contrôle")
    journal.release_journal(actor=cast.alice)
    return {"Zoé"}


@row("activity.journal.purged")
def _purged(cast: Cast) -> set[str]:
    old_event()
    assert purge_portion() == 1
    return NOBODY


def old_event() -> None:
    """One whose time is over, sealed."""
    long_ago = timezone.now() - timedelta(days=4000)
    Event.objects.create(
        **Event.ownership(), id=UUID(int=int(long_ago.timestamp() * 1000) << 80), type="x.y.z", at=long_ago
    )
    while seal_portion():
        pass


# --- members ------------------------------------------------------------------------------------------------------


@row("accounts.member.arrived")
def _arrived(cast: Cast) -> set[str]:
    """Once, however often they come."""
    Membership.objects.filter(pk=cast.paul.pk).update(state=MemberState.CREATED)
    assert cast.paul.user_id is not None
    for _visit in range(2):
        (place,) = places_of(cast.paul.user_id)
        record_visit(replace(place, last_visit_at=None))
    event = Event.objects.get(type="accounts.member.arrived")
    assert (event.actor_id, event.changes) == (cast.paul.user_id, {"state": ["created", "active"]})
    return NOBODY


@row("accounts.member.role_changed")
def _role_changed(cast: Cast) -> set[str]:
    members.change_role(actor=cast.alice, member=cast.chloe, role=Role.ADMIN)
    return {"Zoé", "Chloé"}


@row("accounts.member.suspended")
def _suspended(cast: Cast) -> set[str]:
    members.suspend_member(actor=cast.alice, member=cast.chloe)
    return {"Zoé", "Chloé"}


@row("accounts.member.restored")
def _restored(cast: Cast) -> set[str]:
    members.suspend_member(actor=cast.alice, member=cast.chloe)
    members.restore_member(actor=cast.alice, member=cast.chloe)
    return {"Zoé", "Chloé"}


@row("accounts.member.terminated")
def _terminated(cast: Cast) -> set[str]:
    members.terminate_member(actor=cast.alice, member=cast.chloe)
    return {"Zoé", "Chloé"}


@row("accounts.member.left")
def _left(cast: Cast) -> set[str]:
    members.leave_firm(actor=cast.chloe)
    return {"Alice", "Zoé"}


# --- assignments -------------------------------------------------------------------------------------------------


def _assigned(cast: Cast, *dossiers: Dossier, role: ObjectRole | None) -> None:
    """To Paul, as this; withdrawn where there is no role."""
    chosen = Dossier.objects.filter(pk__in=[dossier.pk for dossier in dossiers])
    add = {cast.paul: role} if role else {}
    change_assignments(actor=cast.alice, dossiers=chosen, add=add, remove=[] if role else [cast.paul])


@row("clients.dossier.assigned")
def _dossier_assigned(cast: Cast) -> set[str]:
    _assigned(cast, cast.dossier, role=ObjectRole.READER)
    return {"Zoé", "Chloé", "Paul"}


@row("clients.dossier.assignment-changed")
def _assignment_changed(cast: Cast) -> set[str]:
    _assigned(cast, cast.elsewhere, role=ObjectRole.READER)
    _assigned(cast, cast.elsewhere, role=ObjectRole.ACCOUNTANT)
    return {"Zoé", "Paul"}


@row("clients.dossier.unassigned")
def _dossier_unassigned(cast: Cast) -> set[str]:
    _assigned(cast, cast.elsewhere, role=ObjectRole.READER)
    _assigned(cast, cast.elsewhere, role=None)
    return {"Zoé", "Paul"}


@row("clients.assignments.given")
def _assignments_given(cast: Cast) -> set[str]:
    _assigned(cast, cast.dossier, cast.elsewhere, role=ObjectRole.READER)
    return {"Zoé", "Chloé", "Paul"}


@row("clients.assignments.changed")
def _assignments_changed(cast: Cast) -> set[str]:
    _assigned(cast, cast.dossier, cast.elsewhere, role=ObjectRole.READER)
    _assigned(cast, cast.dossier, cast.elsewhere, role=ObjectRole.ACCOUNTANT)
    return {"Zoé", "Chloé", "Paul"}


@row("clients.assignments.taken")
def _assignments_taken(cast: Cast) -> set[str]:
    pair = [cast.elsewhere, make_dossier("Garage Petit")]
    _assigned(cast, *pair, role=ObjectRole.READER)
    _assigned(cast, *pair, role=None)
    return {"Zoé", "Paul"}


# --- replacements and departures ---------------------------------------------------------------------------------


@far_from_midnight()
def _replaced(cast: Cast, first: int = 0, last: int = 3) -> Replacement:
    """Chloé replaces Paul: from and to so many days from today."""
    today = timezone.localdate()
    return arrange_replacement(
        actor=cast.alice,
        absent=cast.paul,
        cover=cast.chloe,
        starts_on=today + timedelta(days=first),
        ends_on=today + timedelta(days=last),
    )


@row("accounts.replacement.arranged")
def _replacement_arranged(cast: Cast) -> set[str]:
    _replaced(cast)
    return {"Zoé", "Chloé", "Paul"}


@row("accounts.replacement.changed")
@far_from_midnight()
def _replacement_changed(cast: Cast) -> set[str]:
    replacement = _replaced(cast)
    change_replacement(
        actor=cast.alice,
        replacement=replacement,
        starts_on=replacement.starts_on,
        ends_on=replacement.starts_on,
        includes_assignments=True,
    )
    return {"Zoé", "Chloé", "Paul"}


@row("accounts.replacement.cancelled")
def _replacement_cancelled(cast: Cast) -> set[str]:
    end_replacement(actor=cast.alice, replacement=_replaced(cast))
    return {"Zoé", "Chloé", "Paul"}


@row("accounts.replacement.started", "accounts.replacement.ended")
def _replacement_came_and_went(cast: Cast) -> set[str]:
    replacement = _replaced(cast, 2, 2)
    days = timedelta(days=4)
    Replacement.objects.filter(pk=replacement.pk).update(
        starts_at=replacement.starts_at - days, ends_at=replacement.ends_at - days
    )
    tell_replacement(replacement_id=replacement.pk)
    return {"Alice", "Zoé", "Chloé", "Paul"}


@row("accounts.replacement.ended_with_member")
def _replacement_ended_with_member(cast: Cast) -> set[str]:
    _replaced(cast)
    members.terminate_member(actor=cast.alice, member=cast.paul)
    return {"Chloé"}


def _departed(cast: Cast) -> None:
    """Chloé leaves: “Sarah” goes to Paul, a single dossier to nobody."""
    single = [cast.elsewhere, make_dossier("Garage Petit")]
    give(Assignment, pairs_of(single, [cast.chloe]), role=ObjectRole.READER, by=cast.alice)
    takers = dict.fromkeys(holdings_of(cast.chloe).keys, cast.paul) | {cast.elsewhere.pk: None}
    complete_departure(actor=cast.alice, member=cast.chloe, takers=takers, revoke={})


@row("clients.member.departed")
def _member_departed(cast: Cast) -> set[str]:
    _departed(cast)
    return {"Zoé", "Chloé"}


@row("clients.member.received_handover")
def _handover_received(cast: Cast) -> set[str]:
    _departed(cast)
    return {"Paul"}


@row("clients.portfolio.handed_over", "clients.dossier.handed_over", "clients.dossier.left_alone")
def _handed_over(cast: Cast) -> set[str]:
    _departed(cast)
    return NOBODY


@row("clients.portfolio.left_alone")
def _left_alone(cast: Cast) -> set[str]:
    takers = dict.fromkeys(holdings_of(cast.chloe).keys)
    complete_departure(actor=cast.alice, member=cast.chloe, takers=takers, revoke={})
    return NOBODY


@row("clients.member.certificate_taken")
def _certificate_taken(cast: Cast) -> set[str]:
    take_certificate(actor=cast.alice, member=cast.chloe)
    return NOBODY


# --- portfolios -------------------------------------------------------------------------------------------------


@row("portfolios.portfolio.created")
def _portfolio_created(cast: Cast) -> set[str]:
    create_portfolio(actor=cast.alice, name="Léa")
    return {"Zoé"}


@row("portfolios.portfolio.renamed")
def _portfolio_renamed(cast: Cast) -> set[str]:
    rename_portfolio(actor=cast.alice, portfolio=cast.portfolio, name="Léa")
    return {"Zoé", "Chloé"}


@row("portfolios.portfolio.granted")
def _portfolio_granted(cast: Cast) -> set[str]:
    grant_portfolio(actor=cast.alice, portfolio=cast.portfolio, member=cast.paul)
    return {"Zoé", "Chloé", "Paul"}


@row("portfolios.portfolio.subscriber_changed")
def _subscriber_changed(cast: Cast) -> set[str]:
    grant_portfolio(actor=cast.alice, portfolio=cast.portfolio, member=cast.chloe, role=ObjectRole.READER)
    return {"Zoé", "Chloé"}


@row("portfolios.portfolio.terminated")
def _portfolio_terminated(cast: Cast) -> set[str]:
    grant_portfolio(actor=cast.alice, portfolio=(successor := make_portfolio("Léa")), member=cast.paul)
    terminate_portfolio(actor=cast.alice, portfolio=cast.portfolio, successor=successor)
    return {"Zoé", "Chloé", "Paul"}


@row("portfolios.portfolio.restored")
def _portfolio_restored(cast: Cast) -> set[str]:
    _portfolio_terminated(cast)
    restore_portfolio(actor=cast.alice, portfolio=cast.portfolio)
    return {"Zoé", "Chloé", "Paul"}


@row("portfolios.portfolio.withdrawn")
def _portfolio_withdrawn(cast: Cast) -> set[str]:
    withdraw_portfolio(actor=cast.alice, portfolio=cast.portfolio, member=cast.chloe)
    return {"Zoé", "Chloé"}


@row("portfolios.subscriptions.changed")
def _subscriptions_changed(cast: Cast) -> set[str]:
    other = make_portfolio("Nord")
    change_subscriptions(actor=cast.alice, member=cast.paul, add=[cast.portfolio.pk, other.pk])
    return {"Zoé", "Chloé", "Paul"}


# --- dossiers, client spaces, imports -----------------------------------------------------------------------------


@row("clients.dossier.created")
def _dossier_created(cast: Cast) -> set[str]:
    create_dossier(actor=cast.chloe, portfolio=cast.portfolio, values={"legal_name": "Garage Petit"})
    return {"Alice", "Zoé"}


@row("clients.dossier.changed", "clients.space.firm_changed_details")
def _dossier_changed(cast: Cast) -> set[str]:
    """Told twice: the firm's members in the firm's journal, the client in the space's."""
    update_dossier(actor=cast.alice, dossier=cast.dossier, values={"phone": "0102030405"})
    return {"Zoé", "Chloé"}


@row("clients.dossier.moved")
def _dossier_moved(cast: Cast) -> set[str]:
    move_dossier(actor=cast.alice, dossier=cast.dossier, portfolio=None)
    return {"Zoé", "Chloé"}


def _two_in_the_portfolio(cast: Cast) -> Any:
    """The followed dossier and another one, both open to Chloé."""
    make_dossier("Garage Petit", portfolio=cast.portfolio)
    return Dossier.objects.in_portfolio(cast.portfolio)


@row("clients.dossiers.moved")
def _dossiers_moved(cast: Cast) -> set[str]:
    grant_portfolio(actor=cast.alice, portfolio=(target := make_portfolio("Léa")), member=cast.paul)
    chosen = Dossier.objects.filter(pk__in=list(_two_in_the_portfolio(cast).values_list("pk", flat=True)))
    move_dossiers(actor=cast.alice, dossiers=chosen, portfolio=target)
    return {"Zoé", "Chloé", "Paul"}


@row("clients.dossiers.taken_out")
def _dossiers_taken_out(cast: Cast) -> set[str]:
    move_dossiers(actor=cast.alice, dossiers=_two_in_the_portfolio(cast), portfolio=None)
    return {"Zoé", "Chloé"}


@row("clients.dossier.archived")
def _dossier_archived(cast: Cast) -> set[str]:
    archive_dossiers(actor=cast.alice, dossiers=Dossier.objects.filter(pk=cast.dossier.pk))
    return {"Zoé", "Chloé"}


@row("clients.dossier.restored")
def _dossier_restored(cast: Cast) -> set[str]:
    archived = Dossier.objects.filter(pk=cast.dossier.pk)
    archive_dossiers(actor=cast.alice, dossiers=archived)
    restore_dossiers(actor=cast.alice, dossiers=archived)
    return {"Zoé", "Chloé"}


@row("clients.dossiers.archived", "clients.dossiers.restored")
def _dossiers_archived_and_restored(cast: Cast) -> set[str]:
    two = _two_in_the_portfolio(cast)
    archive_dossiers(actor=cast.alice, dossiers=two)
    restore_dossiers(actor=cast.alice, dossiers=two)
    return {"Zoé", "Chloé"}


@row("clients.dossier.changed_by_client", "clients.space.details_changed")
def _client_changed(cast: Cast) -> set[str]:
    with crossing(cast.link, Purpose.TELL_CLIENT):
        inside = cast.claire_inside()
        edit_space_details(actor=inside, space=inside.space, values={"phone": "0102030405"})
    return {"Alice", "Zoé", "Chloé"}


@row("clients.space.followed")
def _followed(cast: Cast) -> set[str]:
    other = make_dossier("Autre activité", email=cast.claire.email)
    open_space(
        person=cast.claire,
        firm=cast.firm,
        dossier=other,
        email=cast.claire.email,
        space_id=cast.link.space_id,
    )
    return NOBODY


@row("clients.access.exported")
def _access_exported(cast: Cast) -> set[str]:
    _export_now(cast, "clients.access")
    return NOBODY


@row("clients.dossiers.exported")
def _dossiers_exported(cast: Cast) -> set[str]:
    _export_now(cast, "clients.dossiers")
    return NOBODY


@row("clients.journal.exported")
def _journal_exported(cast: Cast) -> set[str]:
    _export_now(cast, "clients.journal")
    return NOBODY


@row("clients.accesses.exported")
def _accesses_exported(cast: Cast) -> set[str]:
    _export_now(cast, "clients.accesses", dossier=str(cast.dossier.pk))
    return NOBODY


@row("clients.accesses.removed")
def _accesses_removed(cast: Cast) -> set[str]:
    note_access(cast.alice, cast.dossier)
    remove_before(timezone.now() + timedelta(days=1))
    return NOBODY


def _export_now(cast: Cast, name: str, **asked: str) -> None:
    kind = KINDS[name]
    export_now(actor=cast.alice, kind=kind, book=kind.book(cast.alice, asked), target=BytesIO())


@row("exports.export.asked")
def _export_asked(cast: Cast) -> set[str]:
    _ordered(cast)
    return NOBODY


@row("exports.export.ready")
def _export_ready(cast: Cast) -> set[str]:
    make_export(cast.firm.pk, _ordered(cast).pk)
    return {"Alice"}


@row("exports.export.failed")
def _export_failed(cast: Cast) -> set[str]:
    export = _ordered(cast)
    Export.objects.update(parameters={"member": "nobody"})
    make_export(cast.firm.pk, export.pk)
    return {"Alice"}


@row("exports.export.expired")
def _export_expired(cast: Cast) -> set[str]:
    export = _ordered(cast)
    Export.objects.update(state=ExportState.READY, expires_at=timezone.now())
    expire(export.pk)
    return NOBODY


def _ordered(cast: Cast) -> Export:
    kind = KINDS["clients.access"]
    return order_export(actor=cast.alice, kind=kind, parameters={}, book=kind.book(cast.alice, {}))


@row("clients.view.saved")
def _view_saved(cast: Cast) -> set[str]:
    save_view(actor=cast.alice, name="Lyon", query="q=lyon", is_shared=True)
    return NOBODY


@row("clients.view.changed")
def _view_changed(cast: Cast) -> set[str]:
    change_view(actor=cast.alice, view=_shared_view(cast), query="q=rhone")
    return NOBODY


@row("clients.view.renamed")
def _view_renamed(cast: Cast) -> set[str]:
    rename_view(actor=cast.alice, view=_shared_view(cast), name="Rhône")
    return NOBODY


@row("clients.view.shared", "clients.view.unshared")
def _view_shared(cast: Cast) -> set[str]:
    view = unshare_view(actor=cast.chloe, view=_shared_view(cast))
    share_view(actor=cast.chloe, view=view)
    return NOBODY


@row("clients.view.deleted")
def _view_deleted(cast: Cast) -> set[str]:
    delete_view(actor=cast.alice, view=_shared_view(cast))
    return NOBODY


def _shared_view(cast: Cast) -> SavedView:
    return save_view(actor=cast.chloe, name="Lyon", query="q=lyon", is_shared=True)


@row("clients.columns.remembered", "clients.columns.forgotten")
def _columns(cast: Cast) -> set[str]:
    made = plan(cast.alice, [("Garage Petit", "bon client")], ("Nom", "Remarque"))
    map_columns(actor=cast.alice, source=made, asked=Asked(fields={0: "legal_name", 1: ""}), remember=True)
    forget_mapping(actor=cast.alice, mapping=ColumnMapping.objects.get())
    return NOBODY


@row("clients.import.uploaded")
def _uploaded(cast: Cast) -> set[str]:
    plan(cast.alice, [("M1", "Garage Petit", "", "", "Sarah")])
    return NOBODY


@row("clients.import.file_taken")
def _file_taken(cast: Cast) -> set[str]:
    take_file(actor=cast.alice, source=plan(cast.alice, [("M1", "Garage Petit", "", "", "Sarah")]))
    return NOBODY


@row("clients.import.workbook_taken")
def _workbook_taken(cast: Cast) -> set[str]:
    made = plan(cast.alice, [("M1", "Garage Petit", "73282932000075", "", "Sarah")])
    kind = KINDS["clients.import_workbook"]
    book = kind.book(cast.alice, {"import": str(made.pk)})
    export_now(actor=cast.alice, kind=kind, book=book, target=BytesIO())
    return NOBODY


@row("clients.import.failed")
def _import_failed(cast: Cast) -> set[str]:
    made = start_import(actor=cast.alice, file_name="clients.xlsx", content=b"no list at all")
    assert made.firm_id is not None
    read_import(made.firm_id, made.pk)
    return NOBODY


@row("clients.import.undo_failed")
def _undo_failed(cast: Cast) -> set[str]:
    """Whoever asked for it is told, though they did so themself: it is a worker that found out."""
    made = run(cast.alice, [("M1", "Garage Petit", "", "", "Sarah")])
    undo_import(actor=cast.alice, source=made)
    Import.objects.filter(pk=made.pk).update(attempts=MOST_ATTEMPTS)
    assert made.firm_id is not None
    take_back(made.firm_id, made.pk)
    return {"Alice"}


@row("clients.import.file_deleted")
def _import_file_deleted(cast: Cast) -> set[str]:
    forget_file(run(cast.alice, [("M1", "Garage Petit", "", "", "Sarah")]).pk)
    return NOBODY


@row("clients.import.cancelled")
def _cancelled(cast: Cast) -> set[str]:
    cancel_import(actor=cast.alice, source=plan(cast.alice, [("M1", "Garage Petit", "", "", "Sarah")]))
    return NOBODY


def _connection(cast: Cast) -> Connection:
    return connect(actor=cast.alice, kind=ConnectionKind.PENNYLANE, opened={"token": "a-token-of-the-firm"})


@row("clients.connection.made")
def _connection_made(cast: Cast) -> set[str]:
    _connection(cast)
    return {"Zoé"}


@row("clients.connection.renewed")
def _connection_renewed(cast: Cast) -> set[str]:
    _connection(cast)
    _connection(cast)
    return {"Zoé"}


@row("clients.connection.forgotten")
def _connection_forgotten(cast: Cast) -> set[str]:
    forget_connection(actor=cast.alice, connection=_connection(cast))
    return {"Zoé"}


@row("clients.fetch.started")
def _fetch_started(cast: Cast) -> set[str]:
    start_fetch(actor=cast.alice, connection=_connection(cast))
    return NOBODY


@row("clients.fetch.cancelled")
def _fetch_cancelled(cast: Cast) -> set[str]:
    cancel_fetch(actor=cast.alice, fetch=start_fetch(actor=cast.alice, connection=_connection(cast)))
    return NOBODY


@row("clients.fetch.failed")
def _fetch_failed(cast: Cast) -> set[str]:
    fetch = start_fetch(actor=cast.alice, connection=_connection(cast))
    give_up(cast.firm.pk, fetch, Trouble("down"))
    return NOBODY


@row("clients.import.fetched")
def _fetched(cast: Cast) -> set[str]:
    imported(actor=cast.alice, platform="Pennylane", ending="csv", content=b"Nom")
    return NOBODY


@row("clients.import.applied")
def _applied(cast: Cast) -> set[str]:
    headers = ("Code", "Raison sociale", "SIRET", "E-mail", "Portefeuille", "Collaborateur")
    assigned = ("M2", "Garage Grand", "", "", "", cast.paul.name)
    run(cast.alice, [("M1", "Garage Petit", "", "", "Sarah", ""), assigned], headers)
    return {"Zoé", "Chloé", "Paul"}


@row("clients.import.undone")
def _undone(cast: Cast) -> set[str]:
    assigned = ("M1", "Garage Petit", "", "", "Neuf", cast.paul.name)
    headers = ("Code", "Raison sociale", "SIRET", "E-mail", "Portefeuille", "Collaborateur")
    made = run(cast.alice, [assigned, ("M2", "Garage Grand", "", "", "Sarah", "")], headers)
    undo_import(actor=cast.alice, source=made)
    assert made.firm_id is not None
    take_back(made.firm_id, made.pk)
    return {"Zoé", "Chloé", "Paul"}


@row("clients.dossier.taken_back", "portfolios.portfolio.taken_back")
def _taken_back(cast: Cast) -> set[str]:
    """The import's own event tells of them."""
    _undone(cast)
    return NOBODY


# --- technical support, and the consent of a company -----------------------------------------------------------------


@row("clients.space.support_authorised", "clients.dossier.support_authorised")
def _support_authorised(cast: Cast) -> set[str]:
    _support(cast)
    return {"Alice", "Zoé"}


@row("clients.space.support_withdrawn", "clients.dossier.support_withdrawn")
def _support_withdrawn(cast: Cast) -> set[str]:
    authorisation = _support(cast, to=cast.paul)
    with scope(space=cast.link.space_id):
        withdraw_support(actor=cast.claire_inside(), authorisation=authorisation)
    return {"Alice", "Zoé", "Paul"}


@row("clients.space.support_ended", "clients.dossier.support_ended")
def _support_ended(cast: Cast) -> set[str]:
    _support(cast, to=cast.paul)
    end_support(dossiers=Dossier.objects.all())
    return {"Alice", "Zoé", "Paul"}


@row("clients.dossier.file_dropped", "clients.space.file_received")
def _file_dropped(cast: Cast) -> set[str]:
    _file_for_client(cast)
    return NOBODY


@row("clients.space.file_dropped", "clients.dossier.file_received")
def _file_received(cast: Cast) -> set[str]:
    _file_for_firm(cast)
    return {"Alice", "Zoé", "Chloé"}


@row("clients.dossier.file_taken_back", "clients.space.file_withdrawn")
def _file_taken_back(cast: Cast) -> set[str]:
    files.take_back(actor=cast.alice, file=_file_for_client(cast))
    return NOBODY


@row("clients.space.file_taken_back", "clients.dossier.file_withdrawn")
def _file_withdrawn(cast: Cast) -> set[str]:
    file = _file_for_firm(cast)
    with scope(space=cast.link.space_id):
        files.take_back(actor=cast.claire_inside(), file=file)
    return {"Alice", "Zoé", "Chloé"}


@row("clients.dossier.file_deleted")
def _file_deleted(cast: Cast) -> set[str]:
    _long_gone(cast, files.take_back(actor=cast.alice, file=_file_for_client(cast)))
    return NOBODY


@row("clients.space.file_deleted")
def _space_file_deleted(cast: Cast) -> set[str]:
    file = _file_for_firm(cast)
    with scope(space=cast.link.space_id):
        taken_back = files.take_back(actor=cast.claire_inside(), file=file)
    _long_gone(cast, taken_back)
    return NOBODY


def long_ago() -> dict[str, Any]:
    """When a file was dropped and taken back whose content is to be deleted."""
    then = timezone.now() - PUT_BACK_WITHIN - timedelta(days=1)
    return {"dropped_at": then, "ended_at": then}


def _long_gone(cast: Cast, file: ExchangedFile) -> None:
    ExchangedFile.objects.filter(pk=file.pk).update(**long_ago())
    erase(file.pk)
    assert not ExchangedFile.objects.get(pk=file.pk).parts.exists()


@row("clients.dossier.file_put_back")
def _file_put_back(cast: Cast) -> set[str]:
    taken_back = files.take_back(actor=cast.alice, file=_file_for_client(cast))
    files.put_back(actor=cast.alice, file=taken_back)
    return NOBODY


@row("clients.space.file_put_back")
def _space_file_put_back(cast: Cast) -> set[str]:
    file = _file_for_firm(cast)
    with scope(space=cast.link.space_id):
        taken_back = files.take_back(actor=cast.claire_inside(), file=file)
        files.put_back(actor=cast.claire_inside(), file=taken_back)
    return NOBODY


@row("clients.dossier.file_taken")
def _exchanged_file_taken(cast: Cast) -> set[str]:
    files.take_for_firm(actor=cast.alice, file=_file_for_client(cast), target=BytesIO())
    return NOBODY


@row("clients.space.file_taken")
def _space_file_taken(cast: Cast) -> set[str]:
    file = _file_for_client(cast)
    with scope(space=cast.link.space_id):
        files.take_for_client(actor=cast.claire_inside(), file=file, target=BytesIO())
    return NOBODY


@row("clients.dossier.file_turned_away")
def _file_turned_away(cast: Cast) -> set[str]:
    files.turn_away(_file_for_client(cast), "infected", "Eicar-Test")
    return {"Alice"}


@row("clients.space.file_turned_away")
def _space_file_turned_away(cast: Cast) -> set[str]:
    file = _file_for_firm(cast)
    with scope(space=cast.link.space_id):
        files.turn_away(file, "infected", "Eicar-Test")
    return NOBODY


def _file_for_client(cast: Cast) -> ExchangedFile:
    about, handed = FileCategory.BILLING, [_a_file()]
    (file,) = files.drop_for_client(actor=cast.alice, dossier=cast.dossier, handed=handed, category=about)
    return file


def _file_for_firm(cast: Cast) -> ExchangedFile:
    with scope(space=cast.link.space_id):
        claire, about, handed = cast.claire_inside(), FileCategory.GENERAL, [_a_file()]
        (file,) = files.drop_for_firm(actor=claire, link=cast.link, handed=handed, category=about)
        return file


def _a_file() -> files.Handed:
    return files.Handed("bilan.pdf", FileKind.PDF, 5, BytesIO(b"%PDF-"))


@row("clients.space.declarants_changed")
def _declarants_changed(cast: Cast) -> set[str]:
    _close_space(cast)
    return NOBODY


@row("clients.space.consent_asked")
def _space_asked(cast: Cast) -> set[str]:
    _close_space(cast)
    _another_firm_is_accepted("443061841")
    return {"Claire"}


@row("clients.space.consent_refused")
def _space_refused(cast: Cast) -> set[str]:
    _close_space(cast)
    _another_firm_is_accepted("443061841")
    with scope(space=cast.link.space_id):
        answer_consent(actor=cast.claire_inside(), request=ConsentRequest.objects.get(), agrees=False)
    return NOBODY


@row("clients.firm.consent_asked")
def _firm_asked(cast: Cast) -> set[str]:
    declarants.change_declarants(actor=cast.alice, allowed=False)
    _another_firm_is_accepted(cast.firm.siren)
    return {"Alice", "Zoé"}


@row("clients.firm.consent_given", "clients.firm.consent_refused")
def _firm_answered(cast: Cast) -> set[str]:
    declarants.change_declarants(actor=cast.alice, allowed=False)
    for agrees in (True, False):
        _another_firm_is_accepted(cast.firm.siren)
        _answers(cast.world, agrees)
    return {"Zoé"}


@row("clients.dossier.consent_given", "clients.dossier.consent_refused", "invitations.client.waits")
def _consent_answered(cast: Cast) -> set[str]:
    """The other way round: another firm is asked about two clients of this one."""
    other, person = _closed_firm(), make_person("garage@client.test")
    for agrees in (True, False):
        invitation = cast.invitation()
        Dossier.objects.filter(pk=invitation.target.pk).update(siren=other.firm.siren)
        accept_as_client(**_answer(invitation, person))
        _answers(other, agrees)
    return {"Alice", "Zoé", "Chloé"}


@row("clients.space.follow_agreed")
def _follow_agreed(cast: Cast) -> set[str]:
    other = _closed_firm()
    dossier = make_dossier("Autre activité", siren=other.firm.siren)
    _opens(cast.claire, cast.firm, dossier, cast.link.space_id)
    _answers(other, agrees=True)
    return {"Claire"}


@row("clients.space.follow_refused")
def _follow_refused(cast: Cast) -> set[str]:
    other = _closed_firm()
    dossier = make_dossier("Autre activité", siren=other.firm.siren)
    _opens(cast.claire, cast.firm, dossier, cast.link.space_id)
    _answers(other, agrees=False)
    return {"Claire"}


def _support(cast: Cast, to: Membership | None = None) -> SupportAuthorisation:
    """Claire authorises it, and it is given to somebody."""
    with scope(space=cast.link.space_id):
        actor = cast.claire_inside()
        given = authorise_support(actor=actor, link=cast.link, duration=SupportDuration.DAY)
    if to is not None:
        pairs = pairs_of([cast.dossier], [to])
        give(Assignment, pairs, role=ObjectRole.SUPPORT, by=cast.alice, until=given.until)
    return given


@row("clients.dossier.details_kept", "clients.space.details_kept")
def _details_kept(cast: Cast) -> set[str]:
    keep_details(actor=cast.alice, dossier=cast.dossier, fields=["phone"], reason="Dépôt en cours")
    return {"Zoé", "Chloé"}


@row("clients.person.joined")
def _person_joined(cast: Cast) -> set[str]:
    with scope(space=cast.link.space_id):
        _joined(cast)
    return {"Claire"}


@row("clients.person.profile_changed")
def _person_profile(cast: Cast) -> set[str]:
    with scope(space=cast.link.space_id):
        change_person_profile(actor=cast.claire_inside(), member=_joined(cast), profile=SpaceProfile.BILLING)
    return {"Marc"}


@row("clients.person.ended")
def _person_ended(cast: Cast) -> set[str]:
    with scope(space=cast.link.space_id):
        end_person(actor=cast.claire_inside(), member=_joined(cast))
    return {"Marc"}


@row("clients.person.left")
def _person_left(cast: Cast) -> set[str]:
    with scope(space=cast.link.space_id):
        marc = _joined(cast)
        end_person(actor=marc, member=marc)
    return {"Claire"}


@row("invitations.person.invited")
def _person_invited(cast: Cast) -> set[str]:
    with scope(space=cast.link.space_id):
        _joined(cast)  # another manager
        invite_person(actor=cast.claire_inside(), email="z@client.test", profile=SpaceProfile.READER)
    return {"Marc"}


def _joined(cast: Cast) -> SpaceMember:
    """Marc comes into Claire's space."""
    marc = make_person("marc@boulangerie.test", first_name="Marc")
    space = cast.claire_inside().space
    return admit_person(
        space=space, user=marc, email=marc.email, profile=SpaceProfile.MANAGER, terms="2026-01"
    )


def _close_space(cast: Cast) -> None:
    with scope(space=cast.link.space_id):
        ClientSpace.objects.update(siren="443061841")
        change_declarants(actor=cast.claire_inside(), allowed=False)


def _closed_firm() -> World:
    other = make_firm("Bertrand Conseil", "443061841")
    with scope(firm=other.firm):
        declarants.change_declarants(actor=other.admin, allowed=False)
    return other


def _another_firm_is_accepted(siren: str) -> None:
    """By somebody whom it has invited for a dossier of that SIREN."""
    other = make_firm(f"Cabinet {uuid7()}", "732829320")
    with scope(firm=other.firm):
        _opens(make_person(f"{uuid7()}@client.test"), other.firm, make_dossier(siren=siren))


def _opens(person: User, firm: Firm, dossier: Dossier, space_id: UUID | None = None) -> None:
    open_space(person=person, firm=firm, dossier=dossier, email=person.email, space_id=space_id)


def _answers(firm: World, agrees: bool) -> None:
    with scope(firm=firm.firm):
        request = ConsentRequest.objects.waiting().get()
        answer_consent(actor=firm.admin, request=request, agrees=agrees)


# --- invitations ------------------------------------------------------------------------------------------------------


@row("invitations.client.invited")
def _client_invited(cast: Cast) -> set[str]:
    cast.invitation()
    return {"Zoé", "Chloé"}


@row("invitations.clients.invited")
def _clients_invited(cast: Cast) -> set[str]:
    make_dossier("Garage Petit", email="garage@client.test", portfolio=cast.portfolio)
    invite_clients(actor=cast.alice, dossiers=Dossier.objects.all())
    return {"Zoé", "Chloé"}


@row("invitations.client.joined")
def _client_joined(cast: Cast) -> set[str]:
    invitation = cast.invitation()
    accept_as_client(**_answer(invitation, make_person("garage@client.test")))
    return {"Alice", "Zoé", "Chloé"}


@row("invitations.member.invited")
def _member_invited(cast: Cast) -> set[str]:
    _for_nina(cast)
    return {"Zoé"}


@row("invitations.member.joined")
def _member_joined(cast: Cast) -> set[str]:
    invitation = _for_nina(cast)
    accept_as_member(**_answer(invitation, make_person("nina@lemoine.test")))
    return {"Alice", "Zoé"}


@row("invitations.invitation.resent")
def _resent(cast: Cast) -> set[str]:
    resend_invitation(actor=cast.alice, invitation=cast.invitation())
    return {"Zoé", "Chloé"}


@row("invitations.invitations.resent")
def _all_resent(cast: Cast) -> set[str]:
    cast.invitation()
    resend_invitations(actor=cast.alice, invitations=Invitation.objects.all())
    return {"Zoé", "Chloé"}


@row("invitations.invitation.revoked")
def _revoked(cast: Cast) -> set[str]:
    revoke_invitation(actor=cast.alice, invitation=cast.invitation())
    return {"Zoé", "Chloé"}


@row("invitations.invitations.revoked")
def _all_revoked(cast: Cast) -> set[str]:
    cast.invitation()
    revoke_invitations(actor=cast.alice, invitations=Invitation.objects.all())
    return {"Zoé", "Chloé"}


@row("invitations.invitation.opened")
def _opened(cast: Cast) -> set[str]:
    open_invitation(link=_link(cast.invitation()))
    return NOBODY


@row("invitations.invitation.refused")
def _refused(cast: Cast) -> set[str]:
    refuse_invitation(link=_link(cast.invitation()))
    return {"Alice", "Zoé", "Chloé"}


@row("invitations.invitation.renewed")
def _renewed(cast: Cast) -> set[str]:
    ask_for_link(link=_link(cast.invitation()))
    return NOBODY


@row("invitations.invitation.failed")
def _failed(cast: Cast) -> set[str]:
    invitation = cast.invitation()
    note_failure(invitation_id=invitation.pk, generation=invitation.generation, reason="550 User unknown")
    return {"Alice", "Zoé", "Chloé"}


@row("invitations.invitation.corrected")
def _corrected(cast: Cast) -> set[str]:
    correct_address(actor=cast.alice, invitation=cast.invitation(), email="right@client.test")
    return {"Zoé", "Chloé"}


@row("invitations.letter.printed")
def _letter_printed(cast: Cast) -> set[str]:
    _letter(cast)
    return NOBODY


@row("invitations.letters.printed")
def _letters_printed(cast: Cast) -> set[str]:
    make_dossier("Encore un")
    print_letters(actor=cast.alice, dossiers=Dossier.objects.all())
    return NOBODY


@row("invitations.letter.addressed")
def _letter_addressed(cast: Cast) -> set[str]:
    give_address(letter_id=_letter(cast).pk, email="garage@client.test", language="fr")
    return NOBODY


@row("invitations.letter.failed")
def _letter_failed(cast: Cast) -> set[str]:
    letter = give_address(letter_id=_letter(cast).pk, email="garage@client.test", language="fr")
    note_returned(letter_id=letter.pk, number=1, reason="550 5.1.1 User unknown")
    return {"Alice", "Zoé", "Chloé"}


@row("invitations.letter.answered")
def _letter_answered(cast: Cast) -> set[str]:
    _answered_letter(cast)
    return {"Alice", "Zoé", "Chloé"}


@row("invitations.letter.confirmed")
def _letter_confirmed(cast: Cast) -> set[str]:
    confirm_letter(actor=cast.alice, letter=_answered_letter(cast))
    return NOBODY


@row("invitations.letter.declined")
def _letter_declined(cast: Cast) -> set[str]:
    decline_letter(actor=cast.alice, letter=_answered_letter(cast))
    return {"Zoé", "Chloé"}


@row("invitations.letter.revoked")
def _letter_revoked(cast: Cast) -> set[str]:
    revoke_letter(actor=cast.alice, letter=_letter(cast))
    return NOBODY


def _letter(cast: Cast) -> Letter:
    """To the client of a dossier of “Sarah” who has no space yet."""
    dossier = make_dossier("Garage Petit", portfolio=cast.portfolio)
    _writing, drawn = print_letters(actor=cast.alice, dossiers=Dossier.objects.filter(pk=dossier.pk))
    return drawn[0][0]


def _answered_letter(cast: Cast) -> Letter:
    letter = _letter(cast)
    give_address(letter_id=letter.pk, email="garage@client.test", language="fr")
    Letter.objects.filter(pk=letter.pk).update(proof_hash="a" * 64)  # as if its mail had left
    return prove_address(letter_id=letter.pk, proof_hash="a" * 64)


@row("invitations.draft.prepared")
def _prepared(cast: Cast) -> set[str]:
    _draft(cast)
    return NOBODY


@row("invitations.drafts.prepared")
def _all_prepared(cast: Cast) -> set[str]:
    prepare_clients(actor=cast.alice, dossiers=Dossier.objects.all())
    return NOBODY


@row("invitations.draft.discarded")
def _discarded(cast: Cast) -> set[str]:
    discard_draft(actor=cast.alice, invitation=_draft(cast))
    return NOBODY


@row("invitations.drafts.discarded")
def _all_discarded(cast: Cast) -> set[str]:
    _draft(cast)
    discard_drafts(actor=cast.alice, invitations=Invitation.objects.all())
    return NOBODY


@row("invitations.invitation.reminded")
def _reminded(cast: Cast) -> set[str]:
    invitation = cast.invitation()
    _due_for_a_reminder()
    remind(keys=[invitation.pk])
    return NOBODY


@row("invitations.invitations.reminded")
def _all_reminded(cast: Cast) -> set[str]:
    cast.invitation()
    invite_client(actor=cast.alice, dossier=cast.elsewhere)
    _due_for_a_reminder()
    remind(keys=list(Invitation.objects.values_list("pk", flat=True)))
    return NOBODY


@row("invitations.sending.ordered")
def _sending_ordered(cast: Cast) -> set[str]:
    _sending(cast)
    return NOBODY


@row("invitations.sending.failed")
def _sending_failed(cast: Cast) -> set[str]:
    sending = _sending(cast)
    Sending.objects.update(fruitless=MOST_FRUITLESS)
    carry_out(cast.firm.pk, sending.pk)
    return {"Alice"}


# --- a client asks a firm to follow them


@row("invitations.firm.invited")
def _firm_invited(cast: Cast) -> set[str]:
    asked_firm.ask(_claire(cast))
    return NOBODY


@row("invitations.firm.taken_up")
def _taken_up(cast: Cast) -> set[str]:
    asked_firm.receive(asked_firm.ask(_claire(cast)), cast.alice)
    return {"Claire"}


@row("invitations.request.received")
def _request_received(cast: Cast) -> set[str]:
    asked_firm.receive(asked_firm.ask(_claire(cast)), cast.alice)
    return {"Zoé"}


def _declined(cast: Cast) -> None:
    invitation = asked_firm.receive(asked_firm.ask(_claire(cast)), cast.alice)
    decline_client(actor=cast.alice, invitation=invitation)


@row("invitations.firm.declined")
def _firm_declined(cast: Cast) -> set[str]:
    _declined(cast)
    return {"Claire"}


@row("invitations.request.declined")
def _request_declined(cast: Cast) -> set[str]:
    _declined(cast)
    return {"Zoé"}


@row("invitations.request.refused")
def _request_refused(cast: Cast) -> set[str]:
    """By whoever has the mail, whom one knows by its address alone."""
    invitation = asked_firm.receive(asked_firm.ask(_claire(cast)), cast.chloe)
    with scope(space=cast.link.space_id):
        refuse_invitation(link=_link(invitation))
    return {"Alice", "Zoé", "Chloé"}


def _handed_back(cast: Cast) -> None:
    invitation = asked_firm.receive(asked_firm.ask(_claire(cast)), cast.alice)
    hand_back(actor=cast.partner, invitation=invitation)


@row("invitations.firm.handed_back")
def _firm_handed_back(cast: Cast) -> set[str]:
    _handed_back(cast)
    return {"Claire"}


@row("invitations.request.handed_back")
def _request_handed_back(cast: Cast) -> set[str]:
    """Zoé does it; Alice, who had received it, is told."""
    _handed_back(cast)
    return {"Alice"}


@row("invitations.request.withdrawn")
def _request_withdrawn(cast: Cast) -> set[str]:
    claire = _claire(cast)
    invitation = asked_firm.receive(asked_firm.ask(claire), cast.alice)
    with scope(space=claire.space_id):
        revoke_asked(actor=claire, invitation=invitation)
    return {"Alice", "Zoé"}


@row("clients.dossier.client_followed")
def _client_followed(cast: Cast) -> set[str]:
    asked_firm.followed_by(asked_firm.make_client("ivan@garage.test"), cast.alice)
    return {"Zoé"}


@row("clients.space.firm_agreed", "clients.space.firm_ended", "clients.dossier.client_left")
def _taken_over(cast: Cast) -> set[str]:
    """By another firm; of it, those of the first one are told nothing but the end of their access."""
    other = make_firm("Bertrand Conseil", "552100554")
    asked_firm.followed_by(_claire(cast), other.admin, instead=True)
    return {"Alice", "Zoé", "Chloé"}


def _claire(cast: Cast) -> SpaceMember:
    with scope(space=cast.link.space_id):
        return cast.claire_inside()


def _draft(cast: Cast) -> Invitation:
    return prepare_invitation(actor=cast.alice, dossier=cast.elsewhere)


def _due_for_a_reminder() -> None:
    Invitation.objects.update(remind_at=timezone.now())


def _sending(cast: Cast) -> Sending:
    return order_sending(actor=cast.alice, kind=SendingKind.INVITE, keys=[cast.elsewhere.pk])


def _for_nina(cast: Cast) -> Invitation:
    return invite_member(actor=cast.alice, email="nina@lemoine.test", role=Role.COLLABORATOR)


def _link(invitation: Invitation) -> Link:
    return Link(invitation.pk, invitation.generation)


def _answer(invitation: Invitation, person: User) -> dict[str, Any]:
    invitation = Invitation.objects.with_names().get(pk=invitation.pk)
    return {"link": _link(invitation), "shown": fingerprint(invitation, current_terms()), "person": person}


# --- the tests ---------------------------------------------------------------------------------------------

ELSEWHERE = {
    # In the scope of a firm that is being made: nobody but its first administrator, who acts.
    "accounts.firm.registered",
    # In the scope of a space that is being made: nobody but the person who opens it.
    "clients.space.registered",
    # By the database's owner, beside the application: tests/activity/test_erasing.py.
    "activity.person.erased",
}
TOLD_IN_THE_SPACE = {
    "clients.space.firm_agreed": {"Claire"},
    # Claire asked for it a while ago, and somebody else brings it about now.
    "clients.space.firm_ended": {"Claire"},
    "clients.space.firm_changed_details": {"Claire"},
    "clients.space.details_changed": NOBODY,
    "clients.space.details_kept": {"Claire"},
    "clients.space.support_authorised": NOBODY,
    "clients.space.support_withdrawn": NOBODY,
    "clients.space.support_ended": {"Claire"},
    "clients.space.file_received": {"Claire"},
    "clients.space.file_dropped": NOBODY,
    "clients.space.file_withdrawn": {"Claire"},
    "clients.space.file_taken_back": NOBODY,
    "clients.space.file_turned_away": {"Claire"},
}


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - ELSEWHERE))
def test_exactly_those_concerned_are_told(done: "Done", name: str) -> None:
    assert name in ROWS, f"the event {name} needs a row: an action that brings it about, and who is told"
    assert name in done.told, f"{name} was not recorded"
    expected = done.expected[name]
    if name.startswith("clients.space."):
        expected = TOLD_IN_THE_SPACE.get(name, expected)
    assert done.told[name] == expected


def test_a_new_firm_tells_nobody(db: None) -> None:
    member = firms.register_firm(user=make_person("lea@roussel.test"), name="Roussel", siren="732829320")
    with scope(firm=member.firm):
        assert Event.objects.filter(type="accounts.firm.registered").exists()
        assert not Notification.objects.exists()


def test_a_new_space_tells_nobody(db: None) -> None:
    member = asked_firm.make_client()
    with scope(space=member.space.pk):
        assert Event.objects.filter(type="clients.space.registered").exists()
        assert not Notification.objects.exists()


def test_no_row_is_about_an_event_that_is_no_more() -> None:
    assert set(ROWS) | ELSEWHERE <= set(REGISTRY)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_an_event_that_tells_somebody_says_whom(name: str) -> None:
    kind: Any = REGISTRY[name]
    default: Any = EventType.audience
    tells = kind.audience.__func__ is not default.__func__
    assert not tells or kind.concerns is not EventType.concerns


def test_the_page_in_docs_is_up_to_date() -> None:
    call_command("audiences_page", "--check")


def test_a_page_that_is_out_of_date_is_noticed(settings, tmp_path) -> None:
    settings.BASE_DIR = tmp_path
    with pytest.raises(CommandError):
        call_command("audiences_page", "--check")


def test_the_page_names_every_event() -> None:
    page = audiences_page.page()
    assert all(f"`{name}`" in page for name in REGISTRY)
