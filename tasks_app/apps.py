"""tasks_app as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TasksConfig(AppConfig):
    """Finds the jobs, names the models, registers the system checks, and bounds the admin's login as the site's."""

    name = "tasks_app"
    verbose_name = _("Tasks")

    def ready(self) -> None:
        """Fill the catalogue, and give the models their names."""
        # Here, because models, which jobs may use, need all apps.
        from django.contrib import admin  # noqa: PLC0415

        from tasks_app import checks, login, naming, registry, signals  # noqa: F401, PLC0415

        registry.autodiscover()
        naming.name_all()
        admin.site.login_form = login.AdminLoginForm
