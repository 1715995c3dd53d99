"""Why an export could not be made, in words for whoever asked for it."""

from django.utils.translation import gettext as _

GAVE_UP, NOT_ALLOWED, GONE, TOO_LONG = "gave_up", "not_allowed", "gone", "too_long"


def reason(code: str) -> str:
    words = {
        NOT_ALLOWED: _("When its turn came, you were no longer allowed to make this export."),
        GONE: _(
            "Something that you asked for is no longer there, or no longer open to you. Ask for it again."
        ),
        TOO_LONG: _("Meanwhile it would hold more lines than a workbook may. Narrow it down and ask again."),
    }
    return words.get(code) or _(
        "It was begun several times and interrupted each time. Ask for it again; if that does not help, narrow it down."
    )
