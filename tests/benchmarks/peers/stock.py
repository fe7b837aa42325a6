"""django-eventstream as its documentation sets it up: its own view and its Redis listener."""

import os

import django
from django.conf import settings

settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_eventstream"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    MIDDLEWARE=["django_grip.GripMiddleware"],
    EVENTSTREAM_REDIS={"host": "127.0.0.1", "port": int(os.environ["BENCHMARK_REDIS_PORT"]), "db": 0},
    LOGGING_CONFIG=None,
)
django.setup()

import django_eventstream  # noqa: E402  (it reads the settings when it is imported)
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402

urlpatterns = [path("events/<channel>/", include(django_eventstream.urls))]
application = get_asgi_application()
