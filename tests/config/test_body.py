"""No request may fill the disk: neither one that says how large it is, nor one in chunks that does not."""

from typing import Any

import pytest

from config.body import BoundedBody

MOST = 10


class Received:
    """An application that reads the whole body and answers with its length, as Django does."""

    def __init__(self) -> None:
        self.body = b""

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            self.body += message["body"]
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % len(self.body)})


async def answer(chunks: list[bytes], *headers: tuple[bytes, bytes]) -> tuple[int, bytes, int]:
    """Send these chunks; gives the status, what the application got, and how many chunks were asked for."""
    sent: list[Any] = []
    waiting = list(chunks)
    inner = Received()

    async def receive() -> Any:
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    await BoundedBody(inner, MOST)({"type": "http", "headers": list(headers)}, receive, send)
    return sent[0]["status"], inner.body, len(chunks) - len(waiting)


async def test_a_body_within_the_bound_passes_unchanged() -> None:
    assert await answer([b"01234", b"56789"]) == (200, b"0123456789", 2)


async def test_a_body_that_declares_too_much_is_refused_before_it_is_read() -> None:
    assert await answer([b"0" * 11], (b"content-length", b"11")) == (413, b"", 0)


async def test_a_body_in_chunks_is_refused_as_soon_as_it_is_too_long() -> None:
    assert await answer([b"0" * 6, b"0" * 6, b"0" * 6]) == (413, b"0" * 6, 2)


async def test_what_is_answered_already_is_not_answered_again() -> None:
    sent: list[str] = []

    async def answers_first(_scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"0" * (MOST + 1), "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await BoundedBody(answers_first, MOST)({"type": "http", "headers": []}, receive, send)
    assert sent == ["http.response.start", "http.response.body"]


@pytest.mark.parametrize("length", [b"many", b"-1", b""])
async def test_a_length_that_is_no_number_is_counted_all_the_same(length: bytes) -> None:
    assert (await answer([b"0" * 11], (b"content-length", length)))[0] == 413
