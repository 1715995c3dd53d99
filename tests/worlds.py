"""The smallest valid worlds. A test names only what matters to it."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils.text import slugify

from accounts.models import Firm, Membership, MemberState, Role, User
from clients.models import Dossier
from portfolios.models import Portfolio
from tenancy.keys import uuid7
from tenancy.scopes import scope

PASSWORD = "un long mot de passe 42"


@cache
def _hashed() -> str:
    """Argon2 is slow on purpose, so once is enough."""
    return make_password(PASSWORD)


@dataclass(frozen=True)
class World:
    """One firm and its people."""

    firm: Firm
    admin: Membership
    collaborator: Membership
    colleague: Membership


def make_person(email: str, **fields: Any) -> User:
    """A person with a confirmed address."""
    from allauth.account.models import EmailAddress

    user = User.objects.create(email=email, password=_hashed(), **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def make_member(
    firm: Firm, first_name: str, *, role: Role = Role.COLLABORATOR, user: User | None = None
) -> Membership:
    """An active member, in the firm's scope."""
    user = user or make_person(
        f"{slugify(first_name)}@{firm.slug}.test", first_name=first_name, last_name="Martin"
    )
    return Membership.objects.create(
        user=user,
        email=user.email,
        first_name=user.first_name,
        last_name=user.last_name,
        role=role,
        state=MemberState.ACTIVE,
    )


def make_firm(name: str, siren: str) -> World:
    """A firm with an administrator (Alice) and two collaborators (Chloé, Paul)."""
    key = uuid7()
    with scope(firm=key):
        firm = Firm.objects.create(id=key, name=name, slug=slugify(name), siren=siren)
        return World(
            firm=firm,
            admin=make_member(firm, "Alice", role=Role.ADMIN),
            collaborator=make_member(firm, "Chloé"),
            colleague=make_member(firm, "Paul"),
        )


def make_portfolio(name: str = "Sarah") -> Portfolio:
    """In the scope's firm, without any event."""
    return Portfolio.objects.create(name=name)


def make_dossier(legal_name: str = "Boulangerie Martin", **fields: Any) -> Dossier:
    """In the scope's firm, without any event."""
    return Dossier.objects.create(legal_name=legal_name, **fields)
