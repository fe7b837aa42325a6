"""Garbage in every query field, header and body: each gets an answer that can be meant, never a fault."""

from typing import Any
from urllib.parse import quote_from_bytes

import msgspec
import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from progress_app.gateway import Gateway
from tests.progress_app.asgi import Answer, Browser, Headers, session
from tests.progress_app.doubles import TASK

pytestmark = pytest.mark.usefixtures("transactional_db", "redis_db")
CSRF = b"c" * 32
# The gateway is the same for all examples, as it is for all requests of a server.
anything = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

# What a server lets through: no line break and no NUL in a header, no blank or control character in a target.
header_values = st.binary(max_size=200).map(lambda raw: raw.translate(None, b"\r\n\0"))
raw_targets = st.binary(max_size=200).map(lambda raw: bytes(c for c in raw if c > 0x20 and c != 0x7F))
header_names = st.sampled_from(
    [b"last-event-id", b"cookie", b"content-type", b"content-length", b"accept", b"accept-language", b"accept-encoding",
     b"host", b"origin", b"referer", b"authorization", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host",
     b"x-csrftoken", b"if-none-match", b"if-modified-since", b"range", b"grip-sig", b"x-http-method-override",
     b"progress_app.authorize", b"transfer-encoding", b"expect", b"upgrade", b"user-agent"]
)  # fmt: skip
headers = st.lists(st.tuples(header_names, header_values), max_size=4)
names = st.sampled_from([b"channel", b"token", b"lastEventId", b"transport", b"recover", b"es-meta", b"channel[]"])
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
likely = st.sampled_from([b"tasks", b"user-1", f"task-{TASK}".encode(), b"x" * 10_000, b"%", b"%ZZ", b"a&b", b"=;"])
escaped = (st.binary(max_size=200) | text.map(str.encode)).map(lambda raw: quote_from_bytes(raw).encode())
values = escaped | likely | raw_targets
fields = st.lists(st.tuples(names | raw_targets, values), max_size=6)
queries = fields.map(lambda pairs: b"&".join(name + b"=" + value for name, value in pairs)) | raw_targets


@pytest.fixture
def theirs(gateway: Gateway, owner: User) -> Browser:
    """Return the browser of somebody who is logged in, with what a form's script sends beside the session."""
    [(_, cookie)] = session(owner)
    return Browser(gateway, [(b"cookie", cookie + b"; csrftoken=" + CSRF), (b"x-csrftoken", CSRF)])


def expect_an_answer(answer: Answer) -> None:
    """One of the contract's statuses, not the browser's ruin, and said as the contract says it."""
    assert answer.status in (200, 204, 400, 401, 403), answer
    if answer.status == 200:
        assert answer.names[:1] == ["stream-open"], answer
    assert len(answer.body) < 20_000


@anything
@given(queries, headers)
@example(b"channel=" + b"&channel=".join([b"tasks"] * 2_000), [])
@example(b"channel=tasks&token=", [(b"cookie", b"sessionid=;;=;\xff")])
@example(b"token=" + b"%00" * 64, [(b"last-event-id", b"9" * 5_000)])
async def test_whatever_asks_for_a_stream(theirs: Browser, query: bytes, headers: Headers) -> None:
    expect_an_answer(await theirs.get(b"/events/?" + query, headers))


@anything
@given(st.lists(st.tuples(names, values), max_size=3), headers)
async def test_whatever_comes_with_a_channel_that_may_be_read(
    theirs: Browser, owner: User, pairs: list[tuple[bytes, bytes]], headers: Headers
) -> None:
    more = b"".join(b"&" + name + b"=" + value for name, value in pairs if name == b"lastEventId")
    expect_an_answer(await theirs.get(f"/events/?channel=user-{owner.pk}".encode() + more, headers))


# Tokens

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)
token_requests = st.fixed_dictionaries(
    {}, optional={"channels": json_values | st.lists(st.text(max_size=200), max_size=60), "transport": json_values}
)


def as_json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, OverflowError):
        return b'{"channels": ["\\ud800"]}'


FORM = b'--x\r\nContent-Disposition: form-data; name="channels"\r\n\r\ntasks\r\n--x--\r\n'
bodies = st.binary(max_size=300) | json_values.map(as_json) | token_requests.map(as_json)


@anything
@given(
    bodies,
    st.sampled_from([b"application/json", b"text/plain", b"application/x-www-form-urlencoded", b"", b"a/b; charset=x"]),
)
@example(b'{"channels":' + b"[" * 100_000, b"application/json")
@example(b'{"a":' + b"[" * 100_000, b"application/json")
@example(b'{"channels":["\xff"]}', b"application/json")
@example(b'{"channels":["' + b"x" * 100_000 + b'"]}', b"application/json")
@example(b'{"channels":["tasks"],"transport":"' + b"x" * 100_000 + b'"}', b"application/json")
@example(b" " * 3_000_000, b"application/json")
@example(b"--x\r\n" * 1_000, b"multipart/form-data; boundary=x")
@example(FORM, b"multipart/form-data; boundary=x")
async def test_whatever_asks_for_a_token(theirs: Browser, body: bytes, content_type: bytes) -> None:
    answer = await theirs.post("/events/token/", body, [(b"content-type", content_type)])
    assert answer.status in (400, 403), answer
    assert len(answer.body) < 20_000
    assert b"Traceback" not in answer.body


@anything
@given(bodies)
async def test_whatever_a_nobody_posts_is_401(gateway: Gateway, body: bytes) -> None:
    browser = Browser(gateway, [(b"cookie", b"csrftoken=" + CSRF), (b"x-csrftoken", CSRF)])
    assert (await browser.post("/events/token/", body, [(b"content-type", b"application/json")])).status == 401


async def test_the_way_is_open_for_a_request_that_can_be_meant(theirs: Browser, owner: User) -> None:
    """Or the tests above would prove nothing."""
    answer = await theirs.post("/events/token/", as_json({"channels": [f"user-{owner.pk}"]}))
    assert (answer.status, list(answer.json)[:3]) == (200, ["token", "url", "expires_in"])
    assert (await theirs.get("/events/?" + answer.json["url"].partition("?")[2])).names == ["stream-open"]
