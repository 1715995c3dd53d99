"""A form that may be completed from the public register: what it shows of the look-up."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from clients import register
from clients.connectors.troubles import Trouble
from clients.resources import header_of


@dataclass(frozen=True)
class LookedUp:
    """What came of it: `values` to fill in, and what to say. `differing`: columns, and what the register has there."""

    tone: str
    text: str
    values: Mapping[str, str]
    differing: list[tuple[str, str]]
    notes: list[str]


def looked_up(written: Mapping[str, str]) -> LookedUp:
    """Ask for the number that stands among the written values. Whatever happens, there is something to say."""
    number = register.number_in(written)
    if not number:
        return _nothing(_("Enter a SIREN or a SIRET first: the register is asked by its number."))
    try:
        company = register.look_up(number)
    except Trouble as trouble:
        return _nothing(register.told(trouble))
    if company is None:
        return _nothing(_("The public register knows no company of this number."))
    return _filled(register.complete(written, company), company)


def _nothing(text: str) -> LookedUp:
    return LookedUp("wait", text, {}, [], [])


def _filled(completion: register.Completion, company: register.Company) -> LookedUp:
    notes = []
    if company.has_ceased:
        notes.append(_("According to the register, this company has ceased its activity."))
    if company.is_masked:
        notes.append(_("This company keeps part of its details from the public."))
    names = ", ".join(header_of(name) for name in completion.added)
    text = (
        _("Filled in from the public register: %(names)s. Check it, then save.") % {"names": names}
        if names
        else _("There was nothing to fill in: the register says nothing more.")
    )
    differing = [(header_of(name), value) for name, value in completion.differing.items()]
    return LookedUp("wait" if notes or differing else "ok", text, completion.added, differing, notes)
