"""URLs of the site: the admin, and the café."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("cafe.urls")),
]
