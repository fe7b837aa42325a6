"""The ASGI application: the gateway answers streams, Django everything else, of which none is larger than allowed."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from config.body import BoundedBody  # noqa: E402
from config.celery import app as celery_app  # noqa: E402  (needs settings; without it shared_task finds no broker)
from progress_app.gateway import Gateway  # noqa: E402  (needs Django to be set up)
from tasks_app import conf  # noqa: E402

# Django alone reads bodies, and a stream that lasts for hours is to hold nothing that only a body needs.
application = Gateway(BoundedBody(django_application, conf.get().request_limit_bytes))

__all__ = ["application", "celery_app"]
