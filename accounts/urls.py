from django.urls import include, path

app_name = "accounts"
urlpatterns: list[object] = []
