"""A firm with 100,000 client files, and a list of which half is new, a fifth changed, the rest as it is."""

import io
from collections.abc import Iterator
from uuid import UUID

import xlsxwriter
from django.db import connections
from stdnum import luhn

from accounts.models import Firm, Membership, MemberState, Role, User
from accounts.permissions import ObjectRole, give
from clients.models import Assignment, Dossier
from portfolios.models import Portfolio, PortfolioGrant
from tenancy.keys import uuid7
from tenancy.scopes import scope

HEADERS = (
    "Code", "Raison sociale", "Forme juridique", "Adresse", "CP", "Ville", "Téléphone", "E-mail", "SIRET", "Code NAF",
    "Portefeuille", "Collaborateur",
)  # fmt: skip
FIELDS = (
    "reference", "legal_name", "legal_form", "address", "postcode", "city", "phone", "email", "siret", "naf_code",
    "portfolio", "assignee",
)  # fmt: skip
# Whose place on a client file it is stands beside it: only ours and the floor write that.
DOSSIER_FIELDS = FIELDS[:-1]
EXISTING = 100_000
PORTFOLIOS = 100
MEMBERS = 20
_FORMS, _CITIES = ("5710", "5410", "1000", "6540"), ("Lyon", "Élancourt", "Bourg-en-Bresse", "Saint-Étienne")


def siret(number: int) -> str:
    """A valid one for each number below ten million."""
    siren = f"{30_000_000 + number:08}"
    siren += luhn.calc_check_digit(siren)
    head = f"{siren}0001"
    return head + str(luhn.calc_check_digit(head))


def client(number: int, *, changed: bool = False) -> tuple[str, ...]:
    """The cells of one client, in the order of HEADERS."""
    return (
        f"C{number:07}",
        f"Société Numéro {number} & Fils",
        _FORMS[number % 4],
        f"{number % 200 + 1}, rue de la République",
        f"{1000 + number % 90000:05}",
        _CITIES[number % 4],
        f"01 {number % 90 + 10} {number % 80 + 10} 56 78",
        f"contact{number}@{'nouveau' if changed else 'client'}-exemple.fr",
        siret(number),
        f"{number % 90 + 10}.{number % 89 + 10}Z",
        f"Portefeuille {number % PORTFOLIOS:03}",
        f"Camille Numéro {number % MEMBERS:02}",
    )


def list_of(rows: int) -> bytes:
    """The workbook: 50 % new, 20 % changed, 30 % identical, mixed."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet("Clients")
        for number, cells in enumerate([HEADERS, *_rows(rows)]):
            for column, text in enumerate(cells):
                sheet.write_string(number, column, text)
    return target.getvalue()


def _rows(rows: int) -> Iterator[tuple[str, ...]]:
    for number in range(rows):
        if number % 10 < 5:
            yield client(EXISTING + number)
        else:
            yield client(number % EXISTING, changed=number % 10 < 7)


def make() -> tuple[UUID, UUID]:
    """The firm and its administrator, committed."""
    key = uuid7()
    user = User.objects.create_user(f"alice@{key}.test", first_name="Alice", last_name="Martin")
    with scope(firm=key):
        Firm.objects.create(
            id=key, name="Cabinet Lemoine", slug=f"cabinet-{key}", siren="732829320", email="a@b.test"
        )
        admin = Membership.objects.create(
            user=user,
            email=user.email,
            first_name="Alice",
            last_name="Martin",
            role=Role.ADMIN,
            state=MemberState.ACTIVE,
        )
        members = dict(_member(number) for number in range(MEMBERS))
        portfolios = {
            portfolio.name: portfolio
            for portfolio in (
                Portfolio.objects.create(name=f"Portefeuille {n:03}") for n in range(PORTFOLIOS)
            )
        }
        people = list(members.values())
        held = ((portfolio.pk, people[n % MEMBERS]) for n, portfolio in enumerate(portfolios.values()))
        give(PortfolioGrant, list(held), role=ObjectRole.ACCOUNTANT, by=admin)
        for start in range(0, EXISTING, 10_000):
            dossiers, placed = [], []
            for number in range(start, start + 10_000):
                values = dict(zip(FIELDS, client(number), strict=True))
                person = members[values.pop("assignee")]
                dossiers.append(Dossier(portfolio=portfolios[values.pop("portfolio")], **values))
                dossiers[-1].derive_keys()
                placed.append((dossiers[-1].pk, person))
            Dossier.objects.bulk_create(dossiers)
            give(Assignment, placed, role=ObjectRole.ACCOUNTANT, by=admin)
    tidy_up()
    return key, admin.pk


def _member(number: int) -> tuple[str, UUID]:
    """The name and the person of one of those who are at work on the client files."""
    last_name = f"Numéro {number:02}"
    user = User.objects.create_user(f"{uuid7()}@lemoine.test", first_name="Camille", last_name=last_name)
    member = Membership.objects.create(
        user=user,
        email=user.email,
        first_name="Camille",
        last_name=last_name,
        role=Role.COLLABORATOR,
        state=MemberState.ACTIVE,
    )
    return member.name, user.pk


def tidy_up() -> None:
    """What a round that was taken back left behind, out of the way of the next one."""
    with connections["owner"].cursor() as cursor:
        for table in ("clients_dossier", "clients_assignment", "clients_importrow", "activity_event"):
            cursor.execute(f"VACUUM ANALYZE {table}")
    connections["owner"].close()
