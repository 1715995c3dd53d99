"""The pages of dossiers, imports and client spaces. Whole paths: a firm's under `FIRM`, a client's under `SPACE`."""

from django.urls import URLPattern, path

from accounts.places import FIRM
from clients.places import SPACE
from clients.views import dossiers, portfolio, space

app_name = "clients"

# --- Dossiers and the page of a portfolio -------------------------------------------------------------------

DOSSIER = FIRM + "dossiers/<uuid:pk>/"
PORTFOLIO = FIRM + "portefeuilles/<uuid:pk>/"

dossier_pages: list[URLPattern] = [
    path(FIRM + "dossiers/", dossiers.index, name="list"),
    path(FIRM + "dossiers/nouveau/", dossiers.create, name="create"),
    path(DOSSIER, dossiers.detail, name="dossier"),
    path(f"{DOSSIER}modifier/", dossiers.edit, name="edit"),
    path(f"{DOSSIER}deplacer/", dossiers.move, name="move"),
    path(PORTFOLIO, portfolio.portfolio, name="portfolio"),
    path(f"{PORTFOLIO}abonnes/<uuid:member>/retirer/", portfolio.withdraw, name="withdraw"),
]

# --- Imports ------------------------------------------------------------------------------------------------

import_pages: list[URLPattern] = []

# --- The client's side --------------------------------------------------------------------------------------

space_pages: list[URLPattern] = [
    path(SPACE, space.home, name="space_home"),
    path(f"{SPACE}coordonnees/modifier/", space.edit, name="space_edit"),
    path(f"{SPACE}bienvenue/", space.welcome, name="space_welcome"),
]

urlpatterns = [*dossier_pages, *import_pages, *space_pages]
