"""progress_app as a Django app."""

from django.apps import AppConfig


class ProgressConfig(AppConfig):
    """Registers the system checks."""

    name = "progress_app"
    verbose_name = "Live progress"

    def ready(self) -> None:
        """Let Django find the checks."""
        from progress_app import checks  # noqa: F401, PLC0415  (registers them, once apps are loaded)
