"""The pages of portfolios."""

from django.urls import path

from accounts.places import FIRM
from portfolios import views

app_name = "portfolios"
PORTFOLIO = FIRM + "portefeuilles/<uuid:pk>/"

urlpatterns = [
    path(FIRM + "portefeuilles/", views.index, name="list"),
    path(FIRM + "portefeuilles/nouveau/", views.create, name="create"),
    path(f"{PORTFOLIO}renommer/", views.rename, name="rename"),
]
