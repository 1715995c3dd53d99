"""Two people changed the same dossier at once: what the other one did, and what becomes of the form."""

import json
from dataclasses import dataclass
from typing import Any

from activity import queries
from clients.forms.dossiers import DossierForm
from clients.models import Dossier


@dataclass(frozen=True)
class Difference:
    """One field that somebody else changed. `mine` is what this person wants it to be, if that is another value."""

    label: str
    before: str
    after: str
    by: str
    mine: str = ""


@dataclass(frozen=True)
class Meanwhile:
    """What was changed, and the form's data brought up to date: whatever this person had not touched is taken over."""

    differences: list[Difference]
    data: dict[str, Any]


def compare(form: DossierForm, now: Dossier) -> Meanwhile:
    """The (valid) form's fields, as its person found them, against the dossier as it stands now."""
    found, current = form.began, form.found(now)
    data = {name: form.data[name] for name in form.data}
    authors = _authors(now)
    differences = []
    for name in form.STORED:
        before, after, mine = found.get(name, ""), current[name], str(form.cleaned_data[name])
        if before == after:
            continue
        if mine == before:
            data[name] = mine = after
        label = str(form.fields[name].label)
        conflict = mine if mine != after else ""
        differences.append(Difference(label, before, after, authors.get(name, ""), conflict))
    data["base"] = json.dumps(current)
    return Meanwhile(differences, data)


def _authors(dossier: Dossier) -> dict[str, str]:
    """Who changed which field last."""
    authors: dict[str, str] = {}
    for event in queries.about([dossier.pk])[:20]:
        for name in event.changes:
            authors.setdefault(name, event.who)
    return authors
