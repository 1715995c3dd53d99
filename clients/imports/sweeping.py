"""What no nudge announced: imports whose worker died, or whose nudge was lost, and plans that nobody confirms."""

from clients.imports.working import forget
from clients.lookups import due_imports
from clients.models import ImportState
from tenancy.scopes import scope
from tenancy.tasks import nudge


def sweep() -> int:
    """Returns how many imports were due."""
    due = due_imports()
    for one in due:
        if one["state"] == ImportState.APPLYING:
            nudge("clients.apply_import", one["firm_id"], one["id"])
        elif one["state"] in (ImportState.CHOOSING, ImportState.READY):
            with scope(firm=one["firm_id"]):
                forget(one["id"])
        else:
            nudge("clients.read_import", one["firm_id"], one["id"])
    return len(due)
