"""progress_app as a Django app."""

from django.apps import AppConfig


class ProgressConfig(AppConfig):
    """Registers the system checks and listens to what ends a stream."""

    name = "progress_app"
    verbose_name = "Live progress"

    def ready(self) -> None:
        """Let Django find the checks, and listen."""
        from progress_app import checks, signals  # noqa: F401, PLC0415  (the checks register themselves)

        signals.connect()
