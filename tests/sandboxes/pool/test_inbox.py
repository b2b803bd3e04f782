"""The inbox: events arrive in order, from any thread, and wake whoever watches."""

from __future__ import annotations

import selectors
import threading

from sandboxes.pool.inbox import Inbox


def test_events_arrive_in_order_and_wake_the_selector() -> None:
    inbox = Inbox()
    with selectors.DefaultSelector() as selector:
        selector.register(inbox, selectors.EVENT_READ)
        assert selector.select(0) == []
        thread = threading.Thread(target=lambda: [inbox.post(number) for number in range(3)])
        thread.start()
        assert len(selector.select(5)) == 1
        thread.join()
        assert inbox
        assert list(inbox.take()) == [0, 1, 2]
        assert not inbox
        inbox.reset()
        assert selector.select(0) == []
        selector.unregister(inbox)
    inbox.close()


def test_an_event_that_is_posted_while_others_are_read_is_read_too() -> None:
    inbox = Inbox()
    inbox.post("first")
    seen: list[object] = []
    for event in inbox.take():
        seen.append(event)
        if event == "first":
            inbox.post("second")
    assert seen == ["first", "second"]
    inbox.close()


def test_a_full_or_closed_inbox_takes_events_all_the_same() -> None:
    inbox = Inbox()
    for number in range(100_000):  # more wake-up bytes than the socket holds
        inbox.post(number)
    assert len(list(inbox.take())) == 100_000
    inbox.close()
    inbox.post("late")
