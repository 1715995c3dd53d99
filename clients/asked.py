"""Which list of dossiers a request asks for: what its address says, or what a saved view holds.

`?vue=<key>` is a saved view as it is; once something is changed in it, the address says the whole state, and from which
view it came: `?depuis=<key>&q=…`. So a view travels without the names that its search may hold, and what somebody
changes in it stays theirs until they save it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from uuid import UUID

from django.http import QueryDict

from accounts.models import Membership
from clients.chosen import chosen_columns, columns_text
from clients.forms.dossiers import DEFAULT_ORDER, DossierFilter
from clients.models import SavedView
from clients.paging import DEFAULT_SIZE
from clients.selection import filters_of, offers_of

VIEW, SINCE = "vue", "depuis"
PLACES = ("after", "before")
# What stands in an address anyway, unless it says otherwise.
UNSAID = {"sort": DEFAULT_ORDER, "size": str(DEFAULT_SIZE)}


@dataclass(frozen=True)
class Asked:
    """`state` is the whole of it as an address would say it; `address` what the next page's address begins with.

    `view` is the saved view that is shown or was begun with, `is_changed` whether it was changed since; `dropped` names
    the view's filters that this member may not use; `is_missing`: a view was asked for that is not there for them.
    """

    filters: DossierFilter
    state: QueryDict
    view: SavedView | None
    views: list[SavedView]
    is_changed: bool
    dropped: list[str]
    is_missing: bool

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return chosen_columns(self.state.getlist("cols"))

    @property
    def address(self) -> QueryDict:
        if self.view is None or self.is_changed:
            return self.linked
        address = QueryDict(mutable=True)
        address[VIEW] = str(self.view.pk)
        return address

    @cached_property
    def linked(self) -> QueryDict:
        """The state with the view that it came from: what a change of it begins with."""
        return since(self.view, self.state)


def since(view: SavedView | None, state: QueryDict) -> QueryDict:
    """The address of a list that was begun with the view."""
    address = state.copy()
    if view is not None:
        address[SINCE] = str(view.pk)
    return address


def state_of(query: QueryDict) -> QueryDict:
    """What the address says of the list, each thing once and in one order; what goes without saying is left out."""
    state = QueryDict(mutable=True)
    for name in DossierFilter.base_fields:
        values = [value.strip() for value in query.getlist(name)]
        value = columns_text(chosen_columns(values)) if name == "cols" else values[-1] if values else ""
        if value and name != SINCE and value != UNSAID.get(name):
            state[name] = value
    return state


def allowed_state(query: str, member: Membership) -> QueryDict:
    """Of a state that is to be saved, what the member themselves may use."""
    return _allowed(query, partial(filters_of, member=member))[0]


def asked_of(query: QueryDict, member: Membership, *, without: tuple[str, ...] = ()) -> Asked:
    """The list that this address asks for; `without` some filters, no view fits it. Two queries."""
    offers = offers_of(member)
    views = [] if without else offers.views
    filtered = partial(filters_of, member=member, without=without, offers=offers)
    by_key: dict[UUID | None, SavedView] = {view.pk: view for view in views}
    wanted = by_key.get(_key(query.get(VIEW, "")))
    view = wanted or by_key.get(_key(query.get(SINCE, "")))
    saved, dropped = _allowed(view.query, filtered) if view else (None, [])
    state = state_of(query) if wanted is None or saved is None else saved
    return Asked(
        filters=filtered(since(view, state)),
        state=state,
        view=view,
        views=views,
        is_changed=saved is not None and state.urlencode() != saved.urlencode(),
        dropped=dropped if wanted else [],
        is_missing=VIEW in query and wanted is None and not without,
    )


def _allowed(query: str, filtered: Callable[[QueryDict], DossierFilter]) -> tuple[QueryDict, list[str]]:
    """The state without the filters that this member may not use or that lead nowhere, and the labels of these."""
    state = state_of(QueryDict(query))
    filters = filtered(state)
    dropped = [str(filters[name].label) for name in filters.errors]
    for name in filters.errors:
        del state[name]
    return state, dropped


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
