"""A module that builds something while it is imported."""

from tests.facts.lasting_views import Made

MADE = Made()
