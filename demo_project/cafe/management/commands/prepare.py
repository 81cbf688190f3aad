"""`manage.py prepare`: makes the tables and adds the sample data. Running it twice does no harm."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, transaction

from cafe import sample


class Command(BaseCommand):
    """The command, which brings both databases up to date."""

    help = "Migrate both databases and load the café's sample data (idempotent)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrates, adds the sample data, and prints how many rows were added."""
        try:
            for alias in settings.DATABASES:
                call_command("migrate", database=alias, verbosity=0, interactive=False)
            with transaction.atomic():
                added = sample.add_sample_data()
        except (Error, sqlite3.Error, OSError) as error:
            place = settings.DATABASES["default"]["NAME"]
            raise CommandError(
                f"The café cannot write its database {place} ({error}): check the permissions, "
                "or name another file with the environment variable CAFE_DATABASE."
            ) from error
        if options["verbosity"]:
            self.stdout.write(f"Café ready: {added} rows of sample data added.")
