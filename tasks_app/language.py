"""In which language something is said where no request tells it."""

from contextlib import AbstractContextManager

from django.conf import settings
from django.utils import translation


def speaking(language: str) -> AbstractContextManager[None]:
    """Say all in this block in that language; empty: the project's own."""
    return translation.override(language or settings.LANGUAGE_CODE)
