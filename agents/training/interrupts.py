"""Ctrl-C, and SIGTERM the same, while a run trains: the first ends it with its state saved, the second at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

USUAL: tuple[tuple[signal.Signals, Any], ...] = (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
)
"""The signals, each with its handler where nobody has set another."""


class Interrupts:
    """Signals that ask a run to end, and when it may: at any moment but for those that are held.

    Args:
        on_first: Called in the main thread when the first signal comes, perhaps in the middle of anything else.
    """

    def __init__(self, on_first: Callable[[], None] = lambda: None) -> None:
        self.count = 0
        """Signals so far."""
        self._on_first = on_first
        self._held = 0

    def check(self) -> None:
        """Raises `KeyboardInterrupt` where a signal came while it was deferred: now is a good moment."""
        if self.count:
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Generator[None]:
        """Keeps the first signal back until the end of the block, or until something inside calls `check`."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        self.check()

    def take(self, number: int, frame: FrameType | None) -> None:
        """The handler of both signals."""
        self.count += 1
        if self.count == 1:
            self._on_first()
        if self.count > 1 or not self._held:
            raise KeyboardInterrupt


@contextmanager
def interruptible(on_first: Callable[[], None]) -> Generator[Interrupts]:
    """Takes both signals in the block, where they have their usual handlers and this is the main thread; else none."""
    interrupts, before = Interrupts(on_first), dict[signal.Signals, Any]()
    try:
        if threading.current_thread() is threading.main_thread():
            for number, usual in USUAL:
                if signal.getsignal(number) == usual:
                    before[number] = signal.signal(number, interrupts.take)
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
