"""celery-progress as its documentation sets it up: its view, and a result backend in Redis."""

import os

import django
from django.conf import settings

settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["celery_progress"],
    LOGGING_CONFIG=None,
)
django.setup()

from celery import Celery  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402

celery_app = Celery("polled", backend=f"redis://127.0.0.1:{os.environ['BENCHMARK_REDIS_PORT']}/1")
celery_app.set_default()
urlpatterns = [path("progress/", include("celery_progress.urls"))]
application = get_asgi_application()
