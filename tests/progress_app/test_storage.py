"""django-eventstream's storage on our Redis streams, through its own `send_event`."""

import datetime as dt
import json
import uuid
from typing import Any

import pytest
import redis
from django_eventstream import send_event
from django_eventstream.storage import EventDoesNotExist
from django_eventstream.utils import get_storage

from progress_app import connections
from progress_app.exceptions import BackendUnavailable, ChannelNameError, UsageError
from progress_app.storage import RedisStreamStorage
from tests.progress_app.doubles import TASK

pytestmark = pytest.mark.usefixtures("redis_db")
TOPIC = "headway:channel:news"


@pytest.fixture
def storage() -> RedisStreamStorage:
    return RedisStreamStorage()


def sent(count: int) -> list[int]:
    for number in range(count):
        send_event("news", "item", {"number": number})
    return [entry.pos for entry in connections.backend().replay("news", None, 1_000)]


def test_it_is_the_one_that_django_eventstream_uses() -> None:
    assert isinstance(get_storage(), RedisStreamStorage)


def test_an_event_lands_in_the_stream_and_is_announced_in_one_step(redis_db: redis.Redis) -> None:
    with redis_db.pubsub() as listener:  # type: ignore[no-untyped-call]
        listener.subscribe(TOPIC)
        assert (listener.get_message(timeout=10) or {})["type"] == "subscribe"
        send_event("news", "greeting", {"text": "hello"})
        heard = (listener.get_message(timeout=10) or {})["data"]
    [entry] = connections.backend().replay("news", None, 10)
    assert (entry.event, json.loads(entry.data)) == ("greeting", {"text": "hello"})
    assert heard == b"%d greeting\n%b" % (entry.pos, entry.data)


def test_events_come_back_in_order_after_a_position(storage: RedisStreamStorage) -> None:
    positions = sent(5)
    found = storage.get_events("news", positions[1])
    assert [(event.id, event.type, event.channel) for event in found] == [(p, "item", "news") for p in positions[2:]]
    assert [json.loads(event.data)["number"] for event in found] == [2, 3, 4]
    assert [event.id for event in storage.get_events("news", positions[1], limit=1)] == [positions[2]]
    assert storage.get_events("news", positions[-1]) == []


def test_the_current_position_is_the_newest_and_0_before_the_first(storage: RedisStreamStorage) -> None:
    assert storage.get_current_id("news") == 0
    positions = sent(3)
    assert storage.get_current_id("news") == positions[-1]


def test_a_gap_is_told_and_never_silent(storage: RedisStreamStorage, settings: Any) -> None:
    settings.PROGRESS_LOG_ENTRIES = 2
    first = sent(1)[0]
    newest = sent(4)[-1]
    with pytest.raises(EventDoesNotExist) as gap:
        storage.get_events("news", first)
    assert gap.value.current_id == newest


def test_a_position_from_before_a_loss_of_data_is_a_gap(storage: RedisStreamStorage, redis_db: redis.Redis) -> None:
    old = sent(3)[-1]
    redis_db.delete("headway:{news}:log")
    with pytest.raises(EventDoesNotExist) as gap:
        storage.get_events("news", old)
    assert gap.value.current_id == 0
    new = sent(1)[0]
    with pytest.raises(EventDoesNotExist):
        storage.get_events("news", new + 5)


def test_values_that_json_cannot_say_are_written_as_django_does(storage: RedisStreamStorage) -> None:
    moment, name = dt.datetime(2026, 1, 2, tzinfo=dt.UTC), uuid.UUID(TASK)
    send_event("news", "item", {"at": moment, "id": name})
    storage.append_event("news", "item", {"at": moment})
    told = [json.loads(event.data) for event in storage.get_events("news", storage.get_current_id("news") - 2)]
    assert told == [{"at": "2026-01-02T00:00:00Z", "id": TASK}, {"at": "2026-01-02T00:00:00Z"}]


def test_text_that_is_no_json_is_sent_as_it_is(storage: RedisStreamStorage) -> None:
    send_event("news", "item", "line 1\nline 2", json_encode=False)
    [entry] = connections.backend().replay("news", None, 10)
    assert entry.data == b"line 1\nline 2"


def test_an_event_s_name_cannot_begin_a_second_line(storage: RedisStreamStorage) -> None:
    pos = storage.append_event("news", "item\r\n9 forged\n{}\0", {"a": 1}).id
    [entry] = connections.backend().replay("news", None, 10)
    assert (entry.pos, entry.event, entry.data) == (pos, "item9 forged{}", b'{"a": 1}')


@pytest.mark.parametrize("channel", [f"task-{TASK}", "tasks", "ops", "user-7.tasks"])
def test_a_channel_of_states_takes_no_events(redis_db: redis.Redis, channel: str) -> None:
    with pytest.raises(UsageError, match="carries states"):
        send_event(channel, "progress", {"percent": 1})
    assert list(redis_db.scan_iter("headway:*")) == []


@pytest.mark.parametrize("channel", ["", "a b", "a\nb", "x" * 10_000])
def test_a_name_that_cannot_be_takes_no_events(redis_db: redis.Redis, channel: str) -> None:
    with pytest.raises(ChannelNameError):
        send_event(channel, "item", {})
    assert list(redis_db.scan_iter("headway:*")) == []


def test_with_redis_away_the_sender_is_told(settings: Any) -> None:
    settings.PROGRESS_REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(BackendUnavailable):
        send_event("news", "item", {})
