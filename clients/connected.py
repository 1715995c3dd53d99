"""The connections with other platforms that somebody made: looked at when they leave."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Membership
from clients.actions.connections import forget_connections
from clients.events.fetching import ConnectionForgotten
from clients.leftovers import Leftover, LeftoverKind
from clients.models import Connection


class ConnectionsMade(LeftoverKind):
    name = "connections"
    title = gettext_lazy("Connections to other platforms")
    explanation = gettext_lazy(
        "Their tokens were entered by this person. Those that you tick are forgotten: the token is deleted here, and "
        "nothing is fetched with it any more. The others go on serving the firm. A token of the person's own is to be "
        "revoked over there, too."
    )
    done = gettext_lazy("Connections to other platforms forgotten")
    route, query = "clients:connections", ""
    line = ConnectionForgotten.name

    def of(self, member: Membership) -> list[Leftover]:
        made = Connection.objects.filter(made_by=member)
        return [Leftover(one.pk, str(one), _ending(one.hint)) for one in made]

    def count_on_hold(self, member: Membership, *, viewer: Membership) -> int:
        """None: a connection is the firm's, whoever made it."""
        return 0

    def revoke(
        self, *, actor: Membership, member: Membership, keys: Collection[UUID], group: UUID
    ) -> list[Leftover]:
        theirs = Connection.objects.filter(made_by=member, pk__in=keys)
        forgotten = forget_connections(actor=actor, connections=theirs, group=group)
        return [Leftover(one.pk, str(one), _ending(one.hint)) for one in forgotten]

    def take_over(self, *, actor: Membership, member: Membership) -> None:
        """It goes on saying who entered the token: that stays true."""

    def noted(self, details: Mapping[str, Any]) -> str:
        return _ending(str(details.get("hint", "")))


def _ending(hint: str) -> str:
    return _("token that ends in %(hint)s") % {"hint": hint} if hint else ""
