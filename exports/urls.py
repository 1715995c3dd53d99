"""The pages of exports. Where one is asked for belongs to what it tells of."""

from django.urls import path

from accounts.places import FIRM
from exports import views

app_name = "exports"
EXPORT = FIRM + "exports/<uuid:pk>/"

urlpatterns = [
    path(FIRM + "exports/", views.index, name="list"),
    path(EXPORT, views.detail, name="export"),
    path(f"{EXPORT}avancement/", views.progress, name="progress"),
    path(f"{EXPORT}telecharger/", views.download, name="download"),
]
