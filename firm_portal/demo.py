"""The demonstration: two firms with their people, a client of both, some sixty client files each.

Made by the same actions as everything else, so it has its events, its grants and its mails. All names are invented;
the SIRENs pass their checksum, no more.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from stdnum import luhn

from accounts.actions.firms import change_firm, register_firm
from accounts.actions.people import accept_terms
from accounts.models import Membership, Role, User
from accounts.newcomers import Newcomer, admit
from accounts.permissions import ObjectRole
from accounts.terms import current_terms
from clients.actions.accesses import note_access
from clients.actions.assignments import change_assignments
from clients.actions.dossiers import create_dossier, update_dossier
from clients.actions.files import Handed, drop_for_client, drop_for_firm
from clients.actions.support import SupportDuration, authorise_support
from clients.actions.views import save_view
from clients.files.recognising import FileKind
from clients.lookups import spaces_of
from clients.models import Dossier, DossierKind, FileCategory, SpaceLink, SpaceMember
from invitations.actions.answering import Link, accept_as_client, accept_as_member, fingerprint
from invitations.actions.inviting import invite_client, invite_member
from invitations.models import Invitation
from portfolios.actions import create_portfolio, grant_portfolio
from portfolios.models import Portfolio
from tenancy.scopes import scope

PASSWORD = "portail-de-demonstration"  # noqa: S105 - the start page of a demonstration shows it to everybody
DOSSIERS_PER_FIRM = 60


@dataclass(frozen=True)
class Account:
    """One person of the demonstration, as the start page presents them."""

    first_name: str
    last_name: str
    email: str
    role: str | Promise
    where: str
    text: str | Promise

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True)
class DemoFirm:
    """A firm to make: its people stand in ACCOUNTS by their addresses, the administrator first."""

    name: str
    siren: str
    portfolios: tuple[str, ...]
    people: tuple[str, ...]
    # Which portfolios each collaborator has.
    grants: tuple[tuple[str, tuple[str, ...]], ...]
    seed: int
    phone: str
    email: str


LEMOINE = DemoFirm(
    name="Cabinet Lemoine & Associés",
    siren="841274632",
    portfolios=("Commerces de bouche", "Bâtiment", "Professions libérales", "Associations", "Immobilier"),
    people=(
        "alice@lemoine.example",
        "chloe@lemoine.example",
        "paul@lemoine.example",
        "support@lemoine.example",
    ),
    grants=(
        ("chloe@lemoine.example", ("Commerces de bouche", "Associations")),
        ("paul@lemoine.example", ("Bâtiment", "Immobilier")),
    ),
    seed=1,
    phone="04 99 00 10 20",
    email="contact@lemoine.example",
)
BERTRAND = DemoFirm(
    name="Bertrand Expertise",
    siren="509862140",
    portfolios=("Restauration", "Artisans", "Santé", "Transports", "Agriculture"),
    people=("hugo@bertrand.example", "ines@bertrand.example", "leo@bertrand.example"),
    grants=(
        ("ines@bertrand.example", ("Restauration", "Santé")),
        ("leo@bertrand.example", ("Artisans", "Transports", "Agriculture")),
    ),
    seed=2,
    phone="05 99 00 30 40",
    email="bonjour@bertrand.example",
)
FIRMS = (LEMOINE, BERTRAND)
CLIENT = "claire@atelier-besson.example"
SHARED_CLIENT = "Atelier Besson"

_ADMIN = _("Administrator")
_COLLABORATOR = _("Collaborator")
ACCOUNTS = [
    Account("Alice", "Lemoine", LEMOINE.people[0], _ADMIN, LEMOINE.name, _("Sees and manages everything in the firm.")),
    Account(
        "Chloé", "Garnier", LEMOINE.people[1], _COLLABORATOR, LEMOINE.name, _("Has two of the firm's five portfolios.")
    ),
    Account(
        "Paul", "Moreau", LEMOINE.people[2], _COLLABORATOR, LEMOINE.name, _("Has two other portfolios.")
    ),
    Account(
        "Samir", "Haddad", LEMOINE.people[3], _("Technical support"), LEMOINE.name,
        _("Sees a single client file, for seven days."),
    ),
    Account("Hugo", "Bertrand", BERTRAND.people[0], _ADMIN, BERTRAND.name, _("Administrator of the other firm.")),
    Account("Inès", "Fabre", BERTRAND.people[1], _COLLABORATOR, BERTRAND.name, _("Has two portfolios.")),
    Account("Léo", "Marchand", BERTRAND.people[2], _COLLABORATOR, BERTRAND.name, _("Has three portfolios.")),
    Account(
        "Claire", "Besson", CLIENT, _("Client"), SHARED_CLIENT,
        _("One client space, which both firms follow."),
    ),
]  # fmt: skip

_TRADES = (
    ("Boulangerie", "10.71C"), ("Menuiserie", "43.32A"), ("Garage", "45.20A"), ("Pharmacie", "47.73Z"),
    ("Plomberie", "43.22A"), ("Librairie", "47.61Z"), ("Fleurs", "47.76Z"), ("Transports", "49.41A"),
    ("Restaurant", "56.10A"), ("Imprimerie", "18.12Z"), ("Cabinet dentaire", "86.23Z"), ("Maçonnerie", "43.99C"),
    ("Électricité", "43.21A"), ("Traiteur", "56.21Z"), ("Couverture", "43.91B"), ("Optique", "47.78A"),
)  # fmt: skip
_FAMILIES = (
    "Béranger", "Dupuis", "Faure", "Girard", "Lacombe", "Masson", "Noël", "Perrin", "Roche", "Tessier", "Vasseur",
    "Charpentier", "Lefèvre", "Marchetti", "Kowalski", "Nguyen", "Da Silva", "Benali", "Le Goff", "Etcheverry",
)  # fmt: skip
_FIRST_NAMES = (
    "Camille",
    "Julien",
    "Sofia",
    "Mehdi",
    "Anne-Laure",
    "Théo",
    "Jeanne",
    "Loïc",
    "Nadia",
    "Bruno",
)
_TOWNS = (
    ("69003", "Lyon"), ("33000", "Bordeaux"), ("59800", "Lille"), ("01000", "Bourg-en-Bresse"), ("20090", "Ajaccio"),
    ("35000", "Rennes"), ("13006", "Marseille"), ("67000", "Strasbourg"), ("29200", "Brest"), ("64100", "Bayonne"),
)  # fmt: skip
_STREETS = (
    "rue de la République",
    "avenue Jean-Jaurès",
    "place du Marché",
    "chemin des Vignes",
    "quai de la Marne",
)
_FORMS = (("SARL", "5410"), ("SAS", "5710"), ("EURL", "5498"), ("SASU", "5720"))
_ENDS = ("31/12", "31/12", "31/12", "30/06", "30/09", "31/03")


def load() -> bool:
    """Make the demonstration unless it is there; says whether it was made. All of it or nothing."""
    if User.objects.filter(email=ACCOUNTS[0].email).exists():
        return False
    with transaction.atomic():
        for firm in FIRMS:
            _make_firm(firm)
    return True


def _make_firm(plan: DemoFirm) -> None:
    terms = current_terms()
    founder = admit(address=plan.people[0], newcomer=_newcomer(plan.people[0]))
    accept_terms(person=founder, terms=terms)
    admin = register_firm(user=founder, name=plan.name, siren=plan.siren)
    with scope(firm=admin.firm_id):
        change_firm(
            actor=admin, name=plan.name, phone=plan.phone, email=plan.email, second_factor_required=False
        )
        members = {email: _join(admin, email) for email in plan.people[1:]}
        portfolios = {name: create_portfolio(actor=admin, name=name) for name in plan.portfolios}
        dossiers = [
            create_dossier(actor=admin, portfolio=portfolio, values=values)
            for portfolio, values in _client_files(plan, list(portfolios.values()))
        ]
        for email, names in plan.grants:
            for name in names:
                grant_portfolio(actor=admin, portfolio=portfolios[name], member=members[email])
        _invite_some(admin, dossiers)
        link = _bring_in_the_client(admin, portfolios[plan.portfolios[0]])
        _let_support_in(admin, members, link)
        _exchange_files(admin, link)
        _leave_traces(plan, members, dossiers)
        _save_views(admin, members.values())


def _account(email: str) -> Account:
    return next(account for account in ACCOUNTS if account.email == email)


def _newcomer(email: str) -> Newcomer:
    account = _account(email)
    return Newcomer(account.first_name, account.last_name, PASSWORD)


def _join(admin: Membership, email: str) -> Membership:
    """The way of every collaborator: invited by the administrator, then accepted."""
    account = _account(email)
    invitation = invite_member(
        actor=admin,
        email=email,
        role=Role.COLLABORATOR,
        first_name=account.first_name,
        last_name=account.last_name,
    )
    return accept_as_member(link=_link(invitation), shown=_shown(invitation), person=_newcomer(email))


def _link(invitation: Invitation) -> Link:
    return Link(invitation.pk, invitation.generation)


def _shown(invitation: Invitation) -> str:
    return fingerprint(Invitation.objects.with_names().get(pk=invitation.pk), current_terms())


def _client_files(
    plan: DemoFirm, portfolios: list[Portfolio]
) -> Iterator[tuple[Portfolio | None, dict[str, Any]]]:
    """The values of each client file, and where it goes: one in twelve into no portfolio. The same at every run."""
    chance = _chance(plan.seed)
    for number in range(1, DOSSIERS_PER_FIRM + 1):
        portfolio = None if number % 12 == 0 else portfolios[number % len(portfolios)]
        make = _individual if number % 6 == 0 else _company
        yield portfolio, {"reference": f"C{number:03}", **make(chance, number), **_address(chance)}


def _company(chance: random.Random, number: int) -> dict[str, Any]:
    trade, naf_code = _TRADES[number % len(_TRADES)]
    family = _FAMILIES[(number * 7) % len(_FAMILIES)]
    form, legal_form = chance.choice(_FORMS)
    siren = _siren(chance)
    name = f"{trade} {family}"
    return {
        "legal_name": f"{name} {form}" if number % 3 == 0 else name,
        "siren": siren,
        "siret": _siret(siren),
        "naf_code": naf_code,
        "legal_form": legal_form,
        "legal_representative": f"{chance.choice(_FIRST_NAMES)} {family}",
        "fiscal_year_end": chance.choice(_ENDS),
        "email": f"contact@{slugify(name)}.example" if number % 5 else "",
    }


def _individual(chance: random.Random, number: int) -> dict[str, Any]:
    first_name, last_name = chance.choice(_FIRST_NAMES), _FAMILIES[(number * 3) % len(_FAMILIES)]
    return {
        "kind": DossierKind.INDIVIDUAL,
        "civility": chance.choice(("mme", "m")),
        "first_name": first_name,
        "last_name": last_name,
        "siren": _siren(chance) if number % 12 == 0 else "",
        "email": f"{slugify(first_name)}.{slugify(last_name)}@courriel.example",
    }


def _address(chance: random.Random) -> dict[str, Any]:
    postcode, city = chance.choice(_TOWNS)
    return {
        "address": f"{chance.randint(1, 120)} {chance.choice(_STREETS)}",
        "postcode": postcode,
        "city": city,
        "phone": f"01 99 00 {chance.randint(0, 99):02} {chance.randint(0, 99):02}",
    }


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - invented names are no secret


def _siren(chance: random.Random) -> str:
    stem = f"{chance.randint(30_000_000, 94_999_999)}"
    return f"{stem}{luhn.calc_check_digit(stem)}"


def _siret(siren: str) -> str:
    stem = f"{siren}0001"
    return f"{stem}{luhn.calc_check_digit(stem)}"


def _invite_some(admin: Membership, dossiers: list[Dossier]) -> None:
    """Some clients are invited; of three of them the deadline has passed."""
    invited = [dossier for dossier in dossiers if dossier.email][5:15]
    invitations = [invite_client(actor=admin, dossier=dossier) for dossier in invited]
    late = [invitation.pk for invitation in invitations[:3]]
    now = timezone.now()
    Invitation.objects.filter(pk__in=late).update(
        sent_at=now - timedelta(days=9), expires_at=now - timedelta(days=2)
    )


def _bring_in_the_client(admin: Membership, portfolio: Portfolio) -> SpaceLink:
    """The client whom both firms follow: a new space at the first firm's invitation, the same one at the second's."""
    siren = _siren(_chance(3))
    values = {
        "legal_name": SHARED_CLIENT,
        "reference": "C900",
        "siren": siren,
        "siret": _siret(siren),
        "email": CLIENT,
    }
    dossier = create_dossier(actor=admin, portfolio=portfolio, values=values)
    invitation = invite_client(actor=admin, dossier=dossier)
    person = User.objects.filter(email=CLIENT).first()
    _person, link = accept_as_client(
        link=_link(invitation),
        shown=_shown(invitation),
        person=person or _newcomer(CLIENT),
        space_id=_space_of(person) if person else None,
    )
    return link


def _space_of(person: User) -> UUID:
    """The space that the person manages."""
    return UUID(str(spaces_of(person.pk)[0]["space_id"]))


def _leave_traces(plan: DemoFirm, members: dict[str, Membership], dossiers: list[Dossier]) -> None:
    """A collaborator's changes."""
    email, names = plan.grants[0]
    theirs = [dossier for dossier in dossiers if dossier.portfolio and dossier.portfolio.name in names]
    for dossier in theirs[:3]:
        update_dossier(actor=members[email], dossier=dossier, values={"phone": "01 99 00 12 34"})


def _let_support_in(admin: Membership, members: dict[str, Membership], link: SpaceLink) -> None:
    """Where the firm has technical support, the client lets it in for a week, and the administrator assigns it."""
    support = [member for email, member in members.items() if email.startswith("support@")]
    if not support:
        return
    with scope(space=link.space_id):
        client = SpaceMember.objects.select_related("user", "space").get()
        authorise_support(actor=client, link=link, duration=SupportDuration.WEEK)
    dossier = Dossier.objects.filter(pk=link.dossier_id)
    change_assignments(actor=admin, dossiers=dossier, add=dict.fromkeys(support, ObjectRole.SUPPORT))


def _exchange_files(admin: Membership, link: SpaceLink) -> None:
    """Each side has dropped something for the other."""
    dossier = Dossier.objects.get(pk=link.dossier_id)
    letter, invoice = _file("Lettre de mission 2026.txt"), _file("Note d'honoraires 2026-10.txt")
    drop_for_client(actor=admin, dossier=dossier, handed=[letter], category=FileCategory.GENERAL)
    drop_for_client(actor=admin, dossier=dossier, handed=[invoice], category=FileCategory.BILLING)
    note_access(admin, dossier)
    with scope(space=link.space_id):
        client = SpaceMember.objects.select_related("user", "space").get()
        statement = _file("Relevé bancaire octobre.csv")
        drop_for_firm(actor=client, link=link, handed=[statement], category=FileCategory.GENERAL)


def _file(name: str) -> Handed:
    content = f"{name}\nFichier de démonstration.\n".encode()
    return Handed(name, FileKind.TEXT, len(content), BytesIO(content))


def _save_views(admin: Membership, collaborators: Iterable[Membership]) -> None:
    """The administrator shares a view of the client files; each collaborator has one of their own."""
    to_invite = "state=none&size=20&cols=name.reference.email.phone.portfolio.state"
    save_view(actor=admin, name="Clients à inviter", query=to_invite, is_shared=True)
    for member in collaborators:
        save_view(actor=member, name="Entreprises par SIREN", query="kind=company&sort=siren")
