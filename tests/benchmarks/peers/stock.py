"""django-eventstream as its documentation sets it up: its own view and its Redis listener.

`BENCHMARK_DATABASE` names a database with sessions; the usual middleware is then before the view, and each channel is
asked for permission, as our own server does.
"""

import os

import django
from django.conf import settings

DATABASE = os.environ.get("BENCHMARK_DATABASE", "")
USUAL = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "django_eventstream",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATABASE or ":memory:",
            "OPTIONS": {"timeout": 20},
        }
    },
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    MIDDLEWARE=[*(USUAL if DATABASE else []), "django_grip.GripMiddleware"],
    EVENTSTREAM_REDIS={"host": "127.0.0.1", "port": int(os.environ["BENCHMARK_REDIS_PORT"]), "db": 0},
    EVENTSTREAM_CHANNELMANAGER_CLASS=f"{__name__}.Members" if DATABASE else None,
    USE_TZ=True,
    LOGGING_CONFIG=None,
)
if not DATABASE:
    del settings.EVENTSTREAM_CHANNELMANAGER_CLASS
django.setup()

import django_eventstream  # noqa: E402  (it reads the settings when it is imported)
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from django_eventstream.channelmanager import DefaultChannelManager  # noqa: E402


class Members(DefaultChannelManager):  # type: ignore[misc]  # the base class ships no types
    """Whoever is logged in may read."""

    def can_read_channel(self, user: object, channel: str) -> bool:
        """Whether somebody is logged in."""
        return user is not None


urlpatterns = [path("events/<channel>/", include(django_eventstream.urls))]
application = get_asgi_application()
