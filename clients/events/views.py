"""What happens to saved views of the dossier table. Nobody is told: a view opens nothing and takes nothing away."""

from django.utils.translation import gettext_lazy as _

from activity.events import EventType


class ViewEvent(EventType):
    fields = {"name": _("Name"), "is_shared": _("Shared with the whole firm")}


class ViewSaved(ViewEvent):
    name = "clients.view.saved"
    summary = _("A view of the client files was saved")
    sentence = _("%(actor)s saved the view %(subject)s of the client files.")


class ViewChanged(ViewEvent):
    """What the view holds stays out of the event: it may be a search for a name."""

    name = "clients.view.changed"
    summary = _("A view of the client files was changed")
    sentence = _("%(actor)s changed what the view %(subject)s of the client files shows.")


class ViewRenamed(ViewEvent):
    name = "clients.view.renamed"
    summary = _("A view of the client files was renamed")
    sentence = _("%(actor)s renamed the view %(subject)s of the client files.")


class ViewShared(ViewEvent):
    name = "clients.view.shared"
    summary = _("A view of the client files was shared with the firm")
    sentence = _("%(actor)s shared the view %(subject)s of the client files with the whole firm.")
    opposite = "clients.view.unshared"


class ViewUnshared(ViewEvent):
    name = "clients.view.unshared"
    summary = _("A view of the client files is no longer shared")
    sentence = _("%(actor)s no longer shares the view %(subject)s of the client files.")
    opposite = "clients.view.shared"


class ViewDeleted(ViewEvent):
    name = "clients.view.deleted"
    summary = _("A view of the client files was deleted")
    sentence = _("%(actor)s deleted the view %(subject)s of the client files.")
