"""The product's pages, and the contestants' beside them."""

from django.urls import path

from accounts.places import FIRM
from benchmarks import _web_views
from firm_portal import urls

urlpatterns = [
    path("bench/signed-in/", _web_views.signed_in),
    path(FIRM + "bench/dossiers/", _web_views.stock_list, name="stock_list"),
    *urls.urlpatterns,
]
handler403, handler404, handler500 = urls.handler403, urls.handler404, urls.handler500
