"""The details that a firm's dossier and a client's space both hold."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DossierKind(models.TextChoices):
    COMPANY = "company", _("Company")
    INDIVIDUAL = "individual", _("Individual")


class ClientDetails(models.Model):
    """Who the client is and how to reach them.

    A company has a legal name; an individual a civility, first and last name, and a SIREN only as a sole trader.
    Identifiers are stored as digits alone.
    """

    kind = models.CharField(
        _("Kind"), max_length=10, choices=DossierKind.choices, default=DossierKind.COMPANY
    )
    legal_name = models.CharField(_("Legal name"), max_length=200, blank=True)
    civility = models.CharField(
        _("Civility"), max_length=4, blank=True, choices=[("mme", _("Ms")), ("m", _("Mr"))]
    )
    first_name = models.CharField(_("First name"), max_length=80, blank=True)
    last_name = models.CharField(_("Last name"), max_length=80, blank=True)
    siren = models.CharField(_("SIREN"), max_length=9, blank=True)
    siret = models.CharField(_("SIRET"), max_length=14, blank=True)
    vat_number = models.CharField(_("VAT number"), max_length=13, blank=True)
    email = models.EmailField(_("E-mail address"), blank=True)
    phone = models.CharField(_("Phone"), max_length=30, blank=True)
    address = models.CharField(_("Address"), max_length=250, blank=True)
    postcode = models.CharField(_("Postcode"), max_length=10, blank=True)
    city = models.CharField(_("City"), max_length=100, blank=True)
    country = models.CharField(_("Country"), max_length=60, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The legal name of a company, last and first name of an individual."""
        return name_of(self.kind, self.legal_name, self.first_name, self.last_name)


def name_of(kind: str, legal_name: str, first_name: str, last_name: str) -> str:
    """What a client of these columns is called."""
    if kind == DossierKind.INDIVIDUAL and last_name:
        return f"{last_name} {first_name}".strip()
    return legal_name


# What a client may change of it: all but the kind.
DETAIL_FIELDS = tuple(field.name for field in ClientDetails._meta.local_fields if field.name != "kind")
