"""The pages of a large firm that are asked for alone."""

from accounts.models import Membership
from benchmarks._access_world import Office
from clients.models import Dossier
from portfolios.models import PortfolioGrant
from tenancy.scopes import scope

PAGES = {
    "dashboard": "dashboard",
    "portfolios": "portfolios:list",
    "members": "clients:members",
    "invitations": "invitations:list",
    "journal": "clients:journal",
}


def pages_of(office: Office, member: Membership) -> dict[str, str]:
    """Name and address of each."""
    firm = office.firm
    with scope(firm=firm):
        portfolio = PortfolioGrant.objects.filter(user=office.collaborator.user_id)[0].content_object
        dossier = Dossier.objects.active().in_portfolio(portfolio)[0]
    dossiers = firm.url("clients:list")
    pages = {
        "client files": dossiers,
        "client files, another page": f"{dossiers}?after=50.{dossier.pk}",
        "client files, by SIREN": f"{dossiers}?sort=siren",
        "client files, by last creation": f"{dossiers}?sort=-created",
        "client files, search of a name": f"{dossiers}?q=durand+4217",
        "client files, search of a SIREN": f"{dossiers}?q=300000074",
        "client files, search of much": f"{dossiers}?q=martin",
        "client files, not invited": f"{dossiers}?state=none",
        "client files, one person's": f"{dossiers}?member={office.collaborator.pk}",
        "client files, archived": f"{dossiers}?archived=1",
        "a portfolio": firm.url("clients:portfolio", pk=portfolio.pk),
        "a client file": firm.url("clients:dossier", pk=dossier.pk),
        "a client file's form": firm.url("clients:edit", pk=dossier.pk),
        **{name: firm.url(route) for name, route in PAGES.items()},
        "a member": firm.url("clients:member", pk=office.collaborator.pk),
    }
    reserved = ("journal",)
    return {name: path for name, path in pages.items() if member == office.admin or name not in reserved}
