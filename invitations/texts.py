"""Which words an invitation is made of: the firm's own in that language where it has some, else ours."""

from datetime import datetime

from invitations.models import InvitationKind, InvitationText
from invitations.wording import Wording, standard


def own_texts(language: str, at: datetime | None = None) -> dict[str, InvitationText]:
    """Those of the firm in scope, by kind: of now, or of that moment."""
    found = InvitationText.objects.in_force(at).filter(language=language)
    return {text.kind: text for text in found}


def current_text(kind: InvitationKind, language: str) -> InvitationText | None:
    return own_texts(language).get(kind)


def wording_of(kind: InvitationKind, language: str, text: InvitationText | None) -> Wording:
    """What a firm finds in the form."""
    ours = standard(kind, language)
    return Wording(text.subject or ours.subject, text.body or ours.body) if text else ours


def is_own(text: InvitationText | None) -> bool:
    return text is not None and bool(text.subject or text.body)
