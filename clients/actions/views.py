"""What may be done to saved views of the dossier table: one's own, and for administrators those that are shared."""

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import Perm, require
from activity.actions import record
from clients.events.views import ViewChanged, ViewDeleted, ViewRenamed, ViewSaved, ViewShared, ViewUnshared
from clients.models import SavedView


class ViewNameTaken(Exception):
    """The person already has a view of that name, case and accents aside."""


class ViewChangedMeanwhile(Exception):
    """Somebody changed the view since the person saw it. `view` is as it stands now."""

    def __init__(self, view: SavedView) -> None:
        super().__init__(str(view.pk))
        self.view = view


class ViewGone(Exception):
    """Somebody deleted the view since the person saw it."""


@transaction.atomic
def save_view(*, actor: Membership, name: str, query: str, is_shared: bool = False) -> SavedView:
    """Keep the list's state (`query`) under a name, for the person alone or for the firm. Raises ViewNameTaken."""
    require(actor, Perm.SAVE_VIEW)
    assert actor.user_id is not None  # an open member has a person
    view = SavedView(owner_id=actor.user_id, name=name, query=query, is_shared=is_shared)
    _save(view, force_insert=True)
    record(ViewSaved, actor=actor, subject=view, changes={"is_shared": (None, True)} if is_shared else None)
    return view


@transaction.atomic
def change_view(*, actor: Membership, view: SavedView, query: str, seen: datetime | None = None) -> SavedView:
    """Let the view hold another state. The same state again changes and records nothing.

    `seen` is the view's `updated_at` when the person began: raises ViewChangedMeanwhile if it is another now. This one,
    and all that follow, raise ViewGone.
    """
    view = _changeable(actor, view, seen)
    if view.query == query:
        return view
    view.query = query
    _save(view, update_fields=["query", "updated_at"])
    record(ViewChanged, actor=actor, subject=view)
    return view


@transaction.atomic
def rename_view(*, actor: Membership, view: SavedView, name: str, seen: datetime | None = None) -> SavedView:
    """Give the view another name. Raises ViewNameTaken; `seen` as for `change_view`."""
    view = _changeable(actor, view, seen)
    previous = view.name
    if name == previous:
        return view
    view.name = name
    _save(view, update_fields=["name", "updated_at"])
    record(ViewRenamed, actor=actor, subject=view, changes={"name": (previous, name)})
    return view


@transaction.atomic
def share_view(*, actor: Membership, view: SavedView) -> SavedView:
    """Offer the view to the whole firm. It opens nothing: everybody sees in it what they see anyway."""
    return _set_shared(actor, view, is_shared=True)


@transaction.atomic
def unshare_view(*, actor: Membership, view: SavedView) -> SavedView:
    """Leave the view to its owner alone."""
    return _set_shared(actor, view, is_shared=False)


@transaction.atomic
def delete_view(*, actor: Membership, view: SavedView) -> None:
    """Delete the view; what it showed stays as it is."""
    view = _changeable(actor, view)
    record(ViewDeleted, actor=actor, subject=view)
    view.delete()


def _set_shared(actor: Membership, view: SavedView, *, is_shared: bool) -> SavedView:
    view = _changeable(actor, view)
    if view.is_shared == is_shared:
        return view
    view.is_shared = is_shared
    _save(view, update_fields=["is_shared", "updated_at"])
    record(ViewShared if is_shared else ViewUnshared, actor=actor, subject=view)
    return view


def _changeable(actor: Membership, view: SavedView, seen: datetime | None = None) -> SavedView:
    """The view, locked, if the member may change it: their own; for administrators, those that are shared too."""
    require(actor, Perm.SAVE_VIEW)
    held = SavedView.objects.select_for_update().filter(pk=view.pk).first()
    if held is None:
        raise ViewGone(view.pk)
    view = held
    if view.owner_id != actor.user_id:
        if not view.is_shared:
            raise PermissionDenied(Perm.CHANGE_SHARED_VIEWS)
        require(actor, Perm.CHANGE_SHARED_VIEWS)
    if seen is not None and view.updated_at != seen:
        raise ViewChangedMeanwhile(view)
    return view


def _save(view: SavedView, **how: Any) -> None:
    """Save, and explain the database's refusal of a second view of that name."""
    view.updated_at = timezone.now()
    try:
        with transaction.atomic():
            view.save(**how)
    except IntegrityError as error:
        if "savedview_name" not in str(error):
            raise
        raise ViewNameTaken(view.name) from error
