"""A second URLconf, for the requests that a middleware sends here."""

from django.urls import path

from tests.facts.site import brew

urlpatterns = [path("plain/", brew, {"leaf": "other"}, name="other")]
