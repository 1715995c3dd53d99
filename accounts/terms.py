"""The terms of use in force."""

from accounts.models import Terms, User


def current_terms() -> Terms:
    """The version that is accepted today: the last one published."""
    return Terms.objects.latest("published_at")


def text_for(terms: Terms, language: str) -> str:
    """The text in the reader's language, French where there is no other."""
    return terms.text_en if language == "en" else terms.text_fr


def has_accepted(person: User, terms: Terms) -> bool:
    return terms.acceptances.filter(user=person).exists()
