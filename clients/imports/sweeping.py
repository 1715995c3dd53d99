"""What no nudge announced: imports whose worker died, or whose nudge was lost; and what is kept for a month at most:
plans that nobody confirms, and the files of imports that are over."""

from clients.imports.working import forget, forget_file
from clients.lookups import due_imports
from clients.models import OVER, WAITING, ImportState
from tenancy.scopes import scope
from tenancy.tasks import nudge

_WORK = {ImportState.APPLYING: "clients.apply_import", ImportState.UNDOING: "clients.undo_import"}


def sweep() -> int:
    """Returns how many imports were due."""
    due = due_imports()
    for one in due:
        state = ImportState(one["state"])
        if state in WAITING or state in OVER:
            with scope(firm=one["firm_id"]):
                (forget if state in WAITING else forget_file)(one["id"])
        else:
            nudge(_WORK.get(state, "clients.read_import"), one["firm_id"], one["id"])
    return len(due)
