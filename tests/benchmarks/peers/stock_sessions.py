"""django-eventstream's own view in our project: behind the same middleware, sessions and question who may read."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

from django.conf import settings

settings.EVENTSTREAM_REDIS = {"host": "127.0.0.1", "port": int(os.environ["BENCHMARK_REDIS_PORT"]), "db": 0}
settings.ROOT_URLCONF = __name__
del settings.EVENTSTREAM_STORAGE_CLASS

import django  # noqa: E402

django.setup()

import django_eventstream  # noqa: E402  (it reads the settings when it is imported)
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402

from config import urls  # noqa: E402

urlpatterns = [path("stock/", include(django_eventstream.urls)), *urls.urlpatterns]
application = get_asgi_application()
