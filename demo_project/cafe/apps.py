"""The café as a Django app."""

from django.apps import AppConfig


class CafeConfig(AppConfig):
    """Connects the receivers when the apps are ready."""

    name = "cafe"
    verbose_name = "Café"

    def ready(self) -> None:
        """Import the receivers; the import connects them."""
        from cafe import receivers  # noqa: F401
