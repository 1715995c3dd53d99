"""The state machine: what people do in two firms, at random, and after each step the product against the plain model.

Four answers are compared for every person and dossier: `can()`, `permitted()`, `holders()`, and the page.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import wraps
from typing import Any
from uuid import UUID

from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from accounts.actions.members import (
    LastAdministrator,
    change_role,
    leave_firm,
    restore_member,
    suspend_member,
    terminate_member,
)
from accounts.actions.replacements import arrange_replacement
from accounts.models import Membership, Replacement, Role
from accounts.newcomers import Newcomer
from accounts.permissions import ObjectRole, Perm, can, holders, permitted
from accounts.terms import current_terms
from clients.actions.archiving import archive_dossiers, restore_dossiers
from clients.actions.assignments import change_assignments
from clients.actions.departing import complete_departure
from clients.actions.portfolios import move_dossiers, restore_portfolio, terminate_portfolio
from clients.holdings import holdings_of
from clients.models import Dossier
from invitations.actions.answering import Link, accept_as_member, fingerprint
from invitations.actions.inviting import invite_member
from invitations.models import Invitation
from portfolios.actions import grant_portfolio, withdraw_portfolio
from portfolios.models import Portfolio
from tenancy import scopes
from tests.access.plain import File, Person, PlainFirm
from tests.calendars import far_from_midnight
from tests.worlds import PASSWORD, make_dossier, make_firm, make_portfolio

FIRMS = {"Lemoine": "732829320", "Bertrand": "552100554"}
FILES = ("Aubin", "Bardot", "Celtic", "Dumas", "Eole")
OWN = "Le cabinet"
LOTS = ("Nord", "Sud", "Est")
PEOPLE = ("Alice", "Chloé", "Paul", "Zoé")
NEWCOMER = "Zoé"

firms, files, lots = st.sampled_from(sorted(FIRMS)), st.sampled_from(FILES), st.sampled_from(LOTS)
people, some_files = st.sampled_from(PEOPLE), st.sets(st.sampled_from(FILES), min_size=1, max_size=3)
roles = st.sampled_from([ObjectRole.ACCOUNTANT, ObjectRole.READER])


class NotNow(Exception):
    """The step makes no sense as things stand: nothing is done, and it is not counted."""


def needs(condition: object) -> None:
    if not condition:
        raise NotNow


def step(**drawn: Any) -> Callable[[Callable[..., None]], Any]:
    """A rule that does nothing any more once enough was done: it draws as ever, as hypothesis wants it."""

    def declare(act: Callable[..., None]) -> Any:
        @wraps(act)
        def until_enough(self: "Access", **values: Any) -> None:
            if self.steps < self.enough:
                act(self, **values)

        return rule(**drawn)(until_enough)

    return declare


class Access(RuleBasedStateMachine):
    """`browse` is how a test signs somebody in; `steps` counts what was done, `enough` is how many are to be: what is
    drawn after that does nothing. They are set by the test."""

    browse: Callable[[Membership], Client]
    steps: int
    enough: int

    def __init__(self) -> None:
        super().__init__()
        self.taken_back = transaction.atomic()
        self.taken_back.__enter__()
        self.worlds: dict[str, Any] = {}
        self.plain: dict[str, PlainFirm] = {}
        self.browsers: dict[Any, Client] = {}
        self.invitations: dict[str, UUID] = {}
        self.compared = False

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.taken_back.__exit__(None, None, None)

    @initialize()
    def two_firms(self) -> None:
        for name, siren in FIRMS.items():
            world = self.worlds[name] = make_firm(name, siren)
            plain = self.plain[name] = PlainFirm()
            with scopes.scope(firm=world.firm):
                make_dossier(OWN, is_own=True)
                for one in FILES:
                    make_dossier(one)
                for lot in LOTS:
                    make_portfolio(lot)
            plain.people = {
                "Alice": Person("admin", "active"),
                "Chloé": Person("collaborator", "active"),
                "Paul": Person("collaborator", "active"),
            }
            plain.files = {OWN: File(own=True)} | {one: File() for one in FILES}
            plain.portfolios = set(LOTS)

    # --- what people do -----------------------------------------------------------------------------------

    @step(firm=firms, lot=lots, who=people, role=roles)
    def grant(self, firm: str, lot: str, who: str, role: ObjectRole) -> None:
        with self.acting(firm) as (plain, actor):
            needs(lot in plain.portfolios and who in plain.people and plain.enters(who))
            grant_portfolio(actor=actor, portfolio=self.lot(lot), member=self.member(who), role=role)
            plain.subscribed[who, lot] = role.value

    @step(firm=firms, lot=lots, who=people)
    def withdraw(self, firm: str, lot: str, who: str) -> None:
        with self.acting(firm) as (plain, actor):
            needs(lot in plain.portfolios and who in plain.people)
            needs(plain.people[who].state != "invited")
            withdraw_portfolio(actor=actor, portfolio=self.lot(lot), member=self.member(who))
            plain.subscribed.pop((who, lot), None)

    @step(firm=firms, which=some_files, lot=st.one_of(st.none(), lots))
    def move(self, firm: str, which: set[str], lot: str | None) -> None:
        with self.acting(firm) as (plain, actor):
            needs(lot is None or lot in plain.portfolios)
            move_dossiers(actor=actor, dossiers=self.files(which), portfolio=self.lot(lot) if lot else None)
            for one in which:
                if not plain.files[one].archived:
                    plain.files[one].portfolio = lot

    @step(firm=firms, which=some_files, who=people, role=roles)
    def assign(self, firm: str, which: set[str], who: str, role: ObjectRole) -> None:
        with self.acting(firm) as (plain, actor):
            needs(who in plain.people)
            change_assignments(actor=actor, dossiers=self.files(which), add=[(self.member(who), role)])
            if plain.enters(who) and not plain.is_admin(who):
                for one in which:
                    if not plain.files[one].archived:
                        plain.assigned[who, one] = role.value

    @step(firm=firms, which=some_files, who=people)
    def unassign(self, firm: str, which: set[str], who: str) -> None:
        with self.acting(firm) as (plain, actor):
            needs(who in plain.people and plain.people[who].state != "invited")
            change_assignments(actor=actor, dossiers=self.files(which), remove=[self.member(who)])
            for one in which:  # an archived one is given to nobody, but whoever has it may lose it
                plain.assigned.pop((who, one), None)

    @step(firm=firms, which=some_files, archived=st.booleans())
    def archive(self, firm: str, which: set[str], archived: bool) -> None:
        with self.acting(firm) as (plain, actor):
            (archive_dossiers if archived else restore_dossiers)(actor=actor, dossiers=self.files(which))
            for one in which:
                plain.files[one].archived = archived

    @step(firm=firms, lot=lots, to=st.one_of(st.none(), lots))
    def terminate_portfolio(self, firm: str, lot: str, to: str | None) -> None:
        with self.acting(firm) as (plain, actor):
            needs(lot in plain.portfolios and to != lot and (to is None or to in plain.portfolios))
            terminate_portfolio(actor=actor, portfolio=self.lot(lot), successor=self.lot(to) if to else None)
            plain.end_portfolio(lot, to)

    @step(firm=firms, lot=lots)
    def restore_portfolio(self, firm: str, lot: str) -> None:
        with self.acting(firm) as (plain, actor):
            needs(lot in plain.ended)
            restore_portfolio(actor=actor, portfolio=self.lot(lot))
            plain.bring_back(lot)

    @step(firm=firms, who=people, role=st.sampled_from([Role.ADMIN, Role.COLLABORATOR]))
    def role(self, firm: str, who: str, role: Role) -> None:
        with self.acting(firm) as (plain, actor):
            needs(who in plain.people and plain.people[who].state in ("created", "active", "suspended"))
            refused = role != Role.ADMIN and plain.alone_in_charge(who)
            with self.last_administrator(refused):
                change_role(actor=actor, member=self.member(who), role=role)
                plain.people[who].role = role.value

    @step(firm=firms, who=people)
    def suspend(self, firm: str, who: str) -> None:
        with self.acting(firm) as (plain, actor):
            needs(who in plain.people and plain.enters(who))
            with self.last_administrator(plain.alone_in_charge(who)):
                suspend_member(actor=actor, member=self.member(who))
                plain.people[who].state = "suspended"

    @step(firm=firms, who=people)
    def restore(self, firm: str, who: str) -> None:
        with self.acting(firm) as (plain, actor):
            needs(who in plain.people and plain.people[who].state == "suspended")
            restore_member(actor=actor, member=self.member(who))
            plain.people[who].state = "active"

    @step(firm=firms, who=people, by_themself=st.booleans())
    def leave(self, firm: str, who: str, by_themself: bool) -> None:
        with self.acting(firm) as (plain, actor):
            needs(who in plain.people and plain.people[who].state in ("created", "active", "suspended"))
            needs(plain.enters(who) or not by_themself)
            with self.last_administrator(plain.alone_in_charge(who)):
                if by_themself:
                    leave_firm(actor=self.member(who))
                else:
                    terminate_member(actor=actor, member=self.member(who))
                plain.gone(who)

    @step(firm=firms, who=people, taker=people)
    def depart(self, firm: str, who: str, taker: str) -> None:
        with self.acting(firm) as (plain, actor):
            needs(who != taker and who in plain.people and taker in plain.people)
            needs(plain.people[who].state in ("created", "active", "suspended"))
            needs(plain.enters(taker) and not plain.is_admin(taker))
            with self.last_administrator(plain.alone_in_charge(who)):
                member, successor = self.member(who), self.member(taker)
                everything = dict.fromkeys(holdings_of(member).keys, successor)
                complete_departure(actor=actor, member=member, takers=everything, revoke={})
                plain.hand_over(who, taker)
                plain.gone(who)

    @step(firm=firms, lot=st.one_of(st.none(), lots))
    def invite(self, firm: str, lot: str | None) -> None:
        with self.acting(firm) as (plain, actor):
            needs(NEWCOMER not in plain.people)
            needs(lot is None or lot in plain.portfolios)
            invitation = invite_member(
                actor=actor,
                email=f"zoe@{firm}.test".lower(),
                role=Role.COLLABORATOR,
                portfolios=[self.lot(lot).pk] if lot else [],
            )
            plain.people[NEWCOMER] = Person("collaborator", "invited")
            plain.promised = lot
            self.invitations[firm] = invitation.pk

    @step(firm=firms)
    def accept(self, firm: str) -> None:
        with self.acting(firm) as (plain, _actor):
            needs(NEWCOMER in plain.people and plain.people[NEWCOMER].state == "invited")
            invitation = Invitation.objects.with_names().get(pk=self.invitations[firm])
            needs(invitation.invited_by and plain.is_admin(invitation.invited_by.first_name))
            accept_as_member(
                link=Link(invitation.pk, invitation.generation),
                shown=fingerprint(invitation, current_terms()),
                person=Newcomer(first_name=NEWCOMER, last_name="Martin", password=PASSWORD),
            )
            plain.people[NEWCOMER].state = "created"
            if plain.promised in plain.portfolios:
                plain.subscribed[NEWCOMER, plain.promised] = "accountant"

    @step(firm=firms, cover=people, absent=people, singly=st.booleans())
    def replace(self, firm: str, cover: str, absent: str, singly: bool) -> None:
        with self.acting(firm) as (plain, actor):
            needs(cover != absent and cover in plain.people and absent in plain.people)
            needs(plain.enters(cover) and plain.enters(absent))
            needs(not any(one[:2] == (cover, absent) for one in plain.covers))
            with far_from_midnight():
                arrange_replacement(
                    actor=actor,
                    absent=self.member(absent),
                    cover=self.member(cover),
                    starts_on=timezone.localdate(),
                    ends_on=timezone.localdate() + timedelta(days=7),
                    includes_assignments=singly,
                )
            plain.covers.add((cover, absent, singly))

    @step(firm=firms, cover=people, absent=people)
    def replacement_runs_out(self, firm: str, cover: str, absent: str) -> None:
        """By itself, as time goes by."""
        with self.acting(firm) as (plain, _actor):
            gone = {one for one in plain.covers if one[:2] == (cover, absent)}
            needs(gone)
            Replacement.objects.filter(
                cover=self.member(cover).user_id, absent=self.member(absent).user_id
            ).update(starts_at=timezone.now() - timedelta(days=2), ends_at=timezone.now() - timedelta(days=1))
            plain.covers -= gone

    # --- and what they see then ---------------------------------------------------------------------------

    @invariant()
    def all_agree(self) -> None:
        """Nothing has changed since the last time where the step was skipped."""
        if self.compared:
            return
        self.compared = True
        for firm, plain in self.plain.items():
            world = self.worlds[firm]
            with scopes.scope(firm=world.firm):
                dossiers = {dossier.legal_name: dossier for dossier in Dossier.objects.all()}
                members = {name: self.member(name) for name in plain.people}
                for name, member in members.items():
                    self._compare(firm, plain, name, member, dossiers)
                for what, dossier in dossiers.items():
                    told = {one.first_name for one in holders(Perm.VIEW_DOSSIER, dossier)}
                    assert told == {who for who in plain.people if plain.sees(who, what)}, (firm, what)
            for name, member in members.items():
                if member.user_id:
                    self._look(firm, plain, name, member)

    def _compare(
        self, firm: str, plain: PlainFirm, name: str, member: Membership, dossiers: dict[str, Dossier]
    ) -> None:
        sees = {what for what in plain.files if plain.sees(name, what)}
        changes = {what for what in plain.files if plain.changes(name, what)}
        found = permitted(Dossier.objects.all(), member, Perm.VIEW_DOSSIER)
        assert set(found.values_list("legal_name", flat=True)) == sees, (firm, name)
        found = permitted(Dossier.objects.all(), member, Perm.CHANGE_DOSSIER)
        assert set(found.values_list("legal_name", flat=True)) == changes, (firm, name)
        for what, dossier in dossiers.items():
            assert can(member, Perm.VIEW_DOSSIER, dossier) == (what in sees), (firm, name, what)

    def _look(self, firm: str, plain: PlainFirm, name: str, member: Membership) -> None:
        """The list as the person's browser gets it; and the other firm's, which is not there."""
        if member.user_id not in self.browsers:
            self.browsers[member.user_id] = self.browse(member)
        browser, ours = self.browsers[member.user_id], self.worlds[firm].firm
        answer = browser.get(ours.url("clients:list"))
        if not plain.enters(name):
            # Absent; or signed out, where it was their last place and they were seen off.
            assert answer.status_code in (404, 302), (firm, name)
        else:
            shown = {row.name for row in answer.context["table"]["rows"]}
            listed = {
                what for what in plain.files if plain.sees(name, what) and not plain.files[what].archived
            }
            assert shown == listed - {OWN}, (firm, name)
        for other in FIRMS:
            if other != firm:
                elsewhere = browser.get(self.worlds[other].firm.url("clients:list"))
                assert elsewhere.status_code in (404, 302), (firm, name)

    # --- small words --------------------------------------------------------------------------------------

    @contextmanager
    def acting(self, firm: str) -> Iterator[tuple[PlainFirm, Membership]]:
        """In the firm's scope, as one of its administrators."""
        plain = self.plain[firm]
        with suppress(NotNow), scopes.scope(firm=self.worlds[firm].firm):
            yield plain, self.member(min(one for one in plain.people if plain.is_admin(one)))
            type(self).steps += 1
            self.compared = False

    @contextmanager
    def last_administrator(self, refused: bool) -> Iterator[None]:
        """What would leave the firm without an administrator is refused; nothing else is."""
        try:
            with transaction.atomic():
                yield
        except LastAdministrator:
            assert refused
        else:
            assert not refused

    def member(self, name: str) -> Membership:
        if name == NEWCOMER:
            return Membership.objects.get(email__startswith="zoe@")
        return Membership.objects.get(first_name=name)

    def lot(self, name: str) -> Portfolio:
        return Portfolio.objects.get(name=name)

    def files(self, names: set[str]) -> Any:
        return Dossier.objects.filter(legal_name__in=names)
