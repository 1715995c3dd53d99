"""The pages of dossiers, imports and client spaces. Whole paths: a firm's under `FIRM`, a client's under `SPACE`."""

from django.urls import URLPattern

app_name = "clients"

# --- Dossiers and the page of a portfolio -------------------------------------------------------------------

dossier_pages: list[URLPattern] = []

# --- Imports ------------------------------------------------------------------------------------------------

import_pages: list[URLPattern] = []

# --- The client's side --------------------------------------------------------------------------------------

space_pages: list[URLPattern] = []

urlpatterns = [*dossier_pages, *import_pages, *space_pages]
