"""A module that a request imports: what it builds, its import has built."""

from __future__ import annotations

from django.contrib.auth.models import Group

from tests.fates.lasting import MadeByImport

MADE = MadeByImport()


class Choices:
    """Has a query set as an attribute, as a form's field or a class-based view has."""

    queryset = Group.objects.all()
