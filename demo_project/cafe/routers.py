"""Which model lives in which database."""

from __future__ import annotations

from typing import Any


class ArchiveRouter:
    """Old days live in the archive; everything else in the default database."""

    def db_for_read(self, model: type, **hints: Any) -> str | None:
        """The archive for archived days, no opinion about the rest."""
        return "archive" if model.__name__ == "ArchivedDay" else None

    db_for_write = db_for_read

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool:
        """Tables are made where their rows live."""
        archived = app_label == "cafe" and model_name == "archivedday"
        return db == ("archive" if archived else "default")
