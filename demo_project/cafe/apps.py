"""The café as a Django app."""

from django.apps import AppConfig


class CafeConfig(AppConfig):
    """The app's configuration, which connects the receivers."""

    name = "cafe"
    verbose_name = "Café"

    def ready(self) -> None:
        """Imports the receivers, which connects them."""
        from cafe import receivers  # noqa: F401
