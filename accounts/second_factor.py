"""Who has a second factor, and which firms require one."""

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from django.core.cache import cache

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


def first_use(person: User, code: str) -> bool:
    """Whether this code of the person's application comes for the first time while it is valid (RFC 6238, 5.2).

    allauth forgets a used code after one step, while its tolerance still lets it in.
    """
    digits = "".join(filter(str.isdigit, code))
    steps = 2 * app_settings.TOTP_TOLERANCE + 1
    return cache.add(f"second-factor:{person.pk}:{digits}", True, timeout=steps * app_settings.TOTP_PERIOD)
