"""How static files are named, kept and given out: hashed, compressed, and ES modules that find each other."""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from django.utils.decorators import sync_and_async_middleware
from servestatic import ServeStatic
from servestatic.middleware import ServeStaticMiddleware
from servestatic.storage import CompressedManifestStaticFilesStorage

HASHED_NAME = r"^.+\.[0-9a-f]{12}\..+$"


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # it ships no types
    """Writes hashed names also into `import` and `export` lines.

    Without it progress-bar.js would import "./event-stream.js" by its plain name, which a browser keeps from
    an older release.
    """

    support_js_module_import_aggregation = True


@sync_and_async_middleware
def serve_static(get_response: Callable[..., Any]) -> Callable[..., Any]:
    """Give static files out under ASGI; in a synchronous chain step aside.

    The package's middleware is asynchronous only. In the synchronous chain that authorizes streams the
    two adaptations around it cost 1.6 of 2.3 ms, for requests that never ask for a file.
    """
    if not iscoroutinefunction(get_response):
        return get_response
    served: Callable[..., Any] = ServeStaticMiddleware(get_response)
    return served


def under_wsgi(application: Any, folder: str, url: str) -> Any:
    """Return a WSGI application that gives out the static files of the folder before it asks the given one."""
    return ServeStatic(application, root=folder, prefix=url, immutable_file_test=HASHED_NAME)
