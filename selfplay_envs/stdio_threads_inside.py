"""Runs inside the sandbox, where no thread can be started: threads that run one after another, on each other's stack.

Its text is handed to `stdio_inside`, which puts it to work when a program first imports `_thread`, on which every module
with threads stands. Standard library only.

A started thread has not begun. It begins, first come, first served and daemons last, when somebody waits: for a lock (which
is what `join`, events, conditions, queues, futures and pools come down to), in `is_alive`, in the main thread's `sleep`, or
when the main program has ended. So a consumer that was started before its producer finds the queue filled. A thread that
waits has others begin above it. When there is none left, and a thread below could go on, the waiting one is
unwound and begins again when somebody waits next: what serves a queue in a loop does not notice. When nobody can go
on, the process ends with a failure, where real threads would hang. Timeouts run out as soon as nobody else can go on,
sleep takes no time, and `put` takes an item beyond a queue's size instead of waiting.

Not supported: threads that take turns, so that each waits again and again for what the other does in between, and loops
that wait for a thread without calling anything.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections import deque
from collections.abc import Callable
from types import ModuleType
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


def install(
    module: Any, sleep: Callable[[float], None], changes: dict[str, Callable[[], None]]
) -> tuple[Callable[[float], None], Callable[[], None]]:
    """Gives `_thread` and what stands on it the threads of this module.

    Args:
        module: `_thread`.
        sleep: That of `time`.
        changes: What to do when a module is imported, to which this adds.

    Returns:
        What takes the place of `sleep`, and what to do at the end of the main program.
    """
    turns = Turns(module.get_ident())

    def start_new_thread(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any = None, /) -> int:
        task = Task(turns, lambda: function(*args, **kwargs or {}), False)
        turns.launch(task)
        return task.ident

    module.start_new_thread = module.start_new = start_new_thread
    module.allocate_lock = module.allocate = lambda: Lock(turns)
    module.get_ident = lambda: turns.current.ident
    no_queue: Any = None
    sys.modules["_queue"] = no_queue  # written in C, it waits for real threads; the library has each of these twice
    import queue
    import threading
    from _threading_local import local

    module._local = threading.local = local  # the one in C keeps its values by real threads
    change_threading(threading, turns)
    change_queue(queue.Queue)
    changes["multiprocessing.pool"] = change_pool
    changes["asyncio.base_events"] = change_asyncio

    def sleep_shortly(seconds: float) -> None:
        turns.nap()
        sleep(min(seconds, 0.01))

    def finish() -> None:
        for call in reversed(getattr(threading, "_threading_atexits", ())):
            call()
        turns.finish()

    return sleep_shortly, finish


def change_threading(threading: ModuleType | Any, turns: Turns) -> None:
    """Has a `Thread` wait for its turn."""

    def start(thread: Any) -> None:
        if thread._started.is_set():
            raise RuntimeError("threads can only be started once")
        what = thread._target, thread._args, thread._kwargs  # which `run` deletes

        def run() -> None:
            thread._target, thread._args, thread._kwargs = what
            try:
                thread.run()
            except Exception:
                thread._invoke_excepthook(thread)

        task = Task(turns, run, thread.daemon)
        thread._ident, thread._ended = task.ident, task.ended
        turns.threads[task.ident] = thread
        thread._started.set()
        turns.launch(task)

    def join(thread: Any, timeout: float | None = None) -> None:
        if not thread._started.is_set():
            raise RuntimeError("cannot join thread before it is started")
        if thread is threading.current_thread():
            raise RuntimeError("cannot join current thread")
        if thread._ended.held:
            turns.wait(thread._ended, timeout is not None)

    def is_alive(thread: Any) -> bool:
        turns.give_way()
        return thread._ended.held

    def active_count() -> int:
        turns.give_way()
        return len(turns.threads)

    threading.Thread.start, threading.Thread.join, threading.Thread.is_alive = start, join, is_alive
    threading.active_count = active_count
    threading.Thread._ended = Lock(turns)
    threading.main_thread()._ended = turns.main.ended
    threading._CRLock = None  # the one in C cannot tell our threads from each other
    threading.Lock = threading._allocate_lock = lambda: Lock(turns)
    turns.threads.update(threading._active)
    threading._active = turns.threads


def change_queue(queue: Any) -> None:
    """Has `put` take an item beyond the queue's size instead of waiting."""
    put_within = queue.put

    def put(self: Any, item: Any, block: bool = True, timeout: float | None = None) -> None:
        maxsize = self.maxsize
        self.maxsize = 0 if block and timeout is None else maxsize
        try:
            put_within(self, item, block, timeout)
        finally:
            self.maxsize = maxsize

    queue.put = put


def change_pool() -> None:
    """Has a `ThreadPool` work without the processes and pipes that watch over the library's."""
    import multiprocessing.pool as library
    import threading

    class ThreadPool(library.ThreadPool):
        def __init__(self, processes: int | None = None, initializer: Any = None, initargs: Any = ()) -> None:
            self._state, self._cache, self._taskqueue = "RUN", {}, self
            self._pool = [None] * (processes or os.cpu_count() or 1)
            self._batches: list[threading.Thread] = []
            if initializer:
                initializer(*initargs)

        def put(self, batch: Any) -> None:
            """Takes the place of the queue that the library puts its tasks into."""
            self._batches.append(threading.Thread(target=self._work, args=batch, daemon=True))
            self._batches[-1].start()

        def _work(self, tasks: Any, set_length: Any) -> None:
            done = 0
            for job, place, function, args, options in tasks:
                try:
                    result = True, function(*args, **options)
                except Exception as error:
                    result = False, error
                self._cache[job]._set(place, result)
                done += 1
            if set_length:
                set_length(done)

        def close(self) -> None:
            self._state = "CLOSE"

        terminate = close

        def join(self) -> None:
            for batch in self._batches:
                batch.join()

    library.ThreadPool = ThreadPool


def change_asyncio() -> None:
    """Has an event loop do at once what it would leave to a thread: it waits for input, not for locks."""
    import asyncio.base_events

    def run_in_executor(loop: Any, executor: Any, function: Callable[..., Any], *args: Any) -> Any:
        future = loop.create_future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    asyncio.base_events.BaseEventLoop.run_in_executor = run_in_executor
