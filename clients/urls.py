"""The pages of dossiers, imports and client spaces. Whole paths: a firm's under `FIRM`, a client's under `SPACE`."""

from django.urls import URLPattern, path

from clients.places import SPACE
from clients.views import space

app_name = "clients"

# --- Dossiers and the page of a portfolio -------------------------------------------------------------------

dossier_pages: list[URLPattern] = []

# --- Imports ------------------------------------------------------------------------------------------------

import_pages: list[URLPattern] = []

# --- The client's side --------------------------------------------------------------------------------------

space_pages: list[URLPattern] = [
    path(SPACE, space.home, name="space_home"),
    path(f"{SPACE}coordonnees/modifier/", space.edit, name="space_edit"),
    path(f"{SPACE}bienvenue/", space.welcome, name="space_welcome"),
]

urlpatterns = [*dossier_pages, *import_pages, *space_pages]
