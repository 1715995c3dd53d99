"""The living style guide: every component with realistic data, without a database. Development only."""

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html

from accounts.models import Role

PORTFOLIOS = [
    "Hôtellerie-restauration",
    "Professions libérales",
    "Commerce et artisanat",
    "Immobilier",
    "Associations",
]
PEOPLE = ["Léo Garnier", "Camille Lemoine", "Inès Moreau", "Hugo Bernard", "Anne-Sophie de La Rochefoucauld"]
STATES = ["active", "active", "active", "sent", "opened", "none", "expired", "failed", "archived"]
NAMES = [
    "Menuiserie Béranger",
    "Garage Châtelain",
    "Fromagerie Élysée",
    "Atelier Bel-Air",
    "Café Martin Frères",
    "Imprimerie Rivière",
    "SCI Les Glycines",
    "Pharmacie du Vieux-Port",
    "Boulangerie de l'Étang",
    "Société coopérative d'intérêt collectif des producteurs de lait du Haut-Jura",
    "Cabinet dentaire Œrlemans",
    "Transports Lefèvre et Fils",
    "Hôtel des Trois Vallées",
    "Librairie Le Passage",
    "Architecture Nguyen",
    "Cuisines Delorme",
    "Association Sport pour tous",
    "Domaine de la Croix-Blanche",
    "Électricité Marchand",
    "Plomberie Ségur",
    "Optique Saint-Jean",
    "Clinique vétérinaire des Lilas",
    "Brasserie du Canal",
    "Studio Kerguelen",
]
MENU = [
    ("Tableau de bord", "layout-dashboard"),
    ("Dossiers", "folders"),
    ("Portefeuilles", "briefcase"),
    ("Membres", "users"),
    ("Invitations", "mail-forward"),
    ("Imports", "file-spreadsheet"),
    ("Journal", "history"),
    ("Paramètres", "settings"),
]


def _keyed(names: list[str]) -> list[tuple[str, str]]:
    return [(str(key), name) for key, name in enumerate(names)]


class Filters(forms.Form):
    q = forms.CharField(label="Recherche", required=False)
    portfolio = forms.ChoiceField(
        label="Portefeuille", required=False, choices=[("", "Tous les portefeuilles"), *_keyed(PORTFOLIOS)]
    )
    member = forms.ChoiceField(
        label="Membre", required=False, choices=[("", "Tous les membres"), *_keyed(PEOPLE)]
    )
    state = forms.ChoiceField(
        label="État",
        required=False,
        choices=[
            ("", "Tous les états"),
            ("active", "Actif"),
            ("sent", "Invitation envoyée"),
            ("none", "Non invité"),
        ],
    )


class PortfolioForm(forms.Form):
    name = forms.CharField(label="Nom du portefeuille", max_length=80, help_text="Unique dans le cabinet.")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name.casefold() == "immobilier":
            raise forms.ValidationError("Un portefeuille porte déjà ce nom. Choisissez-en un autre.")
        return name


class DossierForm(forms.Form):
    kind = forms.ChoiceField(
        label="Nature du client",
        widget=forms.RadioSelect(attrs={"class": "cards"}),
        choices=[
            (
                "company",
                format_html("<strong>{}</strong><small>{}</small>", "Entreprise", "Identifiée par son SIREN"),
            ),
            ("person", format_html("<strong>{}</strong><small>{}</small>", "Particulier", "Sans SIREN")),
        ],
    )
    name = forms.CharField(label="Raison sociale")
    siren = forms.CharField(
        label="SIREN",
        help_text="9 chiffres, avec ou sans espaces.",
        widget=forms.TextInput(attrs={"data-span": "half"}),
    )
    reference = forms.CharField(
        label="Code dossier",
        required=False,
        help_text="Le vôtre.",
        widget=forms.TextInput(attrs={"data-span": "half"}),
    )
    email = forms.EmailField(label="Adresse e-mail")
    portfolio = forms.ChoiceField(label="Portefeuille", required=False, choices=[("", "Sans portefeuille")])
    note = forms.CharField(label="Note interne", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    password = forms.CharField(label="Mot de passe", widget=forms.PasswordInput)
    file = forms.FileField(label="Fichier", required=False, help_text="xlsx, 20 Mo au plus.")
    invite = forms.BooleanField(
        label="Inviter le client maintenant",
        required=False,
        help_text="Un courriel part dès l'enregistrement.",
    )
    terms = forms.BooleanField(label="Le client a donné son accord")


class FakeFirm(SimpleNamespace):
    def url(self, route: str, **kwargs: Any) -> str:
        return f"?page={kwargs.get('page', 1)}#{route}"


@login_not_required
def kit(request: HttpRequest) -> HttpResponse:
    """`?part=` gives one piece, as an app's own page would; none gives the whole guide."""
    _stand_in_a_firm(request)
    parts = {"drawer": _drawer, "dialog": _dialog, "bulk": _dialog, "progress": _progress, "toast": _toast}
    part = parts.get(request.GET.get("part", ""))
    if part:
        return part(request)
    if template := {"space": "dev/kit_space.html", "plain": "dev/kit_plain.html"}.get(
        request.GET.get("layout", "")
    ):
        return render(request, template, {"form": DossierForm({"kind": "company"})})
    if request.GET.get("message"):
        messages.success(request, "L'invitation est partie à contact@menuiserie-beranger.fr.")
    return render(request, "dev/kit.html", _guide(request))


def _guide(request: HttpRequest) -> dict[str, Any]:
    filters = Filters(request.GET)
    filters.is_valid()
    rows = [row for row in _dossiers() if _matches(row, filters.cleaned_data)]
    page = Paginator(rows, 20).get_page(request.GET.get("page"))
    return {
        "nav": [
            {"label": label, "icon": icon, "url": f"?menu={icon}", "active": icon == "folders"}
            for label, icon in MENU
        ],
        "filters": filters,
        "page": page,
        "count_text": str(len(rows)),
        "total": len(rows),
        "bulk_actions": [
            {"label": "Déplacer", "url": "?part=bulk", "icon": "folder-symlink", "dialog": True},
            {"label": "Affecter", "url": "?part=bulk", "icon": "user-plus", "dialog": True},
            {"label": "Activer", "url": "?part=bulk", "icon": "mail-forward", "dialog": True},
            {"label": "Archiver", "url": "?part=bulk", "icon": "archive", "dialog": True, "danger": True},
        ],
        "form": _wrong_form() if request.GET.get("errors") else DossierForm(),
        "facts": [("Forme juridique", "SARL"), ("Clôture", "31 décembre"), ("Numéro de compte Urssaf", "")],
        "steps": ["Fichier", "Feuille", "Vérification", "Confirmation"],
        "moments": [
            timezone.now() - timedelta(minutes=3),
            timezone.now() - timedelta(days=1),
            date(2026, 12, 31),
        ],
        "states": [
            "active",
            "invited",
            "created",
            "suspended",
            "terminated",
            "sent",
            "opened",
            "failed",
            "expired",
        ],
    }


def _wrong_form() -> DossierForm:
    form = DossierForm(
        {"kind": "company", "name": "Menuiserie Béranger", "siren": "", "email": "contact@", "password": "x"}
    )
    form.add_error(None, "Un dossier porte déjà ce SIREN : ouvrez-le, ou corrigez le numéro.")
    return form


def _dossiers() -> list[dict[str, Any]]:
    rows = []
    for number in range(47):
        name = NAMES[number % len(NAMES)] + (" Nord" if number >= len(NAMES) else "")
        rows.append(
            {
                "pk": f"d{number}",
                "reference": f"C{number + 1:04}",
                "name": name,
                "siren": str(732829320 + number * 1097),
                "portfolio": PORTFOLIOS[number % 5] if number % 7 else "",
                "portfolio_key": str(number % 5),
                "member": PEOPLE[number % 5],
                "member_key": str(number % 5),
                "more": number % 3,
                "state": STATES[number % len(STATES)],
                "seen": timezone.now() - timedelta(minutes=7 * number**2 + 2),
                "menu": [
                    {"label": "Ouvrir", "url": "?part=drawer", "icon": "eye", "drawer": True},
                    {"label": "Modifier", "url": "?part=dialog", "icon": "pencil", "dialog": True},
                    {
                        "label": "Envoyer l'invitation",
                        "url": "?part=toast",
                        "icon": "mail-forward",
                        "post": True,
                    },
                    {"label": "Affecter", "url": "?part=dialog", "icon": "user-plus", "dialog": True},
                    {
                        "label": "Archiver",
                        "url": "?part=dialog",
                        "icon": "archive",
                        "dialog": True,
                        "danger": True,
                    },
                ],
            }
        )
    return rows


def _matches(row: dict[str, Any], wanted: dict[str, str]) -> bool:
    return (
        wanted["q"].casefold() in f"{row['name']} {row['siren']} {row['reference']}".casefold()
        and wanted["portfolio"] in ("", row["portfolio_key"])
        and wanted["member"] in ("", row["member_key"])
        and wanted["state"] in ("", row["state"])
    )


def _drawer(request: HttpRequest) -> HttpResponse:
    rows = {row["pk"]: row for row in _dossiers()}
    return render(
        request, "dev/kit_drawer.html", {"dossier": rows[request.GET.get("pk", "d0")], "people": PEOPLE[:3]}
    )


def _dialog(request: HttpRequest) -> HttpResponse:
    chosen = len(
        [key for key in ",".join(request.POST.getlist("ids")).split(",") if key]
    ) or request.POST.get("all")
    posted = request.method == "POST" and "name" in request.POST
    form = PortfolioForm(request.POST if posted else None)
    if posted and form.is_valid():
        notice = '{"toast": {"text": "Le portefeuille est créé.", "tone": "ok"}, "selection-done": true}'
        return HttpResponse(status=204, headers={"HX-Trigger": notice})
    return render(
        request, "dev/kit_dialog.html", {"form": form, "chosen": chosen}, status=422 if posted else 200
    )


def _progress(request: HttpRequest) -> HttpResponse:
    value = min(int(request.GET.get("value", "0")) + 137, 1200)
    context = {"value": value, "poll_url": f"?part=progress&value={value}" if value < 1200 else ""}
    return render(request, "dev/kit_progress.html", context)


def _toast(request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        status=204, headers={"HX-Trigger": '{"toast": {"text": "Invitation envoyée.", "tone": "ok"}}'}
    )


def _stand_in_a_firm(request: HttpRequest) -> None:
    firm = FakeFirm(
        name="Cabinet Lemoine & Associés", phone="01 42 68 53 00", email="contact@lemoine-associes.fr"
    )
    places = [
        SimpleNamespace(name="Cabinet Lemoine & Associés", url="/dev/kit/", role="Administrateur", unread=2),
        SimpleNamespace(name="Fiduciaire du Léman", url="/dev/kit/?firm=2", role="Collaborateur", unread=0),
        SimpleNamespace(name="Menuiserie Béranger", url="/dev/kit/?layout=space", role="Gérant", unread=0),
    ]
    space = SimpleNamespace(name="Menuiserie Béranger")
    member = SimpleNamespace(pk="camille", name="Camille Lemoine", role=Role.ADMIN)
    vars(request).update(firm=firm, space=space, member=member, places=places, place=places[0])
