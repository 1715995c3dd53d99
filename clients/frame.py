"""What surrounds every page of a client's space: the menu across the top, and the firms to call or to write to."""

from django.utils.translation import gettext as _

from clients.models import SpaceLink
from clients.places import SpaceRequest

DETAILS, PEOPLE = "clients:space_home", "invitations:people"
FIRMS = "invitations:firms"
AUTHORISATIONS = "clients:space_authorisations"
FILES, WATCHERS = "clients:space_files", "clients:space_watchers"


def framed(request: SpaceRequest, page: str, **context: object) -> dict[str, object]:
    """The page's context with what the layout needs. `page`: the route of the menu's item that it belongs to.

    `firms` are the links to the firms that follow the space.
    """
    firms = list(SpaceLink.objects.running().filter(space=request.space).order_by("firm_name"))
    items = [
        {"label": label, "url": request.space.url(route), "active": route == page}
        for label, route in (
            (_("My details"), DETAILS),
            (_("My firm"), FIRMS),
            (_("Files"), FILES),
            (_("Accesses"), WATCHERS),
            (_("People"), PEOPLE),
            (_("Authorisations"), AUTHORISATIONS),
        )
    ]
    return {"nav": items, "firms": firms, "space_firms": firms, **context}
