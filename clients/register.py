"""The public register of companies: what it says of a SIREN or a SIRET, for a form that is being filled in.

https://recherche-entreprises.api.gouv.fr/docs/ – no key, 7 requests a second for each address, 429 with `Retry-After`.
Optional everywhere: whoever asks goes on without it. What a company keeps from the public is not read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.identifiers import clean_siren, clean_siret
from clients.cleaning import CLEANERS, clean_postcode
from clients.connectors.troubles import Trouble
from clients.connectors.web import Web
from clients.models import DossierKind
from clients.resources import columns_by_name

_STEP, _WHOLE = 2.0, 3.0  # seconds
_MASKED = "[NON-DIFFUSIBLE]"
_PUBLIC, _CEASED = "O", "C"
_QUIET = "register.quiet"
_NAMES = ("nom_raison_sociale", "nom_complet")
_SIRET_LENGTH, _SIREN_LENGTH = 14, 9
_CLEANERS = {**CLEANERS, "postcode": clean_postcode}


@dataclass(frozen=True)
class Company:
    """`values` by the dossier's fields, cleaned; what is unknown or kept from the public is not among them."""

    values: Mapping[str, str]
    is_masked: bool = False
    has_ceased: bool = False


@dataclass(frozen=True)
class Completion:
    """What the register adds to what was written; and what it says otherwise, which stays as it was written."""

    added: Mapping[str, str] = field(default_factory=dict)
    differing: Mapping[str, str] = field(default_factory=dict)


def is_open() -> bool:
    """Does this installation ask the register at all?"""
    return bool(settings.REGISTER_URL)


def number_in(written: Mapping[str, str]) -> str:
    """The number to ask for: a valid SIRET, else a valid SIREN, else the SIREN that a mistyped SIRET begins with."""
    siret, siren = written.get("siret", ""), written.get("siren", "")
    for clean, text in ((clean_siret, siret), (clean_siren, siren), (clean_siren, _start(siret))):
        try:
            if number := clean(text):
                return number
        except ValidationError:
            continue
    return ""


def _start(siret: str) -> str:
    digits = "".join(filter(str.isdigit, siret))
    return digits[:_SIREN_LENGTH] if len(digits) == _SIRET_LENGTH else ""


def look_up(number: str) -> Company | None:
    """The company of this SIREN or SIRET, None where the register knows none. Raises Trouble where no answer comes."""
    if not is_open() or cache.get(_QUIET):
        raise Trouble("too_many" if is_open() else "closed")
    url = f"{settings.REGISTER_URL}/search?q={number}&per_page=1"
    try:
        with Web(settings.REGISTER_URL, seconds=_STEP, deadline=_WHOLE) as web:
            answer = web.get_json(url)
    except Trouble as trouble:
        if trouble.code == "too_many":  # for all of us: it counts by address
            cache.set(_QUIET, True, trouble.later or 3600)
        raise
    try:
        return _company(answer["results"], number)
    except (KeyError, TypeError, IndexError, AttributeError):
        raise Trouble("garbled") from None


def _company(results: list[Any], number: str) -> Company | None:
    found = next((one for one in results if one["siren"] == number[:_SIREN_LENGTH]), None)
    if found is None:
        return None
    place = _establishment(found, number)
    postcode = str(place.get("code_postal") or "")
    told = {
        "siren": found["siren"],
        "siret": place.get("siret"),
        "legal_name": next((found[name] for name in _NAMES if found.get(name)), ""),
        "address": _street(str(place.get("adresse") or ""), postcode),
        "postcode": postcode,
        "city": place.get("libelle_commune"),
        "naf_code": place.get("activite_principale") or found.get("activite_principale"),
        "legal_form": found.get("nature_juridique"),
    }
    values = {name: clean for name, text in told.items() if (clean := _public(name, text))}
    return Company(
        values,
        is_masked=found.get("statut_diffusion", _PUBLIC) != _PUBLIC or _MASKED in str(told),
        has_ceased=found.get("etat_administratif") == _CEASED,
    )


def _establishment(found: Mapping[str, Any], number: str) -> Mapping[str, Any]:
    """The one that was asked for; of a SIREN the head office."""
    office: Mapping[str, Any] = found.get("siege") or {}
    if len(number) != _SIRET_LENGTH or office.get("siret") == number:
        return office
    others = found.get("matching_etablissements") or []
    return next((one for one in others if one.get("siret") == number), {"siret": number})


def _street(address: str, postcode: str) -> str:
    """The register writes the whole address on one line; postcode and city have fields of their own."""
    street, found, _city = address.rpartition(f" {postcode} ") if postcode else (address, "", "")
    return street if found else address


def _public(name: str, text: Any) -> str:
    """As the dossier stores it; nothing where it is masked, or would be refused from a person too."""
    if not isinstance(text, str) or _MASKED in text:
        return ""
    try:
        return _CLEANERS[name](text)[: columns_by_name()[name].limit]
    except ValidationError:
        return ""


# --- Into a form ------------------------------------------------------------------------------------------------


def complete(written: Mapping[str, str], company: Company) -> Completion:
    """Fill what is empty; a SIRET that is none, too. Nothing else that somebody has written is replaced."""
    values = dict(company.values)
    if written.get("kind") == DossierKind.INDIVIDUAL:
        values.pop("legal_name", None)
    added, differing = {}, {}
    for name, value in values.items():
        said = _as_stored(name, written.get(name, ""))
        if not said or (name == "siret" and not _is_siret(said)):
            added[name] = value
        elif said.casefold() != value.casefold():
            differing[name] = value
    return Completion(added, differing)


def _as_stored(name: str, text: str) -> str:
    try:
        return _CLEANERS[name](text)
    except ValidationError:
        return text.strip()


def _is_siret(text: str) -> bool:
    try:
        return bool(clean_siret(text))
    except ValidationError:
        return False


def told(trouble: Trouble) -> str:
    """Why the register said nothing, and what to do."""
    if trouble.code == "too_many" and trouble.later:
        seconds = round(trouble.later)
        return ngettext(
            "The public register asks us to wait %(count)s second. Fill in the fields yourself, or try again then.",
            "The public register asks us to wait %(count)s seconds. Fill in the fields yourself, or try again then.",
            seconds,
        ) % {"count": seconds}
    if trouble.code == "too_many":
        return _(
            "The public register asks us to wait. Fill in the fields yourself, or try again in a moment."
        )
    return _(
        "The public register does not answer at the moment. Fill in the fields yourself, or try again later."
    )
