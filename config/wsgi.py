"""The project under a WSGI server: all pages and polling work; the live stream needs config.asgi."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config import static
from config.celery import app as celery_app

__all__ = ["application", "celery_app"]

application = static.under_wsgi(get_wsgi_application(), str(settings.STATIC_ROOT), settings.STATIC_URL)
