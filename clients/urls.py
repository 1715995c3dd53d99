"""The pages of dossiers, imports and client spaces. Whole paths: a firm's under `FIRM`, a client's under `SPACE`."""

from django.urls import URLPattern, path

from accounts.places import FIRM
from clients.places import SPACE
from clients.views import dossiers, imports, portfolio, space

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

IMPORT = FIRM + "imports/<uuid:pk>/"

import_pages: list[URLPattern] = [
    path(FIRM + "imports/", imports.index, name="imports"),
    path(FIRM + "imports/envoyer/", imports.upload, name="upload_import"),
    path(FIRM + "imports/modele/", imports.download_template, name="import_template"),
    path(IMPORT, imports.detail, name="import"),
    path(f"{IMPORT}avancement/", imports.progress, name="import_progress"),
    path(f"{IMPORT}feuille/", imports.sheet, name="import_sheet"),
    path(f"{IMPORT}confirmer/", imports.confirm, name="confirm_import"),
    path(f"{IMPORT}annuler/", imports.cancel, name="cancel_import"),
]

# --- The client's side --------------------------------------------------------------------------------------

space_pages: list[URLPattern] = [
    path(SPACE, space.home, name="space_home"),
    path(f"{SPACE}coordonnees/modifier/", space.edit, name="space_edit"),
    path(f"{SPACE}bienvenue/", space.welcome, name="space_welcome"),
]

urlpatterns = [*dossier_pages, *import_pages, *space_pages]
