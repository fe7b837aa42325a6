"""The contract of a backend: log entries, in order, once and without a gap."""

import pytest

from progress_app.backends.base import Backend, Entry
from progress_app.events import LogEntry, State
from progress_app.exceptions import PositionUnknown
from tests.progress_app.backends.stores import KEPT, LOG, NEWS, Replay, Store, lines, texts
from tests.progress_app.doubles import entry, snapshot


async def test_log_entries_stand_before_their_snapshot_and_without_a_gap(backend: Backend, replay: Replay) -> None:
    backend.publish(snapshot(), lines("one", "two"))
    backend.append(LOG, "log", entry("three").to_json())
    backend.publish(snapshot(state=State.SUCCEEDED), lines("four"))
    found = await replay(LOG, None, 10)
    assert texts(found) == ["one", "two", "three", "four"]
    assert {(kept.channel, kept.event) for kept in found} == {(LOG, "log")}
    assert [kept.pos for kept in found] == list(range(found[0].pos, found[0].pos + 4))
    assert backend.position(LOG) == found[-1].pos


def line(text: str) -> LogEntry:
    return entry(text, ts=float(ord(text[0])))


@pytest.mark.parametrize(
    ("sent", "again", "kept"),
    [
        ("abc", "abc", "abc"),
        ("abc", "abcde", "abcde"),
        ("abc", "bcd", "abcd"),  # what waits is bounded: the oldest were given up
        ("abC", "abdD", "abCdD"),  # C counts what was left out, and is made anew
        ("abc", "cd", "abcd"),
        ("abc", "de", "abcde"),
    ],
)
def test_entries_that_are_sent_again_are_kept_once(backend: Backend, sent: str, again: str, kept: str) -> None:
    backend.publish(snapshot(), [line(text) for text in sent])
    answer = backend.publish(snapshot(), [line(text) for text in again])
    assert "".join(texts(backend.replay(LOG, None, 100))) == kept
    assert answer.log_pos == backend.position(LOG)


async def test_an_appended_event_is_read_back_as_it_was(backend: Backend, replay: Replay) -> None:
    data = b'{"text":"one\\ntwo"}\n\r\n\x00\xff'
    pos = backend.append("chat:\u6f22", "a name, with blanks", data)
    assert await replay("chat:\u6f22", None, 10) == [Entry("chat:\u6f22", pos, "a name, with blanks", data)]


async def test_replay_goes_on_after_a_position_and_is_limited(backend: Backend, replay: Replay) -> None:
    given = [backend.append(NEWS, "n", b"%d" % number) for number in range(6)]
    assert [found.pos for found in await replay(NEWS, given[2], 10)] == given[3:]
    assert [found.pos for found in await replay(NEWS, given[2], 2)] == given[3:5]
    assert [found.pos for found in await replay(NEWS, None, 4)] == given[:4]
    assert await replay(NEWS, given[-1], 10) == []


async def test_only_the_newest_entries_are_kept(backend: Backend, replay: Replay) -> None:
    given = [backend.append(NEWS, "n", b"{}") for _ in range(KEPT + 5)]
    backend.publish(snapshot(), [entry(str(number)) for number in range(KEPT + 5)])
    assert [found.pos for found in await replay(NEWS, None, 100)] == given[5:]
    assert texts(await replay(LOG, None, 100)) == [str(number) for number in range(5, KEPT + 5)]


async def test_a_gap_is_told_and_with_it_where_to_go_on(backend: Backend, replay: Replay) -> None:
    given = [backend.append(NEWS, "n", b"{}") for _ in range(KEPT + 5)]
    assert len(await replay(NEWS, given[4], 100)) == KEPT, "the next one is the oldest kept"
    with pytest.raises(PositionUnknown) as gap:
        await replay(NEWS, given[3], 100)
    assert gap.value.current == given[-1]


@pytest.mark.parametrize("ahead", [1, 10**6, 2**62])
async def test_a_position_that_was_never_reached_is_told(backend: Backend, replay: Replay, ahead: int) -> None:
    newest = backend.append(NEWS, "n", b"{}")
    with pytest.raises(PositionUnknown):
        await replay(NEWS, newest + ahead, 100)


async def test_after_nothing_seen_all_must_be_kept(backend: Backend, replay: Replay) -> None:
    given = [backend.append(NEWS, "n", b"{}") for _ in range(KEPT)]
    assert [found.pos for found in await replay(NEWS, 0, 100)] == given
    backend.append(NEWS, "n", b"{}")
    with pytest.raises(PositionUnknown):
        await replay(NEWS, 0, 100)


async def test_a_log_without_entries_has_nothing_to_replay(replay: Replay) -> None:
    assert await replay(NEWS, None, 10) == []
    assert await replay(NEWS, 0, 10) == []
    with pytest.raises(PositionUnknown) as gap:
        await replay(NEWS, 5, 10)
    assert gap.value.current == 0


async def test_after_a_loss_of_data_an_old_position_is_told(store: Store, replay: Replay) -> None:
    seen = [store.backend.append(NEWS, "n", b"{}") for _ in range(3)][-1]
    store.lose_data()
    with pytest.raises(PositionUnknown):
        await replay(NEWS, seen, 10)
    store.backend.append(NEWS, "n", b"{}")
    with pytest.raises(PositionUnknown):
        await replay(NEWS, seen, 10)
