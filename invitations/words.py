"""What became of many invitations that were ordered at once, in words for whoever ordered them."""

from django.utils.translation import gettext as _

from invitations.actions.inviting import Skip


def trouble(code: str) -> str:
    """Why the rest was not done; empty where nothing went wrong."""
    words = {
        "not_allowed": _("Whoever ordered it may invite no more: the rest was left undone."),
        "gave_up": _(
            "It was interrupted several times in a row at the same place. What is done stays; order the rest again."
        ),
    }
    return words.get(code, "")


def left_out(reasons: dict[str, int]) -> list[tuple[str, int]]:
    """Reason in words and how many, the most frequent first."""
    return [(str(Skip(reason).label), number) for reason, number in sorted(reasons.items(), key=_by_number)]


def _by_number(item: tuple[str, int]) -> int:
    return -item[1]
