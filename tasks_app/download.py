"""A stored file as a download, in pieces, under ASGI as well as WSGI.

Django reads a file to its end before it sends it from a synchronous iterator under ASGI: a result of 100 MB would
lie in memory as a whole. So there an asynchronous one is given, which reads each piece in a thread.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final
from urllib.parse import quote

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from tasks_app.models import Attachment

PIECE_BYTES: Final = 256 * 1024


def download(request: HttpRequest, attachment: Attachment) -> StreamingHttpResponse:
    """The file as an attachment: a browser saves it and never shows it in place, whatever it says it is.

    Raises:
        FileNotFoundError: it is gone from the storage.

    """
    file = attachment.file.storage.open(str(attachment.file.name), "rb")
    pieces = _PiecesLater(file) if isinstance(request, ASGIRequest) else _Pieces(file)
    response = StreamingHttpResponse(pieces, content_type=attachment.content_type)
    response["Content-Length"] = str(attachment.size)
    response["Content-Disposition"] = f"attachment; filename*=utf-8''{quote(attachment.name, safe='')}"
    response["X-Content-Type-Options"] = "nosniff"
    return response


class _Pieces:
    """Closed by the response, also by one that nobody read."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._file.read(PIECE_BYTES):
            yield piece

    def close(self) -> None:
        self._file.close()


class _PiecesLater:
    """The same, read in a thread."""

    def __init__(self, file: Any) -> None:
        self._file = file

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = sync_to_async(self._file.read, thread_sensitive=False)
        while piece := await read(PIECE_BYTES):
            yield piece

    def close(self) -> None:
        self._file.close()
