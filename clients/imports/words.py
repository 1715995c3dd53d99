"""How the state of an import, its refusals and its notes are told, in the active language."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from spreadsheets.messages import NOTES as READER_NOTES
from spreadsheets.messages import REFUSALS as READER_REFUSALS
from spreadsheets.messages import describe

REFUSALS: Mapping[str, str | Promise] = {
    "no_columns": _(
        "No column of this file was recognised as a client's name, reference, SIREN or SIRET. Give its columns a "
        "header (“Raison sociale”, “SIRET”…), or copy your list into the template, and send it again."
    ),
    "gave_up": _(
        "The work on this file was interrupted several times, so it was stopped. Nothing was written. Send the file "
        "again; if it happens once more, split it into several files."
    ),
    "not_allowed": _(
        "The person who confirmed this import is no longer allowed to import. Nothing was written; an administrator "
        "can send the file again."
    ),
    "undo_gave_up": _(
        "The undo was interrupted several times, so it was stopped. Nothing was taken back; you can try again."
    ),
    "undo_not_allowed": _(
        "The person who wanted to undo this import is no longer allowed to import. Nothing was taken back; an "
        "administrator can try again."
    ),
    "portfolio_terminated": _(
        "The portfolio “%(name)s” was terminated after this file was checked. Nothing was written: put another "
        "portfolio into the file, or restore that one, and send the file again."
    ),
}
NOTES: Mapping[str, str | Promise] = {
    "rows_without_client": _(
        "Rows without a client (group titles, subtotals) were left out: %(count)s in all (row %(rows)s)."
    ),
    "rows_of_examples": _("The template's example rows were left out: %(count)s in all (row %(rows)s)."),
    "ended_there": _(
        "Client files that have ended at the other platform: %(count)s (row %(rows)s). Those that you have not are not "
        "created; you find them under “Left out”, where you can ask for it."
    ),
    "portfolio_chosen": _(
        "Portfolio “%(name)s” of the file: “%(chosen)s” is used instead, in %(count)s rows."
    ),
    "portfolio_without": _("Portfolio “%(name)s” of the file: %(count)s rows go without a portfolio."),
    "assignee_chosen": _("Assignee “%(name)s” of the file: %(chosen)s is taken instead, in %(count)s rows."),
    "assignee_without": _("Assignee “%(name)s” of the file: %(count)s rows go without an assignee."),
}


def refusal(code: str, params: Mapping[str, Any]) -> str:
    """Why nothing came of the file, and what to do."""
    if code in REFUSALS:
        return str(REFUSALS[code]) % params
    return describe(code if code in READER_REFUSALS else "unreadable", params)


def note(code: str, params: Mapping[str, Any]) -> str:
    """What was noticed while reading."""
    if code in NOTES:
        return str(NOTES[code]) % params
    return describe(code, params) if code in READER_NOTES else ""
