"""The list of dossiers as it is opened: all that the member sees, from the first, in the usual columns.

Its two queries are put together once per process and planned once per connection; any other list is read by
`clients.paging`.
"""

from functools import cache

from django.db.models import OuterRef
from django.db.models.functions import Greatest

from accounts.models import Membership, Role
from accounts.permissions import Perm, anybody, keys_of, permitted
from activity.queries import latest_of
from clients.models import Dossier, DossierQuerySet
from clients.models.details import name_of
from clients.paging import Order, Page, first_of, first_page
from clients.rows import Listed
from tenancy.prepared import Place, Prepared


def usual_page(member: Membership, order: Order, size: int, *, sparse: bool) -> Page[Listed]:
    """`sparse` being as for `page_of`."""
    role, keys = Role(member.role), keys_of(member)
    found = [
        Listed(key, name_of(*names), reference, siren, portfolio, active_at, more=[])
        for key, *names, reference, siren, portfolio, active_at in _first(role, order, size + 1, sparse).rows(
            **keys
        )
    ]
    return first_page(found, size, lambda: _all(role).count(**keys))


def visible(member: Membership) -> DossierQuerySet:
    """The clients' dossiers that the member sees."""
    found = permitted(Dossier.objects.clients(), member, Perm.VIEW_DOSSIER)
    assert isinstance(found, DossierQuerySet)
    return found


@cache
def _first(role: Role, order: Order, most: int, sparse: bool) -> Prepared:
    """Key, what the name is made of, reference, SIREN, portfolio and last activity of each."""
    shown = ("pk", "kind", "legal_name", "first_name", "last_name", "reference", "siren", "portfolio_id")
    active_at = Greatest("updated_at", latest_of(OuterRef("pk"), Place("firm")))
    found = order.of(visible(anybody(role)).active())
    return Prepared(lambda: first_of(found, most, sparse=sparse).values_list(*shown, active_at))


@cache
def _all(role: Role) -> Prepared:
    return Prepared(lambda: visible(anybody(role)).active().order_by().values_list("pk"))
