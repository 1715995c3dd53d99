"""What may be done in a client's space, and what crosses the wall between it and the firms that follow it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import Firm, Membership, User
from activity.actions import Changes, Letter, queue_mails, record
from activity.events import Actor
from clients.actions.consent import Company, ask, companies_to_ask, drop
from clients.events.space import ClientChangedDetails, FirmChangedDetails, FirmFollows, SpaceDetailsChanged
from clients.locks import kept_details
from clients.lookups import spaces_of
from clients.models import ClientSpace, ConsentRequest, Dossier, SpaceLink, SpaceMember, SpaceProfile
from clients.models.details import DETAIL_FIELDS, ClientDetails
from clients.models.profiles import SpacePerm, profiles_that_may
from clients.profiles import require_profile
from clients.registration import SPACE_RENAMED
from tenancy.keys import uuid7
from tenancy.scopes import Purpose, crossing, firm_id, scope

# The mail to somebody whose several clients a firm has changed in its records together.
DETAILS_MAIL = "clients.details_changed"
_NUMBERS = {"siren", "siret"}


class AlreadyFollowed(Exception):
    """The dossier already has its client's space."""


class KeptByFirm(Exception):
    """A firm keeps these details, by name: the client takes over what the firm's record says, or asks the firm."""

    def __init__(self, fields: list[str]) -> None:
        super().__init__(fields)
        self.fields = fields


class NotTheirSpace(Exception):
    """The person does not manage the space that they chose, nor may they speak there for the dossier's company."""


def hold_to_open(*, person: User | None, firm: Firm, dossier: Dossier, space_id: UUID | None) -> Dossier:
    """What `open_space` ties together, held: the space that the person has already, if any; the dossier, read anew.

    In the firm's scope; for whoever holds something else after them (docs/decisions/0026-the-order-of-locks.md).
    Raises NotTheirSpace where the dossier has become another company's meanwhile, which may have a space of its own.
    """
    found = Dossier.objects.get(pk=dossier.pk)
    own = _space_to_enter(person, firm, found, space_id)
    if own is not None:
        with crossing(SpaceLink(firm=firm, dossier=found, space_id=own), Purpose.ACCEPT_INVITATION):
            list(ClientSpace.objects.select_for_update(no_key=True).filter(pk=own).values_list("pk"))
    held = Dossier.objects.select_for_update(no_key=True).get(pk=dossier.pk)
    if _space_to_enter(person, firm, held, space_id) != own:
        raise NotTheirSpace(held.pk)
    return held


@transaction.atomic
def open_space(
    *, person: User, firm: Firm, dossier: Dossier, email: str, space_id: UUID | None = None
) -> SpaceLink:
    """Tie the dossier to a space of the person: a new one with the dossier's details, or `space_id`, which they manage.

    Called in the firm's scope, when the person accepts its invitation. A new space begins with them as its manager: it
    never stands without one. Where a company of the dossier's SIREN wants to be asked and the person does not speak for
    it, the link waits (docs/decisions/0010-consent.md): one that is to lead to that company's own space gives the
    person no place there. Raises AlreadyFollowed, NotTheirSpace.
    """
    dossier = hold_to_open(person=person, firm=firm, dossier=dossier, space_id=space_id)
    asked_before = {company: at for link in _waiting_links(dossier) for company, at in drop(link).items()}
    if SpaceLink.objects.running().filter(dossier=dossier).exists():
        raise AlreadyFollowed(dossier.pk)
    companies = companies_to_ask(dossier.siren, by=firm)
    own = _space_to_enter(person, firm, dossier, space_id)
    link = SpaceLink(firm=firm, dossier=dossier, space_id=own or uuid7(), **contact_of(firm))
    company = companies[0] if companies else None
    if own is not None:
        with crossing(link, Purpose.ACCEPT_INVITATION):
            if _speaks_for(person, dossier.siren):
                company = None
    if company is not None and company.space is not None:
        link.space_id, link.waiting = company.space, True
        link.save(force_insert=True)
    else:
        _enter_space(link, person, email, is_new=own is None, waits=company is not None)
    if company is not None:
        ask(company=company, link=link, siren=dossier.siren, firm=firm, since=asked_before.get(company))
    return link


@transaction.atomic
def edit_space_details(*, actor: SpaceMember, space: ClientSpace, values: Mapping[str, str]) -> ClientSpace:
    """Change the client's details; each firm that follows the space gets the same change in its dossier, and is told.

    `values` is field → new value, of `DETAIL_FIELDS`. What is as before changes and records nothing. Raises KeptByFirm.
    """
    space = ClientSpace.objects.select_for_update(no_key=True).get(pk=space.pk)
    require_profile(actor, SpacePerm.EDIT_DETAILS)
    if not (changes := _differences(space, values)):
        return space
    links = _held_links(space)
    kept = kept_details(space)
    if refused := [
        name for name, (_old, new) in changes.items() if name in kept and new != kept[name].theirs
    ]:
        raise KeptByFirm(refused)
    before = space.name
    _apply(space, changes)
    record(SpaceDetailsChanged, actor=actor, subject=space, changes=changes)
    if space.name != before:
        for follow in SPACE_RENAMED:
            follow(space)
    # A SIRET begins with its SIREN: a firm's record gets the two together, or it might hold those of two companies.
    carried = changes.keys() | (_NUMBERS if changes.keys() & _NUMBERS else set())
    for link in links:
        # What this firm keeps, it alone writes into its record; the value may be another firm's, which keeps it too.
        theirs = carried - link.kept
        with crossing(link, Purpose.CLIENT_EDIT):
            _carry_over(link, actor, {field: getattr(space, field) for field in theirs})
    return space


def tell_client(*, actor: Actor, dossier: Dossier, changes: Changes) -> None:
    """Tell the people of the client what the firm changed of the shared details in its record.

    The client's space keeps its own details (docs/decisions/): the client decides what stands there.
    """
    shared = {field: change for field, change in changes.items() if field in DETAIL_FIELDS}
    link = SpaceLink.objects.running().filter(dossier=dossier).first()
    if not shared or link is None:
        return
    _tell_space(actor, link, shared)


def tell_clients(*, actor: Actor, changes: Iterable[tuple[Dossier, Changes]], group: UUID) -> None:
    """`tell_client` for many dossiers that changed together, with events of that group: whoever is at home in several
    of these clients' spaces gets one mail for all of them."""
    linked = {link.dossier_id: link for link in SpaceLink.objects.running().select_related("dossier")}
    told = [
        (linked[dossier.pk], shared)
        for dossier, changed in changes
        if dossier.pk in linked
        and (shared := {name: pair for name, pair in changed.items() if name in DETAIL_FIELDS})
    ]
    homes: dict[UUID, list[UUID]] = {}
    people: dict[UUID, SpaceMember] = {}
    for link, _shared in told:
        with crossing(link, Purpose.TELL_CLIENT):
            for member in SpaceMember.objects.present():
                homes.setdefault(member.user_id, []).append(link.dossier_id)
                people[member.user_id] = member
    several = {person for person, dossiers in homes.items() if len(dossiers) > 1}
    for link, shared in told:
        _tell_space(
            actor, link, shared, apart=[person for person in several if link.dossier_id in homes[person]]
        )
    queue_mails(
        Letter(
            DETAILS_MAIL,
            to=people[person].email,
            name=people[person].name,
            language=people[person].language,
            params={
                "group": str(group),
                "dossiers": [str(key) for key in homes[person]],
                "person": str(person),
            },
        )
        for person in several
        if person != actor.user_id
    )


def _tell_space(actor: Actor, link: SpaceLink, shared: Changes, *, apart: Collection[UUID] = ()) -> None:
    details: dict[str, Any] = dict(link.by_firm)
    if apart:
        details["apart"] = sorted(map(str, apart))
    with crossing(link, Purpose.TELL_CLIENT):
        space = ClientSpace.objects.get(pk=link.space_id)
        record(FirmChangedDetails, actor=actor, subject=space, changes=shared, details=details)


def update_contacts(firm: Firm) -> None:
    """Show the clients of the firm how it is called and reached now."""
    asked = ConsentRequest.objects.waiting().filter(firm=firm)
    links = SpaceLink.objects.current().filter(firm=firm)
    for rows in (asked, links):  # held in the order of their keys, as by everybody
        held = list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
        rows.filter(pk__in=held).update(**contact_of(firm))


def follow_firm(actor: Membership) -> None:
    """The firm's card has changed: its clients see the new one."""
    update_contacts(Firm.objects.get(pk=firm_id()))


def follow_person(person: User) -> None:
    """A person's name or address has changed: their row in each of their spaces, which other people read, follows."""
    for place in spaces_of(person.pk):
        with scope(space=place["space_id"]):
            SpaceMember.objects.filter(pk=place["member_id"]).update(
                first_name=person.first_name, last_name=person.last_name, email=person.email
            )


def contact_of(firm: Firm) -> dict[str, str]:
    """What a link tells the client of the firm, whose own row they can't read."""
    return {"firm_name": firm.name, "firm_phone": firm.phone, "firm_email": firm.email}


def _space_to_enter(person: User | None, firm: Firm, dossier: Dossier, space_id: UUID | None) -> UUID | None:
    """The space that the person has already and that the dossier is tied to: which they chose, or their company's."""
    if space_id is not None or person is None:
        return space_id
    return _own_space(person, companies_to_ask(dossier.siren, by=firm))


def _own_space(person: User, companies: list[Company]) -> UUID | None:
    """The asked company's space, where the person may speak for it: they need not choose what is theirs."""
    may = profiles_that_may(SpacePerm.AUTHORISE)
    edited = {row["space_id"] for row in spaces_of(person.pk) if row["profile"] in may}
    return next((company.space for company in companies if company.space in edited), None)


def _speaks_for(person: User, siren: str) -> bool:
    """Is the space in scope the company's of that SIREN, and may the person edit there? Raises NotTheirSpace."""
    member = SpaceMember.objects.present().select_related("space").filter(user=person).first()
    if member is None:
        raise NotTheirSpace(person.pk)
    is_company = bool(siren) and siren in (member.space.siren, member.space.siret[:9])
    speaks = is_company and member.may_authorise
    if not speaks and member.profile != SpaceProfile.MANAGER:
        raise NotTheirSpace(person.pk)
    return speaks


def _waiting_links(dossier: Dossier) -> list[SpaceLink]:
    """One at most: what an earlier acceptance left. `drop` holds it, after the requests about it."""
    return list(SpaceLink.objects.awaiting().filter(dossier=dossier))


def _enter_space(link: SpaceLink, person: User, email: str, *, is_new: bool, waits: bool) -> None:
    """Tie the dossier to the person's space, made now if it is new; one that waits says nothing there yet."""
    with crossing(link, Purpose.ACCEPT_INVITATION):
        if is_new:
            member = _first_member(link.space_id, link.dossier, person, email)
        else:
            member = SpaceMember.objects.present().select_related("space").get(user=person)
        link.waiting = waits
        link.save(force_insert=True)
        if not waits:
            record(FirmFollows, actor=member, subject=member.space, details={"firm": link.firm_name})


def _first_member(space_id: UUID, dossier: Dossier, person: User, email: str) -> SpaceMember:
    """A new space with the details of the dossier, and the person as its manager: nobody else could let people in."""
    details = {field: getattr(dossier, field) for field in DETAIL_FIELDS}
    details["email"] = details["email"] or email
    space = ClientSpace.objects.create(id=space_id, kind=dossier.kind, **details)
    return SpaceMember.objects.create(
        space=space,
        user=person,
        email=email,
        first_name=person.first_name,
        last_name=person.last_name,
        profile=SpaceProfile.MANAGER,
    )


def _held_links(space: ClientSpace) -> list[SpaceLink]:
    """The running links, held after the firms' client files: what a firm keeps, and what its record says, stays so.

    The space is held, so that no firm begins to follow it meanwhile.
    """
    running = SpaceLink.objects.running().filter(space=space)
    found = list(running.order_by("dossier_id"))
    for link in found:
        with crossing(link, Purpose.CLIENT_EDIT):
            list(Dossier.objects.select_for_update(no_key=True).filter(pk=link.dossier_id).values_list("pk"))
    those = running.filter(pk__in=[link.pk for link in found]).order_by("pk")
    return list(those.select_for_update(no_key=True, of=("self",)))


def _differences(record_of: ClientDetails, values: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {
        field: (getattr(record_of, field), value)
        for field, value in values.items()
        if field in DETAIL_FIELDS and getattr(record_of, field) != value
    }


def _apply(record_of: ClientDetails, changes: Mapping[str, tuple[str, str]]) -> None:
    for field, (_old, new) in changes.items():
        setattr(record_of, field, new)
    record_of.save(update_fields=list(changes))


def _carry_over(link: SpaceLink, actor: SpaceMember, values: Mapping[str, str]) -> None:
    """The client's change in the firm's own record, in the firm's scope."""
    dossier = Dossier.objects.get(pk=link.dossier_id)  # held since the edit began
    if changes := _differences(dossier, values):
        _apply(dossier, changes)
        record(ClientChangedDetails, actor=actor, subject=dossier, changes=changes)
