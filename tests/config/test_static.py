"""Static files as a server gives them out."""

import inspect
import io
import sys
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from asgiref.sync import sync_to_async
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.handlers.base import BaseHandler
from django.test import AsyncClient

from config import static


@pytest.fixture
def script(static_files: None) -> str:
    """Return the hashed address of the widget's script."""
    return staticfiles_storage.url("progress_app/progress-bar.js")


async def test_a_hashed_file_is_given_out_for_ever_under_asgi(script: str, db: None) -> None:
    answer = await AsyncClient().get(script)
    assert answer.status_code == 200
    assert "javascript" in answer["Content-Type"]
    assert "immutable" in answer["Cache-Control"]
    await sync_to_async(answer.close)()


def test_modules_import_each_other_by_their_hashed_names(script: str) -> None:
    with staticfiles_storage.open(script.rpartition("/static/")[2]) as file:
        text = file.read().decode()
    assert '"./event-stream.js"' not in text
    assert "event-stream." in text


def test_the_synchronous_chain_is_not_made_asynchronous() -> None:
    handler = BaseHandler()
    handler.load_middleware(is_async=False)
    assert not inspect.iscoroutinefunction(handler._middleware_chain)  # type: ignore[attr-defined]

    def get_response(_request: object) -> str:
        return "answer"

    assert static.serve_static(get_response) is get_response


def test_under_wsgi_files_are_given_out_too(script: str) -> None:
    from config.wsgi import application  # noqa: PLC0415 - made when the files are collected

    environ: dict[str, Any] = {"PATH_INFO": script, "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr}
    setup_testing_defaults(environ)
    seen: list[str] = []
    body = application(environ, lambda status, _headers: seen.append(status))
    try:
        assert seen == ["200 OK"]
        assert b"".join(body)
    finally:
        body.close()
