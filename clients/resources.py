"""The dossier as a row of a spreadsheet: its columns, what they may be called, and how they are cleaned. Declared once,
for import, template and export.

django-import-export's row-by-row engine does not load anything here: see `clients.imports`.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from import_export import fields, resources

from clients.imports import cells, columns
from clients.imports.cells import Rule
from clients.imports.columns import Quick
from clients.models import Dossier

_CIVILITY_EXAMPLES = ("", "", "Mme")


class DossierField(fields.Field):
    """One column.

    `synonyms`  headers under which lists have it (case, accents and punctuation aside), besides its own
    `rule`      how one cell is cleaned; `quick` the same for a whole column
    `limit`     how many characters the dossier holds
    `examples`  of the template's rows: a company, a company, an individual
    """

    def __init__(
        self,
        attribute: str,
        *,
        header: str | Promise,
        synonyms: Sequence[str],
        limit: int,
        rule: Rule | None = None,
        quick: Quick | None = None,
        examples: Sequence[str] = (),
        help: str | Promise = "",
        width: int = 20,
    ) -> None:
        super().__init__(attribute=attribute, column_name=str(attribute), readonly=False)
        self.name = attribute.partition("__")[0]
        self.header, self.synonyms, self.limit = header, tuple(synonyms), limit
        self.rule: Rule = rule or cells.plain(self.name)
        self.quick: Quick = quick or (
            columns.by_distinct_value(self.rule) if rule else columns.free_text(limit)
        )
        self.examples, self.help, self.width = tuple(examples), help, width


class DossierResource(resources.ModelResource):
    """The columns of a client list, in the order of the template."""

    reference = DossierField(
        "reference",
        header=_("Client code"),
        limit=30,
        synonyms=(
            "Code", "Code client", "Code dossier", "N° dossier", "N° de dossier", "N° client", "Numéro client",
            "Référence",
            "Réf.", "Référence client", "Référence dossier", "Reference", "Client number", "File number",
            "Dossier",
        ),
        examples=("BOUL01", "GARA02", "DUPO03"),
        help=_("Your own short code for the client; unique in the firm. It tells which client a row is about."),
        width=14,
    )  # fmt: skip
    kind = DossierField(
        "kind",
        header=_("Kind"),
        limit=10,
        rule=cells.kind_of_client,
        synonyms=("Type", "Nature", "Type de client", "Type client", "Catégorie", "Kind", "Client type"),
        examples=("Entreprise", "Entreprise", "Particulier"),
        help=_("Company or individual; guessed where it is empty."),
        width=13,
    )
    legal_name = DossierField(
        "legal_name",
        header=_("Legal name"),
        limit=200,
        synonyms=(
            "Raison sociale", "Dénomination", "Dénomination sociale", "Dénomination principale", "Nom",
            "Nom entreprise", "Nom / Raison sociale", "Nom ou raison sociale", "Nom d'entreprise",
            "Nom de l'entreprise",
            "Société", "Nom de la société", "Entreprise", "Client", "Nom du client", "Nom client", "Intitulé",
            "Raison sociale / Nom", "Raison sociale ou nom", "Name", "Company", "Company name", "Legal name",
            "denominationUniteLegale", "nom_complet", "nom_raison_sociale",
        ),
        examples=("Boulangerie Martin", "Garage du Centre", ""),
        help=_("Of a company. An individual needs a last name instead."),
        width=30,
    )  # fmt: skip
    civility = DossierField(
        "civility",
        header=_("Civility"),
        limit=4,
        rule=cells.civility,
        synonyms=("Civilité", "Titre", "Civ.", "Title", "Civility"),
        examples=_CIVILITY_EXAMPLES,
        width=10,
    )
    last_name = DossierField(
        "last_name",
        header=_("Last name"),
        limit=80,
        synonyms=(
            "Nom de famille",
            "Nom",
            "Nom usuel",
            "Last name",
            "Surname",
            "Family name",
            "nomUniteLegale",
        ),
        examples=("", "", "Dupont"),
        width=18,
    )
    first_name = DossierField(
        "first_name",
        header=_("First name"),
        limit=80,
        synonyms=(
            "Prénom",
            "Prénoms",
            "First name",
            "Given name",
            "prenom1UniteLegale",
            "prenomUsuelUniteLegale",
        ),
        examples=("", "", "Marie"),
        width=16,
    )
    siren = DossierField(
        "siren",
        header=_("SIREN"),
        limit=9,
        rule=cells.company_number("siren"),
        quick=columns.siren,
        synonyms=("SIREN", "N° SIREN", "Numéro SIREN", "N° de SIREN", "SIREN number"),
        examples=("732829320", "", ""),
        help=_("9 digits."),
        width=13,
    )
    siret = DossierField(
        "siret",
        header=_("SIRET"),
        limit=14,
        rule=cells.company_number("siret"),
        quick=columns.siret,
        synonyms=(
            "SIRET", "N° SIRET", "Numéro SIRET", "N° de SIRET", "SIRET siège", "SIREN / SIRET", "SIREN ou SIRET",
            "SIRET number", "Identifiant", "Numéro SIREN SIRET", "N° SIREN/SIRET",
        ),
        examples=("73282932000074", "55210055400013", ""),
        help=_("14 digits; the SIREN follows from it."),
        width=18,
    )  # fmt: skip
    urssaf_account = DossierField(
        "urssaf_account",
        header=_("Urssaf account number"),
        limit=20,
        rule=cells.urssaf_account,
        quick=columns.urssaf_account,
        synonyms=("N° de compte", "Compte Urssaf", "N° compte Urssaf", "Numéro de compte Urssaf", "Urssaf"),
        width=22,
    )
    vat_number = DossierField(
        "vat_number",
        header=_("VAT number"),
        limit=13,
        rule=cells.vat_number,
        quick=columns.vat_number,
        synonyms=(
            "N° de TVA", "TVA intracommunautaire", "N° TVA", "N° TVA intracommunautaire", "Numéro de TVA", "TVA",
            "N° TVA intracom", "TVA intracom", "VAT", "VAT number",
        ),
        examples=("FR44732829320", "", ""),
        width=18,
    )  # fmt: skip
    email = DossierField(
        "email",
        header=_("E-mail address"),
        limit=254,
        rule=cells.email,
        quick=columns.email,
        synonyms=(
            "E-mail", "Email(s)", "Emails", "Mail", "Mél", "Courriel", "Adresse e-mail", "Adresse mail",
            "Adresse courriel",
            "Adresse électronique", "E-mail client", "E-mail du dirigeant", "Adresse mail du dirigeant",
            "Email address",
        ),
        examples=("contact@boulangerie-martin.fr", "accueil@garage-centre.fr", "marie.dupont@exemple.fr"),
        help=_("The client is invited at this address."),
        width=30,
    )  # fmt: skip
    phone = DossierField(
        "phone",
        header=_("Phone"),
        limit=30,
        rule=cells.phone,
        quick=columns.phone,
        synonyms=(
            "Tél.", "Téléphone", "Portable", "Mobile", "Tel", "N° de téléphone", "Numéro de téléphone",
            "Téléphone portable", "Téléphone fixe", "Tél. portable", "Tél. fixe", "Phone", "Phone number",
        ),
        examples=("01 23 45 67 89", "04 56 78 90 12", "06 12 34 56 78"),
        width=16,
    )  # fmt: skip
    address = DossierField(
        "address",
        header=_("Address"),
        limit=250,
        synonyms=(
            "Adresse", "Adresse facturation", "Adresse de facturation", "Rue", "Adresse 1", "Adresse postale", "Voie",
            "N° et voie", "N° et rue", "Adresse du siège", "Siège social", "Address", "Street",
        ),
        examples=("12 rue de la Paix", "3 avenue du Général Leclerc", "8 impasse des Lilas"),
        width=32,
    )  # fmt: skip
    postcode = DossierField(
        "postcode",
        header=_("Postcode"),
        limit=10,
        rule=cells.postcode,
        quick=columns.postcode,
        synonyms=("CP", "Code postal", "C.P.", "Code post.", "Postcode", "Postal code", "Zip", "Zip code"),
        examples=("75002", "01000", "20000"),
        width=10,
    )
    city = DossierField(
        "city",
        header=_("City"),
        limit=100,
        synonyms=("Ville", "Commune", "Localité", "City", "Town"),
        examples=("Paris", "Bourg-en-Bresse", "Ajaccio"),
    )
    country = DossierField(
        "country",
        header=_("Country"),
        limit=60,
        synonyms=("Pays", "Country"),
        help=_("Empty means France."),
        width=14,
    )
    naf_code = DossierField(
        "naf_code",
        header=_("NAF code"),
        limit=6,
        rule=cells.naf_code,
        quick=columns.naf_code,
        synonyms=(
            "APE", "NAF", "Code APE", "Code NAF", "Activité", "Code activité", "APE / NAF", "Code APE/NAF",
            "NAF / APE",
            "Code NAF/APE", "NAF code", "activitePrincipaleUniteLegale", "activitePrincipaleEtablissement",
        ),
        examples=("10.71C", "45.20A", ""),
        width=10,
    )  # fmt: skip
    legal_form = DossierField(
        "legal_form",
        header=_("Legal form"),
        limit=4,
        rule=cells.legal_form,
        synonyms=(
            "Forme juridique", "F.J.", "Forme jur.", "Forme", "Statut juridique", "Catégorie juridique", "Legal form",
            "categorieJuridiqueUniteLegale",
        ),
        examples=("SARL", "SAS", ""),
        help=_("In words (SAS, SARL, SCI…) or INSEE's four digits."),
        width=14,
    )  # fmt: skip
    legal_representative = DossierField(
        "legal_representative",
        header=_("Legal representative"),
        limit=160,
        synonyms=(
            "Dirigeant", "Représentant légal", "Gérant", "Nom du dirigeant", "Nom dirigeant", "Président", "Manager",
            "Legal representative",
        ),
        examples=("Jeanne Martin", "", ""),
        width=24,
    )  # fmt: skip
    fiscal_year_end = DossierField(
        "fiscal_year_end",
        header=_("Fiscal year end"),
        limit=5,
        rule=cells.fiscal_year_end,
        synonyms=(
            "Clôture", "Date de clôture", "Fin d'exercice", "Date clôture", "Clôture exercice",
            "Date de fin d'exercice",
            "Fiscal year end", "Year end",
        ),
        examples=("31/12", "30/06", ""),
        help=_("Day and month: 31/12."),
        width=12,
    )  # fmt: skip
    portfolio = DossierField(
        "portfolio__name",
        header=_("Portfolio"),
        limit=100,
        synonyms=("Portefeuille", "Groupe", "Portefeuilles", "Groupe de clients", "Portfolio", "Group"),
        help=_("By its name; one that does not exist yet is created when you confirm."),
    )
    assignee = DossierField(
        "assignee",
        header=_("Assignee"),
        limit=200,
        synonyms=(
            "Responsable", "Collaborateur", "Chef de mission", "Responsable dossier", "Responsable du dossier",
            "Collaborateur en charge", "Gestionnaire", "Affectation", "Assignee", "Account manager",
        ),
        help=_("Name or e-mail address of a member of the firm, who gets access to the dossier."),
        width=24,
    )  # fmt: skip

    class Meta:
        model = Dossier
        fields = (
            "reference", "kind", "legal_name", "civility", "last_name", "first_name", "siren", "siret",
            "urssaf_account",
            "vat_number", "email", "phone", "address", "postcode", "city", "country", "naf_code", "legal_form",
            "legal_representative", "fiscal_year_end", "portfolio", "assignee",
        )  # fmt: skip
        export_order = fields


# Read with the SIREN, and stored as the SIRET: see `clients.imports.rows.join_nic`.
NIC = "nic"
NIC_HEADERS = ("NIC", "N° NIC", "Numéro NIC")
# `Nom` beside `Prénom` is a last name.
TOGETHER = {"last_name": "first_name"}

# The columns that only our own workbooks have, by their headers. They say something of the row and nothing of the
# client: never cleaned, compared or stored as the dossier's. The list's export carries the first two, hidden: which
# dossier the row was, and its `updated_at` then. The third stands in a workbook that was given back to be mended, the
# last in a list that was fetched: what the other platform says of the client's file there.
KEY, VERSION, TOLD, THERE = "key", "version", "told", "there"
OURS: Mapping[str, str] = {
    KEY: "firm-portal-id",
    VERSION: "firm-portal-version",
    TOLD: "firm-portal : à corriger",
    THERE: "État sur l'autre plateforme",
}


@cache
def columns_by_name() -> Mapping[str, DossierField]:
    """The declared columns, in the resource's order."""
    declared: dict[str, Any] = DossierResource.fields
    return {name: declared[name] for name in DossierResource._meta.fields}


@cache
def synonyms() -> Mapping[str, Sequence[str]]:
    """Every header by which a list may call each field, the NIC and our own columns included."""
    known = {name: (*column.synonyms, str(column.header)) for name, column in columns_by_name().items()}
    return {**known, NIC: NIC_HEADERS, **{name: (header,) for name, header in OURS.items()}}


def header_of(name: str) -> str:
    """What people call the column, in the active language."""
    if name in OURS:
        return OURS[name]
    return "NIC" if name == NIC else str(columns_by_name()[name].header)
