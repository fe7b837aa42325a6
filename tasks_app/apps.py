"""tasks_app as a Django app."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """Finds the jobs."""

    name = "tasks_app"
    verbose_name = "Tasks"

    def ready(self) -> None:
        """Fill the catalogue."""
        from tasks_app import registry, signals  # noqa: F401, PLC0415  (models, which jobs may use, need all apps)

        registry.autodiscover()
