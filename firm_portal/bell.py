"""Of what somebody was told in a client's space: what they may still see, asked anew whenever the bell's page is shown.

The audience of each kind is asked again, as it is for a mail (`clients.concern`). On the firm's side both ask
`accounts.concern`.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from clients.concern import still_told_of
from clients.models import SpaceMember


def shown_to_client(member: SpaceMember, events: Sequence[Any]) -> dict[UUID, bool]:
    """By key, those that the person may still see, and whether they may open what each is about.

    Events that are alike but for their time are asked of once.
    """
    alike: dict[Any, list[Any]] = {}
    for event in events:
        alike.setdefault((event.type, event.subject_id, repr(event.details)), []).append(event)
    first = [some[0] for some in alike.values()]
    leads = still_told_of(member.user_id, first)
    return {event.pk: leads[some[0].pk] for some in alike.values() if some[0].pk in leads for event in some}
