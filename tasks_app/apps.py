"""tasks_app as a Django app."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """Finds the jobs."""

    name = "tasks_app"
    verbose_name = "Tasks"

    def ready(self) -> None:
        """Fill the catalogue."""
        from tasks_app import registry  # noqa: PLC0415  (jobs may use models, which need all apps to be loaded)

        registry.autodiscover()
