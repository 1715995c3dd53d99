"""The list of dossiers as it is opened: all that the member sees, from the first, in the usual columns.

Its two queries are put together once per process and planned once per connection; any other list is read by
`clients.paging`.
"""

from functools import cache

from accounts.models import Membership, Role
from accounts.permissions import Perm, anybody, keys_of, permitted
from clients.chosen import USUAL
from clients.models import Dossier, DossierQuerySet
from clients.paging import Order, Page, first_of, first_page
from clients.rows import fields_of
from tenancy.prepared import Prepared

# In the model's order, as `from_db` takes them.
_FIELDS = [
    field.attname
    for field in Dossier._meta.concrete_fields
    if {field.name, field.attname} & {*fields_of(USUAL)}
]


def usual_page(member: Membership, order: Order, size: int, *, sparse: bool) -> Page[Dossier]:
    """`sparse` being as for `page_of`."""
    role, keys = Role(member.role), keys_of(member)
    found = _first(role, order, size + 1, sparse).rows(**keys)
    shown = [Dossier.from_db("default", _FIELDS, row) for row in found]
    return first_page(shown, size, lambda: _all(role).count(**keys))


def visible(member: Membership) -> DossierQuerySet:
    """The clients' dossiers that the member sees."""
    found = permitted(Dossier.objects.clients(), member, Perm.VIEW_DOSSIER)
    assert isinstance(found, DossierQuerySet)
    return found


@cache
def _first(role: Role, order: Order, most: int, sparse: bool) -> Prepared:
    return Prepared(
        lambda: first_of(order.of(visible(anybody(role)).active()), most, sparse=sparse).values_list(*_FIELDS)
    )


@cache
def _all(role: Role) -> Prepared:
    return Prepared(lambda: visible(anybody(role)).active().order_by().values_list("pk"))
