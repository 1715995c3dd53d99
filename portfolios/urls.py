app_name = "portfolios"
urlpatterns: list[object] = []
