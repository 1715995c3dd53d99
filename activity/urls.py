"""The mail catcher; included on a development run only."""

from django.urls import path

from activity import views

app_name = "activity"
urlpatterns = [
    path("dev/courriels/", views.caught, name="catcher"),
    path("dev/courriels/<uuid:mail_id>/", views.caught_mail, name="caught"),
    path("dev/courriels/<uuid:mail_id>/html/", views.caught_html, name="caught_html"),
]
