"""The workers of one sandbox: started in the background, proved by a canary, retired after their share, replaced when lost."""

from __future__ import annotations

import selectors
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from .errors import SandboxError, SandboxUnavailable
from .link import Launcher, Link

_PATIENCE_S = (0, 1, 2, 4, 8, 15)
"""Pauses before the attempts to start a worker where workers have run before: an engine that restarts comes back."""
_SLOW_S = 0.05
"""A worker that has been at one frame for so long gets none to queue behind it: another may be idle soon."""
FRAMES_AHEAD = 2
"""Frames a worker holds at most: it starts the next child while the host reads; more would queue behind a slow program."""


class Crew:
    """Links by the place of their hash seed. Touched by the dispatcher's thread only; starting threads report through `call`.

    Args:
        launcher: Starts and stops single workers.
        hash_seeds: The seeds; a place in them names what a worker is for.
        allowed: How many workers of each may be up.
        recycle_after: Frames after which a worker retires; 0: never.
        selector: Where links are watched.
        call: Has the dispatcher's thread call something soon.
        on_helpless: Told the reason when no worker of a hash seed is up and the only one under way did not start.
    """

    def __init__(
        self,
        launcher: Launcher,
        hash_seeds: Sequence[int],
        allowed: Sequence[int],
        recycle_after: int,
        selector: selectors.BaseSelector,
        call: Callable[[Callable[[], None]], None],
        on_helpless: Callable[[Exception], None],
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._launcher = launcher
        self._hash_seeds = hash_seeds
        self._allowed = allowed
        self._recycle_after = recycle_after
        self._selector = selector
        self._call = call
        self._on_helpless = on_helpless
        self._links: list[list[Link]] = [[] for _ in hash_seeds]
        self._starting: list[list[threading.Thread]] = [[] for _ in hash_seeds]
        self._leaving = threading.Event()

    def __iter__(self) -> Iterator[Link]:
        return iter([link for links in self._links for link in tuple(links)])

    def __contains__(self, link: Link) -> bool:
        return link in self._links[link.place]

    def with_room(self, place: int) -> Link | None:
        """The least busy worker that can take another frame, or None."""
        late = time.monotonic() - _SLOW_S
        ready = [
            link
            for link in self._links[place]
            if not self._retires(link) and (not link.running or (len(link.running) < FRAMES_AHEAD and link.begun > late))
        ]
        return min(ready, key=lambda link: len(link.running), default=None)

    def reinforce(self, place: int) -> None:
        """Starts one more worker if fewer than allowed are up or on their way; returns at once."""
        lively = sum(not self._retires(link) for link in self._links[place])
        if lively + len(self._starting[place]) < self._allowed[place]:
            thread = threading.Thread(target=self._start, args=(place,), name=f"{self._launcher.name}-worker", daemon=True)
            self._starting[place].append(thread)
            thread.start()

    def watch(self) -> None:
        """Sends what waits to be sent, has the selector look for what matters now, and lets retired workers go."""
        for link in self:
            if self._retires(link) and not link.running:
                self.counts["recycled"] += 1
                self.drop(link)
                continue
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.outgoing else 0)
            if self._selector.get_key(link.connection).events != wanted:
                self._selector.modify(link.connection, wanted, link)

    def drop(self, link: Link) -> None:
        """Ends a worker."""
        self._links[link.place].remove(link)
        self._selector.unregister(link.connection)
        link.connection.close()
        link.started.stop()

    def disband(self) -> None:
        """Ends every worker that is up."""
        for link in self:
            self.drop(link)

    def await_starting(self) -> None:
        """Waits until no worker is on its way, and has none tried again; each then waits to be welcomed."""
        self._leaving.set()
        for threads in self._starting:
            for thread in tuple(threads):
                thread.join()

    def _retires(self, link: Link) -> bool:
        return 0 < self._recycle_after <= link.served

    def _start(self, place: int) -> None:
        """Runs in a thread of its own."""
        thread = threading.current_thread()
        reason: Exception | None = None
        for pause_s in _PATIENCE_S if self.counts["started"] else (0,):
            if self._leaving.wait(pause_s):
                break
            try:
                link = Link(self._launcher.start(self._hash_seeds[place]), place)
                link.greet(self._launcher.name)
            except Exception as error:
                reason = error
            else:
                self._call(partial(self._welcome, link, thread))
                return
        if not isinstance(reason, SandboxError):
            reason = SandboxUnavailable(f"A worker of the {self._launcher.name} sandbox did not start: {reason!r}.")
        self._call(partial(self._mourn, place, thread, reason))

    def _welcome(self, link: Link, thread: threading.Thread) -> None:
        self._starting[link.place].remove(thread)
        self.counts["started"] += 1
        self._links[link.place].append(link)
        self._selector.register(link.connection, selectors.EVENT_READ, link)

    def _mourn(self, place: int, thread: threading.Thread, error: Exception) -> None:
        self._starting[place].remove(thread)
        if not self._links[place] and not self._starting[place]:
            self._on_helpless(error)
