"""Who has a second factor, and which firms require one."""

from allauth.mfa.models import Authenticator

from accounts import lookups
from accounts.models import Firm, Membership, User
from tenancy.scopes import scope


def members_without(members: "list[Membership]") -> list[Membership]:
    """Those of the members whose person has no second factor yet."""
    protected = set(
        Authenticator.objects.filter(user_id__in=[member.user_id for member in members]).values_list(
            "user_id", flat=True
        )
    )
    return [member for member in members if member.user_id not in protected]


def firms_that_require(person: User) -> list[str]:
    """The names of the person's firms that require a second factor of everyone."""
    names = []
    for row in lookups.firms_of(person.pk):
        with scope(firm=row["firm_id"]):
            if Firm.objects.filter(pk=row["firm_id"], second_factor_required=True).exists():
                names.append(row["name"])
    return names
