"""When something last happened to given things: a column of the lists of the apps above."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Max

from activity.models import Event


def latest_at(subjects: Collection[UUID]) -> dict[UUID, datetime]:
    """The time of the latest event about each of these subjects, of those that have one. One query."""
    events = Event.objects.of_scope().filter(subject_id__in=subjects)
    return dict(events.order_by().values_list("subject_id").annotate(latest=Max("at")))
