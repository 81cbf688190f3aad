"""The database router."""

from __future__ import annotations

from typing import Any


class ArchiveRouter:
    """A router that puts archived days into the archive and all else into the default database."""

    def db_for_read(self, model: type, **hints: Any) -> str | None:
        """Returns the archive for archived days, and None for all other models."""
        return "archive" if model.__name__ == "ArchivedDay" else None

    db_for_write = db_for_read

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool:
        """Allows each table in its own database only."""
        archived = app_label == "cafe" and model_name == "archivedday"
        return db == ("archive" if archived else "default")
