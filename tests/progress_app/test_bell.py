"""The bell that wakes a sender."""

import threading

from progress_app.bell import Bell


def test_a_ring_waits_until_it_is_heard_and_is_heard_once() -> None:
    bell = Bell()
    assert not bell.heard()
    bell.ring()
    bell.ring()
    assert bell.heard()
    assert not bell.heard()


def test_a_ring_wakes_who_listens() -> None:
    bell, heard = Bell(), []
    listener = threading.Thread(target=lambda: heard.append(bell.heard(60.0)))
    listener.start()
    bell.ring()
    listener.join(60.0)
    assert heard == [True]
