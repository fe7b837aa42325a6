"""Which other origins may read the stream."""

import pytest

from progress_app.cors import Cors

APP = "https://app.example.org"


def allowed(cors: Cors, origin: str) -> tuple[bytes | None, bool]:
    headers = dict(cors.headers(origin))
    return headers.get(b"access-control-allow-origin"), b"access-control-allow-credentials" in headers


@pytest.mark.parametrize(
    ("origins", "origin", "expected"),
    [
        ("", APP, (None, False)),
        (APP, APP, (APP.encode(), True)),
        (f"https://other.example.org, {APP}", APP, (APP.encode(), True)),
        (APP, "https://app.example.org.evil.example", (None, False)),
        (APP, "https://APP.example.org", (None, False)),
        (APP, "http://app.example.org", (None, False)),
        (APP, "null", (None, False)),
        (APP, "", (None, False)),
        ("*", APP, (b"*", False)),
        ("*", "*", (b"*", False)),
        (f"*,{APP}", APP, (APP.encode(), True)),
    ],
)
def test_only_a_named_origin_may_send_its_cookies(
    origins: str, origin: str, expected: tuple[bytes | None, bool]
) -> None:
    assert allowed(Cors(origins), origin) == expected


def test_a_preflight_allows_what_an_event_source_sends_and_nothing_to_strangers() -> None:
    told = dict(Cors(APP).preflight(APP))
    assert told[b"access-control-allow-methods"] == b"GET"
    assert b"Last-Event-ID" in told[b"access-control-allow-headers"]
    assert dict(Cors(APP).preflight("https://evil.example")) == {b"vary": b"Origin"}
    assert Cors("").preflight(APP) == []
