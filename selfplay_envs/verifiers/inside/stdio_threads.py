"""Runs inside the sandbox: gives the library's modules the threads of `stdio_turns`.

The text of both is handed to `stdio`, which puts it to work when a program first imports a module with threads.
Standard library only, from Python 3.11 on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from .stdio_turns import Lock, Task, Turns


def install(
    module: Any, sleep: Callable[[float], None], changes: dict[str, Callable[[], None]]
) -> tuple[Callable[[float], None], Callable[[], None]]:
    """Gives `_thread` and what stands on it the threads of this module.

    Args:
        module: `_thread`.
        sleep: That of `time`.
        changes: Calls to make when a module is imported, to which this adds.

    Returns:
        A replacement of `sleep`, and a call to make at the end of the main program.
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


def change_threading(threading: Any, turns: Turns) -> None:
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

    loops: Any = asyncio.base_events.BaseEventLoop

    def run_in_executor(loop: Any, executor: Any, function: Callable[..., Any], *args: Any) -> Any:
        future = loop.create_future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    loops.run_in_executor = run_in_executor
