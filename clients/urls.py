"""The pages of dossiers, imports and client spaces. Whole paths: a firm's under `FIRM`, a client's under `SPACE`."""

from django.urls import URLPattern, path

from accounts.places import FIRM
from clients.places import SPACE
from clients.views import access, dossiers, imports, portfolio, saved, space

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

# --- Saved views of the table of dossiers -------------------------------------------------------------------

VIEW = FIRM + "dossiers/vues/<uuid:pk>/"

view_pages: list[URLPattern] = [
    path(FIRM + "dossiers/vues/", saved.index, name="views"),
    path(FIRM + "dossiers/vues/enregistrer/", saved.save, name="save_view"),
    path(f"{VIEW}remplacer/", saved.change, name="change_view"),
    path(f"{VIEW}renommer/", saved.rename, name="rename_view"),
    path(f"{VIEW}partager/", saved.share, name="share_view"),
    path(f"{VIEW}ne-plus-partager/", saved.unshare, name="unshare_view"),
    path(f"{VIEW}supprimer/", saved.delete, name="delete_view"),
]

# --- Who has access to what ---------------------------------------------------------------------------------

ACCESS = FIRM + "membres/acces/"

access_pages: list[URLPattern] = [
    path(ACCESS, access.portfolios, name="access"),
    path(f"{ACCESS}dossiers/", access.dossiers, name="access_dossiers"),
    path(f"{ACCESS}exporter/", access.export, name="export_access"),
    path(FIRM + "membres/<uuid:pk>/acces/", access.member, name="member_access"),
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

urlpatterns = [*dossier_pages, *view_pages, *access_pages, *import_pages, *space_pages]
