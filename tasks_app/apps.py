"""tasks_app as a Django app."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """Finds the jobs, registers the system checks, and bounds the admin's login as the site's."""

    name = "tasks_app"
    verbose_name = "Tasks"

    def ready(self) -> None:
        """Fill the catalogue."""
        # Here, because models, which jobs may use, need all apps.
        from django.contrib import admin  # noqa: PLC0415

        from tasks_app import checks, login, registry, signals  # noqa: F401, PLC0415

        registry.autodiscover()
        admin.site.login_form = login.AdminLoginForm
