"""Runs inside the sandbox, where no thread can be started: threads that run one after another, on each other's stack.

`stdio_threads` makes the library's threads of it. Standard library only.

A started thread has not begun. It begins, first come, first served and daemons last, when somebody waits: for a lock (which
is what `join`, events, conditions, queues, futures and pools come down to), in `is_alive`, in a sleep other than a thread's
first, or for the end of the program. So a consumer that was started before its producer finds the queue filled. Who waits
has others begin above it. When there is none left, and a thread below could go on, the waiting one is unwound and begins
again when somebody waits next: what serves a queue in a loop does not notice. When nobody can go on, the process ends with a
failure, where real threads would hang. A timeout is over when nobody else can go on, sleep takes almost no time, and `put`
takes an item beyond a queue's size instead of waiting. A thread that raises does not fail the program, as in reality.

Not supported: threads that take turns, so that each waits again and again for what the other does in between, and loops
that wait for a thread without calling anything.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable
from typing import Any


class Parked(BaseException):
    """Unwinds a thread that cannot go on while one below it can."""


class Task:
    """A thread: what it does, and how far it is."""

    _idents = itertools.count(1 << 20)

    def __init__(self, turns: Turns, run: Callable[[], Any], daemon: bool) -> None:
        """Not begun yet."""
        self.run = run
        self.daemon = daemon
        self.ident = next(self._idents)
        self.parked = self.slept = False
        self.ended = Lock(turns, True)


class Lock:
    """A lock whose waiters let other threads run."""

    def __init__(self, turns: Turns, held: bool = False) -> None:
        """Free, unless `held`."""
        self._turns = turns
        self.held = held

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As that of `_thread.lock`."""
        if self.held and not (blocking and self._turns.wait(self, timeout >= 0)):
            return False
        self.held = True
        return True

    def release(self) -> None:
        """As that of `_thread.lock`."""
        if not self.held:
            raise RuntimeError("release unlocked lock")
        self.held = False

    def locked(self) -> bool:
        """As that of `_thread.lock`."""
        return self.held

    def _at_fork_reinit(self) -> None:
        self.held = False

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Turns:
    """Whose turn it is."""

    def __init__(self, main_ident: int) -> None:
        """The main thread's."""
        self.current = self.main = Task(self, lambda: None, False)
        self.main.ident, self.main.slept = main_ident, True
        self.threads: dict[int, Any] = {}
        """Those that have not ended, by their idents; `threading` has it too."""
        self._ready: tuple[deque[Task], deque[Task]] = (deque(), deque())  # ordinary ones and daemons
        self._parked: list[Task] = []
        self._waiting: list[tuple[Lock, bool]] = []  # what those below wait for, and whether a timeout would end it

    def launch(self, task: Task) -> None:
        """Has a thread begin when somebody waits."""
        self._ready[task.daemon].append(task)

    def wait(self, lock: Lock, timed: bool) -> bool:
        """Runs others until the lock is free, or there is none; whether it is free."""
        self._run_others(lock, timed)
        if not lock.held:
            return True
        if any(not other.held or (others_timed and not timed) for other, others_timed in self._waiting):
            self.current.parked = True
            raise Parked
        if not timed:
            os._exit(1)
        return False

    def nap(self) -> None:
        """Runs others, unless it is a thread's first sleep, which is mostly there to stand for work."""
        if self.current.slept:
            self.give_way()
        self.current.slept = True

    def give_way(self) -> None:
        """Runs all others."""
        self._run_others(Lock(self), True, to_the_last=True)

    def finish(self) -> None:
        """Runs all but daemons, as the end of a program does."""
        self.main.ended.held = False
        self._revive()
        while self._ready[False]:
            self._begin()
            self._revive()

    def _run_others(self, lock: Lock, timed: bool, to_the_last: bool = False) -> None:
        self._revive()
        self._waiting.append((lock, timed))
        try:
            while any(self._ready) and (lock.held or to_the_last):
                self._begin()
        finally:
            self._waiting.pop()

    def _revive(self) -> None:
        for task in self._parked:
            self.launch(task)
        self._parked.clear()

    def _begin(self) -> None:
        task = (self._ready[False] or self._ready[True]).popleft()
        below, self.current = self.current, task
        task.parked = False
        try:
            task.run()
        except (Exception, SystemExit, Parked):
            pass  # a thread that fails does not fail the program
        finally:
            self.current = below
        if task.parked:
            self._parked.append(task)
        else:
            self.threads.pop(task.ident, None)
            task.ended.held = False
