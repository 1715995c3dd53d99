"""The kit alone, as the tests of this folder serve it."""

from django.urls import include, path

from firm_portal.views.kit import kit

urlpatterns = [path("dev/kit/", kit), path("", include("firm_portal.urls"))]
