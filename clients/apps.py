from django.apps import AppConfig
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ClientsConfig(AppConfig):
    name = "clients"
    verbose_name = _("Clients")

    def ready(self) -> None:
        from accounts.erasing import PLACES
        from accounts.holding import HOLDERS
        from accounts.places import KINDS
        from accounts.registration import FIRM_CHANGED, FIRM_STARTERS, GRANTS_TAKEN, PERSON_CHANGED
        from clients import events, exports, lookups, mails  # noqa: F401 - each registers what it declares
        from clients.actions.dossiers import create_own_dossier
        from clients.actions.leaving import note_taken
        from clients.actions.space import follow_firm, follow_person
        from clients.connected import ConnectionsMade
        from clients.connectors import platforms  # noqa: F401 - so does this, checks of the settings
        from clients.holding import import_at_work
        from clients.leftovers import LEFTOVERS
        from clients.models import SpaceMember
        from clients.places import SpacePlaces

        KINDS.append(SpacePlaces())
        PLACES.append((SpaceMember, Q(ended_at=None)))
        FIRM_STARTERS.append(create_own_dossier)
        FIRM_CHANGED.append(follow_firm)
        PERSON_CHANGED.append(follow_person)
        GRANTS_TAKEN.append(note_taken)
        LEFTOVERS.append(ConnectionsMade())
        HOLDERS.append(import_at_work)
        self._join_activity()

    def _join_activity(self) -> None:
        """Whom it tells what, and what it keeps for how long."""
        from accounts.concern import OF_ADMINISTRATORS, SEEN, Seen
        from accounts.permissions import Perm, permitted
        from activity.concern import STILL_TOLD_OF
        from activity.retention import ALSO_ACCESSES
        from clients.concern import still_told_of
        from clients.events.consent import FirmConsentEvent
        from clients.events.fetching import ConnectionEvent
        from clients.events.files import FileEvent
        from clients.models import Dossier
        from clients.seeing import remove_before

        STILL_TOLD_OF.append(still_told_of)
        OF_ADMINISTRATORS.extend([ConnectionEvent, FirmConsentEvent])
        SEEN.append(Seen(Dossier, lambda member, these: permitted(these, member, Perm.VIEW_DOSSIER)))
        # These name the file.
        files = Seen(Dossier, lambda member, these: permitted(these, member, Perm.SEE_FILES), of=FileEvent)
        SEEN.append(files)
        ALSO_ACCESSES.append(remove_before)
